"""Collecting runs into one table: what is in it, its types and its order, and folders that are damaged."""

import csv
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from plnet.errors import ConfigError, FileFormatError, MissingExtraError, OutputError
from plnet.runs import load
from plnet.runs.store.layout import STATUS_SCHEMA
from plnet.runs.store.lock import take_lock
from plnet.runs.table.collecting import collect_runs, flatten, read_run
from plnet.runs.table.columns import as_array, column_type
from plnet.runs.table.files import write_constants, write_csv, write_parquet
from plnet.runs.table.table import table_of

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {
    "network": {"_target_": "x.y", "widths": [64, 8, 10], "width": None, "options": {}},
    "training": {"optimiser": {"lr": 0.001}},
    "runtime": {"threads": 1},
    "launch": {"name": "serial"},
    "engine": {"name": "auto", "n_jobs": 1},
    "seed": 0,
}


def merged(base, changes):
    whole = json.loads(json.dumps(base))
    for name, value in changes.items():
        node, *rest = whole, *name.split(".")
        for key in rest[:-1]:
            node = node.setdefault(key, {})
        node[rest[-1]] = value
    return whole


def make_run(root, key, metrics=None, status="finished", job="count_regions", **changes):
    """Write the folder of a run without the code that is tested; changes go into its configuration."""
    folder = root / job / key
    folder.mkdir(parents=True)
    config = merged(CONFIG, changes)
    folder.joinpath("config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    record = {
        "schema": 1,
        "status": status,
        "job": job,
        "key": key,
        "attempt": 1,
        "seconds": 1.5,
        "error": None,
    }
    if status == "failed":
        record["error"] = {"type": "ConfigError", "message": "no such thing"}
    folder.joinpath("status.json").write_text(json.dumps(record), encoding="utf-8")
    if metrics is None and status == "finished":
        metrics = {"seed": config["seed"], "regions": 10, "complete": True, "stopped_by": ""}
    if metrics is not None:
        folder.joinpath("metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return folder


def status_json(folder, **changes):
    path = folder / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# What becomes a column


def test_columns_are_what_varies_and_the_metrics(tmp_path):
    make_run(tmp_path, "bb", **{"network.width": 8})
    make_run(tmp_path, "aa", **{"network.width": 16, "runtime.threads": 4, "launch.name": "slurm"})
    table = load(tmp_path)
    names = [
        "job",
        "key",
        "status",
        "network.width",
        "regions",
        "complete",
        "stopped_by",
        "seconds",
        "error",
        "folder",
    ]
    assert list(table.columns) == names
    assert table.config_columns == ("network.width",)
    assert table.metric_columns == ("regions", "complete", "stopped_by")
    assert list(table["key"]) == ["bb", "aa"], "in the order of the configurations"
    constants = table.constants["count_regions"]
    assert constants["network.widths"] == "[64, 8, 10]"
    assert constants["network.options"] == "{}"
    assert constants["training.optimiser.lr"] == 0.001
    assert not {"network.width", "runtime.threads", "launch.name", "engine.n_jobs"} & set(constants)
    everything = load(tmp_path, all_config=True)
    assert everything.config_columns == ("network.width", "runtime.threads", "launch.name")


def test_a_metric_that_repeats_the_configuration_is_left_out_only_if_it_does(tmp_path):
    make_run(tmp_path, "aa", {"seed": 0, "engine.name": "cells", "status": 3})
    make_run(tmp_path, "bb", {"seed": 1, "engine.name": "line", "status": 4}, seed=1)
    table = load(tmp_path)
    assert table.metric_columns == ("metrics.engine.name", "metrics.status")
    assert list(table["seed"]) == [0, 1]
    assert list(table["status"]) == ["finished"] * 2
    status_json(tmp_path / "count_regions" / "aa", status="failed")
    (tmp_path / "count_regions" / "aa" / "metrics.json").write_text('{"seed": 5}', encoding="utf-8")
    table = load(tmp_path)
    assert list(table["metrics.seed"]) == [5.0, 1.0]


def test_an_entry_named_like_a_column_of_the_table_hides_nothing(tmp_path):
    names = ("job", "key", "status", "seconds", "error", "folder")
    for value in (1, 2):
        folder = make_run(tmp_path, f"k{value}", {"regions": value})
        config = merged(CONFIG, dict.fromkeys(names, value))
        folder.joinpath("config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    table = load(tmp_path)
    assert list(table["status"]) == ["finished"] * 2
    assert list(table["key"]) == ["k1", "k2"]
    assert list(table["seconds"]) == [1.5, 1.5]
    assert set(table.config_columns) == {f"config.{name}" for name in names}
    assert list(table["config.status"]) == list(table["config.folder"]) == [1, 2]
    assert list(table.where({"config.key": 2})["key"]) == ["k2"]


def test_runs_of_two_contents_of_a_file_are_told_apart(tmp_path):
    for key, digest in (("aa", "1" * 64), ("bb", "2" * 64)):
        status_json(make_run(tmp_path, key, **{"data.path": "x.npz"}), inputs={"data.path": digest})
    table = load(tmp_path)
    assert table.config_columns == ("data.path.sha256",)
    assert list(table["data.path.sha256"]) == ["1" * 16, "2" * 16]


def test_two_jobs_in_one_table(tmp_path):
    make_run(tmp_path, "aa")
    make_run(tmp_path, "bb", seed=1)
    make_run(tmp_path, "cc", {"loss": 0.5}, job="train", tasks="split")
    table = load(tmp_path)
    assert table.config_columns == ("seed",), "an entry of one job only does not vary"
    assert list(table["job"]) == ["count_regions", "count_regions", "train"]
    assert list(table["loss"][:2]) == pytest.approx([math.nan] * 2, nan_ok=True)
    assert table.constants["train"]["tasks"] == "split"
    assert "tasks" not in table.constants["count_regions"]
    assert len(load(tmp_path, job="train")) == 1


def test_an_entry_that_some_runs_of_a_job_lack_varies(tmp_path):
    make_run(tmp_path, "aa", **{"network.pieces": 3})
    make_run(tmp_path, "bb")
    table = load(tmp_path)
    assert table.config_columns == ("network.pieces",)
    assert table.columns["network.pieces"] == (None, 3)


@pytest.mark.parametrize(
    ("first", "second", "varies"),
    [(8, 8.0, False), (True, 1, True), ("1", 1, True), (None, "null", True), ([1, 2], [1, 2], False)],
)
def test_which_values_differ(tmp_path, first, second, varies):
    make_run(tmp_path, "aa", **{"network.width": first})
    make_run(tmp_path, "bb", **{"network.width": second})
    assert load(tmp_path).config_columns == (("network.width",) if varies else ())


def test_order_is_that_of_the_values_not_of_the_folders(tmp_path):
    for key, width in (("a", "wide"), ("b", 100), ("c", 9), ("d", None), ("e", 10.5), ("f", True)):
        make_run(tmp_path, key, **{"network.width": width})
    table = load(tmp_path)
    assert list(table["key"]) == ["d", "f", "c", "e", "b", "a"]
    again = table_of(list(reversed(table.runs)))
    assert list(again["key"]) == list(table["key"])
    assert list(again.columns) == list(table.columns)


def test_flatten():
    assert flatten({"a": {"b": {"c": 1}, "d": []}, "e": {}, "f": [{"g": None}]}) == {
        "a.b.c": 1,
        "a.d": "[]",
        "e": "{}",
        "f": '[{"g": null}]',
    }


# Types


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        ([1, 2], "int", np.int64),
        ([1, None], "int", np.float64),
        ([2**62, None], "int", object),
        ([2**63, 1], "text", object),
        ([2**60, 0.5], "text", object),
        ([1, 2.5, None], "float", np.float64),
        ([True, False], "bool", bool),
        ([True, None], "bool", object),
        ([True, 1], "text", object),
        (["a", None], "text", object),
        ([None, None], "text", object),
        ([-1.0, "[-2, -1]"], "text", object),
    ],
)
def test_types_of_columns(values, kind, dtype):
    assert column_type(values) == kind
    array = as_array(values)
    assert array.dtype == dtype
    assert not array.flags.writeable
    for value, stored in zip(values, array.tolist(), strict=True):
        if value is None and dtype is np.float64:
            assert math.isnan(stored)
        else:
            assert stored == value


