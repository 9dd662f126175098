"""Replicates that fail: which do, what they count as, and comparisons of results whose data differ."""

import numpy as np
import pytest
import torch
from forgetting_loops import Loop
from scipy import stats
from torch.nn import functional

from plnet.errors import ConfigError, IncompleteResultError, MetricError
from plnet.forgetting import (
    ModelSpec,
    SequenceResult,
    Task,
    compare_results,
    method,
    permuted,
    split,
    train_sequence,
    train_settings,
)
from plnet.forgetting.models.modules import initial_parameters
from plnet.forgetting.results.failures import Failures, never_learned, one_class_accuracy
from plnet.forgetting.training.checkpoint import FileCheckpoint
from plnet.io import open_arrays, write_arrays

QUICK = {"epochs": 2, "progress": None}


def blobs(seed=0, n=90, classes=3, d=4, distance=6.0):
    """Classes around points far apart: a network learns them at once."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(n, d)) + distance * rng.normal(size=(classes, d))[y], y


def own_tasks(seed=0, n=2, **options):
    """Tasks as a user gives them, whose description does not tell their data."""
    x, y = blobs(seed, **options)
    half = len(y) // 2
    return [
        Task(f"t{k}", (x[:half] * (-1) ** k, y[:half]), (x[half:] * (-1) ** k, y[half:])) for k in range(n)
    ]


# The same data


def test_results_of_other_arrays_are_not_compared():
    one, other = (train_sequence(own_tasks(seed), [4], seeds=range(3), **QUICK) for seed in (0, 1))
    assert one.settings["tasks_in_words"] == other.settings["tasks_in_words"]
    with pytest.raises(MetricError, match="data of a and b differ with seeds 0, 1, 2"):
        compare_results({"a": one, "b": other})
    with pytest.raises(MetricError, match="data of joint and the result differ"):
        one.metrics(joint=other)
    same = train_sequence(own_tasks(0), [5], seeds=[2, 1], **QUICK)
    (found,) = compare_results({"a": one, "b": same})
    assert (found.difference.n, found.note) == (2, "")


@pytest.mark.parametrize(
    "change",
    [
        lambda x, y: (np.where(np.arange(len(x))[:, None] == 60, x + 1e-12, x), y),
        lambda x, y: (x, np.where(np.arange(len(y)) == 61, (y + 1) % 3, y)),
        lambda x, y: (x[::-1].copy(), y[::-1].copy()),
    ],
)
def test_a_digest_sees_the_smallest_change_of_the_test_part(change):
    x, y = blobs()
    digests = []
    for test in ((x[45:], y[45:]), tuple(part[45:] for part in change(x, y))):
        tasks = [Task("a", (x[:45], y[:45]), test)]
        digests.append(train_sequence(tasks, [2], seeds=[0], epochs=1, progress=None).digests)
    assert digests[0] != digests[1]


def test_digests_belong_to_seeds_and_tasks():
    result = train_sequence(permuted(3, blobs()), [2], seeds=[4, 5], **QUICK)
    again = train_sequence(permuted(3, blobs()), "lwta", seeds=[5, 6], dtype=torch.float64, **QUICK)
    assert np.shape(result.digests) == (2, 3)
    assert result.digests[1] == again.digests[0]
    assert len({text for row in (*result.digests, again.digests[1]) for text in row}) == 9
    assert result.through(2).digests == tuple(row[:2] for row in result.digests)


def test_results_of_older_files_are_read_and_compared_with_a_word(tmp_path):
    result = train_sequence(permuted(2, blobs()), [2], seeds=range(3), **QUICK)
    with open_arrays(result.save(tmp_path / "new"), "plnet.SequenceResult", 1) as (header, stored):
        old = {name: stored[name] for name in stored if not name.startswith(("failures", "header"))}
    del header["digests"]
    path = write_arrays(tmp_path / "old", header, old)
    again = SequenceResult.load(path)
    assert (again.digests, again.failures) == ((), None)
    assert not again.metrics().counted
    (found,) = compare_results({"old": again, "new": result})
    assert found.note == (
        "old without digests of the data: only the description of their tasks says that the pairs have the "
        "same tasks; old without failures: runs that never learned are not known, and 0 diverged ones are "
        "left out"
    )
    assert str(found).endswith(found.note)
    bare = SequenceResult(result.accuracy, result.task_names, result.seeds)
    (found,) = compare_results({"bare": bare, "new": result})
    assert "no description says" in found.note


# Which fail


def test_the_test_of_learning_is_exact():
    # P(Bin(100, 1/2) >= 65) = 0.00176 and P(>= 66) = 0.00089, from tables of the binomial distribution.
    assert never_learned(np.array([65, 66]), np.arange(100) % 2).tolist() == [True, False]
    # With 9 samples and 1/2 nothing is below 1/1000 (2^-9 = 0.00195); with 10 a run without errors is.
    assert never_learned(np.array([0, 9]), np.array([0] * 5 + [1] * 4)).tolist() == [False, False]
    assert never_learned(np.array([9, 10]), np.arange(10) % 2).tolist() == [True, False]
    # One class: nothing can be learned, so nobody has failed to.
    assert never_learned(np.array([0, 50]), np.zeros(50, dtype=int)).tolist() == [False, False]


def test_what_a_failed_run_counts_as():
    x = np.zeros((10, 1))
    first = Task("a", (x, [0] * 6 + [1] * 4), (x, [0] * 7 + [1] * 3))
    second = Task("b", (x, [1] * 2 + [2] * 8), (x, [1] * 5 + [2] * 5))
    assert one_class_accuracy([first, second], "test")[1:].tolist() == [[0.7, 0.0], [0.0, 0.5]]
    heads = [Task(t.name, t.train, t.test, masked=True) for t in (first, second)]
    assert one_class_accuracy(heads, "test")[1:].tolist() == [[0.7, 0.5], [0.7, 0.5]]
    assert np.isnan(one_class_accuracy([first], "validation")).all()


def by_a_plain_loop(tasks, spec, seed, rate):
    """Train one network by autograd, and say by scipy's binomial test and its losses how it has failed."""
    (task,) = tasks.draw(seed)
    architecture = spec.resolve(tasks.n_inputs, tasks.n_classes)
    row = initial_parameters(architecture, [seed], torch.float64)[0]
    loop = Loop(architecture, row, seed, rate)
    x, y = torch.from_numpy(task.train.x), torch.from_numpy(np.array(task.train.y))
    with torch.no_grad():
        untrained = functional.cross_entropy(loop.module(x), y)
    loop.train(task, 0, 3, 64)
    with torch.no_grad():
        logits = loop.module(x)
    right = int((logits.argmax(dim=1) == y).sum())
    share = np.bincount(task.train.y).max() / len(y)
    if not functional.cross_entropy(logits, y) <= 10 * untrained:
        return "diverged"
    p_value = stats.binomtest(right, len(y), share, alternative="greater").pvalue
    return "never learned" if p_value > 0.001 else ""


