"""The members that are trained at once: replicates times settings, with everything that training changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch

from plnet.errors import ConfigError
from plnet.forgetting.methods.base import Method, TaskData
from plnet.forgetting.models.modules import initial_parameters, to_module
from plnet.forgetting.models.spec import Architecture
from plnet.forgetting.seeding import check_seeds
from plnet.forgetting.training.optimiser import Rates

__all__ = ["Members", "make_members"]


@dataclass(eq=False)
class Members:
    """M members of one architecture and one kind of method; training changes them in place.

    Parameters
    ----------
    architecture : Architecture
    seeds : tuple of int, length M
        Of each member's replicate. Members that differ in settings only share a seed.
    method : Method
    parameters, velocity : torch.Tensor, shape (M, P)
        What is trained, and the momentum buffers of SGD.
    rates : Rates
    settings : dict of torch.Tensor, each of shape (M,)
        The settings of the method that differ between members.
    diverged : torch.Tensor of bool, shape (M,)
        Members with parameters that are not finite; they take no further part.
    state : dict of torch.Tensor, each of shape (M, ...)
        What the method remembers.
    tasks_done : int
    sources : list of callables
        Each gives the data of one of these tasks to the members with some numbers. No part of a state: who
        goes on from one has to set them for a method that trains on earlier tasks again.
    """

    architecture: Architecture
    seeds: tuple[int, ...]
    method: Method
    parameters: torch.Tensor
    velocity: torch.Tensor
    rates: Rates
    settings: dict[str, torch.Tensor]
    diverged: torch.Tensor
    state: dict[str, torch.Tensor] = field(default_factory=dict)
    tasks_done: int = 0
    sources: list[Callable[[Sequence[int]], TaskData]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.seeds)

    def initial(self, members: Sequence[int]) -> torch.Tensor:
        """Return the parameters that some members had before the first task."""
        seeds = [self.seeds[member] for member in members]
        return initial_parameters(self.architecture, seeds, self.parameters.dtype).to(self.parameters.device)

    def module(self, member: int) -> torch.nn.Sequential:
        """Return one member as a torch module in evaluation mode, for example to count its regions."""
        return to_module(self.architecture, self.parameters[member]).eval()

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all that training changes; enough to go on exactly as if never stopped.

        Random numbers need no place here: their streams are keyed by seed, purpose and task.
        """
        return {
            "tasks_done": self.tasks_done,
            "parameters": self.parameters.cpu().clone(),
            "velocity": self.velocity.cpu().clone(),
            "diverged": self.diverged.cpu().clone(),
            "state": {name: value.cpu().clone() for name, value in self.state.items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Raises
        ------
        ConfigError
            If it belongs to other members.
        """
        for name in ("parameters", "velocity", "diverged"):
            ours, theirs = getattr(self, name), saved[name]
            if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
                raise ConfigError(
                    f"The checkpoint does not fit: expected {name} {tuple(ours.shape)} {ours.dtype}, got "
                    f"{tuple(theirs.shape)} {theirs.dtype}. It was made with other members, sizes or numbers."
                )
            ours.copy_(theirs)
        device = self.parameters.device
        self.state = {name: value.to(device).clone() for name, value in saved["state"].items()}
        self.tasks_done = int(saved["tasks_done"])


def make_members(
    architecture: Architecture,
    seeds: Sequence[int],
    method: Method | Sequence[Method] | None = None,
    *,
    learning_rate: float | Sequence[float] = 0.05,
    momentum: float | Sequence[float] = 0.9,
    weight_decay: float | Sequence[float] = 0.0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Members:
    """Return untrained members: each seed with each setting, the settings of one seed behind one another's.

    Settings are given by sequences of one length H. Member ``h * S + s`` has setting h and seed s.

    Parameters
    ----------
    architecture : Architecture
    seeds : sequence of int, length S
    method : Method, or sequence of H methods of one class; plain training without it
    learning_rate, momentum, weight_decay : float, or sequence of H floats
    dtype : torch.dtype
    device : torch.device or str

    Returns
    -------
    Members
        M = H * S of them.

    Raises
    ------
    ConfigError
        If settings do not fit together.

    Examples
    --------
    >>> from plnet.forgetting.training.members import make_members
    >>> from plnet.forgetting.models.spec import ModelSpec
    >>> members = make_members(ModelSpec((8,)).resolve(4, 2), range(3), learning_rate=[0.1, 0.01])
    >>> members.seeds, [round(float(rate), 2) for rate in members.rates.learning_rate]
    ((0, 1, 2, 0, 1, 2), [0.1, 0.1, 0.1, 0.01, 0.01, 0.01])
    """
    if dtype not in (torch.float32, torch.float64):
        raise ConfigError(f"Expected dtype torch.float32 or torch.float64, got {dtype}.")
    chosen = check_seeds(seeds)
    given = {"learning_rate": learning_rate, "momentum": momentum, "weight_decay": weight_decay}
    methods = method if isinstance(method, Sequence) else [Method() if method is None else method]
    lengths = {name: len(value) for name, value in given.items() if isinstance(value, Sequence | np.ndarray)}
    if isinstance(method, Sequence):
        lengths["method"] = len(method)
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ConfigError(f"Expected one value for each setting, got sequences of lengths {lengths}.")
    settings = next(iter(lengths.values()), 1)

    def spread(values: Any) -> torch.Tensor:
        array = np.broadcast_to(np.asarray(values, dtype=np.float64), (settings,))
        return torch.from_numpy(np.repeat(array, len(chosen))).to(dtype=dtype, device=device)

    rates = {name: spread(value) for name, value in given.items()}
    _check_rates(rates)
    seeds_of_members = chosen * settings
    start = initial_parameters(architecture, seeds_of_members, dtype).to(device)
    return Members(
        architecture,
        seeds_of_members,
        methods[0],
        start,
        torch.zeros_like(start),
        Rates(**rates),
        {name: spread([getattr(one, name) for one in methods]) for name in _common(methods).per_member},
        torch.zeros(len(seeds_of_members), dtype=torch.bool, device=device),
    )


def _check_rates(rates: dict[str, torch.Tensor]) -> None:
    limits = {"learning_rate": (0.0, np.inf), "momentum": (0.0, 1.0), "weight_decay": (0.0, np.inf)}
    for name, (low, high) in limits.items():
        wrong = [float(value) for value in rates[name] if not low <= float(value) < high]
        if wrong:
            raise ConfigError(f"Expected {name} in [{low:g}, {high:g}), got {wrong[0]}.")


def _common(methods: Sequence[Method]) -> Method:
    """Return the first of methods that differ in per-member settings only."""
    first = methods[0]
    for other in methods:
        if type(other) is not type(first):
            raise ConfigError(
                f"Expected methods of one class in one program, got {first.name!r} and {other.name!r}. "
                "Train them one after the other."
            )
        for part in fields(first) if hasattr(first, "__dataclass_fields__") else ():  # type: ignore[arg-type]
            ours, theirs = getattr(first, part.name), getattr(other, part.name)
            if part.name not in first.per_member and ours != theirs:
                raise ConfigError(
                    f"Expected methods of one program to share {part.name!r}, got {ours!r} and {theirs!r}. "
                    "Train them one after the other."
                )
    return first
