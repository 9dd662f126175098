"""Methods against forgetting once more, for one model at a time, with torch.nn, autograd and plain loops.

Nothing here comes from `plnet.forgetting.methods`. Random numbers (orders, draws from the memory) are those
of the trainer, so that parameters can be compared digit by digit.
"""

import numpy as np
import torch
from torch.nn import functional

from plnet.forgetting.models.modules import read_module, to_module
from plnet.forgetting.seeding import generator


def flat(tensors):
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


class MethodLoop:
    """SGD with momentum on one model; subclasses change the loss or the gradient.

    Parameters and gradients are lists in the order of ``module.parameters()``.
    """

    def __init__(self, architecture, row, seed, learning_rate, momentum=0.9):
        self.architecture, self.seed = architecture, seed
        self.module = to_module(architecture, row)
        self.weights = list(self.module.parameters())
        self.velocity = [torch.zeros_like(weight) for weight in self.weights]
        self.rate, self.momentum, self.task = learning_rate, momentum, 0

    @property
    def row(self):
        return read_module(self.architecture, self.module)

    def copies(self):
        return [weight.detach().clone() for weight in self.weights]

    def gradients(self, loss):
        return torch.autograd.grad(loss, self.weights)

    def samples(self, task):
        return torch.from_numpy(task.train.x), torch.from_numpy(np.array(task.train.y))

    def train(self, task, epochs, batch_size):
        x, y = self.samples(task)
        orders = generator(self.seed, "order", self.task)
        self.draws = generator(self.seed, "memory", self.task)
        self.begin(task)
        for _ in range(epochs):
            for rows in torch.from_numpy(orders.permutation(len(y))).split(batch_size):
                gradient = self.step_gradient(x[rows], y[rows])
                before = self.copies()
                with torch.no_grad():
                    for weight, speed, part in zip(self.weights, self.velocity, gradient, strict=True):
                        speed.mul_(self.momentum).add_(part)
                        weight.sub_(self.rate * speed)
                self.stepped(before)
        self.end(task)
        self.task += 1

    def begin(self, task):
        pass

    def step_gradient(self, x, y):
        return self.gradients(self.loss(x, y))

    def loss(self, x, y):
        return functional.cross_entropy(self.module(x), y)

    def stepped(self, before):
        pass

    def end(self, task):
        pass


class L2Loop(MethodLoop):
    def __init__(self, *args, strength, **options):
        super().__init__(*args, **options)
        self.strength, self.previous = strength, None

    def loss(self, x, y):
        found = super().loss(x, y)
        if self.previous is None:
            return found
        distance = sum(((w - p) ** 2).sum() for w, p in zip(self.weights, self.previous, strict=True))
        return found + self.strength / 2 * distance

    def end(self, task):
        self.previous = self.copies()


class EWCLoop(MethodLoop):
    """One penalty for each earlier task, with importances from one sample after the other."""

    def __init__(self, *args, strength, labels, decay=None, **options):
        super().__init__(*args, **options)
        self.strength, self.labels, self.decay, self.terms = strength, labels, decay, []

    def loss(self, x, y):
        found = super().loss(x, y)
        for importance, previous in self.terms:
            for weight, factor, old in zip(self.weights, importance, previous, strict=True):
                found = found + self.strength / 2 * (factor * (weight - old) ** 2).sum()
        return found

    def end(self, task):
        importance = fisher_loop(self.module, *self.samples(task), self.labels)
        if self.decay is None:
            self.terms.append((importance, self.copies()))
            return
        if self.terms:
            # The factor of the penalty holds one decay more than what is kept.
            old = self.terms[0][0]
            importance = [a + b for a, b in zip(importance, old, strict=True)]
        self.terms = [([self.decay * part for part in importance], self.copies())]


def fisher_loop(module, x, y, labels):
    """Mean of squared gradients of the log-likelihood by autograd, a sample and a label at a time."""
    weights = list(module.parameters())
    found = [torch.zeros_like(weight) for weight in weights]
    for sample, label in zip(x, y, strict=True):
        chances = torch.softmax(module(sample[None])[0], dim=0).detach()
        if labels == "empirical":
            chances = functional.one_hot(label, len(chances)).to(chances.dtype)
        for c, chance in enumerate(chances):
            likelihood = torch.log_softmax(module(sample[None])[0], dim=0)[c]
            for total, part in zip(found, torch.autograd.grad(likelihood, weights), strict=True):
                total += chance * part**2 / len(x)
    return found


