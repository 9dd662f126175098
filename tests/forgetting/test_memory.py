"""The memory of samples, and methods that train the heads of earlier tasks."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from forgetting_loops import source_of
from scipy import stats
from torch.nn import functional

from plnet.forgetting.methods import ERACE, method
from plnet.forgetting.methods.reservoir import reservoir_slots
from plnet.forgetting.models.modules import read_module, to_module
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.task import Task
from plnet.forgetting.training.members import make_members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.trainer import train_task


class Fixed:
    """Gives chosen numbers in the place of random ones."""

    def __init__(self, numbers):
        self.numbers = numbers

    def integers(self, low, high):
        assert all(low <= n < h for n, h in zip(self.numbers, high, strict=True))
        return np.array(self.numbers)


def test_reservoir_by_hand():
    # Slots of two: samples 0 and 1 fill it. Sample 2 draws 1, 3 draws 3 (rejected), 4 draws 1, 5 draws 0.
    assert reservoir_slots(0, 6, 2, Fixed([0, 0, 1, 3, 1, 0])).tolist() == [5, 4]
    # Two more, numbers 6 and 7: the first draws slot 1, the other is rejected.
    assert reservoir_slots(6, 2, 2, Fixed([1, 7])).tolist() == [-1, 0]
    # A reservoir that is not full is filled in order, whatever is drawn.
    assert reservoir_slots(1, 2, 4, Fixed([0, 0])).tolist() == [-1, 0, 1, -1]


def test_reservoir_is_uniform():
    # 3 slots, 12 samples in three calls: each sample stays with probability 1/4, each pair alike.
    rng = np.random.default_rng(0)
    counts, runs = np.zeros(12), 4000
    pairs = np.zeros((12, 12))
    for _ in range(runs):
        content = np.full(3, -1)
        for seen, new in ((0, 2), (2, 5), (7, 5)):
            slots = reservoir_slots(seen, new, 3, rng)
            content = np.where(slots >= 0, slots + seen, content)
        counts[content] += 1
        pairs[np.ix_(content, content)] += 1
    assert counts.sum() == 3 * runs
    assert stats.chisquare(counts).pvalue > 1e-3
    above = pairs[np.triu_indices(12, 1)]
    assert stats.chisquare(above).pvalue > 1e-3


def numbered(task, n=40):
    """A task whose inputs say which task and sample they are."""
    x = np.stack([np.full(n, float(task)), np.arange(n, dtype=float)], axis=1)
    return Task(f"task {task}", (x, np.arange(n) % 3), (x, np.arange(n) % 3), classes=range(3))


def train(chosen, tasks, seeds, heads=None, **options):
    inputs, outputs = tasks[0].n_inputs, heads or 3
    members = make_members(
        ModelSpec((5,)).resolve(inputs, outputs), seeds, chosen, learning_rate=0.02, dtype=torch.float64
    )
    for task in tasks:
        source = source_of([task] * len(members), n_classes=outputs)
        train_task(members, source, TrainingOptions(2, 8, engine="batched", **options))
    return members


@pytest.mark.parametrize("name", ["replay", "agem", "er_ace"])
def test_memory_holds_samples_of_all_tasks_with_their_labels(name):
    members = train(method(name, capacity=30), [numbered(t) for t in range(3)], seeds=range(20))
    x, y = members.state["memory_x"].numpy(), members.state["memory_y"].numpy()
    assert (y == x[:, :, 1] % 3).all(), "a label went astray"
    for contents in x:
        assert len(np.unique(contents, axis=0)) == 30, "a sample is there twice"
    # 600 slots: 200 of each task, standard deviation 10.4 (hypergeometric over members).
    counts = [(x[:, :, 0] == task).sum() for task in range(3)]
    assert sum(counts) == 600
    assert max(abs(count - 200) for count in counts) < 45
    assert any((x[0] != contents).any() for contents in x[1:]), "all members remember the same"


class Watched(ERACE):
    """Notes how much a member has met before each minibatch, and the tasks that it remembers."""

    notes: ClassVar[list] = []

    def extend_batch(self, context, batch):
        filled = min(int(context.state["memory_seen"][0]), self.capacity)
        tasks = context.state["memory_x"][0, :filled, 0].tolist()
        self.notes.append((context.task, batch.epoch, int(context.state["memory_seen"][0]), tasks))
        return super().extend_batch(context, batch)


def test_er_ace_remembers_a_task_while_it_is_learned_and_each_sample_once():
    Watched.notes.clear()
    train(Watched(capacity=30), [numbered(t) for t in range(3)], seeds=[0])
    # Five minibatches of 8 samples an epoch, two epochs a task: offered behind each step of the first one.
    met = [seen for _, _, seen, _ in Watched.notes]
    assert met == [first + m for first in (0, 40, 80) for m in (0, 8, 16, 24, 32, 40, 40, 40, 40, 40)]
    for task, epoch, _, remembered in Watched.notes:
        assert epoch == 0 or task in remembered


def test_memory_is_a_function_of_the_seed():
    tasks = [numbered(t) for t in range(2)]
    first = train(method("replay", capacity=10), tasks, seeds=[4, 9])
    again = train(method("replay", capacity=10, strength=3.0), tasks, seeds=[9])
    assert torch.equal(first.state["memory_x"][1], again.state["memory_x"][0])


# Heads of their own


def headed(task, n=24):
    """Outputs 2 t and 2 t + 1 are the head of task t."""
    rng = np.random.default_rng(task)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 3)) + y[:, None]
    return Task(f"head {task}", (x, y + 2 * task), (x, y + 2 * task), masked=True)


def head_loss(logits, y):
    """Mean cross-entropy in which each label competes with the other one of its head."""
    allowed = torch.arange(logits.shape[1]) // 2 == (y // 2)[:, None]
    return functional.cross_entropy(torch.where(allowed, logits, -torch.inf), y)


class HeadLoop:
    """One model by autograd; parameters of heads of later tasks have no gradient and no momentum."""

    def __init__(self, seed, tasks):
        self.architecture = ModelSpec((5,)).resolve(3, 4)
        row = make_members(self.architecture, [seed], dtype=torch.float64).parameters[0]
        self.module, self.seed = to_module(self.architecture, row), seed
        self.optimiser = torch.optim.SGD(self.module.parameters(), lr=0.02, momentum=0.9)
        for number, task in enumerate(tasks):
            self.train(number, task)

    def train(self, number, task):
        x, y = self.samples(number, task)
        orders, self.draws = (generator(self.seed, purpose, number) for purpose in ("order", "memory"))
        for _ in range(2):
            for rows in torch.from_numpy(orders.permutation(len(y))).split(8):
                self.optimiser.zero_grad()
                self.loss(x[rows], y[rows]).backward()
                self.optimiser.step()
        self.end(number, x, y)

    def samples(self, number, task):
        return torch.from_numpy(task.train.x), torch.from_numpy(np.array(task.train.y))

    def end(self, number, x, y):
        pass


class ReplayHeads(HeadLoop):
    memory = None

    def loss(self, x, y):
        new = head_loss(self.module(x), y)
        if self.memory is None:
            return new
        rows = self.draws.integers(0, 6, 5)
        return (new + head_loss(self.module(self.memory[0][rows]), self.memory[1][rows])) / 2

    def end(self, number, x, y):
        if number == 0:
            slots = reservoir_slots(0, len(y), 6, generator(self.seed, "reservoir", 0))
            self.memory = x[slots], y[slots]


class JointHeads(HeadLoop):
    def samples(self, number, task):
        parts = [super(JointHeads, self).samples(t, headed(t)) for t in range(number + 1)]
        return torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])

    def loss(self, x, y):
        return head_loss(self.module(x), y)


class LwFHeads(HeadLoop):
    teacher = None

    def loss(self, x, y):
        logits = self.module(x)
        new = head_loss(logits, y)
        if self.teacher is None:
            return new
        with torch.no_grad():
            old = torch.softmax(self.teacher(x)[:, :2] / 2, dim=1)
        return new + 4 * functional.kl_div(
            torch.log_softmax(logits[:, :2] / 2, dim=1), old, reduction="batchmean"
        )

    def end(self, number, x, y):
        self.teacher = to_module(self.architecture, read_module(self.architecture, self.module).clone())


HEADS = [
    ("replay", {"capacity": 6, "memory_batch": 5, "strength": 1.0}, ReplayHeads),
    ("joint", {}, JointHeads),
    ("lwf", {"strength": 1.0, "temperature": 2.0}, LwFHeads),
]


@pytest.mark.parametrize(("name", "settings", "kind"), HEADS, ids=[name for name, *_ in HEADS])
def test_heads_of_earlier_tasks_are_trained_too(name, settings, kind):
    tasks = [headed(0), headed(1)]
    members = train(method(name, **settings), tasks, seeds=[2, 3], heads=4)
    loop = kind(3, tasks)
    assert (members.parameters[1] - read_module(loop.architecture, loop.module)).abs().max() < 1e-12
    # The rows of the last layer: 5 weights each, then the 4 biases.
    before = train(method(name, **settings), tasks[:1], seeds=[2, 3], heads=4)
    old_head = slice(-24, -14)
    assert (members.parameters[:, old_head] - before.parameters[:, old_head]).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["agem", "er_ace"])
def test_other_methods_train_earlier_heads(name):
    tasks = [headed(0), headed(1)]
    members = train(method(name, capacity=6, memory_batch=5), tasks, seeds=range(6), heads=4)
    before = train(method(name, capacity=6, memory_batch=5), tasks[:1], seeds=range(6), heads=4)
    old_head = slice(-24, -14)
    assert (members.parameters[:, old_head] - before.parameters[:, old_head]).abs().max() > 1e-4


OFF = [
    ("lwf", {"strength": 0.0}),
    ("replay", {"capacity": 0}),
    ("er_ace", {"capacity": 0}),
    ("agem", {"capacity": 0}),
    ("agem", {"strength": 0.0}),
    ("ewc", {"strength": 0.0}),
    ("si", {"strength": 0.0}),
]


@pytest.mark.parametrize(("name", "settings"), OFF)
def test_with_heads_switched_off_is_plain_training_to_the_last_bit(name, settings):
    tasks = [headed(0), headed(1)]
    off = train(method(name, **settings), tasks, seeds=range(2), heads=4)
    assert torch.equal(off.parameters, train(None, tasks, seeds=range(2), heads=4).parameters)
