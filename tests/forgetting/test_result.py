"""`SequenceResult`: what fits together, what is left out and said, tables, files, comparisons."""

import math

import numpy as np
import pytest

from plnet.errors import FileFormatError, IncompleteResultError, MetricError, OutputError
from plnet.forgetting import AccuracyCurves, SequenceResult, compare_results
from plnet.io import write_arrays

# Two tasks: rows before training, after a, after b.
GOOD = [[0.1, 0.1], [0.9, 0.2], [0.5, 0.8]]
OTHER = [[0.1, 0.2], [0.7, 0.1], [0.6, 0.7]]
LOST = [[0.1, 0.1], [0.8, 0.2], [np.nan, np.nan]]


def make(accuracy=(GOOD, OTHER), **options):
    options = {"task_names": ["a", "b"], "seeds": range(len(accuracy)), **options}
    return SequenceResult(accuracy, **options)


def test_what_it_knows():
    result = make(method="ewc", model="mlp", seconds=2, epochs=[[3, 4], [5, 6]])
    assert (result.n_replicates, result.n_tasks, result.n_tasks_trained) == (2, 2, 2)
    assert (result.seeds, result.task_names, result.n_diverged) == ((0, 1), ("a", "b"), 0)
    assert result.finished.all()
    assert repr(result) == "SequenceResult(ewc, mlp, 2 tasks, 2 replicates, 2 s)"


def test_it_cannot_be_changed():
    accuracy = np.array([GOOD, OTHER])
    result = make(accuracy, epochs=[[1, 1], [1, 1]], settings={"rate": 0.1})
    accuracy[:] = 0
    assert result.accuracy[0].tolist() == GOOD
    for array in (result.accuracy, result.diverged, result.epochs, result.finished):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(TypeError):
        result.settings["rate"] = 0.2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"accuracy": GOOD}, "with S replicates"),
        ({"task_names": ["a"]}, "Expected 2 task_names"),
        ({"task_names": "ab"}, "Expected 2 task_names"),
        ({"seeds": [0]}, "Expected 2 seeds"),
        ({"seeds": [3, 3]}, "one replicate counted twice"),
        ({"diverged": [True]}, r"diverged of shape \(2,\)"),
        ({"epochs": [[1, 2, 3]] * 2}, r"epochs of shape \(2, 2\)"),
        ({"validation": [GOOD]}, "like the accuracy"),
        ({"validation": [[[2.0] * 2] * 3] * 2}, "per cent"),
        ({"curves": AccuracyCurves([0], [0], np.zeros((1, 1, 2)))}, "curves of 2 replicates"),
    ],
)
def test_parts_that_do_not_fit(options, words):
    with pytest.raises(MetricError, match=words):
        make(**options)


def test_metrics_are_means_over_replicates_by_hand():
    found = make().metrics()
    assert found["average_accuracy"].values.tolist() == pytest.approx([0.65, 0.65])
    assert "equal" in found["average_accuracy"].note
    backward = found["backward_transfer_lopez_paz"]
    assert backward.values.tolist() == pytest.approx([-0.4, -0.1])
    # Two values 0.3 apart: standard error 0.15, and t(1) has the quantile 12.706.
    assert backward.high - backward.mean == pytest.approx(12.706 * 0.15, rel=1e-4)
    assert found["forward_transfer_lopez_paz"].values.tolist() == pytest.approx([0.1, -0.1])
    assert dict(found).keys() == set(found) == set(found.keys())
    assert len(found) == len(found.to_table())
    assert found.missing == {}


def test_metrics_that_do_not_exist_say_why():
    single = SequenceResult([[[0.1], [0.9]]], ["a"], [0]).metrics()
    assert single["average_accuracy"].mean == 0.9
    assert "backward_transfer_lopez_paz" not in single
    with pytest.raises(MetricError, match="does not exist for 1 task"):
        single["backward_transfer_lopez_paz"]
    with pytest.raises(MetricError, match="no metric 'forgetting'"):
        single["forgetting"]
    unmeasured = np.array([GOOD])
    unmeasured[0, 0] = np.nan
    found = make(unmeasured).metrics()
    assert set(found.missing) == {"forward_transfer_lopez_paz", "forward_transfer_gem_code"}


def test_a_diverged_replicate_is_left_out_and_counted():
    result = make([GOOD, LOST, OTHER], diverged=[False, True, False])
    assert result.finished.tolist() == [True, False, True]
    found = result.metrics()
    assert (found.n_diverged, found.n_unfinished, found.seeds) == (1, 0, (0, 2))
    assert found["average_accuracy"].n == 2
    assert "failures: 1 diverged (left out)" in str(found)
    assert not found.counted
    assert {row["n_diverged"] for row in found.to_table()} == {1}
    assert [row["seed"] for row in found.values_table()] == [0, 2]
    assert "1 diverged" in repr(result)
    # Also where its numbers look fine, and never by a hole alone.
    marked = make([GOOD, GOOD, OTHER], diverged=[False, True, False])
    assert marked.metrics()["average_accuracy"].n == 2


