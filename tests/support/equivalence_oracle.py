"""Oracles for equivalence: plain fractions, raw weights, nothing from plnet.

A network is a list of layers: ("affine", W, b) with lists of numbers, ("scalar", units) where a
unit is (breakpoints, slopes, value at the first breakpoint, or at 0), and ("max", groups).
"""

from bisect import bisect_left
from fractions import Fraction
from itertools import combinations, product


def evaluate(layers, x):
    """Evaluate a network at a list of numbers, exactly."""
    values = [Fraction(v) for v in x]
    for kind, *data in layers:
        if kind == "affine":
            weight, bias = data
            values = [
                sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(b))
                for row, b in zip(weight, bias, strict=True)
            ]
        elif kind == "scalar":
            values = [scalar(unit, v) for unit, v in zip(data[0], values, strict=True)]
        else:
            values = [max(values[i] for i in group) for group in data[0]]
    return values


def scalar(unit, z):
    """Evaluate a scalar function by walking from its first breakpoint."""
    points, slopes, anchor = unit
    if not points:
        return Fraction(anchor) + Fraction(slopes[0]) * z
    points, slopes = [Fraction(t) for t in points], [Fraction(s) for s in slopes]
    if z <= points[0]:
        return Fraction(anchor) + slopes[0] * (z - points[0])
    total = Fraction(anchor)
    for k, start in enumerate(points):
        end = points[k + 1] if k + 1 < len(points) else z
        total += slopes[k + 1] * (min(z, end) - start)
        if z <= end:
            break
    return total


class Curve:
    """A continuous piecewise-linear function of one variable: knots, values, and the two outer slopes."""

    def __init__(self, xs, ys, left, right):
        self.xs, self.ys, self.left, self.right = list(xs), list(ys), left, right

    def __call__(self, x):
        xs, ys = self.xs, self.ys
        if x <= xs[0]:
            return ys[0] + self.left * (x - xs[0])
        if x >= xs[-1]:
            return ys[-1] + self.right * (x - xs[-1])
        k = bisect_left(xs, x)
        return ys[k - 1] + (ys[k] - ys[k - 1]) * (x - xs[k - 1]) / (xs[k] - xs[k - 1])

    def through(self, function, levels):
        """Apply a scalar function that is linear between levels."""
        knots = set(self.xs)
        for level in levels:
            knots.update(self.crossings(level))
        return sampled(lambda x: function(self(x)), knots)

    def crossings(self, level):
        yield from (x for x, y in zip(self.xs, self.ys, strict=True) if y == level)
        pieces = list(zip(self.xs, self.ys, self.xs[1:], self.ys[1:], strict=False))
        for x0, y0, x1, y1 in pieces:
            if (y0 - level) * (y1 - level) < 0:
                yield x0 + (level - y0) * (x1 - x0) / (y1 - y0)
        if self.left and (self.ys[0] - level) / self.left > 0:
            yield self.xs[0] - (self.ys[0] - level) / self.left
        if self.right and (level - self.ys[-1]) / self.right > 0:
            yield self.xs[-1] + (level - self.ys[-1]) / self.right

    def largest(self, low=None, high=None):
        """Return the supremum of the absolute value on [low, high], None if infinite; an end may be None."""
        if (low is None and self.left) or (high is None and self.right):
            return None
        ends = [x for x in (low, high) if x is not None]
        inner = [x for x in self.xs if (low is None or x > low) and (high is None or x < high)]
        return max(abs(self(x)) for x in [*ends, *inner])


def sampled(function, knots):
    xs = sorted(knots)
    xs = [xs[0] - 1, *xs, xs[-1] + 1]
    ys = [function(x) for x in xs]
    return Curve(xs, ys, ys[1] - ys[0], ys[-1] - ys[-2])


def combined(curves, weights, bias):
    knots = {x for curve in curves for x in curve.xs}
    pairs = list(zip(weights, curves, strict=True))
    return sampled(lambda x: sum((w * c(x) for w, c in pairs), Fraction(bias)), knots)


