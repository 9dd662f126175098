"""A sweep whose launcher is killed again and again: nothing is lost, nothing is made twice."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from plnet.runs.store.layout import FINISHED, read_status

pytest.importorskip("hydra_plugins.hydra_joblib_launcher")

ROOT = Path(__file__).resolve().parents[2]
N = 100

# A cheap task through the public wrapper. It notes in a journal outside the store what it does and, behind
# the moment in which a result counts, that it counts.
SCRIPT = """
import os, random, time
from dataclasses import dataclass, field
import hydra
from hydra.core.config_store import ConfigStore
from plnet.runs.store.store import Attempt
from plnet.runs.jobs.recording import Job, run_job

@dataclass
class Paths:
    runs: str = "runs"

@dataclass
class Config:
    index: int = 0
    seed: int = 0
    rerun: str = "failed"
    when_locked: str = "wait"
    journal: str = ""
    paths: Paths = field(default_factory=Paths)

ConfigStore.instance().store(name="root", node=Config)

def note(config, what):
    line = f"{config.index} {what} {os.getpid()}\\n".encode()
    descriptor = os.open(config.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)

def work(attempt, config):
    rng = random.Random(config.index)
    note(config, "start")
    attempt.folder.json("metrics.json", {"half": True})
    time.sleep(0.02 + 0.05 * rng.random())
    while os.path.exists(config.journal + ".hold"):
        time.sleep(0.01)
    attempt.folder.json("metrics.json", {"index": config.index, "value": rng.random()})

@hydra.main(version_base="1.3", config_path=None, config_name="root")
def main(config):
    result = run_job(config, Job("cheap", 1, work, str, leave_out=("journal",)))
    if result.made:
        note(config, "finished")

if __name__ == "__main__":
    main()
"""


PARALLEL = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]


def command(folder, *overrides):
    script = folder / "sweep.py"
    script.write_text(SCRIPT, encoding="utf-8")
    folders = [
        "hydra.output_subdir=null",
        f"hydra.sweep.dir={folder}/hydra-{time.monotonic_ns()}",
        f"paths.runs={folder}/runs",
    ]
    sweep = ["-m", f"journal={folder}/journal", *folders, *overrides]
    if not any(word.startswith("index=") for word in overrides):
        sweep.append(f"index=range({N})")
    return [sys.executable, str(script), *sweep]


def start(folder, *overrides):
    # A session of its own, so that killing the parent leaves its workers alone.
    # A pipe would stay open as long as an orphan lives.
    with folder.joinpath("output").open("a") as errors:
        return subprocess.Popen(
            command(folder, *overrides),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )


def end_well(process, folder):
    process.wait(timeout=200)
    assert process.returncode == 0, folder.joinpath("output").read_text(encoding="utf-8")


def journal(folder):
    path = folder / "journal"
    if not path.exists():
        return []
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()]


def table(folder):
    rows = {}
    for run in folder.joinpath("runs", "cheap").iterdir():
        assert read_status(run).status == FINISHED
        rows[run.name] = json.loads(run.joinpath("metrics.json").read_text(encoding="utf-8"))
    return rows


def alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def workers(folder):
    return {int(line[2]) for line in journal(folder)}


def busy(folder):
    """Return the living processes that are at a run."""
    newest = {int(process): what for _, what, process in journal(folder)}
    return {process for process, what in newest.items() if what == "start" and alive(process)}


def meetings(folder):
    """Return how often a launch met the lock of another one."""
    return folder.joinpath("output").read_text(encoding="utf-8").count("waiting for process")


def wait_until(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.005)


def end(processes):
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def check_journal(folder, n=N):
    """No run is started behind its result, and none while somebody else is at it who goes on."""
    events = defaultdict(list)
    for index, what, process in journal(folder):
        events[index].append((what, process))
    assert len(events) == n
    for index, found in events.items():
        results = [item for item in found if item[0] == "finished"]
        assert len(results) <= 1, f"{index} was made twice: {found}"
        if results:
            assert found[-1] == results[0], f"{index} was started behind its result: {found}"
            assert found[-2] == ("start", results[0][1]), f"{index} was made by two at once: {found}"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    process = start(folder, *PARALLEL)
    end_well(process, folder)
    check_journal(folder)
    return table(folder)


@pytest.mark.slow
@pytest.mark.hydra
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for orphans in /proc")
def test_parent_killed_three_times(tmp_path, undisturbed, rng):
    moments = random.Random(int(rng.integers(2**32)))
    hold = tmp_path / "journal.hold"
    try:
        process = start(tmp_path, *PARALLEL)
        for _ in range(3):
            goal = len(journal(tmp_path)) + moments.randint(6, 40)
            wait_until(lambda goal=goal: len(journal(tmp_path)) >= goal)
            hold.touch()  # Whoever is at a run stays at it.
            wait_until(lambda: journal(tmp_path)[-1][1] == "start")
            time.sleep(moments.random() * 0.1)
            process.kill()
            process.wait(timeout=60)
            orphans, met = busy(tmp_path), meetings(tmp_path)
            assert orphans, "no worker outlived its parent in the midst of a run, so this test tests nothing"
            process = start(tmp_path, *PARALLEL)
            wait_until(
                lambda met=met, orphans=orphans: (
                    meetings(tmp_path) > met or len(busy(tmp_path) - orphans) == 2
                )
            )
            time.sleep(0.3)
            hold.unlink()
        end_well(process, tmp_path)
        assert meetings(tmp_path), "no launch met the lock of an orphan"
        wait_until(lambda: not any(map(alive, workers(tmp_path))))
        assert len(table(tmp_path)) == N
        assert table(tmp_path) == undisturbed
        check_journal(tmp_path)
    finally:
        end([process.pid, *workers(tmp_path)])


@pytest.mark.slow
@pytest.mark.hydra
def test_two_sweeps_on_one_folder(tmp_path, undisturbed):
    n = 25
    processes = [start(tmp_path, f"index=range({n})", f"when_locked={word}") for word in ("wait", "skip")]
    for process in processes:
        end_well(process, tmp_path)
    assert table(tmp_path).items() <= undisturbed.items()
    check_journal(tmp_path, n)
    assert len(workers(tmp_path)) == 2, "both took part"
