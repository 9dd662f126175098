"""Choose the strength of each method on validation data, then compare the methods on new seeds.

Usage: python paper_figures/experiment_forgetting_methods.py FOLDER

Five permuted-digit tasks, 64-100-100-10 ReLU, SGD 0.05, momentum 0.9 kept across tasks, batches of 64, 10
epochs. The search takes the setting with the largest mean validation accuracy on all tasks at the end, over 8
seeds, among those with which no replicate diverged. Its seeds are not used again.
"""

import csv
import sys
from pathlib import Path

import torch

from plnet.forgetting import SequenceResult, permuted, train_sequence, train_settings
from plnet.forgetting.methods import method

TASKS = permuted(5, "digits", validation_fraction=0.1)
SEARCH_SEEDS = range(1000, 1008)
SEEDS = range(20)
RATE = 0.05
GRID = {
    "l2": (0.01, 0.03, 0.1, 0.3),
    "ewc": (1.0, 3.0, 10.0, 30.0, 100.0),
    "si": (0.1, 0.3, 1.0, 3.0, 10.0),
    "replay": (0.3, 1.0, 3.0, 10.0),
}
"""Strengths of the search. Plain and joint training have nothing to choose."""


def main(folder: Path) -> None:
    torch.set_num_threads(
        1
    )  # Threads only slow such small layers down, and one gives the same sums everywhere.
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in ("plain", *GRID, "joint"):
        settings = {}
        if name in GRID:
            found = search(name)
            rows += found
            settings["strength"] = max(found, key=lambda row: row["validation_accuracy"])["strength"]
        result = train_sequence(TASKS, "relu", method(name, **settings), seeds=SEEDS, learning_rate=RATE)
        result.save(folder / f"{name}.npz")
    with (folder / "search.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def search(name: str) -> list[dict[str, object]]:
    """Return one row for each strength of a method; a strength that lets a replicate diverge counts as 0."""
    methods = [method(name, strength=strength) for strength in GRID[name]]
    results = train_settings(TASKS, "relu", methods, seeds=SEARCH_SEEDS, learning_rate=RATE)
    return [
        {
            "method": name,
            "strength": strength,
            "diverged": result.n_diverged,
            "validation_accuracy": validation_accuracy(result),
        }
        for strength, result in zip(GRID[name], results, strict=True)
    ]


def validation_accuracy(result: SequenceResult) -> float:
    if not result.finished.all():
        return 0.0
    return result.metrics(part="validation")["average_accuracy"].mean


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
