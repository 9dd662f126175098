"""`train_sequence`: the numbers of a plain loop, the same after a stop, and partial results."""

import numpy as np
import pytest
import torch
from torch import nn

import plnet.forgetting as forgetting
from plnet.errors import ConfigError, FileFormatError, MetricError, TaskError
from plnet.forgetting import ModelSpec, Task, train_sequence, train_settings
from plnet.forgetting.models.modules import initial_parameters, to_module
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.task import TaskSequence
from plnet.forgetting.training.checkpoint import FileCheckpoint

TASKS = forgetting.plane(3, "halves", n_train=40, n_test=50, n_validation=30)
QUICK = {"seeds": range(4), "epochs": 3, "batch_size": 16, "progress": False, "engine": "batched"}


def quick(tasks=TASKS, model=(8,), method="plain", **options):
    return train_sequence(
        tasks, list(model) if isinstance(model, tuple) else model, method, **{**QUICK, **options}
    )


def same(first, second):
    np.testing.assert_array_equal(first.accuracy, second.accuracy)
    np.testing.assert_array_equal(first.epochs, second.epochs)
    np.testing.assert_array_equal(first.diverged, second.diverged)
    if first.validation is not None:
        np.testing.assert_array_equal(first.validation, second.validation)


class Killed(Exception):
    """The process ends here."""


# The numbers


def plain_loop(tasks, seed, architecture, epochs, batch_size, rate, momentum):
    """Return the accuracies of one replicate, from autograd and torch's own optimiser."""
    net = to_module(architecture, initial_parameters(architecture, [seed], torch.float64)[0])
    optimiser = torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum)
    found = []

    def test():
        with torch.no_grad():
            row = [(net(torch.tensor(task.test.x)).argmax(1).numpy() == task.test.y).mean() for task in tasks]
        found.append(row)

    test()
    for number, task in enumerate(tasks):
        x, y = torch.tensor(task.train.x), torch.tensor(task.train.y)
        orders = generator(seed, "order", number)
        for _ in range(epochs):
            order = torch.tensor(orders.permutation(len(y)))
            for start in range(0, len(y), batch_size):
                rows = order[start : start + batch_size]
                optimiser.zero_grad()
                nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
                optimiser.step()
        test()
    return np.array(found)


@pytest.mark.parametrize("engine", ["batched", "fused"])
def test_numbers_are_those_of_a_plain_loop(engine):
    sequence = TASKS
    result = quick(sequence, (8, 6), dtype=torch.float64, learning_rate=0.1, engine=engine)
    architecture = ModelSpec((8, 6)).resolve(2, 2)
    for row, seed in zip(result.accuracy, result.seeds, strict=True):
        expected = plain_loop(sequence.draw(seed), seed, architecture, 3, 16, 0.1, 0.9)
        np.testing.assert_allclose(row, expected, atol=1e-12)
    assert result.accuracy[:, -1, -1].mean() > 0.8


def test_replicates_do_not_depend_on_their_company():
    whole = quick(dtype=torch.float64)
    alone = quick(dtype=torch.float64, seeds=[2])
    chunks = quick(dtype=torch.float64, chunk=3)
    np.testing.assert_array_equal(whole.accuracy[2:3], alone.accuracy)
    same(whole, chunks)
    assert len({row.tobytes() for row in whole.accuracy}) == 4, "replicates differ"


def test_same_seeds_meet_the_same_data_whatever_is_trained():
    """Before training, equal networks on equal tests: only the seed decides."""
    first, second = quick(learning_rate=0.01), quick(learning_rate=0.2, epochs=1)
    np.testing.assert_array_equal(first.accuracy[:, 0], second.accuracy[:, 0])
    assert (first.accuracy[:, 1:] != second.accuracy[:, 1:]).any()


def test_settings_in_one_program_are_those_of_single_runs():
    slow, fast = train_settings(TASKS, [8], learning_rate=[0.01, 0.2], dtype=torch.float64, **QUICK)
    same(slow, quick(learning_rate=0.01, dtype=torch.float64))
    same(fast, quick(learning_rate=0.2, dtype=torch.float64))
    assert (slow.settings["learning_rate"], fast.settings["learning_rate"]) == (0.01, 0.2)


