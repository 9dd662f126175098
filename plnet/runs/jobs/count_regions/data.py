"""Data sets to train on: images as rows of numbers, split into training and test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plnet.checks import check_labels
from plnet.errors import ConfigError, FileFormatError, MissingExtraError
from plnet.io import open_npz

__all__ = ["Dataset", "digits", "from_npz", "split"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled data set in two parts.

    Parameters
    ----------
    name : str
    x_train, x_test : ndarray, shape (N, n)
        float64, one flattened sample a row.
    y_train, y_test : ndarray of int, shape (N,)
        Classes from 0.
    n_classes : int
    shape : tuple of int
        Shape of one sample before it was flattened.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    n_classes: int
    shape: tuple[int, ...]

    @property
    def n_inputs(self) -> int:
        """Number of inputs n of a network for these data."""
        return self.x_train.shape[1]


def digits(*, rng: Any, test_fraction: float = 0.2) -> Dataset:
    """Return the handwritten digits of scikit-learn, scaled to [0, 1]; they come with the package.

    Parameters
    ----------
    rng : SeedSequence or int
        Decides the split.
    test_fraction : float
        In (0, 1).

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError(
            'data=digits needs scikit-learn. Install it with `pip install "plnet[data]"`, or take data=npz.'
        ) from error
    bunch: Any = load_digits()
    # Grey values are integers up to 16, so the scaled ones are exact in float32 too.
    return split("digits", bunch.images / 16.0, bunch.target, rng=rng, test_fraction=test_fraction)


def from_npz(*, rng: Any, path: str, test_fraction: float = 0.2) -> Dataset:
    """Return the data of an npz file with the arrays ``x`` (N, ...) and ``y`` (N,).

    Parameters
    ----------
    rng : SeedSequence or int
        Decides the split.
    path : str
        A relative path starts where the script is started.
    test_fraction : float
        In (0, 1).

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt, or holds something else.
    """
    source = Path(path).expanduser()
    missing = "Give data.path from the folder you start in, or absolute."
    with open_npz(source, "npz file", "Write numpy.savez(path, x=samples, y=classes).", missing) as archive:
        absent = sorted({"x", "y"} - set(archive))
        if absent:
            held = ", ".join(archive) or "none"
            raise FileFormatError(f"it has no array {' and no '.join(absent)}; it holds {held}")
        x, y = archive["x"], archive["y"]
    return split(source.stem, x, y, rng=rng, test_fraction=test_fraction)


def split(name: str, x: Any, y: Any, *, rng: Any, test_fraction: float) -> Dataset:
    """Check samples and classes, and divide them at random.

    Parameters
    ----------
    name : str
        For messages and tables.
    x : array_like, shape (N, ...)
    y : array_like of int, shape (N,)
    rng : SeedSequence or int
    test_fraction : float
        Part of the samples kept for the test, rounded, at least one.

    Raises
    ------
    FileFormatError
        If shapes, types or values cannot be used.
    ConfigError
        If the fraction leaves nothing on one side.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype.kind not in "fiub" or x.ndim < 2 or y.shape != (len(x),) or x[:1].size == 0:
        raise FileFormatError(
            f"Expected the data {name} as numbers x (N, ...) and classes y (N,), got x {x.shape} {x.dtype} "
            f"and y {y.shape} {y.dtype}."
        )
    if y.dtype.kind not in "iu" or y.min(initial=0) < 0:
        raise FileFormatError(
            f"Expected classes 0, 1, 2, ... as integers in y of {name}, got {y.dtype} {y[:5]}."
        )
    rows = x.reshape(len(x), -1).astype(np.float64)
    if not np.isfinite(rows).all():
        raise FileFormatError(f"The samples x of {name} contain NaN or infinity; clean them first.")
    n_test = max(1, round(test_fraction * len(rows)))
    if not 0 < test_fraction < 1 or n_test >= len(rows):
        raise ConfigError(
            f"data.test_fraction={test_fraction} leaves no samples for training or test out of {len(rows)}. "
            "Expected a number between 0 and 1, such as 0.2."
        )
    labels = y.astype(np.int64)
    check_labels(int(labels.max()), len(labels), f"y of {name}", FileFormatError)
    order = np.random.default_rng(rng).permutation(len(rows))
    test, train = order[:n_test], order[n_test:]
    return Dataset(
        name, rows[train], labels[train], rows[test], labels[test], int(labels.max()) + 1, x.shape[1:]
    )
