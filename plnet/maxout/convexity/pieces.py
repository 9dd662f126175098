"""The pieces of a convex piecewise-linear function: the fewest affine maps whose maximum it is."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from plnet.budgets import time_limit
from plnet.errors import NotConvexError
from plnet.geometry.domain import Domain
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.convexity.decide import examine
from plnet.maxout.convexity.walls import region_forms
from plnet.progress import Progress
from plnet.regions.control import Budget

if TYPE_CHECKING:
    from torch.nn import Module

    from plnet.ir.network import PLNetwork

__all__ = ["from_forms", "max_affine_of"]


def max_affine_of(
    f: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    output: Any = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: Any = None,
    progress: Progress = "auto",
) -> MaxAffine:
    """Return the fewest affine pieces whose maximum a convex piecewise-linear function is; exact.

    Parameters
    ----------
    f : torch.nn.Module or PLNetwork
    domain : Domain, optional
        All of R^n if not given. The pieces agree with `f` on the domain only.
    output, max_regions, max_seconds, rng, progress
        As in `is_convex`.

    Returns
    -------
    MaxAffine
        Rational coefficients, in lexicographic order of the slopes. On a `Slice` or `Segment` they are
        in its coordinates t, elsewhere in the inputs of the network.

    Raises
    ------
    NotConvexError
        If `f` is not convex on the domain; ``.witness`` says where it fails.
    IncompleteResultError
        If a budget ended first.
    PLNetError
        If the network or the domain cannot be used.

    Notes
    -----
    The pieces are the different affine maps of the regions. Each is the only greatest one inside its
    region, so none can be left out, and no other set of pieces of this size or less will do.

    Examples
    --------
    >>> from plnet.ir import PLNetwork, ScalarPWL
    >>> from plnet.maxout import max_affine_of
    >>> max_affine_of(PLNetwork((ScalarPWL.absolute(1),), input_dim=1)).slopes.tolist()
    [[Fraction(-1, 1)], [Fraction(1, 1)]]
    """
    with time_limit(max_seconds, "the pieces"):
        found = examine(
            "convex", f, domain, output, Budget(max_regions, progress=progress), rng, regions=True
        )
        if found.report.holds is False:
            raise NotConvexError(
                f"Expected a convex function, but {found.report.witness}. difference_of_maxouts writes any "
                "continuous piecewise-linear function as a difference of two max-affine ones.",
                found.report.witness,
            )
        # An undecided report raises here.
        bool(found.report)
        assert found.complex is not None
        return from_forms(region_forms(found.complex))


def from_forms(forms: Iterable[tuple[Fraction, ...]]) -> MaxAffine:
    """Return the max-affine function of some forms ``[slopes | offset]``, each taken once, in order."""
    rows = sorted(set(forms))
    return MaxAffine([row[:-1] for row in rows], [row[-1] for row in rows])
