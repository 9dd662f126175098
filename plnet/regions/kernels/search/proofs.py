"""Proofs in floating point: a point lies in a cell; a wall misses a cell.

Every number carries an error, an upper bound of its distance from the exact value. Both proofs start
from the weights, so errors do not build up along the search.

A point is proved to lie in a cell by a pass through the network with certain signs at all cuts. A
wall f is proved to be >= 0 on a cell by multipliers (Farkas): f minus non-negative multiples of cuts,
pulled back layer by layer to the coordinates u >= 0, has no negative coefficient. The multipliers are
any floats; where they seem to cancel the coefficient of a unit, they are taken to do so exactly, which
is sound as long as the sign of the coefficient is certain.

A product of small numbers may underflow, to an exact zero that is wrong. So whatever is a product of
numbers that are not zero has an error of at least `floor`, or of `floor` times a weight, anew in each
layer. Weights and slopes are at least 2^-150 (`engines.plan`), so that these never underflow themselves.
Products that overflow prove nothing.
"""

from __future__ import annotations

from plnet.compiled import compiled_inner
from plnet.regions.kernels.search import layout as c

__all__ = ["first_values", "inside", "layer_values", "misses", "misses_at_once"]

_SNAP, _SMALL, _CANCELLED, _HUGE = 1e-9, 1e-7, 3e7, 1e300


@compiled_inner
def first_values(plan, state, point, z, r):
    """Pre-activations of the first layer at a point, and their error."""
    n = state.scalars[c.SIZE]
    gamma = (n + 4) * 1.02 * plan.roundoff
    for i in range(plan.layers[0, c.N_IN]):
        total, error = 0.0, 0.0
        for j in range(n):
            entry, spread = plan.first[0, i, j], plan.first[1, i, j]
            total += entry * point[j]
            error += gamma * abs(entry * point[j]) + spread * abs(point[j])
            error += plan.floor if point[j] != 0.0 and (entry != 0.0 or spread != 0.0) else 0.0
        z[i] = total
        r[i] = error * (1.0 + 1e-9) + (plan.floor if error > 0.0 else 0.0)


@compiled_inner
def layer_values(plan, state, layer, pieces, height, z, r):
    """Replace the pre-activations of layer - 1 by those of `layer`, for known pieces."""
    head = plan.layers[layer - 1]
    n, out0 = head[c.N_OUT], head[c.OUT0]
    value, error = state.work[4], state.work[5]
    for i in range(n):
        unit = out0 + i
        piece = pieces[unit]
        source = plan.members[unit, piece] if head[c.IS_GROUP] else i
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece] * height
        a = slope * z[source]
        value[i] = a + shift
        error[i] = abs(slope) * r[source] + plan.rounding[unit, piece] * (abs(a) + abs(shift))
        if (slope != 0.0 and (z[source] != 0.0 or r[source] != 0.0)) or plan.shifts[unit, piece] != 0.0:
            error[i] += plan.floor
    head = plan.layers[layer]
    start, in0 = head[c.WEIGHT0], head[c.IN0]
    gamma = (n + 5) * 1.02 * plan.roundoff
    for k in range(head[c.N_IN]):
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
        r[k] = own * (1.0 + 1e-9) + (plan.floor if own > 0.0 else 0.0)
        start += n


@compiled_inner
def inside(plan, state, s, layer, point, z, r):
    """Prove that a point lies inside the cell of a slot; leave the values of `layer` in z and r."""
    n = state.scalars[c.SIZE]
    for j in range(n):
        if not point[j] > 0.0:
            return False
    gamma = (n + 4) * 1.02 * plan.roundoff
    for i in range(state.scalars[c.N_FACETS]):
        total, error = 0.0, 0.0
        for j in range(n):
            term = plan.facets[0, i, j] * point[j]
            total += term
            error += gamma * abs(term) + plan.facets[1, i, j] * point[j]
        if not total > error * (1.0 + 1e-9) + plan.floor:
            return False
    height = point[n - 1] if plan.scaled else 1.0
    first_values(plan, state, point, z, r)
    n_cuts, at = state.head[s, c.N_CUTS], 0
    for k in range(layer + 1):
        if k > 0:
            layer_values(plan, state, k, state.pieces[s], height, z, r)
        while at < n_cuts and state.cuts[s, at, c.CUT_LAYER] == k:
            a, b = state.cuts[s, at, c.CUT_A], state.cuts[s, at, c.CUT_B]
            value, error = z[a], r[a]
            if b >= 0:
                value -= z[b]
                error += r[b] + 2.0 * plan.roundoff * (abs(z[a]) + abs(z[b]))
            elif plan.scaled:
                t = state.points[s, at] * height
                value -= t
                error += 2.0 * plan.roundoff * (abs(z[a]) + abs(t))
                error += plan.floor if state.points[s, at] != 0.0 else 0.0
            if state.cuts[s, at, c.CUT_SIDE] == c.BELOW:
                value = -value
            if not value > error * (1.0 + 1e-9):
                return False
            at += 1
    return True


