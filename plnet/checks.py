"""What users write, compared with what there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

from plnet.errors import ConfigError

__all__ = ["check_labels", "close_matches", "enough_memory"]

_FEW_LABELS = 1000
"""Labels below this are plausible for any number of samples."""

_MANY = 10**9
"""Where a layer is as wide as this, whatever stops torch is a matter of size."""


def close_matches(word: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Return the known word that is most like a misspelt one, in a list, or an empty list.

    Parameters
    ----------
    word : str
    known : iterable of str
    cutoff : float
        In [0, 1]; how alike the words must be, where 1 is equal but for small and capital letters.

    Examples
    --------
    >>> close_matches("Relu", ["relu", "elu"])
    ['relu']
    """
    spelt: dict[str, str] = {}
    for name in known:
        spelt.setdefault(name.casefold(), name)
    return [spelt[name] for name in get_close_matches(word.casefold(), spelt, n=1, cutoff=cutoff)]


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
