"""Public names that are loaded on first use (PEP 562), so that importing a package stays light."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["homes", "lazy_names"]


def homes(names_of: Mapping[str, str]) -> dict[str, str]:
    """Return the module of each name, from a table that lists the names of each module in one text."""
    return {name: module for module, names in names_of.items() for name in names.split()}


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package: its public names, and all its modules and packages.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping
        For each public name the module it lives in, relative to the package; an empty string
        if the name is itself a module of the package. Other modules need no entry.

    Examples
    --------
    >>> from plnet.lazy import lazy_names
    >>> lazy_names("plnet", {"rational": "geometry.exact"})("rational").__name__
    'rational'
    """

    def load(name: str) -> Any:
        if homes.get(name):
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        if name.startswith("_") or find_spec(f"{package}.{name}") is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f"{package}.{name}")

    return load
