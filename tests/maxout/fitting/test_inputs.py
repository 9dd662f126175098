"""What users get wrong: each case is answered in words."""

import math

import numpy as np
import pytest

from plnet import Box, Polytope, Space
from plnet.errors import (
    DimensionError,
    DomainError,
    NotConvexError,
    PLNetError,
    TargetError,
    UnboundedDomainError,
)
from plnet.maxout.fitting import Target, fit_max_affine, named_target, optimal_error

X = np.linspace(0, 1, 5)


def square(x):
    return (x**2).sum(axis=1)


CASES = {
    "no pieces": (lambda: fit_max_affine(np.exp, 0, Box(0, 1)), TargetError, "pieces.*at least 1"),
    "fraction of a piece": (lambda: fit_max_affine(np.exp, 1.5, Box(0, 1)), TargetError, "pieces"),
    "truth as pieces": (lambda: fit_max_affine(np.exp, True, Box(0, 1)), TargetError, "pieces"),
    "kind": (lambda: fit_max_affine(np.exp, 1, Box(0, 1), kind="left"), TargetError, "free, lower, upper"),
    "objective": (lambda: fit_max_affine(np.exp, 1, Box(0, 1), objective="l1"), TargetError, "least_squares"),
    "one-sided least squares": (
        lambda: fit_max_affine(np.exp, 1, Box(0, 1), kind="lower", objective="least_squares"),
        TargetError,
        "sup norm only",
    ),
    "starts": (lambda: fit_max_affine(square, 2, Box([0, 0], [1, 1]), starts=0), TargetError, "starts"),
    "seconds": (lambda: fit_max_affine(np.exp, 2, Box(0, 1), max_seconds=0), TargetError, "max_seconds"),
    "no domain": (lambda: fit_max_affine(np.exp, 2), DomainError, "domain is needed"),
    "pair as domain": (lambda: fit_max_affine(np.exp, 2, (0, 1)), DomainError, r"Box\(low, high\)"),
    "unbounded": (lambda: fit_max_affine(square, 2, Space(2)), UnboundedDomainError, "infinite"),
    "half line": (
        lambda: fit_max_affine(np.square, 2, Polytope([[-1]], [0])),
        UnboundedDomainError,
        "bounded",
    ),
    "dimension": (
        lambda: fit_max_affine(named_target("exp"), 2, Box([0, 0], [1, 1])),
        DimensionError,
        "1 inputs",
    ),
    "outside": (lambda: fit_max_affine(named_target("neg_log"), 2, Box(-1, 1)), TargetError, "defined for"),
    "infinite value": (lambda: fit_max_affine(lambda x: -np.log(x), 2, Box(0, 1)), TargetError, "inf at"),
    "nan inside": (lambda: fit_max_affine(lambda x: np.sqrt(x - 0.5), 2, Box(0, 1)), TargetError, "nan at"),
    "scalar": (
        lambda: fit_max_affine(lambda x: (x**2).sum(), 2, Box(0, 1)),
        DimensionError,
        "Sum over the last",
    ),
    "matrix": (lambda: fit_max_affine(np.exp, 2, Box([0, 0], [1, 1])), DimensionError, r"\(\d, 2\)"),
    "mixed rows": (
        lambda: fit_max_affine(lambda x: x[:, 0] ** 2 + x.mean(), 2, Box(0, 1)),
        TargetError,
        "for each alone",
    ),
    "words": (
        lambda: fit_max_affine(lambda x: np.array(["a"] * len(x)), 2, Box(0, 1)),
        TargetError,
        "numbers",
    ),
    "single precision": (
        lambda: fit_max_affine(lambda x: x.astype(np.float32)[:, 0] ** 2, 2, Box(0, 1)),
        TargetError,
        "float64",
    ),
    "neither": (lambda: fit_max_affine("exp", 2, Box(0, 1)), TargetError, "got str"),
    "array alone": (lambda: fit_max_affine(X, 2), TargetError, "pair"),
    "triple": (lambda: fit_max_affine((X, X, X), 2), TargetError, "pair"),
    "domain of samples": (lambda: fit_max_affine((X, X), 2, Box(0, 1)), TargetError, "leave the domain out"),
    "lengths": (lambda: fit_max_affine((X, X[1:]), 2), DimensionError, r"\(5, 1\) and \(4,\)"),
    "no samples": (lambda: fit_max_affine((X[:0], X[:0]), 2), TargetError, "no samples"),
    "nan in y": (
        lambda: fit_max_affine((X, np.where(X == 0.5, np.nan, X)), 2),
        TargetError,
        "y has nan in row 2",
    ),
    "inf in X": (
        lambda: fit_max_affine((X / 0.0 if False else [np.inf, 1.0], [0, 1]), 2),
        TargetError,
        "X has inf",
    ),
    "text samples": (lambda: fit_max_affine((["a"], [1.0]), 2), TargetError, "numbers as X"),
    "contradiction": (
        lambda: fit_max_affine(([1.0, 2.0, 1.0], [0.0, 0.0, 3.0]), 2),
        TargetError,
        "Rows 0 and 2 .* 0.0 and 3.0",
    ),
    "optimum in the plane": (
        lambda: optimal_error(square, 2, Box([0, 0], [1, 1])),
        TargetError,
        "one variable",
    ),
    "unknown name": (lambda: named_target("exponential"), TargetError, "softplus"),
    "name in the plane": (lambda: named_target("exp", 2), TargetError, "one variable"),
    "dimension of a name": (lambda: named_target("square", 0), TargetError, "at least 1"),
    "shape of a target": (lambda: named_target("square", 2)([1.0, 2.0, 3.0]), DimensionError, r"\(n, 2\)"),
}


