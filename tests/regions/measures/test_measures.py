"""Largest balls, exact maps, numbers of faces, counts of layers, summaries, breakpoints."""

from __future__ import annotations

import math
from fractions import Fraction
from math import comb

import degenerate
import numpy as np
import oracle
import pytest
from helpers import cross, he_network, to_network
from hypothesis import given, settings
from hypothesis import strategies as st

import plnet
from plnet.errors import DimensionError, EngineError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.ir.layers import LocalWinner


def affine(d):
    return PLNetwork((Affine(np.ones((1, d)), [0.0]),), d)


# Largest balls


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [1.0, 1e-12, 1e9])
def test_ball_in_a_cube(d, size):
    found = plnet.enumerate_regions(affine(d), plnet.Box(0, size)).chebyshev_ball(0)
    assert found.radius == pytest.approx(size / 2, rel=1e-12)
    assert found.centre == pytest.approx(np.full(d, size / 2), rel=1e-12)


@pytest.mark.parametrize(
    ("corners", "radius", "centre"),
    [
        ([[0, 0], [3, 0], [0, 4]], 1.0, [1, 1]),  # The triangle of sides 3, 4, 5.
        ([[0, 0], [1e-9, 0], [0, 1e-9]], 1e-9 / (2 + math.sqrt(2)), None),
    ],
)
def test_ball_in_a_triangle(corners, radius, centre):
    (_, _), (a, _), (_, b) = corners
    triangle = plnet.Polytope([[-1, 0], [0, -1], [b, a]], [0, 0, a * b])
    found = plnet.enumerate_regions(affine(2), triangle).chebyshev_ball(0)
    assert found.radius == pytest.approx(radius, rel=1e-9)
    if centre is not None:
        assert found.centre == pytest.approx(centre)


def test_ball_in_a_sliver():
    # A triangle a million million times as long as wide.
    thin = plnet.Polytope([[0, -1], [1e-12, 1], [-1e-12, 1]], [0, 1e-12, 1e-12])
    found = plnet.enumerate_regions(affine(2), thin).chebyshev_ball(0)
    assert found.radius == pytest.approx(0.5e-12, rel=1e-9)


def test_lengths_are_those_of_the_inputs():
    # The unit square of coordinates is the parallelogram of (3, 4) and (0, 2): heights 1.2 and 6.
    slanted = plnet.Slice([0, 0], [[3, 4], [0, 2]], 0, 1)
    found = plnet.enumerate_regions(affine(2), slanted).chebyshev_ball(0)
    area, sides = 6.0, (5.0, 2.0)
    assert found.radius == pytest.approx(area / max(sides) / 2)
    segment = plnet.enumerate_regions(affine(2), plnet.Segment([0, 0], [3, 4]))
    assert segment.inradii.tolist() == [2.5]
    assert segment.chebyshev_centres.tolist() == [[0.5]]


def test_unbounded_regions():
    assert np.isinf(plnet.enumerate_regions(cross()).inradii).all()
    assert np.isnan(plnet.enumerate_regions(cross()).chebyshev_centres).all()
    strips = PLNetwork((Affine([[1, 0], [1, 0]], [0, -2]), ScalarPWL.relu(2)), 2)
    complex_ = plnet.enumerate_regions(strips)
    assert sorted(complex_.inradii.tolist()) == pytest.approx([1.0, math.inf, math.inf])
    half_strip = plnet.Polytope([[-1, 0], [0, -1], [0, 1]], [0, 0, 6])
    found = plnet.enumerate_regions(affine(2), half_strip).chebyshev_ball(0)
    assert found.radius == pytest.approx(3.0)
    assert plnet.enumerate_regions(affine(1)).inradii.tolist() == [math.inf]
    assert not plnet.enumerate_regions(affine(3)).bounded.any()


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.integers(2, 3))
def test_balls_lie_inside_and_touch_enough_sides(seed, d):
    complex_ = plnet.enumerate_regions(he_network((d, 6, 1), seed, 0.3), plnet.Box(-1, 1))
    for i in range(len(complex_)):
        ball, sides = complex_.chebyshev_ball(i), complex_.halfspaces(i)
        distances = sides.b - sides.A @ ball.centre
        assert distances.min() == pytest.approx(ball.radius, rel=1e-9)
        near = sides.A[distances < ball.radius * (1 + 1e-6)]
        # A ball is largest iff the normals of the sides that it touches surround the origin.
        from scipy.optimize import nnls

        table = np.concatenate([near.T, np.ones((1, len(near)))])
        assert nnls(table, np.append(np.zeros(d), 1.0))[1] < 1e-6


