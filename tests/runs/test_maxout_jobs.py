"""The scripts check_maxout.py and fit_convex.py: what they write, that it is right, and how they refuse."""

import csv
import functools
import json
import logging
import math
import os
import re
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from plnet.errors import ConfigError, FileFormatError, PLNetError, TargetError
from plnet.runs import config_dir, register_schemas
from plnet.runs.jobs.convex.build import fit_convex_job
from plnet.runs.jobs.exact_numbers import exact_text
from plnet.runs.jobs.maxout.build import check_maxout_job
from plnet.runs.jobs.recording import run_job
from plnet.runs.store.layout import read_status

register_schemas()

ROOT = Path(__file__).resolve().parents[2]
JOBS = {"check_maxout": check_maxout_job, "fit_convex": fit_convex_job}
QUICK = ["learning.replicates=10", "learning.steps=50", "learning.samples=32", "widths=[1,3,1]"]


def composed(name, *overrides, **options):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose(name, overrides=list(overrides), **options)


@functools.cache
def defaults(name):
    return composed(name)


def changed(name, *overrides):
    """Return the configuration with entries changed; it takes much less time than composing it again."""
    nothing = {"learning=none": "learning=null", "plot=none": "plot=null"}
    dotted = [nothing.get(override, override) for override in overrides]
    return OmegaConf.merge(defaults(name), OmegaConf.from_dotlist(dotted))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that makes a run and gives its result and its metrics."""
    monkeypatch.chdir(tmp_path)

    def make(name, *overrides):
        result = run_job(changed(name, "plot=none", *overrides), JOBS[name]())
        return result, metrics_of(result.folder)

    return make


def metrics_of(folder):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(folder.joinpath("metrics.json").read_text(encoding="utf-8"), parse_constant=refuse)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def script(cwd, name, *overrides, **environment):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **environment}
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *overrides]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


# check_maxout


@pytest.mark.parametrize(
    ("activation", "slope", "units", "pieces"),
    [
        ("relu", None, 1, [2]),
        ("prelu", 1, 1, [1]),
        ("leaky_relu", 1.7, 1, [2]),
        ("relu6", None, 2, [2, 2]),
    ],
)
def test_every_activation_is_proved(run, activation, slope, units, pieces):
    overrides = [f"activation={activation}", f"slope={'null' if slope is None else slope}", "learning=none"]
    result, metrics = run("check_maxout", *overrides, "widths=[1,3,1]")
    assert metrics["equivalent"] is metrics["exact"] is True
    assert metrics["max_deviation_text"] == "0"
    assert (metrics["units_needed"], metrics["pieces_needed"]) == (units, pieces)
    assert metrics["equivalent_network"] is metrics["equivalent_network_box"] is True
    # The rows of pieces.csv are the function, in exact rationals.
    rows = rows_of(result.folder / "pieces.csv")
    below = 0 if activation == "relu" else slope
    wanted = {"relu6": lambda z: min(max(z, 0), 6)}.get(
        activation, lambda z: z if z > 0 else Fraction(below) * z
    )
    for z in map(Fraction, ("-8", "-1/3", "0", "1/2", "5", "7")):
        total = 0
        for unit in {row["unit"] for row in rows}:
            mine = [row for row in rows if row["unit"] == unit]
            top = max(Fraction(row["slope"]) * z + Fraction(row["intercept"]) for row in mine)
            total += int(mine[0]["sign"]) * top
        assert total == wanted(z)


def test_moved_weight_is_detected_with_its_exact_deviation(run):
    _, metrics = run("check_maxout", "activation=relu", "widths=[1,3,1]", "learning=none", "perturbation=40")
    assert metrics["equivalent_perturbed"] is False
    assert metrics["exact_perturbed"] is True
    deviation = Fraction(metrics["max_deviation_text_perturbed"])
    assert 0 < deviation < Fraction(1, 1 << 39)
    assert float(deviation) == metrics["max_deviation_perturbed"]


def test_impossible_case_is_told(run):
    result, metrics = run("check_maxout", "slope=1.7", *QUICK)
    assert metrics["concave"] is True
    assert metrics["one_unit"] is False
    assert metrics["learnt_impossible"] is True
    assert metrics["learnt"] == 0
    # The best a convex function can do on [-2, 2] is half the height 0.7 of the concave one above its chord.
    assert metrics["least_error"] == pytest.approx(0.35)
    assert "no single maxout unit" in result.text
    assert "proved" in result.text


def test_learning_is_repeatable_and_told(run):
    result, metrics = run("check_maxout", "activation=relu", *QUICK)
    again, second = run("check_maxout", "activation=relu", *QUICK, "rerun=all")
    times = {key for key in metrics if key.startswith("seconds")}
    assert {k: v for k, v in metrics.items() if k not in times} == {
        k: v for k, v in second.items() if k not in times
    }
    assert again.folder == result.folder
    with np.load(result.folder / "learnt.npz", allow_pickle=False) as stored:
        assert stored["weight"].shape == (10, 1, 2)
        assert int(stored["success"].sum()) == metrics["learnt"]
    assert f"{metrics['learnt']} of 10 random starts" in result.text
    assert [match["exact"] for match in metrics["matching"]] == [["0", "0"], ["1", "0"]]
    assert ("  exact 1 z + 0, learnt" in result.text) == (metrics["learnt"] > 0)
    assert metrics["learnt_low"] <= metrics["learnt_rate"] <= metrics["learnt_high"]


def test_smooth_activations_are_only_learnt(run):
    result, metrics = run("check_maxout", "activation=tanh", *QUICK)
    assert "units_needed" not in metrics
    assert "tanh is smooth" in result.text
    assert metrics["learnt_impossible"] is True


@pytest.mark.slow
def test_finished_run_is_drawn_again_with_other_options(run, tmp_path):
    overrides = ["activation=hardtanh", "learning.units=2", *QUICK]
    result, _ = run("check_maxout", *overrides)
    assert not list(result.folder.glob("expression.*"))
    drawn = run_job(
        composed("check_maxout", *overrides, "plot.formats=[png]", "plot.column=half"), check_maxout_job()
    )
    assert not drawn.made
    assert [path.name for path in drawn.folder.glob("expression.*")] == ["expression.png"]
    assert "expression.png" in drawn.text


def test_interrupted_training_keeps_its_steps(run, tmp_path, monkeypatch, caplog):
    from plnet.runs.jobs.maxout import job as maxout_job

    whole = maxout_job.imitate

    def interrupted(*args, **options):
        def stop(step):
            if step >= 50:
                raise KeyboardInterrupt

        return whole(*args, **{**options, "progress": stop, "steps": 100})

    monkeypatch.setattr(maxout_job, "imitate", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"after 50 of 100 steps\. What is known is in"):
        run("check_maxout", "activation=relu", *QUICK, "learning.steps=100")
    (folder,) = tmp_path.glob("runs/check_maxout/*")
    assert read_status(folder).status == "interrupted"
    assert metrics_of(folder)["equivalent"] is True
    assert metrics_of(folder)["stopped_by"] == "Ctrl-C"
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    result, metrics = run("check_maxout", "activation=relu", *QUICK, "learning.steps=100")
    assert read_status(result.folder).status == "finished"
    assert (metrics["steps"], metrics["stopped_by"]) == (100, "")
    assert "identity: done by an earlier attempt" in caplog.messages, "proofs are not repeated"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["activation=rellu"], "Did you mean 'relu'"),
        (["activation=relu", "slope=0.3"], "has no slope"),
        (["slope=nan"], "finite number"),
        (["pieces=0"], "pieces to be a positive integer, got 0"),
        (["widths=[3]"], "widths to be at least three"),
        (["perturbation=-1"], "perturbation"),
        (["learning.initialiser=hee"], "Did you mean 'he'"),
        (["learning.steps=0"], "steps"),
        (["learning.units=3"], "difference of two"),
        (["seed=-1"], "non-negative"),
        (["runtime.device=tpu"], r"runtime\.device"),
    ],
)
def test_check_maxout_refuses(run, overrides, message):
    with pytest.raises(PLNetError, match=message):
        run("check_maxout", *QUICK, *overrides)


def test_nothing_to_prove_and_nothing_to_learn(run):
    with pytest.raises(ConfigError, match="gelu is smooth"):
        run("check_maxout", "activation=gelu", "learning=none")


# fit_convex


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (["pieces=3"], 1 / 18),  # x^2 on [-1, 1]: 1 / (2 k^2)
        (["target=exp", "low=0", "high=1", "pieces=1"], 0.1059334163),
        (["target=exp", "low=0", "high=1", "pieces=1", "kind=lower"], 2 * 0.1059334163),
        (["target=neg_log", "pieces=5"], 0.0132158865),
        (["target=absolute", "pieces=2"], 0.0),
        pytest.param(["dim=2", "pieces=2"], 5 / 32, marks=pytest.mark.slow),
    ],
)
def test_fits_have_the_errors_of_the_tables(run, overrides, error):
    result, metrics = run("fit_convex", *overrides)
    assert metrics["sup_error"] == pytest.approx(error, rel=1e-8, abs=1e-12)
    assert metrics["sup_error_low"] <= metrics["sup_error_high"] == metrics["sup_error"]
    if metrics["dim"] == 1:
        assert metrics["optimal_error"] == pytest.approx(error, rel=1e-9, abs=1e-12)
    rows = rows_of(result.folder / "pieces.csv")
    assert len(rows) == metrics["pieces_used"] <= metrics["pieces"]
    assert str(result.folder / "pieces.csv") in result.text


def test_limit_for_many_pieces(run):
    # (1/16) (integral of sqrt 2 over [-1, 1])^2 = 1/2.
    result, metrics = run("fit_convex", "pieces=1")
    assert metrics["limit_low"] == pytest.approx(0.5)
    assert "near 0.5 * k^-2" in result.text


def test_limit_that_is_known_between_bounds_only(run):
    # Between the simplex bound and the lattice A_3*, by the densities of coverings of space.
    result, metrics = run("fit_convex", "pieces=1", "dim=3")
    assert metrics["limit_low"] < metrics["limit_high"]
    assert f"between {metrics['limit_low']:.6g} and {metrics['limit_high']:.6g} times k^(-2/3)" in result.text
    assert "1 pieces" not in result.text


def test_ridge_functions_fall_as_those_of_one_variable(run):
    result, metrics = run("fit_convex", "pieces=2", "target=log_sum_exp", "dim=2", "low=-2", "high=2")
    assert metrics["rank"] == 1
    # The integral of 1 / (2 cosh(x / 2)) over [-4, 4] is 2 arctan(sinh 2).
    assert metrics["limit_low"] == pytest.approx((2 * math.atan(math.sinh(2))) ** 2 / 16, rel=1e-9)
    assert "* k^-2." in result.text


def test_samples_of_a_file(run, tmp_path):
    x = np.linspace(-1, 1, 41)
    np.savez(tmp_path / "own.npz", x=x[:, None], y=np.abs(x))
    result, metrics = run("fit_convex", "samples=own.npz", "pieces=2")
    assert metrics["samples"] == 41
    assert metrics["sup_error"] == pytest.approx(0.0, abs=1e-12)
    assert "41 samples" in result.text
    # Other content of the same file is another run.
    np.savez(tmp_path / "own.npz", x=x[:, None], y=np.abs(x) + x)
    assert run("fit_convex", "samples=own.npz", "pieces=2")[0].folder != result.folder


@pytest.mark.slow
def test_fit_in_one_dimension_is_drawn(run, tmp_path):
    result, _ = run("fit_convex", "target=exp", "pieces=3")
    drawn = run_job(composed("fit_convex", "target=exp", "pieces=3", "plot.formats=[png]"), fit_convex_job())
    assert [path.name for path in result.folder.glob("fit.p*")] == ["fit.png"]
    assert "fit.png" in drawn.text
    flat = run_job(composed("fit_convex", "dim=2", "pieces=2"), fit_convex_job())
    assert not list(flat.folder.glob("fit.p*"))


def bad_samples(path, kind):
    x = np.linspace(-1, 1, 9)
    if kind == "names":
        np.savez(path, points=x)
    elif kind == "nan":
        np.savez(path, x=np.append(x, np.nan), y=np.append(x, 0.0))
    elif kind == "duplicates":
        np.savez(path, x=np.append(x, 0.0), y=np.append(x**2, 5.0))
    elif kind == "text":
        path.write_text("x,y\n1,2\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("missing", PLNetError, "own.npz"),
        ("names", FileFormatError, "arrays x .* got points"),
        ("text", FileFormatError, "not a readable npz"),
        ("nan", TargetError, "nan"),
        ("duplicates", TargetError, "same point"),
    ],
)
def test_unusable_samples(run, tmp_path, kind, error, message):
    bad_samples(tmp_path / "own.npz", kind)
    with pytest.raises(error, match=message):
        run("fit_convex", "samples=own.npz")


def test_samples_that_are_not_convex_are_met_from_below(run, tmp_path):
    x = np.linspace(-1, 1, 9)
    np.savez(tmp_path / "own.npz", x=x, y=-(x**2))
    # The samples are 1 above the chord of their ends, and no convex function below them is nearer.
    assert run("fit_convex", "samples=own.npz", "kind=lower", "pieces=2")[1]["sup_error"] == pytest.approx(
        1.0
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["target=sqare"], "square"),
        (["pieces=0"], "at least 1, got 0"),
        (["kind=under"], "kind"),
        (["objective=mean"], "objective"),
        (["target=exp", "dim=2"], "one variable"),
        (["low=nan"], "finite number"),
        (["low=[0,0]"], "low"),
        (["low=1", "high=0"], "low"),
        (["high=inf"], "finite number"),
        (["dim=0"], "dim"),
        (["target=neg_log", "low=-1"], "between"),
    ],
)
def test_fit_convex_refuses(run, overrides, message):
    with pytest.raises(PLNetError, match=message):
        run("fit_convex", *overrides)


# Command lines


def test_exact_numbers_as_text():
    assert [exact_text(Fraction(3, 4)), exact_text(Fraction(1, 1 << 52)), exact_text(0.5)] == [
        "3/4",
        "2^-52",
        "0.5",
    ]


@pytest.mark.parametrize("name", JOBS)
def test_help_names_every_entry_group_and_option(name):
    config = composed(name, return_hydra_config=True)
    text = config.hydra.help.template
    for key in config:
        if key not in ("hydra", "rerun", "when_locked"):
            assert re.search(rf"\b{key}\b", text), key
    for group in {"learning", "runtime", "paths", "launch"} & set(config):
        for path in (config_dir() / group).glob("*.yaml"):
            assert re.search(rf"\b{path.stem}\b", text), f"{group}={path.stem}"
    for option in OmegaConf.to_container(config).get("learning") or {}:
        assert f"learning.{option}" in text or option == "samples"


@pytest.mark.parametrize("name", JOBS)
def test_names_in_the_help_are_those_that_work(name):
    from plnet.maxout.fitting import target_names
    from plnet.maxout.learning import OPTIMISERS, STARTS, TARGETS

    text = composed(name, return_hydra_config=True).hydra.help.template
    names = target_names() if name == "fit_convex" else (*TARGETS, *STARTS, *OPTIMISERS)
    for word in names:
        assert re.search(rf"\b{word}\b", text), word


@pytest.mark.hydra
@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_help_is_a_manual(tmp_path, name):
    done = script(tmp_path, name, "--help")
    assert done.returncode == 0, done.stderr
    for word in ("ENTRIES", "EXAMPLES", "metrics.json", f"scripts/{name}.py"):
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 125
    assert not list(tmp_path.iterdir())


@pytest.mark.hydra
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "override", "message"),
    [
        ("check_maxout", "activaton=relu", "Did you mean activation?"),
        ("check_maxout", "learning.step=3", "Did you mean learning.steps?"),
        ("fit_convex", "peices=3", "Did you mean pieces?"),
        ("fit_convex", "pieces=1.5", "pieces=1.5 does not fit"),
        ("fit_convex", "pieces=0", "at least 1, got 0"),
        ("check_maxout", "slope=nan", "finite number"),
    ],
)
def test_errors_are_one_message(tmp_path, name, override, message):
    done = script(tmp_path, name, override)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.hydra
@pytest.mark.slow
def test_sweep_and_table(tmp_path):
    done = script(tmp_path, "fit_convex", "-m", "pieces=1,2,4", "dim=1,2", "plot=none")
    assert done.returncode == 0, done.stderr
    import plnet.runs

    table = plnet.runs.load(tmp_path / "runs").where(status="finished", dim=1)
    found = dict(zip(table["pieces"].tolist(), table["sup_error"].tolist(), strict=True))
    assert found == {k: pytest.approx(0.5 / k**2) for k in (1, 2, 4)}


@pytest.mark.hydra
@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_default_run_takes_less_than_a_minute(tmp_path, name):
    done = script(tmp_path, name)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs" / name).iterdir()
    assert read_status(folder).status == "finished"
    assert {".pdf", ".png"} <= {path.suffix for path in folder.iterdir()}
    assert "proved" in done.stdout


@pytest.mark.hydra
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_is_one_line_and_loses_nothing(tmp_path):
    command = [sys.executable, "-u", str(ROOT / "scripts" / "check_maxout.py"), "learning.steps=1000000"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "training" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    (folder,) = (tmp_path / "runs" / "check_maxout").iterdir()
    assert "Stopped by Ctrl-C" in out
    assert str(folder) in out
    assert "Traceback" not in err
    assert read_status(folder).status == "interrupted"
    assert metrics_of(folder)["equivalent"] is True
