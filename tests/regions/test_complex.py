"""`RegionComplex`: location of points, unbounded regions, read-only arrays, decision boundaries."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest
from helpers import cross, he_network, pattern_set

import plnet
from plnet.errors import DimensionError, DomainError
from plnet.ir import Affine, PLNetwork, ScalarPWL


@pytest.fixture(scope="module")
def square():
    return plnet.enumerate_regions(he_network((2, 10, 10, 3), 5), plnet.Box(-1, 1))


def test_random_points_are_in_the_region_of_their_pattern(square):
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, size=(500, 2))
    regions = square.locate(points)
    np.testing.assert_array_equal(square.patterns[regions], square.network.pattern_at(points))
    values = np.einsum("nmd,nd->nm", square.gradients[regions], points) + square.offsets[regions]
    np.testing.assert_allclose(values, square.network.evaluate(points), atol=1e-12)


def test_points_outside_have_no_region(square):
    points = np.array([[1.5, 0], [-1 - 1e-12, 0], [0, np.nextafter(1, 2)], [1e300, 0]])
    assert square.locate(points).tolist() == [-1] * 4
    assert (square.locate(np.array([[1.0, 1.0], [-1.0, 0.25], [1.0, -1.0]])) >= 0).all()


def test_points_on_walls_of_thin_slabs():
    gap = 1e-10
    network = PLNetwork((Affine([[1, 0], [1, 0]], [0, -gap]), ScalarPWL.relu(2)), 2)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    points = np.array([[-gap, 0], [0, 0], [gap / 2, 0], [gap, 0], [2 * gap, 0]])
    at = [tuple(found.patterns[i]) for i in found.locate(points)]
    assert at[0] == (0, 0)
    assert at[1] in {(0, 0), (1, 0)}
    assert at[2] == (1, 0)
    assert at[3] in {(1, 0), (1, 1)}
    assert at[4] == (1, 1)


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e-15, 1e6])
def test_every_corner_of_a_domain_with_walls_along_it_has_a_region(size: float):
    units = Affine([[1, -1], [-1, 1], [1, 0], [0, 1], [-1, 0], [0, -1]], [0, 0, -size, -size, 0, 0])
    found = plnet.enumerate_regions(PLNetwork((units, ScalarPWL.relu(6)), 2), plnet.Box(0, size))
    assert len(found) == 2
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size], [size / 2, size / 2]])
    assert (found.locate(corners) >= 0).all()


def test_locate_needs_points_of_the_domain(square):
    with pytest.raises(DimensionError, match=r"\(n, 2\)"):
        square.locate([[1.0, 2.0, 3.0]])
    with pytest.raises(DomainError, match="finite"):
        square.locate([[np.nan, 0.0]])


def test_locate_takes_the_coordinates_of_a_slice():
    network = he_network((5, 8, 8, 1), 0)
    found = plnet.enumerate_regions(
        network, plnet.Slice.through(np.random.default_rng(0).normal(size=(3, 5)), 0.5)
    )
    np.testing.assert_array_equal(found.locate(found.points), np.arange(len(found)))
    np.testing.assert_array_equal(network.pattern_at(found.chart.embed(found.points)), found.patterns)


def test_unbounded_regions_have_rays():
    found = plnet.enumerate_regions(cross())
    assert np.isinf(found.volumes).all()
    for i in range(4):
        assert found.vertices(i).tolist() == [[0.0, 0.0]]
        assert len(found.rays(i)) == 2
        assert len(found.halfspaces(i)) == 2
    assert found.adjacency.sum() == 8
    np.testing.assert_array_equal(found.locate(found.points), np.arange(4))


def test_unbounded_intervals():
    network = PLNetwork((Affine([[1.0], [1.0]], [0.0, -1.0]), ScalarPWL.relu(2)), 1)
    found = plnet.enumerate_regions(network)
    order = np.argsort(found.points[:, 0])
    assert found.volumes[order].tolist() == [np.inf, 1.0, np.inf]
    assert found.locate([[-1e9], [0.5], [1e9]]).tolist() == order.tolist()
    assert found.adjacency.sum() == 4


def test_domain_facets_are_named(square):
    sides = {facet[1] for i in range(len(square)) for facet in square.halfspaces(i).facets if facet[0] == -1}
    assert sides == {0, 1, 2, 3}


def test_arrays_are_read_only(square):
    for array in (square.patterns, square.gradients, square.offsets, square.points, square.volumes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_patterns_name_their_units(square):
    assert square.patterns.shape == (len(square), 20)
    assert len(square.network.unit_names) == 20
    assert square.gradients.shape == (len(square), 3, 2)


def test_decision_boundary_lies_where_two_classes_are_equal(square):
    boundary = square.decision_boundary()
    assert len(boundary) > 0
    ends = boundary.segments.reshape(-1, 2)
    values = square.network.evaluate(ends)
    classes = np.repeat(boundary.classes, 2, axis=0)
    rows = np.arange(len(ends))
    np.testing.assert_allclose(values[rows, classes[:, 0]], values[rows, classes[:, 1]], atol=1e-9)
    np.testing.assert_allclose(values[rows, classes[:, 0]], values.max(axis=1), atol=1e-9)
    lengths = np.linalg.norm(boundary.segments[:, 1] - boundary.segments[:, 0], axis=1)
    assert boundary.length == pytest.approx(lengths.sum())


def test_decision_boundary_of_one_output_on_a_line():
    network = PLNetwork(
        (Affine([[1.0], [-1.0]], [0.0, 0.0]), ScalarPWL.relu(2), Affine([[1.0, 1.0]], [-1.0])), 1
    )
    boundary = plnet.enumerate_regions(network, plnet.Box(-3, 3)).decision_boundary()
    assert sorted(boundary.segments[:, 0, 0].tolist()) == [-1.0, 1.0]
    assert boundary.length == 2.0


def test_decision_boundary_of_a_circle_of_tangents():
    k = 16
    angle = 2 * np.pi * np.arange(k) / k
    one = PLNetwork(
        (
            Affine(np.stack([np.cos(angle), np.sin(angle)], 1), -np.ones(k)),
            ScalarPWL.relu(k),
            Affine(np.ones((1, k)), [-0.001]),
        ),
        2,
    )
    boundary = plnet.enumerate_regions(one, plnet.Box(-2, 2)).decision_boundary()
    assert 2 * np.pi < boundary.length < 2 * np.pi * 1.03


def test_networkx_graph():
    networkx = pytest.importorskip("networkx")
    graph = plnet.enumerate_regions(cross(), plnet.Box(-1, 1)).to_networkx()
    assert networkx.is_isomorphic(graph, networkx.cycle_graph(4))
    assert graph.nodes[0]["volume"] == 1.0


def test_exact_cells_of_a_slice_through_float_points():
    points = [[0.1, 0.2, 0.3], [0.7, -0.4, 0.5], [-0.3, 0.6, 0.9]]
    found = plnet.enumerate_regions(he_network((3, 6, 6, 1), 1), plnet.Slice.through(points))
    assert sum(found.exact_cell(i).volume() for i in range(len(found))) == Fraction(1)


def test_same_result_twice():
    network = he_network((2, 12, 12, 1), 3)
    a, b = (plnet.enumerate_regions(network, plnet.Box(-1, 1)) for _ in range(2))
    np.testing.assert_array_equal(a.patterns, b.patterns)
    np.testing.assert_array_equal(a.leaves.vertices, b.leaves.vertices)
    assert pattern_set(a.patterns) == pattern_set(b.patterns)


def test_regions_are_indexed_like_a_sequence(square):
    assert np.array_equal(square.vertices(-1), square.vertices(len(square) - 1))
    assert square.exact_cell(-1) == square.exact_cell(len(square) - 1)
    for ask in (square.vertices, square.rays, square.halfspaces, square.exact_cell):
        with pytest.raises(IndexError, match=f"the complex has {len(square)} regions"):
            ask(len(square))


def test_networkx_graph_has_the_order_of_the_complex(square):
    networkx = pytest.importorskip("networkx")
    graph = square.to_networkx()
    assert list(graph.nodes) == list(range(len(square)))
    assert np.array_equal(networkx.to_numpy_array(graph, dtype=int), square.adjacency.toarray())


@pytest.mark.parametrize("name", ["volumes", "gradients", "leaves", "note"])
def test_a_complex_is_frozen(name):
    complex_ = plnet.enumerate_regions(cross(), plnet.Box(-1, 1))
    with pytest.raises(FrozenInstanceError):
        setattr(complex_, name, 1)
