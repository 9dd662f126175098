"""Types of the configurations of ``check_maxout.py`` and ``fit_convex.py``."""

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

__all__ = ["CheckMaxoutSchema", "FitConvexSchema"]


@dataclass
class CheckMaxoutSchema:
    """The whole configuration of ``check_maxout.py``."""

    learning: Any = MISSING
    runtime: Any = MISSING
    plot: Any = MISSING
    paths: Any = MISSING
    launch: Any = MISSING
    activation: str = "prelu"
    slope: float | None = None
    pieces: int = 2
    widths: list[int] | None = None
    perturbation: int = 40
    max_seconds: float | None = None
    seed: int = 0
    rerun: str = "failed"
    when_locked: str = "wait"


@dataclass
class FitConvexSchema:
    """The whole configuration of ``fit_convex.py``; a bound is a number or a list of numbers."""

    runtime: Any = MISSING
    plot: Any = MISSING
    paths: Any = MISSING
    launch: Any = MISSING
    target: str = "square"
    samples: str | None = None
    dim: int = 1
    low: Any = None
    high: Any = None
    pieces: int = 4
    kind: str = "free"
    objective: str = "sup"
    seed: int = 0
    rerun: str = "failed"
    when_locked: str = "wait"
