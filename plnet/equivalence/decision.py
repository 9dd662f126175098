"""The steps of a comparison, each on the difference network of a domain."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.equivalence.bracket import branch_and_bound
from plnet.equivalence.deviation import Deviation, embedded, largest_at_vertices, proved_deviation, with_gates
from plnet.equivalence.sampling import contains, is_bounded
from plnet.equivalence.vanishing import first_nonzero_region
from plnet.equivalence.witness import exact_deviation, search_ray, search_witness
from plnet.errors import DimensionError
from plnet.geometry.domain import Chart, Domain
from plnet.ir.network import PLNetwork
from plnet.regions.api import enumerate_regions
from plnet.regions.control import Control
from plnet.regions.network_checks import rounded_fraction

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["Budget", "Verdict", "decide"]

_SHARE = 0.6
"""Share of the time that is left which an enumeration may take, so that bounds can follow."""


@dataclass(frozen=True)
class Budget:
    """What a comparison may cost, and how it shows progress."""

    control: Control
    progress: Any

    def left(self, share: float = 1.0) -> float | None:
        """Return a share of the seconds left, more than 0; None without a limit."""
        if self.control.max_seconds is None:
            return None
        return max(1e-3, share * (self.control.max_seconds - self.control.seconds))


@dataclass(frozen=True)
class Verdict:
    """What was found: an attained value, an upper bound, and how."""

    lower: Deviation | None
    upper: Fraction | float
    method: str
    reason: str


def decide(
    network: PLNetwork,
    domain: Domain,
    chart: Chart,
    budget: Budget,
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
    budget : Budget
    rng : Generator
        For the search for a witness.
    enumerating : bool
        Without it only a witness and bounds are looked for.
    """
    witness = search_witness(network, chart, rng)
    if not network.is_continuous:
        return Verdict(witness, math.inf, "witness", _JUMPS)
    bounded = is_bounded(chart)
    if not bounded:
        far = search_ray(network, chart, witness, rng)
        if far is not None:
            return Verdict(far, math.inf, "recession", _ALONG_A_RAY)
    found = Verdict(witness, math.inf, "witness", "only single points were compared")
    if enumerating:
        try:
            found = _enumerated(network, domain, chart, budget, witness)
        except DimensionError as error:
            found = replace(found, reason=str(error))
        except KeyboardInterrupt:
            return replace(found, reason="interrupted")
    decided = found.upper == (0 if found.lower is None else found.lower.value)
    return found if decided or not bounded else _bracketed(network, chart, budget, found)


def _enumerated(
    network: PLNetwork, domain: Domain, chart: Chart, budget: Budget, witness: Deviation | None
) -> Verdict:
    regions = _regions(network, domain, budget, _SHARE)
    if not regions.exact:
        return Verdict(witness, math.inf, "witness", _stopped(regions))
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
    gated = _regions(with_gates(network, guess.value), domain, budget, _SHARE)
    if not gated.exact:
        return Verdict(guess, math.inf, "witness", _stopped(gated))
    best = proved_deviation(gated, network, guess)
    if not best.bounded:
        return Verdict(best, math.inf, "enumeration", "the difference is unbounded on a region")
    return Verdict(best, best.value, "enumeration", _on_all(regions) + " the difference was compared exactly")


def _regions(network: PLNetwork, domain: Domain, budget: Budget, share: float) -> RegionComplex:
    return enumerate_regions(
        network,
        domain,
        max_regions=budget.control.max_regions,
        max_seconds=budget.left(share),
        progress=budget.progress,
    )


def _stopped(regions: RegionComplex) -> str:
    if regions.complete:
        return f"{regions.n_undecided} regions of the difference were left undecided"
    return f"the enumeration of the difference stopped after {len(regions)} regions"


def _on_all(regions: RegionComplex) -> str:
    return f"on all {len(regions)} regions of the difference (engine {regions.engine})"


def _bracketed(network: PLNetwork, chart: Chart, budget: Budget, found: Verdict) -> Verdict:
    """Bound what enumeration did not decide; without a budget from a single box."""
    limits = budget.control.max_regions, budget.left()
    control = Control(*(limits if limits != (None, None) else (1, None)))
    attained = rounded_fraction(Fraction(found.lower.value)) if found.lower is not None else 0.0
    bracket = branch_and_bound(network, chart, control, attained)
    lower = found.lower
    if bracket.point is not None and contains(chart, bracket.point):
        seen = exact_deviation(network, embedded(chart.embedding, (*bracket.point, Fraction(1))))
        lower = seen if lower is None or seen.value > lower.value else lower
    reason = f"{found.reason}; bounds from {bracket.n_boxes} boxes"
    return Verdict(lower, bracket.upper, "branch_and_bound", reason)


_JUMPS = (
    "a network with local winners can jump, so that its regions prove nothing about their walls; only "
    "layers and single points were compared"
)
_ALONG_A_RAY = "the difference of the recession networks is not 0 along a ray of the domain"
