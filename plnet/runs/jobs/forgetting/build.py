"""The job of ``run_forgetting.py``, from its configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from omegaconf import DictConfig

from plnet.errors import ConfigError
from plnet.forgetting.methods.registry import method
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.tasks.recipes import task_sequence
from plnet.forgetting.tasks.task import TaskSequence, as_sequence
from plnet.forgetting.training.options import TrainingOptions
from plnet.runs.config.user_code import load_factory
from plnet.runs.jobs.config_parts import plain, plot_options, runtime_of
from plnet.runs.jobs.forgetting.job import RunForgettingOptions, run_forgetting
from plnet.runs.jobs.forgetting.report import describe_run_forgetting
from plnet.runs.jobs.recording import Job, require_same_inputs
from plnet.runs.store.keys import require_values
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt

__all__ = ["build_run_forgetting", "run_forgetting_job"]

# Raised when the meaning of a number of the job changes.
RESULT_SCHEMA = 2

_DTYPES = {"float32": torch.float32, "float64": torch.float64}


def run_forgetting_job() -> Job:
    """Return the job of ``run_forgetting.py`` as `plnet.runs.jobs.recording.run_job` takes it."""
    return Job(
        name="run_forgetting",
        schema=RESULT_SCHEMA,
        run=_run,
        summary=describe_run_forgetting,
        redraw=_redraw,
        input_files=("tasks.data",),
        user_code=("tasks.factory",),
        # How many members make one program, and which program, decides on rounding only.
        leave_out=("training.chunk",),
    )


def _run(attempt: Attempt, config: DictConfig) -> None:
    options = build_run_forgetting(config)
    require_same_inputs(attempt, config, run_forgetting_job())
    run_forgetting(attempt.folder, options, steps=attempt.steps)


def _redraw(folder: RunFolder, config: DictConfig) -> None:
    from plnet.runs.jobs.forgetting.figures import redraw_forgetting

    options = plot_options(config.plot)
    if options is not None:
        redraw_forgetting(folder, options)


def build_run_forgetting(config: DictConfig) -> RunForgettingOptions:
    """Return the options of `run_forgetting`.

    Raises
    ------
    PLNetError
        If an entry is unknown or impossible.
    """
    require_values(config)
    training = dict(plain(config.training))
    if training["dtype"] not in _DTYPES:
        raise ConfigError(f"Expected training.dtype float32 or float64, got {training['dtype']!r}.")
    training["dtype"] = _DTYPES[training["dtype"]]
    TrainingOptions(
        **{name: training[name] for name in TrainingOptions.__dataclass_fields__}  # type: ignore[arg-type]
    )
    if config.replicates < 1:
        raise ConfigError(f"Expected replicates to be a positive whole number, got {config.replicates}.")
    if config.seed < 0:
        raise ConfigError(f"Expected seed to be a non-negative integer, got {config.seed}.")
    return RunForgettingOptions(
        tasks=_tasks(config.tasks),
        model=_model(config.model),
        method=_method(config.method),
        training=training,
        seeds=range(config.seed, config.seed + config.replicates),
        plot=plot_options(config.plot),
        runtime=runtime_of(config),
    )


def _model(node: Any) -> ModelSpec:
    values = dict(plain(node))
    hidden, dropout = tuple(values.pop("hidden")), values.pop("dropout")
    if dropout and (values["input_dropout"] or values["hidden_dropout"]):
        raise ConfigError(
            "model.dropout=true stands for model.input_dropout=0.2 model.hidden_dropout=0.5. "
            "Give either the one or the others."
        )
    spec = ModelSpec(hidden, **values)
    return spec.with_dropout() if dropout else spec


def _method(node: Any) -> Any:
    values = {str(key): value for key, value in plain(node).items()}
    return method(values.pop("name"), **values)


def _tasks(node: Any) -> TaskSequence:
    values = {str(key): value for key, value in plain(node).items()}
    name = values.pop("name")
    if name == "factory":
        return _from_factory(**values)
    if "shifts" in values:
        values["shifts"] = [tuple(shift) if isinstance(shift, list) else shift for shift in values["shifts"]]
    return task_sequence(name, **values)


def _from_factory(factory: str, options: dict[str, Any]) -> TaskSequence:
    made: Any = load_factory("tasks", factory, options)()
    if not isinstance(made, (TaskSequence, Iterable)):
        raise ConfigError(
            f"Expected {factory} to return a TaskSequence or a list of tasks, got {type(made).__name__}."
        )
    return as_sequence(made)
