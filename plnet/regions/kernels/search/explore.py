"""The search: layer by layer and unit by unit, depth first, with a witness in every cell.

A question that cannot be decided is handed to the caller, who puts the answer into the state and
calls again.
"""

from __future__ import annotations

from plnet.compiled import compiled, compiled_inner
from plnet.regions.kernels.search import layout as c
from plnet.regions.kernels.search.decide import copy_rest, decide
from plnet.regions.kernels.search.dictionary import copy_table, rebuild
from plnet.regions.kernels.search.proofs import first_values, inside, layer_values

__all__ = ["explore", "start"]


@compiled_inner
def _layer_forms(plan, state, s, layer):
    """Compute the pre-activations of a layer as rounded forms in u."""
    n = state.scalars[c.SIZE]
    out = state.forms[layer]
    if layer == 0:
        for i in range(plan.layers[0, c.N_IN]):
            for j in range(n):
                out[i, j] = plan.first[0, i, j]
        return
    head, ahead = plan.layers[layer - 1], plan.layers[layer]
    before, width, row = state.forms[layer - 1], head[c.N_OUT], state.work[4]
    for k in range(ahead[c.N_IN]):
        for j in range(n):
            out[k, j] = 0.0
        if plan.scaled:
            out[k, n - 1] = plan.bias[0, ahead[c.IN0] + k]
    for i in range(width):
        unit = head[c.OUT0] + i
        piece = state.pieces[s, unit]
        slope, shift = plan.slopes[unit, piece], plan.shifts[unit, piece]
        if slope == 0.0 and shift == 0.0:
            continue
        source = plan.members[unit, piece] if head[c.IS_GROUP] else i
        for j in range(n):
            row[j] = slope * before[source, j]
        if plan.scaled:
            row[n - 1] += shift
        for k in range(ahead[c.N_IN]):
            weight = plan.weights[0, ahead[c.WEIGHT0] + k * width + i]
            for j in range(n):
                out[k, j] += weight * row[j]


@compiled_inner
def _implied(plan, state, s, layer, wall):
    """Side of a wall that follows from a parallel one, or UNDECIDED."""
    first = plan.layers[layer, c.WALL0]
    own = plan.walls[wall, c.CLASS]
    if own < 0:
        return c.UNDECIDED
    rank, sign = plan.walls[wall, c.RANK], plan.walls[wall, c.SIGN]
    for other in range(first, first + plan.layers[layer, c.N_WALLS]):
        side = state.sides[s, other]
        if plan.walls[other, c.CLASS] == own and (side == c.ABOVE or side == c.BELOW):
            beyond = (side == c.ABOVE) == (plan.walls[other, c.SIGN] > 0)
            if beyond and plan.walls[other, c.RANK] >= rank:
                return c.ABOVE if sign > 0 else c.BELOW
            if not beyond and plan.walls[other, c.RANK] <= rank:
                return c.BELOW if sign > 0 else c.ABOVE
    return c.UNDECIDED


@compiled_inner
def _ask(state, a, b, t):
    state.scalars[c.ASKED_A] = a
    state.scalars[c.ASKED_B] = b
    state.asked[0] = t


@compiled_inner
def _scalar_step(plan, state, s, layer, splitting):
    """Treat the next open wall of a layer; returns 1 to go on, 0 if there is none, -1 if undecided."""
    first, count = plan.layers[layer, c.WALL0], plan.layers[layer, c.N_WALLS]
    item = state.head[s, c.ITEM]
    while item < count:
        wall = first + item
        if state.sides[s, wall] == c.UNDECIDED:
            side = _implied(plan, state, s, layer, wall)
            if side == c.UNDECIDED:
                break
            state.sides[s, wall] = side
        item += 1
    state.head[s, c.ITEM] = item
    if item == count:
        return 0
    wall = first + item
    a, t = plan.walls[wall, c.UNIT], plan.points[wall]
    answer = decide(plan, state, s, layer, a, -1, t, splitting)
    if answer == c.UNDECIDED:
        _ask(state, a, -1, t)
        return -1
    state.head[s, c.ITEM] = item + 1
    if answer != c.BOTH:
        # A flat wall counts as below, but implies nothing for a mirrored one.
        state.sides[s, wall] = answer
    elif splitting:
        up = state.scalars[c.WITNESS_SIDE] > 0
        state.sides[s, wall] = c.BELOW if up else c.ABOVE
        state.sides[s + 1, wall] = c.ABOVE if up else c.BELOW
        state.head[s + 1, c.ITEM] = item + 1
        state.scalars[c.TOP] = s + 1
    return 1


