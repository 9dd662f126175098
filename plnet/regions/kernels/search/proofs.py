"""Proofs in floating point: a point lies in a cell; a wall misses a cell.

Every number carries an error, an upper bound of its distance from the exact value. Both proofs start
from the weights, so errors do not build up along the search.

A point is proved to lie in a cell by a pass through the network with certain signs at all cuts. A
wall f is proved to be >= 0 on a cell by multipliers (Farkas 1902; safe bounds as Neumaier and Shcherbina
2004): f minus non-negative multiples of cuts, pulled back layer by layer to the coordinates u >= 0, has no
negative coefficient. The multipliers are any floats; where they seem to cancel the coefficient of a unit,
they are taken to do so exactly, which is sound as long as the sign of the coefficient is certain.

A product of small numbers may underflow, to an exact zero that is wrong. So whatever is a product of
numbers that are not zero has an error of at least `floor`, or of `floor` times a weight, anew in each
layer. Weights and slopes are at least 2^-150 (`searching.plan`), so that these never underflow themselves.
Products that overflow prove nothing.

`factors` and `radii`, shape (widest,), are a combination of the pre-activations of a layer and its errors;
`constant` and `error` are what it has at scale 1. Other arguments as in `layout`.
"""

from __future__ import annotations

from plnet.compiled import compiled_inner
from plnet.regions.kernels.search import layout

__all__ = ["first_values", "inside", "layer_values", "misses", "misses_at_once"]

_SNAP, _SMALL, _CANCELLED, _HUGE = 1e-9, 1e-7, 3e7, 1e300


@compiled_inner
def first_values(plan, state, point, z, radii):
    """Write the pre-activations of the first layer at a point, and their error, to z and radii."""
    n = state.scalars[layout.SIZE]
    gamma = (n + 4) * 1.02 * plan.roundoff
    for i in range(plan.layers[0, layout.N_IN]):
        total, error = 0.0, 0.0
        for j in range(n):
            entry, spread = plan.first[0, i, j], plan.first[1, i, j]
            total += entry * point[j]
            error += gamma * abs(entry * point[j]) + spread * abs(point[j])
            error += plan.floor if point[j] != 0.0 and (entry != 0.0 or spread != 0.0) else 0.0
        z[i] = total
        radii[i] = error * (1.0 + 1e-9) + (plan.floor if error > 0.0 else 0.0)


@compiled_inner
def layer_values(plan, state, layer, pieces, height, z, radii):
    """Replace the pre-activations of layer - 1 in z and radii by those of `layer`, for known pieces.

    `pieces` has shape (outputs,), and `height` is the scale of the point.
    """
    head = plan.layers[layer - 1]
    n, out0 = head[layout.N_OUT], head[layout.OUT0]
    value, error = state.work[4], state.work[5]
    for i in range(n):
        unit = out0 + i
        piece = pieces[unit]
        source = plan.members[unit, piece] if head[layout.IS_GROUP] else i
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece] * height
        product = slope * z[source]
        value[i] = product + shift
        error[i] = abs(slope) * radii[source] + plan.rounding[unit, piece] * (abs(product) + abs(shift))
        if (slope != 0.0 and (z[source] != 0.0 or radii[source] != 0.0)) or plan.shifts[unit, piece] != 0.0:
            error[i] += plan.floor
    head = plan.layers[layer]
    start, in0 = head[layout.WEIGHT0], head[layout.IN0]
    gamma = (n + 5) * 1.02 * plan.roundoff
    for k in range(head[layout.N_IN]):
        total, size, own = 0.0, 0.0, 0.0
        for i in range(n):
            weight, spread = plan.weights[0, start + i], plan.weights[1, start + i]
            total += weight * value[i]
            size += abs(weight * value[i])
            own += abs(weight) * error[i] + spread * (abs(value[i]) + error[i])
        bias = plan.bias[0, in0 + k] * height
        z[k] = total + bias
        own += gamma * (size + abs(bias)) + plan.bias[1, in0 + k] * abs(height)
        own += plan.floor if plan.bias[0, in0 + k] != 0.0 or plan.bias[1, in0 + k] != 0.0 else 0.0
        radii[k] = own * (1.0 + 1e-9) + (plan.floor if own > 0.0 else 0.0)
        start += n


