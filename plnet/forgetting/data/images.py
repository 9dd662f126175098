"""Images as rows of numbers, rotated and shifted."""

from __future__ import annotations

import numpy as np

__all__ = ["rotate_rows", "shift_rows"]


def rotate_rows(x: np.ndarray, shape: tuple[int, int], degrees: float) -> np.ndarray:
    """Rotate images about their centre, counter-clockwise, with zeros outside.

    Parameters
    ----------
    x : ndarray, shape (N, h * w)
    shape : (int, int)
        Height and width.
    degrees : float

    Returns
    -------
    ndarray, shape (N, h * w)
        Linear interpolation between the four nearest pixels; multiples of 90 degrees of square images are
        exact. Integers are rounded and keep their type.
    """
    turned = x @ _rotation(shape, degrees)
    return np.rint(turned).astype(x.dtype) if x.dtype.kind in "iu" else turned


def shift_rows(x: np.ndarray, shape: tuple[int, int], down: int, right: int) -> np.ndarray:
    """Shift images by whole pixels, with zeros where nothing comes in.

    Parameters
    ----------
    x : ndarray, shape (N, h * w)
    shape : (int, int)
        Height and width.
    down, right : int
        May be negative.
    """
    height, width = shape
    images, moved = x.reshape(-1, height, width), np.zeros((len(x), height, width), dtype=x.dtype)
    (to_rows, from_rows), (to_columns, from_columns) = _overlap(down, height), _overlap(right, width)
    moved[:, to_rows, to_columns] = images[:, from_rows, from_columns]
    return moved.reshape(x.shape)


def _overlap(step: int, size: int) -> tuple[slice, slice]:
    step = max(-size, min(size, step))
    if step >= 0:
        return slice(step, size), slice(0, size - step)
    return slice(0, size + step), slice(-step, size)


def _rotation(shape: tuple[int, int], degrees: float) -> np.ndarray:
    """Return the matrix W with rotated rows x @ W, shape (h * w, h * w)."""
    height, width = shape
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    # Rounding in cos(90 degrees) would mix in a neighbour with weight 1e-17.
    cosine, sine = (np.round(v) if abs(v - np.round(v)) < 1e-12 else v for v in (cosine, sine))
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    y, x = rows - (height - 1) / 2, columns - (width - 1) / 2
    source_y = (sine * x + cosine * y + (height - 1) / 2).ravel()
    source_x = (cosine * x - sine * y + (width - 1) / 2).ravel()
    low_y, low_x = np.floor(source_y).astype(int), np.floor(source_x).astype(int)
    matrix = np.zeros((height * width, height * width))
    for step_y in (0, 1):
        for step_x in (0, 1):
            place_y, place_x = low_y + step_y, low_x + step_x
            weight = (1 - abs(source_y - place_y)) * (1 - abs(source_x - place_x))
            inside = (place_y >= 0) & (place_y < height) & (place_x >= 0) & (place_x < width)
            target = np.flatnonzero(inside)
            matrix[place_y[inside] * width + place_x[inside], target] += weight[inside]
    return matrix
