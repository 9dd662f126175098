"""Mistakes that must not become numbers: unlike tasks compared, inputs that never change, damaged files."""

import numpy as np
import pytest

from plnet import forgetting
from plnet.errors import ConfigError, FileFormatError, MetricError, TaskError
from plnet.forgetting import compare_results, permuted, rotated, split, train_sequence

QUICK = {"seeds": range(2), "epochs": 1, "progress": None}


def small_data(n=60, d=5):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), np.arange(n) % 3


@pytest.mark.parametrize(("model", "method"), [([8], "ewc"), ([8], "replay"), ("gelu", "plain")])
def test_without_momentum(model, method):
    """A momentum too small to move a float64 gives the same numbers as none."""
    tasks = permuted(2, small_data())
    none, tiny = (
        train_sequence(tasks, model, method, momentum=momentum, **QUICK) for momentum in (0.0, 1e-300)
    )
    assert np.array_equal(none.accuracy, tiny.accuracy)


def test_an_input_that_never_changes_in_training_stays_small():
    x, y = small_data(200)
    # The mean of many 0.1 is not 0.1, and their deviation is not 0.
    x[:, 0] = 0.1
    x[5, 0] = 0.2
    for seed in range(12):
        (task,) = permuted(1, (x, y), scaling="standardise", identity_first=True).draw(seed)
        columns = np.concatenate([task.train.x[:, 0], task.test.x[:, 0]])
        assert np.abs(columns).max() < 15


def test_results_of_other_tasks_are_not_paired():
    one = train_sequence(permuted(2), [8], **QUICK)
    other = train_sequence(rotated([0, 90]), [8], "joint", **QUICK)
    with pytest.raises(MetricError, match=r"different tasks.*data of a and b differ"):
        compare_results({"a": one, "b": other}, "average_accuracy")
    with pytest.raises(MetricError, match="data of joint and the result differ"):
        one.metrics(joint=other)
    with pytest.raises(MetricError, match='method "joint"'):
        one.metrics(joint="joint")


def test_settings_tell_slopes_apart():
    found = [
        train_sequence(
            permuted(1), forgetting.ModelSpec((8,), "leaky_relu", slope=slope), seeds=[0], epochs=1
        ).settings["slope"]
        for slope in (0.01, 0.5)
    ]
    assert found == [0.01, 0.5]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: permuted(tasks=5), "permuted has no option 'tasks'. Did you mean n_tasks"),
        (lambda: rotated(angle=[0]), "Did you mean angles"),
        (lambda: split(n_task=3), "Did you mean n_tasks"),
    ],
)
def test_misspelt_options_of_tasks(make, words):
    with pytest.raises(TaskError, match=words):
        make()


def test_widths_with_inputs_and_outputs():
    with pytest.raises(ConfigError, match="hidden sizes only"):
        train_sequence(permuted(2), [64, 16, 10], **QUICK)


def test_damaged_bytes_of_a_checkpoint_are_seen(tmp_path):
    path = tmp_path / "state.pt"
    options = {**QUICK, "checkpoint": path}
    tasks = permuted(2, small_data())
    whole = train_sequence(tasks, [4], **options)
    content = path.read_bytes()
    for place in range(0, len(content), 101):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            again = train_sequence(tasks, [4], **options)
        except (FileFormatError, ConfigError):
            continue
        assert np.array_equal(again.accuracy, whole.accuracy)


def test_a_batch_larger_than_the_task():
    tasks = permuted(2, small_data())
    huge, enough = (train_sequence(tasks, [4], batch_size=size, **QUICK) for size in (10**9, 10**3))
    assert np.array_equal(huge.accuracy, enough.accuracy)
