"""Unknown keyword arguments end with the name that was meant, and not with a bare `TypeError`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from plnet.checks import close_matches
from plnet.errors import UnknownOptionError

__all__ = ["suggest_options", "suggestion"]

Target = TypeVar("Target", bound=Callable[..., Any])

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


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return " Did you mean ...?" with the option that was meant; nothing where no name is near.

    Examples
    --------
    >>> from plnet.suggestions import suggestion
    >>> suggestion("lr", ["epochs", "learning_rate"]), suggestion("epoch", ["epochs"]), suggestion("x", [])
    (' Did you mean learning_rate?', ' Did you mean epochs?', '')
    """
    meant = [other for other in _MEANT.get(name, ()) if other in known]
    near = meant or close_matches(name, known, cutoff=0.4)
    return f" Did you mean {near[0]}?" if near else ""


def suggest_options(target: Target) -> Target:
    """Decorate a function or a class, so that an unknown keyword argument raises `UnknownOptionError`.

    Examples
    --------
    >>> from plnet.suggestions import suggest_options
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
                raise UnknownOptionError(
                    f"{target.__name__} has no option {name!r}.{suggestion(name, known)} "
                    f"There are {', '.join(known)}."
                )
        return call(*args, **options)

    if isinstance(target, type):
        target.__init__ = checked
        return target  # type: ignore[return-value]
    return checked  # type: ignore[return-value]
