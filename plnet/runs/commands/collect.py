"""``scripts/collect_runs.py`` and ``plnet collect``: the results of many runs as one table."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from plnet.errors import ConfigError
from plnet.runs.store.layout import FAILED, FINISHED
from plnet.runs.table.files import require_pyarrow, write_constants, write_csv, write_parquet
from plnet.runs.table.table import RunTable, load

__all__ = ["run_collect"]

_TEXT = """\
One row for each run: job, key, status, the entries of the configuration that vary, the metrics, seconds,
error and folder. Entries that all runs share go to TABLE.constants.json, with what could not be read.

It may be called at any time, also while a sweep runs. A run is finished, running, failed (see the column
error and traceback.txt in its folder), interrupted (Ctrl-C), abandoned (its process is gone), unreadable or
newer (written by a newer version of plnet). Take only rows that are finished for a result."""

_EXAMPLES = """\
EXAMPLES
  All runs below runs/, as table.csv and table.constants.json:
    {0}
  The runs of one script, also as Parquet, which keeps types (needs the extra plnet[tables]):
    {0} runs --job count_regions --output results/regions.csv --parquet
  Runs of two machines, finished ones only:
    {0} runs cluster/runs --status finished --output both.csv

In Python: table = plnet.runs.load("runs"); table["regions"]; table.where(status="finished", seed=0).
The exit code is 0 if a table was written, 1 if not."""

_SHOWN = 10


def run_collect(words: Sequence[str], program: str = "collect_runs.py") -> int:
    """Write the table, and return the exit code.

    Parameters
    ----------
    words : sequence of str
        The command line.
    program : str
        Its name, for the help.

    Raises
    ------
    PLNetError
        If there are no runs, or the table cannot be written.
    """
    options = _parser(program).parse_args(list(words))
    if options.output.suffix != ".csv":
        raise ConfigError(
            f"Expected --output to be the name of a CSV file, as table.csv; got {options.output}."
        )
    if options.parquet:
        require_pyarrow()
    table = load(*options.paths, job=options.job, all_config=options.all_config)
    for problem in table.problems[:_SHOWN]:
        sys.stderr.write(f"Note: {problem}\n")
    if len(table.problems) > _SHOWN:
        sys.stderr.write(f"Note: {len(table.problems) - _SHOWN} more are in the file of constants.\n")
    if not len(table):
        what = f" of {options.job}" if options.job else ""
        raise ConfigError(
            f"There are no runs{what} in {', '.join(map(str, options.paths))}. "
            "Runs are below paths.runs, as runs/; each has a file status.json."
        )
    if options.status:
        table = _with_status(table, options.status)
    places = [
        write_csv(table, options.output),
        write_constants(table, options.output.with_suffix(".constants.json")),
    ]
    if options.parquet:
        places.append(write_parquet(table, options.output.with_suffix(".parquet")))
    sys.stdout.write(_summary(table, places))
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description=f"Collect the results of many runs into one table.\n\n{_TEXT}",
        epilog=_EXAMPLES.format(program if program.startswith("plnet") else f"python scripts/{program}"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        type=Path,
        default=[Path("runs")],
        help="run folders, or folders above them (runs)",
    )
    add(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("table.csv"),
        help="the CSV file (table.csv)",
    )
    add("--parquet", action="store_true", help="also a Parquet file beside it")
    add("--job", metavar="NAME", help="only runs of this script, as count_regions")
    add("--status", action="append", metavar="STATUS", help="only runs with this status; may be repeated")
    add("--all-config", action="store_true", help="also columns for what only says where and how fast")
    return parser


def _with_status(table: RunTable, wanted: list[str]) -> RunTable:
    chosen = table.where(status=set(wanted))
    if not len(chosen):
        raise ConfigError(f"No run is {' or '.join(wanted)}. There are {_counts(table)}.")
    return chosen


def _counts(table: RunTable) -> str:
    counts = Counter(table["status"].tolist())
    order = sorted(counts, key=lambda name: (name != FINISHED, name != FAILED, name))
    return ", ".join(f"{counts[name]} {name}" for name in order)


def _summary(table: RunTable, places: list[Path]) -> str:
    varying = ", ".join(table.config_columns) or "no entry of the configuration"
    return (
        f"{len(table)} runs: {_counts(table)}.\nVarying: {varying}.\n"
        + "\n".join(f"Written: {place}" for place in places)
        + "\n"
    )
