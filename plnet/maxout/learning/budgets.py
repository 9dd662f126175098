"""Errors at equal numbers of parameters: what groups of k filters save, and what they cost.

A layer of n filters that are summarised in groups of k hands n / k numbers on, so the next layer needs k
times fewer weights (Goodfellow et al. 2013; Goodfellow, Bengio and Courville 2016, section 6.3.1).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from plnet.budgets import Deadline
from plnet.checks import check_choice
from plnet.errors import ConfigError
from plnet.ir.affine import frozen_array
from plnet.maxout.learning.descent import Descent, check_counts
from plnet.maxout.learning.display import shown_steps
from plnet.maxout.learning.stacked_networks import StackedNetworks, parameter_count
from plnet.maxout.words import counted
from plnet.progress import Progress
from plnet.statistics import mean_interval

__all__ = ["SURFACES", "BudgetCurve", "compare_budgets", "next_layer_weights"]

SURFACES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "square": lambda x: np.square(x).sum(axis=1),
    "sum_exp": lambda x: np.exp(x).sum(axis=1),
    "saddle": lambda x: x[:, 0] ** 2 - np.square(x[:, 1:]).sum(axis=1),
    "waves": lambda x: np.cos(np.pi * x).prod(axis=1),
}
"""Functions on [-1, 1]^d: "square" and "sum_exp" are convex, "saddle" and "waves" are not."""


def next_layer_weights(filters: int, pieces: int, next_width: int) -> int:
    """Return the number of weights behind a layer of filters that are summarised in groups.

    Parameters
    ----------
    filters : int
        Affine functions of the layer.
    pieces : int
        Size k of a group: 1 for ReLU.
    next_width : int
        Filters of the next layer.

    Raises
    ------
    ConfigError
        If a number is not positive, or the groups do not use up the filters.

    References
    ----------
    Goodfellow, Bengio and Courville (2016), "Deep learning", section 6.3.1.

    Examples
    --------
    >>> from plnet.maxout.learning import next_layer_weights
    >>> next_layer_weights(120, 1, 50), next_layer_weights(120, 4, 50)
    (6000, 1500)
    """
    check_counts(filters=filters, pieces=pieces, next_width=next_width)
    if filters % pieces:
        raise ConfigError(f"Expected filters to be a multiple of pieces, got {filters} and {pieces}.")
    return filters // pieces * next_width


@dataclass(frozen=True, eq=False)
class BudgetCurve:
    """Errors of one kind of network against its number of parameters.

    Parameters
    ----------
    surface : str
    pieces : int
        1 for ReLU.
    budgets, widths, parameters : ndarray of int, shape (b,)
        Of each budget the greatest width that it allows, and the number of parameters then.
    errors : ndarray, shape (b, r)
        Root mean square on the test points, divided by the deviation of the target there.
    stopped_by : str
        Empty, "max_seconds" or "Ctrl-C"; rows that were not reached are absent.
    seconds : float
    """

    surface: str
    pieces: int
    budgets: np.ndarray
    widths: np.ndarray
    parameters: np.ndarray
    errors: np.ndarray
    stopped_by: str
    seconds: float

    @property
    def name(self) -> str:
        """What the hidden units are."""
        return "relu" if self.pieces == 1 else f"maxout, k = {self.pieces}"

    def intervals(self, confidence: float = 0.95) -> np.ndarray:
        """Return geometric mean, lower and upper end for each budget, shape (b, 3)."""
        rows = [np.exp([*mean_interval(np.log(row), confidence)]) for row in self.errors]
        return np.array(rows).reshape(-1, 3)


def compare_budgets(
    surface: str = "square",
    budgets: Sequence[int] = (100, 300, 1000),
    *,
    pieces: Sequence[int] = (1, 2, 4),
    dim: int = 2,
    hidden_layers: int = 2,
    replicates: int = 10,
    steps: int = 1000,
    learning_rate: float = 0.01,
    samples: int = 512,
    rng: Any = None,
    device: Any = "cpu",
    max_seconds: float | None = None,
    progress: Progress = "auto",
) -> tuple[BudgetCurve, ...]:
    """Train ReLU and maxout networks of equal numbers of parameters on one function.

    Parameters
    ----------
    surface : str
        One of `SURFACES`.
    budgets : sequence of int
        Numbers of parameters that are not exceeded.
    pieces : sequence of int
        Kinds of hidden units: 1 for ReLU, k for maxout.
    dim : int
        Number of inputs.
    hidden_layers : int
        At least 2, so that there is a layer behind the first one.
    replicates : int
        Networks of each kind and budget, each with its own start; all are trained on the same points.
    steps : int
        Of Adam on all training points, with a rate that falls linearly to 0.
    learning_rate : float
    samples : int
        Training points, uniform on the cube; there are 2048 other test points.
    rng : int, SeedSequence, Generator or None
    device : str or torch.device
    max_seconds : float, optional
        Of the whole comparison.
    progress : "auto", bool, None or callable
        A callable gets the number of steps so far.

    Returns
    -------
    tuple of BudgetCurve
        One for each entry of `pieces`.

    Raises
    ------
    ConfigError
        If an option is impossible, or a budget too small for one unit in each layer.

    Examples
    --------
    >>> from plnet.maxout.learning import compare_budgets
    >>> curves = compare_budgets("square", (60,), replicates=2, steps=5, samples=32, rng=0)
    >>> [(curve.name, int(curve.widths[0]), int(curve.parameters[0])) for curve in curves]
    [('relu', 5, 51), ('maxout, k = 2', 3, 46), ('maxout, k = 4', 2, 51)]
    """
    check_choice("surface", surface, SURFACES)
    if surface == "saddle" and dim == 1:
        raise ConfigError("The saddle needs dim >= 2, got 1.")
    check_counts(dim=dim, replicates=replicates, samples=samples)
    for k in pieces:
        check_counts(pieces=k)
    for budget in budgets:
        check_counts(budgets=budget)
    check_counts(**{"hidden_layers - 1": hidden_layers - 1})
    descent = Descent(learning_rate=learning_rate, steps=steps)
    generator = np.random.default_rng(rng)
    x, probe = (generator.uniform(-1, 1, size=(n, dim)) for n in (samples, 2048))
    data = [
        torch.tensor(a.T, device=device) for a in (x, SURFACES[surface](x), probe, SURFACES[surface](probe))
    ]
    shapes = [
        [_sizes(dim, hidden_layers, _width(dim, hidden_layers, k, budget)) for budget in budgets]
        for k in pieces
    ]
    curves, deadline = [], Deadline.start(max_seconds, ConfigError)
    with shown_steps(steps * len(pieces) * len(budgets), progress) as report:
        train = _Training(data, descent, deadline, report)
        for k, sizes in zip(pieces, shapes, strict=True):
            before, errors, stopped_by = time.perf_counter(), [], ""
            for widths in sizes:
                stacked = StackedNetworks(replicates, widths, k, rng=generator).to(device)
                stopped_by = train(stacked)
                if stopped_by:
                    break
                errors.append(_errors(stacked, data[2], data[3]))
            n = len(errors)
            curves.append(
                BudgetCurve(
                    surface,
                    k,
                    frozen_array(np.array(budgets[:n]), np.int64),
                    frozen_array(np.array([widths[1] for widths in sizes[:n]]), np.int64),
                    frozen_array(np.array([parameter_count(widths, k) for widths in sizes[:n]]), np.int64),
                    frozen_array(np.array(errors).reshape(n, replicates)),
                    stopped_by,
                    time.perf_counter() - before,
                )
            )
            if stopped_by:
                break
    return tuple(curves)


@dataclass
class _Training:
    """Trains one stack of networks after the other; `taken` counts the steps of all."""

    data: list[torch.Tensor]
    descent: Descent
    deadline: Deadline
    report: Callable[[int], object]
    taken: int = 0

    def __call__(self, stacked: StackedNetworks) -> str:
        """Train, and return what stopped it: nothing, "max_seconds" or "Ctrl-C"."""
        optimiser = self.descent.optimiser_of(stacked.parameters())
        try:
            for step in range(self.descent.steps):
                self.descent.set_rate(optimiser, step)
                optimiser.zero_grad()
                # The sum keeps the replicates independent: each gets the gradient of its own mean square.
                (stacked(self.data[0])[:, 0] - self.data[1]).square().mean(dim=1).sum().backward()
                optimiser.step()
                self.taken += 1
                self.report(self.taken)
                if self.deadline.passed:
                    return "max_seconds"
        except KeyboardInterrupt:
            return "Ctrl-C"
        return ""


@torch.no_grad()
def _errors(stacked: StackedNetworks, probe: torch.Tensor, wanted: torch.Tensor) -> np.ndarray:
    """Return the root mean square of each network, relative to the deviation of the target."""
    rest = (stacked(probe)[:, 0] - wanted).square().mean(dim=1).sqrt()
    return (rest / wanted.std()).cpu().numpy()


def _sizes(dim: int, hidden_layers: int, width: int) -> list[int]:
    return [dim, *[width] * hidden_layers, 1]


def _width(dim: int, hidden_layers: int, pieces: int, budget: int) -> int:
    """Return the greatest width of the hidden layers that a budget allows."""
    width = 0
    while parameter_count(_sizes(dim, hidden_layers, width + 1), pieces) <= budget:
        width += 1
    if not width:
        least = parameter_count(_sizes(dim, hidden_layers, 1), pieces)
        raise ConfigError(
            f"Expected budgets of at least {least} parameters for units with {counted(pieces, 'piece')}, "
            f"got {budget}."
        )
    return width
