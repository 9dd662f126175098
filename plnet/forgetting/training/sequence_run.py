"""One run over a sequence of tasks: train all members on a task, measure, keep the state, go on."""

from __future__ import annotations

import functools
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np
import torch

from plnet.errors import ConfigError, TaskError
from plnet.forgetting.methods.base import Method
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.results.curves import AccuracyCurves
from plnet.forgetting.results.result import SequenceResult
from plnet.forgetting.tasks.task import TaskSequence, brings_new_classes
from plnet.forgetting.tasks.task_source import TaskSource
from plnet.forgetting.training.checkpoint import Checkpoint
from plnet.forgetting.training.display import display
from plnet.forgetting.training.evaluation import evaluate, hits
from plnet.forgetting.training.failure_watch import FailureWatch
from plnet.forgetting.training.members import make_members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.trainer import train_task
from plnet.forgetting.training.trainer_chunk import EpochView

__all__ = ["SequenceRun"]

logger = logging.getLogger(__name__)

_SCHEMA = 3
"""Of checkpoints; raised when an older one would lack something, or mean something else."""


_APART = ("chunk", "monitor", "curves")
"""Options that do not change the training, or stand beside it in the state of a checkpoint."""


class _BudgetSpent(Exception):
    """Raised in the middle of a task to leave it."""


