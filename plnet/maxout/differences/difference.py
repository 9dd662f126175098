"""Any continuous piecewise-linear function as a difference of two maxout units, in exact rationals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.budgets import look, time_limit
from plnet.checks import check_choice
from plnet.errors import DimensionError, EngineError, IncompleteResultError
from plnet.geometry.domain import Chart, Domain
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import require_continuous
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.convexity.decide import one_output
from plnet.maxout.convexity.pieces import from_forms
from plnet.maxout.convexity.walls import bends, region_forms
from plnet.maxout.differences.by_layers import LayerDecomposition
from plnet.maxout.differences.by_walls import Map, Pair, bending_forms, pieces_from_walls
from plnet.maxout.differences.common import without_common_bends
from plnet.maxout.differences.rounding import rounding_deviation
from plnet.maxout.inputs import chart_of, read_network
from plnet.maxout.words import counted
from plnet.progress import Progress
from plnet.regions.api import enumerate_regions
from plnet.regions.definitions.tiling import Tiling, tiling_of

if TYPE_CHECKING:
    from torch import nn

    from plnet.regions.complex import RegionComplex

__all__ = ["MaxoutDifference", "difference_of_maxouts"]

METHODS = ("auto", "walls", "layers")


@dataclass(frozen=True, eq=False)
class MaxoutDifference:
    """Two max-affine functions whose difference is a given function; unpacks as ``g, h``.

    Parameters
    ----------
    g, h : MaxAffine
        ``f(x) = g(x) - h(x)`` on the domain, exactly.
    method : str
        "walls" or "layers", see `difference_of_maxouts`.
    fewest : bool
        Whether no difference of two maxout units has fewer pieces; otherwise their number is an upper
        bound.
    reason : str
    n_regions : int
        Activation regions of `f`.
    chart : Chart
        The domain.
    """

    g: MaxAffine
    h: MaxAffine
    method: str
    fewest: bool
    reason: str
    n_regions: int
    chart: Chart = field(repr=False)

    def __iter__(self) -> Iterator[MaxAffine]:
        return iter((self.g, self.h))

    @property
    def pieces(self) -> int:
        """Pieces of g and of h together."""
        return self.g.pieces + self.h.pieces

    def __call__(self, x: Any, *, exact: bool = False) -> np.ndarray:
        """Evaluate at points (n, d), as `MaxAffine` does."""
        return self.g(x, exact=exact) - self.h(x, exact=exact)

    def to_network(self) -> PLNetwork:
        """Return the difference as a network with two maxout units, exactly."""
        from plnet.maxout.conversion.rational_layers import difference_network_of

        return difference_network_of(self.g, self.h)

    def to_module(self) -> nn.Sequential:
        """Return a trainable float64 module: a Maxout layer of two units, and their difference.

        Coefficients that are no floats are rounded once; `module_deviation` bounds what that changes.
        """
        from plnet.maxout.conversion.modules import difference_module

        return difference_module(self.g, self.h)

    @cached_property
    def module_deviation(self) -> Fraction | float:
        """A proved bound of how far the module is from f on the domain, in real arithmetic.

        0 where all coefficients are floats; inf where a rounded slope meets an unbounded domain.
        """
        parts = [rounding_deviation(function, self.chart) for function in self]
        return math.inf if math.inf in parts else parts[0] + parts[1]


def difference_of_maxouts(
    f: nn.Module | PLNetwork,
    domain: Domain | None = None,
    *,
    output: Any = None,
    method: str = "auto",
    max_regions: int | None = None,
    max_seconds: float | None = None,
    progress: Progress = "auto",
) -> MaxoutDifference:
    """Write a continuous piecewise-linear function as a difference of two maxout units; exact.

    Parameters
    ----------
    f : torch.nn.Module or PLNetwork
    domain : Domain, optional
        All of R^n if not given.
    output : int or sequence of m floats, optional
        One output, or a weight for each; may be left out where there is one output.
    method : {"auto", "walls", "layers"}
        "walls" bends h along every hyperplane on which f bends downwards (or g, where f bends upwards,
        if that is shorter); "layers" carries a difference of convex functions through the network, so
        that g and h have at most as many pieces as f has activation regions. "auto" takes the shorter
        one.
    max_regions, max_seconds, progress
        As in `plnet.enumerate_regions`.

    Returns
    -------
    MaxoutDifference
        ``g, h = difference_of_maxouts(f)``; both have rational coefficients. On a `Slice` or `Segment`
        they are functions of its coordinates t.

    Raises
    ------
    EngineError
        If the network can jump, or the method is unknown.
    IncompleteResultError
        If a budget ended first.
    PLNetError
        If the network or the domain cannot be used.

    Notes
    -----
    "layers" costs one exact pass for each region; bends that g and h have in common along a whole
    hyperplane are taken out of both. "walls" cuts each region by the hyperplanes, and stops once it has
    more pieces than the other one. In one dimension "walls" has the fewest pieces.

    References
    ----------
    Wang (2004), "General constructive representations for continuous piecewise-linear functions",
    IEEE TCAS-I 51(9), theorem 1 (every such function is a difference of two max-affine ones).
    Kripfganz and Schulze (1987), "Piecewise affine functions as a difference of two convex functions".
    Goodfellow et al. (2013), "Maxout networks", proposition 4.2.

    Examples
    --------
    >>> from torch import nn
    >>> from plnet.maxout import difference_of_maxouts
    >>> g, h = difference_of_maxouts(nn.LeakyReLU(1.75))
    >>> g.slopes.tolist(), h.slopes.tolist()
    ([[Fraction(0, 1)]], [[Fraction(-7, 4)], [Fraction(-1, 1)]])
    """
    check_choice("method", method, METHODS, EngineError)
    with time_limit(max_seconds, "the difference of maxouts"):
        read = read_network(f)
        require_continuous(read, "A difference of maxouts")
        net = one_output(read, output)
        chart = chart_of(net, domain)
        complex_ = enumerate_regions(net, domain, max_regions=max_regions, progress=progress)
        if not complex_.exact:
            raise IncompleteResultError(
                f"The enumeration was stopped by {complex_.stopped_by} with {len(complex_)} regions, and a "
                "difference of maxouts needs all of them. Raise max_regions or max_seconds, or take a "
                "smaller domain."
            )
        pair, chosen, reason = _shortest(complex_, method)
        g, h = (from_forms(maps) for maps in pair)
    fewest = chart.dim == 1 and chosen == "walls"
    return MaxoutDifference(g, h, chosen, fewest, reason, len(complex_), chart)


def _shortest(complex_: RegionComplex, method: str) -> tuple[Pair, str, str]:
    """Return the maps of g and h, the method, and why it was chosen."""
    try:
        tiling = tiling_of(complex_)
    except DimensionError:
        if method == "walls":
            raise
        tiling = None
    by_layers = None if method == "walls" else _by_layers(complex_, tiling)
    if method == "layers" or tiling is None:
        assert by_layers is not None
        few = "chosen by the caller" if method == "layers" else "a domain of so many dimensions has no walls"
        return by_layers, "layers", few
    by_walls = _by_walls(complex_, tiling, by_layers)
    if by_walls is None:
        assert by_layers is not None
        return by_layers, "layers", f"{counted(_size(by_layers), 'piece')}; by walls there are more"
    if method == "walls":
        return by_walls, "walls", "chosen by the caller"
    if complex_.dim == 1:
        return by_walls, "walls", "on the line each upward kink has to be in g, and each downward one in h"
    return by_walls, "walls", f"{counted(_size(by_walls), 'piece')}; by layers there are no fewer"


def _by_walls(complex_: RegionComplex, tiling: Tiling, rival: Pair | None) -> Pair | None:
    """Return the shorter of two constructions, None if neither is as short as a rival."""
    forms = region_forms(complex_)
    walls = list(bends(tiling, forms))
    most = None if rival is None else _size(rival)
    best = None
    for sign in sorted((1, -1), key=lambda s: len(bending_forms(walls, s))):
        found = pieces_from_walls(complex_, forms, bending_forms(walls, sign), sign, most)
        if found is not None:
            best = found if sign > 0 else (found[1], found[0])
            most = _size(best) - 1
    return best


def _by_layers(complex_: RegionComplex, tiling: Tiling | None) -> Pair:
    decomposition = LayerDecomposition(complex_.network, complex_.chart.embedding)
    first: list[Map] = []
    second: list[Map] = []
    for pattern in complex_.patterns:
        g, h = decomposition.maps(pattern)
        first.append(tuple(g.to_fractions()[0]))
        second.append(tuple(h.to_fractions()[0]))
        look()
    if tiling is not None:
        first, second = without_common_bends(tiling, first, second)
    return set(first), set(second)


def _size(pair: Pair) -> int:
    return len(pair[0]) + len(pair[1])
