"""Train maxout units from many random starts to imitate activations, and store how often they succeed.

Usage: python paper_figures/experiment_maxout_learning.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch

from plnet.maxout.learning import imitate, imitation_target

PIECES = (1, 2, 3, 4, 6, 8)
OPTIONS = {"replicates": 100, "steps": 600, "samples": 128, "progress": None}

# Of each series: the panel, what the legend says, the target, its slope, and the options.
SERIES = (
    ("target", "ReLU", "relu", None, {}),
    ("target", r"$|z|$", "abs", None, {}),
    ("target", "PReLU, slope 0.25", "prelu", 0.25, {}),
    ("target", "slope 1.7", "prelu", 1.7, {}),
    ("target", "hard tanh", "hardtanh", None, {}),
    ("target", "hard tanh, two units", "hardtanh", None, {"units": 2}),
    ("start", "uniform", "abs", None, {"initialiser": "default"}),
    ("start", "He", "abs", None, {"initialiser": "he"}),
    ("start", "He, biased", "abs", None, {"initialiser": "he_biased"}),
    ("start", "normal", "abs", None, {"initialiser": "normal"}),
    ("optimiser", "Adam", "abs", None, {"optimiser": "adam"}),
    ("optimiser", "RMSprop", "abs", None, {"optimiser": "rmsprop"}),
    ("optimiser", "momentum", "abs", None, {"optimiser": "momentum"}),
    ("optimiser", "SGD", "abs", None, {"optimiser": "sgd"}),
)


def main(folder: Path) -> None:
    torch.set_num_threads(1)  # One thread gives the same sums everywhere.
    folder.mkdir(parents=True, exist_ok=True)
    rows = [[learn(name, slope, k, options) for k in PIECES] for _, _, name, slope, options in SERIES]
    table = np.array(rows, dtype=np.float64)
    np.savez_compressed(
        folder / "success.npz",
        pieces=np.array(PIECES),
        panels=np.array([panel for panel, *_ in SERIES]),
        labels=np.array([label for _, label, *_ in SERIES]),
        rates=table[..., 0],
        intervals=table[..., 1:3],
        impossible=table[..., 3] > 0,
        steps=np.array(OPTIONS["steps"]),
    )


def learn(name: str, slope: float | None, pieces: int, options: dict) -> tuple[float, float, float, bool]:
    """Return the success rate, the ends of its interval, and whether success is proved to be impossible."""
    target = imitation_target(name, slope=slope)
    found = imitate(target, pieces, rng=0, **{**OPTIONS, **options})
    return found.rate, *found.interval(), found.impossible


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
