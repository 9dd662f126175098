"""Check a certificate of linear regions; shares no code with plnet and needs only Python itself.

    python scripts/check_certificate.py certificate.json

The file comes from ``RegionComplex.certificate().save(path)``. Everything in it that could be wrong is
computed anew in integers of any size, so that the verdict rests on this program and on the definitions:

* A scalar unit is in the piece whose number of breakpoints strictly below its input it is; a maximum is in
  the piece of its last maximiser. The pattern of a point is the list of pieces.
* A region is the set of all points of the domain with one pattern, if it has interior points.

For each claimed region the program checks that its cell is a polygon (an interval in dimension 1) around its
witness and inside the domain, that the witness has the claimed pattern, and that at all vertices every unit
satisfies the closed inequalities of its piece. Then the whole cell does, and inside it each inequality is
strict or an identity, so all interior points have the pattern. As the patterns are distinct, the cells do not
overlap: a lower bound. If their areas add up to the area of the domain, no region is missing.

Unbounded cells are measured after ``t -> t / (1 + |t_1| + ... + |t_d|)``, which maps all of R^d onto a
bounded set and keeps lines straight within a quadrant.

The exit code is 0 if the claim is proved, and 1 if it is not or the file cannot be read.
"""

import argparse
import json
import sys
from fractions import Fraction
from itertools import pairwise
from math import gcd, isfinite, lcm
from operator import mul
from pathlib import Path

SCHEMA = 1
EXAMPLES = """\
EXAMPLES
  A count on a box, proved from the file alone:
    python scripts/check_certificate.py certificate.json
  A count that stopped at a budget, proved as a lower bound:
    python scripts/check_certificate.py --lower-bound certificate.json
  Without plnet and its environment, on any Python from 3.11 on:
    python3 -I check_certificate.py certificate.json"""


class Refused(Exception):
    """The certificate proves nothing, and this is why."""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("certificate", type=Path, help="JSON file written by plnet")
    parser.add_argument(
        "--lower-bound",
        action="store_true",
        help="be content with a proof that there are at least so many regions",
    )
    options = parser.parse_args()
    try:
        verdict = check(read(options.certificate), options.lower_bound)
    except Refused as refusal:
        print(f"NOT PROVED. {refusal}")
        return 1
    print(verdict)
    return 0