# Exact maps and boundedness


@pytest.mark.parametrize("family", degenerate.FAMILIES)
def test_exact_maps_are_those_of_the_oracle(family):
    rng = np.random.default_rng(2)
    for _ in range(3):
        layers, low, high = degenerate.draw_case(rng, family)
        complex_ = plnet.enumerate_regions(to_network(layers), plnet.Box(low, high))
        expected = sorted(cell.outputs for cell in oracle.cells(layers, low, high))
        found = []
        for i in range(len(complex_)):
            gradient, offset = complex_.exact_map(i)
            found.append([(*row, c) for row, c in zip(gradient.tolist(), offset.tolist(), strict=True)])
        assert sorted(found) == expected


def test_bounded_regions():
    complex_ = plnet.enumerate_regions(he_network((2, 8, 1), 1, 0.5))
    assert np.array_equal(complex_.bounded, np.isfinite(complex_.volumes))
    assert [len(complex_.rays(i)) == 0 for i in range(len(complex_))] == complex_.bounded.tolist()


# Faces


@pytest.mark.parametrize(("d", "n"), [(1, 5), (2, 6), (3, 6), (4, 5)])
def test_faces_of_generic_arrangements(d, n):
    """Numbers of faces of n hyperplanes in general position (Zaslavsky 1975, Buck 1943)."""
    found = plnet.enumerate_regions(he_network((d, n, 1), 3, 0.5)).face_counts()
    total = tuple(comb(n, d - k) * sum(comb(n - d + k, j) for j in range(k + 1)) for k in range(d + 1))
    bounded = tuple(comb(n, d - k) * comb(n - d + k - 1, k) for k in range(d + 1))
    assert found.total == total
    assert found.bounded == bounded
    assert found.unbounded == tuple(a - b for a, b in zip(total, bounded, strict=True))
    assert found.euler_characteristic == (-1) ** d


def test_faces_of_a_cube_of_cubes():
    d = 3
    network = PLNetwork((Affine(np.eye(d), np.zeros(d)), ScalarPWL.relu(d)), d)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).face_counts()
    # A segment of two halves has 3 vertices and 2 edges.
    assert found.total == tuple(comb(d, k) * 2**k * 3 ** (d - k) for k in range(d + 1))
    assert found.total == found.bounded


def test_faces_of_strips_have_no_vertices():
    strips = PLNetwork((Affine([[1, 1], [2, 2]], [0, -2]), ScalarPWL.relu(2)), 2)
    found = plnet.enumerate_regions(strips).face_counts()
    assert found.total == (0, 2, 3)
    assert found.bounded == (0, 0, 0)
    assert plnet.enumerate_regions(affine(3)).face_counts().total == (0, 0, 0, 1)


@pytest.mark.parametrize("family", degenerate.FAMILIES)
def test_complexes_on_bounded_domains_have_the_euler_characteristic_of_a_ball(family):
    rng = np.random.default_rng(4)
    for _ in range(4):
        layers, low, high = degenerate.draw_case(rng, family)
        complex_ = plnet.enumerate_regions(to_network(layers), plnet.Box(low, high))
        found = complex_.face_counts()
        assert found.euler_characteristic == 1
        assert found.total[-1] == len(complex_)
        corners = {corner for cell in oracle.cells(layers, low, high) for corner in cell.vertices}
        assert found.total[0] == len(corners)


