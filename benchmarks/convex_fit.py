"""Measure max-affine fits of convex functions: how close to the best possible, how fast, and the rates.

One variable: 11 functions and 1 to 16 pieces. The unit square: |x|^2, whose best error is known
from coverings by discs. One to four variables: the rate k^(-2/d). Samples, and pwlf on the same
samples where it is installed.
"""

from __future__ import annotations

import math
import time
from importlib import import_module
from typing import Any

import numpy as np
from common import arguments, environment, measure, write

from plnet import Box
from plnet.maxout.fitting import fit_max_affine, named_target, rate_curve

INTERVALS = [
    ("square", 0, 1),
    ("square", -1, 1),
    ("exp", 0, 1),
    ("exp", -1, 1),
    ("neg_log", 0.1, 1),
    ("reciprocal", 0.5, 2),
    ("quartic", 0, 1),
    ("x_log_x", 0.05, 1),
    ("softplus", -5, 5),
    ("hypotenuse", -2, 2),
    ("cosh", -1, 1),
]
# Radii of coverings of the unit square by k equal circles (Nurmela and Östergård 2000).
RADII = [
    math.sqrt(2) / 2,
    math.sqrt(5) / 4,
    math.sqrt(65) / 16,
    math.sqrt(2) / 4,
    0.326160584,
    0.298727062,
    0.274291885,
    0.260300106,
    0.230636928,
    0.218233513,
]
# Dimension, largest number of pieces (a power of two), starts.
RATES = [(1, 64, 1), (2, 64, 10), (3, 128, 3), (4, 64, 3)]
QUICK_RATES = [(1, 16, 1), (2, 8, 2)]


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    fit_max_affine(np.exp, 2, Box(0, 1))
    results = {
        "interval": {
            f"{name} on [{low}, {high}]": interval(name, low, high, (1, 4) if options.quick else range(1, 17))
            for name, low, high in INTERVALS[: 3 if options.quick else None]
        },
        "unit_square": {str(k): square(k) for k in ((1, 2) if options.quick else range(1, 11))},
        "rates": {
            str(d): rate(d, top, starts) for d, top, starts in (QUICK_RATES if options.quick else RATES)
        },
        "samples": samples(200 if options.quick else 1000),
    }
    write(
        options,
        "How close are max-affine fits to the best possible, and how long do they take?",
        results,
        before,
    )


def interval(name: str, low: float, high: float, pieces: Any) -> dict[str, Any]:
    """Compare the certified error with the bracket of the optimum for several numbers of pieces."""
    excess, seconds = [], []
    for k in pieces:
        row, fit = measure(lambda k=k: fit_max_affine(named_target(name), k, Box(low, high)), 3)
        excess.append(fit.sup_error / fit.optimal_error_bounds[0] - 1)
        seconds.append(row["cpu_seconds"])
    return {"largest_excess": max(excess), "median_cpu_seconds": float(np.median(seconds))}


def square(k: int) -> dict[str, Any]:
    """Compare the error of |x|^2 on the unit square with half the squared covering radius."""
    row, fit = measure(lambda: fit_max_affine(named_target("square", 2), k, Box(0, 1)), 1)
    best = RADII[k - 1] ** 2 / 2
    lo, hi = fit.sup_error_bounds
    print("square", k, hi / best - 1, row["cpu_seconds"])
    return {"error": hi, "excess": hi / best - 1, "bracket": hi - lo, "cpu_seconds": row["cpu_seconds"]}


def rate(dim: int, top: int, starts: int) -> dict[str, Any]:
    """Measure how the error of |x|^2 on the cube [-1, 1]^d falls with the number of pieces."""
    begin = time.thread_time()
    pieces = [2**i for i in range(int(math.log2(top)) + 1)]
    curve = rate_curve(named_target("square", dim), pieces, Box(-1, 1), starts=starts)
    assert curve.limits is not None
    seconds = time.thread_time() - begin
    print("rate", dim, curve.slope, seconds)
    return {
        "pieces": pieces,
        "errors": curve.errors.tolist(),
        "constants": curve.constants.tolist(),
        "limits": list(curve.limits),
        "slope": curve.slope,
        "expected_slope": curve.expected_slope,
        "cpu_seconds": seconds,
    }


def samples(n: int) -> dict[str, Any]:
    """Fit samples of exp with 4 pieces: in the sup norm, by least squares, and by pwlf."""
    x = np.linspace(0, 1, n)
    y = np.exp(x)
    found: dict[str, Any] = {"n": n}
    for objective in ("sup", "least_squares"):
        row, fit = measure(lambda o=objective: fit_max_affine((x, y), 4, objective=o), 3)
        found[objective] = {"sup_error": float(fit.sup_error), "rms_error": fit.rms_error, **row}
    found["pwlf"] = peer(x, y)
    return found


def peer(x: np.ndarray, y: np.ndarray) -> dict[str, Any] | None:
    """Fit the same samples with pwlf, which minimises the squared error by a global search of breakpoints."""
    try:
        pwlf = import_module("pwlf")
    except ImportError:
        return None
    begin = time.perf_counter()
    model = pwlf.PiecewiseLinFit(x, y, seed=0)
    model.fit(4)
    errors = y - model.predict(x)
    return {
        "version": str(pwlf.__version__),
        "sup_error": float(np.abs(errors).max()),
        "rms_error": float(np.sqrt((errors**2).mean())),
        "wall_seconds": time.perf_counter() - begin,
    }


if __name__ == "__main__":
    main()
