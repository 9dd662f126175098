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
SCHEMA = 2
"""Version of the file format; raised when a reader of the old one would misread a file."""

_RESULT = ("exact", "complete", "engine", "reason", "seconds", "n_undecided", "n_fallbacks", "stopped_by")
_LEAVES = ("patterns", "vertices", "facets", "starts")
_OPTIONAL_LEAVES = ("facet_starts", "tight", "lines")
"""Only regions of more than two dimensions have them."""


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
    if arrays["patterns"].max(initial=0) < 256:
        # Half the size, and several times faster to compress.
        arrays["patterns"] = arrays["patterns"].astype(np.uint8)
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
    arrays["patterns"] = arrays["patterns"].astype(np.int16)
    leaves = LeafArrays(
        *(arrays[key] for key in _LEAVES), **{key: arrays[key] for key in _OPTIONAL_LEAVES if key in arrays}
    )
    network = network_from_header(header["network"], arrays)
    if (
        leaves.patterns.shape != (len(leaves.starts) - 1, network.n_units)
        or leaves.starts[-1] != len(leaves.vertices)
        or leaves.facets.shape != (leaves.facet_rows[-1], 4)
        or len(leaves.facet_rows) != len(leaves.starts)
        or (leaves.tight is not None and len(leaves.tight) != len(leaves.vertices))
    ):
        raise FileFormatError(
            "The arrays of the region file do not fit together; it is damaged. Make it again."
        )
    chart = Chart(
        rational_from_header(header["chart"]["embedding"]),
        rational_from_header(header["chart"]["facets"]),
        tuple(header["chart"]["facet_names"]),
    )
    # Files of earlier versions do not say what stopped an enumeration.
    result = {
        "stopped_by": None,
        **{key: header[key] for key in _RESULT if key in header or key != "stopped_by"},
    }
    return RegionComplex(network, chart, leaves, **result)
