"""`save_figure`: the same figure gives the same bytes, of the size it was made with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context

from plnet.checks import check_choice
from plnet.errors import OutputError
from plnet.io import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "save_figure"]

# None leaves an entry out. Dates and versions of programs would change the bytes.
FORMATS: dict[str, dict[str, Any]] = {
    "eps": {"Creator": "plnet"},
    "pdf": {"Creator": "plnet", "Producer": "matplotlib", "CreationDate": None},
    "png": {"Software": "plnet"},
    "svg": {"Creator": "plnet", "Date": None},
}

_LAYOUT_PASSES = 20

_INVISIBLE = 1e-4
"""Move as a share of the figure: a fifth of a pixel of a wide figure at 300 pixels per inch."""

_SETTINGS: Any = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "plnet",
    "savefig.bbox": "standard",
    "savefig.transparent": False,
}


def save_figure(
    figure: Figure,
    path: str | Path,
    formats: Sequence[str] | None = None,
    *,
    dpi: float = 300,
    title: str | None = None,
) -> tuple[Path, ...]:
    """Write a figure in its true size, with embedded TrueType fonts and without dates.

    Parameters
    ----------
    figure : Figure
    path : str or Path
        With the suffix of a format, that format is written; otherwise suffixes are
        appended. A missing folder is made.
    formats : sequence of {"pdf", "png", "svg", "eps"}, optional
        "pdf" and "png" if neither this nor the suffix says more.
    dpi : float
        Pixels per inch of png and of rasterised parts.
    title : str, optional
        Title in the metadata of pdf, png and svg.

    Returns
    -------
    tuple of Path
        The files, in the order of `formats`.

    Raises
    ------
    OutputError
        If a file cannot be written; then no half of it is left.
    ConfigError
        If a format is not one of those above.

    Notes
    -----
    Equal figures give equal bytes with the same version of matplotlib, whatever the clock
    and the environment say.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import matplotlib.pyplot as plt
    >>> from plnet.plotting import save_figure, style
    >>> with style():
    ...     figure, axes = plt.subplots()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in save_figure(figure, Path(folder) / "empty")]
    ['empty.pdf', 'empty.png']
    >>> plt.close(figure)
    """
    target = Path(path)
    suffix = target.suffix.removeprefix(".").lower()
    stem = target.with_suffix("") if suffix in FORMATS else target
    if formats is None:
        formats = (suffix,) if suffix in FORMATS else ("pdf", "png")
    for name in formats:
        check_choice("format", name, FORMATS)
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make the folder {stem.parent}: {error.strerror or error}.") from error
    _settle_layout(figure)
    written = []
    for name in formats:
        data = _rendered(figure, name, dpi, title)
        written.append(stem.with_name(f"{stem.name}.{name}"))
        with write_atomically(written[-1]) as handle:
            handle.write(data)
    return tuple(written)


def _settle_layout(figure: Figure) -> None:
    """Repeat the layout until nothing moves that one could see.

    With equal scales one pass of the constrained layout is not enough: titles would be cut.
    The last move, too small to see, is taken back; so a second saving finds the same places
    and gives the same bytes.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    moving = [ax for ax in figure.axes if ax.get_in_layout()]
    for _ in range(_LAYOUT_PASSES):
        before = [ax.get_position(original=True).bounds for ax in moving]
        engine.execute(figure)
        after = [ax.get_position(original=True).bounds for ax in moving]
        if np.allclose(before, after, rtol=0, atol=_INVISIBLE):
            for ax, bounds in zip(moving, before, strict=True):
                ax.set_position(bounds, which="original")
                ax.set_in_layout(True)  # Setting a position takes axes out of the layout.
            return


def _rendered(figure: Figure, name: str, dpi: float, title: str | None) -> bytes:
    metadata = dict(FORMATS[name])
    if title is not None and name != "eps":
        metadata["Title"] = title
    buffer = BytesIO()
    engine = figure.get_layout_engine()
    # The layout is settled; letter widths at another resolution must not move it again.
    figure.set_layout_engine("none")
    try:
        with rc_context(_SETTINGS):
            figure.savefig(buffer, format=name, dpi=dpi, metadata=metadata)
    finally:
        figure.set_layout_engine(engine)
    data = buffer.getvalue()
    # The PostScript backend always writes a date.
    return re.sub(rb"(?m)^%%CreationDate:.*\n", b"", data) if name == "eps" else data