SPECIAL = [0.1 + 0.2, math.inf, -math.inf, math.nan, 1e-300, None]


def special(tmp_path):
    for index, value in enumerate(SPECIAL):
        metrics = {
            "x": value,
            "big": 10**30 + index,
            "text": ["", "a,b", 'say "x"', "two\nlines", " x", None][index],
        }
        make_run(tmp_path, f"{index}", metrics, seed=index)
    return load(tmp_path)


def test_csv_keeps_every_digit(tmp_path):
    table = special(tmp_path)
    found = rows(write_csv(table, tmp_path / "deep" / "er" / "t.csv"))
    for row, value in zip(found, SPECIAL, strict=True):
        if value is None:
            assert row["x"] == ""
        else:
            assert float(row["x"]) == value or (math.isnan(value) and row["x"] == "nan")
    assert [int(row["big"]) for row in found] == [10**30 + i for i in range(6)]
    assert [row["text"] for row in found] == ["", "a,b", 'say "x"', "two\nlines", " x", ""]
    text = (tmp_path / "deep" / "er" / "t.csv").read_text(encoding="utf-8")
    assert ',"",' in text, "an empty text is not a missing value"


def test_parquet_keeps_types_and_missing_values(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = special(tmp_path)
    stored = parquet.read_table(write_parquet(table, tmp_path / "t.parquet"))
    assert stored.column_names == list(table.columns)
    assert [str(stored.schema.field(name).type) for name in ("seed", "x", "big", "text")] == [
        "int64",
        "double",
        "string",
        "string",
    ]
    values = stored["x"].to_pylist()
    assert values[:3] == SPECIAL[:3]
    assert math.isnan(values[3])
    assert values[5] is None, "missing is not NaN"
    assert stored["big"].to_pylist()[1] == str(10**30 + 1)
    assert stored["text"].to_pylist() == ["", "a,b", 'say "x"', "two\nlines", " x", None]


def test_constants_are_json_also_where_a_number_is_not_finite(tmp_path):
    make_run(tmp_path, "aa", **{"engine.max_seconds": math.inf})
    path = write_constants(load(tmp_path), tmp_path / "c.json")
    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(word))
    assert content["constants"]["count_regions"]["engine.max_seconds"] == "inf"