class SequenceRun:
    """All members of S replicates and H settings, and what has been measured on them.

    Parameters
    ----------
    sequence : TaskSequence
    model : ModelSpec
    methods : sequence of Method
        H of one class, or one for all settings.
    seeds : tuple of int, length S
    rates : mapping
        ``learning_rate``, ``momentum``, ``weight_decay``: a number, or H of them.
    options : TrainingOptions
    device : torch.device
    dtype : torch.dtype

    Raises
    ------
    PLNetError
        If something does not fit, before any training.
    """

    def __init__(
        self,
        sequence: TaskSequence,
        model: ModelSpec,
        methods: Sequence[Method],
        seeds: tuple[int, ...],
        rates: Mapping[str, Any],
        options: TrainingOptions,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.sequence, self.methods, self.seeds, self.rates = sequence, list(methods), seeds, rates
        self.model, self.options = model, options
        self.architecture = model.resolve(sequence.n_inputs, sequence.n_classes)
        self.members = make_members(
            self.architecture,
            seeds,
            self.methods if len(self.methods) != 1 else self.methods[0],
            **rates,
            dtype=dtype,
            device=device,
        )
        self.source = TaskSource(sequence, seeds, dtype, device)
        if options.patience is not None and not self.source.has("validation"):
            raise TaskError(
                "Early stopping (patience) needs validation samples, and the tasks have none. Give the tasks "
                "some, as with validation_fraction=0.1, or leave patience out."
            )
        count, tasks = len(self.members), len(sequence)
        self.accuracy = np.full((count, tasks + 1, tasks), np.nan)
        self.validation = np.full_like(self.accuracy, np.nan) if self.source.has("validation") else None
        self.epochs = np.zeros((count, tasks), dtype=np.int64)
        self.watch = FailureWatch(self.members, self.source, options)
        self.moments: list[tuple[int, float]] = []
        self.traces: list[np.ndarray] = []
        self.measured, self.seconds = 0, 0.0

    @property
    def n_settings(self) -> int:
        """Number H of settings."""
        return len(self.members) // len(self.seeds)

    def train(
        self, max_seconds: float | None, progress: Any, checkpoint: Checkpoint | None
    ) -> tuple[SequenceResult, ...]:
        """Go through the tasks that are not done, and return a result for each setting."""
        begin, before = time.perf_counter(), self._restore(checkpoint)

        def spent() -> float:
            return before + time.perf_counter() - begin

        complete, tasks = False, len(self.sequence)
        logger.info(
            "%d tasks: %s; %s, method %s, %d replicates%s",
            tasks,
            self.sequence.name,
            _words(self.architecture),
            self.methods[0].name,
            len(self.seeds),
            f", {self.n_settings} settings" if self.n_settings > 1 else "",
        )
        try:
            with display(progress, tasks * self.options.epochs * len(self.members)) as show:
                show(self.measured_tasks * self.options.epochs * len(self.members), "")
                if self.measured == 0:
                    self._measure(0)
                for task in range(self.measured_tasks, tasks):
                    text = f"task {task + 1} of {tasks}"

                    def tick(steps: int, text: str = text) -> None:
                        show(steps, text)
                        if max_seconds is not None and time.perf_counter() - begin >= max_seconds:
                            raise _BudgetSpent

                    self._task(task, tick)
                    self.seconds = spent()
                    if checkpoint is not None:
                        checkpoint.save(self._state())
            complete = True
        except _BudgetSpent:
            logger.info("the budget of %g s is spent; %s", max_seconds, self._known())
        except KeyboardInterrupt:
            if self.measured == 0:
                raise
            logger.info("interrupted; %s", self._known())
        self.seconds = spent()
        return tuple(self._result(setting, complete) for setting in range(self.n_settings))

    @property
    def measured_tasks(self) -> int:
        """Tasks that are trained and measured."""
        return max(0, self.measured - 1)

    def _known(self) -> str:
        return f"{self.measured_tasks} of {len(self.sequence)} tasks are known"

    def _source(self, task: int) -> Any:
        return functools.partial(self.source.task, task)

    def _task(self, task: int, tick: Any) -> None:
        traces: dict[int, np.ndarray] = {}
        self.watch.begin()
        report = train_task(
            self.members,
            self._source(task),
            self.options,
            monitor=[self._source(t) for t in range(task + 1)] if self.options.monitor == "seen" else None,
            observe=None if self.options.curves is None else functools.partial(self._observe, traces),
            tick=tick,
        )
        self.epochs[:, task] = report.epochs
        for epoch in sorted(traces):
            self.moments.append((task + 1, float(epoch)))
            self.traces.append(traces[epoch])
        self.watch.look(task)
        self._measure(task + 1)
        self._tell(task, report.seconds)

    def _tell(self, task: int, seconds: float) -> None:
        learned = self.accuracy[:, task + 1, task]
        known = learned[~np.isnan(learned)]
        logger.info(
            "task %d of %d, %s: accuracy %s right after it, mean of %d; trained in %.3g s",
            task + 1,
            len(self.sequence),
            self.sequence.task_names[task],
            f"{known.mean():.3f}" if len(known) else "unknown",
            len(known),
            seconds,
        )
        if failed := int((self.watch.task == task + 1).sum()):
            logger.info("task %d: %d of %d replicates have failed", task + 1, failed, len(self.members))

    def _measure(self, row: int) -> None:
        """Test on all tasks; a row counts only when it is whole."""
        test = [evaluate(self.members, self._source(t)) for t in range(len(self.sequence))]
        if self.validation is not None:
            parts = [evaluate(self.members, self._source(t), "validation") for t in range(len(self.sequence))]
            self.validation[:, row] = np.stack(parts, axis=1)
        self.accuracy[:, row] = np.stack(test, axis=1)
        if self.options.curves is not None and row == 0:
            self.moments.append((0, 0.0))
            self.traces.append(self.accuracy[:, 0].copy())
        self.measured = row + 1

    def _observe(self, traces: dict[int, np.ndarray], view: EpochView) -> None:
        epoch = view.epoch + 1
        if self.options.curves is None or epoch % self.options.curves:
            return
        trace = traces.setdefault(epoch, np.full((len(self.members), len(self.sequence)), np.nan))
        numbers = list(view.members)
        for task in range(len(self.sequence)):
            right = hits(view.network, view.parameters, self.source.task(task, numbers), "test")
            trace[numbers, task] = right.to(torch.float64).mean(dim=1).cpu().numpy()
        finite = view.parameters.isfinite().all(dim=1).cpu().numpy()
        trace[np.array(numbers)[~finite]] = np.nan

    # The state between two tasks

    def _state(self) -> dict[str, Any]:
        return {
            "schema": _SCHEMA,
            "identity": self._identity,
            "members": self.members.state_dict(),
            "accuracy": torch.from_numpy(self.accuracy.copy()),
            "validation": None if self.validation is None else torch.from_numpy(self.validation.copy()),
            "epochs": torch.from_numpy(self.epochs.copy()),
            "failures": self.watch.state_dict(),
            "moments": [list(moment) for moment in self.moments],
            "traces": [torch.from_numpy(trace) for trace in self.traces],
            "measured": self.measured,
            "seconds": self.seconds,
        }

    def _restore(self, checkpoint: Checkpoint | None) -> float:
        """Take over a stored state; return the seconds that it took."""
        state = None if checkpoint is None else checkpoint.load()
        if state is None:
            return 0.0
        if state.get("schema") != _SCHEMA:
            raise ConfigError(
                "The checkpoint was made by another version of plnet. Give another path, or remove the file."
            )
        if state.get("identity") != self._identity:
            changed = _differences(state.get("identity"), self._identity)
            raise ConfigError(
                f"The checkpoint belongs to another training{changed}. Give another path, or remove the file."
            )
        self.members.load_state_dict(state["members"])
        self.accuracy[:] = state["accuracy"].numpy()
        if self.validation is not None:
            self.validation[:] = state["validation"].numpy()
        self.epochs[:] = state["epochs"].numpy()
        self.watch.load_state_dict(state["failures"])
        self.moments = [(int(task), float(epoch)) for task, epoch in state["moments"]]
        self.traces = [trace.numpy() for trace in state["traces"]]
        self.measured, self.seconds = int(state["measured"]), float(state["seconds"])
        self.members.sources = [self._source(task) for task in range(self.measured_tasks)]
        logger.info("going on from a checkpoint; %s", self._known())
        return self.seconds

    @functools.cached_property
    def _identity(self) -> str:
        """Return a text that is equal exactly for trainings that give the same numbers."""
        whole = {
            "tasks": [self.sequence.name, *self.sequence.task_names],
            "data": self.source.digest(),
            "model": asdict(self.architecture),
            "methods": [_method_settings(method) for method in self.methods],
            "seeds": list(self.seeds),
            "rates": {name: np.asarray(value).tolist() for name, value in self.rates.items()},
            "options": {k: v for k, v in asdict(self.options).items() if k not in _APART},
            "monitor": self.options.monitor,
            "curves": self.options.curves,
            "dtype": str(self.members.parameters.dtype),
        }
        return json.dumps(whole, sort_keys=True, default=str)

    # The results

    def _result(self, setting: int, complete: bool) -> SequenceResult:
        size = len(self.seeds)
        rows = slice(setting * size, (setting + 1) * size)
        curves = None
        if self.options.curves is not None:
            moments = np.array(self.moments, dtype=np.float64).reshape(-1, 2)
            accuracy = np.stack([trace[rows] for trace in self.traces], axis=1)
            curves = AccuracyCurves(moments[:, 0].astype(np.int64), moments[:, 1], accuracy)
        return SequenceResult(
            accuracy=self.accuracy[rows],
            task_names=self.sequence.task_names,
            seeds=self.seeds,
            method=self.methods[setting if len(self.methods) > 1 else 0].name,
            model=_words(self.architecture),
            settings=self._settings(setting),
            diverged=self.watch.diverged[rows],
            failures=self.watch.failures(rows),
            digests=self.source.digests(),
            epochs=self.epochs[rows],
            validation=None if self.validation is None else self.validation[rows],
            curves=curves,
            seconds=self.seconds / self.n_settings,
            complete=complete,
        )

    def _settings(self, setting: int) -> dict[str, Any]:
        architecture, options = self.architecture, self.options
        method = self.methods[setting if len(self.methods) > 1 else 0]
        return {
            "tasks": self.sequence.name,
            "tasks_in_words": self.sequence.description,
            "new_classes": brings_new_classes(self.source.drawn[0]),
            "activation": architecture.activation,
            "slope": architecture.slope,
            "initialiser": self.model.initialiser,
            "match": architecture.match,
            "n_parameters": architecture.n_parameters,
            "input_dropout": architecture.input_dropout,
            "hidden_dropout": architecture.hidden_dropout,
            "max_norm": architecture.max_norm,
            **{name: _pick(value, setting) for name, value in self.rates.items()},
            "epochs_per_task": options.epochs,
            "batch_size": options.batch_size,
            "keep_momentum": options.keep_momentum,
            "patience": options.patience,
            "monitor": self.options.monitor,
            "dtype": str(self.members.parameters.dtype).removeprefix("torch."),
            **_method_settings(method)["settings"],
        }


def _method_settings(method: Method) -> dict[str, Any]:
    known = fields(method) if is_dataclass(method) else ()
    return {"name": method.name, "settings": {part.name: getattr(method, part.name) for part in known}}


def _pick(value: Any, setting: int) -> float:
    array = np.atleast_1d(np.asarray(value, dtype=np.float64))
    return float(array[setting if len(array) > 1 else 0])


def _words(architecture: Any) -> str:
    sizes = [architecture.n_inputs, *(layer.n_out for layer in architecture.layers)]
    pieces = f" ({architecture.pieces} pieces)" if architecture.pieces > 1 else ""
    drop = ""
    if architecture.drops:
        drop = f", dropout {architecture.input_dropout:g} and {architecture.hidden_dropout:g}"
    norm = "" if architecture.max_norm is None else f", norm at most {architecture.max_norm:g}"
    return f"{architecture.activation}{pieces} {'-'.join(map(str, sizes))}{drop}{norm}"


def _differences(stored: Any, wanted: str) -> str:
    try:
        old, new = json.loads(stored), json.loads(wanted)
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        if {"seeds", "tasks"} & set(names):
            names = [name for name in names if name != "data"]  # They follow from these.
    except (TypeError, ValueError, AttributeError):
        return ""
    return f": {', '.join(names)} {'differs' if len(names) == 1 else 'differ'}"
