"""One task of one chunk of members: epochs, early stopping, divergence, and the hooks of the method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from plnet.forgetting.methods.base import Method, TaskContext, TaskData
from plnet.forgetting.models.batched_network import BatchedNetwork
from plnet.forgetting.models.dropout import dropout_key
from plnet.forgetting.training.engine_batched import batched_epoch
from plnet.forgetting.training.engine_fused import chooses_fused, fused_epoch
from plnet.forgetting.training.evaluation import hits
from plnet.forgetting.training.heads import InactiveOutputs
from plnet.forgetting.training.members import Members
from plnet.forgetting.training.optimiser import Rates
from plnet.forgetting.training.options import TrainingOptions

__all__ = ["EpochView", "Program", "train_chunk"]


@dataclass(frozen=True, eq=False)
class EpochView:
    """What an observer sees after an epoch.

    Parameters
    ----------
    task, epoch : int
        From 0.
    members : tuple of int
        Numbers of the members that are still in the program.
    network : BatchedNetwork
    parameters : torch.Tensor, shape (m, P)
        Not to be changed or kept without a copy.
    """

    task: int
    epoch: int
    members: tuple[int, ...]
    network: BatchedNetwork
    parameters: torch.Tensor


@dataclass(eq=False)
class Program:
    """The members of a chunk that are still trained, as an engine sees them.

    Parameters
    ----------
    context : TaskContext
    method : Method
    velocity : torch.Tensor, shape (m, P)
    rates : Rates
    keys : list of int, length m
        For dropout.
    here : torch.Tensor of int64, shape (m,)
        Their places in the chunk.
    steps : int
        Optimiser steps made in this task.
    threads : int
        Among which compiled code may divide the members.
    samples : pair of torch.Tensor, optional
        All training samples, where an engine has laid them out.
    """

    context: TaskContext
    method: Method
    velocity: torch.Tensor
    rates: Rates
    keys: list[int]
    here: torch.Tensor
    steps: int = 0
    threads: int = 1
    samples: tuple[torch.Tensor, torch.Tensor] | None = None


def train_chunk(
    members: Members,
    rows: range,
    data: TaskData,
    options: TrainingOptions,
    watched: Sequence[TaskData],
    observe: Callable[[EpochView], object] | None = None,
    tick: Callable[[int], object] | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Train the members `rows` on one task in place; return the epochs that each was trained."""
    run = _Chunk(members, rows, data, options, watched)
    members.method.before_task(run.full)
    inactive = InactiveOutputs(run.full, run.velocity)
    run.start(threads)
    for epoch in range(options.epochs):
        if len(run.program.here) == 0:
            break
        run.epoch(epoch)
        context = run.program.context
        inactive.put_back(context.network, context.parameters, run.program.here)
        if observe is not None:
            numbers = tuple(rows[place] for place in run.program.here.tolist())
            observe(EpochView(context.task, epoch, numbers, context.network, context.parameters))
        if tick is not None:
            tick(len(run.program.here))
        run.sort_out()
    run.finish()
    inactive.finish(run.full.network, run.full.parameters, run.velocity)
    members.method.after_task(run.full)
    run.keep_state()
    return run.epochs.cpu().numpy()


