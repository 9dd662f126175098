"""Fit convex functions by maxima of more and more affine functions, and store the certified errors.

Usage: python paper_figures/experiment_max_affine_rates.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np

from plnet import Box
from plnet.maxout.fitting import named_target, rate_curve

LINES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
# Of each function of one variable: what the legend says, its name, and the interval.
INTERVALS = (
    (r"$x^2$ on $[-1, 1]$", "square", -1.0, 1.0),
    (r"$e^x$ on $[-1, 1]$", "exp", -1.0, 1.0),
    (r"$-\log x$ on $[0.1, 1]$", "neg_log", 0.1, 1.0),
    (r"$\log(1 + e^x)$ on $[-5, 5]$", "softplus", -5.0, 5.0),
    (r"$x^4$ on $[0, 1]$", "quartic", 0.0, 1.0),
)
# |x|^2 on the unit cube of each dimension.
CUBES = {
    1: (1, 2, 3, 4, 6, 8, 12, 16, 24),
    2: (1, 2, 3, 4, 6, 8, 12, 16, 24),
    3: (1, 2, 4, 8, 12, 16, 24),
    4: (1, 2, 4, 8, 16, 24),
}
STARTS = 5


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    curves = {}
    for number, (label, name, low, high) in enumerate(INTERVALS):
        curve = rate_curve(named_target(name), LINES, Box(low, high))
        store(curves, f"interval_{number}", label, curve)
    for dim, pieces in CUBES.items():
        box = Box([0.0] * dim, [1.0] * dim)
        curve = rate_curve(named_target("square", dim), pieces, box, starts=STARTS, rng=0)
        store(curves, f"cube_{dim}", f"$d = {dim}$", curve)
    np.savez_compressed(folder / "rates.npz", **curves)


def store(arrays: dict, name: str, label: str, curve) -> None:
    limits = (np.nan, np.nan) if curve.limits is None else curve.limits
    arrays[f"{name}_label"] = np.array(label)
    arrays[f"{name}_pieces"] = curve.pieces
    arrays[f"{name}_errors"] = curve.errors
    arrays[f"{name}_optima"] = curve.optimal_errors
    arrays[f"{name}_limits"] = np.array(limits)
    arrays[f"{name}_slope"] = np.array(curve.slope)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
