"""Epochs of SGD with momentum for one network after another, from gathering samples to the update of weights.

A network that is trained alone stays in the cache with all it needs. Features run along rows and
samples along columns; `H` is the input of a layer, `T` its transpose, `Z` the pre-activations, `D` and `G`
the gradients of `Z` and of the weights. The update is that of PyTorch: ``v = momentum v + gradient``.

row, speed : shape (P,)
    Parameters and velocity of one network.
plan, thresholds, work
    As in `train_epochs`.
kind, pieces, slope
    The activation; see `units`.
size, width
    Samples of the batch, and that rounded up to whole vectors. Columns behind the samples count nothing.
"""

from __future__ import annotations

import numpy as np

from plnet.compiled import compiled, compiled_inner
from plnet.forgetting.kernels.masks import fill_mask
from plnet.forgetting.kernels.products import multiply
from plnet.forgetting.kernels.units import PRELU, activate, pull_back

__all__ = ["COLUMNS", "train_epochs"]

COLUMNS = (
    "n_in", "rows", "n_out", "padded", "weight", "bias", "slope", "H", "T", "Z", "D", "G", "mask",
)  # fmt: skip
"""Entries of a row of the plan: sizes of a layer, and where its parts begin in parameters and workspace."""

(N_IN, ROWS, N_OUT, PADDED, WEIGHT, BIAS, SLOPE, H, T, Z, D, G, MASK) = range(len(COLUMNS))


@compiled
def train_epochs(
    parameters, velocity, x, y, order, active, rates, keys, plan, thresholds, factors, numbers, work
):
    """Train all members for one epoch, in place.

    Parameters
    ----------
    parameters, velocity : ndarray, shape (m, P)
    x : ndarray, shape (m, n, d)
    y : ndarray of int64, shape (m, n)
    order : ndarray of int64, shape (m, s)
        Samples in the order of training.
    active : ndarray of bool, shape (m, C)
    rates : ndarray, shape (m, 3)
        Learning rate, momentum, weight decay.
    keys : ndarray of uint64, shape (m,)
    plan : ndarray of int64, shape (layers, len(COLUMNS))
    thresholds : ndarray of uint64, shape (layers,)
        Of dropout; 0 for none.
    factors : ndarray, shape (layers,)
        1 / (1 - rate) of dropout, in the type of the parameters.
    numbers : tuple
        Kind of the activation, pieces, slope, batch size, lanes of a vector, number of the first
        step, bits of a place, largest norm (0 for none), start of the spare row in `work`.
    work : ndarray
        Scratch memory.
    """
    kind, pieces, slope, batch, lanes, first_step, bits, limit, spare = numbers
    layers = plan.shape[0]
    for m in range(parameters.shape[0]):
        row, speed = parameters[m], velocity[m]
        step = first_step
        for start in range(0, order.shape[1], batch):
            chosen = order[m, start : min(start + batch, order.shape[1])]
            size = len(chosen)
            width = (size + lanes - 1) // lanes * lanes
            _gather(x[m], chosen, plan, work, width)
            for place in range(layers):
                if thresholds[place] > 0:
                    counter = np.uint64((step * layers + place) << bits)
                    count = plan[place, N_IN] * size
                    mask = work[plan[place, MASK] : plan[place, MASK] + count + 1]
                    fill_mask(mask, count, keys[m], counter, thresholds[place], factors[place])
            _forward(row, plan, thresholds, work, kind, pieces, slope, size, width)
            _output_delta(y[m], chosen, active[m], plan[layers - 1], work, size, width, spare)
            _backward(row, plan, thresholds, work, kind, pieces, slope, size, width, spare, speed, rates[m])
            if limit > 0:
                _limit_norms(row, plan, limit)
            step += 1


@compiled_inner
def _gather(x, chosen, plan, work, width):
    """Write the samples `chosen`, shape (size,), of x (n, d) to H of the first layer, and to T."""
    n, padded = plan[0, N_IN], plan[0, PADDED]
    size = len(chosen)
    right = work[plan[0, H] : plan[0, H] + n * width].reshape(n, width)
    turned = work[plan[0, T] : plan[0, T] + width * padded].reshape(width, padded)
    zero = work.dtype.type(0)
    for j in range(size):
        for i in range(n):
            turned[j, i] = x[chosen[j], i]
    for j in range(size, width):
        for i in range(n):
            turned[j, i] = zero
    for i in range(n):
        for j in range(width):
            right[i, j] = turned[j, i]


@compiled_inner
def _forward(row, plan, thresholds, work, kind, pieces, slope, size, width):
    """Write H, T and Z of all layers."""
    item, address = row.itemsize, row.ctypes.data
    layers = plan.shape[0]
    for place in range(layers):
        n, rows = plan[place, N_IN], plan[place, ROWS]
        h = work[plan[place, H] : plan[place, H] + n * width].reshape(n, width)
        masked = thresholds[place] > 0
        if masked:
            mask = work[plan[place, MASK] : plan[place, MASK] + n * size].reshape(n, size)
            for i in range(n):
                for j in range(size):
                    h[i, j] *= mask[i, j]
        if masked or place > 0:
            padded = plan[place, PADDED]
            turned = work[plan[place, T] : plan[place, T] + width * padded].reshape(width, padded)
            for j in range(width):
                for i in range(n):
                    turned[j, i] = h[i, j]
        z = work[plan[place, Z] : plan[place, Z] + rows * width].reshape(rows, width)
        bias, weight = address + plan[place, BIAS] * item, address + plan[place, WEIGHT] * item
        multiply(z, bias, item, rows, weight, n * item, item, h, n)
        if place + 1 < layers:
            above = plan[place, N_OUT]
            begin = plan[place + 1, H]
            outputs = work[begin : begin + above * width].reshape(above, width)
            trained = row[plan[place, SLOPE]] if kind == PRELU else slope
            activate(kind, pieces, trained, z, outputs)


