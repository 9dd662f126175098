"""Plain training loops with torch.nn, autograd and torch.optim, one model at a time.

The trainer must equal them. They share nothing with it but random numbers: the order of samples and the
dropout masks are handed in.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from plnet.forgetting.models.dropout import dropout_key, dropout_masks
from plnet.forgetting.models.modules import read_module, to_module
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.batches import stack_tasks
from plnet.forgetting.tasks.task import Task


def random_task(rng, n_train=70, n_test=40, inputs=9, classes=4, validation=0, offset=0.0, **options):
    """Draw a task whose classes are noisy linear functions of the inputs."""
    weights = rng.normal(size=(inputs, classes))
    parts = []
    for n in (n_train, n_test, validation):
        x = rng.normal(size=(n, inputs)) + offset
        scores = x @ weights + rng.normal(size=(n, classes))
        parts.append((x, scores.argmax(axis=1)) if n else None)
    return Task("random", *parts, classes=range(classes), **options)


def source_of(tasks, dtype=torch.float64, n_classes=None, device="cpu"):
    """Give each member its own task."""
    return lambda rows: stack_tasks(
        [tasks[row] for row in rows], dtype=dtype, n_classes=n_classes, device=device
    )


def run_with_masks(module, architecture, x, masks):
    """Run a module, with given factors in the place of its dropout layers."""
    h, place = x, 0
    masked = [mask for mask in masks or [] if mask is not None]
    for part in module:
        if isinstance(part, nn.Dropout):
            mask = masked[place]
            if place > 0 or not architecture.input_dropout:
                mask = neighbours(architecture, mask)
            h, place = h * mask.T, place + 1
        else:
            h = part(h)
    return h


def neighbours(architecture, rows):
    """Order rows as a module does, where the units of a block of local winners are neighbours."""
    if architecture.activation != "lwta":
        return rows
    return rows.unflatten(0, (architecture.pieces, -1)).transpose(0, 1).flatten(0, 1)


class Loop:
    """One model, trained task after task by autograd and torch.optim.SGD."""

    def __init__(self, architecture, row, seed, learning_rate=0.05, momentum=0.9, weight_decay=0.0):
        self.architecture, self.seed = architecture, seed
        self.module = to_module(architecture, row)
        self.optimiser = torch.optim.SGD(
            self.module.parameters(), lr=learning_rate, momentum=momentum, weight_decay=weight_decay
        )

    def train(self, task, number, epochs, batch_size):
        """Train on one task in the order and with the masks of the trainer."""
        x, y = torch.from_numpy(task.train.x), torch.from_numpy(np.array(task.train.y))
        outside = [c for c in range(self.architecture.n_outputs) if task.masked and c not in task.classes]
        orders, key, step = generator(self.seed, "order", number), dropout_key(self.seed, number), 0
        for _ in range(epochs):
            order = torch.from_numpy(orders.permutation(len(y)))
            for rows in order.split(batch_size):
                masks = dropout_masks(self.architecture, [key], step, len(rows), torch.float64)
                masks = masks and [None if mask is None else mask[0] for mask in masks]
                self.optimiser.zero_grad()
                logits = run_with_masks(self.module, self.architecture, x[rows], masks)
                logits[:, outside] = -torch.inf
                functional.cross_entropy(logits, y[rows]).backward()
                self.optimiser.step()
                self._limit_norms()
                step += 1

    def _limit_norms(self):
        if self.architecture.max_norm is None:
            return
        with torch.no_grad():
            for name, parameter in self.module.named_parameters():
                if name.endswith("weight") and parameter.ndim > 1:
                    norms = parameter.norm(dim=-1, keepdim=True)
                    parameter *= torch.where(
                        norms > self.architecture.max_norm, self.architecture.max_norm / norms, 1.0
                    )

    @property
    def row(self):
        """The parameters as the trainer orders them."""
        return read_module(self.architecture, self.module)

    def accuracy(self, task):
        """Return the accuracy on the test samples without dropout."""
        self.module.eval()
        with torch.no_grad():
            logits = self.module(torch.from_numpy(task.test.x))
        self.module.train()
        return float((logits.argmax(dim=1).numpy() == task.test.y).mean())
