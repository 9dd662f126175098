"""Networks whose numbers shrink on their way until products underflow, and may grow again."""

import numpy as np
import pytest

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL


def chain(weights, last, bias=1.0, d=1):
    """Return a network of single units, one for each weight; the first reads the first of d inputs."""
    layers = [Affine(np.eye(1, d), [0.0]), ScalarPWL.relu(1)]
    for weight in weights:
        layers += [Affine([[weight]], [0.0]), ScalarPWL.relu(1)]
    return PLNetwork((*layers, Affine([[last]], [bias]), ScalarPWL.relu(1)), d)


DOWN_AND_UP = chain([1e-5] * 66 + [1e5] * 65, -1e5)
"""Its last unit is 1 - x but for rounding, so it changes near 1; on the way are numbers near 1e-330."""

DOWN = {
    "three layers": chain([1e-100] * 3, -1e-30),
    "many layers": chain([1e-10] * 33, -1e-10),
    "gentle layers": chain([1e-3] * 110, -1.0),
}


@pytest.mark.parametrize("engine", ["search", "line", "rational"])
@pytest.mark.parametrize(("low", "high", "pieces"), [(0.5, 2.0, [0, 1]), (2.0, 3.0, [0]), (0.25, 0.5, [1])])
def test_a_wall_behind_numbers_that_underflow(engine, low, high, pieces):
    found = plnet.enumerate_regions(DOWN_AND_UP, plnet.Box([low], [high]), engine=engine)
    assert found.exact
    assert sorted(found.patterns[:, -1].tolist()) == pieces


@pytest.mark.parametrize("engine", ["search", "line", "rational"])
@pytest.mark.parametrize("network", DOWN.values(), ids=DOWN)
def test_a_wall_that_is_farther_than_any_float(network, engine):
    # The product of the weights is below every float, yet beyond some x > 0 the last unit is off.
    found = plnet.count_regions(network, engine=engine)
    assert found.exact
    assert found == 3


@pytest.mark.parametrize("d", [4, 8])
def test_the_default_engine_in_more_dimensions(d):
    network = chain([1e-5] * 66 + [1e5] * 65, -1e5, d=d)
    assert plnet.count_regions(network, plnet.Box(0.5, 2.0), engine="auto") == 2


@pytest.mark.parametrize("seed", range(12))
def test_random_chains_that_shrink_and_grow(seed):
    rng = np.random.default_rng(seed)
    step, width, d = int(rng.choice([3, 10, 40])), int(rng.integers(1, 3)), int(rng.integers(1, 4))
    depth = int(np.ceil(rng.uniform(150, 420) / step))
    layers = [Affine(rng.normal(size=(width, d)), 0.3 * rng.normal(size=width)), ScalarPWL.relu(width)]
    for sign in (-1, 1):
        for _ in range(depth):
            scales = 10.0 ** (sign * step) * rng.uniform(0.5, 2, width)
            layers += [Affine(np.diag(scales), np.zeros(width)), ScalarPWL.relu(width)]
    layers += [Affine(rng.normal(size=(2, width)), rng.normal(size=2)), ScalarPWL.relu(2)]
    network, box = PLNetwork(tuple(layers), d), plnet.Box(-1, 1)
    expected = plnet.count_regions(network, box, engine="rational")
    assert plnet.count_regions(network, box, engine="search") == expected
    assert plnet.count_regions(network, box, engine="cells" if d > 1 else "line") == expected
