"""Plain training: one task after another, with nothing done against forgetting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from plnet.forgetting.methods.base import Method

__all__ = ["Plain"]


@dataclass(frozen=True)
class Plain(Method):
    """Train on each task in turn with no remedy; the floor that other methods are compared with.

    Examples
    --------
    >>> from plnet.forgetting.methods.plain import Plain
    >>> Plain().name
    'plain'
    """

    name: ClassVar[str] = "plain"
