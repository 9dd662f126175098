"""The job of ``check_maxout.py``: an activation as maxout units, proved; and how often units learn it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from plnet.runs.jobs.exact_numbers import exact_text
from plnet.runs.jobs.interruption import interruption_says_where
from plnet.runs.jobs.seeding import streams
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps
from plnet.runs.sweeps.devices import check_device, threads

__all__ = ["PIECES_FILE", "TEXT_FILE", "LearningOptions", "check_maxout"]

logger = logging.getLogger(__name__)

PIECES_FILE, TEXT_FILE = "pieces.csv", "expressivity.txt"


@dataclass(frozen=True)
class LearningOptions:
    """How the units are trained; as in `plnet.maxout.learning.imitate`."""

    units: int = 1
    replicates: int = 200
    initialiser: str = "default"
    optimiser: str = "adam"
    learning_rate: float | None = None
    steps: int = 1000
    samples: int = 256
    tolerance: float = 0.02


def check_maxout(
    folder: RunFolder,
    *,
    activation: str = "prelu",
    slope: float | None = None,
    pieces: int = 2,
    widths: Sequence[int] | None = (2, 16, 16, 1),
    perturbation: int = 40,
    learning: LearningOptions | None = None,
    max_seconds: float | None = None,
    draw: Callable[[RunFolder], Any] | None = None,
    seed: int = 0,
    device: str = "cpu",
    n_threads: int | None = 1,
    progress: Any = "auto",
    steps: Steps | None = None,
) -> dict[str, Any]:
    """Prove which maxout units compute an activation, alone and in a random network, and let units learn it.

    Parameters
    ----------
    folder : RunFolder
        Results are written as soon as they are known.
    activation : str
        A name of `plnet.maxout.learning.TARGETS`. The smooth ones are only learnt.
    slope : float, optional
        Of leaky_relu and prelu.
    pieces : int
        Of the units that learn.
    widths : sequence of int, optional
        Of a random network with this activation.
    perturbation : int
        One weight of its conversion is moved by 2^-perturbation.
    learning : LearningOptions, optional
        No training without it.
    max_seconds : float, optional
        Of each proof.
    draw : callable, optional
        Draws the figure from the files of the folder.
    seed : int
    device : str
        Of the training.
    n_threads : int, optional
    progress : "auto", bool or None
    steps : Steps, optional
        What an earlier attempt in this folder has completed.

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
    target = imitation_target(activation, slope=slope)
    _check(target, pieces, widths, perturbation, learning)
    job = _Job(folder, seed, max_seconds, progress, Steps(None) if steps is None else steps)
    with interruption_says_where(folder), threads(n_threads):
        chosen_device = check_device(device)
        job.write(
            activation=activation,
            slope=slope,
            piecewise_linear=target.piecewise_linear,
            convex=target.convex,
            concave=target.concave,
        )
        if target.piecewise_linear:
            job.step("identity", lambda: _identity(job, activation, slope), [PIECES_FILE, TEXT_FILE])
            if widths is not None:
                job.step("network", lambda: _network(job, activation, slope, widths, perturbation))
        if learning is not None:
            job.step("learning", lambda: _learn(job, target, pieces, learning, chosen_device), ["learnt.npz"])
        if draw is not None:
            draw(folder)
        job.write(seconds_total=job.seconds())
    return job.metrics


def _check(
    target: ImitationTarget,
    pieces: int,
    widths: Sequence[int] | None,
    perturbation: int,
    learning: LearningOptions | None,
) -> None:
    chosen = learning or LearningOptions()
    check_imitation(
        pieces, chosen.units, chosen.replicates, chosen.samples, chosen.tolerance, chosen.initialiser
    )
    Descent(chosen.optimiser, chosen.learning_rate, chosen.steps)
    if not isinstance(perturbation, int) or not 0 <= perturbation <= 1000:
        raise ConfigError(f"Expected perturbation between 0 and 1000, got {perturbation!r}.")
    if not target.piecewise_linear and learning is None:
        raise ConfigError(
            f"{target.name} is smooth: no maxout units compute it, so there is nothing to prove. "
            "Leave learning=none out."
        )
    if target.piecewise_linear and widths is not None and (len(widths) < 3 or min(widths) < 1):
        raise ConfigError(
            f"Expected widths to be at least three positive integers (input, hidden layers, output), "
            f"got {list(widths)}."
        )


class _Job:
    """What the steps of one run share; `metrics` grows with every step and is on disk after it."""

    def __init__(
        self, folder: RunFolder, seed: int, max_seconds: float | None, progress: Any, steps: Steps
    ) -> None:
        self.folder, self.max_seconds, self.progress, self.steps = folder, max_seconds, progress, steps
        self.seeds = streams(seed)
        self.metrics: dict[str, Any] = {"seed": seed}
        self._start, self._before = time.perf_counter(), 0.0

    def seconds(self) -> float:
        """Return the wall time of this attempt, and that of the steps which it found done."""
        return self._before + time.perf_counter() - self._start

    def write(self, **values: Any) -> None:
        self.metrics.update(values)
        self.folder.json("metrics.json", self.metrics)

    def step(self, name: str, make: Callable[[], dict[str, Any]], files: Sequence[str] = ()) -> None:
        values = self.steps.done(name)
        if values is None:
            started = time.perf_counter()
            values = make() | {f"seconds_{name}": time.perf_counter() - started}
            self.write(**values)
            self.steps.complete(name, values, files)
        else:
            logger.info("%s: done by an earlier attempt", name)
            self._before += values[f"seconds_{name}"]
            self.write(**values)

    def compare(self, f: Any, g: Any, domain: Any, suffix: str) -> dict[str, Any]:
        """Return what is proved about two functions, as entries of the metrics."""
        report = check_equivalence(
            f, g, domain, max_seconds=self.max_seconds, rng=self.seeds.engine, progress=self.progress
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


def _identity(job: _Job, activation: str, slope: float | None) -> dict[str, Any]:
    module = activation_module(activation, slope)
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


def _network(
    job: _Job, activation: str, slope: float | None, widths: Sequence[int], perturbation: int
) -> dict[str, Any]:
    network = mlp(widths, activation, slope=slope, rng=job.seeds.initialisation, dtype=torch.float64)
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
        weight.view(-1)[place] += 2.0**-perturbation
    return values | job.compare(network, converted, box, "_perturbed")


def _learn(
    job: _Job, target: ImitationTarget, pieces: int, options: LearningOptions, device: torch.device
) -> dict[str, Any]:
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
    job.folder.arrays(
        "learnt.npz",
        weight=found.weight,
        bias=found.bias,
        loss=found.loss,
        lower=found.lower,
        upper=found.upper,
        success=found.success,
    )
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
