"""Settings that hold for all tests."""

import os
import signal
import zlib

os.environ["MPLBACKEND"] = "Agg"  # Before anything imports matplotlib: no test needs a screen.

# Several processes run the tests side by side: each has one thread, and so have the programs it starts.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

# A shell that starts the tests in the background makes them and all their processes ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Exact arithmetic and first compilations make the time of one example uneven, so there is no deadline.
settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

GB_OF_A_WORKER = 2  # The largest tests, and the programs they start, stay below it.


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return one worker a core, as many as fit into the memory: what ``-n auto`` means."""
    from plnet.runs.sweeps.thread_budget import available_cores

    if not hasattr(os, "sysconf"):
        return available_cores()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return max(1, min(available_cores(), int(memory // GB_OF_A_WORKER)))


@pytest.fixture
def rng(request):
    """Return a generator of this test's own; its seed is printed, which pytest shows where the test fails."""
    seed = int(os.environ.get("PLNET_TEST_SEED", zlib.crc32(request.node.nodeid.encode())))
    print(f"seed of {request.node.name}: {seed} (set PLNET_TEST_SEED to change it)")
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def one_thread():
    """Let torch use one thread: many small products, for which threads would only wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def nothing_left_behind():
    """Close all figures after a test, and check that no global setting of matplotlib was changed."""
    import matplotlib.pyplot as plt

    before = dict(plt.rcParams)
    yield
    plt.close("all")
    assert dict(plt.rcParams) == before, "a global setting of matplotlib was changed"


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none. Torch is imported only where such a test was collected."""
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not on_gpu:
        return
    import torch

    if not torch.cuda.is_available():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
