"""Measure `search` and `two_layer`: all of R^n, boxes of 3 to 8 dimensions, and a resonance arrangement.

ReLU networks with He weights and biases of standard deviation 0.1, one thread, kernels compiled before.
The time is that of the whole call on a network that was never used before.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from common import arguments, environment, he_layers, measure, relu_network, write

import plnet
from plnet.regions.engines.closed.two_layer import TwoLayer
from plnet.regions.engines.search import Search

SPACE = {"10-8-8": [10, 8, 8], "20-11-11": [20, 11, 11]}
CLOSED = {**SPACE, "784-10-12": [784, 10, 12], "784-11-11": [784, 11, 11], "784-12-10": [784, 12, 10]}
BOXES = {"3-16-16": [3, 16, 16], "4-16-16": [4, 16, 16], "6-12-12": [6, 12, 12], "8-10-10": [8, 10, 10]}
QUICK = ("10-8-8", "3-16-16")


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    warm = relu_network(he_layers([3, 3, 3, 1], 0))
    for engine in (Search(), TwoLayer()):
        plnet.count_regions(warm, engine=engine)
    results: dict[str, Any] = {"two_layer": {}, "search": {}, "boxes": {}}
    groups: list[tuple[str, dict, Callable, Any, Any]] = [
        ("two_layer", CLOSED, plnet.count_regions, None, TwoLayer()),
        ("search", SPACE, plnet.count_regions, None, Search()),
        ("boxes", BOXES, plnet.count_regions, plnet.Box(-1, 1), Search()),
    ]
    for group, cases, verb, domain, engine in groups:
        for name in cases if not options.quick else [n for n in cases if n in QUICK]:
            results[group][name] = timed(cases[name], verb, domain, engine)
            print(group, name, results[group][name]["regions"], results[group][name]["cpu_seconds"])
    results["enumerated"] = {"10-8-8": timed(SPACE["10-8-8"], plnet.enumerate_regions, None, Search())}
    if not options.quick:
        results["enumerated"]["resonance_5"] = resonance(5)
    write(
        options, "Seconds to count regions by search and by the closed count of two layers", results, before
    )


def timed(widths: list[int], verb: Callable, domain: Any, engine: Any) -> dict[str, Any]:
    """Measure one network, three times unless that takes long."""
    layers = he_layers([*widths, 1], 0)
    row, result = measure(lambda: verb(relu_network(layers), domain, engine=engine), 3)
    return described(row, result)


def resonance(n: int) -> dict[str, Any]:
    """Measure the arrangement of all hyperplanes whose normals have entries 0 and 1."""
    weight = np.array([row for row in product((0.0, 1.0), repeat=n) if any(row)])
    layers = [(weight, np.zeros(len(weight))), (np.ones((1, len(weight))), np.zeros(1))]
    return described(*measure(lambda: plnet.enumerate_regions(relu_network(layers), engine=Search()), 3))


def described(row: dict[str, Any], result: Any) -> dict[str, Any]:
    regions = result.count if isinstance(result, plnet.regions.RegionCount) else len(result)
    return {**row, "regions": regions, "fallbacks": result.n_fallbacks, "exact": result.exact}


if __name__ == "__main__":
    main()
