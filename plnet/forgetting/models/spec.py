"""What a model of the forgetting laboratory is: a recipe, and the sizes that it resolves to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from plnet.checks import check_choice, suggest_options
from plnet.errors import ConfigError

__all__ = ["ACTIVATIONS", "Architecture", "Layer", "Matching", "ModelSpec"]

Matching: TypeAlias = Literal["none", "parameters", "preactivations", "outputs"]

GROUPED = ("maxout", "lwta")
"""Activations whose units look at several pre-activations."""

_SLOPES = {"leaky_relu": 0.01, "prelu": 0.25}

ACTIVATIONS = (
    "relu", "abs", "leaky_relu", "prelu", "hardtanh", "maxout", "lwta", "elu", "gelu", "sigmoid", "tanh",
)  # fmt: skip
"""Names that `ModelSpec` knows."""

_MATCHINGS = ("none", "parameters", "preactivations", "outputs")


@dataclass(frozen=True)
class Layer:
    """Sizes of a layer: `n_in` inputs, `rows` pre-activations, `n_out` outputs behind the activation."""

    n_in: int
    rows: int
    n_out: int


@dataclass(frozen=True)
class Architecture:
    """A multilayer perceptron with all its sizes; members of one batched program share it.

    Parameters
    ----------
    activation : str
    pieces : int
        Pre-activations that a maxout unit or a block of local winners looks at; 1 otherwise.
    slope : float
        Slope below 0 of leaky ReLU, initial slope of PReLU; 0 otherwise.
    layers : tuple of Layer
        The last one is linear.
    input_dropout, hidden_dropout : float
        Probabilities that an input, or an output of a hidden layer, is dropped in training.
    max_norm : float or None
        Largest length of the weight vector into a unit, in every layer, enforced after each step.
    initialiser : str
        A scheme of `plnet.networks.initialise`.
    match : str
        How the sizes follow from those of the reference, in words.
    """

    activation: str
    pieces: int
    slope: float
    layers: tuple[Layer, ...]
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    max_norm: float | None = None
    initialiser: str = "default"
    match: str = ""

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.layers[0].n_in

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.layers[-1].n_out

    @property
    def n_parameters(self) -> int:
        """Number P of parameters: weights, biases, and one slope for each hidden PReLU layer."""
        slopes = len(self.layers) - 1 if self.activation == "prelu" else 0
        return slopes + sum(layer.rows * (layer.n_in + 1) for layer in self.layers)

    @property
    def n_preactivations(self) -> int:
        """Number of hidden pre-activations."""
        return sum(layer.rows for layer in self.layers[:-1])

    @property
    def drops(self) -> bool:
        """Whether there is dropout."""
        return self.input_dropout > 0 or self.hidden_dropout > 0


@suggest_options
@dataclass(frozen=True)
class ModelSpec:
    """A recipe for a multilayer perceptron; inputs and outputs come from the tasks.

    Parameters
    ----------
    hidden : tuple of int
        Sizes of the hidden layers of the reference, a network with one pre-activation per unit.
    activation : str
        relu, abs, leaky_relu, prelu (one trained slope per layer), hardtanh, maxout, lwta
        (local winner takes all), elu, gelu, sigmoid or tanh.
    pieces : int
        Pre-activations of a maxout unit or of a block of local winners, 2 to 5; others ignore it.
    slope : float, optional
        Of leaky_relu (default 0.01), or initial slope of prelu (default 0.25).
    input_dropout, hidden_dropout : float
        Probabilities in [0, 1); `ModelSpec.with_dropout` sets the usual 0.2 and 0.5.
    max_norm : float, optional
        Largest length of the weight vector into a unit. Without it there is no limit but that of
        `train_sequence` with its default learning rate.
    matching : {"none", "parameters", "preactivations", "outputs"}
        What is kept equal to the reference when units look at several pre-activations.
        "none" takes `hidden` as numbers of units and claims nothing.
    heads : {"single", "multi"}
        One set of outputs for all tasks, or one for each.
    initialiser : str
        A scheme of `plnet.networks.initialise`; "default" is that of `torch.nn.Linear`.

    Raises
    ------
    ConfigError
        If an option is unknown or impossible.

    Examples
    --------
    >>> from plnet.forgetting.models.spec import ModelSpec
    >>> spec = ModelSpec((100, 100), "maxout", matching="preactivations")
    >>> sizes = spec.resolve(64, 10)
    >>> sizes.layers[0]
    Layer(n_in=64, rows=100, n_out=50)
    >>> sizes.match.split(";")[0]
    'preactivations matched: 200 hidden pre-activations, as the reference 64-100-100-10 has'
    """

    hidden: tuple[int, ...] = (100, 100)
    activation: str = "relu"
    pieces: int = 2
    slope: float | None = None
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    max_norm: float | None = None
    matching: Matching = "none"
    heads: Literal["single", "multi"] = "single"
    initialiser: str = "default"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", _sizes("hidden", self.hidden))
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("matching", self.matching, _MATCHINGS)
        check_choice("heads", self.heads, ("single", "multi"))
        if not _is_integer(self.pieces) or not 2 <= self.pieces <= 5:
            raise ConfigError(f"Expected pieces to be an integer from 2 to 5, got {self.pieces!r}.")
        if self.slope is not None and self.activation not in _SLOPES:
            raise ConfigError(
                f"The activation {self.activation!r} has no slope (got {self.slope!r}); it belongs to "
                f"{' and '.join(_SLOPES)}."
            )
        for name in ("input_dropout", "hidden_dropout"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < 1:
                raise ConfigError(f"Expected {name} to be a probability in [0, 1), got {value!r}.")
        if self.max_norm is not None and not (
            isinstance(self.max_norm, int | float) and 0 < self.max_norm < np.inf
        ):
            raise ConfigError(f"Expected max_norm to be a positive number, got {self.max_norm!r}.")

    def with_dropout(self, inputs: float = 0.2, hidden: float = 0.5) -> ModelSpec:
        """Return the same model with dropout.

        References
        ----------
        Goodfellow, Mirza, Xiao, Courville and Bengio (2013), "An empirical investigation of
        catastrophic forgetting in gradient-based neural networks": 0.2 and 0.5.
        """
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return ModelSpec(**{**values, "input_dropout": inputs, "hidden_dropout": hidden})

    @property
    def group(self) -> int:
        """Pre-activations that compete: `pieces` for maxout and local winners, 1 otherwise."""
        return self.pieces if self.activation in GROUPED else 1

    def resolve(self, n_inputs: int, n_outputs: int) -> Architecture:
        """Return all sizes for tasks with these inputs and outputs.

        Raises
        ------
        ConfigError
            If a block of local winners does not divide its layer and no matching may round.
        """
        ends = _sizes("inputs and outputs", (n_inputs, n_outputs))
        hidden = self._matched(*ends)
        widths = (ends[0], *hidden, ends[1])
        rows_per_unit = self.pieces if self.activation == "maxout" else 1
        layers = [Layer(n_in, n_out * rows_per_unit, n_out) for n_in, n_out in pairwise(widths[:-1])]
        layers.append(Layer(widths[-2], widths[-1], widths[-1]))
        slope = _SLOPES.get(self.activation, 0.0) if self.slope is None else float(self.slope)
        found = Architecture(
            self.activation,
            self.group,
            slope,
            tuple(layers),
            float(self.input_dropout),
            float(self.hidden_dropout),
            None if self.max_norm is None else float(self.max_norm),
            self.initialiser,
        )
        return Architecture(
            **{**{f: getattr(found, f) for f in found.__dataclass_fields__}, "match": self._words(found)}
        )

    def _matched(self, n_inputs: int, n_outputs: int) -> tuple[int, ...]:
        """Return the numbers of units behind the activation of each hidden layer."""
        block = self.pieces if self.activation == "lwta" else 1
        if self.matching == "none":
            wrong = [size for size in self.hidden if size % block]
            if wrong:
                raise ConfigError(
                    f"Expected hidden sizes divisible by the {block} units of a block of local winners, got "
                    f"{self.hidden}. Take {wrong[0] // block * block + block} for {wrong[0]}, or a matching."
                )
            return self.hidden
        if self.matching == "outputs" or (self.matching == "preactivations" and block > 1):
            return tuple(_round(size, block) for size in self.hidden)
        if self.matching == "preactivations":
            return tuple(_round(size / self.group, 1) for size in self.hidden)
        reference = self._count((n_inputs, *self.hidden, n_outputs), 1)
        rows = self.pieces if self.activation == "maxout" else 1

        def candidate(first: int) -> tuple[int, ...]:
            return tuple(_round(size * first / self.hidden[0], block) for size in self.hidden)

        return min(
            (candidate(first) for first in range(1, self.hidden[0] + block + 1)),
            key=lambda units: abs(self._count((n_inputs, *units, n_outputs), rows) - reference),
        )

    def _count(self, widths: Sequence[int], rows: int) -> int:
        hidden = sum(rows * n_out * (n_in + 1) for n_in, n_out in pairwise(widths[:-1]))
        return hidden + widths[-1] * (widths[-2] + 1)

    def _words(self, found: Architecture) -> str:
        widths = (found.n_inputs, *self.hidden, found.n_outputs)
        reference = "-".join(map(str, widths))
        outputs = sum(layer.n_out for layer in found.layers[:-1])
        counts = {
            "parameters": (found.n_parameters, self._count(widths, 1), "parameters"),
            "preactivations": (found.n_preactivations, sum(self.hidden), "hidden pre-activations"),
            "outputs": (outputs, sum(self.hidden), "hidden outputs"),
        }
        if self.matching == "none":
            return (
                f"not matched: {found.n_parameters:,} parameters, {found.n_preactivations:,} hidden "
                f"pre-activations, {outputs:,} hidden outputs"
            )
        ours, theirs, name = counts[self.matching]
        same = (
            f"{ours:,} {name}, as the reference {reference} has"
            if ours == theirs
            else f"{ours:,} {name} against {theirs:,} of the reference {reference}"
        )
        other = "preactivations" if self.matching == "parameters" else "parameters"
        ours, theirs, name = counts[other]
        return f"{self.matching} matched: {same}; {name} {ours:,} against {theirs:,}"


def _round(size: float, block: int) -> int:
    """Return the nearest positive multiple of a block; halves go up."""
    return max(1, int(size / block + 0.5)) * block


def _sizes(name: str, values: Any) -> tuple[int, ...]:
    sizes = (values,) if _is_integer(values) else tuple(values) if isinstance(values, Sequence) else ()
    if not sizes or isinstance(values, str) or not all(_is_integer(size) and size > 0 for size in sizes):
        raise ConfigError(f"Expected {name} as positive integers, one for each layer, got {values!r}.")
    return tuple(int(size) for size in sizes)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
