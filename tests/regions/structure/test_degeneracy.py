"""Degeneracies: hand-made examples, and a search through all faces by an independent way."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import oracle
import pytest
from degenerate import FAMILIES, draw_case
from helpers import cross, he_network, to_network

import plnet
from plnet.errors import IncompleteResultError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL

HALF = Fraction(1, 2)


def layer(weight, bias):
    """Return one ReLU layer."""
    return PLNetwork((Affine(weight, bias), ScalarPWL.relu(len(bias))), len(weight[0]))


def degeneracies(network, domain):
    return plnet.enumerate_regions(network, domain).degeneracies()


# Hand-made examples


@pytest.mark.parametrize(
    ("widths", "domain"),
    [
        ([2, 12, 12, 1], plnet.Box(-1, 1)),
        ([2, 12, 12, 1], None),
        ([2, 8, 1], plnet.Polytope([[-1.0, 0.0], [0.3, -1.0]], [0.5, 0.25])),
        ([1, 12, 12, 1], plnet.Box(-1, 1)),
        ([1, 12, 12, 1], None),
        ([5, 12, 12, 1], plnet.Slice.through(np.random.default_rng(0).normal(size=(3, 5)), margin=0.3)),
    ],
)
def test_general_position(widths, domain):
    found = degeneracies(he_network(widths, 0), domain)
    assert found.generic
    assert (found.regions, found.facets, found.vertices) == ((), (), ())
    assert found.summary() == "The complex is in general position."


def test_three_lines_through_a_point():
    # E9 of the reference networks, in a box whose corners are on none of the lines.
    found = degeneracies(layer([[1, 0], [0, 1], [1, 1]], [0, 0, 0]), plnet.Box(-1, 2))
    assert not found.generic
    assert (found.regions, found.facets) == ((), ())
    (vertex,) = found.vertices
    assert vertex.point == (0, 0)
    assert vertex.codimension == 2
    assert vertex.walls == ((0, 0, 0, 1), (0, 1, 0, 1), (0, 2, 0, 1))
    assert "1 vertex lies in 3 walls: unit 0 of layer 0 (0|1)" in found.summary()


def test_on_all_of_space():
    (vertex,) = degeneracies(layer([[1, 0], [0, 1], [1, 1]], [0, 0, 0]), None).vertices
    assert vertex.point == (0, 0)


def test_a_line_through_a_corner_of_the_box():
    found = degeneracies(layer([[1, 1]], [0]), plnet.Box(-1, 1))
    assert found.facets == ()
    assert {vertex.point for vertex in found.vertices} == {(-1, 1), (1, -1)}
    first = next(vertex for vertex in found.vertices if vertex.point == (-1, 1))
    assert first.walls == ((-1, 0, -1, -1), (-1, 3, -1, -1), (0, 0, 0, 1))
    assert "side 0 of the domain" in str(found)


def test_a_redundant_side_of_the_domain_does_not_count():
    domain = plnet.Polytope([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, 0]], [1, 1, 1, 1, 2, 5])
    assert degeneracies(layer([[1, 2]], [0.25]), domain).generic


def test_repeated_units():
    found = degeneracies(layer([[1, 0], [-2, 0], [0, 1]], [0, 0, 0.25]), plnet.Box(-1, 1))
    # The wall x = 0 twice, cut in two by the third unit.
    assert [facet.walls for facet in found.facets] == [((0, 0, 0, 1), (0, 1, 0, 1))] * 2
    assert {facet.point for facet in found.facets} == {(0, Fraction(-5, 8)), (0, Fraction(3, 8))}
    assert {vertex.point for vertex in found.vertices} == {(0, 1), (0, -1), (0, -Fraction(1, 4))}
    assert found.regions == ()
    # Without the third unit on the whole plane there is no vertex at all.
    found = degeneracies(layer([[1, 0], [-2, 0]], [0, 0]), None)
    assert len(found.facets) == 1
    assert found.vertices == found.regions == ()


def test_a_wall_along_a_side_of_the_domain():
    found = degeneracies(layer([[1, 0]], [1]), plnet.Box(-1, 1))
    (facet,) = found.facets
    assert facet.walls == ((-1, 0, -1, -1), (0, 0, 0, 1))
    assert facet.point == (-1, 0)
    assert len(found.vertices) == 2


def test_zero_bias():
    network = he_network([2, 6, 6, 1], 2, bias=0.0)
    found = degeneracies(network, plnet.Box(-1, 1))
    (centre,) = [vertex for vertex in found.vertices if vertex.point == (0, 0)]
    assert len(centre.walls) == network.n_units
    assert not found.generic


def test_a_unit_at_its_breakpoint_on_a_region():
    # relu(x) - 0 is identically zero for x < 0, and so is the second unit of the second layer.
    network = PLNetwork(
        (Affine([[1, 0]], [0]), ScalarPWL.relu(1), Affine([[1], [1]], [0, 0.5]), ScalarPWL.relu(2)), 2
    )
    found = degeneracies(network, plnet.Box(-1, 1))
    (region,) = found.regions
    assert region.codimension == 0
    assert region.walls == ((1, 0, 0, 1),)
    assert region.point == (-HALF, 0)
    assert "1 region lies in 1 wall: unit 0 of layer 1 (0|1)" in found.summary()
    constant = degeneracies(layer([[0, 0]], [0]), None)
    assert [region.walls for region in constant.regions] == [((0, 0, 0, 1),)]


def test_maxout():
    # A tropical line in general position: its triple point is no degeneracy.
    corner = Affine([[1, 0], [0, 1], [0, 0]], [0.125, 0.25, 0])
    assert degeneracies(PLNetwork((corner, GroupMax([[0, 1, 2]], 3)), 2), plnet.Box(-1, 1)).generic
    assert degeneracies(PLNetwork((corner, GroupMax([[0, 1, 2]], 3)), 2), None).generic
    # A repeated member is one piece, equal pieces are a tie on a region.
    assert degeneracies(PLNetwork((corner, GroupMax([[0, 0, 2]], 3)), 2), plnet.Box(-1, 1)).generic
    equal = Affine([[1, 0], [1, 0], [0, 0]], [0, 0, 0])
    found = degeneracies(PLNetwork((equal, GroupMax([[0, 1, 2]], 3)), 2), plnet.Box(-1, 1))
    assert [region.walls for region in found.regions] == [((0, 0, 0, 1),)]
    # Four pieces that are equal at a point, as x, -x, y and -y are.
    four = Affine([[1, 0], [-1, 0], [0, 1], [0, -1]], np.zeros(4))
    found = degeneracies(PLNetwork((four, GroupMax([[0, 1, 2, 3]], 4)), 2), plnet.Box(-1, 2))
    (vertex,) = [v for v in found.vertices if v.point == (0, 0)]
    assert vertex.walls == ((0, 0, 0, 1), (0, 0, 1, 2), (0, 0, 2, 3))


def test_a_tie_that_gains_a_piece_at_one_end_of_an_edge():
    # Unit 0: pieces 0 and 2 are tied on x = 0 for y <= 0, and all three meet in the origin. Unit 1 is a
    # second wall on x = 0, which makes every facet there degenerate.
    network = PLNetwork(
        (
            Affine([[1, 0], [0, 1], [-1, 0], [1, 0], [0, 0]], np.zeros(5)),
            GroupMax([[0, 1, 2], [3, 3, 4]], 5),
        ),
        2,
    )
    found = degeneracies(network, plnet.Box(-1, 2))
    walls = {facet.walls for facet in found.facets}
    assert walls == {((0, 0, 0, 2), (0, 1, 1, 2))}


def test_one_dimension():
    found = degeneracies(layer([[1], [2], [1]], [0, 0, -0.5]), plnet.Box(-1, 1))
    (vertex,) = found.vertices
    assert vertex.point == (0,)
    assert vertex.codimension == 1
    assert vertex.walls == ((0, 0, 0, 1), (0, 1, 0, 1))
    assert found.facets == ()
    at_end = degeneracies(layer([[1]], [1]), plnet.Box(-1, 1))
    assert [v.walls for v in at_end.vertices] == [((-1, 0, -1, -1), (0, 0, 0, 1))]


def test_almost_degenerate_is_generic():
    # The third line misses the crossing point by 2**-60, which floating point cannot see.
    near = layer([[1, 0], [0, 1], [1, 1]], [0, 0, 2.0**-60])
    assert degeneracies(near, plnet.Box(-1, 2)).generic
    # And one that hits a point that is no float.
    third = layer([[3, 0], [0, 3], [3, 3]], [-1, -1, -2])
    (vertex,) = degeneracies(third, plnet.Box(-1, 2)).vertices
    assert vertex.point == (Fraction(1, 3), Fraction(1, 3))


def test_summary_is_short():
    rows = np.ones((30, 2))
    text = degeneracies(layer(rows, np.zeros(30)), plnet.Box(-1, 2)).summary()
    assert len(text.splitlines()) < 10
    assert "22 more" in text


def test_an_incomplete_complex_has_none():
    stopped = plnet.enumerate_regions(cross(), plnet.Box(-1, 1), engine="rational", max_regions=1)
    with pytest.raises(IncompleteResultError, match="degeneracies"):
        stopped.degeneracies()


# All faces, by cells of the oracle and evaluation at their vertices


def values_at(layers, point):
    """Return, for each scalar and max layer, the exact inputs of its units at a point."""
    found = []
    for i, (kind, *_) in enumerate(layers):
        if kind != "affine":
            found.append((layers[i], oracle.evaluate(layers[:i], point)[0]))
    return found


def touching(layers, low, high, point):
    """Return a dictionary from (layer, unit) or a side of the box to what is tied there."""
    contacts = {("side", axis, x): {0} for axis, x in enumerate(point) if x in (low[axis], high[axis])}
    for depth, ((kind, data), inputs) in enumerate(values_at(layers, point)):
        for unit, item in enumerate(data):
            if kind == "scalar":
                at = {k for k, t in enumerate(item[0]) if Fraction(t) == inputs[unit]}
                if at:
                    contacts["scalar", depth, unit, *at] = at
            else:
                best = max(inputs[i] for i in item)
                contacts["max", depth, unit] = {i for i in item if inputs[i] == best}
    return contacts


def common(parts):
    """Return the codimension of what is tied at all of some points."""
    keys = set.intersection(*(set(part) for part in parts))
    total = 0
    for key in keys:
        tied = set.intersection(*(part[key] for part in parts))
        total += len(tied) - 1 if key[0] == "max" else 1
    return total


def brute_force(layers, low, high):
    """Return how many regions, facets and vertices are degenerate."""
    low, high = ([Fraction(x) for x in side] for side in (low, high))
    d, at, edges, regions = len(low), {}, set(), 0
    for cell in oracle.cells(layers, low, high):
        for vertex in cell.vertices:
            if vertex not in at:
                at[vertex] = touching(layers, low, high, vertex)
        regions += common([at[v] for v in cell.vertices]) > 0
        if d == 2:
            edges |= {frozenset(pair) for pair in pairwise([*cell.vertices, cell.vertices[0]])}
    facets = sum(common([at[v] for v in edge]) > 1 for edge in edges)
    return regions, facets, sum(common([part]) > d for part in at.values())


@pytest.mark.parametrize("chunk", range(6))
def test_agrees_with_a_search_through_all_faces(chunk):
    rng = np.random.default_rng([41, chunk])
    degenerate = 0
    for i in range(24):
        layers, low, high = draw_case(rng, FAMILIES[(i // 2) % len(FAMILIES)] if i % 4 else None)
        if oracle.count_regions(layers, low, high) > 60:
            continue
        found = degeneracies(to_network(layers), plnet.Box(low, high))
        expected = brute_force(layers, low, high)
        assert (len(found.regions), len(found.facets), len(found.vertices)) == expected
        assert found.generic == (expected == (0, 0, 0))
        degenerate += not found.generic
    assert degenerate > 3
