"""Runs that were cut off go on where they were, and end with the numbers of an undisturbed run."""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import nn

from plnet.errors import ConfigError
from plnet.runs import config_dir, register_schemas
from plnet.runs.jobs import recording
from plnet.runs.jobs.count_regions import data as data_sets
from plnet.runs.jobs.count_regions import job as count_regions
from plnet.runs.jobs.count_regions.build import build_count_regions, count_regions_job
from plnet.runs.jobs.count_regions.data import Dataset
from plnet.runs.jobs.count_regions.train import train_classifier
from plnet.runs.jobs.recording import run_job
from plnet.runs.store.layout import FINISHED, INTERRUPTED, RUNNING, read_status
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps, kept_files, read_steps
from plnet.runs.store.resume_training import TrainingCheckpoint
from plnet.runs.store.store import Launch, RunStore

register_schemas()

TINY = ["network.widths=[64,6,6,10]", "training.epochs=4", "plot=none", "network.dropout=0.2"]


@pytest.fixture(autouse=True, scope="module")
def digits_read_once():
    from sklearn import datasets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load_digits", functools.cache(datasets.load_digits))
        yield


def config_of(root, *overrides):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose("count_regions", overrides=[*TINY, f"paths.runs={root}", *overrides])


def job_of():
    job = count_regions_job()

    def quiet(attempt, config):
        options = build_count_regions(config)
        count_regions.run_count_regions(attempt.folder, options, steps=attempt.steps, progress=None)

    return replace(job, run=quiet)


def numbers(folder):
    metrics = json.loads(folder.joinpath("metrics.json").read_bytes())
    return {key: value for key, value in metrics.items() if not key.startswith("seconds")}


# Steps


def test_steps_are_kept_with_their_files(tmp_path):
    folder = RunFolder(tmp_path)
    steps = Steps(folder)
    assert steps.done("one") is None
    for name in "abc":
        folder.text(name, name)
    steps.complete("one", {"x": 0.1}, ["a", "b"])
    steps.complete("two", {}, ["c"])
    found = read_steps(tmp_path)
    assert Steps(folder, found).done("one") == {"x": 0.1}
    assert kept_files(found) == {"resume.json", "a", "b", "c"}
    tmp_path.joinpath("c").unlink()
    assert set(read_steps(tmp_path)) == {"one"}, "a step without its file is none"
    steps.drop("one")
    assert read_steps(tmp_path) == {}
    steps.forget()
    assert kept_files(read_steps(tmp_path)) == set()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema": 2, "steps": {}}', b'{"schema": 1, "steps": [1]}']
)
def test_note_that_cannot_be_read_is_none(tmp_path, content):
    tmp_path.joinpath("resume.json").write_bytes(content)
    assert read_steps(tmp_path) == {}


def test_only_completed_steps_stay_for_the_next_attempt(tmp_path):
    store, launch = RunStore(tmp_path, "demo"), Launch("", commit="c", plnet="1")
    attempt = store.open("k", launch)
    attempt.folder.text("done.txt", "")
    attempt.folder.text("half.txt", "")
    attempt.steps.complete("first", {"x": 1}, ["done.txt"])
    attempt.interrupt()
    again = store.open("k", launch)
    assert again.steps.done("first") == {"x": 1}
    assert (again.folder.path / "done.txt").exists()
    assert not (again.folder.path / "half.txt").exists()
    again.abandon()
    # Another version of the code, or the wish to make everything again, begins at the beginning.
    for other in (replace(launch, commit="d"), replace(launch, rerun="all")):
        store.open("k", launch).abandon()
        fresh = store.open("k", other)
        assert len(fresh.steps) == 0
        assert not (fresh.folder.path / "done.txt").exists()
        fresh.folder.text("done.txt", "")
        fresh.steps.complete("first", {"x": 1}, ["done.txt"])
        fresh.interrupt()
    last = store.open("k", launch)
    last.finish()
    assert not (last.folder.path / "resume.json").exists()


# Training, epoch by epoch


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    return Dataset("three", x[:40], y[:40], x[40:], y[40:], 3, (5,))


def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3))


OPTIMISERS = {
    "adam": functools.partial(torch.optim.Adam, lr=0.01),
    "momentum": functools.partial(torch.optim.SGD, lr=0.05, momentum=0.9, nesterov=True),
}


class Stop(Exception):
    """The process is killed here."""