class SILoop(MethodLoop):
    def __init__(self, *args, strength, damping, **options):
        super().__init__(*args, **options)
        self.strength, self.damping = strength, damping
        self.importance = [torch.zeros_like(weight) for weight in self.weights]

    def begin(self, task):
        self.start = self.copies()
        self.path = [torch.zeros_like(weight) for weight in self.weights]

    def step_gradient(self, x, y):
        self.last = self.gradients(self.loss(x, y))
        with torch.no_grad():
            return [
                g + 2 * self.strength * factor * (weight - old)
                for g, factor, weight, old in zip(
                    self.last, self.importance, self.weights, self.start, strict=True
                )
            ]

    def stepped(self, before):
        for total, g, weight, old in zip(self.path, self.last, self.weights, before, strict=True):
            total -= g * (weight.detach() - old)

    def end(self, task):
        for place, weight in enumerate(self.weights):
            change = weight.detach() - self.start[place]
            gained = self.path[place] / (change**2 + self.damping)
            self.importance[place] = torch.clamp(self.importance[place] + gained, min=0)


class LwFLoop(MethodLoop):
    def __init__(self, *args, strength, temperature, **options):
        super().__init__(*args, **options)
        self.strength, self.temperature, self.teacher, self.known = strength, temperature, None, set()

    def loss(self, x, y):
        found = super().loss(x, y)
        if self.teacher is None:
            return found
        classes = sorted(self.known)
        with torch.no_grad():
            old = torch.softmax(self.teacher(x)[:, classes] / self.temperature, dim=1)
        new = torch.log_softmax(self.module(x)[:, classes] / self.temperature, dim=1)
        divergence = functional.kl_div(new, old, reduction="batchmean")
        return found + self.strength * self.temperature**2 * divergence

    def end(self, task):
        self.teacher = to_module(self.architecture, self.row.clone())
        self.known |= set(np.array(task.train.y).tolist())


class MemoryLoop(MethodLoop):
    """Keeps a reservoir by algorithm R, one sample after the other."""

    def __init__(self, *args, capacity, memory_batch, strength, **options):
        super().__init__(*args, **options)
        self.capacity, self.size, self.strength = capacity, memory_batch, strength
        self.memory, self.seen = [], 0

    def begin(self, task):
        self.slots = generator(self.seed, "reservoir", self.task)

    def end(self, task):
        self.offer(*self.samples(task))

    def offer(self, x, y):
        chosen = self.slots.integers(0, np.arange(self.seen, self.seen + len(y)) + 1)
        for sample, label, slot in zip(x, y, chosen, strict=True):
            if len(self.memory) < self.capacity:
                self.memory.append((sample, label))
            elif slot < self.capacity:
                self.memory[slot] = (sample, label)
            self.seen += 1

    def remembered(self):
        drawn = [self.memory[k] for k in self.draws.integers(0, len(self.memory), self.size)]
        return torch.stack([x for x, _ in drawn]), torch.stack([y for _, y in drawn])


class ReplayLoop(MemoryLoop):
    def loss(self, x, y):
        new = functional.cross_entropy(self.module(x), y)
        if not self.memory:
            return new
        xs, ys = self.remembered()
        return (new + self.strength * functional.cross_entropy(self.module(xs), ys)) / (1 + self.strength)


class ERACELoop(MemoryLoop):
    """Offers each minibatch of the first pass to the memory behind its step."""

    classes = frozenset()

    def begin(self, task):
        super().begin(task)
        self.new = len(task.train)

    def stepped(self, before):
        if self.new > 0:
            self.offer(*self.minibatch)
            self.new -= len(self.minibatch[1])

    def end(self, task):
        pass

    def loss(self, x, y):
        self.minibatch = x, y
        present = set(y.tolist())
        self.classes = self.classes | present
        logits = self.module(x)
        if not self.memory:
            return functional.cross_entropy(logits, y)
        out = [c for c in range(logits.shape[1]) if c in self.classes and c not in present]
        logits = logits.clone()
        logits[:, out] = -1e30
        xs, ys = self.remembered()
        return functional.cross_entropy(logits, y) + self.strength * functional.cross_entropy(
            self.module(xs), ys
        )


class AGEMLoop(MemoryLoop):
    def step_gradient(self, x, y):
        g = self.gradients(functional.cross_entropy(self.module(x), y))
        if not self.memory:
            return g
        xs, ys = self.remembered()
        r = self.gradients(functional.cross_entropy(self.module(xs), ys))
        along = float(flat(g) @ flat(r))
        self.projected = getattr(self, "projected", 0) + (along < 0)
        if along >= 0:
            return g
        factor = self.strength * along / float(flat(r) @ flat(r))
        return [a - factor * b for a, b in zip(g, r, strict=True)]


class JointLoop(MethodLoop):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.tasks = []

    def samples(self, task):
        if not any(task is old for old in self.tasks):
            self.tasks.append(task)
        parts = [super(JointLoop, self).samples(old) for old in self.tasks]
        return torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])
