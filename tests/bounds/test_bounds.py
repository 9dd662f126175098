"""Closed bounds against the tables of the literature, against each other, and on a grid of architectures."""

from __future__ import annotations

import itertools
from math import comb, prod

import pytest

from plnet import bounds
from plnet.errors import NetworkError

# n0; widths; 2^N, Montufar 2017, Serra 2018, Pascanu 2014, Montufar 2014, Serra 2018 lower.
# None: does not apply.
RELU_TABLE = [
    (1, [3], 8, 4, 4, 4, 4, 4),
    (1, [3, 3], 64, 16, 16, 12, 12, 16),
    (1, [3, 3, 3], 512, 64, 64, 36, 36, 64),
    (2, [4], 16, 11, 11, 11, 11, None),
    (2, [3, 3], 64, 49, 40, 7, 7, None),
    (2, [4, 4], 256, 121, 121, 22, 44, None),
    (2, [2, 2, 2], 64, 64, 30, 4, 4, None),
    (2, [6], 64, 22, 22, 22, 22, 22),
    (2, [6, 6], 4096, 484, 484, 66, 198, 352),
    (2, [8, 8], 65536, 1369, 1369, 148, 592, 925),
    (2, [4, 4, 4], 4096, 1331, 1331, 44, 176, None),
    (3, [4, 4], 256, 225, 161, 15, 15, None),
    (3, [9, 9], 262144, 16900, 16900, 390, 3510, 8320),
    (4, [3, 5], 256, 208, 93, None, None, None),
    (4, [5, 3], 256, 248, 218, None, None, None),
    (10, [5, 5], 1024, 1024, 638, None, None, None),
    (784, [1, 21], 4194304, 44, 23, None, None, None),
    (784, [10, 12], 4194304, 4180992, 1744436, None, None, None),
    (784, [11, 11], 4194304, 4194304, 2449868, None, None, None),
    (784, [12, 10], 4194304, 4194304, 3096514, None, None, None),
    (784, [21, 1], 4194304, 4194304, 4194303, None, None, None),
]


@pytest.mark.parametrize("row", RELU_TABLE, ids=str)
def test_relu_table(row):
    n0, widths, naive, montufar, serra, *lower = row
    assert bounds.activation_patterns(widths) == naive
    assert bounds.montufar_2017(n0, widths) == montufar
    assert bounds.serra_2018(n0, widths) == serra
    names = ("pascanu_2014", "montufar_2014", "serra_2018_lower")
    for name, expected in zip(names, lower, strict=True):
        if expected is None:
            with pytest.raises(NetworkError, match="holds for"):
                getattr(bounds, name)(n0, widths)
        else:
            assert getattr(bounds, name)(n0, widths) == expected


def test_relu_grid():
    """1,995 architectures: lower bounds <= Serra <= Montúfar <= 2^N, and Hinz is the same as each."""
    cases = strict = 0
    for n0, depth in itertools.product(range(1, 6), range(1, 4)):
        for widths in itertools.product(range(1, 8), repeat=depth):
            naive, montufar = bounds.activation_patterns(widths), bounds.montufar_2017(n0, widths)
            serra = bounds.serra_2018(n0, widths)
            assert serra <= montufar <= naive
            hinz = bounds.hinz_van_de_geer_2019
            assert hinz(n0, widths) == serra
            assert hinz(n0, widths, "montufar_2017") == montufar
            assert hinz(n0, widths, "naive") == naive
            if min(widths) >= n0:
                low = bounds.montufar_2014(n0, widths)
                assert bounds.pascanu_2014(n0, widths) <= low <= serra
                if min(widths) >= 3 * n0:
                    assert low <= bounds.serra_2018_lower(n0, widths) <= serra
            cases += 1
            strict += serra < montufar
    assert (cases, strict) == (1995, 1461)


@pytest.mark.parametrize(
    ("n0", "m", "width", "depth", "arora", "serra"),
    [(2, 2, 4, 2, 16, 20), (2, 1, 2, 3, 8, 18), (2, 4, 8, 2, 64, 72), (784, 5, 12, 2, 384, 416)],
)
def test_zonotope_networks(n0, m, width, depth, arora, serra):
    assert bounds.arora_2018(n0, m, width, depth) == arora
    assert bounds.serra_2018_cones(n0, m, width, depth) == serra


