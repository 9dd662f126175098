"""Files of `SequenceResult`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from plnet.errors import MetricError
from plnet.forgetting.results.curves import AccuracyCurves
from plnet.forgetting.results.data import SequenceData
from plnet.forgetting.results.failures import Failures
from plnet.io import open_arrays, require_types, write_arrays

__all__ = ["load_result", "save_result"]

Result = TypeVar("Result", bound=SequenceData)

FORMAT = "plnet.SequenceResult"
SCHEMA = 1
"""Version of the file format; raised when a reader of the old one would misread a file."""

_HEADER = ("task_names", "seeds", "method", "model", "seconds", "complete", "digests")
_TYPES = {"method": str, "model": str, "seconds": int | float, "complete": bool, "settings": dict}
_ARRAYS = ("accuracy", "diverged")
_OPTIONAL = ("epochs", "validation")
_CURVES = ("task", "epoch", "accuracy")
_FAILURES = ("never_learned", "task", "test")


def save_result(result: SequenceData, path: str | Path) -> Path:
    """Write a result to an npz file; see `SequenceResult.save`."""
    header: dict[str, Any] = {key: getattr(result, key) for key in _HEADER}
    header |= {"format": FORMAT, "schema": SCHEMA, "settings": _plain(dict(result.settings))}
    arrays = {key: getattr(result, key) for key in _ARRAYS}
    arrays |= {key: found for key in _OPTIONAL if (found := getattr(result, key)) is not None}
    if result.curves is not None:
        arrays |= {f"curves.{key}": getattr(result.curves, key) for key in _CURVES}
    if result.failures is not None:
        arrays |= {f"failures.{key}": getattr(result.failures, key) for key in _FAILURES}
        if result.failures.validation is not None:
            arrays["failures.validation"] = result.failures.validation
    return write_arrays(path, header, arrays)


def load_result(kind: type[Result], path: str | Path) -> Result:
    """Read a result of a kind; see `SequenceResult.load`."""
    with open_arrays(path, FORMAT, SCHEMA) as (header, arrays):
        curves = None
        if "curves.accuracy" in arrays:
            curves = AccuracyCurves(*(arrays[f"curves.{key}"] for key in _CURVES))
        # Files of older versions have neither failures nor digests.
        failures = None
        if "failures.test" in arrays:
            known = (arrays[f"failures.{key}"] for key in _FAILURES)
            failures = Failures(*known, validation=arrays.get("failures.validation"))
        header.setdefault("digests", ())
        parts: dict[str, Any] = {key: header[key] for key in (*_HEADER, "settings")}
        require_types(header, _TYPES)
        parts |= {key: arrays[key] for key in _ARRAYS} | {key: arrays.get(key) for key in _OPTIONAL}
        return kind(**parts, curves=curves, failures=failures)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as JSON data; numbers of numpy become those of Python."""

    def convert(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray | Sequence | set):
            return list(value)
        raise TypeError(f"{type(value).__name__} is no plain value")

    try:
        return json.loads(json.dumps(settings, default=convert))
    except (TypeError, ValueError) as error:
        raise MetricError(
            f"Settings must be texts, numbers, lists and mappings of them ({error})."
        ) from error
