"""Exact linear programming over one cell: the questions that floating point leaves open.

A cell is ``{u >= 0, a_i . u >= 0}``, cut at sum(u) = 1, with integer rows of any size. The dictionary
is pivoted without fractions (Edmonds) and by Bland's rule, so every answer is proved and every search ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from plnet.budgets import look

__all__ = ["ExactCell"]

Row = list[int]


class ExactCell:
    """A cone in u >= 0, grown cut by cut.

    Parameters
    ----------
    size : int
        Number of coordinates.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._scale = 1
        self._rows: list[Row] = [[1] + [-1] * (size - 1)]
        self._owner = [size - 1]
        self._free = list(range(size - 1))
        self._known = size

    def copy(self) -> ExactCell:
        """Return a cell that can be cut on its own."""
        other = ExactCell.__new__(ExactCell)
        other.size, other._scale, other._known = self.size, self._scale, self._known
        other._rows = [row[:] for row in self._rows]
        other._owner, other._free = self._owner[:], self._free[:]
        return other

    @property
    def free(self) -> list[int]:
        """Variables that are zero at the current vertex: coordinates, then cuts in the order they came."""
        return self._free[:]

    def add(self, form: Sequence[int]) -> bool:
        """Cut the cell by ``form . u >= 0``; return False if it is nowhere positive."""
        row = self._row(form)
        if not self._lower([-x for x in row]):
            return False
        self._rows.append(self._row(form))
        self._owner.append(self._known)
        self._known += 1
        return True

    def sides(self, form: Sequence[int]) -> tuple[bool, bool]:
        """Say whether a form is negative, and whether it is positive, somewhere on the cell."""
        below = self._lower(self._row(form))
        above = self._lower([-x for x in self._row(form)])
        return below, above

    def vertex(self) -> list[Fraction]:
        """Return the coordinates u of the current vertex."""
        point = [Fraction(0)] * self.size
        for owner, row in zip(self._owner, self._rows, strict=True):
            if owner < self.size:
                point[owner] = Fraction(row[0], self._scale)
        return point

    def interior(self) -> list[Fraction]:
        """Return a point at which all coordinates and cuts are positive, with sum 1.

        It is the mean of vertices, one off each facet. The cell must have full dimension.
        """
        missing = set(range(self._known))
        found: list[list[Fraction]] = []
        while missing:
            positive = {o for o, row in zip(self._owner, self._rows, strict=True) if row[0] > 0}
            if positive & missing:
                missing -= positive
                found.append(self.vertex())
                continue
            variable = min(missing)
            if variable in self._free:
                column = self._free.index(variable) + 1
                objective = [0] * self.size
                objective[column] = -self._scale
            else:
                objective = [-x for x in self._rows[self._owner.index(variable)]]
            if not self._lower(objective):
                raise ArithmeticError("The cell has no interior.")
        return [sum(column, Fraction(0)) / len(found) for column in zip(*found, strict=True)]

    def _row(self, form: Sequence[int]) -> Row:
        """Express a form by the variables that are zero at the vertex."""
        row = [0] * self.size
        for owner, known in zip(self._owner, self._rows, strict=True):
            if owner < self.size and form[owner]:
                factor = form[owner]
                row = [a + factor * b for a, b in zip(row, known, strict=True)]
        for j, owner in enumerate(self._free):
            if owner < self.size:
                row[j + 1] += form[owner] * self._scale
        return row

    def _lower(self, objective: Row) -> bool:
        """Move to a vertex where an objective is negative; return False if there is none."""
        while objective[0] >= 0:
            column = -1
            for j in range(1, self.size):
                if objective[j] < 0 and (column < 0 or self._free[j - 1] < self._free[column - 1]):
                    column = j
            if column < 0:
                return False
            leaving = -1
            for i, row in enumerate(self._rows):
                if row[column] >= 0:
                    continue
                if leaving < 0:
                    leaving = i
                    continue
                best = self._rows[leaving]
                here, there = row[0] * -best[column], best[0] * -row[column]
                if here < there or (here == there and self._owner[i] < self._owner[leaving]):
                    leaving = i
            objective = self._pivot(leaving, column, objective)
        return True

    def _pivot(self, i: int, column: int, objective: Row) -> Row:
        look()
        source, scale = self._rows[i], self._scale
        size = -source[column]
        source[column] = -scale
        out = []
        for row in [*self._rows, objective]:
            if row is source:
                out.append(row)
                continue
            factor = row[column]
            if factor:
                row[column] = 0
                row = [(size * a + factor * b) // scale for a, b in zip(row, source, strict=True)]
            elif size != scale:
                row = [size * a // scale for a in row]
            out.append(row)
        self._rows, objective, self._scale = out[:-1], out[-1], size
        self._owner[i], self._free[column - 1] = self._free[column - 1], self._owner[i]
        return objective


def primitive(row: Sequence[int]) -> list[int]:
    """Return the shortest integer row of the same direction."""
    divisor = gcd(*row)
    return [x // divisor for x in row] if divisor > 1 else list(row)
