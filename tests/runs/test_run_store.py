"""The store of runs and the wrapper around a task: what is made, what is skipped, and what is left behind."""

import errno
import hashlib
import io
import json
import logging
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from plnet.errors import ConfigError, FileFormatError, LockLostError, NetworkError, OutputError
from plnet.runs import config_dir, load, register_schemas
from plnet.runs.jobs import recording
from plnet.runs.jobs.recording import Job, require_same_inputs, run_job
from plnet.runs.store.layout import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    MISSING,
    NEWER,
    RUNNING,
    STATUS_SCHEMA,
    UNREADABLE,
    RunStatus,
    read_status,
)
from plnet.runs.store.lock import is_locked, take_lock
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.store import Attempt, Launch, RunStore, Skipped, must_run

register_schemas()

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs", "demo")


def config_of(tmp_path, x=1, **more):
    return OmegaConf.create({"x": x, "seed": 3, "paths": {"runs": str(tmp_path / "runs")}, **more})


class Task:
    """A task that counts its calls, and fails where it is told to."""

    def __init__(self):
        self.calls, self.error, self.redrawn = [], None, []

    def run(self, attempt, config):
        self.calls.append(config.x)
        attempt.folder.json("metrics.json", {"square": None})
        attempt.folder.text("old.txt" if len(self.calls) == 1 else "new.txt", "")
        if self.error is not None:
            raise self.error
        attempt.folder.json("metrics.json", {"square": config.x**2})

    def redraw(self, folder, config):
        self.redrawn.append(config.plot.color)
        folder.text("figure.txt", config.plot.color)

    def job(self, **options):
        def summary(folder):
            return f"square {json.loads((folder / 'metrics.json').read_bytes())['square']}"

        return Job("demo", 1, self.run, summary, **options)


@pytest.fixture
def task():
    return Task()


def names(folder):
    return {path.name for path in folder.iterdir()} - {".lock"}


COMPLETE = {"config.yaml", "status.json", "environment.json", "metrics.json", "demo.log"}


# The status


@pytest.mark.parametrize(
    ("content", "status", "problem"),
    [
        (None, MISSING, "There is no"),
        (b"", UNREADABLE, "half-written"),
        (b'{"schema": 1, "status": "finis', UNREADABLE, "half-written"),
        (b"\xff\xfe\x00", UNREADABLE, "cannot be read"),
        (b"[1]", UNREADABLE, "list"),
        (b'{"status": "finished"}', UNREADABLE, "schema"),
        (b'{"schema": 1, "status": "done"}', UNREADABLE, "'done'"),
        (b'{"schema": 1, "status": "finished", "attempt": "two"}', UNREADABLE, "attempt is 'two'"),
        (b"[" * 100_000, UNREADABLE, "nested too deeply"),
        (b'{"schema": 99, "status": {"new": "form"}}', NEWER, "schema 99.*Update plnet"),
    ],
)
def test_status_of_any_file_is_an_answer(tmp_path, content, status, problem):
    import re

    if content is not None:
        tmp_path.joinpath("status.json").write_bytes(content)
    found = read_status(tmp_path)
    assert found.status == status
    assert re.search(problem, found.problem)
    assert not found.known


def test_status_round_trip_and_unknown_entries(tmp_path):
    status = RunStatus(FINISHED, job="a", key="b", attempt=2, seconds=1.5, dirty=False, seed=4)
    values = json.loads(status.to_json())
    assert list(values)[:2] == ["schema", "status"]
    tmp_path.joinpath("status.json").write_text(json.dumps({**values, "later": 1}), encoding="utf-8")
    assert read_status(tmp_path) == status
    assert read_status(tmp_path / "status.json" / "below").status == MISSING


# What is made


def make(store, launch=None, end="finish", key="k"):
    attempt = store.open(key, launch or Launch("a: 1\n"))
    assert isinstance(attempt, Attempt)
    attempt.fail(ValueError("x")) if end == "fail" else getattr(attempt, end)()
    return store.folder(key)


