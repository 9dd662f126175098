"""What every engine that finds regions must fulfil, as functions that raise `AssertionError`.

Everything is compared with the module `oracle` or recomputed in fractions from `RegionComplex.exact_cell`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
import oracle
from helpers import expected_patterns, pattern_set, proper, to_network
from reference_networks import all_references
from scipy.sparse.csgraph import connected_components

import plnet
from plnet.geometry.cells import Cell
from plnet.geometry.domain import Domain
from plnet.ir import PLNetwork
from plnet.regions import RegionComplex

DIMENSIONS = {"line": (1,), "cells": (2,), "search": (1, 2), "rational": (1, 2)}
"""The dimensions that each engine claims, as far as the oracle goes."""

Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class Case:
    """A network on a domain, with a count from a source that is no program of ours."""

    name: str
    layers: list
    domain: Domain | None
    d: int
    count: int
    given: PLNetwork | None = None
    """The network where it is not made from the layers."""

    @cached_property
    def network(self) -> PLNetwork:
        return to_network(self.layers) if self.given is None else self.given

    @cached_property
    def patterns(self) -> set:
        return expected_patterns(self.layers, self.domain)


def reference_cases() -> list[Case]:
    """Return all reference networks on all of R^d and, where known, in a box."""
    cases = []
    for record in all_references():
        cases.append(
            Case(f"{record.name}, everywhere", record.layers, None, record.d, record.everywhere["R2"])
        )
        if record.box is not None:
            box = plnet.Box(*record.box)
            cases.append(Case(f"{record.name}, box", record.layers, box, record.d, record.box_count))
    return cases


def check_regions(case: Case, engine: str) -> RegionComplex:
    """Count and enumerate; compare count and patterns with the reference and the oracle."""
    count = plnet.count_regions(case.network, case.domain, engine=engine)
    found = plnet.enumerate_regions(case.network, case.domain, engine=engine)
    assert count == case.count == len(found) == len(case.patterns)
    assert int(count) == count.lower == count.upper == count.count
    assert count.exact
    assert count.complete
    assert found.exact
    assert found.complete
    assert count.n_undecided == found.n_undecided == 0
    assert count.engine == found.engine == engine
    assert found.count() == count
    assert pattern_set(found.patterns) == case.patterns
    assert len(pattern_set(found.patterns)) == len(found)
    return found


def check_volumes(found: RegionComplex) -> None:
    """The exact cells fill a bounded domain; the float volumes are theirs."""
    root = found.problem.root
    cells = [found.exact_cell(i) for i in range(len(found))]
    if not root.bounded:
        unbounded = [not cell.bounded for cell in cells]
        assert any(unbounded)
        np.testing.assert_array_equal(np.isinf(found.volumes), unbounded)
        return
    volumes = [cell.volume() for cell in cells]
    assert min(volumes) > 0
    assert sum(volumes) == root.volume()
    factor = found.chart.volume_factor
    size = float(root.volume()) * factor
    np.testing.assert_allclose(
        found.volumes, [float(v) * factor for v in volumes], rtol=1e-9, atol=1e-13 * size
    )


def check_points(found: RegionComplex) -> None:
    """An interior point of each exact cell has the pattern of the region, and is found again."""
    inputs, coordinates = [], []
    embedding = found.chart.embedding.to_fractions()
    for i in range(len(found)):
        t = found.exact_cell(i).witness()
        inputs.append(
            [sum((a * x for a, x in zip(row, (*t, 1), strict=True)), Fraction(0)) for row in embedding]
        )
        coordinates.append([float(x) for x in t])
    table = np.empty((len(inputs), found.network.input_dim), dtype=object)
    table[:] = inputs
    np.testing.assert_array_equal(found.network.pattern_at(table, exact=True), found.patterns)
    np.testing.assert_array_equal(found.locate(found.points), np.arange(len(found)))
    np.testing.assert_array_equal(found.locate(np.array(coordinates)), np.arange(len(found)))


def check_maps(case: Case, found: RegionComplex) -> None:
    """Gradients and offsets are the exact affine maps of the oracle, rounded."""
    low, high = (np.broadcast_to(side, (case.d,)).tolist() for side in (case.domain.low, case.domain.high))
    maps = {}
    for cell in oracle.cells(case.layers, low, high):
        (pattern,) = proper(case.layers, [cell.pattern])
        maps[pattern] = cell.outputs
    rows = np.array([[[float(x) for x in row] for row in maps[tuple(p)]] for p in found.patterns.tolist()])
    scale = max(1.0, float(np.abs(rows).max()))
    np.testing.assert_allclose(found.gradients, rows[:, :, :-1], rtol=1e-9, atol=1e-11 * scale)
    np.testing.assert_allclose(found.offsets, rows[:, :, -1], rtol=1e-9, atol=1e-11 * scale)


def check_halfspaces(found: RegionComplex) -> None:
    """The half-spaces hold inside, and each is a proper facet."""
    for i in range(len(found)):
        half = found.halfspaces(i)
        cell = found.exact_cell(i)
        corners = found.vertices(i)
        inside = np.array([float(x) for x in cell.witness()])
        scale = 1.0 + np.abs(corners).max(initial=0.0)
        assert (half.A @ inside < half.b + 1e-12 * scale).all()
        assert len(half) == len(half.facets) == len(set(half.facets))
        gaps = half.b[:, None] - half.A @ corners.T
        assert gaps.min(initial=0.0) > -1e-9 * scale
        if cell.bounded:
            tight = (np.abs(gaps) < 1e-9 * scale).sum(axis=1)
            assert (tight >= found.dim).all()
            assert len(half) == len(corners)
        else:
            assert len(half) < len(corners) + len(found.rays(i)) + 1
            assert ((half.A @ found.rays(i).T) < 1e-9).all()


def check_adjacency(found: RegionComplex) -> None:
    """The adjacency is that of the exact cells; bounded complexes fulfil Euler's formula."""
    matrix = found.adjacency
    assert matrix.shape == (len(found), len(found))
    assert (matrix != matrix.T).nnz == 0
    assert matrix.diagonal().sum() == 0
    assert connected_components(matrix)[0] == 1
    if not found.problem.root.bounded:
        return
    owners = _facet_owners([found.exact_cell(i) for i in range(len(found))])
    pairs = {tuple(sorted(regions)) for regions in owners.values() if len(regions) == 2}
    assert max(map(len, owners.values())) <= 2
    rows, columns = matrix.nonzero()
    assert {(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if i < j} == pairs
    if found.dim == 2:
        corners = {point for edge in owners for point in edge}
        assert len(corners) - len(owners) + len(found) == 1


def check_locate_on_walls(found: RegionComplex) -> None:
    """A corner of a region belongs to a region whose closure contains it."""
    cells = [found.exact_cell(i) for i in range(len(found))]
    corners = {point for cell in cells for point in _points(cell)}
    exact = sorted(p for p in corners if all(Fraction(float(x)) == x for x in p))[:40]
    if not exact:
        return
    regions = found.locate(np.array([[float(x) for x in p] for p in exact]))
    for point, region in zip(exact, regions.tolist(), strict=True):
        assert region >= 0, point
        assert _in_closure(cells[region], point), point


def _points(cell: Cell) -> list[Point]:
    return [tuple(Fraction(x, v[-1]) for x in v[:-1]) for v in cell.vertices if v[-1]]


def _in_closure(cell: Cell, point: Point) -> bool:
    inside = (*cell.witness(), 1)
    sides = [
        [sum(a * x for a, x in zip(f, p, strict=True)) for f in cell.forms] for p in ((*point, 1), inside)
    ]
    return all(at * there >= 0 for at, there in zip(*sides, strict=True))


def _facet_owners(cells: list[Cell]) -> dict[tuple[Point, ...], list[int]]:
    """Cut all edges at all corners on them; return the cells at each piece."""
    owners: dict[tuple[Point, ...], list[int]] = defaultdict(list)
    rings = [_points(cell) for cell in cells]
    corners = sorted({point for ring in rings for point in ring})
    for i, ring in enumerate(rings):
        if len(ring[0]) == 1:
            for point in ring:
                owners[point,].append(i)
            continue
        for p, q in zip(ring, ring[1:] + ring[:1], strict=True):
            on_edge = [r for r in corners if _between(p, r, q)]
            for a, b in pairwise(on_edge):
                owners[a, b].append(i)
    return owners


def _between(p: Point, r: Point, q: Point) -> bool:
    if (q[0] - p[0]) * (r[1] - p[1]) != (q[1] - p[1]) * (r[0] - p[0]):
        return False
    return min(p, q) <= r <= max(p, q)
