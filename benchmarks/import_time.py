"""Measure what ``import plnet`` takes beyond torch, and how long the first names take.

Each figure is the median over fresh interpreters. Torch is imported first in the same process, so that its
own time is not counted.
"""

from __future__ import annotations

import statistics

from common import arguments, environment, run_python, write

CODE = """
import json, sys, time
marks = [("start", time.perf_counter(), time.process_time())]
def mark(name):
    marks.append((name, time.perf_counter(), time.process_time()))
import torch
mark("torch")
import plnet
mark("plnet")
plnet.Box
mark("plnet.Box")
plnet.count_regions
mark("plnet.count_regions")
print(json.dumps({b[0]: [b[1] - a[1], b[2] - a[2]] for a, b in zip(marks, marks[1:])}))
"""
ALONE = """
import json, sys, time
start = time.perf_counter(), time.process_time()
import plnet
print(json.dumps([time.perf_counter() - start[0], time.process_time() - start[1], "torch" in sys.modules]))
"""


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    repeats = 2 if options.quick else 7
    runs = [run_python(CODE) for _ in range(repeats)]
    alone = [run_python(ALONE) for _ in range(repeats)]
    results = {
        f"import {name}" if i < 2 else f"then {name}": seconds([run[name] for run in runs])
        for i, name in enumerate(runs[0])
    }
    results["import plnet without torch"] = {**seconds(alone), "imports torch": alone[0][2]}
    results["plnet over torch"] = (
        results["import plnet"]["wall_seconds"] / results["import torch"]["wall_seconds"]
    )
    results["repeats"] = repeats
    print(f"import plnet after torch: {results['import plnet']['wall_seconds']:.3f} s")
    write(options, "Time of import plnet beyond torch", results, before)


def seconds(rows: list) -> dict[str, float]:
    return {
        "wall_seconds": statistics.median(row[0] for row in rows),
        "cpu_seconds": statistics.median(row[1] for row in rows),
    }


if __name__ == "__main__":
    main()
