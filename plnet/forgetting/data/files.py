"""Labelled data from files: npz archives of numpy, and the IDX format of MNIST."""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path
from typing import IO, Any

import numpy as np

from plnet.errors import FileFormatError
from plnet.forgetting.data.labelled_data import LabelledData, labelled
from plnet.io import DEFLATE_RATIO, open_npz, reading

__all__ = ["from_idx", "from_npz", "read_idx"]

# The third byte of an IDX file: the type of its numbers, all big-endian.
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_MISSING = "A relative path begins where you start."
_NAMES = (("x", "y", "x_test", "y_test"), ("x_train", "y_train", "x_test", "y_test"))


def from_npz(path: str | Path, *, full_scale: float | None = None) -> LabelledData:
    """Return the data of an npz file with the arrays ``x`` and ``y``, or ``x_train`` and ``y_train``.

    Parameters
    ----------
    path : str or Path
        With arrays ``x_test`` and ``y_test`` too, these are the test set.
    full_scale : float, optional
        The largest grey value, for ``scaling="unit"``; without it, 255 for bytes and 1 for other numbers.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt, or holds something else.
    TaskError
        If the arrays cannot be used.
    """
    source = Path(path).expanduser()
    with open_npz(source, "npz file", "Write numpy.savez(path, x=samples, y=classes).", _MISSING) as archive:
        names = next((n for n in _NAMES if set(n[:2]) <= set(archive)), None)
        if names is None:
            raise FileFormatError(f"it has no arrays x and y; it holds {', '.join(archive) or 'none'}")
        arrays = [archive[name] for name in names if name in archive]
    return _joined(source.stem, arrays, full_scale)


def from_idx(
    images: str | Path,
    labels: str | Path,
    test_images: str | Path | None = None,
    test_labels: str | Path | None = None,
) -> LabelledData:
    """Return images and labels from files in the format of MNIST, as they are or compressed by gzip.

    Parameters
    ----------
    images, labels : str or Path
        Such as ``train-images-idx3-ubyte.gz`` and ``train-labels-idx1-ubyte.gz``.
    test_images, test_labels : str or Path, optional
        The test set; both or none.

    Raises
    ------
    FileFormatError
        If a file is missing, corrupt, or holds something else.
    TaskError
        If the arrays cannot be used.
    """
    if (test_images is None) != (test_labels is None):
        raise FileFormatError("Expected both test_images and test_labels, or none of them; got one.")
    paths = [path for path in (images, labels, test_images, test_labels) if path is not None]
    return _joined(Path(images).name.split(".")[0], [read_idx(path) for path in paths], None)


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array of an IDX file; ``.gz`` is understood.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt, or no IDX file.
    """
    source = Path(path).expanduser()
    with reading(source, "IDX file", "Get it again.", _MISSING), source.open("rb") as handle:
        packed = handle.read(2) == b"\x1f\x8b"
        most = handle.seek(0, os.SEEK_END) * (DEFLATE_RATIO if packed else 1)
        handle.seek(0)
        with gzip.open(handle) if packed else handle as content:
            return _idx_array(content, most)


def _idx_array(content: gzip.GzipFile | IO[bytes], most: int) -> np.ndarray:
    """Return the array of an IDX file that has at most so many bytes."""
    head = content.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_TYPES:
        raise FileFormatError(
            f"it begins with {head.hex(' ') or 'nothing'}, expected 00 00, a type and a number of dimensions"
        )
    kind, dimensions = np.dtype(_IDX_TYPES[head[2]]), head[3]
    lengths = content.read(4 * dimensions)
    shape = tuple(int(n) for n in np.frombuffer(lengths[: len(lengths) // 4 * 4], dtype=">u4"))
    wanted = math.prod(shape) * kind.itemsize
    # What a short file announces is not made room for; a byte too many is seen.
    numbers = content.read(wanted + 1) if len(shape) == dimensions and wanted <= most else b""
    if len(shape) != dimensions or len(numbers) != wanted:
        raise FileFormatError(
            f"it announces {'x'.join(map(str, shape)) or 'a shape'}, {wanted} bytes of numbers, and has "
            f"{'more' if len(numbers) > wanted else 'fewer'}"
        )
    return np.frombuffer(numbers, dtype=kind).reshape(shape).astype(kind.newbyteorder("="))


def _joined(name: str, arrays: list[Any], full_scale: float | None) -> LabelledData:
    x, y = arrays[:2]
    if full_scale is None:
        full_scale = 255.0 if x.dtype == np.uint8 else 1.0
    if len(arrays) == 2:
        return labelled(name, x, y, full_scale=full_scale)
    x_test, y_test = arrays[2:]
    if x_test.shape[1:] != x.shape[1:] or y_test.ndim != 1 or y.ndim != 1:
        raise FileFormatError(
            f"The training samples of {name} have the shape {x.shape[1:]}, the test samples "
            f"{x_test.shape[1:]}; expected the same, and one class for each sample."
        )
    joined = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    return labelled(name, *joined, full_scale=full_scale, n_test=len(x_test))
