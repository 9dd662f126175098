"""Data sets that come with scikit-learn, for work without a network."""

from __future__ import annotations

import functools
from typing import Any

from plnet.errors import MissingExtraError
from plnet.forgetting.data.labelled_data import LabelledData, labelled

__all__ = ["SKLEARN", "from_sklearn"]

# Name -> function of sklearn.datasets, largest grey value.
SKLEARN: dict[str, tuple[str, float]] = {
    "digits": ("load_digits", 16.0),
    "breast_cancer": ("load_breast_cancer", 1.0),
    "wine": ("load_wine", 1.0),
    "iris": ("load_iris", 1.0),
}


@functools.cache
def from_sklearn(name: str) -> LabelledData:
    """Return one of the data sets `SKLEARN`: 1797 digits of 8 x 8 pixels, 569 breast cancers, ...

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingExtraError(
            f'The data {name!r} need scikit-learn. Install it with `pip install "plnet[data]"`, or give '
            "your own arrays (x, y)."
        ) from error
    function, full_scale = SKLEARN[name]
    bunch: Any = getattr(datasets, function)()
    x = bunch.images if name == "digits" else bunch.data
    return labelled(name, x, bunch.target, full_scale=full_scale)