def cut(optimiser, after):
    """Return an optimiser that is killed behind so many steps."""

    def make(parameters):
        steps, count = optimiser(parameters), [0]
        whole = steps.step

        def step():
            if count[0] == after:
                raise Stop
            count[0] += 1
            return whole()

        steps.step = step
        return steps

    return make


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("after", [0, 4, 5, 17, 33])
def test_training_goes_on_bit_for_bit(tmp_path, data, name, after):
    options = {"rng": 3, "epochs": 7, "batch_size": 8, "progress": None}
    whole = module()
    wanted = train_classifier(whole, data, optimiser=OPTIMISERS[name], **options)
    folder = RunFolder(tmp_path)
    broken = TrainingCheckpoint(folder, Steps(folder), every_seconds=0)
    optimiser = cut(OPTIMISERS[name], after)
    with pytest.raises(Stop):
        train_classifier(module(), data, optimiser=optimiser, checkpoint=broken, **options)
    torch.rand(5)  # The global generator is elsewhere by now.
    stored = Steps(folder, read_steps(tmp_path))
    checkpoint = TrainingCheckpoint(folder, stored, every_seconds=0)
    epochs_done = after // 5  # Forty samples in batches of eight.
    state = checkpoint.load()
    assert (0 if state is None else len(state["rows"])) == epochs_done
    resumed = module()
    found = train_classifier(resumed, data, optimiser=OPTIMISERS[name], checkpoint=checkpoint, **options)
    for field in ("loss", "accuracy_train", "accuracy_test"):
        np.testing.assert_array_equal(getattr(found, field), getattr(wanted, field))
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key
    checkpoint.remove()
    assert list(tmp_path.glob("*.pt")) == []


def test_damaged_training_state_begins_anew(tmp_path, data):
    folder = RunFolder(tmp_path)
    steps = Steps(folder)
    folder.text("training_state.pt", "not a state")
    steps.complete("training_state", files=["training_state.pt"])
    assert TrainingCheckpoint(folder, steps).load() is None
    checkpoint = TrainingCheckpoint(folder, steps)
    found = train_classifier(
        module(), data, rng=3, optimiser=OPTIMISERS["adam"], epochs=2, checkpoint=checkpoint, progress=None
    )
    assert len(found.loss) == 2


# The job of count_regions.py


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, digits_read_once):
    return numbers(run_job(config_of(tmp_path_factory.mktemp("runs")), job_of()).folder)


def interrupt_when(monkeypatch, what, call):
    """Let the n-th call of a function of count_regions.py end in Ctrl-C."""
    whole, count = getattr(count_regions, what), [0]

    def function(*args, **options):
        count[0] += 1
        if count[0] == call:
            raise KeyboardInterrupt
        return whole(*args, **options)

    monkeypatch.setattr(count_regions, what, function)


@pytest.mark.parametrize(("call", "counts_left"), [(1, 2), (2, 1)])
def test_count_that_was_stopped(tmp_path, monkeypatch, undisturbed, call, counts_left):
    with monkeypatch.context() as patch:
        interrupt_when(patch, "count", call)
        with pytest.raises(KeyboardInterrupt, match="What is known is in"):
            run_job(config_of(tmp_path), job_of())
    (folder,) = tmp_path.joinpath("count_regions").iterdir()
    assert read_status(folder).status == INTERRUPTED
    counts, trainings = [], []
    whole = count_regions.count
    monkeypatch.setattr(count_regions, "count", lambda *a, **o: counts.append(1) or whole(*a, **o))
    monkeypatch.setattr(
        count_regions, "TrainingCheckpoint", lambda *a: trainings.append(1) or TrainingCheckpoint(*a)
    )
    result = run_job(config_of(tmp_path), job_of())
    assert result.status.status == FINISHED
    assert len(counts) == counts_left
    assert len(trainings) == (1 if call == 1 else 0)
    assert numbers(folder) == undisturbed
    names = {path.name for path in folder.iterdir()}
    assert not {"resume.json", "training_state.pt", "traceback.txt"} & names


def test_training_that_was_killed_goes_on(tmp_path, monkeypatch, undisturbed):
    monkeypatch.setattr(
        count_regions, "TrainingCheckpoint", functools.partial(TrainingCheckpoint, every_seconds=0)
    )
    from plnet.runs.jobs.count_regions import train

    epochs, whole = [], train._epoch

    def epoch(*args):
        if len(epochs) == 2:
            raise Stop
        epochs.append(1)
        return whole(*args)

    with monkeypatch.context() as patch:
        patch.setattr(train, "_epoch", epoch)
        with pytest.raises(Stop):
            run_job(config_of(tmp_path), job_of())
    again = []
    monkeypatch.setattr(train, "_epoch", lambda *args: again.append(1) or whole(*args))
    folder = run_job(config_of(tmp_path), job_of()).folder
    assert len(again) == 2
    assert numbers(folder) == undisturbed


