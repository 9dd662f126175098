"""Files of region complexes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plnet.errors import FileFormatError, PLNetError
from plnet.geometry.domain import Chart
from plnet.io import (
    network_from_header,
    network_to_header,
    rational_from_header,
    rational_to_header,
    read_arrays,
    write_arrays,
)
from plnet.regions.complex import RegionComplex
from plnet.regions.leaves import LeafArrays

__all__ = ["SCHEMA", "load_complex", "save_complex"]

FORMAT = "plnet.RegionComplex"
SCHEMA = 3
"""Version of the file format; raised when a reader of the old one would misread a file."""

_RESULT = ("exact", "complete", "engine", "reason", "seconds", "n_undecided", "n_fallbacks")
_LEAVES = ("patterns", "vertices", "facets", "starts")
_OPTIONAL_LEAVES = ("facet_starts", "tight", "lines", "errors")
"""Only regions of more than two dimensions have the first three; only newer files the last."""


def save_complex(complex_: RegionComplex, path: str | Path) -> Path:
    """Write a complex, its network and its domain to an npz file, atomically.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    leaves = complex_.leaves
    arrays = {key: getattr(leaves, key) for key in _LEAVES}
    arrays |= {key: found for key in _OPTIONAL_LEAVES if (found := getattr(leaves, key)) is not None}
    # Half the size, and several times faster to compress.
    arrays["patterns"] = leaves.patterns.astype(np.min_scalar_type(leaves.patterns.max(initial=0)))
    header: dict[str, Any] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "chart": {
            "embedding": rational_to_header(complex_.chart.embedding),
            "facets": rational_to_header(complex_.chart.facets),
            "facet_names": list(complex_.chart.facet_names),
        },
        "network": network_to_header(complex_.network, arrays),
        **{key: getattr(complex_, key) for key in _RESULT},
    }
    return write_arrays(path, header, arrays)


def load_complex(path: str | Path) -> RegionComplex:
    """Read a complex that `save_complex` wrote.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt or of a newer schema.
    """
    header, arrays = read_arrays(path, FORMAT, SCHEMA)
    try:
        return _complex_from(header, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, FileFormatError):
            raise
        reason = str(error) if isinstance(error, PLNetError) else f"{type(error).__name__}: {error}"
        raise FileFormatError(f"{path} is damaged ({reason}). Make it again.") from error


def _complex_from(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> RegionComplex:
    network = network_from_header(header["network"], arrays)
    if header["schema"] < 3 and network.pattern_dtype != np.int16:
        raise FileFormatError(
            "The region file is of an older version of plnet, whose files could not hold the pieces of a "
            "unit with more than 32768 of them. Make it again."
        )
    arrays["patterns"] = arrays["patterns"].astype(network.pattern_dtype)
    leaves = LeafArrays(
        *(arrays[key] for key in _LEAVES), **{key: arrays[key] for key in _OPTIONAL_LEAVES if key in arrays}
    )
    if (
        leaves.patterns.shape != (len(leaves.starts) - 1, network.n_units)
        or leaves.starts[-1] != len(leaves.vertices)
        or leaves.facets.shape != (leaves.facet_rows[-1], 4)
        or len(leaves.facet_rows) != len(leaves.starts)
        or (leaves.tight is not None and len(leaves.tight) != len(leaves.vertices))
        or (leaves.errors is not None and leaves.errors.shape != leaves.vertices[:, :-1].shape)
    ):
        raise FileFormatError(
            "The arrays of the region file do not fit together; it is damaged. Make it again."
        )
    chart = Chart(
        rational_from_header(header["chart"]["embedding"]),
        rational_from_header(header["chart"]["facets"]),
        tuple(header["chart"]["facet_names"]),
    )
    return RegionComplex(network, chart, leaves, **{key: header[key] for key in _RESULT})
