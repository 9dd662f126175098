"""The main job: count linear regions before training, train, count again, draw both.

Plain functions of plain arguments; `plnet.runs.build` makes these from a configuration.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from plnet.ir.ingest import as_network
from plnet.runs.counting import Counted, CountingOptions, count, load_engine
from plnet.runs.data import Dataset
from plnet.runs.devices import check_device, threads
from plnet.runs.domains import ChosenDomain
from plnet.runs.environment import describe_environment
from plnet.runs.fit import accuracies, check_fit, sizes
from plnet.runs.outputs import RunFolder
from plnet.runs.seeding import Streams, streams
from plnet.runs.train import History

if TYPE_CHECKING:
    from plnet.runs.figures import PlotOptions

__all__ = ["MainJobReport", "run_main_job"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MainJobReport:
    """Where the results are, and the counts in plain words; `str` gives the lines to print.

    Parameters
    ----------
    folder : Path
    metrics : dict
        The content of ``metrics.json``.
    figures : tuple of Path
    lines : tuple of str
    """

    folder: Path
    metrics: dict[str, Any]
    figures: tuple[Path, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        places = [("Figure: ", path) for path in self.figures] + [("Numbers:", self.folder / "metrics.json")]
        return "\n".join([*self.lines, *(f"{word} {path}" for word, path in places)])


def run_main_job(
    folder: RunFolder,
    *,
    network: Callable[..., nn.Module],
    domain: Callable[..., ChosenDomain],
    data: Callable[..., Dataset] | None = None,
    training: Callable[..., History] | None = None,
    counting: CountingOptions | None = None,
    plot: PlotOptions | None = None,
    seed: int = 0,
    device: str = "cpu",
    n_threads: int | None = 1,
    progress: Any = "auto",
) -> MainJobReport:
    """Count the regions of a network before and after training, and write everything down.

    Parameters
    ----------
    folder : RunFolder
        Results are written as soon as they are known.
    network : callable
        ``network(rng=...)`` returns the module.
    domain : callable
        ``domain(data, rng=...)`` returns the domain.
    data : callable, optional
        ``data(rng=...)`` returns the data set.
    training : callable, optional
        ``training(module, data, rng=..., device=..., progress=...)`` trains in place. Without
        it the network is counted once.
    counting : CountingOptions, optional
    plot : plnet.runs.figures.PlotOptions, optional
        No figure without it.
    seed : int
    device : str
        For the training only.
    n_threads : int, optional
        Threads of torch.
    progress : "auto", bool or None

    Returns
    -------
    MainJobReport

    Raises
    ------
    PLNetError
        If the parts do not go together, before any training; or if the training diverges.
    KeyboardInterrupt
        After Ctrl-C, when what is known has been written; its text says where.
    """
    start = time.perf_counter()
    chosen_device, seeds = check_device(device), streams(seed)
    counting = counting or CountingOptions()
    with _interruption_says_where(folder), threads(n_threads):
        folder.json("environment.json", describe_environment(chosen_device))
        samples = None if data is None else data(rng=seeds.split)
        module = network(rng=seeds.initialisation).eval()
        pl_network = as_network(module)
        check_fit(pl_network, samples, training is not None)
        metrics = {"seed": seed, **sizes(module, pl_network, samples)}
        chosen = domain(samples, rng=seeds.images)
        job = _Job(folder, chosen, counting, seeds, progress, metrics)
        job.metrics["seconds_loading_engine"] = load_engine(
            chosen.domain.chart(pl_network.input_dim).dim, job.counting
        )
        lines = []
        if training is not None and samples is not None:
            before = job.count(module, "before", "regions_before.npz", "checkpoint_before.pt")
            lines.append(f"Before training: {before.words()}.")
            history = job.train(training, module, samples, chosen_device)
            after = job.count(module, "after", "regions.npz", "checkpoint_after.pt")
            lines.append(
                f"After training ({_epochs(history)}): {after.words()}; "
                f"test accuracy {job.metrics['accuracy_test']:.1%}."
            )
            panels = {"before training": before, "after training": after}
        else:
            job.metrics |= accuracies(module, samples)
            only = job.count(module, "", "regions.npz", "checkpoint.pt")
            lines.append(f"The network has {only.words()}.")
            panels = {"": only}
        job.write(seconds_total=time.perf_counter() - start)
        figures = _draw(folder, panels, job.domain, plot)
        job.write(seconds_total=time.perf_counter() - start)
    return MainJobReport(folder.path, job.metrics, figures, tuple(lines))


@contextmanager
def _interruption_says_where(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"Stopped by Ctrl-C{stop}. What is known is in {folder.path}.") from None


@dataclass
class _Job:
    """What the steps of one run share; `metrics` grows with every step and is on disk after it."""

    folder: RunFolder
    domain: ChosenDomain
    counting: CountingOptions
    seeds: Streams
    progress: Any
    metrics: dict[str, Any]

    def __post_init__(self) -> None:
        chosen = self.domain
        if chosen.coordinates is not None:
            arrays = {"coordinates": chosen.coordinates, "images": chosen.images, "labels": chosen.labels}
            self.folder.arrays("points.npz", **arrays)

    def write(self, **values: Any) -> None:
        self.metrics.update(values)
        self.folder.json("metrics.json", self.metrics)

    def count(self, module: nn.Module, when: str, regions: str, weights: str) -> Counted:
        # The weights go first: with them a count that was cut off can be made again.
        self.folder.state_dict(weights, module.state_dict())
        counted = count(
            as_network(module),
            self.domain.domain,
            self.counting,
            rng=self.seeds.engine,
            progress=self.progress,
        )
        found = counted.complex_
        found.save(self.folder.path / regions)
        self.write(
            engine=found.engine,
            definition="activation",
            dimension=found.dim,
            **counted.metrics(f"_{when}" if when else ""),
        )
        logger.info("%s %s; engine %s", f"{when}:" if when else "counted:", counted.words(), found.engine)
        if counted.stopped_by == "Ctrl-C":
            raise KeyboardInterrupt(" during the count")
        return counted

    def train(
        self, training: Callable[..., History], module: nn.Module, data: Dataset, device: Any
    ) -> History:
        start = time.perf_counter()
        try:
            history = training(module, data, rng=self.seeds.batches, device=device, progress=self.progress)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(" during the training") from None
        module.eval()
        seconds = time.perf_counter() - start
        columns = {
            "epoch": range(1, len(history.loss) + 1),
            "loss": history.loss.tolist(),
            "accuracy_train": history.accuracy_train.tolist(),
            "accuracy_test": history.accuracy_test.tolist(),
        }
        self.folder.table("training.csv", columns)
        self.write(
            epochs=len(history.loss),
            loss=history.loss[-1],
            accuracy_train=history.accuracy_train[-1],
            accuracy_test=history.accuracy_test[-1],
            seconds_training=seconds,
        )
        return history


def _epochs(history: History) -> str:
    return f"{len(history.loss)} epoch{'s' if len(history.loss) != 1 else ''}"


def _draw(
    folder: RunFolder, panels: dict[str, Counted], domain: ChosenDomain, plot: PlotOptions | None
) -> tuple[Path, ...]:
    if plot is None:
        return ()
    # Only a figure needs matplotlib.
    from plnet.runs.figures import draw_panels

    return draw_panels(folder.path / "regions", panels, domain, plot)
