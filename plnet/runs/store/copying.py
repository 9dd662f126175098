"""A copy of the results of one run, for a paper or a colleague."""

from pathlib import Path

from plnet.io import write_atomically
from plnet.runs.store.writable import make_folder, require_writable

__all__ = ["copy_results"]


def copy_results(folder: Path, target: Path) -> None:
    """Copy the files of a finished run into another folder; what else is there stays.

    Raises
    ------
    OutputError
        If the folder cannot be made or written.
    """
    require_writable(make_folder(target))
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with write_atomically(target / path.name) as handle:
                handle.write(path.read_bytes())