def read(path):
    """Return the document, or refuse a file that is none."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != "plnet.Certificate":
        raise Refused(f"{path} is not a certificate of plnet.")
    if document.get("schema") != SCHEMA:
        raise Refused(f"{path} has schema {document.get('schema')!r}; this program knows schema {SCHEMA}.")
    return document


def check(document, lower_bound_suffices):
    """Return the verdict in words, or refuse."""
    try:
        layers, input_dim = read_network(document["network"])
        start, facets, domain = read_domain(document["domain"], input_dim)
        points = [primitive(integers(row)) for row in document["vertices"]]
        regions = [read_region(region, points) for region in document["regions"]]
        claims = document["claims"]
        n_claimed = whole_number(claims["regions"])
        volumes = [read_volume(claims[name]) for name in ("domain_volume", "total_volume")]
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise Refused(f"The file is damaged ({type(error).__name__}: {error}).") from error
    d = len(domain[0]) - 1
    check_domain(domain, facets, d)
    check_regions(regions, layers, start, facets, d)
    if n_claimed != len(regions):
        raise Refused(f"The file claims {n_claimed} regions and lists {len(regions)}.")
    bounded = all(vertex[-1] > 0 for vertex in domain)
    size, whole = (total_size(rings, bounded) for rings in ([r[1] for r in regions], [domain]))
    for found, claim, what in zip(
        (whole, size), volumes, ("volume of the domain", "total volume"), strict=True
    ):
        if claim is not None and (not bounded or claim != found):
            raise Refused(f"The claimed {what} is not what the vertices give.")
    described = describe(layers, input_dim, facets, d, len(regions))
    if size == whole:
        measured = f"add up to {whole}, the {'length' if d == 1 else 'area'} of the domain"
        if not bounded:
            measured = "add up to that of the domain (measured in the bounded picture of an unbounded domain)"
        return (
            f"{described}\nTheir sizes {measured}: none is missing.\nPROVED: exactly {len(regions)} regions."
        )
    share = f"{float(size / whole):.6%}"
    if not lower_bound_suffices:
        raise Refused(
            f"The {len(regions)} regions hold, but they cover only {share} of the domain: some are missing. "
            f"With --lower-bound this counts as a proof of at least {len(regions)}."
        )
    return f"{described}\nThey cover {share} of the domain.\nPROVED: at least {len(regions)} regions."


def describe(layers, input_dim, facets, d, n_regions):
    """Say what the statement is about, from the numbers and not from names in the file."""
    units = sum(sum(shown_units(layer)) for layer in layers if layer[0] != "affine")
    sides = "; ".join(
        " + ".join([*(f"{a} t{i}" for i, a in enumerate(row[:-1]) if a), str(row[-1])]) + " >= 0"
        for row in facets
    )
    if len(sides) > 600:
        sides = f"{len(facets)} inequalities"
    return (
        f"Network: {input_dim} inputs, {units} units with more than one piece.\n"
        f"Domain of dimension {d}: {sides or 'the whole space'}.\n"
        f"{n_regions} regions: distinct patterns, each with a cell of full dimension on which all units keep "
        "their piece."
    )


# Reading


def integers(row):
    """Return integers from hexadecimal strings."""
    if not isinstance(row, list) or not all(isinstance(entry, str) for entry in row):
        raise ValueError("expected a list of hexadecimal strings")
    return tuple(int(entry, 16) for entry in row)


def rationals(row):
    """Return the exact values of floats written in hexadecimal."""
    values = [float.fromhex(entry) for entry in row]
    if not all(map(isfinite, values)):
        raise ValueError("expected finite numbers")
    return [Fraction(value) for value in values]


def read_volume(pair):
    return None if pair is None else Fraction(*integers(pair))


def primitive(vector):
    divisor = gcd(*vector)
    return tuple(x // divisor for x in vector) if divisor else vector


def whole_number(value):
    if type(value) is not int:
        raise ValueError(f"expected a whole number, got {value!r}")
    return value


def read_network(data):
    """Return layers of integers, and the number of inputs.

    ("affine", rows with the bias last, denominator), ("scalar", [(breakpoints, lines)], denominator of all
    slopes and offsets), ("max", groups).
    """
    size = input_dim = whole_number(data["input_dim"])
    layers = []
    for layer in data["layers"]:
        if layer["kind"] == "Affine":
            matrix = [
                [*rationals(row), *rationals([b])]
                for row, b in zip(layer["weight"], layer["bias"], strict=True)
            ]
            scale = lcm(*(x.denominator for row in matrix for x in row))
            fits = all(len(row) == size + 1 for row in matrix)
            layers.append(("affine", [[int(x * scale) for x in row] for row in matrix], scale))
            size = len(matrix)
        elif layer["kind"] == "ScalarPWL":
            units = [scalar_unit(*unit) for unit in layer["units"]]
            scale = lcm(*(x.denominator for _, lines in units for line in lines for x in line))
            fits = len(units) == size
            layers.append(("scalar", units, scale))
        elif layer["kind"] == "GroupMax":
            groups = [[whole_number(index) for index in group] for group in layer["groups"]]
            fits = all(group and min(group) >= 0 and max(group) < size for group in groups)
            layers.append(("max", groups))
            size = len(groups)
        else:
            raise ValueError(f"unknown kind of layer {layer['kind']!r}")
        if not fits or size < 1:
            raise ValueError(f"layer {len(layers) - 1} does not fit the one before it")
    return layers, input_dim


def scalar_unit(breakpoints, slopes, anchor):
    """Return breakpoints and the line (slope, offset) of each piece of a continuous function."""
    points, steep = rationals(breakpoints), rationals(slopes)
    (value,) = rationals([anchor])
    if len(steep) != len(points) + 1 or any(a >= b for a, b in pairwise(points)):
        raise ValueError("breakpoints must ascend, and there must be one slope more than breakpoints")
    lines = [(steep[0], value - steep[0] * (points[0] if points else 0))]
    for point, slope in zip(points, steep[1:], strict=True):
        before, offset = lines[-1]
        lines.append((slope, before * point + offset - slope * point))
    return points, lines


def read_domain(data, input_dim):
    """Return the forms of the network's inputs in the coordinates t, the facets, and the vertices."""
    embedding, denominator = matrix(data["embedding"])
    facets, _ = matrix(data["facets"])
    vertices = [primitive(integers(row)) for row in data["vertices"]]
    width = len(vertices[0])
    if width not in (2, 3):
        raise ValueError("the domain must have dimension 1 or 2")
    if len(embedding) != input_dim or any(len(row) != width for row in (*embedding, *facets, *vertices)):
        raise ValueError("embedding, facets and vertices of the domain do not fit together")
    return ([list(row) for row in embedding], denominator), facets, vertices


