"""Small networks whose region counts are known from the literature or by a hand argument.

Networks have the raw format of the module `oracle`. No expected value below was produced by the library or by
the oracle; each record cites its source or states the argument.

R1 counts all patterns that occur, R2 those whose inputs have full dimension, R3 convex regions (the minimum
over polyhedral complexes), R4 open connected, R5 closed connected and R6 affine regions, after Stargalla,
Hertrich and Reichman, "The Computational Complexity of Counting Linear Regions in ReLU Neural Networks",
NeurIPS 2025, arXiv 2505.16716.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

Layer = tuple
Box = tuple[list, list]
DATA = Path(__file__).parents[1] / "data"
RELU = ([0], [0, 1], 0)
COUNTING_PAPER = "Stargalla, Hertrich, Reichman 2025, arXiv 2505.16716"
MONTUFAR_REN_ZHANG = "Montufar, Ren, Zhang 2022, SIAM J. Appl. Algebra Geom. 6(4) 618-649, arXiv 2104.08135"


@dataclass(frozen=True)
class Reference:
    """One network and what is known about it.

    Attributes
    ----------
    name : str
        Unique identifier.
    layers : list of tuple
        The network in raw format.
    d : int
        Number of inputs, 1 or 2.
    source : str
        Citation or hand argument for the counts.
    everywhere : dict of str to int
        Counts on all of R^d by definition, "R1" to "R6".
    box : tuple of (low, high), optional
        A closed box.
    box_count : int, optional
        R2 in that box.
    """

    name: str
    layers: list[Layer]
    d: int
    source: str
    everywhere: dict[str, int] = field(default_factory=dict)
    box: Box | None = None
    box_count: int | None = None


def affine(rows: Sequence[Sequence]) -> Layer:
    """Build an affine layer from rows ``[weights..., bias]``."""
    return ("affine", [list(row[:-1]) for row in rows], [row[-1] for row in rows])


def relu_network(*matrices: Sequence[Sequence]) -> list[Layer]:
    """Build a ReLU network from one matrix of rows ``[weights..., bias]`` per layer, output layer last."""
    layers: list[Layer] = []
    for rows in matrices[:-1]:
        layers += [affine(rows), ("scalar", [RELU] * len(rows))]
    return [*layers, affine(matrices[-1])]


def maxout_network(*layers: Sequence[Sequence[Sequence]]) -> list[Layer]:
    """Build a maxout network from layers of units of rows ``[weights..., bias]``; ranks may differ."""
    result: list[Layer] = []
    for units in layers:
        groups, start = [], 0
        for unit in units:
            groups.append(list(range(start, start + len(unit))))
            start += len(unit)
        result += [affine([row for unit in units for row in unit]), ("max", groups)]
    return result


def _worked(name: str, d: int, counts: Sequence[int], argument: str, *matrices: Sequence) -> Reference:
    """Build a record from the counts R1, ..., R6."""
    everywhere = dict(zip(("R1", "R2", "R3", "R4", "R5", "R6"), counts, strict=True))
    return Reference(name, relu_network(*matrices), d, f"{COUNTING_PAPER}; {argument}", everywhere)


def worked_networks() -> list[Reference]:
    """Return ReLU networks with known counts by all six definitions, on all of R^d.

    For convex functions and for d = 1, R3 = R4. The arguments sketch R1 and R2.
    """
    x, minus_x, y, minus_y = [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]
    return [
        _worked(
            "E1 max(-y, min(0, -x))",
            2,
            (7, 5, 4, 3, 3, 3),
            "the table for this function; f = -y on a non-convex set, cut once, hence R3 = 4",
            [x, y, minus_y],
            [[1, -1, 1, 0], [1, 0, 0, 0]],
            [[1, -1, 0]],
        ),
        _worked(
            "E2 relu(x) - relu(-x)",
            1,
            (3, 2, 1, 1, 1, 1),
            "R1: x < 0, x = 0 and x > 0; f = x",
            [[1, 0], [-1, 0]],
            [[1, -1, 0]],
        ),
        _worked(
            "E3 hat",
            1,
            (4, 4, 4, 4, 4, 3),
            "breakpoints 0, 1, 2; f = 0 on both outer pieces",
            [[1, 0], [1, -1], [1, -2]],
            [[1, -2, 1, 0]],
        ),
        _worked(
            "E4 relu(min(x, y)) + relu(min(-x, -y))",
            2,
            (11, 6, 6, 6, 5, 5),
            "the two zero quadrants touch only at the origin: two open regions, one closed region",
            [x, minus_x, [1, -1, 0], [-1, 1, 0]],
            [[1, -1, -1, 0, 0], [-1, 1, 0, -1, 0]],
            [[1, 1, 0]],
        ),
        _worked(
            "E6 |x| + |y|",
            2,
            (9, 4, 4, 4, 4, 4),
            "three signs of x times three signs of y; four quadrants",
            [x, minus_x, y, minus_y],
            [[1, 1, 1, 1, 0]],
        ),
        _worked(
            "E8 max(0, x, y)",
            2,
            (7, 5, 3, 3, 3, 3),
            "relu(relu(x - y) + relu(y) - relu(-y)), convex with three pieces",
            [[1, -1, 0], y, minus_y],
            [[1, 1, -1, 0]],
            [[1, 0]],
        ),
        _worked(
            "E9 relu(x) + relu(y) + relu(x + y)",
            2,
            (6, 6, 6, 6, 6, 6),
            "three concurrent lines; the off side of a unit is closed, so no ray has a pattern of its own",
            [x, y, [1, 1, 0]],
            [[1, 1, 1, 0]],
        ),
        _worked(
            "E10 relu(x) - relu(-x) + relu(y)",
            2,
            (6, 4, 2, 2, 2, 2),
            "f = x + relu(y); three signs of x times two of y",
            [x, minus_x, y],
            [[1, -1, 1, 0]],
        ),
        _worked(
            "E11 relu(x) + relu(2x) + relu(y)",
            2,
            (4, 4, 4, 4, 4, 4),
            "the first two units are one hyperplane with one orientation",
            [x, [2, 0, 0], y],
            [[1, 1, 1, 0]],
        ),
        _worked(
            "E12 Serra 2018 figure 2",
            1,
            (5, 5, 4, 4, 4, 4),
            "Serra, Tjandraatmadja, Ramalingam 2018, arXiv 1711.02114: relu(4 relu(x) + 2 relu(1 - x) - 3) "
            "has breakpoints -1/2, 0, 1/2, 1, and f = 0 on both sides of 0",
            [[1, 0], [-1, 1]],
            [[4, 2, -3]],
            [[1, 0]],
        ),
    ]


def seeded_integer_networks() -> list[Reference]:
    """Return networks with weights in -5..5 drawn by numpy, on the plane and in the box [-10, 10]^2.

    ReLU: for each layer W, then b, are drawn by ``default_rng(seed).integers(-5, 6, size=...)``. Maxout: the
    same for each unit of three pieces. The counts were obtained twice, by rational clipping and by linear
    programming, by programs apart from this repository.
    """
    source = "exact rational clipping and linear programming agree, by programs apart from this repository"
    relu = [
        (1, (2, 4, 4, 1), {"R1": 18, "R2": 18, "R4": 13, "R5": 13, "R6": 13}, 18),
        (2, (2, 5, 5, 1), {"R1": 52, "R2": 52, "R4": 52, "R5": 52, "R6": 52}, 49),
        (3, (2, 3, 3, 3, 1), {"R1": 23, "R2": 23, "R4": 14, "R5": 14, "R6": 14}, 22),
    ]
    box = ([-10, -10], [10, 10])
    records = []
    for seed, widths, everywhere, box_count in relu:
        rng = np.random.default_rng(seed)
        matrices = [_draw(rng, out, fan_in) for fan_in, out in pairwise(widths)]
        layers = relu_network(*matrices)
        records.append(Reference(f"integer seed {seed}", layers, 2, source, everywhere, box, box_count))
    for seed, widths, count in ((11, (2, 3, 2), 22), (12, (2, 3, 3), 23)):
        rng = np.random.default_rng(seed)
        units = [[_draw(rng, 3, fan_in) for _ in range(out)] for fan_in, out in pairwise(widths)]
        records.append(Reference(f"maxout seed {seed}", maxout_network(*units), 2, source, {"R2": count}))
    return records


def _draw(rng: np.random.Generator, out: int, fan_in: int) -> list[list[int]]:
    """Draw rows ``[weights..., bias]``: the whole matrix first, then the biases."""
    weights = rng.integers(-5, 6, size=(out, fan_in)).tolist()
    bias = rng.integers(-5, 6, size=out).tolist()
    return [[*row, b] for row, b in zip(weights, bias, strict=True)]


def fold_network(p: int, depth: int) -> list[Layer]:
    """Compose the p-fold zigzag of [0, 1] onto itself `depth` times.

    ``h_1 = relu(p x)``, ``h_i = relu(2 (p x - (i - 1)))`` for i = 2..p, and ``g = h_1 - h_2 + h_3 - ...``.
    """
    signs = [(-1) ** i for i in range(p)]
    scales = [p] + [2 * p] * (p - 1)
    bias = [0] + [-2 * i for i in range(1, p)]
    matrices = [[[scale, b] for scale, b in zip(scales, bias, strict=True)]]
    for _ in range(depth - 1):
        matrices.append([[*(scale * s for s in signs), b] for scale, b in zip(scales, bias, strict=True)])
    return relu_network(*matrices, [[*signs, 0]])


def fold_networks() -> list[Reference]:
    """Return fold networks: p^depth regions on (0, 1), and the count on the whole line.

    On (0, 1) each of the p branches maps onto (0, 1). For x < 0 the output is 0 and every unit is off: one
    more pattern. For x > 1 the first layer has the pattern of the last branch, and g leaves [0, 1]: upwards
    if p is odd, where the deeper patterns are those just below 1 as well (no further region); downwards if p
    is even, where all deeper units are off, a further pattern if there is a deeper layer.
    """
    source = "zigzag of Montufar, Pascanu, Cho, Bengio 2014, arXiv 1402.1869; hand argument"
    line = {(2, 1): 3, (2, 2): 6, (2, 3): 10, (2, 5): 34, (3, 1): 4, (3, 2): 10, (3, 3): 28, (4, 2): 18}
    return [
        Reference(f"fold p={p} L={n}", fold_network(p, n), 1, source, {"R2": count}, ([0], [1]), p**n)
        for (p, n), count in line.items()
    ]


def arrangement_networks() -> list[Reference]:
    """Return one ReLU layer per arrangement of dimension 1 or 2 in ``data/arrangements_2d.json``.

    A hyperplane a.x = b becomes the unit relu(a.x - b). The interior of the box contains all crossing points
    and a point of every hyperplane, so that it has as many regions as R^d.
    """
    records = []
    for item in json.loads((DATA / "arrangements_2d.json").read_text())["items"]:
        planes = item["hyperplanes_a_then_b_for_a_dot_x_eq_b"]
        d, count = item["ambient_dimension"], item["regions"]
        layers = [affine([[*a, -b] for *a, b in planes]), ("scalar", [RELU] * len(planes))]
        radius = _enclosing_radius(planes)
        box = ([-radius] * d, [radius] * d)
        records.append(Reference(item["name"], layers, d, item["source"], {"R2": count}, box, count))
    return records


def _enclosing_radius(planes: Sequence[Sequence[int]]) -> int:
    """Return an integer above the coordinates of all crossing points and of one point per hyperplane."""
    sizes = [min(abs(Fraction(b, c)) for c in a if c) for *a, b in planes]
    for p, q in combinations(planes, 2):
        if len(p) == 3 and (det := p[0] * q[1] - p[1] * q[0]):
            sizes += [
                abs(Fraction(p[2] * q[1] - p[1] * q[2], det)),
                abs(Fraction(p[0] * q[2] - p[2] * q[0], det)),
            ]
    return 1 + int(max(sizes))


def degenerate_networks() -> list[Reference]:
    """Return one-layer networks on which fast programs are known to fail: repeated and nearly equal lines."""
    records = [
        Reference(
            "duplicated axis",
            relu_network([[1, 0, 0], [1, 0, 0], [-2, 0, 0], [0, 1, 0]], [[1, 1, 1, 1, 0]]),
            2,
            "three units on the line x = 0 and one on y = 0: the four quadrants",
            {"R2": 4},
            ([-1, -1], [1, 1]),
            4,
        )
    ]
    for gap in (1e-5, 1e-7, 1e-10):
        layers = relu_network([[1.0, 0.0, 0.0], [1.0, 0.0, -gap], [0.0, 1.0, 0.0]], [[1, 1, 1, 0]])
        source = "x = 0 and x = gap cut the square in three, y = 0 each part in two"
        records.append(Reference(f"thin slab {gap:g}", layers, 2, source, {"R2": 6}, ([-1, -1], [1, 1]), 6))
    return records


def bundle_unit(direction: Sequence[int], values: Sequence[int]) -> list[list[int]]:
    """Return the pieces ``2 t <v, x> - t^2``: walls <v, x> = (t + t') / 2 for neighbouring values t, t'."""
    return [[*(2 * t * c for c in direction), -t * t] for t in values]


def maxout_bundles() -> list[Reference]:
    """Return one maxout layer of bundles of parallel lines, with the largest possible number of regions.

    Unit i is ``max_t (2 t <v_i, x> - t^2)`` over k_i values t, i.e. m_i = k_i - 1 parallel walls. Walls of
    different bundles cross, never three in a point, so that the plane has 1 + sum m_i + sum_{i < j} m_i m_j
    regions: for the walls x = a, y = b, x + y = c one checks that c != a + b.
    """
    x, y, diagonal = (1, 0), (0, 1), (1, 1)
    source = f"{MONTUFAR_REN_ZHANG}, parallel bundles"
    cases = [
        ("n=1, ranks 3,3", 1, [bundle_unit((1,), (0, 1, 2)), bundle_unit((1,), (0, 2, 6))], 5),
        ("n=2, rank 3", 2, [bundle_unit((1, 2), (0, 1, 2))], 3),
        ("n=2, ranks 3,3", 2, [bundle_unit(x, (0, 1, 2)), bundle_unit((1, 2), (0, 1, 2))], 9),
        # a, b in {1/2, 3/2}, c in {1/2, 5/2}; a + b is 1, 2 or 3.
        (
            "n=2, ranks 3,3,3",
            2,
            [bundle_unit(x, (0, 1, 2)), bundle_unit(y, (0, 1, 2)), bundle_unit(diagonal, (0, 1, 4))],
            19,
        ),
        # a = 1/2, b in {1/2, 3/2}, c in {1/2, 5/2, 9/2}; a + b is 1 or 2.
        (
            "n=2, ranks 2,3,4",
            2,
            [bundle_unit(x, (0, 1)), bundle_unit(y, (0, 1, 2)), bundle_unit(diagonal, (0, 1, 4, 5))],
            18,
        ),
    ]
    return [
        Reference(f"maxout bundle {name}", maxout_network(units), d, source, {"R2": count})
        for name, d, units, count in cases
    ]


def all_references() -> list[Reference]:
    """Return all records."""
    return [
        *worked_networks(),
        *seeded_integer_networks(),
        *fold_networks(),
        *arrangement_networks(),
        *degenerate_networks(),
        *maxout_bundles(),
    ]
