"""Refusals that several measures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plnet.errors import DimensionError, EngineError
from plnet.geometry.exact import rounded as rounded_fraction
from plnet.ir.network import PLNetwork

__all__ = ["output_weights", "require_continuous", "rounded_fraction"]


def require_continuous(network: PLNetwork, what: str) -> None:
    """Raise `EngineError` if the network can jump."""
    if not network.is_continuous:
        raise EngineError(
            f"{what} is defined for continuous networks; this one has a local-winner-takes-all layer, "
            "which jumps. Patterns, gradients, offsets and volumes of its regions are available."
        )


def output_weights(network: PLNetwork, output: int | Sequence[float] | np.ndarray | None) -> np.ndarray:
    """Return the weights (m,) of a linear combination of outputs.

    Parameters
    ----------
    network : PLNetwork
    output : int or sequence of m floats, optional
        One output, or a weight for each; may be left out where there is one output.

    Raises
    ------
    DimensionError
        If there is no such output, or the number of weights is wrong.
    """
    m = network.output_dim
    if output is None:
        if m != 1:
            raise DimensionError(
                f"The network has {m} outputs. Choose one, output=0 to {m - 1}, or give {m} weights."
            )
        return np.ones(1)
    if np.ndim(output) == 0:
        index = _index(output)
        if index is None or not 0 <= index < m:
            raise DimensionError(f"The network has outputs 0 to {m - 1}, got output={output!r}.")
        return np.eye(m)[index]
    weights = _floats(output)
    if weights is None or weights.shape != (m,):
        raise DimensionError(f"Expected {m} finite weights, one for each output, got {output!r}.")
    return weights


def _index(output: Any) -> int | None:
    whole = hasattr(output, "__index__") and not isinstance(output, bool)
    return output.__index__() if whole else None


def _floats(values: Any) -> np.ndarray | None:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() else None
