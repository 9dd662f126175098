"""The wrapper around the job of a script: it finds the run's folder, and writes how the run went."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from plnet.errors import ConfigError, LockLostError, OutputError, PLNetError
from plnet.io import FULL_DISK, no_room_in_words
from plnet.runs.jobs.orphan import outlives_its_parent
from plnet.runs.store.copying import copy_results
from plnet.runs.store.environment import code_version, describe_environment, plnet_version, source_of_plnet
from plnet.runs.store.inputs import code_digests, input_digests, with_inputs
from plnet.runs.store.keys import plain_config, run_key, scientific_part
from plnet.runs.store.layout import CONFIG_FILE, ENVIRONMENT_FILE, FINISHED, RunStatus
from plnet.runs.store.lock import RunLock
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt, Launch, RunStore, Skipped

__all__ = ["Job", "JobResult", "require_same_inputs", "run_job"]

logger = logging.getLogger(__name__)

_LOG_FORMAT = "[%(asctime)s][%(name)s][%(levelname)s] %(message)s"


@dataclass(frozen=True)
class Job:
    """What a script does with each configuration.

    Parameters
    ----------
    name : str
        Name of the script, and of the folder of its runs.
    schema : int
        To be raised when the meaning of its results changes: all runs are then made again.
    run : callable
        ``run(attempt, config)`` does the work and writes into ``attempt.folder``; what ``attempt.steps``
        calls done need not be repeated.
    summary : callable
        ``summary(folder)`` tells a result in plain words, from the files alone.
    redraw : callable, optional
        ``redraw(folder, config)`` draws the figures of a finished run again, from the files alone. It is
        called where only the group plot of the configuration differs.
    input_files : tuple of str
        Dotted names of entries that name a file whose content decides the result. When ``run`` has read
        them, it calls `require_same_inputs`.
    user_code : tuple of str
        Dotted names of entries ``module:attribute``. The content of the module's file counts too.
    leave_out : tuple of str
        Dotted names of further entries on which no number depends.
    code : sequence of str or Path, optional
        Files whose content decides the result too. By default the file in which ``run`` is written, unless it
        is part of plnet. They are read when the job is made; do that at the top of a script, so that the
        workers of a sweep get what was read at its start.

    Raises
    ------
    ConfigError
        If a file of ``code`` cannot be read.
    """

    name: str
    schema: int
    run: Callable[[Attempt, DictConfig], Any]
    summary: Callable[[Path], str]
    redraw: Callable[..., None] | None = None
    input_files: tuple[str, ...] = ()
    user_code: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    code: Sequence[str | Path] | None = None
    code_digests: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "code_digests", code_digests(self.run, self.code))


@dataclass(frozen=True)
class JobResult:
    """How a run ended; `str` gives the lines to print.

    Parameters
    ----------
    folder : Path
    status : RunStatus
    made : bool
        False for a result that was there before, or that another process is making.
    text : str
    """

    folder: Path
    status: RunStatus
    made: bool
    text: str

    def __str__(self) -> str:
        return self.text


def run_job(config: DictConfig, job: Job) -> JobResult:
    """Make the run of a configuration, unless its result is there.

    Parameters
    ----------
    config : DictConfig
        With the groups ``paths`` and ``runtime``, and the entries ``rerun``, ``when_locked`` and ``seed``;
        all but ``paths.runs`` may be absent.
    job : Job

    Raises
    ------
    ConfigError
        If the configuration has no key; see `plnet.runs.store.keys`.
    OutputError
        If the results cannot be written.
    FileFormatError
        If the folder of the run is of a newer version of plnet.
    Exception
        Whatever the job raises; it is written into the folder first.
    """
    with outlives_its_parent():
        return _run(config, job)


def _run(config: DictConfig, job: Job) -> JobResult:
    plain = plain_config(config)
    part = _scientific_part(plain, job)
    key = run_key(job.name, job.schema, part, job.code_digests)
    launch = _launch(config, plain, _digests(part, job))
    store = RunStore(_base() / plain["paths"]["runs"], job.name)
    opened = store.open(key, launch)
    if isinstance(opened, Attempt):
        return _exported(_make(opened, config, job), plain)
    if opened.lock is not None:
        logger.info("skipped: %s works on %s", opened.lock.words(), opened.folder)
        text = f"Skipped: another process works on {opened.folder}. Start again later to see its result."
        return JobResult(opened.folder, opened.status, False, text)
    result = _skipped(opened, job)
    if (
        result.status.status == FINISHED
        and job.redraw is not None
        and _drawn_differently(opened.folder, config)
    ):
        result = _redrawn(result, store.reopen(key, launch), config, job)
    return _exported(result, plain)


def require_same_inputs(attempt: Attempt, config: DictConfig, job: Job) -> None:
    """Raise if a file that the configuration names has another content than that which gave the run its key.

    Between the key and the reading there may be hours, in which the run waits for another process. To be
    called when the files have been read.

    Raises
    ------
    ConfigError
        Names the entries.
    """
    known = attempt.status.inputs or {}
    found = _digests(_scientific_part(plain_config(config), job), job)
    changed = sorted(name for name in {*known, *found} if known.get(name) != found.get(name))
    if changed:
        raise ConfigError(
            f"What {' and '.join(changed)} names was changed after this run began. Its folder belongs to the "
            "old content, so it gets no result. Start again: the new content makes a run of its own."
        )


def _scientific_part(plain: dict[str, Any], job: Job) -> dict[str, Any]:
    return with_inputs(scientific_part(plain, job.leave_out), job.input_files, job.user_code)


def _digests(part: dict[str, Any], job: Job) -> dict[str, str]:
    return input_digests(part, (*job.input_files, *job.user_code)) | job.code_digests


def _exported(result: JobResult, plain: dict[str, Any]) -> JobResult:
    target = plain["paths"].get("export")
    if target and result.status.status == FINISHED:
        copy_results(result.folder, _base() / target)
    return result


def _launch(config: DictConfig, plain: dict[str, Any], inputs: dict[str, str]) -> Launch:
    code = code_version() or {}
    runtime, hydra = plain.get("runtime") or {}, _hydra()
    seed = plain.get("seed")
    return Launch(
        config=OmegaConf.to_yaml(config, resolve=True),
        rerun=plain.get("rerun", "failed"),
        when_locked=plain.get("when_locked", "wait"),
        commit=code.get("commit"),
        dirty=code.get("changed"),
        plnet=plnet_version(),
        code=source_of_plnet(),
        inputs=inputs,
        launch_folder=str(_base()),
        hydra_folder=None if hydra is None else hydra.runtime.output_dir,
        seed=seed if isinstance(seed, int) else None,
        deterministic=bool(runtime.get("deterministic", False)),
    )


def _hydra() -> Any:
    return HydraConfig.get() if HydraConfig.initialized() else None


def _base() -> Path:
    """Return the folder where the script was started; relative paths begin there."""
    hydra = _hydra()
    return Path.cwd() if hydra is None else Path(hydra.runtime.cwd)


def _skipped(skipped: Skipped, job: Job) -> JobResult:
    folder, status = skipped.folder, skipped.status
    if status.status != FINISHED:
        logger.info("skipped: %s has %s; rerun=failed makes it again", folder, status.status)
        return JobResult(folder, status, False, f"Skipped: {folder} has {status.status}.")
    logger.info("skipped: finished already in %s; rerun=all makes it again", folder)
    return JobResult(folder, status, False, job.summary(folder))


def _redrawn(
    result: JobResult, reopened: tuple[RunFolder, RunLock] | Skipped, config: DictConfig, job: Job
) -> JobResult:
    """Draw the figures of a finished run with other options, or tell why not."""
    if isinstance(reopened, Skipped):
        lock, status = reopened.lock, reopened.status
        why = f"the run has {status.status}" if lock is None else f"{lock.words()} works on {result.folder}"
        logger.warning("not drawn again: %s", why)
        text = f"{result.text}\nThe figures were not drawn again: {why}. Start again later."
        return replace(result, status=status, text=text)
    logger.info("drawing again, with the new options of plot")
    place, lock = reopened
    with lock:
        assert job.redraw is not None
        job.redraw(place, config)
        place.text(CONFIG_FILE, OmegaConf.to_yaml(config, resolve=True))
    return replace(result, text=job.summary(result.folder))


def _drawn_differently(folder: Path, config: DictConfig) -> bool:
    wanted = plain_config(config).get("plot")
    if wanted is None:
        return False
    try:
        stored = OmegaConf.load(folder / CONFIG_FILE)
        return not isinstance(stored, DictConfig) or plain_config(stored).get("plot") != wanted
    except Exception:  # Whatever is wrong with that file, drawing again mends it.
        return True


def _make(attempt: Attempt, config: DictConfig, job: Job) -> JobResult:
    folder = attempt.folder.path
    with _log_file(folder / f"{job.name}.log"):
        if attempt.status.attempt > 1:
            steps = f"{len(attempt.steps)} steps are done" if len(attempt.steps) else "from the beginning"
            logger.info("attempt %d at %s: %s", attempt.status.attempt, folder, steps)
        try:
            attempt.folder.json(ENVIRONMENT_FILE, describe_environment())
            job.run(attempt, config)
        except LockLostError:
            attempt.abandon()
            raise
        except KeyboardInterrupt:
            with contextlib.suppress(OutputError):
                attempt.interrupt()
            raise
        except OSError as error:
            told = _told(error, folder)
            _fail(attempt, told)
            if told is error:
                raise
            raise told from error
        except BaseException as error:
            _fail(attempt, error)
            raise
        status = attempt.finish()
    return JobResult(folder, status, True, job.summary(folder))


def _fail(attempt: Attempt, error: BaseException) -> None:
    # On a full disk the status cannot be written either. The run then counts as cut off.
    with contextlib.suppress(OutputError):
        attempt.fail(error)


def _told(error: OSError, folder: Path) -> BaseException:
    if isinstance(error, PLNetError) or error.errno not in FULL_DISK:
        return error
    what, remedy = no_room_in_words(error)
    return OutputError(
        f"There is no room in {folder}: {what} ({error.strerror}). {remedy} and start again: what is "
        "finished is skipped."
    )


class _QuietFileHandler(logging.FileHandler):
    """A log that does without lines that cannot be written; a full disk is told where it matters."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


@contextlib.contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Copy what is logged into a file of the run."""
    try:
        handler = _QuietFileHandler(path, encoding="utf-8")
    except OSError:
        yield
        return
    handler.setFormatter(logging.Formatter(_LOG_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        with contextlib.suppress(OSError):
            handler.close()
