"""Measure what exactness costs on networks in special position.

ReLU networks 2 -> 48 -> 48 -> 1 of several families. A cell in which floating point cannot certify a sign is
decided in rationals; the share of such fallbacks and the time are compared with a generic network of the same
widths in the same run. Networks in special position have fewer regions, so the time of each region also holds
a larger part of the fixed cost of a call, some two milliseconds.

Beside them other shapes, generic and with integer weights: stacks of convolutions with pools on a plane,
maxout units of rank 50, units with up to 3,000 breakpoints, and boxes of 20 to 100 dimensions under a budget
of time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from common import arguments, environment, he_layers, measure, relu_network, write
from torch import nn

import plnet
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL, as_network

Layers = list[tuple[np.ndarray, np.ndarray]]
BOX, BUDGET = 1.0, 10.0


def generic(widths: list[int], seed: int) -> Layers:
    """Gaussian weights and biases."""
    return he_layers(widths, seed)


def zero_bias(widths: list[int], seed: int) -> Layers:
    """All walls of a cell go through the origin."""
    return he_layers(widths, seed, bias=0.0)


def repeated_units(widths: list[int], seed: int) -> Layers:
    """Half of the units of each hidden layer are multiples of the others, by -3, 2 or 1/4."""
    rng = np.random.RandomState(seed)
    layers = []
    for weight, bias in he_layers(widths, seed):
        # Few bits, so that the multiples are exact.
        weight, bias = np.round(weight * 2**20) / 2**20, np.round(bias * 2**20) / 2**20
        half = len(bias) // 2
        if half:
            factor = rng.choice([-3.0, 2.0, 0.25, 1.0], size=half)
            weight[half : 2 * half] = factor[:, None] * weight[:half]
            bias[half : 2 * half] = factor * bias[:half]
        layers.append((weight, bias))
    return layers


def integer_weights(widths: list[int], seed: int) -> Layers:
    """Integers from -2 to 2: parallel, repeated, dead and concurrent units by chance."""
    rng = np.random.RandomState(seed)
    return [
        (rng.randint(-2, 3, size=(b, a)).astype(float), rng.randint(-2, 3, size=b).astype(float))
        for a, b in pairwise(widths)
    ]


def concurrent_lines(widths: list[int], seed: int) -> Layers:
    """All lines of the first layer go through (1/3, -1/3), which is no float."""
    layers = he_layers(widths, seed)
    weight = 3 * np.round(layers[0][0] * 2**20) / 2**20
    layers[0] = (weight, -(weight[:, 0] - weight[:, 1]) / 3)
    return layers


def corner_lines(widths: list[int], seed: int) -> Layers:
    """All lines of the first layer go through the corner (1, 1) of the box."""
    layers = he_layers(widths, seed)
    weight = np.round(layers[0][0] * 2**20) / 2**20
    layers[0] = (weight, -weight.sum(axis=1))
    return layers


Task = tuple[PLNetwork, plnet.Box | plnet.Slice]


def drawn(rng: np.random.RandomState, shape: tuple[int, ...], integers: bool) -> np.ndarray:
    """Draw weights: integers from -2 to 2, or Gaussian ones."""
    return rng.randint(-2, 3, size=shape).astype(float) if integers else rng.randn(*shape)


def convolutional_stack(seed: int, integers: bool, quick: bool) -> Task:
    """Convolutions, batch norm, ReLU, maxima and averages over windows, on a plane through three images."""
    size = 4 if quick else 8
    module = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(size * size // 4, 8), nn.ReLU()),
    ).eval()
    rng = np.random.RandomState(seed)
    for parameter in module.parameters():
        parameter.data = torch.from_numpy(drawn(rng, tuple(parameter.shape), integers)).float()
    return as_network(module, (1, size, size)), plnet.Slice.through(rng.randn(3, size * size), margin=0.5)


def maxout_of_rank_50(seed: int, integers: bool, quick: bool) -> Task:
    """Two layers of maxout units, the maximum of 50 affine functions each, on a square."""
    rng, widths = np.random.RandomState(seed), (2, 2, 1) if quick else (2, 8, 4)
    layers: list[Any] = []
    for a, b in pairwise(widths):
        layers += [Affine(drawn(rng, (50 * b, a), integers), drawn(rng, (50 * b,), integers))]
        layers += [GroupMax(np.arange(50 * b).reshape(b, 50), 50 * b)]
    return PLNetwork(tuple(layers), 2), plnet.Box(-BOX, BOX)


def many_breakpoints(seed: int, integers: bool, quick: bool) -> Task:
    """Units with 3,000, 300, 30 and 3 breakpoints and ReLU units behind them, on an interval."""
    rng, units = np.random.RandomState(seed), []
    for n in (30, 3) if quick else (3000, 300, 30, 3):
        points = np.sort(rng.choice(np.arange(-(1 << 14), 1 << 14), n, replace=False)) / (1 << 13)
        if not integers:
            points = np.sort(rng.uniform(-2, 2, n))
        units.append(ScalarPWL.uniform(1, points.tolist(), drawn(rng, (n + 1,), integers).tolist(), 0.0))
    layers = (
        Affine(drawn(rng, (len(units), 1), integers), drawn(rng, (len(units),), integers)),
        ScalarPWL.concatenate(units),
        Affine(drawn(rng, (8, len(units)), integers), drawn(rng, (8,), integers)),
        ScalarPWL.relu(8),
    )
    return PLNetwork(layers, 1), plnet.Box(-BOX, BOX)


SHAPES: tuple[Callable[[int, bool, bool], Task], ...] = (
    convolutional_stack,
    maxout_of_rank_50,
    many_breakpoints,
)


def box(dimension: int, seed: int) -> Task:
    """A network of 4 and 4 ReLU units on a box of many dimensions."""
    return relu_network(he_layers([dimension, 4, 4, 1], seed)), plnet.Box(-BOX, BOX)


FAMILIES: tuple[Callable[[list[int], int], Layers], ...] = (
    generic,
    zero_bias,
    repeated_units,
    integer_weights,
    concurrent_lines,
    corner_lines,
)


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    quick = options.quick
    widths = [2, 6, 6, 1] if quick else [2, 48, 48, 1]
    plnet.count_regions(relu_network(he_layers([2, 4, 1], 0)), plnet.Box(-BOX, BOX))
    families: dict[str, Any] = {}
    for family in FAMILIES:
        drawn_layers = [family(widths, seed) for seed in range(3)]
        tasks = [lambda ls=layers: (relu_network(ls), plnet.Box(-BOX, BOX)) for layers in drawn_layers]
        families[family.__name__] = measured(family, tasks, families.get("generic"), quick)
    shapes: dict[str, Any] = {}
    for shape in SHAPES:
        for integers in (False, True):
            name = shape.__name__ + ("_of_integers" if integers else "")
            tasks = [lambda seed=seed, i=integers, of=shape: of(seed, i, quick) for seed in range(3)]
            shapes[name] = measured(shape, tasks, shapes.get(shape.__name__), quick)
    results = {"widths": widths, "families": families, "shapes": shapes, "boxes": measured_boxes(quick)}
    write(options, "Cost of exactness on degenerate networks and on large units", results, before)


def measured(
    family: Callable[..., Any],
    tasks: Sequence[Callable[[], Task]],
    reference: dict[str, Any] | None,
    quick: bool,
) -> dict[str, Any]:
    """Count the regions of some networks, and compare time and fallbacks with a generic family."""
    rows = []
    for task in tasks:
        row, found = measure(lambda task=task: plnet.count_regions(*task()), 1 if quick else 3)
        rows.append({**row, "regions": found.count, "fallbacks": found.n_fallbacks, "exact": found.exact})
    found = {
        "meaning": family.__doc__,
        "regions": statistics.median(r["regions"] for r in rows),
        "cpu_seconds": statistics.median(r["cpu_seconds"] for r in rows),
        "regions_per_cpu_second": statistics.median(r["regions"] / r["cpu_seconds"] for r in rows),
        "fallbacks_per_region": statistics.median(r["fallbacks"] / r["regions"] for r in rows),
        "seeds": rows,
    }
    reference = reference or found
    found["time_over_generic"] = found["cpu_seconds"] / reference["cpu_seconds"]
    found["time_per_region_over_generic"] = (
        reference["regions_per_cpu_second"] / found["regions_per_cpu_second"]
    )
    print(
        f"{family.__name__}: {found['regions']} regions, "
        f"{found['time_over_generic']:.2f} times the time of a generic network, "
        f"{found['time_per_region_over_generic']:.2f} times for each region"
    )
    return found


def measured_boxes(quick: bool) -> dict[str, Any]:
    """Count on boxes of many dimensions within a budget of seconds."""
    rows = {}
    for dimension in (20,) if quick else (20, 50, 100):
        network, domain = box(dimension, 0)
        row, found = measure(
            lambda of=(network, domain): plnet.count_regions(*of, max_seconds=BUDGET), 1 if quick else 3
        )
        rows[str(dimension)] = {**row, "regions": found.count, "complete": found.complete}
        print(f"box of dimension {dimension}: {found.count} regions in {row['cpu_seconds']:.2f} CPU seconds")
    return {"meaning": box.__doc__, "budget_seconds": BUDGET, "dimensions": rows}


if __name__ == "__main__":
    main()
