"""Units of very many pieces against the oracle, and boxes of many dimensions against those of few."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import expected_patterns, pattern_set, to_network

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL

Layer = tuple
RELU = ([0], [0, 1], 0)
BOX = plnet.Box(-1, 1)


def affine(rng: np.random.Generator, n_out: int, n_in: int, integers: bool) -> Layer:
    if integers:
        return (
            "affine",
            rng.integers(-3, 4, (n_out, n_in)).tolist(),
            rng.integers(-3, 4, n_out).tolist(),
        )
    return ("affine", rng.normal(size=(n_out, n_in)).tolist(), rng.normal(size=n_out).tolist())


def maxima(rng: np.random.Generator, d: int, rank: int, integers: bool) -> list[Layer]:
    """Return two maxima of so many affine functions, and two ReLU units of them."""
    groups = [list(range(rank)), list(range(rank, 2 * rank))]
    first, second = affine(rng, 2 * rank, d, integers), affine(rng, 2, 2, integers)
    return [first, ("max", groups), second, ("scalar", [RELU] * 2)]


def bends(rng: np.random.Generator, d: int, n: int, integers: bool) -> list[Layer]:
    """Return two units with so many breakpoints in all, and two ReLU units of them."""
    units = []
    for part in (n // 3, n - n // 3):
        grid = rng.choice(np.arange(-4 * part, 4 * part), part, replace=False)
        points = np.sort(grid / 2.0 ** int(np.log2(4 * part)) if integers else rng.uniform(-1, 1, part))
        units.append((points.tolist(), rng.integers(-2, 3, part + 1).tolist(), 0))
    return [
        affine(rng, 2, d, integers),
        ("scalar", units),
        affine(rng, 2, 2, integers),
        ("scalar", [RELU] * 2),
    ]


def check(layers: list[Layer], d: int) -> None:
    network, expected = to_network(layers, d), expected_patterns(layers, BOX, d)
    for engine in ("auto", "search"):
        count = plnet.count_regions(network, BOX, engine=engine)
        assert count == len(expected)
        assert count.exact
    found = plnet.enumerate_regions(network, BOX)
    assert found.exact
    assert len(found) == len(expected)
    assert pattern_set(found.patterns) == expected


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize(
    ("d", "rank"),
    [(1, 50), (1, 400), (2, 50), pytest.param(2, 120, marks=pytest.mark.slow)],
)
def test_maxout_units_of_high_rank(d, rank, integers):
    check(maxima(np.random.default_rng([1, d, rank]), d, rank, integers), d)


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize(
    ("d", "n"),
    [
        (1, 100),
        pytest.param(1, 3000, marks=pytest.mark.slow),
        (2, 30),
        pytest.param(2, 300, marks=pytest.mark.slow),
    ],
)
def test_units_of_many_breakpoints(d, n, integers):
    check(bends(np.random.default_rng([2, d, n]), d, n, integers), d)


@pytest.mark.parametrize("engine", ["cells", "search"])
def test_maxout_of_high_rank_in_space(engine):
    layers = maxima(np.random.default_rng(3), 3, 50, integers=False)
    network = to_network(layers)
    expected = plnet.count_regions(network, BOX, engine="rational")
    assert plnet.count_regions(network, BOX, engine=engine) == expected.count


@pytest.mark.parametrize("d", [20, 50, 100])
def test_boxes_of_many_dimensions(d):
    """A network that reads four of the inputs has as many regions as in four dimensions."""
    rng = np.random.default_rng(d)
    weight, bias = rng.normal(size=(4, 4)), 0.3 * rng.normal(size=4)
    behind = (ScalarPWL.relu(4), Affine(rng.normal(size=(3, 4)), rng.normal(size=3)), ScalarPWL.relu(3))
    few = plnet.count_regions(PLNetwork((Affine(weight, bias), *behind), 4), BOX, engine="rational")
    rows = np.zeros((4, d))
    rows[:, rng.choice(d, 4, replace=False)] = weight
    many = plnet.count_regions(PLNetwork((Affine(rows, bias), *behind), d), BOX, max_seconds=30)
    assert many.exact
    assert many == few.count
