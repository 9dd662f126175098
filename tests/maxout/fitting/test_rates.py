"""Rates and their limits."""

import math

import numpy as np
import pytest

from plnet import Box, Segment
from plnet.errors import TargetError
from plnet.maxout.fitting import Target, asymptotic_constant, named_target, rate_curve, target_names
from plnet.maxout.fitting.rates import covering_density, rate_limit

# Limits of k^2 E_k of free fits.
LIMITS = [
    ("square", 0, 1, 0.125),
    ("square", -1, 1, 0.5),
    ("exp", 0, 1, (math.sqrt(math.e) - 1) ** 2 / 4),
    ("exp", -1, 1, 0.2715403174),
    ("neg_log", 0.1, 1, math.log(10) ** 2 / 16),
    ("reciprocal", 0.5, 2, 0.25),
    ("quartic", 0, 1, 0.1875),
    ("x_log_x", 0.05, 1, 0.1506966011),
    ("softplus", -5, 5, 0.4949077258),
    ("hypotenuse", -2, 2, 0.3939449201),
    ("cosh", -1, 1, 0.2924879601),
]


@pytest.mark.parametrize(("name", "low", "high", "limit"), LIMITS)
def test_limits_of_one_variable(name, low, high, limit):
    lo, hi = asymptotic_constant(named_target(name), Box(low, high))
    assert lo == hi == pytest.approx(limit, rel=1e-9)
    assert asymptotic_constant(named_target(name), Box(low, high), kind="lower")[0] == pytest.approx(
        2 * limit
    )


def test_limit_is_approached():
    curve = rate_curve(named_target("cosh"), [8, 64, 256], Box(-1, 1))
    gaps = np.abs(curve.constants - curve.limits[0])
    assert (np.diff(gaps) < 0).all()
    assert gaps[-1] < 1e-4 * curve.limits[0]


def test_limit_in_the_plane():
    # Kershner's hexagons: 1 / (6 sqrt 3) times the integral of sqrt det H = 2 for |x|^2 on the unit square.
    lo, hi = asymptotic_constant(named_target("square", 2), Box(0, 1))
    assert lo == hi == pytest.approx(2 / (6 * math.sqrt(3)), rel=1e-12)
    assert asymptotic_constant(named_target("square", 2), Box(0, 1), kind="upper")[0] == pytest.approx(2 * lo)
    # For a sum of exponentials the integral is a product.
    side = 2 * (math.exp(0.5) - 1)
    assert asymptotic_constant(named_target("sum_exp", 2), Box(0, 1))[0] == pytest.approx(
        side**2 / (6 * math.sqrt(3)), rel=1e-12
    )


def test_limit_on_a_segment():
    lo, _ = asymptotic_constant(named_target("square", 2), Segment([0.0, 0.0], [3.0, 4.0]))
    assert lo == pytest.approx(25 / 8, rel=1e-12)


def test_densities_of_coverings():
    assert covering_density(1) == pytest.approx((1, 1))
    assert covering_density(2) == pytest.approx([2 * math.pi / (3 * math.sqrt(3))] * 2)
    lower, upper = covering_density(3)
    assert upper == pytest.approx(5 * math.sqrt(5) * math.pi / 24)
    assert 1.43 < lower < upper
    assert covering_density(4)[1] == pytest.approx(1.7655, abs=1e-4)


def test_slope_in_one_dimension():
    curve = rate_curve(named_target("exp"), [2, 4, 8, 16, 32, 64], Box(0, 1))
    assert curve.slope == pytest.approx(-2, abs=0.01)
    assert curve.expected_slope == -2
    assert (curve.errors >= curve.optimal_errors).all()
    assert curve.optima is curve.optimal_errors
    assert (curve.lower_ends <= curve.errors).all()


