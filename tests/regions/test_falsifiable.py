"""The error bounds matter: without them a degenerate network is miscounted, with them it is proved."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from helpers import cross, to_network

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.regions.engines.splitting import plan
from plnet.regions.problem import Problem

POINT = (0.1, 0.2)
LINES = 9


def pencil() -> PLNetwork:
    """Return lines through (0.1, 0.2): 2 regions for each."""
    weight = np.random.RandomState(0).randn(LINES, 2)
    return PLNetwork(
        (Affine(np.eye(2), [-x for x in POINT]), Affine(weight, np.zeros(LINES)), ScalarPWL.relu(LINES)), 2
    )


def fan_layers() -> list:
    """Return two layers whose walls all run through (0.1, 0.2)."""
    rng = np.random.RandomState(1)
    shift = ("affine", np.eye(2).tolist(), [-x for x in POINT])
    first = ("affine", rng.randn(6, 2).tolist(), [0.0] * 6)
    second = ("affine", rng.randn(6, 6).tolist(), [0.0] * 6)
    units = ("scalar", [([0], [0, 1], 0)] * 6)
    return [shift, first, units, second, units]


@pytest.fixture
def no_bounds(monkeypatch):
    """Let the kernel take every rounded number for exact."""
    monkeypatch.setattr(plan, "exact_form_bits", lambda problem, entering: 0)
    monkeypatch.setattr(plan, "vertices_are_exact", lambda problem, entering: True)
    monkeypatch.setattr(plan, "UNIT_ROUNDOFF", 0.0)


def test_without_error_bounds_a_pencil_of_lines_is_miscounted(no_bounds):
    count = plnet.count_regions(pencil(), plnet.Box(-1, 1))
    assert count.exact
    assert count.count > 2 * LINES


def test_with_error_bounds_a_pencil_of_lines_is_right():
    count = plnet.count_regions(pencil(), plnet.Box(-1, 1))
    assert count == 2 * LINES
    assert count.exact
    assert count.n_fallbacks > 0


def test_without_error_bounds_a_deep_fan_is_miscounted(no_bounds):
    want = oracle.count_regions(fan_layers(), (-1, -1), (1, 1))
    assert plnet.count_regions(to_network(fan_layers()), plnet.Box(-1, 1)).count != want


def test_with_error_bounds_a_deep_fan_is_right():
    count = plnet.count_regions(to_network(fan_layers()), plnet.Box(-1, 1))
    assert count == oracle.count_regions(fan_layers(), (-1, -1), (1, 1))
    assert count.exact
    assert count.n_fallbacks > 0


def _integer_network(size: int, seed: int = 3) -> list:
    rng = np.random.RandomState(seed)
    layers = []
    for fan_in, fan_out in [(2, 5), (5, 4)]:
        weight, bias = rng.randint(-size, size + 1, (fan_out, fan_in)), rng.randint(-size, size + 1, fan_out)
        layers += [("affine", weight.tolist(), bias.tolist()), ("scalar", [([0], [0, 1], 0)] * fan_out)]
    return layers


def _is_exact(network: PLNetwork, domain: plnet.Domain) -> bool:
    return plan.prepare(Problem(network, domain.chart(network.input_dim))).exact_arithmetic


@pytest.mark.parametrize("seed", range(8))
def test_small_integers_need_no_fallback(seed: int):
    layers = _integer_network(3, seed)
    network, domain = to_network(layers), plnet.Box(-4, 4)
    assert _is_exact(network, domain)
    count = plnet.count_regions(network, domain)
    assert count == oracle.count_regions(layers, (-4, -4), (4, 4))
    assert count.n_fallbacks == 0


def test_the_border_between_exact_and_rounded_arithmetic():
    domain = plnet.Box(-1, 1)
    sizes = [2**k for k in range(1, 26)]
    exact = [_is_exact(to_network(_integer_network(size)), domain) for size in sizes]
    border = exact.index(False)
    assert border > 3
    assert not any(exact[border:])
    for size in sizes[border - 2 : border + 3]:
        layers = _integer_network(size)
        count = plnet.count_regions(to_network(layers), domain)
        assert count == oracle.count_regions(layers, (-1, -1), (1, 1))
        assert count.exact


@pytest.mark.parametrize("scale", [2.0**-20, 1.0, 2.0**20])
def test_powers_of_two_stay_exact(scale: float):
    layers = [("affine", (np.array([[1, 2], [3, -1], [0, 1]]) * scale).tolist(), [scale, 0, -scale / 2])]
    layers.append(("scalar", [([0], [0, 1], 0)] * 3))
    network, domain = to_network(layers), plnet.Box(-1, 1)
    assert plnet.count_regions(network, domain) == oracle.count_regions(layers, (-1, -1), (1, 1))


def test_rounded_weights_are_not_called_exact():
    assert _is_exact(cross(), plnet.Box(-1, 1))
    assert not _is_exact(pencil(), plnet.Box(-1, 1))
    assert not _is_exact(cross(), plnet.Space(2))


def test_a_small_anchor_counts_as_a_number_of_the_network():
    units = ("scalar", [([1.0], [1.0, 2.0], 2.0**-60), ([0], [0, 1], 0), ([], [1], 0)])
    first = ("affine", [[1, 0], [0, 1], [1, 0]], [0, 0, 0])
    layers = [first, units, ("affine", [[1, -1, -1]], [1]), ("scalar", [([0], [0, 1], 0)])]
    count = plnet.count_regions(to_network(layers), plnet.Box(-4, 4))
    assert count == oracle.count_regions(layers, (-4, -4), (4, 4)) == 6
