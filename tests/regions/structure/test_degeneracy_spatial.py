"""Degeneracies of dimension 3 and more: closed formulas, and arrangements by brute force."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from helpers import he_network

import plnet
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL


def layer(weight, bias):
    """Return one ReLU layer."""
    return PLNetwork((Affine(weight, bias), ScalarPWL.relu(len(bias))), len(weight[0]))


def braid(d):
    rows = [np.eye(d)[i] - np.eye(d)[j] for i, j in combinations(range(d), 2)]
    return layer(rows, np.zeros(len(rows)))


def degeneracies(network, domain, **options):
    return plnet.enumerate_regions(network, domain, **options).degeneracies()


def sizes(found):
    """Count faces by codimension and number of walls."""
    return Counter((face.codimension, len(face.walls)) for face in found.faces)


@pytest.mark.parametrize(
    ("widths", "domain"),
    [
        ([3, 8, 8, 1], plnet.Box(-1, 1)),
        ([3, 8, 1], None),
        ([3, 2, 4, 1], None),
        ([3, 5, 1], plnet.Polytope([[-1.0, 0.0, 0.2], [0.3, -1.0, 0.1]], [0.5, 0.25])),
        ([4, 5, 4, 1], plnet.Box(-1, 1)),
        ([5, 8, 8, 1], plnet.Slice.through(np.random.default_rng(0).normal(size=(4, 5)), margin=0.3)),
    ],
)
def test_general_position(widths, domain):
    found = degeneracies(he_network(widths, 0), domain)
    assert found.generic
    assert found.faces == found.regions == found.facets == found.vertices == ()
    assert found.summary() == "The complex is in general position."


def test_constants_and_lines_in_general_position():
    for network in (
        layer([[0, 0, 0]], [1]),
        layer([[1, 2, 3]], [0.5]),
        layer([[1, 0, 0], [0, 1, 0]], [0, 0]),
    ):
        assert degeneracies(network, None).generic
    # The tropical plane: each pair of pieces meets in a facet, each three in an edge, all in a vertex.
    simplex = Affine([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], [0.125, 0.25, 0.5, 0])
    assert degeneracies(PLNetwork((simplex, GroupMax([[0, 1, 2, 3]], 4)), 3), None).generic


def test_four_planes_through_a_point():
    network = layer([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], np.zeros(4))
    for domain in (None, plnet.Box(-1, 3)):
        (face,) = degeneracies(network, domain).faces
        assert (face.codimension, face.point) == (3, (0, 0, 0))
        assert face.walls == tuple((0, unit, 0, 1) for unit in range(4))


def test_three_planes_through_a_line():
    network = layer([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], np.zeros(4))
    found = degeneracies(network, plnet.Box(-1, 3))
    assert sizes(found) == {(2, 3): 2, (3, 4): 3}
    edges, vertices = found.of_codimension(2), found.vertices
    assert {edge.walls for edge in edges} == {((0, 0, 0, 1), (0, 1, 0, 1), (0, 2, 0, 1))}
    assert {edge.point for edge in edges} == {(0, 0, -Fraction(1, 2)), (0, 0, Fraction(3, 2))}
    assert {vertex.point for vertex in vertices} == {(0, 0, -1), (0, 0, 0), (0, 0, 3)}
    text = found.summary()
    assert "2 faces of codimension 2 lie in 3 walls: unit 0 of layer 0 (0|1)" in text
    assert "1 vertex lies in 4 walls" in text
    # On all of space the ends of the line are no vertices; without the last unit there are none at all.
    assert sizes(degeneracies(network, None)) == {(2, 3): 2, (3, 4): 1}
    assert sizes(degeneracies(layer([[1, 0, 0], [0, 1, 0], [1, 1, 0]], [0, 0, 0]), None)) == {(2, 3): 1}


def test_braid_arrangement():
    # Its faces are the ordered partitions of the coordinates: one of blocks 3 + 1 is in 3 walls, 2 + 2 in
    # two, and one block is the line through (1, ..., 1), in all.
    assert sizes(degeneracies(braid(3), None)) == {(2, 3): 1}
    found = degeneracies(braid(4), None)
    assert sizes(found) == {(2, 3): 8, (3, 6): 1}
    assert found.vertices == ()
    # Blocks of 3 + 1 + 1 (60), 3 + 2 (20), 4 + 1 (10); in codimension 2, 2 + 2 + 1 is generic.
    assert sizes(degeneracies(braid(5), None)) == {(2, 3): 60, (3, 4): 20, (3, 6): 10, (4, 10): 1}


@pytest.mark.parametrize("engine", ["cells", "rational", "search"])
def test_repeated_units(engine):
    # The wall x = 0 twice, cut in two by the third unit.
    found = degeneracies(layer([[1, 0, 0], [-2, 0, 0], [0, 1, 0]], [0, 0, 0]), None, engine=engine)
    assert sizes(found) == {(1, 2): 2, (2, 3): 1}
    assert {facet.walls for facet in found.facets} == {((0, 0, 0, 1), (0, 1, 0, 1))}
    assert found.of_codimension(2)[0].walls == ((0, 0, 0, 1), (0, 1, 0, 1), (0, 2, 0, 1))


def test_walls_along_the_domain():
    # A wall on a side of the box: the facet, its four edges and its four corners.
    found = degeneracies(layer([[1, 0, 0]], [1]), plnet.Box(-1, 1))
    assert sizes(found) == {(1, 2): 1, (2, 3): 4, (3, 4): 4}
    assert found.facets[0].walls == ((-1, 0, -1, -1), (0, 0, 0, 1))
    # A wall through an edge of the box, and through its two ends.
    found = degeneracies(layer([[1, 1, 0]], [2]), plnet.Box(-1, 1))
    assert sizes(found) == {(2, 3): 1, (3, 4): 2}
    assert degeneracies(layer([[1, 1, 0]], [2.0 - 2.0**-50]), plnet.Box(-1, 1)).generic


def test_a_unit_at_its_breakpoint_on_a_region():
    network = PLNetwork(
        (Affine([[1, 0, 0]], [0]), ScalarPWL.relu(1), Affine([[1], [1]], [0, 0.5]), ScalarPWL.relu(2)), 3
    )
    found = degeneracies(network, plnet.Box(-1, 1))
    (region,) = found.regions
    assert region.walls == ((1, 0, 0, 1),)
    assert region.point == (-Fraction(1, 2), 0, 0)
    # The region x < 0 is a box: all of its 6 facets, 12 edges and 8 vertices have one wall too many.
    assert sizes(found) == {(0, 1): 1, (1, 2): 6, (2, 3): 12, (3, 4): 8}
    assert [face.walls for face in degeneracies(layer([[0, 0, 0]], [0]), None).faces] == [((0, 0, 0, 1),)]


def test_zero_bias():
    network = he_network([3, 6, 6, 1], 2, bias=0.0)
    found = degeneracies(network, None)
    (centre,) = found.vertices
    assert centre.point == (0, 0, 0)
    assert len(centre.walls) == network.n_units


def test_equal_pieces_of_a_maximum():
    four = Affine([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1]], np.zeros(4))
    (face,) = degeneracies(PLNetwork((four, GroupMax([[0, 1, 2, 3]], 4)), 3), None).faces
    # All pieces are equal on the line x = y = z only, where they are equal in codimension 2.
    assert face.codimension == 2
    assert face.walls == ((0, 0, 0, 1), (0, 0, 1, 2), (0, 0, 2, 3))


# Arrangements of planes, by brute force over their intersections


def solve(rows):
    """Return the point on three planes (a, c) with a . x + c = 0, or None, by Cramer's rule."""
    matrix = np.array([row[:3] for row in rows], dtype=object)
    whole = det3(matrix)
    if whole == 0:
        return None
    point = []
    for k in range(3):
        replaced = matrix.copy()
        replaced[:, k] = [-row[3] for row in rows]
        point.append(Fraction(det3(replaced), whole))
    return tuple(point)


