"""Budgets, interruptions, threads and progress: what was found stays true and consistent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers import cross, he_network, pattern_set, to_network
from reference_networks import relu_network
from sizes import few

import plnet
from plnet.budgets import TimeIsUpError
from plnet.errors import IncompleteResultError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.regions.control import Control
from plnet.regions.engines.cells import Cells
from plnet.regions.engines.line import Line
from plnet.regions.engines.rational import Rational

PATHS = os.pathsep.join([str(Path(__file__).parents[1] / "support"), str(Path(plnet.__file__).parents[1])])

NETWORK = he_network((2, 12, 12, 1), 0)
DOMAIN = plnet.Box(-1, 1)
ENGINES = [Cells(chunk=10), Rational()]


@pytest.fixture(scope="module")
def whole():
    return plnet.enumerate_regions(NETWORK, DOMAIN)


def _check_partial(found, whole):
    assert not found.complete
    assert not found.exact
    patterns = pattern_set(found.patterns)
    assert len(patterns) == len(found) < len(whole)
    assert patterns <= pattern_set(whole.patterns)
    leaves = found.leaves
    assert len(leaves.starts) == len(found) + 1
    assert len(leaves.vertices) == len(leaves.facets) == leaves.starts[-1]
    assert found.points.shape == (len(found), 2)
    assert found.volumes.shape == (len(found),)
    assert found.gradients.shape[0] == len(found)
    count = found.count()
    assert count.lower == len(found)
    assert count.upper >= len(whole)
    with pytest.raises(IncompleteResultError, match="max_regions"):
        int(count)
    with pytest.raises(IncompleteResultError, match="max_regions"):
        _ = found.adjacency


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
@pytest.mark.parametrize("jobs", [1, 2])
def test_max_regions(engine, jobs, whole):
    found = plnet.enumerate_regions(NETWORK, DOMAIN, engine=engine, max_regions=25, n_jobs=jobs)
    assert len(found) >= 25
    _check_partial(found, whole)
    count = plnet.count_regions(NETWORK, DOMAIN, engine=engine, max_regions=25, n_jobs=jobs)
    assert not count.complete
    assert not count.exact
    assert 25 <= count.lower <= len(whole) <= count.upper
    assert count != len(whole)
    with pytest.raises(IncompleteResultError):
        int(count)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
def test_max_seconds(engine, whole):
    found = plnet.enumerate_regions(NETWORK, DOMAIN, engine=engine, max_seconds=1e-9)
    _check_partial(found, whole)


def test_budget_on_a_line():
    network = he_network((1, 40, 40, 1), 1)
    whole = plnet.count_regions(network, plnet.Box(-3, 3)).count
    count = plnet.count_regions(network, plnet.Box(-3, 3), engine=Line(chunk=5), max_regions=10)
    assert 10 <= count.lower < whole <= count.upper
    assert not count.complete


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
@pytest.mark.parametrize("after", [1, 2, 5])
def test_interruption_between_chunks(engine, after, whole, monkeypatch):
    calls = []

    def spent(self, count):
        calls.append(count)
        if len(calls) == after:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(Control, "spent", spent)
    found = plnet.enumerate_regions(NETWORK, DOMAIN, engine=engine)
    _check_partial(found, whole)


LONG = """
import os, signal, sys, threading
import plnet
from helpers import he_network
network = he_network((2, *[400] * 4, 1), 0, bias=0.5)
run = plnet.count_regions if sys.argv[1] == "count" else plnet.enumerate_regions
domain = plnet.Box(-1, 1)
plnet.count_regions(he_network((2, 3, 1), 0), domain)
timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
timer.start()
found = run(network, plnet.Box(-50, 50), engine=sys.argv[2], n_jobs=int(sys.argv[3]))
assert not found.complete and not found.exact, found
if sys.argv[1] == "count":
    assert 0 <= found.lower <= found.upper
else:
    assert len(found.patterns) == len(found.volumes) == len(found.points)
    assert len({row.tobytes() for row in found.patterns}) == len(found)
print("stopped")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends a process there")
@pytest.mark.parametrize(
    "job", few(["count cells 1", "count cells 2", "enumerate cells 1", "enumerate rational 1"], 1)
)
def test_ctrl_c(job: str):
    env = {
        **os.environ,
        "PYTHONPATH": PATHS,
    }
    done = subprocess.run(
        [sys.executable, "-c", LONG, *job.split()], capture_output=True, text=True, env=env, timeout=120
    )
    assert done.stdout.strip() == "stopped", done.stderr


