"""Metrics of sequences of tasks: pure functions of an accuracy matrix, each named after its definition.

Names like "forgetting" and "backward transfer" mean different numbers in different programs, so each
function names its source. A matrix has the shape (T + 1, T), or (S, T + 1, T) for S replicates; row 0 is
before training.
"""

from plnet.forgetting.metrics.backward import (
    backward_transfer_and_interference_riemer,
    backward_transfer_diaz_rodriguez,
    backward_transfer_gem_code,
    backward_transfer_lopez_paz,
    positive_backward_transfer_diaz_rodriguez,
    remembering_diaz_rodriguez,
)
from plnet.forgetting.metrics.catalogue import METRICS, Metric
from plnet.forgetting.metrics.diaz_rodriguez import (
    accuracy_diaz_rodriguez,
    cl_score,
    cl_stability,
    computational_efficiency,
    model_size_efficiency,
    samples_storage_size_efficiency,
)
from plnet.forgetting.metrics.final import (
    average_accuracy,
    average_accuracy_after,
    average_incremental_accuracy,
    intransigence_chaudhry,
    learning_accuracy,
)
from plnet.forgetting.metrics.forward import (
    forward_transfer_diaz_rodriguez,
    forward_transfer_gem_code,
    forward_transfer_lopez_paz,
    forward_transfer_without_baseline,
)
from plnet.forgetting.metrics.kemker import omega_all_kemker, omega_base_kemker, omega_new_kemker
from plnet.forgetting.metrics.losses import forgetting_avalanche, forgetting_chaudhry, forgetting_mammoth
from plnet.forgetting.metrics.matrix import with_initial_row
from plnet.forgetting.metrics.relearning import relearning_ratio, savings_ebbinghaus, time_to_criterion
from plnet.forgetting.metrics.samples import (
    activation_dot_product,
    activation_overlap_french,
    forgetting_events_toneva,
    pairwise_interference,
    unforgettable_toneva,
)
from plnet.forgetting.metrics.worst_case import min_acc, min_acc_at_task_ends, wc_acc, wc_acc_at_task_ends
from plnet.lazy import lazy_names

__all__ = [
    "METRICS",
    "Metric",
    "accuracy_diaz_rodriguez",
    "activation_dot_product",
    "activation_overlap_french",
    "average_accuracy",
    "average_accuracy_after",
    "average_incremental_accuracy",
    "backward_transfer_and_interference_riemer",
    "backward_transfer_diaz_rodriguez",
    "backward_transfer_gem_code",
    "backward_transfer_lopez_paz",
    "cl_score",
    "cl_stability",
    "computational_efficiency",
    "forgetting_avalanche",
    "forgetting_chaudhry",
    "forgetting_events_toneva",
    "forgetting_mammoth",
    "forward_transfer_diaz_rodriguez",
    "forward_transfer_gem_code",
    "forward_transfer_lopez_paz",
    "forward_transfer_without_baseline",
    "intransigence_chaudhry",
    "learning_accuracy",
    "min_acc",
    "min_acc_at_task_ends",
    "model_size_efficiency",
    "omega_all_kemker",
    "omega_base_kemker",
    "omega_new_kemker",
    "pairwise_interference",
    "positive_backward_transfer_diaz_rodriguez",
    "relearning_ratio",
    "remembering_diaz_rodriguez",
    "samples_storage_size_efficiency",
    "savings_ebbinghaus",
    "time_to_criterion",
    "unforgettable_toneva",
    "wc_acc",
    "wc_acc_at_task_ends",
    "with_initial_row",
]

__getattr__ = lazy_names(__name__, {})
