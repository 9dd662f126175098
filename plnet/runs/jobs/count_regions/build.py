"""From a configuration to plain arguments; nothing below this module knows OmegaConf."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from hydra._internal.utils import _locate
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from plnet.errors import ConfigError
from plnet.runs.config.user_code import launch_folder, refuse_python_itself
from plnet.runs.jobs.count_regions.counting import CountingOptions
from plnet.runs.jobs.count_regions.job import run_main_job
from plnet.runs.jobs.count_regions.report import describe_main_job
from plnet.runs.jobs.count_regions.train import check_training, train_classifier
from plnet.runs.jobs.recording import Job, require_same_inputs
from plnet.runs.store.keys import require_values
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt
from plnet.runs.sweeps.thread_budget import own_threads

__all__ = ["RESULT_SCHEMA", "build_main_job", "call_of", "main_job"]

# Raised when the meaning of a number of the main job changes.
RESULT_SCHEMA = 2


def main_job() -> Job:
    """Return the main job as `plnet.runs.jobs.recording.run_job` takes it."""
    return Job(
        name="count_regions",
        schema=RESULT_SCHEMA,
        run=_run,
        summary=describe_main_job,
        redraw=_redraw,
        input_files=("network.path", "data.path"),
        user_code=("network.factory",),
    )


def _run(attempt: Attempt, config: DictConfig) -> None:
    arguments = build_main_job(config)
    for name in ("network", "data"):
        if arguments[name] is not None:
            check = functools.partial(require_same_inputs, attempt, config, main_job())
            arguments[name] = _then(arguments[name], check)
    run_main_job(attempt.folder, steps=attempt.steps, **arguments)


def _then(call: Callable[..., Any], check: Callable[[], None]) -> Callable[..., Any]:
    """Return a function that reads what `call` reads, and then checks that it was the right content."""

    def read(**options: Any) -> Any:
        found = call(**options)
        check()
        return found

    return read


def _redraw(folder: RunFolder, config: DictConfig) -> None:
    from plnet.runs.jobs.count_regions.redraw import redraw_main_job

    redraw_main_job(folder, _plot(config.plot))


def build_main_job(config: DictConfig) -> dict[str, Any]:
    """Return the arguments of `run_main_job`, without the folder and the steps.

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
    return {
        **calls,
        "counting": _counting(config.engine),
        "plot": None if config.plot is None else _plot(config.plot),
        "seed": config.seed,
        "device": config.runtime.device,
        "n_threads": config.runtime.threads,
        "deterministic": config.runtime.deterministic,
    }


def call_of(node: DictConfig | None, name: str) -> Any:
    """Return what a node with ``_target_`` and ``_partial_`` stands for; None stays None.

    Raises
    ------
    ConfigError
        If the node is no such node, or has entries that its target does not take.
    """
    if node is None:
        return None
    if not isinstance(node, DictConfig) or "_target_" not in node or not node.get("_partial_"):
        raise ConfigError(
            f"Expected {name} to be an option of its group, with _target_ and _partial_: true; got {node}. "
            "See --help for the options."
        )
    for target in _targets(OmegaConf.to_container(node, resolve=True)):
        with contextlib.suppress(ImportError):  # Hydra says below what is wrong with it.
            refuse_python_itself(target, _locate(target), launch_folder())
    call = instantiate(node, _convert_="all")
    known = inspect.signature(call.func).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        unknown = sorted(set(call.keywords) - set(known))
        if unknown:
            raise ConfigError(
                f"{name} has no option {', '.join(unknown)}; {node._target_} takes {', '.join(known)}."
            )
    return call


def _targets(value: Any) -> Iterator[str]:
    """Yield what Hydra would call for a node, also deep inside of it."""
    if isinstance(value, Mapping):
        target = value.get("_target_")
        if isinstance(target, str):
            yield target
    for entry in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _targets(entry)


def _counting(node: DictConfig) -> CountingOptions:
    options = _record(CountingOptions, node, "engine")
    # All cores means the share of this job, where a sweep runs several at a time.
    return replace(options, n_jobs=own_threads()) if options.n_jobs == -1 else options


def _plot(node: DictConfig) -> Any:
    # Only a figure needs matplotlib.
    from plnet.runs.jobs.count_regions.figures import PlotOptions

    return _record(PlotOptions, node, "plot")


def _record(kind: type, node: DictConfig, name: str) -> Any:
    plain = OmegaConf.to_container(node, resolve=True)
    assert isinstance(plain, dict)
    entries = {str(key): value for key, value in plain.items()}
    unknown = sorted(set(entries) - {field.name for field in fields(kind)})
    if unknown:
        raise ConfigError(
            f"{name} has no option {', '.join(unknown)}; "
            f"it has {', '.join(field.name for field in fields(kind))}."
        )
    return kind(**entries)
