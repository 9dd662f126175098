"""Torch modules become networks: what is read, exactly, and that the module stays as it was."""

from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch_modules import Forward, assert_same_function, linear, ready
from windowed_modules import WINDOWED

from plnet.errors import NotPiecewiseLinearError, UnsupportedLayerError
from plnet.ir import as_network, supported_layers
from plnet.networks import AbsoluteValue, GroupedMaximum, Maxout, PiecewiseLinear, mlp

MODULES = {
    "linear": (lambda: linear(3, 2), None),
    "linear without bias": (lambda: linear(3, 2, bias=False), None),
    "relu": (lambda: nn.Sequential(linear(3, 4), nn.ReLU(), linear(4, 2)), None),
    "relu in place": (lambda: nn.Sequential(linear(3, 4), nn.ReLU(inplace=True), linear(4, 2)), None),
    "leaky": (lambda: nn.Sequential(linear(3, 4), nn.LeakyReLU(0.2)), None),
    "leaky with a negative slope": (lambda: nn.Sequential(linear(3, 4), nn.LeakyReLU(-0.7)), None),
    "prelu": (lambda: nn.Sequential(linear(3, 4), nn.PReLU()), None),
    "prelu by channel": (lambda: nn.Sequential(linear(3, 4), nn.PReLU(4)), None),
    "prelu by channel of a matrix": (lambda: nn.PReLU(3), (3, 2)),
    "abs": (lambda: nn.Sequential(linear(3, 4), AbsoluteValue()), None),
    "hardtanh": (lambda: nn.Sequential(linear(3, 4), nn.Hardtanh(-0.5, 2.0)), None),
    "relu6": (lambda: nn.Sequential(linear(3, 4), nn.ReLU6()), None),
    "threshold": (lambda: nn.Sequential(linear(3, 4), nn.Threshold(0.3, 0.3)), None),
    "maxout": (lambda: nn.Sequential(Maxout(3, 4, 3), Maxout(4, 2, 2, bias=False)), None),
    "maxout of one piece": (lambda: Maxout(3, 2, 1), None),
    "identity and dropout": (
        lambda: nn.Sequential(nn.Identity(), linear(3, 4), nn.Dropout(0.5), nn.ReLU(), nn.AlphaDropout(0.2)),
        None,
    ),
    "batch norm": (lambda: nn.Sequential(linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), linear(4, 2)), None),
    "batch norm alone": (lambda: nn.BatchNorm1d(3), None),
    "batch norm without parameters": (lambda: nn.BatchNorm1d(3, affine=False), None),
    "batch norm by channel": (lambda: nn.BatchNorm1d(3), (3, 4)),
    "flatten": (lambda: nn.Sequential(nn.Flatten(), linear(64, 3), nn.ReLU()), (1, 8, 8)),
    "flatten without input_shape": (lambda: nn.Sequential(nn.Flatten(), linear(6, 3), nn.ReLU()), None),
    "unflatten": (lambda: nn.Sequential(linear(3, 6), nn.Unflatten(1, (2, 3)), linear(3, 2)), None),
    "linear on a matrix": (lambda: nn.Sequential(linear(3, 2), nn.ReLU()), (4, 3)),
    "nested": (
        lambda: nn.Sequential(nn.Sequential(linear(3, 4), nn.Sequential(nn.ReLU())), linear(4, 2)),
        None,
    ),
    "piecewise linear": (
        lambda: PiecewiseLinear(
            torch.tensor([[-1.0, 2.0], [0.5, float("inf")]]),
            torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, 0.0]]),
            torch.tensor([3.0, 1.0]),
        ),
        2,
    ),
    "grouped maximum": (lambda: GroupedMaximum(torch.tensor([[0, 1], [2, 2]])), 3),
}  # fmt: skip


@pytest.mark.parametrize(("build", "input_shape"), MODULES.values(), ids=MODULES)
def test_modules(build, input_shape):
    module = ready(build())
    assert_same_function(as_network(module, input_shape), module)


