"""What the colour of a region says: its pattern, class, output, gradient or size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from plnet.checks import check_choice
from plnet.errors import ConfigError
from plnet.plotting.palettes import CELLS, CLASSES
from plnet.plotting.regions.coloring import pattern_colors

if TYPE_CHECKING:
    from plnet.plotting.regions.frame import Frame
    from plnet.regions.complex import RegionComplex

__all__ = ["COLOR_BY", "Coloring", "check_color_by", "choose_colors"]

COLOR_BY = ("pattern", "class", "output", "gradient_norm", "volume", "none")


@dataclass(frozen=True, eq=False)
class Coloring:
    """Colours of the regions.

    Parameters
    ----------
    faces : list of str or None
        A colour for each region, or None if `values` say it.
    values : ndarray, shape (R,), or None
    cmap : Any
        Colour map of the values.
    norm : Normalize or None
    label : str
        What the values are; for classes, the title of the legend.
    entries : tuple of (str, str)
        Colour and name of each entry of the legend.
    """

    faces: list[str] | None = None
    values: np.ndarray | None = None
    cmap: Any = None
    norm: Normalize | None = None
    label: str = ""
    entries: tuple[tuple[str, str], ...] = ()


def check_color_by(color_by: Any) -> Any:
    """Return a word of `COLOR_BY` or an array of numbers.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if color_by is None:
        return "none"
    if isinstance(color_by, str):
        return check_choice("color_by", color_by, COLOR_BY)
    values = np.asarray(color_by)
    if values.ndim != 1 or values.dtype.kind not in "bfiu":
        raise ConfigError(
            f"Expected color_by as one of {', '.join(map(repr, COLOR_BY))} or one number for each region, "
            f"got an array of shape {values.shape} and dtype {values.dtype}."
        )
    return values.astype(np.float64)


def choose_colors(
    complex_: RegionComplex,
    frame: Frame,
    centres: np.ndarray,
    color_by: Any,
    *,
    output: int | None = None,
    cmap: Any = None,
    vmin: float | None = None,
    vmax: float | None = None,
) -> Coloring:
    """Return the colours of all regions.

    Parameters
    ----------
    complex_ : RegionComplex
        For "class", the one refined by the decision boundary.
    frame : Frame
    centres : ndarray, shape (R, d)
        Centroids of the drawn polygons.
    color_by : str or ndarray
        As `check_color_by` returns it.
    output : int, optional
        Index of the output.
    cmap, vmin, vmax
        As in matplotlib.

    Raises
    ------
    ConfigError
        If the output does not exist, or the number of values is not the number of regions.
    """
    if isinstance(color_by, np.ndarray):
        if len(color_by) != len(complex_):
            raise ConfigError(
                f"Expected one number for each of {len(complex_)} regions, got {len(color_by)}."
            )
        return Coloring(values=color_by, cmap=cmap or "viridis", norm=Normalize(vmin, vmax))
    if color_by == "none":
        return Coloring(faces=["#FFFFFF"] * len(complex_))
    if color_by == "pattern":
        return Coloring(faces=[CELLS[i] for i in pattern_colors(complex_, len(CELLS))])
    if color_by == "class":
        return _by_class(complex_)
    if color_by == "volume":
        sizes = np.ma.masked_invalid(complex_.volumes)
        label = "length of the region" if complex_.dim == 1 else "area of the region"
        # A network without any bounded region has no sizes to scale by.
        norm = LogNorm(vmin, vmax) if sizes.count() else None
        return Coloring(values=sizes, cmap=cmap or "viridis", norm=norm, label=label)
    m = complex_.network.output_dim
    if output is not None and not 0 <= output < m:
        raise ConfigError(f"The network has outputs 0 to {m - 1}, got output={output}.")
    if color_by == "output":
        return _by_output(complex_, frame, centres, output or 0, cmap, vmin, vmax)
    slopes = complex_.gradients if output is None else complex_.gradients[:, [output]]
    # The gradient with respect to y = matrix @ t is the gradient along the domain in the space of the inputs.
    values = np.linalg.norm(slopes @ np.linalg.inv(frame.matrix), axis=(1, 2))
    label = "norm of the gradient" if slopes.shape[1] == 1 else "norm of the Jacobian"
    return Coloring(values=values, cmap=cmap or "viridis", norm=Normalize(vmin, vmax), label=label)


def _by_class(refined: RegionComplex) -> Coloring:
    classes = refined.patterns[:, -1].astype(int)
    m = refined.network.layers[-1].n_in
    present = sorted(set(classes.tolist()))
    names = ("negative", "positive") if m == 1 else tuple(f"class {k}" for k in range(m))
    entries = tuple((CLASSES[k % len(CLASSES)], names[k]) for k in present)
    return Coloring(faces=[CLASSES[k % len(CLASSES)] for k in classes], entries=entries)


def _by_output(
    complex_: RegionComplex, frame: Frame, centres: np.ndarray, output: int, cmap: Any, vmin: Any, vmax: Any
) -> Coloring:
    # On a region the function is affine, so its value at the centroid is its mean.
    t = centres @ np.linalg.inv(frame.matrix).T
    values = np.ma.masked_invalid(
        (complex_.gradients[:, output] * t).sum(axis=1) + complex_.offsets[:, output]
    )
    label = "output" if complex_.network.output_dim == 1 else f"output {output}"
    if complex_.network.output_dim == 1 and values.min() < 0 < values.max() and vmin is None and vmax is None:
        # The sign is the class of a network with one output, so zero gets the neutral colour.
        limit = float(np.abs(values).max())
        return Coloring(values=values, cmap=cmap or "RdBu_r", norm=Normalize(-limit, limit), label=label)
    return Coloring(values=values, cmap=cmap or "viridis", norm=Normalize(vmin, vmax), label=label)