HERE = Launch("", commit="c", dirty=False, plnet="1", code="of this process")
SAME = RunStatus(FINISHED, commit="c", dirty=False, plnet="1")


@pytest.mark.parametrize(
    ("status", "rerun"),
    [
        (RunStatus(MISSING), "never failed stale all"),
        (RunStatus(UNREADABLE), "never failed stale all"),
        (RunStatus(RUNNING), "never failed stale all"),
        (RunStatus(FAILED), "failed stale all"),
        (RunStatus(INTERRUPTED), "failed stale all"),
        (SAME, "all"),
        (replace(SAME, commit="d"), "stale all"),
        (replace(SAME, plnet="2"), "stale all"),
        (replace(SAME, dirty=True), "stale all"),
        (replace(SAME, dirty=True, code="of this process"), "all"),
        (replace(SAME, code="another"), "stale all"),
    ],
)
def test_which_runs_are_made(status, rerun):
    made = [
        word for word in ("never", "failed", "stale", "all") if must_run(status, replace(HERE, rerun=word))
    ]
    assert made == rerun.split()


def test_unknown_words_are_refused():
    with pytest.raises(ConfigError, match=r"rerun to be never, failed, stale, all; got 'always'"):
        Launch("", rerun="always")
    with pytest.raises(ConfigError, match="when_locked"):
        Launch("", when_locked="steal")


def test_life_of_a_run(store):
    attempt = store.open("k", Launch("a: 1\n", seed=5))
    folder = store.folder("k")
    assert read_status(folder).status == RUNNING
    assert is_locked(folder)
    assert folder.joinpath("config.yaml").read_text(encoding="utf-8") == "a: 1\n"
    second = store.open("k", Launch("", when_locked="skip"))
    assert isinstance(second, Skipped)
    assert second.lock.owner.process == os.getpid()
    attempt.finish()
    status = read_status(folder)
    assert (status.status, status.attempt, status.seed, status.schema) == (FINISHED, 1, 5, STATUS_SCHEMA)
    assert status.seconds >= 0
    assert status.ended >= status.started
    assert not is_locked(folder)
    assert isinstance(store.open("k", Launch("")), Skipped)


def test_waiting_for_the_other_ends_with_its_result(store):
    import threading

    attempt = store.open("k", Launch(""))
    threading.Timer(0.2, attempt.finish).start()
    found = store.open("k", Launch(""))
    assert isinstance(found, Skipped)
    assert found.status.status == FINISHED


def test_killed_run_is_made_again(store):
    attempt = store.open("k", Launch(""))
    attempt.folder.text("half.txt", "")
    attempt.abandon()  # The lock goes, as the process of a killed run goes, and the status stays.
    assert read_status(store.folder("k")).status == RUNNING
    folder = make(store, Launch("", rerun="never"))
    assert read_status(folder).attempt == 2
    assert not (folder / "half.txt").exists()