@compiled_inner
def inside(plan, state, slot, layer, point, z, radii):
    """Prove that a point lies inside the cell of a slot; leave the values of `layer` in z and radii."""
    n = state.scalars[layout.SIZE]
    for j in range(n):
        if not point[j] > 0.0:
            return False
    gamma = (n + 4) * 1.02 * plan.roundoff
    for i in range(state.scalars[layout.N_FACETS]):
        total, error = 0.0, 0.0
        for j in range(n):
            term = plan.facets[0, i, j] * point[j]
            total += term
            error += gamma * abs(term) + plan.facets[1, i, j] * point[j]
        if not total > error * (1.0 + 1e-9) + plan.floor:
            return False
    height = point[n - 1] if plan.scaled else 1.0
    first_values(plan, state, point, z, radii)
    n_cuts, at = state.head[slot, layout.N_CUTS], 0
    for k in range(layer + 1):
        if k > 0:
            layer_values(plan, state, k, state.pieces[slot], height, z, radii)
        while at < n_cuts and state.cuts[slot, at, layout.CUT_LAYER] == k:
            first, second = state.cuts[slot, at, layout.CUT_A], state.cuts[slot, at, layout.CUT_B]
            value, error = z[first], radii[first]
            if second >= 0:
                value -= z[second]
                error += radii[second] + 2.0 * plan.roundoff * (abs(z[first]) + abs(z[second]))
            elif plan.scaled:
                offset = state.points[slot, at] * height
                value -= offset
                error += 2.0 * plan.roundoff * (abs(z[first]) + abs(offset))
                error += plan.floor if state.points[slot, at] != 0.0 else 0.0
            if state.cuts[slot, at, layout.CUT_SIDE] == layout.BELOW:
                value = -value
            if not value > error * (1.0 + 1e-9):
                return False
            at += 1
    return True


@compiled_inner
def misses_at_once(plan, state, slot, layer, first, second, offset, sign):
    """Prove that a wall of `layer` misses a cell by the ranges of the units in the layer before."""
    if layer == 0:
        return False
    head, ahead = plan.layers[layer - 1], plan.layers[layer]
    n, out0 = head[layout.N_OUT], head[layout.OUT0]
    gamma = (2 * n + 8) * 1.02 * plan.roundoff
    constant = sign * (plan.bias[0, ahead[layout.IN0] + first] - offset)
    size = abs(plan.bias[0, ahead[layout.IN0] + first]) + abs(offset)
    error = plan.bias[1, ahead[layout.IN0] + first]
    if second >= 0:
        constant -= sign * plan.bias[0, ahead[layout.IN0] + second]
        size += abs(plan.bias[0, ahead[layout.IN0] + second])
        error += plan.bias[1, ahead[layout.IN0] + second]
    for i in range(n):
        start = ahead[layout.WEIGHT0] + i
        weight, spread = plan.weights[0, start + first * n], plan.weights[1, start + first * n]
        own = 0.0
        if second >= 0:
            other = plan.weights[0, start + second * n]
            spread += plan.weights[1, start + second * n]
            own = plan.roundoff * (abs(weight) + abs(other))
            weight -= other
        weight, own = sign * weight, own + spread
        unit = out0 + i
        piece = state.pieces[slot, unit]
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece]
        factor = weight * slope
        if slope != 0.0 and (factor != 0.0 or own > 0.0):
            if head[layout.IS_GROUP] or abs(factor) <= (own + 4.0 * plan.roundoff * abs(weight)) * abs(slope):
                return False
            bound = plan.low[unit, piece] if factor > 0.0 else plan.high[unit, piece]
            if abs(bound) > 1e300:
                return False
            constant += factor * bound
            size += abs(factor * bound)
            error += (own * abs(slope) + 4.0 * plan.roundoff * abs(factor)) * abs(bound)
            error += plan.floor if bound != 0.0 else 0.0
        constant += weight * shift
        size += abs(weight * shift)
        error += (own + plan.rounding[unit, piece] * abs(weight)) * abs(shift)
        error += plan.floor if shift != 0.0 and (weight != 0.0 or own != 0.0) else 0.0
    if not plan.scaled:
        return True
    error += gamma * size
    return _HUGE > constant >= error * (1.0 + 1e-9) + (plan.floor if error > 0.0 else 0.0)


