"""Files that lie about their size, contradict themselves or carry programs are refused in words."""

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import he_network

import plnet
import plnet.io
from plnet.errors import ConfigError, FileFormatError, PLNetError
from plnet.forgetting import SequenceResult
from plnet.forgetting.data.files import from_npz as forgetting_from_npz
from plnet.forgetting.data.files import read_idx
from plnet.forgetting.data.openml import _read as read_downloaded
from plnet.forgetting.training.checkpoint import FileCheckpoint
from plnet.regions import RegionComplex
from plnet.regions.certificates.certificate import Certificate
from plnet.runs.jobs.convex.figures import draw_fit
from plnet.runs.jobs.convex.job import read_samples
from plnet.runs.jobs.count_regions import figures as count_regions_figures
from plnet.runs.jobs.count_regions import job as count_regions
from plnet.runs.jobs.count_regions.data import from_npz
from plnet.runs.jobs.count_regions.networks import from_checkpoint
from plnet.runs.jobs.maxout import figures as maxout_figures
from plnet.runs.jobs.reports import read_metrics
from plnet.runs.store.lock import read_lock
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps, read_steps
from plnet.runs.store.resume_training import TrainingCheckpoint
from plnet.runs.store.store import read_status
from plnet.runs.table.collecting import read_run
from plnet.runs.table.table import load

ROOT = Path(__file__).resolve().parents[2]


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def announcing(shape, dtype="<f8", content=b""):
    """Return a npy file that announces a shape."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"shape": shape, "fortran_order": False, "descr": dtype})
    return buffer.getvalue() + content


def packed(header):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return npy(np.frombuffer(text, dtype=np.uint8))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Complexes of dimension 1, 2 and 3, and one of points only, as files."""
    folder = tmp_path_factory.mktemp("kept")
    made = {}
    for name, sizes, options in (
        ("line", (1, 4, 1), {"engine": "rational"}),
        ("plane", (2, 5, 1), {"engine": "rational"}),
        ("space", (3, 4, 1), {"engine": "rational"}),
        ("points", (3, 4, 1), {"engine": "search"}),
    ):
        found = plnet.enumerate_regions(he_network(sizes, 0), plnet.Box(-1, 1), **options)
        made[name] = found.save(folder / name)
    return made


