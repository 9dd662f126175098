"""Certificates of dimension 3 and more: closed formulas, and what the independent checker must refuse."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from itertools import combinations, permutations, product
from math import factorial
from pathlib import Path

import numpy as np
import pytest
import wild_networks
from helpers import he_network, to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import few

import plnet
from plnet.errors import DimensionError
from plnet.geometry.linear import determinant
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.ir.layers import LocalWinner
from plnet.ir.operators import SparseAffine
from plnet.regions.cells.measure import add_simplices, enclosed_volume, triangulate
from plnet.regions.certificates.certificate import Certificate

CHECKER = Path(__file__).resolve().parents[3] / "scripts" / "check_certificate.py"


@pytest.fixture(scope="module")
def checker():
    namespace: dict = {"__name__": "check_certificate"}
    exec(compile(CHECKER.read_text(encoding="utf-8"), str(CHECKER), "exec"), namespace)
    return namespace


def verdict(checker, document, lower_bound=False):
    try:
        return checker["check"](document, lower_bound)
    except checker["Refused"] as refusal:
        return f"NOT PROVED. {refusal}"


def layer(weight, bias):
    """Return one ReLU layer."""
    return PLNetwork((Affine(weight, bias), ScalarPWL.relu(len(bias))), len(weight[0]))


def orthants(d):
    return layer(np.eye(d), np.zeros(d))


def braid(d):
    rows = [np.eye(d)[i] - np.eye(d)[j] for i, j in combinations(range(d), 2)]
    return layer(rows, np.zeros(len(rows)))


def assert_holds(checker, network, domain, count, tmp_path, **options):
    proof = plnet.enumerate_regions(network, domain, **options).certificate()
    assert proof.check() == ()
    assert proof.lower_bound == len(proof) == count
    assert proof.complete
    path = proof.save(tmp_path / "proof")
    assert f"PROVED: exactly {count} regions." in verdict(checker, json.loads(path.read_text()))
    assert Certificate.load(path).regions == proof.regions
    return proof


# Closed formulas


@pytest.mark.parametrize("d", [3, 4, pytest.param(5, marks=pytest.mark.slow)])
def test_orthants_of_a_box(d, tmp_path, checker):
    proof = assert_holds(checker, orthants(d), plnet.Box(-1, 2), 2**d, tmp_path)
    assert proof.total_volume == proof.domain_volume == 3**d
    for region, volume in zip(proof.regions, proof.volumes, strict=True):
        assert volume == 2 ** sum(region.pattern)
        assert set(region.vertices) == {
            (*corner, 1) for corner in product(*((-1, 0) if not p else (0, 2) for p in region.pattern))
        }


@pytest.mark.parametrize(
    ("d", "volumes"), few([(3, [1, 4, 1]), (4, [1, 11, 11, 1]), (5, [1, 26, 66, 26, 1])], 2)
)
def test_slabs_of_the_cube_have_eulerian_volumes(d, volumes, tmp_path, checker):
    network = layer(np.ones((d - 1, d)), -np.arange(1.0, d))
    proof = assert_holds(checker, network, plnet.Box(0, 1), d, tmp_path)
    by_pattern = sorted(zip((sum(r.pattern) for r in proof.regions), proof.volumes, strict=True))
    assert [volume for _, volume in by_pattern] == [Fraction(v, factorial(d)) for v in volumes]


@pytest.mark.parametrize("d", [3, 4])
def test_braid_arrangement(d, tmp_path, checker):
    proof = assert_holds(checker, braid(d), plnet.Box(0, 1), factorial(d), tmp_path)
    assert set(proof.volumes) == {Fraction(1, factorial(d))}
    # On all of space each region contains the line through (1, ..., 1), and reaches several orthants.
    assert_holds(checker, braid(d), None, factorial(d), tmp_path)


def test_lines_and_unbounded_domains(tmp_path, checker):
    for network, domain, count in (
        (orthants(3), None, 8),
        (orthants(4), None, 16),
        (layer([[1, 2, 3]], [0.5]), None, 2),
        (layer([[0, 0, 0]], [1]), None, 1),
        (layer([[1, 1, 0], [2, 2, 0], [0, 1, 0]], [0, 1, 0]), None, 6),
        (orthants(3), plnet.Polytope(-np.eye(3), np.zeros(3)), 1),
        (orthants(3), plnet.Polytope([[1.0, 1.0, 1.0]], [0.0]), 7),
        (orthants(3), plnet.Polytope([[1.0, 0, 0], [-1.0, 0, 0]], [1.0, 1.0]), 8),
        (layer([[1, 1, 1]], [-0.5]), plnet.Polytope([[1.0, 1, 0], [-1.0, 0, 0]], [1.0, 1.0]), 2),
        (PLNetwork((Affine([[1.0, 2.0, 0.0]], [0.5]),), 3), plnet.Box(-1, 1), 1),
    ):
        proof = assert_holds(checker, network, domain, count, tmp_path)
        assert proof.total_volume is None or isinstance(domain, plnet.Box)


def test_bounded_region_of_an_unbounded_domain(tmp_path, checker):
    # The tetrahedron x, y, z < 1 and x + y + z > 0 has edges of length 3 along the axes.
    proof = assert_holds(
        checker, layer([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], [-1, -1, -1, 0]), None, 15, tmp_path
    )
    assert [v for v in proof.volumes if v is not None] == [Fraction(27, 6)]


def test_maxout_and_local_winners(tmp_path, checker):
    for group in (GroupMax([[0, 1, 2]], 3), LocalWinner([[0, 1, 2]], 3)):
        proof = assert_holds(checker, PLNetwork((group,), 3), plnet.Box(0, 1), 3, tmp_path)
        assert proof.volumes == (Fraction(1, 3),) * 3
    behind = (
        LocalWinner([[0, 1], [2, 2]], 3),
        Affine([[1, -1, 0.5], [2, 1, -1]], [-0.25, 0.5]),
        ScalarPWL.relu(2),
    )
    network = PLNetwork(behind, 3)
    count = plnet.count_regions(network, plnet.Box(-1, 1), engine="rational").count
    assert_holds(checker, network, plnet.Box(-1, 1), count, tmp_path)


def test_sparse_layers_divide_exactly(tmp_path, checker):
    mean = SparseAffine([0, 3, 5], [0, 1, 2, 0, 0], [1, 1, 1, 1, 1], 3, [0, 0], divisors=[9, 7])
    network = PLNetwork((mean, Affine(np.eye(2), [-1 / 8, 0]), ScalarPWL.relu(2)), 3)
    proof = assert_holds(checker, network, plnet.Box(0, 1), 2, tmp_path)
    # The mean is above 1/8 where x + y + z > 9/8: a simplex of edge 9/8 without three of edge 1/8.
    below = Fraction(9**3 - 3, 6 * 8**3)
    assert sorted(proof.volumes) == sorted([below, 1 - below])


@pytest.mark.slow
def test_networks_of_every_shape(tmp_path, checker):
    rng = np.random.default_rng(33)
    bounded = unbounded = 0
    for _ in range(30):
        domain, input_dim = wild_networks.wild_domain(rng, 3)
        network = to_network(wild_networks.wild_network(rng, input_dim), input_dim)
        found = plnet.enumerate_regions(network, domain, max_regions=60)
        if found.complete:
            proof = assert_holds(checker, network, domain, len(found), tmp_path)
            bounded += proof.domain_volume is not None
            unbounded += proof.domain_volume is None
    assert bounded > 3
    assert unbounded > 3


@pytest.mark.parametrize("widths", few([[3, 5, 4, 1], [4, 3, 2, 1], [3, 6, 5, 1], [4, 4, 3, 1]], 1))
@pytest.mark.parametrize("domain", [plnet.Box(-1, 1), None])
def test_engines_agree(widths, domain, tmp_path, checker):
    network = he_network(widths, 5)
    count = plnet.count_regions(network, domain).count
    fast = assert_holds(checker, network, domain, count, tmp_path)
    # A search knows one point of each region; its cells come from the patterns.
    slow = assert_holds(checker, network, domain, count, tmp_path, engine="search")
    volumes = ({r.pattern: v for r, v in zip(p.regions, p.volumes, strict=True)} for p in (fast, slow))
    assert next(volumes) == next(volumes)


# Volumes


def direct_sum(points, simplices):
    total = Fraction(0)
    for simplex in simplices:
        rows = [[Fraction(x, points[i][-1]) for x in points[i]] for i in simplex]
        total += abs(by_permutations(rows))
    return total / factorial(len(points[0]) - 1)


def by_permutations(rows):
    """Return a determinant by the definition of Leibniz."""
    total = Fraction(0)
    for order in permutations(range(len(rows))):
        term = Fraction((-1) ** sum(a > b for a, b in combinations(order, 2)))
        for row, column in zip(rows, order, strict=True):
            term *= row[column]
        total += term
    return total


@given(st.integers(1, 4), st.data())
def test_volume_from_the_boundary(d, data):
    coordinate = st.integers(-6, 6)
    vertex = st.tuples(*[coordinate] * d, st.integers(1, 3)).map(
        lambda v: tuple(int(x) for x in np.array(v) // np.gcd.reduce(v))
    )
    points = sorted(data.draw(st.sets(vertex, min_size=d + 1, max_size=8)))
    every = list(combinations(range(len(points)), d + 1))
    simplices = data.draw(st.lists(st.sampled_from(every), max_size=6))
    boundary = {}
    add_simplices(boundary, points, simplices)
    assert enclosed_volume(boundary) == direct_sum(points, simplices)


@settings(max_examples=40)
@given(st.sampled_from([2, 3, 4]), st.randoms(use_true_random=False))
def test_points_that_are_missing_or_too_many(d, random):
    # The cube, cut by x_1 + ... + x_d <= 3/2, as scaled integers.
    forms = [(*np.eye(d, dtype=int)[k] * s, int(s < 0) * 2) for k in range(d) for s in (1, -1)]
    forms.append((*[-1] * d, 3))
    grid = [p for p in product(range(3), repeat=d) if sum(p) <= 3]
    vertices = [p for p in grid if max(p, default=0) <= 2 and is_vertex(p, forms)]
    others = [p for p in grid if p not in vertices]

    def volume(points):
        points = sorted((*p, 1) for p in points)
        sets = [sum(1 << i for i, p in enumerate(points) if np.dot(form, p) == 0) for form in forms]
        simplices = triangulate((1 << len(points)) - 1, sets, d)
        assert all(determinant([points[i] for i in s]) for s in simplices)
        return direct_sum(points, simplices), [[points[i] for i in s] for s in simplices]

    # The box [0, 2]^d cut by a sum of at most 3, by inclusion and exclusion.
    whole = Fraction(3**d - d * 1, factorial(d))
    assert volume(vertices)[0] == whole
    assert volume([*vertices, *random.sample(others, min(len(others), 4))])[0] == whole
    some = random.sample(vertices, random.randint(d + 1, len(vertices)))
    found, simplices = volume([*some, *random.sample(others, min(len(others), 2))])
    assert found <= whole
    for _ in range(20):
        point = [random.randint(0, 2 * 10007) for _ in range(d)]
        assert sum(covers(simplex, point, 10007) for simplex in simplices) <= 1


def is_vertex(point, forms):
    tight = [form[:-1] for form in forms if np.dot(form, (*point, 1)) == 0]
    return len(tight) >= len(point) and np.linalg.matrix_rank(np.array(tight)) == len(point)


def covers(simplex, point, scale):
    """Return whether a point is in the interior of a simplex, by barycentric coordinates."""
    target = (*point, scale)
    whole = determinant(simplex)
    return all(
        determinant([*simplex[:i], target, *simplex[i + 1 :]]) * whole > 0 for i in range(len(simplex))
    )


# What the checker refuses


CORRUPTIONS = []


def corruption(function):
    """Register a change that makes the certificate of the octants wrong."""
    CORRUPTIONS.append(function)
    return function


def region_with(document, *pattern):
    return next(region for region in document["regions"] if region["pattern"] == list(pattern))


def vertex_of(document, place):
    return tuple(int(x, 16) for x in document["vertices"][place])


def replace_vertex(document, old, new):
    """Give the region (1, 1, 1) a vertex of its own in place of one of its vertices."""
    (places,) = region_with(document, 1, 1, 1)["parts"]
    at = next(i for i, place in enumerate(places) if vertex_of(document, place) == old)
    document["vertices"].append([hex(x) for x in new])
    places[at] = len(document["vertices"]) - 1


@corruption
def missing_region(document):
    document["regions"].remove(region_with(document, 1, 0, 1))


@corruption
def doubled_region(document):
    document["regions"].append(copy.deepcopy(document["regions"][0]))


@corruption
def doubled_region_for_a_missing_one(document):
    document["regions"][1] = copy.deepcopy(document["regions"][0])


@corruption
def wrong_pattern(document):
    region_with(document, 1, 1, 1)["pattern"] = [1, 1, 0]


@corruption
def wrong_pattern_for_a_missing_one(document):
    missing_region(document)
    region_with(document, 1, 1, 1)["pattern"] = [1, 0, 1]


@corruption
def patterns_of_two_regions_exchanged(document):
    first, second = region_with(document, 1, 1, 1), region_with(document, 0, 1, 1)
    first["pattern"], second["pattern"] = second["pattern"], first["pattern"]


@corruption
def vertex_moved_inwards(document):
    replace_vertex(document, (0, 0, 0, 1), (1, 1, 1, 10**9))


@corruption
def vertex_moved_along_an_edge(document):
    replace_vertex(document, (0, 0, 1, 1), (0, 0, 10**9 - 1, 10**9))


@corruption
def vertex_moved_across_a_wall(document):
    replace_vertex(document, (0, 0, 0, 1), (-1, 1, 1, 10**9))


@corruption
def vertex_moved_out_of_the_domain(document):
    replace_vertex(document, (1, 1, 1, 1), (10**9, 10**9, 10**9 + 1, 10**9))


@corruption
def vertex_at_infinity(document):
    replace_vertex(document, (1, 1, 1, 1), (1, 1, 1, 0))


@corruption
def vertex_dropped(document):
    region_with(document, 1, 1, 1)["parts"][0].pop()


@corruption
def shared_vertex_moved(document):
    (places,) = region_with(document, 1, 1, 1)["parts"]
    place = next(place for place in places if vertex_of(document, place) == (0, 0, 0, 1))
    document["vertices"][place] = ["0x1", "0x1", "0x1", "0x3e8"]


@corruption
def vertex_named_twice_in_other_numbers(document):
    (places,) = region_with(document, 1, 1, 1)["parts"]
    document["vertices"].append([hex(2 * x) for x in vertex_of(document, places[0])])
    places.append(len(document["vertices"]) - 1)


@corruption
def enlarged_cell(document):
    region = region_with(document, 1, 1, 1)
    region["parts"][0] = sorted({*region["parts"][0], *region_with(document, 1, 0, 1)["parts"][0]})


@corruption
def enlarged_cell_for_a_missing_one(document):
    enlarged_cell(document)
    missing_region(document)


@corruption
def enlarged_cell_with_its_corners_only(document):
    # The box of two regions: all of its sides are walls, and no listed point is on the wall within.
    enlarged_cell_for_a_missing_one(document)
    (places,) = region_with(document, 1, 1, 1)["parts"]
    places[:] = [place for place in places if vertex_of(document, place)[1]]


@corruption
def second_part_for_a_missing_region(document):
    region_with(document, 1, 1, 1)["parts"] += region_with(document, 1, 0, 1)["parts"]
    missing_region(document)


@corruption
def same_part_twice_for_a_missing_region(document):
    region_with(document, 1, 1, 1)["parts"] *= 2
    missing_region(document)


@corruption
def witness_in_another_region(document):
    region_with(document, 1, 1, 1)["witness"] = region_with(document, 1, 1, 0)["witness"]


@corruption
def other_weight(document):
    document["network"]["layers"][0]["weight"][0][1] = (2.0**-40).hex()


@corruption
def smaller_domain(document):
    document["domain"]["parts"] = copy.deepcopy(region_with(document, 1, 1, 1)["parts"])
    document["regions"] = [region_with(document, 1, 1, 1)]


@corruption
def domain_without_a_corner(document):
    document["domain"]["parts"][0].pop()


@corruption
def domain_with_a_point_too_many(document):
    document["domain"]["parts"][0].append(len(document["vertices"]))
    document["vertices"].append(["0x2", "0x0", "0x0", "0x1"])


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("claim_follows", [False, True])
def test_checker_refuses(corrupt, claim_follows, tmp_path, checker):
    path = plnet.enumerate_regions(orthants(3), plnet.Box(-1, 1)).certificate().save(tmp_path / "proof")
    document = json.loads(path.read_text())
    assert "PROVED: exactly 8" in verdict(checker, document)
    corrupt(document)
    if claim_follows:
        document["claims"] = {
            "regions": len(document["regions"]),
            "domain_volume": None,
            "total_volume": None,
        }
    assert verdict(checker, document).startswith("NOT PROVED")
    # The library finds the same faults, unless they are in the domain, which it computes anew.
    path.write_text(json.dumps(document))
    assert not Certificate.load(path).complete or "domain" in corrupt.__name__


UNBOUNDED = [missing_region, doubled_region, doubled_region_for_a_missing_one, wrong_pattern]


@pytest.mark.parametrize("corrupt", UNBOUNDED, ids=lambda function: function.__name__)
def test_checker_refuses_on_all_of_space(corrupt, tmp_path, checker):
    path = plnet.enumerate_regions(orthants(3), None).certificate().save(tmp_path / "proof")
    document = json.loads(path.read_text())
    corrupt(document)
    document["claims"]["regions"] = len(document["regions"])
    assert verdict(checker, document).startswith("NOT PROVED")


def test_checker_looks_at_the_parts_of_unbounded_regions(tmp_path, checker):
    path = plnet.enumerate_regions(braid(3), None).certificate().save(tmp_path / "proof")
    document = json.loads(path.read_text())
    assert "PROVED: exactly 6" in verdict(checker, document)
    region = next(i for i, region in enumerate(document["regions"]) if len(region["parts"]) > 2)
    for change, message in (
        (lambda parts: parts.pop(), "cover only"),
        (lambda parts: parts.append(list(parts[0])), "two parts are in one orthant"),
        (lambda parts: parts.__setitem__(0, sorted({*parts[0], *parts[1]})), "not in one orthant"),
        (lambda parts: parts.clear(), "no points"),
    ):
        for target in ("region", "domain"):
            wrong = copy.deepcopy(document)
            change((wrong["regions"][region] if target == "region" else wrong["domain"])["parts"])
            refusal = verdict(checker, wrong)
            assert refusal.startswith("NOT PROVED")
            assert message in refusal or target == "domain"
            path.write_text(json.dumps(wrong))
            assert Certificate.load(path).complete == (target == "domain")


def test_a_lower_bound(tmp_path, checker):
    path = plnet.enumerate_regions(orthants(3), plnet.Box(-1, 1)).certificate().save(tmp_path / "proof")
    document = json.loads(path.read_text())
    missing_region(document)
    document["claims"].update(regions=7, total_volume=["0x7", "0x1"])
    text = verdict(checker, document, lower_bound=True)
    assert "87.5" in text
    assert "PROVED: at least 7" in text
    assert "they cover only 87.5" in verdict(checker, document)


# What is too large


def test_too_many_vertices_or_simplices(monkeypatch):
    found = plnet.enumerate_regions(orthants(5), plnet.Box(-1, 1), engine="search")
    monkeypatch.setattr("plnet.regions.cells.limited.MOST_VERTICES", 20)
    with pytest.raises(DimensionError, match=r"A certificate needs .* more than 20"):
        found.certificate()
    with pytest.raises(DimensionError, match=r"degeneracies needs .* take a Slice"):
        found.degeneracies()
    monkeypatch.undo()
    monkeypatch.setattr("plnet.regions.cells.measure.MOST_SIMPLICES", 20)
    with pytest.raises(DimensionError, match="more than 20 simplices"):
        found.certificate().check()


def test_too_many_orthants():
    with pytest.raises(DimensionError, match=r"at most 6, or a bounded domain"):
        plnet.enumerate_regions(orthants(7), None).certificate()
