"""Types of the configuration of ``run_forgetting.py``."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

__all__ = ["RunForgettingSchema"]


@dataclass
class ForgettingModelSchema:
    """Options of `plnet.forgetting.ModelSpec`; ``dropout`` stands for the usual 0.2 and 0.5."""

    hidden: list[int] = field(default_factory=lambda: [100, 100])
    activation: str = "relu"
    pieces: int = 2
    slope: float | None = None
    dropout: bool = False
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    max_norm: float | None = None
    matching: str = "none"
    heads: str = "single"
    initialiser: str = "default"


@dataclass
class ForgettingTrainingSchema:
    """Options of `plnet.forgetting.train_sequence`."""

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float | None = None
    momentum: float = 0.9
    weight_decay: float = 0.0
    keep_momentum: bool = True
    patience: int | None = None
    monitor: str = "task"
    curves: int | None = None
    dtype: str = "float32"
    engine: str = "auto"
    chunk: int | None = None


@dataclass
class RunForgettingSchema:
    """The whole configuration of ``run_forgetting.py``.

    Groups whose options differ in their fields are untyped here.
    """

    tasks: Any = MISSING
    method: Any = MISSING
    model: ForgettingModelSchema = field(default_factory=ForgettingModelSchema)
    training: ForgettingTrainingSchema = field(default_factory=ForgettingTrainingSchema)
    runtime: Any = MISSING
    plot: Any = MISSING
    paths: Any = MISSING
    launch: Any = MISSING
    replicates: int = 20
    seed: int = 0
    rerun: str = "failed"
    when_locked: str = "wait"
