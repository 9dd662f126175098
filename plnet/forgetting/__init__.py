"""Catastrophic forgetting: tasks one after another, methods, a trainer for many models at once, metrics.

Names are loaded on first use; the metrics need no torch.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.forgetting import metrics, statistics
    from plnet.forgetting.batches import TaskBatch, stack_tasks
    from plnet.forgetting.comparison import Comparison, compare_results
    from plnet.forgetting.curves import AccuracyCurves
    from plnet.forgetting.data import load_data
    from plnet.forgetting.data_files import from_idx, from_npz
    from plnet.forgetting.failures import Failures
    from plnet.forgetting.frontier import convex_frontier, frontier_points, pareto_front
    from plnet.forgetting.labelled_data import LabelledData, labelled
    from plnet.forgetting.methods.registry import method, method_names
    from plnet.forgetting.models import ModelSpec
    from plnet.forgetting.projecting import project
    from plnet.forgetting.recipes import task_sequence
    from plnet.forgetting.result import SequenceResult
    from plnet.forgetting.samples import Samples
    from plnet.forgetting.search import SettingsSearch, method_grid, search_settings
    from plnet.forgetting.sequence import train_sequence, train_settings
    from plnet.forgetting.summary import SequenceMetrics
    from plnet.forgetting.task import Task, TaskSequence, multi_head
    from plnet.forgetting.tasks_classes import split
    from plnet.forgetting.tasks_images import rotated, shifted
    from plnet.forgetting.tasks_inputs import permuted, shuffled_labels
    from plnet.forgetting.tasks_pairs import dissimilar_pair, reformatted_pair, similar_pair
    from plnet.forgetting.tasks_plane import plane

__all__ = [
    "AccuracyCurves",
    "Comparison",
    "Failures",
    "LabelledData",
    "ModelSpec",
    "Samples",
    "SequenceMetrics",
    "SequenceResult",
    "SettingsSearch",
    "Task",
    "TaskBatch",
    "TaskSequence",
    "compare_results",
    "convex_frontier",
    "dissimilar_pair",
    "from_idx",
    "from_npz",
    "frontier_points",
    "labelled",
    "load_data",
    "method",
    "method_grid",
    "method_names",
    "metrics",
    "multi_head",
    "pareto_front",
    "permuted",
    "plane",
    "project",
    "reformatted_pair",
    "rotated",
    "search_settings",
    "shifted",
    "shuffled_labels",
    "similar_pair",
    "split",
    "stack_tasks",
    "statistics",
    "task_sequence",
    "train_sequence",
    "train_settings",
]

_HOMES = {
    "AccuracyCurves": "curves",
    "Comparison": "comparison",
    "Failures": "failures",
    "LabelledData": "labelled_data",
    "ModelSpec": "models",
    "Samples": "samples",
    "SettingsSearch": "search",
    "SequenceMetrics": "summary",
    "SequenceResult": "result",
    "Task": "task",
    "TaskBatch": "batches",
    "TaskSequence": "task",
    "compare_results": "comparison",
    "convex_frontier": "frontier",
    "dissimilar_pair": "tasks_pairs",
    "from_idx": "data_files",
    "from_npz": "data_files",
    "frontier_points": "frontier",
    "labelled": "labelled_data",
    "load_data": "data",
    "method": "methods.registry",
    "method_grid": "search",
    "method_names": "methods.registry",
    "metrics": "",
    "multi_head": "task",
    "pareto_front": "frontier",
    "permuted": "tasks_inputs",
    "plane": "tasks_plane",
    "project": "projecting",
    "reformatted_pair": "tasks_pairs",
    "rotated": "tasks_images",
    "search_settings": "search",
    "shifted": "tasks_images",
    "shuffled_labels": "tasks_inputs",
    "similar_pair": "tasks_pairs",
    "split": "tasks_classes",
    "stack_tasks": "batches",
    "statistics": "",
    "task_sequence": "recipes",
    "train_sequence": "sequence",
    "train_settings": "sequence",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
