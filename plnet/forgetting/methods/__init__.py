"""Methods against forgetting, each with the same four hooks; `method` makes one from its name."""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.forgetting.methods.agem import AGEM
    from plnet.forgetting.methods.base import Batch, Method, Step, TaskContext, TaskData, overrides
    from plnet.forgetting.methods.ewc import EWC, OnlineEWC
    from plnet.forgetting.methods.fisher import fisher_diagonal
    from plnet.forgetting.methods.joint import Joint
    from plnet.forgetting.methods.l2 import L2
    from plnet.forgetting.methods.lwf import LwF
    from plnet.forgetting.methods.plain import Plain
    from plnet.forgetting.methods.registry import method, method_names
    from plnet.forgetting.methods.replay import ERACE, Replay
    from plnet.forgetting.methods.si import SynapticIntelligence

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
    "AGEM": "agem",
    "Batch": "base",
    "ERACE": "replay",
    "EWC": "ewc",
    "Joint": "joint",
    "L2": "l2",
    "LwF": "lwf",
    "Method": "base",
    "OnlineEWC": "ewc",
    "Plain": "plain",
    "Replay": "replay",
    "Step": "base",
    "SynapticIntelligence": "si",
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
