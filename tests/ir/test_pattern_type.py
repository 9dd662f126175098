"""Units with more pieces than the usual type of a pattern can number."""

from __future__ import annotations

import json

import numpy as np
import pytest

import plnet
from plnet.errors import FileFormatError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions import RegionComplex


def staircase(kind: str, pieces: int) -> PLNetwork:
    """One unit that has slope k, and is in piece k, between k and k + 1."""
    slopes = np.arange(pieces, dtype=np.float64)
    if kind == "scalar":
        return PLNetwork((ScalarPWL.uniform(1, slopes[1:], slopes, 0.0),), 1)
    lines = Affine(slopes[:, None], -slopes * (slopes + 1) / 2)
    return PLNetwork((lines, GroupMax(np.arange(pieces)[None], pieces)), 1)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (2, "int16"),
        pytest.param(2**15, "int16", marks=pytest.mark.slow),
        (2**15 + 1, "int32"),
        pytest.param(2**16, "int32", marks=pytest.mark.slow),
        pytest.param(2**16 + 1, "int32", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("kind", ["scalar", "maxout"])
def test_a_network_chooses_the_type_of_its_patterns(kind: str, pieces: int, expected: str):
    network = staircase(kind, pieces)
    points = np.array([[0.5], [pieces - 0.5]])
    for exact in (False, True):
        patterns = network.pattern_at(points, exact=exact)
        assert patterns.dtype == network.pattern_dtype == expected
        assert patterns.tolist() == [[0], [pieces - 1]]
    assert network.affine_map_at(points)[0].ravel().tolist() == [0, pieces - 1]


@pytest.mark.parametrize("kind", ["scalar", "maxout"])
@pytest.mark.parametrize(
    "pieces",
    [2**15 + 1, *(pytest.param(pieces, marks=pytest.mark.slow) for pieces in (2**15, 2**16, 2**16 + 3))],
)
def test_regions_of_a_unit_with_many_pieces(kind: str, pieces: int, tmp_path):
    network = staircase(kind, pieces)
    found = plnet.enumerate_regions(network, plnet.Box(pieces - 3.5, pieces - 0.5))
    assert found.exact
    expected = np.arange(pieces - 4, pieces)
    order = np.argsort(found.points[:, 0])
    assert found.patterns[order, 0].tolist() == expected.tolist()
    assert found.gradients[order, 0, 0].tolist() == expected.tolist()
    assert found.locate(found.points).tolist() == [0, 1, 2, 3]
    assert found.adjacency.nnz == 6
    again = RegionComplex.load(found.save(tmp_path / "regions"))
    assert again.patterns.dtype == found.patterns.dtype
    np.testing.assert_array_equal(again.patterns, found.patterns)


def test_more_classes_than_the_usual_type_can_number():
    classes = 2**15 + 2
    weights = np.zeros((classes, 1))
    weights[-1], weights[-2] = 1.0, -1.0
    found = plnet.enumerate_regions(PLNetwork((Affine(weights, np.zeros(classes)),), 1), plnet.Box(-1, 1))
    assert found.decision_boundary().classes.tolist() == [[classes - 2, classes - 1]]


def _as_schema_two(path, dtype: type) -> None:
    with np.load(path) as data:
        arrays = {key: data[key] for key in data.files}
    header = json.loads(arrays["header"].tobytes()) | {"schema": 2}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    arrays["patterns"] = arrays["patterns"].astype(dtype)
    np.savez(path, **arrays)


@pytest.mark.parametrize(("pieces", "dtype"), [(4, np.uint8), (400, np.int16)])
def test_older_files_are_read(pieces: int, dtype: type, tmp_path):
    found = plnet.enumerate_regions(staircase("scalar", pieces), plnet.Box(pieces - 3.5, pieces - 0.5))
    path = found.save(tmp_path / "regions")
    _as_schema_two(path, dtype)
    again = RegionComplex.load(path)
    assert again.patterns.dtype == np.int16
    np.testing.assert_array_equal(again.patterns, found.patterns)


def test_older_files_whose_patterns_wrapped_around_are_refused(tmp_path):
    pieces = 2**15 + 1
    found = plnet.enumerate_regions(staircase("scalar", pieces), plnet.Box(pieces - 3.5, pieces - 0.5))
    path = found.save(tmp_path / "regions")
    _as_schema_two(path, np.int16)
    with pytest.raises(FileFormatError, match=r"older version.*make it again"):
        RegionComplex.load(path)
