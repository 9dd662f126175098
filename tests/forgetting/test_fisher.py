"""The diagonal of the Fisher information: by hand, and by autograd, a sample and a label at a time."""

import numpy as np
import pytest
import torch
from forgetting_loops import random_task, source_of
from method_loops import fisher_loop

from plnet.forgetting.methods import fisher_diagonal
from plnet.forgetting.models.batched_network import BatchedNetwork
from plnet.forgetting.models.modules import read_module, to_module
from plnet.forgetting.models.spec import ACTIVATIONS, Architecture, Layer, ModelSpec
from plnet.forgetting.tasks.task import Task
from plnet.forgetting.training.members import make_members


def linear(parameters, x, y, classes, **options):
    """Return the Fisher information of a network without hidden layers on given samples."""
    x = np.array(x, dtype=float)
    task = Task("by hand", (x, y), (x, y), classes=range(classes))
    network = BatchedNetwork(Architecture("relu", 1, 0.0, (Layer(x.shape[1], classes, classes),)))
    rows = torch.tensor([parameters], dtype=torch.float64)
    return fisher_diagonal(network, rows, source_of([task], n_classes=classes)([0]), **options)[0]


def test_two_classes_by_hand():
    # Equal chances: the gradient of the logit is +-1/2, so its square is 1/4, times the squared input.
    found = linear([0.0] * 6, [[1.0, 2.0]], [0], 2)
    assert found.tolist() == [0.25, 1.0, 0.25, 1.0, 0.25, 0.25]
    assert linear([0.0] * 6, [[1.0, 2.0]], [0], 2, labels="empirical").tolist() == found.tolist()


def test_three_classes_by_hand():
    # Expected: p (1 - p) = 2/9 for each. With the label 1: (1 - p)**2 = 4/9 for it, p**2 = 1/9 else.
    found = linear([0.0] * 6, [[3.0]], [1], 3)
    assert found.tolist() == pytest.approx([2.0, 2.0, 2.0, 2 / 9, 2 / 9, 2 / 9])
    found = linear([0.0] * 6, [[3.0]], [1], 3, labels="empirical")
    assert found.tolist() == pytest.approx([1.0, 4.0, 1.0, 1 / 9, 4 / 9, 1 / 9])


def test_samples_count_one_by_one():
    # Inputs 1 and -1 with one label: the gradient of the mean is 0, the mean of squared gradients is not.
    found = linear([0.0] * 4, [[1.0], [-1.0]], [0, 0], 2, labels="empirical")
    assert found.tolist() == [0.25, 0.25, 0.25, 0.25]


def example(activation, members=2, masked=False):
    architecture = ModelSpec((6, 4), activation).resolve(5, 4)
    rows = make_members(architecture, range(members), dtype=torch.float64).parameters
    rng = np.random.default_rng(1)
    tasks = []
    for _ in range(members):
        task = random_task(rng, 9, 3, 5, 4)
        if masked:
            y = np.array(task.train.y) % 2 + 1
            task = Task("masked", (task.train.x, y), (task.train.x, y), classes=[1, 2], masked=True)
        tasks.append(task)
    return architecture, rows, tasks, source_of(tasks, n_classes=4)(range(members))


@pytest.mark.parametrize("labels", ["expected", "empirical"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equals_autograd(activation, labels):
    architecture, rows, tasks, data = example(activation)
    found = fisher_diagonal(BatchedNetwork(architecture), rows, data, labels=labels)
    module = to_module(architecture, rows[1])
    x, y = torch.from_numpy(tasks[1].train.x), torch.from_numpy(np.array(tasks[1].train.y))
    importances = fisher_loop(module, x, y, labels)
    with torch.no_grad():
        for weight, importance in zip(module.parameters(), importances, strict=True):
            weight.copy_(importance)
    assert (found[1] - read_module(architecture, module)).abs().max() < 1e-14
    assert found.max() > 1e-3


@pytest.mark.parametrize("labels", ["expected", "empirical"])
def test_only_active_outputs_compete(labels):
    architecture, rows, tasks, data = example("relu", masked=True)
    found = fisher_diagonal(BatchedNetwork(architecture), rows, data, labels=labels)
    # The same network with the two outputs of the head alone.
    module = to_module(architecture, rows[0])
    with torch.no_grad():
        last = module[-1]
        last.weight, last.bias = (torch.nn.Parameter(part[1:3]) for part in (last.weight, last.bias))
    x, y = torch.from_numpy(tasks[0].train.x), torch.from_numpy(np.array(tasks[0].train.y)) - 1
    importances = fisher_loop(module, x, y, labels)
    first = torch.cat([part.reshape(-1) for part in importances[:4]])
    assert (found[0, : len(first)] - first).abs().max() < 1e-14
    weights, biases = found[0, -20:-4].reshape(4, 4), found[0, -4:]
    assert (weights[1:3] - importances[4]).abs().max() < 1e-14
    assert weights[[0, 3]].abs().max() == 0
    assert biases[[0, 3]].abs().max() == 0


@pytest.mark.parametrize("labels", ["expected", "empirical"])
def test_many_samples_go_in_blocks(labels):
    architecture = ModelSpec((6, 4)).resolve(5, 4)
    rows = make_members(architecture, [0], dtype=torch.float64).parameters
    network = BatchedNetwork(architecture)
    task = random_task(np.random.default_rng(0), 600, 3, 5, 4)
    whole = fisher_diagonal(network, rows, source_of([task], n_classes=4)([0]), labels=labels)
    parts = torch.zeros_like(whole)
    for start in range(0, 600, 100):
        samples = task.train.x[start : start + 100], np.array(task.train.y)[start : start + 100]
        part = Task("part", samples, samples, classes=range(4))
        parts += fisher_diagonal(network, rows, source_of([part], n_classes=4)([0]), labels=labels) / 6
    assert (whole - parts).abs().max() < 1e-14
