"""The job of ``check_maxout.py``, from its configuration."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig

from plnet.maxout.learning.targets import imitation_target
from plnet.runs.jobs.config_parts import plain, plot_options
from plnet.runs.jobs.maxout.job import LearningOptions, check_maxout
from plnet.runs.jobs.maxout.report import describe_check_maxout
from plnet.runs.jobs.recording import Job
from plnet.runs.store.keys import require_values
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt

__all__ = ["check_maxout_job"]

# Raised when the meaning of a number of the job changes.
RESULT_SCHEMA = 1


def check_maxout_job() -> Job:
    """Return the job of ``check_maxout.py`` as `plnet.runs.jobs.recording.run_job` takes it."""
    return Job(
        name="check_maxout",
        schema=RESULT_SCHEMA,
        run=_run_check,
        summary=describe_check_maxout,
        redraw=_redraw_check,
    )


def _run_check(attempt: Attempt, config: DictConfig) -> None:
    require_values(config)
    learning = None if config.learning is None else LearningOptions(**plain(config.learning))
    check_maxout(
        attempt.folder,
        activation=config.activation,
        slope=config.slope,
        pieces=config.pieces,
        widths=plain(config.widths),
        perturbation=config.perturbation,
        learning=learning,
        max_seconds=config.max_seconds,
        draw=_drawing(config),
        seed=config.seed,
        device=config.runtime.device,
        n_threads=config.runtime.threads,
        steps=attempt.steps,
    )


def _redraw_check(folder: RunFolder, config: DictConfig) -> None:
    draw = _drawing(config)
    if draw is not None:
        draw(folder)


def _drawing(config: DictConfig) -> Callable[[RunFolder], Any] | None:
    options = plot_options(config.plot)
    if options is None:
        return None
    # Only a figure needs matplotlib.
    from plnet.runs.jobs.maxout.figures import draw_expression

    target = imitation_target(config.activation, slope=config.slope)
    return functools.partial(draw_expression, target=target, plot=options)
