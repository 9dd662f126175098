"""Measure how long the characteristic polynomial of a hyperplane arrangement takes.

Published families with known numbers of regions, and normal coefficients in general position, one
thread. Each repeat builds the arrangement anew; kernels are compiled before. The counts are checked
against the published numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import arguments, environment, measure, write

from plnet.bounds import Arrangement, families, zaslavsky

FAMILIES = {
    "e7": (families.e7, 2_903_040),
    "h4": (families.h4, 14_400),
    "resonance_6": (lambda: families.resonance(6), 1_066_044),
    "threshold_6": (lambda: families.threshold(6), 15_028_134),
    "catalan_6": (lambda: families.catalan(6), 95_040),
    "resonance_7": (lambda: families.resonance(7), 347_326_352),
    "e8": (families.e8, 696_729_600),
}
LONG = {"resonance_7", "e8"}
GENERIC = {"20 in R^8": (20, 8), "24 in R^10": (24, 10), "2000 in R^2": (2000, 2)}
QUICK = {"h4", "catalan_6", "20 in R^8"}


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    families.threshold(3).n_regions()
    cases: dict[str, Any] = {}
    for name, (make, regions) in FAMILIES.items():
        if options.quick and name not in QUICK:
            continue
        cases[name] = case(make, regions, 1 if name in LONG or options.quick else 5)
    for name, (m, d) in GENERIC.items():
        if not options.quick or name in QUICK:
            cases[name] = case(lambda m=m, d=d: generic(m, d), zaslavsky(m, d), 1 if options.quick else 3)
    for name, row in cases.items():
        print(f"{name}: {row['regions']:,} regions in {row['cpu_seconds']:.3g} CPU seconds")
    write(options, "Seconds for a characteristic polynomial, one core", {"cases": cases}, before)


def generic(m: int, d: int) -> Arrangement:
    """Draw hyperplanes with normal coefficients, in general position."""
    rng = np.random.RandomState(0)
    return Arrangement(rng.randn(m, d), rng.randn(m))


def case(make: Any, regions: int, repeats: int) -> dict[str, Any]:
    """Measure one arrangement and check its number of regions."""
    row, found = measure(lambda: make().n_regions(), repeats)
    if found != regions:
        raise SystemExit(f"Expected {regions} regions, counted {found}.")
    return {**row, "regions": found}


if __name__ == "__main__":
    main()