@compiled_inner
def misses_at_once(plan, state, s, layer, a, b, t, sign):
    """Prove that a wall of `layer` misses a cell by the ranges of the units in the layer before."""
    if layer == 0:
        return False
    head, ahead = plan.layers[layer - 1], plan.layers[layer]
    n, out0 = head[c.N_OUT], head[c.OUT0]
    gamma = (2 * n + 8) * 1.02 * plan.roundoff
    constant = sign * (plan.bias[0, ahead[c.IN0] + a] - t)
    size = abs(plan.bias[0, ahead[c.IN0] + a]) + abs(t)
    error = plan.bias[1, ahead[c.IN0] + a]
    if b >= 0:
        constant -= sign * plan.bias[0, ahead[c.IN0] + b]
        size += abs(plan.bias[0, ahead[c.IN0] + b])
        error += plan.bias[1, ahead[c.IN0] + b]
    for i in range(n):
        start = ahead[c.WEIGHT0] + i
        weight, spread = plan.weights[0, start + a * n], plan.weights[1, start + a * n]
        own = 0.0
        if b >= 0:
            other = plan.weights[0, start + b * n]
            spread += plan.weights[1, start + b * n]
            own = plan.roundoff * (abs(weight) + abs(other))
            weight -= other
        weight, own = sign * weight, own + spread
        unit = out0 + i
        piece = state.pieces[s, unit]
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece]
        p = weight * slope
        if slope != 0.0 and (p != 0.0 or own > 0.0):
            if head[c.IS_GROUP] or abs(p) <= (own + 4.0 * plan.roundoff * abs(weight)) * abs(slope):
                return False
            bound = plan.low[unit, piece] if p > 0.0 else plan.high[unit, piece]
            if abs(bound) > 1e300:
                return False
            constant += p * bound
            size += abs(p * bound)
            error += (own * abs(slope) + 4.0 * plan.roundoff * abs(p)) * abs(bound)
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
def _absorb(plan, state, s, layer, multipliers, p, r, constant, error):
    """Subtract the multiples of the cuts of one layer; return what is left of the constant."""
    u = plan.roundoff
    n_facets = state.scalars[c.N_FACETS]
    for i in range(state.head[s, c.N_CUTS]):
        m = multipliers[n_facets + i]
        if m <= 0.0 or state.cuts[s, i, c.CUT_LAYER] != layer:
            continue
        a, b, t = state.cuts[s, i, c.CUT_A], state.cuts[s, i, c.CUT_B], state.points[s, i]
        side = 1.0 if state.cuts[s, i, c.CUT_SIDE] == c.ABOVE else -1.0
        error += plan.floor if b < 0 and t != 0.0 else 0.0
        if b >= 0:
            r[a] += 2.0 * u * (abs(p[a]) + m) + plan.floor
            r[b] += 2.0 * u * (abs(p[b]) + m) + plan.floor
            p[a] -= side * m
            p[b] += side * m
            continue
        left = p[a] - side * m
        if abs(left) <= _SNAP * (abs(p[a]) + m) and side * p[a] >= r[a]:
            constant += p[a] * t
            error += r[a] * abs(t) + 4.0 * u * (abs(constant) + abs(p[a] * t))
            p[a] = 0.0
            r[a] = 0.0
        else:
            r[a] += 2.0 * u * (abs(p[a]) + m) + plan.floor
            p[a] = left
            constant += side * m * t
            error += 4.0 * u * (abs(constant) + abs(m * t))
    return constant, error


@compiled_inner
def _absorb_small(plan, state, s, layer, p, r, largest, constant, error):
    """Replace small coefficients of settled units by what the bounds of their pieces give."""
    head = plan.layers[layer]
    if head[c.IS_GROUP]:
        return constant, error
    for i in range(head[c.N_OUT]):
        # A coefficient is small beside the others, or beside the terms that it is the sum of.
        if abs(p[i]) > r[i] and abs(p[i]) <= max(_SMALL * largest, _CANCELLED * r[i]):
            unit = head[c.OUT0] + i
            piece = state.pieces[s, unit]
            bound = plan.low[unit, piece] if p[i] > 0.0 else plan.high[unit, piece]
            if abs(bound) < 1e300:
                constant += p[i] * bound
                error += r[i] * abs(bound) + 4.0 * plan.roundoff * (abs(constant) + abs(p[i] * bound))
                error += plan.floor if bound != 0.0 else 0.0
                p[i] = 0.0
                r[i] = 0.0
    return constant, error


