"""Fits of networks: their exact errors against the exact extrema of the difference network."""

from fractions import Fraction

import numpy as np
import pytest
from sizes import few

import plnet
from plnet import Box, Segment, Slice
from plnet.equivalence import difference_network
from plnet.errors import NotConvexError, UnboundedDomainError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.maxout import MaxAffine
from plnet.maxout.fitting import fit_max_affine, named_target, optimal_error


def network(rng, d, width, convex):
    weight = rng.normal(size=(1, width))
    return PLNetwork(
        (
            Affine(rng.normal(size=(width, d)), rng.normal(size=width)),
            ScalarPWL.relu(width),
            Affine(np.abs(weight) if convex else weight, [0.0]),
        ),
        d,
    )


def exact_errors(net, function, domain):
    """Return the largest values of f - g and g - f by another way: the regions of one network."""
    found = plnet.enumerate_regions(difference_network(net, function.to_network()), domain).extrema()
    return found.maximum.value, -found.minimum.value


@pytest.mark.parametrize(
    ("d", "kind"), [(1, "free"), (1, "lower"), (2, "free"), (2, "lower"), (2, "upper"), (3, "upper")]
)
def test_convex_networks(d, kind, rng):
    net = network(rng, d, 5, convex=True)
    domain = Box([-1] * d, [1] * d)
    fit = fit_max_affine(net, 3, domain, kind=kind, starts=2)
    below, above = exact_errors(net, fit.function, domain)
    lo, hi = fit.sup_error_bounds
    assert isinstance(hi, Fraction)
    assert lo == hi == fit.sup_error == max(below, above)
    assert fit.function.has_float_coefficients or hi == 0
    assert {"free": abs(below - above) <= 1e-12, "lower": above <= 0, "upper": below <= 0}[kind]
    if d == 1:
        assert hi == pytest.approx(fit.optimal_error, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("d", few([1, 2], 1))
def test_networks_that_are_not_convex(d, rng):
    net = network(rng, d, 5, convex=False)
    domain = Box([-1] * d, [1] * d)
    fit = fit_max_affine(net, 3, domain, starts=4)
    below, above = exact_errors(net, fit.function, domain)
    assert fit.sup_error == max(below, above)
    # Both sides are equal up to the rounding of the offsets, which a steep piece makes large.
    assert abs(below - above) <= 4 * np.spacing(float(max(map(abs, fit.function.offsets))))
    assert fit.function.has_float_coefficients or fit.sup_error == 0


def test_one_sided_fits_need_convexity(rng):
    net = PLNetwork((ScalarPWL.relu(1), Affine([[-1.0]], [0.0])), 1)
    with pytest.raises(NotConvexError, match="lower") as caught:
        fit_max_affine(net, 2, Box(-1, 1), kind="lower")
    assert caught.value.witness is not None
    assert fit_max_affine(net, 3, Box(-1, 1)).sup_error == Fraction(1, 4)


def test_enough_pieces_give_the_network_itself(rng):
    net = network(rng, 2, 4, convex=True)
    for domain in (None, Box(-1, 1)):
        fit = fit_max_affine(net, 11, domain)
        assert fit.sup_error == 0
        assert fit.optimal_error == 0
        points = rng.uniform(-1, 1, (50, 2))
        exact = net.evaluate(points, exact=True)[:, 0]
        assert fit.function(points, exact=True).tolist() == exact.tolist()


def test_unbounded_domains():
    absolute = PLNetwork((ScalarPWL.absolute(1),), 1)
    assert fit_max_affine(absolute, 2).sup_error == 0
    with pytest.raises(UnboundedDomainError, match="2 pieces"):
        fit_max_affine(absolute, 1)


def test_three_pieces_by_two():
    # max(0, |x| - 1): the chord of [0, 2] lies 1/2 above it at 1, that of [-2, 2] lies 1 above it at 0.
    target = MaxAffine([[-1], [0], [1]], [-1, 0, -1])
    assert optimal_error(target, 2, Box(-2, 2)) == pytest.approx(0.25, rel=1e-9)
    assert optimal_error(target, 1, Box(-2, 2)) == pytest.approx(0.5, rel=1e-9)


def test_sum_of_absolute_values():
    # Two pieces: +-x0 + 1/2 misses |x1| by 1/2, and no two pieces do better at the nine points of a grid.
    target = named_target("norm1", 2)
    assert fit_max_affine(target, 4, Box(-1, 1)).sup_error == 0
    assert fit_max_affine(target, 2, Box(-1, 1)).sup_error == pytest.approx(0.5, rel=1e-6)


def test_slices_of_networks(rng):
    net = network(rng, 3, 4, convex=True)
    segment = Segment([-1.0, 0.5, 0.0], [1.0, 1.0, 2.0])
    fit = fit_max_affine(net, 2, segment)
    t = np.linspace(0, 1, 101)
    x = np.array([-1.0, 0.5, 0.0]) + t[:, None] * np.array([2.0, 0.5, 2.0])
    seen = np.abs(net.evaluate(x)[:, 0] - fit.function(t)).max()
    assert seen <= fit.sup_error + 1e-12
    assert seen >= 0.9 * float(fit.sup_error) - 1e-12
    plane = fit_max_affine(net, 3, Slice([0.0] * 3, [[1, 0, 1], [0, 1, 0]], -1, 1), starts=2)
    assert plane.function.dim == 2


def test_torch_modules():
    torch = pytest.importorskip("torch")
    assert fit_max_affine(torch.nn.ReLU(), 2, Box(-1, 1)).sup_error == 0
    two = torch.nn.Linear(3, 2)
    with pytest.raises(ValueError, match="one output"):
        fit_max_affine(two, 2, Box(-1, 1))
