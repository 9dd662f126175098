"""Measure what exactness costs on networks in special position.

ReLU networks 2 -> 48 -> 48 -> 1 of several families. A cell in which floating point cannot certify a sign is
decided in rationals; the share of such fallbacks and the time are compared with a generic network of the same
widths in the same run. Networks in special position have fewer regions, so the time of each region also holds
a larger part of the fixed cost of a call, some two milliseconds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from common import arguments, environment, he_layers, measure, relu_network, write

import plnet

Layers = list[tuple[np.ndarray, np.ndarray]]
BOX = 1.0


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
    widths = [2, 6, 6, 1] if options.quick else [2, 48, 48, 1]
    box = plnet.Box(-BOX, BOX)
    plnet.count_regions(relu_network(he_layers([2, 4, 1], 0)), box)
    families: dict[str, Any] = {}
    for family in FAMILIES:
        rows = []
        for seed in range(3):
            layers = family(widths, seed)
            row, found = measure(
                lambda layers=layers: plnet.count_regions(relu_network(layers), box),
                1 if options.quick else 3,
            )
            rows.append({**row, "regions": found.count, "fallbacks": found.n_fallbacks, "exact": found.exact})
        families[family.__name__] = {
            "meaning": family.__doc__,
            "regions": statistics.median(r["regions"] for r in rows),
            "cpu_seconds": statistics.median(r["cpu_seconds"] for r in rows),
            "regions_per_cpu_second": statistics.median(r["regions"] / r["cpu_seconds"] for r in rows),
            "fallbacks_per_region": statistics.median(r["fallbacks"] / r["regions"] for r in rows),
            "seeds": rows,
        }
        found, reference = families[family.__name__], families["generic"]
        found["time_over_generic"] = found["cpu_seconds"] / reference["cpu_seconds"]
        found["time_per_region_over_generic"] = (
            reference["regions_per_cpu_second"] / found["regions_per_cpu_second"]
        )
        print(
            f"{family.__name__}: {found['regions']} regions, "
            f"{found['time_over_generic']:.2f} times the time of a generic network, "
            f"{found['time_per_region_over_generic']:.2f} times for each region"
        )
    write(
        options, "Cost of exactness on degenerate networks", {"widths": widths, "families": families}, before
    )


if __name__ == "__main__":
    main()
