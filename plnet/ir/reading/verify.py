"""Check that the network that was read is the function that the module computes.

Both are evaluated in float64 on a seeded batch of several scales, among them those at which the
network's own walls lie. They must agree within what rounding explains.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.errors import IngestError
from plnet.ir.layers import Affine, GroupMax, LocalWinner, ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF, PLNetwork, apply_with_error

__all__ = ["rounding_scale", "verify"]

_SCALES = (0.0, 1e-2, 1.0, 1e2)
_POINTS = 6
_COVERED = (-2, 2)
"""Powers of ten for which the usual scales lie on both sides of a wall."""

_REACH = (1e-30, 1e30)
_RAYS, _MOST_EXTRA_SCALES = 2, 6
_MODULE_FACTOR = 16.0
"""The module rounds at more places than the network (sums in another order, fused steps)."""

_TYPICAL_FACTOR = 1e4


def verify(network: PLNetwork, module: nn.Module, input_shape: tuple[int, ...]) -> None:
    """Compare a network with the float64 copy of the module that it was read from.

    Parameters
    ----------
    network : PLNetwork
    module : torch.nn.Module
        In float64, on the CPU, in evaluation mode.
    input_shape : tuple of int
        Shape of one input.

    Raises
    ------
    IngestError
        If the module cannot be evaluated, or differs by more than rounding explains.

    Notes
    -----
    The tolerance is the smaller of two bounds. The rigorous one adds up absolute values
    and grows like the product of the layers' norms, so that it says nothing about very
    deep networks. The other adds up rounding errors as if they were independent, times a
    generous 1e4.
    """
    rng = np.random.default_rng(0)
    scales = np.repeat((*_SCALES, *_scales_of_walls(network)), _POINTS)
    points = rng.standard_normal((len(scales), network.input_dim)) * scales[:, None]
    found = _run(module, torch.from_numpy(points).reshape(len(points), *input_shape))
    with np.errstate(over="ignore", invalid="ignore"):
        values, radius = network.evaluate_with_error(points)
        rounding = rounding_scale(network, points)
    if found.shape != values.shape:
        raise IngestError(
            f"Expected {values.shape[1]} outputs for each input as in the trace, got {found.shape[1]} from "
            f"{type(module).__name__} on a batch of {len(points)}. The forward must not depend on the batch "
            "size."
        )
    tolerance = np.minimum(_MODULE_FACTOR * radius, _TYPICAL_FACTOR * rounding)
    with np.errstate(invalid="ignore"):
        difference = np.abs(found - values)
    # Written so that NaN counts as a difference, unless a distant wall lies where floats end.
    wrong = ~(difference <= tolerance + np.finfo(np.float64).tiny)
    usual = len(_SCALES) * _POINTS
    wrong[usual:] &= np.isfinite(tolerance[usual:])
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise IngestError(
            f"The network read from {type(module).__module__}.{type(module).__qualname__} is another "
            f"function than the module: output {column} at a point of scale {scales[row]:g} is "
            f"{found[row, column]!r} in torch and {values[row, column]!r} here, where rounding explains "
            f"{tolerance[row, column]:.1e}. The usual causes are in-place changes of a tensor that is used "
            "again, random numbers, casts to float32, or a state that the forward changes. If none of these "
            "applies, please report the module: this is a fault of plnet."
        )


def _scales_of_walls(network: PLNetwork) -> list[float]:
    """Return powers of ten at which units change their piece, and which the usual scales miss.

    Along a ray from 0 a pre-activation that is affine meets a wall at its distance there over its
    change on a step of length 1; behind other layers this is a guess of the right size.
    """
    rays = np.random.default_rng(1).standard_normal((_RAYS, network.input_dim))
    values = np.concatenate([np.zeros((1, network.input_dim)), rays])
    exponents: set[int] = set()
    with np.errstate(all="ignore"):
        for layer in network.layers:
            if isinstance(layer, ScalarPWL):
                change = np.abs(values[1:] - values[0])[:, :, None]
                exponents.update(_exponents(np.abs(layer.breakpoints - values[0][:, None]) / change))
            elif isinstance(layer, GroupMax):
                gaps = values[:, layer.groups[:, 1:]] - values[:, layer.groups[:, :1]]
                exponents.update(_exponents(np.abs(gaps[0]) / np.abs(gaps[1:] - gaps[0])))
            values = apply_with_error(layer, values, np.zeros_like(values))[0]
    missed = sorted(e for e in exponents if not _COVERED[0] <= e <= _COVERED[1])
    step = -(-len(missed) // _MOST_EXTRA_SCALES) or 1
    return [10.0**e for e in missed[::step]]


def _exponents(scales: np.ndarray) -> list[int]:
    # Rounded up, so that the normal points of a scale lie on both sides of the wall.
    used = scales[(scales >= _REACH[0]) & (scales <= _REACH[1])]
    found: list[int] = np.unique(np.ceil(np.log10(used))).astype(int).tolist()
    return found


def _run(module: nn.Module, batch: torch.Tensor) -> np.ndarray:
    try:
        with torch.no_grad():
            out: Any = module(batch)
    # The user's forward runs here and may raise anything.
    except Exception as error:
        raise IngestError(
            f"Expected {type(module).__name__} to take a float64 batch of shape {tuple(batch.shape)}, got "
            f"{type(error).__name__}: {error}. Check input_shape, and tensors that the forward makes in "
            "float32."
        ) from error
    if out.ndim == 0 or len(out) != len(batch):
        raise IngestError(
            f"Expected {type(module).__name__} to return {len(batch)} rows for a batch of that size, got "
            f"shape {tuple(out.shape)}. The forward must not depend on the batch size."
        )
    return out.detach().double().reshape(len(batch), -1).numpy()


def rounding_scale(network: PLNetwork, points: np.ndarray) -> np.ndarray:
    """Return the typical size of the rounding error at each output, shape (n, output_dim).

    Each layer adds errors of its own and combines those that come in as if they were
    independent: squares are added. The result is no bound.
    """
    values, error = points, np.zeros_like(points)
    for layer in network.layers:
        if isinstance(layer, Affine):
            own = UNIT_ROUNDOFF * layer.apply_absolute(np.abs(values))
            error = np.sqrt(layer.multiply(error**2, "squared") + own**2)
            values = layer.apply(values)
        elif isinstance(layer, LocalWinner):
            error, values = _winners(layer, values, error)
        elif isinstance(layer, GroupMax):
            error = error[:, layer.groups].max(axis=2)
            values = values[:, layer.groups].max(axis=2)
        else:
            error, values = _scalar(layer, values, error)
    return error


def _winners(layer: LocalWinner, values: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    winners, _ = apply_with_error(layer, values, np.zeros_like(values))
    # Where rounding may choose another winner, a value may be missing or be there.
    _, reach = apply_with_error(layer, values, _TYPICAL_FACTOR * error)
    doubt = reach > _TYPICAL_FACTOR * error * (1 + 1e-9)
    return np.where(doubt, reach, np.where(winners != 0, error, 0.0)), winners


def _scalar(layer: ScalarPWL, values: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distance = values[:, :, None] - layer.breakpoints[None]
    pieces = (distance > 0).sum(axis=2)
    units = np.arange(layer.n_out)
    slopes, intercepts = layer.slopes[units, pieces], layer.intercepts[units, pieces]
    # Where rounding may choose the piece, the steepest slope counts.
    near = (np.abs(distance) <= _TYPICAL_FACTOR * error[:, :, None]).any(axis=2)
    steep = np.where(near, np.abs(layer.slopes).max(axis=1), np.abs(slopes))
    own = UNIT_ROUNDOFF * (np.abs(slopes * values) + np.abs(intercepts))
    return np.hypot(steep * error, own), slopes * values + intercepts