def matrix(data):
    (denominator,) = integers([data["denominator"]])
    if denominator <= 0:
        raise ValueError("a denominator is not positive")
    return [integers(row) for row in data["rows"]], denominator


def read_region(data, points):
    places = [whole_number(place) for place in data["vertices"]]
    if any(place < 0 for place in places):
        raise ValueError("a region names a vertex that is not listed")
    pattern = tuple(whole_number(piece) for piece in data["pattern"])
    return pattern, [points[place] for place in places], integers(data["witness"])


# Shapes


def value(form, point):
    return sum(map(mul, form, point))


def line_through(p, q):
    """Return the form that vanishes at two points of the plane, positive on the left of p -> q."""
    return (p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0])


def ring_fault(ring, witness, d):
    """Say why a list of vertices is not the boundary of a convex cell around a witness."""
    if len(witness) != d + 1 or witness[-1] <= 0:
        return "its witness is not a point"
    if len(ring) < d + 1:
        return "it has too few vertices"
    if any(len(v) != d + 1 or v[-1] < 0 or not any(v) for v in ring):
        return "a vertex is neither a point nor a direction"
    if d == 1:
        if len(ring) != 2 or ring[0] == (1, 0) or ring[1] == (-1, 0):
            return "it is not an interval"
        (a, v), (b, w), (x, u) = *ring, witness
        return None if a * u < x * v and x * w < b * u else "its witness is not inside"
    following = [*ring[1:], ring[0]]
    if any(value(line_through(p, q), witness) <= 0 for p, q in zip(ring, following, strict=True)):
        return "it does not turn left around its witness"
    # Each step turns left by less than 180 degrees; count how often the steps go past the ray to the right.
    heights = [v[1] * witness[2] - v[2] * witness[1] for v in ring]
    if sum(a < 0 <= b for a, b in zip(heights, [*heights[1:], heights[0]], strict=True)) != 1:
        return "it winds around its witness more than once"
    before = [ring[-1], *ring[:-1]]
    if any(value(line_through(o, p), q) < 0 for o, p, q in zip(before, ring, following, strict=True)):
        return "it is not convex"
    return None


