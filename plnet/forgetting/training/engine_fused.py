"""One epoch of all members of a program, each trained alone by compiled code that stays in the cache."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from plnet.errors import EngineError, TaskError
from plnet.forgetting.methods.base import overrides
from plnet.forgetting.models.batched_network import BatchedNetwork
from plnet.forgetting.models.dropout import PLACE_BITS, dropout_threshold, layer_rates
from plnet.forgetting.models.spec import Architecture
from plnet.forgetting.training.options import TrainingOptions

if TYPE_CHECKING:
    from plnet.forgetting.methods.base import Method
    from plnet.forgetting.training.members import Members
    from plnet.forgetting.training.trainer_chunk import Program

__all__ = ["chooses_fused", "fused_epoch", "why_not_fused"]

_KINDS = ("relu", "abs", "leaky_relu", "prelu", "hardtanh", "maxout", "lwta")

# Samples of a chunk that are laid out at once; a larger task is gathered block by block.
_LARGEST_BLOCK = 2**26


def why_not_fused(architecture: Architecture, method: Method, device: torch.device) -> str | None:
    """Return why the compiled engine cannot be used, or None if it can."""
    if device.type != "cpu":
        return f"the members are on {device}, and compiled code runs on the CPU"
    if architecture.activation not in _KINDS:
        return f"{architecture.activation} is not piecewise linear"
    for hook in ("extend_batch", "adjust_gradient"):
        if overrides(method, hook):
            return f"the method {method.name!r} takes part in each step"
    return None


def chooses_fused(members: Members, options: TrainingOptions) -> bool:
    """Say whether the compiled engine is used.

    Raises
    ------
    EngineError
        If the options demand it where it cannot be used.
    """
    reason = why_not_fused(members.architecture, members.method, members.parameters.device)
    if options.engine == "fused" and reason is not None:
        raise EngineError(f'The engine "fused" cannot be used: {reason}. Take engine="auto" or "batched".')
    return reason is None and options.engine != "batched"


def fused_epoch(program: Program, order: torch.Tensor, options: TrainingOptions) -> None:
    """Run one epoch in place.

    Parameters
    ----------
    program : Program
    order : torch.Tensor of int64, shape (m, n)
        Order of the training samples of each member.
    options : TrainingOptions
    """
    batch = min(options.batch_size, order.shape[1])
    for x, y, rows in _blocks(program, order, batch):
        _check(program.context.network.architecture, x, y)
        _run(program, x, y, rows, batch)
        program.steps += -(-rows.shape[1] // batch)


def _check(architecture: Architecture, x: torch.Tensor, y: torch.Tensor) -> None:
    """Refuse samples that do not fit: compiled code would read and write beside its arrays."""
    if x.shape[2] != architecture.n_inputs:
        raise TaskError(f"Expected samples with {architecture.n_inputs} inputs, got {x.shape[2]}.")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= architecture.n_outputs:
        raise TaskError(
            f"Expected labels from 0 to {architecture.n_outputs - 1}, one an output, got {low} to {high}."
        )


def _run(program: Program, x: torch.Tensor, y: torch.Tensor, order: torch.Tensor, batch: int) -> None:
    """Train all members on some minibatches, divided among threads."""
    from plnet.forgetting.kernels.training import train_epochs

    parameters = program.context.parameters.numpy()
    members, number = len(parameters), parameters.dtype.type
    architecture = program.context.network.architecture
    layout = _layout(architecture, batch, parameters.itemsize)
    active = program.context.data.active
    if active is None:
        active = torch.ones(members, architecture.n_outputs, dtype=torch.bool)
    rates = program.rates
    columns = torch.stack([rates.learning_rate, rates.momentum, rates.weight_decay], dim=1)
    tensors = (x.to(program.context.parameters.dtype), y, order, active, columns)
    per_member = (
        parameters,
        program.velocity.numpy(),
        *(tensor.contiguous().numpy() for tensor in tensors),
        np.array(program.keys, dtype=np.uint64),
    )
    numbers = (
        _KINDS.index(architecture.activation),
        architecture.pieces,
        number(architecture.slope),
        batch,
        layout.lanes,
        program.steps,
        PLACE_BITS,
        number(architecture.max_norm or 0.0),
        layout.spare,
    )

    def train(part: slice) -> None:
        own = tuple(array[part] for array in per_member)
        work = _aligned(layout.size, parameters.dtype)
        train_epochs(*own, layout.plan, layout.thresholds, layout.factors.astype(number), numbers, work)

    parts = _parts(members, min(members, program.threads))
    if len(parts) == 1:
        train(parts[0])
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        for done in [pool.submit(train, part) for part in parts]:
            done.result()


def _parts(members: int, count: int) -> list[slice]:
    """Split members into neighbours of nearly equal number."""
    ends = [members * k // count for k in range(count + 1)]
    return [slice(low, high) for low, high in pairwise(ends)]


def _blocks(program: Program, order: torch.Tensor, batch: int) -> Any:
    """Yield samples and the order in which they are used: all at once, or some minibatches at a time."""
    context = program.context
    members, n = order.shape
    if members * n * context.network.architecture.n_inputs <= _LARGEST_BLOCK:
        if program.samples is None:
            every = torch.arange(n).expand(members, -1)
            program.samples = context.data.gather("train", every)
        yield *program.samples, order
        return
    steps = max(1, _LARGEST_BLOCK // (members * context.network.architecture.n_inputs * batch))
    for start in range(0, n, steps * batch):
        rows = order[:, start : start + steps * batch]
        yield *context.data.gather("train", rows), torch.arange(rows.shape[1]).repeat(members, 1)


class _Layout:
    """Where everything lies in the workspace, and what dropout needs."""

    def __init__(self, architecture: Architecture, batch: int, item: int) -> None:
        from plnet.forgetting.kernels.tiles import VECTOR_BYTES
        from plnet.forgetting.kernels.training import COLUMNS

        self.lanes = VECTOR_BYTES // item
        self.size = 0
        width = _up(batch, self.lanes)
        rows = []
        for layer, place in zip(architecture.layers, BatchedNetwork(architecture).places, strict=True):
            padded = _up(layer.n_in, self.lanes)
            weight, bias, slope = place
            rows.append(
                {
                    "n_in": layer.n_in,
                    "rows": layer.rows,
                    "n_out": layer.n_out,
                    "padded": padded,
                    "weight": weight.start,
                    "bias": bias.start,
                    "slope": -1 if slope is None else slope.start,
                    "H": self._take(layer.n_in * width),
                    "T": self._take(padded * width),
                    "Z": self._take(layer.rows * width),
                    "D": self._take(layer.rows * width),
                    "G": self._take(layer.rows * padded),
                    "mask": self._take(layer.n_in * batch + 1),
                }
            )
        self.spare = self._take(3 * width)
        self.plan = np.array([[row[name] for name in COLUMNS] for row in rows], dtype=np.int64)
        dropped = layer_rates(architecture)
        self.thresholds = np.array([dropout_threshold(rate) for rate in dropped], dtype=np.uint64)
        self.factors = np.array([1.0 / (1.0 - rate) for rate in dropped])

    def _take(self, size: int) -> int:
        start = self.size
        self.size += _up(size, self.lanes)
        return start


@lru_cache(maxsize=16)
def _layout(architecture: Architecture, batch: int, item: int) -> _Layout:
    return _Layout(architecture, batch, item)


def _up(size: int, lanes: int) -> int:
    return -(-size // lanes) * lanes


def _aligned(size: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Return zeros that begin at a line of the cache."""
    line = 64
    raw = np.zeros(size + line // dtype.itemsize, dtype=dtype)
    skip = -raw.ctypes.data % line // dtype.itemsize
    return raw[skip : skip + size]
