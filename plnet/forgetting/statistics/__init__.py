"""Statistics over replicates: intervals, paired contrasts, corrections for many tests, equivalence."""

from plnet.forgetting.statistics.contrasts import (
    Contrast,
    compare_paired,
    paired_contrast,
    unpaired_contrast,
)
from plnet.forgetting.statistics.equivalence import EquivalenceTest, tost_paired
from plnet.forgetting.statistics.multiple import holm_correction
from plnet.lazy import lazy_names
from plnet.statistics import Estimate, mean_interval

__all__ = [
    "Contrast",
    "EquivalenceTest",
    "Estimate",
    "compare_paired",
    "holm_correction",
    "mean_interval",
    "paired_contrast",
    "tost_paired",
    "unpaired_contrast",
]

__getattr__ = lazy_names(__name__, {})
