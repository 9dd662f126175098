"""How far a max-affine function with rounded coefficients is from the exact one."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from plnet.geometry.cells import AnyCell, domain_cell
from plnet.geometry.domain import Chart
from plnet.geometry.exact import rational, to_fractions
from plnet.geometry.homogeneous import value
from plnet.maxout.conversion.max_affine import MaxAffine

__all__ = ["rounding_deviation"]


def rounding_deviation(function: MaxAffine, chart: Chart) -> Fraction | float:
    """Return a bound of the change of a max-affine function when its coefficients are rounded to floats.

    A maximum changes by no more than the most that one of its pieces changes, and that is greatest at
    a corner of the domain.

    Parameters
    ----------
    function : MaxAffine
        Of the coordinates of the chart, or of its inputs.
    chart : Chart

    Returns
    -------
    Fraction or float
        0 if nothing is rounded, inf if a slope is rounded on a domain that is unbounded in its direction.
    """
    if function.has_float_coefficients:
        return Fraction(0)
    if not (np.isfinite(function.float_slopes).all() and np.isfinite(function.float_offsets).all()):
        return math.inf
    changes = np.concatenate(
        [
            to_fractions(function.float_slopes) - function.slopes,
            (to_fractions(function.float_offsets) - function.offsets)[:, None],
        ],
        axis=1,
    )
    rows = rational(changes)
    cell = domain_cell(chart.facets, chart.facet_names)
    return max(_largest(tuple(row), rows.denominator, cell) for row in rows.integers.tolist())


def _largest(form: tuple[int, ...], denominator: int, cell: AnyCell) -> Fraction | float:
    """Return the greatest absolute value of a form on a cell."""
    if any(value(form, line) for line in getattr(cell, "lines", ())):
        return math.inf
    best = Fraction(0)
    for vertex in cell.vertices:
        height = abs(value(form, vertex))
        if height and not vertex[-1]:
            return math.inf
        if vertex[-1]:
            best = max(best, Fraction(height, denominator * vertex[-1]))
    return best
