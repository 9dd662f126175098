"""Regions of convolutional networks: against the oracle, dense layers, rationals, and torch's own forward."""

import copy
from fractions import Fraction

import numpy as np
import oracle
import pytest
import torch
from convolutional_stacks import raw_layers
from helpers import on_slice
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import few
from torch import nn
from torch_modules import Forward, ready
from windowed_modules import conv, residual

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL, as_network
from plnet.ir.safe_patterns import safe_patterns
from plnet.networks import CReLU
from plnet.regions.engines.splitting.plan import prepare
from plnet.regions.kernels.layout import ORIGIN
from plnet.regions.problem import Problem


def small_net(seed, integer, pool):
    torch.manual_seed(seed)
    module = nn.Sequential(
        conv(2, 3, 2, padding=1), nn.ReLU(), nn.MaxPool2d(2) if pool == "max" else nn.AvgPool2d(3),
        nn.Hardtanh(-0.75, 0.5), nn.Flatten(), nn.Linear({"max": 12, "avg": 3}[pool], 4), nn.ReLU(),
            nn.Linear(4, 1),
    )  # fmt: skip
    if integer:
        generator = torch.Generator().manual_seed(seed)
        for parameter in module.parameters():
            parameter.data = torch.randint(-2, 3, parameter.shape, generator=generator).float()
    return module


def draw_plane(seed, n, integer):
    rng = np.random.default_rng(seed)
    if integer:
        return rng.integers(-2, 3, (2, n)).astype(float), rng.integers(-1, 2, n).astype(float)
    return rng.standard_normal((2, n)), rng.standard_normal(n)


def plane_is_flat(directions):
    return np.linalg.matrix_rank(directions) < 2


@pytest.mark.parametrize("pool", ["max", "avg"])
@pytest.mark.parametrize("integer", [False, True])
def test_a_small_network_against_the_oracle(pool, integer):
    check_against_the_oracle(pool, integer, 1)


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["max", "avg"])
@pytest.mark.parametrize("integer", [False, True])
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_small_networks_against_the_oracle(pool, integer, seed):
    check_against_the_oracle(pool, integer, seed)


def check_against_the_oracle(pool, integer, seed):
    module = small_net(seed, integer, pool)
    directions, origin = draw_plane(seed, 18, integer)
    if plane_is_flat(directions):
        return
    network = as_network(module, (2, 3, 3))
    expected = oracle.patterns(on_slice(raw_layers(module, (2, 3, 3)), directions, origin), [-1, -1], [1, 1])
    domain = plnet.Slice(origin, directions, -1, 1)
    found = plnet.enumerate_regions(network, domain, progress=False)
    assert found.exact
    assert {tuple(p) for p in found.patterns.tolist()} == expected
    assert len(found) == len(expected) == plnet.count_regions(network, domain, progress=False)
    assert found.volumes.sum() == pytest.approx(domain_area(directions), rel=1e-9)


def domain_area(directions):
    gram = directions @ directions.T
    return 4 * np.sqrt(np.linalg.det(gram))


def dense(network):
    """The same network with every affine layer as a matrix."""
    layers = [
        Affine(layer.weight, layer.bias, layer.name) if isinstance(layer, Affine) else layer
        for layer in network.layers
    ]
    return PLNetwork(tuple(layers), network.input_dim, network.input_shape)


def deep_net(batch_norm, seed=0):
    torch.manual_seed(seed)
    norm = [nn.BatchNorm2d(4)] if batch_norm else []
    return ready(
        nn.Sequential(
            conv(2, 2, 3, padding=1, padding_mode="circular"), nn.ReLU(),
            conv(2, 4, 3, padding=1, groups=2), *norm, nn.ReLU(),
            nn.MaxPool2d(2), conv(4, 4, 2, stride=2), nn.PReLU(4), nn.Flatten(), nn.Linear(16, 3), nn.ReLU(),
            nn.Linear(3, 2),
        ),
        seed,
    )  # fmt: skip