def check_domain(ring, facets, d):
    """Check that the ring is the set on which all facets are at least 0."""
    finite = [[Fraction(x, v[-1]) for x in v[:-1]] for v in ring if v[-1] > 0]
    scaled = [(*point, 1) for point in finite] + [v for v in ring if v[-1] == 0]
    middle = [sum(column) for column in zip(*scaled, strict=True)] if finite else [0] * d + [1]
    scale = lcm(*(Fraction(x).denominator for x in middle))
    witness = tuple(int(x * scale) for x in middle)
    fault = ring_fault(ring, witness, d)
    if fault is not None:
        raise Refused(f"The vertices of the domain are wrong: {fault}.")
    for i, facet in enumerate(facets):
        if value(facet, witness) <= 0 or any(value(facet, v) < 0 for v in ring):
            raise Refused(f"The vertices of the domain are wrong: facet {i} cuts them.")
    # Every side lies on a facet or at infinity, so the domain reaches no further than the ring.
    sides = [(v,) for v in ring] if d == 1 else list(zip(ring, [*ring[1:], ring[0]], strict=True))
    walls = [*facets, (0,) * d + (1,)]
    for side in sides:
        if not any(all(value(wall, v) == 0 for v in side) for wall in walls):
            raise Refused("The vertices of the domain are wrong: a side lies on no facet.")


def total_size(rings, bounded):
    """Return the exact sum of the lengths (d = 1) or areas (d = 2) of rings.

    Twice an area is the sum of det(p, q) over the edges p -> q. On one line, det(p, q) is the difference
    det(o, q) - det(o, p) for any fixed point o of it. So only points that do not cancel have to be added:
    none on a line between two cells, the two corners on a side of the domain.
    """
    left = {}
    for ring in rings:
        points = ring if bounded else bounded_picture(ring)
        if len(ring[0]) == 2:
            steps = [(None, points[0], points[1])]
        else:
            steps = []
            for p, q in zip(points, [*points[1:], points[0]], strict=True):
                line = primitive(line_through(p, q))
                steps.append((max(line, tuple(-x for x in line)), p, q))
        for line, p, q in steps:
            ends = left.setdefault(line, {})
            ends[p] = ends.get(p, 0) - 1
            ends[q] = ends.get(q, 0) + 1
    return sum((size_on_line(line, ends) for line, ends in left.items()), Fraction(0))


def size_on_line(line, ends):
    open_ends = [([Fraction(x, p[-1]) for x in p[:-1]], times) for p, times in ends.items() if times]
    if line is None:
        return sum((x * times for (x,), times in open_ends), Fraction(0))
    if not open_ends:
        return Fraction(0)
    (a, b), _ = open_ends[0]
    return sum(((a * y - b * x) * times for (x, y), times in open_ends), Fraction(0)) / 2


def bounded_picture(ring):
    """Return a ring in the bounded picture of the plane, cut at the axes, where straight lines bend."""
    points = list(ring)
    for axis in range(len(ring[0]) - 1) if len(ring) > 2 else ():
        cut = []
        for p, q in zip(points, [*points[1:], points[0]], strict=True):
            cut.append(p)
            s, t = abs(q[axis]), abs(p[axis])
            if p[axis] * q[axis] < 0:
                cut.append(tuple(s * a + t * b for a, b in zip(p, q, strict=True)))
        points = cut
    return [primitive((*p[:-1], sum(map(abs, p)))) for p in points]


# Pieces


def check_regions(regions, layers, start, facets, d):
    """Refuse if a region is not what it claims to be, or two have one pattern."""
    nonlinear = [layer for layer in layers if layer[0] != "affine"]
    n_shown = sum(sum(shown_units(layer)) for layer in nonlinear)
    path = []
    before = None
    # In the order of the patterns, regions that share affine maps follow each other.
    for i in sorted(range(len(regions)), key=lambda i: regions[i][0]):
        pattern, ring, witness = regions[i]
        fault = ring_fault(ring, witness, d)
        if fault is not None:
            raise Refused(f"The cell of region {i} is wrong: {fault}.")
        if any(value(facet, vertex) < 0 for facet in facets for vertex in ring):
            raise Refused(f"The cell of region {i} leaves the domain.")
        if len(pattern) != n_shown:
            raise Refused(f"Region {i} has a pattern of {len(pattern)} units, the network has {n_shown}.")
        if pattern == before:
            raise Refused(f"Region {i} has the pattern of another region.")
        before = pattern
        check_pieces(i, regions[i], layers, start, path)


