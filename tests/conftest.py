"""Settings that hold for all tests."""

import os
import signal
import zlib

os.environ["MPLBACKEND"] = "Agg"  # Before anything imports matplotlib: no test needs a screen.

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


@pytest.fixture
def rng(request):
    """Return a generator of this test's own; its seed is printed, which pytest shows where the test fails."""
    seed = int(os.environ.get("PLNET_TEST_SEED", zlib.crc32(request.node.nodeid.encode())))
    print(f"seed of {request.node.name}: {seed} (set PLNET_TEST_SEED to change it)")
    return np.random.default_rng(seed)


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none. Torch is imported only where such a test was collected."""
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not on_gpu:
        return
    import torch

    if not torch.cuda.is_available():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
