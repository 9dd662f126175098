"""The lock of a run folder: one owner at a time, also when owners are killed, suspended or far away."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from plnet.errors import LockLostError, OutputError
from plnet.runs.store import lock as locks
from plnet.runs.store import lock_owner
from plnet.runs.store.lock import LockRecord, RunLock, is_locked, read_lock, take_lock, wait_for
from plnet.runs.store.lock_owner import Owner, is_alive, this_process

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def python(code, *arguments):
    """Start a process that runs `code`; it says a line when it is ready."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


HOLD = """
import sys, time
from plnet.runs.store.lock import take_lock
lock = take_lock(sys.argv[1])
print(type(lock).__name__, flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Let another process hold the lock of the folder."""
    process = python(HOLD, tmp_path)
    assert process.stdout.readline().strip() == "RunLock"
    yield process
    process.kill()
    process.communicate()


def forge(folder, *, age=0.0, **changes):
    """Write a lock as some other process would have written it."""
    place = folder / ".lock"
    place.mkdir(exist_ok=True)
    record = locks._content(1)
    record.update(changes)
    path = place / "1.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    os.utime(path, (time.time() - age,) * 2)
    return path


# One owner


def test_take_hold_release(tmp_path):
    assert read_lock(tmp_path) is None
    with take_lock(tmp_path) as lock:
        assert isinstance(lock, RunLock)
        assert lock.held()
        record = read_lock(tmp_path)
        assert record.live
        assert record.owner == this_process()
        second = take_lock(tmp_path)
        assert isinstance(second, LockRecord)
        assert f"process {os.getpid()}" in second.words()
    assert not lock.held()
    assert not is_locked(tmp_path)
    assert read_lock(tmp_path).released
    with take_lock(tmp_path) as again:
        assert again.number == lock.number + 1
        assert again.stale is None
        lock.release()  # A second time, by somebody who no longer has it.
        assert again.held()
    assert len(list((tmp_path / ".lock").iterdir())) == 1


def test_another_process_holds(tmp_path, holder):
    found = take_lock(tmp_path)
    assert isinstance(found, LockRecord)
    assert found.owner.process == holder.pid


