"""Ladders: networks with an exact coincidence, moved by 0 or by plus or minus 2**-k.

Every family lets walls meet in one point v with dyadic coordinates. The constant that makes a wall run
through v is an exact rational of more bits than a float has, so it is split into several floats: constant
units give 1, and a wall takes one float from each of them. What is left to the engines is to tell apart sums
of floats whose exact value is 0 or 2**-k.

Networks are in the raw format of the module `oracle`. ``python tests/support/ladders.py 20000`` climbs so
many ladders and writes tests/data/ladders.json.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from helpers import to_network
from oracle import evaluate

import plnet
from plnet.errors import PLNetError

__all__ = ["FAMILIES", "STEPS", "climb", "ladder"]

ENGINES = ("line", "cells", "search", "arrangement", "two_layer")

STEPS = range(25, 63)
"""The exponents k of a ladder."""

RELU = ([0], [0, 1], 0)
_CONSTANTS = 5
"""Constant units of each layer; a sum of six floats holds more than 300 bits."""


class _Ladder:
    """A network that grows layer by layer around its point of coincidence."""

    def __init__(
        self, rng: np.random.Generator, steps: np.random.Generator, d: int, k: int, widths: Sequence[int]
    ) -> None:
        self.rng, self.steps, self.d, self.k, self.widths = rng, steps, d, k, widths
        self.point = [Fraction(int(x), 16) for x in rng.integers(-11, 12, size=d)]
        eye = [[float(i == j) for j in range(d)] for i in range(d)]
        self.layers: list[tuple] = [
            ("affine", eye + [[0.0] * d] * _CONSTANTS, [0.0] * d + [1.0] * _CONSTANTS)
        ]

    def values(self) -> list[Fraction]:
        """Exact outputs at the point of coincidence, without the constant ones."""
        return list(evaluate(self.layers, self.point)[0])[:-_CONSTANTS]

    def weights(self, rows: int, bits: int = 53) -> np.ndarray:
        """Draw weights with so many bits."""
        weight = self.rng.normal(size=(rows, len(self.values())))
        if bits == 53:
            return weight
        return np.round(weight * 2.0**bits) / 2.0**bits

    def step(self) -> Fraction:
        """Draw 0 or plus or minus 2**-k."""
        return int(self.steps.integers(-1, 2)) * Fraction(1, 2**self.k)

    def affine(self, weight: np.ndarray, at_point: Sequence[Fraction | None]) -> None:
        """Add an affine map whose outputs at the point are given, exactly; None leaves a random one."""
        rows, biases = [], []
        for row, wanted in zip(weight.tolist(), at_point, strict=True):
            own = sum((Fraction(w) * x for w, x in zip(row, self.values(), strict=True)), Fraction(0))
            rest = Fraction(float(self.rng.normal() * 0.5)) if wanted is None else wanted - own
            parts = _split(rest)
            rows.append([*row, *parts[1:]])
            biases.append(parts[0])
        width = len(weight[0])
        rows += [[0.0] * (width + _CONSTANTS)] * _CONSTANTS
        self.layers.append(("affine", rows, [*biases, *[1.0] * _CONSTANTS]))

    def units(self) -> None:
        """Add ReLU units, which also pass the constants on."""
        self.layers.append(("scalar", [RELU] * len(self.layers[-1][1])))

    def maxima(self, size: int) -> None:
        """Add maxima over groups of neighbours."""
        width = len(self.values())
        groups = [list(range(i, i + size)) for i in range(0, width, size)]
        self.layers.append(("max", groups + [[width + i] for i in range(_CONSTANTS)]))


def _split(number: Fraction) -> list[float]:
    parts = []
    for _ in range(_CONSTANTS + 1):
        parts.append(float(number))
        number -= Fraction(parts[-1])
    assert not number, "the constant has more bits than its floats hold"
    return parts


def _through(net: _Ladder, rows: int, share: float = 0.75) -> list[Fraction | None]:
    """Say for each row that its wall runs through the point, up to a step of the ladder, or anywhere."""
    return [net.step() if net.rng.random() < share else None for _ in range(rows)]


def _nearly_dependent(net: _Ladder) -> None:
    """(a) Deeper walls through the crossing of earlier walls whose angles go down to 1e-6."""
    rows = net.widths[0]
    angle = 2.0 ** -int(net.rng.integers(0, 21))
    base = net.rng.integers(-3, 4, size=net.d) + 0.5
    net.affine(base + angle * net.rng.integers(-3, 4, size=(rows, net.d)), [Fraction(0)] * rows)
    net.units()
    for width in net.widths[1:]:
        net.affine(net.weights(width, 24), _through(net, width))
        net.units()


def _cancelling(net: _Ladder) -> None:
    """(b) A deep wall through a vertex where terms of size 1 to 1e7 cancel."""
    rows = net.widths[0]
    crossing = [Fraction(0)] * min(net.d, rows - 1)
    others = [Fraction(int(x), 4) for x in net.rng.integers(1, 9, size=rows - len(crossing))]
    net.affine(net.weights(rows), [*crossing, *others])
    net.units()
    for width in net.widths[1:]:
        size = 10.0 ** net.rng.uniform(0, 7, size=(width, len(net.values())))
        net.affine(net.weights(width, 24) * 2.0 ** np.round(np.log2(size)), _through(net, width))
        net.units()


def _ties(net: _Ladder) -> None:
    """(c) Maxout units whose ties meet in one vertex."""
    for width in net.widths:
        size = 2 if width == net.widths[-1] else 3
        groups = max(1, width // 2)
        height = [Fraction(int(x), 4) for x in net.rng.integers(-4, 5, size=groups)]
        wanted = [height[i] + net.step() for i in range(groups) for _ in range(size)]
        net.affine(net.weights(groups * size, 24), wanted)
        net.maxima(size)


def _concurrent(net: _Ladder) -> None:
    """(d) More than d walls of the last layer through one interior point of a cell."""
    for width in net.widths[:-1]:
        net.affine(net.weights(width), [None] * width)
        net.units()
    rows = net.d + 2
    net.affine(net.weights(rows, 24), [net.step() for _ in range(rows)])
    net.units()


def _inherited(net: _Ladder) -> None:
    """(e) Maxima of ReLU units that are 0 at the vertex, and walls behind them through it."""
    rows = 2 * max(1, net.widths[0] // 2)
    net.affine(net.weights(rows), _through(net, rows))
    net.units()
    net.maxima(2)
    for width in net.widths[1:]:
        net.affine(net.weights(width, 24), _through(net, width))
        net.units()


def _edges(net: _Ladder) -> None:
    """(f) Walls through a vertex of which all edges are walls of the layer before."""
    net.affine(net.weights(net.widths[0]), [None] * net.widths[0])
    net.units()
    for place, width in enumerate(net.widths[1:]):
        wanted = [Fraction(0)] * min(net.d, width) + [None] * max(0, width - net.d) if not place else None
        net.affine(net.weights(width, 24), wanted or _through(net, width, 1.0))
        net.units()


def _pencil(net: _Ladder) -> None:
    """(g) More than d walls of the first layer through one point."""
    rows = net.d + 2
    net.affine(net.weights(rows), [net.step() for _ in range(rows)])
    net.units()


def _dependent(net: _Ladder) -> None:
    """(h) Rows of the second layer that are the sum of two others, in few units and without constant ones."""
    d = net.d
    net.layers = [("affine", net.rng.normal(size=(d, d)).tolist(), net.rng.normal(size=d).tolist())]
    net.layers.append(("scalar", [RELU] * d))
    first, second = np.round(net.rng.normal(size=(2, d + 1)) * 2.0**24) / 2.0**24
    place = int(net.rng.integers(d + 1))
    second[place] = -first[place]
    third = first + second
    third[place] = float(net.step())
    rows = np.stack([first, second, third])
    net.layers += [("affine", rows[:, :-1].tolist(), rows[:, -1].tolist()), ("scalar", [RELU] * 3)]


FAMILIES: dict[str, Callable[[_Ladder], None]] = {
    "nearly dependent": _nearly_dependent,
    "cancelling": _cancelling,
    "ties": _ties,
    "concurrent": _concurrent,
    "inherited": _inherited,
    "edges": _edges,
    "pencil": _pencil,
    "dependent": _dependent,
}

_WIDTHS = {1: (4, 4, 3), 2: (4, 4, 3), 3: (4, 3, 3), 4: (4, 3, 2)}
"""Units of the hidden layers, by dimension; some networks have only the first two."""


def ladder(
    family: str, rng: np.random.Generator, d: int, k: int, steps: np.random.Generator | None = None
) -> list[tuple]:
    """Return a raw network of a family in dimension d, with its coincidences moved by 0 or 2**-k.

    `steps` draws by how much, where this shall not be drawn by `rng`.
    """
    depth = int(rng.integers(2, 4))
    widths = _WIDTHS[d][: 3 if family == "edges" else depth]
    net = _Ladder(rng, rng if steps is None else steps, d, k, widths)
    FAMILIES[family](net)
    return net.layers


def climb(family: str, d: int, numbers: Iterable[int]) -> tuple[list[str], Counter[str]]:
    """Compare all engines with `rational`; return what disagrees, and the fallbacks of each engine."""
    disagreements, fallbacks = [], Counter()
    for number in numbers:
        rng = np.random.default_rng([number, d, *family.encode()])
        network = to_network(ladder(family, rng, d, int(rng.choice(STEPS))))
        for domain in (plnet.Box(-1, 1), plnet.Space(d)):
            want = plnet.count_regions(network, domain, engine="rational")
            for engine in ENGINES:
                try:
                    got = plnet.count_regions(network, domain, engine=engine)
                except PLNetError:
                    continue  # It does not work in this dimension, or with so many layers.
                if not got.exact or got.count != want.count:
                    disagreements.append(f"{family}, d = {d}, number {number}, {domain}: {got} != {want}")
                fallbacks[engine] += got.n_fallbacks
    return disagreements, fallbacks


def _great_climb(networks: int, target: Path) -> None:
    pairs = [(family, d) for family in FAMILIES for d in (1, 2, 3, 4)]
    each = -(-networks // len(pairs))
    disagreements, rows = [], []
    for family, d in pairs:
        found, fallbacks = climb(family, d, range(1000, 1000 + each))
        disagreements += found
        rows.append({"family": family, "d": d, **fallbacks})
        sys.stdout.write(f"{rows[-1]}\n")
        sys.stdout.flush()
    record = {"networks": each * len(pairs), "disagreements": disagreements, "fallbacks": rows}
    target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _great_climb(int(sys.argv[1]), Path(__file__).resolve().parents[1] / "data" / "ladders.json")
