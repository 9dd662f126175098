"""`train_sequence`: train replicates of a model on tasks one after another, and measure after each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch

from plnet.checks import suggest_options
from plnet.errors import ConfigError
from plnet.forgetting.methods.base import Method
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.results.result import SequenceResult
from plnet.forgetting.seeding import check_seeds
from plnet.forgetting.tasks.task import Task, TaskSequence, as_sequence, multi_head
from plnet.forgetting.training.checkpoint import Checkpoint, as_checkpoint
from plnet.forgetting.training.options import DEFAULT_LEARNING_RATE, DEFAULT_MAX_NORM, TrainingOptions
from plnet.forgetting.training.sequence_run import SequenceRun
from plnet.progress import Progress, check_progress

__all__ = ["as_model", "train_sequence", "train_settings"]


@suggest_options
def train_sequence(
    tasks: TaskSequence | Iterable[Task],
    model: ModelSpec | str | Sequence[int] | None = None,
    method: Method | str = "plain",
    *,
    seeds: Iterable[int],
    epochs: int = 10,
    batch_size: int = 64,
    learning_rate: float | None = None,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    keep_momentum: bool = True,
    dropout: bool | tuple[float, float] | None = None,
    patience: int | None = None,
    monitor: Literal["task", "seen"] = "task",
    curves: int | None = None,
    engine: Literal["auto", "batched", "fused"] = "auto",
    chunk: int | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    max_seconds: float | None = None,
    progress: Progress = "auto",
    checkpoint: Checkpoint | str | None = None,
) -> SequenceResult:
    """Train replicates of a model on a sequence of tasks; test on all tasks before, and after each.

    Every replicate draws its split, permutations and order, its initial weights and its minibatches from its
    seed. Results with the same seeds are paired, whatever the method, the activation or the settings.

    Parameters
    ----------
    tasks : TaskSequence or list of Task
        As `permuted`, `split` and others return.
    model : ModelSpec, str or sequence of int, optional
        A name stands for the activation of a network with two hidden layers of 100 units, numbers for the
        hidden sizes of a ReLU network.
    method : Method or str
        A name, or an object that ``plnet.forgetting.method(name, ...)`` returns.
    seeds : iterable of int
        One for each replicate; ``range(20)`` for twenty.
    epochs, batch_size : int
    learning_rate : float, optional
        Of stochastic gradient descent, used as it is. Without it 0.05, and the weights into a unit are kept
        at most 1 long, unless the model has a ``max_norm`` of its own: so no activation diverges on any of
        the tasks here.
    momentum, weight_decay : float
    keep_momentum : bool
        Whether the momentum goes on from task to task, as with one optimiser for all.
    dropout : bool or (float, float), optional
        Probabilities for inputs and hidden units; True is (0.2, 0.5). Without it as the model says.
    patience : int, optional
        Stop a replicate when its validation accuracy has not risen for so many epochs, and go back to its
        best.
    monitor : "task" or "seen"
        What patience looks at: the task in training, or the mean over all tasks up to it.
    curves : int, optional
        Also test on all tasks after every so many epochs within the tasks.
    engine, chunk
        As in `TrainingOptions`.
    device : torch.device or str
    dtype : torch.dtype
        float32 or float64.
    max_seconds : float, optional
        Budget; what is known by then is returned.
    progress : "auto", bool, None or callable
        "auto" shows a bar if stderr is a terminal and tqdm is installed; a callable gets how much is done and
        how much there is.
    checkpoint : str, path or Checkpoint, optional
        A file that keeps the state after each task. With the same arguments the training goes on from there,
        to the same numbers.

    Returns
    -------
    SequenceResult
        After Ctrl-C or at the end of the budget with ``complete=False``, and NaN for what is not known.

    Raises
    ------
    TaskError
        If the tasks do not go together or with the model.
    ConfigError
        If an option is unknown or impossible.

    Examples
    --------
    >>> from plnet.forgetting import plane, train_sequence
    >>> result = train_sequence(plane(2), [8], seeds=range(3), epochs=2)
    >>> result.accuracy.shape
    (3, 3, 2)
    """
    (result,) = train_settings(
        tasks,
        model,
        [method],
        seeds=seeds,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=None if learning_rate is None else [learning_rate],
        momentum=momentum,
        weight_decay=weight_decay,
        keep_momentum=keep_momentum,
        dropout=dropout,
        patience=patience,
        monitor=monitor,
        curves=curves,
        engine=engine,
        chunk=chunk,
        device=device,
        dtype=dtype,
        max_seconds=max_seconds,
        progress=progress,
        checkpoint=checkpoint,
    )
    return result


@suggest_options
def train_settings(
    tasks: TaskSequence | Iterable[Task],
    model: ModelSpec | str | Sequence[int] | None = None,
    methods: Sequence[Method | str] = ("plain",),
    *,
    seeds: Iterable[int],
    epochs: int = 10,
    batch_size: int = 64,
    learning_rate: float | Sequence[float] | None = None,
    momentum: float | Sequence[float] = 0.9,
    weight_decay: float | Sequence[float] = 0.0,
    keep_momentum: bool = True,
    dropout: bool | tuple[float, float] | None = None,
    patience: int | None = None,
    monitor: Literal["task", "seen"] = "task",
    curves: int | None = None,
    engine: Literal["auto", "batched", "fused"] = "auto",
    chunk: int | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    max_seconds: float | None = None,
    progress: Progress = "auto",
    checkpoint: Checkpoint | str | None = None,
) -> tuple[SequenceResult, ...]:
    """Train the replicates with several settings in one batched program: `train_sequence` for a search.

    Parameters
    ----------
    methods : sequence of H methods
        Of one class, with other strengths; or one method for all settings.
    learning_rate, momentum, weight_decay : float, or sequence of H floats
        Setting h takes the h-th of each. Without a learning rate as in `train_sequence`.
    tasks, model, seeds and all others
        As for `train_sequence`.

    Returns
    -------
    tuple of H SequenceResult
        ``seconds`` of each is its share of the whole.

    Examples
    --------
    >>> from plnet.forgetting import plane, train_settings
    >>> slow, fast = train_settings(plane(2), [8], seeds=range(2), learning_rate=[0.001, 0.1])
    >>> slow.settings["learning_rate"], fast.settings["learning_rate"]
    (0.001, 0.1)
    """
    chosen, replicates = as_model(model), check_seeds(seeds)
    if dropout is not None:
        inputs, hidden = _dropout(dropout)
        chosen = chosen.with_dropout(inputs, hidden)
    if learning_rate is None:
        learning_rate = DEFAULT_LEARNING_RATE
        chosen = chosen if chosen.max_norm is not None else replace(chosen, max_norm=DEFAULT_MAX_NORM)
    sequence = as_sequence(tasks)
    _check_hidden(model, sequence)
    sequence = multi_head(sequence) if chosen.heads == "multi" else sequence
    options = TrainingOptions(epochs, batch_size, keep_momentum, patience, engine, chunk, monitor, curves)
    check_progress(progress)
    _check_budget(max_seconds, dtype)
    rates = {"learning_rate": learning_rate, "momentum": momentum, "weight_decay": weight_decay}
    run = SequenceRun(
        sequence,
        chosen,
        [_method(one) for one in methods],
        replicates,
        rates,
        options,
        device=_device(device),
        dtype=dtype,
    )
    return run.train(max_seconds, progress, as_checkpoint(checkpoint))


def as_model(model: ModelSpec | str | Sequence[int] | None) -> ModelSpec:
    """Return a recipe of a model from what a user gives: nothing, an activation, or hidden sizes.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if model is None:
        return ModelSpec()
    if isinstance(model, ModelSpec):
        return model
    if isinstance(model, str):
        return ModelSpec(activation=model)
    if isinstance(model, Sequence):
        return ModelSpec(tuple(model))
    raise ConfigError(
        f"Expected the model as a ModelSpec, the name of an activation or a list of hidden sizes; got "
        f"{type(model).__name__}. A torch module cannot be trained here: many models run as one program."
    )


