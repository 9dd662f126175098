"""Methods against forgetting, each with the same four hooks; `method` makes one from its name."""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.forgetting.methods.averaged_gem import AGEM
    from plnet.forgetting.methods.base import Batch, Method, Step, TaskContext, TaskData, overrides
    from plnet.forgetting.methods.distillation import LwF
    from plnet.forgetting.methods.elastic import EWC, OnlineEWC
    from plnet.forgetting.methods.fisher import fisher_diagonal
    from plnet.forgetting.methods.joint import Joint
    from plnet.forgetting.methods.plain import Plain
    from plnet.forgetting.methods.previous_weights import L2
    from plnet.forgetting.methods.registry import method, method_names
    from plnet.forgetting.methods.replay import ERACE, Replay
    from plnet.forgetting.methods.synaptic import SynapticIntelligence

__all__ = [
    "AGEM",
    "ERACE",
    "EWC",
    "L2",
    "Batch",
    "Joint",
    "LwF",
    "Method",
    "OnlineEWC",
    "Plain",
    "Replay",
    "Step",
    "SynapticIntelligence",
    "TaskContext",
    "TaskData",
    "fisher_diagonal",
    "method",
    "method_names",
    "overrides",
]

_HOMES = {
    "AGEM": "averaged_gem",
    "Batch": "base",
    "ERACE": "replay",
    "EWC": "elastic",
    "Joint": "joint",
    "L2": "previous_weights",
    "LwF": "distillation",
    "Method": "base",
    "OnlineEWC": "elastic",
    "Plain": "plain",
    "Replay": "replay",
    "Step": "base",
    "SynapticIntelligence": "synaptic",
    "TaskContext": "base",
    "TaskData": "base",
    "fisher_diagonal": "fisher",
    "method": "registry",
    "method_names": "registry",
    "overrides": "base",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