@pytest.mark.parametrize("case", CASES)
def test_words(case):
    call, kind, words = CASES[case]
    with pytest.raises(PLNetError, match=words) as caught:
        call()
    assert isinstance(caught.value, kind)


@pytest.mark.parametrize("kind", ["free", "lower", "upper"])
@pytest.mark.parametrize(
    ("target", "domain"),
    [
        (np.sin, Box(0, 6)),
        (lambda x: np.cos(x[:, 0]) + x[:, 1] ** 2, Box([-1, -1], [1, 1])),
        (lambda x: -np.abs(x), Box(-1, 1)),
        (lambda x: np.where(x > 0.701, x**2 + 0.1, x**2), Box(0, 1)),
        (lambda x: np.abs(x) - 0.004 * np.exp(-((x - 0.3) ** 2) * 1e4), Box(-1, 1)),
    ],
)
def test_where_convexity_fails(target, domain, kind):
    with pytest.raises(NotConvexError, match="above its chord") as caught:
        fit_max_affine(target, 3, domain, kind=kind)
    middle, first, second = (np.atleast_1d(x) for x in caught.value.witness)
    share = np.linalg.norm(middle - first) / np.linalg.norm(second - first)
    values = [float(np.ravel(target(x[None]))[0]) for x in (middle, first, second)]
    assert values[0] > (1 - share) * values[1] + share * values[2]


def test_a_wrong_gradient_is_noticed():
    wrong = Target(square, 2, lambda x: 3 * x, name="wrong")
    with pytest.raises(TargetError, match="no subgradient"):
        fit_max_affine(wrong, 2, Box([0, 0], [1, 1]))
    shape = Target(square, 2, lambda x: x[:, 0], name="flat")
    with pytest.raises(TargetError, match="shape"):
        fit_max_affine(shape, 2, Box([0, 0], [1, 1]))


def test_a_false_promise_of_convexity_is_noticed():
    false = Target(lambda x: -(x**2).sum(axis=1), 2, lambda x: -2 * x, known_convex=True, name="hat")
    with pytest.raises(NotConvexError, match="hat is not convex"):
        fit_max_affine(false, 3, Box([-1, -1], [1, 1]), starts=2)


def test_results_are_read_only():
    fit = fit_max_affine(np.exp, 2, Box(0, 1))
    with pytest.raises(ValueError, match="read-only"):
        fit.witness[0] = 0
    assert "2 pieces" in repr(fit)


@pytest.mark.parametrize(
    ("value", "pieces"),
    [(lambda x: x.sum(1), 1), (lambda x: 0 * x.sum(1) + 1, 2), (lambda x: np.abs(x - 0.1).max(1), 4)],
)
def test_targets_that_are_met_in_two_dimensions(value, pieces):
    fit = fit_max_affine(value, pieces, Box([-1, -1], [1, 1]), starts=2, rng=0)
    assert fit.sup_error < 1e-7


@pytest.mark.parametrize("value", [math.exp, lambda: 0.0, lambda x: 1 / 0])
def test_functions_that_cannot_be_called_with_points(value):
    with pytest.raises(TargetError, match="must map a numpy array"):
        fit_max_affine(value, 2, Box(0, 1))


def test_progress_as_everywhere():
    for progress in ("auto", True, False, None):
        fit_max_affine(np.square, 2, Box(0, 1), progress=progress)
    with pytest.raises(TargetError, match="progress"):
        fit_max_affine(np.square, 2, Box(0, 1), progress="yes")
    with pytest.raises(TargetError, match="max_seconds"):
        fit_max_affine(np.square, 2, Box(0, 1), max_seconds="1")


def test_values_that_overflow():
    with pytest.raises(TargetError, match="overflows"):
        fit_max_affine(lambda x: 1e308 * x * x, 3, Box(-1, 1), kind="upper")