@pytest.mark.parametrize("engine", ["fused", "batched"])
@pytest.mark.parametrize(
    ("activation", "rate", "kinds"),
    [
        ("relu", 0.0, {"never learned", ""}),
        ("relu", 1.0, {"never learned", ""}),
        ("maxout", 0.3, {"diverged"}),
        ("maxout", 30.0, {"diverged"}),
    ],
)
def test_failures_are_those_of_a_plain_loop(engine, activation, rate, kinds):
    tasks, spec, seeds = permuted(1, blobs(n=240)), ModelSpec((8,), activation), range(6)
    options = {"learning_rate": rate, "engine": engine, "dtype": torch.float64, "epochs": 3}
    result = train_sequence(tasks, spec, seeds=seeds, progress=None, **options)
    assert result.failure_words == tuple(by_a_plain_loop(tasks, spec, seed, rate) for seed in seeds)
    assert set(result.failure_words) == kinds
    assert result.failures.task.tolist() == [int(bool(word)) for word in result.failure_words]


def test_a_later_failure_is_that_of_the_method():
    """A penalty so rigid that the second task is not learned; its loss stays ten times the untrained one."""
    x, y = blobs(n=240, distance=5.0)
    tasks = [Task(str(k), (x, labels), (x, labels)) for k, labels in enumerate((y, (y + 1) % 3))]
    rigid = method("l2", strength=15.0)
    result = train_sequence(tasks, [16], rigid, seeds=[1], learning_rate=0.1, epochs=10, progress=None)
    assert result.accuracy[0, 1, 0] > 0.9
    assert result.accuracy[0, 2, 1] < 0.5
    assert result.failure_words == ("",)