@pytest.mark.parametrize("d", [2, 3])
def test_complexes_of_deep_networks_have_the_euler_characteristic_of_space(d):
    complex_ = plnet.enumerate_regions(he_network((d, 6, 5, 1), 2, 0.3))
    found = complex_.face_counts()
    assert found.euler_characteristic == (-1) ** d
    # The bounded faces of a complex of pointed cells that covers the space are a contractible complex.
    assert sum((-1) ** k * n for k, n in enumerate(found.bounded)) == 1
    assert found.bounded[-1] == complex_.bounded.sum()


def test_facets_between_regions_are_the_adjacency():
    complex_ = plnet.enumerate_regions(he_network((3, 6, 5, 1), 2, 0.3))
    assert complex_.face_counts().total[2] == complex_.adjacency.nnz // 2


def test_faces_of_jumping_networks_are_refused():
    jumping = PLNetwork((LocalWinner([[0, 1]], 2),), 2)
    with pytest.raises(EngineError, match="jumps"):
        plnet.enumerate_regions(jumping, plnet.Box(-1, 1)).face_counts()


# Layers and words


def test_counts_of_layers_are_those_of_shorter_networks():
    network = he_network((2, 6, 6, 6, 1), 0)
    domain = plnet.Box(-1, 1)
    found = plnet.enumerate_regions(network, domain).counts_by_layer()
    shorter = [PLNetwork(network.layers[: 2 * k], 2) for k in (1, 2, 3)]
    assert list(found) == [int(plnet.count_regions(net, domain)) for net in shorter]
    assert all(count.exact for count in found)
    assert plnet.enumerate_regions(affine(2), domain).counts_by_layer()[0] == 1


def test_summary_says_the_numbers():
    text = plnet.enumerate_regions(cross(), plnet.Box(-1, 1)).summary()
    assert "4 activation regions (exact" in text
    assert "4 bounded, 0 unbounded" in text
    assert "area of a bounded region: median 1" in text
    assert "0 bounded, 4 unbounded" in plnet.enumerate_regions(cross()).summary()


# Breakpoints


def test_breakpoints_name_all_their_units():
    # Two units bend at 0, one at 1, one is always on; a second layer bends where |x| = 2.
    layers = (
        Affine([[1], [-1], [1], [0]], [0, 0, -1, 1]),
        ScalarPWL.relu(4),
        Affine([[1, 1, 0, 0]], [-2]),
        ScalarPWL.relu(1),
    )
    found = plnet.enumerate_regions(PLNetwork(layers, 1), plnet.Box(-3, 3)).breakpoints()
    assert [b.position for b in found] == [-2, 0, 1, 2]
    assert [[unit[:2] for unit in b.units] for b in found] == [[(1, 0)], [(0, 0), (0, 1)], [(0, 2)], [(1, 0)]]
    assert [b.bends for b in found] == [True, False, False, True]
    assert [b.before[0] for b in found] == [-1, 0, 0, 0]
    assert [b.after[0] for b in found] == [0, 0, 0, 1]
    assert [b.values[0] for b in found] == [0, 0, 0, 0]


def test_breakpoints_of_a_segment_are_where_regions_meet():
    network = he_network((4, 8, 8, 2), 0)
    complex_ = plnet.enumerate_regions(network, plnet.Segment(np.zeros(4), np.ones(4)))
    found = complex_.breakpoints()
    assert len(found) == len(complex_) - 1
    for b in found:
        x = np.array([[b.position] * 4], dtype=object)
        assert network.evaluate(x, exact=True)[0].tolist() == b.values.tolist()
        assert isinstance(b.position, Fraction)
    with pytest.raises(DimensionError, match="dimension 1"):
        plnet.enumerate_regions(cross(), plnet.Box(-1, 1)).breakpoints()


def test_volumes_of_balls_fit_into_the_regions():
    complex_ = plnet.enumerate_regions(he_network((2, 8, 6, 1), 3), plnet.Box(-1, 1))
    assert (math.pi * complex_.inradii**2 <= complex_.volumes * (1 + 1e-9)).all()
    centres = complex_.chebyshev_centres
    assert np.array_equal(complex_.locate(centres), np.arange(len(complex_)))
