"""Networks, fixtures and readers of drawings that the tests of figures share."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL

CORNERS = np.array([[0.0, 1.0, 2.0, 0.5, 0.0], [2.0, 1.0, 2.5, 0.5, 1.0], [1.5, 3.0, 2.0, 0.0, 1.0]])
"""Three points of R^5 whose plane has oblique coordinates."""


def random_network(widths, seed=0):
    rng = np.random.default_rng(seed)
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layers.append(
            Affine(rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in), rng.normal(size=n_out) * 0.3)
        )
        if i < len(widths) - 2:
            layers.append(ScalarPWL.relu(n_out))
    return PLNetwork(tuple(layers), widths[0])


@lru_cache
def square_complex():
    """Return regions of a network with three outputs on a square."""
    return plnet.enumerate_regions(random_network([2, 6, 6, 3], 1), plnet.Box(-2, 2))


@lru_cache
def plane_complex():
    """Return regions of a network with four outputs on an oblique plane."""
    return plnet.enumerate_regions(random_network([5, 6, 6, 4], 2), plnet.Slice.through(CORNERS, margin=0.5))


def cells_of(ax):
    (found,) = [item for item in ax.collections if isinstance(item, PolyCollection)]
    return found


def lines_of(ax, label):
    (found,) = [
        item for item in ax.collections if isinstance(item, LineCollection) and item.get_label() == label
    ]
    return np.array(found.get_segments())


def areas_of(ax):
    return np.array([area(path.vertices[:-1]) for path in cells_of(ax).get_paths() if len(path.vertices)])


def area(polygon):
    x, y = polygon.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
