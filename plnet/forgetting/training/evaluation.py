"""Accuracy of members, and which samples they get right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import torch

from plnet.forgetting.methods.base import TaskData
from plnet.forgetting.models.batched_network import BatchedNetwork
from plnet.forgetting.models.losses import cross_entropies, mask_logits
from plnet.forgetting.tasks.task import Part
from plnet.forgetting.training.members import Members
from plnet.forgetting.training.threads import threads_for

__all__ = ["Source", "correct", "evaluate", "fit", "hits"]

Source: TypeAlias = Callable[[Sequence[int]], TaskData]
"""Gives the data of a task to the members with these numbers."""

# Samples that run through a program at once, over all members; bounds the memory of evaluation.
_AT_ONCE = 16_384
_CHUNK = 16


def evaluate(members: Members, source: Source, part: Part = "test") -> np.ndarray:
    """Return the accuracy of each member on a task, shape (M,), in [0, 1]; NaN for diverged members.

    Parameters
    ----------
    members : Members
    source : callable
        ``source(numbers)`` returns the `TaskData` of these members.
    part : {"train", "validation", "test"}
    """
    with threads_for(members.architecture):
        accuracy = correct(members, source, part).mean(axis=1)
    accuracy[members.diverged.cpu().numpy()] = np.nan
    return accuracy


def correct(members: Members, source: Source, part: Part = "test") -> np.ndarray:
    """Return which samples each member classifies correctly, bool (M, n).

    In a tie the first of the largest logits counts. Logits that are not finite are wrong.
    """
    network, found = BatchedNetwork(members.architecture), []
    for start in range(0, len(members), _CHUNK):
        rows = range(start, min(start + _CHUNK, len(members)))
        data = source(rows)
        found.append(hits(network, members.parameters[rows.start : rows.stop], data, part).cpu().numpy())
    return np.concatenate(found)


def hits(network: BatchedNetwork, parameters: torch.Tensor, data: TaskData, part: str) -> torch.Tensor:
    """Return which samples of a part are classified correctly by parameters (m, P), bool (m, n)."""
    found = [_right(logits, y) for logits, y in _answers(network, parameters, data, part)]
    return torch.cat(found, dim=1)


def fit(
    network: BatchedNetwork, parameters: torch.Tensor, data: TaskData, part: str = "train"
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many samples of a part are classified correctly, and the mean cross-entropy, each (m,)."""
    right, loss = np.zeros(len(parameters), dtype=np.int64), np.zeros(len(parameters))
    for logits, y in _answers(network, parameters, data, part):
        right += _right(logits, y).sum(dim=1).cpu().numpy()
        loss += cross_entropies(logits, y).to(torch.float64).sum(dim=1).cpu().numpy()
    return right, loss / data.size(part)


def _answers(
    network: BatchedNetwork, parameters: torch.Tensor, data: TaskData, part: str
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield logits (m, C, B) of the outputs that compete, and classes (m, B), block by block."""
    m, n = len(parameters), data.size(part)
    active = None if data.active is None else data.active.unsqueeze(2)
    block = max(1, _AT_ONCE // m)
    for start in range(0, n, block):
        rows = torch.arange(start, min(start + block, n), device=parameters.device).expand(m, -1)
        x, y = data.gather(part, rows)
        yield mask_logits(network.logits(parameters, x), active), y


def _right(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (logits.argmax(dim=1) == y) & ~logits.isnan().any(dim=1)
