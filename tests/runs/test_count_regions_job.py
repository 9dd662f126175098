"""The job of count_regions.py: what it writes, that it can be repeated, and how it fails."""

import csv
import functools
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from plnet.errors import (
    ConfigError,
    DimensionError,
    FileFormatError,
    MissingExtraError,
    NetworkError,
    NotPiecewiseLinearError,
    OutputError,
    PLNetError,
)
from plnet.regions.complex import RegionComplex
from plnet.runs import config_dir, register_schemas
from plnet.runs.jobs.count_regions.build import build_count_regions
from plnet.runs.jobs.count_regions.job import run_count_regions
from plnet.runs.jobs.count_regions.report import describe_count_regions
from plnet.runs.jobs.reports import drawn_files
from plnet.runs.store.layout import read_status
from plnet.runs.store.outputs import RunFolder

register_schemas()

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "count_regions.py"
TINY = ["network.widths=[64,6,6,10]", "training.epochs=2", "plot=none"]
BOX = ["network.widths=[2,5,1]", "data=none", "domain=box", "training=none"]


@pytest.fixture(autouse=True, scope="module")
def digits_read_once():
    """Reading the digits takes longer than most of the tests here."""
    from sklearn import datasets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load_digits", functools.cache(datasets.load_digits))
        yield


def arguments(*overrides):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return build_count_regions(compose("count_regions", overrides=list(overrides)))


def run(folder, *overrides):
    folder.mkdir(exist_ok=True)
    return run_count_regions(RunFolder(folder), arguments(*overrides), progress=None)


def metrics_of(folder):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(folder.joinpath("metrics.json").read_text(encoding="utf-8"), parse_constant=refuse)


def without_times(metrics):
    return {key: value for key, value in metrics.items() if not key.startswith("seconds")}


def script(cwd, *overrides, **environment):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **environment}
    command = [sys.executable, str(SCRIPT), *overrides]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


# What is written


