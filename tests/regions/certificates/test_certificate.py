"""Certificates: they prove what the oracle counts, and the independent checker refuses every wrong one."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pytest
import wild_networks
from degenerate import FAMILIES, draw_case
from helpers import cross, he_network, to_network

import plnet
from plnet.errors import FileFormatError, IncompleteResultError, OutputError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.certificates.certificate import Certificate

CHECKER = Path(__file__).resolve().parents[3] / "scripts" / "check_certificate.py"


@pytest.fixture(scope="module")
def checker():
    """Return the checker as a module; it is no part of the package."""
    namespace: dict = {"__name__": "check_certificate"}
    exec(compile(CHECKER.read_text(encoding="utf-8"), str(CHECKER), "exec"), namespace)
    return namespace


def verdict(checker, document, lower_bound=False):
    """Return the text of the checker, or of its refusal."""
    try:
        return checker["check"](document, lower_bound)
    except checker["Refused"] as refusal:
        return f"NOT PROVED. {refusal}"


def document_of(network, domain, tmp_path):
    proof = plnet.enumerate_regions(network, domain).certificate()
    return proof, json.loads(proof.save(tmp_path / "proof").read_text())


def assert_holds(checker, network, domain, count, tmp_path):
    proof, document = document_of(network, domain, tmp_path)
    assert proof.check() == ()
    assert proof.lower_bound == len(proof) == count
    assert proof.complete
    assert f"PROVED: exactly {count} regions." in verdict(checker, document)
    return proof


# What holds


def test_of_the_four_quadrants(tmp_path, checker):
    proof = assert_holds(checker, cross(), plnet.Box(-1, 1), 4, tmp_path)
    assert proof.total_volume == proof.domain_volume == 4
    assert sorted(region.pattern for region in proof.regions) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    first = next(region for region in proof.regions if region.pattern == (1, 1))
    assert set(first.vertices) == {(0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)}
    assert first.witness == (Fraction(1, 2), Fraction(1, 2))
    assert proof.volumes == (1, 1, 1, 1)
    assert repr(proof) == "Certificate(4 regions, dimension 2, 2 units)"


def test_of_all_of_space(tmp_path, checker):
    proof = assert_holds(checker, cross(), None, 4, tmp_path)
    assert proof.total_volume is None
    assert proof.domain_volume is None
    assert proof.volumes == (None,) * 4
    assert all(len(region.parts) == 1 for region in proof.regions)
    # No unit, one unit (two half-planes), parallel strips, and the same in dimension 1.
    for weight, bias, count in (
        ([[0, 0]], [1], 1),
        ([[1, 2]], [3], 2),
        ([[1, 1], [1, 1], [-2, -2]], [0, 1, 5], 4),
        ([[0]], [1], 1),
        ([[1], [-1]], [0, 3], 3),
    ):
        network = PLNetwork((Affine(weight, bias), ScalarPWL.relu(len(bias))), len(weight[0]))
        assert_holds(checker, network, None, count, tmp_path)
    # No nonlinear layer at all.
    assert_holds(checker, PLNetwork((Affine([[1.0, 2.0]], [0.5]),), 2), plnet.Box(-1, 1), 1, tmp_path)


def test_of_unbounded_polytopes_and_slices(tmp_path, checker):
    network = he_network([2, 6, 6, 1], 3)
    for domain in (
        plnet.Polytope([[-1.0, 0.0], [0.0, -1.0]], [0.5, 0.25]),
        plnet.Polytope([[1.0, 1.0], [-1.0, -1.0]], [1.0, 1.0]),
        plnet.Polytope([[1.0, 3.0]], [0.1]),
        plnet.Segment([-1.0, -1.0], [1.0, 2.0]),
        plnet.Slice([0.1, 0.2], [[1.0, 2.0], [0.5, -1.0]], -1, 2),
    ):
        count = plnet.count_regions(network, domain).count
        assert_holds(checker, network, domain, count, tmp_path)


@pytest.mark.parametrize("chunk", range(4))
def test_agrees_with_the_oracle(chunk, tmp_path, checker):
    rng = np.random.default_rng([31, chunk])
    for i in range(30):
        layers, low, high = draw_case(rng, FAMILIES[i % len(FAMILIES)] if i % 3 else None)
        count = oracle.count_regions(layers, low, high)
        if count > 150:
            continue
        proof = assert_holds(checker, to_network(layers), plnet.Box(low, high), count, tmp_path)
        assert proof.total_volume == oracle.total_volume(layers, low, high)


@pytest.mark.slow
def test_of_every_shape_of_network_and_domain(tmp_path, checker):
    rng = np.random.default_rng(32)
    for _ in range(60):
        domain, input_dim = wild_networks.wild_domain(rng, int(rng.integers(1, 3)))
        network = to_network(wild_networks.wild_network(rng, input_dim), input_dim)
        found = plnet.enumerate_regions(network, domain)
        if len(found) <= 150:
            assert_holds(checker, network, domain, len(found), tmp_path)


# Files


def test_file_returns_what_was_saved(tmp_path):
    layers = (
        Affine(np.random.default_rng(0).normal(size=(7, 2)), np.arange(7) / 10),
        ScalarPWL.concatenate(
            [ScalarPWL.hardtanh(3, -1, 0.3), ScalarPWL.identity(1), ScalarPWL.relu(3)], "mixed"
        ),
        GroupMax([[0, 1, 2], [3, 3, 4], [5, 5, 5]], 7, "pool"),
    )
    proof = plnet.enumerate_regions(PLNetwork(layers, 2), plnet.Box(-2, 2)).certificate()
    path = proof.save(tmp_path / "proof")
    assert path == tmp_path / "proof.json"
    again = Certificate.load(path)
    assert again.regions == proof.regions
    assert again.complete
    assert [layer.name for layer in again.network.layers] == ["", "mixed", "pool"]
    assert again.save(tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match="No file"):
        Certificate.load(tmp_path / "nothing.json")
    with pytest.raises(OutputError):
        plnet.enumerate_regions(cross(), plnet.Box(-1, 1)).certificate().save(tmp_path / "no" / "folder.json")
    path = tmp_path / "bad.json"
    _, document = document_of(cross(), plnet.Box(-1, 1), tmp_path)
    newer, foreign, damaged = (copy.deepcopy(document) for _ in range(3))
    newer["schema"], foreign["format"], damaged["regions"][0]["witness"] = 99, "other", ["0x1"]
    del document["network"]["layers"][0]["bias"]
    for content, message in (
        (b"{", "not a readable"),
        (b"[]", "not a readable"),
        (json.dumps(newer).encode(), "schema 99"),
        (json.dumps(foreign).encode(), "other file"),
        (json.dumps(document).encode(), "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=message):
            Certificate.load(path)


def test_an_incomplete_complex_has_none():
    stopped = plnet.enumerate_regions(
        he_network([2, 8, 8, 1], 0), plnet.Box(-1, 1), engine="rational", max_regions=3
    )
    with pytest.raises(IncompleteResultError, match="certificate"):
        stopped.certificate()


# The checker


def test_checker_imports_the_standard_library_only():
    tree = ast.parse(CHECKER.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


def run_checker(*arguments):
    return subprocess.run(
        [sys.executable, "-I", str(CHECKER), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_checker_as_a_program(tmp_path):
    path = (
        plnet.enumerate_regions(he_network([2, 8, 8, 1], 0), plnet.Box(-1, 1))
        .certificate()
        .save(tmp_path / "a")
    )
    done = run_checker(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PROVED: exactly" in done.stdout
    assert "area of the domain" in done.stdout
    document = json.loads(path.read_text())
    document["regions"].pop()
    document["claims"].update(regions=len(document["regions"]), total_volume=None)
    path.write_text(json.dumps(document))
    done = run_checker(path)
    assert done.returncode == 1
    assert "NOT PROVED" in done.stdout
    done = run_checker(path, "--lower-bound")
    assert done.returncode == 0
    assert "PROVED: at least" in done.stdout
    assert run_checker("--help").returncode == 0
    for content in (b"", b"\xff", b"[1]", b'{"format": "plnet.Certificate", "schema": 2}', b"[" * 100_000):
        path.write_bytes(content)
        done = run_checker(path)
        assert done.returncode == 1
        assert done.stdout.startswith("NOT PROVED")
        assert done.stderr == ""
    assert run_checker(tmp_path / "nothing.json").returncode == 1


CORRUPTIONS = []


def corruption(function):
    """Register a change that makes a certificate of `quadrants_and_a_constant` wrong."""
    CORRUPTIONS.append(function)
    return function


def changed(name, *path_and_value):
    """Register the replacement of one entry of the document."""
    *path, key, value = path_and_value

    def change(document):
        for step in path:
            document = document[step]
        document[key] = value

    change.__name__ = name
    return corruption(change)


changed("other_weight_across", "network", "layers", 0, "weight", 0, 1, (2.0**-52).hex())
changed("other_bias", "network", "layers", 0, "bias", 1, (2.0**-60).hex())
changed("other_breakpoint", "network", "layers", 1, "units", 0, 0, 0, (2.0**-60).hex())
changed("nan_weight", "network", "layers", 0, "weight", 0, 0, "nan")
changed("unknown_layer", "network", "layers", 1, "kind", "Sine")
changed("wider_facets", "domain", "facets", "rows", 0, -1, "0x2")
changed("other_embedding", "domain", "embedding", "rows", 0, -1, "0x1")
wrong_volume = changed("wrong_volume", "claims", "total_volume", ["0x5", "0x1"])
changed("no_parts", "regions", 0, "parts", [])
changed("no_vertices", "regions", 0, "parts", 0, [])
changed("unknown_vertex", "regions", 0, "parts", 0, 0, 10**6)
changed("no_domain", "domain", "parts", [])
changed("no_number", "regions", 0, "pattern", 0, "0")


def region_with(document, pattern):
    return next(region for region in document["regions"] if region["pattern"] == pattern)


@corruption
def missing_region(document):
    document["regions"].pop()


@corruption
def rectangle_of_two_regions(document):
    region, other = (region_with(document, pattern) for pattern in ([1, 1, 0], [1, 0, 0]))
    both = {*region["parts"][0], *other["parts"][0]}
    region["parts"][0] = [p for p in both if int(document["vertices"][p][1], 16)]
    document["regions"].remove(other)


@corruption
def doubled_region(document):
    document["regions"].append(copy.deepcopy(document["regions"][0]))


@corruption
def doubled_region_for_a_missing_one(document):
    document["regions"][1] = copy.deepcopy(document["regions"][0])


@corruption
def copy_under_another_pattern(document):
    # The cell of one region in place of another one of the same area.
    (first, second) = (region_with(document, p) for p in ([1, 1, 0], [0, 0, 0]))
    first["parts"], first["witness"] = second["parts"], second["witness"]


@corruption
def flipped_piece(document):
    region_with(document, [1, 1, 0])["pattern"][0] = 0


@corruption
def flipped_constant_unit(document):
    # Unit 2 is identically at its breakpoint: the closed inequalities allow both pieces.
    region_with(document, [1, 1, 0])["pattern"][2] = 1


@corruption
def both_sides_of_a_constant_unit(document):
    twin = copy.deepcopy(region_with(document, [1, 1, 0]))
    twin["pattern"][2] = 1
    document["regions"].append(twin)


def own_vertex(document, place, vertex):
    """Give one region a vertex of its own in place of one of its vertices."""
    region = region_with(document, [1, 1, 0])
    document["vertices"].append([hex(x) for x in vertex])
    region["parts"][0][place] = len(document["vertices"]) - 1


def corner_place(document, corner):
    places = region_with(document, [1, 1, 0])["parts"][0]
    return next(i for i, p in enumerate(places) if [int(x, 16) for x in document["vertices"][p]] == corner)


for name, corner, vertex in (
    ("vertex_moved_inwards", [0, 0, 1], (1, 1, 10**9)),
    ("vertex_moved_across_a_wall", [0, 0, 1], (-1, -1, 10**9)),
    ("vertex_moved_out_of_the_domain", [1, 1, 1], (10**9 + 1, 10**9 + 1, 10**9)),
    ("vertex_at_infinity", [1, 1, 1], (1, 1, 0)),
):

    def move(document, corner=corner, vertex=vertex):
        own_vertex(document, corner_place(document, corner), vertex)

    move.__name__ = name
    corruption(move)

for name, witness in (
    ("witness_outside", ["-0x1", "-0x1", "0x2"]),
    ("witness_on_a_wall", ["0x0", "0x1", "0x2"]),
    ("witness_without_scale", ["-0x1", "-0x1", "-0x2"]),
):

    def give_witness(document, witness=witness):
        region_with(document, [1, 1, 0])["witness"] = witness

    give_witness.__name__ = name
    corruption(give_witness)


@corruption
def shared_vertex_moved(document):
    place = region_with(document, [1, 1, 0])["parts"][0][corner_place(document, [0, 0, 1])]
    document["vertices"][place] = ["0x1", "0x0", "0x3e8"]


@corruption
def second_part(document):
    parts = region_with(document, [1, 1, 0])["parts"]
    parts.append(list(parts[0]))


@corruption
def second_part_for_a_missing_region(document):
    second_part(document)
    document["regions"].remove(region_with(document, [0, 0, 0]))


@corruption
def second_part_of_the_domain(document):
    document["domain"]["parts"].append(list(document["domain"]["parts"][0]))


@corruption
def wound_twice(document):
    region_with(document, [1, 1, 0])["parts"][0] *= 2


@corruption
def wound_twice_for_a_missing_one(document):
    wound_twice(document)
    document["regions"].remove(region_with(document, [0, 0, 0]))


def other_weight(document):
    document["network"]["layers"][0]["weight"][0][0] = (1.0 + 2.0**-52).hex()


@corruption
def missing_unit(document):
    document["network"]["layers"][0]["weight"].pop()


def domain_of(document, *corners):
    document["domain"]["parts"] = [
        list(range(len(document["vertices"]), len(document["vertices"]) + len(corners)))
    ]
    document["vertices"] += [[hex(x) for x in corner] for corner in corners]


@corruption
def smaller_domain(document):
    domain_of(document, (0, 0, 1), (1, 0, 1), (1, 1, 1))


@corruption
def wrong_domain_vertices(document):
    domain_of(document, (0, 0, 1), (1, 0, 1), (0, 1, 1))
    document["regions"] = [region for region in document["regions"] if region["pattern"] == [1, 1, 0]]


@corruption
def smaller_domain_with_a_facet_that_says_nothing(document):
    smaller_quadrant(document)
    document["domain"]["facets"]["rows"].append(["0x0", "0x0", "0x0"])


def smaller_quadrant(document):
    domain_of(document, (0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1))
    document["regions"] = [region for region in document["regions"] if region["pattern"] == [1, 1, 0]]


corruption(smaller_quadrant)


@corruption
def fewer_facets(document):
    document["domain"]["facets"]["rows"].pop()


@corruption
def impossible_facet(document):
    document["domain"]["facets"]["rows"].append(["0x0", "0x0", "-0x1"])


@corruption
def wrong_claim(document):
    document["claims"]["regions"] += 1


@corruption
def negative_place(document):
    document["regions"][0]["parts"][0][0] -= len(document["vertices"])


@corruption
def short_pattern(document):
    document["regions"][0]["pattern"].pop()


def quadrants_and_a_constant():
    """Return the four quadrants and a unit that is identically at its breakpoint."""
    return PLNetwork((Affine([[1, 0], [0, 1], [0, 0]], [0, 0, 0]), ScalarPWL.relu(3)), 2)


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("claim_follows", [False, True])
def test_checker_refuses(corrupt, claim_follows, tmp_path, checker):
    _, document = document_of(quadrants_and_a_constant(), plnet.Box(-1, 1), tmp_path)
    assert "PROVED: exactly 4" in verdict(checker, document)
    corrupt(document)
    if claim_follows and corrupt not in (wrong_claim, wrong_volume):
        # Whoever makes a wrong certificate would also claim what it seems to give.
        document["claims"] = {
            "regions": len(document["regions"]),
            "domain_volume": None,
            "total_volume": None,
        }
    assert verdict(checker, document).startswith("NOT PROVED")


def test_a_rescaled_unit_is_the_same_claim(tmp_path, checker):
    # The walls do not move, so the certificate still holds: the checker looks at the network, not at names.
    _, document = document_of(quadrants_and_a_constant(), plnet.Box(-1, 1), tmp_path)
    other_weight(document)
    assert "PROVED: exactly 4" in verdict(checker, document)


@pytest.mark.parametrize("corrupt", [missing_region, doubled_region, wrong_claim], ids=lambda f: f.__name__)
@pytest.mark.parametrize("d", [1, 2])
def test_checker_refuses_on_all_of_space(corrupt, d, tmp_path, checker):
    network = he_network([d, 5, 5, 1], 1)
    _, document = document_of(network, None, tmp_path)
    corrupt(document)
    document["claims"]["regions"] = len(document["regions"]) + (corrupt is wrong_claim)
    assert verdict(checker, document).startswith("NOT PROVED")


def test_the_order_of_points_means_nothing(tmp_path, checker):
    _, document = document_of(quadrants_and_a_constant(), plnet.Box(-1, 1), tmp_path)
    region_with(document, [1, 1, 0])["parts"][0].reverse()
    places = region_with(document, [0, 1, 0])["parts"][0]
    places[0], places[1] = places[1], places[0]
    assert "PROVED: exactly 4" in verdict(checker, document)


def test_checker_refuses_shapes_also_as_a_lower_bound(tmp_path, checker):
    _, document = document_of(quadrants_and_a_constant(), plnet.Box(-1, 1), tmp_path)
    places = region_with(document, [1, 1, 0])["parts"][0]
    # Without one corner the rest still proves that there is a region.
    del places[corner_place(document, [0, 0, 1])]
    assert verdict(checker, document).startswith("NOT PROVED")
    document["claims"]["total_volume"] = None
    assert "at least 4" in verdict(checker, document, lower_bound=True)
    # Two points span nothing, and three on a line do neither.
    del places[0]
    assert "too few" in verdict(checker, document, lower_bound=True)
    document["vertices"] += [[hex(x) for x in v] for v in ((0, 0, 1), (1, 1, 1), (1, 1, 2))]
    places[:] = [len(document["vertices"]) - k for k in (1, 2, 3)]
    assert "no volume" in verdict(checker, document, lower_bound=True)
    # The empty domain, for which the whole space is claimed.
    _, document = document_of(PLNetwork((Affine([[1, 0]], [1]),), 2), None, tmp_path)
    assert "PROVED: exactly 1" in verdict(checker, document)
    impossible_facet(document)
    assert "facet cuts" in verdict(checker, document, lower_bound=True)


def test_overlapping_maxout_cells_are_refused(tmp_path, checker):
    # Two equal pieces: by the definition the last one wins, so the other one has no region.
    network = PLNetwork((Affine([[1, 0], [1, 0], [0, 0]], [0, 0, 0]), GroupMax([[0, 1, 2]], 3)), 2)
    _, document = document_of(network, plnet.Box(-1, 1), tmp_path)
    assert "PROVED: exactly 2" in verdict(checker, document)
    twin = copy.deepcopy(region_with(document, [1]))
    twin["pattern"] = [0]
    document["regions"].append(twin)
    document["claims"]["regions"] += 1
    assert verdict(checker, document).startswith("NOT PROVED")


def test_the_own_check_finds_faults_too(tmp_path):
    _, document = document_of(quadrants_and_a_constant(), plnet.Box(-1, 1), tmp_path)
    for corrupt in (doubled_region, flipped_piece, flipped_constant_unit, second_part, wound_twice):
        wrong = copy.deepcopy(document)
        corrupt(wrong)
        path = tmp_path / "wrong.json"
        path.write_text(json.dumps(wrong))
        loaded = Certificate.load(path)
        assert len(loaded.check()) == 1, corrupt
        assert loaded.lower_bound == len(loaded) - 1
        assert not loaded.complete
    missing_region(document)
    path.write_text(json.dumps(document))
    loaded = Certificate.load(path)
    assert loaded.check() == ()
    assert loaded.lower_bound == 3
    assert not loaded.complete
