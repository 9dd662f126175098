"""What users hand in, read as a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plnet.errors import DomainError, IngestError
from plnet.geometry.domain import Chart, Domain, Space
from plnet.ir.network import PLNetwork

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["chart_of", "check_domain", "read_network"]


def read_network(network: Module | PLNetwork, input_shape: int | Sequence[int] | None = None) -> PLNetwork:
    """Return a module, a network or a function that knows its network as a `PLNetwork`.

    A module without weights that fix a size, such as an activation, has one input.

    Raises
    ------
    IngestError
        If it cannot be read.
    """
    if isinstance(network, PLNetwork) and input_shape is None:
        return network
    if hasattr(network, "to_network"):
        return network.to_network()  # type: ignore[union-attr, operator]
    # Only a torch module needs torch.
    from plnet.ir.reading.ingest import as_network

    try:
        return as_network(network, input_shape)
    except IngestError as error:
        if type(error) is not IngestError or input_shape is not None or not _is_activation(network):
            raise
        return as_network(network, 1)


def check_domain(network: PLNetwork, domain: Any) -> Domain:
    """Return the domain, all of R^n if none is given; raise if it is none, or of another space.

    Costs nothing, where a chart of a box of many dimensions takes time.

    Raises
    ------
    DomainError, DimensionError
    """
    if domain is None:
        return Space(network.input_dim)
    if not isinstance(domain, Domain):
        raise DomainError(
            f"Expected a domain (Space, Box, Polytope, Slice or Segment), got {type(domain).__name__}. "
            "For the box [-1, 1]^n write plnet.Box(-1, 1)."
        )
    point = getattr(domain, "origin", getattr(domain, "start", None))
    if (domain.dim if point is None else len(point)) not in (None, network.input_dim):
        # The chart itself has the message.
        domain.chart(network.input_dim)
    return domain


def chart_of(network: PLNetwork, domain: Domain | None) -> Chart:
    """Return the domain of a network as a chart; all of R^n if none is given."""
    return check_domain(network, domain).chart(network.input_dim)


def _is_activation(module: Any) -> bool:
    if isinstance(module, type) or not hasattr(module, "parameters"):
        return False
    return all(tensor.numel() <= 1 for tensor in module.parameters())