@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_threads_find_the_same_regions(n_jobs: int, whole):
    found = plnet.enumerate_regions(NETWORK, DOMAIN, n_jobs=n_jobs)
    assert pattern_set(found.patterns) == pattern_set(whole.patterns)
    assert len(found) == len(whole)
    assert found.exact
    assert abs(found.volumes.sum() - 4) < 1e-12
    assert plnet.count_regions(NETWORK, DOMAIN, n_jobs=n_jobs) == len(whole)


@pytest.mark.parametrize("n_jobs", [2, 3])
@pytest.mark.parametrize("domain", [plnet.Box(-1, 1), None], ids=["box", "plane"])
def test_threads_with_aborted_cells(n_jobs: int, domain):
    point = np.array([0.1, 0.3])
    rng = np.random.RandomState(0)
    weight, inner = rng.randn(8, 2), rng.randn(5, 8)
    for hidden in ([], [Affine(inner, np.zeros(5)), ScalarPWL.relu(5)]):
        layers = (Affine(np.eye(2), -point), Affine(weight, np.zeros(8)), ScalarPWL.relu(8), *hidden)
        network = PLNetwork(layers, 2)
        one = plnet.count_regions(network, domain)
        assert one.n_fallbacks > 0
        assert plnet.count_regions(network, domain, n_jobs=n_jobs) == one
        assert len(plnet.enumerate_regions(network, domain, n_jobs=n_jobs)) == one.count


def test_threads_on_one_layer_with_an_exact_split():
    layers = relu_network([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0.1, -0.3, 0]], [[1, 1, 1, 1, 0]])
    for domain in (None, plnet.Box(-1, 1), plnet.Box([0, -1], [1, 1])):
        want = plnet.count_regions(to_network(layers), domain)
        for n_jobs in (2, 5):
            assert plnet.count_regions(to_network(layers), domain, n_jobs=n_jobs) == want


def test_progress_is_reported_with_growing_numbers():
    seen: list[int] = []
    count = plnet.count_regions(NETWORK, DOMAIN, engine=Cells(chunk=10), progress=seen.append)
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[0] > 0
    assert seen[-1] <= count.count


def test_progress_bar_can_be_forced(capsys):
    assert plnet.count_regions(cross(), DOMAIN, progress=True) == 4
    assert plnet.count_regions(cross(), DOMAIN, progress=None) == 4
    capsys.readouterr()


def test_two_counts_at_once_in_threads(whole):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(plnet.count_regions(NETWORK, DOMAIN).count))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [len(whole)] * 3


MEMORY = """
import resource, sys
import plnet
from helpers import he_network
plnet.count_regions(he_network((2, 8, 8, 1), 0), plnet.Box(-1, 1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = plnet.count_regions(he_network((2, *[int(sys.argv[1])] * 3, 1), 0), plnet.Box(-1, 1))
print(count.count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_memory_of_counting_does_not_grow_with_the_regions():
    env = {
        **os.environ,
        "PYTHONPATH": PATHS,
    }
    rows = []
    for width in (48, 160):
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(width)], capture_output=True, text=True, env=env, timeout=300
        )
        rows.append([int(x) for x in done.stdout.split()])
    (few, small), (many, large) = rows
    assert many > 8 * few
    # A pattern and a polygon of each region would take more than 200 bytes.
    assert (large - small) * 1024 < max(12e6, 0.2 * 200 * many)


def test_signal_handler_is_left_alone():
    before = signal.getsignal(signal.SIGINT)
    plnet.count_regions(cross(), DOMAIN)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("stop", "word"), [(TimeIsUpError, "max_seconds"), (KeyboardInterrupt, "Ctrl-C")])
def test_an_engine_that_is_stopped_while_it_gets_ready_has_found_nothing(stop, word):
    class Unready(Cells):
        def run(self, problem, control, store):
            raise stop

    count = plnet.count_regions(NETWORK, DOMAIN, engine=Unready())
    assert (count.lower, count.complete, count.exact, count.stopped_by) == (0, False, False, word)
    found = plnet.enumerate_regions(NETWORK, DOMAIN, engine=Unready())
    assert (len(found), found.complete, found.exact, found.stopped_by) == (0, False, False, word)
