"""Budgets of time of max-affine fits."""

import time

import numpy as np
import pytest

import plnet.budgets
from plnet import Box
from plnet.errors import TargetError
from plnet.maxout.fitting import fit_max_affine, named_target


def bowl(x):
    return (x**2).sum(axis=1) + np.exp(x).sum(axis=1)


def kinked(x):
    return np.abs(x).max(axis=1) + (x**2).sum(axis=1)


CASES = [(bowl, 8, 4), (bowl, 8, 6), (kinked, 8, 4), (bowl, 3, 12), (named_target("square", 8), 8, 4)]


@pytest.mark.parametrize(("target", "dim", "pieces"), CASES)
def test_short_budgets_are_kept_and_the_clock_is_looked_at(target, dim, pieces, monkeypatch):
    # The work of the processor counts, so that a busy machine does not fail the test.
    looks, clock = [time.thread_time()], plnet.budgets.now

    def now():
        looks.append(time.thread_time())
        return clock()

    monkeypatch.setattr(plnet.budgets, "now", now)
    fit = fit_max_affine(target, pieces, Box([-1.0] * dim, [1.0] * dim), max_seconds=0.5)
    looks.append(time.thread_time())
    assert looks[-1] - looks[0] < 1.5
    assert np.diff(looks).max() < 1.0
    assert fit.stopped_by == "max_seconds"
    assert "max_seconds" in repr(fit)
    lo, hi = fit.sup_error_bounds
    points = np.random.default_rng(0).uniform(-1, 1, (2000, dim))
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * dim)).reshape(dim, -1).T
    points = np.concatenate([points, corners])
    assert np.abs(target(points) - fit.function(points)).max() <= hi * (1 + 1e-12)
    assert lo <= hi


def test_long_budgets_change_nothing():
    target, domain = named_target("sum_exp", 2), Box(-1, 1)
    free = fit_max_affine(target, 3, domain, starts=2)
    assert free.stopped_by == ""
    rich = fit_max_affine(target, 3, domain, starts=2, max_seconds=1000)
    assert rich.stopped_by == ""
    assert rich.sup_error == pytest.approx(free.sup_error, rel=1e-3)


@pytest.mark.parametrize("objective", ["sup", "least_squares"])
def test_samples_keep_budgets(objective):
    x = np.random.default_rng(0).uniform(-1, 1, (3000, 4))
    started = time.thread_time()
    fit = fit_max_affine((x, bowl(x)), 8, objective=objective, max_seconds=0.5)
    assert time.thread_time() - started < 1.5
    assert fit.stopped_by == "max_seconds"
    assert float(fit.sup_error) == pytest.approx(np.abs(bowl(x) - fit.function(x)).max(), rel=1e-9)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "1", True])
def test_budgets_are_checked(seconds):
    with pytest.raises(TargetError, match="max_seconds"):
        fit_max_affine(np.exp, 2, Box(0, 1), max_seconds=seconds)
