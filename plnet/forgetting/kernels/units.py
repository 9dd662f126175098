"""Piecewise-linear activations and their derivatives, on arrays (features, batch)."""

from __future__ import annotations

from plnet.compiled import compiled_inner

__all__ = ["ABS", "HARDTANH", "LEAKY", "LWTA", "MAXOUT", "PRELU", "RELU", "activate", "pull_back"]

RELU, ABS, LEAKY, PRELU, HARDTANH, MAXOUT, LWTA = range(7)


@compiled_inner
def activate(kind, pieces, slope, z, h):
    """Write the outputs h (n, B) for pre-activations z (rows, B); maxout and winners use up z.

    Pieces of unit i are the rows i, i + n / pieces, ... of z (of a block, for local winners).
    """
    zero, one = z.dtype.type(0), z.dtype.type(1)
    columns = z.shape[1]
    if kind == RELU:
        for i in range(h.shape[0]):
            for j in range(columns):
                # NaN stays NaN, so that divergence is seen.
                h[i, j] = zero if z[i, j] < zero else z[i, j]
    elif kind == ABS:
        for i in range(h.shape[0]):
            for j in range(columns):
                h[i, j] = abs(z[i, j])
    elif kind in (LEAKY, PRELU):
        for i in range(h.shape[0]):
            for j in range(columns):
                h[i, j] = z[i, j] if z[i, j] > zero else slope * z[i, j]
    elif kind == HARDTANH:
        for i in range(h.shape[0]):
            for j in range(columns):
                v = z[i, j]
                h[i, j] = one if v > one else (-one if v < -one else v)
    elif kind == MAXOUT:
        n = h.shape[0]
        for i in range(n):
            for j in range(columns):
                h[i, j] = z[i, j]
            for p in range(1, pieces):
                row = p * n + i
                for j in range(columns):
                    # What a piece is above those before it says later where the gradient goes.
                    gap = z[row, j] - h[i, j]
                    h[i, j] = z[row, j] if gap > zero else h[i, j]
                    z[row, j] = gap
    else:
        _win(pieces, z, h)


@compiled_inner
def _win(pieces, z, h):
    """Write h (n, B), where each block of z keeps its last maximum; z becomes 1 there and 0 elsewhere."""
    zero, one = z.dtype.type(0), z.dtype.type(1)
    n, columns = h.shape[0] // pieces, z.shape[1]
    for i in range(n):
        # The first row of outputs holds the running maximum, and then what no later piece has won.
        for j in range(columns):
            h[i, j] = z[i, j]
        for p in range(1, pieces):
            row = p * n + i
            for j in range(columns):
                h[row, j] = z[row, j]
                gap = z[row, j] - h[i, j]
                h[i, j] = z[row, j] if gap >= zero else h[i, j]
                z[row, j] = gap
        for j in range(columns):
            h[i, j] = one
        for p in range(pieces - 1, 0, -1):
            row = p * n + i
            for j in range(columns):
                gate = h[i, j] if z[row, j] >= zero else zero
                h[row, j] *= gate
                z[row, j] = gate
                h[i, j] -= gate
        for j in range(columns):
            gate = h[i, j]
            h[i, j] = z[i, j] * gate
            z[i, j] = gate


@compiled_inner
def pull_back(kind, pieces, slope, z, d, delta):
    """Write the gradient delta (rows, B) of pre-activations for the gradient d (n, B) of outputs.

    `d` may be used up. Returns the gradient of the slope, which is 0 except for PReLU.
    """
    zero, one = z.dtype.type(0), z.dtype.type(1)
    columns, n = z.shape[1], d.shape[0]
    total = zero
    if kind == RELU:
        for i in range(n):
            for j in range(columns):
                delta[i, j] = d[i, j] if z[i, j] > zero else zero
    elif kind == ABS:
        for i in range(n):
            for j in range(columns):
                v = z[i, j]
                delta[i, j] = d[i, j] if v > zero else (-d[i, j] if v < zero else zero)
    elif kind == LEAKY:
        for i in range(n):
            for j in range(columns):
                delta[i, j] = d[i, j] if z[i, j] > zero else slope * d[i, j]
    elif kind == PRELU:
        for i in range(n):
            for j in range(columns):
                v = z[i, j]
                below = zero if v > zero else d[i, j]
                total += below * v
                delta[i, j] = d[i, j] if v > zero else slope * below
    elif kind == HARDTANH:
        for i in range(n):
            for j in range(columns):
                v = z[i, j]
                delta[i, j] = d[i, j] if (v > -one) & (v < one) else zero
    elif kind == MAXOUT:
        for i in range(n):
            for p in range(pieces - 1, 0, -1):
                row = p * n + i
                for j in range(columns):
                    share = d[i, j] if z[row, j] > zero else zero
                    delta[row, j] = share
                    d[i, j] -= share
            for j in range(columns):
                delta[i, j] = d[i, j]
    else:
        for i in range(n):
            for j in range(columns):
                delta[i, j] = d[i, j] * z[i, j]
    return total
