"""What maxout units learn: imitation from random starts, twins that drift apart, errors at equal budgets.

Everything here trains with torch, many independent replicates in one tensor program.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.maxout.learning.budgets import BudgetCurve, compare_budgets, next_layer_weights
    from plnet.maxout.learning.descent import OPTIMISERS, Descent
    from plnet.maxout.learning.deviation import deviation_bracket, exact_deviation
    from plnet.maxout.learning.imitation import Imitation, imitate
    from plnet.maxout.learning.intervals import clopper_pearson_interval, mean_interval, wilson_interval
    from plnet.maxout.learning.layer_imitation import LayerImitation, imitate_layer
    from plnet.maxout.learning.limits import best_affine_error, best_error, convex_gap, least_error
    from plnet.maxout.learning.matching import PieceMatch, active_pieces, match_pieces
    from plnet.maxout.learning.starts import STARTS, random_units
    from plnet.maxout.learning.targets import TARGETS, ImitationTarget, imitation_target
    from plnet.maxout.learning.twins import TwinHistory, train_twins

__all__ = [
    "OPTIMISERS",
    "STARTS",
    "TARGETS",
    "BudgetCurve",
    "Descent",
    "Imitation",
    "ImitationTarget",
    "LayerImitation",
    "PieceMatch",
    "TwinHistory",
    "active_pieces",
    "best_affine_error",
    "best_error",
    "clopper_pearson_interval",
    "compare_budgets",
    "convex_gap",
    "deviation_bracket",
    "exact_deviation",
    "imitate",
    "imitate_layer",
    "imitation_target",
    "least_error",
    "match_pieces",
    "mean_interval",
    "next_layer_weights",
    "random_units",
    "train_twins",
    "wilson_interval",
]

_HOMES = {
    "BudgetCurve": "budgets",
    "Descent": "descent",
    "Imitation": "imitation",
    "ImitationTarget": "targets",
    "LayerImitation": "layer_imitation",
    "OPTIMISERS": "descent",
    "PieceMatch": "matching",
    "STARTS": "starts",
    "TARGETS": "targets",
    "TwinHistory": "twins",
    "active_pieces": "matching",
    "best_affine_error": "limits",
    "best_error": "limits",
    "clopper_pearson_interval": "intervals",
    "compare_budgets": "budgets",
    "convex_gap": "limits",
    "deviation_bracket": "deviation",
    "exact_deviation": "deviation",
    "imitate": "imitation",
    "imitate_layer": "layer_imitation",
    "imitation_target": "targets",
    "least_error": "limits",
    "match_pieces": "matching",
    "mean_interval": "intervals",
    "next_layer_weights": "budgets",
    "random_units": "starts",
    "train_twins": "twins",
    "wilson_interval": "intervals",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
