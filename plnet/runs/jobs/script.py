"""The scripts of all jobs: each names its configuration and its job, and the rest is here."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig

from plnet.runs.config.folder import config_dir
from plnet.runs.config.program import quiet_loading
from plnet.runs.config.schemas import register_schemas
from plnet.runs.config.user_errors import one_line_errors

if TYPE_CHECKING:
    from plnet.runs.jobs.recording import Job

__all__ = ["script_of"]


def script_of(config_name: str) -> Callable[[Callable[[], Job]], Callable[[], Any]]:
    """Return a decorator that makes the main function of a script from a function that returns its job.

    Parameters
    ----------
    config_name : str
        A file in the folder of configurations, without suffix.
    """
    with quiet_loading():
        register_schemas()

    def decorate(job: Callable[[], Job]) -> Callable[[], Any]:
        # With the name and the module of `job`, Hydra finds the script, and a worker the function.
        @hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=config_name)
        @one_line_errors
        @functools.wraps(job)
        def main(config: DictConfig) -> None:
            from plnet.runs.jobs.recording import run_job

            sys.stdout.write(f"{run_job(config, job())}\n")

        return main

    return decorate
