"""How each task is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from plnet.checks import check_choice
from plnet.errors import ConfigError

__all__ = ["DEFAULT_LEARNING_RATE", "DEFAULT_MAX_NORM", "TrainingOptions"]

DEFAULT_LEARNING_RATE = 0.05
DEFAULT_MAX_NORM = 1.0
"""What a training takes that names no learning rate; a table in the tests has what they reach."""


@dataclass(frozen=True)
class TrainingOptions:
    """What all members of a program share in training.

    Parameters
    ----------
    epochs : int
        Passes over the training part of each task; the most, with `patience`.
    batch_size : int
        The last minibatch of an epoch takes what is left.
    keep_momentum : bool
        Whether the momentum buffers go on from task to task, as with one optimiser for all tasks.
    patience : int, optional
        Stop a member when its validation accuracy has not risen for so many epochs, and return to
        its best epoch. Without it all epochs are run and the last one counts.
    engine : {"auto", "batched", "fused"}
        "batched" does every step of all members as tensor operations, on any device. "fused" is
        compiled code for the CPU that trains each member by itself, for piecewise-linear
        activations and methods that leave steps alone; members share the threads that torch may
        use. "auto" takes it where it can. Both give the same but for rounding.
    chunk : int, optional
        Members in one batched program; chosen from the sizes without it.
    monitor : {"task", "seen"}
        What patience looks at: the task in training, or the mean over all tasks up to it.
    curves : int, optional
        Epochs between tests on all tasks within the tasks; none without it.

    Raises
    ------
    ConfigError
        If a number is impossible.
    """

    epochs: int = 10
    batch_size: int = 64
    keep_momentum: bool = True
    patience: int | None = None
    engine: Literal["auto", "batched", "fused"] = "auto"
    chunk: int | None = None
    monitor: Literal["task", "seen"] = "task"
    curves: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            _check_positive(name, getattr(self, name))
        for name in ("patience", "chunk", "curves"):
            if getattr(self, name) is not None:
                _check_positive(name, getattr(self, name))
        if self.engine not in ("auto", "batched", "fused"):
            raise ConfigError(f'Expected engine "auto", "batched" or "fused", got {self.engine!r}.')
        check_choice("monitor", self.monitor, ("task", "seen"))


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"Expected {name} to be a positive integer, got {value!r}.")
