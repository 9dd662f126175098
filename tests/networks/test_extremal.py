"""Networks that attain bounds: what the engines count is what the formulas say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import plnet
from plnet import bounds
from plnet.bounds import Arrangement, families
from plnet.errors import NetworkError
from plnet.networks import (
    arora_2018_network,
    montufar_2014_network,
    montufar_ren_zhang_2022_layer,
    montufar_ren_zhang_2022_network,
    one_hidden_layer,
    serra_2018_cones_network,
    serra_2018_network,
    xiong_2020_layer,
    zigzag,
)
from plnet.regions.engines.closed.arrangement import ArrangementCount


def count(network, domain=None, engine="auto"):
    found = plnet.count_regions(network, domain, engine=engine)
    assert found.exact
    return int(found)


@pytest.mark.parametrize(
    ("pieces", "depth", "inside", "everywhere"),
    [
        (2, 1, 2, 3),
        (2, 2, 4, 6),
        (2, 3, 8, 10),
        (2, 5, 32, 34),
        (3, 1, 3, 4),
        (3, 2, 9, 10),
        (3, 3, 27, 28),
        (4, 2, 16, 18),
    ],
)
def test_zigzag(pieces, depth, inside, everywhere):
    network = zigzag(pieces, depth)
    assert count(network, plnet.Box(0, 1)) == inside == pieces**depth
    assert count(network) == everywhere
    # It maps the multiples of pieces^-depth to 0 and 1 in turn.
    grid = torch.arange(inside + 1, dtype=torch.float64)[:, None] / inside
    if pieces in (2, 4):
        assert network(grid).ravel().tolist() == [float(i % 2) for i in range(inside + 1)]


@pytest.mark.parametrize(
    ("n0", "widths", "regions"),
    [
        (1, [3], 4),
        (1, [3, 3], 12),
        (1, [3, 3, 3], 36),
        (1, [4, 2, 3], 32),
        (2, [4], 11),
        (2, [4, 4], 44),
        (2, [6, 6], 198),
        (2, [4, 4, 4], 176),
        (2, [8, 8], 592),
        (2, [5, 4], 44),
        (2, [3, 3], 7),
    ],
)
def test_montufar_2014(n0, widths, regions):
    assert bounds.montufar_2014(n0, widths) == regions
    network = montufar_2014_network(n0, widths)
    assert [layer.out_features for layer in network[:-1:2]] == widths
    assert count(network, plnet.Box(0, 1)) == regions
    assert count(network) >= regions


@pytest.mark.parametrize(
    ("n0", "widths", "regions"),
    [
        (1, [3], 4),
        (1, [3, 3], 16),
        (1, [3, 3, 3], 64),
        (1, [4, 5, 3], 120),
        (1, [7, 3], 32),
        (2, [6], 22),
        (2, [6, 6], 352),
        (2, [8, 8], 925),
        (2, [7, 6], 352),
    ],
)
def test_serra_2018(n0, widths, regions):
    assert bounds.serra_2018_lower(n0, widths) == regions
    network = serra_2018_network(n0, widths)
    assert [layer.out_features for layer in network[:-1:2]] == widths
    assert count(network) == regions
    if n0 == 1:
        assert regions == bounds.serra_2018_one_input(widths)


@pytest.mark.parametrize(
    ("n0", "m", "width", "depth", "regions"),
    [(1, 1, 3, 3, 18), (2, 2, 4, 2, 16), (2, 1, 2, 3, 8), (2, 4, 8, 2, 64), (2, 3, 3, 3, 54)],
)
def test_arora_2018(n0, m, width, depth, regions):
    assert bounds.arora_2018(n0, m, width, depth) == regions
    normals = np.array([[i**j for j in range(n0)] for i in range(1, m + 1)])
    signs = np.array(list(itertools.product((1, -1), repeat=m)))
    # The sum of the |v_i . x| is at most 1 where all its signed sums are.
    zonotope_is_short = plnet.Polytope(signs @ normals, np.ones(len(signs)))
    assert count(arora_2018_network(n0, m, width, depth), zonotope_is_short) == regions


@pytest.mark.parametrize(
    ("n0", "m", "width", "depth", "regions"),
    [
        (1, 1, 3, 3, 32),
        (2, 2, 4, 2, 20),
        (2, 4, 8, 2, 72),
        (2, 1, 3, 3, 32),
        (2, 2, 3, 3, 64),
        (2, 3, 5, 1, 6),
    ],
)
def test_serra_2018_cones(n0, m, width, depth, regions):
    assert bounds.serra_2018_cones(n0, m, width, depth) == regions
    assert count(serra_2018_cones_network(n0, m, width, depth)) == regions


@pytest.mark.parametrize(
    ("n0", "ranks", "regions"),
    [
        (1, [3, 3], 5),
        (2, [3], 3),
        (2, [3, 3], 9),
        (2, [3, 3, 3], 19),
        (2, [2, 3, 4], 18),
        (2, [4, 4, 4, 4], 67),
        (2, [1, 3], 3),
    ],
)
def test_sharp_maxout_layer(n0, ranks, regions):
    assert bounds.montufar_ren_zhang_2022(n0, ranks) == regions
    assert count(montufar_ren_zhang_2022_layer(n0, ranks)) == regions


@pytest.mark.parametrize(("n0", "ranks"), [(3, [3, 3, 3, 3]), (3, [4, 2, 3]), (4, [3] * 6), (2, [5] * 7)])
def test_bundles_of_the_sharp_maxout_layer(n0, ranks):
    """The walls of consecutive pieces are the bundles; their arrangement has the sharp number of regions."""
    layer = montufar_ren_zhang_2022_layer(n0, ranks)[0]
    walls, offsets = [], []
    for weight, bias, k in zip(layer.weight.tolist(), layer.bias.tolist(), ranks, strict=True):
        walls += [np.subtract(weight[t + 1], weight[t]) for t in range(k - 1)]
        offsets += [bias[t] - bias[t + 1] for t in range(k - 1)]
    assert Arrangement(walls, offsets).n_regions() == bounds.montufar_ren_zhang_2022(n0, ranks)


@pytest.mark.parametrize(
    ("n0", "widths", "pieces", "regions"),
    [
        (2, [4], 3, 25),
        (2, [4, 4], 2, 81),
        (2, [4, 4], 3, 625),
        (1, [2, 3], 3, 35),
        (1, [3, 3], 2, 16),
        (2, [2, 2], 2, 16),
        (1, [4, 2, 2], 4, 637),
        (1, [2, 5], 4, 112),
    ],
)
def test_deep_maxout(n0, widths, pieces, regions):
    assert bounds.montufar_ren_zhang_2022_lower(n0, widths, pieces) == regions
    assert count(montufar_ren_zhang_2022_network(n0, widths, pieces)) == regions


def unrolled(network, shape):
    """Return the hyperplanes of a convolutional layer, by evaluating it."""
    size = int(np.prod(shape))
    with torch.no_grad():
        inputs = torch.cat([torch.zeros(1, size), torch.eye(size)]).double().reshape(-1, *shape)
        values = network[0](inputs).flatten(1).numpy()
    return Arrangement((values[1:] - values[0]).T, -values[0])


@pytest.mark.parametrize(
    ("shape", "channels", "kernel", "stride"),
    [
        ((1, 3), 1, (2,), (1,)),
        ((1, 3), 2, (2,), (1,)),
        ((1, 4), 2, (2,), (2,)),
        ((1, 4), 2, (3,), (1,)),
        ((1, 6), 2, (3,), (1,)),
        ((2, 4), 2, (2,), (1,)),
        ((1, 2, 3), 2, (2, 2), (1, 1)),
        ((1, 3, 3), 2, (2, 2), (2, 1)),
    ],
)
def test_convolution_with_shared_filters(shape, channels, kernel, stride):
    network = xiong_2020_layer(shape, channels, kernel, stride, rng=5)
    expected = bounds.xiong_2020(bounds.receptive_fields(shape, kernel, stride), channels)
    assert unrolled(network, shape).n_regions() == expected


@pytest.mark.parametrize(("channels", "free", "shared"), [(2, 256, 255), (3, 4013, 3998)])
def test_shared_filters_along_two_axes_lose_regions(channels, free, shared):
    """Filters a and b of size 2 x 2 fulfil a * b = b * a, a relation between the rows of the layer.

    With two filters that makes one circuit of eight hyperplanes in general offset: 2^8 - 1 regions.
    """
    fields = bounds.receptive_fields((1, 3, 3), (2, 2), (1, 1))
    assert bounds.xiong_2020(fields, channels) == free
    layer = unrolled(xiong_2020_layer((1, 3, 3), channels, (2, 2), (1, 1), rng=0), (1, 3, 3))
    assert layer.n_regions() == shared
    if channels == 2:
        (a, b), rows = layer.normals[[0, 4]][:, [0, 1, 3, 4]], layer.normals
        assert not (b @ rows[:4] - a @ rows[4:]).any()
    with pytest.raises(NetworkError, match="overlap along one axis"):
        bounds.xiong_2020_lower((1, 3, 3), [(channels, (2, 2), (1, 1))])


@pytest.mark.parametrize("name", ["boolean", "type_b", "generic_central"])
def test_one_hidden_layer(name):
    arrangement = families.generic_central(5, 2) if name == "generic_central" else getattr(families, name)(2)
    network = one_hidden_layer(arrangement)
    assert count(network) == count(network, engine=ArrangementCount()) == arrangement.n_regions()
    x = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    normals = torch.tensor(arrangement.normals.astype(float))
    torch.testing.assert_close(network(x)[:, 0], (x @ normals.T).relu().sum(dim=1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: one_hidden_layer(families.h3()), r"sqrt\(5\)"),
        (lambda: one_hidden_layer(Arrangement(np.empty((0, 2)))), "at least one hyperplane"),
        (lambda: one_hidden_layer(Arrangement([[2**60 + 1, 1]])), "coefficients that are floats"),
        (lambda: one_hidden_layer(Arrangement([[10**400, 1]])), "coefficients that are floats"),
        (lambda: montufar_2014_network(2, [1, 2]), "at least 2 units"),
        (lambda: serra_2018_network(1, [2, 3]), "at least 3 units"),
        (lambda: serra_2018_network(1, []), "one or more hidden layers"),
        (lambda: serra_2018_cones_network(2, 1, 2, 3), "at least 3"),
        (lambda: montufar_ren_zhang_2022_network(2, [2, 2], 3), "even number"),
        (lambda: xiong_2020_layer((1, 4), 2, (2, 2), (1, 1)), "one or two axes"),
        (lambda: zigzag(0, 1), "pieces"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(NetworkError, match=message):
        call()


def test_weights_are_float64_and_no_randomness_is_used():
    state = torch.get_rng_state()
    for network in (serra_2018_network(2, [6, 6]), montufar_ren_zhang_2022_network(2, [4, 4], 3)):
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}
    first, second = (xiong_2020_layer((1, 4), 2, (2,), (1,), rng=3)[0].weight for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)
