"""Regions in three and more dimensions: published counts, closed formulas, and the exact engine."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import combinations, pairwise, product
from math import comb, factorial
from pathlib import Path

import numpy as np
import pytest
import wild_networks
from helpers import pattern_set, to_network
from sizes import few

import plnet
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.engines.splitting import plan, spatial_run

ARRANGEMENTS = json.loads((Path(__file__).parents[2] / "data" / "arrangements.json").read_text())["items"]


def layer(rows, offsets=None):
    """Return one ReLU layer with the walls ``rows @ x = offsets``."""
    rows = np.asarray(rows, dtype=float)
    offsets = np.zeros(len(rows)) if offsets is None else np.asarray(offsets, dtype=float)
    return PLNetwork((Affine(rows, -offsets), ScalarPWL.relu(len(rows))), input_dim=rows.shape[1])


def generic_network(widths, seed, scale=0.1):
    """Return ReLU layers with normal weights of the usual size and small biases."""
    rng = np.random.default_rng(seed)
    layers = []
    for fan_in, fan_out in pairwise(widths):
        weight = rng.normal(size=(fan_out, fan_in)) * np.sqrt(2 / fan_in)
        layers += [Affine(weight, rng.normal(size=fan_out) * scale), ScalarPWL.relu(fan_out)]
    return PLNetwork(tuple(layers), input_dim=widths[0])


def listed(largest):
    for entry in ARRANGEMENTS:
        rows = entry.get("hyperplanes_a_then_b_for_a_dot_x_eq_b")
        if rows and entry["ambient_dimension"] > 2 and entry["regions"] <= largest:
            yield pytest.param(rows, entry["regions"], id=entry["name"])


@pytest.mark.parametrize(("rows", "regions"), list(listed(20_000)))
def test_published_arrangements(rows, regions):
    table = np.array(rows)
    count = plnet.count_regions(layer(table[:, :-1], table[:, -1]))
    assert count.exact
    assert count == regions


def test_the_icosahedral_arrangement_in_floats_is_another_one():
    golden = (1 + np.sqrt(5)) / 2
    rows = list(np.eye(3))
    for signs in product((-1, 1), repeat=2):
        a, b, c = 1.0, signs[0] * golden, signs[1] / golden
        rows += [[a, b, c], [c, a, b], [b, c, a]]
    # 120 chambers meet in points of Q(sqrt 5) that floats miss: 176 by exact arithmetic of the floats.
    assert plnet.count_regions(layer(rows)) == 176


@pytest.mark.parametrize(("m", "d"), [(7, 3), (12, 3), (9, 4), (8, 5), (8, 6)])
def test_generic_layers_attain_zaslavsky(m, d):
    rng = np.random.default_rng([m, d])
    count = plnet.count_regions(layer(rng.normal(size=(m, d)), rng.normal(size=m)))
    assert count == sum(comb(m, j) for j in range(d + 1))


@pytest.mark.parametrize(("n", "d"), [(3, 5), (4, 9), (1, 7), (2, 4)])
def test_fewer_units_than_inputs_give_every_pattern(n, d):
    rng = np.random.default_rng([n, d])
    found = plnet.enumerate_regions(layer(rng.normal(size=(n, d)), rng.normal(size=n)))
    assert found.exact
    assert len(found) == len(pattern_set(found.patterns)) == 2**n
    assert found.lines.shape == (d - n, d)
    assert (found.locate(np.random.default_rng(0).normal(size=(50, d))) >= 0).all()


@pytest.mark.parametrize("k", [2, 3])
def test_disjoint_maxima_multiply(k):
    n = 2
    groups = np.arange(n * k).reshape(n, k)
    network = PLNetwork((GroupMax(groups, n * k),), input_dim=n * k)
    assert plnet.count_regions(network) == k**n


def test_all_intervals_give_catalan_numbers():
    # Maxima over all intervals of coordinates: the normal fan of the associahedron (Loday 2004).
    for n, catalan in ((3, 5), (4, 14), (5, 42)):
        intervals = [range(i, j) for i in range(n) for j in range(i + 1, n + 1)]
        assert plnet.count_regions(maxima(intervals, n)) == catalan


def maxima(groups, n):
    """Return one layer of maxima over groups of coordinates, padded by repetition."""
    width = max(map(len, groups))
    return PLNetwork((GroupMax([(list(group) * width)[:width] for group in groups], n),), input_dim=n)


@pytest.mark.parametrize("engine", ["cells", "search"])
def test_maxout_layers_with_known_counts(engine):
    def count(groups, n):
        return int(plnet.count_regions(maxima(groups, n), engine=engine))

    for n in (3, 4):
        # Sums of simplices (Postnikov 2009): permutohedron, Pitman-Stanley polytope.
        assert count(list(combinations(range(n), 2)), n) == factorial(n)
        assert count([range(k) for k in range(1, n + 1)], n) == 2 ** (n - 1)
    for windows in (2, 3):
        # Max-pooling in one dimension: windows of 2 with stride 1, and of 3 with stride 2.
        assert count([range(i, i + 2) for i in range(windows)], windows + 1) == 2**windows
        assert count([range(2 * i, 2 * i + 3) for i in range(windows)], 2 * windows + 1) == 3**windows


@pytest.mark.parametrize("chunk", range(4))
def test_against_the_rational_engine(chunk):
    rng = np.random.default_rng([21, chunk])
    fallbacks = 0
    for _ in range(10):
        d = int(rng.integers(3, 5))
        domain, inputs = wild_networks.wild_domain(rng, d)
        network = to_network(wild_networks.wild_network(rng, inputs), inputs)
        expected = plnet.enumerate_regions(network, domain, engine="rational", max_regions=300)
        if not expected.complete:
            continue
        count = plnet.count_regions(network, domain, engine="cells")
        found = plnet.enumerate_regions(network, domain, engine="cells")
        assert count.exact
        assert found.exact
        assert count.count == len(found) == len(expected)
        assert pattern_set(found.patterns) == pattern_set(expected.patterns)
        _check_geometry(found)
        fallbacks += found.n_fallbacks
    assert fallbacks > 0


def _check_geometry(found):
    """Vertices, incidence and facets of the kernel against the exact cells."""
    for i in range(0, len(found), 1 + len(found) // 5):
        cell = found.exact_cell(i)
        names = {facet for facet in cell.facets if facet[0] != -2}
        assert set(found.halfspaces(i).facets) == names
        if cell.bounded:
            exact = np.array([[float(x / v[-1]) for x in v[:-1]] for v in map(_fractions, cell.vertices)])
            computed = found.vertices(i)
            distances = np.abs(exact[:, None] - computed[None]).max(axis=2)
            scale = max(1.0, np.abs(exact).max())
            assert len(exact) == len(computed)
            assert distances.min(axis=0).max() < 1e-8 * scale
            assert distances.min(axis=1).max() < 1e-8 * scale
        if found.leaves.has_vertices:
            inside = found.leaves.incidence(i).sum(axis=1)
            assert (inside >= cell.dim - len(cell.lines)).all()


def _fractions(vertex):
    return [Fraction(x) for x in vertex]


@pytest.mark.parametrize(
    ("widths", "seed"),
    few([([3, 8, 8], 0), ([3, 5, 5, 5], 1), ([4, 6, 6], 2), ([5, 4, 3], 4), ([6, 5, 4], 3)], 4),
)
def test_volumes_fill_the_box_and_every_point_is_found(widths, seed):
    found = plnet.enumerate_regions(generic_network(widths, seed), plnet.Box(-1, 1))
    d = widths[0]
    assert found.exact
    assert found.volumes.sum() == pytest.approx(2.0**d, rel=1e-12)
    x = np.random.default_rng(seed).uniform(-1, 1, size=(300, d))
    places = found.locate(x)
    assert (places >= 0).all()
    values = np.einsum("imd,id->im", found.gradients[places], x) + found.offsets[places]
    assert np.allclose(values, found.network.evaluate(x), atol=1e-12)


def test_large_networks_need_no_fallback_in_a_box():
    for widths in ([3, 32, 32], [4, 16, 16], [6, 8, 8]):
        count = plnet.count_regions(generic_network(widths, 0), plnet.Box(-1, 1))
        assert count.exact
        assert count.n_fallbacks == 0


def test_threads_find_the_same_regions():
    network = generic_network([3, 20, 20], 5)
    one = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    two = plnet.enumerate_regions(network, plnet.Box(-1, 1), n_jobs=2)
    assert pattern_set(one.patterns) == pattern_set(two.patterns)
    assert len(one) == len(two)


def test_a_budget_stops_and_says_so():
    count = plnet.count_regions(generic_network([4, 24, 24], 0), plnet.Box(-1, 1), max_regions=5000)
    assert not count.complete
    assert 5000 <= count.count == count.lower < count.upper


def test_files_keep_regions_of_higher_dimension(tmp_path):
    found = plnet.enumerate_regions(generic_network([3, 6, 6], 1))
    again = plnet.RegionComplex.load(found.save(tmp_path / "regions.npz"))
    assert np.array_equal(found.patterns, again.patterns)
    assert found.halfspaces(3).facets == again.halfspaces(3).facets
    assert np.array_equal(found.vertices(3), again.vertices(3))
    assert np.array_equal(found.volumes, again.volumes)
    lines = plnet.enumerate_regions(layer(np.eye(2, 4)))
    assert np.array_equal(plnet.RegionComplex.load(lines.save(tmp_path / "lines.npz")).lines, lines.lines)


def test_adjacency_of_orthants_is_a_hypercube():
    found = plnet.enumerate_regions(layer(np.eye(4)))
    matrix = found.adjacency
    assert matrix.nnz == 16 * 4
    for i, j in zip(*matrix.nonzero(), strict=True):
        assert (found.patterns[i] != found.patterns[j]).sum() == 1


def thin_slab(width):
    return layer([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, width, 0, 0])


@pytest.mark.parametrize("width", [1e-5, 1e-10, 1e-200])
def test_thin_slabs_are_not_lost(width):
    assert plnet.count_regions(thin_slab(width), plnet.Box(-1, 1)) == 12
    assert plnet.count_regions(thin_slab(width)) == 12


def concurrent_planes():
    """Ten planes through the point (1, 1, 1) / 3, which is no float: weights are multiples of 3."""
    rng = np.random.default_rng(3)
    # The powers of two leave each plane where it is, and forbid exact integers.
    rows = 3 * rng.integers(-(2**20), 2**20, size=(10, 3)) / 2.0 ** np.arange(10, 60, 5)[:, None]
    return layer(rows, rows.sum(axis=1) / 3)


CENTRAL_TEN = 2 * sum(comb(9, j) for j in range(3))


def test_planes_through_a_point_that_is_no_float():
    assert plnet.count_regions(concurrent_planes()) == CENTRAL_TEN
    count = plnet.count_regions(concurrent_planes(), plnet.Box(-1, 1))
    assert count == CENTRAL_TEN
    assert count.n_fallbacks > 0


def test_without_error_bounds_the_count_is_wrong(monkeypatch):
    """The claim `exact` can fail: with all bounds at zero a concurrent point gives slivers."""
    monkeypatch.setattr(plan, "UNIT_ROUNDOFF", 0.0)
    monkeypatch.setattr(spatial_run, "UNIT_ROUNDOFF", 0.0)
    assert plnet.count_regions(concurrent_planes(), plnet.Box(-1, 1)).count != CENTRAL_TEN


def test_rational_engine_agrees_on_published_counts():
    for rows, regions in (p.values for p in listed(200)):
        table = np.array(rows)
        assert plnet.count_regions(layer(table[:, :-1], table[:, -1]), engine="rational") == regions
