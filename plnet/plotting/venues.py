"""Widths of columns and sizes of type of the places where papers appear, with their sources."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VENUES", "Venue"]

_GAP = 0.25
"""Inches between two figures side by side where the page has one column."""


@dataclass(frozen=True)
class Venue:
    """The page of a venue.

    Parameters
    ----------
    full : float
        Width of the text in inches.
    half : float
        Width of one of two columns; for a page of one column, of one of two figures side
        by side with a quarter of an inch between them.
    font : {"serif", "sans"}
        Kind of type that goes with the text.
    label, tick : float
        Points of labels and titles, and of tick labels and legends, at final size.
    source : str
        Where the widths come from.
    """

    full: float
    half: float
    font: str
    label: float
    tick: float
    source: str


def _one_column(
    full: float, source: str, font: str = "serif", label: float = 8.0, tick: float = 7.0
) -> Venue:
    return Venue(full, (full - _GAP) / 2, font, label, tick, source)


def _millimetres(half: float, full: float, source: str, font: str, label: float, tick: float) -> Venue:
    return Venue(full / 25.4, half / 25.4, font, label, tick, source)


VENUES: dict[str, Venue] = {
    "aaai": Venue(7.0, 3.3, "serif", 8.0, 7.0, r"aaai style: \textwidth 7 in, columns of 3.3 in"),
    "aistats": Venue(6.75, 3.25, "serif", 8.0, 7.0, r"aistats.sty: \textwidth 6.75 in, \columnsep 0.25 in"),
    "article": _one_column(345 / 72.27, r"LaTeX article, 10 pt on letter paper: \textwidth 345 pt"),
    "cvpr": Venue(6.875, 3.28125, "serif", 8.0, 7.0, r"cvpr.sty: \textwidth 6.875 in, \columnsep 0.3125 in"),
    "eccv": _one_column(122 / 25.4, r"llncs.cls: \textwidth 12.2 cm"),
    "elsevier": _millimetres(90, 190, "Elsevier artwork sizing: 90 mm, 190 mm", "sans", 7.0, 6.0),
    "iclr": _one_column(5.5, r"iclr_conference.sty: \textwidth 5.5 in"),
    "icml": Venue(6.75, 3.25, "serif", 8.0, 7.0, r"icml.sty: \textwidth 6.75 in, \columnsep 0.25 in"),
    "ieee": Venue(
        7.16, 3.5, "serif", 8.0, 7.0, "IEEE Author Center, Size Requirements for Graphics: 3.5 in, 7.16 in"
    ),
    "jmlr": _one_column(6.0, r"jmlr2e.sty: \textwidth 6 in"),
    "lncs": _one_column(122 / 25.4, r"llncs.cls: \textwidth 12.2 cm"),
    "nature": _millimetres(89, 183, "Nature, final artwork: 89 mm, 183 mm", "sans", 7.0, 6.0),
    "neurips": _one_column(5.5, r"neurips.sty: \textwidth 5.5 in"),
    "pmlr": _one_column(6.0, r"jmlr.cls of the proceedings (one column): \textwidth 6 in"),
    "pnas": _millimetres(87, 178, "PNAS figure preparation: 8.7 cm, 17.8 cm", "sans", 7.0, 6.0),
    "science": _millimetres(57, 184, "Science, figure preparation: 5.7 cm, 18.4 cm", "sans", 7.0, 6.0),
    "siam": _one_column(31 * 12 / 72.27, r"siamart.cls: \textwidth 31 pc"),
    "tmlr": _one_column(6.5, r"tmlr.sty: \textwidth 6.5 in"),
    "uai": Venue(6.75, 3.25, "serif", 8.0, 7.0, r"uai.cls: \textwidth 6.75 in, \columnsep 0.25 in"),
}
"""Venue for each admissible name."""
