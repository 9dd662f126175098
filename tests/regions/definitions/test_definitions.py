"""The six definitions on functions whose counts are known, and their meaning."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import RELU, cross, he_network, to_network
from oracle import count_activation_sets
from reference_networks import (
    degenerate_networks,
    maxout_bundles,
    maxout_network,
    relu_network,
    seeded_integer_networks,
    worked_networks,
)

import plnet
from plnet.errors import EngineError, IncompleteResultError
from plnet.ir import Affine, LocalWinner, PLNetwork, ScalarPWL
from plnet.regions import RegionCount
from plnet.regions.definitions import convex as definition_convex
from plnet.regions.definitions.count import canonical_definition, count_regions_of
from plnet.regions.leaves import LeafStore

NUMBERS = ("R1", "R2", "R3", "R4", "R5", "R6")
WORDS = ("all_patterns", "activation", "convex", "open", "closed", "affine")
KNOWN = [*worked_networks(), *seeded_integer_networks(), *degenerate_networks(), *maxout_bundles()]


def counts(layers, domain=None, definitions=NUMBERS):
    found = plnet.enumerate_regions(to_network(layers), domain)
    return {name: found.count(name) for name in definitions}


# t = h0 - 2 h1 + h2 and y = h3 - h4; then t - y and t; then min(y, t) + t = 2 t - relu(t - y) and t; and the
# difference max(-t, min(y, t)). A ReLU leaves t >= 0 as it is.
BRIDGE = (
    [[1, 0, 1], [1, 0, 0], [1, 0, -1], [0, 1, 0], [0, -1, 0]],
    [[1, -2, 1, -1, 1, 0], [1, -2, 1, 0, 0, 0]],
    [[-1, 2, 0], [0, 1, 0]],
    [[1, -1, 0]],
)


def bridge():
    """Return max(-t, min(y, t)) with t = max(0, 1 - |x|): R4 = 7, R5 = R6 = 6.

    On each half of the strip |x| < 1 f is -t, y or t. The two sets with f = y meet along x = 0, so the strip
    has five regions. Outside f = 0 on two half-planes. They are two open regions, but one closed
    region: f = 0 also on the segment y = 0 of the strip.
    """
    return relu_network(*BRIDGE)


def with_outputs(layers, *rows):
    """Put a layer of rows ``[weights..., bias]`` behind a network in the place of its last one."""
    return [*layers[:-1], ("affine", [row[:-1] for row in rows], [row[-1] for row in rows])]


def smaller_of_ramps():
    """Return min(relu(x), relu(y)); the zero set is an L-shape, cut once along the diagonal, so R3 = 4."""
    # min(a, b) = a - relu(a - b) for a = relu(x), b = relu(y).
    return relu_network([[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, -1, 0]], [[1, -1, 0]])


@pytest.mark.parametrize("record", KNOWN, ids=lambda record: record.name)
def test_known_counts_on_all_of_space(record):
    found = counts(record.layers)
    for name, count in found.items():
        assert count.complete
        if name in record.everywhere:
            assert count.lower <= record.everywhere[name] <= count.upper, name
        if name in record.everywhere and name != "R3":
            assert count == record.everywhere[name], name
            assert count.exact


@pytest.mark.parametrize("record", worked_networks(), ids=lambda record: record.name)
def test_convex_regions_of_the_worked_examples_are_found(record):
    # Each of them is small enough that both bounds meet.
    assert counts(record.layers, definitions=["R3"])["R3"] == record.everywhere["R3"]


def test_open_regions_that_one_segment_joins():
    found = counts(bridge())
    assert [found[name].count for name in ("R4", "R5", "R6")] == [7, 6, 6]
    assert all(found[name].exact for name in ("R4", "R5", "R6"))
    assert found["R3"].lower <= found["R3"].upper <= found["R2"].count


def test_open_regions_are_joined_only_where_all_outputs_agree():
    # The last hidden layer of the bridge holds f + t and t. With t as a second output the two halves of the
    # strip have six maps, and (f, t) = (0, 0) nowhere inside it: nothing joins the outer half-planes.
    f, t, zero = [1, -1, 0], [0, 1, 0], [0, 0, 0]
    for rows, expected in (
        ((f, t), [8, 8, 7]),
        ((t, f), [8, 8, 7]),
        ((f, f), [7, 6, 6]),
        ((zero, f), [7, 6, 6]),
    ):
        found = counts(with_outputs(bridge(), *rows))
        assert [found[name].count for name in ("R4", "R5", "R6")] == expected


def side_by_side(rows):
    """Apply a layer of rows ``[weights..., bias]`` to each half of its inputs."""
    nothing = [0] * (len(rows[0]) - 1)
    return [[*row[:-1], *nothing, row[-1]] for row in rows] + [[*nothing, *row] for row in rows]


def test_open_regions_that_one_segment_joins_in_three_dimensions():
    # Bridges over y and over z: (0, 0) for x < -1 and for x > 1, joined only where y = z = 0. Inside, three
    # maps by three on each half, of which (y, z) is one map on both, joined through x = 0.
    first, *rest = BRIDGE
    front = [[x, y, 0, b] for x, y, b in first] + [[x, 0, z, b] for x, z, b in first]
    network = to_network(relu_network(front, *map(side_by_side, rest)))
    for domain in (None, plnet.Box(-3, 3)):
        found = plnet.enumerate_regions(network, domain, engine="rational")
        assert [found.count(name).count for name in ("R4", "R5", "R6")] == [19, 18, 18]


def test_engines_that_know_no_vertices():
    first, *rest = BRIDGE
    layers = relu_network([[x, y, 0, b] for x, y, b in first], *rest)
    known = plnet.enumerate_regions(to_network(layers), plnet.Box(-3, 3), engine="rational")
    store = LeafStore(known.network, 3)
    store.add_points(known.patterns, known.points)
    bare = replace(known, leaves=store.arrays())
    assert not bare.leaves.has_vertices
    for name in NUMBERS:
        assert (bare.count(name).lower, bare.count(name).upper) == (
            known.count(name).lower,
            known.count(name).upper,
        )


def test_walls_that_the_output_ignores_are_merged_away(rng):
    for d in (2, 3):
        for _ in range(3):
            rows = rng.integers(-3, 4, size=(5, d + 1)).tolist()
            front = relu_network([[1] + [0] * d, *rows], rng.integers(-2, 3, size=(3, 7)).tolist())
            zero = [*front, ("scalar", [RELU] * 3), ("affine", [[0, 0, 0]], [1])]
            ramp = relu_network([[1] + [0] * d, *rows], [[1, 0, 0, 0, 0, 0, 0]])
            units = [[[0] * (d + 1), *rows[:2]], [[0] * (d + 1), [1] + [0] * d]]
            maxout = [*maxout_network(units), ("affine", [[0, 1]], [0])]
            for layers, expected in ((zero, 1), (ramp, 2), (maxout, 2)):
                found = plnet.enumerate_regions(to_network(layers), engine="rational")
                assert found.count("R3") == found.count("R4").count == expected


def test_merging_is_checked(monkeypatch):
    # A merging that leaves a part which is not convex must not count.
    monkeypatch.setattr(definition_convex, "merged_parts", lambda tiling, components: components)
    count = counts(worked_networks()[0].layers)["R3"]
    assert (count.lower, count.upper) == (4, 5)


def test_the_same_in_three_dimensions():
    # A third input that nothing depends on, then a third that shifts the picture.
    for shear in (0, 2):
        front = ("affine", [[1, 0, 0], [0, 1, shear]], [0, 0])
        for layers in (bridge(), *(record.layers for record in worked_networks() if record.d == 2)):
            flat = counts(layers)
            solid = plnet.enumerate_regions(to_network([front, *layers]), engine="rational")
            for name in NUMBERS:
                count = solid.count(name)
                assert (count.lower, count.upper) == (flat[name].lower, flat[name].upper), name


def test_bracket_of_convex_regions():
    count = counts(smaller_of_ramps())["R3"]
    # By hand: R3 = 4, but the cut is no wall, and with walls alone five cells are needed.
    assert (count.lower, count.upper) == (4, 5)
    assert count.complete
    assert not count.exact
    assert not count.known
    assert count != 4
    assert count != 5
    assert count != counts(smaller_of_ramps())["R3"]
    assert "between 4 and 5" in str(count)
    with pytest.raises(IncompleteResultError, match="between 4 and 5"):
        int(count)


def test_a_region_that_borders_two_others_on_one_line_is_cut():
    # f = 0 below y = 0; above it y for x > y, 2 y for x < -y, and (3 y - x) / 2 between. All four are convex,
    # but the half-plane has two neighbours along y = 0, so it must be cut at the origin, and one cut will do.
    # f = 2 p - relu(p - a / 2) with p = relu(y), a = relu(y - x).
    layers = relu_network([[0, 1, 0], [-1, 1, 0]], [[1, 0, 0], [1, -0.5, 0]], [[2, -1, 0]])
    found = counts(layers)
    assert [found[name].count for name in NUMBERS[1:]] == [5, 5, 4, 4, 4]
    assert found["R3"].exact


def test_a_sector_above_180_degrees_is_not_merged():
    # relu(min(x, y)) = min(relu(x), relu(y)), whose zero set is cut along the diagonal: R3 = 4. Merging the
    # two zero sectors must fail, and merging away the line x + y = -5, which the output ignores, must not.
    first = [("affine", [[1, 0], [1, -1], [1, 1]], [0, 0, 5]), ("scalar", [([], [1], 0), RELU, RELU])]
    layers = [*first, *relu_network([[1, -1, 0, 0]], [[1, 0]])]
    found = counts(layers)
    assert found["R2"].count > 4
    assert [found[name].count for name in NUMBERS[2:]] == [4, 3, 3, 3]
    assert found["R3"].exact


def test_convex_functions_need_as_many_cells_as_maps(rng):
    for d in (1, 2, 3):
        rows = rng.integers(-4, 5, size=(6, d + 1)).tolist()
        engine = "rational" if d == 3 else "auto"
        found = plnet.enumerate_regions(to_network(maxout_network([rows])), engine=engine)
        for name in ("R3", "R4", "R5"):
            assert found.count(name) == found.count("R6").count == found.count("R2").count


def test_sum_of_convex_functions_has_a_known_number_of_convex_cells(rng):
    # Two maxout units: the maps can coincide nowhere but on one cell, as the sum is convex.
    units = [rng.integers(-4, 5, size=(4, 3)).tolist() for _ in range(2)]
    layers = [*maxout_network(units), ("affine", [[1, 1]], [0])]
    found = counts(layers)
    assert found["R3"].exact
    assert found["R3"].count == found["R4"].count == found["R5"].count == found["R6"].count


def test_on_a_line_convex_regions_are_open_regions(rng):
    for seed in range(10):
        layers = relu_network(
            rng.integers(-3, 4, size=(6, 2)).tolist(),
            rng.integers(-3, 4, size=(4, 7)).tolist(),
            rng.integers(-2, 3, size=(1, 5)).tolist(),
        )
        found = counts(layers)
        assert found["R3"].exact, seed
        assert found["R3"].count == found["R4"].count


def test_all_patterns_counts_the_boundary_of_a_closed_box():
    ramp = relu_network([[1, 0]], [[1, 0]])
    assert counts(ramp, plnet.Box(0, 1))["R1"] == 2  # x = 0 and x > 0
    assert counts(ramp, plnet.Box(0, 1))["R2"] == 1
    assert counts(ramp, plnet.Box(-1, 0))["R1"] == 1
    corner = [("affine", [[1, 1]], [-2]), ("scalar", [RELU]), ("affine", [[1]], [0])]
    assert counts(corner, plnet.Box(-1, 1))["R1"] == 1
    peak = [("affine", [[-1, -1]], [2]), ("scalar", [RELU]), ("affine", [[1]], [0])]
    assert counts(peak, plnet.Box(-1, 1))["R1"] == 2  # the corner (1, 1) is off
    assert count_activation_sets(peak, 2, [-1, -1], [1, 1]) == 2


def test_several_outputs_are_one_map():
    # Each output alone has two maps; together they tell all four quadrants apart.
    assert counts(relu_network([[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0]]))["R6"] == 4
    assert counts(relu_network([[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 0, 0]]))["R6"] == 2


def test_a_slice_restricts_the_function():
    # |x| + |y| on the line y = 1 is |x| + 1.
    layers = worked_networks()[4].layers
    line = plnet.Slice([0, 1], [[1, 0]], -3, 3)
    network = to_network(layers)
    assert plnet.count_regions(network, line, definition="affine") == 2
    diagonal = plnet.Segment([-1, 1], [1, -1])
    assert plnet.count_regions(network, diagonal, definition="R6") == 2


def test_words_and_numbers_are_one_and_both_verbs_agree():
    network = to_network(worked_networks()[3].layers)
    found = plnet.enumerate_regions(network)
    for number, word in zip(NUMBERS, WORDS, strict=True):
        count = plnet.count_regions(network, definition=number)
        assert count.definition == word
        assert count == found.count(word) == found.count(number)
        assert count.seconds >= 0


def test_networks_without_units_have_one_region():
    plain = PLNetwork((Affine([[1, 2]], [0]),), 2)
    for name in NUMBERS:
        for domain in (None, plnet.Box(-1, 1)):
            assert plnet.count_regions(plain, domain, definition=name) == 1


def test_unknown_definitions():
    for wrong in ("R7", "linear", None, 2, ["R1"]):
        with pytest.raises(EngineError, match='"R6" or "affine"'):
            plnet.count_regions(cross(), definition=wrong)


def test_networks_that_jump_are_refused():
    layers = (Affine([[1, 0], [0, 1]], [0, 0]), LocalWinner([[0, 1]], 2), Affine([[1, 1]], [0]))
    for name in NUMBERS:
        if name != "R2":
            with pytest.raises(EngineError, match="jumps"):
                plnet.count_regions(PLNetwork(layers, 2), plnet.Box(-1, 1), definition=name)


# Budgets


@pytest.mark.parametrize("name", NUMBERS)
def test_bounds_of_an_incomplete_count_hold(name):
    layers = seeded_integer_networks()[0].layers
    network = to_network(layers)
    true = plnet.count_regions(network, definition=name)
    for budget in (1, 2, 5, 11):
        part = plnet.count_regions(network, definition=name, max_regions=budget, engine="rational")
        assert not part.complete
        assert not part.exact
        assert 1 <= part.lower <= true.lower
        assert true.upper <= part.upper
        with pytest.raises(IncompleteResultError):
            int(part)


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "R2"])
def test_time_can_run_out_while_counting(name):
    found = plnet.enumerate_regions(he_network((2, 12, 12, 1), 0))
    part = count_regions_of(found, canonical_definition(name), 1e-9)
    assert not part.complete
    assert part.lower <= found.count(name).lower <= found.count(name).upper <= part.upper


def test_progress_and_budgets_pass_through():
    calls = []
    network = he_network((2, 12, 12, 1), 0)
    count = plnet.count_regions(network, definition="R4", engine="rational", progress=calls.append)
    assert count.exact
    assert calls


# What a count says of itself


def test_a_known_number_needs_equal_bounds():
    bracket = RegionCount(3, False, True, 3, 5, "convex", "cells", "because", 0.1)
    assert not bracket.known
    with pytest.raises(IncompleteResultError, match="between 3 and 5"):
        int(bracket)
    assert bracket != 3
    assert RegionCount(3, True, True, 3, 3, "convex", "cells", "because", 0.1) == 3


def test_affine_units_count_as_no_unit():
    identity = PLNetwork((Affine(np.eye(2), [0, 0]), ScalarPWL.uniform(2, [], [1], 0)), 2)
    assert plnet.count_regions(identity, definition="R1") == 1
    assert plnet.count_regions(cross(), definition="R1") == 4
