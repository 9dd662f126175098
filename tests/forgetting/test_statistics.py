"""Intervals, contrasts, corrections and equivalence tests over replicates."""

import math
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from plnet.errors import MetricError
from plnet.forgetting.statistics import (
    compare_paired,
    holm_correction,
    mean_interval,
    paired_contrast,
    tost_paired,
    unpaired_contrast,
)

# Quantiles of Student's t from printed tables: two-sided 95 %, one-sided 95 %.
T_TWO_SIDED = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262}
T_ONE_SIDED = {3: 2.353, 4: 2.132}

ACCURACIES = [0.3144, 0.3178, 0.2911, 0.3117, 0.3533]


def test_t_interval_by_hand():
    n = len(ACCURACIES)
    mean = sum(ACCURACIES) / n
    sd = math.sqrt(sum((x - mean) ** 2 for x in ACCURACIES) / (n - 1))
    half = T_TWO_SIDED[n - 1] * sd / math.sqrt(n)
    found = mean_interval(ACCURACIES)
    assert (found.mean, found.n, found.interval, found.note) == (pytest.approx(mean), n, "t", "")
    assert found.standard_deviation == pytest.approx(sd)
    assert found.standard_error == pytest.approx(sd / math.sqrt(n))
    assert (found.low, found.high) == pytest.approx((mean - half, mean + half), rel=2e-4)
    assert found.excludes_zero
    assert float(found) == found.mean
    assert "n = 5" in str(found)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_t_interval_of_few_replicates(n):
    values = np.arange(n, dtype=float)
    found = mean_interval(values)
    half = T_TWO_SIDED[n - 1] * values.std(ddof=1) / math.sqrt(n)
    assert found.high - found.mean == pytest.approx(half, rel=2e-4)
    assert found.mean - found.low == pytest.approx(half, rel=2e-4)


def test_one_replicate_has_no_interval():
    found = mean_interval([0.7])
    assert found.mean == 0.7
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(found.standard_deviation)
    assert not found.excludes_zero
    assert "One replicate" in found.note
    assert "no interval" in str(found)


@pytest.mark.parametrize("interval", ["t", "bca", "percentile"])
def test_replicates_that_do_not_vary(interval):
    # Equal up to rounding: 0.1 + 0.2 and 0.3 differ in the last bit.
    found = mean_interval([0.1 + 0.2, 0.3, 0.3, 0.3], interval=interval)
    assert found.low == found.high == found.mean
    assert "equal" in found.note


def bca_by_hand(values, level, rng):
    """Efron's formula, written out, with the resamples of one generator."""
    n, mean = len(values), values.mean()
    resampled = values[rng.integers(0, n, (200_000, n))].mean(axis=1)
    z0 = stats.norm.ppf(((resampled < mean).mean() + (resampled <= mean).mean()) / 2)
    left_out = np.array([np.delete(values, i).mean() for i in range(n)])
    d = left_out.mean() - left_out
    a = (d**3).sum() / (6 * (d**2).sum() ** 1.5)
    ends = []
    for z in stats.norm.ppf([(1 - level) / 2, (1 + level) / 2]):
        ends.append(np.quantile(resampled, stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z)))))
    return ends


def test_bca_interval_against_its_formula():
    values = np.random.default_rng(3).exponential(size=25)
    found = mean_interval(values, interval="bca", confidence=0.9)
    low, high = bca_by_hand(values, 0.9, np.random.default_rng(0))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)
    assert found.note == ""
    plain = mean_interval(values, interval="percentile", confidence=0.9)
    assert found.high - found.mean > plain.high - plain.mean, "BCa follows the skew"


def test_bootstraps_are_reproducible_and_say_when_they_are_too_narrow():
    first, second = (mean_interval(ACCURACIES, interval="bca") for _ in range(2))
    assert (first.low, first.high) == (second.low, second.high)
    other = mean_interval(ACCURACIES, interval="bca", rng=5)
    assert other.low != first.low
    assert "prefer the t interval" in first.note
    with pytest.raises(MetricError, match="too few"):
        mean_interval([0.1, 0.2], interval="bca")


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        ([], {}, "n > 0"),
        ([[0.1, 0.2]], {}, r"got \(1, 2\)"),
        ([0.1, np.nan, np.inf], {}, "2 of 3 values are not finite"),
        (["a"], {}, "as numbers"),
        ([0.1, 0.2], {"confidence": 95}, "Write 0.95"),
        ([0.1, 0.2], {"confidence": 0.0}, "between 0 and 1"),
        ([0.1, 0.2], {"interval": "bootstrap"}, "'percentile', got 'bootstrap'"),
    ],
)
def test_intervals_that_are_refused(values, options, words):
    with pytest.raises(MetricError, match=words):
        mean_interval(values, **options)


# Contrasts

PLAIN = [0.30, 0.28, 0.35, 0.31]
EWC = [0.41, 0.42, 0.43, 0.40]


