"""From a module to a graph of operations: a float64 copy, a torch.fx trace, and a walk along it."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import torch
from torch import fx, nn
from torch.fx.node import map_aggregate
from torch.nn.parameter import is_lazy

from plnet.errors import IngestError, PLNetError, UnsupportedLayerError
from plnet.ir.handlers.symbols import Graph, Symbol
from plnet.ir.handlers.table import module_key, registered_base
from plnet.ir.reading.walk import Walk

__all__ = ["double_copy", "trace", "walk"]


def double_copy(module: nn.Module) -> nn.Module:
    """Return an independent float64 copy on the CPU, in evaluation mode.

    Weights that torch's own hooks derive from others (pruning, weight norm) are brought
    up to date. Other forward hooks are refused, for they may change what the network computes.

    Raises
    ------
    UnsupportedLayerError
        If a parameter is complex or has no size yet because its module is lazy, or a module has
        a forward hook.
    IngestError
        If the module cannot be copied.
    """
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if is_lazy(tensor):
            raise UnsupportedLayerError(
                f"Expected initialised parameters, got the lazy parameter {name!r} without a size. Run the "
                "module once on a batch, then pass it again."
            )
        if tensor.is_complex():
            raise UnsupportedLayerError(f"Expected real parameters, got {name!r} of type {tensor.dtype}.")
    # Tensors that hooks compute are no leaves of autograd, and torch refuses to copy them.
    derived = [t for part in module.modules() for t in vars(part).values() if isinstance(t, torch.Tensor)]
    memo: dict[int, Any] = {id(t): t.detach().clone() for t in derived}
    try:
        twin = copy.deepcopy(module, memo).to("cpu").double().eval()
    except (RuntimeError, TypeError, NotImplementedError, AttributeError) as error:
        raise IngestError(
            f"Expected a module that can be copied to the CPU, got {_type_name(module)}, whose copy failed: "
            f"{error}"
        ) from error
    with torch.no_grad():
        for name, part in twin.named_modules():
            for key, value in vars(part).items():
                if isinstance(value, torch.Tensor):
                    value = value.cpu()
                    setattr(part, key, value.double() if value.is_floating_point() else value)
            _settle_hooks(name, part)
    return twin


def _settle_hooks(name: str, part: nn.Module) -> None:
    for hooks, before in ((part._forward_pre_hooks, True), (part._forward_hooks, False)):
        for hook in list(hooks.values()):
            if before and type(hook).__module__.startswith("torch.nn.utils."):
                hook(part, ())
                continue
            where = f"module {name!r}" if name else "the module itself"
            raise UnsupportedLayerError(
                f"{where} has the forward hook {hook!r}, which may change what the network computes. "
                "Remove the hook (handle.remove()) while the network is read."
            )
        hooks.clear()


class _Tracer(fx.Tracer):
    """A tracer that stops at every registered module and at torch's own, unless a forward was replaced."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether to record a call of the module instead of what it does inside."""
        if module_key(m) is not None:
            return True
        changed = registered_base(m) is not None or "forward" in vars(m)
        return super().is_leaf_module(m, module_qualified_name) and not changed


def trace(twin: nn.Module) -> tuple[nn.Module, fx.Graph, dict[str, Any]]:
    """Record what the module does.

    Returns
    -------
    root : torch.nn.Module
        What the names in the graph refer to: the module, or a container around it.
    graph : torch.fx.Graph
    defaults : dict of str to object
        Values of further arguments of the forward, by name.

    Raises
    ------
    UnsupportedLayerError
        If the module takes several inputs, or its control flow depends on the data.
    """
    if isinstance(twin, torch.jit.ScriptModule):
        raise UnsupportedLayerError(
            f"Expected a module in Python, got {_type_name(twin)}. Pass the module that was compiled."
        )
    tracer = _Tracer()
    root, defaults = twin, _defaults(twin)
    if tracer.is_leaf_module(twin, "") or "forward" in vars(twin):
        # Inside a module that is a leaf itself there is nothing for us to read, and of the outermost
        # module torch.fx runs the forward of the class only.
        root, defaults = nn.Sequential(twin), {}
    try:
        return root, tracer.trace(root, concrete_args=dict(defaults) or None), defaults
    except PLNetError:
        raise
    # The user's forward runs here and may raise anything when it meets a symbolic tensor.
    except Exception as error:
        raise UnsupportedLayerError(
            f"Expected a forward that torch.fx can trace, got {_type_name(twin)}, where tracing stopped with "
            f"{type(error).__name__}: {error}. Control flow must not depend on the data; conversions to "
            "numpy or to Python numbers, and len(), cannot be traced either. plnet.ir.supported_layers() "
            "lists what is read."
        ) from error


def _defaults(root: nn.Module) -> dict[str, Any]:
    parameters = list(inspect.signature(root.forward).parameters.values())
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in named if p.default is p.empty]
    if len(required) > 1 or not named:
        raise UnsupportedLayerError(
            f"Expected a module whose forward takes one tensor, got {_type_name(root)} with the arguments "
            f"{', '.join(p.name for p in named) or '(none)'}. Wrap it in a module that fixes the others."
        )
    return {p.name: p.default for p in named[1:]}


def walk(
    root: nn.Module, graph: fx.Graph, defaults: dict[str, Any], input_shape: tuple[int, ...]
) -> tuple[Graph, Symbol, Symbol]:
    """Follow the trace with symbols; return the operations, the input and the output."""
    symbolic = Graph(name="input")
    start = symbolic.fresh(input_shape)
    run = Walk(root, symbolic)
    result: Any = None
    first = True
    for node in graph.nodes:
        if node.op == "placeholder":
            run.values[node] = (
                start if first else defaults.get(node.target, node.args[0] if node.args else None)
            )
            first = False
        elif node.op == "output":
            result = map_aggregate(node.args[0], lambda a: run.values[a] if isinstance(a, fx.Node) else a)
        else:
            run.visit(node)
    symbolic.name = "output"
    if isinstance(result, torch.Tensor):
        result = symbolic.constant(result)
    if not isinstance(result, Symbol):
        raise UnsupportedLayerError(
            f"Expected a module that returns one tensor, got {_result_name(result)}. Wrap it in a module "
            "that returns the part you want."
        )
    return symbolic, start, result


def _result_name(result: Any) -> str:
    # torch.fx returns immutable relatives of these.
    names = [kind.__name__ for kind in (dict, list, tuple) if isinstance(result, kind)]
    return names[0] if names else type(result).__name__


def _type_name(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"