SIX = torch.linspace(-1.0, 1.0, 6)
FUNCTIONS = {
    "F.relu": lambda m, x: F.relu(x),
    "torch.relu": lambda m, x: torch.relu(x),
    "Tensor.relu": lambda m, x: x.relu(),
    "F.leaky_relu": lambda m, x: F.leaky_relu(x, 0.1),
    "F.prelu": lambda m, x: F.prelu(x, m.slope),
    "abs": lambda m, x: abs(x),
    "torch.abs": lambda m, x: torch.abs(x),
    "Tensor.abs": lambda m, x: x.abs(),
    "F.hardtanh": lambda m, x: F.hardtanh(x, -0.5, 0.25),
    "F.relu6": lambda m, x: F.relu6(3 * x),
    "F.threshold": lambda m, x: F.threshold(x, 0.1, 0.1),
    "clamp both": lambda m, x: x.clamp(-0.5, 0.5),
    "clamp low": lambda m, x: torch.clamp(x, min=0.1),
    "clamp high": lambda m, x: x.clamp(max=0.1),
    "clamp crossed": lambda m, x: x.clamp(0.5, -0.5),
    "clamp equal": lambda m, x: x.clamp(0.5, 0.5),
    "clamp tensor": lambda m, x: x.clamp(min=m.vector),
    "clamp tensor and number": lambda m, x: torch.clip(x, m.vector, torch.tensor(0.5)),
    "clamp data": lambda m, x: torch.clamp(x, x.flip(1) - 1, 2 * x.roll(1, 1)),
    "clamp_min": lambda m, x: x.clamp_min(0.0).clamp_max(0.5),
    "maximum": lambda m, x: torch.maximum(x, -2 * x + 1),
    "minimum": lambda m, x: torch.minimum(x, m.fc(x)),
    "Tensor.maximum": lambda m, x: x.maximum(m.fc(x)),
    "torch.max of two": lambda m, x: torch.max(x, m.fc(x)),
    "torch.min of two": lambda m, x: torch.min(m.fc(x), x),
    "maximum with a constant": lambda m, x: torch.maximum(m.vector, x),
    "maximum with zeros": lambda m, x: torch.max(x, torch.zeros_like(x)),
    "amax": lambda m, x: x.view(-1, 2, 3).amax(-1),
    "amax keepdim": lambda m, x: x.view(-1, 2, 3).amax(dim=1, keepdim=True),
    "amax over two": lambda m, x: x.view(-1, 2, 3).amax((1, 2)),
    "amin": lambda m, x: torch.amin(x.reshape(x.shape[0], 3, 2), dim=2),
    "max(dim)[0]": lambda m, x: x.view(x.size(0), -1, 3).max(2)[0],
    "max(dim).values": lambda m, x: torch.max(x.unflatten(1, (2, 3)), dim=1).values,
    "min(dim)": lambda m, x: x.view(-1, 2, 3).min(dim=-1, keepdim=True)[0],
    "max over one": lambda m, x: x.unsqueeze(-1).amax(-1),
    "add": lambda m, x: x + m.fc(x),
    "add alpha": lambda m, x: torch.add(x, m.fc(x), alpha=0.3),
    "add constant": lambda m, x: 1.5 + x + m.vector,
    "add itself": lambda m, x: x + x,
    "sub": lambda m, x: x - m.fc(x) - 0.1,
    "sub from constant": lambda m, x: 0.1 - x,
    "mul": lambda m, x: 0.1 * x * m.vector,
    "neg": lambda m, x: -torch.relu(-x),
    "div": lambda m, x: (x - 0.1307) / 0.3081,
    "div by tensor": lambda m, x: x / (m.vector + 3),
    "cat": lambda m, x: torch.cat([x, m.fc(x), torch.relu(x)], dim=1),
    "cat with a constant": lambda m, x: torch.cat([x, x.new_ones(x.shape[0], 1)], -1),
    "stack": lambda m, x: torch.stack((x, m.fc(x)), dim=1),
    "flatten": lambda m, x: torch.flatten(x.view(-1, 2, 3), 1),
    "view of the batch": lambda m, x: x.view(x.shape[0], -1).reshape(x.size(0), 3, 2),
    "squeeze": lambda m, x: x.unsqueeze(1).relu().squeeze(1),
    "transpose": lambda m, x: m.fc(x.view(-1, 2, 3).transpose(1, 2).flatten(1)),
    "batch moved and moved back": lambda m, x: x.transpose(0, 1).transpose(0, 1),
    "slices": lambda m, x: torch.relu(x[:, :2]) + x[..., 4:],
    "index": lambda m, x: x[:, [3, 3, 0]],
    "last": lambda m, x: m.fc(x)[:, -1],
    "chunk": lambda m, x: (lambda parts: parts[0] - parts[1].relu())(x.chunk(2, dim=1)),
    "split": lambda m, x: torch.split(x, [2, 4], dim=1)[1],
    "repeat": lambda m, x: torch.relu(x.repeat(1, 2)) * 0.5,
    "linear of repeated entries": lambda m, x: m.fc(x[:, [0, 0, 1, 2, 2, 2]]),
    "sum": lambda m, x: x.sum(dim=1, keepdim=True) + x,
    "mean": lambda m, x: x.view(-1, 2, 3).mean(-1),
    "F.linear": lambda m, x: F.linear(x, m.weight, m.vector[:4]),
    "matmul": lambda m, x: x @ m.weight.T + 1,
    "matmul with a vector": lambda m, x: torch.matmul(x, m.vector),
    "constant of parameters": lambda m, x: F.linear(x, m.weight * torch.sigmoid(m.weight)),
    "F.dropout": lambda m, x: F.dropout(x, 0.5, training=m.training),
    "used twice": lambda m, x: m.fc(F.relu(m.fc(x))),
    "relu_ without a name": lambda m, x: _in_place(m.fc(x)),
    "in place, then used again": lambda m, x: _in_place_again(m.fc(x)),
    "facts": lambda m, x: x.reshape(-1, x.shape[-1]) * x.ndim + x.size(1) + x.dim() + x.numel() / x.size(0),
    "contiguous": lambda m, x: x.contiguous().clone().detach(),
    "expand": lambda m, x: x[:, :1].expand(-1, 6) + x[:, :1].expand_as(x),
    "output does not use the input": lambda m, x: x.new_zeros((x.shape[0], 2)) + 1.5,
}  # fmt: skip