def test_a_partial_result():
    result = make([GOOD, LOST], complete=False)
    assert (result.n_tasks_trained, result.n_unfinished, result.n_diverged) == (1, 1, 0)
    found = result.metrics()
    assert (found["average_accuracy"].n, found.n_unfinished) == (1, 1)
    assert "not complete" in repr(result)
    nobody = make([LOST, LOST], complete=False)
    with pytest.raises(IncompleteResultError, match=r"result.through\(1\)"):
        nobody.metrics()
    first = nobody.through(1)
    assert first.complete
    assert first.task_names == ("a",)
    assert first.metrics()["average_accuracy"].mean == 0.8
    diverged = make([LOST, LOST], diverged=[True, True])
    with pytest.raises(IncompleteResultError, match=r"2 of 2 diverged, 0 stopped early\.$"):
        diverged.metrics()
    for wrong in (0, 3, True, 1.0):
        with pytest.raises(MetricError, match="from 1 to 2"):
            result.through(wrong)


def test_through_keeps_the_parts_together():
    curves = AccuracyCurves([0, 1, 2], [0, 1, 1], np.array([GOOD, OTHER]))
    result = make(validation=[OTHER, GOOD], epochs=[[3, 4], [5, 6]], curves=curves).through(1)
    assert result.accuracy.tolist() == [[[0.1], [0.9]], [[0.1], [0.7]]]
    assert result.validation.tolist() == [[[0.1], [0.7]], [[0.1], [0.9]]]
    assert result.epochs.tolist() == [[3], [5]]
    assert result.curves.task.tolist() == [0, 1]
    assert result.curves.accuracy.shape == (2, 2, 1)


def test_validation_accuracies_are_another_part():
    result = make(validation=[OTHER, GOOD])
    assert result.metrics(part="validation")["learning_accuracy"].values.tolist() == pytest.approx(
        [0.7, 0.85]
    )
    with pytest.raises(MetricError, match='"test" or "validation"'):
        result.metrics(part="train")
    with pytest.raises(MetricError, match="no validation accuracies"):
        make().metrics(part="validation")


def test_intransigence_is_paired_by_seed():
    joint = make([OTHER, GOOD, GOOD], method="joint", seeds=[7, 5, 6])
    result = make([GOOD, OTHER, LOST], seeds=[5, 7, 9], diverged=[False, False, True])
    found = result.metrics(joint=joint)["intransigence_chaudhry"]
    # Joint accuracies on task b: seed 5 has 0.8, seed 7 has 0.7; the sequence has the same.
    assert found.values.tolist() == pytest.approx([0.0, 0.0])
    swapped = make([GOOD, OTHER], seeds=[7, 5]).metrics(joint=joint)["intransigence_chaudhry"]
    assert swapped.values.tolist() == pytest.approx([-0.1, 0.1])
    with pytest.raises(MetricError, match=r"lacks the seeds \[8\]"):
        make([GOOD], seeds=[8]).metrics(joint=joint)
    with pytest.raises(MetricError, match="different lengths"):
        result.metrics(joint=joint.through(1))


def test_worst_case_from_curves():
    moments = AccuracyCurves(
        [0, 1, 2, 2, 2],
        [0, 1, 0.5, 0.75, 1],
        [[[0.1, 0.1], [0.2, 0.2], [0.3, 0.2], [np.nan, np.nan], [0.5, 0.8]]] * 2,
    )
    found = make(curves=moments).metrics()
    # Lowest on task a while b was trained: 0.3. The 0.2 is from before a was learned.
    assert found["min_acc"].values.tolist() == pytest.approx([0.3, 0.3])
    assert found["wc_acc"].values.tolist() == pytest.approx([0.5 * 0.8 + 0.5 * 0.3, 0.5 * 0.7 + 0.5 * 0.3])
    assert found["min_acc_at_task_ends"].values.tolist() == pytest.approx([0.5, 0.6])
    three = AccuracyCurves(moments.task, moments.epoch, moments.accuracy[[0, 0, 1]])
    left = make([GOOD, LOST, OTHER], diverged=[False, True, False], curves=three).metrics()
    assert left["min_acc"].n == left["wc_acc"].n == 2
    # The end of a task counts also where the curve stops before it.
    early = AccuracyCurves([0, 2], [0, 0.5], [[[0.1, 0.1], [0.7, 0.2]]] * 2)
    assert make(curves=early).metrics()["min_acc"].values.tolist() == pytest.approx([0.5, 0.6])


