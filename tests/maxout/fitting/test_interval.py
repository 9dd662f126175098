"""Best max-affine fits of one variable against closed forms, the published table and 25 digits."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plnet import Box, Segment, Slice
from plnet.maxout import MaxAffine
from plnet.maxout.fitting import Target, fit_max_affine, named_target, optimal_error

mpmath = pytest.importorskip("mpmath")
mp = mpmath.mp

PIECES = (1, 2, 3, 4, 5, 8, 16)
# Least errors of free fits with that many pieces, rounded to the digits given.
TABLE = {
    ("square", 0, 1): "0.125 0.03125 0.0138888889 0.0078125 0.005 0.001953125 0.00048828125",
    ("square", -1, 1): "0.5 0.125 0.0555555556 0.03125 0.02 0.0078125 0.001953125",
    ("exp", 0, 1): "0.1059334163 0.02634869162 0.01169915499 0.00657852158 0.004209584786 0.001644085489 "
    "0.0004109872474",
    ("exp", -1, 1): "0.2788015858 0.06837676404 0.0302703181 0.01700290668 0.01087462308 0.004244811648 "
    "0.001060829281",
    ("neg_log", 0.1, 1): "0.3095174601 0.08136061724 0.0365213766 0.02061591883 0.0132158865 0.005171688507 "
    "0.001294036558",
    ("reciprocal", 0.5, 2): "0.25 0.0625 0.0277777778 0.015625 0.01 0.00390625 0.0009765625",
    ("quartic", 0, 1): "0.2362351969 0.05270322668 0.02253317844 0.01243007704 0.007862403438 0.003017501677 "
    "0.0007433289",
    ("x_log_x", 0.05, 1): "0.1365178704 0.03648860489 0.01648919841 0.009334983997 0.005993018586 "
    "0.002349204292 0.0005883155",
    ("softplus", -5, 5): "0.906784084 0.1465702375 0.05982974951 0.03255597611 0.02049145877 0.007847546133 "
    "0.0019409038",
    (
        "hypotenuse",
        -2,
        2,
    ): "0.6180339887 0.1069243111 0.04534633266 0.02511055797 0.01595640101 0.006185420804 0.0015407162",
    ("cosh", -1, 1): "0.2715403174 0.0720640151 0.03228673438 0.01821359817 0.01167213697 0.004565950064 "
    "0.0011422703",
}


def oracle_functions(name):
    """Return a function and its conjugate in many digits."""
    return {
        "square": (lambda x: x**2, lambda s: s**2 / 4),
        "exp": (mp.exp, lambda s: s * mp.log(s) - s),
        "neg_log": (lambda x: -mp.log(x), lambda s: -1 - mp.log(-s)),
        "reciprocal": (lambda x: 1 / x, lambda s: -2 * mp.sqrt(-s)),
        "quartic": (lambda x: x**4, lambda s: 3 * abs(s / 4) ** (mp.mpf(4) / 3)),
        "x_log_x": (lambda x: x * mp.log(x), lambda s: mp.exp(s - 1)),
        "softplus": (
            lambda x: mp.log1p(mp.exp(x)),
            lambda s: s * mp.log(s) + (1 - s) * mp.log(1 - s),
        ),
        "hypotenuse": (lambda x: mp.sqrt(1 + x**2), lambda s: -mp.sqrt(1 - s**2)),
        "cosh": (mp.cosh, lambda s: s * mp.asinh(s) - mp.sqrt(1 + s**2)),
    }[name]


def oracle(name, low, high, k, guess):
    """Return the least error in 25 digits: shooting from the left, gaps by the convex conjugate."""
    f, conjugate = oracle_functions(name)

    def gap(u, v):
        slope = (f(v) - f(u)) / (v - u)
        return f(u) - slope * u + conjugate(slope)

    def end(error):
        knot = mp.mpf(low)
        for _ in range(k - 1):
            width = (mp.mpf(high) - knot) / 4
            knot = mp.findroot(lambda v, u=knot: gap(u, v) / (2 * error) - 1, knot + width, verify=False)
        return gap(knot, mp.mpf(high)) / (2 * error) - 1

    if k == 1:
        return gap(mp.mpf(low), mp.mpf(high)) / 2
    return mp.findroot(end, (mp.mpf(guess), mp.mpf(guess) * (1 + mp.mpf(10) ** -6)))


def equations_error(name, low, high, k, start):
    """Return the least error in 25 digits from a set of knots, by Newton's method on equal gaps."""
    f, conjugate = oracle_functions(name)
    ends = mp.mpf(low), mp.mpf(high)

    def gaps(*inner):
        knots = [ends[0], *inner, ends[1]]
        out = []
        for u, v in itertools.pairwise(knots):
            slope = (f(v) - f(u)) / (v - u)
            out.append(f(u) - slope * u + conjugate(slope))
        return out

    if k == 1:
        return gaps()[0] / 2
    inner = mp.findroot(
        lambda *x: [a - b for a, b in zip(gaps(*x)[:-1], gaps(*x)[1:], strict=True)], start, tol=1e-40
    )
    found = gaps(*inner)
    assert max(found) - min(found) < mp.mpf(10) ** -18
    return found[0] / 2


