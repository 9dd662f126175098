"""Bounds that the certificate is made of, one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plnet import Box
from plnet.budgets import Deadline
from plnet.maxout import MaxAffine
from plnet.maxout.fitting import named_target
from plnet.maxout.fitting.error import bracket
from plnet.maxout.fitting.error.bracket import _game, _least_between, error_bracket
from plnet.maxout.fitting.error.graph import exact_graph_vertices, float_graph
from plnet.maxout.fitting.targets.reading import read_callable

CURVES = [np.exp, np.abs, np.square, lambda x: np.maximum(-x, 3 * x - 1), lambda x: 0 * x + 2.0]


@given(
    places=st.lists(st.integers(-1000, 1000), min_size=3, max_size=12, unique=True),
    curve=st.sampled_from(CURVES),
    slack=st.sampled_from([0.0, 1e-6]),
)
def test_bounds_between_points_hold(places, curve, slack):
    points = np.sort(np.array(places)) / 500
    errors = slack * np.random.default_rng(0).uniform(-1, 1, len(points))
    bounds = _least_between(points, curve(points) + errors, slack)
    for left, right, bound in zip(points[:-1], points[1:], bounds, strict=True):
        assert curve(np.linspace(left, right, 200)).min() >= bound - 1e-12


def test_bounds_between_points_are_exact_at_a_kink():
    points = np.array([-2.0, -1.0, 1.0, 2.0])
    assert _least_between(points, np.abs(points), 0.0).tolist() == [1.0, 0.0, 1.0]


@given(st.data(), st.integers(1, 5), st.integers(1, 6))
@settings(max_examples=30)
def test_game_value_is_an_upper_bound_and_the_weights_reach_it(data, rows, columns):
    entries = data.draw(st.lists(st.integers(-9, 9), min_size=rows * columns, max_size=rows * columns))
    table = np.array(entries, dtype=float).reshape(rows, columns)
    bound, weights = _game(table)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    if rows > 1:
        assert (table @ weights).min() == pytest.approx(bound, abs=1e-8)
    # No mixture of columns does better than the bound.
    for _ in range(20):
        other = np.random.default_rng(len(entries)).dirichlet(np.ones(columns))
        assert (table @ other).min() <= bound + 1e-9


@pytest.mark.parametrize("line", [(0.5, -1.0), (1.0, 0.25), (7.0, 0.0), (-7.0, 0.0), (1.0, 0.0)])
@pytest.mark.parametrize("name", ["absolute", "exp", "relu"])
def test_one_line_against_the_conjugate(name, line):
    target = named_target(name)
    problem = read_callable(target, Box(-1, 1))
    found = error_bracket(problem, MaxAffine([[line[0]]], [line[1]]))
    grid = np.linspace(-1, 1, 2**16 + 1)
    inside = np.clip(np.log(abs(line[0])), -1, 1)
    places = np.append(grid, inside)
    above = (places * line[0] + line[1] - target(places)).max()
    below = (target(grid) - grid * line[0] - line[1]).max()
    assert found.above[0] <= above + 1e-14
    assert above - 1e-14 <= found.above[1] <= above + 1e-12
    assert found.below[0] <= below <= found.below[1] <= below + 1e-12


@given(st.data(), st.integers(1, 3), st.integers(1, 7))
@settings(max_examples=30)
def test_vertices_of_the_graph(data, dim, k):
    numbers = st.integers(-6, 6)
    slopes = np.array(data.draw(st.lists(numbers, min_size=k * dim, max_size=k * dim))).reshape(k, dim)
    offsets = np.array(data.draw(st.lists(numbers, min_size=k, max_size=k)))
    function = MaxAffine(slopes, offsets)
    chart = Box([-1] * dim, [1] * dim).chart(dim)
    vertices = exact_graph_vertices(function, chart)
    points = np.array([point for point, _ in vertices])
    assert function(points, exact=True).tolist() == [height for _, height in vertices]
    assert len({tuple(point) for point, _ in vertices}) == len(vertices)
    # Corners of the box are always among them; at every vertex d + 1 constraints meet.
    corners = np.array(np.meshgrid(*[[-1, 1]] * dim)).reshape(dim, -1).T
    assert {tuple(corner) for corner in corners.tolist()} <= {tuple(point) for point, _ in vertices}
    for point, height in vertices:
        walls = sum(abs(x) == 1 for x in point)
        tight = {
            tuple(a) for a, b in zip(slopes.tolist(), offsets, strict=True) if np.dot(a, point) + b == height
        }
        assert walls + len(tight) >= dim + 1


def test_both_graphs_have_the_same_vertices():
    rng = np.random.default_rng(0)
    for dim, k in ((2, 12), (3, 8), (4, 6)):
        slopes, offsets = rng.normal(size=(k, dim)), rng.normal(size=k)
        chart = Box([-1] * dim, [1] * dim).chart(dim)
        exact = exact_graph_vertices(MaxAffine(slopes, offsets), chart)
        rounded = float_graph(slopes, offsets, chart.facets.to_float(), np.full(dim, 0.1))
        first = np.unique(np.round([[float(x) for x in point] for point, _ in exact], 9) + 0.0, axis=0)
        second = np.unique(np.round(rounded.points, 9) + 0.0, axis=0)
        assert np.allclose(first, second)
        heights = (rounded.points @ slopes.T + offsets).max(axis=1)
        assert np.allclose(heights, rounded.heights)


@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("name", ["absolute", "exp", "relu", "softplus"])
def test_a_bracket_before_convergence_holds_on_a_line(name, rounds, rng, monkeypatch):
    """A certificate that is stopped after a round is wide, and both of its ends are true."""
    monkeypatch.setattr(bracket, "_ROUNDS", rounds)
    monkeypatch.setattr(bracket, "_SPLITS", rounds)
    problem = read_callable(named_target(name), Box(-1, 1))
    grid = np.linspace(-1, 1, 20_001)[:, None]
    wide = 0
    for _ in range(20):
        function = MaxAffine(rng.normal(size=(3, 1)), rng.normal(size=3))
        found = error_bracket(problem, function)
        most = (function(grid) - problem.value(grid)).max()
        lo, hi = found.above
        assert hi >= most - 1e-12
        assert function(found.above_at) - problem.value(found.above_at[None])[0] >= lo - 1e-12
        wide += hi > most + 1e-6
    # One round is too few for what is curved, so the test looks at brackets that have not converged.
    assert wide or rounds > 1 or name in ("absolute", "relu")


@pytest.mark.parametrize("cuts", [1, 2, 3])
@pytest.mark.parametrize("d", [2, 3])
def test_a_bracket_before_convergence_holds_in_space(d, cuts, rng):
    problem = read_callable(named_target("square", dim=d), Box([-1] * d, [1] * d))
    points = np.concatenate([rng.uniform(-1, 1, (4000, d)), problem.vertices])
    wide = 0
    for _ in range(15):
        slope, offset = rng.normal(size=d), float(rng.normal())
        far = rng.uniform(-1, 1, d)
        lo, hi, at = bracket.above_one(problem, (slope, offset), far, 0.0, Deadline.start(), cuts)
        # The largest value of l - |x|^2 on the cube is at the point of the cube nearest to slope / 2.
        best = np.clip(slope / 2, -1, 1)
        most = float(best @ slope + offset - best @ best)
        assert lo - 1e-12 <= most <= hi + 1e-12
        assert (points @ slope + offset - (points**2).sum(axis=1)).max() <= hi + 1e-12
        assert float(at @ slope + offset - at @ at) >= lo - 1e-12
        wide += hi > most + 1e-6
    assert wide or cuts > 1