def test_the_task_of_a_failure():
    x, y = blobs(n=240)
    tasks = [Task(str(scale), (x * scale, y), (x * scale, y)) for scale in (1.0, 1e30, 1.0)]
    result = train_sequence(tasks, ModelSpec((8,), "maxout"), seeds=range(2), learning_rate=0.05, **QUICK)
    assert result.failure_words == ("diverged",) * 2
    assert result.failures.task.tolist() == [2, 2]


def test_members_with_other_settings_fail_by_themselves():
    still, good = train_settings(
        permuted(2, blobs(n=240)), [8], learning_rate=[0.0, 0.05], seeds=[0, 1], **QUICK
    )
    assert still.failure_words == ("never learned",) * 2
    assert good.failure_words == ("", "")


def test_a_training_that_goes_on_remembers_who_failed(tmp_path):
    options = {"seeds": range(3), "learning_rate": 0.3, "checkpoint": tmp_path / "state.pt", **QUICK}
    tasks, model = permuted(2, blobs(n=240)), ModelSpec((8,), "maxout")
    first = train_sequence(tasks, model, **options)
    again = train_sequence(tasks, model, **options)
    assert again.failure_words == first.failure_words == ("diverged",) * 3
    assert again.failures.task.tolist() == [1, 1, 1]
    file = FileCheckpoint(tmp_path / "state.pt")
    state = file.load()
    del state["schema"]
    file.save(state)
    with pytest.raises(ConfigError, match="another version of plnet"):
        train_sequence(tasks, model, **options)


# What they count as

GOOD = [[0.1, 0.1], [0.9, 0.2], [0.5, 0.8]]
BETTER = [[0.1, 0.1], [0.9, 0.3], [0.8, 0.8]]
STUCK = [[0.1, 0.1], [0.3, 0.3], [0.3, 0.3]]
LOST = [[0.1, 0.1], [np.nan] * 2, [np.nan] * 2]
ONE_CLASS = [[np.nan, np.nan], [0.25, 0.2], [0.25, 0.2]]


def made(*accuracy, **options):
    diverged = np.isnan(accuracy).any(axis=(1, 2))
    never = np.array([rows is STUCK for rows in accuracy])
    failures = Failures(never, np.where(diverged | never, 1, 0), [ONE_CLASS] * len(accuracy))
    return SequenceResult(
        accuracy, ["a", "b"], range(len(accuracy)), diverged=diverged, failures=failures, **options
    )


def test_metrics_count_failed_runs_and_show_them_left_out():
    found = made(GOOD, LOST, STUCK, BETTER).metrics()
    accuracy = found["average_accuracy"]
    # 0.65 and 0.8 of the two that learned; one class is right in 0.225.
    assert accuracy.values.tolist() == pytest.approx([0.65, 0.225, 0.225, 0.8])
    assert found.left_out["average_accuracy"].values.tolist() == pytest.approx([0.65, 0.8])
    # The baseline of forward transfer was measured: 0.2 - 0.1.
    assert found["forward_transfer_lopez_paz"].values.tolist() == pytest.approx([0.1, 0.1, 0.1, 0.2])
    assert found["backward_transfer_lopez_paz"].values.tolist() == pytest.approx([-0.4, 0, 0, -0.1])
    row = next(row for row in found.to_table() if row["metric"] == "average_accuracy")
    assert [row[key] for key in ("mean", "n", "mean_left_out", "n_left_out")] == pytest.approx(
        [0.475, 4, 0.725, 2]
    )
    assert [row[f"n_{key}"] for key in ("diverged", "never_learned", "unfinished")] == [1, 1, 0]
    assert [row["failed"] for row in found.values_table()] == ["", "diverged", "never learned", ""]
    assert "failures: 1 diverged, 1 never learned (counted as the most frequent class)" in str(found)
    assert "; left out: 0.7250" in str(found)
    assert "left out" not in str(made(GOOD, BETTER).metrics())


