"""Fits of functions of several variables with kinks, against linear programs and closed formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from plnet import Box
from plnet.budgets import Deadline
from plnet.maxout import MaxAffine
from plnet.maxout.fitting import Target, fit_max_affine
from plnet.maxout.fitting.error.exact_error import convex_error
from plnet.maxout.fitting.space.piece_search import spatial_pieces
from plnet.maxout.fitting.targets.kinks import has_kinks
from plnet.maxout.fitting.targets.reading import read_callable

KINDS = ["free", "lower", "upper"]


def greatest(x):
    return x.max(axis=1)


def greatest_size(x):
    return np.abs(x).max(axis=1)


def rectified_sum(x):
    return np.maximum(0, x.sum(axis=1))


def sizes(x):
    return np.abs(x).sum(axis=1)


def length(x):
    return np.hypot(x[:, 0], x[:, 1])


def ridge_and_bowl(x):
    return np.abs(x[:, 0]) + x[:, 1] ** 2


# The least error of one plane on [-1, 1]^d; the range of values where a level plane is best.
PLANES = [
    (greatest, 2, 1 / 2),
    (rectified_sum, 2, 1 / 2),
    (greatest_size, 2, 1 / 2),
    (greatest, 3, 2 / 3),
    (length, 2, math.sqrt(2) / 2),
    (ridge_and_bowl, 2, 1.0),
]


def cube(dim):
    return Box([-1.0] * dim, [1.0] * dim)


def best_plane_on_a_grid(function, dim, n):
    axes = np.meshgrid(*[np.linspace(-1, 1, n)] * dim)
    points = np.stack([axis.ravel() for axis in axes], axis=1)
    design = np.column_stack([points, np.ones(len(points))])
    ones = np.ones((len(points), 1))
    table = np.block([[design, -ones], [-design, -ones]])
    values = function(points)
    cost = np.append(np.zeros(dim + 1), 1.0)
    return linprog(cost, table, np.append(values, -values), bounds=[(None, None)] * (dim + 2)).fun


@pytest.mark.parametrize(("function", "dim", "least"), PLANES)
def test_one_plane_is_the_best_one(function, dim, least):
    assert best_plane_on_a_grid(function, dim, 9) == pytest.approx(least, rel=1e-9)
    lo, hi = fit_max_affine(function, 1, cube(dim), starts=4).sup_error_bounds
    assert least * (1 - 1e-12) <= hi <= least * (1 + 1e-4)
    assert lo >= least * (1 - 1e-4)


@pytest.mark.parametrize("kind", ["lower", "upper"])
@pytest.mark.parametrize(("function", "dim", "least"), PLANES[:3])
def test_one_sided_planes_cost_twice_as_much(function, dim, least, kind):
    fit = fit_max_affine(function, 1, cube(dim), kind=kind, starts=4)
    assert 2 * least * (1 - 1e-12) <= fit.sup_error <= 2 * least * (1 + 1e-4)
    points = np.random.default_rng(0).uniform(-1, 1, (5000, dim))
    differences = function(points) - fit.function(points)
    assert (differences >= 0).all() if kind == "lower" else (differences <= 0).all()


def test_a_callable_is_fitted_as_well_as_the_pieces_that_it_has():
    by_pieces = fit_max_affine(MaxAffine(np.eye(3), np.zeros(3)), 1, cube(3), starts=4)
    assert float(by_pieces.sup_error) == pytest.approx(2 / 3, rel=1e-9)
    by_calls = fit_max_affine(greatest, 1, cube(3), starts=4)
    assert by_calls.sup_error == pytest.approx(2 / 3, rel=1e-6)


@pytest.mark.parametrize(("function", "pieces"), [(greatest, 2), (greatest_size, 4), (rectified_sum, 3)])
def test_piecewise_linear_callables_are_recovered(function, pieces):
    fit = fit_max_affine(function, pieces, cube(2), starts=2)
    assert fit.sup_error <= 1e-12
    assert fit.function.pieces <= pieces
    assert fit.optimal_error == 0


def test_coefficients_that_are_no_floats_are_recovered_too():
    def crooked(x):
        return np.abs(x[:, 0] - 0.3 * x[:, 1] - 0.1) + np.abs(x[:, 1] + 0.2)

    problem = read_callable(crooked, cube(2))
    found = spatial_pieces(problem, Deadline.start())
    assert found.pieces == 4
    expected = np.array([(s, -0.3 * s + t) for s in (-1, 1) for t in (-1, 1)])
    away = np.abs(found.float_slopes[:, None] - expected).max(axis=2)
    assert away.min(axis=0).max() < 1e-12


@pytest.mark.slow
@given(data=st.data(), pieces=st.integers(1, 3), kind=st.sampled_from(KINDS))
@settings(max_examples=2)
def test_errors_of_a_random_callable_of_the_plane_are_never_too_small(data, pieces, kind):
    check_random_errors(data, 2, pieces, kind)


@pytest.mark.slow
@given(data=st.data(), dim=st.integers(2, 3), pieces=st.integers(1, 4), kind=st.sampled_from(KINDS))
@settings(max_examples=4)
def test_errors_of_random_piecewise_linear_callables_are_never_too_small(data, dim, pieces, kind):
    check_random_errors(data, dim, pieces, kind)


def check_random_errors(data, dim, pieces, kind):
    size = data.draw(st.integers(2, 6))
    numbers = st.integers(-8, 8)
    rows = data.draw(st.lists(numbers, min_size=size * (dim + 1), max_size=size * (dim + 1)))
    table = np.array(rows).reshape(size, dim + 1) / 7
    target = MaxAffine(table[:, :-1], table[:, -1])
    fit = fit_max_affine(lambda x: target(x), pieces, cube(dim), kind=kind, starts=2)
    exact = convex_error(target, fit.function, cube(dim).chart(dim))
    lo, hi = fit.sup_error_bounds
    assert lo - 1e-14 <= float(exact.sup[0]) <= hi + 1e-14
    # The values of the callable are rounded, which the proof allows for with 8 units in the last place.
    assert kind != "lower" or exact.above[0] <= 1e-14
    assert kind != "upper" or exact.below[0] <= 1e-14
    if size <= pieces:
        assert hi <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(("pieces", "least"), [(2, 1 / 2), (4, 1 / 8)])
def test_kinks_beside_curvature(pieces, least):
    # |x| needs two pieces; y^2 on [-1, 1] with m pieces has the error 1 / (2 m^2).
    fit = fit_max_affine(ridge_and_bowl, pieces, cube(2), starts=8)
    points = np.random.default_rng(0).uniform(-1, 1, (20000, 2))
    assert np.abs(ridge_and_bowl(points) - fit.function(points)).max() <= fit.sup_error
    assert fit.sup_error <= least * (1 + 1e-4)


@pytest.mark.parametrize(
    "function", [greatest, greatest_size, rectified_sum, lambda x: np.abs(x).sum(axis=1)]
)
@pytest.mark.parametrize("dim", [2, 3])
def test_numerical_slopes_at_kinks_support_the_function(function, dim):
    rng = np.random.default_rng(0)
    ties = np.concatenate(
        [np.zeros((1, dim)), 0.5 * np.ones((1, dim)), rng.choice([-0.5, 0.0, 0.5], (20, dim))]
    )
    problem = read_callable(function, cube(dim))
    points, slopes = problem.with_slopes(ties)
    others = np.concatenate([problem.vertices, rng.uniform(-1, 1, (200, dim))])
    tangents = function(points)[:, None] + ((others - points[:, None]) * slopes[:, None]).sum(axis=2)
    assert (tangents <= function(others) + 1e-9).all()
    assert np.abs(points - ties).max() < 0.2


def test_a_gradient_that_is_wrong_at_ties_makes_no_error_too_small():
    def wrong(x):
        return (x == x.max(axis=1, keepdims=True)) * 1.0

    fit = fit_max_affine(Target(greatest, 2, wrong, name="greatest"), 1, cube(2), starts=4)
    assert 0.5 * (1 - 1e-12) <= fit.sup_error <= 0.5001


def test_halving_finds_kinks_and_no_others():
    # A segment through the tip of a cone is not met by chance.
    for function, dim, _ in (case for case in PLANES if case[0] is not length):
        assert has_kinks(read_callable(function, cube(dim)))
    for smooth in (
        lambda x: (x**2).sum(axis=1),
        lambda x: np.exp(x).sum(axis=1),
        lambda x: (x**4).sum(axis=1),
    ):
        assert not has_kinks(read_callable(smooth, cube(2)))


@pytest.mark.parametrize("plane", [1e8, 1e8 * np.array([1.0, -1.0])])
def test_a_large_affine_function_changes_little(plane):
    def shifted(x):
        return (x**2).sum(axis=1) + (plane if np.ndim(plane) == 0 else x @ plane)

    lo, hi = fit_max_affine(shifted, 1, cube(2), starts=2).sup_error_bounds
    # The best plane of |x|^2 is level; the values are known to 8 * 2^-52 * 2e8 only.
    assert lo <= 1.001
    assert 1.0 <= hi <= 1.02
    known = Target(shifted, 2, lambda x: 2 * x + plane * np.ones(2) * np.ndim(plane), name="shifted")
    lo, hi = fit_max_affine(known, 1, cube(2), starts=2).sup_error_bounds
    assert lo <= 1.0 + 1e-5
    assert 1.0 <= hi <= 1.0 + 1e-5
