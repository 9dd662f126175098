"""One worker of `search`: loads roots, drives the kernel, answers in rationals what it cannot decide."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from plnet.geometry.exact import RationalMatrix
from plnet.ir.forms import affine_forms, select_pieces
from plnet.regions.engines.searching.coordinates import Base, Root
from plnet.regions.engines.searching.exact_cell import ExactCell, primitive
from plnet.regions.engines.searching.plan import SearchPlan, load_root, rounded, with_errors
from plnet.regions.kernels.search import layout as c
from plnet.regions.kernels.search.explore import explore, start
from plnet.regions.problem import Problem

__all__ = ["Found", "SearchRun"]

_BLOCK = 4096
_FORMS = 256


@dataclass(frozen=True, eq=False)
class Found:
    """A block of regions of one root.

    Parameters
    ----------
    root : Root
    pieces : ndarray of int, shape (k, outputs)
        Pieces as the network names them.
    points : ndarray, shape (k, columns + 1)
        Points u with their scale.
    """

    root: Root
    pieces: np.ndarray
    points: np.ndarray


class SearchRun:
    """A kernel state with its buffers, used for one root after another.

    Parameters
    ----------
    problem : Problem
    base : Base
    networks : tuple of SearchPlan
        For integers, if that is possible, then for rounded numbers.
    collecting : bool
        Whether regions are written out or only counted.
    shares : tuple of int
        Number of workers that share the cells of a root, and which of them this is.
    """

    def __init__(
        self,
        problem: Problem,
        base: Base,
        networks: tuple[SearchPlan, ...],
        collecting: bool,
        shares: tuple[int, int],
    ) -> None:
        self._problem, self._base, self._networks = problem, base, networks
        self._collecting, self._shares = collecting, shares
        plan = networks[0].plan
        groups = int(plan.n_pieces.sum())
        n_facets = len(base.facets.integers) + base.size
        sizes = c.Sizes(
            layers=len(plan.layers),
            outputs=len(plan.n_pieces),
            walls=len(plan.walls),
            cuts=_most_cuts(plan),
            facets=n_facets,
            widest=int(plan.layers[:, : c.N_OUT + 1].max()),
            coordinates=base.size + base.units.count(-2) + 1,
            depth=min(groups, len(plan.walls) + groups),
        )
        self._state = c.new_state(sizes)
        self._out = c.new_output(sizes, _BLOCK if collecting else 1)
        self._forms: OrderedDict[bytes, RationalMatrix] = OrderedDict()
        self._cells: list[tuple[tuple, ExactCell]] = []
        self.fallbacks = 0

    def load(self, root: Root) -> bool:
        """Make a root the one to search; return False if it is empty or flat."""
        self._cells.clear()
        self._root = root
        for network in self._networks:
            self._network = network
            self._plan, self._columns = load_root(network, root)
            size, n_facets = self._plan.first.shape[2], self._plan.facets.shape[1]
            self._trunk = ExactCell(size)
            for row in root.facets().integers[:, self._columns].tolist():
                if not self._trunk.add(primitive(row)):
                    return False
            at_origin = bool((self._plan.facets[0, :, -1] >= 0).all())
            if at_origin or not network.plan.exact:
                break
        state = self._state
        state.scalars[:] = 0
        state.scalars[c.SIZE], state.scalars[c.N_FACETS] = size, n_facets
        state.scalars[c.SHARES], state.scalars[c.SHARE] = self._shares
        state.scalars[c.SHARE_LAYER] = 0 if self._shares[0] > 1 else -1
        box = _box(root.facets().integers[:, self._columns])
        if box is not None and not self._plan.exact and _is_even(box[0, :, -1]):
            self._use_box(box)
        state.free[0, 1:size] = range(size - 1) if at_origin else self._trunk.free
        self._set_sides(root)
        if box is not None:
            middle = np.append(box[0, :, -1] / 2, 1.0)[np.append(_axes(box), size - 1).argsort()]
            middle /= middle.sum()
        elif n_facets:
            middle = rounded(self._trunk.interior(), np.ones(size, bool))
        else:
            middle = np.full(size, 1.0 / size)
        for witness in (_irregular(middle), middle):
            state.witness[0, :size] = witness
            start(self._plan, state)
            if state.head[0, c.SURE]:
                break
        return True

    def _use_box(self, box: np.ndarray) -> None:
        """Let the kernel keep the facets as upper ends of the coordinates."""
        state, n_facets, size = self._state, box.shape[1], box.shape[2]
        self._plan = self._plan._replace(facets=box)
        coordinates, facets = _axes(box), size + np.arange(n_facets)
        state.scalars[c.BOXED] = 1
        state.partner[:], state.width[:] = -1, np.inf
        state.partner[coordinates], state.partner[facets] = facets, coordinates
        state.width[coordinates] = state.width[facets] = box[0, :, -1]

    def _set_sides(self, root: Root) -> None:
        """Write down on which sides of its own walls each coordinate is."""
        walls, sides = self._plan.walls, self._state.sides[0]
        sides[:] = c.UNDECIDED
        for unit, interval in zip(root.base.units, root.chosen, strict=True):
            if unit >= 0:
                own = np.flatnonzero(walls[: self._plan.layers[0, c.N_WALLS], c.UNIT] == unit)
                sides[own] = np.where(walls[own, c.INDEX] < interval.piece, c.ABOVE, c.BELOW)

    def advance(self, work: int, regions: int) -> bool:
        """Go on with the search; return whether the root is finished.

        Parameters
        ----------
        work : int
            Questions until the next pause.
        regions : int
            Pause earlier after so many regions.
        """
        limit = int(self._state.scalars[c.COUNT]) + regions
        status = explore(
            self._plan, self._state, self._out, len(self._plan.layers), work, limit, self._collecting
        )
        if status == c.NEEDED:
            self._answer()
        return status == c.DONE

    def take_count(self) -> int:
        """Return the regions found since the last call."""
        found = int(self._state.scalars[c.COUNT])
        self._state.scalars[c.COUNT] = 0
        return found

    def take_found(self) -> Found | None:
        """Return the regions written out since the last call."""
        n = int(self._state.scalars[c.N_OUT_ROWS])
        if not n:
            return None
        self._state.scalars[c.N_OUT_ROWS] = 0
        pieces = self._labels(self._out.pieces[:n])
        points = np.ones((n, len(self._columns)))
        points[:, self._columns] = self._out.points[:n, : int(self._columns.sum())]
        if not self._columns[-1]:
            points[:, -1] = 1.0
        else:
            points[:, ~self._columns] = points[:, -1:]
        return Found(self._root, pieces, points)

    def _labels(self, pieces: np.ndarray) -> np.ndarray:
        labels = self._network.labels
        return labels[np.arange(labels.shape[0]), pieces]

    def _answer(self) -> None:
        """Decide in rationals on which sides of a wall the top cell lies, and tell the kernel."""
        self.fallbacks += 1
        state = self._state
        s = int(state.scalars[c.TOP])
        layer = int(state.head[s, c.LAYER])
        pieces = self._labels(state.pieces[s])
        cell = self._cell(s, pieces)
        a, b = int(state.scalars[c.ASKED_A]), int(state.scalars[c.ASKED_B])
        form = self._wall(layer, a, b, float(state.asked[0]), pieces)
        if not any(form):
            state.scalars[c.ANSWER] = c.FLAT
            return
        below, above = cell.sides(form)
        if not (below and above):
            state.scalars[c.ANSWER] = c.ABOVE if above else c.BELOW
            return
        state.scalars[c.ANSWER] = c.BOTH
        if state.head[s, c.PHASE] == c.SIFT:
            return
        for side, sign in enumerate((-1, 1)):
            part = cell.copy()
            part.add([sign * x for x in form])
            size = part.size
            state.given[side, :size] = rounded(part.interior(), np.ones(size, bool))

    def _cell(self, s: int, pieces: np.ndarray) -> ExactCell:
        """Return the cell of a slot; what it has in common with the last one is used again."""
        state = self._state
        n = int(state.head[s, c.N_CUTS])
        cuts, points = state.cuts[s, :n].tolist(), state.points[s, :n].tolist()
        wanted = [(*cut, point) for cut, point in zip(cuts, points, strict=True)]
        starts = self._plan.layers[:, c.OUT0].tolist()
        keys = [
            (cut, pieces[: starts[layer]].tobytes()) for cut, (layer, *_) in zip(wanted, cuts, strict=True)
        ]
        same = 0
        while same < min(n, len(self._cells)) and self._cells[same][0] == keys[same]:
            same += 1
        del self._cells[same:]
        for cut, key in zip(wanted[same:], keys[same:], strict=True):
            cell = (self._cells[-1][1] if self._cells else self._trunk).copy()
            layer, a, b, side, t = cut
            sign = 1 if side == c.ABOVE else -1
            if not cell.add([sign * x for x in self._wall(layer, a, b, t, pieces)]):
                raise ArithmeticError("A cell of the search is empty; please report this.")
            self._cells.append((key, cell))
        return self._cells[-1][1] if self._cells else self._trunk

    def _wall(self, layer: int, a: int, b: int, t: float, pieces: np.ndarray) -> list[int]:
        """Return a wall as exact form in the kernel's coordinates."""
        forms = self.forms(layer, pieces)
        row = forms.integers[a].copy()
        denominator = forms.denominator
        if b >= 0:
            row -= forms.integers[b]
        else:
            point = Fraction(t) / self._network.scales[layer]
            row = row * point.denominator
            row[-1] -= point.numerator * denominator
            denominator *= point.denominator
        in_cone = self._root.in_cone(RationalMatrix(row[None], denominator))
        return primitive(in_cone.integers[0, self._columns].tolist())

    def forms(self, layer: int, pieces: np.ndarray) -> RationalMatrix:
        """Return the exact pre-activations of a layer in the coordinates v, for pieces of earlier layers."""
        if layer == 0:
            return self._base.first
        ends = self._plan.layers[:, c.OUT0]
        key = pieces[: ends[layer]].tobytes()
        if key in self._forms:
            self._forms.move_to_end(key)
            return self._forms[key]
        blocks = self._problem.blocks
        before = self.forms(layer - 1, pieces)
        forms = select_pieces(blocks[layer - 1].nonlinear, before, pieces[ends[layer - 1] : ends[layer]])
        for affine in blocks[layer].affine:
            forms = affine_forms(affine, forms)
        forms = forms.reduced()
        self._forms[key] = forms
        if len(self._forms) > _FORMS:
            self._forms.popitem(last=False)
        return forms


