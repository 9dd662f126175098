"""A memory of samples for each member: a uniform sample of all that it has seen, of fixed size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from plnet.forgetting.methods.base import Batch, TaskContext
from plnet.forgetting.methods.open_heads import own_head

__all__ = ["fill_memory", "is_empty", "make_memory", "offer_minibatch", "recall", "reservoir_slots"]

_X, _Y, _SEEN, _ACTIVE = "memory_x", "memory_y", "memory_seen", "memory_active"


def reservoir_slots(seen: int, new: int, capacity: int, rng: np.random.Generator) -> np.ndarray:
    """Return which of `new` samples end in each slot of a reservoir; -1 where the old one stays.

    Parameters
    ----------
    seen : int
        Samples offered before.
    new : int
        Samples offered, one after the other.
    capacity : int
        Slots of the reservoir.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (capacity,)

    Notes
    -----
    Sample number t, from 0, is taken if a uniform integer from 0 to t lies below the capacity, into that
    slot; the first `capacity` samples fill the slots in order. Each sample seen so far is then in the
    reservoir with the same probability.

    References
    ----------
    Vitter (1985), "Random sampling with a reservoir", algorithm R.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.forgetting.methods.reservoir import reservoir_slots
    >>> reservoir_slots(0, 3, 4, np.random.default_rng(0)).tolist()
    [0, 1, 2, -1]
    """
    number = np.arange(seen, seen + new)
    slots = np.where(number < capacity, number, rng.integers(0, number + 1))
    found = np.full(capacity, -1, dtype=np.int64)
    # Later samples overwrite earlier ones in the same slot.
    for place in np.flatnonzero(slots < capacity).tolist():
        found[slots[place]] = place
    return found


def make_memory(context: TaskContext, capacity: int) -> None:
    """Put an empty memory into the state of all members."""
    x, _ = context.data.gather("train", torch.zeros_like(context.parameters[:, :1], dtype=torch.int64))
    m, _, d = x.shape
    state, device = context.state, x.device
    state[_X] = torch.zeros(m, capacity, d, dtype=x.dtype, device=device)
    state[_Y] = torch.zeros(m, capacity, dtype=torch.int64, device=device)
    state[_SEEN] = torch.zeros(m, dtype=torch.int64, device=device)
    if context.data.active is not None:
        state[_ACTIVE] = torch.zeros(
            m, capacity, context.data.active.shape[1], dtype=torch.bool, device=device
        )


def fill_memory(context: TaskContext) -> None:
    """Offer the training samples of the task to the memory of each member, each sample once."""
    chosen = _slots(context, context.data.size("train"))
    x, y = context.data.gather("train", chosen.clamp_min(0))
    member, slot = (chosen >= 0).nonzero(as_tuple=True)
    _put(context, member, slot, x[member, slot], y[member, slot])


def offer_minibatch(context: TaskContext, batch: Batch) -> None:
    """Offer the samples of a minibatch to the memory of each member."""
    chosen = _slots(context, batch.y.shape[1])
    member, slot = (chosen >= 0).nonzero(as_tuple=True)
    place = chosen[member, slot]
    _put(context, member, slot, batch.x[member, place], batch.y[member, place])


def _slots(context: TaskContext, n: int) -> torch.Tensor:
    """Return which of n samples goes into each slot of each member, -1 for none, and count them as seen."""
    state = context.state
    capacity, seen = state[_Y].shape[1], state[_SEEN].tolist()
    slots = [
        reservoir_slots(before, n, capacity, rng)
        for before, rng in zip(seen, context.generators("reservoir"), strict=True)
    ]
    state[_SEEN] = state[_SEEN] + n
    return torch.from_numpy(np.stack(slots)).to(state[_Y].device)


def _put(
    context: TaskContext, member: torch.Tensor, slot: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> None:
    """Write samples x (k, d) and y (k,) into k slots of k members."""
    state, own = context.state, own_head(context)
    state[_X][member, slot] = x
    state[_Y][member, slot] = y
    if own is not None:
        state[_ACTIVE][member, slot] = own[member]


def is_empty(context: TaskContext) -> bool:
    """Say whether nothing is remembered yet."""
    return context.state[_Y].shape[1] == 0 or int(context.state[_SEEN][0]) == 0


def recall(context: TaskContext, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Draw remembered samples of each member, with replacement.

    Returns
    -------
    x : torch.Tensor, shape (m, size, d)
    y : torch.Tensor of int64, shape (m, size)
    active : torch.Tensor of bool, shape (m, C, size), or None
        The outputs that compete for each sample.
    """
    state = context.state
    # All members have met the same number of samples.
    filled = min(int(state[_SEEN][0]), state[_Y].shape[1])
    rows = _draw(context.generators("memory"), filled, size).to(state[_Y].device)
    member = torch.arange(len(rows), device=rows.device).unsqueeze(1)
    active = state[_ACTIVE][member, rows].transpose(1, 2) if _ACTIVE in state else None
    return state[_X][member, rows], state[_Y].gather(1, rows), active


def _draw(generators: Sequence[np.random.Generator], high: int, size: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([rng.integers(0, high, size) for rng in generators]))
