"""The search: layer by layer and unit by unit, depth first, with a witness in every cell.

Known algorithm: incremental enumeration, a linear program for each wall and cell (Avis and Fukuda 1996;
Rada and Černý 2018). Ours runs through layers instead of one arrangement, asks on the side without the
witness only, and proves each answer. A question that cannot be decided is handed to the caller, who puts
the answer into the state and calls again. Arguments as in `layout`.
"""

from __future__ import annotations

from plnet.compiled import compiled, compiled_inner
from plnet.regions.kernels.search import layout
from plnet.regions.kernels.search.decide import copy_rest, decide
from plnet.regions.kernels.search.dictionary import copy_table, rebuild
from plnet.regions.kernels.search.proofs import first_values, inside, layer_values

__all__ = ["explore", "start"]


@compiled_inner
def _layer_forms(plan, state, slot, layer):
    """Write the pre-activations of a layer as rounded forms in u to `State.forms`."""
    n = state.scalars[layout.SIZE]
    out = state.forms[layer]
    if layer == 0:
        for i in range(plan.layers[0, layout.N_IN]):
            for j in range(n):
                out[i, j] = plan.first[0, i, j]
        return
    head, ahead = plan.layers[layer - 1], plan.layers[layer]
    before, width, row = state.forms[layer - 1], head[layout.N_OUT], state.work[4]
    for k in range(ahead[layout.N_IN]):
        for j in range(n):
            out[k, j] = 0.0
        if plan.scaled:
            out[k, n - 1] = plan.bias[0, ahead[layout.IN0] + k]
    for i in range(width):
        unit = head[layout.OUT0] + i
        piece = state.pieces[slot, unit]
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece]
        if slope == 0.0 and shift == 0.0:
            continue
        source = plan.members[unit, piece] if head[layout.IS_GROUP] else i
        for j in range(n):
            row[j] = slope * before[source, j]
        if plan.scaled:
            row[n - 1] += shift
        for k in range(ahead[layout.N_IN]):
            weight = plan.weights[0, ahead[layout.WEIGHT0] + k * width + i]
            for j in range(n):
                out[k, j] += weight * row[j]


@compiled_inner
def _implied(plan, state, slot, layer, wall):
    """Return the side of a wall, counted over all layers, that follows from a parallel one, or UNDECIDED."""
    first = plan.layers[layer, layout.WALL0]
    own = plan.walls[wall, layout.CLASS]
    if own < 0:
        return layout.UNDECIDED
    rank, sign = plan.walls[wall, layout.RANK], plan.walls[wall, layout.SIGN]
    for other in range(first, first + plan.layers[layer, layout.N_WALLS]):
        side = state.sides[slot, other]
        if plan.walls[other, layout.CLASS] == own and (side == layout.ABOVE or side == layout.BELOW):
            beyond = (side == layout.ABOVE) == (plan.walls[other, layout.SIGN] > 0)
            if beyond and plan.walls[other, layout.RANK] >= rank:
                return layout.ABOVE if sign > 0 else layout.BELOW
            if not beyond and plan.walls[other, layout.RANK] <= rank:
                return layout.BELOW if sign > 0 else layout.ABOVE
    return layout.UNDECIDED


@compiled_inner
def _ask(state, first, second, offset):
    """Write the wall in question for the caller."""
    state.scalars[layout.ASKED_A] = first
    state.scalars[layout.ASKED_B] = second
    state.asked[0] = offset


