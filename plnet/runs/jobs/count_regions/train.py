"""Training of a classifier: the same seed gives the same network, whatever else runs."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from plnet.errors import ConfigError, NetworkError
from plnet.networks.generators import torch_generator
from plnet.progress import open_bar
from plnet.runs.jobs.count_regions.data import Dataset
from plnet.runs.store.resume_training import TrainingCheckpoint

__all__ = ["History", "accuracy", "check_training", "train_classifier"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class History:
    """What happened in training.

    Parameters
    ----------
    loss, accuracy_train, accuracy_test : ndarray, shape (epochs,)
        Mean cross-entropy over the batches of an epoch, in nats, and accuracies in [0, 1] behind it.
    seconds : float
        Wall time, with that of earlier attempts.
    """

    loss: np.ndarray
    accuracy_train: np.ndarray
    accuracy_test: np.ndarray
    seconds: float = math.nan


def check_training(
    optimiser: Callable[..., torch.optim.Optimizer], epochs: int = 60, batch_size: int = 32
) -> None:
    """Check the options of `train_classifier` without a network, before hours of other work.

    Raises
    ------
    ConfigError
        If a number is not positive, or the optimiser does not take its options.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigError(
                f"Expected training.{name} to be a positive integer, got {value!r}. See also training=none."
            )
    # No module: its weights would be drawn from the global generator.
    _start(optimiser, [nn.Parameter(torch.zeros(1))])


def train_classifier(
    network: nn.Module,
    data: Dataset,
    *,
    rng: Any,
    optimiser: Callable[..., torch.optim.Optimizer],
    epochs: int = 60,
    batch_size: int = 32,
    device: Any = "cpu",
    progress: Any = "auto",
    checkpoint: TrainingCheckpoint | None = None,
) -> History:
    """Train a network in place on the cross-entropy of minibatches; it ends on the CPU.

    Parameters
    ----------
    network : torch.nn.Module
    data : Dataset
    rng : SeedSequence or int
        Order of the samples, and dropout where there is any.
    optimiser : callable
        Gets the parameters and returns an optimiser.
    epochs, batch_size : int
    device : str or torch.device
    progress : "auto", bool or None
        "auto" shows a bar on a terminal and writes log lines elsewhere.
    checkpoint : TrainingCheckpoint, optional
        Where the state is kept between epochs. A training that goes on from there gives, bit for bit on the
        CPU, the network of one that was never cut off.

    Raises
    ------
    ConfigError
        If a number is not positive.
    NetworkError
        If the loss is no longer finite.
    """
    check_training(optimiser, epochs, batch_size)
    device = torch.device(device)
    generator = torch_generator(rng)
    dtype = next(network.parameters()).dtype
    x = torch.as_tensor(data.x_train, dtype=dtype, device=device)
    y = torch.as_tensor(data.y_train, device=device)
    x_test = torch.as_tensor(data.x_test, dtype=dtype, device=device)
    y_test = torch.as_tensor(data.y_test, device=device)
    network.to(device)
    # Dropout knows only torch's global generator; the block gives that back as it was.
    with torch.random.fork_rng([device] if device.type == "cuda" else []), _bar(epochs, progress) as show:
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        try:
            state = _State(network, _start(optimiser, network.parameters()), generator, device)
            if checkpoint is not None:
                state.restore(checkpoint.load())
            for epoch in range(len(state.rows), epochs):
                loss = _epoch(network, state.steps, x, y, batch_size, generator)
                if not math.isfinite(loss):
                    raise NetworkError(
                        f"The training diverged: the loss is {loss} in epoch {epoch + 1}. "
                        "Lower training.optimiser.lr, or scale the data to [0, 1]."
                    )
                state.rows.append((loss, accuracy(network, x, y), accuracy(network, x_test, y_test)))
                show(epoch + 1, *state.rows[-1])
                if checkpoint is not None and checkpoint.due() and epoch + 1 < epochs:
                    checkpoint.save(state.captured())
        finally:
            network.to("cpu")
    return History(*np.array(state.rows).T, seconds=state.seconds())


class _State:
    """Everything that the next epoch depends on."""

    def __init__(
        self,
        network: nn.Module,
        steps: torch.optim.Optimizer,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        self.network, self.steps, self.generator, self.device = network, steps, generator, device
        self.rows: list[tuple[float, float, float]] = []
        self._before, self._begin = 0.0, time.perf_counter()

    def seconds(self) -> float:
        return self._before + time.perf_counter() - self._begin

    def captured(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self.steps.state_dict(),
            "generator": self.generator.get_state(),
            "dropout": self._dropout().get_state(),
            "rows": self.rows,
            "seconds": self.seconds(),
            "torch": torch.__version__.split("+")[0],
            "device": str(self.device),
        }

    def restore(self, stored: dict[str, Any] | None) -> None:
        # Another version or device goes on to other numbers than it began with.
        here = {"torch": torch.__version__.split("+")[0], "device": str(self.device)}
        if stored is None or any(stored.get(name) != value for name, value in here.items()):
            return
        self.network.load_state_dict(stored["network"])
        self.steps.load_state_dict(stored["optimiser"])
        self.generator.set_state(stored["generator"])
        self._dropout().set_state(stored["dropout"])
        self.rows = [tuple(row) for row in stored["rows"]]
        self._before = stored["seconds"]
        logger.info("training goes on behind epoch %d", len(self.rows))

    def _dropout(self) -> torch.Generator:
        if self.device.type == "cuda":
            index = torch.cuda.current_device() if self.device.index is None else self.device.index
            return torch.cuda.default_generators[index]
        return torch.default_generator


def _start(
    optimiser: Callable[..., torch.optim.Optimizer], parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    try:
        return optimiser(parameters)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"training.optimiser cannot be used: {error}. See the options of torch.optim."
        ) from error


def _epoch(
    network: nn.Module,
    steps: torch.optim.Optimizer,
    x: torch.Tensor,
    y: torch.Tensor,
    size: int,
    generator: Any,
) -> float:
    """Pass over all samples once, and return the mean loss of the batches."""
    network.train()
    order = torch.randperm(len(x), generator=generator).to(x.device)
    losses = []
    # Batches of nearly equal size: a last one of a single sample would stop batch normalisation.
    for batch in order.tensor_split(math.ceil(len(x) / size)):
        steps.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network(x[batch]), y[batch])
        loss.backward()
        steps.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


@torch.no_grad()
def accuracy(network: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Return the part of the samples whose largest output is that of their class."""
    network.eval()
    return float((network(x).argmax(dim=1) == y).double().mean())


@contextmanager
def _bar(epochs: int, progress: Any) -> Iterator[Callable[..., None]]:
    """Show training on a terminal as a bar, elsewhere as about six lines of log."""
    bar = open_bar(progress, "epochs", epochs, desc="training", unit_scale=False)
    if bar is not None:
        with bar:

            def advance(epoch: int, loss: float, _: float, test: float) -> None:
                bar.set_postfix_str(f"loss {loss:.3g}, test accuracy {test:.1%}", refresh=False)
                bar.update(epoch - bar.n)

            yield advance
        return
    every = max(1, math.ceil(epochs / 6))

    def log(epoch: int, loss: float, train: float, test: float) -> None:
        if progress is not None and progress is not False and (epoch % every == 0 or epoch == epochs):
            logger.info(
                "epoch %d of %d: loss %.3g, accuracy %.3f (test %.3f)", epoch, epochs, loss, train, test
            )

    yield log
