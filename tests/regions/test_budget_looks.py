"""Every verb looks at the clock often, ends soon after its budget, and says which budget ended it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from helpers import he_network

import plnet
from plnet import budgets
from plnet.budgets import Deadline, Pace, TimeIsUpError, look, time_limit
from plnet.equivalence import check_equivalence
from plnet.errors import IncompleteResultError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.maxout import difference_of_maxouts, is_convex, max_affine_of
from plnet.maxout.expressivity.tropical import tropical_form
from plnet.regions.engines.cells import Cells
from plnet.regions.engines.search import Search

BOX = plnet.Box(-1, 1)
BUDGET = 0.5
LONGEST = 1.0
"""Seconds of work that a verb may do without a look; beyond its budget it may do as much once more.

They are those of the processor, so that a busy machine does not fail a test.
"""


def shifted(network: PLNetwork) -> PLNetwork:
    """Return a network with other biases in the first layer: no ray shows that it differs."""
    first = network.layers[0]
    return replace(network, layers=(Affine(first.weight, first.bias + 0.25), *network.layers[1:]))


def nudged(network: PLNetwork) -> PLNetwork:
    """Return a network with one weight moved to the next float."""
    weight = network.layers[0].weight.copy()
    weight[0, 0] = np.nextafter(weight[0, 0], np.inf)
    return replace(network, layers=(Affine(weight, network.layers[0].bias), *network.layers[1:]))


def convex(widths: tuple[int, ...]) -> PLNetwork:
    """Return a network that is convex, but whose weights do not show it: it adds x and subtracts it."""
    n, m = widths
    front = he_network((n, m, 1), 0).layers[0]
    units = ScalarPWL.relu(m + 1)
    weight = np.concatenate([front.weight, front.weight[:1]])
    bias = np.concatenate([front.bias, front.bias[:1]])
    last = np.ones((1, m + 1))
    last[0, 0], last[0, -1] = 2.0, -1.0
    return PLNetwork((Affine(weight, bias), units, Affine(last, np.zeros(1))), n)


@pytest.fixture(scope="module", autouse=True)
def loaded_kernels():
    """Load what is compiled: no budget counts that."""
    for network, domain, engine in (
        (he_network((2, 3, 3, 1), 0), BOX, "cells"),
        (he_network((3, 3, 3, 1), 0), BOX, "cells"),
        (he_network((3, 3, 3, 1), 0), BOX, "search"),
        (he_network((3, 3, 3, 1), 0), None, "two_layer"),
        (he_network((3, 4, 1), 0), None, "arrangement"),
        (he_network((2, 40, 1), 0), BOX, "cells"),
    ):
        plnet.count_regions(network, domain, engine=engine, progress=None)
    regions = plnet.enumerate_regions(he_network((3, 3, 1), 0), BOX, progress=None)
    assert len(regions.volumes) == len(regions.inradii)


class Looks:
    """Counts looks at the clock and the longest work between two."""

    def __init__(self, monkeypatch) -> None:
        self.count, self.longest, self._last, self._now = 0, 0.0, 0.0, budgets.now
        monkeypatch.setattr(budgets, "now", self._look)

    def _look(self) -> float:
        at = time.thread_time()
        self.count, self.longest, self._last = self.count + 1, max(self.longest, at - self._last), at
        return self._now()

    def watch(self, work) -> float:
        """Return how long a work took."""
        self._last = started = time.thread_time()
        work()
        self._look()
        return self._last - started


COUNTS = {
    "search on R^12": ((12, 12, 12, 1), None, "search"),
    "search on R^20": ((20, 14, 14, 1), None, "search"),
    "search on a box": ((12, 12, 12, 1), BOX, "search"),
    "images in a box": ((784, 64, 10), BOX, "auto"),
    "images on R^784": ((784, 64, 10), None, "auto"),
    "cells": ((8, 16, 16, 1), BOX, "cells"),
    "wide plane": ((2, 500, 500, 1), BOX, "cells"),
    "one layer": ((2, 16000, 1), BOX, "cells"),
    "rational": ((4, 20, 20, 1), BOX, "rational"),
    "two layers": ((20, 12, 12, 1), None, "two_layer"),
    "arrangement": ((12, 60, 1), None, "arrangement"),
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_ends_with_its_budget(name, monkeypatch):
    widths, domain, engine = COUNTS[name]
    network, seen, found = he_network(widths, 0), [], []
    looks = Looks(monkeypatch)

    def work():
        found.append(
            plnet.count_regions(network, domain, engine=engine, max_seconds=BUDGET, progress=seen.append)
        )

    seconds = looks.watch(work)
    assert looks.longest < LONGEST
    assert seconds < BUDGET + LONGEST
    (count,) = found
    assert (count.complete, count.exact, count.stopped_by) == (False, False, "max_seconds")
    assert count.lower == count.count <= count.upper
    assert "max_seconds" in str(count)
    if name in ("search on R^12", "search on R^20", "search on a box"):
        assert seen, "progress is reported"
        assert count.lower > 0


COMPARISONS = {
    "bounded difference on R^20": (he_network((20, 16, 8, 1), 0), None, shifted),
    "images in a box": (he_network((784, 256, 256, 10), 0), BOX, nudged),
    "images on R^784": (he_network((784, 256, 256, 10), 0), None, nudged),
    "box of dimension 12": (he_network((12, 16, 16, 1), 0), BOX, shifted),
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_ends_with_its_budget(name, monkeypatch):
    network, domain, changed = COMPARISONS[name]
    other, found = changed(network), []
    looks = Looks(monkeypatch)
    seconds = looks.watch(lambda: found.append(check_equivalence(network, other, domain, max_seconds=BUDGET)))
    assert looks.longest < LONGEST
    assert seconds < BUDGET + LONGEST
    (report,) = found
    assert report.equivalent is not True
    assert report.lower <= report.upper
    assert not report.exact
    assert report.stopped_by == "max_seconds"


def test_a_box_of_many_dimensions_is_no_general_polytope():
    """The facets of a box have no rows of their own, so that regions are found within seconds."""
    network = he_network((100, 32, 4), 0)
    count = plnet.count_regions(network, BOX, max_seconds=2)
    assert count.engine == "search"
    assert count.lower > 100
    assert count.n_fallbacks == 0


@pytest.mark.parametrize("widths", [(3, 8, 6, 1), (4, 7, 5, 1), (2, 9, 9, 1), (1, 9, 9, 1)])
def test_boxes_have_as_many_regions_as_other_engines_find(widths):
    rng = np.random.default_rng(sum(widths))
    for seed in range(2):
        low = rng.uniform(-2, 0, widths[0])
        box = plnet.Box(low, low + rng.uniform(0.1, 3, widths[0]))
        network = he_network(widths, seed)
        found = plnet.count_regions(network, box, engine="search")
        assert found == plnet.count_regions(network, box)
        # The same set as a polytope: a half-space that is implied makes it no box.
        sides = np.concatenate([np.eye(widths[0]), -np.eye(widths[0]), np.ones((1, widths[0]))])
        ends = np.concatenate([box.high, -box.low, [box.high.sum() + 1]])
        assert found == plnet.count_regions(network, plnet.Polytope(sides, ends), engine="search")


@pytest.fixture(scope="module")
def plane():
    return plnet.enumerate_regions(he_network((2, 64, 64, 3), 0), BOX, progress=None)


@pytest.fixture(scope="module")
def space():
    return plnet.enumerate_regions(he_network((3, 24, 24, 2), 0), BOX, engine="search", progress=None)


MEASURES = {
    "extrema": lambda c, s: c.extrema(0, max_seconds=s),
    "lipschitz": lambda c, s: c.lipschitz(max_seconds=s),
    "level_set": lambda c, s: c.level_set(0.1, 0, max_seconds=s),
    "decision_boundary": lambda c, s: c.decision_boundary(max_seconds=s),
    "certificate": lambda c, s: c.certificate(max_seconds=s),
    "degeneracies": lambda c, s: c.degeneracies(max_seconds=s),
    "face_counts": lambda c, s: c.face_counts(max_seconds=s),
    "counts_by_layer": lambda c, s: c.counts_by_layer(max_seconds=s),
}


@pytest.mark.parametrize("verb", MEASURES)
@pytest.mark.parametrize("which", ["plane", "space"])
def test_a_measure_ends_with_its_budget_or_is_whole(verb, which, request, monkeypatch):
    regions, seconds_left = replace(request.getfixturevalue(which)), 0.02
    looks = Looks(monkeypatch)

    said = []

    def work():
        try:
            MEASURES[verb](regions, seconds_left)
        except IncompleteResultError as error:
            said.append(str(error))

    seconds = looks.watch(work)
    assert all("time ended before" in words and "max_seconds" in words for words in said)
    assert looks.longest < LONGEST
    assert seconds < seconds_left + LONGEST


@pytest.mark.parametrize("name", ["volumes", "adjacency", "inradii", "geometry", "bounded"])
def test_a_property_ends_with_the_limit_around_it(name, space, monkeypatch):
    regions = replace(space)
    looks = Looks(monkeypatch)

    def work():
        words = rf"before {name} could be given: 0\.05 s"
        with pytest.raises(IncompleteResultError, match=words), time_limit(0.05, name):
            getattr(regions, name)

    assert looks.watch(work) < 0.05 + LONGEST
    assert looks.longest < LONGEST


@pytest.mark.parametrize("definition", ["R1", "R3", "R4", "R5", "R6"])
def test_a_definition_ends_with_its_budget(definition, space, monkeypatch):
    regions, found = replace(space), []
    looks = Looks(monkeypatch)
    seconds = looks.watch(lambda: found.append(regions.count(definition, max_seconds=0.01)))
    assert looks.longest < LONGEST
    assert seconds < 0.01 + LONGEST
    (count,) = found
    assert count.lower <= count.upper
    assert count.complete == (count.stopped_by is None)
    if definition == "R1":
        assert (count.complete, count.exact, count.stopped_by) == (False, False, "max_seconds")


@pytest.mark.parametrize("domain", [BOX, None], ids=["box", "space"])
def test_convexity_and_its_relatives_end_with_their_budgets(domain, monkeypatch):
    network, found = convex((9, 22)), []
    looks = Looks(monkeypatch)
    seconds = looks.watch(lambda: found.append(is_convex(network, domain, max_seconds=BUDGET)))
    assert seconds < BUDGET + LONGEST
    (report,) = found
    assert report.holds is None
    assert report.stopped_by == "max_seconds"
    for verb in (max_affine_of, difference_of_maxouts):

        def work(verb=verb):
            with pytest.raises(IncompleteResultError, match="max_seconds"):
                verb(network, domain, max_seconds=BUDGET)

        assert looks.watch(work) < BUDGET + LONGEST
    assert looks.longest < LONGEST


def test_a_tropical_form_ends_with_its_budget():
    started = time.thread_time()
    with pytest.raises(IncompleteResultError, match="max_seconds"):
        tropical_form(convex((9, 22)), max_seconds=BUDGET)
    assert time.thread_time() - started < BUDGET + LONGEST


def test_the_result_says_which_budget_ended_it():
    network = he_network((2, 12, 12, 1), 0)
    whole = plnet.enumerate_regions(network, BOX)
    assert whole.stopped_by is None
    assert plnet.count_regions(network, BOX, max_regions=25).stopped_by == "max_regions"
    some = plnet.enumerate_regions(network, BOX, engine="rational", max_regions=25)
    assert some.stopped_by == some.count("affine").stopped_by == "max_regions"
    with pytest.raises(IncompleteResultError, match="stopped by max_regions"):
        some.extrema()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    for engine in (Cells(chunk=10), Search(work=20), "rational"):
        found = plnet.count_regions(network, BOX, engine=engine, progress=interrupt, max_seconds=60)
        assert (found.complete, found.stopped_by) == (False, "Ctrl-C")
    assert is_convex(convex((9, 22)), BOX, max_regions=9).stopped_by == "max_regions"
    report = check_equivalence(he_network((5, 9, 1), 0), he_network((5, 9, 1), 1), BOX, max_regions=3)
    assert report.stopped_by == "max_regions"


def test_what_stopped_an_enumeration_is_stored(tmp_path):
    some = plnet.enumerate_regions(he_network((2, 12, 12, 1), 0), BOX, engine="rational", max_regions=25)
    assert plnet.RegionComplex.load(some.save(tmp_path / "some.npz")).stopped_by == "max_regions"


def test_a_number_of_regions_that_is_just_enough_is_complete():
    network = he_network((3, 6, 6, 1), 0)
    for engine in ("search", "rational"):
        whole = plnet.count_regions(network, BOX, engine=engine)
        again = plnet.count_regions(network, BOX, engine=engine, max_regions=whole.count + 1)
        assert again == whole
        assert again.stopped_by is None


def test_threads_end_with_the_budget_of_their_caller():
    network = he_network((12, 12, 12, 1), 0)
    count = plnet.count_regions(network, BOX, engine="search", max_seconds=BUDGET, n_jobs=2)
    assert count.stopped_by == "max_seconds"


def test_a_deadline_holds_inside_another_one_and_not_in_other_threads():
    def late() -> None:
        with time_limit(60):
            time.sleep(2e-3)
            look()

    with Deadline.start(1e-9).running():
        with pytest.raises(TimeIsUpError):
            look()
        inner = Deadline.start(60)
        assert inner.max_seconds is not None
        assert inner.max_seconds < 1, "the sooner one counts"
        # Not in words: it is the outer limit that has passed.
        with pytest.raises(TimeIsUpError):
            late()
        seen = []
        thread = threading.Thread(target=lambda: seen.append(look()))
        thread.start()
        thread.join()
        assert seen == [None]
    look()


def test_the_pace_follows_the_clock(monkeypatch):
    times = [0.0]
    monkeypatch.setattr(budgets, "now", lambda: times[0])
    pace, speed = Pace(1 << 20, 1 << 10), 1e4
    first = pace.start()
    for _ in range(20):
        times[0] += pace.start() / speed
        pace.done()
    assert first == 1 << 10
    assert 0.05 <= pace.work / speed <= 0.2
    speed = 1.0
    times[0] += pace.start() / speed
    pace.done()
    assert pace.work == 1, "what took far too long is done in the smallest steps"
