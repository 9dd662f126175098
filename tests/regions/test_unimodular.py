"""Counts at the limits of exact arithmetic: huge rows of determinant 1, primes that hide one, tiny sums.

d + 1 hyperplanes in general position cut space into 2**(d + 1) - 1 regions, and into 2**(d + 1) - 2 if they
meet in one point. Here the rows are integers of which every d have determinant 1 or -1, so the planes meet in
one point if a bias fits, and miss each other by less than any rounding if it is off by 1.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import oracle
import pytest
from helpers import to_network

import plnet
from plnet.bounds import Arrangement
from plnet.bounds.residues import IntegerRows, enough_primes
from plnet.regions.engines.closed.residues import some_residues

RELU = ([0], [0, 1], 0)


def unimodular(rng: np.random.Generator, d: int, bits: int) -> list[list[int]]:
    """Draw integer rows of determinant 1 with entries of about so many bits."""
    rows = [[int(i == j) for j in range(d)] for i in range(d)]
    turn = 0
    while max(abs(x) for row in rows for x in row) < 2 ** (bits - 3):
        i, j = turn % d, (turn + 1 + int(rng.integers(d - 1))) % d
        factor = int(rng.integers(1, 6)) * int(rng.choice([-1, 1]))
        if i != j:
            new = [a + factor * b for a, b in zip(rows[i], rows[j], strict=True)]
            if max(map(abs, new)) < 2**bits:
                rows[i] = new
        turn += 1
    return rows


def planes(rows: list[list[int]], point: list[int], miss: int) -> list[tuple]:
    """Return the planes of the rows through a point, and that of their sum, which misses it by so much."""
    together = [*rows, [sum(column) for column in zip(*rows, strict=True)]]
    biases = [-sum(a * x for a, x in zip(row, point, strict=True)) for row in together]
    biases[-1] += miss
    assert all(int(float(x)) == x for x in (*biases, *(x for row in together for x in row)))
    return [("affine", together, biases), ("scalar", [RELU] * len(together))]


def behind(layers: list[tuple], shift: int) -> list[tuple]:
    """Return the planes as walls of a second layer, behind units that are on where ``x > -shift``."""
    (_, rows, biases), units = layers
    d = len(rows[0])
    eye = [[int(i == j) for j in range(d)] for i in range(d)]
    moved = [b - shift * sum(row) for row, b in zip(rows, biases, strict=True)]
    return [("affine", eye, [shift] * d), ("scalar", [RELU] * d), ("affine", rows, moved), units]


def determinant(rows: list[list[int]]) -> int:
    if len(rows) == 1:
        return rows[0][0]
    minors = ([row[:j] + row[j + 1 :] for row in rows[1:]] for j in range(len(rows)))
    return sum((-1) ** j * rows[0][j] * determinant(minor) for j, minor in enumerate(minors))


@pytest.mark.parametrize("miss", [0, 1, -1])
@pytest.mark.parametrize("bits", [20, 27, 32, 40, 50])
@pytest.mark.parametrize("d", [2, 3, 4])
def test_planes_of_determinant_one(d, bits, miss, rng):
    rows = unimodular(rng, d, bits)
    layers = planes(rows, rng.integers(-1, 2, size=d).tolist(), miss)
    assert all(abs(determinant(list(part))) == 1 for part in combinations(layers[0][1], d))
    want = 2 ** (d + 1) - (2 if miss == 0 else 1)
    network = to_network(layers)
    for engine in ("auto", "cells", "search", "arrangement", "rational"):
        found = plnet.count_regions(network, engine=engine)
        assert found.exact
        assert found == want, engine
    normals, offsets = layers[0][1], [-b for b in layers[0][2]]
    assert Arrangement(normals, offsets).n_regions() == want


@pytest.mark.parametrize("miss", [0, 1, -1])
@pytest.mark.parametrize("bits", [20, 32, 48])
@pytest.mark.parametrize("d", [2, 3])
def test_planes_of_determinant_one_in_a_box(d, bits, miss, rng):
    layers = planes(unimodular(rng, d, bits), rng.integers(-1, 2, size=d).tolist(), miss)
    for raw in (layers, behind(layers, 4)):
        network, box = to_network(raw), plnet.Box(-2, 2)
        want = plnet.count_regions(network, box, engine="rational")
        if d == 2:
            assert want == oracle.count_regions(raw, [-2] * d, [2] * d)
        for engine in ("auto", "cells", "search"):
            found = plnet.count_regions(network, box, engine=engine)
            assert found.exact
            assert found == want, engine


def _rows_of_determinant(number: int) -> list[list[int]]:
    """Return two rows of that determinant, with entries not much longer than its root."""
    root = int(number**0.5) + 1
    return [[1, -root], [root, number - root * root]]


SMALL = [int(p) for p in some_residues([(1, 2, 3), (2, 1, 5)]).primes]
LARGE = list(enough_primes(IntegerRows(((2**52, 1), (1, 2**52)))))


def test_primes_of_both_kinds_are_in_use():
    assert len(SMALL) >= 2
    assert len(LARGE) >= 2
    assert all(p < 2**31 for p in SMALL)
    assert all(2**31 < p < 2**50 for p in LARGE)


@pytest.mark.parametrize("number", [*SMALL, SMALL[0] * SMALL[1], *LARGE, LARGE[0] * LARGE[1]])
def test_rows_that_are_parallel_modulo_a_prime(number):
    first, second = _rows_of_determinant(number)
    assert determinant([first, second]) == number
    third = [a + b for a, b in zip(first, second, strict=True)]
    rows = [first, second, third]
    for offsets, want in (([0, 0, 0], 6), ([0, 0, 1], 7)):
        assert Arrangement(rows, offsets).n_regions() == want
        if all(int(float(x)) == x for row in rows for x in row):
            network = to_network([("affine", rows, offsets), ("scalar", [RELU] * 3)])
            for engine in ("auto", "cells", "search", "arrangement", "rational"):
                assert plnet.count_regions(network, engine=engine) == want, engine


@pytest.mark.parametrize("number", [*SMALL, *LARGE])
def test_lines_that_meet_modulo_a_prime(number, rng):
    """Three lines of determinant `number`: modulo it they run through one point, and really they do not."""
    (kind, rows, biases), units = planes(unimodular(rng, 2, 24), [0, 0], number)
    network = to_network([(kind, rows, biases), units])
    for engine in ("auto", "cells", "search", "arrangement", "rational"):
        assert plnet.count_regions(network, engine=engine) == 7, engine


def test_lines_that_meet_modulo_products_of_primes(rng):
    rows = unimodular(rng, 2, 24)
    rows.append([a + b for a, b in zip(*rows, strict=True)])
    for product in (SMALL[0] * SMALL[1], LARGE[0] * LARGE[1], LARGE[0] * SMALL[0]):
        assert Arrangement(rows, [0, 0, product]).n_regions() == 7
        assert Arrangement(rows, [0, 0, -product]).n_regions() == 7
    assert Arrangement(rows, [0, 0, 0]).n_regions() == 6


@pytest.mark.parametrize(("summands", "want"), [(63, 3), (64, 2), (65, 3)])
def test_sums_of_summands_that_vanish_one_by_one(summands, want):
    """1 + 64 * 2**-53 is 1 + 2**-47, though each sum on the way rounds to 1."""
    first = [[1]] + [[0]] * (summands + 1)
    layers = [
        ("affine", first, [4] + [1] + [2.0**-53] * summands),
        ("scalar", [RELU] * (summands + 2)),
        ("affine", [[1, -1] + [-1] * summands, [1, -1 - 2.0**-47] + [0] * summands], [-4, -4]),
        ("scalar", [RELU] * 2),
    ]
    assert oracle.count_regions(layers, [-2], [2]) == want
    for engine in ("auto", "line", "search", "rational"):
        assert plnet.count_regions(to_network(layers), plnet.Box(-2, 2), engine=engine) == want, engine
    plane = [("affine", [[1, 0]], [0]), *layers]
    for engine in ("auto", "cells", "search", "rational"):
        assert plnet.count_regions(to_network(plane), plnet.Box(-2, 2), engine=engine) == want, engine