def test_curves_are_checked():
    for task, epoch, accuracy, words in (
        ([0, 1], [0], np.zeros((1, 2, 2)), r"Expected task \(P,\)"),
        ([0, 1], [0, 1], np.zeros((1, 3, 2)), "2 moments, got 3"),
        ([1, 0], [0, 0], np.zeros((1, 2, 2)), "order of time"),
        ([0, 3], [0, 0], np.zeros((1, 2, 2)), "tasks 0 to 2"),
        ([0], [0], np.full((1, 1, 2), 7), "per cent"),
    ):
        with pytest.raises(MetricError, match=words):
            AccuracyCurves(task, epoch, accuracy)


def test_table_has_one_row_for_each_accuracy():
    result = make([GOOD, LOST], diverged=[False, True], epochs=[[3, 4], [5, 0]], settings={"rate": 0.1})
    rows = result.to_table()
    assert len(rows) == 2 * 3 * 2
    row = next(r for r in rows if (r["seed"], r["after"], r["task"]) == (0, 2, 1))
    assert row == {
        "rate": 0.1,
        "method": "plain",
        "model": "",
        "seed": 0,
        "diverged": False,
        "never_learned": None,
        "after": 2,
        "task": 1,
        "task_name": "a",
        "accuracy": 0.5,
        "epochs": 4,
    }
    assert [r["accuracy"] for r in rows if r["seed"] == 1 and r["after"] == 2] == [None, None]
    assert {r["epochs"] for r in rows if r["after"] == 0} == {0}
    with pytest.raises(MetricError, match="named like columns of the table: seed"):
        make(settings={"seed": 1}).to_table()


# Files


def test_file_holds_everything(tmp_path):
    curves = AccuracyCurves([0, 2], [0, 0.5], np.full((2, 2, 2), 0.25))
    result = make(
        [GOOD, LOST],
        method="ewc",
        model="mlp 2-2",
        settings={"strength": np.float64(10.0), "widths": (3, 4), "note": None},
        seeds=[2**70, 1],
        diverged=[False, True],
        epochs=[[3, 4], [5, 0]],
        validation=[OTHER, LOST],
        curves=curves,
        seconds=1.5,
        complete=False,
    )
    again = SequenceResult.load(result.save(tmp_path / "result"))
    for name in ("accuracy", "diverged", "epochs", "validation"):
        assert np.array_equal(getattr(again, name), getattr(result, name), equal_nan=name != "diverged")
    for name in ("task_names", "seeds", "method", "model", "seconds", "complete"):
        assert getattr(again, name) == getattr(result, name)
    assert dict(again.settings) == {"strength": 10.0, "widths": [3, 4], "note": None}
    for name in ("task", "epoch", "accuracy"):
        assert np.array_equal(getattr(again.curves, name), getattr(curves, name))
    bare = SequenceResult.load(make().save(tmp_path / "bare"))
    assert bare.epochs is bare.validation is bare.curves is None


def test_files_that_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match="No file"):
        SequenceResult.load(tmp_path / "none.npz")
    header = {"format": "plnet.SequenceResult", "schema": 99}
    write_arrays(tmp_path / "new", header, {})
    with pytest.raises(FileFormatError, match="schema 99"):
        SequenceResult.load(tmp_path / "new")
    write_arrays(tmp_path / "damaged", {**header, "schema": 1}, {})
    with pytest.raises(FileFormatError, match="damaged"):
        SequenceResult.load(tmp_path / "damaged")
    with pytest.raises(MetricError, match="Settings must be"):
        make(settings={"f": math.sin}).save(tmp_path / "f")
    with pytest.raises(OutputError):
        make().save(tmp_path / "missing" / "folder")


# Comparisons


def test_comparison_is_paired_by_seed_not_by_place():
    plain = make([GOOD, OTHER], seeds=[1, 2])
    same = make([OTHER, GOOD], seeds=[2, 1], method="ewc")
    (contrast,) = compare_results({"ewc": same, "plain": plain}, "backward_transfer_lopez_paz")
    assert contrast.p_value == 1
    assert contrast.difference.values.tolist() == pytest.approx([0, 0])


def test_comparison_keeps_the_seeds_that_all_finished():
    plain = make([GOOD, OTHER, GOOD, OTHER], seeds=[1, 2, 3, 4])
    other = make([OTHER, LOST, OTHER], seeds=[3, 2, 1], diverged=[False, True, False])
    found = compare_results({"plain": plain, "other": other}, "learning_accuracy", reference="plain")
    assert [(c.first, c.second, c.difference.n) for c in found] == [("other", "plain", 2)]


def test_comparisons_that_are_refused():
    plain, apart = make(), make(seeds=[8, 9])
    for results, metric, words in (
        ({"a": plain, "b": apart}, "average_accuracy", "No seed finished in all of a, b"),
        ({"a": plain, "b": plain}, "forgetting", "forgetting of a is not known: there is no such metric"),
        ({"a": plain, "b": plain.through(1)}, "average_accuracy", "different lengths"),
        ({}, "average_accuracy", "at least one"),
    ):
        with pytest.raises(MetricError, match=words):
            compare_results(results, metric)
