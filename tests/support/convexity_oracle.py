"""Convexity of raw networks, decided by the oracle alone."""

import oracle


def convex_by_vertices(layers, low, high):
    """Decide convexity on a box by the oracle: at every vertex of every cell no other map is greater.

    Where that holds f is the maximum of its maps: at the vertices of a cell, so inside it too.
    """
    cells = oracle.cells(layers, low, high)
    maps = {cell.outputs[0] for cell in cells}
    for cell in cells:
        for vertex in cell.vertices:
            own = value_of(cell.outputs[0], vertex)
            if any(value_of(other, vertex) > own for other in maps):
                return False
    return True


def value_of(form, point):
    return sum((a * x for a, x in zip(form, point, strict=False)), form[-1])


def minus(layers):
    """Negate the first output of a raw network."""
    width = len(layers[-1][1])
    return [*layers, ("affine", [[-1] + [0] * (width - 1)], [0])]


def first_output(layers):
    width = len(layers[-1][1])
    return [*layers, ("affine", [[1] + [0] * (width - 1)], [0])]


def check_witness(witness, layers, sign, low=None, high=None):
    """Check a witness with the oracle alone."""
    values = [oracle.evaluate(layers, point)[0][0] for point in (witness.start, witness.middle, witness.end)]
    assert values == list(witness.values)
    assert all(2 * m == a + b for a, m, b in zip(witness.start, witness.middle, witness.end, strict=True))
    assert sign * (2 * values[1] - values[0] - values[2]) > 0
    assert sign * witness.gap > 0
    if low is not None:
        for point in (witness.start, witness.end):
            assert all(a <= x <= b for a, x, b in zip(low, point, high, strict=True))
