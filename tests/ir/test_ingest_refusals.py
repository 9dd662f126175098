"""What cannot be read is refused by name, and what was read wrongly is noticed."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_modules import Forward, linear

from plnet.errors import (
    DimensionError,
    IngestError,
    NetworkError,
    NotPiecewiseLinearError,
    PLNetError,
    UnsupportedLayerError,
)
from plnet.ir import Affine, PLNetwork, as_network
from plnet.ir.reading.verify import verify
from plnet.networks import Maxout, mlp


def test_a_network_passes_through():
    network = as_network(linear(2, 2))
    assert as_network(network) is network
    assert as_network(network, 2) is network
    with pytest.raises(DimensionError, match=r"to hold 2 numbers .* got \(3,\)"):
        as_network(network, 3)


SMOOTH = [
    nn.Sigmoid, nn.Tanh, nn.GELU, nn.ELU, nn.SELU, nn.CELU, nn.SiLU, nn.Softplus, nn.Mish, nn.LogSigmoid,
    lambda: nn.Softmax(1), lambda: nn.LogSoftmax(1), lambda: nn.LayerNorm(4),
]  # fmt: skip


@pytest.mark.parametrize("build", SMOOTH)
def test_smooth_modules_are_refused_by_name(build):
    act = build()
    module = nn.Sequential()
    module.add_module("body", nn.Sequential(linear(3, 4), act))
    kind = type(act).__name__
    with pytest.raises(
        NotPiecewiseLinearError, match=rf"body\.1 \(torch\.nn\.[\w.]*{kind}\).*Use a piecewise"
    ):
        as_network(module)


@pytest.mark.parametrize(
    "function",
    [
        torch.sigmoid, torch.tanh, F.gelu, F.elu, F.selu, F.silu, F.softplus, F.mish, torch.exp, torch.sin,
        lambda x: x.sigmoid(), lambda x: x.exp(), lambda x: x**2, lambda x: x.pow(2),
        lambda x: F.softmax(x, 1), lambda x: F.layer_norm(x, (4,)),
        lambda x: F.log_softmax(x, dim=1), lambda x: x.tanh_(), lambda x: x.norm(),
        lambda x: x * x, lambda x: x * torch.relu(x), lambda x: x @ x.T, lambda x: 1 / x, lambda x: x / x,
        lambda x: F.linear(x, x), lambda x: F.threshold(x, 0.0, 1.0),
    ],
)  # fmt: skip
def test_smooth_functions_and_products_are_refused(function):
    module = nn.Sequential(Forward(lambda m, x: function(m.fc(x)), fc=linear(3, 4)))
    with pytest.raises(NotPiecewiseLinearError, match=r"^0\.\w+"):
        as_network(module)


def _branching(m, x):
    return x.relu() if x.sum() > 0 else x


def _random_dropout(m, x):
    return F.dropout(x, 0.5)


UNSUPPORTED = {
    "unpooling": (lambda: nn.Sequential(nn.LPPool1d(2, 2)), (1, 8),
        "0 .*LPPool1d.*Supported modules: .*Maxout"),
    "recurrent": (lambda: nn.Sequential(nn.LSTM(2, 2)), 2, r"0 .*LSTM.*supported_layers\(\)"),
    "function": (lambda: Forward(lambda m, x: torch.cumsum(x, 1)), 2, "no handler for 'cumsum'.*relu"),
    "step": (lambda: Forward(lambda m, x: torch.where(x > 0, x, 0)), 2, "no handler for 'gt'.*steps jump"),
    "float32": (lambda: Forward(lambda m, x: x.float()), 2, "no handler for 'float'"),
    "control flow": (lambda: Forward(_branching), 2, "Control flow must not depend on the data"),
    "numpy": (lambda: Forward(lambda m, x: np.maximum(x, 0)), 2, "torch.fx can trace"),
    "statistics": (
        lambda: nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False)), 2,
        "0 .*track_running_stats=False",
    ),
    "dropout": (lambda: Forward(_random_dropout), 2, "training=self.training"),
    "two inputs": (lambda: nn.Bilinear(2, 2, 2), None, "takes one tensor, got .* with the arguments"),
    "dictionary": (lambda: Forward(lambda m, x: {"y": x}), 2, "returns one tensor, got dict"),
    "two outputs": (lambda: Forward(lambda m, x: (x, x)), 2, "returns one tensor, got tuple"),
    "positions": (lambda: Forward(lambda m, x: x.max(1)[1] + x), 2, "positions of a maximum"),
    "maximum of the batch": (lambda: Forward(lambda m, x: x.max()), 2, "mixes the samples"),
    "sum of the batch": (lambda: Forward(lambda m, x: x - x.sum(0)), 2, "mixes the samples"),
    "samples mixed": (lambda: Forward(lambda m, x: x + x[:1]), 2, "whose samples do not mix"),
    "batch moved": (lambda: Forward(lambda m, x: x.transpose(0, 1)), 2, "first dimension is the batch"),
    "constant by sample": (
        lambda: Forward(lambda m, x: x + torch.arange(3.0)[:, None]), 2, "same for all samples",
    ),
    "matrix on the left": (lambda: Forward(lambda m, x: torch.ones(3, 3) @ x), 2, "data @ constant matrix"),
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(3)), 2, "lazy parameter '0.weight'"),
    "complex": (lambda: nn.Linear(2, 2, dtype=torch.complex64), None, "real parameters, got 'weight'"),
}  # fmt: skip


@pytest.mark.parametrize(("build", "shape", "message"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_unsupported_parts_are_named(build, shape, message):
    with pytest.raises(UnsupportedLayerError, match=f"(?s){message}"):
        as_network(build(), shape)


def test_other_wrong_arguments():
    with pytest.raises(IngestError, match=r"torch\.nn\.Module or a PLNetwork, got <class 'int'>"):
        as_network(3)
    with pytest.raises(IngestError, match="got the class ReLU; make an instance"):
        as_network(nn.ReLU)
    with pytest.raises(IngestError, match=r"found none\. Give input_shape"):
        as_network(nn.Sequential(nn.Flatten(), nn.ReLU()))
    with pytest.raises(DimensionError, match=r"positive integer or a sequence of them, .*got \(1, 0\)"):
        as_network(linear(2, 2), (1, 0))
    for shape in ("4", 4.0, (2, None), True):
        with pytest.raises(DimensionError, match="positive integer or a sequence of them"):
            as_network(linear(2, 2), shape)
    with pytest.raises(DimensionError, match=r"0: expected 2 features in the last dimension, got .*\(3,\)"):
        as_network(linear(2, 2), 3)
    with pytest.raises(DimensionError, match=r"^view: .* shape \(3, 5\) \(batch of 3\): RuntimeError"):
        as_network(Forward(lambda m, x: x.view(-1, 2, 3)), 5)
    with pytest.raises(DimensionError, match="can be broadcast, got data of shape"):
        as_network(Forward(lambda m, x: x + torch.ones(4)), 5)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")
@pytest.mark.parametrize("sizes", [(2, 0), (0, 2)])
def test_empty_layers_are_refused(sizes):
    with pytest.raises(NetworkError, match="1: expected at least one input and one output"):
        as_network(nn.Sequential(nn.Identity(), nn.Linear(*sizes)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["0.weight", "1.running_var", "1.bias", "2.weight", "3.bias"])
def test_weights_that_are_no_numbers_are_refused_by_name(value, name):
    module = nn.Sequential(linear(2, 3), nn.BatchNorm1d(3), nn.PReLU(), Maxout(3, 2, 2))
    module.state_dict()[name].view(-1)[0] = value
    with pytest.raises(NetworkError, match=rf"layer {name[0]}, got (nan|inf)"):
        as_network(module)


def test_bounds_that_are_no_numbers_are_refused():
    with pytest.raises(NetworkError, match="clipping bounds that are numbers, got NaN"):
        as_network(Forward(lambda m, x: x.clamp(float("nan"), 1.0)), 2)
    with pytest.raises(NetworkError, match="leave finite values"):
        as_network(Forward(lambda m, x: x.clamp(max=-float("inf"))), 2)
    with pytest.raises(NetworkError, match="finite numbers in the weight of layer truediv"):
        as_network(Forward(lambda m, x: x / 0.0), 2)
    assert as_network(Forward(lambda m, x: x.clamp(-float("inf"), 1.0)), 2).layers[0].breakpoints.shape == (
        2,
        1,
    )


def test_every_error_is_ours():
    for error in (IngestError, UnsupportedLayerError, NotPiecewiseLinearError, NetworkError, DimensionError):
        assert issubclass(error, PLNetError)


@pytest.mark.parametrize("shift", [1e-9, 1e-3])
def test_verification_sees_a_small_difference(shift):
    module = mlp([3, 16, 16, 1], rng=0, dtype=torch.float64)
    network = as_network(module)
    last = network.layers[-1]
    wrong = PLNetwork((*network.layers[:-1], Affine(last.weight, last.bias + shift)), 3)
    with pytest.raises(IngestError, match="another function than the module"):
        verify(wrong, module, (3,))


def test_verification_still_sees_in_a_very_deep_network():
    # The rigorous bound is useless here: it grows like the product of the norms of the layers.
    module = mlp([16] * 60 + [1], initialiser="he", rng=0, dtype=torch.float64)
    network = as_network(module)
    _, radius = network.evaluate_with_error(np.ones((1, 16)))
    assert radius[0, 0] > 1e6
    middle = network.layers[30]
    assert isinstance(middle, Affine)
    layers = list(network.layers)
    layers[30] = Affine(middle.weight * (1 + 1e-5), middle.bias)
    with pytest.raises(IngestError, match="another function"):
        verify(PLNetwork(tuple(layers), 16), module, (16,))


def test_a_forward_that_changes_is_caught():
    def unstable(m, x):
        m.count += 1
        return x * float(m.count)

    module = Forward(unstable)
    module.count = 0
    with pytest.raises(IngestError, match="another function than the module"):
        as_network(module, 2)
    assert module.count == 0
    with pytest.raises(IngestError, match="another function than the module"):
        as_network(Forward(lambda m, x: x + torch.rand(1)), 2)
    with pytest.raises(IngestError, match="must not depend on the batch size"):
        as_network(Forward(lambda m, x: x.reshape(3, -1)), 2)
