"""MNIST and its relatives from OpenML: downloaded once, then read from a file."""

from __future__ import annotations

import functools
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plnet.errors import FileFormatError, MissingExtraError, TaskError
from plnet.forgetting.data.labelled_data import LabelledData, labelled
from plnet.io import open_npz

__all__ = ["OPENML", "from_openml"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Entry:
    """A data set of OpenML: 70 000 images, of which the last 10 000 are its test set."""

    name: str
    version: int = 1
    shape: tuple[int, int] = (28, 28)
    n_test: int = 10_000


OPENML: dict[str, _Entry] = {
    "mnist": _Entry("mnist_784"),
    "fashion_mnist": _Entry("Fashion-MNIST"),
    "kmnist": _Entry("Kuzushiji-MNIST"),
}


@functools.cache
def from_openml(name: str) -> LabelledData:
    """Return MNIST, Fashion-MNIST or KMNIST, with grey values from 0 to 255 as small integers.

    The first call downloads it through `sklearn.datasets.fetch_openml`, some ten megabytes, and keeps it in
    scikit-learn's data folder (``SCIKIT_LEARN_DATA``); later ones need no network.

    Parameters
    ----------
    name : "mnist", "fashion_mnist" or "kmnist"

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    TaskError
        If the data are not here and cannot be downloaded.
    """
    try:
        from sklearn.datasets import fetch_openml, get_data_home
    except ImportError as error:
        raise MissingExtraError(
            f'The data {name!r} need scikit-learn. Install it with `pip install "plnet[data]"`.'
        ) from error
    entry = OPENML[name]
    try:
        kept = Path(get_data_home()) / "plnet" / f"{entry.name}.npz"
    except OSError as error:
        raise TaskError(
            f"The data folder of scikit-learn cannot be used ({error}). Set SCIKIT_LEARN_DATA to a folder."
        ) from error
    arrays = _read(kept)
    if arrays is None:
        arrays = _download(name, entry, fetch_openml)
        _keep(kept, arrays)
    x, y = arrays
    return labelled(name, x, y, full_scale=255.0, n_test=entry.n_test, shape=entry.shape)


def _download(name: str, entry: _Entry, fetch: Any) -> tuple[np.ndarray, np.ndarray]:
    logger.info("downloading %s from OpenML", name)
    try:
        bunch = fetch(name=entry.name, version=entry.version, as_frame=False, parser="liac-arff")
    # What a missing network raises depends on where it is missing: URLError, timeouts, broken downloads.
    except (OSError, ValueError, EOFError) as error:
        raise TaskError(
            f"The data {name!r} are not on this machine and could not be downloaded from OpenML "
            f"({type(error).__name__}: {error}). Try again with a network; or take data='digits', which "
            "comes with scikit-learn; or give a file: from_idx(images, labels), from_npz(path)."
        ) from error
    x, y = np.asarray(bunch.data), np.asarray(bunch.target).astype(np.int64)
    if x.ndim != 2 or x.shape[1] != entry.shape[0] * entry.shape[1] or len(x) <= entry.n_test:
        raise TaskError(f"OpenML gave {name!r} as an array {x.shape}; expected images of {entry.shape}.")
    return np.ascontiguousarray(x, dtype=np.uint8), y


def _read(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        with open_npz(path) as archive:
            return archive["x"], archive["y"]
    except FileFormatError:
        return None


def _keep(path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    # Whole or not at all: several processes of a sweep may do this at the same time.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, x=arrays[0], y=arrays[1])
        Path(name).replace(path)
    except OSError as error:
        logger.warning("the downloaded data could not be kept in %s (%s)", path.parent, error)