def _in_place(x):
    x.relu_()
    return x


def _in_place_again(x):
    y = F.relu(x, inplace=True)
    return x + y


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_and_methods(function):
    parts = {
        "fc": linear(6, 6),
        "slope": nn.Parameter(torch.tensor([0.1])),
        "vector": nn.Parameter(SIX.clone()),
        "weight": nn.Parameter(torch.arange(24.0).reshape(4, 6) / 7),
    }
    module = ready(Forward(function, **parts))
    assert_same_function(as_network(module, input_shape=6), module)


def test_a_chain_of_modules_stays_as_it_is():
    module = nn.Sequential(
        nn.Flatten(), nn.Identity(), linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(), linear(5, 3),
        Maxout(3, 4, 2), nn.Flatten(), nn.Hardtanh(), linear(4, 1, bias=False),
    )  # fmt: skip
    network = as_network(ready(module), (2, 2))
    assert [(type(layer).__name__, layer.name, layer.n_in, layer.n_out) for layer in network.layers] == [
        ("Affine", "2", 4, 5),
        ("Affine", "3", 5, 5),
        ("Affine", "3", 5, 5),
        ("ScalarPWL", "4", 5, 5),
        ("Affine", "6", 5, 3),
        ("Affine", "7", 3, 8),
        ("GroupMax", "7", 8, 4),
        ("ScalarPWL", "9", 4, 4),
        ("Affine", "10", 4, 1),
    ]
    assert network.input_shape == (2, 2)
    assert np.array_equal(network.layers[0].weight, module[2].weight.detach().double().numpy())
    assert network.layers[6].groups.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [name for _, _, name in network.unit_names] == ["4"] * 5 + ["7"] * 4 + ["9"] * 4


