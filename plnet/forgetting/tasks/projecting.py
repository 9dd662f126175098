"""Tasks of different numbers of inputs, brought to one."""

from __future__ import annotations

import numpy as np

from plnet.checks import check_choice
from plnet.errors import TaskError
from plnet.forgetting.tasks.task import PARTS, Task

__all__ = ["project", "projection"]

# Decides the fixed projection; a part of every published number that uses it.
_SEED = 20131221
_KINDS = ("orthonormal", "zeros")


def projection(n_from: int, n_to: int, seed: int = _SEED) -> np.ndarray:
    """Return a matrix P (n_from, n_to) with orthonormal rows, or columns where there are fewer of them.

    Rows x become x @ P; with n_to >= n_from all distances stay as they are.
    """
    wide, narrow = max(n_from, n_to), min(n_from, n_to)
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(wide, narrow)))
    # Without this, the signs would depend on the library behind numpy.
    q = q * np.sign(np.diag(r))
    return q if n_from >= n_to else q.T


def project(task: Task, n_inputs: int, *, kind: str = "orthonormal", seed: int = _SEED) -> Task:
    """Return a task with another number of inputs.

    Parameters
    ----------
    task : Task
    n_inputs : int
    kind : "orthonormal" or "zeros"
        A fixed random projection, with all distances kept where ``n_inputs`` is no smaller; or zeros behind
        the inputs that are there.
    seed : int
        Of the projection.

    Returns
    -------
    Task

    Raises
    ------
    TaskError
        If zeros cannot help.
    """
    check_choice("kind", kind, _KINDS, TaskError)
    if n_inputs < 1 or (kind == "zeros" and n_inputs < task.n_inputs):
        raise TaskError(
            f"Task {task.name!r} has {task.n_inputs} inputs; {kind} cannot make {n_inputs} of them."
        )
    matrix = np.eye(task.n_inputs, n_inputs)
    if kind == "orthonormal":
        matrix = projection(task.n_inputs, n_inputs, seed)
    parts = {part: (task.part(part).x @ matrix, task.part(part).y) for part in PARTS}
    return Task(
        task.name,
        parts["train"],
        parts["test"],
        parts["validation"],
        classes=task.classes,
        masked=task.masked,
    )
