"""Errors a user can meet, all subclasses of `PLNetError`.

Each message says what was expected, what came, and what to do.
"""

from typing import Any

__all__ = [
    "ConfigError",
    "DimensionError",
    "DomainError",
    "EngineError",
    "FileFormatError",
    "IncompleteResultError",
    "IngestError",
    "LockLostError",
    "MetricError",
    "MissingExtraError",
    "NetworkError",
    "NotConvexError",
    "NotPiecewiseLinearError",
    "OutOfMemoryError",
    "OutputError",
    "PLNetError",
    "TargetError",
    "TaskError",
    "UnboundedDomainError",
    "UnknownOptionError",
    "UnsupportedLayerError",
]


class PLNetError(ValueError):
    """Root of all errors that plnet raises on purpose."""


class NetworkError(PLNetError):
    """A network cannot be used: not finite, shapes that do not fit, an empty layer."""


class IngestError(PLNetError):
    """A torch module cannot be turned into a piecewise-linear network."""


class NotPiecewiseLinearError(IngestError):
    """A module is smooth, so it has no linear regions."""


class UnsupportedLayerError(IngestError):
    """A module or function has no handler, or the control flow depends on the data."""


class DimensionError(PLNetError):
    """An input, a domain or an engine has the wrong dimension."""


class DomainError(PLNetError):
    """A domain is empty, flat, not finite, or has parallel directions."""


class UnboundedDomainError(DomainError):
    """An unbounded domain was given to something that needs a bounded one."""


class EngineError(PLNetError):
    """An engine is unknown, or cannot do what was asked."""


class OutOfMemoryError(PLNetError, MemoryError):
    """A computation needs more memory than there is."""


class IncompleteResultError(PLNetError):
    """A result that is known only in part was used as if it were whole."""


class FileFormatError(PLNetError):
    """A file is corrupt, of a newer schema, or not a file of ours."""


class OutputError(PLNetError):
    """A result cannot be written: the folder is missing, read-only or full."""


class LockLostError(OutputError):
    """Another process took a run over, so this one must not write its results."""


class ConfigError(PLNetError):
    """A configuration is missing or says something impossible."""


class UnknownOptionError(ConfigError, TypeError):
    """A function was called with a keyword argument that it does not have; the message names the nearest."""


class TaskError(PLNetError):
    """The data of a task, or a sequence of tasks, cannot be used."""


class MetricError(PLNetError):
    """Numbers that a metric or a statistic needs are missing, of the wrong shape or impossible."""


class MissingExtraError(PLNetError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class TargetError(PLNetError):
    """A function or samples to approximate cannot be used."""


class NotConvexError(TargetError):
    """A function that has to be convex is not; the message says where, and so does `witness` if known."""

    def __init__(self, message: str, witness: Any = None) -> None:
        super().__init__(message)
        self.witness = witness
