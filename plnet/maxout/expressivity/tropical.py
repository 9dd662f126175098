"""Max-affine functions as tropical polynomials: Newton polytopes and their dual subdivisions.

In the semiring with max as sum and + as product, ``max_j (a_j . x + c_j)`` is a polynomial with
exponents a_j (real numbers, "signomial") and coefficients c_j. A piecewise-linear network is a
quotient of two: a tropical rational function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.geometry.exact import RationalMatrix
from plnet.geometry.linear import rank
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.differences.difference import difference_of_maxouts
from plnet.progress import Progress
from plnet.regions.api import enumerate_regions

if TYPE_CHECKING:
    from torch.nn import Module

    from plnet.geometry.domain import Domain
    from plnet.ir.network import PLNetwork
    from plnet.regions.complex import RegionComplex

__all__ = ["DualSubdivision", "NewtonPolytope", "TropicalPolynomial", "TropicalRational", "tropical_form"]


@dataclass(frozen=True, eq=False)
class NewtonPolytope:
    """The convex hull of the exponents of a tropical polynomial.

    Parameters
    ----------
    points : ndarray of Fraction, shape (k, d)
        The exponents.
    vertices : tuple of int
        Exponents that are vertices of the hull; where an exponent occurs twice, its last place.
    dim : int
        Dimension of the hull, at most d.
    """

    points: np.ndarray
    vertices: tuple[int, ...]
    dim: int


@dataclass(frozen=True)
class DualSubdivision:
    """The regular subdivision of the Newton polytope that is dual to the linear regions.

    Parameters
    ----------
    vertices : tuple of int
        Terms that are the greatest on an open set: the vertices of the upper hull of the points
        (exponent, coefficient), and the linear regions of the function.
    counts : tuple of int
        Number of cells of dimension 0, 1, ..., up to that of the Newton polytope. A cell of dimension
        k is dual to a face of dimension d - k of the complex of regions: entry 1 counts the facets of
        the tropical hypersurface, the last entry its lowest-dimensional faces.
    interior : tuple of int
        Those cells that are not in the boundary of the Newton polytope; they are dual to bounded
        faces. All 0 where the Newton polytope is flat in R^d.
    """

    vertices: tuple[int, ...]
    counts: tuple[int, ...]
    interior: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class TropicalPolynomial:
    """A max-affine function, seen as a tropical polynomial.

    Parameters
    ----------
    function : MaxAffine

    Examples
    --------
    >>> from plnet.maxout import MaxAffine, TropicalPolynomial
    >>> line = TropicalPolynomial(MaxAffine([[0, 0], [1, 0], [0, 1]], [0, 0, 0]))
    >>> line.newton_polytope.vertices, line.dual_subdivision.counts
    ((0, 1, 2), (3, 3, 1))
    """

    function: MaxAffine

    @property
    def exponents(self) -> np.ndarray:
        """Exponents of the terms, shape (k, d): the slopes."""
        return self.function.slopes

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients of the terms, shape (k,): the offsets."""
        return self.function.offsets

    @cached_property
    def newton_polytope(self) -> NewtonPolytope:
        """The Newton polytope; exact.

        An exponent is a vertex if and only if it is the greatest one in an open set of directions.
        """
        slopes = self.function.slopes
        recession = MaxAffine(slopes, [0] * len(slopes))
        exact = RationalMatrix(self.function.forms.integers[:, :-1])
        differences = RationalMatrix(exact.integers[1:] - exact.integers[:1])
        return NewtonPolytope(slopes, _used_terms(_complex(recession)), rank(differences))

    @cached_property
    def dual_subdivision(self) -> DualSubdivision:
        """The subdivision of the Newton polytope; exact. Costs the faces of all linear regions."""
        complex_ = _complex(self.function)
        faces = complex_.face_counts()
        kept = self.newton_polytope.dim + 1
        return DualSubdivision(_used_terms(complex_), faces.total[::-1][:kept], faces.bounded[::-1][:kept])

    def hypersurface(self, domain: Domain | None = None) -> RegionComplex:
        """Return the linear regions; the walls between them are the tropical hypersurface."""
        return _complex(self.function, domain)


@dataclass(frozen=True, eq=False)
class TropicalRational:
    """A piecewise-linear function as a quotient of tropical polynomials: ``numerator - denominator``.

    Parameters
    ----------
    numerator, denominator : TropicalPolynomial
    """

    numerator: TropicalPolynomial
    denominator: TropicalPolynomial


def tropical_form(
    f: Module | PLNetwork,
    *,
    output: Any = None,
    method: str = "auto",
    max_regions: int | None = None,
    max_seconds: float | None = None,
    progress: Progress = "auto",
) -> TropicalRational:
    """Write a continuous piecewise-linear function on R^n as a tropical rational function; exact.

    Parameters
    ----------
    f : torch.nn.Module or PLNetwork
    output, method, max_regions, max_seconds, progress
        As in `difference_of_maxouts`.

    Returns
    -------
    TropicalRational

    Raises
    ------
    EngineError
        If the network can jump.
    IncompleteResultError
        If a budget ended first.

    References
    ----------
    Zhang, Naitzat and Lim (2018), "Tropical geometry of deep neural networks", theorem 5.4.
    Maclagan and Sturmfels (2015), "Introduction to tropical geometry", section 3.1.

    Examples
    --------
    >>> from torch import nn
    >>> from plnet.maxout import tropical_form
    >>> form = tropical_form(nn.Hardtanh())
    >>> form.numerator.exponents.ravel().tolist(), form.denominator.exponents.ravel().tolist()
    ([Fraction(0, 1), Fraction(1, 1)], [Fraction(0, 1), Fraction(1, 1)])
    """
    pair = difference_of_maxouts(
        f, output=output, method=method, max_regions=max_regions, max_seconds=max_seconds, progress=progress
    )
    return TropicalRational(TropicalPolynomial(pair.g), TropicalPolynomial(pair.h))


def _complex(function: MaxAffine, domain: Domain | None = None) -> RegionComplex:
    return enumerate_regions(function.to_network(), domain, progress=None)


def _used_terms(complex_: RegionComplex) -> tuple[int, ...]:
    """Return the terms that are the greatest on an open set."""
    if not complex_.network.n_units:
        return (0,)
    return tuple(sorted(set(complex_.patterns[:, 0].tolist())))
