"""Are two piecewise-linear networks one function? Exact deviation, witness, proof."""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.equivalence.check import check_equivalence
    from plnet.equivalence.difference import difference_network
    from plnet.equivalence.recession import recession_network
    from plnet.equivalence.report import EquivalenceReport

__all__ = ["EquivalenceReport", "check_equivalence", "difference_network", "recession_network"]

_HOMES = {
    "EquivalenceReport": "report",
    "check_equivalence": "check",
    "difference_network": "difference",
    "recession_network": "recession",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
