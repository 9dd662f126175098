"""Five permuted-digit tasks: a plain torch loop, Avalanche, and the cost of a replicate."""

import statistics
import sys
from pathlib import Path

import numpy as np
import pytest

from plnet.forgetting.data.samples import Samples
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.tasks.batches import stack_tasks
from plnet.forgetting.tasks.task import Task
from plnet.forgetting.training.evaluation import evaluate
from plnet.forgetting.training.members import make_members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.trainer import train_task

datasets = pytest.importorskip("sklearn.datasets")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

TASKS = 5


@pytest.fixture(scope="module")
def digits():
    pixels, labels = datasets.load_digits(return_X_y=True)
    return (pixels / 16).astype(np.float32), labels.astype(np.int64)


@pytest.fixture
def benchmark(monkeypatch):
    """Import the benchmark, which holds the plain loop."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    for name in ("common", "forgetting_trainer"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import forgetting_trainer

    yield forgetting_trainer
    for name in ("common", "forgetting_trainer"):
        sys.modules.pop(name, None)


def draw(digits, permutations_seed, split_seed):
    pixels, labels = digits
    columns = np.random.default_rng([0, permutations_seed])
    rows = np.random.default_rng([1, split_seed]).permutation(len(labels))
    tasks = []
    for number in range(TASKS):
        order = columns.permutation(64)
        parts = [Samples(pixels, labels[part], part, order) for part in (rows[:1437], rows[1437:])]
        tasks.append(Task(f"permutation {number}", *parts))
    return tasks


def accuracies(drawn, seeds):
    """Return R[s, i, j], the accuracy on task j after task i."""
    members = make_members(ModelSpec((100, 100)).resolve(64, 10), seeds)

    def source(number):
        return lambda rows: stack_tasks([drawn[row][number] for row in rows], n_classes=10)

    found = np.zeros((len(seeds), TASKS, TASKS))
    for i in range(TASKS):
        train_task(members, source(i), TrainingOptions(10, 64))
        for j in range(TASKS):
            found[:, i, j] = evaluate(members, source(j))
    return found


def final_and_backward(table):
    """Return ACC and BWT (Lopez-Paz and Ranzato 2017) of each replicate."""
    learned = np.diagonal(table, axis1=1, axis2=2)[:, :-1]
    return table[:, -1].mean(axis=1), (table[:, -1, :-1] - learned).mean(axis=1)


def test_same_accuracy_as_a_plain_loop(digits, benchmark):
    # The same tasks, but other initial weights and orders: torch draws those of the loop.
    tasks = draw(digits, 0, 0)
    ours = accuracies([tasks] * 32, range(32))[:, -1].mean(axis=1)
    loop = np.array([benchmark.loop(tasks, ModelSpec((100, 100)), seed) for seed in range(6)])
    error = np.hypot(ours.std(ddof=1) / 32**0.5, loop.std(ddof=1) / 6**0.5)
    assert abs(ours.mean() - loop.mean()) <= 2 * error


def test_agreement_with_avalanche(digits):
    # Avalanche 0.6.0 gave ACC 0.318 (0.023), BWT -0.799 (0.030): 5 seeds on one set of permutations that is
    # not known. Such sets differ more than seeds do, so their standard deviation is part of the error.
    sets, seeds = 16, 4
    drawn = [draw(digits, number, seed) for number in range(sets) for seed in range(seeds)]
    table = accuracies(drawn, range(sets * seeds))
    for values, theirs, deviation in zip(
        final_and_backward(table), (0.318, -0.799), (0.023, 0.030), strict=True
    ):
        by_set = values.reshape(sets, seeds)
        within = by_set.var(axis=1, ddof=1).mean()
        between = max(by_set.mean(axis=1).var(ddof=1) - within / seeds, 0.0)
        error = (by_set.mean(axis=1).var(ddof=1) / sets + deviation**2 / 5 + between) ** 0.5
        assert abs(values.mean() - theirs) <= 2 * error
        assert error < 0.05, "the test could not fail"


def test_cost_of_a_replicate(digits, benchmark):
    drawn = [draw(digits, number, number) for number in range(8)]
    for name in ("relu", "maxout-2", "relu dropout"):
        spec = benchmark.MODELS[name]
        benchmark.ours(drawn[:1], spec, "fused")
        rows = [benchmark.round_of(drawn, spec, ("fused",), number) for number in range(3)]
        assert statistics.median(row["loop"] / row["fused"] for row in rows) >= 3.5
