"""Saved complexes: the same after loading; bad files are refused and never run."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from helpers import he_network

import plnet
from plnet.errors import FileFormatError, OutputError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions import RegionComplex

MIXED = PLNetwork(
    (
        Affine(np.random.RandomState(0).randn(6, 3), np.random.RandomState(1).randn(6), "first"),
        GroupMax([[0, 1, 2], [3, 4, 4], [5, 0, 1]], 6, "pool"),
        ScalarPWL.hardtanh(3, -1, 1, "clip"),
        Affine([[1.0, 2.0, 3.0]], [0.5], "out"),
    ),
    3,
    (3,),
)
DOMAIN = plnet.Slice.through(np.random.RandomState(2).randn(3, 3), margin=1.0)


@pytest.fixture
def saved(tmp_path):
    found = plnet.enumerate_regions(MIXED, DOMAIN)
    return found, found.save(tmp_path / "regions")


def test_round_trip(saved):
    found, path = saved
    assert path.name == "regions.npz"
    for again in (RegionComplex.load(path), RegionComplex.load(str(path)[:-4])):
        assert again.exact
        assert again.complete
        assert again.engine == found.engine
        assert again.reason == found.reason
        assert again.n_fallbacks == found.n_fallbacks
        for key in ("patterns", "points", "volumes", "gradients", "offsets"):
            np.testing.assert_array_equal(getattr(again, key), getattr(found, key))
        assert (again.adjacency != found.adjacency).nnz == 0
        assert again.halfspaces(0).facets == found.halfspaces(0).facets
        assert again.count() == found.count()
        assert [layer.name for layer in again.network.layers] == ["first", "pool", "clip", "out"]
        assert again.network.input_shape == (3,)
        assert sum(again.exact_cell(i).volume() for i in range(len(again))) == 9


def test_unbounded_and_huge_rationals_survive(tmp_path):
    network = PLNetwork((Affine([[1e-300, 1e300], [1.0, -1.0]], [5e-324, 1.0]), ScalarPWL.relu(2)), 2)
    found = plnet.enumerate_regions(network, engine="rational")
    again = RegionComplex.load(found.save(tmp_path / "x.npz"))
    np.testing.assert_array_equal(again.patterns, found.patterns)
    np.testing.assert_array_equal(again.network.layers[0].weight, network.layers[0].weight)


def test_partial_results_stay_partial(tmp_path):
    from plnet.regions.engines.cells import Cells

    found = plnet.enumerate_regions(
        he_network((2, 9, 9, 1), 0), plnet.Box(-1, 1), engine=Cells(chunk=5), max_regions=5
    )
    again = RegionComplex.load(found.save(tmp_path / "part"))
    assert not again.complete
    assert not again.exact
    assert len(again) == len(found)


def _rewrite(path, change):
    with np.load(path) as data:
        arrays = {key: data[key] for key in data.files}
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    if "header" in arrays:
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, **arrays)


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.9, -1])
def test_truncated_files(saved, keep):
    _, path = saved
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(FileFormatError, match=r"regions\.npz"):
        RegionComplex.load(path)


@pytest.mark.parametrize("position", [0.2, 0.5, 0.8])
def test_flipped_bytes(saved, position: float):
    _, path = saved
    data = bytearray(path.read_bytes())
    start = int(position * len(data))
    data[start : start + 40] = bytes(255 - x for x in data[start : start + 40])
    path.write_bytes(bytes(data))
    with pytest.raises(FileFormatError):
        RegionComplex.load(path)


def test_newer_schema(saved):
    _, path = saved
    _rewrite(path, lambda header, _: header.update(schema=99))
    with pytest.raises(FileFormatError, match=r"schema 99.*Update"):
        RegionComplex.load(path)


def test_another_format(saved):
    _, path = saved
    _rewrite(path, lambda header, _: header.update(format="plnet.Other"))
    with pytest.raises(FileFormatError, match=r"plnet\.Other.*expected"):
        RegionComplex.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda header, arrays: arrays.pop("header"),
        lambda header, arrays: arrays.pop("starts"),
        lambda header, arrays: header.pop("network"),
        lambda header, arrays: arrays.update(starts=arrays["starts"][:-1]),
        lambda header, arrays: arrays.update(patterns=arrays["patterns"][:, :-1]),
        lambda header, arrays: arrays.update(facets=arrays["facets"][:, :3]),
        lambda header, arrays: header["network"]["layers"].append({"kind": "Exec", "name": "", "n_in": 1}),
        lambda header, arrays: header["chart"]["embedding"].update(shape=[1, 1]),
        lambda header, arrays: header.update(schema="new"),
    ],
)
def test_damaged_content(saved, change):
    _, path = saved
    _rewrite(path, change)
    with pytest.raises(FileFormatError):
        RegionComplex.load(path)


def test_npz_of_another_program(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, a=np.arange(3))
    with pytest.raises(FileFormatError, match=r"other\.npz"):
        RegionComplex.load(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileFormatError, match="No file"):
        RegionComplex.load(tmp_path / "nothing.npz")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(FileFormatError):
        RegionComplex.load(tmp_path / "folder.npz")


class _Trap:
    def __reduce__(self):
        return os.mkdir, (os.environ["PLNET_TRAP"],)


def test_pickles_are_never_loaded(saved, tmp_path, monkeypatch):
    _, path = saved
    trap = tmp_path / "trap"
    monkeypatch.setenv("PLNET_TRAP", str(trap))
    plain = tmp_path / "plain.npz"
    plain.write_bytes(pickle.dumps(_Trap()))
    buffer = io.BytesIO()
    np.save(buffer, np.array([_Trap()], dtype=object), allow_pickle=True)
    hidden = tmp_path / "hidden.npz"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(hidden, "w") as new:
        for name in old.namelist():
            new.writestr(name, buffer.getvalue() if name == "patterns.npy" else old.read(name))
    for file in (plain, hidden):
        with pytest.raises(FileFormatError):
            RegionComplex.load(file)
    assert not trap.exists()


def test_missing_folder(saved, tmp_path):
    found, _ = saved
    with pytest.raises(OutputError, match="Choose another folder"):
        found.save(tmp_path / "no" / "such" / "folder")


@pytest.mark.skipif(
    os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may write anywhere"
)
def test_read_only_folder(saved, tmp_path):
    found, _ = saved
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    with pytest.raises(OutputError, match="Cannot write"):
        found.save(folder / "x")


def test_a_failed_save_keeps_the_old_file(saved, tmp_path, monkeypatch):
    found, path = saved
    before = path.read_bytes()

    def fail(handle, **arrays):
        handle.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OutputError, match="No space left"):
        found.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
