"""Methods by their names."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from plnet.checks import did_you_mean
from plnet.errors import ConfigError
from plnet.forgetting.methods.agem import AGEM
from plnet.forgetting.methods.base import Method
from plnet.forgetting.methods.ewc import EWC, OnlineEWC
from plnet.forgetting.methods.joint import Joint
from plnet.forgetting.methods.l2 import L2
from plnet.forgetting.methods.lwf import LwF
from plnet.forgetting.methods.plain import Plain
from plnet.forgetting.methods.replay import ERACE, Replay
from plnet.forgetting.methods.si import SynapticIntelligence

__all__ = ["method", "method_names"]

_CLASSES = {
    found.name: found
    for found in (Plain, Joint, L2, EWC, OnlineEWC, SynapticIntelligence, LwF, Replay, AGEM, ERACE)
}


def method_names() -> tuple[str, ...]:
    """Return the names that `method` knows."""
    return tuple(_CLASSES)


def method(name: str | Method, **settings: Any) -> Method:
    """Return a method from its name and settings.

    Parameters
    ----------
    name : str or Method
        One of `method_names`. A method is returned as it is, and then takes no settings.
    **settings
        Fields of the method's class; the others keep their defaults.

    Returns
    -------
    Method

    Raises
    ------
    ConfigError
        If the name or a setting is unknown, or a value is impossible.

    Examples
    --------
    >>> from plnet.forgetting.methods import method
    >>> method("ewc", strength=50.0).strength
    50.0
    """
    if isinstance(name, Method):
        if settings:
            raise ConfigError(
                f"The method {name.name!r} is made already and takes no settings; got {', '.join(settings)}. "
                f"Give them to {type(name).__name__}(...), or name the method as text."
            )
        return name
    if name not in _CLASSES:
        raise ConfigError(
            f"Expected a method among {', '.join(_CLASSES)}; got {name!r}.{did_you_mean(name, _CLASSES)}"
        )
    known = [part.name for part in fields(_CLASSES[name])]
    unknown = [key for key in settings if key not in known]
    if unknown:
        listed = f"has the settings {', '.join(known)}" if known else "has no settings"
        raise ConfigError(
            f"The method {name!r} {listed}; got {unknown[0]!r}.{did_you_mean(unknown[0], known)}"
        )
    return _CLASSES[name](**settings)
