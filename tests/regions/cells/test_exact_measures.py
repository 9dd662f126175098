"""Volumes and points of regions: exact ones, floats within their promise, thin regions, proved errors."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from helpers import he_network

import plnet
from plnet.errors import DomainError, PLNetError
from plnet.geometry.exact import rational
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.ir.convolution import Convolution
from plnet.ir.doubled import doubled, map_doubled, select_doubled
from plnet.ir.forms import apply_layer
from plnet.ir.layers import GroupMax
from plnet.ir.operators import SparseAffine, StackedAffine
from plnet.regions import RegionComplex
from plnet.regions.cells.refined_vertices import refined_regions

GAP = 2.0**-47
ENGINES = ("line", "cells", "search", "rational")


def walls(rows, shifts):
    """One ReLU layer with walls ``row . x = shift``."""
    rows = np.array(rows, float)
    return PLNetwork((Affine(rows, -np.array(shifts)), ScalarPWL.relu(len(rows))), rows.shape[1])


def enumerated(network, domain):
    for engine in ENGINES:
        try:
            yield plnet.enumerate_regions(network, domain, engine=engine)
        except PLNetError:
            continue  # Not an engine for this dimension.


def holds(complex_: RegionComplex) -> None:
    """All that volumes and points promise, against the exact cells."""
    for i in range(len(complex_)):
        cell, point = complex_.exact_cell(i), complex_.exact_point(i)
        heights = [sum(a * x for a, x in zip(form, (*point, 1), strict=True)) for form in cell.forms]
        inside = [sum(a * x for a, x in zip(form, (*cell.witness(), 1), strict=True)) for form in cell.forms]
        assert all(h * w > 0 for h, w in zip(heights, inside, strict=True))
        if complex_.points_inside[i]:
            assert tuple(map(Fraction, complex_.points[i].tolist())) == point
        if not cell.bounded:
            assert complex_.volumes[i] == math.inf
            with pytest.raises(DomainError, match="unbounded"):
                complex_.exact_volume(i)
            continue
        assert complex_.exact_volume(i) == cell.volume()
        # Half of the smallest float: a volume may be below all floats.
        most = Fraction(1e-9) * cell.volume() + Fraction(1, 2**1075)
        assert abs(Fraction(complex_.local_volumes[i]) - cell.volume()) <= most
    places = np.arange(len(complex_))
    found = complex_.locate(complex_.points)
    assert np.array_equal(found[complex_.points_inside], places[complex_.points_inside])


# Slabs: the volume of {a < w . x < a + gap} in [-1, 1]^d is gap / w_d times that of the other axes.


@pytest.mark.parametrize(
    ("row", "place", "size"), [([1], 1 / 3, GAP), ([1, 3], 0.3, 2 * GAP / 3), ([1, 3, 5], 0.3, 4 * GAP / 5)]
)
def test_thin_slabs(row, place, size):
    network = walls([row, row], [place, place + GAP])
    exact = Fraction(place + GAP) - Fraction(place)
    for found in enumerated(network, plnet.Box(-1, 1)):
        thin = int(np.argmin(found.volumes))
        assert found.volumes[thin] == pytest.approx(float(exact) * size / GAP, rel=1e-9)
        assert found.exact_volume(thin) == exact * 2 ** (len(row) - 1) / row[-1]
        assert sum(found.exact_volume(i) for i in range(3)) == 2 ** len(row)
        assert found.points_inside.all()
        holds(found)


@pytest.mark.parametrize("row", [[1], [1, 3], [1, 3, 5]])
def test_thin_slabs_without_bounds(row):
    network = walls([row, row], [0.3, 0.3 + GAP])
    for found in enumerated(network, plnet.Space(len(row))):
        assert found.points_inside.all()
        assert np.isinf(found.volumes).sum() == (2 if len(row) == 1 else 3)
        holds(found)


@pytest.mark.parametrize("scale", [1e-30, 1e-160])
def test_small_triangles(scale):
    network = walls([[1, 0], [0, 1], [1, 1]], [0, 0, scale])
    for found in enumerated(network, plnet.Box(-1, 1)):
        thin = int(np.argmin(found.volumes))
        assert found.exact_volume(thin) == Fraction(scale) ** 2 / 2
        # 5e-321 is a float of only ten bits, yet rounded once.
        assert found.volumes[thin] == float(Fraction(scale) ** 2 / 2) > 0
        assert found.points_inside.all()
        holds(found)


@pytest.mark.parametrize("seed", range(3))
def test_walls_nearly_through_one_point(seed):
    rng = np.random.default_rng(seed)
    rows, point = rng.normal(size=(3, 2)), rng.uniform(-0.5, 0.5, 2)
    shifts = rows @ point
    table = [
        [Fraction(x) for x in (*row, -shift)]
        for row, shift in zip(rows.tolist(), shifts.tolist(), strict=True)
    ]
    whole, minors = det(table), [det2(*(row[:2] for row in table if row is not out)) for out in table]
    # The area of the triangle of three lines is the squared determinant over twice the minors.
    area = whole**2 / (2 * abs(math.prod(minors)))
    for found in enumerated(walls(rows, shifts), plnet.Box(-1, 1)):
        thin = int(np.argmin(found.volumes))
        assert len(found) == 7
        assert found.exact_volume(thin) == area
        assert found.volumes[thin] == pytest.approx(float(area), rel=1e-9)
        # The inradius of a triangle is twice its area by its perimeter.
        corners = [[Fraction(x, v[-1]) for x in v[:-1]] for v in found.exact_cell(thin).vertices]
        sides = [
            math.hypot(*(float(x - y) for x, y in zip(corners[k], corners[k - 1], strict=True)))
            for k in range(3)
        ]
        assert found.chebyshev_ball(thin).radius == pytest.approx(2 * float(area) / sum(sides), rel=1e-6)
        # No float is inside: said, and a rational point is there.
        assert not found.points_inside[thin]
        assert found.points_inside.sum() == 6
        holds(found)


def det2(a, b):
    return a[0] * b[1] - a[1] * b[0]


def det(rows):
    (a, b, c) = rows
    return a[0] * det2(b[1:], c[1:]) - a[1] * det2(b[::2], c[::2]) + a[2] * det2(b, c)


def test_slices_with_nearly_parallel_directions():
    tilt = 2.0**-40
    plane = plnet.Slice([0.0, 0.0], [[1.0, 1.0], [1.0, 1.0 + tilt]], 0, 1)
    found = plnet.enumerate_regions(walls([[1, 0]], [0.5]), plane)
    assert found.chart.gram_determinant == Fraction(tilt) ** 2
    assert found.volumes.sum() == pytest.approx(tilt, rel=1e-12)
    assert sum(map(found.exact_volume, range(len(found)))) == 1
    whole = plnet.enumerate_regions(walls([[1, 0]], [9]), plane)
    # Half the height of the parallelogram, its area by its longer side, but for the angle between them.
    assert whole.inradii[0] == pytest.approx(tilt / math.sqrt(2) / 2, rel=1e-9)


def test_volume_factor_is_a_root_that_may_be_irrational():
    diagonal = plnet.enumerate_regions(walls([[1, 0]], [0.5]), plnet.Segment([0.0, 0.0], [1.0, 1.0]))
    assert [diagonal.exact_volume(i) for i in range(2)] == [Fraction(1, 2)] * 2
    assert diagonal.volumes.tolist() == [math.sqrt(2) / 2] * 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("widths", [(1, 8, 8, 1), (2, 6, 6, 1), (2, 5, 5, 5, 1), (3, 5, 4, 1)])
def test_generic_networks(widths, seed):
    for domain in (plnet.Box(-1, 1), plnet.Space(widths[0]), plnet.Box(1000, 1001)):
        found = plnet.enumerate_regions(he_network(widths, seed, 0.3), domain)
        assert found.points_inside.all()
        holds(found)


def test_points_of_the_search_in_many_dimensions():
    found = plnet.enumerate_regions(he_network((15, 4, 1), 0, 0.3), plnet.Box(-1, 1), engine="search")
    assert found.points_inside.all()
    assert np.array_equal(found.locate(found.points), np.arange(len(found)))
    assert found.exact_point(0) == tuple(map(Fraction, found.points[0].tolist()))


# Bounds of errors


def mixed_network(seed):
    """Convolution, maxout, pooling with thirds, two parts side by side, three-piece units."""
    rng = np.random.default_rng(seed)
    table = np.array([[0, 1, 2], [1, 2, 3], [2, 3, -1]])
    layers = (
        Affine(rng.normal(size=(4, 2)), rng.normal(size=4)),
        Convolution(rng.normal(size=(1, 2, 1, 3)), table, 4, rng.normal(size=2)),
        ScalarPWL.hardtanh(6, -0.7, 0.9),
        StackedAffine(
            [
                SparseAffine.table(np.array([[0, 1, 2], [1, 2, 3]]), 1.0, 4, divisors=[3, 3]),
                Affine(rng.normal(size=(4, 6)), rng.normal(size=4)),
            ],
            [[0, 2, 3, 5], range(6)],
            6,
        ),
        GroupMax(np.arange(6).reshape(3, 2), 6),
        Affine(rng.normal(size=(3, 3)), rng.normal(size=3)),
        ScalarPWL.leaky_relu([0.1, 0.2, 0.3]),
        Affine(rng.normal(size=(1, 3)), [0.0]),
    )
    return PLNetwork(layers, 2)


def nets():
    yield from ((he_network((d, 6 - d, 6 - d, 1), d, 0.3), plnet.Box(-1, 1)) for d in (1, 2, 3))
    yield mixed_network(0), plnet.Box(-2, 2)
    yield mixed_network(1), plnet.Slice([0.1, 0.2], [[1 / 3, 0.2], [0.1, 0.7]], -2, 2)


@pytest.mark.parametrize("case", range(5))
def test_vertices_are_within_their_errors(case):
    network, domain = list(nets())[case]
    found = plnet.enumerate_regions(network, domain)
    leaves = found.leaves
    for i in range(len(found)):
        rows = slice(leaves.starts[i], leaves.starts[i + 1])
        near = distances(found.exact_cell(i).vertices, leaves.vertices[rows, :-1], leaves.errors[rows])
        assert all(min(row) <= 0 for row in near)


@pytest.mark.parametrize("case", range(5))
def test_refined_vertices_are_within_smaller_errors(case):
    network, domain = list(nets())[case]
    found = plnet.enumerate_regions(network, domain)
    refined = refined_regions(found.problem, found.leaves)
    better = 0
    for i in range(len(found)):
        rows = slice(refined.starts[i], refined.starts[i + 1])
        if not np.isfinite(refined.errors[rows]).all():
            continue
        better += 1
        vertices = [tuple(Fraction(x, v[-1]) for x in v[:-1]) for v in found.exact_cell(i).vertices]
        assert any(
            all(
                min(row) <= 0
                for row in distances(
                    [(*(x - y for x, y in zip(v, first, strict=True)), Fraction(1)) for v in vertices],
                    refined.vertices[rows, :-1],
                    refined.errors[rows],
                )
            )
            for first in vertices
        )
        assert refined.errors[rows].max() < 1e-13
    assert better > 0.7 * len(found)


def distances(exact, rounded, errors):
    """Largest excess of the distance over the error, for each exact and each rounded vertex."""
    return [
        [
            max(
                abs(Fraction(x) / v[-1] - Fraction(y)) - Fraction(e)
                for x, y, e in zip(v[:-1], row, error, strict=True)
            )
            for row, error in zip(rounded.tolist(), errors.astype(float).tolist(), strict=True)
        ]
        for v in exact
    ]


@pytest.mark.parametrize("seed", range(3))
def test_doubled_forms_against_fractions(seed):
    network = mixed_network(seed)
    found = plnet.enumerate_regions(network, plnet.Box(-2, 2))
    exact = rational(np.eye(2, 3))
    numbers = type(doubled(exact))(*(array[None] for array in doubled(exact)))
    pieces = iter(network.pieces_of(found.patterns[len(found) // 2]))
    for layer in network.layers:
        own = None if isinstance(layer, Affine) else next(pieces)
        exact = apply_layer(layer, exact, own)
        numbers = map_doubled(layer, numbers) if own is None else select_doubled(layer, numbers, own[None])
        truth = exact.to_fractions()
        high, low, radius = (array[0] for array in numbers)
        for at in np.ndindex(truth.shape):
            off = abs(Fraction(high[at]) + Fraction(low[at]) - truth[at])
            assert off <= Fraction(radius[at])
        assert radius.max() < 1e-16 * max(1.0, np.abs(high).max()) * 2**-6


def test_files_without_errors_keep_the_promise(tmp_path):
    found = plnet.enumerate_regions(he_network((2, 6, 1), 0, 0.3), plnet.Box(-1, 1))
    old = replace(found, leaves=replace(found.leaves, errors=None))
    again = RegionComplex.load(old.save(tmp_path / "old.npz"))
    assert again.leaves.errors is None
    holds(again)
    new = RegionComplex.load(found.save(tmp_path / "new.npz"))
    assert np.array_equal(new.leaves.errors, found.leaves.errors)