def test_paired_contrast_by_hand():
    differences = [0.11, 0.14, 0.08, 0.09]
    mean = sum(differences) / 4
    sd = math.sqrt(sum((d - mean) ** 2 for d in differences) / 3)
    found = paired_contrast(EWC, PLAIN, names=("ewc", "plain"))
    assert found.difference.mean == pytest.approx(mean)
    assert found.difference.high == pytest.approx(mean + T_TWO_SIDED[3] * sd / 2, rel=2e-4)
    # For three degrees of freedom the tail of Student's distribution has a closed form.
    t = mean / (sd / 2)
    x = t / math.sqrt(3)
    tail = 0.5 - (x / (1 + x * x) + math.atan(x)) / math.pi
    assert found.p_value == pytest.approx(2 * tail)
    assert found.adjusted_p_value == found.p_value
    assert str(found).startswith("ewc - plain: 0.1050 [")


def test_pairing_uses_the_seeds():
    rng = np.random.default_rng(0)
    level = rng.normal(size=20)
    first, second = level + 0.1 + 0.01 * rng.normal(size=20), level + 0.01 * rng.normal(size=20)
    assert paired_contrast(first, second).difference.excludes_zero
    assert not unpaired_contrast(first, second).difference.excludes_zero


def test_equal_methods_and_constant_shifts():
    same = paired_contrast([0.1 + 0.2, 0.5, 0.25], [0.3, 0.5, 0.25])
    assert same.p_value == 1
    assert same.difference.low == same.difference.high
    shifted = paired_contrast([0.2, 0.3, 0.4], [0.1, 0.2, 0.3])
    assert math.isnan(shifted.p_value)
    assert "no test" in str(shifted)
    assert math.isnan(paired_contrast([0.2], [0.1]).p_value)
    with pytest.raises(MetricError, match="4 values of first and 3 of second"):
        paired_contrast(EWC, PLAIN[:3])


def test_all_contrasts_of_several_methods():
    values = {"plain": PLAIN, "ewc": EWC, "same": PLAIN}
    found = compare_paired(values)
    assert [(c.first, c.second) for c in found] == list(combinations(values, 2))
    single = [paired_contrast(values[a], values[b]).p_value for a, b in combinations(values, 2)]
    assert [c.p_value for c in found] == single
    smallest = min(single)
    assert min(c.adjusted_p_value for c in found) == pytest.approx(3 * smallest)
    assert found[1].adjusted_p_value == 1
    to_plain = compare_paired(values, reference="plain")
    assert [(c.first, c.second) for c in to_plain] == [("ewc", "plain"), ("same", "plain")]
    assert to_plain[0].adjusted_p_value == pytest.approx(2 * smallest)
    assert "Holm, 2 contrasts" in str(to_plain[0])
    for bad, words in (({"plain": PLAIN}, "two methods"), (values, "reference 'si'")):
        with pytest.raises(MetricError, match=words):
            compare_paired(bad, reference="si")


def test_a_contrast_without_a_test_counts_in_the_family():
    values = {"a": PLAIN, "b": [x + 0.25 for x in PLAIN], "c": EWC}
    found = {(c.first, c.second): c for c in compare_paired(values)}
    assert math.isnan(found["a", "b"].adjusted_p_value)
    pair = [found["a", "c"], found["b", "c"]]
    assert min(c.adjusted_p_value for c in pair) == pytest.approx(3 * min(c.p_value for c in pair))


def test_welch_contrast_by_hand():
    a, b = [1.0, 2.0, 3.0, 4.0], [2.0, 6.0, 10.0]
    va, vb = (5 / 3) / 4, 16 / 3
    t = (2.5 - 6) / math.sqrt(va + vb)
    df = (va + vb) ** 2 / (va**2 / 3 + vb**2 / 2)
    found = unpaired_contrast(a, b)
    assert found.difference.mean == -3.5
    assert found.p_value == pytest.approx(2 * stats.t.cdf(t, df))
    assert found.difference.low == pytest.approx(-3.5 - stats.t.ppf(0.975, df) * math.sqrt(va + vb))
    for first, second in (([1.0], b), ([1.0, 1.0], [2.0, 2.0])):
        with pytest.raises(MetricError, match="Welch"):
            unpaired_contrast(first, second)


