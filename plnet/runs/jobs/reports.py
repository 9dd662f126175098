"""What the reports of all jobs share: the numbers of a run, and the places of its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plnet.errors import FileFormatError
from plnet.io import read_json
from plnet.runs.store.layout import METRICS_FILE
from plnet.runs.store.outputs import RunFolder

__all__ = ["drawn_files", "read_metrics", "remove_other_figures", "with_places"]

_DRAWN = (".eps", ".pdf", ".png", ".svg")


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return the content of ``metrics.json``.

    Raises
    ------
    FileFormatError
        If there is none, or it cannot be read.
    """
    path = folder / METRICS_FILE
    try:
        values = read_json(path)
    except (OSError, FileFormatError) as error:
        raise FileFormatError(
            f"{path} cannot be read ({type(error).__name__}), although the run is finished. "
            "Make the run again with rerun=all."
        ) from error
    if not isinstance(values, dict):
        raise FileFormatError(f"Expected one object in {path}, got {type(values).__name__}.")
    return values


def drawn_files(folder: Path, *stems: str) -> list[Path]:
    """Return the files of the figures of a run, by the names without suffix."""
    return sorted(path for path in folder.iterdir() if path.stem in stems and path.suffix.lower() in _DRAWN)


def remove_other_figures(folder: RunFolder, drawn: Iterable[Path], *stems: str) -> None:
    """Remove figures that were drawn with other options, behind those that were drawn just now."""
    kept = set(drawn)
    for path in drawn_files(folder.path, *stems):
        if path not in kept:
            folder.place(path.name).unlink(missing_ok=True)


def with_places(lines: Iterable[str], folder: Path, *stems: str, more: Iterable[str] = ()) -> str:
    """Return a report that ends with the places of the figures, and of the numbers."""
    figures = [f"Figure:  {path}" for path in drawn_files(folder, *stems)]
    return "\n".join([*lines, *figures, *more, f"Numbers: {folder / METRICS_FILE}"])
