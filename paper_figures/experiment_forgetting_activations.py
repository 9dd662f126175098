"""Train networks with several activations, without and with dropout, on five permuted-digit tasks.

Usage: python paper_figures/experiment_forgetting_activations.py FOLDER

Equal numbers of parameters (those of 64-100-100-10 ReLU), the same seeds for all: SGD 0.05, momentum 0.9 kept
across tasks, batches of 64, 10 epochs, dropout 0.2 of inputs and 0.5 of hidden units.
"""

import sys
from pathlib import Path

import torch

from plnet.forgetting import permuted, train_sequence
from plnet.forgetting.models.spec import ModelSpec

ACTIVATIONS = ("relu", "maxout", "lwta", "tanh", "sigmoid")
SEEDS = range(20)


def main(folder: Path) -> None:
    torch.set_num_threads(
        1
    )  # Threads only slow such small layers down, and one gives the same sums everywhere.
    folder.mkdir(parents=True, exist_ok=True)
    for activation in ACTIVATIONS:
        model = ModelSpec((100, 100), activation, matching="parameters")
        for name, dropout in ((activation, False), (f"{activation}_dropout", True)):
            curves = 1 if name == "relu" else None
            result = train_sequence(
                permuted(5), model, seeds=SEEDS, learning_rate=0.05, dropout=dropout, curves=curves
            )
            result.save(folder / f"{name}.npz")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
