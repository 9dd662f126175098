"""Configurations, and groups of them, as frozen values; the types of the YAML files follow from these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plnet.checks import check_choice

__all__ = [
    "CheckMaxoutOptions",
    "CountingOptions",
    "FitConvexOptions",
    "LearningOptions",
    "PlotOptions",
    "Runtime",
]


@dataclass(frozen=True)
class CountingOptions:
    """How to count.

    Parameters
    ----------
    name : str
        Of the engine, as in `plnet.count_regions`.
    max_regions, max_seconds : int or float, optional
        Budgets of each count.
    n_jobs : int
        Threads; -1 takes one for each core.
    """

    name: str = "auto"
    max_regions: int | None = None
    max_seconds: float | None = None
    n_jobs: int = 1


@dataclass(frozen=True)
class LearningOptions:
    """How the units are trained; as in `plnet.maxout.learning.imitate`."""

    units: int = 1
    replicates: int = 200
    initialiser: str = "default"
    optimiser: str = "adam"
    learning_rate: float | None = None
    steps: int = 1000
    samples: int = 256
    tolerance: float = 0.02


@dataclass(frozen=True)
class PlotOptions:
    """How a figure looks; wrong words are refused here, long before there is something to draw.

    Parameters
    ----------
    color_by : str
        As in `plnet.plot_regions`.
    column, venue : str
        Width of the figure, as in `plnet.plotting.style`.
    formats : tuple of str
        As in `plnet.plotting.save_figure`.

    Raises
    ------
    ConfigError
        If a word is unknown.
    """

    color_by: str = "pattern"
    column: str = "full"
    venue: str = "neurips"
    formats: tuple[str, ...] = ("pdf", "png")

    def __post_init__(self) -> None:
        # Only a figure needs matplotlib.
        from plnet.plotting import style
        from plnet.plotting.regions.colors import check_color_by
        from plnet.plotting.save import FORMATS

        check_color_by(self.color_by)
        style(self.column, self.venue)
        for name in self.formats:
            check_choice("format", name, FORMATS)


@dataclass(frozen=True)
class Runtime:
    """The group ``runtime`` of a configuration; no number depends on it, but for rounding.

    Parameters
    ----------
    device : str
        For the training only.
    threads : int, optional
        Threads of torch.
    deterministic : bool
        Whether torch takes only algorithms that repeat their numbers.
    """

    device: str = "cpu"
    threads: int | None = 1
    deterministic: bool = False


@dataclass(frozen=True)
class CheckMaxoutOptions:
    """What is proved and learnt.

    Parameters
    ----------
    activation : str
        A name of `plnet.maxout.learning.TARGETS`. The smooth ones are only learnt.
    slope : float, optional
        Of leaky_relu and prelu.
    pieces : int
        Of the units that learn.
    widths : tuple of int, optional
        Of a random network with this activation.
    perturbation : int
        One weight of its conversion is moved by 2^-perturbation.
    learning : LearningOptions, optional
        No training without it.
    max_seconds : float, optional
        Of each proof.
    plot : PlotOptions, optional
        No figure without it.
    seed : int
    runtime : Runtime
    """

    activation: str = "prelu"
    slope: float | None = None
    pieces: int = 2
    widths: tuple[int, ...] | None = (2, 16, 16, 1)
    perturbation: int = 40
    learning: LearningOptions | None = None
    max_seconds: float | None = None
    plot: PlotOptions | None = None
    seed: int = 0
    runtime: Runtime = field(default_factory=Runtime)


@dataclass(frozen=True)
class FitConvexOptions:
    """What is fitted, and by what.

    Parameters
    ----------
    target : str
        A name of `plnet.maxout.fitting.target_names`; not used with samples.
    samples : str, optional
        An npz file with x (n, d) and y (n,).
    dim : int
    low, high : number or list of numbers, optional
    pieces, kind, objective
        As in `plnet.fit_max_affine`.
    plot : PlotOptions, optional
        No figure without it.
    seed : int
    runtime : Runtime
    """

    target: str = "square"
    samples: str | None = None
    dim: int = 1
    low: Any = None
    high: Any = None
    pieces: int = 4
    kind: str = "free"
    objective: str = "sup"
    plot: PlotOptions | None = None
    seed: int = 0
    runtime: Runtime = field(default_factory=Runtime)
