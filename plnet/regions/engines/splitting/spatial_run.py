"""One use of the kernel for three and more dimensions: load a node, advance, read what it found."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

from plnet.geometry.exact import RationalMatrix, object_array
from plnet.geometry.homogeneous import Form, Vertex
from plnet.geometry.polyhedron import Polyhedron
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.engines.splitting.kernel_run import KernelRun, facet_codes
from plnet.regions.kernels import layout as c
from plnet.regions.kernels.spatial import layout as s
from plnet.regions.kernels.spatial.advance import N_OUT_FACETS, advance_spatial
from plnet.regions.leaves import LeafBlock, LeafStore
from plnet.regions.problem import Node

__all__ = ["SpatialRun"]

_LARGEST = 2.0**52
_TINY = 1e-300
_MOST_WORDS = 4


class SpatialRun(KernelRun):
    """A state of the kernel for d > 2 with its output buffers, used for one node after another."""

    _arenas = s.ARENAS
    _cells_out: ClassVar[dict[int, tuple[str, ...]]] = {
        c.ABORTED: ("abort_heads", "abort_pieces", "abort_facets"),
        c.FULL: ("poly", "tight", "facets"),
    }

    def _new_state(self) -> Any:
        prepared = self._prepared
        d, plan = prepared.problem.dim, prepared.plan
        walls = int(plan.rows[:, c.IS_WALL].sum()) + len(prepared.problem.chart.facet_names) + 1
        exact, bits = prepared.exact_arithmetic, prepared.bits
        self._limits = s.Limits(
            d=d,
            # Only walls that bound a cell at the same time need a bit each.
            words=min(_MOST_WORDS, 1 + walls // 64),
            exact=exact,
            scale=2.0**bits,
            bound=2.0 ** (53 - bits),
            rounding=0.0 if exact else 1.01 * (d + 2) * sqrt(d + 1.0) * UNIT_ROUNDOFF,
            unit=plan.unit_roundoff,
            homogeneous=plan.homogeneous,
            # Signs need less than the measures of regions that are kept.
            refine_above=1e-12 if self._collecting else 1e-9,
        )
        return s.new_state(plan, self._limits)

    def _new_output(self, regions: int, corners: int, aborts: int) -> Any:
        return s.new_output(self._prepared.plan, self._limits, regions, corners, aborts)

    def _advance(self, limit: int) -> int:
        collecting = self._collecting
        return advance_spatial(
            self._paced_plan(), self._limits, self._state, self._out, limit, not collecting
        )

    def _push_root(self, node: Node, n_forms: int, shares: tuple[int, int]) -> None:
        vertices, walls = len(node.cell.vertices), len(node.cell.facets)
        s.push_root(self._state, node.depth, vertices, walls, n_forms, shares)

    def _load_cell(self, node: Node) -> bool:
        cell, state, limits = node.cell, self._state, self._limits
        assert isinstance(cell, Polyhedron)
        if cell.lines or len(cell.facets) > 64 * limits.words:
            return False
        state.tight[: len(cell.vertices)] = 0
        for i, (vertex, mask) in enumerate(zip(cell.vertices, cell.tight, strict=True)):
            row = self._ray(vertex)
            if row is None:
                return False
            state.poly[i] = row
            for w in range(limits.words):
                state.tight[i, w] = mask >> 64 * w & (1 << 64) - 1
        state.codes[: len(cell.facets)] = facet_codes(node, self._prepared.levels)
        for k, (form, facet) in enumerate(zip(cell.forms, cell.facets, strict=True)):
            state.records[k] = self._wall(form, infinite=facet[0] == -2)
        return True

    def _wall(self, form: Form, infinite: bool) -> list[float]:
        """Round the form of a wall, scaled to largest entry 1, and bound the error."""
        row = RationalMatrix(object_array(list(form), (1, len(form))))
        moved = list(form) if infinite else self._prepared.frame.forms(row).integers[0].tolist()
        size = max(map(abs, moved))
        # A constant that is not zero must not become zero: an exact zero has a meaning.
        rounded = [x / size or (_TINY if x else 0.0) for x in moved]
        return [*rounded, len(rounded) * 2.0**-52]

    def _ray(self, vertex: Vertex) -> list[float] | None:
        """Round a vertex and bound the error; None if an integer is too large."""
        if self._limits.exact:
            if max(map(abs, vertex)) > _LARGEST:
                return None
            return [*map(float, vertex), 0.0]
        exact = self._prepared.frame.vertex(vertex)
        rounded = [float(x) for x in exact]
        inexact = any(x != r for x, r in zip(exact, rounded, strict=True))
        return [*rounded, sqrt(len(rounded)) * 2.0**-52 if inexact else 0.0]

    def empty_into(self, store: LeafStore) -> None:
        """Move the regions written so far to a store."""
        scalars, out = self._state.registers[c.SCALARS], self._out
        n, corners = int(scalars[c.N_OUT]), int(scalars[c.N_OUT_POLY])
        n_facets = int(scalars[N_OUT_FACETS])
        if n == 0:
            return
        scalars[c.N_OUT] = scalars[c.N_OUT_POLY] = scalars[N_OUT_FACETS] = 0
        labels = self._prepared.labels[self._columns, out.pieces[:n, self._columns]]
        table, _ = c.decode_facets(out.facets[:n_facets])
        sizes = out.sizes[:n], out.facet_sizes[:n]
        vertices, errors = self._to_domain(out.poly[:corners])
        store.add(LeafBlock(labels, vertices, errors, table, *sizes, out.tight[:corners]))