def test_an_identity_has_no_layer():
    assert as_network(nn.Sequential(nn.Flatten(), nn.Dropout()), 3).layers == ()
    assert as_network(Forward(lambda m, x: x.flip(1)), 2).layers[0].weight.tolist() == [[0, 1], [1, 0]]


def test_float32_weights_are_taken_over_exactly():
    module = mlp([3, 4, 1], "maxout", rng=0)
    network = as_network(module)
    expected = module[0].weight.detach().double().reshape(8, 3).numpy()
    assert np.array_equal(network.layers[0].weight, expected)
    half = as_network(nn.Linear(2, 1).to(torch.bfloat16))
    assert half.input_dim == 2


def test_batch_norm_rounds_its_scale_once():
    norm = nn.BatchNorm1d(400, dtype=torch.float64)
    ready(norm)
    centre, scale = as_network(norm).layers
    assert np.array_equal(centre.weight, np.eye(400))
    assert np.array_equal(centre.bias, -norm.running_mean.numpy())
    assert np.array_equal(scale.bias, norm.bias.detach().numpy())
    factor = np.diag(scale.weight)
    assert np.array_equal(np.diag(factor), scale.weight)
    for s, g, v in zip(
        factor.tolist(), norm.weight.detach().tolist(), norm.running_var.tolist(), strict=True
    ):
        # s is nearest to g / sqrt(v + eps): compare squares of the midpoints to the neighbours exactly.
        square = Fraction(g) ** 2 / (Fraction(v) + Fraction(norm.eps))
        below, above = (
            abs((Fraction(s) + Fraction(np.nextafter(s, t))) / 2) for t in (0.0, np.inf * np.sign(s))
        )
        assert below**2 <= square <= above**2
    # Rounding each step in float64 gives another number somewhere.
    naive = norm.weight.detach().numpy() / np.sqrt(norm.running_var.numpy() + norm.eps)
    assert not np.array_equal(naive, factor)


def test_division_rounds_the_reciprocal_once():
    network = as_network(Forward(lambda m, x: x / 3.0), 1)
    assert network.layers[0].weight.tolist() == [[1 / 3]]


@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
@pytest.mark.parametrize("inner", [True, False])
def test_forward_hooks_are_refused_and_not_called(register, inner):
    calls = []
    module = mlp([3, 4, 1], "relu", rng=0)
    handle = getattr(module[0] if inner else module, register)(lambda *_: calls.append(1))
    with pytest.raises(UnsupportedLayerError, match="module '0'" if inner else "the module itself"):
        as_network(module)
    assert calls == []
    handle.remove()
    assert as_network(module).n_units == 4


