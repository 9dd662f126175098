"""The arrangements whose numbers of regions are published: 91 entries, and their Betti numbers."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from math import factorial
from pathlib import Path

import numpy as np
import pytest

from plnet.bounds import Arrangement, families
from plnet.errors import NetworkError

ITEMS = json.loads((Path(__file__).parents[1] / "data" / "arrangements.json").read_text(encoding="utf-8"))[
    "items"
]
BY_NAME = {item["name"]: item for item in ITEMS}
SLOW = {"E8", "resonance_7"}
# These take minutes or years; their hyperplanes are checked, their regions are not.
TOO_MANY = {"threshold_7", "threshold_8", "threshold_9", "resonance_8", "resonance_9"}
BUILDERS = {
    "boolean_(.)": families.boolean,
    "braid_A(.)": families.braid,
    "B(.)": families.type_b,
    "D(.)": families.type_d,
    "shi_(.)": families.shi,
    "linial_(.)": families.linial,
    "catalan_(.)": families.catalan,
    "semiorder_(.)": families.semiorder,
    "resonance_(.)": families.resonance,
    "threshold_(.)": families.threshold,
    "demicube_(.)": families.demicube,
    "crosspolytope_(.)": families.cross_polytope,
    "permutohedron_(.)": families.permutohedron,
    "generic_affine_m(.+)_d(.)": families.generic,
    "generic_central_m(.+)_d(.)": families.generic_central,
    "graphical_K(.)(.)": families.complete_bipartite,
    "graphical_C(.)": families.cycle,
    "F4": families.f4,
    "E6": families.e6,
    "E7": families.e7,
    "E8": families.e8,
    "H3": families.h3,
    "H4": families.h4,
}


def build(name):
    for pattern, builder in BUILDERS.items():
        match = re.fullmatch(pattern, name)
        if match:
            return builder(*map(int, match.groups()))
    raise LookupError(name)


def normalised(arrangement):
    """Return the hyperplanes as a set of rows whose first entry that is not zero is 1."""
    rows = np.concatenate([arrangement.normals, arrangement.offsets[:, None]], axis=1)
    return {tuple(Fraction(x) / next(filter(None, row)) for x in row) for row in rows}


def check(arrangement, item):
    assert arrangement.n_regions() == item["regions"]
    if item.get("betti_numbers"):
        assert list(arrangement.betti_numbers()) == item["betti_numbers"]
    signs = [(-1) ** i * b for i, b in enumerate(arrangement.betti_numbers())]
    assert arrangement.characteristic_polynomial() == tuple(signs)
    bounded = item.get("relatively_bounded_regions_if_essential")
    if bounded is not None:
        assert arrangement.n_relatively_bounded_regions() == bounded
        essential = arrangement.rank == arrangement.dim
        assert arrangement.n_bounded_regions() == (bounded if essential else 0)


def test_all_entries_are_here():
    assert len(ITEMS) == 91
    assert sum(item["verified_by_code"] for item in ITEMS) == 84


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in BY_NAME]
)
def test_family(name):
    item, arrangement = BY_NAME[name], build(name)
    assert (len(arrangement), arrangement.dim) == (item["n_hyperplanes"], item["ambient_dimension"])
    if name not in TOO_MANY:
        check(arrangement, item)


GIVEN = [item for item in ITEMS if "hyperplanes_a_then_b_for_a_dot_x_eq_b" in item]


@pytest.mark.parametrize("item", GIVEN, ids=lambda item: item["name"])
def test_given_rows(item):
    rows = np.array(item["hyperplanes_a_then_b_for_a_dot_x_eq_b"])
    given = Arrangement(rows[:, :-1], rows[:, -1])
    check(given, item)
    assert normalised(build(item["name"])) == normalised(given)


def test_closed_formulas():
    for n in range(1, 7):
        assert families.braid(n).n_regions() == factorial(n + 1)
        assert families.shi(n).n_regions() == (n + 1) ** (n - 1)
        catalan = factorial(2 * n) // factorial(n) // factorial(n + 1)
        assert families.catalan(n).n_regions() == factorial(n) * catalan
    assert families.graphical([(i, i + 1) for i in range(7)], 8).n_regions() == 2**7
    assert families.boolean(40).n_regions() == 2**40


@pytest.mark.parametrize("m", [2, 3, 6, 9])
def test_dihedral(m):
    assert families.generic_central(m, 2).n_regions() == 2 * m


def test_rounded_icosahedron_is_another_arrangement():
    """Float coordinates of the golden ratio separate planes that meet in a line."""
    exact = families.h3()
    assert exact.n_regions() == 120
    rounded = Arrangement([[float(x) for x in row] for row in exact.normals])
    assert rounded.n_regions() == 176


@pytest.mark.parametrize(
    "call",
    [
        lambda: families.boolean(0),
        lambda: families.generic(3, 0),
        lambda: families.braid(1.5),
        lambda: families.cycle(2),
        lambda: families.graphical([(0, 3)], 3),
        lambda: families.graphical([(1, 1)], 3),
    ],
)
def test_impossible_sizes(call):
    with pytest.raises(NetworkError, match="Expected"):
        call()