def test_what_a_result_says():
    result = quick(model=ModelSpec((8,), "maxout", pieces=3, matching="outputs"), dropout=True)
    assert result.task_names == ("0°", "60°", "120°")
    assert result.seeds == (0, 1, 2, 3)
    assert result.method == "plain"
    assert result.model == "maxout (3 pieces) 2-8-2, dropout 0.2 and 0.5, norm at most 1"
    assert result.settings["match"].startswith("outputs matched")
    assert result.settings["epochs_per_task"] == 3
    assert result.complete
    assert result.seconds > 0
    assert result.epochs.tolist() == [[3, 3, 3]] * 4
    assert result.validation.shape == result.accuracy.shape == (4, 4, 3)
    assert not np.isnan(result.accuracy).any()


@pytest.mark.parametrize("scenario", ["class", "task", "domain"])
def test_no_forward_transfer_to_classes_that_no_network_can_name(scenario):
    result = quick(forgetting.split(5, scenario=scenario), epochs=1, seeds=[0, 1], engine="auto")
    found = result.metrics()
    names = {name for name in [*found.keys(), *found.missing] if name.startswith("forward_transfer")}
    assert len(names) == 4
    if scenario == "class":
        assert names <= set(found.missing)
        assert "cannot name a new class" in found.missing["forward_transfer_lopez_paz"]
        with pytest.raises(MetricError, match="cannot name a new class"):
            found["forward_transfer_lopez_paz"]
    else:
        assert names <= set(found.keys())


def test_a_list_of_tasks():
    tasks = TASKS.draw(0)
    result = quick(tasks)
    assert result.task_names == tuple(task.name for task in tasks)
    np.testing.assert_array_equal(result.accuracy[0], quick(seeds=[0]).accuracy[0])


def test_heads_of_their_own_keep_what_they_know():
    tasks = forgetting.plane(2, "halves", angles=[0, 180], n_train=200)
    single = quick(tasks, ModelSpec((16,)), learning_rate=0.1, epochs=5)
    multi = quick(tasks, ModelSpec((16,), heads="multi"), learning_rate=0.1, epochs=5)
    # The second task has all labels exchanged, so one head must forget the first.
    assert single.accuracy[:, -1, 0].max() < 0.2
    assert multi.accuracy[:, -1, 0].min() > 0.8
    assert multi.accuracy[:, -1, 1].min() > 0.8


def test_curves_pass_through_the_matrix():
    result = quick(curves=1)
    moments = list(zip(result.curves.task.tolist(), result.curves.epoch.tolist(), strict=True))
    assert moments == [(0, 0.0), *((task, float(epoch)) for task in (1, 2, 3) for epoch in (1, 2, 3))]
    np.testing.assert_array_equal(result.curves.accuracy[:, ::3], result.accuracy)
    every_other = quick(curves=2)
    assert every_other.curves.epoch.tolist() == [0, 2, 2, 2]
    same(result, every_other)


# Early stopping


@pytest.mark.parametrize("monitor", ["task", "seen"])
def test_patience_goes_back_to_the_best_epoch(monitor):
    result = quick(epochs=12, patience=2, monitor=monitor, curves=1, learning_rate=0.3)
    assert result.epochs.min() < 12
    assert result.epochs.max() <= 12
    # A whole run tells which epoch of the first task was best on validation data.
    seeds = list(result.seeds)
    for s in range(len(seeds)):
        history = [
            quick(epochs=e, seeds=[seeds[s]], learning_rate=0.3).validation[0, 1, 0]
            for e in range(1, int(result.epochs[s, 0]) + 1)
        ]
        assert result.validation[s, 1, 0] == max(history)
        assert result.epochs[s, 0] in (history.index(max(history)) + 3, 12)


def test_patience_needs_validation_samples():
    with pytest.raises(TaskError, match=r"validation samples.*validation_fraction=0\.1"):
        quick(forgetting.plane(2), patience=2)


# Runs that go wrong


