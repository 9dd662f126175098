"""Maps that differ by less than a float shows are different maps, by every definition that looks at maps."""

from __future__ import annotations

import pytest
from helpers import to_network

import plnet

RELU = ([0], [0, 1], 0)
BY_MAPS = ("convex", "open", "closed", "affine")


def bend(change: float, d: int, copies: int = 1) -> list[tuple]:
    """Return ``x_0 + 4 + change * relu(x_0)`` on ``x_0 >= -4``, the change split among equal units."""
    rows = [[1] + [0] * (d - 1)] * (1 + copies)
    return [
        ("affine", rows, [4] + [0] * copies),
        ("scalar", [RELU] * (1 + copies)),
        ("affine", [[1] + [change] * copies], [0]),
    ]


@pytest.mark.parametrize("definition", BY_MAPS)
@pytest.mark.parametrize("k", [1, 40, 52, 53, 60, 100])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_slopes_that_differ_by_little_are_different(d, k, definition):
    network = to_network(bend(2.0**-k, d))
    for sign in (1, -1):
        network = to_network(bend(sign * 2.0**-k, d))
        found = plnet.count_regions(network, plnet.Box(-2, 2), definition=definition)
        assert found == 2
        assert found.exact


@pytest.mark.parametrize("definition", BY_MAPS)
@pytest.mark.parametrize("d", [1, 2])
def test_slopes_that_are_equal_in_the_end_are_equal(d, definition):
    """Two units take away what a third one adds, in floats that no partial sum holds."""
    raw = bend(2.0**-60, d, copies=3)
    raw[2] = ("affine", [[1, 2.0**-60, 2.0**-60, -(2.0**-59)]], [0])
    found = plnet.count_regions(to_network(raw), plnet.Box(-2, 2), definition=definition)
    assert found == 1


@pytest.mark.parametrize("k", [40, 60])
def test_offsets_that_differ_by_little_are_different(k):
    """Left of -1 and right of 1 the slope is the same and the offset differs by 2**-k."""
    step = 2.0**-k
    raw = [
        ("affine", [[1], [1], [1]], [4, 1, -1]),
        ("scalar", [RELU] * 3),
        ("affine", [[1, step / 2, -step / 2]], [0]),
    ]
    network = to_network(raw)
    assert plnet.count_regions(network, plnet.Box(-2, 2), definition="affine") == 3
    raw[2] = ("affine", [[1, step, -2 * step]], [0])
    assert plnet.count_regions(to_network(raw), plnet.Box(-2, 2), definition="affine") == 3