def rebuilt(source, path, **members):
    """Copy an npz file with other members; None leaves one out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = members.pop(name.removesuffix(".npy"), old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in members.items():
            new.writestr(f"{name}.npy", content)
    return path


def changed(source, path, change):
    with np.load(source) as stored:
        arrays = dict(stored)
    header = json.loads(arrays.pop("header").tobytes())
    change(header, arrays)
    return rebuilt(
        source, path, header=packed(header), **{name: npy(array) for name, array in arrays.items()}
    )


# Files that are honest


@pytest.mark.parametrize("name", ["line", "plane", "space", "points"])
def test_round_trip_is_the_same_to_the_last_bit(kept, tmp_path, name):
    found = RegionComplex.load(kept[name])
    again = RegionComplex.load(found.save(tmp_path / "again"))
    for key, array in vars(found.leaves).items():
        other = getattr(again.leaves, key)
        assert (array is None) == (other is None)
        if array is not None:
            assert (array.dtype, array.shape, array.tobytes()) == (other.dtype, other.shape, other.tobytes())


@pytest.mark.parametrize("schema", [1, 2])
def test_older_files_are_read(kept, tmp_path, schema):
    path = changed(kept["plane"], tmp_path / "old.npz", lambda header, _: header.update(schema=schema))
    np.testing.assert_array_equal(
        RegionComplex.load(path).patterns, RegionComplex.load(kept["plane"]).patterns
    )


# Sizes


@pytest.mark.parametrize(
    "content",
    [
        announcing((10**12, 5), "|u1"),
        announcing((10**12, 10**12, 10**12), "|u1"),
        announcing((10**12,), "<U0"),
        announcing((3, 5), "|u1", bytes(14)),
        announcing((3, 5), "|u1", bytes(16)),
        announcing((10**4, 10**4, 10**4, 10**4, 10**4), "<f8", bytes(64)),
        b"\x93NUMPY\x09\x00" + bytes(64),
    ],
)
def test_arrays_that_announce_another_size(kept, tmp_path, content):
    path = rebuilt(kept["plane"], tmp_path / "x.npz", patterns=content)
    with pytest.raises(FileFormatError, match=r"x\.npz .*(announces the shape|unknown format)"):
        RegionComplex.load(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_that_announce_more_than_the_file_holds(kept, tmp_path, packing):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(kept["plane"]) as old, zipfile.ZipFile(path, "w", packing) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) if name != "starts.npy" else announcing((10**12,), "<i8"))
        new.getinfo("starts.npy").file_size = 8 * 10**12 + 128
    with pytest.raises(FileFormatError, match="announces 8000000000128 bytes"):
        RegionComplex.load(path)


def test_unknown_members_are_not_unpacked(kept, tmp_path):
    path = rebuilt(kept["plane"], tmp_path / "x.npz", bomb=npy(np.zeros(1 << 26, np.uint8)))
    tracemalloc.start()
    try:
        assert len(RegionComplex.load(path)) == len(RegionComplex.load(kept["plane"]))
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_the_header_comes_first(kept, tmp_path):
    path = changed(kept["plane"], tmp_path / "x.npz", lambda header, _: header.update(format="plnet.Other"))
    path = rebuilt(path, tmp_path / "y.npz", patterns=npy(np.zeros(1 << 26, np.uint8)))
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=r"plnet\.Other file, expected plnet\.RegionComplex"):
            RegionComplex.load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b'{"format": "plnet.RegionComplex", "schema": Infinity}', "no whole number"),
        (b'{"format": "plnet.RegionComplex", "schema": NaN}', "no whole number"),
        (b'{"format": "plnet.RegionComplex", "schema": true}', "no whole number"),
        (b'{"format": "plnet.RegionComplex", "schema": 0}', "schema 0"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "digits"),
        (b"[]", "TypeError"),
        (b"\xff\xfe", "no JSON"),
    ],
)
def test_headers_that_lie(kept, tmp_path, header, message):
    with pytest.raises(FileFormatError, match=message):
        RegionComplex.load(rebuilt(kept["plane"], tmp_path / "x.npz", header=packed(header)))


def test_a_header_of_gigabytes_is_not_unpacked(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(plnet.io, "_LONGEST_HEADER", 100)
    with pytest.raises(FileFormatError, match="header is longer than 100"):
        RegionComplex.load(kept["plane"])
    with pytest.raises(PLNetError, match="at most 100 can be read"):
        plnet.io.write_arrays(tmp_path / "x", {"a": "b" * 1000}, {})


def test_memory_that_is_not_there_is_told(kept, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(np.lib.format, "read_array", fail)
    with pytest.raises(FileFormatError, match="more memory than there is"):
        RegionComplex.load(kept["plane"])


# Values


def put(key, place, value):
    def change(_, arrays):
        arrays[key] = arrays[key].copy()
        if arrays[key].dtype.kind == "u" and value < 0:
            arrays[key] = arrays[key].astype(np.int64)
        arrays[key][place] = value

    return change


def retyped(key, dtype):
    return lambda _, arrays: arrays.update({key: arrays[key].astype(dtype)})


DAMAGES = {
    "vertex is NaN": ("line plane space points", put("vertices", (0, 0), np.nan)),
    "vertex is infinite": ("line plane space points", put("vertices", (1, 0), np.inf)),
    "weight of a vertex": ("line plane space points", put("vertices", (0, -1), 0.5)),
    "start is negative": ("line plane space points", put("starts", 0, -1)),
    "starts fall": ("line plane space points", put("starts", 1, 10**6)),
    "region without vertices": ("line plane space points", put("starts", 1, 0)),
    "facet starts are negative": ("space points", put("facet_starts", 0, -3)),
    "piece is negative": ("line plane space points", put("patterns", (0, 0), -1)),
    "piece is too large": ("line plane space points", put("patterns", (0, 0), 2)),
    "facet of no layer": ("line plane space", put("facets", (0, 0), 7)),
    "facet of a negative layer": ("line plane space", put("facets", (0, 0), -3)),
    "facet of no unit": ("line plane space", put("facets", (0, 1), 99)),
    "facet of a negative unit": ("line plane space", put("facets", (0, 1), -2)),
    "facet of no piece": (
        "line plane space",
        lambda _, arrays: arrays.update(facets=np.abs(arrays["facets"]) * 0),
    ),
    "patterns are floats": ("line plane space points", retyped("patterns", float)),
    "starts are floats": ("line plane space points", retyped("starts", float)),
    "vertices are integers": ("line plane space points", retyped("vertices", int)),
    "vertices are complex": ("line plane space points", retyped("vertices", complex)),
    "facets are texts": ("line plane space points", retyped("facets", str)),
    "incidence is missing": ("space", lambda _, arrays: arrays.update(tight=arrays["tight"][:, :0])),
    "dimension": ("line plane space points", lambda header, _: header["network"].update(input_dim=5)),
    "input_dim is no integer": ("line", lambda header, _: header["network"].update(input_dim=1.0)),
    "denominator": (
        "line plane space",
        lambda header, _: header["chart"]["facets"].update(denominator="0x0"),
    ),
    "facet names": ("line plane space", lambda header, _: header["chart"].update(facet_names=["x0 >= 0"])),
    "exact is a text": ("plane", lambda header, _: header.update(exact="yes")),
    "complete is a number": ("plane", lambda header, _: header.update(complete=1)),
    "seconds are a list": ("plane", lambda header, _: header.update(seconds=[1])),
    "engine is null": ("plane", lambda header, _: header.update(engine=None)),
    "n_undecided is a truth value": ("plane", lambda header, _: header.update(n_undecided=True)),
}


@pytest.mark.parametrize(
    ("name", "damage"),
    [(name, damage) for damage, (names, _) in DAMAGES.items() for name in names.split()],
)
def test_values_that_contradict_each_other(kept, tmp_path, name, damage):
    path = changed(kept[name], tmp_path / "x.npz", DAMAGES[damage][1])
    with pytest.raises(FileFormatError, match=r"x\.npz is not a readable plnet\.RegionComplex file"):
        RegionComplex.load(path)


def test_results_of_a_training_with_entries_of_another_type(tmp_path):
    path = SequenceResult([[[0.1], [0.9]]], ["a"], seeds=[0]).save(tmp_path / "result")
    for name, value in (("seconds", "long"), ("complete", 1), ("method", None), ("settings", [])):
        bad = changed(path, tmp_path / "x.npz", lambda header, _, e={name: value}: header.update(e))
        with pytest.raises(FileFormatError, match=rf"its {name} is"):
            SequenceResult.load(bad)


# Programs


class Trap:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["PLNET_TRAP"],)


@pytest.fixture
def trap(tmp_path, monkeypatch):
    monkeypatch.setenv("PLNET_TRAP", str(tmp_path / "sprung"))
    return tmp_path / "sprung"


def test_the_trap_springs(trap):
    pickle.loads(pickle.dumps(Trap()))
    assert trap.exists()


ARRAYS = (
    "header x y images labels upper weight bias slopes offsets coordinates accuracy diverged patterns starts"
)


def trapped_npz(path):
    # Of the size that the array announces, so that nothing but the pickle can be wrong with it.
    content = pickle.dumps(Trap())
    content += bytes(-len(content) % 8)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ARRAYS.split():
            archive.writestr(f"{name}.npy", announcing((len(content) // 8,), "|O", content))


def trapped_weights(path):
    torch.save({"layers.0.weight": Trap()}, path)


def trapped_old_weights(path):
    torch.save({"layers.0.weight": Trap()}, path, _use_new_zipfile_serialization=False)


def trapped_pickle(path):
    path.write_bytes(pickle.dumps(Trap()))


def packed_pickle(path):
    path.write_bytes(gzip.compress(pickle.dumps(Trap())))


def load_training(folder):
    steps = Steps(None, {"training_state": {"values": {}, "files": ["training_state.pt"]}})
    return TrainingCheckpoint(RunFolder(folder), steps).load()


def learnt(folder):
    return maxout_figures._learnt(folder / "learnt.npz")


def drawn_fit(folder):
    folder.joinpath("metrics.json").write_text('{"dim": 1, "low": [0], "high": [1]}', encoding="utf-8")
    draw_fit(RunFolder(folder), abs, None)


def table_arrays(folder):
    folder.joinpath("status.json").write_text(
        '{"schema": 1, "status": "failed", "key": "k"}', encoding="utf-8"
    )
    load(folder).arrays("k", "points.npz")


def check_certificate(folder):
    command = [sys.executable, str(ROOT / "scripts" / "check_certificate.py"), str(folder / "c.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    raise FileFormatError(done.stdout)


# What reads -> name of its file, and whether it refuses; the others answer that nothing is known.
LOADERS = {
    "complex": (lambda f: RegionComplex.load(f / "c.npz"), "c.npz", True),
    "certificate": (lambda f: Certificate.load(f / "c.json"), "c.json", True),
    "check_certificate.py": (check_certificate, "c.json", True),
    "result": (lambda f: SequenceResult.load(f / "r.npz"), "r.npz", True),
    "data of tasks": (lambda f: forgetting_from_npz(f / "d.npz"), "d.npz", True),
    "idx": (lambda f: read_idx(f / "i"), "i", True),
    "downloaded": (lambda f: read_downloaded(f / "d.npz"), "d.npz", False),
    "data": (lambda f: from_npz(rng=0, path=str(f / "d.npz")), "d.npz", True),
    "samples": (lambda f: read_samples(f / "d.npz"), "d.npz", True),
    "arrays of a run": (table_arrays, "points.npz", True),
    "redrawn points": (lambda f: count_regions_figures._images(RunFolder(f)), "points.npz", True),
    "learnt units": (learnt, "learnt.npz", True),
    "fit": (drawn_fit, "fit.npz", True),
    "pieces": (lambda f: maxout_figures.read_pieces(f / "pieces.csv"), "pieces.csv", True),
    "weights": (lambda f: from_checkpoint(str(f / "w.pt"), [2, 3, 1]), "w.pt", True),
    "weights of a run": (lambda f: count_regions._weights(f / "w.pt"), "w.pt", True),
    "state of a training": (load_training, "training_state.pt", False),
    "checkpoint of a sequence": (lambda f: FileCheckpoint(f / "s.pt").load(), "s.pt", True),
    "status": (read_status, "status.json", False),
    "steps": (read_steps, "resume.json", False),
    "metrics": (read_metrics, "metrics.json", True),
    "run": (read_run, "config.yaml", False),
    "lock": (read_lock, ".lock/1.json", False),
}
TRAPS = (trapped_npz, trapped_weights, trapped_old_weights, trapped_pickle, packed_pickle)


@pytest.mark.parametrize("make", TRAPS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", LOADERS)
def test_no_loader_runs_what_it_reads(tmp_path, trap, name, make):
    read, file, refuses = LOADERS[name]
    path = tmp_path / "run" / file
    path.parent.mkdir(parents=True)
    make(path)
    if refuses:
        with pytest.raises((FileFormatError, ConfigError)):
            read(tmp_path / "run")
    else:
        read(tmp_path / "run")
    assert not trap.exists()


def test_a_yaml_object_in_a_configuration_is_not_made(tmp_path, trap):
    text = f"a: !!python/object/apply:os.mkdir ['{trap}']\n"
    tmp_path.joinpath("config.yaml").write_text(text, encoding="utf-8")
    tmp_path.joinpath("status.json").write_text('{"schema": 1, "status": "finished"}', encoding="utf-8")
    assert read_run(tmp_path).status.status == "unreadable"
    assert not trap.exists()


@pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
def test_a_changed_byte_of_a_weight_is_noticed(tmp_path, place):
    path = tmp_path / "w.pt"
    torch.save({"layers.0.weight": torch.zeros(1000)}, path)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 64
    path.write_bytes(bytes(content))
    with pytest.raises(FileFormatError, match="damaged"):
        count_regions._weights(path)


def test_a_training_whose_weights_were_damaged_is_made_again(tmp_path):
    module, steps = torch.nn.Linear(40, 2), Steps(None)
    steps.complete("training", {"epochs": 3}, ["checkpoint_after.pt"])
    job = SimpleNamespace(folder=RunFolder(tmp_path), steps=steps)
    path = job.folder.state_dict("checkpoint_after.pt", {"weight": torch.ones(2, 40), "bias": torch.ones(2)})
    assert count_regions._Job._stored_training(job, module) == {"epochs": 3}
    assert bool((module.weight == 1).all())
    content = path.read_bytes()
    for damaged in (
        content[:100],
        content[:-1],
        content.replace(bytes([0, 0, 128, 63]), bytes([0, 0, 0, 64])),
    ):
        path.write_bytes(damaged)
        assert count_regions._Job._stored_training(job, module) is None
    path.unlink()
    assert count_regions._Job._stored_training(job, module) is None
