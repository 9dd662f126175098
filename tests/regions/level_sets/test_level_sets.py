"""Level sets: lengths and shapes by hand, by marching along dense grids, and by two ways to count holes."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import degenerate
import numpy as np
import pytest
from helpers import cross, he_network, to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import plnet
from plnet.errors import DomainError, EngineError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.ir.layers import LocalWinner
from plnet.regions.level_sets.topology import _closure


def cross_polytope(d):
    """Return |x_1| + ... + |x_d|."""
    layers = (Affine(np.eye(d), np.zeros(d)), ScalarPWL.absolute(d), Affine(np.ones((1, d)), [0]))
    return PLNetwork(layers, d)


def tent():
    """Return relu(1 - |x| - |y|): a pyramid on a plane of height 0."""
    layers = (
        Affine(np.eye(2), [0, 0]),
        ScalarPWL.absolute(2),
        Affine([[-1, -1]], [1]),
        ScalarPWL.relu(1),
    )
    return PLNetwork(layers, 2)


@pytest.fixture(scope="module")
def diamond():
    return plnet.enumerate_regions(cross_polytope(2), plnet.Box(-2, 2))


@pytest.fixture(scope="module")
def octahedron():
    return plnet.enumerate_regions(cross_polytope(3), plnet.Box(-2, 2))


@pytest.mark.parametrize(
    ("value", "length", "betti", "closed"),
    [
        (1, 4 * math.sqrt(2), (1, 1), (True,)),
        (2, 8 * math.sqrt(2), (1, 1), (True,)),  # Touches the sides of the box.
        (3, 4 * math.sqrt(2), (4, 0), (False,) * 4),
        (0, 0.0, (1, 0), (False,)),  # A point.
        (4, 0.0, (4, 0), (False,) * 4),  # The corners of the box.
        (5, 0.0, (0, 0), ()),
    ],
)
def test_diamonds(diamond, value, length, betti, closed):
    found = diamond.level_set(value)
    assert found.total == pytest.approx(length)
    assert found.topology.betti == betti
    assert found.topology.closed == closed
    assert not found.has_plateaus
    assert len(found) == (4 if length else 0)
    assert len(found.parts) == max(len(found), betti[0])


@pytest.mark.parametrize(
    ("value", "area", "betti"),
    [
        (1, 4 * math.sqrt(3), (1, 0, 1)),
        (2, 16 * math.sqrt(3), (1, 0, 1)),
        (3, 24 * math.sqrt(3), (1, 5, 0)),  # A truncated octahedron without its six squares.
        (5, 4 * math.sqrt(3), (8, 0, 0)),
        (0, 0.0, (1, 0, 0)),
    ],
)
def test_octahedra(octahedron, value, area, betti):
    found = octahedron.level_set(value)
    assert found.total == pytest.approx(area)
    assert found.topology.betti == betti
    euler = sum((-1) ** k * b for k, b in enumerate(betti))
    assert found.topology.euler_characteristic == euler
    assert all(found.topology.closed) == (betti == (1, 0, 1))


def test_sphere_in_four_dimensions():
    found = plnet.enumerate_regions(cross_polytope(4), plnet.Box(-2, 2)).level_set(1)
    # The boundary of the cross polytope of dimension 4: 16 regular tetrahedra of side sqrt 2.
    assert len(found) == 16
    assert found.total == pytest.approx(16 * math.sqrt(2) ** 3 / (6 * math.sqrt(2)))
    assert found.topology.betti == (1, None, None, 1)
    assert found.topology.euler_characteristic == 0
    assert found.topology.closed == (True,)


def test_points_on_a_line():
    complex_ = plnet.enumerate_regions(cross_polytope(1), plnet.Box(-3, 3))
    found = complex_.level_set(2)
    assert sorted(found.corners(k)[0, 0] for k in range(len(found))) == [-2.0, 2.0]
    assert (found.total, found.topology.betti) == (2.0, (2,))
    assert complex_.level_set(0).topology.n_components == 1


def test_level_of_a_plateau_is_said_to_have_full_dimension():
    complex_ = plnet.enumerate_regions(tent(), plnet.Box(-2, 2))
    found = complex_.level_set(0)
    assert found.has_plateaus
    flat = {i for i in range(len(complex_)) if not complex_.exact_map(i)[0].any()}
    assert set(found.plateaus) == flat
    assert len(found) == 0  # The rim of the pyramid lies in the plateau.
    assert found.topology.betti == (1, 1)
    assert complex_.level_set(0.5).total == pytest.approx(2 * math.sqrt(2))


def test_ridge_that_only_touches_the_value():
    # -|x| is 0 on a line, from below on both sides; a sign change does not find it.
    network = PLNetwork((Affine([[1, 0]], [0]), ScalarPWL.absolute(1), Affine([[-1]], [0])), 2)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).level_set(0)
    assert found.total == pytest.approx(2.0)
    assert found.regions == ((0, 1),)
    assert found.topology.betti == (1, 0)


def test_level_set_along_the_border_of_the_domain():
    network = PLNetwork((Affine([[1, 0]], [0]),), 2)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).level_set(1)
    assert found.total == pytest.approx(2.0)
    assert found.topology.betti == (1, 0)


def test_border_of_the_whole_box():
    # max(|x|, |y|) = 1 is the border of the box; what is outside is cut off from what is inside.
    layers = (Affine([[1, 0], [-1, 0], [0, 1], [0, -1]], np.zeros(4)),)
    from plnet.ir import GroupMax

    network = PLNetwork((*layers, GroupMax([[0, 1, 2, 3]], 4)), 2)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).level_set(1)
    assert found.total == pytest.approx(8.0)
    assert found.topology.betti == (1, 1)
    assert found.topology.closed == (True,)


def test_unbounded_level_sets():
    line = PLNetwork((Affine([[1, 2]], [0]),), 2)
    found = plnet.enumerate_regions(line).level_set(3)
    assert (found.total, found.topology.betti) == (math.inf, (1, 0))
    assert found.topology.euler_characteristic == 1
    assert found.topology.closed == (False,)
    strips = PLNetwork((Affine([[1, 0]], [0]), ScalarPWL.absolute(1)), 2)
    assert plnet.enumerate_regions(strips).level_set(1).topology.betti == (2, 0)
    assert plnet.enumerate_regions(cross_polytope(2)).level_set(1).topology.betti == (1, 1)
    corner = plnet.enumerate_regions(cross()).level_set(0, 0)
    assert len(corner.plateaus) == 2
    assert corner.topology.betti == (1, 0)


def test_cylinder_in_space():
    # |x| + |y| = 1 in three dimensions: a tube, unbounded; cut off by a box it has two open ends.
    layers = (Affine([[1, 0, 0], [0, 1, 0]], [0, 0]), ScalarPWL.absolute(2), Affine([[1, 1]], [0]))
    tube = PLNetwork(layers, 3)
    found = plnet.enumerate_regions(tube, plnet.Box(-2, 2)).level_set(1)
    assert found.total == pytest.approx(16 * math.sqrt(2))
    assert found.topology.betti == (1, 1, 0)
    assert not found.topology.closed[0]
    everywhere = plnet.enumerate_regions(tube).level_set(1)
    assert everywhere.topology.betti == (1, 1, 0)
    assert everywhere.total == math.inf


def test_lengths_on_a_slice_are_those_of_the_inputs():
    # The plane z = x + y of R^3, and the level set x = 1/2 of the first input.
    network = PLNetwork((Affine([[1, 0, 0]], [0]),), 3)
    plane = plnet.Slice([0, 0, 0], [[1, 0, 1], [0, 1, 1]], 0, 1)
    assert plnet.enumerate_regions(network, plane).level_set(0.5).total == pytest.approx(math.sqrt(2))


def test_combinations_and_exact_values():
    complex_ = plnet.enumerate_regions(cross(), plnet.Box(-1, 1))
    found = complex_.level_set(Fraction(1, 3), [1.0, 1.0])
    assert found.value == Fraction(1, 3)
    # relu(x) + relu(y) = 1/3: two rays of length 1 and the edge between them.
    assert found.total == pytest.approx(2 + math.sqrt(2) / 3)
    ends = {tuple(v) for part in found.parts for v in part.face}
    assert (1, 0, 3) in ends


@pytest.mark.parametrize("family", degenerate.FAMILIES)
def test_touching_faces_are_exactly_the_zero_faces_of_all_regions(family):
    """The union of all faces where the output has the value, computed for every region without a filter."""
    rng = np.random.default_rng(8)
    for _ in range(3):
        layers, low, high = degenerate.draw_case(rng, family)
        complex_ = plnet.enumerate_regions(to_network(layers), plnet.Box(low, high))
        # A value at a corner of a region, so that something touches it.
        corner = complex_.exact_cell(0).vertices[0]
        gradient, offset = complex_.exact_map(0)
        value = (
            sum(g * Fraction(x, corner[-1]) for g, x in zip(gradient[0], corner, strict=False)) + offset[0]
        )
        value = Fraction(float(value))
        found = complex_.level_set(value, 0)
        expected = set()
        for i in range(len(found.refined)):
            cell = found.refined.exact_cell(i)
            forms = found.refined.problem.forms(
                tuple(found.refined.network.pieces_of(found.refined.patterns[i]))[:-1]
            ).integers[0]
            for v in cell.vertices:
                if v[-1] and sum(a * x for a, x in zip(forms.tolist(), v, strict=True)) == 0:
                    expected.add(tuple(Fraction(x, v[-1]) for x in v[:-1]))
        plateau_corners = {
            tuple(Fraction(x, v[-1]) for x in v[:-1])
            for i in range(len(found.refined))
            if found.complex_.locate([found.refined.points[i]])[0] in found.plateaus
            for v in found.refined.exact_cell(i).vertices
        }
        corners = {tuple(Fraction(x, v[-1]) for x in v[:-1]) for part in found.parts for v in part.face}
        assert corners | plateau_corners == expected


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3]))
def test_curves_have_the_length_and_components_of_a_dense_grid(seed, bias):
    network = he_network((2, 8, 8, 1), seed, bias)
    complex_ = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    value = float(np.median(network.evaluate(np.random.default_rng(seed).uniform(-1, 1, (50, 2)))))
    found = complex_.level_set(value)
    if found.has_plateaus:
        return
    for k in range(len(found)):
        ends = found.corners(k)[:, :-1]
        assert np.allclose(network.evaluate(ends), value, atol=1e-9)
        assert np.allclose(network.evaluate(ends.mean(axis=0, keepdims=True)), value, atol=1e-9)
    grid = np.linspace(-1, 1, 201)
    points = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    above = (network.evaluate(points) > value).reshape(201, 201)
    # Every change of sign along a grid line crosses the set: count both ways on every line.
    crossings = np.abs(np.diff(above.astype(int), axis=0)).sum(axis=0)
    exact = [_crossings(found, y) for y in grid]
    assert np.mean(np.asarray(exact) >= crossings - 1e-9) == 1.0
    assert abs(np.sum(exact) - crossings.sum()) <= 0.1 * crossings.sum() + 8


def _crossings(found, y):
    segments = np.array([found.corners(k)[:, :-1] for k in range(len(found))]).reshape(-1, 2, 2)
    return int((((segments[:, 0, 1] - y) * (segments[:, 1, 1] - y)) <= 0).sum())


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(2, 3))
def test_two_ways_to_count_holes_agree(seed, d):
    """Alexander duality against faces: in the plane b0 - b1 is vertices - edges + polygons."""
    network = he_network((d, 5, 4, 1), seed, 0.3)
    complex_ = plnet.enumerate_regions(network, plnet.Box(-1, 1) if seed % 2 else None)
    value = float(np.round(complex_.offsets[0, 0] + 0.1, 3))
    found = complex_.level_set(value)
    b = found.topology.betti
    assert all(n is not None and n >= 0 for n in b)
    assert sum((-1) ** k * n for k, n in enumerate(b)) == found.topology.euler_characteristic
    if d == 2 and not found.has_plateaus and seed % 2:
        vertices = {v for part in found.parts for v in part.face}
        edges = [part for part in found.parts if part.dim == 1]
        parent = {v: v for v in vertices}

        def root(v):
            while parent[v] != v:
                v = parent[v]
            return v

        cycles = 0
        for part in edges:
            p, q = (root(v) for v in part.face)
            cycles += p == q
            parent[p] = q
        assert b == (len({root(v) for v in vertices}), cycles)
        assert sum((-1) ** k for k in _closure(found.parts).values()) == b[0] - b[1]


def test_components_of_the_positive_set_of_a_dense_grid():
    # Four separate pyramids: relu(1 - |x|) patterns at distance; level 1/2 has four closed loops.
    layers = (
        Affine([[1, 0], [0, 1]], [0, 0]),
        ScalarPWL.absolute(2),
        Affine([[1, 0], [0, 1]], [-2, -2]),
        ScalarPWL.absolute(2),
        Affine([[-1, -1]], [1]),
    )
    network = PLNetwork(layers, 2)
    found = plnet.enumerate_regions(network, plnet.Box(-4, 4)).level_set(0.5)
    grid = np.linspace(-4, 4, 321)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    above = (network.evaluate(points) > 0.5).reshape(321, 321)
    assert ndimage.label(above)[1] == found.topology.n_components == 4
    assert found.topology.betti == (4, 4)
    assert found.total == pytest.approx(4 * 2 * math.sqrt(2))


def test_decision_boundary_has_the_same_face():
    network = PLNetwork((*cross_polytope(3).layers[:-1], Affine([[-1, -1, -1]], [1])), 3)
    boundary = plnet.enumerate_regions(network, plnet.Box(-2, 2)).decision_boundary()
    assert len(boundary) == 8
    assert boundary.length == pytest.approx(4 * math.sqrt(3))
    assert boundary.topology.betti == (1, 0, 1)
    assert boundary.topology.closed == (True,)
    assert boundary.sizes == pytest.approx(np.full(8, math.sqrt(3) / 2))
    assert boundary.corners(0).shape == (3, 4)
    assert len(boundary.ends) == len(boundary.segments) == 0


def test_decision_boundary_of_three_classes():
    # The largest of three linear functions: three rays from the origin.
    network = PLNetwork((Affine([[1, 0], [0, 1], [-1, -1]], [0, 0, 0]),), 2)
    boundary = plnet.enumerate_regions(network, plnet.Box(-1, 1)).decision_boundary()
    assert boundary.topology.betti == (1, 0)
    assert boundary.sizes.sum() == pytest.approx(boundary.length)
    assert sorted(map(tuple, boundary.classes.tolist())) == [(0, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize("seed", range(4))
def test_boundary_of_one_output_is_its_zero_level_set(seed):
    complex_ = plnet.enumerate_regions(he_network((3, 6, 5, 1), seed, 0.5), plnet.Box(-1, 1))
    boundary, level = complex_.decision_boundary(), complex_.level_set(0)
    assert not level.has_plateaus
    assert boundary.length == pytest.approx(level.total)
    assert boundary.topology.betti == level.topology.betti
    assert {part.face for part in boundary.parts} == {part.face for part in level.parts if part.dim == 2}


def test_bad_values_are_refused(diamond):
    for value in (np.nan, math.inf, "high", None):
        with pytest.raises(DomainError, match="finite number"):
            diamond.level_set(value)
    with pytest.raises(DomainError, match=r"2\*\*53"):
        diamond.level_set(Fraction(1, 3**50))
    jumping = PLNetwork((LocalWinner([[0, 1]], 2),), 2)
    with pytest.raises(EngineError, match="jumps"):
        plnet.enumerate_regions(jumping, plnet.Box(-1, 1)).level_set(0, 0)


def test_engines_without_vertices_give_the_same_level_set():
    network = he_network((3, 5, 4, 1), 1, 0.3)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    points_only = plnet.enumerate_regions(network, plnet.Box(-1, 1), engine="search")
    assert not points_only.leaves.has_vertices
    completed = replace(points_only, leaves=points_only.geometry)
    assert completed.adjacency.nnz == found.adjacency.nnz
    assert sorted(completed.volumes) == pytest.approx(sorted(found.volumes))
    a, b = found.level_set(0.2), completed.level_set(0.2)
    assert (a.total, a.topology.betti) == (pytest.approx(b.total), b.topology.betti)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_level_set_that_touches_only_at_infinity_is_empty(d):
    """Where relu is 0 the form of relu + 1 vanishes at every point at infinity, and nowhere else."""
    units = np.eye(d)[:1]
    network = PLNetwork((Affine(units, [0.0]), ScalarPWL.relu(1)), d)
    complex_ = plnet.enumerate_regions(network)
    empty = complex_.level_set(-1)
    assert len(empty) == 0
    assert len(complex_.level_set(1)) == 1