@compiled_inner
def _absorb(plan, state, slot, layer, multipliers, factors, radii, constant, error):
    """Subtract the multiples of the cuts of one layer; return (constant, error) of what is left.

    `multipliers` has shape (facets + cuts,).
    """
    roundoff = plan.roundoff
    n_facets = state.scalars[layout.N_FACETS]
    for i in range(state.head[slot, layout.N_CUTS]):
        m = multipliers[n_facets + i]
        if m <= 0.0 or state.cuts[slot, i, layout.CUT_LAYER] != layer:
            continue
        first, second = state.cuts[slot, i, layout.CUT_A], state.cuts[slot, i, layout.CUT_B]
        offset = state.points[slot, i]
        side = 1.0 if state.cuts[slot, i, layout.CUT_SIDE] == layout.ABOVE else -1.0
        error += plan.floor if second < 0 and offset != 0.0 else 0.0
        if second >= 0:
            radii[first] += 2.0 * roundoff * (abs(factors[first]) + m) + plan.floor
            radii[second] += 2.0 * roundoff * (abs(factors[second]) + m) + plan.floor
            factors[first] -= side * m
            factors[second] += side * m
            continue
        left = factors[first] - side * m
        if abs(left) <= _SNAP * (abs(factors[first]) + m) and side * factors[first] >= radii[first]:
            constant += factors[first] * offset
            error += radii[first] * abs(offset) + 4.0 * roundoff * (
                abs(constant) + abs(factors[first] * offset)
            )
            factors[first] = 0.0
            radii[first] = 0.0
        else:
            radii[first] += 2.0 * roundoff * (abs(factors[first]) + m) + plan.floor
            factors[first] = left
            constant += side * m * offset
            error += 4.0 * roundoff * (abs(constant) + abs(m * offset))
    return constant, error


@compiled_inner
def _absorb_small(plan, state, slot, layer, factors, radii, largest, constant, error):
    """Replace small coefficients of settled units by what the bounds of their pieces give.

    `largest` is the size of the factors before. Returns (constant, error).
    """
    head = plan.layers[layer]
    if head[layout.IS_GROUP]:
        return constant, error
    for i in range(head[layout.N_OUT]):
        # A coefficient is small beside the others, or beside the terms that it is the sum of.
        if abs(factors[i]) > radii[i] and abs(factors[i]) <= max(_SMALL * largest, _CANCELLED * radii[i]):
            unit = head[layout.OUT0] + i
            piece = state.pieces[slot, unit]
            bound = plan.low[unit, piece] if factors[i] > 0.0 else plan.high[unit, piece]
            if abs(bound) < 1e300:
                constant += factors[i] * bound
                error += radii[i] * abs(bound) + 4.0 * plan.roundoff * (
                    abs(constant) + abs(factors[i] * bound)
                )
                error += plan.floor if bound != 0.0 else 0.0
                factors[i] = 0.0
                radii[i] = 0.0
    return constant, error


