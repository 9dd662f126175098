"""A count calculates like the integer it is, where it is known."""

from __future__ import annotations

import operator
from fractions import Fraction

import numpy as np
import pytest

import plnet
from plnet.errors import IncompleteResultError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.networks import mlp
from plnet.regions import RegionCount, estimate_cost
from plnet.regions.problem import Problem


def counted(number: int, upper: int | None = None, complete: bool = True) -> RegionCount:
    most = number if upper is None else upper
    return RegionCount(number, complete, complete, number, most, "activation", "cells", "because", 0.1)


UNKNOWN = [counted(3, upper=5), counted(3, complete=False)]

OPERATIONS = [
    operator.lt, operator.le, operator.gt, operator.ge, operator.add, operator.sub, operator.mul,
    operator.truediv, operator.floordiv, operator.mod, operator.pow,
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("other", [3, 7, 2.5, Fraction(7, 2)])
def test_known_counts_calculate_like_integers(operation, other):
    seven = counted(7)
    assert operation(seven, other) == operation(7, other)
    assert operation(other, seven) == operation(other, 7)
    assert operation(seven, counted(4)) == operation(7, 4)


def test_known_counts_sort_add_up_and_format():
    counts = [counted(k) for k in (12, 3, 4000)]
    assert [int(count) for count in sorted(counts)] == [3, 12, 4000]
    assert max(counts) == 4000
    assert sum(counts) == 4015
    assert -counts[1] == -3
    assert (f"{counts[2]:,}", f"{counts[2]:>6d}", f"{counts[2]:e}") == ("4,000", "  4000", "4.000000e+03")
    assert f"{counts[2]}" == str(counts[2])
    assert counted(4) == 4.0
    assert counted(4) == np.int64(4)
    assert np.int64(3) < counted(4)
    assert len({counted(4), 4}) == 1


@pytest.mark.parametrize("count", UNKNOWN)
def test_unknown_counts_refuse_to_calculate(count):
    for operation in OPERATIONS:
        for pair in ((count, 3), (3, count), (count, counted(3)), (counted(3), count)):
            with pytest.raises(IncompleteResultError, match="between 3 and"):
                operation(*pair)
    for refused in (lambda: f"{count:d}", lambda: sorted([count, counted(1)]), lambda: sum([count])):
        with pytest.raises(IncompleteResultError):
            refused()
    assert count != 3
    assert str(count) == f"{count}"


def test_counts_do_not_compare_with_words():
    with pytest.raises(TypeError, match="not supported between"):
        counted(3) < "three"  # noqa: B015


@pytest.mark.slow
def test_an_estimate_beyond_the_range_of_floats_is_infinite():
    explanation = plnet.explain(mlp([784, 512, 512, 10], rng=0), plnet.Box(0, 1))
    assert explanation.expected_regions == explanation.expected_seconds == float("inf")
    assert "more than 10^308 regions expected, at most 10^" in str(explanation)


def test_an_estimate_beyond_the_range_of_floats(monkeypatch):
    monkeypatch.setattr(estimate_cost, "essential_dimension", lambda problem: 784)
    monkeypatch.setattr(estimate_cost, "upper_bound", lambda problem: 10**400)
    network = PLNetwork((Affine(np.eye(1034), np.zeros(1034)), ScalarPWL.relu(1034)), 1034)
    found = estimate_cost.expected_cost(Problem(network, plnet.Space(1034).chart(1034)), "search")
    assert found == (float("inf"), float("inf"))