@compiled_inner
def _pull_back(plan, state, s, layer, p, r, constant, error):
    """Express a combination of the pre-activations of `layer` in those of the layer before."""
    u = plan.roundoff
    head, ahead = plan.layers[layer - 1], plan.layers[layer]
    n, out0, in0 = head[c.N_OUT], head[c.OUT0], ahead[c.IN0]
    q, w = state.work[8], state.work[9]
    gamma = (ahead[c.N_IN] + n + 8) * 1.02 * u
    for i in range(n):
        q[i] = 0.0
        w[i] = 0.0
    size = abs(constant)
    for k in range(ahead[c.N_IN]):
        if p[k] != 0.0 or r[k] != 0.0:
            factor = p[k]
            spread = gamma * abs(factor) + r[k] + plan.floor
            whole = abs(factor) + r[k] + plan.floor
            start = ahead[c.WEIGHT0] + k * n
            for i in range(n):
                weight = plan.weights[0, start + i]
                q[i] += factor * weight
                w[i] += spread * abs(weight) + whole * plan.weights[1, start + i]
            bias = plan.bias[0, in0 + k]
            constant += factor * bias
            size += abs(factor * bias)
            error += r[k] * abs(bias) + whole * plan.bias[1, in0 + k]
            error += plan.floor if bias != 0.0 or plan.bias[1, in0 + k] != 0.0 else 0.0
    for i in range(head[c.N_IN]):
        p[i] = 0.0
        r[i] = 0.0
    for i in range(n):
        unit = out0 + i
        piece = state.pieces[s, unit]
        source = plan.members[unit, piece] if head[c.IS_GROUP] else i
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece]
        rounding = plan.rounding[unit, piece]
        before = p[source]
        p[source] += slope * q[i]
        r[source] += abs(slope) * w[i] * (1.0 + 1e-9)
        if slope != 0.0 and (q[i] != 0.0 or w[i] != 0.0):
            r[source] += plan.floor
        if slope * q[i] != 0.0 and (before != 0.0 or rounding > 0.0):
            r[source] += 4.0 * u * (abs(before) + abs(slope * q[i]))
        constant += shift * q[i]
        size += abs(shift * q[i])
        error += (w[i] + (rounding + 4.0 * u) * abs(q[i])) * abs(shift)
        error += plan.floor if shift != 0.0 and (q[i] != 0.0 or w[i] != 0.0) else 0.0
    if size > 0.0:
        error += gamma * size
    return constant, error


@compiled_inner
def misses(plan, state, s, layer, a, b, t, sign, multipliers):
    """Prove that ``sign * wall >= 0`` on the cell of a slot by multipliers of its facets and cuts."""
    n, u = state.scalars[c.SIZE], plan.roundoff
    p, r = state.work[6], state.work[7]
    for i in range(plan.layers[layer, c.N_IN]):
        p[i] = 0.0
        r[i] = 0.0
    p[a] = sign
    if b >= 0:
        p[b] = -sign
    constant, error = -sign * t, 0.0
    for step in range(layer + 1):
        k = layer - step
        largest = 0.0
        for i in range(plan.layers[k, c.N_IN]):
            largest = max(largest, abs(p[i]))
        constant, error = _absorb(plan, state, s, k, multipliers, p, r, constant, error)
        if step > 0:
            constant, error = _absorb_small(plan, state, s, k, p, r, largest, constant, error)
        if k > 0:
            constant, error = _pull_back(plan, state, s, k, p, r, constant, error)
    q, w = state.work[8], state.work[9]
    n_in = plan.layers[0, c.N_IN]
    gamma = (n_in + state.scalars[c.N_FACETS] + 8) * 1.02 * u
    for j in range(n):
        q[j] = 0.0
        w[j] = 0.0
    for i in range(n_in):
        if p[i] != 0.0 or r[i] != 0.0:
            spread, whole = gamma * abs(p[i]) + r[i], abs(p[i]) + r[i]
            for j in range(n):
                entry = plan.first[0, i, j]
                q[j] += p[i] * entry
                w[j] += spread * abs(entry) + whole * plan.first[1, i, j]
                w[j] += plan.floor if entry != 0.0 or plan.first[1, i, j] != 0.0 else 0.0
    for i in range(state.scalars[c.N_FACETS]):
        m = multipliers[i]
        if m > 0.0:
            for j in range(n):
                entry = plan.facets[0, i, j]
                q[j] -= m * entry
                w[j] += m * (gamma * abs(entry) + plan.facets[1, i, j])
                w[j] += plan.floor if entry != 0.0 or plan.facets[1, i, j] != 0.0 else 0.0
    if plan.scaled:
        w[n - 1] += error + gamma * (abs(constant) + abs(q[n - 1]))
        q[n - 1] += constant
    proved = True
    for j in range(n):
        proved = proved and _HUGE > q[j] >= w[j] * (1.0 + 1e-8) + (plan.floor if w[j] > 0.0 else 0.0)
    return proved
