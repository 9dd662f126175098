"""The job of ``check_maxout.py``: an activation as maxout units, proved; and how often units learn it."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.equivalence import check_equivalence
from plnet.errors import ConfigError
from plnet.geometry.domain import Box
from plnet.ir.reading.ingest import as_network
from plnet.maxout.conversion.modules import to_maxout
from plnet.maxout.expressivity.explain import explain_expressivity
from plnet.maxout.learning.descent import Descent
from plnet.maxout.learning.imitation import Imitation, check_imitation, imitate
from plnet.maxout.learning.targets import ImitationTarget, imitation_target
from plnet.networks.activations import ACTIVATIONS
from plnet.networks.perceptron import mlp
from plnet.progress import Progress
from plnet.runs.config.options import CheckMaxoutOptions, LearningOptions
from plnet.runs.jobs.exact_numbers import exact_text
from plnet.runs.jobs.maxout.report import PIECES_FILE, TEXT_FILE
from plnet.runs.jobs.metrics import StepwiseRun
from plnet.runs.jobs.runtime import check_device, interruption_says_where, threads
from plnet.runs.jobs.seeding import streams
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps

__all__ = ["check_maxout"]

logger = logging.getLogger(__name__)


def check_maxout(
    folder: RunFolder, options: CheckMaxoutOptions, *, steps: Steps | None = None, progress: Progress = "auto"
) -> dict[str, Any]:
    """Prove which maxout units compute an activation, alone and in a random network, and let units learn it.

    Parameters
    ----------
    folder : RunFolder
        Results are written as soon as they are known.
    options : CheckMaxoutOptions
    steps : Steps, optional
        What an earlier attempt in this folder has completed.
    progress : "auto", bool or None

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    PLNetError
        If an option is impossible, before any work.
    KeyboardInterrupt
        After Ctrl-C, when what is known has been written.
    """
    target = imitation_target(options.activation, slope=options.slope)
    _check(target, options)
    job = _Job(folder, steps, options, progress)
    with interruption_says_where(folder), threads(options.runtime.threads):
        device = check_device(options.runtime.device)
        job.write(
            activation=options.activation,
            slope=options.slope,
            piecewise_linear=target.piecewise_linear,
            convex=target.convex,
            concave=target.concave,
        )
        if target.piecewise_linear:
            job.step("identity", lambda: _identity(job), [PIECES_FILE, TEXT_FILE])
            if options.widths is not None:
                job.step("network", lambda: _network(job))
        if options.learning is not None:
            job.step("learning", lambda: _learn(job, target, device), ["learnt.npz"])
        if options.plot is not None:
            # Only a figure needs matplotlib.
            from plnet.runs.jobs.maxout.figures import draw_expression

            draw_expression(folder, target, options.plot)
        job.write(seconds_total=job.seconds())
    return job.metrics


def _check(target: ImitationTarget, options: CheckMaxoutOptions) -> None:
    chosen, widths, perturbation = options.learning or LearningOptions(), options.widths, options.perturbation
    check_imitation(
        options.pieces, chosen.units, chosen.replicates, chosen.samples, chosen.tolerance, chosen.initialiser
    )
    Descent(chosen.optimiser, chosen.learning_rate, chosen.steps)
    if not isinstance(perturbation, int) or not 0 <= perturbation <= 1000:
        raise ConfigError(f"Expected perturbation between 0 and 1000, got {perturbation!r}.")
    if not target.piecewise_linear and options.learning is None:
        raise ConfigError(
            f"{target.name} is smooth: no maxout units compute it, so there is nothing to prove. "
            "Leave learning=none out."
        )
    if target.piecewise_linear and widths is not None and (len(widths) < 3 or min(widths) < 1):
        raise ConfigError(
            f"Expected widths to be at least three positive integers (input, hidden layers, output), "
            f"got {list(widths)}."
        )


class _Job(StepwiseRun):
    """The proofs and the training of one run."""

    def __init__(
        self, folder: RunFolder, steps: Steps | None, options: CheckMaxoutOptions, progress: Progress
    ) -> None:
        super().__init__(folder, steps, seed=options.seed)
        self.options, self.seeds = options, streams(options.seed)
        self.progress: Progress = progress

    def compare(self, f: Any, g: Any, domain: Any, suffix: str) -> dict[str, Any]:
        """Return what is proved about two functions, as entries of the metrics."""
        report = check_equivalence(
            f, g, domain, max_seconds=self.options.max_seconds, rng=self.seeds.engine, progress=self.progress
        )
        deviation = report.max_deviation
        return {
            f"equivalent{suffix}": report.equivalent,
            f"exact{suffix}": report.exact,
            f"max_deviation{suffix}": None if deviation is None else float(deviation),
            f"max_deviation_text{suffix}": None if deviation is None else exact_text(deviation),
            f"method{suffix}": report.method,
            f"reason{suffix}": report.reason,
        }


def activation_module(activation: str, slope: float | None) -> nn.Module:
    """Return an activation as a float64 module."""
    known = ACTIVATIONS[activation]
    assert known.build is not None
    return known.build(known.default_slope if slope is None else slope, dtype=torch.float64).double()


def _identity(job: _Job) -> dict[str, Any]:
    module = activation_module(job.options.activation, job.options.slope)
    report = explain_expressivity(module)
    rows = [
        (number, unit.sign, exact_text(a), exact_text(c), float(a), float(c))
        for number, unit in enumerate(report.units)
        for a, c in zip(unit.slopes, unit.intercepts, strict=True)
    ]
    names = ("unit", "sign", "slope", "intercept", "slope_float", "intercept_float")
    job.folder.table(PIECES_FILE, dict(zip(names, zip(*rows, strict=True), strict=True)))
    job.folder.text(TEXT_FILE, f"{report}\n")
    return {
        "function": report.name,
        "verdict": report.verdict,
        "formula": report.formula,
        "one_unit": report.one_unit,
        "units_needed": len(report.units),
        "pieces_needed": list(report.pieces),
        "signs": [unit.sign for unit in report.units],
        **job.compare(as_network(module, 1), to_maxout(module), None, ""),
    }


def _network(job: _Job) -> dict[str, Any]:
    options, widths = job.options, job.options.widths
    assert widths is not None
    rng, dtype = job.seeds.initialisation, torch.float64
    network = mlp(widths, options.activation, slope=options.slope, rng=rng, dtype=dtype)
    converted = to_maxout(network)
    box = Box([-1.0] * widths[0], [1.0] * widths[0])
    values = {
        "units_network": converted.conversion.n_units,
        "pieces_network": converted.conversion.n_pieces,
        **job.compare(network, converted, None, "_network"),
    }
    started = time.perf_counter()
    values |= job.compare(network, converted, box, "_network_box")
    values["seconds_network_box"] = time.perf_counter() - started
    # The first matrix: what it changes passes through the whole network.
    weight = next(p for p in converted.parameters() if p.ndim == 2)
    place = np.random.default_rng(job.seeds.batches).integers(weight.numel())
    with torch.no_grad():
        weight.view(-1)[place] += 2.0**-options.perturbation
    return values | job.compare(network, converted, box, "_perturbed")


def _learn(job: _Job, target: ImitationTarget, device: torch.device) -> dict[str, Any]:
    options, pieces = job.options.learning, job.options.pieces
    assert options is not None
    logger.info("training %d random starts", options.replicates)
    found = imitate(
        target, pieces, **vars(options), rng=job.seeds.images, device=device, progress=job.progress
    )
    low, high = found.interval()
    exact_low, exact_high = found.interval(kind="clopper_pearson")
    values = {
        "pieces": pieces,
        "units": options.units,
        "replicates": found.replicates,
        "learnt": found.successes,
        "learnt_rate": found.rate,
        "learnt_low": low,
        "learnt_high": high,
        "learnt_low_exact": exact_low,
        "learnt_high_exact": exact_high,
        "learnt_undecided": found.undecided,
        "learnt_impossible": found.impossible,
        "threshold": found.threshold,
        "affine_error": found.affine_error,
        "optimal_error": found.optimal_error,
        "least_error": found.least_error,
        "deviation_best": float(found.upper.min()),
        "deviation_median": float(np.median(found.upper)),
        "steps": found.steps,
        "stopped_by": found.stopped_by,
        "matching": _matching(found),
    }
    names = ("weight", "bias", "loss", "lower", "upper", "success")
    job.folder.arrays("learnt.npz", **{name: getattr(found, name) for name in names})
    if found.stopped_by == "Ctrl-C":
        job.write(**values)
        raise KeyboardInterrupt(f" during the training, after {found.steps} of {options.steps} steps")
    return values


def _matching(found: Imitation) -> list[dict[str, Any]]:
    """Return the pieces of the best start beside the exact ones, where these are unique."""
    if found.units != 1 or not found.target.convex or not found.target.piecewise_linear:
        return []
    return [
        {
            "exact": [exact_text(match.exact[0]), exact_text(match.exact[1])],
            "learnt": list(match.learnt),
            "distance": match.distance,
        }
        for match in found.pieces_of()
    ]
