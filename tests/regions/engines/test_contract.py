"""Every registered engine on every family of networks, every kind of domain, d = 1, 2, 3, 4.

Where an engine claims a problem, its count and patterns are those of elimination in fractions (`sign_tree`).
Where it does not, it says so by its name and with advice. `CLAIMS` says which is which.
"""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import pytest
from contract_networks import DOMAINS, FAMILIES, Drawn, draw
from engine_contract import check_points, check_volumes
from helpers import he_network, pattern_set

import plnet
from plnet.errors import IncompleteResultError, PLNetError
from plnet.ir import PLNetwork
from plnet.regions import problem
from plnet.regions.engines.choice import engine_names, get_engine

DIMENSIONS = (1, 2, 3, 4)
HIGH = 6
"""A dimension in which a few small problems are compared."""


@dataclass(frozen=True)
class Claim:
    """What an engine takes; everything else it must refuse.

    Parameters
    ----------
    dimensions : tuple of int
    domains : tuple of str
    families : tuple of str
    only_counts : bool
        Whether it refuses to enumerate.
    """

    dimensions: tuple[int, ...] = (*DIMENSIONS, HIGH)
    domains: tuple[str, ...] = DOMAINS
    families: tuple[str, ...] = tuple(FAMILIES)
    only_counts: bool = False

    def holds(self, family: str, d: int, domain: str) -> bool:
        return d in self.dimensions and domain in self.domains and family in self.families


CLAIMS = {
    "line": Claim(dimensions=(1,)),
    "cells": Claim(dimensions=(2, 3, 4, HIGH)),
    "search": Claim(families=tuple(family for family in FAMILIES if family != "jumps")),
    "rational": Claim(),
    "arrangement": Claim(
        domains=("space",),
        families=("no units", *(family for family in FAMILIES if family.startswith("one layer"))),
        only_counts=True,
    ),
    "two_layer": Claim(
        domains=("space",),
        families=tuple(family for family in FAMILIES if family.startswith("full rank")),
    ),
}
ALSO = {
    ("two_layer", "two layers", 4),
    ("two_layer", "zero biases", 4),
    ("two_layer", "average pooling", 3),
    ("two_layer", "average pooling", 4),
}
"""On all of R^n, where the weights of the first layer have full rank; in fewer dimensions they have not."""


def taken(engine: str, family: str, d: int, domain: str) -> bool:
    also = domain == "space" and (engine, family, d) in ALSO
    return also or CLAIMS[engine].holds(family, d, domain)


def check_accepted(drawn: Drawn, engine: str, threads: tuple[tuple[int, int], ...]) -> None:
    """Count and enumerate; `threads` holds pairs of their numbers."""
    for counting, enumerating in threads:
        count = plnet.count_regions(drawn.network, drawn.domain, engine=engine, n_jobs=counting)
        assert count == len(drawn.wanted)
        assert int(count) == count.lower == count.upper
        assert (count.engine, count.exact, count.complete) == (engine, True, True)
        assert (count.n_undecided, count.stopped_by) == (0, None)
        if CLAIMS[engine].only_counts:
            with pytest.raises(PLNetError, match=f'The engine "{engine}" counts.*engine="'):
                plnet.enumerate_regions(drawn.network, drawn.domain, engine=engine)
            continue
        found = plnet.enumerate_regions(drawn.network, drawn.domain, engine=engine, n_jobs=enumerating)
        assert pattern_set(found.patterns) == drawn.wanted
        assert len(found) == len(drawn.wanted)
        assert (found.engine, found.exact, found.complete, found.n_undecided) == (engine, True, True, 0)
        points = found.chart.embed(found.points)
        np.testing.assert_array_equal(found.network.pattern_at(points), found.patterns)
        if len(found) <= 8 * len(threads):
            check_volumes(found)
            check_points(found)


def check_refused(drawn: Drawn, engine: str) -> None:
    advice = r'(Use|use|Leave|Take) .*(engine="\w+"|Segment|Slice)'
    with pytest.raises(PLNetError, match=rf'The engine "{engine}".*{advice}'):
        plnet.count_regions(drawn.network, drawn.domain, engine=engine)


def quick(family: str, d: int, domain: str, seed: int) -> bool:
    """Choose one of the domains for each family and dimension, and all of R^n."""
    turn = (list(FAMILIES).index(family) + d) % (len(DOMAINS) - 1)
    return seed == 0 and (domain == "space" or DOMAINS.index(domain) == 1 + turn)


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_contract(family: str, d: int, engine: str):
    for domain in DOMAINS:
        if quick(family, d, domain, 0):
            check(family, d, domain, engine, 0)


