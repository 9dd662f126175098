"""The best approximation of convex functions by maxima of few affine functions."""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.maxout.fitting.api import fit_max_affine, optimal_error
    from plnet.maxout.fitting.rates import RateCurve, asymptotic_constant, rate_curve
    from plnet.maxout.fitting.results import ErrorBracket, MaxAffineFit
    from plnet.maxout.fitting.targets.catalogue import Target, named_target, target_names

__all__ = [
    "ErrorBracket",
    "MaxAffineFit",
    "RateCurve",
    "Target",
    "asymptotic_constant",
    "fit_max_affine",
    "named_target",
    "optimal_error",
    "rate_curve",
    "target_names",
]

_HOMES = {
    "ErrorBracket": "results",
    "MaxAffineFit": "results",
    "RateCurve": "rates",
    "Target": "targets.catalogue",
    "asymptotic_constant": "rates",
    "fit_max_affine": "api",
    "named_target": "targets.catalogue",
    "optimal_error": "api",
    "rate_curve": "rates",
    "target_names": "targets.catalogue",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
