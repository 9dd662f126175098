"""Labelled data from which tasks are made: where they come from, and what they are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from plnet.checks import did_you_mean
from plnet.errors import TaskError
from plnet.forgetting.data.files import from_npz
from plnet.forgetting.data.labelled_data import LabelledData, labelled
from plnet.forgetting.data.openml import OPENML, from_openml
from plnet.forgetting.data.sklearn import SKLEARN, from_sklearn

__all__ = ["DATA_NAMES", "DataLike", "load_data"]

DATA_NAMES: tuple[str, ...] = (*SKLEARN, *OPENML)
DataLike: TypeAlias = str | Path | LabelledData | tuple[Any, Any]


@dataclass(frozen=True)
class _Source:
    names: tuple[str, ...]
    load: Callable[[str], LabelledData]


_SOURCES = (_Source(tuple(SKLEARN), from_sklearn), _Source(tuple(OPENML), from_openml))


def load_data(data: DataLike) -> LabelledData:
    """Return labelled data by name, from a file, or from arrays.

    Parameters
    ----------
    data : str, Path, LabelledData or pair of arrays
        ``"digits"``, ``"breast_cancer"``, ``"wine"`` and ``"iris"`` come with scikit-learn. ``"mnist"``,
        ``"fashion_mnist"`` and ``"kmnist"`` are downloaded from OpenML once and then kept. A path that
        ends in ``.npz`` is read by `from_npz`. A pair is x (N, ...) and y (N,).

    Returns
    -------
    LabelledData

    Raises
    ------
    TaskError
        If the name is unknown, or the data cannot be used.
    MissingExtraError
        If scikit-learn is needed and not installed.

    Examples
    --------
    >>> from plnet.forgetting import load_data
    >>> load_data("digits").shape
    (8, 8)
    """
    if isinstance(data, LabelledData):
        return data
    if isinstance(data, (str, Path)):
        for source in _SOURCES:
            if str(data) in source.names:
                return source.load(str(data))
        if str(data).endswith(".npz"):
            return from_npz(data)
        raise TaskError(
            f"Unknown data {str(data)!r}.{did_you_mean(data, DATA_NAMES)} "
            f"Expected one of {', '.join(DATA_NAMES)}, a file .npz, or a pair of arrays (x, y)."
        )
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return labelled("arrays", data[0], data[1])
    raise TaskError(
        f"Expected data as a name ({', '.join(DATA_NAMES)}), a file .npz, or a pair of arrays (x, y); "
        f"got {type(data).__name__}."
    )
