"""`run_forgetting.py`: what it writes and prints, how it goes on after a kill, and how it fails."""

import copy
import csv
import functools
import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from plnet.errors import ConfigError, FileFormatError, IncompleteResultError, PLNetError, TaskError
from plnet.forgetting import SequenceResult, permuted
from plnet.forgetting.methods.registry import method, method_names
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.tasks.recipes import RECIPES, task_sequence
from plnet.forgetting.training.failure_watch import FailureWatch
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.sequence import train_sequence
from plnet.runs import config_dir, load, register_schemas
from plnet.runs.jobs.forgetting.build import build_run_forgetting, run_forgetting_job
from plnet.runs.jobs.forgetting.job import run_forgetting
from plnet.runs.jobs.forgetting.report import describe_run_forgetting, matrix_in_words
from plnet.runs.jobs.recording import run_job
from plnet.runs.store.layout import FAILED, FINISHED, INTERRUPTED, read_status

register_schemas()

ROOT = Path(__file__).resolve().parents[2]
CONF = config_dir()
TINY = [
    "tasks=plane",
    "tasks.n_tasks=3",
    "tasks.n_train=100",
    "tasks.n_test=50",
    "model.hidden=[8]",
    "training.epochs=2",
    "training.batch_size=5",
    "training.engine=batched",
    "replicates=3",
]


@functools.cache
def composed(*choices):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("run_forgetting", overrides=list(choices))


def configured(*overrides):
    """Compose; options of groups once for all tests, because that takes longer than most of the runs here."""
    words = {word.split("=")[0]: word for word in ("plot=none", *overrides)}
    groups = [word for key, word in words.items() if (CONF / key).is_dir()]
    values = [word for key, word in words.items() if not (CONF / key).is_dir()]
    config = copy.deepcopy(composed(*groups))
    OmegaConf.set_struct(config, not any(word.startswith("+") for word in values))
    return OmegaConf.merge(config, OmegaConf.from_dotlist([word.removeprefix("+") for word in values]))


def config_of(root, *overrides):
    return configured(*TINY, f"paths.runs={root}", *overrides)


def run(root, *overrides, progress=None):
    def quiet(attempt, config):
        options = build_run_forgetting(config)
        run_forgetting(attempt.folder, options, steps=attempt.steps, progress=progress)

    return run_job(config_of(root, *overrides), replace(run_forgetting_job(), run=quiet, code=()))


def metrics_of(folder):
    return json.loads(folder.joinpath("metrics.json").read_bytes())


def numbers(folder):
    return {key: value for key, value in metrics_of(folder).items() if not key.startswith("seconds")}


# What is written


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs"), "seed=4", "tasks.n_validation=30")


def test_files_of_a_run(finished):
    names = {path.name for path in finished.folder.iterdir()} - {".lock"}
    assert names == {
        "accuracy.csv",
        "config.yaml",
        "environment.json",
        "metrics.json",
        "replicates.csv",
        "replicates_validation.csv",
        "result.npz",
        "run_forgetting.log",
        "status.json",
    }


