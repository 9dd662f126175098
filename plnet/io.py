"""Files: arrays with a header, written atomically; no pickle is ever written or read."""

from __future__ import annotations

import json
import os
import secrets
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from plnet.errors import FileFormatError, OutputError
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.ir.network import PLNetwork
from plnet.ir.stored import layer_from_arrays, layer_to_arrays

__all__ = [
    "network_from_header",
    "network_to_header",
    "rational_from_header",
    "rational_to_header",
    "read_arrays",
    "write_arrays",
    "write_atomically",
]


def write_arrays(path: str | Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Path:
    """Write arrays and a JSON header to an npz file, atomically.

    Parameters
    ----------
    path : str or Path
        ``.npz`` is appended if it is missing.
    header : dict
        With the keys "format" and "schema".
    arrays : dict of ndarray

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
    packed = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with write_atomically(target) as handle:
        np.savez_compressed(handle, allow_pickle=False, header=packed, **arrays)
    return target


def read_arrays(path: str | Path, kind: str, schema: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    path : str or Path
    kind : str
        The format that is expected.
    schema : int
        The newest schema that the caller understands.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt, of another format or of a newer schema.
    """
    source = Path(path)
    if not source.exists() and source.suffix != ".npz":
        source = source.with_name(source.name + ".npz")
    try:
        # Opened here, because numpy leaves a file open that it cannot read.
        with source.open("rb") as handle, np.load(handle, allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
        header = json.loads(arrays.pop("header").tobytes())
        found, version = header["format"], int(header["schema"])
    except FileNotFoundError as error:
        raise FileFormatError(f"No file {source}.") from error
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise FileFormatError(
            f"{source} is not a readable {kind} file ({type(error).__name__}). "
            "It may be half-written or of another program; make it again."
        ) from error
    if found != kind:
        raise FileFormatError(f"{source} is a {found} file, expected {kind}.")
    if version > schema:
        raise FileFormatError(
            f"{source} has schema {version}, this version of plnet reads up to {schema}. Update plnet."
        )
    return header, arrays


def rational_to_header(matrix: RationalMatrix) -> dict[str, Any]:
    """Return an exact matrix as JSON data."""
    # Hexadecimal, because Python refuses to print very long decimal integers.
    return {
        "shape": list(matrix.shape),
        "integers": [hex(entry) for entry in matrix.integers.flat],
        "denominator": hex(matrix.denominator),
    }


def rational_from_header(data: dict[str, Any]) -> RationalMatrix:
    """Return the exact matrix that `rational_to_header` wrote."""
    rows, columns = data["shape"]
    flat = [int(entry, 16) for entry in data["integers"]]
    return RationalMatrix(object_array(flat, (rows, columns)), int(data["denominator"], 16))


def network_to_header(network: PLNetwork, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return a network as JSON data, and put its weights into `arrays`."""
    layers = [layer_to_arrays(layer, arrays, f"layer{i}") for i, layer in enumerate(network.layers)]
    return {"layers": layers, "input_dim": network.input_dim, "input_shape": network.input_shape}


def network_from_header(data: dict[str, Any], arrays: dict[str, np.ndarray]) -> PLNetwork:
    """Return the network that `network_to_header` wrote."""
    layers = [layer_from_arrays(entry, arrays, f"layer{i}") for i, entry in enumerate(data["layers"])]
    shape = data["input_shape"]
    return PLNetwork(tuple(layers), data["input_dim"], tuple(shape) if shape else None)


class write_atomically:
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
            self._temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
            # Not a file of `tempfile`: those can be read by their owner only.
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise _output_error(self._path, error) from error
        self._handle = os.fdopen(descriptor, "wb")
        return self._handle

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            self._handle.close()
            if kind is None:
                self._temporary.replace(self._path)
                return
        except OSError as close_error:
            error = error or close_error
        self._temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _output_error(self._path, error) from error


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Cannot write {path}: {error.strerror or error}. Choose another folder, or make room."
    )
