"""Files for other programs: VTK unstructured grids (.vtu)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from plnet.errors import DimensionError
from plnet.geometry.homogeneous import Vertex
from plnet.io import write_atomically
from plnet.regions.cells.face_lattice import CornerCell, ordered_face
from plnet.regions.data import RegionData
from plnet.regions.files.cut_cells import box_forms, cut_cells, finite_box, orthonormal_matrix
from plnet.regions.leaves import rounded_vertex
from plnet.regions.level_sets.boundary import DecisionBoundary
from plnet.regions.structure.locate import locate

__all__ = ["save_vtu"]

_LINE, _POLYGON, _POLYHEDRON = 3, 7, 42
"""Cell types of VTK."""


def save_vtu(
    complex_: RegionData, path: str | Path, boundary: Callable[[], DecisionBoundary[Any]] | None = None
) -> Path:
    """Write the regions of a complex of dimension 1, 2 or 3 as a VTK unstructured grid.

    Regions are lines, polygons or polyhedra that share their corners. Coordinates are lengths in
    an orthonormal frame of the domain, for a box the inputs themselves. Cell data: ``region``,
    ``gradient_norm`` (Frobenius norm of the Jacobian along the domain) and with a boundary also ``class``.

    Parameters
    ----------
    complex_ : RegionComplex
        Unbounded regions are cut off around the finite vertices.
    path : str or Path
        Should end in ``.vtu``.
    boundary : callable, optional
        Gives the decision boundary, to cut the regions along it, so that each cell has one class.

    Returns
    -------
    Path

    Raises
    ------
    DimensionError
        If the domain has more than three dimensions.
    OutputError
        If the file cannot be written.

    References
    ----------
    VTK File Formats, "XML file formats", UnstructuredGrid.
    """
    if complex_.dim > 3:
        raise DimensionError(
            f"A VTK file holds domains of dimension 1 to 3, this one has {complex_.dim}. Take a Slice."
        )
    drawn, region = complex_, np.arange(len(complex_))
    if boundary is not None:
        drawn = boundary().refined
        region = locate(complex_, drawn.points)
    matrix = orthonormal_matrix(complex_.chart.directions)
    forms = [] if complex_.bounded.all() else box_forms(matrix, *finite_box(complex_, matrix))
    cells = list(cut_cells(drawn, forms))
    kept = [i for i, cell in enumerate(cells) if cell is not None]
    slopes = complex_.gradients[region[kept]] @ np.linalg.inv(matrix)
    data: dict[str, np.ndarray] = {
        "region": region[kept],
        "gradient_norm": np.linalg.norm(slopes, axis=(1, 2)),
    }
    if boundary is not None:
        data["class"] = drawn.patterns[kept, -1].astype(np.int64)
    text = _grid([cells[i] for i in kept], matrix, data)  # type: ignore[misc]
    target = Path(path)
    with write_atomically(target) as handle:
        handle.write(text.encode())
    return target


def _grid(cells: list[CornerCell], matrix: np.ndarray, data: dict[str, np.ndarray]) -> str:
    index: dict[Vertex, int] = {}
    for cell in cells:
        for corner in cell.corners:
            index.setdefault(corner, len(index))
    rows = np.array([rounded_vertex(v)[:-1] for v in index]) @ matrix.T
    points = np.pad(rows, ((0, 0), (0, 3 - rows.shape[1])))
    parts = [_connectivity(cell, index) for cell in cells]
    arrays: list[tuple[str, str, Any]] = [
        ("connectivity", "Int64", [i for corners, _ in parts for i in corners]),
        ("offsets", "Int64", np.cumsum([len(corners) for corners, _ in parts])),
        ("types", "UInt8", [(_LINE, _POLYGON, _POLYHEDRON)[cell.dim - 1] for cell in cells]),
    ]
    if cells and cells[0].dim == 3:
        arrays += [
            ("faces", "Int64", [x for _, faces in parts for x in faces]),
            ("faceoffsets", "Int64", np.cumsum([len(faces) for _, faces in parts])),
        ]
    fields = [
        (name, "Float64" if values.dtype.kind == "f" else "Int64", values) for name, values in data.items()
    ]
    return "\n".join(
        [
            '<?xml version="1.0"?>',
            '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
            "<UnstructuredGrid>",
            f'<Piece NumberOfPoints="{len(points)}" NumberOfCells="{len(cells)}">',
            "<Points>",
            _array("points", "Float64", points.ravel(), 3),
            "</Points>",
            "<Cells>",
            *(_array(*entry) for entry in arrays),
            "</Cells>",
            '<CellData Scalars="region">',
            *(_array(*entry) for entry in fields),
            "</CellData>",
            "</Piece>",
            "</UnstructuredGrid>",
            "</VTKFile>",
            "",
        ]
    )


def _connectivity(cell: CornerCell, index: dict[Vertex, int]) -> tuple[list[int], list[int]]:
    """Return the corners of a cell, and for a polyhedron its stream of faces."""
    whole = frozenset(cell.corners)
    corners = [index[v] for v in ordered_face(whole, cell.facets)]
    if cell.dim < 3:
        return corners, []
    stream = [len(cell.facets)]
    for facet in cell.facets:
        ring = [index[v] for v in ordered_face(facet, cell.facets)]
        stream += [len(ring), *ring]
    return corners, stream


def _array(name: str, kind: str, values: Iterable[Any], components: int = 1) -> str:
    numbers = " ".join(repr(float(x)) if kind == "Float64" else str(int(x)) for x in values)
    size = f' NumberOfComponents="{components}"' if components > 1 else ""
    return f'<DataArray type="{kind}" Name={quoteattr(name)}{size} format="ascii">\n{numbers}\n</DataArray>'