def curves(layers):
    """Return the outputs of a network with one input as exact curves."""
    state = [Curve([Fraction(0)], [Fraction(0)], Fraction(1), Fraction(1))]
    for kind, *data in layers:
        if kind == "affine":
            rows = zip(*data, strict=True)
            state = [combined(state, [Fraction(w) for w in row], Fraction(b)) for row, b in rows]
        elif kind == "scalar":
            state = [
                c.through(lambda y, unit=unit: scalar(unit, y), [Fraction(t) for t in unit[0]])
                for unit, c in zip(data[0], state, strict=True)
            ]
        else:
            state = [maximum([state[i] for i in group]) for group in data[0]]
    return state


def maximum(members):
    knots = {x for c in members for x in c.xs}
    for a, b in combinations(members, 2):
        knots.update(combined([a, b], [Fraction(1), Fraction(-1)], 0).crossings(Fraction(0)))
    return sampled(lambda x: max(c(x) for c in members), knots)


def deviation_on_line(f, g, low=None, high=None):
    """Return the supremum over all outputs of |f - g| of two networks of one input; None if infinite."""
    found = []
    for a, b in zip(curves(f), curves(g), strict=True):
        found.append(combined([a, b], [Fraction(1), Fraction(-1)], 0).largest(low, high))
    return None if None in found else max(found)


def planar_lines(layers):
    """Return lines (a, b, c), a x + b y + c = 0, that contain every wall of a network of two inputs.

    Every choice of pieces gives some, whether it occurs or not.
    """
    states = [[(Fraction(1), Fraction(0), Fraction(0)), (Fraction(0), Fraction(1), Fraction(0))]]
    lines = set()
    for kind, *data in layers:
        after = []
        for forms in states:
            if kind == "affine":
                after.append([affine_form(row, b, forms) for row, b in zip(*data, strict=True)])
                continue
            choices = []
            if kind == "scalar":
                for (points, slopes, anchor), form in zip(data[0], forms, strict=True):
                    lines.update((form[0], form[1], form[2] - Fraction(t)) for t in points)
                    choices.append(list(scalar_forms(points, slopes, anchor, form)))
            else:
                for group in data[0]:
                    members = [forms[i] for i in group]
                    for p, q in combinations(members, 2):
                        lines.add(tuple(x - y for x, y in zip(p, q, strict=True)))
                    choices.append(members)
            after += [list(choice) for choice in product(*choices)]
        states = [list(s) for s in {tuple(s) for s in after}]
    return {line for line in lines if line[0] or line[1]}


def affine_form(row, bias, forms):
    total = [sum(Fraction(w) * form[k] for w, form in zip(row, forms, strict=True)) for k in range(3)]
    return total[0], total[1], total[2] + Fraction(bias)


def scalar_forms(points, slopes, anchor, form):
    for k, slope in enumerate(slopes):
        # A point inside piece k tells its intercept.
        inner = Fraction(0)
        if points:
            inner = Fraction(points[0]) - 1 if k == 0 else Fraction(points[k - 1])
        height = scalar((points, slopes, anchor), inner)
        s = Fraction(slope)
        yield s * form[0], s * form[1], s * form[2] + height - s * inner


def deviation_in_box(f, g, low, high):
    """Return the exact maximum of |f - g| on a square [low, high]^2, from all points where walls may meet."""
    lines = planar_lines(f) | planar_lines(g)
    lines |= {(Fraction(a), Fraction(b), -Fraction(t)) for a, b in ((1, 0), (0, 1)) for t in (low, high)}
    best = Fraction(0)
    seen = set()
    for p, q in combinations(sorted(lines), 2):
        det = p[0] * q[1] - p[1] * q[0]
        if not det:
            continue
        point = ((p[1] * q[2] - p[2] * q[1]) / det, (p[2] * q[0] - p[0] * q[2]) / det)
        if point in seen or not all(low <= x <= high for x in point):
            continue
        seen.add(point)
        values = zip(evaluate(f, point), evaluate(g, point), strict=True)
        best = max(best, *(abs(a - b) for a, b in values))
    return best