def test_yaml_of_omegaconf_is_read_as_it_was_written(tmp_path):
    from omegaconf import OmegaConf

    values = {
        "a": "1e-5",
        "b": 1e-05,
        "c": "on",
        "d": "null",
        "e": None,
        "f": "2026-01-01",
        "g": math.inf,
        "h": "012",
    }
    folder = make_run(tmp_path, "aa")
    folder.joinpath("config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(values)), encoding="utf-8")
    assert read_run(folder).config == values


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    make_run(tmp_path, "aa")
    with pytest.raises(MissingExtraError, match=r"plnet\[tables\]"):
        write_parquet(load(tmp_path), tmp_path / "t.parquet")


def test_a_full_disk_leaves_the_old_table(tmp_path, monkeypatch):
    make_run(tmp_path, "aa")
    table = load(tmp_path)
    target = tmp_path / "t.csv"
    target.write_text("old", encoding="utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError):
        write_csv(table, target)
    assert target.read_text(encoding="utf-8") == "old"
    target.with_name("file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="Cannot make the folder"):
        write_csv(table, tmp_path / "file" / "t.csv")


# States of runs


def test_runs_that_are_not_finished_are_rows(tmp_path):
    make_run(tmp_path, "failed", status="failed", seed=1)
    make_run(tmp_path, "interrupted", {"regions": 4, "complete": False}, status="interrupted", seed=2)
    make_run(tmp_path, "abandoned", status="running", seed=3)
    lock = take_lock(make_run(tmp_path, "running", status="running", seed=4))
    try:
        table = load(tmp_path)
        assert list(table["status"]) == ["failed", "interrupted", "abandoned", "running"]
        assert list(table["key"]) == list(table["status"])
    finally:
        lock.release()
    assert list(load(tmp_path)["status"])[-1] == "abandoned"
    assert table.columns["error"][0] == "ConfigError: no such thing"
    assert table.columns["regions"] == (None, 4, None, None)
    assert not table.problems


def test_a_run_whose_process_was_killed_before_its_first_word(tmp_path):
    folder = tmp_path / "count_regions" / "aa"
    folder.mkdir(parents=True)
    lock = take_lock(folder)
    try:
        assert list(load(tmp_path)["status"]) == ["running"]
    finally:
        lock.release()
    table = load(tmp_path)
    assert list(table["status"]) == ["abandoned"]
    assert (table["key"][0], table["job"][0]) == ("aa", "count_regions")


def newer(folder):
    status_json(folder, schema=STATUS_SCHEMA + 1, status="splendid")
    return "newer", "Update plnet"


def half_a_status(folder):
    path = folder / "status.json"
    path.write_bytes(path.read_bytes()[:30])
    return "unreadable", "half-written"


def half_a_metric(folder):
    (folder / "metrics.json").write_text('{"regions": 1', encoding="utf-8")
    return "unreadable", r"metrics\.json cannot be read"


def no_metrics(folder):
    (folder / "metrics.json").unlink()
    return "unreadable", r"metrics\.json is missing"


def list_of_metrics(folder):
    (folder / "metrics.json").write_text("[1]", encoding="utf-8")
    return "unreadable", "holds no names and values"


def broken_config(folder):
    (folder / "config.yaml").write_text("a: [1, 2\nb: }", encoding="utf-8")
    return "unreadable", r"config\.yaml cannot be read"


def no_config(folder):
    (folder / "config.yaml").unlink()
    return "unreadable", r"config\.yaml is missing"


def bytes_for_config(folder):
    (folder / "config.yaml").write_bytes(b"\xff\xfe\x00 rubbish \x00")
    return "unreadable", r"config\.yaml cannot be read"


def status_is_a_folder(folder):
    (folder / "status.json").unlink()
    (folder / "status.json").mkdir()
    return "unreadable", "cannot be read"


@pytest.mark.parametrize(
    "damage",
    [
        newer,
        half_a_status,
        half_a_metric,
        no_metrics,
        list_of_metrics,
        broken_config,
        no_config,
        bytes_for_config,
        status_is_a_folder,
    ],
)
def test_damaged_folders_are_told_and_never_results(tmp_path, damage):
    make_run(tmp_path, "good", seed=0)
    make_run(tmp_path, "better", seed=1)
    status, message = damage(make_run(tmp_path, "bad", seed=2))
    table = load(tmp_path)
    assert len(table) == 3
    assert len(table.problems) == 1
    bad = table.where(key="bad")
    assert list(bad["status"]) == [status]

    assert re.search(message, table.problems[0])
    assert re.search(message, bad["error"][0])
    assert len(table.where(status="finished")) == 2
    assert table.config_columns == ("seed",), "what cannot be read does not make other entries vary"


def test_files_replaced_while_they_are_read(tmp_path, monkeypatch):
    from plnet.runs.table import collecting

    folder = make_run(tmp_path, "aa", {"regions": 1})
    whole = collecting._mapping

    def replaced(path, parse):
        monkeypatch.setattr(collecting, "_mapping", whole)
        # Another launch begins here: it takes the old numbers away.
        status_json(folder, status="running", attempt=22)
        (folder / "metrics.json").unlink()
        return whole(path, parse)

    monkeypatch.setattr(collecting, "_mapping", replaced)
    run = read_run(folder)
    assert run.status.status == "abandoned"
    assert not run.problem


def test_a_folder_given_twice_and_a_copy_of_it(tmp_path):
    folder = make_run(tmp_path / "here", "aa")
    table = load(tmp_path, tmp_path / "here", folder, folder)
    assert len(table) == 1
    assert not table.problems
    make_run(tmp_path / "there", "aa", {"regions": 99}, status="interrupted")
    table = load(tmp_path)
    assert list(table["regions"]) == [10]
    assert len(table.problems) == 1
    assert "there" in table.problems[0].split(" holds the same run as ")[0]
    assert "here" in table.problems[0]


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({}, ""),
        ({"seconds_counting": 99.0}, ""),
        ({"regions": 11}, " Their numbers differ: regions is 10 and 11."),
        ({"regions": 11, "new": 1}, " Their numbers differ: regions is 10 and 11; new is None and 1."),
        (
            {f"n{i}": i for i in range(6)},
            " Their numbers differ: n0 is None and 0; n1 is None and 1; n2 is None and 2; n3 is None and 3, "
            "and 2 more.",
        ),
    ],
)
def test_two_folders_of_one_run_with_different_numbers(tmp_path, metrics, words):
    for name, more in (("first", {}), ("second", metrics)):
        folder = make_run(tmp_path / name, "aa", {"regions": 10, "seconds_counting": 1.0, **more})
        status_json(folder, ended=f"2026-01-0{1 + (name == 'second')}T00:00:00.000+00:00")
    (problem,) = load(tmp_path).problems
    assert problem.endswith(f"count_regions/aa (finished), which is taken.{words}")


def test_where_runs_are_found(tmp_path):
    folder = make_run(tmp_path / "a" / "b", "aa")
    (folder / "export").mkdir()
    (folder / "export" / "status.json").write_text("{}", encoding="utf-8")
    (tmp_path / ".hidden" / "x").mkdir(parents=True)
    (tmp_path / ".hidden" / "x" / "status.json").write_text("{}", encoding="utf-8")
    (tmp_path / "a" / "circle").symlink_to(tmp_path, target_is_directory=True)
    assert [run.folder for run in collect_runs(tmp_path)[0]] == [folder.resolve()]
    (tmp_path / "empty").mkdir()
    assert len(load(tmp_path / "empty")) == 0
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="is a file"):
        load(folder / "config.yaml")