def test_a_replicate_that_diverges_is_marked_and_the_rest_goes_on():
    wild = TaskSequence("wild", _wild, ("a", "b"), 2, 2)
    result = quick(wild, seeds=[0, 1, 2], learning_rate=0.05)
    assert result.diverged.tolist() == [False, True, False]
    assert np.isnan(result.accuracy[1, 2]).all()
    assert not np.isnan(result.accuracy[1, :2]).any(), "what was before is kept"
    calm = quick(wild, seeds=[0, 2], learning_rate=0.05)
    np.testing.assert_array_equal(result.accuracy[[0, 2]], calm.accuracy)
    metrics = result.metrics()
    assert metrics.n_diverged == 1
    assert metrics.failure_words == ("", "diverged", "")
    assert metrics.left_out["average_accuracy"].n == 2


def _wild(seed):
    """Return tasks of which the second blows up for seed 1."""
    first, second, _ = TASKS.draw(seed)
    factor = 1e30 if seed == 1 else 1.0
    changed = Task("b", (second.train.x * factor, second.train.y), tuple(second.test))
    return Task("a", tuple(first.train), tuple(first.test)), changed


def test_settings_that_diverge_leave_the_others_alone():
    good, bad = train_settings(TASKS, [8], learning_rate=[0.05, 1e30], **QUICK)
    assert bad.diverged.all()
    assert not good.diverged.any()
    same(good, quick(learning_rate=0.05))
    with pytest.raises(
        Exception, match=r"All 4 replicates failed: 4 diverged; 4 in task 1 of 3 .* Lower learning_rate"
    ):
        bad.metrics()


# Stopping and going on


class InMemory:
    """A checkpoint that is killed behind some saves."""

    def __init__(self, saves):
        self.saves, self.state = saves, None

    def load(self):
        return self.state

    def save(self, state):
        self.state = state
        self.saves -= 1
        if self.saves == 0:
            raise Killed


@pytest.mark.parametrize(
    "options",
    [{}, {"curves": 1, "patience": 2, "dropout": (0.2, 0.5)}, {"engine": "fused", "dropout": True}],
    ids=["plain", "all", "fused"],
)
@pytest.mark.parametrize("after", [1, 2, 3])
def test_killed_training_goes_on_to_the_same_numbers(after, options):
    whole = quick(**options)
    checkpoint = InMemory(after)
    with pytest.raises(Killed):
        quick(checkpoint=checkpoint, **options)
    seen = []
    resumed = quick(
        checkpoint=checkpoint, **{**options, "progress": lambda done, total: seen.append((done, total))}
    )
    same(whole, resumed)
    assert seen[0] == (after * 3 * 4, 3 * 3 * 4), "tasks that are done are not trained again"
    if whole.curves is not None:
        np.testing.assert_array_equal(whole.curves.accuracy, resumed.curves.accuracy)


