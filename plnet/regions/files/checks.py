"""Whether the parts of a stored complex can belong together, before anything is computed from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from plnet.errors import FileFormatError
from plnet.geometry.domain import Chart
from plnet.geometry.homogeneous import AT_INFINITY
from plnet.io import require_types
from plnet.ir.layers import GroupMax
from plnet.ir.network import PLNetwork
from plnet.regions.leaves import LeafArrays

__all__ = ["require_sound"]

_RESULT: dict[str, Any] = {
    "exact": bool,
    "complete": bool,
    "engine": str,
    "reason": str,
    "seconds": int | float,
    "n_undecided": int,
    "n_fallbacks": int,
    "stopped_by": str | None,
}
_KINDS = {"patterns": "iu", "vertices": "f", "facets": "i", "starts": "i", "facet_starts": "i", "tight": "u"}
_AXES = {"starts": 1, "facet_starts": 1}


def require_sound(network: PLNetwork, chart: Chart, leaves: LeafArrays, result: Mapping[str, Any]) -> None:
    """Raise if the parts of a complex contradict each other.

    Parameters
    ----------
    network : PLNetwork
    chart : Chart
    leaves : LeafArrays
    result : mapping
        What else the complex says of itself.

    Raises
    ------
    FileFormatError
        Names the first contradiction.

    Notes
    -----
    Linear in the size of the arrays. It is no proof that the regions are those of the network; that is what
    a certificate is for.
    """
    require_types({"stopped_by": None, **result}, _RESULT)
    for problem in _problems(network, chart, leaves):
        raise FileFormatError(problem)


def _problems(network: PLNetwork, chart: Chart, leaves: LeafArrays) -> Iterator[str]:
    """Yield contradictions; a later check relies on the earlier ones."""
    n, d = chart.input_dim, chart.dim
    if d < 1 or n != network.input_dim:
        yield f"its domain has dimension {d} in a space of {n} inputs, and the network {network.input_dim}"
    if chart.facets.shape != (len(chart.facet_names), d + 1):
        yield "the sides of its domain do not fit together"
    for key, array in vars(leaves).items():
        kind, axes = _KINDS.get(key, "f"), _AXES.get(key, 2)
        if array is not None and (array.dtype.kind not in kind or array.ndim != axes):
            yield f"{key} is an array {array.shape} of {array.dtype}"
    yield from _misfits(network, d, leaves)
    yield from _impossible_values(network, chart, leaves)


def _misfits(network: PLNetwork, d: int, leaves: LeafArrays) -> Iterator[str]:
    regions = len(leaves.patterns)
    for key, ends, rows in (
        ("starts", leaves.starts, len(leaves.vertices)),
        ("facet_starts", leaves.facet_rows, len(leaves.facets)),
    ):
        if ends.shape != (regions + 1,) or ends[0] != 0 or ends[-1] != rows or (np.diff(ends) < 0).any():
            yield f"{key} does not divide {rows} rows among {regions} regions"
    fewest = {1: 2, 2: 3}.get(d, 1) if leaves.has_vertices else 1
    if np.diff(leaves.starts).min(initial=fewest) < fewest:
        yield f"a region has fewer vertices than the {fewest} that it needs"
    if not leaves.has_vertices and len(leaves.vertices) != regions:
        yield f"{regions} regions have {len(leaves.vertices)} points"
    if (d > 2) != (leaves.tight is not None) and leaves.has_vertices:
        yield f"facets and vertices are not told as dimension {d} needs it"
    if leaves.patterns.shape[1] != network.n_units:
        yield f"patterns are of {leaves.patterns.shape[1]} units, and the network has {network.n_units}"
    if leaves.vertices.shape[1] != d + 1 or leaves.facets.shape[1] != 4:
        yield "vertices or facets have rows of another length"
    words = -(-np.diff(leaves.facet_rows).max(initial=0) // 64)
    if leaves.tight is not None and (
        len(leaves.tight) != len(leaves.vertices) or leaves.tight.shape[1] < words
    ):
        yield "tight does not fit to vertices and facets"
    if leaves.lines is not None and leaves.lines.shape[1] != d:
        yield "lines do not fit to the dimension"
    if leaves.errors is not None and leaves.errors.shape != (len(leaves.vertices), d):
        yield "errors do not fit to vertices"


def _impossible_values(network: PLNetwork, chart: Chart, leaves: LeafArrays) -> Iterator[str]:
    for key in ("vertices", "lines"):
        array = getattr(leaves, key)
        if array is not None and not np.isfinite(array).all():
            yield f"{key} contain NaN or infinity"
    if leaves.errors is not None and not (leaves.errors >= 0).all():
        yield "errors contain NaN or a negative number"
    if not np.isin(leaves.vertices[:, -1], (0, 1)).all():
        yield "a vertex is neither a point nor a direction"
    if ((leaves.patterns < 0) | (leaves.patterns >= _pieces(network))).any():
        yield "a pattern names a piece that its unit has not"
    if not _known_facets(network, chart, leaves.facets).all():
        yield "a facet is of no unit of the network and no side of the domain"


def _pieces(network: PLNetwork) -> np.ndarray:
    """Return the number of pieces of each column of a pattern."""
    counts = [
        _places(layer)[index]
        for layer, index in zip(network.nonlinear_layers, network.unit_indices, strict=True)
    ]
    return np.concatenate([np.empty(0, np.int64), *counts])


def _places(layer: Any) -> np.ndarray:
    """Return the number of pieces of each unit; in a group that repeats a member, that of its places."""
    if isinstance(layer, GroupMax):
        return np.full(layer.n_units, layer.groups.shape[1])
    return layer.n_pieces


def _known_facets(network: PLNetwork, chart: Chart, facets: np.ndarray) -> np.ndarray:
    """Return which rows (layer, unit, lower piece, higher piece) stand for something, shape (F,)."""
    layer, unit, low, high = facets.T
    known = (facets == np.array(AT_INFINITY)).all(axis=1)
    known |= (layer == -1) & (unit >= 0) & (unit < len(chart.facet_names))
    for depth, part in enumerate(network.nonlinear_layers):
        rows = np.flatnonzero((layer == depth) & (unit >= 0) & (unit < part.n_units))
        step = high[rows] - low[rows]
        neighbours = step >= 1 if isinstance(part, GroupMax) else step == 1
        known[rows] = neighbours & (low[rows] >= 0) & (high[rows] < _places(part)[unit[rows]])
    return known
