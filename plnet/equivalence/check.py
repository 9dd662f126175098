"""`check_equivalence`: are two piecewise-linear networks one function, and how far do they differ."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.budgets import STOPS, name_of
from plnet.checks import suggest_options
from plnet.equivalence.canonical import canonical_form
from plnet.equivalence.decision import Verdict, decide
from plnet.equivalence.difference import difference_network
from plnet.equivalence.inputs import check_same_shape, pair_of_networks
from plnet.equivalence.merging import merge_units
from plnet.equivalence.pruning import prune
from plnet.equivalence.report import EquivalenceReport
from plnet.errors import DomainError, EngineError
from plnet.geometry.domain import Domain, Space
from plnet.progress import Progress
from plnet.regions.control import Budget, Control

if TYPE_CHECKING:
    from torch.nn import Module

    from plnet.ir.network import PLNetwork

__all__ = ["check_equivalence"]

_METHODS = ("auto", "structural", "enumeration", "branch_and_bound")


@suggest_options
def check_equivalence(
    f: Module | PLNetwork,
    g: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: Any = None,
    progress: Progress = "auto",
    method: str = "auto",
) -> EquivalenceReport:
    """Decide whether two networks are one function on a domain, and how far they differ at most.

    Four steps, each exact: a *structural* certificate, which writes both networks in units
    that are the same up to permutation, positive scaling and kind; a *search* for a point or
    a ray where they differ; an *enumeration* of the regions of the difference, on each of
    which gradient and offset must be 0, or else its largest value is computed; and, where a
    budget ends this, *branch and bound*.

    Parameters
    ----------
    f, g : torch.nn.Module or PLNetwork
        Activations, layers or networks, with as many inputs and outputs as each other. An
        activation takes the number of inputs of the other one, of the domain, or one.
    domain : Domain, optional
        All of R^n if not given.
    max_regions : int, optional
        Regions of an enumeration, and boxes of branch and bound.
    max_seconds : float, optional
        Stop soon after this time; the part that is not decided is bounded.
    rng : int, SeedSequence or Generator, optional
        For the points of the search; 0 if not given. It has no influence on what is decided.
    progress : "auto", bool, None or callable
        As in `count_regions`.
    method : str
        "auto" takes the steps in order. "structural" tries the certificate only, "enumeration"
        does without it, "branch_and_bound" without certificate and enumeration.

    Returns
    -------
    EquivalenceReport
        With several outputs the deviation is the largest over all of them.

    Raises
    ------
    DimensionError
        If the numbers of inputs or outputs differ, or the domain lives in another space.
    NetworkError
        If a weight is not a finite number.
    IngestError
        If a module cannot be read.
    DomainError
        If `domain` is no domain.
    EngineError
        If no method has that name.

    Notes
    -----
    The structural step costs O(weights). Deciding equality is coNP-hard in general, so the
    enumeration can take as long as there are regions.

    Examples
    --------
    >>> from torch import nn
    >>> from plnet import Box
    >>> from plnet.equivalence import check_equivalence
    >>> check_equivalence(nn.ReLU(), nn.LeakyReLU(0.5), Box(-1, 2)).max_deviation
    Fraction(1, 2)
    """
    if method not in _METHODS:
        raise EngineError(f"Expected method among {', '.join(_METHODS)}; got {method!r}.")
    if domain is not None and not isinstance(domain, Domain):
        raise DomainError(
            f"Expected a domain (Space, Box, Polytope, Slice or Segment), got {type(domain).__name__}. "
            "For the box [-1, 1]^n write plnet.Box(-1, 1)."
        )
    with Budget(max_regions, max_seconds, progress=progress).started() as control:
        try:
            with control.deadline.running():
                verdict = _compared(f, g, domain, method, control, rng)
        except STOPS as stop:
            reason = f"stopped by {name_of(stop)} while the layers were compared, which proves nothing"
            verdict = Verdict(None, math.inf, "structural", reason, name_of(stop))
    return _report(verdict, control.seconds)


def _compared(
    f: Module | PLNetwork,
    g: Module | PLNetwork,
    domain: Domain | None,
    method: str,
    control: Control,
    rng: Any,
) -> Verdict:
    first, second = pair_of_networks(f, g, None if domain is None else _input_dim(domain))
    check_same_shape(first, second)
    space = Space(first.input_dim) if domain is None else domain
    chart = space.chart(first.input_dim)
    difference = difference_network(first, second)
    form = canonical_form(difference, chart.embedding)
    if form is not None and form.vanishes and method in ("auto", "structural"):
        return Verdict(None, Fraction(0), "structural", _SAME_UNITS)
    if method == "structural":
        return Verdict(None, math.inf, "structural", "the layers are not the same, which proves nothing")
    reduced = difference if form is None else prune(merge_units(difference, form))
    generator = np.random.default_rng(0 if rng is None else rng)
    return decide(reduced, space, chart, control, generator, method != "branch_and_bound")


_SAME_UNITS = "both networks have the same units up to order, positive scale and kind, and the same outputs"


def _input_dim(domain: Domain) -> int | None:
    """Return the number of inputs that a domain is made for, if it says."""
    origin = getattr(domain, "origin", getattr(domain, "start", None))
    return domain.dim if origin is None else len(origin)


def _report(verdict: Verdict, seconds: float) -> EquivalenceReport:
    found, upper = verdict.lower, verdict.upper
    lower = Fraction(0) if found is None else found.value
    decided = lower == upper
    return EquivalenceReport(
        equivalent=False if lower else (True if upper == 0 else None),
        max_deviation=lower if decided else None,
        lower=lower,
        upper=upper,
        witness=None if found is None else found.point,
        ray=None if found is None else found.ray,
        output=None if found is None else found.output,
        exact=decided,
        method=verdict.method,
        reason=verdict.reason,
        seconds=seconds,
        stopped_by=None if decided else verdict.stopped_by,
    )
