"""Convex functions to approximate, with their derivatives and convex conjugates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.special import expit, xlogy

from plnet.errors import DimensionError, TargetError

__all__ = ["Target", "named_target", "target_names"]

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Target:
    """A convex function on R^d, or on a part of it, with what is known about it.

    Parameters
    ----------
    value : callable
        (n, d) -> (n,), numpy vectorised.
    dim : int
        Dimension d.
    gradient : callable, optional
        (n, d) -> (n, d); a subgradient where the function has a kink.
    hessian : callable, optional
        (n, d) -> (n, d, d).
    conjugate : callable, optional
        Convex conjugate f*(s) = sup_x s . x - f(x), (n, d) -> (n,); infinite outside its domain.
    name : str
        For tables and messages.
    pieces : tuple of (slope, offset), optional
        The affine functions of which a piecewise-linear target is the maximum.
    low, high : float
        The target is convex for coordinates strictly between these.
    roundoff : float
        Relative error of a computed value, in units of 2^-52.
    known_convex : bool
        Convexity is proved, so that results do not list it as an assumption.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.maxout.fitting import Target
    >>> quartic = Target(lambda x: (x**4).sum(axis=1), dim=2, gradient=lambda x: 4 * x**3)
    >>> quartic(np.array([[1.0, 2.0]])).tolist()
    [17.0]
    """

    value: Function
    dim: int
    gradient: Function | None = None
    hessian: Function | None = None
    conjugate: Function | None = None
    name: str = "the target"
    pieces: tuple[tuple[tuple[float, ...], float], ...] | None = None
    low: float = -np.inf
    high: float = np.inf
    roundoff: float = 8.0
    known_convex: bool = False

    def __call__(self, x: Any) -> np.ndarray:
        """Evaluate at points, shape (n, d) or, for d = 1, (n,); returns (n,)."""
        points = np.asarray(x, dtype=np.float64)
        if points.ndim == 1 and self.dim == 1:
            points = points[:, None]
        if points.ndim != 2 or points.shape[1] != self.dim:
            raise DimensionError(
                f"{self.name} takes points of shape (n, {self.dim}), got shape {points.shape}."
            )
        return np.asarray(self.value(points), dtype=np.float64)


def target_names() -> tuple[str, ...]:
    """Return the names that `named_target` knows."""
    return tuple(sorted({*_SCALAR, *_ANY_DIMENSION}))


def named_target(name: str, dim: int = 1) -> Target:
    """Return a convex function by its name.

    Parameters
    ----------
    name : str
        See `target_names`. "square", "log_sum_exp", "sum_exp", "norm4" and "norm1" exist in every dimension,
        the others for one variable.
    dim : int
        Dimension d.

    Raises
    ------
    TargetError
        If there is no such function in this dimension.

    Examples
    --------
    >>> from plnet.maxout.fitting import named_target
    >>> named_target("square", 2)([[3.0, 4.0]]).tolist()
    [25.0]
    """
    if name not in _SCALAR and name not in _ANY_DIMENSION:
        raise TargetError(f"There is no target {name!r}. Expected one of {', '.join(target_names())}.")
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        raise TargetError(f"Expected a dimension of at least 1 for the target {name!r}, got {dim!r}.")
    if name in _ANY_DIMENSION:
        return _ANY_DIMENSION[name](dim)
    if dim != 1:
        raise TargetError(
            f"The target {name!r} is a function of one variable, but dimension {dim} was asked for. "
            f"Functions of any dimension are {', '.join(sorted(_ANY_DIMENSION))}."
        )
    return _SCALAR[name](name=name, dim=1, known_convex=True)


def _rows(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    return function(x[:, 0])


def _column(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    return function(x[:, 0])[:, None]


def _matrix(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    return function(x[:, 0])[:, None, None]


def _scalar(value: Function, slope: Function, bend: Function | None, conjugate: Function, **more: Any) -> Any:
    """Return a maker of a target of one variable from functions of a vector of numbers."""
    return partial(
        Target,
        value=partial(_rows, value),
        gradient=partial(_column, slope),
        hessian=None if bend is None else partial(_matrix, bend),
        conjugate=partial(_rows, conjugate),
        **more,
    )


@np.errstate(invalid="ignore", divide="ignore")
def _where(inside: np.ndarray, function: Function, s: np.ndarray) -> np.ndarray:
    return np.where(inside, function(s), np.inf)


def _entropy(s: np.ndarray) -> np.ndarray:
    return _where(s >= 0, lambda t: xlogy(t, t) - t, s)


_QUARTIC: tuple[Function, Function, Function, Function] = (
    lambda x: x**4,
    lambda x: 4 * x**3,
    lambda x: 12 * x**2,
    lambda s: 3 * np.abs(s / 4) ** (4 / 3),
)
"""Value, slope, second derivative and conjugate."""

_SCALAR: dict[str, Any] = {
    "exp": _scalar(np.exp, np.exp, np.exp, _entropy),
    "neg_log": _scalar(
        lambda x: -np.log(x),
        lambda x: -1 / x,
        lambda x: x**-2.0,
        lambda s: _where(s < 0, lambda t: -1 - np.log(-t), s),
        low=0.0,
    ),
    "reciprocal": _scalar(
        lambda x: 1 / x,
        lambda x: -(x**-2.0),
        lambda x: 2 * x**-3.0,
        lambda s: _where(s <= 0, lambda t: -2 * np.sqrt(-t), s),
        low=0.0,
    ),
    "quartic": _scalar(*_QUARTIC),
    "x_log_x": _scalar(
        lambda x: xlogy(x, x), lambda x: np.log(x) + 1, lambda x: 1 / x, lambda s: np.exp(s - 1), low=0.0
    ),
    "softplus": _scalar(
        lambda x: np.logaddexp(0.0, x),
        expit,
        lambda x: expit(x) * expit(-x),
        lambda s: _where((s >= 0) & (s <= 1), lambda t: xlogy(t, t) + xlogy(1 - t, 1 - t), s),
    ),
    "hypotenuse": _scalar(
        lambda x: np.hypot(1.0, x),
        lambda x: x / np.hypot(1.0, x),
        lambda x: np.hypot(1.0, x) ** -3.0,
        lambda s: _where(np.abs(s) <= 1, lambda t: -np.sqrt(1 - t**2), s),
    ),
    "cosh": _scalar(np.cosh, np.sinh, np.cosh, lambda s: s * np.arcsinh(s) - np.hypot(1.0, s)),
    "absolute": _scalar(
        np.abs,
        np.sign,
        None,
        lambda s: _where(np.abs(s) <= 1, np.zeros_like, s),
        pieces=(((-1.0,), 0.0), ((1.0,), 0.0)),
    ),
    "relu": _scalar(
        lambda x: np.maximum(x, 0.0),
        lambda x: (x > 0) * 1.0,
        None,
        lambda s: _where((s >= 0) & (s <= 1), np.zeros_like, s),
        pieces=(((0.0,), 0.0), ((1.0,), 0.0)),
    ),
}


def _separable(
    name: str, roundoff: float, value: Function, slope: Function, bend: Function, conjugate: Function
) -> Callable[[int], Target]:
    """Return a maker of the sum of one function over all coordinates, from functions of arrays."""

    def build(dim: int) -> Target:
        return Target(
            lambda x: value(x).sum(axis=1),
            dim,
            slope,
            lambda x: bend(x)[:, :, None] * np.eye(dim),
            lambda s: conjugate(s).sum(axis=1),
            name=name,
            roundoff=roundoff + dim,
            known_convex=True,
        )

    return build


def _norm1(dim: int) -> Target:
    signs = 2.0 * ((np.arange(2**dim)[:, None] >> np.arange(dim)) & 1) - 1.0 if dim <= 12 else None
    return Target(
        lambda x: np.abs(x).sum(axis=1),
        dim,
        np.sign,
        None,
        lambda s: _where(np.abs(s).max(axis=1) <= 1, lambda t: np.zeros(len(t)), s),
        name="norm1",
        pieces=None if signs is None else tuple((tuple(row), 0.0) for row in signs.tolist()),
        roundoff=2.0 + dim,
        known_convex=True,
    )


def _log_sum_exp(dim: int) -> Target:
    def shifted(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        top = x.max(axis=1, keepdims=True)
        return top[:, 0], np.exp(x - top)

    def value(x: np.ndarray) -> np.ndarray:
        top, powers = shifted(x)
        return top + np.log(powers.sum(axis=1))

    def gradient(x: np.ndarray) -> np.ndarray:
        powers = shifted(x)[1]
        return powers / powers.sum(axis=1, keepdims=True)

    def hessian(x: np.ndarray) -> np.ndarray:
        p = gradient(x)
        # Each row sums to 0; p - p^2 would lose digits where p is near 1.
        shared = p[:, :, None] * p[:, None, :] * (1 - np.eye(dim))
        return shared.sum(axis=2)[:, :, None] * np.eye(dim) - shared

    def conjugate(s: np.ndarray) -> np.ndarray:
        on_simplex = (s.min(axis=1) >= 0) & (np.abs(s.sum(axis=1) - 1) <= 1e-12)
        return _where(on_simplex, lambda t: xlogy(t, t).sum(axis=1), s)

    return Target(
        value, dim, gradient, hessian, conjugate, name="log_sum_exp", roundoff=8.0 + dim, known_convex=True
    )


_ANY_DIMENSION: dict[str, Callable[[int], Target]] = {
    "square": _separable(
        "square", 2.0, np.square, lambda x: 2 * x, lambda x: np.full(x.shape, 2.0), lambda s: s**2 / 4
    ),
    "sum_exp": _separable("sum_exp", 4.0, np.exp, np.exp, np.exp, _entropy),
    "norm4": _separable("norm4", 4.0, *_QUARTIC),
    "norm1": _norm1,
    "log_sum_exp": _log_sum_exp,
}