def test_links_to_folders_are_followed_and_folders_that_cannot_be_read_are_told(tmp_path, monkeypatch):
    make_run(tmp_path / "elsewhere", "aa")
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "count_regions").symlink_to(tmp_path / "elsewhere" / "count_regions", target_is_directory=True)
    closed = make_run(runs, "bb", job="closed").parent
    opened = os.scandir

    def scandir(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied")
        return opened(path)

    monkeypatch.setattr(os, "scandir", scandir)
    table = load(runs)
    assert list(table["key"]) == ["aa"]
    (problem,) = table.problems
    assert problem == f"{closed} cannot be read (Permission denied); its runs are not in the table."


# The table in Python


@pytest.fixture
def grid(tmp_path):
    for width in (4, 8):
        for seed in (0, 1, 2):
            changes = {"network.width": width, "network.widths": [64, width, 10], "seed": seed}
            folder = make_run(tmp_path, f"{width}{seed}", {"regions": 10 * width + seed}, **changes)
            np.savez(folder / "points.npz", x=np.full(3, seed))
    return load(tmp_path)


def test_rows_with_given_values(grid):
    assert list(grid.where(seed=1)["regions"]) == [41, 81]
    assert list(grid.where({"network.width": 8}, seed={0, 2})["regions"]) == [80, 82]
    assert list(grid.where({"network.widths": [64, 4, 10]})["regions"]) == [40, 41, 42]
    assert list(grid.where(regions=lambda value: value > 80)["regions"]) == [81, 82]
    assert len(grid.where({"engine.name": "auto"})) == 6, "a constant entry"
    assert len(grid.where(seed=True)) == 0, "true is not 1"
    assert len(grid.where(seed=9)) == 0
    assert list(grid.where(seed=9).columns) == list(grid.columns)
    with pytest.raises(ConfigError, match=r'entry "network.widht". Did you mean "network.width'):
        grid.where({"network.widht": 4})
    with pytest.raises(ConfigError, match=r'no column "region". Did you mean "regions"'):
        grid["region"]


def test_files_of_a_run(grid):
    assert grid.arrays("82", "points.npz")["x"].tolist() == [2, 2, 2]
    with pytest.raises(FileFormatError, match=r"The run has points\.npz"):
        grid.arrays("82", "regions.npz")
    with pytest.raises(ConfigError, match="3 runs have a key that begins"):
        grid.folder("8")
    with pytest.raises(ConfigError, match="no run has a key"):
        grid.folder("x")
    (grid.folder("80") / "points.npz").write_bytes(b"PK rubbish")
    with pytest.raises(FileFormatError, match="not a readable npz"):
        grid.arrays("80", "points.npz")


def test_table_is_frozen_and_has_a_short_name(grid):
    assert repr(grid) == "RunTable(6 runs, 10 columns; varying: network.widths, network.width, seed)"
    with pytest.raises(ValueError, match="read-only"):
        grid["regions"][0] = 1
    with pytest.raises(AttributeError):
        grid.runs = ()


def test_pandas(grid, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        grid.to_pandas()


def test_pandas_knows_missing_values(tmp_path):
    pytest.importorskip("pandas")
    make_run(tmp_path, "aa", {"regions": 3})
    make_run(tmp_path, "bb", status="failed", seed=1)
    frame = load(tmp_path).to_pandas()
    assert str(frame["regions"].dtype) == "Int64"
    assert frame["regions"].isna().tolist() == [False, True]


# How long it takes, and what the command says


@pytest.mark.slow
def test_a_thousand_runs_take_less_than_five_seconds(tmp_path):
    for seed in range(1000):
        metrics = {"seed": seed, **{f"metric_{i}": i / 7 for i in range(30)}}
        make_run(tmp_path, f"{seed:016x}", metrics, seed=seed, **{f"extra.entry_{i}": i for i in range(30)})
    start = time.process_time()  # Not the time that other programs take.
    table = load(tmp_path)
    write_csv(table, tmp_path / "t.csv")
    seconds = time.process_time() - start
    assert len(table) == 1000
    assert seconds < 5


def test_reading_a_table_loads_neither_torch_nor_hydra():
    code = (
        "import sys, plnet.runs; plnet.runs.load; import plnet.runs.table.files; "
        "print([name for name in ('torch', 'hydra', 'matplotlib', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def collect(cwd, *arguments):
    command = [sys.executable, str(ROOT / "scripts" / "collect_runs.py"), *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_script(tmp_path):
    make_run(tmp_path / "runs", "aa")
    make_run(tmp_path / "runs", "bb", status="failed", seed=1)
    half_a_metric(make_run(tmp_path / "runs", "cc", seed=2))
    done = collect(tmp_path, "--output", "out/t.csv", "--status", "finished", "--status", "failed")
    assert done.returncode == 0, done.stderr
    assert "2 runs: 1 finished, 1 failed." in done.stdout
    assert "Varying: seed." in done.stdout
    assert "metrics.json cannot be read" in done.stderr
    assert [row["key"] for row in rows(tmp_path / "out" / "t.csv")] == ["aa", "bb"]
    assert json.loads((tmp_path / "out" / "t.constants.json").read_text(encoding="utf-8"))["problems"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "nothing does not exist"),
        (["empty"], "There are no runs in empty"),
        (["runs", "--job", "train"], "There are no runs of train"),
        (["runs", "--status", "finishd"], "No run is finishd. There are 1 finished"),
        (["runs", "-o", "t.xlsx"], "name of a CSV file"),
    ],
)
def test_messages_of_the_command(tmp_path, monkeypatch, capsys, arguments, message):
    from plnet.runs.commands.main import main

    make_run(tmp_path / "runs", "aa")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["collect", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.csv"))


def test_help_is_a_manual(capsys):
    from plnet.runs.commands.collect import run_collect

    with pytest.raises(SystemExit) as caught:
        run_collect(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.count("python scripts/collect_runs.py") == 3
    for word in ("EXAMPLES", "abandoned", "--parquet", "plnet.runs.load"):
        assert word in text


@pytest.mark.slow
@pytest.mark.hydra
def test_a_table_can_be_made_at_any_time_of_a_sweep(tmp_path):
    """Every look gives whole rows, and a finished run never changes any more."""
    sweep = ["seed=range(12)", "network.widths=[2,3,1]", "data=none", "domain=box", "training=none"]
    command = [sys.executable, str(ROOT / "scripts" / "count_regions.py"), "-m", "launch=local_parallel"]
    process = subprocess.Popen(
        [*command, "launch.jobs=2", *sweep, "plot=none", "engine=rational"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    (tmp_path / "runs").mkdir()
    seen, looks = {}, 0
    while process.poll() is None:
        table = load(tmp_path / "runs")
        assert not table.problems
        assert set(table["status"]) <= {"finished", "running"}
        for run in table.where(status="finished").runs:
            assert seen.setdefault(run.key, run) == run
        looks += 1
    assert process.returncode == 0
    final = load(tmp_path / "runs")
    assert list(final["seed"]) == list(range(12))
    assert set(final["status"]) == {"finished"}
    assert looks > 3
    assert all(final.runs[final["key"].tolist().index(key)] == run for key, run in seen.items())
