"""What a user sees when a script cannot go on: one message, no traceback."""

from __future__ import annotations

import functools
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode

from plnet.errors import PLNetError
from plnet.runs.config.hydra_messages import short_messages
from plnet.runs.config.program import STOPPED, ends_with_its_reader, wants_tracebacks

__all__ = ["errors_end_the_launch", "one_line_errors", "run_script"]

logger = logging.getLogger(__name__)


def one_line_errors(main: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the main function of a script so that errors of the user and Ctrl-C end it with one message.

    The exit code is 1 for an error and 130 for Ctrl-C, which also stops a sweep. With
    HYDRA_FULL_ERROR=1 both pass through with their traceback.
    """

    @functools.wraps(main)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return main(*args, **kwargs)
        except PLNetError as error:
            if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
                # Hydra reports only the first failed job of a sweep, and only at its end.
                logger.error("%s", error)
            raise CompactHydraException(str(error)) from error
        except KeyboardInterrupt as error:
            if wants_tracebacks():
                raise
            logger.warning("%s", str(error) or "Stopped by Ctrl-C.")
            raise SystemExit(130) from None

    return wrapped


@contextmanager
def errors_end_the_launch() -> Iterator[None]:
    """End the process with one line at an error of the user in a callback of Hydra.

    Hydra turns exceptions of a callback into warnings; only an exit gets through.

    Raises
    ------
    SystemExit
        With the line.
    """
    try:
        yield
    except PLNetError as error:
        raise SystemExit(traceback.format_exc() if wants_tracebacks() else str(error)) from None


def run_script(main: Callable[[], Any]) -> None:
    """Run a script; a wrong command line, and Ctrl-C before its job starts, end it with one line too."""
    try:
        with ends_with_its_reader(), short_messages():
            main()
    except KeyboardInterrupt:
        if wants_tracebacks():
            raise
        sys.stderr.write(STOPPED)
        raise SystemExit(130) from None
