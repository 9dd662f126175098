"""Regions of dimension 3 as polygons in drawing coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.plotting.regions.frame import Frame, View
from plnet.plotting.regions.polygons import cell_polygons, centroids
from plnet.regions.cells.face_lattice import CornerCell, ordered_face, simplices_of_face
from plnet.regions.files.cut_cells import CUT, box_forms, cut_cells
from plnet.regions.leaves import rounded_vertex

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex
    from plnet.regions.level_sets.boundary import DecisionBoundary

__all__ = ["Solids", "boundary_polygons", "graph_solids", "solids_of"]


@dataclass(frozen=True, eq=False)
class Solids:
    """The facets of all regions.

    Parameters
    ----------
    polygons : list of ndarray, shape (k, 3)
        In cyclic order.
    region : ndarray of int, shape (P,)
        Region that each polygon belongs to.
    layer : ndarray of int, shape (P,)
        Nonlinear layer of the wall; -1 at the border of the domain or of the view.
    centres : ndarray, shape (R, 3)
        Centre of mass of each region; NaN for one outside the view.
    """

    polygons: list[np.ndarray]
    region: np.ndarray
    layer: np.ndarray
    centres: np.ndarray

    def exploded(self, share: float) -> list[np.ndarray]:
        """Return the polygons, each region moved away from the middle by a share of its distance."""
        middle = np.nanmean(self.centres, axis=0)
        shifts = share * (self.centres - middle)
        return [p + shifts[i] for p, i in zip(self.polygons, self.region.tolist(), strict=True)]


def solids_of(complex_: RegionComplex, frame: Frame, view: View, *, clip: bool) -> Solids:
    """Return the facets of all regions, cut off at the view if wanted."""
    forms = box_forms(frame.matrix, *view) if clip else []
    polygons: list[np.ndarray] = []
    region: list[int] = []
    layer: list[int] = []
    centres = np.full((len(complex_), 3), np.nan)
    for i, cell in enumerate(cut_cells(complex_, forms)):
        if cell is None:
            continue
        centres[i] = frame.place(_centre_of_mass(cell))
        for facet, name in zip(cell.facets, cell.names, strict=True):
            polygons.append(_polygon(cell, facet, frame))
            region.append(i)
            layer.append(-1 if name[0] == CUT else name[0])
    return Solids(polygons, np.array(region, dtype=int), np.array(layer, dtype=int), centres)


def graph_solids(
    complex_: RegionComplex, drawn: RegionComplex, frame: Frame, view: View, output: int, *, clip: bool
) -> Solids:
    """Return the graph of an output over a domain of dimension 2, one polygon for each region drawn."""
    cells = cell_polygons(drawn, frame, view, clip=clip)
    inverse = np.linalg.inv(frame.matrix)
    region = [i for i, cell in enumerate(cells) if len(cell)]
    polygons = []
    for i in region:
        t = cells[i] @ inverse.T
        height = complex_.network.evaluate(complex_.chart.embed(t))[:, output]
        polygons.append(np.column_stack([cells[i], height]))
    layer = np.full(len(region), -1)
    return Solids(polygons, np.array(region, dtype=int), layer, centroids(cells)[0])


def boundary_polygons(
    decision: DecisionBoundary, frame: Frame, view: View, *, clip: bool
) -> list[np.ndarray]:
    """Return the decision boundary as polygons in drawing coordinates, cut off at the view if wanted."""
    forms = box_forms(frame.matrix, *view) if clip else []
    refined = decision.refined
    wanted: dict[int, list[tuple[int, ...]]] = {}
    for i, row in zip(decision.regions[:, 0].tolist(), decision.facets.tolist(), strict=True):
        wanted.setdefault(i, []).append(tuple(refined.leaves.facets[row].tolist()))
    found = []
    for i, cell in enumerate(cut_cells(refined, forms) if wanted else ()):
        if cell is None:
            continue
        for facet, name in zip(cell.facets, cell.names, strict=True):
            if name in wanted.get(i, ()):
                found.append(_polygon(cell, facet, frame))
    return found


def _polygon(cell: CornerCell, facet: Any, frame: Frame) -> np.ndarray:
    corners = [rounded_vertex(v)[:-1] for v in ordered_face(facet, cell.facets)]
    return frame.place(np.array(corners))


def _centre_of_mass(cell: CornerCell) -> np.ndarray:
    simplices = simplices_of_face(frozenset(cell.corners), cell.facets)
    points = np.array([[rounded_vertex(v)[:-1] for v in simplex] for simplex in simplices])
    # Relative to the first corner, so that small cells far from the origin keep their digits.
    local = points - points[0, 0]
    weights = np.abs(np.linalg.det(local[:, 1:] - local[:, :1]))
    total = weights.sum()
    middles = local.mean(axis=1)
    return points[0, 0] + (weights @ middles / total if total else middles.mean(axis=0))
