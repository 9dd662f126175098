"""Metrics of accuracy matrices: published worked values, formulas in exact fractions, and refusals."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plnet.errors import MetricError
from plnet.forgetting import metrics
from plnet.forgetting.metrics import METRICS, with_initial_row

# The worked example: after each of three tasks, and at random initialisation.
AFTER = [[0.90, 0.20, 0.10], [0.70, 0.80, 0.30], [0.75, 0.50, 0.85]]
INITIAL = [0.10, 0.12, 0.08]
WORKED = with_initial_row(AFTER, INITIAL)

PRINTED = {
    "average_accuracy": 0.7,
    "learning_accuracy": 0.85,
    "average_incremental_accuracy": 0.783333,
    "backward_transfer_lopez_paz": -0.225,
    "backward_transfer_diaz_rodriguez": -0.216667,
    "backward_transfer_gem_code": -0.15,
    "backward_transfer_and_interference_riemer": -0.15,
    "forward_transfer_lopez_paz": 0.15,
    "forward_transfer_gem_code": 0.10,
    "forward_transfer_without_baseline": 0.25,
    "forward_transfer_diaz_rodriguez": 0.20,
    "forgetting_chaudhry": 0.225,
    "forgetting_avalanche": 0.225,
    "accuracy_diaz_rodriguez": 0.75,
    "remembering_diaz_rodriguez": 0.783333,
    "positive_backward_transfer_diaz_rodriguez": 0.0,
    "omega_new_kemker": 0.825,
}


@pytest.mark.parametrize("name", PRINTED)
def test_worked_values_of_the_matrix(name):
    value = METRICS[name].function(WORKED)
    assert isinstance(value, float)
    assert value == pytest.approx(PRINTED[name], abs=5e-7)


def test_worked_values_with_an_argument():
    assert metrics.average_accuracy_after(WORKED) == pytest.approx([0.9, 0.75, 0.7])
    assert metrics.forgetting_chaudhry(WORKED, after=2) == pytest.approx(0.2)
    joint = [0.91, 0.86, 0.89]
    values = [metrics.intransigence_chaudhry(WORKED, joint, after=k) for k in (1, 2, 3)]
    assert values == pytest.approx([0.01, 0.06, 0.04])
    assert metrics.intransigence_chaudhry(WORKED, joint) == pytest.approx(0.04)
    assert metrics.omega_base_kemker(WORKED, 0.92) == pytest.approx(0.788043, abs=5e-7)
    assert metrics.omega_all_kemker(WORKED, 0.92) == pytest.approx(0.788043, abs=5e-7)


def test_worked_values_of_memory_and_computation():
    assert metrics.model_size_efficiency([1000, 1000, 1500]) == pytest.approx(0.888889, abs=5e-7)
    assert metrics.samples_storage_size_efficiency([0, 200, 400], 3000) == pytest.approx(0.933333, abs=5e-7)
    ce = metrics.computational_efficiency([9e9, 1e10, 1.2e10], [1e9] * 3, epsilon=5)
    assert ce == pytest.approx(0.490741, abs=5e-7)
    criteria = {
        "A": metrics.accuracy_diaz_rodriguez(WORKED),
        "REM": metrics.remembering_diaz_rodriguez(WORKED),
        "BWT+": metrics.positive_backward_transfer_diaz_rodriguez(WORKED),
        "FWT": metrics.forward_transfer_diaz_rodriguez(WORKED),
        "MS": 8 / 9,
        "SSS": 14 / 15,
        "CE": ce,
    }
    assert metrics.cl_score(criteria) == pytest.approx(0.578042, abs=5e-7)


def test_worked_values_of_traces_and_times():
    traces = [[0.90, 0.55, 0.65, 0.70, 0.40, 0.72, 0.75], [0.80, 0.35, 0.45, 0.50]]
    assert metrics.min_acc(traces) == pytest.approx(0.375)
    assert metrics.wc_acc(traces, 0.85) == pytest.approx(0.533333, abs=5e-7)
    assert metrics.savings_ebbinghaus(20, 5) == 0.75
    assert metrics.relearning_ratio(20, 5) == 4.0


def test_example_that_tells_the_conventions_of_forgetting_apart():
    matrix = with_initial_row([[0.6, 0.1], [0.7, 0.8]])
    assert metrics.backward_transfer_lopez_paz(matrix) == pytest.approx(0.1)
    assert metrics.forgetting_chaudhry(matrix) == pytest.approx(-0.1)
    assert metrics.forgetting_mammoth(matrix) == 0
    assert metrics.forgetting_avalanche(matrix) == pytest.approx(-0.1)


def test_chaudhry_takes_the_best_and_also_one_before_the_task_was_trained():
    # Task 2 is known best after task 1, and best since it was learned after task 3.
    matrix = with_initial_row(
        [[0.9, 0.8, 0.0, 0.0], [0.5, 0.6, 0.0, 0.0], [0.9, 0.7, 0.5, 0.0], [0.5, 0.5, 0.5, 0.5]]
    )
    assert metrics.forgetting_chaudhry(matrix) == pytest.approx((0.4 + 0.3 + 0.0) / 3)
    assert metrics.forgetting_chaudhry(matrix, since_learned=True) == pytest.approx((0.4 + 0.2 + 0.0) / 3)
    assert metrics.forgetting_mammoth(matrix, since_learned=True) == pytest.approx((0.4 + 0.2 + 0.0) / 3)
    assert metrics.backward_transfer_lopez_paz(matrix) == pytest.approx((-0.4 - 0.1 + 0.0) / 3)


# The formulas once more, as printed: R(i, j) and b(j) counted from 1, sums of fractions.


def mean(terms):
    terms = list(terms)
    return sum(terms, Fraction(0)) / len(terms)


class Formulas:
    """The definitions in exact arithmetic."""

    def __init__(self, rows):
        self.rows, self.t = rows, len(rows[0])

    def r(self, i, j):
        return self.rows[i][j - 1]

    def b(self, j):
        return self.rows[0][j - 1]

    def average_accuracy(self):
        return mean(self.r(self.t, j) for j in range(1, self.t + 1))

    def learning_accuracy(self):
        return mean(self.r(j, j) for j in range(1, self.t + 1))

    def average_incremental_accuracy(self):
        return mean(mean(self.r(k, j) for j in range(1, k + 1)) for k in range(1, self.t + 1))

    def backward_transfer_lopez_paz(self):
        return Fraction(1, self.t - 1) * sum(self.r(self.t, j) - self.r(j, j) for j in range(1, self.t))

    def backward_transfer_gem_code(self):
        return mean(self.r(self.t, j) - self.r(j, j) for j in range(1, self.t + 1))

    def backward_transfer_and_interference_riemer(self):
        return self.average_accuracy() - self.learning_accuracy()

    def backward_transfer_diaz_rodriguez(self):
        pairs = [(i, j) for i in range(2, self.t + 1) for j in range(1, i)]
        return sum(self.r(i, j) - self.r(j, j) for i, j in pairs) / Fraction(self.t * (self.t - 1), 2)

    def remembering_diaz_rodriguez(self):
        return 1 - abs(min(self.backward_transfer_diaz_rodriguez(), 0))

    def positive_backward_transfer_diaz_rodriguez(self):
        return max(self.backward_transfer_diaz_rodriguez(), 0)

    def forward_transfer_lopez_paz(self):
        return Fraction(1, self.t - 1) * sum(self.r(j - 1, j) - self.b(j) for j in range(2, self.t + 1))

    def forward_transfer_gem_code(self):
        return sum(self.r(j - 1, j) - self.b(j) for j in range(2, self.t + 1)) / Fraction(self.t)

    def forward_transfer_without_baseline(self):
        return mean(self.r(j - 1, j) for j in range(2, self.t + 1))

    def forward_transfer_diaz_rodriguez(self):
        return mean(self.r(i, j) for i in range(1, self.t + 1) for j in range(i + 1, self.t + 1))

    def forgetting_chaudhry(self):
        k = self.t
        return mean(max(self.r(m, j) for m in range(1, k)) - self.r(k, j) for j in range(1, k))

    def forgetting_mammoth(self):
        k = self.t
        return mean(max(self.r(m, j) for m in range(1, k + 1)) - self.r(k, j) for j in range(1, k))

    def forgetting_avalanche(self):
        return -self.backward_transfer_lopez_paz()

    def accuracy_diaz_rodriguez(self):
        return mean(self.r(i, j) for i in range(1, self.t + 1) for j in range(1, i + 1))

    def omega_new_kemker(self):
        return mean(self.r(i, i) for i in range(2, self.t + 1))

    def min_acc_at_task_ends(self):
        return mean(min(self.r(i, j) for i in range(j + 1, self.t + 1)) for j in range(1, self.t))

    def wc_acc_at_task_ends(self):
        share = Fraction(1, self.t)
        return share * self.r(self.t, self.t) + (1 - share) * self.min_acc_at_task_ends()


percents = st.integers(0, 100).map(lambda n: Fraction(n, 100))
matrices = st.integers(2, 5).flatmap(
    lambda t: st.lists(st.lists(percents, min_size=t, max_size=t), min_size=t + 1, max_size=t + 1)
)


@given(matrices)
def test_every_metric_equals_its_formula_in_fractions(rows):
    exact = Formulas(rows)
    for name, metric in METRICS.items():
        expected = getattr(exact, name)()
        assert metric.function(np.array(rows, dtype=float)) == pytest.approx(float(expected), abs=1e-14), name


@given(matrices, st.lists(percents.filter(bool), min_size=5, max_size=5), percents.filter(bool))
def test_omegas_equal_their_formulas_in_fractions(rows, sizes, ideal):
    exact, t = Formulas(rows), len(rows[0])
    base = mean(exact.r(i, 1) / ideal for i in range(2, t + 1))
    seen = [
        sum(sizes[j - 1] * exact.r(i, j) for j in range(1, i + 1)) / sum(sizes[:i]) for i in range(2, t + 1)
    ]
    matrix = np.array(rows, dtype=float)
    weights = [float(size) for size in sizes[:t]]
    assert metrics.omega_base_kemker(matrix, float(ideal)) == pytest.approx(float(base))
    weighted = metrics.omega_all_kemker(matrix, float(ideal), sizes=weights)
    assert weighted == pytest.approx(float(mean(a / ideal for a in seen)))


@given(st.lists(matrices, min_size=1, max_size=3).filter(lambda x: len({len(rows) for rows in x}) == 1))
def test_replicates_are_computed_one_by_one(stack):
    batch = np.array(stack, dtype=float)
    for name, metric in METRICS.items():
        values = metric.function(batch)
        assert values.shape == (len(stack),)
        assert values == pytest.approx([metric.function(matrix) for matrix in batch]), name
    assert metrics.average_accuracy_after(batch).shape == (len(stack), batch.shape[2])


def test_identities_between_the_conventions():
    rng = np.random.default_rng(0)
    batch = rng.random((200, 6, 5))
    bwt = metrics.backward_transfer_lopez_paz(batch)
    ra, la = metrics.average_accuracy(batch), metrics.learning_accuracy(batch)
    assert ra - la == pytest.approx(bwt * 4 / 5)
    assert (metrics.forgetting_chaudhry(batch) >= -bwt - 1e-15).all()
    assert (metrics.forgetting_mammoth(batch) >= metrics.forgetting_chaudhry(batch) - 1e-15).all()
    assert (metrics.forgetting_mammoth(batch) >= 0).all()


# Which entries a metric reads: any other entry may be a hole, a needed one must be named.


@pytest.mark.parametrize("name", METRICS)
def test_a_hole_matters_exactly_where_the_metric_depends_on_the_entry(name):
    function = METRICS[name].function
    # All equal: every maximum, minimum and clamp is at its bend, so a move one way or the other shows.
    base = np.full((5, 4), 0.5)
    for place in np.ndindex(base.shape):
        holed = base.copy()
        holed[place] = np.nan
        moved = [base.copy(), base.copy()]
        moved[0][place], moved[1][place] = 0.0, 1.0
        depends = any(abs(function(matrix) - function(base)) > 1e-12 for matrix in moved)
        if depends:
            row, task = place
            when = f"after training task {row}" if row else "before training"
            with pytest.raises(
                MetricError, match=rf"{name}.*on task {task + 1} {when}, which is not known \(1"
            ):
                function(holed)
        else:
            assert function(holed) == pytest.approx(function(base))


def test_lower_triangle_is_enough_for_forgetting_since_learned():
    lower = np.where(np.tri(5, 4, k=-1, dtype=bool), 0.5, np.nan)
    assert metrics.forgetting_chaudhry(lower, since_learned=True) == 0
    assert metrics.backward_transfer_lopez_paz(lower) == 0
    with pytest.raises(MetricError, match="since_learned=True"):
        metrics.forgetting_chaudhry(lower)
    with pytest.raises(MetricError, match="needs the accuracy on task 2 after training task 1"):
        metrics.forward_transfer_diaz_rodriguez(lower)


def test_the_hole_of_a_replicate_is_named():
    batch = np.full((3, 4, 3), 0.5)
    batch[2, 3, 1] = np.nan
    with pytest.raises(MetricError, match="of replicate 2 on task 2 after training task 3"):
        metrics.average_accuracy(batch)


# Refusals


@pytest.mark.parametrize(
    ("given_matrix", "words"),
    [
        (np.full((3, 3), 0.5), "with_initial_row"),
        (np.full((5, 3), 0.5), "Expected 4 rows for 3 tasks"),
        (np.full(3, 0.5), r"got shape \(3,\)"),
        (np.zeros((0, 3, 2)), "at least one task and one replicate"),
        (np.zeros((1, 0)), "at least one task"),
        (np.full((3, 2), 50.0), "per cent"),
        (np.full((3, 2), -0.1), "between 0 and 1, got -0.1"),
        (np.full((3, 2), np.inf), "between 0 and 1, got inf"),
        (np.full((3, 2), 0.5 + 0j), "complex"),
        ([[0.5], [0.5, 0.5]], "rows of equal length"),
        ([["a", "b"]] * 3, "real accuracies"),
    ],
)
def test_matrices_that_are_refused(given_matrix, words):
    with pytest.raises(MetricError, match=words):
        metrics.average_accuracy(given_matrix)


EXIST_FOR_ONE_TASK = {
    "average_accuracy",
    "learning_accuracy",
    "average_incremental_accuracy",
    "accuracy_diaz_rodriguez",
}


@pytest.mark.parametrize("name", METRICS)
def test_one_task_has_no_transfer(name):
    matrix = [[0.1], [0.9]]
    if name in EXIST_FOR_ONE_TASK:
        assert METRICS[name].function(matrix) == 0.9
    else:
        with pytest.raises(MetricError, match="does not exist for 1 task"):
            METRICS[name].function(matrix)


def test_after_is_checked():
    for wrong in (1, 4, 2.5, True):
        with pytest.raises(MetricError, match="exists after tasks 2 to 3"):
            metrics.forgetting_chaudhry(WORKED, after=wrong)
    assert metrics.intransigence_chaudhry(WORKED, [1.0, 1.0, 1.0], after=1) == pytest.approx(0.1)
    with pytest.raises(MetricError, match="exists after tasks 1 to 3"):
        metrics.intransigence_chaudhry(WORKED, [1.0, 1.0, 1.0], after=0)


def test_joint_accuracies_are_checked():
    with pytest.raises(MetricError, match="one for each task"):
        metrics.intransigence_chaudhry(WORKED, [0.9, 0.9])
    with pytest.raises(MetricError, match="joint accuracy on task 3"):
        metrics.intransigence_chaudhry(WORKED, [0.9, 0.9, np.nan])
    assert metrics.intransigence_chaudhry([WORKED, WORKED], [0.9, 0.9, 0.9]).shape == (2,)


def test_initial_row():
    assert np.isnan(with_initial_row(AFTER)[0]).all()
    assert with_initial_row([AFTER, AFTER], INITIAL)[:, 0].tolist() == [INITIAL, INITIAL]
    with pytest.raises(MetricError, match="Expected 3 initial accuracies"):
        with_initial_row(AFTER, [0.1, 0.1])
    with pytest.raises(MetricError, match="square matrix"):
        with_initial_row(WORKED)


def test_efficiencies_are_clipped_and_checked():
    assert metrics.model_size_efficiency([1000, 500]) == 1.0
    assert metrics.samples_storage_size_efficiency([9, 9], 3) == 0.0
    assert metrics.computational_efficiency([1.0, 1.0], 3.0) == 1.0
    for bad in (
        lambda: metrics.model_size_efficiency([]),
        lambda: metrics.model_size_efficiency([0, 1]),
        lambda: metrics.samples_storage_size_efficiency([-1], 3),
        lambda: metrics.samples_storage_size_efficiency([1], 0),
        lambda: metrics.computational_efficiency([1, 1], [1, 1, 1]),
        lambda: metrics.computational_efficiency([1, np.nan], 1),
        lambda: metrics.computational_efficiency([1, 1], 1, epsilon=0),
    ):
        with pytest.raises(MetricError, match="Expected"):
            bad()


def test_score_and_stability():
    runs = [{"A": 0.2, "REM": 0.5}, {"A": 0.4, "REM": 0.5}]
    # Two values 0.2 apart have the standard deviations 0.1 * sqrt(2) and 0.1.
    assert metrics.cl_stability(runs) == pytest.approx(1 - 0.5 * 0.1 * np.sqrt(2))
    assert metrics.cl_stability(runs, ddof=0) == pytest.approx(0.95)
    assert metrics.cl_stability(runs, {"REM": 1.0, "A": 0.0}) == 1.0
    assert metrics.cl_score(runs[0], {"A": 0.25, "REM": 0.75}) == pytest.approx(0.425)
    for bad, words in (
        (lambda: metrics.cl_score({"BWT": -0.2}), "BWT = -0.2. Take REM"),
        (lambda: metrics.cl_score({}), "at least one"),
        (lambda: metrics.cl_score(runs[0], {"A": 0.5, "REM": 0.6}), "sum 1"),
        (lambda: metrics.cl_score(runs[0], {"A": 1.0}), "weight for each"),
        (lambda: metrics.cl_stability(runs[:1]), "two runs"),
        (lambda: metrics.cl_stability([{"A": 0.1}, {"B": 0.1}]), "same criteria"),
        (lambda: metrics.cl_stability(runs, ddof=2), "ddof"),
    ):
        with pytest.raises(MetricError, match=words):
            bad()


def test_omegas_refuse_an_impossible_ideal():
    for ideal in (0.0, 1.1, [0.9, 0.9], np.nan):
        with pytest.raises(MetricError, match="offline accuracy"):
            metrics.omega_base_kemker(WORKED, ideal)
    assert metrics.omega_all_kemker([WORKED, WORKED], [0.5, 1.0]).shape == (2,)
    with pytest.raises(MetricError, match="positive sizes"):
        metrics.omega_all_kemker(WORKED, 0.9, sizes=[1, 0, 1])


def test_traces():
    assert metrics.min_acc([[[0.5, 0.4], [0.3, 0.9]]]).tolist() == [0.4, 0.3]
    for traces, words in (([], "at least one old task"), ([[0.5, np.nan]], "holes"), ([[]], "P > 0")):
        with pytest.raises(MetricError, match=words):
            metrics.min_acc(traces)
    with pytest.raises(MetricError, match="current accuracies"):
        metrics.wc_acc([[0.5]], [0.5, 0.5])


def test_times_of_learning():
    assert metrics.time_to_criterion([0.1, 0.9, 0.2], 0.9) == 2
    assert metrics.time_to_criterion([0.1, 0.2], 0.9) == np.inf
    assert metrics.time_to_criterion([[0.9, np.nan], [0.1, 0.95]], 0.9).tolist() == [1, 2]
    with pytest.raises(MetricError, match="holes before"):
        metrics.time_to_criterion([np.nan, 0.9], 0.9)
    with pytest.raises(MetricError, match="holes before"):
        metrics.time_to_criterion([0.1, np.nan], 0.9)
    assert metrics.savings_ebbinghaus([10, 10], [0, 20]).tolist() == [1, -1]
    for first, again, words in (
        (10, np.inf, "not reached"),
        (0, 1, "positive"),
        ([1, 2], 1, "as many"),
        ("a", 1, "numbers"),
    ):
        with pytest.raises(MetricError, match=words):
            metrics.savings_ebbinghaus(first, again)
    with pytest.raises(MetricError, match="no ratio"):
        metrics.relearning_ratio(10, 0)


# Samples and units


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=8))
def test_forgetting_events_by_walking_through_the_presentations(table):
    expected, kept = [], []
    for sample in range(3):
        history = [row[sample] for row in table]
        events = sum(1 for before, now in pairwise(history) if before and not now)
        expected.append(events)
        kept.append(any(history) and events == 0)
    assert metrics.forgetting_events_toneva(table).tolist() == expected
    assert metrics.unforgettable_toneva(table).tolist() == kept


def test_forgetting_events_are_refused():
    with pytest.raises(MetricError, match="true or false"):
        metrics.forgetting_events_toneva([[0.5, 1.0]])
    with pytest.raises(MetricError, match="presentations"):
        metrics.forgetting_events_toneva([True, False])


def test_activation_overlap():
    a, b = [[1.0, 0.5, 0.0, 0.5]], [[0.5, 0.5, 1.0, 0.0]]
    assert metrics.activation_overlap_french(a, b).tolist() == [0.25]
    assert metrics.activation_dot_product(a, b).tolist() == [0.1875]
    assert metrics.activation_dot_product([-1.0, 0.5], [1.0, 0.5]) == -0.375
    with pytest.raises(MetricError, match=">= 0"):
        metrics.activation_overlap_french([-1.0], [1.0])
    with pytest.raises(MetricError, match="equal shapes"):
        metrics.activation_overlap_french([1.0], [1.0, 2.0])


def test_pairwise_interference():
    assert metrics.pairwise_interference([1.0, 2.0], [[0.5, 2.5], [1.0, 1.0]]).tolist() == [
        [-0.5, 0.5],
        [0, -1],
    ]
    with pytest.raises(MetricError, match="losses"):
        metrics.pairwise_interference([1.0, 2.0], [[0.5], [1.0]])


def test_the_catalogue_names_each_convention_apart():
    assert len({metric.symbol for metric in METRICS.values()}) == len(METRICS)
    assert all(metric.source for metric in METRICS.values())
    assert set(METRICS) <= set(metrics.__all__)
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__ if name != "METRICS")
