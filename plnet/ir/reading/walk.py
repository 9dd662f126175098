"""One step along a torch.fx graph: compute a node with symbols, or say why that is impossible."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import torch
from torch import fx, nn
from torch.fx.node import map_aggregate

from plnet.errors import DimensionError, NotPiecewiseLinearError, PLNetError, UnsupportedLayerError
from plnet.ir.handlers.arithmetic import ADVICE
from plnet.ir.handlers.smooth import SMOOTH_FUNCTIONS, SMOOTH_METHODS, SMOOTH_MODULES, STEP_NAMES
from plnet.ir.handlers.symbols import BATCH, Graph, Indices, Symbol
from plnet.ir.handlers.table import FUNCTIONS, METHODS, MODULES, ROWS, STRUCTURAL, module_key

__all__ = ["Walk", "refuse_modules"]

_FACTS = {"shape", "ndim", "dtype", "device", "is_cuda", "requires_grad"}
"""Attributes of a tensor that do not depend on its entries."""

_FACT_METHODS = {"size", "dim", "ndimension", "numel", "nelement", "is_floating_point"}


class Walk:
    """The values of the nodes of a trace, computed one after the other.

    Parameters
    ----------
    root : torch.nn.Module
        What qualified names refer to; in float64.
    graph : Graph
        Receives the operations.
    """

    def __init__(self, root: nn.Module, graph: Graph) -> None:
        self.root = root
        self.graph = graph
        self.values: dict[fx.Node, Any] = {}

    def visit(self, node: fx.Node) -> None:
        """Compute one node.

        Raises
        ------
        NotPiecewiseLinearError, UnsupportedLayerError, DimensionError, NetworkError
            With the qualified name of the module or function.
        """
        self.graph.name = self._qualified(node)
        args = map_aggregate(node.args, self._lookup)
        kwargs = map_aggregate(node.kwargs, self._lookup)
        try:
            self.values[node] = self._compute(node, args, kwargs)
        except PLNetError:
            raise
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
            shapes = ", ".join(str(tuple(s.shape)) for s in _symbols((args, kwargs)))
            raise DimensionError(
                f"{self.graph.name}: cannot be applied to a tensor of shape {shapes or '(none)'} (batch of "
                f"{BATCH}): {type(error).__name__}: {error}. Check the arguments, and input_shape where one "
                "input is more than a vector."
            ) from error

    def _lookup(self, argument: Any) -> Any:
        return self.values[argument] if isinstance(argument, fx.Node) else argument

    def _compute(self, node: fx.Node, args: Any, kwargs: Any) -> Any:
        target: Any = node.target
        if node.op == "get_attr":
            return operator.attrgetter(target)(self.root)
        if node.op == "call_module":
            return self._call_module(node, args, kwargs)
        if not any(True for _ in _symbols((args, kwargs))):
            return self._constant(node, args, kwargs)
        if target is getattr:
            return self._attribute(*args)
        if target is operator.getitem and not isinstance(args[0], Symbol):
            return args[0][args[1]]
        if any(isinstance(a, Indices) for a in args):
            raise UnsupportedLayerError(
                f"{self.graph.name}: uses the positions of a maximum, which are no continuous function of "
                "the input."
            )
        if node.op == "call_method" and target in _FACT_METHODS:
            return getattr(torch.empty(args[0].shape, dtype=torch.float64), target)(*args[1:], **kwargs)
        if target in STRUCTURAL:
            return self._move(node, args, kwargs)
        handler: Any = FUNCTIONS.get(target) if node.op == "call_function" else METHODS.get(target)
        in_place = bool(kwargs.get("inplace", False))
        if handler is None:
            handler, in_place = self._in_place_form(node)
        if handler is None:
            raise self._refusal(node)
        result = handler(self.graph, *args, **kwargs)
        if in_place:
            # Later readers of the same tensor see what was written into it.
            args[0].ids = result.ids
        return result

    def _constant(self, node: fx.Node, args: Any, kwargs: Any) -> Any:
        """Compute what does not depend on the input as torch does, in float64."""
        with torch.no_grad():
            return _call(node, args, kwargs)

    def _attribute(self, value: Any, name: str) -> Any:
        if isinstance(value, Symbol) and name in _FACTS:
            return getattr(torch.empty(value.shape, dtype=torch.float64), name)
        if isinstance(value, Symbol) and name in {"T", "mT", "data"}:
            return Symbol(getattr(value.ids, name))
        if not isinstance(value, Symbol):
            return getattr(value, name)
        raise UnsupportedLayerError(f"{self.graph.name}: the attribute {name!r} of a tensor cannot be read.")

    def _move(self, node: fx.Node, args: Any, kwargs: Any) -> Any:
        """Let torch move the atoms as it would move the numbers."""
        if node.target in {torch.cat, torch.concat, torch.concatenate, torch.stack, torch.hstack}:
            args, kwargs = map_aggregate(args, self._lift), map_aggregate(kwargs, self._lift)
        moved = _call(node, map_aggregate(args, _lower), map_aggregate(kwargs, _lower))
        return map_aggregate(moved, _wrap)

    def _lift(self, value: Any) -> Any:
        return self.graph.constant(value) if isinstance(value, torch.Tensor) else value

    def _call_module(self, node: fx.Node, args: Any, kwargs: Any) -> Any:
        module = self.root.get_submodule(str(node.target))
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        key = module_key(module)
        if key is not None:
            inputs = [*args, *kwargs.values()]
            if len(inputs) != 1:
                raise UnsupportedLayerError(
                    f"{self.graph.name} ({kind}): expected one input, got {len(inputs)}."
                )
            if not isinstance(inputs[0], Symbol):
                return _constant_module(module, inputs[0])
            result = MODULES[key][0](self.graph, module, inputs[0])
            if getattr(module, "inplace", False):
                inputs[0].ids = result.ids
            return result
        raise _module_refusal(self.graph.name, module)

    def _in_place_form(self, node: fx.Node) -> tuple[Any, bool]:
        """Find the handler of `relu` for `relu_`, and so on."""
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        if name.endswith("_") and not name.endswith("__"):
            return METHODS.get(name[:-1]), True
        return None, False

    def _refusal(self, node: fx.Node) -> PLNetError:
        name = (
            node.target
            if isinstance(node.target, str)
            else getattr(node.target, "__name__", str(node.target))
        )
        if node.target in SMOOTH_FUNCTIONS or name.rstrip("_") in SMOOTH_METHODS:
            return NotPiecewiseLinearError(
                f"{self.graph.name} ({name}) is not piecewise linear, so the network has no linear regions. "
                f"{ADVICE}"
            )
        hint = " Comparisons and steps jump; write the function with relu, clamp, maximum or abs."
        known = ", ".join(sorted({row.name.rpartition(".")[2] for row in ROWS if row.kind != "module"}))
        return UnsupportedLayerError(
            f"{self.graph.name}: there is no handler for {name!r}.{hint if name in STEP_NAMES else ''} "
            f"Supported functions and methods: {known}; and moving entries by view, cat, slices and the like."
        )

    def _qualified(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return str(node.target)
        stack = node.meta.get("nn_module_stack")
        path = next(reversed(stack.values()))[0] if stack else ""
        return f"{path}.{node.name}" if path else node.name


def refuse_modules(root: nn.Module, graph: fx.Graph) -> None:
    """Raise the refusal of the first module in a graph that cannot be read, if there is one."""
    for node in graph.nodes:
        if node.op == "call_module":
            module = root.get_submodule(str(node.target))
            if module_key(module) is None:
                raise _module_refusal(str(node.target), module)


def _module_refusal(name: str, module: nn.Module) -> PLNetError:
    kind = f"{type(module).__module__}.{type(module).__qualname__}"
    if isinstance(module, SMOOTH_MODULES):
        return NotPiecewiseLinearError(
            f"{name} ({kind}) is not piecewise linear, so the network has no linear regions. {ADVICE}"
        )
    names = ", ".join(sorted({t.__name__ for t in MODULES}))
    return UnsupportedLayerError(
        f"{name} ({kind}): there is no handler for it. Supported modules: {names}; and user modules "
        "made of them and of the functions that plnet.ir.supported_layers() lists."
    )


def _call(node: fx.Node, args: Any, kwargs: Any) -> Any:
    target: Any = node.target
    if node.op == "call_method":
        return getattr(args[0], target)(*args[1:], **kwargs)
    return target(*args, **kwargs)


def _constant_module(module: nn.Module, value: Any) -> Any:
    with torch.no_grad():
        return module(value)


def _lower(value: Any) -> Any:
    return value.ids if isinstance(value, Symbol) else value


def _wrap(value: Any) -> Any:
    return Symbol(value) if isinstance(value, torch.Tensor) else value


def _symbols(value: Any) -> Iterator[Symbol]:
    if isinstance(value, Symbol | Indices):
        yield value  # type: ignore[misc]
    elif isinstance(value, dict):
        for item in value.values():
            yield from _symbols(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _symbols(item)
    elif isinstance(value, slice):
        yield from _symbols((value.start, value.stop, value.step))
