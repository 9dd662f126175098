"""The job of ``fit_convex.py``, from its configuration."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from plnet.maxout.fitting.targets.catalogue import named_target
from plnet.runs.jobs.config_parts import plain, plot_options
from plnet.runs.jobs.convex.job import fit_convex
from plnet.runs.jobs.convex.report import describe_fit_convex
from plnet.runs.jobs.recording import Job, require_same_inputs
from plnet.runs.store.keys import require_values
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt

__all__ = ["fit_convex_job"]

# Raised when the meaning of a number of the job changes.
RESULT_SCHEMA = 1


def fit_convex_job() -> Job:
    """Return the job of ``fit_convex.py`` as `plnet.runs.jobs.recording.run_job` takes it."""
    return Job(
        name="fit_convex",
        schema=RESULT_SCHEMA,
        run=_run_fit,
        summary=describe_fit_convex,
        redraw=_redraw_fit,
        input_files=("samples",),
    )


def _run_fit(attempt: Attempt, config: DictConfig) -> None:
    require_values(config)
    fit_convex(
        attempt.folder,
        target=config.target,
        samples=None if config.samples is None else Path(config.samples),
        dim=config.dim,
        low=plain(config.low),
        high=plain(config.high),
        pieces=config.pieces,
        kind=config.kind,
        objective=config.objective,
        draw=_fit_drawing(config),
        seed=config.seed,
        n_threads=config.runtime.threads,
        was_read=functools.partial(require_same_inputs, attempt, config, fit_convex_job()),
    )


def _redraw_fit(folder: RunFolder, config: DictConfig) -> None:
    draw = _fit_drawing(config)
    if draw is not None:
        draw(folder)


def _fit_drawing(config: DictConfig) -> Callable[[RunFolder], Any] | None:
    options = plot_options(config.plot)
    if options is None or config.samples is not None:
        return None
    from plnet.runs.jobs.maxout.figures import draw_fit

    return functools.partial(draw_fit, target=named_target(config.target, config.dim), plot=options)