@compiled_inner
def _scalar_step(plan, state, slot, layer, splitting):
    """Treat the next open wall of a layer: find its side, and if `splitting`, split the cell.

    Returns 1 to go on, 0 if there is no wall left, -1 if it is undecided.
    """
    first, count = plan.layers[layer, layout.WALL0], plan.layers[layer, layout.N_WALLS]
    item = state.head[slot, layout.ITEM]
    while item < count:
        wall = first + item
        if state.sides[slot, wall] == layout.UNDECIDED:
            side = _implied(plan, state, slot, layer, wall)
            if side == layout.UNDECIDED:
                break
            state.sides[slot, wall] = side
        item += 1
    state.head[slot, layout.ITEM] = item
    if item == count:
        return 0
    wall = first + item
    unit, offset = plan.walls[wall, layout.UNIT], plan.points[wall]
    answer = decide(plan, state, slot, layer, unit, -1, offset, splitting)
    if answer == layout.UNDECIDED:
        _ask(state, unit, -1, offset)
        return -1
    state.head[slot, layout.ITEM] = item + 1
    if answer != layout.BOTH:
        # A flat wall counts as below, but implies nothing for a mirrored one.
        state.sides[slot, wall] = answer
    elif splitting:
        up = state.scalars[layout.WITNESS_SIDE] > 0
        state.sides[slot, wall] = layout.BELOW if up else layout.ABOVE
        state.sides[slot + 1, wall] = layout.ABOVE if up else layout.BELOW
        state.head[slot + 1, layout.ITEM] = item + 1
        state.scalars[layout.TOP] = slot + 1
    return 1


@compiled_inner
def _group_step(plan, state, slot, layer):
    """Treat the next piece of a group, or the next rival of a piece; return as `_scalar_step`."""
    head = state.head[slot]
    item = head[layout.ITEM]
    out0 = plan.layers[layer, layout.OUT0]
    while item < plan.layers[layer, layout.N_OUT] and plan.n_pieces[out0 + item] < 2:
        state.pieces[slot, out0 + item] = plan.n_pieces[out0 + item] - 1
        item += 1
    head[layout.ITEM] = item
    if item == plan.layers[layer, layout.N_OUT]:
        return 0
    unit = out0 + item
    size, piece = plan.n_pieces[unit], head[layout.PIECE]
    if head[layout.PHASE] == layout.CHOOSE:
        target = slot
        if piece + 1 < size:
            # The cell as it is stays below for the pieces to come.
            copy_table(state, slot, slot + 1)
            copy_rest(plan, state, slot, slot + 1)
            head[layout.PIECE] = piece + 1
            target = slot + 1
        state.pieces[target, unit] = piece
        state.head[target, layout.PIECE] = piece
        state.head[target, layout.PHASE] = layout.CHAIN
        state.head[target, layout.RIVAL] = 0
        state.scalars[layout.TOP] = target
        return 1
    rival = head[layout.RIVAL]
    if rival == piece:
        rival += 1
    if rival == size:
        head[layout.PHASE], head[layout.PIECE], head[layout.ITEM] = layout.CHOOSE, 0, item + 1
        return 1
    first, second = plan.members[unit, piece], plan.members[unit, rival]
    answer = decide(plan, state, slot, layer, first, second, 0.0, True)
    if answer == layout.UNDECIDED:
        _ask(state, first, second, 0.0)
        return -1
    head[layout.RIVAL] = rival + 1
    if answer == layout.BELOW or (answer == layout.FLAT and piece < rival):
        state.scalars[layout.TOP] = slot - 1
    elif answer == layout.BOTH and state.scalars[layout.WITNESS_SIDE] > 0:
        copy_table(state, slot + 1, slot)
        copy_rest(plan, state, slot + 1, slot)
        head[layout.RIVAL] = rival + 1
    return 1


@compiled_inner
def _finish_layer(plan, state, slot, layer):
    """Turn sides into pieces and go on to the next layer; drop cells of other workers."""
    head = state.head[slot]
    if not plan.layers[layer, layout.IS_GROUP]:
        first = plan.layers[layer, layout.OUT0]
        for i in range(plan.layers[layer, layout.N_OUT]):
            state.pieces[slot, first + i] = 0
        wall0 = plan.layers[layer, layout.WALL0]
        for wall in range(wall0, wall0 + plan.layers[layer, layout.N_WALLS]):
            if state.sides[slot, wall] == layout.ABOVE:
                state.pieces[slot, first + plan.walls[wall, layout.UNIT]] += 1
    head[layout.LAYER] = layer + 1
    head[layout.PHASE] = layout.ENTER
    scalars = state.scalars
    if layer == scalars[layout.SHARE_LAYER]:
        ticket = scalars[layout.TICKET]
        scalars[layout.TICKET] = ticket + 1
        if ticket % scalars[layout.SHARES] != scalars[layout.SHARE]:
            scalars[layout.TOP] = slot - 1


