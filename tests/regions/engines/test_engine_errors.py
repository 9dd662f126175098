"""What users do wrong, and what they are told."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import cross, he_network

import plnet
from plnet.errors import DimensionError, EngineError, NetworkError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.engines.cells import Cells

BOX = plnet.Box(-1, 1)
LINE = he_network((1, 3, 1), 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Affine([[1.0, np.nan]], [0.0], "net.0"), r"weight of layer net\.0.*nan at index \(0, 1\)"),
        (lambda: Affine([[1.0, 0.0]], [np.inf], "net.0"), r"bias of layer net\.0"),
        (lambda: Affine([[1.0]], [0.0, 1.0], "net.2"), r"layer net\.2"),
        (lambda: ScalarPWL([[0.0]], [[np.nan, 1.0]], [0.0], "act"), "slopes of layer act"),
        (lambda: ScalarPWL([[1.0, 0.0]], [[1.0, 2.0, 3.0]], [0.0], "act"), "ascend"),
        (lambda: ScalarPWL([[np.nan]], [[1.0, 2.0]], [0.0], "act"), "Breakpoints of layer act"),
        (lambda: GroupMax([[0, 5]], 2, "pool"), "layer pool"),
        (lambda: PLNetwork((Affine(np.eye(2), np.zeros(2)), ScalarPWL.relu(3)), 2), "takes 3 values"),
    ],
)
def test_bad_networks(make, message: str):
    with pytest.raises(NetworkError, match=message):
        make()


@pytest.mark.parametrize(("name", "hint"), [("cell", "cells"), ("lines", "line"), ("ratonal", "rational")])
def test_unknown_engine(name: str, hint: str):
    with pytest.raises(EngineError, match=f"Did you mean '{hint}'"):
        plnet.count_regions(cross(), BOX, engine=name)


@pytest.mark.parametrize("engine", ["xyz", 3, None])
def test_unknown_engine_without_hint(engine):
    with pytest.raises(EngineError, match="auto, line, cells, search, two_layer, arrangement, rational"):
        plnet.count_regions(cross(), BOX, engine=engine)


def test_engine_for_another_dimension():
    with pytest.raises(DimensionError, match='engine="cells"'):
        plnet.count_regions(cross(), BOX, engine="line")
    with pytest.raises(DimensionError, match='engine="line"'):
        plnet.count_regions(LINE, BOX, engine="cells")


@pytest.mark.parametrize("engine", ["cells", "rational"])
def test_too_many_dimensions_for_vertices_name_the_engine_to_use(engine: str):
    network = he_network((30, 4, 1), 0)
    with pytest.raises(DimensionError, match='Use engine="search"'):
        plnet.count_regions(network, BOX, engine=engine)
    found = plnet.enumerate_regions(network, BOX)
    assert found.engine == "search"
    assert (found.locate(found.points) == np.arange(len(found))).all()
    with pytest.raises(DimensionError, match="Slice"):
        found.exact_cell(0)


def test_the_line_engine_needs_a_line():
    with pytest.raises(DimensionError, match="Segment"):
        plnet.count_regions(he_network((3, 4, 1), 0), engine="line")


def test_unknown_definition():
    with pytest.raises(EngineError, match='"R1" or "all_patterns"'):
        plnet.count_regions(cross(), BOX, definition="linear")


def test_known_definition_by_number():
    assert plnet.count_regions(cross(), BOX, definition="R2").definition == "activation"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_regions": 0}, "max_regions > 0"),
        ({"max_regions": -3}, "max_regions > 0"),
        ({"max_seconds": 0}, "max_seconds > 0"),
        ({"max_seconds": float("nan")}, "max_seconds > 0"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"n_jobs": -2}, "n_jobs"),
        ({"progress": "yes"}, "progress"),
    ],
)
def test_bad_options(options: dict, message: str):
    with pytest.raises(EngineError, match=message):
        plnet.count_regions(cross(), BOX, **options)
    with pytest.raises(EngineError, match=message):
        plnet.enumerate_regions(cross(), BOX, **options)


def test_counts_compare_with_numbers_and_each_other():
    a, b = plnet.count_regions(cross(), BOX), plnet.count_regions(cross(), engine=Cells(chunk=1))
    assert a == 4
    assert a == b
    assert a != 5
    assert hash(a) == hash(4)
    assert list(range(9))[a] == 4
    assert "exact" in str(a)


def test_explain_names_the_engine_and_a_bound():
    for network, domain in [(cross(), BOX), (LINE, None), (he_network((2, 9, 9, 1), 0), None)]:
        told = plnet.explain(network, domain)
        count = plnet.count_regions(network, domain)
        assert told.engine == count.engine
        assert told.reason == count.reason
        assert count.count <= told.upper_bound
        assert told.expected_seconds > 0
        assert told.engine in str(told)


def test_explain_of_a_very_deep_network():
    explanation = plnet.explain(he_network([2] + [64] * 100 + [1], 0), plnet.Box(-1, 1))
    assert explanation.upper_bound > 10**300
    assert "10^" in str(explanation)


@pytest.mark.parametrize("option", [{"max_regions": "5"}, {"max_regions": 2.5}, {"max_seconds": "1"}])
@pytest.mark.parametrize("n_jobs", [1, "2", 1.5])
def test_options_of_the_wrong_type(option, n_jobs):
    with pytest.raises(EngineError, match="Expected"):
        plnet.count_regions(cross(), plnet.Box(-1, 1), n_jobs=n_jobs, **option)


def test_an_incomplete_count_equals_itself():
    count = plnet.count_regions(he_network([2, 16, 16, 1], 0), plnet.Box(-1, 1), max_regions=3)
    assert not count.complete
    assert count == count
    assert count != 3
