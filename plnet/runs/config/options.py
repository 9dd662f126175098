"""Groups of a configuration as frozen values: jobs get them, and the types of the YAML files follow."""

from __future__ import annotations

from dataclasses import dataclass

from plnet.checks import check_choice

__all__ = ["CountingOptions", "LearningOptions", "PlotOptions", "Runtime"]


@dataclass(frozen=True)
class CountingOptions:
    """How to count.

    Parameters
    ----------
    name : str
        Engine: auto, line, cells or rational.
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
