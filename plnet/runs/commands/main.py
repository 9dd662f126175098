"""The command ``plnet``: version, environment, table of runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from plnet.checks import did_you_mean
from plnet.errors import PLNetError
from plnet.runs.config.program import STOPPED, ends_with_its_reader
from plnet.runs.store.environment import plnet_version

__all__ = ["main"]

_USAGE = """\
plnet: the theory of piecewise-linear networks, computed.

USAGE
  plnet --version
  plnet COMMAND [options]

COMMANDS
  env      versions, cores, threads, devices, folders and optional packages; for reports of bugs too
  collect  the results of many runs as one table

EXAMPLES
  plnet env
  plnet env --json > environment.json
  plnet collect runs --output table.csv

`plnet COMMAND --help` tells more. The same as `python -m plnet`. Regions are counted from Python, see
help(plnet.count_regions), or by scripts/count_regions.py.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 0, 1 after an error, 2 for a wrong command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line by default.
    """
    with ends_with_its_reader():
        return _run(list(sys.argv[1:] if arguments is None else arguments))


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_USAGE)
        return 0 if words else 2
    if words[0] in ("-V", "--version", "version"):
        sys.stdout.write(f"plnet {plnet_version()}\n")
        return 0
    if words[0] not in _COMMANDS:
        hint = did_you_mean(words[0].lstrip("-"), [*_COMMANDS, "version", "help"], "`plnet {}`")
        sys.stderr.write(
            f"plnet: there is no command `{words[0]}`.{hint} The commands are {', '.join(_COMMANDS)}; "
            "see plnet --help.\n"
        )
        return 2
    try:
        return _COMMANDS[words[0]](words[1:])
    except PLNetError as error:
        sys.stderr.write(f"plnet {words[0]}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(STOPPED)
        return 130


def _env(words: list[str]) -> int:
    from plnet.runs.commands.env import run_env

    return run_env(words)


def _collect(words: list[str]) -> int:
    from plnet.runs.commands.collect import run_collect

    return run_collect(words, program="plnet collect")


_COMMANDS: dict[str, Callable[[list[str]], int]] = {"env": _env, "collect": _collect}

if __name__ == "__main__":
    raise SystemExit(main())
