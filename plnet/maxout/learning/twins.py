"""`train_twins`: one function written in several ways, trained on, and how the ways part.

Twins are networks of different form that compute one function when training begins: a network and its maxout
conversions. Their gradients differ, because maxout also trains the pieces that a fixed activation holds
constant; so learning differs even where the function does not (Goodfellow, Bengio and Courville 2016,
section 6.3.1).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.budgets import Deadline
from plnet.checks import check_choice
from plnet.errors import ConfigError
from plnet.geometry.domain import Box
from plnet.ir.affine import frozen_array
from plnet.maxout.conversion.modules import to_maxout
from plnet.maxout.learning.budgets import SURFACES
from plnet.maxout.learning.descent import Descent, check_counts
from plnet.maxout.learning.display import shown_steps
from plnet.networks.perceptron import mlp
from plnet.progress import Progress
from plnet.statistics import mean_interval

__all__ = ["VARIANTS", "TwinHistory", "train_twins"]

VARIANTS = ("original", "elementwise", "fused")
"""The network itself; its conversion by `plnet.to_maxout`, whose units multiply a finished sum; and the fused
conversion, `Maxout` layers whose pieces have all weights of their own."""

_ACTIVATIONS = ("relu", "abs", "leaky_relu", "prelu")


@dataclass(frozen=True, eq=False)
class TwinHistory:
    """How networks that begin as one function part in training.

    Parameters
    ----------
    steps : ndarray of int, shape (t,)
        Where things were measured; the first is 0.
    variants : tuple of str
    parameters : tuple of int
        Trained numbers of each variant.
    loss, distance : ndarray, shape (r, v, t)
        Mean square over the training points; root mean square distance from the original on a grid, at the
        same step.
    regions : ndarray of int, shape (r, v, t)
        Linear regions on the square; -1 where they were not counted.
    start_deviations : tuple of (Fraction or float)
        Exact greatest deviation from the original on the square before training, of each variant: the
        greatest of all replicates.
    stopped_by : str
        Empty, "max_seconds" or "Ctrl-C". Replicates that were not finished are absent.
    seconds : float
    """

    steps: np.ndarray
    variants: tuple[str, ...]
    parameters: tuple[int, ...]
    loss: np.ndarray
    distance: np.ndarray
    regions: np.ndarray
    start_deviations: tuple[Fraction | float, ...]
    stopped_by: str
    seconds: float

    def intervals(self, variant: str, what: str = "distance", confidence: float = 0.95) -> np.ndarray:
        """Return mean, lower and upper end over the replicates at each step, shape (t, 3).

        Parameters
        ----------
        variant : str
        what : {"distance", "loss", "regions"}
        confidence : float
        """
        values = getattr(self, what)[:, self.variants.index(variant)]
        return np.array([[*mean_interval(column, confidence)] for column in values.T])


def train_twins(
    activation: str = "relu",
    *,
    widths: Sequence[int] = (2, 8, 8, 1),
    surface: str = "waves",
    slope: float | None = None,
    replicates: int = 10,
    steps: int = 1000,
    learning_rate: float = 0.05,
    optimiser: str = "sgd",
    samples: int = 256,
    count_regions: bool = True,
    rng: Any = None,
    max_seconds: float | None = None,
    progress: Progress = "auto",
) -> TwinHistory:
    """Train a network and its exact maxout conversions from the same function, on the same points.

    Parameters
    ----------
    activation : str
        relu, abs, leaky_relu or prelu.
    widths : sequence of int
        Two inputs, hidden layers, one output.
    surface : str
        What is learnt on [-1, 1]^2, one of `plnet.maxout.learning.budgets.SURFACES`.
    slope : float, optional
        Of leaky_relu and prelu, at most 1.
    replicates : int
        Random starts and random points.
    steps : int
        On all training points each.
    learning_rate : float
    optimiser : {"sgd", "adam"}
    samples : int
        Training points, uniform on the square.
    count_regions : bool
        Count the linear regions on the square at each measured step, exactly.
    rng : int, SeedSequence, Generator or None
    max_seconds : float, optional
    progress : "auto", bool, None or callable
        A callable gets the number of steps so far.

    Returns
    -------
    TwinHistory

    Raises
    ------
    ConfigError
        If an option is impossible.

    Examples
    --------
    >>> from plnet.maxout.learning import train_twins
    >>> history = train_twins(widths=(2, 3, 1), replicates=1, steps=2, samples=16, rng=0)
    >>> history.start_deviations, history.distance[0, 0].tolist()
    ((Fraction(0, 1), Fraction(0, 1), Fraction(0, 1)), [0.0, 0.0, 0.0])
    """
    check_counts(replicates=replicates)
    descent = Descent(optimiser, learning_rate, steps, decay=False)
    task = _Task(activation, tuple(widths), surface, slope, samples, count_regions, descent)
    generator, started = np.random.default_rng(rng), time.perf_counter()
    marks, found, deviations = _marks(steps), [], [Fraction(0)] * len(VARIANTS)
    deadline, parameters, stopped_by = Deadline.start(max_seconds, ConfigError), (0,) * len(VARIANTS), ""
    total = replicates * len(VARIANTS) * steps
    try:
        with shown_steps(total, progress) as report:
            for number in range(replicates):
                family = task.family(generator)
                parameters = tuple(sum(p.numel() for p in module.parameters()) for module in family)
                deviations = [max(*pair) for pair in zip(deviations, _deviations(family), strict=True)]
                data, before = task.data(generator), number * len(VARIANTS) * steps
                run = _train(task, family, data, marks, deadline, lambda step, n=before: report(n + step))
                if run is None:
                    stopped_by = "max_seconds"
                    break
                found.append(run)
    except KeyboardInterrupt:
        stopped_by = "Ctrl-C"
    table = np.array(found).reshape(len(found), 3, len(VARIANTS), len(marks))
    return TwinHistory(
        frozen_array(marks, np.int64),
        VARIANTS,
        parameters,
        frozen_array(table[:, 0]),
        frozen_array(table[:, 1]),
        frozen_array(table[:, 2], np.int64),
        tuple(deviations),
        stopped_by,
        time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Task:
    """What the networks are, what they learn, and how; checked."""

    activation: str
    widths: tuple[int, ...]
    surface: str
    slope: float | None
    samples: int
    count_regions: bool
    descent: Descent

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, _ACTIVATIONS)
        check_choice("surface", self.surface, SURFACES)
        if len(self.widths) < 3 or self.widths[0] != 2 or self.widths[-1] != 1:
            raise ConfigError(f"Expected widths (2, hidden layers, 1), got {self.widths}.")
        if self.slope is not None and not self.slope <= 1:
            raise ConfigError(
                f"Expected a slope of at most 1, so that one unit expresses it; got {self.slope!r}."
            )
        check_counts(samples=self.samples)
        check_choice("optimiser", self.descent.optimiser, ("sgd", "adam"))

    def family(self, generator: np.random.Generator) -> tuple[nn.Module, ...]:
        """Return a random network and its conversions, in the order of `VARIANTS`."""
        original = mlp(self.widths, self.activation, slope=self.slope, rng=generator, dtype=torch.float64)
        return original, to_maxout(original), to_maxout(original, fused=True)

    def data(self, generator: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return random points and what is learnt there."""
        x = torch.tensor(generator.uniform(-1, 1, size=(self.samples, 2)))
        return x, torch.tensor(SURFACES[self.surface](x.numpy()))