@compiled_inner
def _pull_back(plan, state, slot, layer, factors, radii, constant, error):
    """Express a combination of the pre-activations of `layer` in those of the layer before; as `_absorb`."""
    roundoff = plan.roundoff
    head, ahead = plan.layers[layer - 1], plan.layers[layer]
    n, out0, in0 = head[layout.N_OUT], head[layout.OUT0], ahead[layout.IN0]
    below, below_radii = state.work[8], state.work[9]
    gamma = (ahead[layout.N_IN] + n + 8) * 1.02 * roundoff
    for i in range(n):
        below[i] = 0.0
        below_radii[i] = 0.0
    size = abs(constant)
    for k in range(ahead[layout.N_IN]):
        if factors[k] != 0.0 or radii[k] != 0.0:
            factor = factors[k]
            spread = gamma * abs(factor) + radii[k] + plan.floor
            whole = abs(factor) + radii[k] + plan.floor
            start = ahead[layout.WEIGHT0] + k * n
            for i in range(n):
                weight = plan.weights[0, start + i]
                below[i] += factor * weight
                below_radii[i] += spread * abs(weight) + whole * plan.weights[1, start + i]
            bias = plan.bias[0, in0 + k]
            constant += factor * bias
            size += abs(factor * bias)
            error += radii[k] * abs(bias) + whole * plan.bias[1, in0 + k]
            error += plan.floor if bias != 0.0 or plan.bias[1, in0 + k] != 0.0 else 0.0
    for i in range(head[layout.N_IN]):
        factors[i] = 0.0
        radii[i] = 0.0
    for i in range(n):
        unit = out0 + i
        piece = state.pieces[slot, unit]
        source = plan.members[unit, piece] if head[layout.IS_GROUP] else i
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece]
        rounding = plan.rounding[unit, piece]
        before = factors[source]
        factors[source] += slope * below[i]
        radii[source] += abs(slope) * below_radii[i] * (1.0 + 1e-9)
        if slope != 0.0 and (below[i] != 0.0 or below_radii[i] != 0.0):
            radii[source] += plan.floor
        if slope * below[i] != 0.0 and (before != 0.0 or rounding > 0.0):
            radii[source] += 4.0 * roundoff * (abs(before) + abs(slope * below[i]))
        constant += shift * below[i]
        size += abs(shift * below[i])
        error += (below_radii[i] + (rounding + 4.0 * roundoff) * abs(below[i])) * abs(shift)
        error += plan.floor if shift != 0.0 and (below[i] != 0.0 or below_radii[i] != 0.0) else 0.0
    if size > 0.0:
        error += gamma * size
    return constant, error


@compiled_inner
def misses(plan, state, slot, layer, first, second, offset, sign, multipliers):
    """Prove that ``sign * wall >= 0`` on the cell of a slot by multipliers of its facets and cuts.

    `multipliers` has shape (facets + cuts,). Returns whether it is proved.
    """
    n, roundoff = state.scalars[layout.SIZE], plan.roundoff
    factors, radii = state.work[6], state.work[7]
    for i in range(plan.layers[layer, layout.N_IN]):
        factors[i] = 0.0
        radii[i] = 0.0
    factors[first] = sign
    if second >= 0:
        factors[second] = -sign
    constant, error = -sign * offset, 0.0
    for step in range(layer + 1):
        k = layer - step
        largest = 0.0
        for i in range(plan.layers[k, layout.N_IN]):
            largest = max(largest, abs(factors[i]))
        constant, error = _absorb(plan, state, slot, k, multipliers, factors, radii, constant, error)
        if step > 0:
            constant, error = _absorb_small(plan, state, slot, k, factors, radii, largest, constant, error)
        if k > 0:
            constant, error = _pull_back(plan, state, slot, k, factors, radii, constant, error)
    below, below_radii = state.work[8], state.work[9]
    n_in = plan.layers[0, layout.N_IN]
    gamma = (n_in + state.scalars[layout.N_FACETS] + 8) * 1.02 * roundoff
    for j in range(n):
        below[j] = 0.0
        below_radii[j] = 0.0
    for i in range(n_in):
        if factors[i] != 0.0 or radii[i] != 0.0:
            spread, whole = gamma * abs(factors[i]) + radii[i], abs(factors[i]) + radii[i]
            for j in range(n):
                entry = plan.first[0, i, j]
                below[j] += factors[i] * entry
                below_radii[j] += spread * abs(entry) + whole * plan.first[1, i, j]
                below_radii[j] += plan.floor if entry != 0.0 or plan.first[1, i, j] != 0.0 else 0.0
    for i in range(state.scalars[layout.N_FACETS]):
        m = multipliers[i]
        if m > 0.0:
            for j in range(n):
                entry = plan.facets[0, i, j]
                below[j] -= m * entry
                below_radii[j] += m * (gamma * abs(entry) + plan.facets[1, i, j])
                below_radii[j] += plan.floor if entry != 0.0 or plan.facets[1, i, j] != 0.0 else 0.0
    if plan.scaled:
        below_radii[n - 1] += error + gamma * (abs(constant) + abs(below[n - 1]))
        below[n - 1] += constant
    proved = True
    for j in range(n):
        proved = proved and _HUGE > below[j] >= below_radii[j] * (1.0 + 1e-8) + (
            plan.floor if below_radii[j] > 0.0 else 0.0
        )
    return proved