@pytest.mark.slow
def test_slope_in_two_dimensions():
    curve = rate_curve(named_target("square", 2), [1, 2, 4, 8, 16], Box(-1, 1), starts=4)
    assert curve.slope == pytest.approx(-1, abs=0.1)
    assert (curve.constants >= curve.limits[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize(("dim", "largest"), [(3, 64), (4, 64)])
def test_slope_in_more_dimensions(dim, largest):
    pieces = [2**i for i in range(int(math.log2(largest)) + 1)]
    curve = rate_curve(named_target("square", dim), pieces, Box(-1, 1), starts=3)
    assert curve.slope == pytest.approx(-2 / dim, abs=0.1)
    # k balls must have the volume of the cube: a lower bound for every k.
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
    assert (curve.constants >= (2**dim / ball) ** (2 / dim) / 2).all()


SINGULAR = [
    # x + softplus(y - x) and its like are flat along (1, 1), so they bend along one direction less.
    ("log_sum_exp", 2, 1),
    ("log_sum_exp", 3, 2),
]


@pytest.mark.parametrize(("name", "dim", "rank"), SINGULAR)
def test_a_singular_hessian_makes_errors_fall_faster(name, dim, rank):
    domain = Box([-2.0] * dim, [2.0] * dim)
    assert asymptotic_constant(named_target(name, dim), domain) == (0, 0)
    found, limits = rate_limit(named_target(name, dim), domain)
    assert found == rank
    assert (limits is None) == (rank > 1)


@pytest.mark.slow
def test_a_ridge_function_has_the_rate_and_the_optimum_of_one_variable():
    # x + softplus(y - x), and y - x goes from -4 to 4.
    curve = rate_curve(named_target("log_sum_exp", 2), [2, 4, 8, 16], Box(-2, 2), starts=2)
    line = rate_curve(named_target("softplus"), [2, 4, 8, 16], Box(-4, 4))
    assert curve.rank == 1
    assert curve.expected_slope == -2
    assert curve.slope == pytest.approx(-2, abs=0.25)
    assert curve.limits == pytest.approx(line.limits, rel=1e-9)
    assert curve.optimal_errors == pytest.approx(line.optimal_errors, rel=1e-7)
    assert curve.optimal_errors[1] == pytest.approx(0.0274030, abs=5e-8)
    assert curve.errors == pytest.approx(line.errors, rel=1e-6)
    assert (curve.lower_ends >= line.optimal_errors * (1 - 1e-7)).all()


@pytest.mark.parametrize("high", [1, 2])
def test_limits_where_the_hessian_is_singular_on_the_axes(high):
    # sqrt(det H) = 12 |x y| is a product, with kinks where Gauss's rule is inaccurate.
    lo, hi = asymptotic_constant(named_target("norm4", 2), Box(-1, high))
    truth = 12 * ((1 + high**2) / 2) ** 2 / (6 * math.sqrt(3))
    assert lo * (1 - 1e-12) <= truth <= hi * (1 + 1e-12)
    assert hi - lo <= 1e-6 * truth


def test_hessians_of_very_different_sizes_are_not_singular():
    side = 2 * (math.exp(10) - math.exp(-10))
    lo, hi = asymptotic_constant(named_target("sum_exp", 2), Box(-20, 20))
    assert lo == hi == pytest.approx(side**2 / (6 * math.sqrt(3)), rel=1e-10)


def test_hessians_that_are_singular_in_a_part_of_the_domain():
    # f = max(x, 0)^2 + max(y, 0)^2: det H = 4 in a quarter of the square and 0 elsewhere.
    def hessian(x):
        return 2.0 * (x > 0)[:, :, None] * np.eye(2)

    target = Target(lambda x: (np.maximum(x, 0) ** 2).sum(axis=1), 2, hessian=hessian)
    lo, hi = asymptotic_constant(target, Box(-1, 1))
    assert lo <= 2 / (6 * math.sqrt(3)) <= hi * (1 + 1e-12)
    assert hi - lo < 1e-3


def test_bad_input():
    with pytest.raises(TargetError, match="Hessian"):
        asymptotic_constant(named_target("absolute"), Box(-1, 1))
    with pytest.raises(TargetError, match="at least one"):
        rate_curve(named_target("exp"), [], Box(0, 1))
    assert rate_curve(np.exp, [1, 2], Box(0, 1)).limits is None
    zero = rate_curve(named_target("absolute"), [2, 3], Box(-1, 1))
    with pytest.raises(TargetError, match="slope"):
        _ = zero.slope


@pytest.mark.parametrize("name", target_names())
def test_targets_agree_with_their_derivatives_and_conjugates(name):
    dim = 1 if name in {case[0] for case in LIMITS} - {"square"} | {"absolute", "relu"} else 2
    target = named_target(name, dim)
    rng = np.random.default_rng(0)
    points = rng.uniform(0.2, 0.9, (50, dim))
    if target.low == -np.inf:
        points = np.concatenate([points, -points])
    h = 1e-6 * np.eye(dim)
    slopes = target.gradient(points)
    for j in range(dim):
        quotient = (target(points + h[j]) - target(points - h[j])) / 2e-6
        assert np.allclose(slopes[:, j], quotient, rtol=1e-7, atol=1e-8)
        if target.hessian is not None:
            bend = (target.gradient(points + h[j]) - target.gradient(points - h[j])) / 2e-6
            assert np.allclose(target.hessian(points)[:, j], bend, rtol=1e-6, atol=1e-7)
    # Fenchel and Young: f(x) + f*(s) >= s . x, with equality for gradients.
    products = (points * slopes).sum(axis=1)
    if name != "log_sum_exp":
        assert np.allclose(target(points) + target.conjugate(slopes), products, rtol=1e-9, atol=1e-9)
    crossed = target(points)[:, None] + target.conjugate(slopes) - points @ slopes.T
    assert crossed.min() >= -1e-9
    if target.pieces is not None:
        slopes, offsets = zip(*target.pieces, strict=True)
        assert np.allclose(target(points), (points @ np.array(slopes).T + offsets).max(axis=1))
