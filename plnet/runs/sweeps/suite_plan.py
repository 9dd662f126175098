"""Experiments: sweeps with a question, each a file ``experiment/<name>/<size>.yaml`` of the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf.errors import OmegaConfBaseException

from plnet.checks import did_you_mean
from plnet.errors import ConfigError
from plnet.runs.config.folder import config_dir
from plnet.runs.config.hydra_messages import explain
from plnet.runs.config.schemas import register_schemas
from plnet.runs.sweeps.launch_sweep import check_sweep

__all__ = ["Experiment", "choose_experiments", "find_experiments", "sweep_arguments", "sweep_runs"]

_HEADER = re.compile(r"^# (Question|Script): *(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Experiment:
    """A sweep with a question.

    Parameters
    ----------
    name, size : str
        As in ``experiment=<name>/<size>``.
    question, script : str
        From the lines ``# Question:`` and ``# Script:`` at the head of the file; empty where there are none.
    folder : Path
        The folder of configuration files that it is in.
    """

    name: str
    size: str
    question: str
    script: str
    folder: Path

    @property
    def choice(self) -> str:
        """What comes behind ``experiment=``."""
        return f"{self.name}/{self.size}"


def find_experiments(own: str | Path | None = None) -> list[Experiment]:
    """Return all experiments, by name and size.

    Parameters
    ----------
    own : str or Path, optional
        A folder of the user's, as for ``--config-dir``.

    Raises
    ------
    ConfigError
        If that folder does not exist, or has an experiment of the same name as plnet: Hydra would take that
        of plnet.
    """
    if own is not None and not Path(own).is_dir():
        raise ConfigError(f"Expected --config-dir to be a folder, and {own} is none.")
    found = {}
    for folder in (config_dir(), *([] if own is None else [Path(own).absolute()])):
        for path in sorted(folder.joinpath("experiment").glob("*/*.yaml")):
            head = dict(_HEADER.findall(path.read_text(encoding="utf-8")))
            name, size = path.parent.name, path.stem
            if (name, size) in found:
                raise ConfigError(
                    f"plnet has an experiment {name}/{size} too. Give yours another name: {path}."
                )
            question, script = head.get("Question", ""), head.get("Script", "")
            found[name, size] = Experiment(name, size, question, script.removesuffix(".py"), folder)
    return [found[key] for key in sorted(found)]


def choose_experiments(names: Iterable[str], size: str, known: Sequence[Experiment]) -> list[Experiment]:
    """Return the experiments of given names, which may bring their own size as ``depth/paper``.

    Raises
    ------
    ConfigError
        If there is no such experiment; close names are told.
    """
    by_choice = {experiment.choice: experiment for experiment in known}
    chosen = {}
    for name in names:
        choice = name if "/" in name else f"{name}/{size}"
        if choice not in by_choice:
            hint = did_you_mean(choice, by_choice, "{}")
            raise ConfigError(f"There is no experiment {choice}.{hint} There are: {', '.join(by_choice)}.")
        chosen[choice] = by_choice[choice]
    return list(chosen.values())


def sweep_arguments(
    experiment: Experiment, overrides: Sequence[str], own: str | Path | None = None
) -> list[str]:
    """Return the arguments with which the script of an experiment makes its sweep."""
    folder = [] if own is None else ["--config-dir", str(own)]
    return ["--multirun", *folder, f"experiment={experiment.choice}", *overrides]


def sweep_runs(experiment: Experiment, overrides: Sequence[str]) -> int:
    """Compose the sweep of an experiment without starting it, and return its number of runs.

    Raises
    ------
    ConfigError
        If the file names no script, or cannot be composed, or its sweep would not do what it says.
    """
    if not experiment.script:
        raise ConfigError(
            f"The file of the experiment {experiment.choice} names no script. "
            "Write a line such as `# Script: count_regions` at its head."
        )
    register_schemas()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            loader = GlobalHydra.instance().config_loader()
            where = [] if experiment.folder == config_dir() else [_search_path(experiment.folder)]
            config = loader.load_configuration(
                config_name=experiment.script,
                overrides=[*where, f"experiment={experiment.choice}", *overrides],
                run_mode=RunMode.MULTIRUN,
            )
            return check_sweep(config, loader)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(
            f"The experiment {experiment.choice} cannot be composed: {_words(error)}"
        ) from error


def _words(error: BaseException) -> str:
    text = f"{error} {error.__cause__ or ''}".strip()
    known = explain(error)
    if known is not None:
        return known
    null = re.search(r"field '(hydra\.sweeper\.params\.\S+)' is not Optional", text)
    if null is not None:
        return f"{null[1]} is null. Write it in quotes: 'null', or 'null,8' for a sweep over null and 8."
    return re.sub(r"\n *(full_key|reference_type|object_type)[:=].*", "", text)


def _search_path(folder: Path) -> str:
    quoted = str(folder).replace("\\", "/").replace("'", "\\'")
    return f"hydra.searchpath=['file://{quoted}']"
