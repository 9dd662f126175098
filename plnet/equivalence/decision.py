"""The steps of a comparison, each on the difference network of a domain."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from plnet.budgets import STOPS, name_of
from plnet.equivalence.bracket import branch_and_bound
from plnet.equivalence.deviation import Deviation, embedded, largest_at_vertices, proved_deviation, with_gates
from plnet.equivalence.sampling import is_bounded
from plnet.equivalence.vanishing import first_nonzero_region
from plnet.equivalence.witness import exact_deviation, search_ray, search_witness
from plnet.errors import DimensionError
from plnet.geometry.domain import Chart, Domain
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import rounded_fraction
from plnet.regions.api import enumerate_regions
from plnet.regions.control import Control

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["Verdict", "decide"]

_SHARE = 0.6
"""Share of the time that is left which an enumeration may take, so that bounds can follow."""


@dataclass(frozen=True)
class Verdict:
    """What was found: an attained value, an upper bound, how, and what stopped the work early."""

    lower: Deviation | None
    upper: Fraction | float
    method: str
    reason: str
    stopped_by: str | None = None


def decide(
    network: PLNetwork,
    domain: Domain,
    chart: Chart,
    control: Control,
    rng: np.random.Generator,
    enumerating: bool = True,
) -> Verdict:
    """Find the supremum of the absolute outputs of a network on a domain, or bounds of it.

    Parameters
    ----------
    network : PLNetwork
        A difference network.
    domain : Domain
    chart : Chart
        Of the domain.
    control : Control
        Passed on to the enumerations; what is looked for before them ends at the deadline that runs.
    rng : Generator
        For the search for a witness.
    enumerating : bool
        Without it only a witness and bounds are looked for.
    """
    found = Verdict(None, math.inf, "witness", "only single points were compared")
    bounded = None
    try:
        found = replace(found, lower=search_witness(network, chart, rng))
        if not network.is_continuous:
            return replace(found, reason=_JUMPS)
        bounded = is_bounded(chart)
        if not bounded:
            far = search_ray(network, chart, found.lower, rng)
            if far is not None:
                return Verdict(far, math.inf, "recession", _ALONG_A_RAY)
        if enumerating:
            found = _enumerated(network, domain, chart, control, found)
    except DimensionError as error:
        found = replace(found, reason=str(error))
    except STOPS as stop:
        word = (
            "interrupted" if isinstance(stop, KeyboardInterrupt) else f"{found.reason} before the time ended"
        )
        found = replace(found, reason=word, stopped_by=name_of(stop))
    decided = found.upper == (0 if found.lower is None else found.lower.value)
    stopped = decided or not bounded or found.stopped_by == "Ctrl-C"
    return found if stopped else _bracketed(network, chart, control, found)


def _enumerated(
    network: PLNetwork, domain: Domain, chart: Chart, control: Control, found: Verdict
) -> Verdict:
    witness = found.lower
    regions = _regions(network, domain, control, _SHARE)
    if not regions.exact:
        return replace(found, reason=_stopped(regions), stopped_by=regions.stopped_by)
    nonzero = first_nonzero_region(network, regions.patterns, chart.embedding)
    if nonzero is None:
        return Verdict(None, Fraction(0), "enumeration", _on_all(regions) + " the difference is exactly 0")
    guess = largest_at_vertices(regions, [nonzero])
    assert guess is not None
    if not guess.bounded:
        return Verdict(guess, math.inf, "enumeration", "the difference is unbounded on a region")
    if witness is not None and witness.value > guess.value:
        guess = witness
    assert isinstance(guess.value, Fraction)
    gated = _regions(with_gates(network, guess.value), domain, control, _SHARE)
    if not gated.exact:
        return Verdict(guess, math.inf, "witness", _stopped(gated), gated.stopped_by)
    best = proved_deviation(gated, network, guess)
    if not best.bounded:
        return Verdict(best, math.inf, "enumeration", "the difference is unbounded on a region")
    return Verdict(best, best.value, "enumeration", _on_all(regions) + " the difference was compared exactly")


def _regions(network: PLNetwork, domain: Domain, control: Control, share: float) -> RegionComplex:
    return enumerate_regions(
        network,
        domain,
        max_regions=control.max_regions,
        max_seconds=control.deadline.left(share),
        progress=control.report,
    )


def _stopped(regions: RegionComplex) -> str:
    if regions.complete:
        return f"{regions.n_undecided} regions of the difference were left undecided"
    return f"the enumeration of the difference stopped after {len(regions)} regions"


def _on_all(regions: RegionComplex) -> str:
    return f"on all {len(regions)} regions of the difference (engine {regions.engine})"


def _bracketed(network: PLNetwork, chart: Chart, control: Control, found: Verdict) -> Verdict:
    """Bound what enumeration did not decide; without a budget from a single box."""
    most, left = control.max_regions, control.deadline.left()
    limits = Control(1 if most is None and left is None else most, left)
    attained = rounded_fraction(Fraction(found.lower.value)) if found.lower is not None else 0.0
    bracket = branch_and_bound(network, chart, limits, attained)
    lower = found.lower
    if bracket.point is not None and chart.contains(bracket.point):
        seen = exact_deviation(network, embedded(chart.embedding, (*bracket.point, Fraction(1))))
        lower = seen if lower is None or seen.value > lower.value else lower
    reason = f"{found.reason}; bounds from {bracket.n_boxes} boxes"
    return Verdict(lower, bracket.upper, "branch_and_bound", reason, found.stopped_by or limits.stopped_by)


_JUMPS = (
    "a network with local winners can jump, so that its regions prove nothing about their walls; only "
    "layers and single points were compared"
)
_ALONG_A_RAY = "the difference of the recession networks is not 0 along a ray of the domain"