def test_the_module_is_left_alone():
    module = ready(mlp([3, 4, 4, 1], "relu", batch_norm=True, dropout=0.5, rng=0))
    module.train()
    module[1].eval()
    module[0].weight.grad = torch.ones_like(module[0].weight)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    state = torch.get_rng_state()
    network = as_network(module)
    assert torch.equal(state, torch.get_rng_state())
    assert [part.training for part in module.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert module[0].weight.dtype == torch.float32
    assert module[0].weight.requires_grad
    assert torch.equal(module[0].weight.grad, torch.ones_like(module[0].weight))
    # Training goes on without touching the network.
    old = network.layers[0].weight.copy()
    module[0].weight.data.add_(1.0)
    assert np.array_equal(network.layers[0].weight, old)


def test_dropout_and_batch_norm_are_read_in_evaluation_mode():
    module = ready(mlp([3, 4, 1], batch_norm=True, dropout=0.5, rng=0)).train()
    assert_same_function(as_network(module), module)


def test_pruned_and_parametrized_layers():
    pruned = ready(nn.Sequential(linear(3, 4), nn.ReLU(), linear(4, 2)))
    prune.l1_unstructured(pruned[0], "weight", amount=5)
    # The optimiser changes weight_orig, and `weight` is stale until the next forward.
    pruned[0].weight_orig.data.add_(1.0)
    network = as_network(pruned)
    expected = (pruned[0].weight_orig * pruned[0].weight_mask).detach().double().numpy()
    assert np.array_equal(network.layers[0].weight, expected)
    normed = nn.Sequential(parametrizations.weight_norm(linear(3, 4)), nn.ReLU())
    assert_same_function(as_network(normed), normed)
    assert network.n_units == 4


def test_subclasses():
    class Plain(nn.Linear):
        pass

    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    class Sine(nn.ReLU):
        def forward(self, x):
            return torch.sin(x)

    for layer in (Plain(3, 2), Doubled(3, 2)):
        assert_same_function(as_network(layer, 3), layer)
    with pytest.raises(NotPiecewiseLinearError, match="sin"):
        as_network(nn.Sequential(linear(2, 2), Sine()))


def test_further_arguments_with_defaults():
    class Masked(nn.Module):
        def forward(self, x, mask=None, scale=2.0, flip=False):
            x = torch.relu(x) * scale
            x = x.flip(1) if flip else x
            return x if mask is None else x * mask

    assert_same_function(as_network(Masked(), 3), Masked())


def test_inputs_by_name_and_wrappers():
    named = Forward(lambda m, x: m.act(input=m.fc(input=x)), fc=linear(3, 2), act=nn.ReLU(inplace=True))
    assert_same_function(as_network(named, np.int64(3)), named)
    parallel = nn.DataParallel(mlp([2, 3, 1], rng=0))
    assert as_network(parallel).layers[0].name == "0"


def test_the_input_size_is_found():
    assert (
        as_network(Forward(lambda m, x: x + m.b(m.a(x).relu()), a=linear(5, 2), b=linear(2, 5))).input_dim
        == 5
    )
    assert as_network(Forward(lambda m, x: m.a(x.view(x.size(0), -1)), a=linear(5, 2))).input_dim == 5
    assert as_network(Forward(lambda m, x: x.view(-1, 5).relu())).input_dim == 5
    weight = nn.Parameter(torch.ones(5, 2))
    assert as_network(Forward(lambda m, x: x.relu() @ m.weight, weight=weight)).input_dim == 5
    assert as_network(Forward(lambda m, x: F.linear(x, m.weight), weight=weight)).input_dim == 2
    masked = Forward(lambda m, x: F.linear(x, m.weight.t() * 2), weight=weight)
    assert as_network(masked).input_dim == 5
    assert as_network(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4))).input_dim == 4
    assert as_network(nn.Sequential(nn.ReLU(), nn.Flatten(), Maxout(4, 2, 2))).input_dim == 4


def test_the_table_of_supported_layers_is_the_registry():
    rows = supported_layers()
    names = {row.name for row in rows}
    assert {"torch.nn.Linear", "plnet.networks.Maxout", "torch.nn.functional.linear", "torch.clamp"} <= names
    assert "Tensor.view" in names
    assert "operator.add" in names
    assert len(names) == len(rows)
    assert not any("._" in name for name in names)
    written_by_export = {"SparseLinear", "StackedLinear", "GatheredConvolution", "GroupedWinner"}
    tested = {"Unflatten", "Dropout1d", "Dropout2d", "Dropout3d", "BatchNorm3d"} | written_by_export
    both = [*MODULES.values(), *WINDOWED.values()]
    built = {type(part).__name__ for build, _ in both for part in build().modules()}
    assert {row.name.rpartition(".")[2] for row in rows if row.kind == "module"} - tested <= built
