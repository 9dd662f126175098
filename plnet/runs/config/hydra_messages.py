"""What Hydra says about a command line that it cannot use, in one line that tells what to write instead."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hydra._internal import utils as hydra_utils
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException, ValidationError

from plnet.checks import closest, did_you_mean
from plnet.runs.config.folder import config_dir
from plnet.runs.config.program import wants_tracebacks

__all__ = ["explain", "lost_worker", "short_messages"]

# Options that only the YAML files extend.
_HIDDEN = "base_"
# Errors of joblib and submitit, by name because the packages are optional.
_LOST = {
    "TerminatedWorkerError": "a worker was killed, perhaps for want of memory; take fewer launch.jobs",
    "BrokenProcessPool": "a worker was killed or could not start",
    "UncompletedJobError": "a job ended without a result, perhaps at its limit of time or memory",
    "FailedJobError": "a job failed outside of its run",
    "FailedSubmissionError": "Slurm did not take the jobs",
}


@contextmanager
def short_messages() -> Iterator[None]:
    """Replace what Hydra prints about a wrong command line; with HYDRA_FULL_ERROR=1 nothing changes."""
    original: Callable[[Any], Any] = hydra_utils.run_and_report

    def report(func: Callable[[], Any]) -> Any:
        if wants_tracebacks():
            return original(func)
        try:
            return func()
        except BrokenPipeError:
            raise  # Nobody reads the output any more, which is no error of the script.
        except Exception as error:
            known = isinstance(error, HydraException | OmegaConfBaseException)
            message = explain(error) if known else lost_worker(error)
            caught = error
        if message is None:
            return original(lambda: _raise(caught))
        sys.stderr.write(message + "\n")
        raise SystemExit(1)

    hydra_utils.run_and_report = report
    try:
        yield
    finally:
        hydra_utils.run_and_report = original


def explain(error: BaseException) -> str | None:
    """Return one line for an error of Hydra about the command line; None for any other."""
    text = str(error)
    cause = error.__cause__
    if isinstance(cause, ConfigAttributeError | ConfigKeyError) and "Could not override" in text:
        return _unknown_key(text, cause)
    if isinstance(cause, ValidationError) and (found := re.search(r"Error merging override (.*)", text)):
        reason = re.sub(r"type '(\w+)'", r"type \1", str(cause).splitlines()[0]).rstrip(".")
        return f"{found[1]} does not fit: {reason[0].lower()}{reason[1:]}."
    if found := re.search(r"Could not find '(.+)/([^/']*)'", text):
        return _unknown_option(found[1], found[2], text)
    if found := re.search(r"Could not append to config\. An item is already at '(.+)'", text):
        return f"{found[1]} is there already. Leave out the +: {found[1]}=..."
    if found := re.search(r"Ambiguous value for argument '([^=]+)=(.*)'", text):
        return (
            f"{found[1]}={found[2]} gives several values. For one run for each of them add -m; "
            f"for one list of values write {found[1]}=[{found[2]}]."
        )
    if re.search(
        r"no viable alternative|mismatched input|missing EQUAL|extraneous input|LexerNoViable", text
    ):
        return (
            f"The command line cannot be read: {' '.join(text.split('See https')[0].split())}. "
            "Write key=value, lists as 'key=[1,2]' in quotes, and no blanks around the =. "
            "A value with blanks or other signs needs quotes of its own: 'key=\"a b\"'."
        )
    return None


def lost_worker(error: BaseException) -> str | None:
    """Return what a user needs to know about an error of joblib or submitit; None for any other error.

    Examples
    --------
    >>> from plnet.runs.config.hydra_messages import lost_worker
    >>> lost_worker(ValueError("something else")) is None
    True
    """
    if type(error).__module__.split(".")[0] not in ("joblib", "loky", "submitit"):
        return None
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _LOST]
    if not names:
        return None
    detail = " ".join(str(error).split())
    return (
        f"The sweep did not end: {_LOST[names[0]]}. Start the same command again; finished runs are skipped. "
        f"It said: {detail[:400]}"
    )


def _raise(error: BaseException) -> Any:
    raise error


def _unknown_key(text: str, cause: OmegaConfBaseException) -> str:
    full = re.search(r"Could not override '([^']*)'", text)
    name = full[1] if full else str(cause.full_key)
    place, _, last = name.rpartition(".")
    parent = cause.parent_node
    known = (
        [str(key) for key in parent if not str(key).startswith("_")] if isinstance(parent, DictConfig) else []
    )
    if not place:
        known += [path.name for path in config_dir().iterdir() if path.is_dir() and path.name != "hydra"]
    where = f"{place} has no entry {last}" if place else f"There is no entry or group {last}"
    close = closest(last, sorted(known))
    if close:
        return f"{where}. Did you mean {f'{place}.{close}' if place else close}?"
    return (
        f"{where}. It has {', '.join(sorted(set(known)))}." if place else f"{where}. --help names them all."
    )


def _unknown_option(group: str, option: str, text: str) -> str:
    listed = text.split("Available options in", 1)[-1].split("Config search path", 1)[0]
    known = [line.strip() for line in listed.splitlines()[1:] if line.startswith("\t")]
    known = [name for name in known if not name.startswith(_HIDDEN)]
    hint = did_you_mean(option, known, f"{group}={{}}")
    return f"{group} has no option {option}.{hint} It has {', '.join(known)}."
