"""A count is complete only if every thread came to its end: one that finishes says nothing for the others."""

from __future__ import annotations

import pytest
from helpers import he_network

import plnet
from plnet.regions.engines.cells import Cells
from plnet.regions.engines.search import Search

CASES = [
    (Cells(chunk=5), he_network((2, 12, 12, 6), 0)),
    (Cells(chunk=5), he_network((3, 8, 6, 4), 1)),
    (Search(), he_network((3, 6, 5), 2)),
    (Search(), he_network((2, 8, 6), 3)),
]
NAMES = ["cells-plane", "cells-space", "search-space", "search-plane"]


@pytest.mark.parametrize(("engine", "network"), CASES, ids=NAMES)
@pytest.mark.parametrize("n_jobs", [2, 3])
def test_complete_means_all_regions(engine, network, n_jobs):
    box = plnet.Box(-1, 1)
    total = int(plnet.count_regions(network, box, engine="rational"))
    seen = set()
    for most in (*range(1, total, max(1, total // 12)), total + 1):
        found = plnet.count_regions(network, box, engine=engine, n_jobs=n_jobs, max_regions=most)
        seen.add(found.complete)
        assert found.complete == (found.stopped_by is None)
        assert found.count == total if found.complete else found.lower <= total
        assert not (found.exact and not found.complete)
    assert seen == {True, False}


@pytest.mark.parametrize(("engine", "network"), CASES, ids=NAMES)
def test_one_thread_that_hears_ctrl_c_is_enough(engine, network):
    box = plnet.Box(-1, 1)
    total = int(plnet.count_regions(network, box, engine="rational"))

    def after(calls: int):
        left = [calls]

        def report(_: int) -> None:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

        return report

    stopped = 0
    for calls in range(1, 12):
        found = plnet.count_regions(network, box, engine=engine, n_jobs=2, progress=after(calls))
        stopped += found.stopped_by == "Ctrl-C"
        assert found.complete == (found.stopped_by is None)
        assert found == total if found.complete else found.count <= total
    assert stopped
