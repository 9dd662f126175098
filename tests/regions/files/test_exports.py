"""VTK files: read back with an XML parser, areas and volumes of the cells, data of the cells."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from helpers import cross, he_network

import plnet
from plnet.errors import DimensionError, OutputError


def read(path):
    """Return points, arrays of cells, data of cells and the numbers that the file declares."""
    piece = ElementTree.parse(path).getroot().find("UnstructuredGrid/Piece")
    arrays = {
        group: {
            item.get("Name"): np.array(item.text.split(), float if item.get("type") == "Float64" else int)
            for item in piece.find(group)
        }
        for group in ("Points", "Cells", "CellData")
    }
    points = arrays["Points"]["points"].reshape(-1, 3)
    assert len(points) == int(piece.get("NumberOfPoints"))
    assert len(arrays["Cells"]["types"]) == int(piece.get("NumberOfCells"))
    return points, arrays["Cells"], arrays["CellData"]


def rings_of(cells):
    return np.split(cells["connectivity"], cells["offsets"][:-1])


def faces_of(cells):
    """Return the faces of each polyhedron, as lists of points."""
    found = []
    for stream in np.split(cells["faces"], cells["faceoffsets"][:-1]):
        values = iter(stream.tolist())
        found.append([[next(values) for _ in range(next(values))] for _ in range(next(values))])
        assert next(values, None) is None
    return found


def area(ring):
    x, y = ring[:, :2].T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def volume(points, faces):
    """Return the volume of a convex body: pyramids from its middle over its faces."""
    middle = points[sorted({i for face in faces for i in face})].mean(axis=0)
    total = 0.0
    for face in faces:
        corners = points[face] - middle
        for k in range(1, len(corners) - 1):
            total += abs(np.linalg.det(corners[[0, k, k + 1]])) / 6
    return total


@pytest.mark.parametrize(
    "domain", [plnet.Box(-1, 1), plnet.Slice([0, 0], [[3, 1], [1, 1]])], ids=["box", "slice"]
)
def test_polygons_have_the_areas_of_the_regions(tmp_path, domain):
    complex_ = plnet.enumerate_regions(he_network((2, 6, 6, 1), 0), domain)
    points, cells, data = read(complex_.save_vtu(tmp_path / "regions.vtu"))
    assert (cells["types"] == 7).all()
    assert data["region"].tolist() == list(range(len(complex_)))
    areas = [area(points[ring]) for ring in rings_of(cells)]
    assert areas == pytest.approx(complex_.volumes, rel=1e-9)
    assert len(points) == complex_.face_counts().total[0], "regions share their corners"
    inverse = np.linalg.pinv(complex_.chart.directions)
    expected = np.linalg.norm(complex_.gradients @ inverse, axis=(1, 2))
    assert data["gradient_norm"] == pytest.approx(expected)


def test_polyhedra_have_the_volumes_of_the_regions(tmp_path):
    complex_ = plnet.enumerate_regions(he_network((3, 6, 5, 1), 1), plnet.Box(-1, 1))
    points, cells, _ = read(complex_.save_vtu(tmp_path / "regions.vtu"))
    assert (cells["types"] == 42).all()
    volumes = [volume(points, faces) for faces in faces_of(cells)]
    assert volumes == pytest.approx(complex_.volumes, rel=1e-9)
    for faces, corners in zip(faces_of(cells), rings_of(cells), strict=True):
        assert {i for face in faces for i in face} == set(corners.tolist())
        # Each side of a face belongs to exactly one other face.
        sides = [frozenset(pair) for face in faces for pair in zip(face, face[1:] + face[:1], strict=True)]
        assert all(sides.count(side) == 2 for side in sides)


def test_segments(tmp_path):
    complex_ = plnet.enumerate_regions(he_network((3, 6, 1), 1), plnet.Segment([0, 0, 0], [1, 2, 2]))
    points, cells, _ = read(complex_.save_vtu(tmp_path / "line.vtu"))
    assert (cells["types"] == 3).all()
    assert np.ptp(points[:, 0]) == pytest.approx(3.0)


@pytest.mark.parametrize("d", [2, 3])
def test_classes_are_those_of_the_largest_output(tmp_path, d):
    network = he_network((d, 6, 5, 3), 2)
    complex_ = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    points, cells, data = read(complex_.save_vtu(tmp_path / "classes.vtu", classes=True))
    middles = np.array([points[ring].mean(axis=0)[:d] for ring in rings_of(cells)])
    assert data["class"].tolist() == network.evaluate(middles).argmax(axis=1).tolist()
    assert data["region"].tolist() == complex_.locate(middles).tolist()
    assert len(set(data["class"].tolist())) > 1


@pytest.mark.parametrize("d", [2, 3])
def test_unbounded_regions_are_cut_off(tmp_path, d):
    complex_ = plnet.enumerate_regions(he_network((d, 5, 1), 2, 0.5))
    points, cells, data = read(complex_.save_vtu(tmp_path / "space.vtu"))
    assert np.isfinite(points).all()
    bounded = complex_.volumes[complex_.bounded]
    sizes = (
        np.array([area(points[ring]) for ring in rings_of(cells)])
        if d == 2
        else np.array([volume(points, faces) for faces in faces_of(cells)])
    )
    box = np.ptp(points, axis=0)[:d].prod()
    assert sizes.sum() == pytest.approx(box, rel=1e-9)
    whole = np.isin(data["region"], np.flatnonzero(complex_.bounded))
    assert (sizes[whole] <= bounded[: whole.sum()].max() * (1 + 1e-9)).all()


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(DimensionError, match="has 4"):
        plnet.enumerate_regions(he_network((4, 3, 1), 0), plnet.Box(-1, 1)).save_vtu(tmp_path / "a.vtu")
    with pytest.raises(OutputError):
        plnet.enumerate_regions(cross(), plnet.Box(-1, 1)).save_vtu(tmp_path / "no" / "folder" / "a.vtu")
