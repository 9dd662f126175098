"""Contracts of the predicates of the splitting kernels: radii cover the truth, and unsure stays unsure.

Every input of a predicate is a float with a radius. Here the true value lies at the end of the radius where
it does most harm, and is computed in fractions. The predicates run as plain Python, which rounds as the
compiled code does up to the order of sums.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from types import SimpleNamespace

import numpy as np
import pytest

from plnet.regions.kernels import bits, forms, layout
from plnet.regions.kernels.layout import UNDECIDED, UNSURE
from plnet.regions.kernels.planar import last_layer, polygons
from plnet.regions.kernels.spatial import polytopes
from plnet.regions.kernels.spatial import refine as refining

UNIT = 2.0**-53
RADII = (0.0, 0.0, 1e-15, 1e-12, 1e-9, 1e-6)


@pytest.fixture(autouse=True)
def plain_python(monkeypatch):
    """Let the functions of these modules call each other as plain Python."""
    for module in (bits, forms, last_layer, polygons, polytopes, refining):
        for name, value in vars(module).copy().items():
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, name, value.py_func)


def plane(**changes):
    return SimpleNamespace(unit_roundoff=UNIT, homogeneous=False, floor=1e-250, tracking=0.0, **changes)


def space(d, **changes):
    rounding = 1.01 * (d + 2) * sqrt(d + 1.0) * UNIT
    numbers = {"exact": False, "homogeneous": False, "words": 1, "unit": UNIT, "rounding": rounding} | changes
    return SimpleNamespace(d=d, **numbers)


def dot(first, second):
    return sum((Fraction(a) * Fraction(b) for a, b in zip(first, second, strict=True)), Fraction(0))


def sign_of(number):
    return int(number > 0) - int(number < 0)


def harmed_form(form, radius, point, direction):
    """Return a form within a radius whose value at a point is moved as far as it goes in a direction."""
    moved = [Fraction(x) for x in form]
    place = max(range(len(point)), key=lambda i: abs(point[i]))
    moved[place] += direction * sign_of(point[place]) * Fraction(radius)
    return moved


def near_zero(rng, n, error):
    """Draw a point and a form whose value at the point is about as large as its error."""
    point = rng.uniform(-1, 1, n)
    point[rng.integers(n)] = 1.0
    form = rng.normal(size=n)
    last = n - 1
    wanted = error * 10.0 ** rng.uniform(-2, 1) * rng.choice([-1, 1])
    if abs(point[last]) > 0.1:
        form[last] = (wanted - form[:last] @ point[:last]) / point[last]
    return point, form


def test_signs_at_vertices(rng):
    certain = 0
    for _ in range(1500):
        radius, blur = rng.choice(RADII, 2)
        point, form = near_zero(rng, 3, radius + 3 * blur + 4 * UNIT)
        vertex = np.array([[*point, blur]])
        scale = float(np.abs(form).sum())
        sign = polygons._sign_at(plane(), *form.tolist(), float(radius), scale, vertex, 0)
        if sign == UNSURE:
            continue
        certain += 1
        truth = [
            Fraction(x) - sign * sign_of(a) * Fraction(float(blur)) for x, a in zip(point, form, strict=True)
        ]
        assert sign_of(dot(harmed_form(form, radius, truth, -sign), truth)) == sign
    assert certain > 150


def test_an_unsure_vertex_leaves_the_side_open():
    """One vertex is certain and one is not: nothing is said, unless both sides are seen."""
    poly = np.zeros((3, 8))
    poly[:, :4] = [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1e-3], [0.5, 0.5, 1.0, 0.0]]
    edges = np.arange(3)
    arguments = (1.0, -1.0, 1.0, 0.0, 3.0, poly, edges, 0, 3, layout.NO_WALL, layout.NO_WALL)
    assert polygons.form_sides(plane(), *arguments) == UNDECIDED


def crossing(first, second):
    (a, b, c), (d, e, f) = first, second
    return [b * f - c * e, c * d - a * f, a * e - b * d]


def shaken(rng, numbers, radius):
    """Move one number to the end of the radius."""
    moved = [Fraction(x) for x in numbers]
    moved[rng.integers(len(moved))] += int(rng.choice([-1, 1])) * Fraction(float(radius))
    return moved


def test_vertices_where_an_edge_meets_a_form(rng):
    found = 0
    for _ in range(700):
        edge, form = rng.normal(size=(2, 3))
        if rng.random() < 0.5:
            form = edge + rng.normal(size=3) * 10.0 ** rng.uniform(-5, 0)
        edge_radius, radius = rng.choice(RADII, 2)
        poly, out = np.zeros((1, 8)), np.empty(4)
        poly[0, 4:] = [*edge, edge_radius]
        scale = float(np.abs(form).sum())
        if not polygons._cross(plane(), poly, 0, *form.tolist(), float(radius), scale, out):
            continue
        found += 1
        rounded = crossing([Fraction(x) for x in edge], [Fraction(x) for x in form])
        turn = sign_of(rounded[2])
        size = max(abs(x) for x in rounded)
        for _ in range(6):
            truth = crossing(shaken(rng, edge, edge_radius), shaken(rng, form, radius))
            assert all(
                abs(turn * x / size - Fraction(y)) <= Fraction(out[3]) + Fraction(UNIT)
                for x, y in zip(truth, out.tolist(), strict=False)
            )
            assert turn * truth[2] > 0
    assert found > 200


def test_directions_in_which_a_form_is_constant(rng):
    found = 0
    for _ in range(900):
        angle = rng.uniform(0, 2 * np.pi)
        opening = np.pi - (10.0 ** rng.uniform(-16, 0) if rng.random() < 0.6 else rng.uniform(0.3, 3))
        ends = [np.array([np.cos(t), np.sin(t)]) for t in (angle, angle + opening)]
        ends = [end / np.abs(end).max() for end in ends]
        middle = angle + opening * rng.uniform(0, 1)
        a, b = -np.sin(middle), np.cos(middle)
        blur, radius = rng.choice(RADII), float(rng.choice(RADII))
        poly, out = np.zeros((2, 8)), np.empty(4)
        for row, end in zip(poly, ends, strict=True):
            row[:2], row[3] = end, blur
        if not polygons._cross_infinity(plane(), poly, 0, 1, float(a), float(b), radius, out):
            continue
        found += 1
        size = max(abs(Fraction(float(a))), abs(Fraction(float(b))))
        for _ in range(4):
            true_a, true_b = shaken(rng, (a, b), radius)
            first, second = (shaken(rng, end, blur) for end in ends)
            at_first, at_second = dot((true_a, true_b), first), dot((true_a, true_b), second)
            if at_first * at_second >= 0:
                continue  # The form has to have both signs at the ends; the caller proves that.
            between = [abs(at_second) * x + abs(at_first) * y for x, y in zip(first, second, strict=True)]
            assert dot(between, out[:2].tolist()) > 0
            flip = sign_of(dot((-true_b, true_a), out[:2].tolist()))
            for x, y in zip((-true_b, true_a), out.tolist(), strict=False):
                assert abs(flip * x / size - Fraction(y)) <= Fraction(out[3]) + Fraction(UNIT)
    assert found > 100


def test_places_of_crossings(rng):
    found = 0
    for _ in range(2000):
        at_p, at_q = (10.0 ** rng.uniform(-6, 3, 2)).tolist()
        error_p, error_q = (np.array([at_p, at_q]) * 10.0 ** rng.uniform(-17, -0.5, 2)).tolist()
        low, high = last_layer.place_of_crossing(at_p, error_p, -at_q, error_q)
        if low > high:
            continue
        found += 1
        for s, t in ((1, -1), (-1, 1)):
            p, q = Fraction(at_p) + s * Fraction(error_p), Fraction(at_q) + t * Fraction(error_q)
            assert Fraction(low) <= p / (p + q) <= Fraction(high)
    assert found > 1000


def test_places_that_touch_are_not_told_apart():
    low, high = np.array([0.5, 0.25, 0.0]), np.array([0.75, 0.5, 0.125])
    assert not last_layer.are_disjoint(low, high, 3)
    assert last_layer.are_disjoint(np.array([0.5, 0.2]), np.array([0.75, 0.4]), 2)


def test_differences_of_members(rng):
    for _ in range(500):
        members = rng.normal(size=(2, 3)) * 10.0 ** rng.uniform(-3, 3, (2, 1))
        if rng.random() < 0.3:
            members[1] = members[0] * (1 + 3 * UNIT)
        radii = rng.choice(RADII, 2)
        state = SimpleNamespace(acc=np.concatenate([members.T.ravel(), radii]))
        *found, radius, scale = forms.difference(plane(), state, 0, 2, 1, 0)
        place, sign = int(rng.integers(3)), int(rng.choice([-1, 1]))
        truth = [Fraction(b) - Fraction(a) for a, b in members.T.tolist()]
        truth[place] += sign * (Fraction(float(radii[0])) + Fraction(float(radii[1])))
        off = sum(abs(x - Fraction(y)) for x, y in zip(truth, found, strict=True))
        # The sum of the two radii is rounded; the rounding of a value takes that in.
        assert off <= Fraction(radius) + Fraction(UNIT) * Fraction(radius)
        assert scale >= max(abs(x) for x in found)


def table_of_one_unit(rng, rows, gamma, tracking, error, sparse):
    """Return a plan with one unit and the rows of the layer behind it."""
    layers = np.zeros((2, 7), np.int64)
    layers[0, [layout.N_ROWS, layout.N_UNITS]] = 1
    layers[1, layout.N_ROWS] = rows
    layers[:, layout.RUN0] = 0 if sparse else -1
    weights = rng.normal(size=rows)
    slope, shift = rng.normal(size=2)
    return SimpleNamespace(
        layers=layers,
        units=np.zeros((1, 7), np.int64),
        pieces=np.array([[slope, shift, error]]),
        weights=np.stack([weights, np.abs(weights) * (1 + 4 * UNIT)]),
        run_starts=np.array([0, 2]),
        runs=np.array([[0, 1, 0], [1, rows - 1, 1]]),
        pool=weights,
        gamma=np.array([0.0, gamma]),
        tracking=tracking,
        floor=1e-250,
        unit_roundoff=UNIT,
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_forms_behind_a_unit(sparse, rng):
    rows = 4
    for _ in range(400):
        error, radius = rng.choice(RADII, 2).tolist()
        plan = table_of_one_unit(rng, rows, 8 * UNIT, 0.0, error, sparse)
        form = rng.normal(size=3)
        state = SimpleNamespace(acc=np.concatenate([form, [radius], np.zeros(4 * rows)]))
        forms.add_unit(plan, state, 0, 0, 0, 0, 4)
        found = state.acc[4:].reshape(4, rows)
        slope, shift, _ = plan.pieces[0].tolist()
        moved = [Fraction(slope) * x for x in shaken(rng, form, radius)]
        for sign in (-1, 1):
            truth = [*moved[:2], moved[2] + Fraction(shift) + sign * Fraction(error)]
            for weight, *row, bound in zip(plan.pool.tolist(), *found.tolist(), strict=True):
                off = sum(abs(Fraction(weight) * x - Fraction(y)) for x, y in zip(truth, row, strict=True))
                assert off <= Fraction(bound)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_running_bound_counts_what_every_addition_loses(sparse, rng):
    """A thousand terms, each below half a unit in the last place of the sum: all of them are lost."""
    plan = table_of_one_unit(rng, 2, 8 * UNIT, UNIT, 0.0, sparse)
    plan.weights[:], plan.pool[:], plan.pieces[0] = 1.0, 1.0, [1.0, 0.0, 0.0]
    state = SimpleNamespace(acc=np.array([2.0**-54, 0.0, 0.0, 0.0, 1.0, 1.0, 0, 0, 0, 0, 0, 0]))
    for _ in range(1000):
        forms.add_unit(plan, state, 0, 0, 0, 0, 4)
    found = state.acc[4:].reshape(4, 2)
    assert (found[0] == 1.0).all()
    assert (found[3] >= 1000 * 2.0**-54).all()
    assert (found[3] <= 2000 * UNIT).all()


def length(form):
    return sqrt(sum(x * x for x in form)) * (1 + 1e-12)


def test_an_unsure_ray_leaves_the_side_open():
    rays = np.array([[1.0, 0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0, 1e-3]])
    cut = np.array([1.0, -1.0, 0.0, 1.0, 0.0])
    state = SimpleNamespace(cut=cut)
    assert polytopes.cut_sides(space(3), state, length(cut[:4]), rays, 0, 2) == UNDECIDED


@pytest.mark.parametrize("d", [3, 5])
def test_signs_at_rays(d, rng):
    certain = 0
    for _ in range(2000):
        radius, blur = rng.choice(RADII, 2).tolist()
        point, form = near_zero(rng, d + 1, radius + 2 * blur + d * UNIT)
        ray, cut = np.append(point, blur), np.append(form, radius)
        value, error, sign = polytopes.sign_at(space(d), cut, length(form), ray)
        if sign == UNSURE:
            continue
        certain += 1
        reach = Fraction(blur) / Fraction(length(form))
        truth = [Fraction(x) - sign * reach * Fraction(a) for x, a in zip(point, form, strict=True)]
        assert sign_of(dot(harmed_form(form, radius, truth, -sign), truth)) == sign
        assert abs(dot(harmed_form(form, radius, point, -sign), point) - Fraction(value)) <= Fraction(error)
    assert certain > 150


def test_exact_signs_end_where_integers_do(rng):
    limits = space(3, exact=True, bound=2.0**53)
    unsure = 0
    for _ in range(3000):
        bits_of_form, bits_of_ray = rng.integers(2, 50, 2)
        form = rng.integers(-(2**bits_of_form), 2**bits_of_form, 4)
        ray = rng.integers(-(2**bits_of_ray), 2**bits_of_ray, 4)
        if rng.random() < 0.5:
            form[3], ray[3] = -int(form[:3] @ ray[:3]) % 2**50, 1
        cut, point = np.append(form, 0).astype(float), np.append(ray, 0).astype(float)
        _, _, sign = polytopes.sign_at(limits, cut, 1.0, point)
        unsure += sign == UNSURE
        assert sign in (UNSURE, sign_of(dot(form.tolist(), ray.tolist())))
    assert unsure > 100


@pytest.mark.parametrize("d", [3, 4])
def test_rays_where_an_edge_meets_a_form(d, rng):
    limits, found = space(d), 0
    for _ in range(500):
        form = rng.normal(size=d + 1)
        radius = rng.choice(RADII)
        ends = rng.uniform(-1, 1, (2, d + 1))
        if rng.random() < 0.3:
            ends[1] = ends[0] + 1e-3 * rng.normal(size=d + 1)
        ends /= np.abs(ends).max(axis=1, keepdims=True)
        blurs = rng.choice(RADII, 2)
        cut = np.append(form, radius)
        rays = [np.append(end, blur) for end, blur in zip(ends, blurs, strict=True)]
        signed = [polytopes.sign_at(limits, cut, length(form), ray) for ray in rays]
        if signed[0][2] * signed[1][2] != -1 or UNSURE in (signed[0][2], signed[1][2]):
            continue
        if signed[0][2] < 0:
            rays, signed = rays[::-1], signed[::-1]
        state = SimpleNamespace(values=np.array([[s[0] for s in signed], [s[1] for s in signed]]))
        out = np.empty(d + 2)
        if not polytopes.cross(limits, state, 0, 1, *rays, out):
            continue
        found += 1
        above, below = (Fraction(s[0]) for s in signed)
        meeting = [
            (above * Fraction(q) - below * Fraction(p)) / (above - below)
            for p, q in zip(rays[0][:-1], rays[1][:-1], strict=True)
        ]
        most = max(abs(x) for x in meeting)
        for _ in range(5):
            true_form = shaken(rng, form, radius)
            true_rays = [along(rng, ray[:-1], ray[-1]) for ray in rays]
            p, q = (dot(true_form, ray) for ray in true_rays)
            truth = [(p * y - q * x) / (p - q) / most for x, y in zip(*true_rays, strict=True)]
            off = sum((x - Fraction(y)) ** 2 for x, y in zip(truth, out.tolist(), strict=False))
            assert off <= Fraction(out[d + 1]) ** 2
    assert found > 80


def along(rng, ray, blur):
    """Return a ray whose distance is its blur, in a random direction or along an axis."""
    step = rng.normal(size=len(ray))
    if rng.random() < 0.5:
        step = np.eye(len(ray))[rng.integers(len(ray))]
    step *= (1 - 1e-12) / np.linalg.norm(step)
    return [
        Fraction(x) + Fraction(s) * Fraction(float(blur))
        for x, s in zip(ray.tolist(), step.tolist(), strict=True)
    ]


def test_exact_crossings_are_exact_or_refused(rng):
    limits, refused = space(3, exact=True, bound=2.0**53, scale=1.0), 0
    for _ in range(2000):
        size = int(rng.integers(2, 46))
        p, q = (np.append(rng.integers(-(2**size), 2**size, 4), 0).astype(float) for _ in range(2))
        above, below = (rng.integers(1, 2 ** int(rng.integers(2, 53)), 2)).astype(float).tolist()
        state, out = SimpleNamespace(values=np.array([[above, -below], [0.0, 0.0]])), np.empty(5)
        if not polytopes.cross(limits, state, 0, 1, p, q, out):
            refused += 1
            continue
        combined = [int(above) * int(y) + int(below) * int(x) for x, y in zip(p[:4], q[:4], strict=True)]
        divisor = int(np.gcd.reduce(np.array(combined, dtype=object)))
        assert out[:4].tolist() == [x // divisor for x in combined]
        assert max(abs(x // divisor) for x in combined) <= 2**52
    assert 100 < refused < 1900


def solved(rows, right):
    """Solve a square system in fractions."""
    n = len(rows)
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    for column in range(n):
        pivot = next(row for row in range(column, n) if table[row][column])
        table[column], table[pivot] = table[pivot], table[column]
        table[column] = [x / table[column][column] for x in table[column]]
        for row in range(n):
            if row != column:
                table[row] = [
                    x - table[row][column] * y for x, y in zip(table[row], table[column], strict=True)
                ]
    return [row[-1] for row in table]


@pytest.mark.parametrize("d", [3, 4])
def test_refined_rays(d, rng):
    limits, refined = space(d), 0
    for _ in range(120):
        truth = rng.uniform(-1, 1, d + 1)
        truth[rng.integers(d + 1)] = 1.0
        walls = rng.normal(size=(d, d + 1)) * 10.0 ** rng.uniform(-3, 3, (d, 1))
        if rng.random() < 0.4:
            walls[1] = walls[0] + 1e-4 * rng.normal(size=d + 1)
        walls[:, -1] -= (walls @ truth) / truth[-1]
        radii = rng.choice((0.0, 1e-14, 1e-11), d) * np.abs(walls).max(axis=1)
        records = np.column_stack([walls, radii])
        ray = np.append(truth + 1e-7 * rng.normal(size=d + 1), 1e-5)
        ray[:-1] /= np.abs(ray[:-1]).max()
        state = SimpleNamespace(
            system=np.empty((d, 2 * d + 3)),
            inverse=np.empty((d, 2 * d)),
            saved=np.empty(d + 2),
            common=np.array([2 ** (d - 1) - 1], np.uint64),
            tables=np.arange(64),
            records=records[:-1],
            cut=records[-1],
        )
        refining.refine(limits, state, 0, ray)
        if ray[-1] == 1e-5:
            continue
        refined += 1
        fixed = int(np.argmax(np.abs(ray[:-1])))
        for _ in range(3):
            rows = [shaken(rng, row[:-1], row[-1]) for row in records.tolist()]
            right = [-row[fixed] * Fraction(ray[fixed]) for row in rows]
            exact = solved([[x for m, x in enumerate(row) if m != fixed] for row in rows], right)
            others = [x for m, x in enumerate(ray[:-1].tolist()) if m != fixed]
            off = sum((x - Fraction(y)) ** 2 for x, y in zip(exact, others, strict=True))
            assert off <= Fraction(ray[-1]) ** 2
    assert refined > 30
