"""Workers whose parent was killed: they end their run, and then themselves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plnet.runs.jobs.orphan import _watch, outlives_its_parent

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell that a parent is gone")

SCRIPT = """
import multiprocessing, os, sys, time
from pathlib import Path
from plnet.runs.jobs import orphan

orphan._SECONDS = 0.02

def work(folder):
    with orphan.outlives_its_parent():
        folder.joinpath("busy").write_text(str(os.getpid()))
        while folder.joinpath("hold").exists():
            time.sleep(0.01)
    folder.joinpath("idle").touch()
    time.sleep(600)  # As a worker waits for the next piece of work.

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work, args=(Path(sys.argv[1]),)).start()
    time.sleep(600)
"""


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.01)


@pytest.fixture
def family(tmp_path):
    """Start a parent with a worker that is at a run as long as the file "hold" is there."""
    script, hold, busy = tmp_path / "parent.py", tmp_path / "hold", tmp_path / "busy"
    script.write_text(SCRIPT, encoding="utf-8")
    hold.touch()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    wait_until(lambda: busy.exists() and busy.read_text())
    worker = int(busy.read_text())
    yield parent, worker, hold
    parent.kill()
    parent.wait()
    if alive(worker):
        os.kill(worker, signal.SIGKILL)


def test_an_orphan_ends_its_run_and_then_itself(family, tmp_path):
    parent, worker, hold = family
    parent.kill()
    parent.wait()
    time.sleep(0.2)
    assert alive(worker), "a run is not cut off"
    hold.unlink()
    wait_until(lambda: not alive(worker))


def test_an_idle_worker_ends_with_its_parent_and_not_before(family, tmp_path):
    parent, worker, hold = family
    hold.unlink()
    wait_until(tmp_path.joinpath("idle").exists)
    time.sleep(0.2)
    assert alive(worker)
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(worker))


def test_a_process_that_is_no_worker_watches_nobody():
    with outlives_its_parent():
        assert _watch(os.getpid()) is None
