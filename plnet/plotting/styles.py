"""`style`: matplotlib settings for a venue, as a value and as a context manager."""

from __future__ import annotations

import math
from typing import Any

from matplotlib import rc_context
from matplotlib.rcsetup import cycler

from plnet.checks import check_choice
from plnet.errors import ConfigError
from plnet.plotting.palettes import CATEGORIES
from plnet.plotting.venues import VENUES

__all__ = ["Style", "style"]

GOLDEN = (math.sqrt(5) - 1) / 2

# Only fonts that come with matplotlib, so that a figure looks the same on every machine.
_FONTS = {"serif": ("STIXGeneral", "stix"), "sans": ("DejaVu Sans", "dejavusans")}


class Style(dict[str, Any]):
    """Matplotlib settings: a dictionary that also works in a ``with`` statement.

    Inside the statement the settings hold; behind it those from before are back.
    """

    def __or__(self, other: Any) -> Style:
        return Style({**self, **other})

    def __enter__(self) -> Style:
        settings: Any = dict(self)
        self._contexts = [*getattr(self, "_contexts", []), rc_context(settings)]
        self._contexts[-1].__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.pop().__exit__(*error)

    @property
    def width(self) -> float:
        """Width of the figure in inches."""
        return self["figure.figsize"][0]

    @property
    def height(self) -> float:
        """Height of the figure in inches."""
        return self["figure.figsize"][1]


def style(
    column: str = "half",
    venue: str = "neurips",
    *,
    height: float | None = None,
    ratio: float = GOLDEN,
    rows: int = 1,
    columns: int = 1,
    font: str | None = None,
) -> Style:
    """Return matplotlib settings for a figure that is never scaled afterwards.

    The widths are those of `plnet.plotting.VENUES`, each with its source: one column
    ("half") and the whole text ("full"). Type has its final size; TrueType fonts are
    embedded (type 42, since some venues refuse type 3); LaTeX is not needed.

    Parameters
    ----------
    column : {"half", "full"}
    venue : str
        A name in `plnet.plotting.VENUES`: "neurips", "icml", "iclr", "jmlr", "ieee", "nature" and others.
    height : float, optional
        Height of the figure in inches; otherwise it follows from `ratio`.
    ratio : float
        Height by width of one of `rows` x `columns` panels.
    rows, columns : int
    font : str, optional
        A font family of this machine instead of one that comes with matplotlib.

    Returns
    -------
    Style
        Settings to merge with ``|``, to give to `matplotlib.rc_context`, or to use in a
        ``with`` statement. The global settings are not touched.

    Raises
    ------
    ConfigError
        If a word is misspelt or a size is not positive.

    Examples
    --------
    >>> from plnet.plotting import style
    >>> wide = style("full", "icml", height=2.0) | {"axes.grid": True}
    >>> wide.width, wide["pdf.fonttype"]
    (6.75, 42)
    >>> import matplotlib.pyplot as plt
    >>> with wide:
    ...     figure, axes = plt.subplots(1, 3)
    >>> figure.get_size_inches().tolist()
    [6.75, 2.0]
    >>> plt.close(figure)
    """
    place = VENUES[check_choice("venue", venue, VENUES)]
    width = place.half if check_choice("column", column, ("half", "full")) == "half" else place.full
    if height is None:
        height = width / columns * ratio * rows if min(ratio, rows, columns) > 0 else 0.0
    if not 0 < height < math.inf:
        raise ConfigError(
            f"Expected positive sizes, got height={height}, ratio={ratio}, rows={rows}, columns={columns}."
        )
    family, math_font = _FONTS[place.font]
    return Style(
        {
            "figure.figsize": (width, height),
            "figure.dpi": 150,
            "figure.constrained_layout.use": True,
            "figure.constrained_layout.w_pad": 0.03,
            "figure.constrained_layout.h_pad": 0.03,
            "font.family": [font or family],
            "mathtext.fontset": math_font,
            "text.usetex": False,
            **_type_sizes(place.label, place.tick),
            **_LINES,
            "axes.prop_cycle": cycler(color=CATEGORIES),
            "image.cmap": "viridis",
            "legend.frameon": False,
            "legend.handlelength": 1.2,
            "legend.handletextpad": 0.5,
            "legend.labelspacing": 0.3,
            "pdf.fonttype": 42,
            "ps.fonttype": 42,
            "svg.fonttype": "none",
            "svg.hashsalt": "plnet",
            "savefig.bbox": "standard",
            "savefig.dpi": 300,
        }
    )


_LINES: dict[str, Any] = {
    "axes.linewidth": 0.5,
    "axes.labelpad": 2.0,
    "axes.titlepad": 4.0,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "patch.linewidth": 0.5,
    "xtick.major.width": 0.5,
    "xtick.major.size": 2.0,
    "xtick.major.pad": 2.0,
    "ytick.major.width": 0.5,
    "ytick.major.size": 2.0,
    "ytick.major.pad": 2.0,
}


def _type_sizes(label: float, tick: float) -> dict[str, float]:
    return {
        "font.size": label,
        "axes.labelsize": label,
        "axes.titlesize": label,
        "figure.titlesize": label,
        "figure.labelsize": label,
        "xtick.labelsize": tick,
        "ytick.labelsize": tick,
        "legend.fontsize": tick,
        "legend.title_fontsize": tick,
    }