def test_one_layer_and_one_input():
    for m, d in itertools.product(range(8), range(1, 6)):
        assert bounds.serra_2018(d, [m]) == bounds.zaslavsky(m, d) == sum(comb(m, j) for j in range(d + 1))
    assert bounds.serra_2018_one_input([3, 4, 5]) == 4 * 5 * 6 == bounds.serra_2018(1, [3, 4, 5])
    with pytest.raises(NetworkError, match="at least 3 units"):
        bounds.serra_2018_one_input([3, 2])


def test_ranks_tighten_the_bound():
    # Four units whose normals span a line are parallel: five strips, and one dimension behind them.
    assert bounds.serra_2018(3, [4], ranks=[1]) == 5
    assert bounds.serra_2018(2, [4, 4], ranks=[1, 2]) < bounds.serra_2018(2, [4, 4])
    with pytest.raises(NetworkError, match="Expected 2 ranks"):
        bounds.serra_2018(2, [4, 4], ranks=[1])


def test_arrangements_in_general_position():
    # Bounded regions: those of m lines are C(m-1, 2); through a point 2 m sectors.
    assert [bounds.zaslavsky_bounded(m, 2) for m in range(6)] == [0, 0, 0, 1, 3, 6]
    assert [bounds.cover_1965(m, 2) for m in range(5)] == [1, 2, 4, 6, 8]
    assert bounds.cover_1965(10, 4) == 260


def test_order_of_raghu():
    assert bounds.raghu_2017_order(3, 10, 2) == 10**6
    assert bounds.raghu_2017_order(3, 10, 2, pieces=3) == 20**6


def test_custom_histogram():
    """A histogram that puts everything on full dimension gives Montúfar's bound."""

    def histogram(d, n):
        return [0] * n + [bounds.zaslavsky(n, d)]

    assert bounds.hinz_van_de_geer_2019(2, [3, 3], histogram) == 49
    with pytest.raises(NetworkError, match="Expected a histogram among"):
        bounds.hinz_van_de_geer_2019(2, [3, 3], "best")


SHARP = [
    (1, [3, 3], 5, None),
    (2, [3], 3, None),
    (2, [3, 3], 9, 6),
    (2, [3, 3, 3], 19, 9),
    (2, [2, 3, 4], 18, 9),
    (2, [4, 4, 4, 4], 67, 16),
    (3, [3, 3, 3, 3], 65, 36),
    (3, [4, 4, 4], None, 38),
]


@pytest.mark.parametrize(("n0", "ranks", "biased", "central"), SHARP)
def test_maxout_layers(n0, ranks, biased, central):
    if biased is not None:
        assert bounds.montufar_ren_zhang_2022(n0, ranks) == biased
    if central is not None:
        assert bounds.montufar_ren_zhang_2022_no_bias(n0, ranks) == central


MAXOUT = [  # n0, widths, k, upper, lower, Serra 2018
    (2, [4], 3, 33, 25, 79),
    (2, [4, 4], 2, 121, 81, 121),
    (2, [4, 4], 3, 1089, 625, 6241),
    # For these the product of the lower bound is not attained, see test_odd_maxout_folds.
    (2, [2, 2], 3, 81, None, 484),
    (1, [3, 3], 3, 49, None, 100),
    (3, [3, 3], 3, 729, None, 16900),
]


@pytest.mark.parametrize(("n0", "widths", "k", "upper", "lower", "serra"), MAXOUT)
def test_maxout_networks(n0, widths, k, upper, lower, serra):
    assert bounds.montufar_ren_zhang_2022_upper(n0, widths, k) == upper
    assert bounds.serra_2018_maxout(n0, widths, k) == serra
    if lower is None:
        with pytest.raises(NetworkError, match="even number"):
            bounds.montufar_ren_zhang_2022_lower(n0, widths, k)
    else:
        assert bounds.montufar_ren_zhang_2022_lower(n0, widths, k) == lower


def test_odd_maxout_folds():
    """One input, width 1, three pieces, two layers: 7 regions at most, so 3 * 3 is no lower bound.

    The first unit is convex, so each of the two bends of the second is met at most twice: 2 + 4 walls.
    """
    with pytest.raises(NetworkError, match="even number"):
        bounds.montufar_ren_zhang_2022_lower(1, [1, 1], 3)
    with pytest.raises(NetworkError, match="two or more inputs"):
        bounds.montufar_2014_maxout_deep(1, 3, 2)
    assert bounds.montufar_2014_maxout_deep(1, 2, 5) == 32
    assert bounds.montufar_2014_maxout_deep(2, 3, 2) == 27


