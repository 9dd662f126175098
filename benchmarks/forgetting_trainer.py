"""Measure the trainer of the forgetting laboratory against a plain torch loop, on one core.

Five permuted-digit tasks (1437 training and 360 test images of 8 x 8 pixels, each replicate with its own
split and permutations), MLP 64-100-100-10, SGD 0.05 with momentum 0.9 that is kept across tasks, minibatches
of 64, 10 epochs, one head, all five test sets evaluated after every task. The loop is what one writes by
hand: torch.nn, autograd, fused `torch.optim.SGD`, samples by index. Both run in turn in one process; a ratio
compares the CPU seconds per replicate of neighbours in time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from common import arguments, environment, write
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from plnet.forgetting.data.samples import Samples
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.tasks.batches import stack_tasks
from plnet.forgetting.tasks.task import Task
from plnet.forgetting.training.evaluation import evaluate
from plnet.forgetting.training.members import make_members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.trainer import train_task
from plnet.networks import Maxout

TASKS, TRAIN, EPOCHS, BATCH = 5, 1437, 10, 64
MODELS = {
    "relu": ModelSpec((100, 100), "relu"),
    "relu dropout": ModelSpec((100, 100), "relu").with_dropout(),
    "maxout-2": ModelSpec((100, 100), "maxout", matching="outputs"),
    "maxout-2, preactivations matched": ModelSpec((100, 100), "maxout", matching="preactivations"),
    "maxout-2 dropout": ModelSpec((100, 100), "maxout", matching="outputs").with_dropout(),
}


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    torch.set_num_threads(1)
    pixels, labels = load_digits(return_X_y=True)
    digits = (pixels / 16).astype(np.float32), labels.astype(np.int64)
    replicates, rounds = (4, 1) if options.quick else (8, 5)
    drawn = [draw(*digits, seed) for seed in range(replicates)]
    engines = ("fused", "batched")
    cases: dict[str, Any] = {}
    for name, spec in MODELS.items():
        for engine in engines:
            ours(drawn[:1], spec, engine)
        rows = [round_of(drawn, spec, engines, k) for k in range(rounds)]
        cases[name] = {
            "loop_seconds": statistics.median(row["loop"] for row in rows),
            **{f"{engine}_seconds": statistics.median(row[engine] for row in rows) for engine in engines},
            **{
                f"{engine}_times_faster": statistics.median(row["loop"] / row[engine] for row in rows)
                for engine in engines
            },
            "accuracy": float(np.mean([row["accuracy"] for row in rows])),
            "accuracy_of_loop": float(np.mean([row["accuracy_of_loop"] for row in rows])),
            "rounds": rounds,
            "replicates": replicates,
        }
        row = cases[name]
        print(
            f"{name}: {row['loop_seconds']:.3f} CPU seconds a replicate by the loop; compiled "
            f"{row['fused_times_faster']:.1f} and batched {row['batched_times_faster']:.1f} times faster"
        )
    write(options, "CPU seconds per replicate against a plain torch loop, one core", {"cases": cases}, before)


def draw(pixels: np.ndarray, labels: np.ndarray, seed: int) -> list[Task]:
    """Draw the split and the permutations of a replicate."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(labels))
    train, test = rows[:TRAIN], rows[TRAIN:]
    tasks = []
    for number in range(TASKS):
        columns = rng.permutation(pixels.shape[1])
        parts = [Samples(pixels, labels[part], part, columns) for part in (train, test)]
        tasks.append(Task(f"permutation {number}", *parts))
    return tasks


def round_of(
    drawn: list[list[Task]], spec: ModelSpec, engines: tuple[str, ...], number: int
) -> dict[str, float]:
    """Return CPU seconds per replicate of the loop and of each engine, and the final accuracies."""
    row: dict[str, float] = {}
    row["loop"], row["accuracy_of_loop"] = timed(lambda: loop(drawn[number % len(drawn)], spec, number))
    for engine in engines:
        seconds, row["accuracy"] = timed(lambda engine=engine: ours(drawn, spec, engine))
        row[engine] = seconds / len(drawn)
    return row


def timed(work: Callable[[], float]) -> tuple[float, float]:
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def ours(drawn: list[list[Task]], spec: ModelSpec, engine: str) -> float:
    """Train all replicates with plnet; return the mean accuracy at the end."""
    members = make_members(spec.resolve(64, 10), range(len(drawn)))
    options = TrainingOptions(EPOCHS, BATCH, engine=engine)  # type: ignore[arg-type]
    stacked = lru_cache(maxsize=None)(
        lambda t, rows: stack_tasks([drawn[row][t] for row in rows], n_classes=10)
    )
    table = np.zeros((TASKS, TASKS, len(drawn)))
    for t in range(TASKS):
        train_task(members, lambda rows, t=t: stacked(t, rows), options)
        for j in range(TASKS):
            table[t, j] = evaluate(members, lambda rows, j=j: stacked(j, rows))
    return float(table[-1].mean())


def module_of(spec: ModelSpec) -> nn.Sequential:
    """Build the same model from torch modules."""
    sizes = (64, *spec.hidden, 10)
    parts: list[nn.Module] = [nn.Dropout(spec.input_dropout)] if spec.input_dropout else []
    units = (
        [size // spec.pieces for size in spec.hidden] if spec.matching == "preactivations" else spec.hidden
    )
    sizes = (64, *units, 10)
    for n_in, n_out in pairwise(sizes[:-1]):
        maxout = spec.activation == "maxout"
        parts += [Maxout(n_in, n_out, spec.pieces)] if maxout else [nn.Linear(n_in, n_out), nn.ReLU()]
        if spec.hidden_dropout:
            parts.append(nn.Dropout(spec.hidden_dropout))
    return nn.Sequential(*parts, nn.Linear(*sizes[-2:]))


def loop(tasks: list[Task], spec: ModelSpec, seed: int) -> float:
    """Train one replicate as one writes it by hand; return the mean accuracy at the end."""
    torch.manual_seed(seed)
    tensors = [
        [(torch.from_numpy(part.x).float(), torch.from_numpy(part.y)) for part in (task.train, task.test)]
        for task in tasks
    ]
    module = module_of(spec)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9, fused=True)
    table = np.zeros((TASKS, TASKS))
    for t, ((x, y), _) in enumerate(tensors):
        module.train()
        for _ in range(EPOCHS):
            order = torch.randperm(len(y))
            for start in range(0, len(y), BATCH):
                rows = order[start : start + BATCH]
                optimiser.zero_grad()
                functional.cross_entropy(module(x[rows]), y[rows]).backward()
                optimiser.step()
        module.eval()
        with torch.no_grad():
            for j, (_, (x_test, y_test)) in enumerate(tensors):
                table[t, j] = (module(x_test).argmax(dim=1) == y_test).float().mean().item()
    return float(table[-1].mean())


if __name__ == "__main__":
    main()