def knots_of(fit):
    """Return the inner knots of the fit's lines, from the left."""
    a, b = fit.function.float_slopes[:, 0], fit.function.float_offsets
    return ((b[:-1] - b[1:]) / (a[1:] - a[:-1])).tolist()


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case[0]} on [{case[1]}, {case[2]}]")
def test_table(case):
    name, low, high = case
    for k, digits in zip(PIECES, TABLE[case].split(), strict=True):
        fit = fit_max_affine(named_target(name), k, Box(low, high))
        tolerance = 0.51 * 10.0 ** -(len(digits.split(".")[1]))
        assert abs(fit.optimal_error - float(digits)) <= tolerance
        assert fit.sup_error >= fit.optimal_error


def check_against_digits(case, pieces):
    name, low, high = case
    for k in pieces:
        with mp.workdps(25):
            fit = fit_max_affine(named_target(name), k, Box(low, high))
            truth = equations_error(name, low, high, k, knots_of(fit))
            assert abs(fit.optimal_error / truth - 1) < 1e-10
            lo, hi = fit.sup_error_bounds
            assert fit.sup_error == hi
            assert lo <= hi
            assert truth <= hi <= truth * (1 + mp.mpf(10) ** -9), (k, hi / truth - 1)
            assert fit.optimal_error_bounds[0] <= truth <= fit.optimal_error_bounds[1]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case[0]} on [{case[1]}, {case[2]}]")
def test_never_below_the_optimum_and_close_to_it(case):
    check_against_digits(case, (1, 6))


@pytest.mark.slow
@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case[0]} on [{case[1]}, {case[2]}]")
def test_never_below_the_optimum_for_all_k(case):
    check_against_digits(case, range(1, 17))


@pytest.mark.parametrize("case", [("exp", 0, 1), ("softplus", -5, 5)], ids=str)
def test_shooting_finds_the_same_optimum(case):
    # A second way to the optimum that starts from no result of ours.
    name, low, high = case
    guess = TABLE[case].split()[2]
    with mp.workdps(25):
        truth = oracle(name, low, high, 3, guess)
        assert abs(optimal_error(named_target(name), 3, Box(low, high)) / truth - 1) < 1e-12


@pytest.mark.parametrize("kind", ["lower", "upper"])
@pytest.mark.parametrize("name", ["exp", "hypotenuse", "x_log_x"])
def test_one_sided_fits_stay_on_their_side_at_twice_the_error(name, kind):
    target, domain = named_target(name), Box(0, 1)
    free = optimal_error(target, 5, domain)
    fit = fit_max_affine(target, 5, domain, kind=kind)
    assert fit.sup_error == pytest.approx(2 * free, rel=1e-9)
    assert fit.sup_error >= fit.optimal_error
    # Values are doubles, so that a comparison in more digits decides which side a point is on.
    f = oracle_functions(name)[0]
    a, b = fit.function.float_slopes[:, 0], fit.function.float_offsets
    with mp.workdps(30):
        for x in np.linspace(0, 1, 201)[1:-1].tolist():
            height = max(
                mp.mpf(s) * mp.mpf(x) + mp.mpf(o) for s, o in zip(a.tolist(), b.tolist(), strict=True)
            )
            difference = f(mp.mpf(x)) - height
            assert difference >= 0 if kind == "lower" else difference <= 0