def test_nothing_is_told_of_a_result_that_failed_as_a_whole():
    lost = made(LOST, STUCK, settings={"learning_rate": 0.5, "momentum": 0.9, "max_norm": None})
    words = (
        r"All 2 replicates failed: 1 diverged, 1 never learned; 2 in task 1 of 2 \(a\). "
        r"Lower learning_rate \(now 0.5\), momentum \(now 0.9\), or limit the weights with max_norm=3."
    )
    with pytest.raises(IncompleteResultError, match=words):
        lost.metrics()


def test_comparisons_count_failed_runs_beside_those_left_out():
    plain = made(GOOD, GOOD, BETTER, GOOD)
    other = made(BETTER, LOST, STUCK, BETTER)
    (found,) = compare_results({"other": other, "plain": plain})
    assert found.difference.values.tolist() == pytest.approx([0.15, -0.425, -0.575, 0.15])
    assert found.left_out.difference.values.tolist() == pytest.approx([0.15, 0.15])
    assert (found.diverged, found.never_learned) == ((1, 0), (1, 0))
    row = found.to_row()
    assert (row["n"], row["n_left_out"]) == (4, 2)
    assert row["mean"] == pytest.approx(-0.175)
    assert row["mean_left_out"] == pytest.approx(0.15)
    assert (row["diverged_first"], row["never_learned_first"], row["diverged_second"]) == (1, 1, 0)
    assert "2 and 0 failed runs counted as the most frequent class; left out: 0.1500" in str(found)
    (forgets,) = compare_results({"other": other, "plain": plain}, "forgetting_chaudhry")
    assert "by forgetting_chaudhry the failed runs are better than the others" in forgets.note


def test_one_diverging_method_leaves_the_other_pairs_alone():
    results = {"a": made(GOOD, BETTER), "b": made(BETTER, GOOD), "lost": made(LOST, LOST)}
    alone = compare_results({name: results[name] for name in "ab"})[0]
    found = {(one.first, one.second): one for one in compare_results(results)}
    assert found["a", "b"].difference.values.tolist() == alone.difference.values.tolist()
    assert found["a", "b"].p_value == alone.p_value
    assert found["a", "lost"].difference.values.tolist() == pytest.approx([0.425, 0.575])
    assert found["a", "lost"].left_out.difference.n == 0
    assert "left out: no pair is left" in str(found["a", "lost"])
    # A result that does not know what a failed run counts as takes nothing from the others either.
    old = SequenceResult([LOST, LOST], ["a", "b"], [0, 1], diverged=[True, True])
    found = {(one.first, one.second): one for one in compare_results({**results, "lost": old})}
    assert found["a", "b"].p_value == alone.p_value
    assert found["a", "lost"].difference.n == 0
    assert "no pair is left" in found["a", "lost"].note
    assert "lost without failures" in found["a", "lost"].note
    assert "2 diverged ones are left out" in found["a", "lost"].note


def test_failures_are_kept_in_files_and_tables(tmp_path):
    result = made(GOOD, LOST, STUCK)
    again = SequenceResult.load(result.save(tmp_path / "result"))
    assert again.failure_words == result.failure_words == ("", "diverged", "never learned")
    for name in ("task", "test"):
        assert np.array_equal(getattr(again.failures, name), getattr(result.failures, name), equal_nan=True)
    assert again.failures.validation is None
    assert [row["never_learned"] for row in again.to_table()[::6]] == [False, False, True]
    assert "1 diverged, 1 never learned" in repr(again)
    assert again.through(1).failures.test.shape == (3, 2, 1)
    with pytest.raises(MetricError, match=r"failures.never_learned of shape \(1,\)"):
        SequenceResult([GOOD], ["a", "b"], [0], failures=result.failures)


def test_classes_that_are_new_are_not_known_to_a_failed_run():
    """In class-incremental tasks one class is right in a part of one task only: ACC 0.1 for five of two."""
    found = one_class_accuracy(split(5).draw(0), "test")
    assert np.diagonal(found[1:]).min() >= 0.4
    assert found[-1].mean() < 0.13
