"""Files of region complexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plnet.errors import FileFormatError
from plnet.geometry.domain import Chart
from plnet.geometry.stored import rational_from_header, rational_to_header
from plnet.io import open_arrays, write_arrays
from plnet.ir.stored import network_from_header, network_to_header
from plnet.regions.data import RegionData, Regions
from plnet.regions.files.checks import require_sound
from plnet.regions.leaves import LeafArrays

__all__ = ["SCHEMA", "load_complex", "save_complex"]

FORMAT = "plnet.RegionComplex"
SCHEMA = 3
"""Version of the file format; raised when a reader of the old one would misread a file."""

_RESULT = ("exact", "complete", "engine", "reason", "seconds", "n_undecided", "n_fallbacks", "stopped_by")
_LEAVES = ("patterns", "vertices", "facets", "starts")
_OPTIONAL_LEAVES = ("facet_starts", "tight", "lines", "errors")
"""Only regions of more than two dimensions have the first three; only newer files the last."""


def save_complex(complex_: RegionData, path: str | Path) -> Path:
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


def load_complex(path: str | Path, kind: type[Regions]) -> Regions:
    """Read a complex of a kind that `save_complex` wrote.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt or of a newer schema, or its arrays contradict each other.
    """
    with open_arrays(path, FORMAT, SCHEMA) as (header, arrays):
        return _complex_from(header, arrays, kind)


def _complex_from(header: dict[str, Any], arrays: Mapping[str, np.ndarray], kind: type[Regions]) -> Regions:
    network = network_from_header(header["network"], arrays)
    if header["schema"] < 3 and network.pattern_dtype != np.int16:
        raise FileFormatError(
            "it is of an older version of plnet, whose files could not hold the pieces of a unit with more "
            "than 32768 of them"
        )
    chart = Chart(
        rational_from_header(header["chart"]["embedding"]),
        rational_from_header(header["chart"]["facets"]),
        tuple(map(str, header["chart"]["facet_names"])),
    )
    # Files of earlier versions do not say what stopped an enumeration.
    result = {key: header[key] for key in _RESULT if key in header or key != "stopped_by"}
    leaves = LeafArrays(
        *(arrays[key] for key in _LEAVES), **{key: arrays[key] for key in _OPTIONAL_LEAVES if key in arrays}
    )
    require_sound(network, chart, leaves, result)
    leaves = replace(leaves, patterns=leaves.patterns.astype(network.pattern_dtype))
    return kind(network, chart, leaves, **result)
