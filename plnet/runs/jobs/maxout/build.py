"""The job of ``check_maxout.py``, from its configuration."""

from __future__ import annotations

from omegaconf import DictConfig

from plnet.maxout.learning.targets import imitation_target
from plnet.runs.config.options import CheckMaxoutOptions, LearningOptions
from plnet.runs.jobs.config_parts import entries_of, plot_options, record, runtime_of
from plnet.runs.jobs.maxout.job import check_maxout
from plnet.runs.jobs.maxout.report import describe_check_maxout
from plnet.runs.jobs.recording import Job
from plnet.runs.store.keys import require_values
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt

__all__ = ["build_check_maxout", "check_maxout_job"]

# Raised when the meaning of a number of the job changes.
RESULT_SCHEMA = 1


def check_maxout_job() -> Job:
    """Return the job of ``check_maxout.py`` as `plnet.runs.jobs.recording.run_job` takes it."""
    return Job(
        name="check_maxout", schema=RESULT_SCHEMA, run=_run, summary=describe_check_maxout, redraw=_redraw
    )


def build_check_maxout(config: DictConfig) -> CheckMaxoutOptions:
    """Return the options of `check_maxout`.

    Raises
    ------
    ConfigError
        If an entry does not fit what it is for.
    """
    require_values(config)
    parts = {
        "learning": None if config.learning is None else record(LearningOptions, config.learning, "learning"),
        "plot": plot_options(config.plot),
        "runtime": runtime_of(config),
    }
    return CheckMaxoutOptions(**entries_of(CheckMaxoutOptions, config) | parts)


def _run(attempt: Attempt, config: DictConfig) -> None:
    check_maxout(attempt.folder, build_check_maxout(config), steps=attempt.steps)


def _redraw(folder: RunFolder, config: DictConfig) -> None:
    from plnet.runs.jobs.maxout.figures import draw_expression

    options = plot_options(config.plot)
    if options is not None:
        draw_expression(folder, imitation_target(config.activation, slope=config.slope), options)
