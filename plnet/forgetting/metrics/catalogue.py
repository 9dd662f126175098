"""The metrics that are functions of an accuracy matrix alone, with their symbols and sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from plnet.forgetting.metrics.backward import (
    backward_transfer_and_interference_riemer,
    backward_transfer_diaz_rodriguez,
    backward_transfer_gem_code,
    backward_transfer_lopez_paz,
    positive_backward_transfer_diaz_rodriguez,
    remembering_diaz_rodriguez,
)
from plnet.forgetting.metrics.diaz_rodriguez import accuracy_diaz_rodriguez
from plnet.forgetting.metrics.final import average_accuracy, average_incremental_accuracy, learning_accuracy
from plnet.forgetting.metrics.forward import (
    forward_transfer_diaz_rodriguez,
    forward_transfer_gem_code,
    forward_transfer_lopez_paz,
    forward_transfer_without_baseline,
)
from plnet.forgetting.metrics.kemker import omega_new_kemker
from plnet.forgetting.metrics.losses import forgetting_avalanche, forgetting_chaudhry, forgetting_mammoth
from plnet.forgetting.metrics.worst_case import min_acc_at_task_ends, wc_acc_at_task_ends

__all__ = ["METRICS", "Metric"]


@dataclass(frozen=True)
class Metric:
    """A metric of an accuracy matrix.

    Parameters
    ----------
    function : callable
        From a matrix (T + 1, T) or (S, T + 1, T) to a number, or one for each replicate.
    symbol : str
        Short label for figures, which tells it from its namesakes.
    source : str
        Whose definition it is.
    larger_is_better : bool
    """

    function: Callable[[Any], Any]
    symbol: str
    source: str
    larger_is_better: bool = True

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__


_GEM = "Lopez-Paz and Ranzato 2017"
_DIAZ = "Diaz-Rodriguez et al. 2018"
_DE_LANGE = "De Lange et al. 2023, evaluated at the ends of tasks"

_ALL = (
    Metric(average_accuracy, "ACC", _GEM),
    Metric(learning_accuracy, "LA", "Riemer et al. 2019"),
    Metric(average_incremental_accuracy, "mean A_k", "Rebuffi et al. 2017"),
    Metric(backward_transfer_lopez_paz, "BWT", _GEM),
    Metric(backward_transfer_diaz_rodriguez, "BWT all pairs", _DIAZ),
    Metric(backward_transfer_gem_code, "BWT / T", f"{_GEM}, released code"),
    Metric(backward_transfer_and_interference_riemer, "BTI", "Riemer et al. 2019"),
    Metric(forward_transfer_lopez_paz, "FWT", _GEM),
    Metric(forward_transfer_gem_code, "FWT / T", f"{_GEM}, released code"),
    Metric(forward_transfer_without_baseline, "FWT without b", "continuum"),
    Metric(forward_transfer_diaz_rodriguez, "FWT all pairs", _DIAZ),
    Metric(forgetting_chaudhry, "F Chaudhry", "Chaudhry et al. 2018", larger_is_better=False),
    Metric(forgetting_mammoth, "F Mammoth", "Mammoth, PyCIL", larger_is_better=False),
    Metric(forgetting_avalanche, "F Avalanche", "Avalanche", larger_is_better=False),
    Metric(accuracy_diaz_rodriguez, "A", _DIAZ),
    Metric(remembering_diaz_rodriguez, "REM", _DIAZ),
    Metric(positive_backward_transfer_diaz_rodriguez, "BWT+", _DIAZ),
    Metric(omega_new_kemker, "Omega_new", "Kemker et al. 2018"),
    Metric(min_acc_at_task_ends, "min-ACC at ends", _DE_LANGE),
    Metric(wc_acc_at_task_ends, "WC-ACC at ends", _DE_LANGE),
)

METRICS = MappingProxyType({metric.name: metric for metric in _ALL})
"""Metric for each name, in the order of tables and figures."""