@pytest.mark.parametrize("batch_norm", few([True, False], 1))
def test_operators_and_matrices_give_the_same_regions(batch_norm):
    network = as_network(deep_net(batch_norm), (2, 8, 8))
    domain = plnet.Slice.through(np.random.default_rng(1).standard_normal((3, 128)), margin=-0.3)
    found = plnet.enumerate_regions(network, domain, progress=False)
    other = plnet.enumerate_regions(dense(network), domain, progress=False)
    assert len(found) == len(other) > 500
    order, other_order = (np.lexsort(one.patterns.T) for one in (found, other))
    assert np.array_equal(found.patterns[order], other.patterns[other_order])
    np.testing.assert_allclose(found.volumes[order], other.volumes[other_order], rtol=1e-6, atol=1e-9)
    gradients = found.gradients[order], other.gradients[other_order]
    np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-9)


ENGINE_NETS = {
    "batch norm and average": lambda: ready(
        nn.Sequential(conv(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(), nn.AvgPool2d(3), nn.Flatten(),
            nn.Linear(2, 3), nn.ReLU())
    ),
    "residual": lambda: ready(nn.Sequential(conv(1, 2, 2), residual(), nn.AdaptiveAvgPool2d(1),
        nn.Hardsigmoid())),
    "concatenated": lambda: ready(nn.Sequential(conv(1, 1, 2), CReLU(), nn.MaxPool2d(2, 1), conv(2, 2, 2),
        nn.ReLU6())),
    "branches": lambda: ready(
        Forward(
            lambda m, x: torch.relu(m.last(torch.cat([m.one(x), m.pool(torch.relu(m.two(x)))], 1))),
            one=conv(1, 1, 2), two=conv(1, 2, 2), pool=nn.MaxPool2d(3, 1, 1), last=conv(3, 2, 3),
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("build", ENGINE_NETS.values(), ids=ENGINE_NETS)
def test_engines_agree(build):
    network = as_network(build(), (1, 4, 4))
    domain = plnet.Slice.through(np.random.default_rng(2).standard_normal((3, 16)), margin=0.5)
    counts = [
        plnet.count_regions(network, domain, engine=engine, progress=False)
        for engine in ("cells", "rational", "search")
    ]
    assert len({int(count) for count in counts}) == 1, counts
    assert all(count.exact for count in counts)
    line = plnet.Segment(np.zeros(16), np.ones(16))
    lengths = [
        plnet.count_regions(network, line, engine=engine, progress=False) for engine in ("line", "rational")
    ]
    assert lengths[0] == int(lengths[1])


@pytest.mark.parametrize("seed", range(3))
def test_engines_agree_in_three_dimensions(seed):
    module = nn.Sequential(
        conv(1, 2, 2, padding=1), nn.ReLU(), nn.AvgPool2d(3, 1), nn.Flatten(), nn.Linear(2, 2), nn.ReLU()
    )
    network = as_network(ready(module, seed), (1, 2, 2))
    directions = np.random.default_rng(seed).standard_normal((3, 4))
    domain = plnet.Slice(np.zeros(4), directions, -1, 1)
    counts = {
        int(plnet.count_regions(network, domain, engine=engine, progress=False))
        for engine in ("cells", "rational", "search")
    }
    assert len(counts) == 1


def plan_of(network, domain):
    found = prepare(Problem(network, domain.chart(network.input_dim)))
    assert found is not None
    return found


def test_layers_in_between_show_up_nowhere():
    network = as_network(deep_net(True), (2, 8, 8))
    domain = plnet.Slice.through(np.random.default_rng(1).standard_normal((3, 128)), margin=-0.4)
    prepared = plan_of(network, domain)
    assert len(prepared.plan.layers) > len(network.nonlinear_layers)
    assert len(prepared.levels) == len(network.nonlinear_layers)
    found = plnet.enumerate_regions(network, domain, progress=False)
    assert found.patterns.shape[1] == network.n_units
    facets = {facet[0] for i in range(len(found)) for facet in found.halfspaces(i).facets}
    assert facets <= set(range(-1, len(network.nonlinear_layers)))
    for i in range(0, len(found), 50):
        space = found.halfspaces(i)
        assert (space.A @ found.points[i] <= space.b + 1e-9).all()


def test_walls_that_meet_at_zero_need_no_rationals(monkeypatch):
    # The walls of two ReLU units and the wall of their maximum always meet in one point.
    torch.manual_seed(0)
    module = nn.Sequential(
        conv(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 1)
    )
    network = as_network(module, (1, 4, 4))
    domain = plnet.Slice.through(np.random.default_rng(0).standard_normal((3, 16)), margin=0.5)
    count = plnet.count_regions(network, domain, progress=False)
    assert count.n_fallbacks == 0
    expected = oracle_count(module, (1, 4, 4), domain, network)
    assert int(count) == expected

    from plnet.regions.engines.splitting import plan

    monkeypatch.setattr(plan, "origins", lambda layers, rows: [np.full(len(r.source), -1) for r in rows])
    blind = plnet.count_regions(network, domain, progress=False)
    assert blind.n_fallbacks > 10
    assert int(blind) == expected
    assert (plan_of(network, domain).plan.rows[:, ORIGIN] == -1).all()


def oracle_count(module, shape, domain, network):
    chart = domain.chart(network.input_dim)
    embedding = chart.embedding.to_fractions()
    layers = [("affine", embedding[:, :-1].tolist(), embedding[:, -1].tolist()), *raw_layers(module, shape)]
    corners = np.array(
        [[Fraction(v[0], v[2]), Fraction(v[1], v[2])] for v in Problem(network, chart).root.vertices]
    )
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    assert len(corners) == 4
    return oracle.count_regions(layers, low, high)


def test_equal_channels_are_one_wall():
    torch.manual_seed(1)
    module = nn.Sequential(conv(1, 2, 2), nn.ReLU(), conv(2, 4, 2), nn.ReLU())
    with torch.no_grad():
        for name in ("weight", "bias"):
            tensor = getattr(module[2], name)
            tensor[1] = 2 * tensor[0]
            tensor[2] = -tensor[0]
    network = as_network(module, (1, 4, 4))
    domain = plnet.Slice.through(np.random.default_rng(0).standard_normal((3, 16)), margin=0.5)
    count = plnet.count_regions(network, domain, progress=False)
    single = nn.Sequential(module[0], nn.ReLU(), conv(2, 2, 2), nn.ReLU())
    with torch.no_grad():
        single[2].weight.copy_(module[2].weight[[0, 3]])
        single[2].bias.copy_(module[2].bias[[0, 3]])
    assert count.n_fallbacks == 0
    assert int(count) == int(plnet.count_regions(as_network(single, (1, 4, 4)), domain, progress=False))


@pytest.mark.slow
def test_budgets_of_large_networks_are_honoured():
    module = ready(nn.Sequential(conv(3, 16, 3, padding=1), nn.ReLU(), conv(16, 16, 3, padding=1), nn.ReLU()))
    network = as_network(module, (3, 32, 32))
    domain = plnet.Slice.through(np.random.default_rng(0).standard_normal((3, 3072)))
    # To prepare the network takes most of a second of it.
    count = plnet.count_regions(network, domain, progress=False, max_seconds=3.0)
    assert not count.complete
    assert count.seconds < 15
    assert count.lower > 0


def vgg(seed=0):
    torch.manual_seed(seed)
    parts, channels = [], 3
    for width in (16, 32, 64):
        for _ in range(2):
            parts += [conv(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        parts.append(nn.MaxPool2d(2))
    parts += [nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(), nn.Linear(128, 10)]
    module = nn.Sequential(*parts)
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            nn.init.normal_(part.bias, std=0.1, generator=generator)
        elif isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.7, 1.5, generator=generator)
            part.bias.data.normal_(0, 0.1, generator=generator)
    return module.eval()


def torch_patterns(module, images):
    """Patterns of torch's own float64 forward, written out for this kind of network."""
    found, x = [], images.double()
    with torch.no_grad():
        for part in copy.deepcopy(module).double().eval():
            if isinstance(part, nn.ReLU):
                found.append((x > 0).flatten(1))
            elif isinstance(part, nn.MaxPool2d):
                windows = nn.functional.unfold(x.flip(2, 3), 2, stride=2).unflatten(1, (x.shape[1], 4))
                # The first maximum of the windows read backwards is the last one.
                place = 3 - windows.argmax(dim=2)
                found.append(place.flip(2).flatten(1))
            x = part(x)
    return torch.cat([p.to(torch.int16) for p in found], dim=1).numpy()


@pytest.mark.slow
def test_a_plane_through_three_images_in_a_large_network():
    module = vgg()
    network = as_network(module, (3, 32, 32))
    assert network.n_units == 64_640
    images = np.random.default_rng(0).standard_normal((3, 3072))
    middle = images.mean(axis=0)
    directions = np.stack([images[1] - images[0], images[2] - images[0]])
    reach = 3e-4
    domain = plnet.Slice(middle, directions, -reach, reach)
    count = plnet.count_regions(network, domain, progress=False)
    assert count.exact
    found = plnet.enumerate_regions(network, domain, progress=False)
    assert len(found) == int(count) > 300
    # Volumes of so deep a network need exact cells, which take a second each.
    near = plnet.enumerate_regions(network, plnet.Slice(middle, directions, -reach / 10, reach / 10))
    assert len(near) > 10
    assert near.volumes.sum() == pytest.approx((reach / 10) ** 2 * domain_area(directions), rel=1e-9)

    rng = np.random.default_rng(1)
    t = rng.uniform(-reach, reach, (40, 2))
    points = middle + t @ directions
    patterns, safe = safe_patterns(network, points, 1e-15 * np.abs(points))
    assert np.array_equal(
        patterns[safe], torch_patterns(module, torch.from_numpy(points[safe]).reshape(-1, 3, 32, 32))
    )
    places = {row.tobytes(): i for i, row in enumerate(found.patterns)}
    assert len(places) == len(found)
    at_points = torch_patterns(
        module, torch.from_numpy(found.points[:40] @ directions + middle).reshape(-1, 3, 32, 32)
    )
    agreeing = [row.astype(found.patterns.dtype).tobytes() in places for row in at_points]
    assert all(agreeing)


@pytest.mark.slow
def test_a_residual_network_with_batch_norm_on_images():
    torch.manual_seed(0)
    module = ready(
        nn.Sequential(
            conv(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), residual(8), nn.MaxPool2d(2),
                residual(8, 1),
            nn.AdaptiveAvgPool2d((3, 3)), nn.Flatten(), nn.Linear(72, 16), nn.ReLU(), nn.Linear(16, 10),
        )
    )  # fmt: skip
    network = as_network(module, (3, 32, 32))
    images = np.random.default_rng(0).standard_normal((3, 3072))
    domain = plnet.Slice(images.mean(axis=0), images[1:] - images[0], -2e-3, 2e-3)
    count = plnet.count_regions(network, domain, progress=False)
    assert count.exact
    assert count == len(plnet.enumerate_regions(network, domain, progress=False))
    assert int(count) > 100
    kinds = {type(layer).__name__ for layer in network.layers}
    assert kinds >= {"Convolution", "StackedAffine", "SparseAffine"}
    assert any(isinstance(layer, ScalarPWL) for layer in network.layers)


@pytest.mark.parametrize(
    ("n", "size", "stride", "channels", "count"),
    [(3, 2, 1, 1, 4), (3, 2, 1, 2, 15), (4, 2, 2, 2, 16), (4, 3, 1, 2, 16)],
)
@pytest.mark.parametrize("engine", ["auto", "cells", "search", "rational"])
def test_counts_of_one_layer_on_the_whole_space(n, size, stride, channels, count, engine):
    """Xiong, Huang, Yu, Liu, Zhu and Shao (2020), "On the number of linear regions of CNNs", Theorem 2."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv1d(1, channels, size, stride), nn.ReLU())
    network = as_network(module, (1, n))
    assert plnet.count_regions(network, engine=engine, progress=False) == count
