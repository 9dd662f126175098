"""The figures of the paper: a manifest that holds, drawings that repeat, and clear refusals."""

import importlib
import os
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import plnet
from plnet.forgetting import SequenceResult
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.plotting import save_figure

FOLDER = Path(__file__).resolve().parents[2] / "paper_figures"
NAMES = (
    "plane_before_after",
    "depth_partition",
    "forgetting_methods",
    "forgetting_activations",
)


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Return the module make_figures, with results and output in a folder of the test."""
    monkeypatch.syspath_prepend(str(FOLDER))
    paths = importlib.import_module("paths")
    for name in ("RESULTS", "OUTPUT"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    yield importlib.import_module("make_figures")
    plt.close("all")
    for name in ("paths", "make_figures", "experiment_depth_partition", *(f"fig_{n}" for n in NAMES)):
        sys.modules.pop(name, None)


def random_network(widths, seed):
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [Affine(rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)), ScalarPWL.relu(n_out)]
    return PLNetwork(tuple(layers[:-1]), widths[0])


def store_results(results):
    """Store results of random networks, of the shape that the experiments give them."""
    plane, depth = (results / name for name in NAMES[:2])
    plane.mkdir(parents=True)
    depth.mkdir()
    images = np.random.default_rng(0).integers(0, 17, size=(3, 8, 8)) / 16
    domain = plnet.Slice.through(images.reshape(3, 64), margin=0.5)
    for seed, name in enumerate(("regions_before", "regions")):
        plnet.enumerate_regions(random_network([64, 6, 10], seed), domain).save(plane / name)
    coordinates = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    np.savez(plane / "points.npz", coordinates=coordinates, images=images, labels=np.array([3, 1, 4]))
    for i in (1, 2, 3):
        widths = [2, *([4] * i), 2]
        plnet.enumerate_regions(random_network(widths, i), plnet.Box(-1, 1)).save(depth / f"regions_{i}")
    store_sequences(results)


def store_sequences(results):
    """Store accuracies of sequences of tasks, drawn at random."""
    rng = np.random.default_rng(0)
    entries = tomllib.loads((FOLDER / "manifest.toml").read_text(encoding="utf-8"))
    for name in ("forgetting_methods", "forgetting_activations"):
        (results / name).mkdir()
        for file in entries[name]["results"]:
            if file.endswith(".npz"):
                accuracy = rng.random((4, 6, 5))
                SequenceResult(accuracy, [str(t) for t in range(5)], range(4)).save(results / name / file)
            else:
                (results / name / file).write_text("method,strength\n", encoding="utf-8")


def test_manifest_and_folder_name_the_same_figures(make):
    entries = make.read_manifest()
    assert set(NAMES) <= set(entries)
    assert {path.stem.removeprefix("fig_") for path in FOLDER.glob("fig_*.py")} == set(entries)
    for entry in entries.values():
        assert entry.claim
        assert entry.results
        assert "{results}" in entry.command
        script = FOLDER.parent / entry.command.split()[1]
        assert script.is_file()


@pytest.mark.parametrize("name", NAMES)
def test_figure_fills_the_text_width(make, tmp_path, name):
    store_results(tmp_path / "results")
    module = importlib.import_module(f"fig_{name}")
    figure = module.draw(module.load(tmp_path / "results" / name))
    assert figure.get_size_inches()[0] == 5.5


@pytest.mark.slow
def test_figures_repeat_byte_by_byte(make, tmp_path):
    store_results(tmp_path / "results")
    assert make.main(list(NAMES)) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "output").iterdir()}
    assert set(first) == {f"{name}.{suffix}" for name in NAMES for suffix in ("pdf", "png")}
    # Another process, with another order of hashes and another date.
    program = (
        "import sys, paths; from pathlib import Path\n"
        f"base = Path({str(tmp_path)!r}); paths.RESULTS, paths.OUTPUT = base / 'results', base / 'again'\n"
        f"import make_figures; sys.exit(make_figures.main({list(NAMES)}))"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(FOLDER),
        "PYTHONHASHSEED": "7",
        "SOURCE_DATE_EPOCH": "86400",
    }
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, env=environment)
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first


def test_both_panels_of_the_plane_have_one_scale_and_true_counts(make, tmp_path):
    store_results(tmp_path / "results")
    module = importlib.import_module("fig_plane_before_after")
    data = module.load(tmp_path / "results" / "plane_before_after")
    figure = module.draw(data)
    save_figure(figure, tmp_path / "figure.png")
    before, after = figure.axes[:2]
    assert before.get_title() == f"before training: {len(data.before)} regions"
    assert after.get_title() == f"after training: {len(data.after)} regions"
    assert before.get_xlim() == after.get_xlim()
    assert before.get_window_extent().size == pytest.approx(after.get_window_extent().size)


def test_experiment_cuts_a_network_after_its_first_layers(make, tmp_path, monkeypatch):
    module = importlib.import_module("experiment_depth_partition")
    monkeypatch.setattr(module, "STEPS", 3)
    module.main(tmp_path)
    found = [plnet.RegionComplex.load(tmp_path / f"regions_{i}.npz") for i in (1, 2, 3)]
    assert [c.network.n_units for c in found] == [12, 24, 36]
    assert found[-1].network.output_dim == 2
    for coarse, fine in pairwise(found):
        # Each region of more layers lies in one region of fewer layers.
        parents = {
            row.tobytes() for row in np.ascontiguousarray(fine.patterns[:, : coarse.patterns.shape[1]])
        }
        assert parents == {row.tobytes() for row in coarse.patterns}


def test_missing_results_are_made_by_the_command(make, tmp_path, monkeypatch, capfd):
    program = "import sys, pathlib; f = pathlib.Path(sys.argv[1]); f.mkdir(parents=True); (f / 'a').touch()"
    entry = make.Entry("toy", "claim", ["a"], f'python -c "{program}" {{results}}')
    assert entry.missing == ["a"]
    make.compute(entry)
    assert entry.missing == []
    with pytest.raises(make.FigureError, match="exit status 1"):
        make.compute(entry)  # The folder exists now, so the program fails.
    assert entry.missing == ["a"], "old results must not outlive a failed experiment"
    with pytest.raises(make.FigureError, match="has not written a"):
        make.compute(make.Entry("toy", "claim", ["a"], "python -c pass"))


def test_misspelt_name_gets_the_closest_one(make, capsys):
    assert make.main(["depth_partitoin"]) == 1
    assert "Did you mean depth_partition?" in capsys.readouterr().err


def test_list_says_claims_and_draws_nothing(make, tmp_path, capsys):
    assert make.main(["--list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in NAMES)
    assert "results missing" in text
    assert not (tmp_path / "output").exists()


def test_broken_results_are_a_message_not_a_traceback(make, tmp_path, capsys):
    store_results(tmp_path / "results")
    (tmp_path / "results" / "depth_partition" / "regions_2.npz").write_bytes(b"half a file")
    assert make.main(["depth_partition"]) == 1
    assert "regions_2.npz" in capsys.readouterr().err
