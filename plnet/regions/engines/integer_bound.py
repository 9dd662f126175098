"""When the kernel's floating-point arithmetic rounds nothing at all.

If every weight is an integer times one power of two per layer, so is every form, every
vertex (a cross product of two forms) and every value of a form at a vertex. If a bound on
these integers stays below 2**53, float64 computes all of them exactly and a computed zero
is a proof.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import GroupMax
from plnet.regions.problem import Block, Problem

__all__ = ["arithmetic_is_exact"]

_LIMIT = 2.0**53


def arithmetic_is_exact(problem: Problem, entering: RationalMatrix) -> bool:
    """Return whether all arithmetic of the kernel on a bounded domain is free of rounding.

    Parameters
    ----------
    problem : Problem
    entering : RationalMatrix, shape (n, 3)
        Exact forms that enter the first nonlinear layer.
    """
    if entering.denominator & (entering.denominator - 1):
        return False
    vertices = max((abs(x) for v in problem.root.vertices for x in v), default=0)
    facets = max((abs(x) for form in problem.root.forms for x in form), default=0)
    if max(vertices, facets, *(abs(x) for x in entering.integers.flat)) >= _LIMIT:
        return False
    bits = entering.denominator.bit_length() - 1
    size = np.abs(entering.to_float()).max(axis=1, initial=0.0)
    sizes = [float(facets)]
    for depth, block in enumerate(problem.blocks):
        if depth:
            found = _through_affine(block, size, bits)
            if found is None:
                return False
            size, bits = found
        shifts = _breakpoints(block)
        bits = max(bits, _fraction_bits(shifts))
        reach = (size.max(initial=0.0) + np.abs(shifts).max(initial=0.0)) * 2.0
        if bits > 200 or not reach * 2.0**bits < _LIMIT:
            return False
        sizes.append(reach * 2.0**bits)
        size, bits = _through_pieces(block, size, bits)
        if bits > 200 or not size.max(initial=0.0) * 2.0**bits < _LIMIT:
            return False
    # A vertex is at most twice the product of two forms, a value three times a form times that.
    form = max(sizes)
    return 6.0 * form * max(form * form, float(vertices)) < _LIMIT


def _through_affine(block: Block, size: np.ndarray, bits: int) -> tuple[np.ndarray, int] | None:
    if len(block.affine) > 1:
        return None
    if not block.affine:
        return size, bits
    affine = block.affine[0]
    weight_bits = _fraction_bits(affine.weight)
    return np.abs(affine.weight) @ size + np.abs(affine.bias), max(
        bits + weight_bits, _fraction_bits(affine.bias)
    )


def _through_pieces(block: Block, size: np.ndarray, bits: int) -> tuple[np.ndarray, int]:
    layer = block.nonlinear
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
    used = array[array != 0]
    if not used.size:
        return 0
    mantissa, exponent = np.frexp(used)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    trailing = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return max(0, int((53 - exponent - trailing).max()))
