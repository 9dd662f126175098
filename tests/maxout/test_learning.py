"""What maxout units learn: certified deviations, intervals, imitation, twins, budgets."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from plnet import forgetting
from plnet import statistics as means
from plnet.errors import ConfigError, MetricError
from plnet.maxout.learning import (
    STARTS,
    TARGETS,
    Descent,
    active_pieces,
    best_affine_error,
    best_error,
    clopper_pearson_interval,
    compare_budgets,
    convex_gap,
    deviation_bracket,
    exact_deviation,
    imitate,
    imitate_layer,
    imitation_target,
    least_error,
    match_pieces,
    mean_interval,
    next_layer_weights,
    random_units,
    train_twins,
    wilson_interval,
)
from plnet.maxout.learning.descent import descend, loss_and_gradient
from plnet.maxout.learning.stacked_networks import StackedNetworks, parameter_count
from plnet.networks import mlp

PIECEWISE = ("relu", "abs", "leaky_relu", "prelu", "hardtanh", "relu6")
SMOOTH = tuple(name for name in TARGETS if name not in PIECEWISE)
ONE, BOTH = np.array([1.0]), np.array([1.0, -1.0])

TORCH = {
    "relu": torch.relu,
    "abs": torch.abs,
    "leaky_relu": nn.LeakyReLU(0.01),
    "prelu": nn.LeakyReLU(0.25),
    "hardtanh": nn.Hardtanh(),
    "relu6": nn.ReLU6(),
    "elu": nn.ELU(),
    "gelu": nn.GELU(),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "quadratic": torch.square,
    "exp": torch.exp,
    "softplus": nn.Softplus(),
}


pytestmark = pytest.mark.usefixtures("one_thread")


# Targets


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_what_torch_computes(name):
    target = imitation_target(name)
    points = np.linspace(target.low, target.high, 1001)
    wanted = TORCH[name](torch.tensor(points)).numpy()
    np.testing.assert_allclose(target(points), wanted, rtol=1e-12, atol=1e-14)
    steps = np.diff(wanted) / np.diff(points)
    assert target.slopes[0] - 1e-9 <= steps.min()
    assert steps.max() <= target.slopes[1] + 1e-9
    bends = np.diff(steps)
    assert target.convex == (bends.min() >= -1e-12)
    assert target.concave == (bends.max() <= 1e-12)
    if not target.piecewise_linear:
        assert np.abs(bends).max() / (points[1] - points[0]) <= target.curvature * (1 + 1e-6)


@pytest.mark.parametrize(
    ("slope", "convex", "concave"),
    [
        (-2, True, False),
        (-0.3, True, False),
        (1.0, True, True),
        (1 + 2**-52, False, True),
        (1.7, False, True),
    ],
)
def test_rectifiers_bend_up_below_slope_one(slope, convex, concave):
    target = imitation_target("prelu", slope=slope)
    assert (target.convex, target.concave) == (convex, concave)
    assert target.pieces == (1 if slope == 1 else 2)


def test_breakpoints_outside_the_interval_do_not_count():
    assert imitation_target("hardtanh", low=0.0, high=3.0).concave
    assert imitation_target("relu", low=1.0, high=3.0).lines == ((Fraction(1), Fraction(0)),)
    assert imitation_target("sigmoid", low=0.5, high=3.0).concave


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rellu", {}, "Did you mean 'relu'"),
        ("relu", {"slope": 0.3}, "has no slope"),
        ("prelu", {"slope": math.nan}, "finite number"),
        ("relu", {"low": 1.0, "high": 1.0}, "low < high"),
        ("relu", {"high": math.inf}, "finite numbers"),
    ],
)
def test_impossible_targets(name, options, message):
    with pytest.raises(ConfigError, match=message):
        imitation_target(name, **options)


# Deviations


def dyadic(low, high):
    return st.integers(8 * low, 8 * high).map(lambda n: n / 8)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(PIECEWISE), st.integers(1, 2), st.integers(1, 4))
def test_bracket_holds_the_exact_deviation(data, name, units, pieces):
    target, signs = imitation_target(name), BOTH[:units]
    numbers = data.draw(st.lists(dyadic(-3, 3), min_size=2 * units * pieces, max_size=2 * units * pieces))
    weight, bias = np.array(numbers).reshape(2, units, pieces)
    exact, place = exact_deviation(weight, bias, signs, target)
    (lower,), (upper,) = deviation_bracket(weight[None], bias[None], signs, target)
    assert lower <= exact <= upper
    assert upper - lower <= 1e-12
    # A grid is never above, and hits the value where it is attained.
    x = np.append(np.linspace(target.low, target.high, 997), float(place))
    learnt = signs @ (weight[..., None] * x + bias[..., None]).max(axis=1)
    assert np.abs(learnt - target(x)).max() == pytest.approx(float(exact), abs=1e-12)


def test_deviation_by_hand():
    # max(z / 2 + 1, z) against relu on [-2, 2]: 0 at -2, 1 at 0, 0 at 2; the gap z / 2 + 1 is greatest at 0.
    found = exact_deviation(np.array([[0.5, 1.0]]), np.array([[1.0, 0.0]]), ONE, imitation_target("relu"))
    assert found == (Fraction(1), Fraction(0))


@pytest.mark.parametrize("name", SMOOTH)
def test_bracket_of_a_smooth_target_holds_a_fine_grid(name):
    target, rng = imitation_target(name), np.random.default_rng(3)
    weight, bias = rng.normal(size=(2, 6, 2, 3))
    lower, upper = deviation_bracket(weight, bias, BOTH, target)
    x = np.linspace(target.low, target.high, 200_001)
    for i in range(6):
        learnt = BOTH @ (weight[i][..., None] * x + bias[i][..., None]).max(axis=1)
        fine = np.abs(learnt - target(x)).max()
        assert fine <= upper[i]
        assert lower[i] <= fine + 1e-9
    assert (upper - lower).max() <= target.curvature * (target.high - target.low) ** 2 / 3e7 + 1e-10


@pytest.mark.parametrize("k", [1, 2, 5])
def test_best_tangents_of_the_square_have_the_optimal_error(k):
    # Tangents at the middles of k equal parts of [-1, 1], raised by E = 1 / (2 k^2).
    target, middles = imitation_target("quadratic"), -1 + (2 * np.arange(k) + 1) / k
    error = 1 / (2 * k * k)
    lower, upper = deviation_bracket((2 * middles)[None, None], (error - middles**2)[None, None], ONE, target)
    assert lower[0] <= error <= upper[0]
    assert upper[0] - lower[0] <= 1e-6


def test_weights_that_are_not_finite_deviate_without_bound():
    weight = np.array([[[np.nan]], [[1.0]]])
    lower, upper = deviation_bracket(weight, np.zeros((2, 1, 1)), ONE, imitation_target("relu"))
    assert lower[0] == upper[0] == np.inf
    assert upper[1] == pytest.approx(2.0)


def test_no_rational_deviation_from_a_smooth_target():
    with pytest.raises(ConfigError, match="deviation_bracket"):
        exact_deviation(np.zeros((1, 1)), np.zeros((1, 1)), ONE, imitation_target("gelu"))


# Limits


@pytest.mark.parametrize(
    ("name", "low", "high", "error"),
    [
        ("relu", -1, 1, 0.25),
        ("abs", -1, 1, 0.5),
        ("quadratic", 0, 1, 0.125),
        ("exp", 0, 1, 0.1059334163),
        ("exp", -1, 1, 0.2788015858),
        ("softplus", -5, 5, 0.906784084),
        ("hardtanh", -2, 2, 1 / 3),
    ],
)
def test_best_lines_are_those_of_the_tables(name, low, high, error):
    assert best_affine_error(imitation_target(name, low=low, high=high)) == pytest.approx(error, rel=2e-7)


def test_best_line_agrees_with_a_linear_program():
    from scipy.optimize import linprog

    for name in ("gelu", "tanh", "relu6"):
        target = imitation_target(name, low=-3.0, high=7.0)
        x = np.union1d(np.linspace(-3, 7, 4097), [0.0, 6.0])
        y, ones = target(x), np.ones_like(x)
        rows = np.block(
            [[x[:, None], ones[:, None], -ones[:, None]], [-x[:, None], -ones[:, None], -ones[:, None]]]
        )
        found = linprog([0, 0, 1], rows, np.concatenate([y, -y]), bounds=[(None, None)] * 2 + [(0, None)])
        assert best_affine_error(target) == pytest.approx(found.fun, rel=1e-6, abs=1e-9)


def test_convex_gap_by_hand():
    # The hull of relu6 on [-3, 9] runs along 0 and then from (0, 0) to (9, 6); at 6 it is 4 and relu6 is 6.
    assert convex_gap(imitation_target("relu6")) == pytest.approx(1.0)
    assert convex_gap(imitation_target("relu")) == 0.0


@pytest.mark.parametrize(
    ("name", "pieces", "units", "error"),
    [
        ("relu", 2, 1, 0.0),
        ("relu", 1, 1, 0.5),
        ("abs", 3, 2, 0.0),
        ("hardtanh", 2, 2, 0.0),
        ("hardtanh", 2, 1, None),
        ("quadratic", 4, 2, None),
    ],
)
def test_what_is_known_about_the_least_error(name, pieces, units, error):
    target = imitation_target(name)
    assert best_error(target, pieces, units) == error
    assert least_error(target, pieces, units) <= (error if error is not None else 1.0)


# Intervals


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 10), (50, 60), (9, 9)])
def test_ends_of_wilson_solve_the_equation_of_the_score(successes, trials):
    z = stats.norm.ppf(0.975)
    for end in wilson_interval(successes, trials):
        if 0 < end < 1:
            assert abs(successes / trials - end) == pytest.approx(z * math.sqrt(end * (1 - end) / trials))


def test_clopper_pearson_inverts_the_binomial_tails():
    low, high = clopper_pearson_interval(8, 20)
    assert stats.binom.sf(7, 20, low) == pytest.approx(0.025)
    assert stats.binom.cdf(8, 20, high) == pytest.approx(0.025)
    assert clopper_pearson_interval(0, 10) == (0.0, pytest.approx(1 - 0.025**0.1))
    assert clopper_pearson_interval(10, 10)[1] == 1.0


def test_interval_of_a_mean_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=9)
    wanted = stats.t.interval(0.9, 8, loc=values.mean(), scale=stats.sem(values))
    mean, low, high = mean_interval(values, 0.9)
    assert (mean, low, high) == pytest.approx((values.mean(), *wanted))
    assert math.isnan(mean_interval([1.0]).low)
    assert mean_interval is means.mean_interval is forgetting.statistics.mean_interval


@pytest.mark.parametrize(
    "call", [lambda: wilson_interval(3, 2), lambda: wilson_interval(1, 2, 1.0), lambda: mean_interval([])]
)
def test_intervals_of_nothing(call):
    with pytest.raises((ConfigError, MetricError)):
        call()


# Training


@pytest.mark.parametrize("scheme", STARTS)
def test_first_starts_do_not_depend_on_how_many_there_are(scheme):
    # Eighteen numbers: torch draws normal ones in blocks of sixteen and mends the last block.
    few, many = (random_units((r, 1, 3, 1), scheme, rng=4) for r in (3, 40))
    assert torch.equal(few[0], many[0][:3])
    assert torch.equal(few[1], many[1][:3])


def test_he_start_has_the_variance_that_keeps_the_mean_square():
    weight, _ = random_units((4000, 1, 3, 2), "he", rng=0)
    assert weight.var().item() == pytest.approx(0.7839052047 / 2, rel=0.03)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_gradient_is_that_of_autograd(r, m, k, d, seed):
    generator = torch.Generator().manual_seed(seed)
    weight, bias = (p.requires_grad_() for p in random_units((r, m, k, d), "normal", rng=generator))
    x, y = torch.randn(7, d, generator=generator).double(), torch.randn(r, 7, generator=generator).double()
    signs = torch.tensor(BOTH[:m])
    lines = torch.einsum("rmkd,nd->rmkn", weight, x) + bias[..., None]
    loss = (torch.einsum("rmn,m->rn", lines.amax(dim=2), signs) - y).square().mean(dim=1)
    loss.sum().backward()
    found = loss_and_gradient(weight.detach(), bias.detach(), signs, x, y)
    for value, wanted in zip(found, (loss.detach(), weight.grad, bias.grad), strict=True):
        torch.testing.assert_close(value, wanted)


@pytest.mark.parametrize("optimiser", ["adam", "momentum", "rmsprop", "sgd"])
def test_replicates_learn_as_they_would_alone(optimiser):
    weight, bias = random_units((5, 2, 3, 1), rng=1)
    x = torch.linspace(-2, 2, 40, dtype=torch.float64)[:, None]
    signs, descent = torch.tensor(BOTH), Descent(optimiser, steps=30)
    together = descend(weight, bias, signs, x, x[:, 0].relu(), descent)
    alone = descend(weight[3:4], bias[3:4], signs, x, x[:, 0].relu(), descent)
    torch.testing.assert_close(together.weight[3:4], alone.weight, rtol=1e-9, atol=1e-11)
    assert together.loss[3] < 1.0


def test_interrupted_descent_keeps_its_steps():
    weight, bias = random_units((2, 1, 2, 1), rng=0)
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]

    def stop(step):
        if step == 7:
            raise KeyboardInterrupt

    found = descend(weight, bias, torch.ones(1).double(), x, x[:, 0].abs(), Descent(steps=100), report=stop)
    assert (found.steps, found.stopped_by) == (7, "Ctrl-C")
    assert not torch.equal(found.weight, weight)


# Imitation


@pytest.fixture(scope="module")
def learnt_relu():
    return imitate("relu", 3, replicates=30, steps=600, rng=0)


def test_most_starts_learn_relu(learnt_relu):
    assert learnt_relu.rate >= 0.8
    assert learnt_relu.threshold == pytest.approx(0.02 * 0.5)
    low, high = learnt_relu.interval()
    assert low <= learnt_relu.rate <= high
    wide = learnt_relu.interval(kind="clopper_pearson")
    assert wide[0] <= low + 0.02
    assert not learnt_relu.impossible
    for i in (0, learnt_relu.best):
        exact, _ = exact_deviation(learnt_relu.weight[i], learnt_relu.bias[i], ONE, learnt_relu.target)
        assert learnt_relu.lower[i] <= exact <= learnt_relu.upper[i]
        assert learnt_relu.success[i] == (exact <= learnt_relu.threshold)


def test_learnt_pieces_stand_beside_the_exact_ones(learnt_relu):
    matches = learnt_relu.pieces_of()
    assert [match.exact for match in matches] == [(0, 0), (1, 0)]
    # The two halves of the interval hold one line each, so its ends are as close as the deviation.
    assert max(match.distance for match in matches) <= 3 * learnt_relu.threshold


def test_module_of_a_replicate_is_its_function(learnt_relu):
    x = torch.linspace(-2, 2, 50, dtype=torch.float64)[:, None]
    found = learnt_relu.to_module(4)(x)[:, 0].detach().numpy()
    lines = learnt_relu.weight[4, 0][:, None] * x[:, 0].numpy() + learnt_relu.bias[4, 0][:, None]
    np.testing.assert_allclose(found, lines.max(axis=0), rtol=1e-14)


def test_budget_of_time_keeps_what_is_known():
    seen = []
    found = imitate("relu", 2, replicates=2, steps=10**7, max_seconds=0.05, progress=seen.append, rng=0)
    assert found.stopped_by == "max_seconds"
    assert 0 < found.steps < 10**7
    assert seen == list(range(50, found.steps + 1, 50))
    assert train_twins(widths=(2, 3, 1), steps=10**7, max_seconds=0.05, rng=0).loss.shape[0] == 0
    (curve,) = compare_budgets("waves", (60,), pieces=(1,), steps=10**7, max_seconds=0.05, rng=0)
    assert curve.errors.shape == (0, 10)
    with pytest.raises(ConfigError, match="max_seconds > 0"):
        imitate("relu", 2, max_seconds=0)


def test_affine_target_is_learnt_too():
    found = imitate(imitation_target("prelu", slope=1.0), 1, replicates=5, steps=400, rng=0)
    assert found.threshold == pytest.approx(0.02 * 2)
    assert found.success.all()


def test_same_seed_same_result(learnt_relu):
    again = imitate("relu", 3, replicates=30, steps=600, rng=0)
    np.testing.assert_array_equal(again.upper, learnt_relu.upper)


@pytest.mark.parametrize(
    ("name", "slope"), [("hardtanh", None), ("relu6", None), ("prelu", 1.7), ("sigmoid", None)]
)
def test_one_unit_never_learns_what_is_not_convex(name, slope):
    target = imitation_target(name, slope=slope)
    found = imitate(target, 4, replicates=10, steps=200, rng=0)
    assert found.impossible
    assert found.rate == 0.0
    # Whatever was learnt, the proved bound holds.
    assert (found.upper >= found.least_error).all()


def test_two_units_learn_a_difference():
    found = imitate("hardtanh", 3, units=2, replicates=20, steps=800, rng=0)
    assert not found.impossible
    assert found.success.any()
    with pytest.raises(ConfigError, match="no unique pieces"):
        found.pieces_of()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_nothing_learnt_beats_the_optimum(k):
    found = imitate("quadratic", k, replicates=20, steps=400, rng=1)
    assert found.optimal_error == pytest.approx(1 / (2 * k * k), rel=1e-6)
    assert (found.upper >= found.optimal_error * (1 - 1e-9)).all()
    # The least squares of a square are within 4/3 of the least greatest error, where they are found.
    assert k > 2 or found.rate > 0


def test_more_pieces_are_matched_whatever_their_order():
    exact = imitation_target("abs")
    weight, bias = np.array([0.0, 1.0, 0.5, -1.0]), np.array([-5.0, 0.0, -5.0, 0.0])
    assert active_pieces(weight, bias, -2, 2).tolist() == [False, True, False, True]
    matches = match_pieces(weight, bias, exact)
    assert [(match.exact[0], match.piece, match.distance) for match in matches] == [(-1, 3, 0.0), (1, 1, 0.0)]
    with pytest.raises(ConfigError, match="no unique pieces"):
        match_pieces(weight, bias, imitation_target("hardtanh"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pieces": 0}, "pieces to be a positive integer, got 0"),
        ({"replicates": 0}, "replicates"),
        ({"units": 3}, "difference of two"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"initialiser": "hee"}, "Did you mean 'he'"),
        ({"optimiser": "adm"}, "Did you mean 'adam'"),
        ({"steps": 0}, "steps"),
        ({"learning_rate": math.nan}, "learning_rate"),
    ],
)
def test_impossible_options(options, message):
    with pytest.raises(ConfigError, match=message):
        imitate("relu", **{"pieces": 2, **options})


# Layers and twins


def test_layers_are_compared_exactly():
    found = imitate_layer("relu", 2, width=2, replicates=4, steps=500, rng=0)
    x = torch.rand(3000, 2, dtype=torch.float64) * 2 - 1
    for i, deviation in enumerate(found.deviations):
        seen = (found.to_module(i)(x) - found.layer(x)).abs().max().item()
        assert seen <= deviation
        assert deviation <= seen + 0.1, "a random point is near the worst one"
    assert found.success.tolist() == [d <= found.threshold for d in found.deviations]
    with pytest.raises(ConfigError, match="piecewise-linear"):
        imitate_layer("gelu", 2)


def test_twins_start_as_one_function_and_part():
    history = train_twins("abs", widths=(2, 4, 1), replicates=2, steps=60, samples=64, rng=0)
    assert history.start_deviations == (0, 0, 0)
    assert history.steps.tolist() == [0, 1, 2, 5, 10, 20, 50, 60]
    assert history.loss.shape == history.distance.shape == history.regions.shape == (2, 3, 8)
    np.testing.assert_array_equal(history.distance[:, :, 0], 0.0)
    np.testing.assert_array_equal(history.distance[:, 0], 0.0)
    assert (history.distance[:, 1:, 1:] > 0).all(), "one step is enough to part"
    assert (history.regions[:, :, 0] == history.regions[:, :1, 0]).all()
    # 2 * 4 + 4 and 4 + 1 of the original; four units with two slopes and two intercepts; twice the filters.
    assert history.parameters == (17, 17 + 16, 24 + 5)
    assert history.intervals("fused").shape == (8, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "gelu"}, "activation to be one of"),
        ({"widths": (3, 4, 1)}, "widths"),
        ({"slope": 1.7, "activation": "prelu"}, "at most 1"),
        ({"surface": "sqare"}, "surface to be one of"),
        ({"steps": 0}, "steps"),
    ],
)
def test_impossible_twins(options, message):
    with pytest.raises(ConfigError, match=message):
        train_twins(**options)


# Budgets


@pytest.mark.parametrize("pieces", [1, 3])
def test_stacked_networks_are_networks_side_by_side(pieces):
    stacked = StackedNetworks(2, [3, 4, 5, 1], pieces, rng=0)
    network = mlp(
        [3, 4, 5, 1],
        "relu" if pieces == 1 else "maxout",
        pieces=None if pieces == 1 else pieces,
        dtype=torch.float64,
        rng=0,
    )
    assert sum(p.numel() for p in network.parameters()) == parameter_count([3, 4, 5, 1], pieces)
    assert sum(p.numel() for p in stacked.parameters()) == 2 * parameter_count([3, 4, 5, 1], pieces)
    layers = [layer for layer in network if hasattr(layer, "weight")]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, stacked.weights, stacked.biases, strict=True):
            layer.weight.copy_(weight[1].reshape(layer.weight.shape))
            layer.bias.copy_(bias[1].reshape(layer.bias.shape))
        x = torch.randn(3, 20, dtype=torch.float64)
        torch.testing.assert_close(stacked(x)[1], network(x.T).T)


def test_groups_of_k_need_k_times_fewer_weights():
    for k in (2, 3, 5):
        assert next_layer_weights(60, 1, 7) == k * next_layer_weights(60, k, 7)
    with pytest.raises(ConfigError, match="multiple of pieces"):
        next_layer_weights(10, 3, 7)


def test_budgets_are_kept_and_training_helps():
    options = {"replicates": 3, "samples": 128, "rng": 0, "progress": None}
    start = compare_budgets("square", (80,), steps=1, **options)
    curves = compare_budgets("square", (80,), steps=200, **options)
    for curve, first in zip(curves, start, strict=True):
        assert curve.errors.shape == (1, 3)
        assert curve.parameters[0] <= 80
        assert parameter_count([2, curve.widths[0] + 1, curve.widths[0] + 1, 1], curve.pieces) > 80
        assert curve.errors.mean() < 0.6 * first.errors.mean()
        mean, low, high = curve.intervals()[0]
        assert low <= mean <= high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"surface": "cube"}, "surface to be one of"),
        ({"budgets": (5,)}, "at least 7 parameters"),
        ({"pieces": (0,)}, "pieces to be a positive integer"),
        ({"surface": "saddle", "dim": 1}, "dim >= 2"),
        ({"hidden_layers": 1}, "hidden_layers"),
    ],
)
def test_impossible_budgets(options, message):
    with pytest.raises(ConfigError, match=message):
        compare_budgets(**options)