def _deviations(family: Sequence[nn.Module]) -> list[Any]:
    from plnet.equivalence import check_equivalence

    box = Box([-1.0, -1.0], [1.0, 1.0])
    return [Fraction(0)] + [
        check_equivalence(module, family[0], box, progress=None).max_deviation for module in family[1:]
    ]


def _marks(steps: int) -> np.ndarray:
    """Return steps at which things are measured: 0, 1, 2, 5, 10, ..., and the last."""
    powers = [base * 10**exponent for exponent in range(12) for base in (1, 2, 5)]
    return np.array([0, *(mark for mark in powers if mark < steps), steps])


def _train(
    task: _Task,
    family: Sequence[nn.Module],
    data: tuple[torch.Tensor, torch.Tensor],
    marks: np.ndarray,
    deadline: Deadline,
    tell: Callable[[int], object],
) -> np.ndarray | None:
    """Train each variant; return loss, distance and regions, shape (3, v, t), or None out of time."""
    line = torch.linspace(-1, 1, 33, dtype=torch.float64)
    probe = torch.cartesian_prod(line, line)
    values, rows = torch.empty(len(family), len(marks), len(probe)), np.empty((3, len(family), len(marks)))
    values = values.to(torch.float64)
    for v, module in enumerate(family):
        step, optimiser = 0, task.descent.optimiser_of(module.parameters())
        for t, mark in enumerate(marks.tolist()):
            while step < mark:
                optimiser.zero_grad()
                _loss(module, data).backward()
                optimiser.step()
                step += 1
                tell(v * int(marks[-1]) + step)
                if deadline.passed:
                    return None
            with torch.no_grad():
                values[v, t] = module(probe)[:, 0]
                rows[0, v, t] = _loss(module, data).item()
            rows[2, v, t] = _regions(module) if task.count_regions else -1
    rows[1] = (values - values[0]).square().mean(dim=-1).sqrt().numpy()
    return rows


def _loss(module: nn.Module, data: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return (module(data[0])[:, 0] - data[1]).square().mean()


def _regions(module: nn.Module) -> int:
    from plnet.regions.api import count_regions

    return int(count_regions(module, Box([-1.0, -1.0], [1.0, 1.0]), progress=None))
