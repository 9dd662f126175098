"""The job of ``count_regions.py``, from its configuration."""

from __future__ import annotations

import functools
from dataclasses import replace

from omegaconf import DictConfig

from plnet.runs.config.options import CountingOptions
from plnet.runs.jobs.config_parts import call_of, plot_options, record, runtime_of
from plnet.runs.jobs.count_regions.job import CountRegionsOptions, run_count_regions
from plnet.runs.jobs.count_regions.report import describe_count_regions
from plnet.runs.jobs.count_regions.train import check_training, train_classifier
from plnet.runs.jobs.recording import Job, require_same_inputs
from plnet.runs.store.keys import require_values
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt
from plnet.runs.sweeps.thread_budget import own_threads

__all__ = ["build_count_regions", "count_regions_job"]

# Raised when the meaning of a number of the job changes.
RESULT_SCHEMA = 2


def count_regions_job() -> Job:
    """Return the job of ``count_regions.py`` as `plnet.runs.jobs.recording.run_job` takes it."""
    return Job(
        name="count_regions",
        schema=RESULT_SCHEMA,
        run=_run,
        summary=describe_count_regions,
        redraw=_redraw,
        input_files=("network.path", "data.path"),
        user_code=("network.factory",),
    )


def build_count_regions(config: DictConfig) -> CountRegionsOptions:
    """Return the options of `run_count_regions`.

    Raises
    ------
    ConfigError
        If an entry does not fit what it is for.
    """
    require_values(config)
    calls = {key: call_of(config[key], key) for key in ("network", "data", "domain", "training")}
    training = calls["training"]
    if training is not None and training.func is train_classifier:
        check_training(**training.keywords)
    counting = record(CountingOptions, config.engine, "engine")
    # All cores means the share of this job, where a sweep runs several at a time.
    if counting.n_jobs == -1:
        counting = replace(counting, n_jobs=own_threads())
    return CountRegionsOptions(
        **calls,
        counting=counting,
        plot=plot_options(config.plot),
        seed=config.seed,
        runtime=runtime_of(config),
    )


def _run(attempt: Attempt, config: DictConfig) -> None:
    was_read = functools.partial(require_same_inputs, attempt, config, count_regions_job())
    run_count_regions(attempt.folder, build_count_regions(config), steps=attempt.steps, was_read=was_read)


def _redraw(folder: RunFolder, config: DictConfig) -> None:
    from plnet.runs.jobs.count_regions.figures import redraw_panels

    options = plot_options(config.plot)
    if options is not None:
        redraw_panels(folder, options)
