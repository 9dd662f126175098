"""Measure how many regions a second plnet counts, and enumerates, on a plane.

ReLU networks with He weights and biases of standard deviation 0.1, weights in float64, on the box [-1, 1]^2,
one thread. The time is that of the whole call of ``count_regions`` on a network that was never used before:
choice of the engine, exact preparation, counting with certified signs. Compilation is measured apart.
"""

from __future__ import annotations

import statistics
import tempfile
from typing import Any

from common import arguments, environment, he_layers, measure, relu_network, run_python, write

import plnet

CASES = {"32x2": [32, 32], "64x2": [64, 64], "64x3": [64] * 3, "128x3": [128] * 3, "256x3": [256] * 3}
QUICK = ("32x2", "64x2")
SEEDS = range(5)
TARGET = 500_000
COMPILE = """
import json, time
start = time.perf_counter(), time.process_time()
import plnet
from plnet.regions import compile_kernels
import numba  # plnet loads it with the first count; that is no compilation.
imported = time.perf_counter(), time.process_time()
compile_kernels()
end = time.perf_counter(), time.process_time()
print(json.dumps({"wall_seconds": end[0] - imported[0], "cpu_seconds": end[1] - imported[1]}))
"""


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    box = plnet.Box(-1, 1)
    plnet.count_regions(relu_network(he_layers([2, 4, 1], 0)), box)
    cases = {}
    for name in QUICK if options.quick else CASES:
        cases[name] = measure_case(
            [2, *CASES[name], 1], box, 2 if options.quick else 7 if "256" not in name else 3
        )
        print(f"{name}: {cases[name]['count']['regions_per_cpu_second']:,.0f} regions counted a CPU second")
    results: dict[str, Any] = {"cases": cases, "target_regions_per_second_64x3": TARGET}
    if not options.quick:
        results["compilation"] = compilation()
    write(options, "Regions per second on a plane, one core", results, before)


def measure_case(widths: list[int], box: plnet.Box, repeats: int) -> dict[str, Any]:
    """Measure all seeds of one shape."""
    rows: dict[str, list[dict[str, Any]]] = {"count": [], "enumerate": []}
    regions = []
    for seed in SEEDS:
        layers = he_layers(widths, seed)
        for verb, function in (("count", plnet.count_regions), ("enumerate", plnet.enumerate_regions)):
            row, result = measure_fresh(function, layers, box, repeats if verb == "count" else 3)
            number = result.count if verb == "count" else len(result)
            rows[verb].append(
                {**row, "fallbacks": result.n_fallbacks, "regions": number, "exact": result.exact}
            )
        regions.append(number)
    found: dict[str, Any] = {"widths": widths, "regions": regions}
    for verb, timed in rows.items():
        found[verb] = {
            "regions_per_cpu_second": statistics.median(r["regions"] / r["cpu_seconds"] for r in timed),
            "regions_per_wall_second": statistics.median(r["regions"] / r["wall_seconds"] for r in timed),
            "seeds": timed,
        }
    pairs = zip(rows["enumerate"], rows["count"], strict=True)
    found["enumerate_over_count"] = statistics.median(e["cpu_seconds"] / c["cpu_seconds"] for e, c in pairs)
    return found


def measure_fresh(function: Any, layers: Any, box: plnet.Box, repeats: int) -> tuple[dict[str, Any], Any]:
    """Give every repeat a network of its own, because a network remembers its exact weights."""
    networks = iter([relu_network(layers) for _ in range(repeats)])
    return measure(lambda: function(next(networks), box), repeats)


def compilation() -> dict[str, Any]:
    """Measure the first count of a process without and with compiled kernels on disk."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "compiling": run_python(COMPILE, NUMBA_CACHE_DIR=folder),
            "loading": run_python(COMPILE, NUMBA_CACHE_DIR=folder),
        }


if __name__ == "__main__":
    main()
