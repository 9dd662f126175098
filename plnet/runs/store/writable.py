"""Whether results can be written, asked before any work starts."""

import tempfile
from pathlib import Path

from plnet.errors import OutputError

__all__ = ["make_folder", "require_writable"]


def make_folder(path: str | Path, remedy: str = "") -> Path:
    """Return a folder as a path, which is made where it is missing.

    Raises
    ------
    OutputError
        If it cannot be made; the remedy is told behind the reason.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"Cannot make the folder {folder}: {error.strerror or error}."
        raise OutputError(f"{reason} {remedy}".rstrip()) from error
    return folder


def require_writable(path: str | Path) -> Path:
    """Return a folder as a path if it exists and a file can be made in it.

    Raises
    ------
    OutputError
        If not; better before hours of work than behind them.
    """
    folder = Path(path)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise OutputError(f"Results go to {folder}, which {what}. Make the folder, or choose another one.")
    try:
        # Only an attempt tells: a full disk or a read-only mount does not show in the permissions.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"plnet")
    except OSError as error:
        raise OutputError(
            f"Cannot write into {folder}: {error.strerror or error}. Choose another folder, or make room."
        ) from error
    return folder