@pytest.fixture(scope="module")
def finished(tmp_path_factory, digits_read_once):
    """Run a small job with everything in it once."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, run(folder, *TINY[:2], "domain.classes=[3,5,8]", "seed=4")


def test_files_of_a_run(finished):
    folder, _ = finished
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "checkpoint_after.pt",
        "checkpoint_before.pt",
        "environment.json",
        "metrics.json",
        "points.npz",
        "regions.npz",
        "regions.pdf",
        "regions.png",
        "regions_before.npz",
        "training.csv",
    }
    metrics = metrics_of(folder)
    words = describe_count_regions(folder)
    assert f"Before training: {metrics['regions_before']} linear regions (exact" in words
    assert str(folder / "regions.pdf") in words
    assert str(folder / "metrics.json") in words
    environment = json.loads(folder.joinpath("environment.json").read_text(encoding="utf-8"))
    assert environment["torch"] == torch.__version__
    assert environment["threads"] == 1


def test_numbers_of_a_run_agree_with_its_files(finished):
    folder, returned = finished
    metrics = metrics_of(folder)
    assert returned == metrics
    for name, when in (("regions_before.npz", "before"), ("regions.npz", "after")):
        found = RegionComplex.load(folder / name)
        assert metrics[f"regions_{when}"] == len(found) > 1
        assert metrics[f"exact_{when}"] is found.exact is True
        assert metrics[f"complete_{when}"] is True
        assert metrics[f"boundary_length_{when}"] == pytest.approx(found.decision_boundary().length)
        state = torch.load(folder / f"checkpoint_{when}.pt", weights_only=True)
        np.testing.assert_array_equal(found.network.layers[0].weight, state["0.weight"].double().numpy())
    points = np.load(folder / "points.npz", allow_pickle=False)
    assert points["labels"].tolist() == [3, 5, 8]
    assert points["images"].shape == (3, 8, 8)
    np.testing.assert_array_equal(found.chart.embed(points["coordinates"]), points["images"].reshape(3, 64))
    with folder.joinpath("training.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[-1]["accuracy_test"]) == metrics["accuracy_test"]
    assert metrics["n_train"] + metrics["n_test"] == 1797


def test_same_seed_same_numbers(tmp_path):
    first = run(tmp_path / "a", *TINY)
    noise = torch.rand(7)  # A run neither reads nor moves the global generator.
    state = torch.get_rng_state()
    again = run(tmp_path / "b", *TINY)
    assert torch.equal(state, torch.get_rng_state())
    assert len(noise) == 7
    other = run(tmp_path / "c", *TINY, "seed=1")
    assert without_times(first) == without_times(again)
    assert without_times(first) != without_times(other)
    for name in ("points.npz", "training.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_dropout_is_repeatable(tmp_path):
    options = [*TINY, "network.dropout=0.3"]
    first, again = (run(tmp_path / name, *options) for name in "ab")
    assert without_times(first) == without_times(again)


def test_box_without_data_or_training(tmp_path):
    run(tmp_path, *BOX, "plot=none")
    metrics = metrics_of(tmp_path)
    assert metrics["regions"] == len(RegionComplex.load(tmp_path / "regions.npz"))
    assert metrics["exact"] is True
    assert not any(key.endswith(("_before", "_after")) for key in metrics)
    assert describe_count_regions(tmp_path).startswith(
        f"The network has {metrics['regions']} linear regions (exact"
    )


def test_segment_draws_and_counts_boundary_points(tmp_path):
    metrics = run(tmp_path, *TINY[:2], "domain=segment", "plot.formats=[png]", "plot.color_by=class")
    assert [path.name for path in drawn_files(tmp_path, "regions")] == ["regions.png"]
    assert isinstance(metrics["boundary_points_after"], int)
    assert np.load(tmp_path / "points.npz")["coordinates"].tolist() == [[0.0], [1.0]]


def test_checkpoint_is_counted_as_it_is(tmp_path):
    run(tmp_path / "a", *TINY)
    path = tmp_path / "a" / "checkpoint_after.pt"
    metrics = run(
        tmp_path / "b", TINY[0], "plot=none", "training=none", "network=checkpoint", f"network.path={path}"
    )
    first = metrics_of(tmp_path / "a")
    assert metrics["regions"] == first["regions_after"]
    assert metrics["accuracy_test"] == first["accuracy_test"]


def test_own_data(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 2))
    np.savez(tmp_path / "two.npz", x=x, y=(x[:, 0] > 0).astype(int))
    own = ["data=npz", f"data.path={tmp_path / 'two.npz'}", "network.widths=[2,6,2]"]
    metrics = run(tmp_path / "a", *own, "domain=box", "domain.low=[-2,-1]", "plot=none", "training.epochs=1")
    assert metrics["regions_after"] >= 1


# Counts that stop early


def test_budget_keeps_what_is_known(tmp_path):
    # This engine looks at its budget after every region; fast ones may be done before they look.
    few = ["engine=rational", "engine.max_regions=5"]
    run(tmp_path, *TINY[:2], *few, "plot.formats=[png]", "plot.color_by=class")
    metrics = metrics_of(tmp_path)
    assert metrics["complete_before"] is metrics["exact_before"] is False
    assert metrics["stopped_by_after"] == "max_regions"
    assert metrics["boundary_length_after"] is None
    assert 5 <= metrics["regions_before"] == len(RegionComplex.load(tmp_path / "regions_before.npz"))
    assert "at least" in describe_count_regions(tmp_path)
    assert (tmp_path / "regions.png").is_file()


def test_interrupted_count_is_written(tmp_path, monkeypatch):
    from plnet.runs.jobs.count_regions import counting

    whole = counting.enumerate_regions

    def interrupted(*args, **options):
        some = whole(*args, **{**options, "engine": "rational", "max_regions": 3})
        return replace(some, stopped_by="Ctrl-C")

    monkeypatch.setattr(counting, "enumerate_regions", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"during the count\. What is known is in"):
        run(tmp_path, *TINY)
    metrics = metrics_of(tmp_path)
    assert metrics["stopped_by_before"] == "Ctrl-C"
    assert metrics["complete_before"] is False
    assert len(RegionComplex.load(tmp_path / "regions_before.npz")) == metrics["regions_before"]


def test_interrupted_training_says_so(tmp_path):
    def training(*args, **options):
        raise KeyboardInterrupt

    options = replace(arguments(*TINY), training=training)
    with pytest.raises(KeyboardInterrupt, match="during the training"):
        run_count_regions(RunFolder(tmp_path), options, progress=None)
    assert metrics_of(tmp_path)["complete_before"] is True


# Errors of the user


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["network.widths=[2,8,10]"], ConfigError, r"takes 2 inputs.*have 64.*begin with 64"),
        (["network.widths=[64,8,5]"], ConfigError, r"5 outputs.*10 classes.*end with 10"),
        (["domain=box", "engine=line"], DimensionError, r"dimension 64.*domain=slice"),
        (["network.activation=rellu"], ConfigError, r"Did you mean 'relu'"),
        (["network.activation=gelu"], NotPiecewiseLinearError, "GELU"),
        (["data=none"], ConfigError, r"no data to train on.*training=none"),
        (["domain.classes=[1,1,2]"], ConfigError, "3 different classes"),
        (["domain.margin=-1"], ConfigError, "margin"),
        (["seed=-1"], ConfigError, "non-negative"),
        (["engine.name=cels"], PLNetError, "Did you mean 'cells'"),
        (["engine.max_seconds=-1"], PLNetError, "max_seconds > 0"),
        (["training.epochs=0"], ConfigError, r"training\.epochs"),
        (["training.optimiser.lr=-1"], ConfigError, r"training\.optimiser.*learning rate"),
        (["training.optimiser.lr=1e30"], NetworkError, r"diverged.*training\.optimiser\.lr"),
        (["data.test_fraction=1"], ConfigError, "test_fraction"),
        (["runtime.device=tpu"], ConfigError, r"runtime\.device"),
        (["runtime.threads=0"], ConfigError, r"runtime\.threads"),
    ],
)
def test_impossible_configurations(tmp_path, overrides, error, message):
    with pytest.raises(error, match=message):
        run(tmp_path, *TINY, *overrides)


def test_slice_without_data(tmp_path):
    with pytest.raises(ConfigError, match=r"domain=slice .* no data.*domain=box"):
        run(tmp_path, "data=none", "training=none", "plot=none")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_gpu_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"no CUDA device.*runtime=cpu"):
        run(tmp_path, *TINY, "runtime=gpu")


@pytest.mark.gpu
def test_gpu_trains(tmp_path):
    metrics = run(tmp_path, *TINY, "runtime=gpu", "training.epochs=20")
    assert metrics["exact_after"] is True
    assert metrics["accuracy_test"] > 0.3
    assert json.loads((tmp_path / "environment.json").read_text(encoding="utf-8"))["device_name"]


def test_sklearn_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"plnet\[data\]"):
        run(tmp_path, *TINY)


def corrupt(path, kind):
    if kind == "missing":
        return r"No file"
    if kind == "text":
        path.write_text("x, y\n1, 2\n", encoding="utf-8")
        return "not a readable npz"
    if kind == "cut":
        np.savez(path, x=np.zeros((9, 2)), y=np.arange(9))
        path.write_bytes(path.read_bytes()[:-40])
        return "not a readable npz"
    if kind == "pickle":
        np.savez(path, x=np.array([{}, {}], dtype=object), y=np.zeros(2, int))
        return "not a readable npz"
    if kind == "names":
        np.savez(path, X=np.zeros((9, 2)))
        return "has no array x and no y; it holds X"
    if kind == "lengths":
        np.savez(path, x=np.zeros((9, 2)), y=np.arange(8))
        return r"x \(9, 2\) float64 and y \(8,\)"
    if kind == "floats":
        np.savez(path, x=np.zeros((9, 2)), y=np.ones(9))
        return "as integers"
    if kind == "nan":
        np.savez(path, x=np.full((9, 2), np.nan), y=np.arange(9))
        return "NaN"
    np.savez(path, x=np.zeros((0, 2)), y=np.zeros(0, int))
    return "Expected the data"


@pytest.mark.parametrize(
    "kind", ["missing", "text", "cut", "pickle", "names", "lengths", "floats", "nan", "empty"]
)
def test_unusable_data(tmp_path, kind):
    path = tmp_path / "data.npz"
    message = corrupt(path, kind)
    with pytest.raises(FileFormatError, match=message):
        run(tmp_path, *TINY, "data=npz", f"data.path={path}")


@pytest.mark.parametrize("kind", ["missing", "text", "list", "nan", "shape", "module"])
def test_unusable_checkpoints(tmp_path, kind):
    path, network = tmp_path / "net.pt", torch.nn.Sequential(torch.nn.Linear(64, 10))
    error, message = FileFormatError, "state dict"
    if kind == "missing":
        message = "No file"
    elif kind == "text":
        path.write_text("weights", encoding="utf-8")
    elif kind == "list":
        torch.save([1, 2], path)
    elif kind == "module":
        torch.save(network, path)
    elif kind == "shape":
        torch.save(network.state_dict(), path)
        error, message = ConfigError, r"0\.weight is \(10, 64\) in the file and \(6, 64\) in the network"
    else:
        torch.save({name: torch.full_like(w, torch.nan) for name, w in network.state_dict().items()}, path)
        error, message = NetworkError, r"0\.weight in .* contains NaN"
    widths = "[64,10]" if kind == "nan" else "[64,6,10]"
    with pytest.raises(error, match=message):
        run(tmp_path, "network=checkpoint", f"network.path={path}", f"network.widths={widths}", "plot=none")


def test_float64_checkpoint_is_not_rounded(tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1)).double()
    path = tmp_path / "net.pt"
    torch.save(network.state_dict(), path)
    own = ["network=checkpoint", f"network.path={path}", "network.widths=[2,3,1]", *BOX[1:], "plot=none"]
    run(tmp_path, *own)
    found = RegionComplex.load(tmp_path / "regions.npz")
    np.testing.assert_array_equal(found.network.layers[0].weight, network[0].weight.detach().numpy())


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_output_folder_is_checked_first(tmp_path, kind):
    folder = tmp_path / "out"
    if kind == "file":
        folder.write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="does not exist" if kind == "missing" else "is a file"):
        RunFolder(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Cannot write"):
            RunFolder(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_numbers_that_json_lacks_become_null(tmp_path):
    RunFolder(tmp_path).json("metrics.json", {"a": float("nan"), "b": np.float64(2), "c": {"d": np.inf}})
    assert metrics_of(tmp_path) == {"a": None, "b": 2.0, "c": {"d": None}}


def test_training_is_told_in_a_few_lines(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run_count_regions(RunFolder(tmp_path), arguments(*TINY, "training.epochs=12"), progress="auto")
    assert 3 <= sum("epoch" in line for line in caplog.messages) <= 8


# The script


@pytest.mark.slow
@pytest.mark.hydra
def test_script_from_another_folder(tmp_path):
    done = script(tmp_path, *BOX, "seed=7", "plot.formats=[png]")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (folder,) = tmp_path.joinpath("runs", "count_regions").iterdir()
    names = {path.name for path in folder.iterdir()}
    assert names == {
        ".lock",
        "checkpoint.pt",
        "config.yaml",
        "count_regions.log",
        "environment.json",
        "metrics.json",
        "regions.npz",
        "regions.png",
        "status.json",
    }
    config = OmegaConf.load(folder / "config.yaml")
    assert config.seed == metrics_of(folder)["seed"] == 7
    assert config.data is None
    assert f"The network has {metrics_of(folder)['regions']} linear regions (exact" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "runs"}
    status = read_status(folder)
    assert status.status == "finished"
    assert status.launch_folder == str(tmp_path)
    assert {path.name for path in Path(status.hydra_folder).iterdir()} == {".hydra", "count_regions.log"}
    # The second time there is nothing to do, but to tell.
    again = script(tmp_path, "seed=7", *BOX, "plot.formats=[png]", "paths.export=copy")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("finished already") == 1
    assert "rerun=all" in again.stdout
    assert done.stdout[done.stdout.index("The network") :] in again.stdout
    assert f"Figure:  {folder / 'regions.png'}" in again.stdout
    assert (tmp_path / "copy" / "metrics.json").read_bytes() == (folder / "metrics.json").read_bytes()


@pytest.mark.slow
@pytest.mark.hydra
def test_bad_training_is_found_before_the_first_count(tmp_path):
    done = script(tmp_path, "training.epochs=-1", "plot=none")
    assert done.returncode == 1
    assert "training.epochs to be a positive integer, got -1" in done.stderr
    assert "before:" not in done.stdout


@pytest.mark.slow
@pytest.mark.hydra
def test_errors_in_the_job_are_one_message(tmp_path):
    done = script(tmp_path, "network.activation=rellu", "plot=none")
    assert done.returncode == 1
    assert "Did you mean 'relu'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.hydra
def test_full_error_shows_everything(tmp_path):
    done = script(tmp_path, "network.activation=rellu", "plot=none", HYDRA_FULL_ERROR="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "check_activation" in done.stderr


@pytest.mark.slow
@pytest.mark.hydra
def test_every_job_of_a_sweep_has_its_folder(tmp_path):
    done = script(tmp_path, "-m", "seed=0,1", "network.width=4,-1", *TINY[1:])
    assert done.returncode == 1, "two of the four jobs must fail"
    folders = list(tmp_path.joinpath("runs", "count_regions").iterdir())
    statuses = {folder: read_status(folder) for folder in folders}
    assert sorted(status.status for status in statuses.values()) == ["failed"] * 2 + ["finished"] * 2
    finished = [metrics_of(folder) for folder in folders if statuses[folder].status == "finished"]
    assert {metrics["seed"] for metrics in finished} == {0, 1}
    assert {metrics["n_units"] for metrics in finished} == {8}
    failed = [folder for folder in folders if statuses[folder].status == "failed"]
    assert all("Expected widths" in statuses[folder].error["message"] for folder in failed)
    assert all("Traceback" in (folder / "traceback.txt").read_text(encoding="utf-8") for folder in failed)
    assert done.stdout.count("Expected widths") == 2, "each failed job says why"


@pytest.mark.slow
@pytest.mark.hydra
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=0,1"]])
def test_ctrl_c_is_one_line_and_loses_nothing(tmp_path, sweep):
    command = [sys.executable, "-u", str(SCRIPT), *sweep, *TINY, "training.epochs=1000000"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "before:" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    (metrics,) = tmp_path.rglob("metrics.json")
    assert "Stopped by Ctrl-C" in out
    assert str(metrics.parent) in out
    assert "Traceback" not in err
    assert metrics_of(metrics.parent)["complete_before"] is True
    assert read_status(metrics.parent).status == "interrupted"


@pytest.mark.slow
@pytest.mark.hydra
def test_default_run(tmp_path):
    done = script(tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.joinpath("runs", "count_regions").iterdir()
    metrics = metrics_of(folder)
    assert metrics["exact_before"]
    assert metrics["exact_after"]
    assert metrics["accuracy_test"] > 0.95
    assert metrics["regions_before"] > 100