def _irregular(point: np.ndarray) -> np.ndarray:
    """Move a point a little, because regular points of integer networks often lie on walls."""
    moved = point * (1.0 + 0.1 * np.sqrt(np.arange(2, len(point) + 2)) % 0.1)
    return moved / moved.sum()


def _box(facets: np.ndarray) -> np.ndarray | None:
    """Return facets as forms ``width * scale - u`` with errors if they are the upper ends of a box.

    Parameters
    ----------
    facets : ndarray of int objects, shape (n, N)
        The last column belongs to the scale.

    Returns
    -------
    ndarray, shape (2, n, N), or None
        None unless there is one facet for each coordinate.
    """
    normals = facets[:, :-1] != 0
    if not len(facets) or len(facets) != normals.shape[1] or not (normals.sum(axis=0) == 1).all():
        return None
    if not (normals.sum(axis=1) == 1).all():
        return None
    out = np.zeros((2, *facets.shape))
    for i, (row, k) in enumerate(zip(facets, normals.argmax(axis=1).tolist(), strict=True)):
        if not row[k] < 0 < row[-1]:
            return None
        out[0, i, k] = -1.0
        out[:, i, -1:] = with_errors(RationalMatrix(row[None, -1:], -row[k]))[:, 0]
    return out if np.isfinite(out).all() and (out[0, :, -1] > 0).all() else None


def _is_even(widths: np.ndarray) -> bool:
    """Whether the sides of a box are alike enough for pivots in coordinates that are not scaled."""
    return bool(widths.max() <= 2.0**24 * widths.min())


def _axes(box: np.ndarray) -> np.ndarray:
    """Return the coordinate of each facet of a box."""
    return (box[0, :, :-1] != 0).argmax(axis=1)


def _most_cuts(plan: c.Plan) -> int:
    groups = 0
    for layer in plan.layers:
        if layer[c.IS_GROUP]:
            units = slice(layer[c.OUT0], layer[c.OUT0] + layer[c.N_OUT])
            groups += int((plan.n_pieces[units] - 1).sum())
    return len(plan.walls) + groups + 1
