"""Maxout: what its units can express exactly, and how to write any piecewise-linear function with them."""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.maxout.conversion.max_affine import MaxAffine
    from plnet.maxout.conversion.modules import ElementwiseMaxout, MaxoutNetwork, maxout_to_relu, to_maxout
    from plnet.maxout.conversion.report import ConversionReport, UnitConversion
    from plnet.maxout.convexity.decide import is_concave, is_convex
    from plnet.maxout.convexity.pieces import max_affine_of
    from plnet.maxout.convexity.report import ConvexityReport, ConvexityWitness
    from plnet.maxout.differences.difference import MaxoutDifference, difference_of_maxouts
    from plnet.maxout.expressivity.explain import ExpressivityReport, explain_expressivity
    from plnet.maxout.expressivity.tropical import TropicalPolynomial, TropicalRational, tropical_form
    from plnet.maxout.fitting import MaxAffineFit, fit_max_affine, optimal_error

__all__ = [
    "ConversionReport",
    "ConvexityReport",
    "ConvexityWitness",
    "ElementwiseMaxout",
    "ExpressivityReport",
    "MaxAffine",
    "MaxAffineFit",
    "MaxoutDifference",
    "MaxoutNetwork",
    "TropicalPolynomial",
    "TropicalRational",
    "UnitConversion",
    "difference_of_maxouts",
    "explain_expressivity",
    "fit_max_affine",
    "is_concave",
    "is_convex",
    "max_affine_of",
    "maxout_to_relu",
    "optimal_error",
    "to_maxout",
    "tropical_form",
]

_HOMES = {
    "ConversionReport": "conversion.report",
    "ConvexityReport": "convexity.report",
    "ConvexityWitness": "convexity.report",
    "ElementwiseMaxout": "conversion.modules",
    "ExpressivityReport": "expressivity.explain",
    "MaxAffine": "conversion.max_affine",
    "MaxAffineFit": "fitting",
    "MaxoutDifference": "differences.difference",
    "MaxoutNetwork": "conversion.modules",
    "TropicalPolynomial": "expressivity.tropical",
    "TropicalRational": "expressivity.tropical",
    "UnitConversion": "conversion.report",
    "difference_of_maxouts": "differences.difference",
    "explain_expressivity": "expressivity.explain",
    "fit_max_affine": "fitting",
    "is_concave": "convexity.decide",
    "is_convex": "convexity.decide",
    "max_affine_of": "convexity.pieces",
    "maxout_to_relu": "conversion.modules",
    "optimal_error": "fitting",
    "to_maxout": "conversion.modules",
    "tropical_form": "expressivity.tropical",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
