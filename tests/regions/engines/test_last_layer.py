"""The deepest layer is counted without a visit to its regions: the same numbers, all proved."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import wild_networks
from degenerate import FAMILIES, draw_case
from helpers import he_network, to_network
from sizes import few

import plnet
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.engines.cells import Cells
from plnet.regions.engines.splitting.kernel_run import KernelRun
from plnet.regions.engines.splitting.plan import prepare
from plnet.regions.problem import Node, Problem

BOX = plnet.Box(-1, 1)
VISIT = Cells(visit_all=True)
ALL = 1 << 62


def behind(lines, shift=8.0, units=ScalarPWL.relu) -> PLNetwork:
    """Return lines as the walls of a second layer; the first layer has no wall in the box."""
    rows = np.array(lines, dtype=float)
    bias = rows[:, 2] - shift * rows[:, :2].sum(axis=1)
    first = (Affine(np.eye(2), [shift, shift]), ScalarPWL.relu(2))
    return PLNetwork((*first, Affine(rows[:, :2], bias), units(len(rows))), 2)


def counted_at_once(network: PLNetwork, domain=BOX, most: int = ALL) -> int:
    """Return how many regions the kernel counts in one step of its search."""
    problem = Problem(network, domain.chart(2))
    run = KernelRun(prepare(problem), collecting=False)
    assert run.start(Node(problem.root), (1, 0))
    run.advance(1, most)
    return run.take_count()


def points_inside(lines) -> int:
    """Count the crossings of lines inside the box, in floating point; for lines in general position."""
    a, b, c = np.array(lines, dtype=float).T[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        w = a * b.T - b * a.T
        x, y = (b * c.T - c * b.T) / w, (c * a.T - a * c.T) / w
    inside = (abs(x) < 1) & (abs(y) < 1)
    return int(np.triu(inside, 1).sum())


def tangents(m: int) -> list:
    """Return m tangents of a small circle: no two are parallel, no three concurrent."""
    angles = 2 * np.pi * (np.arange(m) + 0.3) / m
    return [(np.cos(t), np.sin(t), -0.05) for t in angles]


# Lines a x + b y + c = 0 in the box [-1, 1]^2, and the number of their cells by hand.
ARRANGEMENTS = {
    "triangle": ([(1, 0, 0.25), (0, 1, 0.25), (1, 1, -0.25)], 7),
    "two parallel": ([(1, 0, 0.25), (1, 0, -0.25)], 3),
    "parallel in floats": ([(0.1, 0.3, 0.01), (0.1, 0.3, -0.02), (-0.1, -0.3, 0.015)], 4),
    "grid": ([(1, 0, i / 8) for i in range(-3, 4)] + [(0, 1, i / 8) for i in range(-2, 3)], 8 * 6),
    "repeated": ([(1, 2, 0.5), (-2, -4, -1), (3, 6, 1.5), (1, -1, 0)], 4),
    "meet on an edge": ([(1, 1, -1.25), (1, -1, -0.75)], 3),
    "meet outside": ([(1, 0.25, -0.5), (1, -0.125, 0.25)], 3),
    "one along an edge": ([(1, 0, -1), (0, 1, 0), (1, 0, 0)], 4),
    "one touches a corner": ([(1, 1, -2), (1, -1, 0), (1, 1, 0)], 4),
    "three from a corner": ([(1, -2, -1), (2, -1, 1), (1, -1, 0)], 4),
    "37 tangents": (tangents(37), 1 + 37 + points_inside(tangents(37))),
}
CONCURRENT = [(1, 0, -0.1), (0, 1, -0.2), (1, 1, -0.1 - 0.2)]


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_arrangements(name):
    lines, want = ARRANGEMENTS[name]
    network = behind(lines)
    assert plnet.count_regions(network, BOX) == want
    assert plnet.count_regions(network, BOX, engine=VISIT) == want
    assert plnet.count_regions(network, BOX, engine="rational") == want


@pytest.mark.parametrize("name", ["triangle", "grid", "one touches a corner", "37 tangents"])
def test_all_cells_are_counted_in_one_step(name):
    lines, want = ARRANGEMENTS[name]
    assert counted_at_once(behind(lines)) == want
    # Without the shortcut: a cut, and at most one more wall in each part.
    assert counted_at_once(behind(lines), most=0) <= 4


def test_three_chords_through_one_point_have_six_cells_not_seven():
    # In dyadic numbers the point is exact, and the fourth line misses it.
    exact = [(1, 0, -0.25), (0, 1, -0.5), (1, 1, -0.75)]
    assert plnet.count_regions(behind(exact), BOX) == 6
    assert plnet.count_regions(behind([*exact, (1, -1, 0)]), BOX) == 10
    almost = [*exact[:2], (1, 1, -0.75 + 2.0**-20)]
    assert plnet.count_regions(behind(almost), BOX) == 7
    assert counted_at_once(behind(almost)) == 7


def test_what_floating_point_cannot_tell_apart_is_left_to_rationals():
    count = plnet.count_regions(behind(CONCURRENT, shift=8.1), BOX)
    assert count == plnet.count_regions(behind(CONCURRENT, shift=8.1), BOX, engine="rational")
    assert count.exact
    assert count.n_fallbacks > 0


@pytest.mark.parametrize("m", [3, 8, 40])
def test_pencils(m):
    lines = [(i, 1, -i / 4 - 0.5) for i in range(1, m + 1)]
    assert plnet.count_regions(behind(lines), BOX) == 2 * m


def test_several_breakpoints_are_parallel_walls():
    def staircase(n):
        return ScalarPWL.uniform(n, [-0.5, 0.0, 0.25, 0.5], [0, 1, -1, 2, 0], 0)

    network = behind([(1, 0, 0), (0, 1, 0)], units=staircase)
    assert plnet.count_regions(network, BOX) == 25
    assert counted_at_once(network) == 25


def test_maxima_of_two_are_walls_and_maxima_of_three_are_visited():
    rows = np.array([(1, 0, 8), (0, 1, 8), (0.5, 0.25, 6), (0, 0, 0.25 + 6)], dtype=float)
    layers = (Affine(np.eye(2), [8, 8]), ScalarPWL.relu(2))
    maps = Affine(rows[:, :2], rows[:, 2] - 8 * rows[:, :2].sum(axis=1))
    pairs = PLNetwork((*layers, maps, GroupMax(np.array([[0, 1], [2, 3]]), 4)), 2)
    assert counted_at_once(pairs) == plnet.count_regions(pairs, BOX, engine="rational").count == 4
    three = PLNetwork((*layers, maps, GroupMax(np.array([[0, 1, 3], [2, 3, 0]]), 4)), 2)
    assert plnet.count_regions(three, BOX) == plnet.count_regions(three, BOX, engine="rational")


@pytest.mark.parametrize("chunk", few(range(4), 2))
def test_random_networks(chunk):
    rng = np.random.default_rng([21, chunk])
    for i in range(40):
        layers, low, high = draw_case(rng, FAMILIES[i % len(FAMILIES)])
        network, box = to_network(layers), plnet.Box(low, high)
        if network.input_dim != 2:
            continue
        count = plnet.count_regions(network, box)
        assert count.exact
        assert count == oracle.count_regions(layers, low, high)
        assert count == plnet.count_regions(network, box, engine=VISIT)
        everywhere = plnet.count_regions(network)
        assert everywhere == plnet.count_regions(network, engine=VISIT)
        assert everywhere.exact


def test_random_domains():
    rng = np.random.default_rng(22)
    for _ in range(60):
        domain, n = wild_networks.wild_domain(rng, 2)
        network = to_network(wild_networks.wild_network(rng, n), n)
        count = plnet.count_regions(network, domain)
        assert count == plnet.count_regions(network, domain, engine=VISIT)
        assert count.exact


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_threads(jobs):
    network = he_network((2, 9, 60, 1), 5)
    want = len(plnet.enumerate_regions(network, BOX))
    assert plnet.count_regions(network, BOX, n_jobs=jobs) == want
    assert plnet.count_regions(network, n_jobs=jobs) == plnet.count_regions(network, engine=VISIT)


@pytest.mark.parametrize("budget", [1, 7, 100, 500])
def test_no_more_regions_than_the_budget_asks_for(budget):
    network = he_network((2, 4, 200, 1), 6)
    whole = plnet.count_regions(network, BOX, engine=VISIT).count
    assert whole > 5000
    count = plnet.count_regions(network, BOX, max_regions=budget)
    assert not count.complete
    assert budget <= count.lower <= budget + 3
    assert plnet.count_regions(network, BOX, max_regions=whole) == whole


def test_progress_is_reported_and_ends_at_the_count():
    seen = []
    network = he_network((2, 6, 300, 1), 7)
    count = plnet.count_regions(network, BOX, engine=Cells(chunk=50), progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert seen[-1] <= count.count


def planes_behind(planes) -> PLNetwork:
    """Return planes as the walls of a second layer; the first layer has no wall in the box."""
    rows = np.array(planes, dtype=float)
    first = (Affine(np.eye(3), np.full(3, 8.0)), ScalarPWL.relu(3))
    return PLNetwork(
        (*first, Affine(rows[:, :3], rows[:, 3] - 8 * rows[:, :3].sum(axis=1)), ScalarPWL.relu(len(rows))), 3
    )


AXES = np.eye(3, 4)
# Planes a x + b y + c z + e = 0 in the box [-1, 1]^3, and the number of their cells by hand.
PLANES = {
    "four in general position": ([*AXES, (1, 1, 1, -0.25)], 15),
    "four through a point": ([*AXES, (1, 1, 1, 0)], 14),
    "four through a line": ([(1, i, 0, 0) for i in range(-2, 2)], 8),
    "book and a page across": ([*((1, i, 0, 0) for i in range(-2, 2)), (0, 0, 1, 0)], 16),
    "grid": ([(*np.eye(3)[k], i / 8) for k in range(3) for i in range(-k, k + 1)], 2 * 4 * 6),
    "repeated": ([*AXES, *(-2 * AXES), *(3 * AXES)], 8),
    "touch an edge and a corner": ([*AXES, (1, 1, 0, -2), (1, 1, 1, -3)], 8),
    "meet on a face": ([(1, 0, 1, -1.25), (1, 0, -1, -0.75), (0, 1, 0, 0)], 6),
}


@pytest.mark.parametrize("name", PLANES)
def test_planes(name):
    planes, want = PLANES[name]
    network, box = planes_behind(planes), plnet.Box(-1, 1)
    assert plnet.count_regions(network, box) == want
    assert plnet.count_regions(network, box, engine=VISIT) == want
    assert plnet.count_regions(network, box, engine="rational") == want


@pytest.mark.parametrize("m", [5, 12])
def test_planes_in_general_position_that_all_meet_inside(m):
    # Almost through the origin, so that every three meet inside the box.
    rng = np.random.default_rng(m)
    planes = np.hstack([rng.normal(size=(m, 3)), rng.normal(size=(m, 1)) * 1e-4])
    want = 1 + m + m * (m - 1) // 2 + m * (m - 1) * (m - 2) // 6
    points = [
        np.linalg.solve(planes[[i, j, k], :3], planes[[i, j, k], 3])
        for i in range(m)
        for j in range(i)
        for k in range(j)
    ]
    assert abs(np.array(points)).max() < 1
    assert plnet.count_regions(planes_behind(planes), plnet.Box(-1, 1)) == want


@pytest.mark.parametrize("widths", [(3, 3, 40, 1), (3, 6, 12, 8, 1)])
def test_networks_in_three_dimensions(widths):
    network, box = he_network(widths, 2), plnet.Box(-1, 1)
    want = len(plnet.enumerate_regions(network, box))
    for jobs in (1, 2):
        assert plnet.count_regions(network, box, n_jobs=jobs) == want
    assert plnet.count_regions(network) == plnet.count_regions(network, engine=VISIT)
    short = plnet.count_regions(network, box, max_regions=50)
    assert not short.complete
    assert 50 <= short.lower <= 53


@pytest.mark.parametrize("style", ["integers", "quarters", "floats", "no bias"])
def test_random_networks_in_three_dimensions(style):
    rng = np.random.default_rng(23)
    for _ in range(12):
        layers: list = []
        for fan_in, width in ((3, 3), (3, 7)):
            weight, bias = rng.normal(size=(width, fan_in)), rng.normal(size=width) / 2
            if style == "integers":
                weight, bias = rng.integers(-2, 3, size=weight.shape), rng.integers(-2, 3, size=width)
            elif style == "quarters":
                weight, bias = np.round(weight * 4) / 4, np.round(bias * 4) / 4
            elif style == "no bias":
                bias = np.zeros(width)
            layers += [Affine(weight, bias), ScalarPWL.relu(width)]
        network = PLNetwork(tuple(layers), 3)
        count = plnet.count_regions(network, plnet.Box(-1, 1))
        assert count == plnet.count_regions(network, plnet.Box(-1, 1), engine="rational")
        assert count.exact
        assert plnet.count_regions(network) == plnet.count_regions(network, engine=VISIT)
