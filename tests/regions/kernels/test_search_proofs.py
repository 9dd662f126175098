"""Contracts of the proofs of `search`: what is proved is true for every network within its errors.

Weights, biases and forms are floats with errors. The true ones lie at the ends of their errors where this
does most harm, and everything that is proved is held against them in fractions.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from plnet.regions.kernels.search import layout, proofs

UNIT = 2.0**-53
ERRORS = (0.0, 0.0, 1e-15, 1e-11, 1e-7)


@pytest.fixture(autouse=True)
def plain_python(monkeypatch):
    """Let the proofs call each other as plain Python."""
    for name, value in vars(proofs).copy().items():
        if hasattr(value, "py_func"):
            monkeypatch.setattr(proofs, name, value.py_func)


def two_layers(rng, n, n_in, n_next):
    """Return a plan with two scalar layers: n coordinates, so many units, and so many rows behind them."""
    layers = np.zeros((2, 8), np.int64)
    layers[0, [layout.N_IN, layout.N_OUT]] = n_in
    layers[1, [layout.N_IN, layout.N_OUT]] = n_next
    layers[1, layout.IN0], layers[1, layout.OUT0] = n_in, n_in
    weights = rng.normal(size=n_in * n_next)
    bias = rng.normal(size=n_in + n_next)
    first = rng.normal(size=(n_in, n))
    spread = [rng.choice(ERRORS, size=x.shape) * np.abs(x) for x in (weights, bias, first)]
    outputs = n_in + n_next
    return SimpleNamespace(
        layers=layers,
        weights=np.stack([weights, spread[0]]),
        bias=np.stack([bias, spread[1]]),
        first=np.stack([first, spread[2]]),
        slopes=rng.choice([1.0, 0.25, -0.5, 0.1], size=(outputs, 1)),
        shifts=rng.choice([0.0, 0.3, -1.7], size=(outputs, 1)),
        rounding=np.full((outputs, 1), 4 * UNIT),
        members=np.zeros((outputs, 1), np.int64),
        low=np.full((outputs, 1), -np.inf),
        high=np.full((outputs, 1), np.inf),
        facets=np.zeros((2, 0, n)),
        roundoff=UNIT,
        floor=1e-250,
        scaled=True,
        exact=False,
    )


def new_state(n, n_cuts=0, outputs=1):
    scalars = np.zeros(16, np.int64)
    scalars[layout.SIZE] = n
    head = np.zeros((1, 9), np.int64)
    head[0, layout.N_CUTS] = n_cuts
    return SimpleNamespace(
        scalars=scalars,
        head=head,
        work=np.zeros((16, 32)),
        pieces=np.zeros((1, outputs), np.int64),
        cuts=np.zeros((1, n_cuts + 1, 4), np.int64),
        points=np.zeros((1, n_cuts + 1)),
    )


def sign_of(number):
    return int(number > 0) - int(number < 0)


def ended(value, error, direction):
    return Fraction(float(value)) + direction * Fraction(float(error))


@pytest.mark.parametrize("n_in", [2, 5])
def test_values_of_a_point(n_in, rng):
    n, n_next = 3, 3
    for _ in range(150):
        plan, state = two_layers(rng, n, n_in, n_next), new_state(n)
        point = rng.dirichlet(np.ones(n))
        z, radii = np.zeros(16), np.zeros(16)
        proofs.first_values(plan, state, point, z, radii)
        for direction in (-1, 1):
            for i in range(n_in):
                row = zip(plan.first[0, i], plan.first[1, i], point, strict=True)
                truth = sum(ended(entry, spread, direction) * Fraction(x) for entry, spread, x in row)
                assert abs(truth - Fraction(z[i])) <= Fraction(radii[i])
        before, blur = z[:n_in].copy(), radii[:n_in].copy()
        height = float(point[-1])
        proofs.layer_values(plan, state, 1, np.zeros(n_in + n_next, np.int64), height, z, radii)
        for direction in (-1, 1):
            for k in range(n_next):
                truth = ended(plan.bias[0, n_in + k], plan.bias[1, n_in + k], direction) * Fraction(height)
                for i in range(n_in):
                    slope, shift = Fraction(plan.slopes[i, 0]), Fraction(plan.shifts[i, 0])
                    weight, spread = plan.weights[:, k * n_in + i]
                    turn = direction * sign_of(weight) * sign_of(slope)
                    value = slope * ended(before[i], blur[i], turn) + shift * Fraction(height)
                    truth += ended(weight, spread, direction * sign_of(value)) * value
                assert abs(truth - Fraction(z[k])) <= Fraction(radii[k])


def test_a_point_is_inside_only_for_certain(rng):
    proved = 0
    for _ in range(600):
        n, n_in = 2, 2
        plan, state = two_layers(rng, n, n_in, 1), new_state(n, 1, 3)
        side = int(rng.choice([layout.ABOVE, layout.BELOW]))
        second = int(rng.choice([-1, 1]))
        state.cuts[0, 0] = 0, 0, second, side
        point = rng.dirichlet(np.ones(n))
        turn = 1 if side == layout.ABOVE else -1
        # The wall nearly runs through the point.
        form = plan.first[0, 0] - (plan.first[0, 1] if second >= 0 else 0.0)
        near = turn * float(rng.choice(ERRORS)) * rng.uniform(0, 3) + rng.normal() * UNIT
        if second >= 0:
            plan.first[0, 0, 1] -= (form @ point - near) / point[1]
        else:
            state.points[0, 0] = (form @ point - near) / point[1]
        z, radii = np.zeros(16), np.zeros(16)
        if not proofs.inside(plan, state, 0, 0, point, z, radii):
            continue
        proved += 1
        first, spread = plan.first
        value = -Fraction(state.points[0, 0]) * Fraction(point[-1]) if second < 0 else Fraction(0)
        for j in range(n):
            value += ended(first[0, j], spread[0, j], -turn) * Fraction(point[j])
            if second >= 0:
                value -= ended(first[1, j], spread[1, j], turn) * Fraction(point[j])
        assert turn * value > 0
    assert proved > 50


def test_ranges_of_units_prove_only_what_is_true(rng):
    proved = 0
    for _ in range(700):
        n_in = 4
        plan, state = two_layers(rng, 2, n_in, 2), new_state(2, 0, n_in + 2)
        ranges = np.sort(rng.normal(size=(n_in, 2)) * 3, axis=1)
        plan.low[:n_in, 0], plan.high[:n_in, 0] = ranges.T
        first, second = 0, int(rng.choice([-1, 1]))
        sign, offset = float(rng.choice([-1.0, 1.0])), float(rng.normal()) if second < 0 else 0.0

        def least(plan=plan, first=first, second=second, sign=sign, offset=offset, n_in=n_in):
            """Return the least of ``sign * wall`` over the ranges, for the worst weights."""
            turn = -int(sign)
            total = -Fraction(offset) + ended(plan.bias[0, n_in + first], plan.bias[1, n_in + first], turn)
            if second >= 0:
                total -= ended(plan.bias[0, n_in + second], plan.bias[1, n_in + second], -turn)
            total *= int(sign)
            for i in range(n_in):
                slope, shift = Fraction(plan.slopes[i, 0]), Fraction(plan.shifts[i, 0])
                worst = None
                for x in (plan.low[i, 0], plan.high[i, 0]):
                    value = slope * Fraction(x) + shift
                    for a in (-1, 1):
                        weight = ended(
                            plan.weights[0, first * n_in + i], plan.weights[1, first * n_in + i], a
                        )
                        if second >= 0:
                            weight -= ended(*plan.weights[:, second * n_in + i], -a)
                        this = int(sign) * weight * value
                        worst = this if worst is None or this < worst else worst
                total += worst
            return total

        # The wall nearly touches the ranges.
        plan.bias[0, n_in + first] -= sign * float(least())
        scale = float(rng.choice(ERRORS)) + 4 * UNIT
        plan.bias[0, n_in + first] += sign * scale * rng.uniform(-1, 2)
        if proofs.misses_at_once(plan, state, 0, 1, first, second, offset, sign):
            proved += 1
            assert least() >= 0
    assert proved > 8


def interval(plan, state):
    """Return the part of ``u = (t, 1 - t)``, t in [0, 1], where the exact cuts of the first layer hold."""
    low, high = Fraction(0), Fraction(1)
    for i in range(state.head[0, layout.N_CUTS]):
        _, first, second, side = state.cuts[0, i].tolist()
        form = [Fraction(x) for x in plan.first[0, first].tolist()]
        if second >= 0:
            form = [x - Fraction(y) for x, y in zip(form, plan.first[0, second].tolist(), strict=True)]
        form[1] -= Fraction(state.points[0, i])
        slope, start = form[0] - form[1], form[1]
        if side == layout.BELOW:
            slope, start = -slope, -start
        if slope > 0:
            low = max(low, -start / slope)
        elif slope < 0:
            high = min(high, -start / slope)
        elif start <= 0:
            return None
    return (low, high) if low < high else None


@pytest.mark.parametrize("layer", [0, 1])
def test_multipliers_prove_only_what_is_true(layer, rng):
    """A wall that ends with a cut, moved by about its errors: the multiplier of the cut nearly cancels it."""
    proved = wrong = 0
    for _ in range(1200):
        n_in = 2
        plan, state = two_layers(rng, 2, n_in, 2), new_state(2, 1, n_in + 2)
        plan.first[1], plan.weights[1], plan.bias[1] = 0.0, 0.0, 0.0
        state.cuts[0, 0] = 0, 0, -1, int(rng.choice([layout.ABOVE, layout.BELOW]))
        state.points[0, 0] = rng.normal() * 0.3
        cell = interval(plan, state)
        if cell is None:
            continue
        end = cell[int(rng.integers(2))]
        if end in (0, 1):
            continue
        u = (end, 1 - end)
        forms = [[Fraction(x) for x in row] for row in plan.first[0].tolist()]
        if layer:
            values = [[Fraction(plan.slopes[i, 0]) * x for x in forms[i]] for i in range(n_in)]
            values = [[a, b + Fraction(plan.shifts[i, 0])] for i, (a, b) in enumerate(values)]
            # The shift counts with the scale of the point, which is its last coordinate.
            weights = [Fraction(x) for x in plan.weights[0, :n_in].tolist()]
            wall = [sum(w * v[j] for w, v in zip(weights, values, strict=True)) for j in range(2)]
            wall[1] += Fraction(plan.bias[0, n_in])
        else:
            wall = forms[1]
        offset = float((wall[0] * u[0] + wall[1] * u[1]) / u[1]) + rng.normal() * 10.0 ** rng.uniform(-17, -9)
        wall = [wall[0], wall[1] - Fraction(offset)]
        other = cell[0] + cell[1] - end
        sign = float(sign_of(wall[0] * other + wall[1] * (1 - other)) or 1)
        cut = [forms[0][0], forms[0][1] - Fraction(state.points[0, 0])]
        side = 1 if state.cuts[0, 0, layout.CUT_SIDE] == layout.ABOVE else -1
        place = int(rng.integers(2))
        if not cut[place]:
            continue
        multiplier = float(int(sign) * wall[place] / (side * cut[place])) * (
            1 + rng.normal() * 10.0 ** rng.uniform(-17, -9)
        )
        if not multiplier > 0:
            continue
        least = min(int(sign) * (wall[0] * t + wall[1] * (1 - t)) for t in cell)
        found = proofs.misses(
            plan, state, 0, layer, 0 if layer else 1, -1, offset, sign, np.array([multiplier, 0.0])
        )
        proved += bool(found)
        wrong += least < 0
        assert least >= 0 or not found
    assert proved > 5
    assert wrong > 100


def unsure_weight(low, high):
    """Return a plan whose second layer is ``w z + 1``, w between -9e-4 and 11e-4, z a unit on [low, high]."""
    plan = two_layers(np.random.default_rng(0), 2, 1, 1)
    plan.weights[:] = [[1e-4], [1e-3]]
    plan.bias[:] = [[0.0, 1.0], [0.0, 0.0]]
    plan.first[0], plan.first[1] = [[1e9, 0.0]], 0.0
    plan.slopes[:], plan.shifts[:], plan.rounding[:] = 1.0, 0.0, 0.0
    plan.low[0, 0], plan.high[0, 0] = low, high
    return plan


@pytest.mark.parametrize(("spread", "proved"), [(1e-3, False), (1e-5, True)])
def test_a_cut_of_unsure_sign_proves_nothing(spread, proved):
    """The multiplier cancels the weight, but the weight may be negative, and z is as large as 1e9."""
    plan, state = unsure_weight(-np.inf, np.inf), new_state(2, 1, 2)
    plan.weights[1] = spread
    state.cuts[0, 0], state.points[0, 0] = (0, 0, -1, layout.ABOVE), 0.5
    assert proofs.misses(plan, state, 0, 1, 0, -1, 0.0, 1.0, np.array([1e-4, 0.0])) == proved


@pytest.mark.parametrize(("spread", "proved"), [(1e-3, False), (1e-5, True)])
def test_a_unit_of_unsure_sign_is_not_absorbed(spread, proved):
    """On z >= 0 the wall is positive for a positive weight only."""
    plan, state = unsure_weight(0.0, np.inf), new_state(2, 0, 2)
    plan.weights[1] = spread
    assert proofs.misses(plan, state, 0, 1, 0, -1, 0.0, 1.0, np.array([0.0])) == proved
