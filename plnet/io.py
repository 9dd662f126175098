"""Files: a `RegionComplex` as npz with a schema version; no pickle is ever written or read."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from plnet.errors import FileFormatError, OutputError
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.regions.complex import RegionComplex
from plnet.regions.leaves import LeafArrays

__all__ = ["SCHEMA", "load_complex", "save_complex", "write_atomically"]

SCHEMA = 1
"""Version of the file format; raised when a reader of the old one would misread a file."""


def save_complex(complex_: RegionComplex, path: str | Path) -> Path:
    """Write a complex, its network and its domain to an npz file, atomically.

    Parameters
    ----------
    complex_ : RegionComplex
    path : str or Path
        ``.npz`` is appended if it is missing.

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    target = Path(path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    arrays: dict[str, np.ndarray] = {
        "patterns": complex_.leaves.patterns,
        "vertices": complex_.leaves.vertices,
        "facets": complex_.leaves.facets,
        "starts": complex_.leaves.starts,
    }
    header: dict[str, Any] = {
        "format": "plnet.RegionComplex",
        "schema": SCHEMA,
        "chart": {
            "embedding": _rational_to_json(complex_.chart.embedding),
            "facets": _rational_to_json(complex_.chart.facets),
            "facet_names": list(complex_.chart.facet_names),
        },
        "network": _network_to_json(complex_.network, arrays),
    }
    for key in ("exact", "complete", "engine", "reason", "seconds", "n_undecided", "n_fallbacks"):
        header[key] = getattr(complex_, key)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with write_atomically(target) as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)
    return target


def load_complex(path: str | Path) -> RegionComplex:
    """Read a complex that `save_complex` wrote.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt or of a newer schema.
    """
    source = Path(path)
    if not source.exists() and source.suffix != ".npz":
        source = source.with_name(source.name + ".npz")
    try:
        with np.load(source, allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != "plnet.RegionComplex":
            raise FileFormatError(f"{source} is a {header['format']}, expected a plnet.RegionComplex.")
        if header["schema"] > SCHEMA:
            raise FileFormatError(
                f"{source} has schema {header['schema']}, this version of plnet reads up to {SCHEMA}. Update plnet."
            )
        return _complex_from(header, arrays)
    except FileFormatError:
        raise
    except FileNotFoundError as error:
        raise FileFormatError(f"No file {source}.") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(
            f"{source} is not a readable region file ({type(error).__name__}: {error}). "
            "It may be half-written or of another program; make it again."
        ) from error


def _complex_from(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> RegionComplex:
    leaves = LeafArrays(*(arrays[key] for key in ("patterns", "vertices", "facets", "starts")))
    network = _network_from_json(header["network"], arrays)
    rows = len(leaves.vertices)
    if (
        leaves.patterns.shape != (len(leaves.starts) - 1, network.n_units)
        or leaves.starts[-1] != rows
        or leaves.facets.shape != (rows, 4)
    ):
        raise FileFormatError("The arrays of the region file do not fit together; it is damaged. Make it again.")
    chart = Chart(
        _rational_from_json(header["chart"]["embedding"]),
        _rational_from_json(header["chart"]["facets"]),
        tuple(header["chart"]["facet_names"]),
    )
    keys = ("exact", "complete", "engine", "reason", "seconds", "n_undecided", "n_fallbacks")
    return RegionComplex(network, chart, leaves, **{key: header[key] for key in keys})


def _rational_to_json(matrix: RationalMatrix) -> dict[str, Any]:
    # Hexadecimal, because Python refuses to print very long decimal integers.
    return {
        "shape": list(matrix.shape),
        "integers": [hex(entry) for entry in matrix.integers.flat],
        "denominator": hex(matrix.denominator),
    }


def _rational_from_json(data: dict[str, Any]) -> RationalMatrix:
    rows, columns = data["shape"]
    flat = [int(entry, 16) for entry in data["integers"]]
    return RationalMatrix(object_array(flat, (rows, columns)), int(data["denominator"], 16))


def _network_to_json(network: PLNetwork, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    layers = []
    for i, layer in enumerate(network.layers):
        kind = type(layer).__name__
        keys = {"Affine": ("weight", "bias"), "ScalarPWL": ("breakpoints", "slopes", "anchors"), "GroupMax": ("groups",)}
        for key in keys[kind]:
            arrays[f"layer{i}_{key}"] = getattr(layer, key)
        layers.append({"kind": kind, "name": layer.name, "n_in": layer.n_in})
    return {"layers": layers, "input_dim": network.input_dim, "input_shape": network.input_shape}


def _network_from_json(data: dict[str, Any], arrays: dict[str, np.ndarray]) -> PLNetwork:
    layers: list[Any] = []
    for i, entry in enumerate(data["layers"]):
        name = entry["name"]
        if entry["kind"] == "Affine":
            layers.append(Affine(arrays[f"layer{i}_weight"], arrays[f"layer{i}_bias"], name))
        elif entry["kind"] == "ScalarPWL":
            parts = [arrays[f"layer{i}_{key}"] for key in ("breakpoints", "slopes", "anchors")]
            layers.append(ScalarPWL(*parts, name))
        elif entry["kind"] == "GroupMax":
            layers.append(GroupMax(arrays[f"layer{i}_groups"], entry["n_in"], name))
        else:
            raise FileFormatError(f"Unknown kind of layer {entry['kind']!r}.")
    shape = data["input_shape"]
    return PLNetwork(tuple(layers), data["input_dim"], tuple(shape) if shape else None)


class write_atomically:  # noqa: N801 - used as a function in a with statement
    """Open a file that appears under its name only when it was written whole.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        If the folder is missing or read-only, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        try:
            descriptor, self._temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        except OSError as error:
            raise _output_error(self._path, error) from error
        self._handle = os.fdopen(descriptor, "wb")
        return self._handle

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            self._handle.close()
            if kind is None:
                Path(self._temporary).replace(self._path)
                return
        except OSError as close_error:
            error = error or close_error
        Path(self._temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _output_error(self._path, error) from error


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"Cannot write {path}: {error.strerror or error}. Choose another folder, or make room.")
