"""``scripts/run_suite.py``: one sweep for each experiment."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from plnet.errors import ConfigError, PLNetError
from plnet.runs.sweeps.suite_plan import (
    Experiment,
    choose_experiments,
    find_experiments,
    sweep_arguments,
    sweep_runs,
)
from plnet.runs.sweeps.suite_run import INTERRUPTED, SweepResult, run_sweeps

__all__ = ["run_suite"]

_TEXT = """\
Run experiments: sweeps with a question, from conf/experiment/<name>/<size>.yaml. Each is one multirun of
Hydra in a process of its own, because Hydra ignores the sweeps in the files when several are swept in one.

After a failed sweep the next ones still run. Runs that are finished are skipped, so the same command again
goes on where it was stopped; rerun=... decides what else is made again."""

_EXAMPLES = """\
EXAMPLES
  What there is, with the number of runs:
    python scripts/run_suite.py --list
  Two experiments in their tiny size, two runs at a time:
    python scripts/run_suite.py depth activations launch=local_parallel launch.jobs=2
  All experiments in the size for the paper, other seeds, on a cluster:
    python scripts/run_suite.py --all --size paper launch=slurm 'seed=range(10,20)'

Behind it: python scripts/collect_runs.py. The exit code is 0 if all sweeps finished, 1 if one failed, 2 for a
wrong command line, 130 after Ctrl-C."""


def run_suite(words: Sequence[str], scripts: str | Path) -> int:
    """Run the experiments of a command line, and return the exit code.

    Parameters
    ----------
    words : sequence of str
    scripts : str or Path
        The folder of the scripts that the experiments name.

    Raises
    ------
    PLNetError
        If an experiment does not exist.
    """
    parser = _parser()
    options = parser.parse_intermixed_args(list(words))
    overrides = [word for word in options.words if "=" in word or word.startswith("~")]
    names = [word for word in options.words if word not in overrides]
    _refuse(overrides)
    known = find_experiments(options.config_dir)
    if options.list:
        return _list(known, overrides)
    if options.all:
        names += [one.choice for one in known if one.size == options.size]
    if not names:
        parser.print_usage(sys.stderr)
        _say(
            f"Name an experiment, or --all. There are: {', '.join(one.choice for one in known)}.", sys.stderr
        )
        return 2
    chosen = choose_experiments(names, options.size, known)
    planned, broken = _plan(chosen, overrides, Path(scripts))
    commands = [
        (one.choice, _command(one, overrides, options.config_dir, Path(scripts))) for one, _ in planned
    ]
    if options.dry_run:
        for name, command in commands:
            _say(f"{name}: {shlex.join(command)}")
        return 1 if broken else 0
    counts = {one.choice: number for one, number in planned}

    def started(index: int, name: str) -> None:
        _say(f"\n[{index + 1}/{len(commands)}] {name}: {_runs(counts[name])}")

    results = run_sweeps(commands, started=started)
    _sum_up([*broken, *results], counts, words)
    if any(result.code == INTERRUPTED for result in results):
        return INTERRUPTED
    return 1 if broken or any(result.code for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_suite.py",
        usage="python scripts/run_suite.py [options] EXPERIMENT [EXPERIMENT ...] [group=option ...]",
        description=_TEXT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="EXPERIMENT",
        help="names, as depth or depth/paper; words with = are overrides that all sweeps get, as of Hydra",
    )
    parser.add_argument("--all", action="store_true", help="all experiments of this size")
    parser.add_argument("--size", default="tiny", help="the size of those named without one (tiny)")
    parser.add_argument("--list", action="store_true", help="show the experiments, and run nothing")
    parser.add_argument("--dry-run", action="store_true", help="show the commands, and run nothing")
    parser.add_argument("--config-dir", metavar="FOLDER", help="a folder with experiment/... of your own")
    return parser


def _refuse(overrides: list[str]) -> None:
    for override in overrides:
        name = override.partition("=")[0].lstrip("+~")
        if name in ("experiment", "hydra.mode") or name.startswith("hydra.sweeper"):
            raise ConfigError(
                f"{override} cannot be set here, because each experiment has its own. Leave it out."
            )


def _plan(
    chosen: list[Experiment], overrides: list[str], scripts: Path
) -> tuple[list[tuple[Experiment, int]], list[SweepResult]]:
    """Compose all sweeps before the first one starts; what cannot run is told now."""
    planned, broken = [], []
    for experiment in chosen:
        try:
            runs = sweep_runs(experiment, overrides)
            if not _script(experiment, scripts).is_file():
                raise ConfigError(
                    f"{experiment.choice} names the script {experiment.script}, which is not there."
                )
            planned.append((experiment, runs))
        except PLNetError as error:
            _say(f"{experiment.choice}: {error}", sys.stderr)
            broken.append(SweepResult(experiment.choice, 1))
    return planned, broken


def _script(experiment: Experiment, scripts: Path) -> Path:
    return scripts / f"{experiment.script}.py"


def _command(experiment: Experiment, overrides: list[str], own: str | None, scripts: Path) -> list[str]:
    return [sys.executable, str(_script(experiment, scripts)), *sweep_arguments(experiment, overrides, own)]


def _list(known: list[Experiment], overrides: list[str]) -> int:
    for experiment in known:
        try:
            runs = _runs(sweep_runs(experiment, overrides))
        except PLNetError as error:
            runs = f"cannot run: {error}"
        _say(
            f"{experiment.choice} ({runs}, {experiment.script or 'no script'}.py)\n    {experiment.question}"
        )
    return 0


def _sum_up(results: list[SweepResult], counts: dict[str, int], words: Sequence[str]) -> None:
    _say("")
    for result in results:
        runs = _runs(counts[result.name]) if result.name in counts else "not composed"
        _say(f"{result.name:<28} {runs:>9}  {result.words:<22} {result.seconds:8.1f} s")
    done = sum(result.code == 0 for result in results)
    _say(f"{done} of {len(results)} sweeps finished.")
    if done < len(results):
        again = f"python scripts/run_suite.py {shlex.join(words)}"
        _say(f"To go on, start it again; finished runs are skipped:\n  {again}")


def _runs(number: int) -> str:
    return f"{number} run{'s' if number != 1 else ''}"


def _say(text: str, stream: object = None) -> None:
    out = sys.stdout if stream is None else sys.stderr
    out.write(text + "\n")
    out.flush()
