"""Engines on ladders: exact coincidences that are moved by 0 or by plus or minus 2**-k."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import oracle
import pytest
from helpers import to_network
from ladders import FAMILIES, STEPS, climb, ladder
from sizes import few

import plnet

FLOATS = ("line", "cells", "search")
"""Engines that decide in floating point what it can decide; the others are exact throughout."""

STORED = json.loads((Path(__file__).parents[1] / "data" / "ladders.json").read_text(encoding="utf-8"))


def used(family: str, d: int) -> set[str]:
    """Return the engines that must have worked on a family."""
    engines = {"line" if d == 1 else "cells", "search"}
    if family == "pencil":
        engines.add("arrangement")
    if family == "dependent":
        engines.add("two_layer")
    return engines


@pytest.mark.parametrize("d", few([1, 2, 3, 4], 3))
@pytest.mark.parametrize("family", FAMILIES)
def test_engines_agree_with_fractions(family, d):
    disagreements, fallbacks = climb(family, d, range(4))
    assert disagreements == []
    assert set(fallbacks) == used(family, d)
    if family != "dependent":
        assert all(fallbacks[engine] > 0 for engine in used(family, d) & set(FLOATS)), fallbacks


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_engines_agree_with_fractions_on_more(family, d):
    disagreements, fallbacks = climb(family, d, range(4, 44))
    assert disagreements == []
    assert all(fallbacks[engine] > 0 for engine in used(family, d) & set(FLOATS)), fallbacks


def test_the_great_climb_is_on_record():
    """`python tests/support/ladders.py 20000` climbed once; its numbers are stored."""
    assert STORED["networks"] >= 20_000
    assert STORED["disagreements"] == []
    assert {(row["family"], row["d"]) for row in STORED["fallbacks"]} == {
        (family, d) for family in FAMILIES for d in (1, 2, 3, 4)
    }
    for row in STORED["fallbacks"]:
        if row["family"] != "dependent":
            assert all(row[engine] > 0 for engine in FLOATS if engine in row), row


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_fractions_agree_with_the_oracle(family, d):
    for number in range(100, 102):
        rng = np.random.default_rng([number, d])
        layers = ladder(family, rng, d, int(rng.choice(STEPS)))
        network = to_network(layers)
        got = plnet.count_regions(network, plnet.Box(-1, 1), engine="rational")
        assert got == oracle.count_regions(layers, [-1] * d, [1] * d)
        everywhere = plnet.count_regions(network, engine="rational")
        assert everywhere == oracle.count_regions_everywhere(layers, d)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_of_the_ladder_matters(family):
    """Somewhere on the ladder a step of 2**-k changes the count: the coincidence is a real one."""
    counts = set()
    for number in range(12):
        rng = np.random.default_rng([7, 2, *family.encode()])
        layers = ladder(family, rng, 2, 40, steps=np.random.default_rng(number))
        counts.add(plnet.count_regions(to_network(layers), engine="rational").count)
    assert len(counts) > 1
