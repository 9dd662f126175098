"""Training of a classifier: the same seed gives the same network, whatever else runs."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from plnet.errors import ConfigError, NetworkError
from plnet.networks.generators import torch_generator
from plnet.runs.data import Dataset

__all__ = ["History", "accuracy", "train_classifier"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class History:
    """What happened in training.

    Parameters
    ----------
    loss, accuracy_train, accuracy_test : ndarray, shape (epochs,)
        Mean cross-entropy over the batches of an epoch, in nats, and accuracies in [0, 1] behind it.
    """

    loss: np.ndarray
    accuracy_train: np.ndarray
    accuracy_test: np.ndarray


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

    Raises
    ------
    ConfigError
        If a number is not positive.
    NetworkError
        If the loss is no longer finite.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(value, int) or value < 1:
            raise ConfigError(
                f"Expected training.{name} to be a positive integer, got {value!r}. See also training=none."
            )
    device = torch.device(device)
    generator = torch_generator(rng)
    dtype = next(network.parameters()).dtype
    x = torch.as_tensor(data.x_train, dtype=dtype, device=device)
    y = torch.as_tensor(data.y_train, device=device)
    x_test = torch.as_tensor(data.x_test, dtype=dtype, device=device)
    y_test = torch.as_tensor(data.y_test, device=device)
    rows = []
    network.to(device)
    # Dropout knows only torch's global generator; the block gives that back as it was.
    with torch.random.fork_rng([device] if device.type == "cuda" else []), _bar(epochs, progress) as show:
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        try:
            steps = _start(optimiser, network)
            for epoch in range(epochs):
                loss = _epoch(network, steps, x, y, batch_size, generator)
                if not math.isfinite(loss):
                    raise NetworkError(
                        f"The training diverged: the loss is {loss} in epoch {epoch + 1}. "
                        "Lower training.optimiser.lr, or scale the data to [0, 1]."
                    )
                rows.append((loss, accuracy(network, x, y), accuracy(network, x_test, y_test)))
                show(epoch + 1, *rows[-1])
        finally:
            network.to("cpu")
    return History(*np.array(rows).T)


def _start(optimiser: Callable[..., torch.optim.Optimizer], network: nn.Module) -> torch.optim.Optimizer:
    try:
        return optimiser(network.parameters())
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
    wanted = progress is True or (progress == "auto" and sys.stderr is not None and sys.stderr.isatty())
    try:
        tqdm = import_module("tqdm").tqdm if wanted else None
    except ImportError:
        tqdm = None
    if tqdm is not None:
        with tqdm(total=epochs, unit=" epochs", desc="training", leave=False, dynamic_ncols=True) as bar:

            def advance(epoch: int, loss: float, train: float, test: float) -> None:
                bar.set_postfix_str(f"loss {loss:.3g}, test accuracy {test:.1%}", refresh=False)
                bar.update()

            yield advance
        return
    every = max(1, math.ceil(epochs / 6))

    def log(epoch: int, loss: float, train: float, test: float) -> None:
        if progress is not None and progress is not False and (epoch % every == 0 or epoch == epochs):
            logger.info(
                "epoch %d of %d: loss %.3g, accuracy %.3f (test %.3f)", epoch, epochs, loss, train, test
            )

    yield log
