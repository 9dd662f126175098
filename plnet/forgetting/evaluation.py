"""Accuracy of members, and which samples they get right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch

from plnet.forgetting.losses import mask_logits
from plnet.forgetting.members import Members
from plnet.forgetting.methods.base import TaskData
from plnet.forgetting.network import BatchedNetwork
from plnet.forgetting.task import Part
from plnet.forgetting.threads import threads_for

__all__ = ["Source", "correct", "evaluate", "hits"]

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
    m, n = len(parameters), data.size(part)
    found = torch.empty(m, n, dtype=torch.bool, device=parameters.device)
    active = None if data.active is None else data.active.unsqueeze(2)
    block = max(1, _AT_ONCE // m)
    for start in range(0, n, block):
        stop = min(start + block, n)
        rows = torch.arange(start, stop, device=parameters.device).expand(m, -1)
        x, y = data.gather(part, rows)
        logits = mask_logits(network.logits(parameters, x), active)
        found[:, start:stop] = (logits.argmax(dim=1) == y) & ~logits.isnan().any(dim=1)
    return found