def test_newer_folder_is_refused_and_left_alone(tmp_path, task):
    folder = run_job(config_of(tmp_path), task.job()).folder
    text = folder.joinpath("status.json").read_text(encoding="utf-8").replace('"schema": 1', '"schema": 2')
    folder.joinpath("status.json").write_text(text, encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for rerun in ("never", "failed", "stale", "all"):
        with pytest.raises(FileFormatError, match=r"schema 2.*Update plnet.*paths\.runs"):
            run_job(config_of(tmp_path, rerun=rerun), task.job())
    assert before == {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert not is_locked(folder)
    assert len(task.calls) == 1


def test_half_written_status_counts_as_unfinished(tmp_path, task, caplog):
    folder = run_job(config_of(tmp_path), task.job()).folder
    path = folder / "status.json"
    path.write_bytes(path.read_bytes()[:40])
    result = run_job(config_of(tmp_path), task.job())
    assert result.made
    assert result.status.attempt == 2
    assert "half-written" in caplog.text


def test_folder_that_cannot_be_made(tmp_path, task):
    tmp_path.joinpath("runs").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match=r"Cannot make the folder.*paths\.runs"):
        run_job(config_of(tmp_path), task.job())


# The wrapper


def test_finished_run_is_skipped_and_told(tmp_path, task, caplog):
    caplog.set_level(logging.INFO)
    first = run_job(config_of(tmp_path, x=3), task.job())
    assert (first.made, str(first)) == (True, "square 9")
    assert names(first.folder) == COMPLETE | {"old.txt"}
    assert OmegaConf.load(first.folder / "config.yaml").x == 3
    caplog.clear()
    again = run_job(config_of(tmp_path, x=3.0), task.job())
    assert (again.made, str(again), again.folder) == (False, "square 9", first.folder)
    assert task.calls == [3]
    (line,) = caplog.messages
    assert "finished already" in line
    assert "rerun=all" in line


def test_redone_run_has_no_old_files(tmp_path, task):
    run_job(config_of(tmp_path), task.job())
    result = run_job(config_of(tmp_path, rerun="all"), task.job())
    assert names(result.folder) == COMPLETE | {"new.txt"}
    assert result.status.attempt == 2


def test_failed_run_keeps_its_traceback_until_it_is_redone(tmp_path, task):
    task.error = NetworkError("it went wrong")
    with pytest.raises(NetworkError):
        run_job(config_of(tmp_path), task.job())
    (folder,) = tmp_path.joinpath("runs", "demo").iterdir()
    status = read_status(folder)
    assert status.status == FAILED
    assert status.error == {"type": "NetworkError", "message": "it went wrong"}
    assert "raise self.error" in folder.joinpath("traceback.txt").read_text(encoding="utf-8")
    assert not is_locked(folder)
    stays = run_job(config_of(tmp_path, rerun="never"), task.job())
    assert "has failed" in str(stays)
    task.error = None
    result = run_job(config_of(tmp_path), task.job())
    assert result.status.status == FINISHED
    assert result.status.error is None
    assert names(folder) == COMPLETE | {"new.txt"}


def test_failed_replacement_leaves_the_old_result(tmp_path, task):
    folder = run_job(config_of(tmp_path, x=4), task.job()).folder
    task.error = RuntimeError("bad luck")
    for rerun in ("all", "failed"):
        with pytest.raises(RuntimeError):
            run_job(config_of(tmp_path, x=4, rerun=rerun), task.job())
        old = folder / ".previous"
        assert read_status(old).status == FINISHED
        assert json.loads(old.joinpath("metrics.json").read_bytes()) == {"square": 16}
    task.error = None
    run_job(config_of(tmp_path, x=4), task.job())
    assert not (folder / ".previous").exists()


def test_ctrl_c_is_interrupted(tmp_path, task):
    task.error = KeyboardInterrupt("stop")
    with pytest.raises(KeyboardInterrupt):
        run_job(config_of(tmp_path), task.job())
    (folder,) = tmp_path.joinpath("runs", "demo").iterdir()
    assert read_status(folder).status == INTERRUPTED
    assert not is_locked(folder)
    task.error = None
    assert run_job(config_of(tmp_path), task.job()).made


def test_result_counts_only_when_it_is_whole(tmp_path, task):
    seen = []

    def run(attempt, config):
        attempt.folder.json("metrics.json", {"square": 1})
        seen.append(read_status(attempt.folder.path).status)

    run_job(config_of(tmp_path), replace(task.job(), run=run))
    run_job(config_of(tmp_path, rerun="all"), replace(task.job(), run=run))
    assert seen == [RUNNING, RUNNING]


def test_lost_lock_writes_nothing_more(tmp_path, task):
    def run(attempt, config):
        attempt.folder.json("metrics.json", {"square": 0})
        # Another host finds the heartbeat too old, takes over, and finishes.
        path = attempt.folder.path / ".lock" / "1.json"
        record = json.loads(path.read_bytes())
        path.write_text(json.dumps({**record, "machine": "elsewhere"}), encoding="utf-8")
        os.utime(path, (1.5e9, 1.5e9))
        other = RunStore(tmp_path / "runs", "demo").open(attempt.status.key, Launch("a: other\n"))
        other.folder.json("metrics.json", {"square": 1})
        other.finish()
        attempt.folder.json("metrics.json", {"square": 2})

    with pytest.raises(LockLostError, match="other result counts"):
        run_job(config_of(tmp_path), replace(task.job(), run=run))
    (folder,) = tmp_path.joinpath("runs", "demo").iterdir()
    assert read_status(folder).status == FINISHED
    assert json.loads(folder.joinpath("metrics.json").read_bytes()) == {"square": 1}
    assert folder.joinpath("config.yaml").read_text(encoding="utf-8") == "a: other\n"


def test_lost_lock_at_the_last_moment(store):
    attempt = store.open("k", Launch(""))
    path = store.folder("k") / ".lock" / "1.json"
    path.rename(path.with_name("2.json"))
    with pytest.raises(LockLostError):
        attempt.finish()
    assert read_status(store.folder("k")).status == RUNNING


def test_environment_and_origin_are_recorded(tmp_path, task):
    result = run_job(config_of(tmp_path, runtime={"deterministic": True}), task.job())
    status = result.status
    assert status.launch_folder == str(Path.cwd())
    assert status.hydra_folder is None
    assert status.seed == 3
    assert status.deterministic is True
    assert status.process == os.getpid()
    environment = json.loads(result.folder.joinpath("environment.json").read_bytes())
    assert environment["plnet"] == status.plnet
    assert environment["git"] is None or environment["git"]["commit"] == status.commit


def test_log_of_a_run_is_in_its_folder(tmp_path, task):
    def run(attempt, config):
        logging.getLogger("somebody").warning("said in the run")

    quiet = replace(task.job(), run=run, summary=str)
    folder = run_job(config_of(tmp_path), quiet).folder
    logging.getLogger("somebody").warning("said behind it")
    text = folder.joinpath("demo.log").read_text(encoding="utf-8")
    assert "said in the run" in text
    assert "behind" not in text


def test_numbers_that_json_does_not_know(tmp_path):
    folder = RunFolder(tmp_path)
    values = {"x": np.float64("nan"), "curve": [1.0, math.inf], "counts": np.arange(3), "n": np.int64(2)}
    stored = json.loads(folder.json("metrics.json", values).read_bytes())
    assert stored == {"x": None, "curve": [1.0, None], "counts": [0, 1, 2], "n": 2}


# Files that a run reads


def test_file_that_changes_while_the_run_waits_gives_no_result(tmp_path):
    path = tmp_path / "data.txt"
    path.write_text("old", encoding="utf-8")

    def run(attempt, config):
        if path.read_text(encoding="utf-8") == "old":
            path.write_text("new", encoding="utf-8")
        attempt.folder.json("metrics.json", {"text": path.read_text(encoding="utf-8")})
        require_same_inputs(attempt, config, job)

    job = Job("demo", 1, run, str, input_files=("file",))
    with pytest.raises(ConfigError, match="What file names was changed after this run began"):
        run_job(config_of(tmp_path, file=str(path)), job)
    result = run_job(config_of(tmp_path, file=str(path)), job)
    assert result.made
    assert result.status.inputs["file"] == hashlib.sha256(b"new").hexdigest()
    table = load(tmp_path / "runs")
    assert dict(zip(table["file.sha256"], table["status"], strict=True)) == {
        hashlib.sha256(b"old").hexdigest()[:16]: FAILED,
        hashlib.sha256(b"new").hexdigest()[:16]: FINISHED,
    }


# Figures and copies


def test_other_plot_draws_again_without_the_task(tmp_path, task):
    job = task.job(redraw=task.redraw)
    folder = run_job(config_of(tmp_path, plot={"color": "red"}), job).folder
    for color, drawn in (("red", []), ("blue", ["blue"]), ("blue", ["blue"]), ("red", ["blue", "red"])):
        result = run_job(config_of(tmp_path, plot={"color": color}), job)
        assert not result.made
        assert task.redrawn == drawn
    run_job(config_of(tmp_path, plot=None), job)
    assert task.redrawn == ["blue", "red"]
    assert OmegaConf.load(folder / "config.yaml").plot.color == "red"
    assert len(task.calls) == 1


def test_a_figure_that_another_process_keeps_from_being_drawn_is_told(tmp_path, task, caplog):
    job = task.job(redraw=task.redraw)
    folder = run_job(config_of(tmp_path, plot={"color": "red"}), job).folder
    green = config_of(tmp_path, plot={"color": "green"}, when_locked="skip")
    with take_lock(folder):
        text = str(run_job(green, job))
    assert text.startswith("square 1\nThe figures were not drawn again: process ")
    assert text.endswith(f"works on {folder}. Start again later.")
    assert "not drawn again" in caplog.text
    assert task.redrawn == []
    run_job(green, job)
    assert task.redrawn == ["green"]


def test_a_figure_is_drawn_again_as_soon_as_another_process_is_done(tmp_path, task):
    job = task.job(redraw=task.redraw)
    folder = run_job(config_of(tmp_path, plot={"color": "red"}), job).folder
    lock = take_lock(folder)
    later = threading.Timer(0.2, lock.release)
    later.start()
    assert str(run_job(config_of(tmp_path, plot={"color": "green"}), job)) == "square 1"
    later.join()
    assert task.redrawn == ["green"]


def test_a_run_that_another_process_spoilt_is_not_drawn_again(tmp_path, task, monkeypatch):
    job = task.job(redraw=task.redraw)
    folder = run_job(config_of(tmp_path, plot={"color": "red"}), job).folder
    whole = RunStore._lock

    def spoilt(store, place, launch):
        lock = whole(store, place, launch)
        status = replace(read_status(folder), status=FAILED)
        folder.joinpath("status.json").write_text(status.to_json(), encoding="utf-8")
        return lock

    monkeypatch.setattr(RunStore, "_lock", spoilt)
    result = run_job(config_of(tmp_path, plot={"color": "green"}), job)
    assert "not drawn again: the run has failed" in str(result)
    assert task.redrawn == []
    assert not is_locked(folder)


@pytest.mark.parametrize("content", [None, b"", b'{"square": 1', b"[1]", b"\xff"])
@pytest.mark.parametrize("rerun", ["failed", "never"])
def test_a_finished_run_without_its_numbers_is_made_again(tmp_path, task, content, rerun):
    folder = run_job(config_of(tmp_path), task.job()).folder
    path = folder / "metrics.json"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    result = run_job(config_of(tmp_path, rerun=rerun), task.job())
    assert result.made
    assert str(result) == "square 1"
    assert task.calls == [1, 1]
    assert not run_job(config_of(tmp_path), task.job()).made


def test_a_job_without_numbers_is_finished_all_the_same(tmp_path):
    job = Job("demo", 1, lambda attempt, config: None, str)
    assert run_job(config_of(tmp_path), job).made
    assert not run_job(config_of(tmp_path), job).made
    assert load(tmp_path / "runs").problems == ()


def test_what_is_not_finished_is_not_exported(tmp_path, task):
    config = config_of(tmp_path, rerun="never")
    config.paths.export = str(tmp_path / "paper")
    task.error = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        run_job(config, task.job())
    result = run_job(config, task.job())
    assert result.status.status == FAILED
    assert not tmp_path.joinpath("paper").exists()


def test_export_copies_the_result(tmp_path, task):
    copy = tmp_path / "paper" / "figure"
    config = config_of(tmp_path)
    config.paths.export = str(copy)
    for _ in range(2):
        run_job(config, task.job())
        assert names(copy) == COMPLETE | {"old.txt"}
        copy.joinpath("metrics.json").unlink()
    assert len(task.calls) == 1


# Full disk


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_limit_of_file_sizes(tmp_path):
    code = """
import resource, sys
import numpy as np, torch
from omegaconf import OmegaConf
from plnet.errors import OutputError
from plnet.runs.jobs.recording import Job, run_job
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
WAYS = [
    lambda folder: folder.state_dict("w.pt", {"a": torch.zeros(50_000)}),
    lambda folder: folder.arrays("w.npz", a=np.random.default_rng(0).random(50_000)),
    lambda folder: folder.text("w.txt", 200_000 * "x"),
    lambda folder: folder.path.joinpath("own.txt").write_text(200_000 * "x"),
]
job = Job("demo", 1, lambda attempt, config: WAYS[config.way](attempt.folder), str)
for way in range(4):
    try:
        run_job(OmegaConf.create({"way": way, "paths": {"runs": sys.argv[1]}}), job)
    except OutputError as error:
        print(error)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line in lines:
        assert "a file would be larger than files may be here (File too large)" in line
        assert "Raise the limit (ulimit -f)" in line
    for folder in tmp_path.joinpath("demo").iterdir():
        assert read_status(folder).status == FAILED
        assert not any(path.name.startswith((".w", "w.")) for path in folder.iterdir())


def test_torch_tells_a_full_disk_too(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        write = no_space

    monkeypatch.setattr(os, "fdopen", lambda descriptor, mode: os.close(descriptor) or Full())
    with pytest.raises(OutputError, match=r"the disk is full \(No space left on device\)"):
        RunFolder(tmp_path).state_dict("w.pt", {"a": torch.zeros(10)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["lock", *range(8), "own", "finish"])
def test_full_disk(tmp_path, task, monkeypatch, moment):
    """Whenever the disk becomes full: a clear error, no wrong status, and what was finished stays."""
    kept = run_job(config_of(tmp_path, x=7), task.job()).folder
    before = {path: path.read_bytes() for path in kept.iterdir() if path.is_file()}
    folder = run_job(config_of(tmp_path, x=8), task.job()).folder
    opened, room, count = os.open, moment if isinstance(moment, int) else 10**6, [0]

    def open_or_full(path, flags, *arguments, **options):
        count[0] += bool(flags & os.O_CREAT)
        return (
            no_space()
            if flags & os.O_CREAT and count[0] > room
            else opened(path, flags, *arguments, **options)
        )

    def run(attempt, config):
        if moment == "own":
            no_space()  # A library writes by itself.
        task.run(attempt, config)
        if moment == "finish":
            monkeypatch.setattr(os, "open", no_space)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_or_full)
        if moment == "lock":
            patch.setattr("pathlib.Path.write_text", no_space)
        with pytest.raises(OutputError, match="No space left"):
            run_job(config_of(tmp_path, x=8, rerun="all"), replace(task.job(), run=run))
    monkeypatch.undo()
    if isinstance(moment, int):
        assert count[0] > room, "the run writes fewer files than that"
    assert before == {path: path.read_bytes() for path in kept.iterdir() if path.is_file()}
    status = read_status(folder)
    assert status.known
    old = folder if status.status == FINISHED else folder / ".previous"
    assert (status.status == FINISHED) == (moment in ("lock", 0))
    assert json.loads(old.joinpath("metrics.json").read_bytes()) == {"square": 64}
    assert not is_locked(folder)
    result = run_job(config_of(tmp_path, x=8, rerun="failed"), task.job())
    assert str(result) == "square 64"
    assert result.made == (status.status != FINISHED)


class FullStream(io.StringIO):
    write = flush = no_space


def test_log_on_a_full_disk_is_silent(tmp_path, capsys, monkeypatch):
    # Whatever other programs of this process have left there.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with recording._log_file(tmp_path / "x.log"):
        handler = logging.getLogger().handlers[-1]
        handler.stream.close()
        handler.stream = FullStream()
        logging.getLogger("somebody").warning("this line is lost")
    assert "Logging error" not in capsys.readouterr().err


def test_store_costs_less_than_20_ms_a_run(tmp_path):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("count_regions", overrides=[f"paths.runs={tmp_path}"])
    job = Job("demo", 1, lambda attempt, config: attempt.folder.json("metrics.json", {"x": 1}), str)
    seconds = []
    for seed in range(21):
        config.seed = seed
        begin = time.process_time()  # Not the time that other programs take.
        assert run_job(config, job).made
        seconds.append(time.process_time() - begin)
    assert statistics.median(seconds) < 0.02
