"""Catastrophic forgetting: tasks one after another, methods, a trainer for many models at once, metrics.

Names are loaded on first use; the metrics need no torch.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.forgetting import metrics, statistics
    from plnet.forgetting.data.files import from_idx, from_npz
    from plnet.forgetting.data.labelled_data import LabelledData, labelled
    from plnet.forgetting.data.load import load_data
    from plnet.forgetting.data.samples import Samples
    from plnet.forgetting.methods.registry import method, method_names
    from plnet.forgetting.models.spec import ModelSpec
    from plnet.forgetting.results.comparison import Comparison, compare_results
    from plnet.forgetting.results.curves import AccuracyCurves
    from plnet.forgetting.results.failures import Failures
    from plnet.forgetting.results.frontier import convex_frontier, frontier_points, pareto_front
    from plnet.forgetting.results.result import SequenceResult
    from plnet.forgetting.results.summary import SequenceMetrics
    from plnet.forgetting.tasks.batches import TaskBatch, stack_tasks
    from plnet.forgetting.tasks.classes import split
    from plnet.forgetting.tasks.images import rotated, shifted
    from plnet.forgetting.tasks.inputs import permuted, shuffled_labels
    from plnet.forgetting.tasks.pairs import dissimilar_pair, reformatted_pair, similar_pair
    from plnet.forgetting.tasks.plane import plane
    from plnet.forgetting.tasks.projecting import project
    from plnet.forgetting.tasks.recipes import task_sequence
    from plnet.forgetting.tasks.task import Task, TaskSequence, multi_head
    from plnet.forgetting.training.search import SettingsSearch, method_grid, search_settings
    from plnet.forgetting.training.sequence import train_sequence, train_settings

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
    "AccuracyCurves": "results.curves",
    "Comparison": "results.comparison",
    "Failures": "results.failures",
    "LabelledData": "data.labelled_data",
    "ModelSpec": "models.spec",
    "Samples": "data.samples",
    "SettingsSearch": "training.search",
    "SequenceMetrics": "results.summary",
    "SequenceResult": "results.result",
    "Task": "tasks.task",
    "TaskBatch": "tasks.batches",
    "TaskSequence": "tasks.task",
    "compare_results": "results.comparison",
    "convex_frontier": "results.frontier",
    "dissimilar_pair": "tasks.pairs",
    "from_idx": "data.files",
    "from_npz": "data.files",
    "frontier_points": "results.frontier",
    "labelled": "data.labelled_data",
    "load_data": "data.load",
    "method": "methods.registry",
    "method_grid": "training.search",
    "method_names": "methods.registry",
    "metrics": "",
    "multi_head": "tasks.task",
    "pareto_front": "results.frontier",
    "permuted": "tasks.inputs",
    "plane": "tasks.plane",
    "project": "tasks.projecting",
    "reformatted_pair": "tasks.pairs",
    "rotated": "tasks.images",
    "search_settings": "training.search",
    "shifted": "tasks.images",
    "shuffled_labels": "tasks.inputs",
    "similar_pair": "tasks.pairs",
    "split": "tasks.classes",
    "stack_tasks": "tasks.batches",
    "statistics": "",
    "task_sequence": "tasks.recipes",
    "train_sequence": "training.sequence",
    "train_settings": "training.sequence",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
