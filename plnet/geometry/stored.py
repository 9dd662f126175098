"""Exact matrices as JSON data, for files."""

from __future__ import annotations

from typing import Any

from plnet.errors import FileFormatError
from plnet.geometry.exact import RationalMatrix, object_array

__all__ = ["rational_from_header", "rational_to_header"]


def rational_to_header(matrix: RationalMatrix) -> dict[str, Any]:
    """Return an exact matrix as JSON data."""
    # Hexadecimal, because Python refuses to print very long decimal integers.
    return {
        "shape": list(matrix.shape),
        "integers": [hex(entry) for entry in matrix.integers.flat],
        "denominator": hex(matrix.denominator),
    }


def rational_from_header(data: dict[str, Any]) -> RationalMatrix:
    """Return the exact matrix that `rational_to_header` wrote.

    Raises
    ------
    FileFormatError
        If the number of entries does not fit the shape, or the denominator is not positive.
    """
    rows, columns = data["shape"]
    flat = [int(entry, 16) for entry in data["integers"]]
    denominator = int(data["denominator"], 16)
    if min(rows, columns) < 0 or rows * columns != len(flat) or denominator < 1:
        raise FileFormatError(f"a matrix {rows} x {columns} has {len(flat)} entries over {denominator}")
    return RationalMatrix(object_array(flat, (rows, columns)), denominator)