@POSIX
def test_killed_owner_is_known_at_once(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    # Not waited for: the process stays in the table as a zombie.
    deadline = time.monotonic() + 10
    while is_locked(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.005)
    with take_lock(tmp_path) as lock:
        assert lock.stale.owner.process == holder.pid


@POSIX
def test_stopped_owner_keeps_its_lock(tmp_path, holder):
    os.kill(holder.pid, signal.SIGSTOP)
    os.utime(tmp_path / ".lock" / "1.json", (time.time() - 1e5,) * 2)
    assert isinstance(take_lock(tmp_path), LockRecord), "it is there, and may go on at any moment"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times come from /proc here")
def test_recycled_process_id(tmp_path):
    forge(tmp_path, process_started="1")
    assert isinstance(take_lock(tmp_path), RunLock)


def test_process_that_is_gone(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    forge(tmp_path, process=int(done.stdout))
    assert isinstance(take_lock(tmp_path), RunLock)


def test_without_start_times_the_heartbeat_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_owner, "_start_time", lambda process: None)
    monkeypatch.setattr(lock_owner, "_stat_fields", lambda process: [])
    assert is_alive(this_process()) is None
    forge(tmp_path, age=10)
    assert is_locked(tmp_path)
    forge(tmp_path, age=1000)
    assert not is_locked(tmp_path)


@pytest.mark.parametrize("field", ["machine", "namespace"])
def test_elsewhere_the_heartbeat_decides(tmp_path, field):
    owner = replace(this_process(), **{field: "elsewhere"})
    assert is_alive(owner) is None
    forge(tmp_path, age=locks.STALE_SECONDS - 20, **{field: "elsewhere"})
    assert isinstance(take_lock(tmp_path), LockRecord)
    forge(tmp_path, age=locks.STALE_SECONDS + 20, **{field: "elsewhere"})
    assert isinstance(take_lock(tmp_path), RunLock)


def test_clock_of_this_host_does_not_matter(tmp_path, monkeypatch):
    forge(tmp_path, machine="elsewhere")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert is_locked(tmp_path)


def test_heartbeat_is_seen(tmp_path):
    lock = take_lock(tmp_path, heartbeat_seconds=0.05)
    path = tmp_path / ".lock" / "1.json"
    os.utime(path, (2e9 - 1e9, 2e9 - 1e9))
    deadline = time.monotonic() + 10
    while path.stat().st_mtime < 1.5e9 and time.monotonic() < deadline:
        time.sleep(0.02)
    lock.release()
    assert not lock._thread.is_alive()
    time.sleep(0.12)
    assert path.stat().st_mtime == 0, "no heartbeat behind the release"


@POSIX
def test_children_do_not_keep_the_lock(tmp_path):
    code = HOLD.replace("time.sleep(600)", "") + (
        "import os, subprocess\n"
        "child = os.fork()\n"
        "if child == 0:\n    lock.release(); time.sleep(600)\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "other = subprocess.Popen(sleep, stdout=subprocess.DEVNULL)\n"
        "print(child, other.pid, lock.held(), flush=True)\n"
        "time.sleep(600)\n"
    )
    process = python(code, tmp_path)
    assert process.stdout.readline().strip() == "RunLock"
    *children, held = process.stdout.readline().split()
    try:
        assert held == "True"
        assert is_locked(tmp_path), "a forked child cannot give back what is not its own"
        process.kill()
        process.wait()
        assert isinstance(take_lock(tmp_path), RunLock)
    finally:
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        process.communicate()


# Taking over


def test_owner_that_was_taken_over_notices(tmp_path):
    old = take_lock(tmp_path, heartbeat_seconds=600)
    old.require()
    path = tmp_path / ".lock" / "1.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "machine": "elsewhere"}), encoding="utf-8")
    os.utime(path, (time.time() - 1e5,) * 2)
    new = take_lock(tmp_path)
    assert isinstance(new, RunLock)
    assert not old.held()
    with pytest.raises(LockLostError, match=rf"taken over by process {os.getpid()}"):
        old.require()
    old.release()
    assert new.held()
    new.release()


def test_folder_that_was_removed(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with take_lock(folder) as lock:
        for path in (*folder.joinpath(".lock").iterdir(), folder / ".lock", folder):
            path.unlink() if path.is_file() else path.rmdir()
        with pytest.raises(LockLostError, match="removed"):
            lock.require()


def test_late_taker_loses(tmp_path, monkeypatch):
    """A taker that is suspended between look and file finds its number free again, and a higher one."""
    forge(tmp_path, machine="elsewhere", age=1e5)
    whole, others = locks._create, []

    def late(path, content):
        monkeypatch.setattr(locks, "_create", whole)
        take_lock(tmp_path).release()
        others.append(take_lock(tmp_path))
        return whole(path, content)

    monkeypatch.setattr(locks, "_create", late)
    found = take_lock(tmp_path)
    assert isinstance(found, LockRecord)
    assert found.number == others[0].number == 3
    assert others[0].held()
    assert {path.name for path in (tmp_path / ".lock").iterdir()} == {"3.json"}
    others[0].release()


@pytest.mark.parametrize("links", [True, False])
def test_of_many_exactly_one_takes_over(tmp_path, monkeypatch, links):
    if not links:

        def refuse(*_):
            raise OSError("no hard links here")

        monkeypatch.setattr(os, "link", refuse)
    n = 12
    for turn in range(20):
        folder = tmp_path / str(turn)
        folder.mkdir()
        forge(folder, process_started="1", machine="elsewhere", age=1e5)
        start = threading.Barrier(n)

        def launch(_, folder=folder, start=start):
            start.wait()
            return take_lock(folder)

        with ThreadPoolExecutor(n) as pool:
            found = list(pool.map(launch, range(n)))
        winners = [lock for lock in found if isinstance(lock, RunLock)]
        assert len(winners) == 1
        assert winners[0].held()
        winners[0].release()


RACE = """
import os, random, sys, time
from pathlib import Path
from plnet.runs.store.lock import RunLock, take_lock
folder, seed, turns = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng, got = random.Random(seed), 0
print("ready", flush=True)
while not (folder / "go").exists():
    time.sleep(0.001)
while got < turns:
    lock = take_lock(folder)
    if not isinstance(lock, RunLock):
        time.sleep(0.0005)
        continue
    got += 1
    inside = os.open(folder / "inside", os.O_CREAT | os.O_EXCL)  # Two at once would end here.
    os.close(inside)
    if rng.random() < 0.3:
        time.sleep(rng.random() * 0.003)
    os.unlink(folder / "inside")
    if rng.random() < 0.1 and got == turns:
        os._exit(0)  # Without giving it back.
    lock.release()
print("done", got, flush=True)
os._exit(0)
"""


def test_many_processes_are_never_two_at_once(tmp_path):
    processes = [python(RACE, tmp_path, seed, 25) for seed in range(6)]
    for process in processes:
        assert process.stdout.readline().strip() == "ready"
    (tmp_path / "go").touch()
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert read_lock(tmp_path).number >= 6 * 25


def test_waiting_ends_with_the_lock(tmp_path):
    lock = take_lock(tmp_path)
    timer = threading.Timer(0.2, lock.release)
    timer.start()
    with wait_for(tmp_path) as mine:
        assert mine.held()
        assert mine.number == 2
    timer.join()


# Odd files


@pytest.mark.parametrize("content", [b"", b'{"host": "x"', b"[]", b'{"schema": 9, "what": 1}', b"\xff\xfe"])
def test_lock_that_cannot_be_read_holds_while_it_is_touched(tmp_path, content):
    path = forge(tmp_path)
    path.write_bytes(content)
    found = take_lock(tmp_path)
    assert isinstance(found, LockRecord)
    assert "cannot be named" in found.words()
    os.utime(path, (time.time() - 1000,) * 2)
    assert isinstance(take_lock(tmp_path), RunLock)


def test_folder_that_cannot_be_locked(tmp_path):
    tmp_path.joinpath(".lock").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="Cannot lock"):
        take_lock(tmp_path)


def test_full_disk(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="No space left"):
        take_lock(tmp_path)
    assert read_lock(tmp_path) is None


def test_release_needs_no_room(tmp_path, monkeypatch):
    lock = take_lock(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(os, "open", full)
    lock.release()
    assert not is_locked(tmp_path)


def test_rests_of_killed_processes_are_removed(tmp_path):
    path = forge(tmp_path, process_started="1")
    for name, age in ((".new-0011", 1e5), (".now-0022", 1e5), (".new-0033", 0)):
        rest = path.with_name(name)
        rest.write_text("", encoding="utf-8")
        os.utime(rest, (time.time() - age,) * 2)
    with take_lock(tmp_path):
        assert {item.name for item in path.parent.iterdir()} == {"2.json", ".new-0033"}


def test_owner_is_this_process():
    owner = this_process()
    assert owner.process == os.getpid()
    assert is_alive(owner) is True
    assert is_alive(Owner(owner.host, owner.machine, owner.namespace, -1, "")) is False