def test_steps_of_other_code_are_not_resumed(tmp_path, monkeypatch, undisturbed):
    with monkeypatch.context() as patch:
        interrupt_when(patch, "count", 2)
        # The checkout was edited after the first attempt; commit and version stay the same.
        patch.setattr(recording, "source_of_plnet", lambda: "before the edit")
        with pytest.raises(KeyboardInterrupt):
            run_job(config_of(tmp_path), job_of())
    counts, whole = [], count_regions.count
    monkeypatch.setattr(count_regions, "count", lambda *a, **o: counts.append(1) or whole(*a, **o))
    assert numbers(run_job(config_of(tmp_path), job_of()).folder) == undisturbed
    assert len(counts) == 2


def test_data_that_change_before_they_are_read_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "data.npz"
    rng = np.random.default_rng(0)
    arrays = {"x": rng.random((40, 2)), "y": np.arange(40) % 2}
    np.savez(path, **arrays)
    whole = data_sets.from_npz

    @functools.wraps(whole)
    def late(**options):
        np.savez(path, x=arrays["x"] + 1, y=arrays["y"])
        return whole(**options)

    monkeypatch.setattr(data_sets, "from_npz", late)
    options = ["data=npz", f"data.path={path}", "network.widths=[2,4,2]", "domain=box"]
    with pytest.raises(ConfigError, match=r"data\.path names was changed"):
        run_job(config_of(tmp_path / "runs", *options), count_regions_job())
    monkeypatch.undo()
    assert run_job(config_of(tmp_path / "runs", *options), count_regions_job()).made


def test_weights_that_do_not_fit_are_not_resumed(tmp_path, monkeypatch, undisturbed):
    with monkeypatch.context() as patch:
        interrupt_when(patch, "count", 2)
        with pytest.raises(KeyboardInterrupt):
            run_job(config_of(tmp_path), job_of())
    (folder,) = tmp_path.joinpath("count_regions").iterdir()
    path = folder / "checkpoint_before.pt"
    state = torch.load(path, weights_only=True)
    state["0.weight"][0, 0] += 1
    torch.save(state, path)
    run_job(config_of(tmp_path), job_of())
    assert numbers(folder) == undisturbed


def test_count_that_ended_at_its_budget_is_not_repeated(tmp_path, monkeypatch):
    budget = ["engine=rational", "engine.max_regions=3"]
    with monkeypatch.context() as patch:
        interrupt_when(patch, "count", 2)
        with pytest.raises(KeyboardInterrupt):
            run_job(config_of(tmp_path, *budget), job_of())
    result = run_job(config_of(tmp_path, *budget), job_of())
    metrics = numbers(result.folder)
    assert metrics["stopped_by_before"] == "max_regions"
    assert metrics["boundary_length_before"] is None
    assert result.status.status == FINISHED
    assert "at least" in str(result)


@pytest.mark.slow
def test_figure_is_drawn_again_from_the_files(tmp_path, monkeypatch):
    domain = ["domain.classes=[3,5,8]", "network.dropout=0"]
    first = run_job(config_of(tmp_path / "a", *domain, "plot=default", "plot.formats=[pdf]"), job_of())
    wanted = ["plot=default", "plot.formats=[svg]", "plot.color_by=gradient_norm", "plot.column=half"]
    fresh = run_job(config_of(tmp_path / "b", *domain, *wanted), job_of())
    monkeypatch.setattr(count_regions, "run_count_regions", None)
    monkeypatch.setattr(count_regions, "count", None)
    again = run_job(config_of(tmp_path / "a", *domain, *wanted), job_of())
    assert not again.made
    assert again.folder == first.folder
    assert "regions.svg" in str(again)
    drawn = {path.name for path in again.folder.glob("regions.*")}
    assert drawn == {"regions.npz", "regions.svg"}
    assert (again.folder / "regions.svg").read_bytes() == (fresh.folder / "regions.svg").read_bytes()
    assert numbers(again.folder) == numbers(fresh.folder)
    assert read_status(again.folder) == first.status


def test_result_without_a_figure_gets_one(tmp_path):
    first = run_job(config_of(tmp_path), job_of())
    assert "Figure" not in str(first)
    again = run_job(config_of(tmp_path, "plot=default", "plot.formats=[png]"), job_of())
    assert not again.made
    assert f"Figure:  {first.folder / 'regions.png'}" in str(again)


def test_killed_in_the_midst_is_running_to_a_reader(tmp_path, monkeypatch):
    seen = []
    whole = count_regions.count

    def look(*args, **options):
        (folder,) = tmp_path.joinpath("count_regions").iterdir()
        seen.append(read_status(folder).status)
        return whole(*args, **options)

    monkeypatch.setattr(count_regions, "count", look)
    run_job(config_of(tmp_path), job_of())
    assert seen == [RUNNING, RUNNING]
