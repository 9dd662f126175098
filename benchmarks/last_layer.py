"""Measure what counting the last layer by the crossings of its walls saves against visiting every region.

ReLU networks with He weights and biases of standard deviation 0.1 on the box [-1, 1]^d, one thread, both ways
in turn in one process. Both ways give the same exact number. A case that takes too long to visit is measured
the fast way only.
"""

from __future__ import annotations

import statistics
from typing import Any

from common import arguments, environment, he_layers, measure, relu_network, write

import plnet
from plnet.regions.engines.cells import Cells

CASES = {
    "64x3": [2, 64, 64, 64, 1],
    "128x3": [2, 128, 128, 128, 1],
    "256x3": [2, 256, 256, 256, 1],
    "16,512": [2, 16, 512, 1],
    "8,2048": [2, 8, 2048, 1],
    "1024": [2, 1024, 1],
    "4096": [2, 4096, 1],
    "3: 64,64": [3, 64, 64, 1],
    "3: 8,200": [3, 8, 200, 1],
}
TOO_LONG = ("4096",)
QUICK = {"16,64": [2, 16, 64, 1], "256": [2, 256, 1]}


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    cases = {}
    for widths in ([2, 4, 4, 1], [2, 40, 1], [3, 4, 4, 1]):
        for engine in (Cells(), Cells(visit_all=True)):
            plnet.count_regions(relu_network(he_layers(widths, 0)), plnet.Box(-1, 1), engine=engine)
    for name, widths in (QUICK if options.quick else CASES).items():
        cases[name] = measure_case(widths, 2 if options.quick else 7, name in TOO_LONG)
        print(f"{name}: {cases[name]['crossings']['cpu_seconds']:.4f} s", end="")
        print(f", {ratio:.2f} times as fast" if (ratio := cases[name].get("visit_over_crossings")) else "")
    write(
        options,
        "CPU time with and without a visit to each region of the last layer",
        {"cases": cases},
        before,
    )


def measure_case(widths: list[int], repeats: int, too_long: bool) -> dict[str, Any]:
    """Measure one network; the two ways take turns, so that a busy machine slows both."""
    engines = {"crossings": Cells()} if too_long else {"crossings": Cells(), "visit": Cells(visit_all=True)}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in engines}
    found = []
    for _ in range(repeats):
        for name, engine in engines.items():
            network = relu_network(he_layers(widths, 0))
            row, result = measure(
                lambda network=network, engine=engine: plnet.count_regions(
                    network, plnet.Box(-1, 1), engine=engine
                ),
                1,
            )
            rows[name].append(row)
            found.append(result)
    assert len({result.count for result in found}) == 1
    out: dict[str, Any] = {"widths": widths, "regions": found[0].count, "repeats": repeats}
    out["exact"] = all(result.exact for result in found)
    for name, timed in rows.items():
        out[name] = {
            key: statistics.median(row[key] for row in timed) for key in ("wall_seconds", "cpu_seconds")
        }
    if not too_long:
        out["visit_over_crossings"] = statistics.median(
            slow["cpu_seconds"] / fast["cpu_seconds"]
            for slow, fast in zip(rows["visit"], rows["crossings"], strict=True)
        )
    return out


if __name__ == "__main__":
    main()
