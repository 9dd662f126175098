"""One use of a kernel: load a node, advance, read what it found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from plnet.budgets import Pace
from plnet.geometry.cells import signs
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.ir.layers import ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.cells.facets import cell_from_facets, wall_form
from plnet.regions.engines.splitting.plan import Frame, SplittingPlan, row_forms
from plnet.regions.kernels import layout as c
from plnet.regions.kernels.layout import Plan
from plnet.regions.kernels.planar.advance import advance
from plnet.regions.leaves import LeafBlock, LeafStore
from plnet.regions.problem import Node

__all__ = ["KernelRun", "facet_codes"]

_LARGE, _LARGEST = 2**1000, float(np.finfo(np.float64).max)

_ABORTS, _REGIONS, _CORNERS = 256, 4096, 32768
_TINY = 1e-300


class KernelRun:
    """A kernel state with its output buffers, used for one node after another.

    Parameters
    ----------
    prepared : SplittingPlan
    collecting : bool
        Whether regions are written out or only counted.
    """

    _arenas: ClassVar[tuple[tuple[str, ...], ...]] = c.ARENAS
    _cells_out: ClassVar[dict[int, tuple[str, ...]]] = {
        c.ABORTED: ("abort_edges",),
        c.FULL: ("poly", "edges"),
    }

    def __init__(self, prepared: SplittingPlan, collecting: bool) -> None:
        self._prepared = prepared
        self._collecting = collecting
        self._pace = Pace(
            prepared.plan.steps, prepared.plan.steps >> (8 if prepared.problem.dim == 2 else 10)
        )
        self._state = self._new_state()
        self._out = self._new_output(_REGIONS if collecting else 1, _CORNERS, _ABORTS)
        network = prepared.problem.network
        self._columns = np.concatenate(
            [index + prepared.units_of(depth).start for depth, index in enumerate(network.unit_indices)]
        ).astype(np.int64)
        self._unit_columns = np.arange(len(prepared.plan.units))

    def _new_state(self) -> Any:
        return c.new_state(self._prepared.plan)

    def _new_output(self, regions: int, corners: int, aborts: int) -> Any:
        return c.new_output(self._prepared.plan, regions, corners, aborts)

    def start(self, node: Node, shares: tuple[int, int]) -> bool:
        """Load a node; return False if exact signs show that the kernel cannot decide it."""
        known = self._known_signs(node)
        if known is None:
            return False
        forms, radius = row_forms(self._prepared, node.depth, self._prepared.problem.forms(node.prefix))
        rows, n = len(radius), len(node.cell.vertices)
        self._reserve(n, rows)
        state = self._state
        size = forms.shape[1] * rows
        state.acc[:size], state.acc[size : size + rows] = forms.T.ravel(), radius
        if not self._load_cell(node):
            return False
        state.marks[c.KNOWN, :rows] = known
        state.current[:] = 0
        for depth, pieces in enumerate(node.prefix):
            units = self._prepared.units_of(depth)
            state.current[units] = self._to_kernel_pieces(units, pieces)
        self._push_root(node, size + rows, shares)
        return True

    def _push_root(self, node: Node, n_forms: int, shares: tuple[int, int]) -> None:
        level = self._prepared.levels[node.depth]
        c.push_root(self._state, level, len(node.cell.vertices), n_forms, shares)

    def _paced_plan(self) -> Plan:
        return self._prepared.plan._replace(steps=self._pace.work)

    def _advance(self, limit: int) -> int:
        return advance(self._paced_plan(), self._state, self._out, limit, not self._collecting)

    def advance(self, regions: int, most: int = 0) -> bool:
        """Let the kernel go on for about so many regions, `most` at most; return whether it finished."""
        limit = self._state.registers[c.SCALARS, c.COUNT] + regions
        self._state.registers[c.SCALARS, c.MOST] = most
        self._pace.start()
        status = self._advance(limit)
        self._pace.done()
        scalars = self._state.registers[c.SCALARS]
        if status == c.GROW:
            self._state = c.enlarged(self._state, self._arenas)
        elif (status == c.ABORTED and not scalars[c.N_ABORT]) or (status == c.FULL and not scalars[c.N_OUT]):
            # Not even one cell fits.
            self._out = _doubled(self._out, self._cells_out[status])
        return status == c.DONE

    def take_count(self) -> int:
        """Return the regions found since the last call."""
        found = int(self._state.registers[c.SCALARS, c.COUNT])
        self._state.registers[c.SCALARS, c.COUNT] = 0
        return found

    def empty_into(self, store: LeafStore) -> None:
        """Move the regions written so far to a store."""
        scalars, out = self._state.registers[c.SCALARS], self._out
        n, corners = int(scalars[c.N_OUT]), int(scalars[c.N_OUT_POLY])
        if n == 0:
            return
        scalars[c.N_OUT] = scalars[c.N_OUT_POLY] = 0
        labels = self._prepared.labels[self._columns, out.pieces[:n, self._columns]]
        table, _ = self._decode(out.edges[:corners])
        store.add(LeafBlock(labels, *self._to_domain(out.poly[:corners]), table, out.sizes[:n]))

    def aborted(self) -> Iterator[Node]:
        """Yield the cells that the kernel could not decide, rebuilt exactly."""
        scalars, out = self._state.registers[c.SCALARS], self._out
        n = int(scalars[c.N_ABORT])
        layers, ends = out.abort_heads[:n, 0].tolist(), np.cumsum(out.abort_heads[:n, 1]).tolist()
        pieces = out.abort_pieces[:n].copy()
        walls = getattr(out, self._cells_out[c.ABORTED][-1])
        table, side = self._decode(walls[: int(scalars[c.N_ABORT_EDGES])])
        scalars[c.N_ABORT] = scalars[c.N_ABORT_EDGES] = 0
        for i in range(n):
            rows = slice(ends[i - 1] if i else 0, ends[i])
            prefix = self._prefix(int(self._prepared.depths[layers[i]]), pieces[i])
            pairs = zip(map(tuple, table[rows].tolist()), side[rows].tolist(), strict=True)
            facets = {facet: s for facet, s in pairs if facet[0] != -2}
            yield Node(cell_from_facets(self._prepared.problem, list(facets.items()), prefix), prefix)

    def _decode(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unpack facets; layers are those of the network."""
        table, side = c.decode_facets(codes)
        inner = table[:, 0] >= 0
        table[inner, 0] = self._prepared.depths[table[inner, 0]]
        return table, side

    def _prefix(self, depth: int, pieces: np.ndarray) -> tuple[np.ndarray, ...]:
        found = map(self._prepared.units_of, range(depth))
        labels = self._prepared.labels[self._unit_columns, pieces.clip(0, self._prepared.labels.shape[1] - 1)]
        return tuple(labels[units].astype(np.int64) for units in found)

    def _to_kernel_pieces(self, units: slice, pieces: np.ndarray) -> np.ndarray:
        labels = self._prepared.labels[units]
        return (labels == pieces[:, None]).argmax(axis=1)

    def _to_domain(self, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return vertices in the coordinates of the domain, and how far each entry of them may be off."""
        frame = self._prepared.frame
        # The frame of a domain near the largest float lies beyond it, though no point of the domain does.
        shift = 8 if max(frame.scale) > _LARGE or max(map(abs, frame.centre)) > _LARGE else 0
        centre = np.array([float(x / 2**shift) for x in frame.centre])
        scale = np.array([float(x / 2**shift) for x in frame.scale])
        poly, radius = rays[:, :-1], rays[:, -1:]
        finite = poly[:, -1] > 0
        out, errors = np.zeros_like(poly), np.zeros_like(poly[:, :-1])
        place, weight = poly[finite, :-1] / poly[finite, -1:], poly[finite, -1:]
        out[finite, :-1] = centre + scale * place
        out[finite, -1] = 1.0
        # Each entry of a ray is within its radius, the weight too.
        least = np.maximum(weight - radius[finite], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            blur = np.where(radius[finite] > 0, radius[finite] * (1 + np.abs(place)) / least, 0.0)
        rounded = UNIT_ROUNDOFF * (2 * scale * np.abs(place) + np.abs(out[finite, :-1]))
        errors[finite] = 1.001 * (scale * blur + rounded)
        if shift:
            out[finite, :-1] = (out[finite, :-1].clip(-_LARGEST / 2**shift, _LARGEST / 2**shift)) * 2**shift
            with np.errstate(over="ignore"):
                errors[finite] *= 2.0**shift
        far = poly[~finite, :-1] * scale
        out[~finite, :-1] = far / np.abs(far).max(axis=1, keepdims=True, initial=1e-300)
        return out, errors

    def _known_signs(self, node: Node) -> np.ndarray | None:
        """Exact signs of the walls that do not cross a node; None if a crossing one meets a vertex.

        Only scalar units are looked at; maxout groups are left to the kernel.
        """
        problem = self._prepared.problem
        layer = problem.blocks[node.depth].nonlinear
        n, first = self._prepared.plan.layers[self._prepared.levels[node.depth], [c.N_ROWS, c.ROW0]].tolist()
        known = np.zeros(n, np.int8)
        if not isinstance(layer, ScalarPWL) or self._prepared.exact_arithmetic:
            return known
        forms = problem.forms(node.prefix)
        for row, (unit, piece, is_wall) in enumerate(
            self._prepared.plan.rows[first : first + n, :3].tolist()
        ):
            if not is_wall:
                continue
            at = signs(wall_form(layer, forms, unit, piece, piece + 1), node.cell)
            if 1 in at and -1 in at:
                if 0 in at and not self._prepared.plan.homogeneous:
                    return None
            else:
                known[row] = 1 if 1 in at else -1
        return known

    def _load_cell(self, node: Node) -> bool:
        """Write the cell of a node to the arenas; return whether its numbers fit."""
        cell, frame, state = node.cell, self._prepared.frame, self._state
        codes = facet_codes(node, self._prepared.levels)
        for i, (vertex, form) in enumerate(zip(cell.vertices, cell.forms, strict=True)):
            if self._prepared.exact_arithmetic:
                state.poly[i, :4] = [*map(float, vertex), 0.0]
                state.poly[i, 4:8] = [*map(float, form), 0.0]
            else:
                exact = frame.vertex(vertex)
                rounded = [float(x) for x in exact]
                inexact = any(x != r for x, r in zip(exact, rounded, strict=True))
                state.poly[i, :4] = [*rounded, 2.0**-52 if inexact else 0.0]
                state.poly[i, 4:8] = _edge_row(frame, form, cell.facets[i][0] == -2)
            state.edges[i] = codes[i]
        return True

    def _reserve(self, corners: int, rows: int) -> None:
        needs = self._state.registers[c.NEEDS]
        needs[:] = 0
        needs[0], needs[2] = corners, (self._prepared.problem.dim + 2) * rows
        self._state = c.enlarged(self._state, self._arenas)


def _doubled(output: Any, names: tuple[str, ...]) -> Any:
    return output._replace(
        **{name: c.longer(array, 2 * len(array)) for name in names for array in [getattr(output, name)]}
    )


def _edge_row(frame: Frame, form: tuple[int, ...], infinite: bool) -> list[float]:
    """Round the form of an edge, scaled to largest entry 1."""
    if infinite:
        return [0.0, 0.0, 1.0, 0.0]
    moved = frame.forms(RationalMatrix(object_array(list(form), (1, 3)))).integers[0].tolist()
    size = max(abs(x) for x in moved)
    # A nonzero entry must not become zero: an exact zero has a meaning.
    rounded = [x / size or (_TINY if x > 0 else -_TINY if x < 0 else 0.0) for x in moved]
    pairs = [(x, *value.as_integer_ratio()) for x, value in zip(moved, rounded, strict=True)]
    inexact = any(x * bottom != top * size for x, top, bottom in pairs)
    return [*rounded, 4 * 2.0**-53 if inexact else 0.0]


def facet_codes(node: Node, levels: tuple[int, ...]) -> list[int]:
    """Pack the facets of a node with the side on which its cell lies; `levels` are the kernel's layers."""
    out = []
    witness = [*node.cell.witness(), 1]
    for facet, form in zip(node.cell.facets, node.cell.forms, strict=True):
        layer, unit, low, high = facet
        if 0 <= layer < node.depth:
            above = int(node.prefix[layer][unit] >= high)
        else:
            above = int(sum(a * x for a, x in zip(form, witness, strict=True)) > 0)
        level = levels[layer] if layer >= 0 else layer
        out.append(c.encode_facet(level, unit, low, high, above))
    return out
