"""Measure counting and enumerating in three and more dimensions, one thread.

Boxes: ReLU networks as in ``count_plane.py``, on [-1, 1]^d. All of R^n: shapes that published tools were
measured on. Layers in special position: arrangements with known counts. With ``--peer FOLDER``, a checkout of
relu_edge_subdivision (Berzins 2023), the boxes are also run there, on the same weights in float32.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, environment, he_layers, measure, relu_network, write

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL

BOXES = {
    "3_16x2": [3, 16, 16],
    "3_32x2": [3, 32, 32],
    "3_64x2": [3, 64, 64],
    "4_16x2": [4, 16, 16],
    "4_24x2": [4, 24, 24],
    "6_12x2": [6, 12, 12],
    "8_10x2": [8, 10, 10],
}
SPACES = {
    "2_32x2": [2, 32, 32],
    "3_16x2": [3, 16, 16],
    "5_12x2": [5, 12, 12],
    "10_8x2": [10, 8, 8],
    "20_11x2": [20, 11, 11],
    "784_10_12": [784, 10, 12],
    "784_11_11": [784, 11, 11],
    "784_12_10": [784, 12, 10],
}
QUICK = ("3_16x2", "4_16x2", "10_8x2")
LARGEST_TO_ENUMERATE = 400_000
PEER = """
import json, os, sys, time
weights, folder = sys.argv[1:3]
sys.path.insert(0, folder)
os.chdir(folder)
import numpy as np, torch
torch.set_num_threads(1)
from NN import Net
from edge_subdivision import skeletal_subdivision
arrays = np.load(weights)
layers = [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in range(len(arrays.files) // 2)]
net = Net([layers[0][0].shape[1], *(len(bias) for _, bias in layers)])
with torch.no_grad():
    for linear, (weight, bias) in zip(net.fcs, layers):
        linear.weight.copy_(torch.tensor(weight))
        linear.bias.copy_(torch.tensor(bias))
    start = time.process_time()
    skeletal_subdivision(net, bbox=(-1, 1), device="cpu", verbose=False)
    print(json.dumps(time.process_time() - start))
"""
"""The peer returns vertices and edges; it cuts by its outputs, too, so it gets the hidden layers only."""


def main() -> None:
    options = parse()
    before = environment()
    box = plnet.Box(-1, 1)
    plnet.count_regions(relu_network(he_layers([3, 4, 1], 0)), box)
    results: dict[str, Any] = {"boxes": {}, "spaces": {}}
    for name in [n for n in BOXES if n in QUICK or not options.quick]:
        results["boxes"][name] = case(BOXES[name], box, options)
        say(name, "box", results["boxes"][name])
    for name in [n for n in SPACES if n in QUICK or not options.quick]:
        results["spaces"][name] = case(SPACES[name], None, options)
        say(name, "space", results["spaces"][name])
    results["resonance"] = {str(n): resonance(n, 1 if options.quick else 5) for n in (4, 5)}
    results["peak_memory_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    write(options, "Regions per second in three and more dimensions, one core", results, before)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    result = HERE / "results" / "count_space.json"
    parser.add_argument("--output", type=Path, default=result, help="result file")
    parser.add_argument("--quick", action="store_true", help="small cases only; the figures mean little")
    parser.add_argument("--peer", type=Path, help="checkout of relu_edge_subdivision to measure beside")
    return parser.parse_args()


def say(name: str, where: str, row: dict[str, Any]) -> None:
    text = f"{name} ({where}): {row['regions']:,} regions, counted in {row['count']['cpu_seconds']:.3g} s"
    if "peer_over_count" in row:
        text += f", {row['peer_over_count']:.3g} times faster than the peer"
    print(text, flush=True)


def case(widths: list[int], domain: plnet.Box | None, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one shape: count, enumerate, and the peer on a box."""
    layers = he_layers([*widths, 1], 0)
    networks = iter([relu_network(layers) for _ in range(8)])
    count, result = measure(lambda: plnet.count_regions(next(networks), domain), 3)
    row: dict[str, Any] = {
        "widths": widths,
        "regions": result.count,
        "exact": result.exact,
        "fallbacks": result.n_fallbacks,
        "count": count,
    }
    if result.count <= LARGEST_TO_ENUMERATE and widths[0] <= 20:
        row["enumerate"], _ = measure(lambda: plnet.enumerate_regions(next(networks), domain), 1)
    if options.peer is not None and domain is not None:
        row["peer_seconds"] = statistics.median(peer_seconds(layers[:-1], options.peer) for _ in range(3))
        row["peer_over_count"] = row["peer_seconds"] / count["cpu_seconds"]
    return row


def peer_seconds(layers: list[tuple[np.ndarray, np.ndarray]], folder: Path) -> float:
    """Return the CPU seconds of the peer's own call, without the imports."""
    with tempfile.TemporaryDirectory() as place:
        weights = Path(place) / "weights.npz"
        arrays = {f"w{i}": w for i, (w, _) in enumerate(layers)} | {
            f"b{i}": b for i, (_, b) in enumerate(layers)
        }
        np.savez(weights, **arrays)  # type: ignore[arg-type]
        command = [sys.executable, "-c", PEER, str(weights), str(folder.resolve())]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def resonance(n: int, repeats: int) -> dict[str, Any]:
    """Enumerate the resonance arrangement: hyperplanes of all subsets of the coordinates."""
    rows = np.array([row for row in product((0.0, 1.0), repeat=n) if any(row)])
    times, found = measure(
        lambda: plnet.enumerate_regions(
            PLNetwork((Affine(rows, np.zeros(len(rows))), ScalarPWL.relu(len(rows))), n)
        ),
        repeats,
    )
    rate = statistics.median([len(found) / times["cpu_seconds"]])
    return {"regions": len(found), "exact": found.exact, "enumerate": times, "regions_per_cpu_second": rate}


if __name__ == "__main__":
    main()