def test_sides_hold_in_the_last_digit():
    # Lower lines come nearest to exp where it has their slope, upper ones where two of them cross.
    for k in range(1, 20):
        lower = fit_max_affine(named_target("exp"), k, Box(0, 1), kind="lower").function
        upper = fit_max_affine(named_target("exp"), k, Box(0, 1), kind="upper").function
        with mp.workdps(40):
            for slope, offset in zip(
                lower.float_slopes[:, 0].tolist(), lower.float_offsets.tolist(), strict=True
            ):
                at = mp.log(slope)
                assert mp.exp(at) >= slope * at + offset
            a, b = ([mp.mpf(x) for x in row] for row in (upper.float_slopes[:, 0], upper.float_offsets))
            for i in range(k - 1):
                at = (b[i] - b[i + 1]) / (a[i + 1] - a[i])
                assert mp.exp(at) <= a[i] * at + b[i]


HIDDEN = [
    (lambda x: 1e16 + x**2, 0, 1, 0.125),
    (np.square, 1e8, 1e8 + 1, 0.125),
    (np.square, 0.5, 0.5 + 2.0**-30, 2.0**-63),
]


@pytest.mark.parametrize("kind", ["free", "lower", "upper"])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("target", [np.abs, named_target("absolute"), named_target("relu")])
def test_piecewise_linear_targets_are_met_exactly(target, k, kind):
    fit = fit_max_affine(target, k, Box(-1, 1), kind=kind)
    # Values of a plain function are known up to their rounding only.
    limit = 2.0**-46 if target is np.abs else 0
    assert 0 <= fit.sup_error_bounds[0] <= fit.sup_error <= limit
    assert 0 <= fit.optimal_error <= limit


@pytest.mark.parametrize(("value", "low", "high", "error"), HIDDEN)
def test_what_rounding_hides_is_inside_the_bracket(value, low, high, error):
    """The error of a single line on x^2 is an eighth of the squared width, whatever is added to x^2."""
    fit = fit_max_affine(value, 1, Box(low, high))
    assert fit.sup_error_bounds[0] <= error <= fit.sup_error
    assert fit.optimal_error_bounds[0] <= error <= fit.optimal_error_bounds[1]


KINKED = [
    (np.abs, Box(-1, 2), 1, Fraction(2, 3)),
    (lambda x: np.abs(x - 0.5) + x, Box(0, 1), 1, Fraction(1, 4)),
    (lambda x: 3 * np.abs(x - 1 / 3), Box(0, 1), 1, Fraction(2, 3)),
]


@pytest.mark.parametrize(("value", "box", "k", "error"), KINKED)
def test_optimum_at_a_kink_is_inside_its_bracket(value, box, k, error):
    """The greatest gap between the chord and the function is at the kink; half of it is the error."""
    fit = fit_max_affine(value, k, box)
    low, high = fit.optimal_error_bounds
    assert low <= float(error) + 1e-15
    assert high >= float(error) - 1e-15
    assert fit.sup_error >= float(error) - 1e-15


def test_single_lines_of_piecewise_linear_targets():
    assert optimal_error(np.abs, 1, Box(-1, 1)) == pytest.approx(0.5, rel=1e-12)
    assert optimal_error(named_target("relu"), 1, Box(-1, 1)) == pytest.approx(0.25, rel=1e-12)
    assert optimal_error(named_target("relu"), 1, Box(-1, 1), kind="lower") == pytest.approx(0.5, rel=1e-12)


def test_closed_forms_of_a_single_line():
    s = math.e - 1
    assert optimal_error(np.exp, 1, Box(0, 1)) == pytest.approx((1 - s + s * math.log(s)) / 2, rel=1e-12)
    assert optimal_error(np.cosh, 1, Box(-1, 1)) == pytest.approx((math.cosh(1) - 1) / 2, rel=1e-12)


