"""Torch modules of what the rest of the package computes in numbers; the one file here that knows torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from plnet.errors import ConfigError, NetworkError
from plnet.ir.export import to_sequential
from plnet.ir.network import PLNetwork
from plnet.maxout.conversion.chain import DenseMaxout, MaxoutLayer, maxout_chain
from plnet.maxout.conversion.fusion import fused_chain
from plnet.maxout.conversion.relu_form import relu_network
from plnet.maxout.conversion.report import ConversionReport
from plnet.maxout.inputs import chart_of, read_network
from plnet.networks.modules import Maxout
from plnet.networks.operators import GatheredConvolution

if TYPE_CHECKING:
    from plnet.geometry.domain import Domain
    from plnet.maxout.conversion.chain import Step
    from plnet.maxout.conversion.max_affine import MaxAffine

__all__ = [
    "ElementwiseMaxout",
    "MaxoutNetwork",
    "difference_module",
    "max_affine_module",
    "maxout_to_relu",
    "to_maxout",
]


class ElementwiseMaxout(Maxout):
    """A maxout layer in which every piece reads a single input.

    Unit ``i`` computes ``max_j (weight[i, j] * x[groups[i, j]] + bias[i, j])``.

    Parameters
    ----------
    groups : torch.Tensor of int64, shape (out_features, pieces)
        Input of each piece. The same one in each row gives an activation: with weights (1, 0) a ReLU.
    in_features : int
    device, dtype
        As in `torch.nn.Linear`.

    Attributes
    ----------
    weight, bias : torch.nn.Parameter, shape (out_features, pieces)

    Examples
    --------
    >>> import torch
    >>> from plnet.maxout import ElementwiseMaxout
    >>> absolute = ElementwiseMaxout(torch.tensor([[0, 0]]), in_features=1)
    >>> _ = absolute.weight.data.copy_(torch.tensor([[-1.0, 1.0]])), absolute.bias.data.zero_()
    >>> absolute(torch.tensor([[-2.0], [3.0]])).ravel().tolist()
    [2.0, 3.0]
    """

    groups: torch.Tensor

    def __init__(
        self, groups: torch.Tensor, in_features: int, device: Any = None, dtype: torch.dtype | None = None
    ) -> None:
        nn.Module.__init__(self)
        index = torch.as_tensor(groups, dtype=torch.int64, device=device).clone()
        if index.ndim != 2 or 0 in index.shape:
            raise ConfigError(
                f"Expected groups (out_features, pieces) of an ElementwiseMaxout, got {tuple(index.shape)}."
            )
        if int(index.min()) < 0 or int(index.max()) >= in_features:
            raise ConfigError(f"Expected groups of inputs 0 to {in_features - 1}, got {index.tolist()}.")
        self.in_features = in_features
        self.out_features, self.pieces = index.shape
        self.register_buffer("groups", index)
        self.weight = nn.Parameter(torch.empty(index.shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(index.shape, device=device, dtype=dtype))
        self.reset_parameters()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (*, in_features) to (*, out_features)."""
        # Rows of a known size: torch.fx, and so plnet.as_network, can read the number of inputs from this.
        rows = x.reshape(-1, self.in_features)
        units = (rows[:, self.groups] * self.weight + self.bias).amax(dim=-1)
        return units.reshape(x.shape[:-1] + (self.out_features,))  # noqa: RUF005

    def extra_repr(self) -> str:
        """Return the sizes, for printing."""
        return f"{self.in_features}, {self.out_features}, pieces={self.pieces}"


class MaxoutNetwork(nn.Sequential):
    """Affine layers and maxout layers, one behind the other.

    Attributes
    ----------
    conversion : ConversionReport
        How many pieces each unit took, and whether fewer are impossible. It describes the
        network before any further training.
    """

    conversion: ConversionReport

    def __init__(self, *modules: Any, conversion: ConversionReport | None = None) -> None:
        super().__init__(*modules)
        # A slice of a network, network[1:3], has an empty report.
        self.conversion = ConversionReport(()) if conversion is None else conversion


