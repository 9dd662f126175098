"""When the kernel's floating-point arithmetic rounds nothing at all.

If every weight is an integer times one power of two per layer, so is every form, every
vertex (a cross product of two forms) and every value of a form at a vertex. If a bound on
these integers stays below 2**53, float64 computes all of them exactly and a computed zero
is a proof.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plnet.budgets import look
from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import GroupMax, LocalWinner
from plnet.regions.problem import Block, Problem

__all__ = ["exact_form_bits", "vertices_are_exact"]

_BLOCK = 1 << 20
_LIMIT = 2.0**53


def exact_form_bits(problem: Problem, entering: RationalMatrix) -> int | None:
    """Return bits such that the kernel computes all forms as integers times ``2**-bits``, unrounded.

    Parameters
    ----------
    problem : Problem
    entering : RationalMatrix, shape (n, d + 1)
        Exact forms that enter the first nonlinear layer.

    Returns
    -------
    int or None
        None if a form might be rounded.
    """
    found = _sizes_of_forms(problem, entering)
    return None if found is None else found[1]


def vertices_are_exact(problem: Problem, entering: RationalMatrix) -> bool:
    """Return whether on a bounded plane domain vertices and values at them are free of rounding, too.

    Parameters
    ----------
    problem : Problem
        With `exact_form_bits`.
    entering : RationalMatrix, shape (n, 3)
    """
    vertices = max((abs(x) for v in problem.root.vertices for x in v), default=0)
    facets = max((abs(x) for form in problem.root.forms for x in form), default=0)
    found = _sizes_of_forms(problem, entering)
    if found is None or not problem.root.bounded or max(vertices, facets) >= _LIMIT:
        return False
    # A vertex is at most twice the product of two forms, a value three times a form times that.
    form = max(found[0], float(facets))
    return 6.0 * form * max(form * form, float(vertices)) < _LIMIT


def _sizes_of_forms(problem: Problem, entering: RationalMatrix) -> tuple[float, int] | None:
    """Return the largest integer in any form and the bits of its scale; None beyond 2**53."""
    if entering.denominator & (entering.denominator - 1):
        return None
    if max((abs(x) for x in entering.integers.flat), default=0) >= _LIMIT:
        return None
    bits = entering.denominator.bit_length() - 1
    size = np.abs(entering.to_float()).max(axis=1, initial=0.0)
    largest = 0.0
    for depth, block in enumerate(problem.blocks):
        if depth:
            found = _through_affine(block, size, bits)
            if found is None:
                return None
            size, bits = found
        shifts = _breakpoints(block)
        bits = max(bits, _fraction_bits(shifts))
        reach = (size.max(initial=0.0) + np.abs(shifts).max(initial=0.0)) * 2.0
        if bits > 200 or not reach * 2.0**bits < _LIMIT:
            return None
        largest = max(largest, reach * 2.0**bits)
        size, bits = _through_pieces(block, size, bits)
        if bits > 200 or not size.max(initial=0.0) * 2.0**bits < _LIMIT:
            return None
    return largest, bits


def _through_affine(block: Block, size: np.ndarray, bits: int) -> tuple[np.ndarray, int] | None:
    if len(block.affine) > 1:
        return None
    if not block.affine:
        return size, bits
    affine = block.affine[0]
    if affine.divisors is not None:
        return None
    reached = affine.apply_absolute(size[None])[0]
    return reached, max(bits + _fraction_bits(affine.stored), _fraction_bits(affine.bias))


def _through_pieces(block: Block, size: np.ndarray, bits: int) -> tuple[np.ndarray, int]:
    layer = block.nonlinear
    if isinstance(layer, LocalWinner):
        return size, bits
    if isinstance(layer, GroupMax):
        return size[layer.groups].max(axis=1), bits
    out = np.abs(layer.slopes).max(axis=1) * (size + np.abs(_breakpoints(block)).max(initial=0.0))
    # Exact ones: a small part of an intercept would be lost if it were rounded first.
    first, _ = layer.kinds
    constants = [Fraction(x) for x in layer.exact_intercepts[first].flat]
    constant_bits = max((x.denominator.bit_length() - 1 for x in constants), default=0)
    total = bits + _fraction_bits(layer.slopes) + _fraction_bits(_breakpoints(block)) + constant_bits
    return out + np.abs(layer.intercepts).max(axis=1) + np.abs(layer.anchors), total


def _breakpoints(block: Block) -> np.ndarray:
    layer = block.nonlinear
    if isinstance(layer, GroupMax):
        return np.zeros(0)
    return layer.breakpoints[layer.breakpoints < np.inf]


def _fraction_bits(array: np.ndarray) -> int:
    """Return the least k >= 0 such that all entries are integers times 2**-k."""
    used, bits = array[array != 0], 0
    for begin in range(0, used.size, _BLOCK):
        look()
        mantissa, exponent = np.frexp(used[begin : begin + _BLOCK])
        whole = np.ldexp(mantissa, 53).astype(np.int64)
        trailing = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
        bits = max(bits, int((53 - exponent - trailing).max()))
    return bits
