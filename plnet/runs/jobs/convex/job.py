"""The job of ``fit_convex.py``: k affine functions for a convex function, with the certified error."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from plnet.errors import ConfigError, FileFormatError
from plnet.geometry.domain import Box
from plnet.io import open_npz
from plnet.maxout.fitting import Target, fit_max_affine, named_target
from plnet.maxout.fitting.rates import rate_limit
from plnet.maxout.fitting.results import MaxAffineFit
from plnet.runs.config.options import FitConvexOptions
from plnet.runs.jobs.exact_numbers import exact_text
from plnet.runs.jobs.runtime import interruption_says_where, threads
from plnet.runs.jobs.seeding import streams
from plnet.runs.store.layout import METRICS_FILE
from plnet.runs.store.outputs import RunFolder

__all__ = ["fit_convex", "usual_bounds"]

# The domains of published optima; the others take [-1, 1].
_BOUNDS = {
    "neg_log": (0.1, 1.0),
    "reciprocal": (0.5, 2.0),
    "quartic": (0.0, 1.0),
    "x_log_x": (0.05, 1.0),
    "softplus": (-5.0, 5.0),
    "hypotenuse": (-2.0, 2.0),
}


def usual_bounds(target: str, dim: int) -> tuple[float, float]:
    """Return the ends of the box that a target gets if nothing else is said.

    Parameters
    ----------
    target : str
    dim : int
        For several inputs "square" is taken on the unit cube, whose optima are known.
    """
    if target == "square" and dim > 1:
        return 0.0, 1.0
    return _BOUNDS.get(target, (-1.0, 1.0))


def fit_convex(
    folder: RunFolder, options: FitConvexOptions, *, was_read: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Fit the maximum of k affine functions to a convex function or to samples, and write its error.

    Parameters
    ----------
    folder : RunFolder
    options : FitConvexOptions
    was_read : callable, optional
        Called when the samples have been read.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    PLNetError
        If an option is impossible, or the target is not convex where it has to be.
    """
    kind, pieces, target, dim = options.kind, options.pieces, options.target, options.dim
    how = {"kind": kind, "objective": options.objective, "rng": streams(options.seed).engine}
    started = time.perf_counter()
    with interruption_says_where(folder), threads(options.runtime.threads):
        if options.samples is not None:
            points = read_samples(Path(options.samples))
            if was_read is not None:
                was_read()
            fit = fit_max_affine(points, pieces, **how)
            metrics = {"samples": len(points[0])}
        else:
            function = named_target(target, dim)
            box = _box(target, dim, options.low, options.high)
            fit = fit_max_affine(function, pieces, box, **how)
            metrics = {"low": list(box.low), "high": list(box.high)} | _limit(function, box, kind)
        metrics |= _numbers(fit, pieces) | {"seed": options.seed, "seconds": time.perf_counter() - started}
        _write(folder, fit)
        folder.json(METRICS_FILE, metrics)
        if options.plot is not None and options.samples is None:
            # Only a figure needs matplotlib.
            from plnet.runs.jobs.convex.figures import draw_fit

            draw_fit(folder, named_target(target, dim), options.plot)
    return metrics


def read_samples(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of an npz file.

    Raises
    ------
    FileFormatError
        If it cannot be read or has other arrays.
    """
    hint = "Give an npz file with arrays x and y."
    with open_npz(path, "npz file", hint, hint) as stored:
        if not {"x", "y"} <= set(stored):
            found = ", ".join(sorted(stored)) or "none"
            raise FileFormatError(f"expected arrays x (n, d) and y (n,), got {found}")
        return stored["x"], stored["y"]


def _box(target: str, dim: int, low: Any, high: Any) -> Box:
    ends = []
    for name, given, usual in zip(("low", "high"), (low, high), usual_bounds(target, dim), strict=True):
        values = [usual] * dim if given is None else given if isinstance(given, list) else [given] * dim
        if len(values) != dim or not all(isinstance(v, int | float) and np.isfinite(v) for v in values):
            raise ConfigError(
                f"Expected {name} as a finite number, or a list of one for each of {dim} inputs; got {given}."
            )
        ends.append([float(v) for v in values])
    return Box(*ends)


def _limit(function: Target, box: Box, kind: str) -> dict[str, Any]:
    """Return the rank r of the Hessian, and bounds of the limit of k^(2/r) E_k, where they are known."""
    if function.hessian is None:
        return {"rank": None, "limit_low": None, "limit_high": None}
    rank, limits = rate_limit(function, box, kind=kind)
    low, high = limits or (None, None)
    return {"rank": rank, "limit_low": low, "limit_high": high}


def _numbers(fit: MaxAffineFit, pieces: int) -> dict[str, Any]:
    lower, upper = fit.sup_error_bounds
    optimal = fit.optimal_error
    return {
        "dim": fit.function.dim,
        "pieces": pieces,
        "pieces_used": fit.function.pieces,
        "sup_error": float(fit.sup_error),
        "sup_error_text": exact_text(fit.sup_error),
        "sup_error_low": float(lower),
        "sup_error_high": float(upper),
        "exact": lower == upper,
        "rms_error": fit.rms_error,
        "optimal_error": None if optimal is None else float(optimal),
        "excess": None if not optimal else float(fit.sup_error) / float(optimal) - 1,
        "method": fit.method,
        "stopped_by": fit.stopped_by,
        "assumptions": list(fit.assumptions),
    }


def _write(folder: RunFolder, fit: MaxAffineFit) -> None:
    function = fit.function
    columns: dict[str, Any] = {"piece": range(function.pieces)}
    for i in range(function.dim):
        columns[f"slope_{i}"] = function.float_slopes[:, i].tolist()
    folder.table("pieces.csv", columns | {"offset": function.float_offsets.tolist()})
    folder.arrays("fit.npz", slopes=function.float_slopes, offsets=function.float_offsets)
