"""Numbers in sentences."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, word: str) -> str:
    """Return a number with its word, which gets an s unless the number is 1: "1 piece", "2 pieces"."""
    return f"{number} {word}{'' if number == 1 else 's'}"
