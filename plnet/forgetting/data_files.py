"""Labelled data from files: npz archives of numpy, and the IDX format of MNIST."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from plnet.errors import FileFormatError
from plnet.forgetting.labelled_data import LabelledData, labelled

__all__ = ["from_idx", "from_npz", "read_idx"]

# The third byte of an IDX file: the type of its numbers, all big-endian.
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
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
    try:
        # Never with pickle: reading data must not run a program. Opened here, because numpy leaves the file
        # open where it is damaged.
        with source.open("rb") as handle:
            archive = np.load(handle, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise FileFormatError(
                    f"{source} holds a single array; expected an npz file with the arrays x and y."
                )
            with archive:
                names = next((n for n in _NAMES if set(n[:2]) <= set(archive.files)), None)
                if names is None:
                    raise FileFormatError(
                        f"{source} has no arrays x and y; it holds {', '.join(archive.files) or 'none'}. "
                        "Write numpy.savez(path, x=samples, y=classes)."
                    )
                arrays = [archive[name] for name in names if name in archive.files]
    except FileFormatError:
        raise
    except FileNotFoundError as error:
        raise FileFormatError(f"No file {source}. A relative path begins where you start.") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FileFormatError(
            f"{source} is not a readable npz file ({type(error).__name__}: {error}). "
            "Expected plain arrays x and y, written by numpy.savez."
        ) from error
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
    try:
        content = source.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError as error:
        raise FileFormatError(f"No file {source}. A relative path begins where you start.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"{source} cannot be read ({type(error).__name__}: {error}).") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise FileFormatError(
            f"{source} is no IDX file: it begins with {content[:4].hex(' ') or 'nothing'}, expected 00 00, "
            "a type and a number of dimensions."
        )
    kind, dimensions = np.dtype(_IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    shape = (
        tuple(int(n) for n in np.frombuffer(content[4:start], dtype=">u4")) if len(content) >= start else ()
    )
    wanted = start + int(np.prod(shape, dtype=object)) * kind.itemsize
    if len(shape) != dimensions or len(content) != wanted:
        raise FileFormatError(
            f"{source} is damaged: it announces {'x'.join(map(str, shape)) or 'a shape'}, {wanted} bytes, "
            f"and has {len(content)}. Get it again."
        )
    found = np.frombuffer(content[start:], dtype=kind).reshape(shape)
    return found.astype(kind.newbyteorder("="))


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
