"""A copy of the results of one run, for a paper or a colleague."""

from pathlib import Path

from plnet.errors import OutputError
from plnet.io import write_atomically
from plnet.runs.store.writable import require_writable

__all__ = ["copy_results"]


def copy_results(folder: Path, target: Path) -> None:
    """Copy the files of a finished run into another folder; what else is there stays.

    Parameters
    ----------
    folder, target : Path

    Raises
    ------
    OutputError
        If the folder cannot be made or written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make the folder {target}: {error.strerror or error}.") from error
    require_writable(target)
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with write_atomically(target / path.name) as handle:
                handle.write(path.read_bytes())
