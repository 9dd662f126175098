"""Train a small network on two interleaved spirals and store its partition layer by layer.

Usage: python paper_figures/experiment_depth_partition.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch

import plnet
from plnet.ir import PLNetwork, as_network
from plnet.networks import mlp

WIDTHS = (2, 12, 12, 12, 2)
SEED = 0
STEPS = 1000
DOMAIN = plnet.Box(-1.0, 1.0)


def main(folder: Path) -> None:
    torch.set_num_threads(
        1
    )  # Threads only slow such small layers down, and one gives the same sums everywhere.
    folder.mkdir(parents=True, exist_ok=True)
    network = as_network(trained_network())
    for depth in (1, 2, 3):
        plnet.enumerate_regions(first_layers(network, depth), DOMAIN).save(folder / f"regions_{depth}.npz")


def spirals(per_class: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return points (2 * per_class, 2) in the square [-1, 1]^2 and their classes 0 and 1."""
    turn = np.sqrt(rng.uniform(0.02, 1.0, per_class)) * 3.0 * np.pi / 2
    arm = 0.9 * turn[:, None] / turn.max() * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points = np.concatenate([arm, -arm]) + rng.normal(scale=0.02, size=(2 * per_class, 2))
    return points, np.repeat([0, 1], per_class)


def trained_network() -> torch.nn.Module:
    points, classes = spirals(100, np.random.default_rng(SEED))
    inputs, targets = torch.tensor(points), torch.tensor(classes)
    module = mlp(WIDTHS, "relu", initialiser="he", bias_std=0.3, rng=SEED, dtype=torch.float64)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.005)
    for _ in range(STEPS):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(module(inputs), targets).backward()
        optimiser.step()
    return module.eval()


def first_layers(network: PLNetwork, depth: int) -> PLNetwork:
    """Return the first `depth` hidden layers; all of them come with the output layer."""
    hidden = len(network.nonlinear_layers)
    layers = network.layers if depth == hidden else network.layers[: 2 * depth]
    return PLNetwork(layers, network.input_dim)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
