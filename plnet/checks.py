"""What users write, compared with what there is."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, TypeVar

from plnet.errors import ConfigError, UnknownOptionError

__all__ = ["check_choice", "check_labels", "closest", "did_you_mean", "enough_memory", "suggest_options"]

Target = TypeVar("Target", bound=Callable[..., Any])

_ALIKE = 0.5
"""How alike two words must be for one to be meant by the other; 1 is equal."""

_MEANT = {
    "bs": ("batch_size",),
    "lr": ("learning_rate",),
    "n_epochs": ("epochs",),
    "random_state": ("rng", "seeds", "seed"),
    "seed": ("seeds", "rng", "fixed_seed"),
    "seeds": ("seed", "rng"),
    "time_limit": ("max_seconds",),
    "timeout": ("max_seconds",),
    "verbose": ("progress",),
    "wd": ("weight_decay",),
}
"""What other libraries call an option, and names that it may have here."""

_FEW_LABELS = 1000
"""Labels below this are plausible for any number of samples."""

_MANY = 10**9
"""Where a layer is as wide as this, whatever stops torch is a matter of size."""


def closest(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that was meant by a misspelt one, or None where no word is near.

    Small and capital letters are alike. Of options, the names of other libraries count as near.

    Examples
    --------
    >>> closest("Relu", ["relu", "elu"]), closest("lr", ["epochs", "learning_rate"])
    ('relu', 'learning_rate')
    """
    spelt: dict[str, str] = {}
    for name in known:
        spelt.setdefault(name.casefold(), name)
    meant = [name for name in _MEANT.get(str(word), ()) if name in spelt]
    near = meant or get_close_matches(str(word).casefold(), spelt, n=1, cutoff=_ALIKE)
    return spelt[near[0]] if near else None


def did_you_mean(word: object, known: Iterable[str], form: str = "{!r}") -> str:
    """Return " Did you mean ...?" with the closest known word in a form; nothing where no word is near.

    Examples
    --------
    >>> did_you_mean("epoch", ["epochs"]), did_you_mean("x", [])
    (" Did you mean 'epochs'?", '')
    """
    near = closest(word, known)
    return "" if near is None else f" Did you mean {form.format(near)}?"


def check_choice(what: str, value: Any, choices: Iterable[str], kind: type[Exception] = ConfigError) -> str:
    """Return `value` if it is one of the choices.

    Raises
    ------
    Exception
        Of the given kind, with all choices and the closest one.
    """
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    raise kind(f"Expected {what} to be one of {', '.join(known)}; got {value!r}.{did_you_mean(value, known)}")


def suggest_options(target: Target) -> Target:
    """Decorate a function or a class, so that an unknown keyword argument raises `UnknownOptionError`.

    Examples
    --------
    >>> from plnet.checks import suggest_options
    >>> @suggest_options
    ... def train(*, learning_rate=0.1):
    ...     return learning_rate
    >>> try:
    ...     train(lr=0.5)
    ... except TypeError as error:
    ...     print(error)
    train has no option 'lr'. Did you mean learning_rate? There are learning_rate.
    """
    call: Any = target.__init__ if isinstance(target, type) else target
    kinds = {name: entry.kind for name, entry in inspect.signature(target).parameters.items()}
    known = [name for name, kind in kinds.items() if kind in (kind.POSITIONAL_OR_KEYWORD, kind.KEYWORD_ONLY)]

    @functools.wraps(call)
    def checked(*args: Any, **options: Any) -> Any:
        for name in options:
            if name not in known:
                hint = did_you_mean(name, known, "{}")
                raise UnknownOptionError(
                    f"{target.__name__} has no option {name!r}.{hint} There are {', '.join(known)}."
                )
        return call(*args, **options)

    if isinstance(target, type):
        target.__init__ = checked
        return target  # type: ignore[return-value]
    return checked  # type: ignore[return-value]


def check_labels(largest: int, n_samples: int, where: str, kind: type[Exception]) -> None:
    """Refuse labels that are no classes 0, 1, 2, ...: a network gets an output for each up to the largest.

    Parameters
    ----------
    largest : int
    n_samples : int
    where : str
        Names the labels in the message.
    kind : type of Exception

    Raises
    ------
    Exception
        Of the given kind, if there are far more classes than samples.
    """
    if largest >= max(_FEW_LABELS, n_samples):
        raise kind(
            f"The largest label in {where} is {largest}, which would take {largest + 1} outputs for "
            f"{n_samples} samples. Number the classes 0, 1, 2, ... without gaps; "
            "numpy.unique(y, return_inverse=True)[1] does so."
        )


@contextmanager
def enough_memory(sizes: Sequence[int], pieces: int = 1) -> Iterator[None]:
    """Say in words that the layers made inside do not fit into memory; torch has several errors for it.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of units in each hidden layer, and of outputs.
    pieces : int
        Of a maxout unit.

    Raises
    ------
    ConfigError
    """
    try:
        yield
    except (RuntimeError, MemoryError, TypeError, OverflowError) as error:
        if max(*sizes, pieces) < _MANY and not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        raise ConfigError(
            f"Layers of the sizes {', '.join(map(str, sizes))} do not fit into memory. "
            "Take smaller widths, or fewer pieces."
        ) from error