class _Chunk:
    """The state of `train_chunk`: the whole chunk, the part still in the program, and the best epochs."""

    def __init__(
        self,
        members: Members,
        rows: range,
        data: TaskData,
        options: TrainingOptions,
        watched: Sequence[TaskData],
    ) -> None:
        where = slice(rows.start, rows.stop)
        self.members, self.rows, self.options, self.watched = members, rows, options, watched
        self.rates = members.rates.take(torch.arange(*where.indices(len(members))))
        # Rows of the members' own tensors: training writes there.
        self.velocity, self.diverged = members.velocity[where], members.diverged[where]
        self.full = TaskContext(
            task=members.tasks_done,
            network=BatchedNetwork(members.architecture),
            parameters=members.parameters[where],
            data=data,
            seeds=members.seeds[where],
            settings={name: value[where] for name, value in members.settings.items()},
            state={name: value[where].clone() for name, value in members.state.items()},
            learning_rate=self.rates.learning_rate,
            initial=lambda: members.initial(rows),
            earlier=lambda: [source(rows) for source in members.sources],
        )
        device = self.full.parameters.device
        self.fused = chooses_fused(members, options)
        self.epochs = torch.zeros(len(rows), dtype=torch.int64, device=device)
        self.stale = torch.zeros(len(rows), dtype=torch.int64, device=device)
        self.best = torch.full((len(rows),), -1.0, device=device)
        self.best_parameters = self.best_velocity = torch.empty(0)

    def start(self, threads: int) -> None:
        """Put the members that have not diverged into the program."""
        keys = [dropout_key(seed, self.full.task) for seed in self.full.seeds]
        here = torch.arange(len(self.rows), device=self.diverged.device)
        self.program = Program(
            self.full, self.members.method, self.velocity, self.rates, keys, here, threads=threads
        )
        if self.options.patience is not None:
            self.best_parameters, self.best_velocity = self.full.parameters.clone(), self.velocity.clone()
        if bool(self.diverged.any()):
            self.narrow(~self.diverged)

    def epoch(self, number: int) -> None:
        """Run one epoch of the members in the program."""
        context = self.program.context
        n = context.data.size("train")
        order = np.stack([one.permutation(n) for one in context.generators("order")])
        rows = torch.from_numpy(order).to(context.parameters.device)
        if self.fused:
            fused_epoch(self.program, rows, self.options)
        else:
            batched_epoch(self.program, rows, number, self.options)
        self.epochs[self.program.here] += 1

    def sort_out(self) -> None:
        """Mark members that diverged, remember best epochs, and let go of those that are done."""
        here, parameters = self.program.here, self.program.context.parameters
        finite = parameters.isfinite().all(dim=1)
        self.diverged[here] = ~finite
        stays = finite
        if self.options.patience is not None:
            score = self._score()
            better = finite & (score > self.best[here])
            chosen = here[better]
            self.best[chosen] = score[better]
            self.best_parameters[chosen] = parameters[better]
            self.best_velocity[chosen] = self.program.velocity[better]
            self.stale[here] += 1
            self.stale[chosen] = 0
            stays = finite & (self.stale[here] < self.options.patience)
        if not bool(stays.all()):
            self.narrow(stays)

    def narrow(self, stays: torch.Tensor) -> None:
        """Leave only some members in the program; the others get back what they have learned."""
        self._write_back()
        old, program = self.program.context, self.program
        kept = stays.nonzero().flatten()
        here = program.here[kept]
        numbers = kept.tolist()
        context = replace(
            old,
            parameters=self.full.parameters[here],
            data=_Narrowed(self.full.data, here, len(self.rows)),
            seeds=tuple(old.seeds[place] for place in numbers),
            settings={name: value[kept] for name, value in old.settings.items()},
            state={name: value[kept] for name, value in old.state.items()},
            learning_rate=old.learning_rate[kept],
            initial=lambda: self.members.initial([self.rows[place] for place in here.tolist()]),
            _generators={
                purpose: [streams[place] for place in numbers] for purpose, streams in old._generators.items()
            },
        )
        self.program = Program(
            context,
            program.method,
            self.velocity[here],
            program.rates.take(kept),
            [program.keys[place] for place in numbers],
            here,
            program.steps,
            program.threads,
        )

    def finish(self) -> None:
        """Give all members what they keep of the task."""
        self._write_back()
        if self.options.patience is not None:
            known = (self.best >= 0) & ~self.diverged
            self.full.parameters[known] = self.best_parameters[known]
            self.velocity[known] = self.best_velocity[known]

    def keep_state(self) -> None:
        """Store what the method remembers about the members of this chunk."""
        where = slice(self.rows.start, self.rows.stop)
        for name, value in self.full.state.items():
            if name not in self.members.state:
                shape = (len(self.members), *value.shape[1:])
                self.members.state[name] = torch.zeros(shape, dtype=value.dtype, device=value.device)
            self.members.state[name][where] = value

    def _write_back(self) -> None:
        here, context = self.program.here, self.program.context
        if context is self.full:
            return
        self.full.parameters[here] = context.parameters
        self.velocity[here] = self.program.velocity
        for name, value in context.state.items():
            if name not in self.full.state:
                shape = (len(self.rows), *value.shape[1:])
                self.full.state[name] = torch.zeros(shape, dtype=value.dtype, device=value.device)
            self.full.state[name][here] = value

    def _score(self) -> torch.Tensor:
        context, here = self.program.context, self.program.here
        scores = []
        for data in self.watched:
            one = data if len(here) == len(self.rows) else _Narrowed(data, here, len(self.rows))
            found = hits(context.network, context.parameters, one, "validation")
            scores.append(found.to(torch.float64).mean(dim=1))
        return torch.stack(scores).mean(dim=0).to(self.best.dtype)


class _Narrowed:
    """The data of some members of a chunk."""

    def __init__(self, data: TaskData, here: torch.Tensor, members: int) -> None:
        self._data, self._here, self._members = data, here, members

    @property
    def active(self) -> torch.Tensor | None:
        return None if self._data.active is None else self._data.active[self._here]

    def size(self, part: Any) -> int:
        return self._data.size(part)

    def gather(self, part: Any, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        every = rows.new_zeros(self._members, rows.shape[1])
        every[self._here] = rows
        x, y = self._data.gather(part, every)
        return x[self._here], y[self._here]
