"""Colours that people with colour-blindness can tell apart.

Most hues are from Paul Tol's *light* scheme and from Okabe and Ito (2008); those of the classes maximise
the smallest distance. No fill is grey, which would read as no data. The smallest distance between two
colours of a palette, in CIELAB units and also under simulated deuteranopia and protanopia (Machado et al.
2009), is held by a test.
"""

__all__ = ["BOUNDARY", "CATEGORIES", "CELLS", "CLASSES", "MARKERS", "MISSING", "WALL"]

CELLS = ("#77AADD", "#EEDD88", "#99DDFF", "#44BB99", "#BBCC33", "#EE8866")
"""Light fills for neighbouring cells; six, because six colours are enough for a greedy colouring of any
partition of the plane."""

CLASSES = (
    *("#1289F3", "#FFD562", "#109783", "#D8A6FF", "#7C9013"),
    *("#93F4FF", "#B59062", "#24FBCA", "#4F8DB3", "#C4F19D"),
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
