"""Maxout: what its units can express exactly, and how to write any piecewise-linear function with them."""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.maxout.conversion_report import ConversionReport, UnitConversion
    from plnet.maxout.convexity import is_concave, is_convex
    from plnet.maxout.convexity_report import ConvexityReport, ConvexityWitness
    from plnet.maxout.expressivity import ExpressivityReport, explain_expressivity
    from plnet.maxout.fitting import MaxAffineFit, fit_max_affine, optimal_error
    from plnet.maxout.max_affine import MaxAffine
    from plnet.maxout.maxout_difference import MaxoutDifference, difference_of_maxouts
    from plnet.maxout.modules import ElementwiseMaxout, MaxoutNetwork, maxout_to_relu, to_maxout
    from plnet.maxout.pieces import max_affine_of
    from plnet.maxout.tropical import TropicalPolynomial, TropicalRational, tropical_form

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
    "ConversionReport": "conversion_report",
    "ConvexityReport": "convexity_report",
    "ConvexityWitness": "convexity_report",
    "ElementwiseMaxout": "modules",
    "ExpressivityReport": "expressivity",
    "MaxAffine": "max_affine",
    "MaxAffineFit": "fitting",
    "MaxoutDifference": "maxout_difference",
    "MaxoutNetwork": "modules",
    "TropicalPolynomial": "tropical",
    "TropicalRational": "tropical",
    "UnitConversion": "conversion_report",
    "difference_of_maxouts": "maxout_difference",
    "explain_expressivity": "expressivity",
    "fit_max_affine": "fitting",
    "is_concave": "convexity",
    "is_convex": "convexity",
    "max_affine_of": "pieces",
    "maxout_to_relu": "modules",
    "optimal_error": "fitting",
    "to_maxout": "modules",
    "tropical_form": "tropical",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
