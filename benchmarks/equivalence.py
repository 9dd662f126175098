"""Measure how long it takes to decide whether two networks are one function.

ReLU networks are compared with their maxout conversion, in which each ReLU is a Linear layer with rows z and
0 followed by the maximum of the two. "structural" is the certificate alone. "enumeration" does without it:
units with the same wall are merged by exact algebra, and what is left of the difference is enumerated; for a
network and its conversion nothing is left. "unmerged" enumerates the difference as it is, with two units on
every wall. Then one weight of a copy is changed by 2^-40 and the exact largest deviation on the box is found,
and two unrelated networks are compared: exactly, and by branch and bound for two seconds.
"""

from __future__ import annotations

import statistics
from fractions import Fraction
from typing import Any

import numpy as np
from common import arguments, environment, he_layers, measure, relu_network, write

import plnet
from plnet import Box
from plnet.equivalence import check_equivalence, difference_network
from plnet.equivalence.decision import decide
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.control import Control

SLOPES = (-2.0, -1.0, -0.3, 0.0, 1.0, 1 + 2.0**-52, 1.7)


def converted(network: PLNetwork) -> PLNetwork:
    """Return a network with max(z, 0 z) in place of each ReLU."""
    layers: list[Any] = []
    for layer in network.layers:
        if isinstance(layer, ScalarPWL):
            n, places = layer.n_units, np.arange(layer.n_units)
            rows = np.concatenate([np.eye(n), np.zeros((n, n))])
            pairs = np.stack([places, places + n], axis=1)
            layers += [Affine(rows, np.zeros(2 * n)), GroupMax(pairs, 2 * n)]
        else:
            layers.append(layer)
    return PLNetwork(tuple(layers), network.input_dim)


def perturbed(network: PLNetwork, layer: int) -> PLNetwork:
    """Return a network with one weight changed by 2^-40."""
    layers = list(network.layers)
    weight = layers[layer].weight.copy()
    weight[0, 0] += 2.0**-40
    layers[layer] = Affine(weight, layers[layer].bias)
    return PLNetwork(tuple(layers), network.input_dim)


def fresh(widths: list[int], seed: int) -> PLNetwork:
    """Return a network that has computed nothing yet."""
    return relu_network(he_layers(widths, seed))


def conversion(widths: list[int], seeds: range, repeats: int) -> dict[str, Any]:
    """Compare networks with their conversion."""
    cases = {
        "structural": ("structural", None),
        "enumeration_box": ("enumeration", Box(-1, 1)),
        "enumeration_space": ("enumeration", None),
    }
    found = {}
    for name, (method, domain) in cases.items():
        figures = []
        for seed in seeds:

            def work(seed: int = seed, method: str = method, domain: Any = domain) -> Any:
                network = fresh(widths, seed)
                return check_equivalence(network, converted(network), domain, method=method, progress=None)

            figure, report = measure(work, repeats)
            assert report.equivalent, report
            assert report.max_deviation == 0, report
            figures.append(figure)
        found[name] = medians(figures)
    return found


def unmerged(widths: list[int], seed: int) -> dict[str, Any]:
    """Compare a network with its conversion region by region, with coincident walls everywhere."""
    domain = Box(-1, 1)
    network = fresh(widths, seed)
    difference = difference_network(network, converted(network))
    rng = np.random.default_rng(0)
    figure, verdict = measure(lambda: decide(difference, domain, domain.chart(widths[0]), Control(), rng), 1)
    assert verdict.upper == 0
    return {**figure, "reason": verdict.reason}


def one_weight(widths: list[int], seeds: range, layer: int) -> dict[str, Any]:
    """Find the exact deviation on the box after one weight was changed by 2^-40."""
    figures, deviations = [], []
    for seed in seeds:

        def work(seed: int = seed) -> Any:
            network = fresh(widths, seed)
            return check_equivalence(network, perturbed(network, layer), Box(-1, 1), progress=None)

        figure, report = measure(work, 1)
        assert report.exact, report
        figures.append(figure)
        deviations.append(float(report.max_deviation))
    return {**medians(figures), "deviations": deviations}


def unrelated(widths: list[int], seconds: float) -> dict[str, Any]:
    """Compare two networks that have nothing in common."""
    f, g = fresh(widths, 0), fresh(widths, 1)
    figure, report = measure(lambda: check_equivalence(f, g, Box(-1, 1), progress=None), 1)
    bracket = check_equivalence(
        f, g, Box(-1, 1), method="branch_and_bound", max_seconds=seconds, progress=None
    )
    exact = report.max_deviation
    assert bracket.lower <= exact <= bracket.upper
    return {
        "enumeration": figure,
        "reason": report.reason,
        "upper_over_exact": float(bracket.upper / exact),
        "lower_over_exact": float(Fraction(bracket.lower) / exact),
    }


def identities() -> dict[str, str]:
    """Return the exact deviation on the whole line of each rectifier from its maxout form."""
    found = {}
    for slope in SLOPES:
        rectifier = PLNetwork((ScalarPWL.leaky_relu([slope]),), 1)
        rows, groups = Affine([[1.0], [slope]], [0.0, 0.0]), GroupMax([[0, 1]], 2)
        maxout = PLNetwork((rows, groups), 1)
        if slope > 1:
            carried = GroupMax([[0, 1], [0, 0], [1, 1]], 2)
            maxout = PLNetwork((rows, carried, Affine([[-1.0, 1.0, 1.0]], [0.0])), 1)
        found[repr(slope)] = str(check_equivalence(rectifier, maxout).max_deviation)
    return found


def medians(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure over the seeds, and the largest CPU time."""
    keys = ("wall_seconds", "cpu_seconds", "least_cpu_seconds")
    found = {key: statistics.median(figure[key] for figure in figures) for key in keys}
    return {**found, "most_cpu_seconds": max(figure["cpu_seconds"] for figure in figures)}


def main() -> None:
    """Measure and write."""
    options = arguments(__doc__ or "")
    before = environment()
    seeds, repeats = (range(1), 1) if options.quick else (range(5), 5)
    plnet.enumerate_regions(fresh([2, 4, 4, 1], 0), Box(-1, 1))
    results: dict[str, Any] = {"identities": identities()}
    widths = [2, 8, 8, 1] if options.quick else [2, 64, 64, 1]
    results["conversion"] = {"widths": widths, **conversion(widths, seeds, repeats)}
    results["unmerged"] = {"widths": widths, **unmerged(widths, 0)}
    for layer in (2, 4):
        results[f"weight_of_layer_{layer // 2 + 1}"] = {"widths": widths, **one_weight(widths, seeds, layer)}
    small = [3, 6, 6, 2] if options.quick else [3, 12, 12, 2]
    results["unrelated"] = {"widths": small, **unrelated(small, 0.2 if options.quick else 2.0)}
    if not options.quick:
        big = [784, 512, 512, 10]
        figure, report = measure(
            lambda: check_equivalence(fresh(big, 0), converted(fresh(big, 0)), method="structural"), 1
        )
        assert report.equivalent
        results["large"] = {"widths": big, **figure}
    write(options, "How long does it take to decide whether two networks are one function?", results, before)


if __name__ == "__main__":
    main()
