"""Certified signs of forms on a convex polygon, and cuts through it.

A cut is half-plane clipping (Sutherland and Hodgman 1974) in homogeneous coordinates (x, y, w). Ours differs
in two points. A vertex is the cross product of the forms of its two edges, never the point between
two clipped vertices; its radius follows from theirs. And a sign is returned only if it is proved. A
vertex with w = 0 is a direction, an edge between two of them lies at infinity. Arguments as in `layout`;
`one` and `two` are walls on which the two parts of a difference vanish (NOTHING for no part), or NO_WALL.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout

__all__ = ["copy_polygon", "facet_code", "form_sides", "prepare_cut", "write_half"]


@compiled_inline
def _sign_at(plan, a, b, constant, radius, scale, poly, vertex):
    """Return the certified sign of a form at row `vertex` of `poly`, or UNSURE."""
    x, y, w = poly[vertex, layout.X], poly[vertex, layout.Y], poly[vertex, layout.W]
    value = a * x + b * y + constant * w
    # Without constants the error of a form vanishes at the origin.
    size = max(abs(x), abs(y)) if plan.homogeneous else 1.0
    error = (radius + 4.0 * plan.unit_roundoff * scale) * size + (scale + radius) * poly[
        vertex, layout.RADIUS
    ]
    if value > error:
        return 1
    if value < -error:
        return -1
    if error == 0.0 and value == 0.0:
        return 0
    return layout.UNSURE


@compiled_inline
def _is_zero_at(edges, start, n, i, one, two):
    """Return whether vertex i of a polygon lies on both of two walls, so that their difference is 0 there."""
    here = edges[start + i] >> 1
    before = edges[start + (i - 1 if i > 0 else n - 1)] >> 1
    return (one == layout.NOTHING or one == here or one == before) and (
        two == layout.NOTHING or two == here or two == before
    )


@compiled_inline
def form_sides(plan, a, b, constant, radius, scale, poly, edges, start, n, one, two):
    """Return whether a form is somewhere POSITIVE, NEGATIVE, BOTH, neither (0), or UNDECIDED."""
    sides = 0
    unsure = False
    for vertex in range(start, start + n):
        sign = _sign_at(plan, a, b, constant, radius, scale, poly, vertex)
        if sign == layout.UNSURE and one != layout.NO_WALL and two != layout.NO_WALL:
            sign = 0 if _is_zero_at(edges, start, n, vertex - start, one, two) else layout.UNSURE
        if sign == 1:
            sides |= layout.POSITIVE
        elif sign == -1:
            sides |= layout.NEGATIVE
        elif sign == layout.UNSURE:
            unsure = True
    return layout.UNDECIDED if unsure and sides != layout.BOTH else sides


@compiled_inline
def _cross_infinity(plan, poly, p, q, a, b, form_radius, out):
    """Write the direction between two directions, rows p and q of `poly`, in which a form is constant.

    `out` has shape (4,): the direction and its radius. Returns False if it is not certified.
    """
    size = max(abs(a), abs(b))
    if not size > 4.0 * form_radius:
        return False
    if plan.unit_roundoff == 0.0:
        # Exact arithmetic: no division.
        size = 1.0
    x, y = -b / size, a / size
    radius = 4.0 * form_radius / size + 4.0 * plan.unit_roundoff
    px, py, qx, qy = poly[p, layout.X], poly[p, layout.Y], poly[q, layout.X], poly[q, layout.Y]
    bound = 4.0 * (poly[p, layout.RADIUS] + poly[q, layout.RADIUS] + radius) + 8.0 * plan.unit_roundoff
    turn, whole = px * y - py * x, px * qy - py * qx
    if not (abs(turn) > bound and abs(whole) > bound):
        return False
    flip = (turn > 0.0) != (whole > 0.0)
    out[layout.X], out[layout.Y] = -x if flip else x, -y if flip else y
    out[layout.W], out[layout.RADIUS] = 0.0, radius
    return True


@compiled_inline
def _cross(plan, poly, edge, a, b, constant, radius, scale, out):
    """Write the vertex where the edge of row `edge` of `poly` meets a form; False if it is not certified.

    `out` has shape (4,): the vertex and its radius.
    """
    edge_a, edge_b = poly[edge, layout.EDGE_A], poly[edge, layout.EDGE_B]
    edge_constant, edge_radius = poly[edge, layout.EDGE_C], poly[edge, layout.EDGE_R]
    x = edge_b * constant - edge_constant * b
    y = edge_constant * a - edge_a * constant
    w = edge_a * b - edge_b * a
    size = abs(edge_a) + abs(edge_b) + abs(edge_constant)
    error = (
        size * radius
        + scale * edge_radius
        + 2.0 * radius * edge_radius
        + 4.0 * plan.unit_roundoff * size * scale
        + plan.floor
    )
    if w < 0.0:
        x, y, w = -x, -y, -w
    # What overflowed or underflowed is not certified.
    if not (w > error and size * scale < 1e300):
        return False
    if plan.unit_roundoff == 0.0:
        out[layout.X], out[layout.Y], out[layout.W], out[layout.RADIUS] = x, y, w, 0.0
    elif plan.homogeneous and edge_constant == 0.0 and constant == 0.0:
        # Two walls through the origin meet exactly there.
        out[layout.X], out[layout.Y], out[layout.W], out[layout.RADIUS] = 0.0, 0.0, 1.0, 0.0
    else:
        inverse = 1.0 / max(abs(x), abs(y), w)
        out[layout.X], out[layout.Y], out[layout.W] = x * inverse, y * inverse, w * inverse
        out[layout.RADIUS] = 1.001 * error * inverse + 8.0 * plan.unit_roundoff
    return True


@compiled_inline
def prepare_cut(plan, state, poly, edges, start, n, scale, one, two):
    """Find the signs of the form in `cut[0]` at all vertices, and the new vertices.

    Writes row SIGNS of `State.marks`, and the at most two new vertices, in order, to `cut[1]` and `cut[2]`.
    Returns False if something is not certified, or if the cut goes through a point at infinity.
    """
    a, b, constant, radius = state.cut[0, 0], state.cut[0, 1], state.cut[0, 2], state.cut[0, 3]
    signs = state.marks[layout.SIGNS]
    for i in range(n):
        signs[i] = _sign_at(plan, a, b, constant, radius, scale, poly, start + i)
        if signs[i] == layout.UNSURE and one != layout.NO_WALL and two != layout.NO_WALL:
            signs[i] = 0 if _is_zero_at(edges, start, n, i, one, two) else layout.UNSURE
        # A cut through a point at infinity may bound a part by a whole line; left to the driver.
        if signs[i] == layout.UNSURE or (signs[i] == 0 and poly[start + i, layout.W] == 0.0):
            return False
    k = 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        if signs[i] * signs[j] < 0:
            k += 1
            if k > 2:
                return False
            if edges[start + i] == layout.INFINITY_CODE:
                found = _cross_infinity(plan, poly, start + i, start + j, a, b, radius, state.cut[k])
            else:
                found = _cross(plan, poly, start + i, a, b, constant, radius, scale, state.cut[k])
            if not found:
                return False
    return True


@compiled_inline
def write_half(state, poly, edges, start, n, side, code, target, target_edges, at):
    """Write the part of a polygon on one side (1 or -1) of the cut that `prepare_cut` looked at.

    It goes to `target`, shape (., 8), and `target_edges` from row `at` on; `code` names the facet on the cut.
    Returns its number of vertices.
    """
    cut, signs = state.cut, state.marks[layout.SIGNS]
    row, k = at, 1
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        here, there = signs[i] * side, signs[j] * side
        if here >= 0:
            for m in range(8):
                target[row, m] = poly[start + i, m]
            target_edges[row] = edges[start + i]
            if here == 0 and there < 0:
                for m in range(4):
                    target[row, 4 + m] = cut[0, m]
                target_edges[row] = code
            row += 1
        if here * there < 0:
            for m in range(4):
                target[row, m] = cut[k, m]
                target[row, 4 + m] = cut[0, m] if here > 0 else poly[start + i, 4 + m]
            target_edges[row] = code if here > 0 else edges[start + i]
            row += 1
            k += 1
    return row - at


@compiled_inner
def copy_polygon(poly, edges, start, n, target, target_edges, at):
    """Copy a polygon to row `at` of a target of shape (., k), its first k columns; and its edges."""
    for i in range(n):
        for m in range(target.shape[1]):
            target[at + i, m] = poly[start + i, m]
        target_edges[at + i] = edges[start + i]


@compiled_inline
def facet_code(layer, unit, low, high, above):
    """Return a facet packed as `encode_facet` does."""
    return (((((layer << 24) | unit) << 12 | low) << 12) | high) << 1 | above
