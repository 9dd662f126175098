"""What users hand in: two modules, networks or activations, made into a pair that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plnet.errors import DimensionError, IngestError
from plnet.ir.network import PLNetwork

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["check_same_shape", "pair_of_networks"]


def pair_of_networks(
    f: Module | PLNetwork, g: Module | PLNetwork, input_dim: int | None = None
) -> tuple[PLNetwork, PLNetwork]:
    """Return two modules as networks.

    Parameters
    ----------
    f, g : torch.nn.Module or PLNetwork
    input_dim : int, optional
        Number of inputs of modules that take any number of them, if neither `f` nor `g` says.

    Returns
    -------
    tuple of two PLNetwork

    Raises
    ------
    IngestError
        If a module cannot be read.
    """
    first, why_not_first = _tried(f, None)
    second, why_not_second = _tried(g, None)
    known = first or second
    if known is None and not (_is_activation(f) and _is_activation(g)):
        raise why_not_first or why_not_second or IngestError("Expected two modules or networks.")
    shape = (input_dim or 1) if known is None else known.input_shape or known.input_dim
    return first or _read(f, shape), second or _read(g, shape)


def check_same_shape(f: PLNetwork, g: PLNetwork) -> None:
    """Raise `DimensionError` unless two networks map between the same spaces."""
    if f.input_dim != g.input_dim:
        raise DimensionError(
            f"Expected two networks with the same number of inputs, got {f.input_dim} and {g.input_dim}. "
            "Compare networks of the same input, or put a Linear layer in front of one."
        )
    if f.output_dim != g.output_dim:
        raise DimensionError(
            f"Expected two networks with the same number of outputs, got {f.output_dim} and {g.output_dim}. "
            "Compare networks of the same output, or select outputs with a Linear layer behind one."
        )


def _tried(module: Any, shape: Any) -> tuple[PLNetwork | None, IngestError | None]:
    if isinstance(module, PLNetwork):
        return module, None
    try:
        return _read(module, shape), None
    except IngestError as error:
        if not _is_module(module) or type(error) is not IngestError:
            raise
        return None, error


def _read(module: Any, shape: Any) -> PLNetwork:
    # Only a torch module needs torch.
    from plnet.ir.reading.ingest import as_network

    return as_network(module, shape)


def _is_module(module: Any) -> bool:
    return hasattr(module, "parameters") and hasattr(module, "forward") and not isinstance(module, type)


def _is_activation(module: Any) -> bool:
    """Return whether a module says nothing about the number of its inputs."""
    if isinstance(module, PLNetwork):
        return False
    return all(parameter.numel() <= 1 for parameter in module.parameters())
