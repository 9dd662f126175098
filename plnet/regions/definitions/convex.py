"""R3: the fewest convex cells of a polyhedral complex on whose cells the function is affine.

Finding the minimum is hard, so it is proved between two numbers.

*Below.* Each cell of such a complex lies in one open connected region (R4), and cells meet face to face. So a
region that is not convex has at least two cells. And a region that borders k others across one
hyperplane, from one side, has at least k: a cell has one facet on the hyperplane and one cell behind it.

*Above.* Activation regions are cells of such a complex. Cells with equal maps are merged while
the complex stays one: around each face of codimension two the remaining facets must bound sectors of less
than 180 degrees, or be two halves of one hyperplane, or be none. The outcome is checked from scratch: every
part is the intersection of its half-spaces, and across each facet lies one part. (Facet-to-facet
implies face-to-face, also for unbounded cells in a convex domain.)

Where both meet R3 is known: always for d = 1 and where each output is convex or concave.

References
----------
Gruber and Ryshkov (1989), Facet-to-facet implies face-to-face, European J. Combin. 10.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from plnet.budgets import look
from plnet.geometry.homogeneous import Form, value
from plnet.regions.definitions.merging import merged_parts
from plnet.regions.definitions.tiling import OUTSIDE, Tiling

__all__ = ["least_convex", "most_convex"]


Border = dict[Form, set[int]]
"""For each half-space with a facet of a part, the parts behind it; none at the boundary of the domain."""


def least_convex(tiling: Tiling, components: np.ndarray) -> int:
    """Return a number that R3 is at least.

    Parameters
    ----------
    tiling : Tiling
    components : ndarray of int, shape (R,)
        Open connected region of each region.
    """
    parts = components.tolist()
    borders, members = _borders(tiling, parts), _members(parts)
    return sum(_least_cells(tiling, members[part], borders[part]) for part in members)


def most_convex(tiling: Tiling, components: np.ndarray) -> int:
    """Return the number of cells of a complex on whose cells the function is affine: R3 is at most that.

    Parameters
    ----------
    tiling, components
        As in `least_convex`.
    """
    parts = merged_parts(tiling, components.tolist())
    return len(set(parts)) if _is_complex(tiling, parts) else len(parts)


def _borders(tiling: Tiling, parts: list[int]) -> dict[int, Border]:
    """Return the border of each part."""
    found: dict[int, Border] = defaultdict(lambda: defaultdict(set))
    for i, (body, behind) in enumerate(zip(tiling.bodies, tiling.behind, strict=True)):
        for form, j in zip(body.forms, behind, strict=True):
            if j != OUTSIDE and parts[i] != parts[j]:
                found[parts[i]][form].add(parts[j])
    return found


def _members(parts: list[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for i, part in enumerate(parts):
        found[part].append(i)
    return found


def _least_cells(tiling: Tiling, members: list[int], border: Border) -> int:
    """Return a number of convex cells that an open connected region has at least."""
    most = max((len(others) for others in border.values()), default=1)
    return most if most > 1 or _is_convex(tiling, members, border) else 2


def _is_convex(tiling: Tiling, members: list[int], border: Border) -> bool:
    """Say whether a part lies inside the half-space of each of its facets.

    Then it is their intersection: a generic segment that leaves the part leaves one of the half-spaces.
    """
    if len(members) == 1:
        return True
    for form in border:
        look()
        for i in members:
            if any(value(form, generator) < 0 for generator in tiling.bodies[i].generators):
                return False
    return True


def _is_complex(tiling: Tiling, parts: list[int]) -> bool:
    """Say whether all parts are convex and one part at most lies behind each facet."""
    borders, members = _borders(tiling, parts), _members(parts)
    return all(
        _is_convex(tiling, members[part], borders[part])
        and all(len(others) == 1 for others in borders[part].values())
        for part in members
    )
