"""The intermediate representation itself: pieces, ties, exact and rounded evaluation."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from plnet.errors import DimensionError, NetworkError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL


def single(layer):
    return PLNetwork((layer,), layer.n_in)


def random_network(rng, widths=(3, 5, 4, 2)):
    """Return a network with a layer of each kind, and carried units."""
    n, a, b, m = widths
    activation = ScalarPWL(
        np.tile([-0.5, 1.25], (a, 1)), rng.standard_normal((a, 3)), rng.standard_normal(a), "kinks"
    )
    groups = np.array([[0, 1, 2], [3, 4, 0], [1, 3, 2], [4, 4, 4]])[:b]
    return PLNetwork(
        (
            Affine(rng.standard_normal((a, n)), rng.standard_normal(a)),
            activation,
            GroupMax(groups, a),
            Affine(rng.standard_normal((m, b)), rng.standard_normal(m)),
        ),
        n,
    )


def fraction_value(network, point):
    """Evaluate in fractions from the stored numbers, without any method of the network."""
    values = [Fraction(v) for v in point]
    for layer in network.layers:
        if isinstance(layer, Affine):
            rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
            values = [
                sum(Fraction(w) * v for w, v in zip(row, values, strict=True)) + Fraction(b)
                for row, b in rows
            ]
        elif isinstance(layer, GroupMax):
            values = [max(values[i] for i in group) for group in layer.groups.tolist()]
        else:
            values = [_scalar_value(layer, unit, v) for unit, v in enumerate(values)]
    return values


def _scalar_value(layer, unit, z):
    points = [Fraction(t) for t in layer.breakpoints[unit].tolist() if t != np.inf]
    slopes = [Fraction(s) for s in layer.slopes[unit].tolist()]
    start = points[0] if points else Fraction(0)
    value = Fraction(layer.anchors[unit])
    if not points or z <= start:
        return value + slopes[0] * (z - start)
    for piece, left in enumerate(points):
        right = points[piece + 1] if piece + 1 < len(points) else z
        value += slopes[piece + 1] * (min(z, right) - left)
        if z <= right:
            break
    return value


@pytest.mark.parametrize(
    ("layer", "x", "expected", "pieces"),
    [
        (ScalarPWL.relu(1), [-2, 0, 3], [0, 0, 3], [0, 0, 1]),
        (ScalarPWL.absolute(1), [-2, 0, 3], [2, 0, 3], [0, 0, 1]),
        (ScalarPWL.leaky_relu([-0.5]), [-2, 0, 3], [1, 0, 3], [0, 0, 1]),
        (ScalarPWL.leaky_relu([1.5]), [-2, 0, 3], [-3, 0, 3], [0, 0, 1]),
        (ScalarPWL.hardtanh(1, -1, 1), [-2, -1, 0, 1, 3], [-1, -1, 0, 1, 1], [0, 0, 1, 1, 2]),
        (ScalarPWL.hardtanh(1, 0, 6), [-1, 0, 6, 7], [0, 0, 6, 6], [0, 0, 1, 2]),
        (ScalarPWL.uniform(1, [1, 2], [1, -1, 4], 5), [0, 1, 1.5, 2, 3], [4, 5, 4.5, 4, 8], [0, 0, 1, 1, 2]),
    ],
)
def test_values_and_pieces_of_scalar_functions(layer, x, expected, pieces):
    network = single(layer)
    points = np.array(x, dtype=float)[:, None]
    for exact in (False, True):
        assert network.evaluate(points, exact=exact).ravel().tolist() == expected
        assert network.pattern_at(points, exact=exact).ravel().tolist() == pieces


def test_a_unit_without_breakpoint_is_no_column_of_the_pattern():
    network = single(ScalarPWL.concatenate([ScalarPWL.relu(2), ScalarPWL.identity(1), ScalarPWL.absolute(1)]))
    assert network.n_units == 3
    assert network.hidden_widths == (3,)
    assert [unit for _, unit, _ in network.unit_names] == [0, 1, 3]
    assert network.evaluate([[-1.0, 2.0, -3.0, -4.0]]).tolist() == [[0.0, 2.0, -3.0, 4.0]]
    assert network.pattern_at([[-1.0, 2.0, -3.0, -4.0]]).tolist() == [[0, 1, 0]]


def test_units_with_fewer_breakpoints_are_padded():
    layer = ScalarPWL.concatenate(
        [ScalarPWL.hardtanh(1, -1, 1), ScalarPWL.relu(1), ScalarPWL.identity(1)], "mixed"
    )
    assert layer.n_pieces.tolist() == [3, 2, 1]
    assert single(layer).evaluate([[5.0, -5.0, 7.0], [0.5, 5.0, -7.0]]).tolist() == [[1, 0, 7], [0.5, 5, -7]]
    assert single(layer).n_units == 2


def test_the_last_of_equal_maximisers_wins():
    network = single(GroupMax([[0, 1, 2]], 3))
    points = [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [2.0, 1.0, 1.0], [0.0, 2.0, 1.0]]
    for exact in (False, True):
        assert network.pattern_at(points, exact=exact).ravel().tolist() == [2, 1, 2, 0, 1]
        assert network.evaluate(points, exact=exact).ravel().tolist() == [0, 1, 1, 2, 2]


def test_the_group_of_z_and_zero_has_the_pattern_of_a_relu_backwards():
    maximum = PLNetwork((Affine([[1.0], [0.0]], [0.0, 0.0]), GroupMax([[0, 1]], 2)), 1)
    points = np.array([[-1.0], [0.0], [1.0]])
    relu = single(ScalarPWL.relu(1))
    assert maximum.evaluate(points).tolist() == relu.evaluate(points).tolist()
    assert (1 - maximum.pattern_at(points)).tolist() == relu.pattern_at(points).tolist()


def test_a_group_that_repeats_one_input_carries_it():
    network = single(GroupMax([[0, 1], [1, 1]], 2))
    assert network.n_units == 1
    assert network.evaluate([[1.0, -2.0]]).tolist() == [[1.0, -2.0]]


def test_exact_evaluation_agrees_with_fractions_and_floats(rng):
    network = random_network(rng)
    points = rng.standard_normal((6, 3)) * np.array([[1e-3], [1e-1], [1], [1], [10], [1e3]])
    exact = network.evaluate(points, exact=True)
    assert exact.tolist() == [fraction_value(network, point) for point in points.tolist()]
    values, radius = network.evaluate_with_error(points)
    np.testing.assert_array_equal(values, network.evaluate(points))
    gap = [
        abs(Fraction(v) - e) <= Fraction(r)
        for v, e, r in zip(values.ravel(), exact.ravel(), radius.ravel(), strict=True)
    ]
    assert all(gap)
    assert (radius < 1e-9 * (1 + np.abs(values))).all()
    assert np.array_equal(network.pattern_at(points), network.pattern_at(points, exact=True))


def test_exact_evaluation_takes_fractions():
    network = single(Affine([[3.0]], [0.0]))
    assert network.evaluate(np.array([[Fraction(1, 3)]]), exact=True).tolist() == [[1]]


def test_the_error_bound_is_not_empty():
    # Cancellation: the float value is off by more than the last digit of the result.
    network = PLNetwork((Affine([[0.1], [0.3]], [0.0, 0.0]), Affine([[3.0, -1.0]], [0.0])), 1)
    values, radius = network.evaluate_with_error([[1.0]])
    exact = network.evaluate([[1.0]], exact=True)[0, 0]
    assert exact != 0
    assert Fraction(values[0, 0]) != exact
    assert abs(Fraction(values[0, 0]) - exact) <= Fraction(radius[0, 0])
    assert radius[0, 0] < 1e-14


def test_the_error_bound_holds_where_products_underflow():
    network = single(Affine([[1e-200]], [0.0]))
    values, radius = network.evaluate_with_error([[1e-200]])
    exact = network.evaluate([[1e-200]], exact=True)[0, 0]
    assert abs(Fraction(values[0, 0]) - exact) <= Fraction(radius[0, 0])


def torch_forward(network):
    def forward(x):
        for layer in network.layers:
            if isinstance(layer, Affine):
                x = torch.tensor(layer.weight) @ x + torch.tensor(layer.bias)
            elif isinstance(layer, GroupMax):
                x = x[torch.tensor(layer.groups)].amax(dim=-1)
            else:
                pieces = (x[:, None] > torch.tensor(layer.breakpoints)).sum(dim=1)
                units = torch.arange(layer.n_out)
                x = torch.tensor(layer.slopes)[units, pieces] * x
                x = x + torch.tensor(layer.intercepts)[units, pieces]
        return x

    return forward


def test_affine_maps_are_the_jacobian(rng):
    network = random_network(rng)
    # A carried unit repeats one index three times; amax would share its gradient equally, which is the same.
    points = rng.standard_normal((8, 3))
    gradients, offsets = network.affine_map_at(points)
    expected = torch.func.vmap(torch.func.jacrev(torch_forward(network)))(torch.tensor(points)).numpy()
    np.testing.assert_allclose(gradients, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        np.einsum("rmd,rd->rm", gradients, points) + offsets, network.evaluate(points), rtol=1e-10, atol=1e-10
    )
    exact_gradients, exact_offsets = network.affine_map_at(points, exact=True)
    np.testing.assert_allclose(exact_gradients.astype(float), gradients, rtol=1e-12, atol=1e-12)
    value = [
        sum(g * Fraction(t) for g, t in zip(row, points[0], strict=True)) + offset
        for row, offset in zip(exact_gradients[0], exact_offsets[0], strict=True)
    ]
    assert value == fraction_value(network, points[0].tolist())


def test_affine_maps_in_the_coordinates_of_an_embedding(rng):
    network = random_network(rng)
    directions, origin = rng.standard_normal((3, 2)), rng.standard_normal(3)
    t = rng.standard_normal((5, 2))
    patterns = network.pattern_at(t @ directions.T + origin)
    gradients, offsets = network.affine_maps(patterns, (directions, origin))
    assert gradients.shape == (5, 2, 2)
    np.testing.assert_allclose(
        np.einsum("rmd,rd->rm", gradients, t) + offsets,
        network.evaluate(t @ directions.T + origin),
        rtol=1e-10,
        atol=1e-10,
    )


def test_a_network_without_units_has_one_map_for_each_point():
    network = single(Affine([[1.0, 2.0]], [3.0]))
    points = np.zeros((4, 2))
    assert network.pattern_at(points).shape == (4, 0)
    assert network.affine_map_at(points)[0].tolist() == [[[1.0, 2.0]]] * 4
    assert network.affine_map_at(points, exact=True)[1].tolist() == [[3]] * 4


def test_an_empty_chain_is_the_identity():
    network = PLNetwork((), 2)
    assert network.output_dim == 2
    assert network.evaluate([[1.0, 2.0]]).tolist() == [[1.0, 2.0]]
    assert network.evaluate([[1.0, 2.0]], exact=True).tolist() == [[1, 2]]


def test_layers_cannot_be_changed():
    weight = np.ones((1, 1))
    layer = Affine(weight, [0.0])
    weight[0, 0] = 5.0
    assert layer.weight[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 2.0
    with pytest.raises(AttributeError):
        layer.weight = weight


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Affine([[1.0, 2.0]], [1, 2], "fc"), r"bias \(n_out,\) in layer fc, got \(1, 2\) and \(2,\)"),
        (lambda: Affine([[np.nan]], [0.0], "fc"), r"in the weight of layer fc, got nan at index \(0, 0\)"),
        (lambda: Affine([[1.0]], [np.inf], "fc"), "finite numbers in the bias of layer fc"),
        (lambda: ScalarPWL([[1.0, 1.0]], [[0, 1, 2]], [0], "act"), "of layer act must ascend strictly"),
        (lambda: ScalarPWL([[np.inf, 1.0]], [[0, 1, 2]], [0], "act"), "must ascend strictly"),
        (lambda: ScalarPWL([[np.nan]], [[0, 1]], [0], "act"), "must be finite numbers"),
        (lambda: ScalarPWL([[0.0]], [[0.0]], [0], "act"), r"slopes \(n, q \+ 1\)"),
        (lambda: ScalarPWL([[0.0]], [[0.0, np.nan]], [0], "act"), "numbers in the slopes of layer act"),
        (lambda: GroupMax([[0, 2]], 2, "pool"), r"of layer pool must lie in \[0, 2\), got 0 to 2"),
        (lambda: GroupMax([0, 1], 2, "pool"), r"groups \(n_out, k\) with k >= 1"),
        (lambda: PLNetwork((), 0), "at least one input, got input_dim=0"),
        (lambda: PLNetwork((Affine([[1.0]], [0.0]), ScalarPWL.relu(2, "act")), 1), r"1 \(act\) takes 2"),
    ],
)  # fmt: skip
def test_impossible_layers_are_refused(build, message):
    with pytest.raises(NetworkError, match=message):
        build()


@pytest.mark.parametrize("method", ["evaluate", "evaluate_with_error", "pattern_at", "affine_map_at"])
@pytest.mark.parametrize("points", [np.zeros(2), np.zeros((4, 3)), np.zeros((1, 2, 1))])
def test_points_of_another_shape_are_refused(method, points):
    network = single(ScalarPWL.relu(2))
    with pytest.raises(DimensionError, match=r"points of shape \(n, 2\), got"):
        getattr(network, method)(points)