def det3(m):
    return (
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    )


def brute_force(planes):
    """Return how many edges and vertices of an arrangement of distinct planes of R^3 are degenerate."""

    def on(points):
        return frozenset(
            i for i, (*a, c) in enumerate(planes) if all(np.dot(a, p) + c * w == 0 for *p, w in points)
        )

    points = {p for rows in combinations(planes, 3) if (p := solve(rows)) is not None}
    vertices = sum(len(on([(*p, 1)])) > 3 for p in points)
    lines = set()
    for p, q in combinations(planes, 2):
        direction = np.cross(p[:3], q[:3])
        if direction.any():
            # Any third plane across the line gives a point of it.
            third = next(axis for axis in range(3) if direction[axis])
            base = solve([p, q, (*np.eye(3, dtype=int)[third], 0)])
            lines.add(on([(*base, 1), (*direction, 0)]))
    edges = 0
    for line in lines:
        if len(line) > 2:
            edges += 1 + sum(line <= on([(*p, 1)]) for p in points)
    return edges, vertices


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_all_intersections(seed):
    rng = np.random.default_rng(seed)
    planes = set()
    while len(planes) < 6:
        row = [int(x) for x in rng.integers(-1, 2, size=4)]
        if any(row[:3]) and tuple(-x for x in row) not in planes:
            planes.add(tuple(row))
    planes = sorted(planes)
    found = degeneracies(layer([p[:3] for p in planes], [p[3] for p in planes]), None)
    edges, vertices = brute_force(planes)
    assert (len(found.of_codimension(2)), len(found.vertices)) == (edges, vertices)
    assert found.regions == found.facets == ()
    for face in found.vertices:
        assert len(face.walls) == sum(np.dot(p[:3], face.point) + p[3] == 0 for p in planes)
