"""Networks and domains on which all engines are compared, of any dimension, in the raw format of `sign_tree`.

Every family takes a generator and a number of inputs, and returns raw layers; those of convolutions come with
the network that the library reads from the torch module, so that operators are counted as operators.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
from convolutional_stacks import raw_layers
from helpers import Pattern, on_slice, proper, to_network
from sign_tree import patterns
from torch import nn

import plnet
from plnet.geometry.domain import Domain
from plnet.ir import PLNetwork, as_network

Layers = list[tuple]
RELU = ([0], [0, 1], 0)
ABSOLUTE = ([0], [-1, 1], 0)
SLOPES = (([0], [-0.5, 1], 0), ([0], [1.5, 1], 0), ([0], [0.25, 1], 0))
SEVERAL = (([-0.5, 0.5], [0, 1, 0], -0.5), ([-0.3, 0.1, 0.7], [0.25, -1, 0.5, 2], 0.125))

DOMAINS = ("space", "box", "polytope", "wedge", "slice")


@dataclass(frozen=True)
class Drawn:
    """A network on a domain, and its patterns by elimination in fractions."""

    layers: Layers
    network: PLNetwork
    domain: Domain | None
    d: int
    facets: tuple[tuple, ...]

    @cached_property
    def wanted(self) -> set[Pattern]:
        layers = self.layers
        if isinstance(self.domain, plnet.Slice):
            layers = on_slice(layers, self.domain.directions, self.domain.origin)
        # The affine map of a slice has no units, so the patterns are those of the network itself.
        return proper(self.layers, patterns(layers, self.d, self.facets))


@cache
def draw(family: str, d: int, domain: str, seed: int = 0) -> Drawn:
    """Draw a network of a family on a domain of dimension d."""
    rng = np.random.default_rng([zlib.crc32(family.encode()), d, DOMAINS.index(domain), seed])
    inputs = d + 1 if domain == "slice" else d
    made = FAMILIES[family](rng, inputs)
    layers, network = made if isinstance(made, tuple) else (made, to_network(made))
    where, facets = _draw_domain(rng, domain, d)
    return Drawn(layers, network, where, d, facets)


def _draw_domain(rng: np.random.Generator, domain: str, d: int) -> tuple[Domain | None, tuple[tuple, ...]]:
    """Return a domain and its facets ``[a | c]``, positive inside, in its own coordinates."""
    if domain == "space":
        return None, ()
    if domain == "box":
        return plnet.Box(-1, 0.75), _sides(d, -1, 0.75)
    if domain == "slice":
        directions = np.eye(d, d + 1) + np.round(rng.normal(size=(d, d + 1)) * 4) / 8
        origin = np.round(rng.normal(size=d + 1) * 4) / 8
        return plnet.Slice(origin, directions, -1, 0.5), _sides(d, -1, 0.5)
    rows = rng.normal(size=(d + 1, d))
    if domain == "polytope":
        # The last normal is minus a positive combination of the others, so the domain is a simplex.
        rows = np.concatenate([-np.eye(d), np.ones((1, d))]) + 0.125 * np.round(rows)
    else:
        rows = rows[: max(1, d - 1)]
    ends = np.full(len(rows), 0.75)
    return plnet.Polytope(rows, ends), tuple((*(-row).tolist(), 0.75) for row in rows)


def _sides(d: int, low: float, high: float) -> tuple[tuple, ...]:
    eye = np.eye(d)
    return tuple((*row, -low) for row in eye.tolist()) + tuple((*row, high) for row in (-eye).tolist())


def _affine(rng: np.random.Generator, n: int, fan_in: int) -> tuple:
    return ("affine", rng.normal(size=(n, fan_in)).tolist(), (rng.normal(size=n) / 2).tolist())


def _scalar(n: int, *functions: tuple) -> tuple:
    return ("scalar", [functions[i % len(functions)] for i in range(n)])


def _one_layer(rng: np.random.Generator, d: int) -> Layers:
    return [_affine(rng, 5, d), _scalar(5, RELU), _affine(rng, 1, 5)]


def _one_layer_of_integers(rng: np.random.Generator, d: int) -> Layers:
    """Return concurrent, repeated and parallel walls."""
    rows = rng.integers(-2, 3, size=(6, d))
    rows[0, 0] = 1
    rows[3], rows[4] = rows[0], -2 * rows[0]
    return [("affine", rows.tolist(), [0, 0, 0, 0, 1, 0]), _scalar(6, RELU, ABSOLUTE)]


def _bends(rng: np.random.Generator, d: int) -> Layers:
    """Return walls that coincide, are parallel or meet because of where the breakpoints are."""
    rows, bias = rng.integers(-1, 2, size=(5, d)), rng.integers(-2, 3, size=5)
    rows[:2] = np.eye(1, d)
    bends = (([1], [0, 1], 0), ([-1, 1], [0, 1, 0], -1), ([-2], [1, -1], 0))
    return [("affine", rows.tolist(), bias.tolist()), _scalar(5, *bends), _affine(rng, 1, 5)]


def _pairs(rng: np.random.Generator, d: int) -> Layers:
    return [_affine(rng, 8, d), ("max", [[0, 1], [2, 3], [4, 5], [6, 7]]), _affine(rng, 1, 4)]


def _two_layers(*functions: tuple, first: int = 4, second: int = 3) -> Callable:
    def make(rng: np.random.Generator, d: int) -> Layers:
        hidden = [_affine(rng, first, d), _scalar(first, *functions), _affine(rng, second, first)]
        return [*hidden, _scalar(second, *functions), _affine(rng, 1, second)]

    return make


def _full_rank(rng: np.random.Generator, d: int) -> Layers:
    return _two_layers(RELU, first=min(d, 3))(rng, d)


def _full_rank_of_integers(rng: np.random.Generator, d: int) -> Layers:
    """Return a first layer of coordinates, and walls of the second that are parallel, equal or concurrent."""
    n = min(d, 3)
    rows = rng.integers(-1, 2, size=(4, n))
    rows[0, 0] = 1
    rows[1], rows[2] = rows[0], 2 * rows[0]
    front = [("affine", np.eye(n, d).tolist(), [0] * n), _scalar(n, RELU)]
    return [*front, ("affine", rows.tolist(), [1, 1, -1, 0]), _scalar(4, RELU)]


def _full_rank_of_bends(rng: np.random.Generator, d: int) -> Layers:
    """Return units that are constant on either side, and later walls in general position."""
    n = min(d, 3)
    sides = (([1], [0, 2], 1), ([0.5], [-1, 0], 2), ([-1], [0, -1], 0))
    front = [("affine", np.eye(n, d).tolist(), [0] * n), _scalar(n, *sides)]
    return [*front, _affine(rng, 4, n), _scalar(4, ([1], [0, 1], 0), ([-1, 3], [0, 1, 0], -1))]


def _full_rank_of_pairs(rng: np.random.Generator, d: int) -> Layers:
    """Return ReLUs behind coordinates, and maxima of two behind them."""
    n = min(d, 3)
    rows, bias = rng.integers(-2, 3, size=(6, n)), rng.integers(-2, 3, size=6)
    front = [("affine", np.eye(n, d).tolist(), [0] * n), _scalar(n, RELU)]
    return [*front, ("affine", rows.tolist(), bias.tolist()), ("max", [[0, 1], [2, 3], [4, 5]])]


def _dead(rng: np.random.Generator, d: int) -> Layers:
    """Return units that are 0, constant or never on, in both layers."""
    (_, first, bias), (_, second, shift) = _affine(rng, 5, d), _affine(rng, 4, 5)
    first[0], bias[0] = [0.0] * d, 0.0
    first[1], bias[1] = [0.0] * d, 1.0
    second[0], shift[0] = [-abs(x) for x in second[0]], -0.5
    second[1], shift[1] = [0.0] * 5, 0.0
    return [("affine", first, bias), _scalar(5, RELU), ("affine", second, shift), _scalar(4, RELU)]


def _repeated(rng: np.random.Generator, d: int) -> Layers:
    """Return units that are copies or multiples of each other."""
    layers = _two_layers(RELU, first=5, second=4)(rng, d)
    for _, rows, bias in (layers[0], layers[2]):
        rows[1], bias[1] = list(rows[0]), bias[0]
        rows[2], bias[2] = [-2 * x for x in rows[0]], -2 * bias[0]
    return layers


def _zero_biases(rng: np.random.Generator, d: int) -> Layers:
    layers = _two_layers(RELU)(rng, d)
    return [("affine", x[1], [0.0] * len(x[1])) if x[0] == "affine" else x for x in layers]


def _maxout(rng: np.random.Generator, d: int) -> Layers:
    """Return two units of 4 pieces, two pieces of one of them parallel, then one of 3."""
    (_, rows, bias), four = _affine(rng, 8, d), [[0, 1, 2, 3], [4, 5, 6, 7]]
    rows[1] = list(rows[0])
    return [("affine", rows, bias), ("max", four), _affine(rng, 3, 2), ("max", [[0, 1, 2]])]


def _jumps(rng: np.random.Generator, d: int) -> Layers:
    """Return local winners of three and of two, then a ReLU."""
    front = [_affine(rng, 5, d), ("winners", [[0, 1, 2], [3, 4]])]
    return [*front, _affine(rng, 2, 5), _scalar(2, RELU)]


def _convolution(pool: type[nn.Module]) -> Callable:
    def make(rng: np.random.Generator, d: int) -> tuple[Layers, PLNetwork]:
        width = min(2, d)
        module = nn.Sequential(
            nn.Conv2d(1, 2 if d < 3 else 1, (1, width), padding=(0, int(d == 2))),
            nn.ReLU(),
            pool((1, width), 1),
            nn.Flatten(),
            nn.LazyLinear(2),
            nn.ReLU(),
        ).eval()
        module(torch.zeros(1, 1, 1, d))
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        for parameter in module.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        return raw_layers(module, (1, 1, d)), as_network(module, (1, 1, d))

    return make


FAMILIES: dict[str, Callable[[np.random.Generator, int], Layers | tuple[Layers, PLNetwork]]] = {
    "no units": lambda rng, d: [_affine(rng, 2, d)],
    "one layer": _one_layer,
    "one layer of integers": _one_layer_of_integers,
    "one layer of bends": _bends,
    "one layer of pairs": _pairs,
    "two layers": _two_layers(RELU),
    "full rank": _full_rank,
    "full rank of integers": _full_rank_of_integers,
    "full rank of bends": _full_rank_of_bends,
    "full rank of pairs": _full_rank_of_pairs,
    "absolute values": _two_layers(ABSOLUTE, second=2),
    "slopes": _two_layers(*SLOPES),
    "several pieces": _two_layers(*SEVERAL, first=3, second=2),
    "dead units": _dead,
    "repeated rows": _repeated,
    "zero biases": _zero_biases,
    "maxout": _maxout,
    "jumps": _jumps,
    "maximum pooling": _convolution(nn.MaxPool2d),
    "average pooling": _convolution(nn.AvgPool2d),
}
