"""Colours that people with colour-blindness can tell apart.

Most hues are from Paul Tol's *light* scheme and from Okabe and Ito (2008). The smallest
distance between two colours of a palette, in CIELAB units and also under simulated
deuteranopia and protanopia (Machado et al. 2009), is held by a test.
"""

__all__ = ["BOUNDARY", "CATEGORIES", "CELLS", "CLASSES", "MARKERS", "MISSING", "WALL"]

CELLS = ("#77AADD", "#EEDD88", "#99DDFF", "#44BB99", "#BBCC33", "#DDDDDD")
"""Light fills for neighbouring cells; six, because six colours are enough for a greedy colouring of any
partition of the plane."""

CLASSES = (
    "#77AADD",
    "#EE8866",
    "#EEDD88",
    "#99DDFF",
    "#AAAA00",
    "#DDDDDD",
    "#C87170",
    "#4E84DA",
    "#D7D0A7",
    "#A0A2B0",
)
"""Fills for classes, one for each digit; class k always has colour ``k % 10``."""

CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Lines and markers, after Okabe and Ito."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers of data points, in their order."""

WALL = "#404040"
"""Thin borders between cells."""

BOUNDARY = "#000000"
"""Decision boundaries."""

MISSING = "#F2F2F2"
"""Cells without a value, such as the area of an unbounded one."""
