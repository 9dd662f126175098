"""Max-affine fits of several variables against covering radii, linear programs and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from scipy.special import xlogy

from plnet import Box, Polytope, Slice
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting import Target, fit_max_affine, named_target
from plnet.maxout.fitting.error.bracket import error_bracket
from plnet.maxout.fitting.targets.reading import read_callable

# Radii of the thinnest coverings of the unit square by k equal circles, best known for k > 5: Nurmela and
# Östergård (2000).
RADII = {
    1: math.sqrt(2) / 2,
    2: math.sqrt(5) / 4,
    3: math.sqrt(65) / 16,
    4: math.sqrt(2) / 4,
    5: 0.326160584,
    6: 0.298727062,
    7: 0.274291885,
    8: 0.260300106,
    9: 0.230636928,
    10: 0.218233513,
}


def test_fifth_radius_is_a_root_of_its_polynomial():
    coefficients = [4294967296, 0, -33554432, 0, 213975040, 0, -37961728, 0, -13421056, 0, -152384, 0, 180625]
    roots = np.roots(coefficients)
    real = roots[np.abs(roots.imag) < 1e-9].real
    assert min(real[real > 0]) == pytest.approx(RADII[5], abs=1e-8)


def check_square(k, starts, kind="free"):
    fit = fit_max_affine(named_target("square", 2), k, Box(0, 1), kind=kind, starts=starts)
    best = RADII[k] ** 2 / (2 if kind == "free" else 1)
    lo, hi = fit.sup_error_bounds
    assert best * (1 - 1e-8) <= hi <= 1.03 * best
    assert hi - lo <= 1e-9
    return hi / best


@pytest.mark.parametrize("k", [1, 2, 5])
def test_square_is_covered_by_discs(k):
    assert check_square(k, 5) <= 1 + 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("k", range(1, 11))
def test_square_is_covered_by_discs_up_to_ten(k):
    assert check_square(k, None) <= 1.005


@pytest.mark.parametrize("kind", ["lower", "upper"])
def test_one_sided_covering(kind):
    check_square(2, 3, kind)
    fit = fit_max_affine(named_target("log_sum_exp", 2), 3, Box(-1, 1), kind=kind, starts=3)
    points = np.random.default_rng(0).uniform(-1, 1, (20000, 2))
    difference = named_target("log_sum_exp", 2)(points) - fit.function(points)
    assert (difference >= -1e-15).all() if kind == "lower" else (difference <= 1e-15).all()


def best_plane(target, low, high, n):
    """Return the least error of one affine function on a grid: a lower bound, by linear programming."""
    axes = np.meshgrid(*[np.linspace(a, b, n) for a, b in zip(low, high, strict=True)], indexing="ij")
    points = np.stack([axis.ravel() for axis in axes], axis=1)
    values = target(points)
    design = np.column_stack([points, np.ones(len(points))])
    table = np.block([[design, -np.ones((len(points), 1))], [-design, -np.ones((len(points), 1))]])
    cost = np.append(np.zeros(design.shape[1]), 1.0)
    return linprog(cost, table, np.concatenate([values, -values]), bounds=[(None, None)] * len(cost)).fun


@pytest.mark.parametrize("name", ["log_sum_exp", "sum_exp", "norm4"])
@pytest.mark.parametrize("dim", [2, 3])
def test_a_single_plane_is_the_minimax_plane(name, dim):
    target = named_target(name, dim)
    low, high = np.full(dim, -1.0), np.arange(1.0, dim + 1)
    fit = fit_max_affine(target, 1, Box(low, high), starts=3)
    bound = best_plane(target, low, high, 41 if dim == 2 else 15)
    assert bound * (1 - 1e-9) <= fit.sup_error <= bound * 1.02


@pytest.mark.slow
@given(data=st.data(), dim=st.integers(2, 3), k=st.integers(1, 6))
@settings(max_examples=5)
def test_random_convex_quadratics(data, dim, k):
    entries = data.draw(st.lists(st.floats(-2, 2), min_size=dim * dim, max_size=dim * dim))
    slope = np.array(data.draw(st.lists(st.floats(-3, 3), min_size=dim, max_size=dim)))
    root = np.array(entries).reshape(dim, dim)
    matrix = root @ root.T + 0.1 * np.eye(dim)
    target = Target(
        lambda x: np.einsum("ni,ij,nj->n", x, matrix, x) / 2 + x @ slope,
        dim,
        lambda x: x @ matrix + slope,
        roundoff=100,
        name="quadratic",
    )
    fit = fit_max_affine(target, k, Box(-1, 1), starts=2)
    lo, hi = fit.sup_error_bounds
    # k ellipsoids (x - p)' H (x - p) / 2 <= 2 E must have the volume of the box.
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
    volume = 2.0**dim * math.sqrt(np.linalg.det(matrix)) / (k * ball)
    assert hi >= volume ** (2 / dim) / 4
    points = np.random.default_rng(0).uniform(-1, 1, (4000, dim))
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * dim)).reshape(dim, -1).T
    points = np.concatenate([points, corners])
    seen = np.abs(target(points) - fit.function(points)).max()
    assert seen <= hi + 1e-12 * np.abs(target(points)).max()
    assert lo <= hi <= 1.5 * lo
    if k == 1:
        assert best_plane(target, [-1] * dim, [1] * dim, 9) <= hi * (1 + 1e-9)


@given(data=st.data(), dim=st.integers(1, 3), k=st.integers(1, 5))
@settings(max_examples=12)
def test_certificate_of_any_function(data, dim, k):
    # Pieces that have nothing to do with the target: both maxima against many local searches.
    numbers = st.floats(-2, 2, allow_subnormal=False)
    slopes = np.array(data.draw(st.lists(numbers, min_size=k * dim, max_size=k * dim))).reshape(k, dim)
    offsets = np.array(data.draw(st.lists(numbers, min_size=k, max_size=k)))
    function = MaxAffine(slopes, offsets)
    target = named_target("sum_exp", dim)
    problem = read_callable(target, Box([-1.0] * dim, [1.0] * dim))
    found = error_bracket(problem, function)
    # g - f: f separates, so the maximum of a piece minus f is one of d numbers on [-1, 1].
    t = np.clip(np.log(np.maximum(slopes, 1e-300)), -1, 1)
    above = (slopes * t - np.exp(t)).sum(axis=1) + offsets
    assert found.above[0] <= above.max() + 1e-14
    assert above.max() <= found.above[1] + 1e-14
    assert found.above[1] - found.above[0] <= 1e-8
    # f - g: by brute force; the bound must hold everywhere.
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (3000, dim))
    best = points[(target(points) - function(points)).argsort()[-3:]]
    seen = (target(points) - function(points)).max()
    for start in best:
        local = minimize(
            lambda x: function(x[None])[0] - target(x[None])[0],
            start,
            method="Nelder-Mead",
            bounds=[(-1, 1)] * dim,
            options={"xatol": 1e-10, "fatol": 1e-12},
        )
        seen = max(seen, -local.fun)
    assert seen <= found.below[1] + 1e-12
    assert found.below[0] <= found.below[1] <= found.below[0] + 1e-12
    at = found.below_at[None]
    assert target(at)[0] - function(at)[0] == pytest.approx(found.below[0], abs=1e-9)


def test_certificate_without_gradient_is_a_bracket_too():
    rng = np.random.default_rng(1)
    function = MaxAffine(rng.normal(size=(4, 2)), rng.normal(size=4))
    blind = read_callable(lambda x: np.exp(x).sum(axis=1), Box([-1, -1], [1, 1]))
    seeing = read_callable(named_target("sum_exp", 2), Box([-1, -1], [1, 1]))
    wide, narrow = error_bracket(blind, function), error_bracket(seeing, function)
    assert wide.above[0] <= narrow.above[1]
    assert narrow.above[0] <= wide.above[1] <= narrow.above[1] + 1e-4
    assert wide.below[1] == pytest.approx(narrow.below[1], rel=1e-12)


def test_black_box_reaches_what_the_gradient_reaches():
    blind = fit_max_affine(lambda x: (x**2).sum(axis=1), 4, Box([0, 0], [1, 1]), starts=3)
    assert 1 / 16 <= blind.sup_error <= 1.001 / 16
    assert len(blind.assumptions) == 2


def test_polytopes_and_slices():
    # The best plane of |x|^2 on a triangle: its circumscribed circle, radius 1/sqrt(3) for sides of length 1.
    triangle = Polytope([[0, -1], [math.sqrt(3), 1], [-math.sqrt(3), 1]], [0, math.sqrt(3), 0])
    fit = fit_max_affine(named_target("square", 2), 1, triangle, starts=2)
    assert fit.sup_error == pytest.approx(1 / 6, rel=1e-9)
    # A slice of R^3 with orthonormal directions is the unit square.
    piece = Slice([1.0, 2.0, 3.0], [[1, 0, 0], [0, 0, 1]], 0, 1)
    cut = fit_max_affine(named_target("square", 3), 4, piece, starts=3)
    assert cut.function.dim == 2
    assert cut.sup_error == pytest.approx(1 / 16, rel=1e-6)


@pytest.mark.slow
def test_infinite_slopes_at_the_border():
    # Errors of a sum add up: the best line of x log x is off by 1 / (2 e).
    def gradient(x):
        return np.log(x) + 1

    known = Target(lambda x: xlogy(x, x).sum(axis=1), 2, gradient, lambda x: np.eye(2) / x[:, :, None])
    for target in (known, lambda x: xlogy(x, x).sum(axis=1)):
        plane = fit_max_affine(target, 1, Box([0, 0], [1, 1]), starts=2)
        assert plane.sup_error == pytest.approx(1 / math.e, rel=1e-3)
        assert plane.sup_error >= 1 / math.e
        fit = fit_max_affine(target, 4, Box([0, 0], [1, 1]), starts=3)
        assert fit.sup_error <= 2 * fit_max_affine(named_target("x_log_x"), 2, Box(0, 1)).sup_error * (
            1 + 1e-3
        )


def test_seeds_decide_and_budgets_are_kept():
    target, domain, seen = named_target("sum_exp", 2), Box(-1, 1), []
    first, again = (
        fit_max_affine(target, 4, domain, rng=7, starts=2, progress=report) for report in (seen.append, None)
    )
    assert first.function.slopes.tolist() == again.function.slopes.tolist()
    # Two starts, and the better one refined to the end.
    assert seen == [1, 2, 3]
    short = fit_max_affine(target, 6, domain, max_seconds=1e-6)
    assert short.sup_error_bounds[0] <= short.sup_error
    assert short.stopped_by == "max_seconds"


def test_interruption_gives_what_is_known():
    def interrupt(number):
        if number == 2:
            raise KeyboardInterrupt

    fit = fit_max_affine(named_target("square", 2), 3, Box(0, 1), progress=interrupt)
    assert fit.sup_error >= RADII[3] ** 2 / 2


def test_least_squares_in_the_plane():
    # The residuals of x^2 and of y^2 have variance 1 / 180 each and are independent.
    fit = fit_max_affine(named_target("square", 2), 1, Box(0, 1), objective="least_squares", starts=1)
    assert fit.rms_error == pytest.approx(math.sqrt(2 / 180), rel=0.03)
    lo, hi = fit.sup_error_bounds
    assert lo == pytest.approx(hi, rel=1e-9)
    points = np.random.default_rng(3).random((5000, 2))
    assert np.abs((points**2).sum(axis=1) - fit.function(points)).max() <= hi
