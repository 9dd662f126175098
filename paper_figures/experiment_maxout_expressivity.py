"""Prove which maxout units compute activations, and fit a quadratic; store pieces, verdicts and errors.

Usage: python paper_figures/experiment_maxout_expressivity.py FOLDER
"""

import json
import sys
from pathlib import Path

import torch

from plnet import Box, as_network
from plnet.equivalence import check_equivalence
from plnet.maxout import explain_expressivity, to_maxout
from plnet.maxout.fitting import fit_max_affine, named_target

# What the title says, and the slope below 0 of a rectifier.
RECTIFIERS = (
    ("ReLU", 0.0),
    (r"$|z|$", -1.0),
    ("leaky ReLU", 0.125),
    ("PReLU", -0.375),
    ("slope 1.7", 1.7),
)
PIECES = 4


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    panels = [rectifier(title, slope) for title, slope in RECTIFIERS]
    folder.joinpath("panels.json").write_text(json.dumps([*panels, quadratic()], indent=2), encoding="utf-8")


def rectifier(title: str, slope: float) -> dict:
    """Return the units of a rectifier and what is proved about them on the whole line."""
    module = torch.nn.LeakyReLU(slope)
    report = explain_expressivity(module)
    proof = check_equivalence(as_network(module, 1), to_maxout(module))
    witness = report.witness
    return {
        "title": title,
        "slope": slope,
        "one_unit": report.one_unit,
        "formula": report.formula,
        "units": [
            {
                "sign": unit.sign,
                "slopes": [float(a) for a in unit.slopes],
                "offsets": [float(c) for c in unit.intercepts],
            }
            for unit in report.units
        ],
        "equivalent": proof.equivalent,
        "deviation": str(proof.max_deviation),
        "witness": None
        if witness is None
        else [[float(p[0]), float(v)] for p, v in zip(points(witness), witness.values, strict=True)],
    }


def points(witness) -> list:
    return [witness.start, witness.middle, witness.end]


def quadratic() -> dict:
    """Return the best maximum of a few lines for a square, with its certified error."""
    fit = fit_max_affine(named_target("square"), PIECES, Box(-1.0, 1.0))
    return {
        "title": rf"$z^2$, $k = {PIECES}$",
        "slope": None,
        "units": [
            {
                "sign": 1,
                "slopes": fit.function.float_slopes[:, 0].tolist(),
                "offsets": fit.function.float_offsets.tolist(),
            }
        ],
        "error": float(fit.sup_error),
        "optimal_error": float(fit.optimal_error),
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
