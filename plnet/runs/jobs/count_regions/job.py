"""The job of ``count_regions.py``: count linear regions before training, train, count again, draw both.

Plain functions of plain arguments; `plnet.runs.jobs.count_regions.build` makes these from a configuration.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from plnet.errors import FileFormatError
from plnet.ir.reading.ingest import as_network
from plnet.networks.stored import read_tensors
from plnet.progress import Progress
from plnet.regions.complex import RegionComplex
from plnet.runs.config.options import CountingOptions, PlotOptions, Runtime
from plnet.runs.jobs.count_regions.counting import Counted, count, count_again, load_engine
from plnet.runs.jobs.count_regions.data import Dataset
from plnet.runs.jobs.count_regions.domains import ChosenDomain
from plnet.runs.jobs.count_regions.fit import accuracies, check_fit, sizes
from plnet.runs.jobs.count_regions.report import FIGURE, count_in_words
from plnet.runs.jobs.count_regions.train import History
from plnet.runs.jobs.metrics import StepwiseRun
from plnet.runs.jobs.runtime import check_device, determinism, interruption_says_where, threads
from plnet.runs.jobs.seeding import streams
from plnet.runs.store.environment import describe_environment
from plnet.runs.store.layout import ENVIRONMENT_FILE
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps
from plnet.runs.store.resume_training import TrainingCheckpoint

__all__ = ["CountRegionsOptions", "run_count_regions"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CountRegionsOptions:
    """What is counted, and how.

    Parameters
    ----------
    network : callable
        ``network(rng=...)`` returns the module.
    domain : callable
        ``domain(data, rng=...)`` returns the domain.
    data : callable, optional
        ``data(rng=...)`` returns the data set.
    training : callable, optional
        ``training(module, data, rng=..., device=..., progress=...)`` trains in place; with a parameter
        ``checkpoint`` it gets a `TrainingCheckpoint`. Without it the network is counted once.
    counting : CountingOptions
    plot : PlotOptions, optional
        No figure without it.
    seed : int
    runtime : Runtime
    """

    network: Callable[..., nn.Module]
    domain: Callable[..., ChosenDomain]
    data: Callable[..., Dataset] | None = None
    training: Callable[..., History] | None = None
    counting: CountingOptions = field(default_factory=CountingOptions)
    plot: PlotOptions | None = None
    seed: int = 0
    runtime: Runtime = field(default_factory=Runtime)


def run_count_regions(
    folder: RunFolder,
    options: CountRegionsOptions,
    *,
    steps: Steps | None = None,
    was_read: Callable[[], None] | None = None,
    progress: Progress = "auto",
) -> dict[str, Any]:
    """Count the regions of a network before and after training, and write everything down.

    Parameters
    ----------
    folder : RunFolder
        Results are written as soon as they are known.
    options : CountRegionsOptions
    steps : Steps, optional
        What an earlier attempt in this folder has completed.
    was_read : callable, optional
        Called when data and network have been read.
    progress : "auto", bool or None

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    PLNetError
        If the parts do not go together, before any training; or if the training diverges.
    KeyboardInterrupt
        After Ctrl-C, when what is known has been written; its text says where.
    """
    runtime, training = options.runtime, options.training
    device, seeds = check_device(runtime.device), streams(options.seed)
    with interruption_says_where(folder), threads(runtime.threads), determinism(runtime.deterministic):
        folder.json(ENVIRONMENT_FILE, describe_environment(device))
        samples = None if options.data is None else options.data(rng=seeds.split)
        module = options.network(rng=seeds.initialisation).eval()
        if was_read is not None:
            was_read()
        pl_network = as_network(module)
        check_fit(pl_network, samples, training is not None)
        chosen = options.domain(samples, rng=seeds.images)
        numbers = {"seed": options.seed, **sizes(module, pl_network, samples)}
        job = _Job(folder, steps, options, chosen, progress, numbers)
        dim = chosen.domain.chart(pl_network.input_dim).dim
        job.metrics["seconds_loading_engine"] = load_engine(dim, options.counting)
        if training is not None and samples is not None:
            before = job.count(module, "before", "regions_before.npz", "checkpoint_before.pt")
            job.train(training, module, samples, device)
            after = job.count(module, "after", "regions.npz", "checkpoint_after.pt")
            counts = {"before training": before, "after training": after}
        else:
            job.metrics |= accuracies(module, samples)
            counts = {"": job.count(module, "", "regions.npz", "checkpoint.pt")}
        job.write(seconds_total=job.seconds())
        if options.plot is not None:
            # Only a figure needs matplotlib.
            from plnet.runs.jobs.count_regions.figures import draw_panels

            draw_panels(folder.place(FIGURE), counts, options.plot, chosen.images, chosen.labels)
        job.write(seconds_total=job.seconds())
    return job.metrics


class _Job(StepwiseRun):
    """The counts and the training of one run."""

    def __init__(
        self,
        folder: RunFolder,
        steps: Steps | None,
        options: CountRegionsOptions,
        chosen: ChosenDomain,
        progress: Progress,
        numbers: dict[str, Any],
    ) -> None:
        super().__init__(folder, steps, **numbers)
        self.domain, self.counting, self.progress = chosen.domain, options.counting, progress
        self.seeds = streams(options.seed)
        if chosen.coordinates is not None:
            arrays = {"coordinates": chosen.coordinates, "images": chosen.images, "labels": chosen.labels}
            folder.arrays("points.npz", **arrays)

    def count(self, module: nn.Module, when: str, regions: str, weights: str) -> Counted:
        name = f"count_{when}".rstrip("_")
        stored = self._stored_count(name, module, regions, weights)
        if stored is not None:
            return stored
        # The weights go first: with them a count that was cut off can be made again.
        self.folder.state_dict(weights, module.state_dict())
        start = time.perf_counter()
        counted = count(
            as_network(module), self.domain, self.counting, rng=self.seeds.engine, progress=self.progress
        )
        found = counted.complex_
        found.save(self.folder.place(regions))
        values = {
            "engine": found.engine,
            "definition": "activation",
            "dimension": found.dim,
            **counted.metrics(f"_{when}" if when else ""),
        }
        self.write(**values)
        logger.info(
            "%s %s; engine %s",
            f"{when}:" if when else "counted:",
            count_in_words(counted.metrics()),
            found.engine,
        )
        if counted.stopped_by == "Ctrl-C":
            raise KeyboardInterrupt(" during the count")
        values |= {"stopped_by": counted.stopped_by, "seconds": time.perf_counter() - start}
        self.steps.complete(name, values, [regions, weights])
        return counted

    def _stored_count(self, name: str, module: nn.Module, regions: str, weights: str) -> Counted | None:
        values = self.steps.done(name)
        if values is None:
            return None
        try:
            state = _weights(self.folder.path / weights)
            found = RegionComplex.load(self.folder.path / regions)
        except FileFormatError:
            return None
        if not _same_weights(module.state_dict(), state):
            return None
        seconds, counted = values.pop("seconds"), count_again(found, values.pop("stopped_by"))
        self.take_over(name.replace("_", " "), values, seconds)
        return counted

    def _stored_training(self, module: nn.Module) -> dict[str, Any] | None:
        values = self.steps.done("training")
        if values is not None:
            try:
                module.load_state_dict(_weights(self.folder.path / "checkpoint_after.pt"))
            except FileFormatError as error:
                logger.warning("the training is made again: %s", error)
                return None
        return values

    def train(self, training: Callable[..., History], module: nn.Module, data: Dataset, device: Any) -> None:
        values = self._stored_training(module)
        if values is not None:
            module.eval()
            self.take_over("training", values, values["seconds_training"])
            return
        checkpoint = TrainingCheckpoint(self.folder, self.steps)
        known = inspect.signature(training).parameters
        options = {"checkpoint": checkpoint} if "checkpoint" in known else {}
        start = time.perf_counter()
        try:
            history = training(
                module, data, rng=self.seeds.batches, device=device, progress=self.progress, **options
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(" during the training") from None
        module.eval()
        spent = time.perf_counter() - start
        seconds = history.seconds if history.seconds == history.seconds else spent
        self._before += seconds - spent
        columns = {
            "epoch": range(1, len(history.loss) + 1),
            "loss": history.loss.tolist(),
            "accuracy_train": history.accuracy_train.tolist(),
            "accuracy_test": history.accuracy_test.tolist(),
        }
        self.folder.table("training.csv", columns)
        values = {
            "epochs": len(history.loss),
            "loss": float(history.loss[-1]),
            "accuracy_train": float(history.accuracy_train[-1]),
            "accuracy_test": float(history.accuracy_test[-1]),
            "seconds_training": seconds,
        }
        self.write(**values)
        self.folder.state_dict("checkpoint_after.pt", module.state_dict())
        self.steps.complete("training", values, ["training.csv", "checkpoint_after.pt"])
        checkpoint.remove()


def _weights(path: Path) -> dict[str, torch.Tensor]:
    return read_tensors(path, "state dict", "It is made again.")


def _same_weights(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and torch.equal(first[name], second[name]) for name in first
    )
