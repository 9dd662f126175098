"""What `as_network` reads, as a table made from the registry itself."""

from __future__ import annotations

from plnet.ir.handlers.table import ROWS, SupportedLayer

__all__ = ["supported_layers"]


def supported_layers() -> tuple[SupportedLayer, ...]:
    """Return what `plnet.as_network` can read: rows (kind, name, what it becomes).

    The rows come from the registry itself, so the documentation cannot promise more.
    Containers such as `torch.nn.Sequential`, and user modules made of these parts, are
    traced through.

    Examples
    --------
    >>> from plnet.ir import supported_layers
    >>> [row.becomes for row in supported_layers() if row.name == "torch.nn.ReLU"]
    ['ScalarPWL with breakpoint 0']
    """
    return tuple(
        sorted(dict.fromkeys(ROWS), key=lambda row: ("module", "function", "method").index(row.kind))
    )