@pytest.mark.slow
@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_contract_on_all_domains(family: str, d: int, engine: str):
    for seed, threads in enumerate([((1, 1), (2, 2)), ((1, 2),)]):
        for domain in DOMAINS:
            if not quick(family, d, domain, seed):
                check(family, d, domain, engine, seed, threads)


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("family", ["one layer", "full rank of integers", "maxout", "jumps"])
def test_contract_in_six_dimensions(family: str, engine: str):
    check(family, HIGH, "space", engine, 0)


def check(family: str, d: int, domain: str, engine: str, seed: int, threads=((1, 2),)) -> None:
    drawn = draw(family, d, domain, seed)
    if taken(engine, family, d, domain):
        check_accepted(drawn, engine, threads)
    else:
        check_refused(drawn, engine)


def test_every_engine_has_a_claim():
    assert set(CLAIMS) == set(engine_names())


LARGE = {
    "line": ((1, 30, 30, 1), plnet.Box(-3, 3)),
    "cells": ((3, 12, 12, 1), plnet.Box(-1, 1)),
    "search": ((3, 12, 12, 1), plnet.Box(-1, 1)),
    "rational": ((2, 12, 12, 1), plnet.Box(-1, 1)),
    "arrangement": ((4, 20, 1), None),
    "two_layer": ((6, 6, 6, 1), None),
}
"""Widths of a network, and a domain on which it has more than 50 regions."""
PAUSES = {"chunk": 10, "work": 20}
"""Options of engines that make them look at their budget often."""


def large(engine: str) -> tuple[PLNetwork, plnet.Box | None, object]:
    """Return a network, a domain and the engine as a record that looks at its budget often."""
    widths, domain = LARGE[engine]
    record = get_engine(engine)
    known = {field.name for field in fields(record)}
    often = replace(record, **{name: value for name, value in PAUSES.items() if name in known})
    return he_network(widths, 0), domain, often


@cache
def whole_count(engine: str) -> int:
    """Return the count by an engine that shares nothing with the one in question."""
    network, domain, _ = large(engine)
    other = "rational" if engine in ("line", "cells", "search") else "search"
    return int(plnet.count_regions(network, domain, engine=other))


def interrupt(_: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("budget", "word"),
    [
        ({"max_regions": 20}, "max_regions"),
        ({"max_seconds": 1e-9}, "max_seconds"),
        ({"progress": interrupt}, "Ctrl-C"),
    ],
    ids=["regions", "seconds", "interrupted"],
)
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("engine", engine_names())
def test_what_ends_the_work_is_said(engine: str, jobs: int, budget: dict, word: str):
    network, domain, record = large(engine)
    count = plnet.count_regions(network, domain, engine=record, n_jobs=jobs, **budget)
    assert (count.complete, count.exact, count.stopped_by) == (False, False, word)
    assert count.lower <= whole_count(engine) <= count.upper
    if word == "max_regions":
        assert count.lower >= 20
    with pytest.raises(IncompleteResultError, match=word):
        int(count)


@pytest.mark.parametrize("engine", engine_names())
def test_a_budget_that_suffices_changes_nothing(engine: str):
    network, domain, record = large(engine)
    count = plnet.count_regions(network, domain, engine=record, max_regions=10**9, max_seconds=1e9)
    assert count == whole_count(engine) > 50
    assert (count.complete, count.exact, count.stopped_by) == (True, True, None)


def peak_of_counting(network: PLNetwork, domain: plnet.Box, engine: str) -> tuple[int, int]:
    """Return the number of regions and the largest memory in bytes while they are counted."""
    tracemalloc.start()
    count = plnet.count_regions(network, domain, engine=engine)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return int(count), peak


@pytest.mark.parametrize("engine", [name for name in engine_names() if "box" in CLAIMS[name].domains])
def test_memory_of_counting_does_not_grow_with_the_regions(engine: str, monkeypatch: pytest.MonkeyPatch):
    # The memory for exact forms is bounded, but by more than this network needs.
    monkeypatch.setattr(problem, "_CACHE_SIZE", 16)
    network = he_network(((1, 60, 60, 1) if engine == "line" else (2, 16, 16, 1)), 0)
    peak_of_counting(network, plnet.Box(-1, 1), engine)
    few, small = peak_of_counting(network, plnet.Box(-0.1, 0.1), engine)
    many, peak = peak_of_counting(network, plnet.Box(-1, 1), engine)
    assert many > few + 40
    # A pattern alone would take more.
    assert peak < small + 32 * (many - few)
