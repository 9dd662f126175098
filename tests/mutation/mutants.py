"""The table of mutants: single mistakes, each of which some test must notice.

Every error term of the engines stands here at least twice: left out, and made too small or put in the wrong
place. A mutant names the tests that must fail, and the number that it would falsify if they did not. The text
to replace stands exactly once in its file; `test_mutants.py` holds that, so the table moves with the code.

Not here, because nothing becomes wrong: the radii of both ends of an edge in the radius of a new ray. An end
that moves by r takes the crossing with it by at most r |f| |e| / |f . e| (an oblique projection and its
complement have the same norm), and the errors of the form f at both ends, which hold |f| r, are multiplied by
|e| / |f . e| already.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MUTANTS", "Mutant"]


class Mutant(NamedTuple):
    """One mistake: what stands in a file, what stands there instead, who notices, and what would be wrong."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    falsifies: str


LADDERS = "tests/regions/test_ladders.py"
UNIMODULAR = "tests/regions/test_unimodular.py"
FALSIFIABLE = "tests/regions/test_falsifiable.py"
RANDOM = "tests/regions/test_random_networks.py"
UNDERFLOW = "tests/regions/test_underflow.py"
LAST = "tests/regions/engines/test_last_layer.py"
SPATIAL = "tests/regions/engines/test_spatial.py"
SEARCH = "tests/regions/engines/test_search.py"
TWO_LAYER = "tests/regions/engines/test_two_layer.py"
THREADS = "tests/regions/engines/test_threads_that_stop.py"
PREDICATES = "tests/regions/kernels/test_predicates.py"
SEARCH_PROOFS = "tests/regions/kernels/test_search_proofs.py"

KERNELS = "plnet/regions/kernels"
ENGINES = "plnet/regions/engines"
PLANE = "counts in the plane: the figures of regions before and after training"
SPACE = "counts in three and more dimensions"
SEARCHED = "counts on R^n and in high dimension by `search`"
CLOSED = "counts of shallow networks on R^n and of arrangements"