def holm_by_rejecting(p_values, alpha):
    """Holm's procedure as he wrote it: reject the smallest as long as it is at most alpha / (those left)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = set()
    for step, i in enumerate(order):
        if p_values[i] > alpha / (len(p_values) - step):
            break
        rejected.add(i)
    return rejected


@given(st.lists(st.integers(0, 1000).map(lambda k: k / 1000), max_size=8), st.integers(1, 999))
def test_holm_rejects_what_the_procedure_rejects(p_values, level):
    alpha = level / 1000 + 0.0001234  # Never equal to a multiple of a p-value.
    adjusted = holm_correction(p_values)
    assert {i for i, p in enumerate(adjusted) if p <= alpha} == holm_by_rejecting(p_values, alpha)
    assert (adjusted >= p_values).all()
    assert (adjusted <= 1).all()


def test_holm_example_and_refusals():
    assert holm_correction([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    for bad in ([0.1, np.nan], [1.1], 0.5, ["a"]):
        with pytest.raises(MetricError, match="p-values"):
            holm_correction(bad)


# Equivalence


def test_equivalence_by_hand():
    first, second = [0.50, 0.61, 0.42, 0.55], [0.51, 0.60, 0.42, 0.54]
    differences = [-0.01, 0.01, 0.0, 0.01]
    mean = 0.0025
    se = math.sqrt(sum((d - mean) ** 2 for d in differences) / 3) / 2
    half = T_ONE_SIDED[3] * se
    found = tost_paired(first, second, margin=0.02)
    assert found.difference.confidence == pytest.approx(0.9)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (mean - half, mean + half), rel=1e-3
    )
    x = (0.02 - mean) / se / math.sqrt(3)
    assert found.p_value == pytest.approx(0.5 - (x / (1 + x * x) + math.atan(x)) / math.pi)
    assert found.equivalent is True
    assert tost_paired(first, second, margin=0.005).equivalent is False


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=8).filter(lambda x: len(set(x)) > 1))
def test_equivalence_is_the_interval_inside_the_margins(steps):
    first = 0.5 + np.array(steps) / 1000
    found = tost_paired(first, np.full(len(first), 0.5), margin=0.0213)
    inside = found.difference.low > -0.0213 and found.difference.high < 0.0213
    assert found.equivalent is inside


def test_equivalence_without_a_test():
    found = tost_paired(PLAIN, PLAIN, margin=0.01)
    assert found.equivalent is None
    assert math.isnan(found.p_value)
    for arguments, words in (
        ((PLAIN, PLAIN, 0.0), "positive margin"),
        ((PLAIN, PLAIN, math.inf), "positive margin"),
        (([0.1], [0.1], 0.01), "two replicates"),
        ((PLAIN, PLAIN[:2], 0.01), "same seeds"),
    ):
        with pytest.raises(MetricError, match=words):
            tost_paired(*arguments)
    with pytest.raises(MetricError, match="alpha"):
        tost_paired(PLAIN, EWC, 0.01, alpha=0.5)


# Coverage: how often an interval of 95 % holds the true mean. It says why t is the default.


def coverage(draw, n, interval, trials, rng):
    hits = 0
    for _ in range(trials):
        values, truth = draw(n, rng)
        found = mean_interval(values, interval=interval, rng=rng)
        hits += found.low <= truth <= found.high
    return hits / trials


def normal(n, rng):
    return rng.normal(size=n), 0.0


def skewed(n, rng):
    return rng.exponential(size=n), 1.0


def accuracies(n, rng):
    """Means of 360 test samples each, with a level of its own for each replicate."""
    return rng.binomial(360, rng.beta(30, 60, size=n)) / 360, 1 / 3


@pytest.mark.slow
def test_t_interval_covers_95_percent_of_accuracies():
    rng = np.random.default_rng(1)
    # Three standard deviations of the share of 4000 trials are 0.010.
    assert coverage(accuracies, 5, "t", 4000, rng) == pytest.approx(0.95, abs=0.011)


@pytest.mark.slow
def test_coverage_of_the_bootstraps_with_five_replicates():
    rng = np.random.default_rng(2)
    found = {kind: coverage(normal, 5, kind, 1500, rng) for kind in ("percentile", "bca")}
    sys.stdout.write(f"coverage at n = 5: {found}\n")
    assert found["percentile"] == pytest.approx(0.84, abs=0.03)
    assert found["bca"] < 0.90, "no cure for few replicates"


@pytest.mark.slow
def test_bca_covers_with_many_replicates():
    rng = np.random.default_rng(3)
    trials = 800
    found = {kind: coverage(skewed, 40, kind, trials, rng) for kind in ("t", "percentile", "bca")}
    sys.stdout.write(f"coverage of exponential values at n = 40: {found}\n")
    assert found["bca"] == pytest.approx(0.95, abs=0.035)
    assert found["bca"] >= found["percentile"] - 0.005


@pytest.mark.slow
def test_level_and_power_of_the_tests():
    rng = np.random.default_rng(4)
    trials, n = 4000, 6
    noise = 0.5 + 0.02 * rng.normal(size=(trials, n))
    other = 0.5 + 0.02 * rng.normal(size=(trials, n))
    rejected = np.mean([paired_contrast(a, b).p_value < 0.05 for a, b in zip(noise, other, strict=True)])
    assert rejected == pytest.approx(0.05, abs=0.011)
    # At a true difference of exactly the margin, equivalence may be claimed with probability 0.05 at most.
    claimed = np.mean(
        [tost_paired(a + 0.1, b, margin=0.1).equivalent for a, b in zip(noise, other, strict=True)]
    )
    assert claimed == pytest.approx(0.05, abs=0.011)