@compiled_inner
def _output_delta(y, chosen, active, last, work, size, width, spare):
    """Write the gradient of the mean cross-entropy by the logits, Z of the last layer, to its D.

    `y` (n,) are labels, `active` (C,) says which outputs are used. Unused outputs and columns get 0.
    """
    classes = last[ROWS]
    z = work[last[Z] : last[Z] + classes * width].reshape(classes, width)
    delta = work[last[D] : last[D] + classes * width].reshape(classes, width)
    largest, total = work[spare : spare + width], work[spare + width : spare + 2 * width]
    zero = work.dtype.type(0)
    for j in range(width):
        largest[j] = -np.inf
        total[j] = zero
    for label in range(classes):
        if active[label]:
            for j in range(width):
                # The comparison is false for NaN, which must not get lost.
                largest[j] = largest[j] if z[label, j] <= largest[j] else z[label, j]
    for label in range(classes):
        for j in range(width):
            delta[label, j] = np.exp(z[label, j] - largest[j]) if active[label] else zero
            total[j] += delta[label, j]
    share = work.dtype.type(1) / work.dtype.type(size)
    for j in range(width):
        total[j] = share / total[j] if j < size else zero
    for label in range(classes):
        for j in range(width):
            delta[label, j] *= total[j]
    for j in range(size):
        delta[y[chosen[j]], j] -= share


@compiled_inner
def _backward(row, plan, thresholds, work, kind, pieces, slope, size, width, spare, speed, rates):
    """Write D and G of all layers, from the last to the first, and update each; `rates` (3,)."""
    item, address = row.itemsize, row.ctypes.data
    zeros = work[spare + 2 * width : spare + 2 * width + 1]
    zeros[0] = work.dtype.type(0)
    nothing = zeros.ctypes.data
    for place in range(plan.shape[0] - 1, -1, -1):
        n, rows, padded = plan[place, N_IN], plan[place, ROWS], plan[place, PADDED]
        delta = work[plan[place, D] : plan[place, D] + rows * width].reshape(rows, width)
        slope_term = work.dtype.type(0)
        if place > 0:
            below = plan[place - 1]
            # The gradient of the inputs takes the memory of the inputs, which are no longer needed.
            d = work[plan[place, H] : plan[place, H] + n * width].reshape(n, width)
            weight = address + plan[place, WEIGHT] * item
            multiply(d, nothing, 0, n, weight, item, n * item, delta, rows)
            if thresholds[place] > 0:
                mask = work[plan[place, MASK] : plan[place, MASK] + n * size].reshape(n, size)
                for i in range(n):
                    for j in range(size):
                        d[i, j] *= mask[i, j]
            z = work[below[Z] : below[Z] + below[ROWS] * width].reshape(below[ROWS], width)
            lower = work[below[D] : below[D] + below[ROWS] * width].reshape(below[ROWS], width)
            trained = row[below[SLOPE]] if kind == PRELU else slope
            slope_term = pull_back(kind, pieces, trained, z, d, lower)
        turned = work[plan[place, T] : plan[place, T] + width * padded].reshape(width, padded)
        g = work[plan[place, G] : plan[place, G] + rows * padded].reshape(rows, padded)
        multiply(g, nothing, 0, rows, delta.ctypes.data, width * item, item, turned, width)
        _update(row, speed, plan[place], g, delta, rates)
        if kind == PRELU and place > 0:
            _descend(row, speed, plan[place - 1, SLOPE], slope_term, rates)


@compiled_inner
def _update(row, speed, layer, g, delta, rates):
    """Make the step of SGD for a layer; its gradients are g (n_out, >= n_in) and delta (n_out, width)."""
    rate, momentum, decay = rates[0], rates[1], rates[2]
    n = layer[N_IN]
    for r in range(layer[ROWS]):
        begin = layer[WEIGHT] + r * n
        weights, speeds = row[begin : begin + n], speed[begin : begin + n]
        for i in range(n):
            v = momentum * speeds[i] + (g[r, i] + decay * weights[i])
            speeds[i] = v
            weights[i] -= rate * v
        total = row.dtype.type(0)
        for j in range(delta.shape[1]):
            total += delta[r, j]
        _descend(row, speed, layer[BIAS] + r, total, rates)


@compiled_inner
def _descend(row, speed, place, gradient, rates):
    """Make the step of SGD for one parameter."""
    v = rates[1] * speed[place] + (gradient + rates[2] * row[place])
    speed[place] = v
    row[place] -= rates[0] * v


@compiled_inner
def _limit_norms(row, plan, limit):
    """Shorten the weights of each unit to a Euclidean norm of at most `limit`."""
    for place in range(plan.shape[0]):
        n = plan[place, N_IN]
        for r in range(plan[place, ROWS]):
            begin = plan[place, WEIGHT] + r * n
            weights = row[begin : begin + n]
            square = row.dtype.type(0)
            for i in range(n):
                square += weights[i] * weights[i]
            norm = np.sqrt(square)
            if norm > limit:
                scale = limit / norm
                for i in range(n):
                    weights[i] *= scale
