"""Building blocks of the handlers: element-wise maps, sums, scalings and maxima of symbols."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from plnet.errors import DimensionError, NetworkError, NotPiecewiseLinearError, UnsupportedLayerError
from plnet.ir.convolution import Convolution
from plnet.ir.handlers.symbols import BATCH, Graph, Symbol
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.operators import SMALL, SparseAffine, compact

__all__ = [
    "ADVICE",
    "add",
    "align",
    "average",
    "clamp",
    "describe",
    "is_data",
    "linear",
    "maximum",
    "per_entry",
    "reduce_max",
    "reduce_sum",
    "refuse_product",
    "scalar",
    "scale",
    "shift",
]

ADVICE = (
    "Use a piecewise-linear activation instead (ReLU, LeakyReLU, PReLU, Hardtanh, Maxout, AbsoluteValue) and "
    "train again, or study a piecewise-linear approximation as a network of its own."
)


def is_data(value: Any) -> bool:
    """Tell whether a value depends on the network's input."""
    return isinstance(value, Symbol)


def describe(value: Any) -> str:
    """Say in a few words what a value is, for messages."""
    if isinstance(value, Symbol | torch.Tensor):
        return f"{'data' if is_data(value) else 'constant'} of shape {tuple(value.shape)}"
    return f"{type(value).__name__} {value!r}"


def align(graph: Graph, *values: Any) -> list[Any]:
    """Broadcast symbols and constants against one another, as torch does.

    Symbols stay symbols; constants become float64 tensors of the same shape.
    """
    tensors = [v.ids if is_data(v) else _tensor(v) for v in values]
    try:
        spread = torch.broadcast_tensors(*tensors)
    except RuntimeError as error:
        shapes = " and ".join(describe(v) for v in values)
        raise DimensionError(
            f"{graph.name}: expected shapes that can be broadcast, got {shapes} (batch of {BATCH})."
        ) from error
    for tensor in tensors:
        if tensor.is_complex():
            raise UnsupportedLayerError(f"{graph.name}: expected real numbers, got {tensor.dtype}.")
    return [
        Symbol(s.contiguous()) if is_data(v) else s.to(torch.float64)
        for v, s in zip(values, spread, strict=True)
    ]


def _tensor(constant: Any) -> torch.Tensor:
    # Python numbers are float64; as_tensor alone would round them to torch's default type.
    return (
        constant.detach()
        if isinstance(constant, torch.Tensor)
        else torch.as_tensor(constant, dtype=torch.float64)
    )


def per_entry(graph: Graph, constant: torch.Tensor) -> np.ndarray:
    """Return a constant that was broadcast to a batch, for one sample and flat."""
    first = constant[:1]
    if constant.shape[0] != BATCH or not bool(((constant == first) | constant.isnan()).all()):
        raise UnsupportedLayerError(
            f"{graph.name}: expected a constant that is the same for all samples of a batch, got one of "
            f"shape {tuple(constant.shape)} that varies along the first dimension."
        )
    return constant[0].numpy().ravel()


def scalar(graph: Graph, x: Symbol, build: Callable[[int], ScalarPWL]) -> Symbol:
    """Apply a scalar function to each entry; `build` gets the number of entries of one sample."""
    atoms = graph.atoms(x)
    return graph.emit(build(atoms.size), atoms, atoms.shape)


def clamp(graph: Graph, x: Symbol, low: Any = None, high: Any = None) -> Symbol:
    """Clip entries to [low, high]; bounds are numbers, constant tensors or None.

    Where low exceeds high the result is high, as in torch.
    """
    if is_data(low) or is_data(high):
        out = x if low is None else maximum(graph, x, low)
        return out if high is None else maximum(graph, out, high, sign=-1.0)
    x, low, high = align(graph, x, -math.inf if low is None else low, math.inf if high is None else high)
    bounds = np.stack([per_entry(graph, low), per_entry(graph, high)], axis=1)
    if np.isnan(bounds).any():
        raise NetworkError(f"{graph.name}: expected clipping bounds that are numbers, got NaN.")
    return scalar(graph, x, lambda n: _clip_layer(graph, n, *bounds.T))


