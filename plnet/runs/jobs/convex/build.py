"""The job of ``fit_convex.py``, from its configuration."""

from __future__ import annotations

import functools

from omegaconf import DictConfig

from plnet.maxout.fitting.targets.catalogue import named_target
from plnet.runs.config.options import FitConvexOptions
from plnet.runs.jobs.config_parts import entries_of, plot_options, runtime_of
from plnet.runs.jobs.convex.job import fit_convex
from plnet.runs.jobs.convex.report import describe_fit_convex
from plnet.runs.jobs.recording import Job, require_same_inputs
from plnet.runs.store.keys import require_values
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt

__all__ = ["build_fit_convex", "fit_convex_job"]

# Raised when the meaning of a number of the job changes.
RESULT_SCHEMA = 1


def fit_convex_job() -> Job:
    """Return the job of ``fit_convex.py`` as `plnet.runs.jobs.recording.run_job` takes it."""
    return Job(
        name="fit_convex",
        schema=RESULT_SCHEMA,
        run=_run,
        summary=describe_fit_convex,
        redraw=_redraw,
        input_files=("samples",),
    )


def build_fit_convex(config: DictConfig) -> FitConvexOptions:
    """Return the options of `fit_convex`.

    Raises
    ------
    ConfigError
        If an entry does not fit what it is for.
    """
    require_values(config)
    parts = {"plot": plot_options(config.plot), "runtime": runtime_of(config)}
    return FitConvexOptions(**entries_of(FitConvexOptions, config) | parts)


def _run(attempt: Attempt, config: DictConfig) -> None:
    was_read = functools.partial(require_same_inputs, attempt, config, fit_convex_job())
    fit_convex(attempt.folder, build_fit_convex(config), was_read=was_read)


def _redraw(folder: RunFolder, config: DictConfig) -> None:
    from plnet.runs.jobs.convex.figures import draw_fit

    options = plot_options(config.plot)
    if options is not None and config.samples is None:
        draw_fit(folder, named_target(config.target, config.dim), options)