@given(
    a=st.floats(0.01, 100),
    b=st.floats(-10, 10),
    c=st.floats(-10, 10),
    low=st.floats(-5, 5),
    width=st.floats(0.05, 20),
    k=st.integers(1, 12),
)
@settings(max_examples=40)
def test_any_parabola_has_the_closed_form(a, b, c, low, width, k):
    # E_k = a (width)^2 / (8 k^2), whatever b, c and the place.
    fit = fit_max_affine(lambda x: a * x**2 + b * x + c, k, Box(low, low + width))
    high = Fraction(low + width) - Fraction(low)
    truth = Fraction(a) * high**2 / (8 * k**2)
    size = max(abs(a * t * t + b * t + c) + abs(b * t) + abs(c) for t in (low, low + width)) + abs(c)
    lo, hi = fit.sup_error_bounds
    assert hi >= float(truth) * (1 - 1e-14) - 1e-14 * size
    assert hi <= float(truth) * (1 + 1e-9) + 1e-12 * size
    assert lo <= hi


def test_many_pieces():
    fit = fit_max_affine(named_target("square"), 300, Box(0, 1))
    assert fit.sup_error == pytest.approx(1 / (8 * 300**2), rel=1e-6)
    assert fit.sup_error >= 1 / (8 * 300**2)


def test_kinks_of_a_function_that_is_smooth_elsewhere():
    def kinked(x):
        return np.maximum(x**2, 2 * x - 0.19)

    fit = fit_max_affine(kinked, 4, Box(-1, 3))
    lo, hi = fit.optimal_error_bounds
    assert hi - lo <= 1e-10 * hi
    assert fit.sup_error <= hi * (1 + 1e-9)
    grid = np.linspace(-1, 3, 100001)[:, None]
    assert np.abs(kinked(grid)[:, 0] - fit.function(grid)).max() <= fit.sup_error


@pytest.mark.parametrize(("k", "error"), [(5, 0.0), (4, 0.0), (3, 0.0), (2, None)])
def test_piecewise_linear_with_coefficients_that_are_no_floats(k, error):
    def kinked(x):
        return np.maximum(np.maximum(-x, 0.3 * x), 2 * x - 1.1)

    fit = fit_max_affine(kinked, k, Box(-1, 2))
    lo, hi = fit.sup_error_bounds
    assert hi - lo <= 1e-12
    if error is None:
        # One knot; the parts bend equally far at 0 and at the crossing of 0.3 x and 2 x - 1.1.
        assert fit.optimal_error == pytest.approx(float(two_lines(kinked)), rel=1e-9)
    else:
        assert hi <= 1e-12
        assert fit.function.pieces <= k


def test_zero_is_said_only_where_it_is_zero():
    # Two lines are off by 5e-14 / 8 at least: little more than roundoff, but not 0.
    fit = fit_max_affine(lambda x: np.abs(x) + 5e-14 * x**2, 2, Box(-1, 1))
    assert 5e-14 / 8 <= fit.sup_error <= 1e-12
    assert fit.optimal_error_bounds[1] >= 5e-14 / 8


def two_lines(f):
    """Return the least error of two lines on [-1, 2] by bisection; valleys are at the two kinks."""
    kinks = np.array([0.0, 1.1 / 1.7])

    def gap(u, v):
        inside = kinks[(kinks > u) & (kinks < v)]
        chord = f(u) + (f(v) - f(u)) / (v - u) * (inside - u)
        return max((chord - f(inside)).max(initial=0.0), 0.0)

    low, high = -1.0, 2.0
    for _ in range(200):
        knot = 0.5 * (low + high)
        low, high = (knot, high) if gap(-1.0, knot) < gap(knot, 2.0) else (low, knot)
    return gap(-1.0, knot) / 2


@pytest.mark.slow
def test_optimum_of_many_kinks_has_a_narrow_bracket():
    # Steps of shooting are unstable here, so that the last part is shorter than the others.
    knots = np.sort(np.random.default_rng(0).uniform(-1, 1, 40))
    target = MaxAffine(2 * knots[:, None], -(knots**2))
    fit = fit_max_affine(target, 16, Box(-1, 1))
    lo, hi = fit.optimal_error_bounds
    assert hi - lo <= 1e-9 * hi
    assert lo <= fit.sup_error <= hi * (1 + 1e-9)


def test_segments_and_slices_use_their_coordinates():
    # |x|^2 along a segment of length 5 is 25 t^2 and an affine part.
    segment = fit_max_affine(named_target("square", 2), 3, Segment([1.0, 1.0], [4.0, 5.0]))
    assert segment.function.dim == 1
    assert segment.sup_error == pytest.approx(25 / (8 * 9), rel=1e-9)
    assert segment.sup_error >= 25 / 72
    line = fit_max_affine(named_target("square", 2), 3, Slice([0.0, 1.0], [[3.0, 4.0]], 0, 1))
    assert line.sup_error == pytest.approx(25 / 72, rel=1e-9)


