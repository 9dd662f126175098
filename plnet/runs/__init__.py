"""Runs of experiments: their configuration, their folders and the table of their results.

Names are loaded on first use, so that reading a table of results imports neither hydra nor torch.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names
from plnet.runs.config_folder import config_dir

if TYPE_CHECKING:
    from plnet.runs.main_job import run_main_job
    from plnet.runs.outputs import RunFolder
    from plnet.runs.schemas import register_schemas
    from plnet.runs.table import RunTable, load
    from plnet.runs.user_errors import one_line_errors, run_script

__all__ = [
    "RunFolder",
    "RunTable",
    "config_dir",
    "load",
    "one_line_errors",
    "register_schemas",
    "run_main_job",
    "run_script",
]

_HOMES = {
    "RunFolder": "outputs",
    "RunTable": "table",
    "load": "table",
    "one_line_errors": "user_errors",
    "register_schemas": "schemas",
    "run_main_job": "main_job",
    "run_script": "user_errors",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