def _terms(line: str, *terms: tuple[str, str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield mistakes in one line: their names, the line, and the line with a part of it replaced."""
    return ((name, line, line.replace(part, instead)) for name, part, instead in terms)


def _of(file: str, tests: tuple[str, ...], falsifies: str, *rows: tuple[str, str, str]) -> Iterator[Mutant]:
    """Yield mistakes in one file: rows of their names, what stands there, and what stands there instead."""
    return (Mutant(name, file, old, new, tests, falsifies) for name, old, new in rows)


MUTANTS: tuple[Mutant, ...] = (
    *_of(
        f"{KERNELS}/forms.py",
        (PREDICATES, LADDERS, FALSIFIABLE, RANDOM),
        PLANE,
        *_terms(
            "blur = abs(slope) * state.acc[row + 3 * rows] + plan.gamma[layer + 1] * size + error",
            ("form radius: gamma of the terms left out", "plan.gamma[layer + 1] * size + error", "error"),
            (
                "form radius: the inherited radius left out",
                "abs(slope) * state.acc[row + 3 * rows] + plan.gamma[layer",
                "plan.gamma[layer",
            ),
            ("form radius: the rounding of a shift left out", "size + error", "size"),
        ),
        (
            "form radius: not carried into the next layer",
            "    add_plain(sizes, blur, radius)",
            "    add_plain(sizes, 0.0 * blur, radius)",
        ),
        (
            "running bound: partial sums not counted",
            "        radius[i] += unit_roundoff * abs(value)",
            "        radius[i] += 0.0 * abs(value)",
        ),
        *_terms(
            "    radius = acc[upper + 3 * rows] + acc[lower + 3 * rows] + 2.0 * plan.unit_roundoff * scale",
            (
                "difference: the radius of the upper member left out",
                "acc[upper + 3 * rows] + acc[lower",
                "acc[lower",
            ),
            ("difference: the radius of the lower member left out", "acc[lower + 3 * rows] + 2.0", "2.0"),
            (
                "difference: the rounding of the subtraction left out",
                "rows] + 2.0 * plan.unit_roundoff * scale",
                "rows]",
            ),
        ),
    ),
    *_of(
        f"{KERNELS}/planar/polygons.py",
        (PREDICATES, LADDERS, UNIMODULAR, FALSIFIABLE, RANDOM),
        PLANE,
        *_terms(
            "error = (radius + 4.0 * plan.unit_roundoff * scale) * size + (scale + radius) * poly[",
            (
                "sign at a vertex: radius of the form left out",
                "radius + 4.0 * plan.unit_roundoff * scale) * size + (scale + radius)",
                "4.0 * plan.unit_roundoff * scale) * size + scale",
            ),
            (
                "sign at a vertex: rounding of the value left out",
                "(radius + 4.0 * plan.unit_roundoff * scale)",
                "radius",
            ),
            ("sign at a vertex: radius of the vertex left out", "(scale + radius)", "0.0"),
        ),
        (
            "cross: radius of the cutting form left out",
            "        size * radius\n        + scale * edge_radius",
            "        scale * edge_radius",
        ),
        (
            "cross: radius of the edge left out",
            "        + scale * edge_radius\n",
            "        + 0.0 * edge_radius\n",
        ),
        (
            "cross: rounding of the products left out",
            "        + 4.0 * plan.unit_roundoff * size * scale\n",
            "",
        ),
        (
            "cross: the new vertex does not get the error of its parts",
            "out[layout.RADIUS] = 1.001 * error * inverse + 8.0 * plan.unit_roundoff",
            "out[layout.RADIUS] = 8.0 * plan.unit_roundoff",
        ),
        (
            "cross at infinity: radius of the form left out",
            "radius = 4.0 * form_radius / size + 4.0 * plan.unit_roundoff",
            "radius = 4.0 * plan.unit_roundoff",
        ),
        (
            "cross at infinity: order of directions not certified",
            "    if not (abs(turn) > bound and abs(whole) > bound):\n        return False\n",
            "",
        ),
        (
            "an undecided vertex is passed over",
            "    return layout.UNDECIDED if unsure and sides != layout.BOTH else sides",
            "    return sides",
        ),
    ),
    *_of(
        f"{KERNELS}/planar/advance.py",
        (LADDERS, FALSIFIABLE, RANDOM),
        PLANE,
        *_terms(
            "        radius[i] = form_radius[i] + 4.0 * plan.unit_roundoff * scale[i]",
            ("fast filter: radius of the form left out", "form_radius[i] + 4.0", "4.0"),
            (
                "fast filter: rounding of the values left out",
                "form_radius[i] + 4.0 * plan.unit_roundoff * scale[i]",
                "form_radius[i]",
            ),
        ),
        (
            "fast filter: radius of the vertices left out",
            "        widest = max(widest, state.poly[vertex, layout.RADIUS])",
            "        widest = 0.0",
        ),
    ),
    *_of(
        f"{KERNELS}/planar/last_layer.py",
        (PREDICATES, LADDERS, LAST, FALSIFIABLE, RANDOM),
        PLANE,
        *_terms(
            "chords[BASE, m], chords[FACTOR, m] = radius + 4.0 * plan.unit_roundoff * scale, scale + radius",
            (
                "chords: radius of the form left out",
                "radius + 4.0 * plan.unit_roundoff * scale, scale + radius",
                "4.0 * plan.unit_roundoff * scale, scale",
            ),
            ("chords: radius of the ends left out", "scale + radius", "0.0"),
        ),
        (
            "concurrency: error of the place of a crossing left out",
            "    return place - error, place + error",
            "    return place - 16.0 * _UNIT, place + 16.0 * _UNIT",
        ),
        (
            "concurrency: places that touch count as different",
            "        if not high[k - 1] < low[k]:",
            "        if high[k - 1] > low[k] + 1.0:",
        ),
    ),
    *_of(
        f"{KERNELS}/spatial/polytopes.py",
        (PREDICATES, LADDERS, UNIMODULAR, SPATIAL),
        SPACE,
        *_terms(
            "error = (radius + limits.rounding * length) * size + (length + radius) * blur",
            (
                "sign at a ray: radius of the form left out",
                "(radius + limits.rounding * length) * size + (length + radius)",
                "limits.rounding * length * size + length",
            ),
            (
                "sign at a ray: rounding of the value left out",
                "(radius + limits.rounding * length)",
                "radius",
            ),
            ("sign at a ray: radius of the ray left out", "size + (length + radius) * blur", "size"),
        ),
        (
            "exact signs: numbers beyond 2**53 count as exact",
            "        if not size <= limits.bound:\n            return value, size, layout.UNSURE\n",
            "",
        ),
        (
            "new ray: errors of the form at both ends left out",
            "radius = blur + (error * v + other * u) / left * step + 16.0 * limits.unit * sqrt(d + 1.0)",
            "radius = blur + 16.0 * limits.unit * sqrt(d + 1.0)",
        ),
        (
            "new ray: the weights of both errors exchanged",
            "(error * v + other * u) / left * step",
            "(error * u + other * v) / left * step",
        ),
        (
            "exact cross: products beyond 62 bits count as exact",
            "    if not (most < 4e18 and above_height < 9e15 and below_height < 9e15):",
            "    if not (above_height < 9e15 and below_height < 9e15):",
        ),
        (
            "exact cross: entries beyond 2**52 are kept",
            "        if abs(entry) > 4503599627370496:",
            "        if abs(entry) > 4503599627370496 * 1024:",
        ),
        (
            "an undecided ray is passed over",
            "    return layout.UNDECIDED if unsure else sides",
            "    return sides",
        ),
    ),
    *_of(
        f"{KERNELS}/spatial/filter.py",
        (LADDERS, SPATIAL),
        SPACE,
        *_terms(
            "error = (radius + limits.rounding * length) * LARGEST_ENTRY + (length + radius) * widest",
            (
                "spatial filter: radius of the form left out",
                "(radius + limits.rounding * length) * LARGEST_ENTRY + (length + radius)",
                "limits.rounding * length * LARGEST_ENTRY + length",
            ),
            (
                "spatial filter: radius of the rays left out",
                "LARGEST_ENTRY + (length + radius) * widest",
                "LARGEST_ENTRY",
            ),
            (
                "spatial filter: rounding of the values left out",
                "(radius + limits.rounding * length)",
                "radius",
            ),
        ),
    ),
    *_of(
        f"{ENGINES}/splitting/plan.py",
        (LADDERS, FALSIFIABLE, UNIMODULAR, UNDERFLOW, RANDOM),
        f"{PLANE}; {SPACE}",
        (
            "bias radius left out",
            "    return value, gamma * magnitude + np.where(magnitude > 0, FLOOR, 0.0)",
            "    return value, np.where(magnitude > 0, FLOOR, 0.0)",
        ),
        (
            "bias radius: size of the breakpoint left out",
            "    magnitude = size[rows.source] + np.abs(rows.shift)",
            "    magnitude = 0.0 * size[rows.source] + np.abs(rows.shift)",
        ),
        (
            "gamma does not grow with the terms",
            "    roundings = 8 if keeping else 1.05 * (matrix.terms + 12)",
            "    roundings = 8 if keeping else 1.05",
        ),
        (
            "gamma without the errors of the weights",
            "    return roundings * UNIT_ROUNDOFF + matrix.theta",
            "    return roundings * UNIT_ROUNDOFF",
        ),
        (
            "first-layer row radius left out",
            "            radius += 2 * UNIT_ROUNDOFF * abs(value) + floor",
            "            radius += floor",
        ),
        (
            "first-layer row radius: only the constant counts",
            "        if top * scale != x * bottom or 0.0 < abs(value) < _TINY:",
            "        if 0.0 < abs(value) < _TINY:",
        ),
        (
            "rounding of a shift left out",
            "        error = 0.0 if Fraction(shift) == exact else 2 * UNIT_ROUNDOFF * abs(shift) + FLOOR",
            "        error = 0.0",
        ),
    ),
    *_of(
        f"{ENGINES}/splitting/integer_bound.py",
        (UNIMODULAR, FALSIFIABLE, LADDERS, RANDOM),
        f"{PLANE}; {SPACE}",
        (
            "exact forms: the factor for sums left out",
            "        reach = (size.max(initial=0.0) + np.abs(shifts).max(initial=0.0)) * 2.0",
            "        reach = size.max(initial=0.0) * 2.0**-12",
        ),
        (
            "exact forms: the limit is 2**63",
            "_LIMIT = 2.0**53",
            "_LIMIT = 2.0**63",
        ),
        (
            "exact vertices: products of three forms not counted",
            "    return 6.0 * form * max(form * form, float(vertices)) < _LIMIT",
            "    return form < _LIMIT",
        ),
        (
            "exact forms: bits of the weights not added",
            "    return reached, max(bits + _fraction_bits(affine.stored), _fraction_bits(affine.bias))",
            "    return reached, max(bits, _fraction_bits(affine.bias))",
        ),
    ),
    *_of(
        f"{KERNELS}/search/proofs.py",
        (SEARCH_PROOFS, LADDERS, SEARCH, UNDERFLOW, UNIMODULAR),
        SEARCHED,
        *_terms(
            "            error += gamma * abs(entry * point[j]) + spread * abs(point[j])",
            (
                "search: rounding of the first layer left out",
                "gamma * abs(entry * point[j]) + spread",
                "spread",
            ),
            ("search: errors of the first rows left out", "point[j]) + spread * abs(point[j])", "point[j])"),
        ),
        (
            "search: the inherited radius left out",
            "error[i] = abs(slope) * radii[source] + plan.rounding[unit, piece] * (abs(product) + abs(shift))",
            "error[i] = plan.rounding[unit, piece] * (abs(product) + abs(shift))",
        ),
        (
            "search: rounding of a layer left out",
            "        own += gamma * (size + abs(bias)) + plan.bias[1, in0 + k] * abs(height)",
            "        own += plan.bias[1, in0 + k] * abs(height)",
        ),
        (
            "search: errors of weights left out",
            "            own += abs(weight) * error[i] + spread * (abs(value[i]) + error[i])",
            "            own += abs(weight) * error[i]",
        ),
        (
            "search: inside without the radius of the value",
            "            if not value > error * (1.0 + 1e-9):",
            "            if not value > 0.0:",
        ),
        (
            "search: snap without the radius of the coefficient",
            "abs(left) <= _SNAP * (abs(factors[first]) + m) and side * factors[first] >= radii[first]:",
            "abs(left) <= _SNAP * (abs(factors[first]) + m):",
        ),
        (
            "search: absorb takes what is not certain for certain",
            "        if abs(factors[i]) > radii[i] and abs(factors[i]) <= max(",
            "        if abs(factors[i]) <= max(",
        ),
        (
            "search: ranges of units without an error",
            "    return _HUGE > constant >= error * (1.0 + 1e-9) + (plan.floor if error > 0.0 else 0.0)",
            "    return _HUGE > constant >= 0.0",
        ),
        (
            "search: pulled back without rounding",
            "            spread = gamma * abs(factor) + radii[k] + plan.floor",
            "            spread = radii[k] + plan.floor",
        ),
    ),
    *_of(
        f"{ENGINES}/searching/plan.py",
        (LADDERS, SEARCH, UNDERFLOW, UNIMODULAR),
        SEARCHED,
        (
            "search plan: errors of fused weights left out",
            "    error = 1.1 * terms * UNIT_ROUNDOFF",
            "    error = 0.0",
        ),
        (
            "search plan: errors of rounded rows left out",
            "            errors[index] = 2 * UNIT_ROUNDOFF * abs(value) + FLOOR",
            "            errors[index] = 0.0",
        ),
        (
            "search plan: rounding of slopes left out",
            "        rounding[:] = np.where(plain, 0.0, 4 * UNIT_ROUNDOFF)",
            "        rounding[:] = 0.0",
        ),
    ),
    *_of(
        f"{KERNELS}/closed/two_layer.py",
        (LADDERS, TWO_LAYER),
        CLOSED,
        (
            "two layers: the error of a solution left out",
            "    error = error / (1.0 - contraction) * (1.0 + 1e-9)",
            "    error = 0.0",
        ),
        (
            "two layers: rounding of the values left out",
            "            own += gamma * abs(term) + abs(weight[i, columns[j]]) * error",
            "            own += 0.0",
        ),
    ),
    *_of(
        "plnet/bounds/residues.py",
        (UNIMODULAR, "tests/bounds/test_arrangement.py"),
        CLOSED,
        (
            "one prime has to do for all minors",
            "        if product > bound:\n            break\n    return tuple(found)",
            "        break\n    return tuple(found)",
        ),
        (
            "the bound of minors is that of single rows",
            "    largest = math.prod(squares[-rank:]) if rank else 1",
            "    largest = squares[-1] if rank else 1",
        ),
    ),
    *_of(
        f"{ENGINES}/closed/residues.py",
        (UNIMODULAR, "tests/regions/engines/test_last_layer_lines.py"),
        "counts of one layer of lines",
        (
            "determinants of three lines are held for smaller",
            "    return _residues(lines, 6 * largest**3)",
            "    return _residues(lines, largest)",
        ),
    ),
    *_of(
        f"{ENGINES}/sharing.py",
        (THREADS, "tests/regions/test_budgets.py"),
        "counts by several threads",
        (
            "one thread that finished is enough",
            "    return all(finished)",
            "    return any(finished)",
        ),
        (
            "what a thread raised behind another one is lost",
            "    finished = [future.result() for future in futures]",
            "    finished = (future.result() for future in futures)",
        ),
    ),
)