@compiled_inner
def _group_step(plan, state, s, layer):
    """Treat the next piece of a group, or the next rival of a piece; returns as `_scalar_step`."""
    head = state.head[s]
    item = head[c.ITEM]
    while item < plan.layers[layer, c.N_OUT] and plan.n_pieces[plan.layers[layer, c.OUT0] + item] < 2:
        state.pieces[s, plan.layers[layer, c.OUT0] + item] = (
            plan.n_pieces[plan.layers[layer, c.OUT0] + item] - 1
        )
        item += 1
    head[c.ITEM] = item
    if item == plan.layers[layer, c.N_OUT]:
        return 0
    unit = plan.layers[layer, c.OUT0] + item
    size, piece = plan.n_pieces[unit], head[c.PIECE]
    if head[c.PHASE] == c.CHOOSE:
        target = s
        if piece + 1 < size:
            # The cell as it is stays below for the pieces to come.
            copy_table(state, s, s + 1)
            copy_rest(plan, state, s, s + 1)
            head[c.PIECE] = piece + 1
            target = s + 1
        state.pieces[target, unit] = piece
        state.head[target, c.PIECE] = piece
        state.head[target, c.PHASE] = c.CHAIN
        state.head[target, c.RIVAL] = 0
        state.scalars[c.TOP] = target
        return 1
    rival = head[c.RIVAL]
    if rival == piece:
        rival += 1
    if rival == size:
        head[c.PHASE], head[c.PIECE], head[c.ITEM] = c.CHOOSE, 0, item + 1
        return 1
    a, b = plan.members[unit, piece], plan.members[unit, rival]
    answer = decide(plan, state, s, layer, a, b, 0.0, True)
    if answer == c.UNDECIDED:
        _ask(state, a, b, 0.0)
        return -1
    head[c.RIVAL] = rival + 1
    if answer == c.BELOW or (answer == c.FLAT and piece < rival):
        state.scalars[c.TOP] = s - 1
    elif answer == c.BOTH and state.scalars[c.WITNESS_SIDE] > 0:
        copy_table(state, s + 1, s)
        copy_rest(plan, state, s + 1, s)
        head[c.RIVAL] = rival + 1
    return 1


@compiled_inner
def _finish_layer(plan, state, s, layer):
    """Turn sides into pieces and go on to the next layer; drop cells of other workers."""
    head = state.head[s]
    if not plan.layers[layer, c.IS_GROUP]:
        first = plan.layers[layer, c.OUT0]
        for i in range(plan.layers[layer, c.N_OUT]):
            state.pieces[s, first + i] = 0
        wall0 = plan.layers[layer, c.WALL0]
        for wall in range(wall0, wall0 + plan.layers[layer, c.N_WALLS]):
            if state.sides[s, wall] == c.ABOVE:
                state.pieces[s, first + plan.walls[wall, c.UNIT]] += 1
    head[c.LAYER] = layer + 1
    head[c.PHASE] = c.ENTER
    scalars = state.scalars
    if layer == scalars[c.SHARE_LAYER]:
        ticket = scalars[c.TICKET]
        scalars[c.TICKET] = ticket + 1
        if ticket % scalars[c.SHARES] != scalars[c.SHARE]:
            scalars[c.TOP] = s - 1


@compiled_inner
def _enter_layer(plan, state, s, layer):
    """Prepare forms and values of a layer, and forget the sides of its walls, the given ones excepted."""
    head = state.head[s]
    _layer_forms(plan, state, s, layer)
    z, r = state.values[s, 0], state.values[s, 1]
    if head[c.SURE]:
        if layer == 0:
            first_values(plan, state, state.witness[s], z, r)
        else:
            height = state.witness[s, state.scalars[c.SIZE] - 1] if plan.scaled else 1.0
            layer_values(plan, state, layer, state.pieces[s], height, z, r)
    if layer > 0:
        wall0 = plan.layers[layer, c.WALL0]
        for wall in range(wall0, wall0 + plan.layers[layer, c.N_WALLS]):
            state.sides[s, wall] = c.UNDECIDED
    head[c.ITEM] = head[c.PIECE] = 0
    head[c.PHASE] = c.CHOOSE if plan.layers[layer, c.IS_GROUP] else c.SIFT


@compiled
def explore(plan, state, out, n_layers, work, regions, collecting):
    """Go on for about `work` questions or until `regions` are counted; return why it stopped."""
    scalars = state.scalars
    end = scalars[c.WORK] + work
    while scalars[c.TOP] >= 0:
        s = scalars[c.TOP]
        layer, phase = state.head[s, c.LAYER], state.head[s, c.PHASE]
        if layer == n_layers:
            if collecting:
                at = scalars[c.N_OUT_ROWS]
                if at == len(out.points):
                    return c.FULL
                for i in range(out.pieces.shape[1]):
                    out.pieces[at, i] = state.pieces[s, i]
                for j in range(scalars[c.SIZE]):
                    out.points[at, j] = state.witness[s, j]
                out.sure[at] = state.head[s, c.SURE]
                scalars[c.N_OUT_ROWS] = at + 1
            scalars[c.COUNT] += 1
            scalars[c.TOP] = s - 1
            continue
        if scalars[c.WORK] >= end or scalars[c.COUNT] >= regions:
            return c.PAUSED
        if phase == c.ENTER:
            _enter_layer(plan, state, s, layer)
            continue
        if phase == c.SIFT or phase == c.SPLIT:
            step = _scalar_step(plan, state, s, layer, phase == c.SPLIT)
        else:
            step = _group_step(plan, state, s, layer)
        if step < 0:
            return c.NEEDED
        if step == 0:
            if phase == c.SIFT:
                state.head[s, c.PHASE], state.head[s, c.ITEM] = c.SPLIT, 0
            else:
                _finish_layer(plan, state, s, layer)
    return c.DONE


@compiled
def start(plan, state):
    """Make slot 0 the root cell; its columns and witness are in place. Return 0 if its basis is singular."""
    state.head[0, c.N_CUTS] = 0
    sound = rebuild(plan, state, 0)
    state.head[0, c.LAYER], state.head[0, c.PHASE] = 0, c.ENTER
    z, r = state.work[10], state.work[11]
    state.head[0, c.SURE] = 1 if inside(plan, state, 0, 0, state.witness[0], z, r) else 0
    state.scalars[c.TOP] = 0
    return sound
