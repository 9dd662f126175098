"""Fits of samples against brute force over all partitions."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from plnet.maxout.fitting import fit_max_affine


def brute_force(x, y, k, kind):
    """Return the least sup error over all assignments of samples to pieces, by linear programs."""
    n, d = x.shape
    design = np.column_stack([x, np.ones(n)])
    best = np.inf
    for owner in product(range(k), repeat=n - 1):
        if any(o > max(owner[:i], default=0) + 1 for i, o in enumerate(owner)):
            continue
        rows, right = [], []
        for j, o in enumerate((0, *owner)):
            for i in range(k):
                row = np.zeros(k * (d + 1) + 1)
                row[i * (d + 1) : (i + 1) * (d + 1)] = design[j]
                row[-1] = 0.0 if kind == "lower" else -1.0
                rows.append(row)
                right.append(y[j])
            row = np.zeros(k * (d + 1) + 1)
            row[o * (d + 1) : (o + 1) * (d + 1)] = -design[j]
            row[-1] = 0.0 if kind == "upper" else -1.0
            rows.append(row)
            right.append(-y[j])
        cost = np.append(np.zeros(k * (d + 1)), 1.0)
        found = linprog(cost, np.array(rows), right, bounds=[(None, None)] * len(cost), method="highs")
        best = min(best, found.fun)
    return best


@given(
    data=st.lists(
        st.tuples(st.integers(-20, 20), st.integers(-30, 30)),
        min_size=1,
        max_size=6,
        unique_by=lambda p: p[0],
    ),
    k=st.integers(1, 3),
    kind=st.sampled_from(["free", "lower", "upper"]),
)
@settings(max_examples=15)
def test_one_variable_is_optimal(data, k, kind):
    x, y = (np.array(column, dtype=float) for column in zip(*data, strict=True))
    fit = fit_max_affine((x, y), k, kind=kind)
    best = brute_force(x[:, None], y, min(k, len(x)), kind)
    assert float(fit.sup_error) == pytest.approx(best, abs=1e-9)
    assert fit.optimal_error_bounds[0] - 1e-9 <= best <= fit.optimal_error_bounds[1] + 1e-9
    assert fit.function.pieces <= k
    errors = [Fraction(v) - g for v, g in zip(y.tolist(), fit.function(x, exact=True), strict=True)]
    assert fit.sup_error == max(map(abs, errors))
    assert isinstance(fit.sup_error, Fraction)
    if kind == "lower":
        assert min(errors) >= 0
    if kind == "upper":
        assert max(errors) <= 0


def test_one_variable_with_many_samples_tends_to_the_function():
    x = np.linspace(0, 1, 2001)
    fit = fit_max_affine((x, x**2), 4)
    assert 1 / 128 * (1 - 1e-5) <= fit.sup_error <= 1 / 128 * (1 + 1e-12)


def test_samples_of_a_concave_function_need_one_line():
    x = np.linspace(-1, 1, 101)
    fit = fit_max_affine((x, -np.abs(x)), 5)
    assert fit.function.pieces == 1
    assert fit.sup_error == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(2))
def test_several_variables_are_close_to_the_optimum(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    best = brute_force(x, y, 2, "free")
    fit = fit_max_affine((x, y), 2)
    assert best - 1e-9 <= float(fit.sup_error) <= 1.35 * best + 1e-9


def test_max_affine_samples_are_recovered():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    y = np.max(x @ np.array([[1.0, 2.0], [-1.0, 0.5], [0.0, -2.0]]).T + [0.1, 0.0, -0.2], axis=1)
    for objective in ("sup", "least_squares"):
        fit = fit_max_affine((x, y), 3, objective=objective)
        assert fit.sup_error <= 1e-9
        assert fit.rms_error <= 1e-9


def test_least_squares_of_one_line_is_regression():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    fit = fit_max_affine((x, y), 1, objective="least_squares")
    design = np.column_stack([x, np.ones(50)])
    residual = np.linalg.lstsq(design, y, rcond=None)[1]
    assert fit.rms_error == pytest.approx(np.sqrt(residual[0] / 50), rel=1e-12)
    again = fit_max_affine((np.repeat(x, 2, axis=0), np.repeat(y, 2)), 1, objective="least_squares")
    assert again.rms_error == pytest.approx(fit.rms_error, rel=1e-12)


def test_a_single_sample():
    fit = fit_max_affine(([[1.0, 2.0]], [3.0]), 2)
    assert fit.sup_error == 0
