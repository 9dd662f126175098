"""Which regions are neighbours, as a graph of networkx."""

from __future__ import annotations

from typing import Any

from plnet.errors import MissingExtraError
from plnet.regions.data import RegionData

__all__ = ["to_networkx"]


def to_networkx(complex_: RegionData) -> Any:
    """Return the adjacency as a networkx graph; nodes carry pattern, point and volume."""
    try:
        import networkx
    except ImportError as error:
        raise MissingExtraError(
            "networkx is not installed. Install it with: pip install 'plnet[graph]'"
        ) from error
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(complex_)))
    rows, columns = complex_.adjacency.nonzero()
    graph.add_edges_from(zip(rows.tolist(), columns.tolist(), strict=True))
    for i in graph.nodes:
        graph.nodes[i].update(
            pattern=tuple(complex_.patterns[i].tolist()),
            point=tuple(complex_.points[i].tolist()),
            volume=float(complex_.volumes[i]),
        )
    return graph