def check_pieces(i, region, layers, start, path):
    """Follow one region through the network; `path` keeps the forms of the region before it."""
    pattern, ring, witness = region
    forms, begin = start, 0
    for depth, layer in enumerate(layers):
        if layer[0] == "affine":
            if depth == len(path):
                path.append((None, affine(layer, forms)))
            forms = path[depth][1]
        else:
            pieces = pieces_at(layer, forms, witness)
            shown = [piece for piece, many in zip(pieces, shown_units(layer), strict=True) if many]
            claimed = list(pattern[begin : begin + len(shown)])
            begin += len(shown)
            if shown != claimed:
                raise Refused(f"The witness of region {i} has another pattern than the region claims.")
            unit = unit_that_leaves(layer, forms, ring, pieces)
            if unit is not None:
                raise Refused(f"In region {i}, unit {unit} of layer {depth} leaves its piece at a vertex.")
            if depth == len(path) or path[depth][0] != pieces:
                del path[depth:]
                path.append((pieces, select(layer, forms, pieces)))
            forms = path[depth][1]


def shown_units(layer):
    """Say for each unit whether it has more than one piece, so that patterns show it."""
    if layer[0] == "max":
        return [len(set(group)) > 1 for group in layer[1]]
    return [bool(points) for points, _ in layer[1]]


def affine(layer, forms):
    """Return the forms behind an affine layer; forms are integer rows over one denominator."""
    _, matrix_rows, scale = layer
    rows, denominator = forms
    width = len(rows[0])
    columns = [[row[k] for row in rows] + [denominator if k == width - 1 else 0] for k in range(width)]
    return [[sum(map(mul, row, column)) for column in columns] for row in matrix_rows], denominator * scale


def select(layer, forms, pieces):
    """Return the forms behind a nonlinear layer whose units are in the given pieces."""
    rows, denominator = forms
    if layer[0] == "max":
        return [rows[group[piece]] for group, piece in zip(layer[1], pieces, strict=True)], denominator
    _, units, scale = layer
    found = []
    for (_, lines), row, piece in zip(units, rows, pieces, strict=True):
        slope, offset = (int(x * scale) for x in lines[piece])
        found.append([slope * x for x in row[:-1]] + [slope * row[-1] + offset * denominator])
    return found, denominator * scale


def pieces_at(layer, forms, point):
    """Return the pieces of all units at a point, by definition."""
    rows, denominator = forms
    if layer[0] == "max":
        found = []
        for group in layer[1]:
            values = [value(rows[index], point) for index in group]
            found.append(max(range(len(group)), key=lambda k, values=values: (values[k], k)))
        return found
    inputs = [value(row, point) for row in rows]
    one = denominator * point[-1]
    return [
        sum(t.numerator * one < z * t.denominator for t in points)
        for (points, _), z in zip(layer[1], inputs, strict=True)
    ]


def unit_that_leaves(layer, forms, ring, pieces):
    """Return a unit that violates a closed inequality of its piece at a vertex of a cell."""
    rows, denominator = forms
    for vertex in ring:
        if layer[0] == "max":
            for unit, (group, piece) in enumerate(zip(layer[1], pieces, strict=True)):
                best = value(rows[group[piece]], vertex)
                if any(value(rows[index], vertex) > best for index in group):
                    return unit
            continue
        one = denominator * vertex[-1]
        for unit, ((points, _), row, piece) in enumerate(zip(layer[1], rows, pieces, strict=True)):
            if not points:
                continue
            z = value(row, vertex)
            for k in (piece - 1, piece):
                if 0 <= k < len(points):
                    side = z * points[k].denominator - points[k].numerator * one
                    if side > 0 if k == piece else side < 0:
                        return unit
    return None


if __name__ == "__main__":
    sys.exit(main())