def test_checkpoint_in_a_file(tmp_path):
    path = tmp_path / "state.pt"
    first = quick(checkpoint=path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.pt"]
    again = quick(checkpoint=str(path))
    same(first, again)
    with pytest.raises(ConfigError, match=r"another training: rates differs"):
        quick(checkpoint=path, momentum=0.5)
    with pytest.raises(ConfigError, match=r"another training: model, rates differ"):
        quick(checkpoint=path, learning_rate=0.01)
    with pytest.raises(ConfigError, match=r"another training: seeds differs"):
        quick(checkpoint=path, seeds=range(5))
    other = TaskSequence(TASKS.name, lambda seed: TASKS.draw(seed + 9), TASKS.task_names, 2, 2)
    with pytest.raises(ConfigError, match=r"another training: data differs"):
        quick(other, checkpoint=path)
    path.write_bytes(b"nothing")
    with pytest.raises(FileFormatError, match=r"Remove it"):
        quick(checkpoint=path)
    assert FileCheckpoint(tmp_path / "none.pt").load() is None


@pytest.mark.parametrize("epoch", [1, 4, 8])
def test_ctrl_c_keeps_what_is_known(epoch):
    calls = []

    def interrupt(done, total):
        calls.append(done)
        if len(calls) == epoch + 1:  # The first call tells what was done before.
            raise KeyboardInterrupt

    whole, result = quick(), quick(progress=interrupt)
    known = (epoch - 1) // 3
    assert not result.complete
    np.testing.assert_array_equal(result.accuracy[:, : known + 1], whole.accuracy[:, : known + 1])
    assert np.isnan(result.accuracy[:, known + 1 :]).all()
    assert result.n_tasks_trained == known
    if known:
        assert result.through(known).metrics()["average_accuracy"].n == 4


def test_budget_keeps_what_is_known():
    result = quick(epochs=100_000, max_seconds=0.3)
    assert not result.complete
    assert result.seconds < 5
    assert not np.isnan(result.accuracy[:, 0]).any()


# Methods


@pytest.mark.parametrize("method", ["joint", "ewc", "replay"])
def test_methods_forget_less_and_go_on_after_a_kill(method):
    options = {"epochs": 8, "learning_rate": 0.1, "seeds": range(6), "model": (16,)}
    plain, result = quick(**options), quick(method=method, **options)
    np.testing.assert_array_equal(plain.accuracy[:, 0], result.accuracy[:, 0])
    assert result.method == method
    if method != "ewc":
        assert result.accuracy[:, -1, 0].mean() > plain.accuracy[:, -1, 0].mean() + 0.05
    checkpoint = InMemory(2)
    with pytest.raises(Killed):
        quick(method=method, checkpoint=checkpoint, **options)
    same(result, quick(method=method, checkpoint=checkpoint, **options))


# What cannot be


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seeds": []}, ConfigError, "at least one seed"),
        ({"seeds": [1, 1]}, ConfigError, "1 more than once"),
        ({"seeds": 4}, ConfigError, r"range\(4\)"),
        ({"model": "rellu"}, ConfigError, "Did you mean 'relu'"),
        ({"model": nn.Linear(2, 2)}, ConfigError, "got Linear"),
        ({"method": "ewcc"}, ConfigError, "Did you mean 'ewc'"),
        ({"method": 3}, ConfigError, "got 3"),
        ({"epochs": 0}, ConfigError, "epochs"),
        ({"batch_size": 0}, ConfigError, "batch_size"),
        ({"learning_rate": -1.0}, ConfigError, "learning_rate"),
        ({"momentum": 1.0}, ConfigError, "momentum"),
        ({"dropout": 0.5}, ConfigError, "dropout"),
        ({"dropout": (0.2, 1.5)}, ConfigError, "hidden_dropout"),
        ({"curves": 0}, ConfigError, "curves"),
        ({"monitor": "all"}, ConfigError, "monitor"),
        ({"max_seconds": 0}, ConfigError, "max_seconds"),
        ({"progress": "yes"}, ConfigError, "progress"),
        ({"dtype": torch.float16}, ConfigError, "float32"),
        ({"device": "tpu9"}, ConfigError, "device"),
        ({"tasks": []}, TaskError, "at least one task"),
        ({"tasks": ["a"]}, TaskError, "got str"),
        ({"tasks": "digits"}, TaskError, "list of tasks"),
    ],
)
def test_impossible_options(options, error, message):
    with pytest.raises(error, match=message):
        quick(**options)


def test_tasks_of_different_size_are_refused():
    tasks = [TASKS.draw(0)[0], forgetting.project(TASKS.draw(0)[1], 3)]
    with pytest.raises(TaskError, match="different numbers of inputs"):
        quick(tasks)
    ragged = TaskSequence("ragged", lambda seed: [_first(20 + seed)], ("a",), 2, 2)
    with pytest.raises(TaskError, match="between 20 and 23 train samples"):
        quick(ragged)
    liar = TaskSequence("liar", lambda seed: TASKS.draw(seed)[:1], ("a", "b"), 2, 2)
    with pytest.raises(TaskError, match="announces 2 tasks, but seed 0 gave 1"):
        quick(liar)
    outside = TaskSequence("outside", lambda seed: TASKS.draw(seed)[:1], ("a",), 2, 1)
    with pytest.raises(TaskError, match="label 1, but the network has 1 outputs"):
        quick(outside)


def _first(n):
    task = TASKS.draw(0)[0]
    return Task("a", (task.train.x[:n], task.train.y[:n]), tuple(task.test))
