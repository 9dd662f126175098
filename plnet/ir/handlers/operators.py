"""Handlers of the sparse affine modules that `to_sequential` writes: the same layers again."""

from __future__ import annotations

import torch

from plnet.errors import UnsupportedLayerError
from plnet.ir.convolution import Convolution
from plnet.ir.handlers.modules import INPUT_SIZES
from plnet.ir.handlers.registry import MODULES, module_handler, module_key
from plnet.ir.handlers.symbols import Graph, Symbol
from plnet.ir.operators import SparseAffine
from plnet.networks.operators import GatheredConvolution, SparseLinear, StackedLinear

__all__: list[str] = []

INPUT_SIZES.update(dict.fromkeys((SparseLinear, GatheredConvolution, StackedLinear), "in_features"))


@module_handler(SparseLinear, becomes="Affine (sparse)", resizes=True)
def sparse_linear(graph: Graph, module: SparseLinear, x: Symbol) -> Symbol:
    """Rows with few entries."""
    divisors = module.divisors.numpy()
    layer = SparseAffine(
        module.starts.numpy(),
        module.inputs.numpy(),
        module.values.double().numpy(),
        module.in_features,
        module.bias.double().numpy(),
        graph.name,
        None if (divisors == 1).all() else divisors,
    )
    return graph.emit(layer, graph.atoms(x), (layer.n_out,))


@module_handler(GatheredConvolution, becomes="Affine (a convolution, kept as such)", resizes=True)
def gathered_convolution(graph: Graph, module: GatheredConvolution, x: Symbol) -> Symbol:
    """Kernel and table."""
    kernel, bias = (tensor.detach().double().numpy() for tensor in (module.kernel, module.bias))
    layer = Convolution(kernel, module.table.numpy(), module.positions_in, bias, graph.name)
    return graph.emit(layer, graph.atoms(x), (layer.n_out,))


@module_handler(StackedLinear, becomes="Affine (several side by side)", resizes=True)
def stacked_linear(graph: Graph, module: StackedLinear, x: Symbol) -> Symbol:
    """Each part on its features."""
    name, found = graph.name, []
    for i, part in enumerate(module.parts):
        graph.name = f"{name}.parts.{i}"
        key = module_key(part)
        if key is None:
            raise UnsupportedLayerError(f"{graph.name}: there is no handler for {type(part).__name__}.")
        read = Symbol(x.ids[:, getattr(module, f"inputs{i}")])
        found.append(MODULES[key][0](graph, part, read).ids)
    graph.name = name
    return Symbol(torch.cat(found, dim=1))