def elementary(values, degree):
    return sum(prod(chosen) for chosen in itertools.combinations(values, degree))


@pytest.mark.parametrize("ranks", [[3, 4, 2, 5], [2] * 6, [4, 1, 3, 3, 2]])
def test_maxout_identities(ranks):
    m = len(ranks)
    for n in range(1, m):
        alternating = sum(
            (-1) ** (n - j) * comb(m - 1 - j, n - j) * elementary(ranks, j) for j in range(n + 1)
        )
        assert bounds.montufar_ren_zhang_2022(n, ranks) == alternating
    for n in range(1, 7):
        assert bounds.montufar_ren_zhang_2022(n, [2] * m) == bounds.zaslavsky(m, n)
        assert bounds.montufar_ren_zhang_2022_no_bias(n, [2] * m) == bounds.cover_1965(m, n)
        least = bounds.montufar_2014_maxout_lower(n, m, 3)
        sharp = bounds.montufar_ren_zhang_2022(n, [3] * m)
        assert least <= sharp <= bounds.montufar_2014_maxout_upper(n, m, 3)


# (input, filter, stride, channels) along one axis: regions, and those of a dense layer of the same size.
@pytest.mark.parametrize(
    ("n", "f", "s", "c", "regions", "dense"),
    [(3, 2, 1, 1, 4, 4), (3, 2, 1, 2, 15, 15), (4, 2, 2, 2, 16, 16), (4, 3, 1, 2, 16, 16)],
)
def test_convolution_table(n, f, s, c, regions, dense):
    fields = bounds.receptive_fields((1, n), (f,), (s,))
    assert bounds.xiong_2020(fields, c) == regions
    assert bounds.zaslavsky(len(fields) * c, n) == dense


def by_definition(fields, channels):
    """Sum over all t that fulfil the condition for every set of positions."""
    places = range(len(fields))
    sets = [s for size in range(1, len(fields) + 1) for s in itertools.combinations(places, size)]
    return sum(
        prod(comb(channels, x) for x in t)
        for t in itertools.product(range(channels + 1), repeat=len(fields))
        if all(sum(t[i] for i in s) <= len(set().union(*(fields[i] for i in s))) for s in sets)
    )


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "channels"),
    [
        ((1, 6), (3,), (1,), 2),
        ((2, 5), (2,), (1,), 3),
        ((1, 7), (3,), (2,), 4),
        ((1, 3, 3), (2, 2), (1, 1), 2),
        ((1, 2, 4), (2, 2), (1, 1), 3),
        ((2, 3, 2), (2, 2), (1, 1), 3),
    ],
)
def test_convolution_is_its_definition(shape, kernel, stride, channels):
    fields = bounds.receptive_fields(shape, kernel, stride)
    assert bounds.xiong_2020(fields, channels) == by_definition(fields, channels)


def test_deep_convolution():
    layers = [(2, (2,), (1,)), (2, (2,), (1,))]
    # By hand: 55 regions of the first layer, C(4, 0..4) of the second; 2^3 folds and 15 regions.
    assert bounds.xiong_2020_upper((1, 4), layers) == 55 * 16
    assert bounds.xiong_2020_lower((1, 4), layers) == 2**3 * 15
    assert bounds.xiong_2020_lower((1, 4), layers[:1]) == bounds.xiong_2020_upper((1, 4), layers[:1]) == 55
    with pytest.raises(NetworkError, match="at least 2 channels"):
        bounds.xiong_2020_lower((2, 4), [(1, (2,), (1,)), (2, (2,), (1,))])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds.zaslavsky(-1, 2), "integer of at least 0"),
        (lambda: bounds.zaslavsky(2.5, 2), "integer of at least 0"),
        (lambda: bounds.montufar_2017(2, [3, -1]), "each entry"),
        (lambda: bounds.serra_2018_cones(2, 1, 1, 3), "at least 2"),
        (lambda: bounds.montufar_ren_zhang_2022(2, [3, 0]), "at least 1"),
        (lambda: bounds.montufar_ren_zhang_2022_lower(2, [3], 3), "multiples of 2"),
        (lambda: bounds.receptive_fields((1, 3), (4,), (1,)), "no larger than"),
        (lambda: bounds.xiong_2020_upper((1, 3), []), "at least one layer"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(NetworkError, match=message):
        call()


def test_public_names():
    assert sorted(bounds.__all__) == bounds.__all__ == dir(bounds)
    for name in bounds.__all__:
        assert getattr(bounds, name).__doc__
