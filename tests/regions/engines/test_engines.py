"""One suite for all engines: references, domains of every kind, and agreement with each other."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from degenerate import FAMILIES, draw_case
from engine_contract import (
    DIMENSIONS,
    Case,
    check_adjacency,
    check_halfspaces,
    check_locate_on_walls,
    check_maps,
    check_points,
    check_regions,
    check_volumes,
    reference_cases,
)
from helpers import cross, expected_patterns, he_network, pattern_set, to_network
from reference_networks import fold_network, relu_network

import plnet
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL

CASES = reference_cases()
PAIRS = [
    pytest.param(case, engine, id=f"{engine}-{case.name}")
    for case in CASES
    for engine, dimensions in DIMENSIONS.items()
    if case.d in dimensions
]


@pytest.mark.parametrize(("case", "engine"), PAIRS)
def test_reference(case: Case, engine: str):
    found = check_regions(case, engine)
    if len(found) > 150:
        return
    check_volumes(found)
    check_points(found)
    check_halfspaces(found)
    check_adjacency(found)
    check_locate_on_walls(found)
    if case.domain is not None:
        check_maps(case, found)


@pytest.mark.parametrize("kind", [None, *FAMILIES])
@pytest.mark.parametrize("engine", ["float", "rational"])
def test_contract_on_networks_in_special_position(kind: str | None, engine: str):
    rng = np.random.default_rng([7, len(kind or "")])
    for _ in range(4):
        layers, low, high = draw_case(rng, kind)
        count = len(expected_patterns(layers, plnet.Box(low, high)))
        if count > 60:
            continue
        case = Case(kind or "generic", layers, plnet.Box(low, high), len(low), count)
        name = engine if engine == "rational" else ("line" if case.d == 1 else "cells")
        found = check_regions(case, name)
        check_volumes(found)
        check_maps(case, found)
        check_halfspaces(found)
        check_adjacency(found)
        check_locate_on_walls(found)


@pytest.mark.parametrize("p", [2, 3])
def test_folds_on_a_segment_of_a_square_have_all_their_pieces(p: int):
    depth = 9 if p == 2 else 6
    fold = to_network(fold_network(p, depth))
    flat = PLNetwork((Affine([[1.0, 0.0]], [0.0]), *fold.layers), 2)
    count = plnet.count_regions(flat, plnet.Segment([0.0, 0.25], [1.0, 0.75]))
    assert count == p**depth
    assert plnet.count_regions(flat, plnet.Box(0, 1)) == p**depth


def test_parallel_folds_multiply():
    for p, depth in [(2, 4), (3, 3)]:
        one = fold_network(p, depth)
        layers: list = []
        for kind, *data in one:
            if kind == "affine":
                weight, bias = np.array(data[0], dtype=float), np.array(data[1], dtype=float)
                layers.append(Affine(np.kron(np.eye(2), weight), np.tile(bias, 2)))
            else:
                layers.append(ScalarPWL.relu(2 * len(data[0])))
        assert plnet.count_regions(PLNetwork(tuple(layers), 2), plnet.Box(0, 1)) == p ** (2 * depth)


@pytest.mark.parametrize("n", [1, 5, 40])
def test_general_position_reaches_the_bound_of_an_arrangement(n: int):
    rng = np.random.default_rng(n)
    network = PLNetwork((Affine(rng.normal(size=(n, 2)), rng.normal(size=n)), ScalarPWL.relu(n)), 2)
    assert plnet.count_regions(network) == 1 + n + n * (n - 1) // 2
    line = PLNetwork((Affine(rng.normal(size=(n, 1)), rng.normal(size=n)), ScalarPWL.relu(n)), 1)
    assert plnet.count_regions(line) == n + 1


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_concurrent_lines_make_twice_as_many_sectors(n: int):
    angle = np.arange(n) * 0.09
    network = PLNetwork(
        (Affine(np.stack([np.cos(angle), np.sin(angle)], 1), np.zeros(n)), ScalarPWL.relu(n)), 2
    )
    for domain in (
        None,
        plnet.Box(-1, 1),
        plnet.Box(-3, 0.5),
        plnet.Polytope([[1, 1], [-1, 2], [0, -1]], [1, 1, 1]),
    ):
        assert plnet.count_regions(network, domain) == 2 * n


def test_engines_agree_on_generic_networks():
    for seed, widths in enumerate([(2, 8, 8, 1), (2, 6, 6, 6, 1), (2, 16, 1)]):
        network = he_network(widths, seed)
        for domain in (plnet.Box(-1, 1), None, plnet.Polytope([[1.0, 0.3], [-0.5, 1.0]], [0.7, 0.4])):
            a = plnet.enumerate_regions(network, domain, engine="cells")
            b = plnet.enumerate_regions(network, domain, engine="rational")
            assert pattern_set(a.patterns) == pattern_set(b.patterns)
            order = {row.tobytes(): i for i, row in enumerate(a.patterns)}
            where = [order[row.tobytes()] for row in b.patterns]
            np.testing.assert_allclose(a.volumes[where], b.volumes, rtol=1e-6, atol=1e-13)
            np.testing.assert_array_equal(a.gradients[where], b.gradients)


@pytest.mark.parametrize(
    "units", [ScalarPWL.absolute, lambda n: ScalarPWL.hardtanh(n, -0.4, 0.3)], ids=["abs", "clip"]
)
def test_line_agrees_with_a_thin_plane(units):
    network = he_network((3, 8, 8, 8, 1), 3, units=units)
    segment = plnet.Segment([-2.0, 0.5, 1.0], [2.0, -1.0, 0.25])
    on_line = plnet.enumerate_regions(network, segment)
    rational = plnet.enumerate_regions(network, segment, engine="rational")
    assert on_line.engine == "line"
    np.testing.assert_allclose(np.sort(on_line.volumes), np.sort(rational.volumes), rtol=1e-11)
    assert pattern_set(on_line.patterns) == pattern_set(rational.patterns)
    assert abs(on_line.volumes.sum() - np.linalg.norm([4.0, -1.5, -0.75])) < 1e-12


def test_networks_without_pieces_have_one_region():
    plain = PLNetwork((Affine([[1.0, 2.0]], [0.5]),), 2)
    identity = PLNetwork((Affine([[1.0, 2.0]], [0.5]), ScalarPWL.identity(1)), 2)
    single = PLNetwork((GroupMax([[1, 1], [0, 0]], 2), Affine([[1.0, 2.0]], [0.5])), 2)
    for network in (plain, identity, single):
        for domain in (None, plnet.Box(0, 1), plnet.Polytope([[1, 0]], [0]), plnet.Segment([0, 0], [1, 1])):
            assert plnet.count_regions(network, domain) == 1
            found = plnet.enumerate_regions(network, domain)
            assert found.patterns.shape == (1, 0)
            assert found.gradients.shape == (1, 1, found.dim)


def test_first_layer_constant_on_the_domain():
    network = PLNetwork(
        (Affine([[1, 0], [0, 1]], [5, -5]), ScalarPWL.relu(2), Affine([[1, 1]], [-5]), ScalarPWL.relu(1)), 2
    )
    assert plnet.count_regions(network, plnet.Box(-1, 1)) == 2


def test_dead_and_zero_units():
    zero = Affine([[0, 0], [1, 0], [0, 0]], [0, -9, 1])
    network = PLNetwork((zero, ScalarPWL.relu(3), Affine([[1, 1, 1]], [0]), ScalarPWL.relu(1)), 2)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    assert found.patterns.tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("far", [1e6, -1e9, 2.0**40 + 0.5])
def test_boxes_far_from_the_origin(far: float):
    rng = np.random.default_rng(5)
    weight, inner = (
        rng.integers(-5, 6, size=(6, 2)).astype(float),
        rng.integers(-5, 6, size=(4, 6)).astype(float),
    )
    near = PLNetwork(
        (
            Affine(weight, [1, 0, -1, 2, 0, 0]),
            ScalarPWL.relu(6),
            Affine(inner, [1, 0, 0, -1]),
            ScalarPWL.relu(4),
        ),
        2,
    )
    moved = Affine(np.eye(2), [-far, -far])
    shifted = PLNetwork((moved, *near.layers), 2)
    assert (
        plnet.count_regions(shifted, plnet.Box(far - 1, far + 1)).count
        == plnet.count_regions(near, plnet.Box(-1, 1)).count
    )


@pytest.mark.parametrize("size", [1e-3, 1e-12, 2.0**-60])
def test_tiny_and_elongated_domains(size: float):
    network = he_network((2, 6, 6, 1), 0, bias=0.0)
    want = plnet.count_regions(network, engine="rational").count
    assert plnet.count_regions(network, plnet.Box(-size, size)) == want
    assert plnet.count_regions(network, plnet.Box([-size, -1], [size, 1])) == want
    triangle = plnet.Polytope([[1.0, 3.0], [1.0, -5.0], [-1.0, 0.0]], [size, size, size])
    assert plnet.count_regions(network, triangle) == want
    needle = plnet.Polytope([[1.0, 1.0], [-1.0, -1.0], [1.0, 0.0], [-1.0, 0.0]], [size, size, 1.0, 1.0])
    assert plnet.count_regions(network, needle) == plnet.count_regions(network, needle, engine="rational")


def test_repeated_facets_change_nothing():
    network = he_network((2, 8, 8, 1), 4)
    A = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    doubled = plnet.Polytope(np.concatenate([A, 2 * A, A]), [1.0] * 4 + [2.0] * 4 + [3.0] * 4)
    assert plnet.count_regions(network, doubled) == plnet.count_regions(network, plnet.Box(-1, 1))


def test_one_point_of_many_walls_at_a_third():
    third = Fraction(1, 3)
    rows = [[3, 0, -1], [0, 3, -1], [3, 3, -2], [3, -3, 0], [6, 3, -3]]
    layers = relu_network(rows, [[1, 1, 1, 1, 1, 0]])
    assert all(sum(w * third for w in row[:-1]) + row[-1] == 0 for row in rows)
    assert plnet.count_regions(to_network(layers), plnet.Box(0, 1)) == 10


@pytest.mark.parametrize("k", [2, 3, 8, 64])
def test_a_maxout_unit_of_tangents_has_one_region_each(k: int):
    angle = 2 * np.pi * np.arange(k) / k
    rows = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    network = PLNetwork((Affine(rows, np.zeros(k)), GroupMax(np.arange(k)[None], k)), 2)
    assert plnet.count_regions(network, plnet.Box(-1, 1)) == k
    assert plnet.count_regions(network) == k


def test_repeated_members_of_a_group_are_one_piece():
    network = PLNetwork((GroupMax([[0, 1, 0, 1], [1, 0, 0, 0]], 2),), 2)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    assert pattern_set(found.patterns) == {(2, 3), (3, 0)}


def test_skip_connections_by_identity_units():
    units = ScalarPWL.concatenate([ScalarPWL.relu(1), ScalarPWL.identity(1)])
    network = PLNetwork(
        (Affine([[1, 0], [0, 1]], [0, 0]), units, Affine([[1, 1]], [0]), ScalarPWL.relu(1)), 2
    )
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    assert pattern_set(found.patterns) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_engine_record_can_be_given():
    from plnet.regions.engines.cells import Cells

    count = plnet.count_regions(cross(), plnet.Box(-1, 1), engine=Cells(chunk=1))
    assert count == 4
    assert count.reason == "chosen by the caller"


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_small_chunks_lose_nothing(chunk: int):
    from plnet.regions.engines.cells import Cells

    network = he_network((2, 10, 10, 1), 0, bias=0.0)
    want = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    assert plnet.count_regions(network, plnet.Box(-1, 1), engine=Cells(chunk=chunk)).count == len(want)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1), engine=Cells(chunk=chunk))
    assert pattern_set(found.patterns) == pattern_set(want.patterns)
