"""The oracle against a second method, against published counts, and against itself."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, islice, product
from math import isfinite, prod

import numpy as np
import pytest
from degenerate import FAMILIES, draw_case, generic_network, input_dimension
from oracle import (
    activation_sets,
    cells,
    count_activation_sets,
    count_regions,
    count_regions_everywhere,
    evaluate,
    patterns,
    patterns_everywhere,
    total_volume,
)
from oracle_brute import brute_count, brute_patterns, solvable
from reference_networks import RELU, Reference, all_references, relu_network
from sizes import few

REFERENCES = all_references()
KINDS = [None, *FAMILIES]


def _cases(kind: str | None, number: int) -> list:
    """Draw the networks and boxes of one family, the same ones in every run."""
    rng = np.random.default_rng([2024, KINDS.index(kind)])
    return [draw_case(rng, kind) for _ in range(number)]


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda r: r.name)
def test_known_counts(reference: Reference):
    layers, d, everywhere = reference.layers, reference.d, reference.everywhere
    assert count_regions_everywhere(layers, d) == everywhere["R2"]
    if "R1" in everywhere:
        assert count_activation_sets(layers, d) == everywhere["R1"]
    if reference.box is not None:
        assert count_regions(layers, *reference.box) == reference.box_count


@pytest.mark.parametrize("reference", [r for r in REFERENCES if "R1" in r.everywhere], ids=lambda r: r.name)
def test_known_counts_are_reproduced_by_elimination(reference: Reference):
    everywhere = reference.everywhere
    assert brute_count(reference.layers, reference.d) == everywhere["R2"]
    assert brute_count(reference.layers, reference.d, full_dimensional=False) == everywhere["R1"]


def test_recorded_definitions_are_ordered_and_names_unique():
    for reference in REFERENCES:
        counts = [reference.everywhere[f"R{i}"] for i in range(6, 0, -1) if f"R{i}" in reference.everywhere]
        assert counts == sorted(counts), reference.name
    assert len({reference.name for reference in REFERENCES}) == len(REFERENCES)


@pytest.mark.parametrize("number", few([7, 22], 1))
@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_elimination(kind: str | None, number: int):
    drawn = (case for case in _cases(kind, 60) if count_regions_everywhere(case[0], len(case[1])) <= 24)
    small = list(islice(drawn, number))
    assert len(small) == number
    for i, (layers, low, high) in enumerate(small):
        d = len(low)
        assert patterns(layers, low, high) == brute_patterns(layers, d, low, high)
        assert patterns_everywhere(layers, d) == brute_patterns(layers, d)
        if i % 2:
            assert activation_sets(layers, d, low, high) == brute_patterns(
                layers, d, low, high, full_dimensional=False
            )
            assert activation_sets(layers, d) == brute_patterns(layers, d, full_dimensional=False)


@pytest.mark.parametrize("number", few([6, 15], 1))
@pytest.mark.parametrize("kind", KINDS)
def test_cells_tile_the_box_and_carry_their_pattern_and_map(kind: str | None, number: int):
    for layers, low, high in _cases(kind, number):
        found = cells(layers, low, high)
        volume = prod(Fraction(b) - Fraction(a) for a, b in zip(low, high, strict=True))
        assert sum(cell.volume for cell in found) == volume == total_volume(layers, low, high)
        assert len({cell.pattern for cell in found}) == len(found) == count_regions(layers, low, high)
        for cell in found:
            centre = [sum(x) / len(cell.vertices) for x in zip(*cell.vertices, strict=True)]
            output, pattern = evaluate(layers, centre)
            assert pattern == cell.pattern
            for value, row in zip(output, cell.outputs, strict=True):
                assert value == sum((a * x for a, x in zip(row[:-1], centre, strict=True)), row[-1])


@pytest.mark.parametrize("number", few([1, 3], 1))
@pytest.mark.parametrize("kind", KINDS)
def test_no_grid_point_has_a_pattern_the_oracle_misses(kind: str | None, number: int):
    for layers, low, high in _cases(kind, number):
        sides = zip(low, high, strict=True)
        axes = [[Fraction(a) + (Fraction(b) - Fraction(a)) * k / 12 for k in range(13)] for a, b in sides]
        seen = {evaluate(layers, point)[1] for point in product(*axes)}
        assert seen <= activation_sets(layers, len(low), low, high) <= activation_sets(layers, len(low))
        assert patterns(layers, low, high) <= patterns_everywhere(layers, len(low))


@pytest.mark.parametrize("reference", [r for r in REFERENCES if "R1" in r.everywhere], ids=lambda r: r.name)
def test_relu_equals_maxout_with_a_zero_piece(reference: Reference):
    layers = []
    for kind, *data in reference.layers:
        is_hidden = kind == "affine" and len(layers) + 1 < len(reference.layers)
        if kind == "scalar":
            layers.append(("max", [[2 * i, 2 * i + 1] for i in range(len(data[0]))]))
        elif is_hidden:
            weights, bias = data
            rows = [row for w in weights for row in (w, [0] * len(w))]
            layers.append(("affine", rows, [c for b in bias for c in (b, 0)]))
        else:
            layers.append((kind, *data))
    assert count_regions_everywhere(layers, reference.d) == reference.everywhere["R2"]
    assert count_activation_sets(layers, reference.d) == reference.everywhere["R1"]


def test_a_wall_that_touches_the_box_in_a_corner_counts_for_r1_only():
    layers = relu_network([[1, 1, 2]], [[1, 0]])
    box = ([-1, -1], [1, 1])
    assert patterns(layers, *box) == {(1,)}
    assert activation_sets(layers, 2, *box) == {(0,), (1,)}
    assert count_regions_everywhere(layers, 2) == 2


def test_a_wall_along_an_edge_counts_for_r1_only():
    layers = relu_network([[1, 0, 1]], [[1, 0]])
    box = ([-1, -1], [1, 1])
    assert (count_regions(layers, *box), count_activation_sets(layers, 2, *box)) == (1, 2)


def test_conventions_at_ties():
    shared = [("affine", [[1], [1], [1]], [0, 0, 0])]
    assert patterns_everywhere([*shared, ("max", [[0, 1, 2]])], 1) == {(2,)}
    zero = [("affine", [[0]], [0])]
    assert patterns_everywhere([*zero, ("scalar", [RELU])], 1) == {(0,)}
    three_steps = ("scalar", [([-1, 0, 1], [0, 1, 0, 1], 0)])
    assert patterns_everywhere([*zero, three_steps], 1) == {(1,)}
    assert evaluate([*zero, three_steps], [5]) == ([Fraction(1)], (1,))
    assert evaluate([("max", [[0, 1]])], [2, 2])[1] == (1,)


def test_scalar_pieces_are_values_of_the_function():
    unit = ([Fraction(-1, 2), 1, 4], [3, -1, 0, Fraction(1, 2)], 10)
    values = {-1: Fraction(17, 2), 0: Fraction(19, 2), 2: Fraction(17, 2), 6: Fraction(19, 2)}
    for z, value in values.items():
        assert evaluate([("scalar", [unit])], [z])[0] == [value]
    found = cells([("scalar", [unit])], [-2], [6])
    assert [(cell.pattern, cell.outputs) for cell in found] == [
        ((0,), [(3, Fraction(23, 2))]),
        ((1,), [(-1, Fraction(19, 2))]),
        ((2,), [(0, Fraction(17, 2))]),
        ((3,), [(Fraction(1, 2), Fraction(13, 2))]),
    ]


def test_floats_are_read_exactly():
    gap = 2.0**-60
    layers = relu_network([[1.0, 0.0], [1.0, -gap]], [[1, 1, 0]])
    assert count_regions(layers, [-1], [1]) == 3
    one_third = relu_network([[3.0, -1.0], [1.0, -1 / 3]], [[1, 1, 0]])
    assert count_regions(one_third, [0], [1]) == 3


def test_elimination_solves_systems():
    inside = [((1, 0, 0), True), ((0, 1, 0), True), ((-1, -1, 1), True)]
    assert solvable(inside)
    assert not solvable([*inside, ((1, 1, -1), False)])
    assert solvable([((1, 1, 0), False), ((-1, -1, 0), False)])
    assert not solvable([((1, 1, 0), True), ((-1, -1, 0), False)])
    assert solvable([])


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], 8),
        ([[1, 1, 1, -1], [2, 4, 8, -16], [3, 9, 27, -81], [4, 16, 64, -256]], 15),
        ([[1, -1, 0, 0], [0, 1, -1, 0], [1, 0, -1, 0]], 6),
    ],
    ids=["boolean", "general position", "braid"],
)
def test_elimination_in_three_dimensions(rows: list, count: int):
    assert brute_count(relu_network(rows, [[1] * (len(rows) + 1)]), 3) == count


@pytest.mark.parametrize("kind", KINDS)
def test_families_draw_small_finite_networks(kind: str | None):
    for layers, low, high in _cases(kind, 25):
        assert input_dimension(layers) == len(low) == len(high)
        for _, weights, bias in layers[::2]:
            for x in [x for row in weights for x in row] + bias:
                assert type(x) in (int, float)
                assert isfinite(x)


def _largest_pencil(layers: list) -> int:
    """Count the distinct first-layer lines through the point of the plane that most of them contain."""
    _, weights, bias = layers[0]
    lines = [[Fraction(x) for x in (*w, b)] for w, b in zip(weights, bias, strict=True)]
    largest = 0
    for (a, b, c), (p, q, r) in combinations(lines, 2):
        if det := a * q - b * p:
            point = ((b * r - c * q) / det, (c * p - a * r) / det, 1)
            through = [line for line in lines if not sum(x * y for x, y in zip(line, point, strict=True))]
            largest = max(largest, len(through))
    return largest


def test_concurrent_lines_are_concurrent_and_generic_ones_are_not():
    planar = [layers for layers, low, _ in _cases("concurrent_lines", 40) if len(low) == 2]
    assert sum(_largest_pencil(layers) >= 3 for layers in planar) > len(planar) / 3
    rng = np.random.default_rng(0)
    assert all(_largest_pencil(generic_network(rng, 2)) <= 2 for _ in range(20))
