"""`imitate`: how often maxout units learn a function from random starts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.checks import check_choice
from plnet.errors import ConfigError
from plnet.ir.affine import frozen_array
from plnet.maxout.learning.descent import Descent, check_counts, descend
from plnet.maxout.learning.deviation import deviation_bracket, exact_deviation
from plnet.maxout.learning.display import shown_steps
from plnet.maxout.learning.intervals import clopper_pearson_interval, wilson_interval
from plnet.maxout.learning.limits import best_affine_error, best_error, least_error
from plnet.maxout.learning.matching import PieceMatch, match_pieces
from plnet.maxout.learning.starts import check_start, random_units
from plnet.maxout.learning.targets import ImitationTarget, imitation_target
from plnet.networks.modules import Maxout
from plnet.progress import Progress

__all__ = ["Imitation", "check_imitation", "imitate"]

NEAR = 2.0
"""A smooth convex target counts as learnt within this multiple of the least possible error."""


@dataclass(frozen=True, eq=False)
class Imitation:
    """Many random starts of one architecture, trained on one target.

    Parameters
    ----------
    target : ImitationTarget
    pieces : int
        Of each unit.
    units : int
        1, or 2 for a difference of two units.
    weight, bias : ndarray, shape (r, units, pieces)
        After training; read-only, like the other arrays.
    loss : ndarray, shape (r,)
        Mean square over the training points.
    lower, upper : ndarray, shape (r,)
        Bounds of the greatest deviation on the interval; for a piecewise-linear target they differ by
        rounding errors only.
    success : ndarray of bool, shape (r,)
        Whether the greatest deviation is at most `threshold`; proved for each replicate that is not among
        the undecided ones.
    undecided : int
        Replicates whose bounds lie on both sides of the threshold; they count as no success.
    threshold : float
    affine_error : float
        Error of the best single line: the unit of `tolerance`.
    optimal_error : float or None
        Least possible error of the architecture, where it is known.
    least_error : float
        Proved lower bound of the error of this architecture.
    steps : int
        Steps of training that were taken.
    stopped_by : str
        Empty, "max_seconds" or "Ctrl-C".
    seconds : float
    """

    target: ImitationTarget
    pieces: int
    units: int
    weight: np.ndarray
    bias: np.ndarray
    loss: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    success: np.ndarray
    undecided: int
    threshold: float
    affine_error: float
    optimal_error: float | None
    least_error: float
    steps: int
    stopped_by: str
    seconds: float

    @property
    def replicates(self) -> int:
        """Number of random starts."""
        return len(self.loss)

    @property
    def successes(self) -> int:
        """Number of starts that reached the threshold."""
        return int(self.success.sum())

    @property
    def rate(self) -> float:
        """Share of starts that reached the threshold."""
        return self.successes / self.replicates

    @property
    def impossible(self) -> bool:
        """Whether it is proved that no weights at all reach the threshold."""
        return self.least_error > self.threshold

    @property
    def best(self) -> int:
        """Index of the replicate with the least deviation."""
        return int(np.argmin(self.upper))

    @property
    def signs(self) -> np.ndarray:
        """Signs with which the units are added, shape (units,)."""
        return _signs(self.units)

    def interval(self, confidence: float = 0.95, kind: str = "wilson") -> tuple[float, float]:
        """Return a confidence interval of the success rate, kind "wilson" or "clopper_pearson"."""
        kinds = {"wilson": wilson_interval, "clopper_pearson": clopper_pearson_interval}
        return kinds[check_choice("kind", kind, kinds)](self.successes, self.replicates, confidence)

    def pieces_of(self, replicate: int | None = None) -> tuple[PieceMatch, ...]:
        """Return the learnt pieces beside the exact ones, of the best replicate by default.

        Raises
        ------
        ConfigError
            If the target is not convex and piecewise linear, or two units were trained: a difference of two
            convex functions can be written in many ways.
        """
        if self.units != 1:
            raise ConfigError("A difference of two units has no unique pieces. Take units=1.")
        chosen = self.best if replicate is None else replicate
        return match_pieces(self.weight[chosen, 0], self.bias[chosen, 0], self.target)

    def to_module(self, replicate: int | None = None) -> nn.Sequential:
        """Return a replicate, the best one by default, as a float64 Maxout layer and a fixed sum."""
        chosen = self.best if replicate is None else replicate
        first: Any = nn.utils.skip_init(Maxout, 1, self.units, self.pieces, dtype=torch.float64)
        last: Any = nn.utils.skip_init(nn.Linear, self.units, 1, bias=False, dtype=torch.float64)
        with torch.no_grad():
            first.weight.copy_(torch.tensor(self.weight[chosen])[:, :, None])
            first.bias.copy_(torch.tensor(self.bias[chosen]))
            last.weight.copy_(torch.tensor(self.signs)[None])
        return nn.Sequential(first, last)


def imitate(
    target: str | ImitationTarget,
    pieces: int,
    *,
    units: int = 1,
    replicates: int = 100,
    initialiser: str = "default",
    optimiser: str = "adam",
    learning_rate: float | None = None,
    steps: int = 1000,
    samples: int = 256,
    tolerance: float = 0.02,
    rng: Any = None,
    device: Any = "cpu",
    max_seconds: float | None = None,
    progress: Progress = "auto",
) -> Imitation:
    """Train maxout units from many random starts to imitate a function, and measure how far off they end.

    Parameters
    ----------
    target : str or ImitationTarget
        A name goes to `imitation_target`.
    pieces : int
        Affine functions of each unit.
    units : {1, 2}
        One unit, or the difference of two.
    replicates : int
        Random starts, all trained in one tensor program.
    initialiser : str
        As in `random_units`.
    optimiser : str
        As in `Descent`, like `learning_rate` and `steps`.
    learning_rate : float, optional
    steps : int
        On all training points each.
    samples : int
        Training points, the middles of equal parts of the interval.
    tolerance : float
        Largest deviation that counts as success, in units of the error of the best line (for an affine
        target, of half its height). For a single unit and a smooth convex target, twice the least possible
        error counts too.
    rng : int, SeedSequence, Generator, torch.Generator or None
    device : str or torch.device
    max_seconds : float, optional
    progress : "auto", bool, None or callable
        A callable gets the number of steps so far.

    Returns
    -------
    Imitation
        Also after Ctrl-C or at the end of the budget; `stopped_by` tells.

    Raises
    ------
    ConfigError
        If an option is impossible.

    Notes
    -----
    Costs O(steps * replicates * units * pieces * samples).

    Examples
    --------
    >>> from plnet.maxout.learning import imitate
    >>> found = imitate("relu", 2, replicates=20, steps=300, rng=0)
    >>> found.rate > 0.5, found.impossible
    (True, False)
    >>> imitate("hardtanh", 2, replicates=2, steps=5, rng=0).impossible
    True
    """
    goal = imitation_target(target) if isinstance(target, str) else target
    check_imitation(pieces, units, replicates, samples, tolerance, initialiser)
    descent = Descent(optimiser, learning_rate, steps)
    started = time.perf_counter()
    weight, bias = random_units((replicates, units, pieces, 1), initialiser, rng=rng)
    x = torch.tensor(_points(goal, samples), device=device)
    y = torch.tensor(goal(x.cpu().numpy()), device=device)
    with shown_steps(steps, progress) as report:
        trained = descend(
            weight.to(device),
            bias.to(device),
            torch.tensor(_signs(units), device=device),
            x[:, None],
            y,
            descent,
            max_seconds=max_seconds,
            report=report,
        )
    slopes, offsets = trained.weight[..., 0].cpu().numpy(), trained.bias.cpu().numpy()
    lower, upper = deviation_bracket(slopes, offsets, _signs(units), goal)
    affine, optimal = best_affine_error(goal), best_error(goal, pieces, units)
    threshold = tolerance * (_height(goal) if goal.pieces == 1 else affine)
    if optimal is not None and not goal.piecewise_linear:
        threshold = max(threshold, NEAR * optimal)
    success, undecided = _decided(slopes, offsets, _signs(units), goal, (lower, upper), threshold)
    return Imitation(
        goal,
        pieces,
        units,
        frozen_array(slopes),
        frozen_array(offsets),
        frozen_array(trained.loss.cpu().numpy()),
        frozen_array(lower),
        frozen_array(upper),
        frozen_array(success, np.bool_),
        undecided,
        threshold,
        affine,
        optimal,
        least_error(goal, pieces, units),
        trained.steps,
        trained.stopped_by,
        time.perf_counter() - started,
    )


def _height(target: ImitationTarget) -> float:
    """Return half the height of an affine target, or 1 if it is constant: its best line has no error."""
    first, last = target([target.low, target.high]).tolist()
    return abs(last - first) / 2 or 1.0


def check_imitation(
    pieces: Any, units: Any, replicates: Any, samples: Any, tolerance: Any, initialiser: Any
) -> None:
    """Raise `ConfigError` for an option of `imitate` that is impossible."""
    check_counts(pieces=pieces, replicates=replicates, samples=samples)
    if units not in (1, 2) or isinstance(units, bool):
        raise ConfigError(f"Expected units 1, or 2 for a difference of two maxout units; got {units!r}.")
    if not isinstance(tolerance, int | float) or not 0 < tolerance < 1:
        raise ConfigError(f"Expected tolerance between 0 and 1, got {tolerance!r}.")
    check_start(initialiser)


def _decided(
    weight: np.ndarray,
    bias: np.ndarray,
    signs: np.ndarray,
    target: ImitationTarget,
    bracket: tuple[np.ndarray, np.ndarray],
    threshold: float,
) -> tuple[np.ndarray, int]:
    """Return which replicates reach the threshold, and how many brackets do not say."""
    lower, upper = bracket
    success = upper <= threshold
    open_ = np.flatnonzero((lower <= threshold) & ~success)
    if not target.piecewise_linear:
        return success, len(open_)
    for i in open_.tolist():
        success[i] = exact_deviation(weight[i], bias[i], signs, target)[0] <= threshold
    return success, 0


def _points(target: ImitationTarget, samples: int) -> np.ndarray:
    return target.low + (np.arange(samples) + 0.5) * ((target.high - target.low) / samples)


def _signs(units: int) -> np.ndarray:
    return np.array([1.0, -1.0][:units])
