"""The size of a vector input, found from the first layer that fixes one."""

from __future__ import annotations

import operator
from collections import deque
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from plnet.errors import IngestError
from plnet.ir.handlers.modules import INPUT_SIZES
from plnet.ir.handlers.registry import RESIZING, STRUCTURAL, module_key

__all__ = ["infer_input_size"]

_RESHAPING: set[Any] = {
    "max",
    "min",
    "amax",
    "amin",
    "sum",
    "mean",
    torch.max,
    torch.min,
    torch.amax,
    torch.amin,
}
_RESHAPING |= {torch.sum, torch.mean, getattr}
_WEIGHTED: set[Any] = {F.linear, operator.matmul, torch.matmul, torch.mm, "matmul", "mm"}
_FLAT: set[Any] = {"flatten", "contiguous", "clone", "detach", torch.flatten, torch.ravel, torch.clone}


def infer_input_size(root: nn.Module, graph: fx.Graph) -> int:
    """Return the number of entries of a vector input.

    The first consumers are searched breadth first, through everything that keeps a
    vector's size.

    Raises
    ------
    IngestError
        If none fixes a size, or the path to it changes the shape.
    """
    start = next(node for node in graph.nodes if node.op == "placeholder")
    queue, seen = deque([start]), {start}
    while queue:
        node = queue.popleft()
        for user in node.users:
            if user in seen:
                continue
            seen.add(user)
            size = _size(root, user, node)
            if size is not None:
                return size
            if _keeps_size(root, user):
                queue.append(user)
    raise IngestError(
        "Expected a layer behind the input that fixes its size, such as torch.nn.Linear, and found none. "
        "Give input_shape, for example as_network(module, input_shape=(1, 28, 28)) or input_shape=2."
    )


def _size(root: nn.Module, user: fx.Node, node: fx.Node) -> int | None:
    if user.op == "call_module":
        module = root.get_submodule(str(user.target))
        key = module_key(module)
        return getattr(module, INPUT_SIZES[key]) if key in INPUT_SIZES else None
    others = [a for a in user.args if a is not node]
    if user.target in {"view", "reshape", torch.reshape}:
        sizes = _flat_sizes(others)
        # view(-1, 784) fixes the size, view(n, -1) is a flattening.
        return sizes[1] if len(sizes) == 2 and sizes[0] == -1 and isinstance(sizes[1], int) else None
    if user.target not in _WEIGHTED or not others or user.args[0] is not node:
        return None
    tensor = _constant(root, others[0])
    if not isinstance(tensor, torch.Tensor):
        return None
    return tensor.shape[-1] if user.target is F.linear else tensor.shape[0]


def _constant(root: nn.Module, value: Any) -> Any:
    """Return what an argument is if it does not depend on the input, else None."""
    if not isinstance(value, fx.Node):
        return value
    if value.op == "get_attr":
        return operator.attrgetter(str(value.target))(root)
    if value.op not in {"call_function", "call_method"} or value.kwargs:
        return None
    args = [_constant(root, argument) for argument in value.args]
    if any(argument is None for argument in args):
        return None
    function: Any = value.target
    return getattr(args[0], function)(*args[1:]) if value.op == "call_method" else function(*args)


def _flat_sizes(arguments: list[Any]) -> list[Any]:
    return list(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], tuple | list) else arguments


def _keeps_size(root: nn.Module, user: fx.Node) -> bool:
    if user.op == "call_module":
        module = root.get_submodule(str(user.target))
        key = module_key(module)
        return key is not None and key not in RESIZING
    if user.target in {"view", "reshape", torch.reshape}:
        sizes = _flat_sizes(list(user.args[1:]))
        return len(sizes) == 2 and sizes[1] == -1
    if user.op == "output" or user.target in _RESHAPING or user.target in RESIZING:
        return False
    return user.target in _FLAT or user.target not in STRUCTURAL