def _clip_layer(graph: Graph, n: int, low: np.ndarray, high: np.ndarray) -> ScalarPWL:
    if (high == -math.inf).any() or ((low == math.inf) & (high == math.inf)).any():
        raise NetworkError(
            f"{graph.name}: expected clipping to leave finite values, got bounds {low} and {high}."
        )
    low = np.minimum(low, high)
    units: list[tuple[list[float], list[float], float]] = []
    for a, b in zip(low.tolist(), high.tolist(), strict=True):
        if a == b:
            units.append(([], [0.0], a))
        elif a == -math.inf and b == math.inf:
            units.append(([], [1.0], 0.0))
        elif a == -math.inf:
            units.append(([b], [1.0, 0.0], b))
        elif b == math.inf:
            units.append(([a], [0.0, 1.0], a))
        else:
            units.append(([a, b], [0.0, 1.0, 0.0], a))
    if all(unit == units[0] for unit in units):
        return _uniform(n, units[0], graph.name)
    return ScalarPWL.concatenate([_uniform(1, unit) for unit in units], graph.name)


def _uniform(n: int, unit: tuple[list[float], list[float], float], name: str = "") -> ScalarPWL:
    points, slopes, anchor = unit
    return ScalarPWL.uniform(n, points, slopes, anchor, name)


def add(graph: Graph, x: Any, y: Any, sign: float = 1.0) -> Any:
    """Return ``x + sign * y``; one of them may be a constant, not both."""
    x, y = align(graph, x, y)
    if not is_data(y):
        return shift(graph, x, sign * per_entry(graph, y))
    if not is_data(x):
        turned = y if sign == 1.0 else scale(graph, y, sign)
        return shift(graph, turned, per_entry(graph, x))
    left, right = graph.atoms(x), graph.atoms(y)
    n = left.size
    pairs = np.arange(n)[:, None] + np.array([0, n])
    layer = compact(SparseAffine.table(pairs, [1.0, sign], 2 * n, graph.name))
    return graph.emit(layer, np.concatenate([left.ravel(), right.ravel()]), left.shape, synthetic=True)


def shift(graph: Graph, x: Symbol, offset: np.ndarray, synthetic: bool = True) -> Symbol:
    """Add a constant (n,) to the n entries of a sample; nothing where it is 0 throughout."""
    if not offset.any():
        return x
    atoms = graph.atoms(x)
    layer = compact(SparseAffine.diagonal(np.ones(atoms.size), offset, graph.name))
    return graph.emit(layer, atoms, atoms.shape, synthetic)


def scale(graph: Graph, x: Symbol, factor: Any, offset: Any = 0.0, synthetic: bool = True) -> Symbol:
    """Multiply the n entries of a sample by a constant (n,), and add another."""
    atoms = graph.atoms(x)
    n = atoms.size
    sparse = SparseAffine.diagonal(np.broadcast_to(factor, n), np.broadcast_to(offset, n), graph.name)
    layer = compact(sparse)
    return graph.emit(layer, atoms, atoms.shape, synthetic)


def linear(
    graph: Graph, x: Symbol, weight: torch.Tensor, bias: torch.Tensor | None, synthetic: bool
) -> Symbol:
    """Apply an affine map (n_out, n_in) to the last dimension of a symbol."""
    atoms = graph.atoms(x)
    n_out, n_in = weight.shape
    if atoms.ndim == 0 or atoms.shape[-1] != n_in:
        raise DimensionError(
            f"{graph.name}: expected {n_in} features in the last dimension, got one input of shape "
            f"{atoms.shape}. Check input_shape, or flatten before this layer."
        )
    matrix = weight.detach().double().numpy()
    offset = np.zeros(n_out) if bias is None else bias.detach().double().numpy()
    copies = atoms.size // n_in if n_in else 1
    if copies != 1:
        # Zero times NaN would hide in the Kronecker product what the layer check looks for.
        Affine(matrix, offset, graph.name)
        if copies**2 * n_in * n_out > SMALL:
            return _repeated_linear(graph, atoms, matrix, offset)
        matrix, offset = np.kron(np.eye(copies), matrix), np.tile(offset, copies)
    return graph.emit(Affine(matrix, offset, graph.name), atoms, (*atoms.shape[:-1], n_out), synthetic)