def _check_hidden(model: Any, sequence: TaskSequence) -> None:
    """Refuse a list that names inputs and outputs, too, as `plnet.networks.mlp` takes it."""
    sizes = list(model) if isinstance(model, (list, tuple)) else []
    if len(sizes) > 2 and (sizes[0], sizes[-1]) == (sequence.n_inputs, sequence.n_classes):
        raise ConfigError(
            f"Expected hidden sizes only, got {sizes}. The tasks give {sequence.n_inputs} inputs and "
            f"{sequence.n_classes} outputs; write {sizes[1:-1]}. If these are hidden layers, write "
            f"ModelSpec(hidden={tuple(sizes)})."
        )


def _method(given: Method | str) -> Method:
    if not isinstance(given, (Method, str)):
        raise ConfigError(
            f"Expected the method as a name or as plnet.forgetting.method(name, ...), got {given!r}."
        )
    if given == "plain":
        return Method()
    from plnet.forgetting.methods.registry import method as make_method

    return make_method(given)


def _dropout(dropout: Any) -> tuple[float, float]:
    if dropout is True or dropout is False:
        return (0.2, 0.5) if dropout else (0.0, 0.0)
    if not isinstance(dropout, (tuple, list)) or len(dropout) != 2:
        raise ConfigError(
            f"Expected dropout as True, False or two probabilities (inputs, hidden units), got {dropout!r}."
        )
    return dropout[0], dropout[1]


def _check_budget(max_seconds: Any, dtype: Any) -> None:
    if max_seconds is not None and (not isinstance(max_seconds, (int, float)) or not max_seconds > 0):
        raise ConfigError(
            f"Expected a number max_seconds > 0, got {max_seconds!r}. Leave it out for no limit."
        )
    if dtype not in (torch.float32, torch.float64):
        raise ConfigError(f"Expected dtype torch.float32 or torch.float64, got {dtype!r}.")


def _device(device: Any) -> torch.device:
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f'Expected a device such as "cpu" or "cuda", got {device!r}.') from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError('There is no CUDA device on this machine. Take device="cpu".')
    return chosen