@compiled_inner
def _enter_layer(plan, state, slot, layer):
    """Prepare forms and values of a layer, and forget the sides of its walls, the given ones excepted."""
    head = state.head[slot]
    _layer_forms(plan, state, slot, layer)
    z, radii = state.values[slot, 0], state.values[slot, 1]
    if head[layout.SURE]:
        if layer == 0:
            first_values(plan, state, state.witness[slot], z, radii)
        else:
            height = state.witness[slot, state.scalars[layout.SIZE] - 1] if plan.scaled else 1.0
            layer_values(plan, state, layer, state.pieces[slot], height, z, radii)
    if layer > 0:
        wall0 = plan.layers[layer, layout.WALL0]
        for wall in range(wall0, wall0 + plan.layers[layer, layout.N_WALLS]):
            state.sides[slot, wall] = layout.UNDECIDED
    head[layout.ITEM] = head[layout.PIECE] = 0
    head[layout.PHASE] = layout.CHOOSE if plan.layers[layer, layout.IS_GROUP] else layout.SIFT


@compiled
def explore(plan, state, out, n_layers, work, regions, collecting):
    """Go on for about `work` questions or until `regions` are counted.

    Regions are written to `out` if `collecting`. Returns DONE, PAUSED, FULL or NEEDED; the next call goes on
    where this one stopped.
    """
    scalars = state.scalars
    end = scalars[layout.WORK] + work
    while scalars[layout.TOP] >= 0:
        slot = scalars[layout.TOP]
        layer, phase = state.head[slot, layout.LAYER], state.head[slot, layout.PHASE]
        if layer == n_layers:
            if collecting:
                at = scalars[layout.N_OUT_ROWS]
                if at == len(out.points):
                    return layout.FULL
                for i in range(out.pieces.shape[1]):
                    out.pieces[at, i] = state.pieces[slot, i]
                for j in range(scalars[layout.SIZE]):
                    out.points[at, j] = state.witness[slot, j]
                out.sure[at] = state.head[slot, layout.SURE]
                scalars[layout.N_OUT_ROWS] = at + 1
            scalars[layout.COUNT] += 1
            scalars[layout.TOP] = slot - 1
            continue
        if scalars[layout.WORK] >= end or scalars[layout.COUNT] >= regions:
            return layout.PAUSED
        if phase == layout.ENTER:
            _enter_layer(plan, state, slot, layer)
            continue
        if phase == layout.SIFT or phase == layout.SPLIT:
            step = _scalar_step(plan, state, slot, layer, phase == layout.SPLIT)
        else:
            step = _group_step(plan, state, slot, layer)
        if step < 0:
            return layout.NEEDED
        if step == 0:
            if phase == layout.SIFT:
                state.head[slot, layout.PHASE], state.head[slot, layout.ITEM] = layout.SPLIT, 0
            else:
                _finish_layer(plan, state, slot, layer)
    return layout.DONE


@compiled
def start(plan, state):
    """Make slot 0 the root cell; its columns and witness are in place.

    Returns 0 if its basis is singular, else 1.
    """
    state.head[0, layout.N_CUTS] = 0
    sound = rebuild(plan, state, 0)
    state.head[0, layout.LAYER], state.head[0, layout.PHASE] = 0, layout.ENTER
    z, radii = state.work[10], state.work[11]
    state.head[0, layout.SURE] = 1 if inside(plan, state, 0, 0, state.witness[0], z, radii) else 0
    state.scalars[layout.TOP] = 0
    return sound
