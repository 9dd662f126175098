"""Runs of experiments: their configuration, their folders and the table of their results.

Names are loaded on first use, so that reading a table of results imports neither hydra nor torch.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names
from plnet.runs.config.folder import config_dir

if TYPE_CHECKING:
    from plnet.runs.config.schemas import register_schemas
    from plnet.runs.config.user_errors import one_line_errors, run_script
    from plnet.runs.jobs.count_regions.job import run_count_regions
    from plnet.runs.jobs.recording import Job, require_same_inputs, run_job
    from plnet.runs.jobs.script import script_of
    from plnet.runs.store.outputs import RunFolder
    from plnet.runs.table.table import RunTable, load

__all__ = [
    "Job",
    "RunFolder",
    "RunTable",
    "config_dir",
    "load",
    "one_line_errors",
    "register_schemas",
    "require_same_inputs",
    "run_count_regions",
    "run_job",
    "run_script",
    "script_of",
]

_HOMES = {
    "Job": "jobs.recording",
    "RunFolder": "store.outputs",
    "RunTable": "table.table",
    "load": "table.table",
    "one_line_errors": "config.user_errors",
    "register_schemas": "config.schemas",
    "require_same_inputs": "jobs.recording",
    "run_count_regions": "jobs.count_regions.job",
    "run_job": "jobs.recording",
    "run_script": "config.user_errors",
    "script_of": "jobs.script",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
