"""Domains: charts, what they refuse, and what they keep exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from helpers import cross, he_network
from hypothesis import given
from hypothesis import strategies as st

import plnet
from plnet.errors import DimensionError, DomainError

number = st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6 or x == 0)
rows = st.lists(st.lists(number, min_size=4, max_size=4), min_size=3, max_size=3)


@given(rows)
def test_a_slice_goes_through_its_points_exactly(points):
    try:
        chart = plnet.Slice.through(points, margin=0.25).chart(4)
    except DomainError:
        return
    embedding = chart.embedding.to_fractions()
    for i, t in enumerate([(0, 0, 1), (1, 0, 1), (0, 1, 1)]):
        image = [sum(a * x for a, x in zip(row, t, strict=True)) for row in embedding]
        assert image == [Fraction(x) for x in points[i]]


def test_a_segment_runs_from_start_to_end():
    chart = plnet.Segment([0.1, 0.2, 0.3], [1.0, -1.0, 0.7]).chart(3)
    embedding = chart.embedding.to_fractions()
    assert [row[1] for row in embedding] == [Fraction(x) for x in (0.1, 0.2, 0.3)]
    assert [sum(row) for row in embedding] == [Fraction(x) for x in (1.0, -1.0, 0.7)]
    np.testing.assert_array_equal(chart.embed([[0.0]]), [[0.1, 0.2, 0.3]])
    assert chart.dim == 1
    assert chart.input_dim == 3


def test_volumes_are_intrinsic():
    chart = plnet.Slice([0, 0, 0], [[3, 0, 4], [0, 2, 0]]).chart(3)
    assert chart.volume_factor == pytest.approx(10.0)
    network = he_network((3, 6, 1), 0)
    found = plnet.enumerate_regions(network, plnet.Slice([0, 0, 0], [[3, 0, 4], [0, 2, 0]], 0, 1))
    assert found.volumes.sum() == pytest.approx(10.0)
    segment = plnet.enumerate_regions(network, plnet.Segment([0, 0, 0], [3, 4, 12]))
    assert segment.volumes.sum() == pytest.approx(13.0)


def test_scalars_of_a_box_broadcast():
    assert plnet.Box(-1, 1).dim is None
    assert plnet.Box(-1, [1, 2, 3]).dim == 3
    assert plnet.Box(-1, 1).chart(5).dim == 5
    assert plnet.count_regions(cross(), plnet.Box(-1, [1, 2])) == 4


def test_torch_tensors_and_integers_are_numbers():
    assert plnet.count_regions(cross(), plnet.Box(torch.tensor([-1.0, -1.0]), torch.tensor([1, 1]))) == 4


def test_short_floats_of_torch_are_numbers():
    low = torch.tensor([-1.5, -1.0], dtype=torch.bfloat16)
    box = plnet.Box(low, torch.ones(2, dtype=torch.float16))
    assert box.low.tolist() == [-1.5, -1.0]
    assert plnet.count_regions(cross(), box) == 4


def test_dimensions_may_be_integers_of_numpy():
    assert type(plnet.Space(np.int64(2)).d) is int


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plnet.Box(np.nan, 1), "finite"),
        (lambda: plnet.Box(-np.inf, np.inf), r"Space"),
        (lambda: plnet.Box([0, 0], [1, np.inf]), "finite"),
        (lambda: plnet.Box(1, -1), "empty"),
        (lambda: plnet.Box([0, 0], [1, 0]), "flat.*Slice"),
        (lambda: plnet.Box([0, 0], [1, 1, 1]), "shapes"),
        (lambda: plnet.Box([[0]], [[1]]), "row of numbers"),
        (lambda: plnet.Box("a", "b"), "numbers"),
        (lambda: plnet.Space(0), "at least 1"),
        *((lambda d=d: plnet.Space(d), "integer of at least 1") for d in (2.0, True, "2", None, [2])),
        (lambda: plnet.Box(None, 1), "low of a Box, got None"),
        (lambda: plnet.Box(-1, None), "high of a Box, got None"),
        (lambda: plnet.Box({}, 1), r"low of a Box, got \{\}"),
        (lambda: plnet.Box([[1], [1, 2]], 3), "low of a Box, got list"),
        (lambda: plnet.Box(np.array(["a", "b"], dtype=object), 1), "low of a Box, got 'a'"),
        (lambda: plnet.Box(np.array([-np.inf, 0], dtype=object), 1), "low of a Box, got -inf"),
        (lambda: plnet.Box(Decimal("nan"), 1), "low of a Box, got Decimal"),
        (lambda: plnet.Box(torch.empty(2, device="meta"), 1), "low of a Box, got Tensor"),
        (lambda: plnet.Polytope(np.array([[np.inf, 1]], dtype=object), [1]), "A of a Polytope, got inf"),
        (lambda: plnet.Slice([0, 0], [[1, 0]], None, 1), "low of a Slice, got None"),
        (lambda: plnet.Slice.through([[0, 0], [1, 1]], margin="wide"), "margin of a Slice"),
        (lambda: plnet.Slice.through([[0, 0], [1, 1]], margin=None), "margin of a Slice, got None"),
        (lambda: plnet.Segment(np.array([0, np.inf], dtype=object), [1, 2]), "start of a Segment, got inf"),
        (lambda: plnet.Polytope([[1, 0]], [1, 2]), "Expected A"),
        (lambda: plnet.Polytope([[1, np.nan]], [1]), "finite"),
        (lambda: plnet.Slice([0, 0, 0], [[1, 0, 0], [2, 0, 0]]), "dependent"),
        (lambda: plnet.Slice([0, 0], [[1, 0], [0, 1], [1, 1]]), "dependent"),
        (lambda: plnet.Slice([0, 0], [[0, 0]]), "dependent"),
        (lambda: plnet.Slice([0, 0, 0], [[1, 0]]), "Expected directions"),
        (lambda: plnet.Slice([0, 0], [[1, 0]], 1, 0), "empty"),
        (lambda: plnet.Slice([0, 0], [[1, 0]], [0, 0], 1), "Expected low"),
        (lambda: plnet.Slice.through([[0, 0], [1, 1], [2, 2]]), "one line"),
        (lambda: plnet.Slice.through([[0, 0]]), "at least 2"),
        (lambda: plnet.Segment([1, 2], [1, 2]), "same point"),
        (lambda: plnet.Segment([1, 2], [1, 2, 3]), "shapes"),
    ],
)
def test_bad_domains(make, message: str):
    with pytest.raises(DomainError, match=message):
        make()


@pytest.mark.parametrize(
    "polytope",
    [
        plnet.Polytope([[1, 0], [-1, 0]], [0, -1]),
        plnet.Polytope([[1, 0], [-1, 0]], [0, 0]),
        plnet.Polytope([[1, 1], [-1, 0], [0, -1]], [0, 0, 0]),
        plnet.Polytope([[0, 0]], [-1]),
    ],
    ids=["empty", "flat", "point", "contradiction"],
)
def test_polytopes_without_interior(polytope):
    with pytest.raises(DomainError, match="empty or flat"):
        plnet.count_regions(cross(), polytope)


@pytest.mark.parametrize("bound", [0, 1])
def test_a_row_of_zeros_restricts_nothing(bound: int):
    polytope = plnet.Polytope([[1, 0], [-1, 0], [0, 1], [0, -1], [0, 0]], [1, 1, 1, 1, bound])
    assert plnet.count_regions(cross(), polytope) == 4


@pytest.mark.parametrize(
    "domain",
    [
        plnet.Space(3),
        plnet.Box([0, 0, 0], [1, 1, 1]),
        plnet.Polytope([[1, 0, 0]], [1]),
        plnet.Segment([0, 0, 0], [1, 1, 1]),
        plnet.Slice([0, 0, 0], [[1, 0, 0]]),
    ],
    ids=lambda d: type(d).__name__,
)
def test_domain_of_another_space(domain):
    with pytest.raises(DimensionError, match="takes 2 inputs"):
        plnet.count_regions(cross(), domain)


@pytest.mark.parametrize("domain", [1, (-1, 1), "box", np.zeros(2)])
def test_not_a_domain(domain):
    with pytest.raises(DomainError, match="Expected a domain"):
        plnet.count_regions(cross(), domain)
