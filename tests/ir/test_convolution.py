"""Convolutions, pools and other operators: read, evaluated, written and read again."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn
from torch_modules import Forward, assert_same_function, ready
from windowed_modules import WINDOWED, conv, residual

from plnet.errors import DimensionError, FileFormatError, IngestError, NetworkError, UnsupportedLayerError
from plnet.ir import (
    Affine,
    Convolution,
    PLNetwork,
    ScalarPWL,
    SparseAffine,
    StackedAffine,
    as_network,
    supported_layers,
    to_sequential,
)
from plnet.ir.operators import sparse_rows
from plnet.ir.safe_patterns import safe_patterns
from plnet.ir.stored import network_from_header, network_to_header

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.fixture(scope="module", params=WINDOWED, ids=lambda name: name.replace(" ", "-"))
def case(request):
    build, shape = WINDOWED[request.param]
    module = ready(build())
    return module, shape, as_network(module, shape)


def points_of(network, n=3, seed=0):
    return np.random.default_rng(seed).integers(-64, 64, (n, network.input_dim)) / 32


def test_the_network_is_the_module(case):
    module, _, network = case
    assert_same_function(network, module)


def test_exact_values_lie_within_the_error_bound(case):
    _, _, network = case
    if network.input_dim > 1000:
        pytest.skip("exact arithmetic would take long")
    points = points_of(network)
    values, radius = network.evaluate_with_error(points)
    exact = network.evaluate(points, exact=True)
    found = np.vectorize(Fraction)(values)
    assert (abs(found - exact) <= np.vectorize(Fraction)(radius)).all()
    assert radius.max() < 1e-10
    patterns, safe = safe_patterns(network, points, np.zeros_like(points))
    assert np.array_equal(network.pattern_at(points, exact=True)[safe], patterns[safe])


def test_affine_maps_of_regions(case):
    _, _, network = case
    if network.input_dim > 100:
        pytest.skip("the map in all inputs is large")
    points = points_of(network, 2)
    gradients, offsets = network.affine_map_at(points)
    exact_gradients, exact_offsets = network.affine_map_at(points, exact=True)
    np.testing.assert_allclose(gradients, exact_gradients.astype(float), atol=1e-12)
    np.testing.assert_allclose(offsets, exact_offsets.astype(float), atol=1e-12)
    exact = [[Fraction(x) for x in point] for point in points.tolist()]
    for gradient, offset, point in zip(exact_gradients, exact_offsets, exact, strict=True):
        assert np.array_equal(gradient @ point + offset, network.evaluate([point], exact=True)[0])


def test_rows_columns_and_matrices_agree(case):
    _, _, network = case
    rng = np.random.default_rng(1)
    for layer in network.layers:
        if not isinstance(layer, Affine) or layer.n_in * layer.n_out > 20_000:
            continue
        matrix = layer.exact[0].to_float()
        np.testing.assert_allclose(layer.weight, matrix, rtol=1e-15)
        assert not layer.has_exact_weight or np.array_equal(layer.weight, matrix)
        assert (np.abs(matrix) <= layer.weight_size * (1 + 1e-12)).all()
        values = rng.standard_normal((4, layer.n_in))
        np.testing.assert_allclose(layer.apply(values), values @ matrix.T + layer.bias, atol=1e-12)
        listed = sparse_rows(layer)
        np.testing.assert_allclose(listed.apply(values), layer.apply(values), atol=1e-12)
        for output in range(0, layer.n_out, 5):
            inputs, weights = layer.row(output)
            row = np.zeros(layer.n_in)
            row[inputs] = [float(w) for w in weights]
            assert np.array_equal(row, matrix[output])
            assert len(inputs) <= layer.n_terms


def same_layers(first, second):
    if type(first) is not type(second):
        return False
    if isinstance(first, StackedAffine):
        pairs = zip(first.parts, second.parts, strict=True)
        return all(map(np.array_equal, first.inputs, second.inputs)) and all(same_layers(*p) for p in pairs)
    keys = ("breakpoints", "slopes", "anchors", "groups", "kernel", "table", "starts", "inputs", "values")
    arrays = [(getattr(first, key), getattr(second, key)) for key in (*keys, "bias") if hasattr(first, key)]
    if isinstance(first, Affine) and first.is_dense:
        arrays.append((first.weight, second.weight))
    if isinstance(first, SparseAffine):
        arrays.append((first.divisors, second.divisors))
    return all(np.array_equal(a, b) for a, b in arrays)


def test_export_and_back(case):
    _, shape, network = case
    module = to_sequential(network)
    again = as_network(module, shape)
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in network.layers]
    assert_same_function(again, module)
    points = points_of(network)
    assert np.array_equal(again.evaluate(points), network.evaluate(points))


def test_files_keep_every_layer(case):
    _, _, network = case
    arrays = {}
    header = network_to_header(network, arrays)
    again = network_from_header(header, arrays)
    assert all(map(same_layers, network.layers, again.layers))
    assert again.input_shape == network.input_shape
    header["layers"].append({"kind": "Riddle", "name": "", "n_in": 1})
    with pytest.raises(FileFormatError, match="Unknown kind of layer 'Riddle'"):
        network_from_header(header, arrays)


def test_all_registered_windows_are_tested():
    built = {type(part).__name__ for build, _ in WINDOWED.values() for part in build().modules()}
    names = {row.name.rpartition(".")[2] for row in supported_layers() if row.kind == "module"}
    windows = {
        name for name in names if any(word in name for word in ("Conv", "Pool", "Pad", "Shuffle", "sampl"))
    }
    assert windows - {"GatheredConvolution"} <= built


# What is kept exactly


def test_an_average_is_a_rational():
    network = as_network(nn.AvgPool2d(3), (1, 3, 3))
    ones = np.full((1, 9), Fraction(1))
    ones[0, 0] = Fraction(0)
    assert network.evaluate(ones, exact=True).tolist() == [[Fraction(8, 9)]]
    mean = as_network(Forward(lambda m, x: x.mean(1)), 3)
    assert mean.evaluate([[Fraction(1), Fraction(0), Fraction(0)]], exact=True) == [[Fraction(1, 3)]]
    half = as_network(nn.AvgPool1d(4), (1, 4)).layers[0]
    assert half.divisors is None
    assert np.array_equal(half.weight, np.full((1, 4), 0.25))


def test_a_hard_sigmoid_is_a_rational():
    network = as_network(nn.Hardsigmoid(), 1)
    found = network.evaluate([[Fraction(1)], [Fraction(7)], [Fraction(-4)]], exact=True).ravel().tolist()
    assert found == [Fraction(4, 6), 1, 0]


def test_padding_never_wins_a_maximum():
    network = as_network(nn.MaxPool1d(3, stride=1, padding=1), (1, 3))
    assert network.evaluate(np.array([[-5.0, -7.0, -6.0]])).tolist() == [[-5.0, -5.0, -6.0]]
    # The piece is the last place in the window; padded places repeat the last entry that is there.
    assert network.pattern_at(np.array([[-5.0, -7.0, -6.0]])).tolist() == [[1, 0, 2]]


def test_a_convolution_by_hand():
    module = nn.Conv1d(1, 1, 2, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[[2.0, -1.0]]]))
    (layer,) = as_network(module, (1, 3)).layers
    assert isinstance(layer, Convolution)
    assert layer.weight.tolist() == [[2.0, -1.0, 0.0], [0.0, 2.0, -1.0]]
    assert layer.row(1) == (pytest.approx([1, 2]), [2, -1])


def test_reflection_adds_weights_exactly():
    module = nn.Conv1d(1, 1, 3, padding=1, padding_mode="reflect", bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[[1.0, 0.0, 2.0**-40]]]))
    (layer,) = as_network(module, (1, 2)).layers
    assert layer.row(0)[1] == [1 + Fraction(1, 2**40)]
    assert not layer.has_exact_weight


def test_large_layers_are_no_matrices():
    module = nn.Sequential(conv(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2))
    network = as_network(ready(module), (3, 32, 32))
    affine = [layer for layer in network.layers if isinstance(layer, Affine)]
    assert [type(layer) for layer in affine] == [Convolution, SparseAffine, SparseAffine, SparseAffine]
    assert sum(layer.stored.size for layer in affine) < 30_000
    with pytest.raises(
        NetworkError, match=r"maps 3072 values to 8192; a matrix of that size .* Use an engine"
    ):
        affine[0].weight  # noqa: B018
    with pytest.raises(NetworkError, match="is not written out"):
        affine[1].exact  # noqa: B018


def test_a_large_residual_network_is_kept_apart():
    network = as_network(ready(residual(8)), (8, 16, 16))
    assert [type(layer) for layer in network.layers] == [
        *(StackedAffine, StackedAffine, StackedAffine, ScalarPWL, StackedAffine, SparseAffine, ScalarPWL),
    ]
    assert "StackedAffine(2048 → 4096" in repr(network.layers[0])


def test_parts_that_do_not_fit():
    select = SparseAffine.select([0, 1], 2)
    with pytest.raises(NetworkError, match="parts of layer"):
        StackedAffine([select], [[0, 2]], 2)
    with pytest.raises(NetworkError, match="sparse rows of layer x do not fit"):
        SparseAffine([0, 1], [3], [1.0], 2, [0.0], "x")
    with pytest.raises(NetworkError, match="sparse rows"):
        SparseAffine([0, 1], [0], [1.0], 2, [0.0], divisors=[0])
    with pytest.raises(NetworkError, match="Kernel, table and bias"):
        Convolution(np.ones((1, 1, 1, 2)), [[0, 5]], 2, [0.0])
    with pytest.raises(NetworkError, match="finite numbers in the weight of layer c, got nan"):
        Convolution(np.full((1, 1, 1, 1), np.nan), [[0]], 1, [0.0], "c")


# Bad input


def test_images_need_their_shape():
    module = nn.Sequential(conv(1, 2, 3), nn.Flatten(), nn.Linear(8, 1))
    with pytest.raises(IngestError, match="Give input_shape"):
        as_network(module)
    with pytest.raises(DimensionError, match=r"one input of shape \(channels, size, size\), got \(16,\)"):
        as_network(module, 16)
    with pytest.raises(DimensionError, match="expected 1 channels"):
        as_network(module, (2, 4, 4))
    with pytest.raises(DimensionError, match="does not fit into one input"):
        as_network(module, (1, 2, 2))
    with pytest.raises(DimensionError, match="window does not fit"):
        as_network(nn.MaxPool2d(3), (1, 2, 2))
    with pytest.raises(DimensionError, match=r"Pool1d|one input of shape"):
        as_network(nn.AvgPool1d(2), (1, 2, 2))


UNREADABLE = {
    "positions": (lambda: nn.MaxPool1d(2, return_indices=True), (1, 4), "return_indices=False"),
    "smooth interpolation": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (1, 2, 2),
        "mode 'nearest'"),
    "statistics of the batch": (
        lambda: Forward(lambda m, x: nn.functional.batch_norm(x, None, None, training=True)), 2,
            "fixed statistics",
    ),
    "random slopes": (lambda: Forward(lambda m, x: nn.functional.rrelu(x, training=True)), 2,
        "training=False"),
    "padding of the batch": (
        lambda: Forward(lambda m, x: nn.functional.pad(x, (0, 0, 1, 0))), 2, "feature dimensions",
    ),
    "fractional": (lambda: nn.FractionalMaxPool2d(2, 1), (1, 4, 4), "no handler"),
}  # fmt: skip


@pytest.mark.parametrize(("build", "shape", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read(build, shape, message):
    with pytest.raises(UnsupportedLayerError, match=message):
        as_network(build(), shape)


def test_networks_of_operators_are_checked_like_others():
    select = SparseAffine.select([0, 1], 3)
    with pytest.raises(NetworkError, match="takes 3 values"):
        PLNetwork((select, select), 3)