def to_maxout(
    network: nn.Module | PLNetwork,
    input_shape: int | Sequence[int] | None = None,
    *,
    fused: bool = False,
    domain: Domain | None = None,
) -> MaxoutNetwork:
    """Write a piecewise-linear network as one whose only nonlinearity is maxout; exactly the same function.

    Parameters
    ----------
    network : torch.nn.Module or PLNetwork
        Anything that `plnet.as_network` reads and that cannot jump.
    input_shape : int or sequence of int, optional
        As in `plnet.as_network`. For a bare activation, 1 if not given.
    fused : bool
        Make each dense Linear part of the maxout layer behind it, as in a network that was built of `Maxout`
        layers. This is exact for ReLU and the absolute value, and in general where slopes are powers of
        two; elsewhere rows are rounded, and ``.conversion.deviation`` bounds what that changes.
    domain : Domain, optional
        Where the deviation of a fused network is bounded; all of R^n if not given.

    Returns
    -------
    MaxoutNetwork
        A float64 `torch.nn.Sequential` of Linear, `Maxout` and `ElementwiseMaxout`; SparseLinear,
        GatheredConvolution or StackedLinear for affine layers that are not stored as a matrix, and
        Flatten in front where one input is more than a vector. All weights can be trained.
        ``.conversion`` says how many pieces each unit has and why not fewer.

    Raises
    ------
    IngestError
        If the network cannot be read; `NotPiecewiseLinearError` if a part is smooth.
    EngineError
        If the network can jump.
    NetworkError
        If a coefficient of a piece is beyond the range of floats.

    Notes
    -----
    The rectifier with slope a ≤ 1 is one unit max(z, a z): ReLU for a = 0, the absolute value for a = -1.
    With a > 1 it is concave and becomes -max(-z, -a z), whose sign goes into the next weights. A
    function with upward and downward kinks is a difference of two units. Costs O(weights + units).

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville and Bengio (2013), "Maxout networks", section 4.

    Examples
    --------
    >>> from torch import nn
    >>> from plnet.maxout import to_maxout
    >>> print(to_maxout(nn.Hardtanh()).conversion.rows[0].function)
    hard tanh
    """
    chain = maxout_chain(read_network(network, input_shape))
    if fused:
        chain = fused_chain(chain, chart_of(chain.source, domain))
    modules: list[nn.Module] = [] if chain.source.input_shape is None else [nn.Flatten()]
    modules += [_module(step) for step in chain.steps]
    result = MaxoutNetwork(*modules, conversion=chain.report)
    for part in result.modules():
        _make_trainable(part)
    return result


def maxout_to_relu(
    network: nn.Module | PLNetwork, input_shape: int | Sequence[int] | None = None
) -> nn.Sequential:
    """Write a piecewise-linear network with ReLU as its only nonlinearity; exactly the same function.

    Parameters
    ----------
    network : torch.nn.Module or PLNetwork
        Maxout layers, max-pooling and all scalar activations that `plnet.as_network` reads.
    input_shape : int or sequence of int, optional
        As in `plnet.as_network`. For a bare activation, 1 if not given.

    Returns
    -------
    torch.nn.Sequential
        In float64. A maxout layer with k pieces becomes ceil(log2 k) ReLU layers, by
        max(a, b) = a + relu(b - a) and a = relu(a) - relu(-a).

    Raises
    ------
    IngestError
        If the network cannot be read.
    EngineError
        If the network can jump.

    References
    ----------
    Arora, Basu, Mianjy and Mukherjee (2018), "Understanding deep neural networks with rectified linear
    units", lemma D.3.

    Examples
    --------
    >>> import torch
    >>> from plnet.maxout import maxout_to_relu
    >>> from plnet.networks import Maxout
    >>> layer = Maxout(3, 2, pieces=4)
    >>> [type(m).__name__ for m in maxout_to_relu(layer)]
    ['Linear', 'Linear', 'ReLU', 'Linear', 'ReLU', 'Linear']
    """
    return to_sequential(relu_network(read_network(network, input_shape)))


def max_affine_module(*functions: MaxAffine) -> Maxout:
    """Return one maxout unit for each function, in float64, each coefficient rounded once.

    A function with fewer pieces than another one repeats its last piece.

    Raises
    ------
    NetworkError
        If a coefficient is beyond the range of float64.
    """
    most = max(function.pieces for function in functions)
    places = [np.minimum(np.arange(most), function.pieces - 1) for function in functions]
    pairs = list(zip(functions, places, strict=True))
    slopes = np.stack([function.float_slopes[index] for function, index in pairs])
    offsets = np.stack([function.float_offsets[index] for function, index in pairs])
    if not (np.isfinite(slopes).all() and np.isfinite(offsets).all()):
        raise NetworkError("A coefficient is beyond the range of float64. Scale the function first.")
    module: Any = nn.utils.skip_init(
        Maxout, functions[0].dim, len(functions), most, dtype=torch.float64, device="cpu"
    )
    with torch.no_grad():
        module.weight.copy_(torch.tensor(slopes))
        module.bias.copy_(torch.tensor(offsets))
    return module


def difference_module(g: MaxAffine, h: MaxAffine) -> nn.Sequential:
    """Return two maxout units and their difference, in float64."""
    difference: Any = nn.utils.skip_init(nn.Linear, 2, 1, dtype=torch.float64, device="cpu")
    with torch.no_grad():
        difference.weight.copy_(torch.tensor([[1.0, -1.0]]))
        difference.bias.zero_()
    return nn.Sequential(max_affine_module(g, h), difference)


def _module(step: Step) -> nn.Module:
    if isinstance(step, DenseMaxout):
        return to_sequential(PLNetwork((step.affine, step.maximum), step.affine.n_in))[0]
    if isinstance(step, MaxoutLayer):
        layer = ElementwiseMaxout(torch.tensor(step.groups), step.n_in, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(step.weight))
            layer.bias.copy_(torch.tensor(step.bias))
        return layer
    return to_sequential(PLNetwork((step,), step.n_in))[0]


def _make_trainable(module: nn.Module) -> None:
    """Turn the kernel of a convolution into parameters; it stays shared between positions."""
    if isinstance(module, GatheredConvolution):
        for name in ("kernel", "bias"):
            tensor = module._buffers.pop(name)
            assert tensor is not None
            module.register_parameter(name, nn.Parameter(tensor))
