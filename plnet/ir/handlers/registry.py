"""The registry: which module types, functions and tensor methods can be read, and which are smooth."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "MODULES",
    "RESIZING",
    "ROWS",
    "STRUCTURAL",
    "SupportedLayer",
    "as_function",
    "function_handler",
    "module_handler",
    "module_key",
    "registered_base",
    "structural",
]


class SupportedLayer(NamedTuple):
    """One row of the table of what `as_network` reads."""

    kind: str
    name: str
    becomes: str


MODULES: dict[type[nn.Module], tuple[Callable[..., Any], str]] = {}
"""Module type -> (handler(graph, module, *args), what it becomes)."""

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""Function as torch.fx records it -> handler(graph, *args, **kwargs)."""

METHODS: dict[str, Callable[..., Any]] = {}
"""Name of a tensor method -> handler, which gets the tensor as its first argument."""

STRUCTURAL: set[Any] = set()
"""Functions and method names that only move entries; torch runs them on the atoms."""

RESIZING: set[Any] = {nn.Unflatten}
"""Module types and functions behind which a vector may have another size."""

ROWS: list[SupportedLayer] = []
"""One row for each name, in the order of registration."""


def module_handler(*types: type[nn.Module], becomes: str, resizes: bool = False) -> Callable[[Any], Any]:
    """Register a handler for modules of these types."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for module_type in types:
            MODULES[module_type] = (handler, becomes)
            ROWS.append(SupportedLayer("module", _public_name(module_type), becomes))
        RESIZING.update(types if resizes else ())
        return handler

    return register


def as_function(
    function: Callable[..., Any], *types: type[nn.Module], options: Iterable[str] = (), becomes: str
) -> None:
    """Register modules that are a function of their input and of these attributes, in this order."""

    def handler(graph: Any, module: nn.Module, x: Any) -> Any:
        return function(graph, x, *(getattr(module, name) for name in options))

    module_handler(*types, becomes=becomes)(handler)


def function_handler(
    *functions: Callable[..., Any], methods: Iterable[str] = (), becomes: str, resizes: bool = False
) -> Callable[[Any], Any]:
    """Register a handler for functions, and for methods with the same arguments."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = handler
        for method in methods:
            METHODS[method] = handler
        RESIZING.update(functions if resizes else ())
        _record(functions, methods, becomes)
        return handler

    return register


def structural(*functions: Callable[..., Any], methods: Iterable[str] = ()) -> None:
    """Register functions and methods that only move, repeat or drop entries."""
    STRUCTURAL.update(functions)
    STRUCTURAL.update(methods)
    _record(functions, methods, "selection of entries; no layer, or rows of an Affine")


def module_key(module: nn.Module) -> type[nn.Module] | None:
    """Return the registered type whose forward this module runs, or None.

    A subclass with a forward of its own is another function than its base, and so is an instance
    whose forward was replaced; the same holds for methods that the forward calls. They are
    traced into instead.
    """
    base = registered_base(module)
    if base is None:
        return None
    own = vars(module)
    same = (
        name not in own and getattr(type(module), name) is getattr(base, name) for name in _methods_run(base)
    )
    return base if all(same) else None


def registered_base(module: nn.Module) -> type[nn.Module] | None:
    """Return the registered type that a module is of, whatever its forward does, or None."""
    return next((base for base in type(module).__mro__ if base in MODULES), None)


@cache
def _methods_run(base: type[nn.Module]) -> frozenset[str]:
    """Return the forward of a type and the methods that it calls, directly or not."""
    found: set[str] = set()
    waiting = {"forward"}
    while waiting:
        name = waiting.pop()
        found.add(name)
        code = getattr(inspect.unwrap(getattr(base, name)), "__code__", None)
        called = code.co_names if code else ()
        waiting |= {other for other in called if inspect.isfunction(getattr(base, other, None))} - found
    return frozenset(found)


def _record(functions: Iterable[Any], methods: Iterable[str], becomes: str) -> None:
    ROWS.extend(SupportedLayer("function", _public_name(function), becomes) for function in functions)
    ROWS.extend(SupportedLayer("method", f"Tensor.{method}", becomes) for method in methods)


def _public_name(item: Any) -> str:
    """Return the name under which users know a module type or a function."""
    name = item.__name__
    if isinstance(item, type):
        return f"{'torch.nn' if item.__module__.startswith('torch.nn') else 'plnet.networks'}.{name}"
    # Functions written in C do not say in which public module they are found.
    for prefix, home in (("torch.nn.functional", F), ("torch", torch), ("operator", operator)):
        for public in (name.lstrip("_"), name):
            if getattr(home, public, None) is item:
                return f"{prefix}.{public}"
    return f"{item.__module__}.{name}"