def test_steep_ends():
    # x log x has an infinite slope at 0.
    fit = fit_max_affine(named_target("x_log_x"), 5, Box(0, 1))
    with mp.workdps(25):
        truth = equations_error_at_zero(5, knots_of(fit))
    assert truth <= fit.sup_error <= truth * (1 + mp.mpf(10) ** -9)


def equations_error_at_zero(k, start):
    f = lambda x: x * mp.log(x) if x else mp.mpf(0)  # noqa: E731

    def gaps(*inner):
        knots = [mp.mpf(0), *inner, mp.mpf(1)]
        slopes = [(f(v) - f(u)) / (v - u) for u, v in itertools.pairwise(knots)]
        return [f(u) - s * u + mp.exp(s - 1) for u, s in zip(knots[:-1], slopes, strict=True)]

    inner = mp.findroot(
        lambda *x: [a - b for a, b in zip(gaps(*x)[:-1], gaps(*x)[1:], strict=True)], start, tol=1e-40
    )
    return gaps(*inner)[0] / 2


def test_module_computes_the_same_function():
    torch = pytest.importorskip("torch")
    fit = fit_max_affine(np.exp, 6, Box(-1, 1), kind="upper")
    module = fit.to_module()
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
    assert fit.function.has_float_coefficients
    assert module.pieces == 6
    assert np.allclose(module(x).detach().numpy()[:, 0], fit.function(x.numpy()), rtol=0, atol=1e-15)


def test_least_squares_of_a_parabola():
    # The residual of x^2 on a part of length h is a Legendre polynomial; its integral is h^5 / 180.
    for k in (1, 3):
        fit = fit_max_affine(named_target("square"), k, Box(0, 1), objective="least_squares", starts=4)
        assert fit.rms_error == pytest.approx(math.sqrt(1 / 180) / k**2, rel=1e-9)
        # The parts are equal, and the line is off by h^2 / 6 at their ends.
        assert fit.sup_error == pytest.approx(1 / (6 * k**2), rel=1e-6)
        assert fit.optimal_error == pytest.approx(1 / (8 * k**2), rel=1e-9)


def test_assumptions_are_told():
    assert any("convex" in text for text in fit_max_affine(np.exp, 2, Box(0, 1)).assumptions)
    known = fit_max_affine(named_target("exp"), 2, Box(0, 1)).assumptions
    assert len(known) == 1
    assert "2^-52" in known[0]


@pytest.mark.parametrize(
    "rough",
    [
        lambda x: (x[:, 0].astype(np.float32) ** 2).astype(np.float64),
        lambda x: x[:, 0] ** 2 + 1e8 - 1e8,
    ],
)
def test_roundoff_that_is_larger_than_assumed_is_noticed(rough):
    target = Target(rough, dim=1, name="rough", known_convex=True)
    with pytest.raises(ValueError, match="rough jump by"):
        fit_max_affine(target, 5, Box(0, 1))
    honest = Target(rough, dim=1, roundoff=2.0**30, known_convex=True)
    lo, hi = fit_max_affine(honest, 5, Box(0, 1)).sup_error_bounds
    assert lo < 1 / 200 < hi


def test_least_error_of_a_function_that_is_fitted_exactly_is_0():
    # Its coefficients are no floats, so computed values leave errors of a rounding open.
    fit = fit_max_affine(lambda x: 0.3 * np.abs(x[:, 0] - 0.1) + 0.1 * x[:, 0], 2, Box(-1, 1))
    assert fit.optimal_error == 0
    assert fit.optimal_error_bounds[0] == 0 < fit.optimal_error_bounds[1] < 1e-14


def test_one_piece_is_not_called_pieces():
    assert repr(fit_max_affine(np.exp, 1, Box(0, 1))).startswith("MaxAffineFit(1 piece, ")
    assert repr(fit_max_affine(np.exp, 2, Box(0, 1))).startswith("MaxAffineFit(2 pieces, ")
    assert repr(fit_max_affine(np.exp, 1, Box(0, 1)).function) == "MaxAffine(1 piece, dimension 1)"
