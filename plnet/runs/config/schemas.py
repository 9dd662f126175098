"""Types of the configuration, stored as ``base_*`` for the YAML files in conf/ to extend.

A misspelt key or a word where a number belongs is then an error when the configuration is
composed, before anything runs. Fields come in the order of the constructor's arguments.
"""

from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, get_type_hints

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from plnet.runs.config.options import (
    CheckMaxoutOptions,
    CountingOptions,
    FitConvexOptions,
    LearningOptions,
    PlotOptions,
    Runtime,
)
from plnet.runs.config.plugins import register_stand_ins
from plnet.runs.config.schemas_forgetting import RunForgettingSchema

__all__ = ["register_schemas"]


@dataclass
class PerceptronSchema:
    """Arguments of `plnet.runs.jobs.count_regions.networks.perceptron`."""

    _target_: str = "plnet.runs.jobs.count_regions.networks.perceptron"
    _partial_: bool = True
    widths: list[int] = MISSING
    activation: str = "relu"
    width: int | None = None
    slope: float | None = None
    pieces: int | None = None
    bias: bool = True
    initialiser: str = "default"
    positive_bias: float | None = None
    bias_std: float | None = None
    dropout: float = 0.0
    batch_norm: bool = False


@dataclass
class CheckpointSchema:
    """Arguments of `plnet.runs.jobs.count_regions.networks.from_checkpoint`."""

    _target_: str = "plnet.runs.jobs.count_regions.networks.from_checkpoint"
    _partial_: bool = True
    path: str = MISSING
    widths: list[int] = MISSING
    activation: str = "relu"
    slope: float | None = None
    pieces: int | None = None
    bias: bool = True
    dropout: float = 0.0
    batch_norm: bool = False


@dataclass
class FactorySchema:
    """Arguments of `plnet.runs.jobs.count_regions.networks.from_factory`."""

    _target_: str = "plnet.runs.jobs.count_regions.networks.from_factory"
    _partial_: bool = True
    factory: str = MISSING
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class DigitsSchema:
    """Arguments of `plnet.runs.jobs.count_regions.data.digits`."""

    _target_: str = "plnet.runs.jobs.count_regions.data.digits"
    _partial_: bool = True
    test_fraction: float = 0.2


@dataclass
class NpzSchema:
    """Arguments of `plnet.runs.jobs.count_regions.data.from_npz`."""

    _target_: str = "plnet.runs.jobs.count_regions.data.from_npz"
    _partial_: bool = True
    path: str = MISSING
    test_fraction: float = 0.2


@dataclass
class ThroughImagesSchema:
    """Arguments of `plnet.runs.jobs.count_regions.domains.through_images`."""

    _target_: str = "plnet.runs.jobs.count_regions.domains.through_images"
    _partial_: bool = True
    n_images: int = 3
    classes: list[int] | None = None
    margin: float = 0.5


@dataclass
class BoxSchema:
    """Arguments of `plnet.runs.jobs.count_regions.domains.box`; a bound is a number or a list of numbers."""

    _target_: str = "plnet.runs.jobs.count_regions.domains.box"
    _partial_: bool = True
    low: Any = -1.0
    high: Any = 1.0


@dataclass
class TrainingSchema:
    """Arguments of `train_classifier` in the job; the optimiser is any of `torch.optim`."""

    _target_: str = "plnet.runs.jobs.count_regions.train.train_classifier"
    _partial_: bool = True
    optimiser: dict[str, Any] = MISSING
    epochs: int = 60
    batch_size: int = 32


@dataclass
class LaunchSchema:
    """How the jobs of a sweep are started; `plnet.runs.sweeps.launching` reads it."""

    name: str = MISSING
    jobs: int = 1
    local: bool = False
    devices_each: int = 0
    devices: list[int] | None = None


@dataclass
class PathsSchema:
    """Where results go."""

    outputs: str = "outputs"
    multirun: str = "multirun"
    runs: str = "runs"
    export: str | None = None
    figures: str = "paper_figures/output"


def _schema_of(name: str, options: type[Any], *groups: str) -> type[Any]:
    """Return a dataclass with the entries of frozen options, into which Hydra could not write.

    Groups are given for a whole configuration only; their options bring their own types.
    """
    hints, scope = get_type_hints(options), {"__module__": __name__, "__doc__": options.__doc__}
    entries: list[Any] = [(group, Any, MISSING) for group in groups]
    entries += [(one.name, hints[one.name], one) for one in fields(options) if one.name not in groups]
    if groups:
        entries += [("rerun", str, "failed"), ("when_locked", str, "wait")]
    return make_dataclass(name, entries, namespace=scope)


_COMMON = ("runtime", "plot", "paths", "launch")
CheckMaxoutSchema = _schema_of("CheckMaxoutSchema", CheckMaxoutOptions, "learning", *_COMMON)
EngineSchema = _schema_of("EngineSchema", CountingOptions)
FitConvexSchema = _schema_of("FitConvexSchema", FitConvexOptions, *_COMMON)
LearningSchema = _schema_of("LearningSchema", LearningOptions)
PlotSchema = _schema_of("PlotSchema", PlotOptions)
RuntimeSchema = _schema_of("RuntimeSchema", Runtime)


@dataclass
class CountRegionsSchema:
    """The whole configuration of ``count_regions.py``.

    Groups whose options differ in their fields are untyped here; each option brings its own type.
    """

    network: Any = MISSING
    data: Any = MISSING
    domain: Any = MISSING
    training: Any = MISSING
    engine: Any = MISSING
    runtime: Any = MISSING
    plot: Any = MISSING
    paths: PathsSchema = MISSING
    launch: LaunchSchema = MISSING
    seed: int = 0
    rerun: str = "failed"
    when_locked: str = "wait"


_WHOLE: dict[str, type] = {
    "base_count_regions": CountRegionsSchema,
    "base_run_forgetting": RunForgettingSchema,
    "base_check_maxout": CheckMaxoutSchema,
    "base_fit_convex": FitConvexSchema,
}
_GROUPS: dict[str, dict[str, type]] = {
    "network": {
        "base_mlp": PerceptronSchema,
        "base_checkpoint": CheckpointSchema,
        "base_factory": FactorySchema,
    },
    "data": {"base_digits": DigitsSchema, "base_npz": NpzSchema},
    "domain": {"base_through_images": ThroughImagesSchema, "base_box": BoxSchema},
    "training": {"base_training": TrainingSchema},
    "engine": {"base_engine": EngineSchema},
    "runtime": {"base_runtime": RuntimeSchema},
    "learning": {"base_learning": LearningSchema},
    "plot": {"base_plot": PlotSchema},
    "paths": {"base_paths": PathsSchema},
    "launch": {"base_launch": LaunchSchema},
}


def register_schemas() -> None:
    """Put all schemas into Hydra's store; calling it again changes nothing."""
    store = ConfigStore.instance()
    for name, node in _WHOLE.items():
        store.store(name=name, node=node)
    for group, options in _GROUPS.items():
        for name, node in options.items():
            store.store(group=group, name=name, node=node)
    register_stand_ins()