def _repeated_linear(graph: Graph, atoms: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> Symbol:
    """Apply one affine map to many vectors: a convolution with a single tap."""
    n_out, n_in = matrix.shape
    columns = atoms.reshape(-1, n_in).T
    copies = columns.shape[1]
    layer = Convolution(matrix[None, :, :, None], np.arange(copies)[:, None], copies, offset, graph.name)
    out = graph.emit(layer, columns, (n_out, copies))
    return Symbol(out.ids.transpose(1, 2).reshape(BATCH, *atoms.shape[:-1], n_out))


def maximum(graph: Graph, x: Any, y: Any, sign: float = 1.0) -> Symbol:
    """Return the larger of two tensors entry by entry, the smaller with ``sign=-1``."""
    if not (is_data(x) and is_data(y)):
        data, bound = (x, y) if is_data(x) else (y, x)
        return clamp(graph, data, low=bound) if sign > 0 else clamp(graph, data, high=bound)
    x, y = align(graph, x, y)
    return reduce_max(graph, torch.stack([x.ids, y.ids], dim=-1), -1, False, sign)


def reduce_max(graph: Graph, ids: torch.Tensor, dim: Any, keepdim: bool, sign: float = 1.0) -> Symbol:
    """Return the maximum over a dimension or several, the minimum with ``sign=-1``."""
    groups, shape = _grouped(graph, ids, dim, keepdim)
    if groups.shape[1] == 1:
        return Symbol(ids.reshape(BATCH, *shape))
    inputs, places = np.unique(groups, return_inverse=True)
    places = places.reshape(groups.shape)
    layer = GroupMax(places, len(inputs), graph.name)
    if sign > 0:
        return graph.emit(layer, inputs, shape)
    negation = compact(SparseAffine.diagonal(-np.ones(len(inputs)), np.zeros(len(inputs)), graph.name))
    turned = graph.emit(negation, inputs, inputs.shape, True)
    return scale(graph, graph.emit(layer, graph.atoms(turned), shape), -1.0)


def reduce_sum(graph: Graph, ids: torch.Tensor, dim: Any, keepdim: bool, mean: bool = False) -> Symbol:
    """Return the sum over a dimension or several, or the sum divided by the number of terms."""
    groups, shape = _grouped(graph, ids, dim, keepdim)
    rows, terms = groups.shape
    places = np.arange(groups.size).reshape(rows, terms)
    return average(graph, groups.ravel(), places, np.full(rows, terms if mean else 1), shape)


def average(
    graph: Graph, atoms: np.ndarray, places: np.ndarray, divisors: np.ndarray, shape: tuple[int, ...]
) -> Symbol:
    """Return the sums of ``atoms[places]`` along rows (-1 for none), divided by integers, exactly."""
    powers = (divisors & (divisors - 1)) == 0
    if powers.all():
        # Division by a power of two rounds nothing.
        scaled = SparseAffine.table(places, 1.0 / divisors[:, None], atoms.size, graph.name)
        return graph.emit(compact(scaled), atoms, shape, synthetic=bool((divisors == 1).all()))
    layer = SparseAffine.table(places, 1.0, atoms.size, graph.name, divisors)
    return graph.emit(layer, atoms, shape)


def _grouped(graph: Graph, ids: torch.Tensor, dim: Any, keepdim: bool) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return atoms (n_out, k) to be reduced, and the shape of one reduced sample."""
    listed = (dim,) if isinstance(dim, int) else tuple(dim or range(ids.ndim))
    dims = sorted({d % ids.ndim for d in listed})
    if 0 in dims:
        raise UnsupportedLayerError(
            f"{graph.name}: expected a reduction over feature dimensions, got dim={dim} for a tensor of "
            f"shape {tuple(ids.shape)} (batch of {BATCH}), which mixes the samples. Give an explicit dim, "
            "such as -1."
        )
    kept = [d for d in range(ids.ndim) if d not in dims]
    moved = ids.permute(*kept, *dims)
    sizes = [ids.shape[d] for d in dims]
    count = math.prod(sizes)
    if count == 0:
        raise NetworkError(
            f"{graph.name}: expected at least one entry to reduce, got shape {tuple(ids.shape)}."
        )
    atoms = graph.atoms(Symbol(moved.reshape(*moved.shape[: len(kept)], count)))
    shape = tuple(ids.shape[d] if d in kept else 1 for d in range(1, ids.ndim) if d in kept or keepdim)
    return atoms.reshape(-1, count), shape


def refuse_product(graph: Graph, x: Any, y: Any) -> None:
    """Refuse a product of two values that both depend on the input."""
    if is_data(x) and is_data(y):
        raise NotPiecewiseLinearError(
            f"{graph.name}: expected a product with a constant, got {describe(x)} times {describe(y)}, both "
            "of which depend on the input; such a product is not piecewise linear. Remove it from the "
            "network."
        )