def test_numbers_agree_with_the_result(finished):
    result = SequenceResult.load(finished.folder / "result.npz")
    assert result.seeds == (4, 5, 6)
    found, metrics = metrics_of(finished.folder), result.metrics()
    for name in metrics:
        assert found[name] == pytest.approx(metrics[name].mean)
        assert found[f"{name}_low"] == pytest.approx(metrics[name].low, nan_ok=True)
    last = result.accuracy[:, -1].mean(axis=1)
    assert found["average_accuracy"] == pytest.approx(last.mean())
    assert found["average_accuracy_sd"] == pytest.approx(last.std(ddof=1))
    with finished.folder.joinpath("replicates.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["4", "5", "6"]
    np.testing.assert_allclose([float(row["average_accuracy"]) for row in rows], last)
    with finished.folder.joinpath("accuracy.csv").open(encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    assert len(cells) == result.accuracy.size
    for cell in cells:
        place = int(cell["seed"]) - 4, int(cell["after"]), int(cell["task"]) - 1
        assert float(cell["accuracy"]) == result.accuracy[place]
    assert found["average_accuracy_validation"] == pytest.approx(result.validation[:, -1].mean())


def test_numbers_are_those_of_the_library(finished):
    tasks = task_sequence("plane", n_tasks=3, n_train=100, n_test=50, n_validation=30)
    expected = train_sequence(
        tasks, [8], seeds=[4, 5, 6], epochs=2, batch_size=5, engine="batched", progress=False
    )
    result = SequenceResult.load(finished.folder / "result.npz")
    np.testing.assert_array_equal(result.accuracy, expected.accuracy)
    assert result.settings == expected.settings


def test_words(finished):
    words = str(finished)
    result = SequenceResult.load(finished.folder / "result.npz")
    assert words.startswith("moons in the plane, relu 2-8-2, norm at most 1, method plain\n")
    percent = 100 * result.accuracy.mean(axis=0)
    lines = matrix_in_words(result).splitlines()
    assert lines[1].split() == ["1", "2", "3"]
    for line, row in zip(lines[2:], percent, strict=True):
        assert line.split()[-3:] == [f"{value:.1f}" for value in row]
    assert [line.split()[0] for line in lines[2:]] == ["before", "1", "2", "3"]
    assert f"{result.metrics()['average_accuracy'].mean:.4f}" in words
    assert str(finished.folder / "metrics.json") in words
    assert describe_run_forgetting(finished.folder) == words


def test_finished_runs_are_skipped_and_drawn_again(tmp_path):
    first = run(tmp_path)
    assert first.made
    drawn = ["plot=default", "plot.column=half", "plot.formats=[png]"]
    again = run(tmp_path, *drawn, "training.chunk=2")
    assert not again.made
    names = {path.name for path in first.folder.glob("*.png")}
    assert names == {f"forgetting_{panel}.png" for panel in ("matrix", "curves", "metrics")}
    assert "forgetting_curves.png" in str(again)
    run(tmp_path, "plot=default", "plot.formats=[svg]")
    assert [path.name for path in first.folder.glob("*.svg")] == ["forgetting.svg"]
    assert not list(first.folder.glob("*.png"))


def test_table_of_a_sweep(tmp_path):
    for name in ("plain", "ewc"):
        for activation in ("relu", "tanh"):
            run(tmp_path, f"method={name}", f"model.activation={activation}")
    table = load(tmp_path)
    assert not table.problems
    assert sorted(table["method.name"].tolist()) == ["ewc", "ewc", "plain", "plain"]
    assert set(table["model.activation"].tolist()) == {"relu", "tanh"}
    assert ((table["average_accuracy"] > 0) & (table["average_accuracy"] <= 1)).all()
    assert np.isfinite(table["backward_transfer_lopez_paz_low"]).all()


def test_replicates_that_diverge_are_told(tmp_path):
    words = (
        r"All 3 replicates failed: 3 diverged; 3 in task 1 of 3 \(0°\)\. Lower training\.learning_rate "
        r"\(now 1e\+30\), training\.momentum \(now 0\.9\), or limit the weights with model\.max_norm=3\."
    )
    for options in ([], ["plot=default", "plot.formats=[png]"]):
        with pytest.raises(IncompleteResultError, match=words):
            run(tmp_path, "training.learning_rate=1e30", *options)
        (folder,) = (tmp_path / "run_forgetting").iterdir()
        status, found = read_status(folder), metrics_of(folder)
        assert status.status == FAILED
        assert status.error["message"].startswith("All 3 replicates failed")
        assert (found["diverged"], found["never_learned"], found["finished"]) == (3, 0, 0)
        assert "average_accuracy" not in found
        assert not list(folder.glob("*.png"))
        assert describe_run_forgetting(folder).count("All 3 replicates failed") == 1


def test_some_replicates_that_fail_are_counted_and_shown_left_out(tmp_path, monkeypatch):
    def two_of_three_fail(self, task, loss, finite):
        return np.arange(len(loss)) < 2

    monkeypatch.setattr(FailureWatch, "_exploded", two_of_three_fail)
    finished = run(tmp_path)
    found, result = metrics_of(finished.folder), SequenceResult.load(finished.folder / "result.npz")
    assert (finished.status.status, found["diverged"]) == (FINISHED, 2)
    one_class = result.failures.test[:2, -1].mean(axis=1)
    last = result.accuracy[2, -1].mean()
    assert found["average_accuracy"] == pytest.approx(np.mean([*one_class, last]))
    assert found["average_accuracy_left_out"] == pytest.approx(last)
    with finished.folder.joinpath("replicates.csv").open(encoding="utf-8") as file:
        assert [row["failed"] for row in csv.DictReader(file)] == ["diverged", "diverged", ""]
    words = "2 of 3 replicates failed: 2 diverged; 2 in task 1 of 3 (0°)."
    assert words in str(finished)
    assert "They are counted above as the most frequent class: seed 0, 1." in str(finished)
    assert "; left out: " in str(finished)


def test_the_log_tells_what_was_trained(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    folder = run(tmp_path).folder
    lines = folder.joinpath("run_forgetting.log").read_text(encoding="utf-8").splitlines()
    assert "3 tasks: moons in the plane; relu 2-8-2, norm at most 1, method plain, 3 replicates" in lines[0]
    learned = SequenceResult.load(folder / "result.npz").accuracy.mean(axis=0)
    for task in range(3):
        assert f"task {task + 1} of 3" in lines[task + 1]
        assert f"accuracy {learned[task + 1, task]:.3f} right after it, mean of 3" in lines[task + 1]


@pytest.mark.slow
def test_a_script_whose_replicates_all_fail_says_so_and_its_exit_code_too(tmp_path):
    process = script(tmp_path, *TINY, "plot=none", "training.learning_rate=1e30")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "All 3 replicates failed" in out + err
    assert "Traceback" not in out + err
    (log,) = tmp_path.glob("runs/run_forgetting/*/run_forgetting.log")
    assert "3 of 3 replicates have failed" in log.read_text(encoding="utf-8")


# Stopping and going on


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("task", [1, 2])
@pytest.mark.parametrize("kind", [Killed, KeyboardInterrupt])
def test_a_run_that_was_cut_off_goes_on(tmp_path, task, kind):
    options = ["method=replay", "method.capacity=20", "model.dropout=true"]
    whole = run(tmp_path / "whole", *options)
    ticks = []

    def stop(done, total):
        ticks.append(done)
        if done > task * 2 * 3:  # Two epochs of three replicates are a task.
            raise kind

    with pytest.raises(kind) as caught:
        run(tmp_path / "cut", *options, progress=stop)
    (folder,) = (tmp_path / "cut" / "run_forgetting").iterdir()
    assert (folder / "training_state.pt").exists()
    if kind is KeyboardInterrupt:
        assert f"after {task} of 3 tasks" in str(caught.value)
        assert read_status(folder).status == INTERRUPTED
        partial = SequenceResult.load(folder / "result.npz")
        assert not partial.complete
        assert partial.n_tasks_trained == task
        assert metrics_of(folder)["complete"] is False
    seen = []
    resumed = run(tmp_path / "cut", *options, progress=lambda done, total: seen.append(done))
    assert seen[0] == task * 2 * 3
    assert numbers(resumed.folder) == numbers(whole.folder)
    for name in ("accuracy.csv", "replicates.csv"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    left = {path.name for path in resumed.folder.iterdir()}
    assert not left & {"training_state.pt", "resume.json", "traceback.txt"}


def script(cwd, *overrides, **options):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    command = [sys.executable, str(ROOT / "scripts" / "run_forgetting.py"), *overrides]
    return subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.slow
@pytest.mark.parametrize("word", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_process_that_was_stopped(tmp_path, word):
    long = [*TINY, "plot=none", "tasks.n_train=400", "training.epochs=150"]

    def interruptible():
        # A shell in the background may have told its children to ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = script(tmp_path, *long, preexec_fn=interruptible)
    limit = time.monotonic() + 120
    # The note is written behind the state; a run that is stopped between them begins anew.
    while not list(tmp_path.glob("runs/run_forgetting/*/resume.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.01)
    process.send_signal(word)
    out, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "Traceback" not in out + err
    if word == signal.SIGINT:
        assert "Stopped by Ctrl-C after" in out + err
    again = script(tmp_path, *long)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert "going on from a checkpoint" in out + err
    whole = run(tmp_path / "whole", *long)
    (folder,) = (tmp_path / "runs" / "run_forgetting").iterdir()
    assert folder.name == whole.folder.name
    assert (folder / "accuracy.csv").read_bytes() == (whole.folder / "accuracy.csv").read_bytes()


@pytest.mark.slow
def test_default_takes_less_than_a_minute(tmp_path):
    before = os.times()
    process = script(tmp_path)
    out, err = process.communicate(timeout=600)
    after = os.times()
    assert process.returncode == 0, err
    # Time of the processor, so that other work on the machine does not count.
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 60
    assert "Accuracy in %, mean of 20 replicates" in out


# Configurations


def arguments(*overrides):
    return build_run_forgetting(configured(*overrides))


def test_defaults_are_those_of_the_library():
    found = arguments()
    assert found.model == ModelSpec()
    assert TrainingOptions() == TrainingOptions(
        **{part.name: found.training[part.name] for part in fields(TrainingOptions)}
    )
    np.testing.assert_array_equal(found.tasks.draw(3)[1].train.x, permuted(5).draw(3)[1].train.x)
    assert list(found.seeds) == list(range(20))


@pytest.mark.parametrize("name", method_names())
def test_every_method_has_a_file_with_its_defaults(name):
    assert arguments(f"method={name}").method == method(name)


@pytest.mark.slow
def test_every_recipe_has_a_file():
    files = {path.stem for path in (CONF / "tasks").glob("*.yaml")}
    assert files == {*RECIPES, "factory"}
    for name in RECIPES:
        found, expected = arguments(f"tasks={name}").tasks, task_sequence(name)
        assert (found.name, found.task_names, found.description) == (
            expected.name,
            expected.task_names,
            expected.description,
        )
        for ours, theirs in zip(found.draw(1), expected.draw(1), strict=True):
            np.testing.assert_array_equal(ours.train.x, theirs.train.x)


def test_experiments_say_what_they_ask():
    from plnet.runs.sweeps.suite_plan import find_experiments

    ours = [one for one in find_experiments() if one.name.startswith("forgetting")]
    assert {one.size for one in ours} == {"tiny", "paper"}
    for one in ours:
        assert one.script == "run_forgetting"
        assert one.question.endswith("?")


def test_dropout_in_one_word():
    assert arguments("model.dropout=true").model == ModelSpec().with_dropout()
    assert arguments("model.hidden_dropout=0.3").model.hidden_dropout == 0.3
    with pytest.raises(ConfigError, match=r"model\.dropout=true stands for"):
        arguments("model.dropout=true", "model.hidden_dropout=0.3")


def test_tasks_of_a_user(tmp_path, monkeypatch):
    tmp_path.joinpath("own_tasks.py").write_text(
        "from plnet.forgetting import plane\n\ndef make(n):\n    return plane(n, 'xor')\n"
        "\ndef lists():\n    return plane(2).draw(0)\n\ndef wrong():\n    return 3\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    own = ["tasks=factory", "tasks.factory=own_tasks:make", "+tasks.options.n=2"]
    assert arguments(*own).tasks.name == "xor in the plane"
    assert len(arguments("tasks=factory", "tasks.factory=own_tasks:lists").tasks) == 2
    with pytest.raises(ConfigError, match="cannot be called with no arguments"):
        arguments("tasks=factory", "tasks.factory=own_tasks:make")
    with pytest.raises(ConfigError, match="got int"):
        arguments("tasks=factory", "tasks.factory=own_tasks:wrong")


def test_data_of_a_user(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "own.npz"
    y = np.arange(60) % 3
    x = 6 * np.eye(4)[y] + rng.normal(size=(60, 4))
    np.savez(path, x=x, y=y)
    own = ["tasks=permuted", "tasks.n_tasks=2", f"tasks.data={path}"]
    base = [word for word in TINY if not word.startswith("tasks")]

    def start():
        return run_job(configured(*base, *own, f"paths.runs={tmp_path / 'runs'}"), run_forgetting_job())

    first = start()
    assert not start().made
    np.savez(path, x=-x, y=y)
    assert start().folder != first.folder, "other content is another run"
    np.savez(path, x=np.full((60, 4), np.nan), y=y)
    with pytest.raises(TaskError, match="NaN or infinity in 60 of 60 samples"):
        start()
    path.unlink()
    with pytest.raises(FileFormatError, match="No file"):
        start()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.activation=rellu"], "Did you mean 'relu'"),
        (["tasks.data=digit"], "Did you mean 'digits'"),
        (["tasks.scaling=units"], "Did you mean 'unit'"),
        (["tasks.n_tasks=x"], "n_tasks"),
        (["tasks=shifted", "tasks.shifts=[[0,0],[0]]"], "pairs of whole pixels"),
        (["method=ewc", "method.strength=abc"], "'abc'"),
        (["method=ewc", "method.strength=-1"], "strength"),
        (["training.epochs=0"], "epochs"),
        (["training.dtype=float16"], "float32 or float64"),
        (["training.engine=fast"], "engine"),
        (["replicates=0"], "replicates"),
        (["seed=-1"], "seed"),
        (["plot=default", "plot.formats=[pfd]"], "Did you mean 'pdf'"),
    ],
)
def test_impossible_configurations(overrides, message):
    with pytest.raises(PLNetError, match=message):
        arguments(*overrides)


def test_unknown_names_of_recipes_and_options():
    with pytest.raises(TaskError, match="Did you mean 'permuted'"):
        task_sequence("permutted")
    with pytest.raises(TaskError, match=r"permuted has no option 'n_task'\. Did you mean n_tasks"):
        task_sequence("permuted", n_task=3)
    with pytest.raises(TaskError, match=r"It has shape|It has n_tasks, shape"):
        task_sequence("plane", scaling="unit")
