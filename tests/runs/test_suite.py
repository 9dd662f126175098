"""Experiments and the suite: every known trap of sweeps in files, what runs, what is told, and Ctrl-C."""

import functools
import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from hydra import compose, initialize_config_dir
from sizes import few

from plnet.errors import ConfigError
from plnet.runs import config_dir, load, register_schemas
from plnet.runs.sweeps.launch_sweep import check_sweep
from plnet.runs.sweeps.suite import run_suite
from plnet.runs.sweeps.suite_plan import choose_experiments, find_experiments, sweep_arguments, sweep_runs
from plnet.runs.sweeps.suite_run import run_process, run_sweeps

register_schemas()

ROOT = config_dir().parent
SCRIPTS = ROOT / "scripts"
KNOWN = find_experiments()


@functools.cache
def runs_of(one):
    return sweep_runs(one, [])


# Runs that take no time, for experiments that a test writes.
QUICK = """
  - override /data: none
  - override /domain: box
  - override /training: none
  - override /plot: none
  - override /engine: rational
  - _self_
network:
  widths: [2, 3, 1]
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def experiment(folder, name, body, script="count_regions", size="tiny"):
    """Write an experiment of the user, and return it as it is found."""
    head = f"# @package _global_\n# Question: What is {name}?\n# Script: {script}\n"
    write(folder / "experiment" / name / f"{size}.yaml", head + textwrap.dedent(body))
    (found,) = choose_experiments([name], size, find_experiments(folder))
    return found


def swept(text, mode="  mode: MULTIRUN\n"):
    parameters = textwrap.indent(textwrap.dedent(text).strip(), "      ")
    return f"defaults:{QUICK}hydra:\n{mode}  sweeper:\n    params:\n{parameters}\n"


def script(cwd, name, *arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SCRIPTS / name), *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


# The experiments that come with plnet


def test_there_are_two_sizes_of_each():
    names = {one.name for one in KNOWN}
    assert len(names) >= 3
    assert {(one.name, one.size) for one in KNOWN} == {
        (name, size) for name in names for size in ("tiny", "paper")
    }


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.choice)
def test_each_asks_something_and_can_be_swept(one):
    assert one.question.endswith("?")
    assert (SCRIPTS / f"{one.script}.py").is_file()
    runs = runs_of(one)
    # A run of run_forgetting has replicates of its own.
    assert 4 <= runs <= 12 if one.size == "tiny" else runs >= (6 if one.script == "run_forgetting" else 30)
    both = [other.question for other in KNOWN if other.name == one.name]
    assert len(set(both)) == 1, "both sizes ask the same"


@pytest.mark.parametrize("one", few(KNOWN, lambda one: one.size == "tiny"), ids=lambda one: one.choice)
def test_every_run_of_an_experiment_fits(one):
    """Each combination composes, and its parts accept their options."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from plnet.runs.jobs.count_regions.build import build_count_regions
    from plnet.runs.jobs.forgetting.build import build_run_forgetting

    def check(config):
        if one.script == "run_forgetting":
            arguments = build_run_forgetting(config)
            assert arguments.tasks.draw(0)
            assert arguments.model.hidden == tuple(config.model.hidden)
        else:
            assert build_count_regions(config).network(rng=0).widths[0] == 64

    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        whole = compose(one.script, [f"experiment={one.choice}"], return_hydra_config=True)
        parameters = [f"{name}={value}" for name, value in whole.hydra.sweeper.params.items()]
        (jobs,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(parameters), None)
        for job in (jobs[0], jobs[-1]):
            check(compose(one.script, [f"experiment={one.choice}", *job]))
    assert len(jobs) == runs_of(one)


def test_depth_has_the_same_number_of_units():
    for size in ("tiny", "paper"):
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            config = compose("count_regions", [f"experiment=depth/{size}"], return_hydra_config=True)
        widths = json.loads(f"[{config.hydra.sweeper.params['network.widths']}]")
        assert len({sum(one[1:-1]) for one in widths}) == 1
        assert len({len(one) for one in widths}) == len(widths)


# Traps


def test_a_sweep_over_null(tmp_path):
    good = experiment(tmp_path, "nulls", swept("network.width: 'null,4'"))
    assert sweep_runs(good, []) == 2
    bad = experiment(tmp_path, "nothing", swept("network.width: null"))
    with pytest.raises(ConfigError, match=r"network\.width is null.*'null'"):
        sweep_runs(bad, [])


def test_groups_of_parameters_are_refused(tmp_path):
    bad = experiment(tmp_path, "nested", swept("network:\n  width: 4,8"))
    with pytest.raises(ConfigError, match="dotted names instead"):
        sweep_runs(bad, [])


def test_overrides_of_the_command_line_win_over_the_file(tmp_path):
    one = experiment(tmp_path, "seeds", swept("seed: range(5)\nnetwork.width: 4,8"))
    assert sweep_runs(one, []) == 10
    assert sweep_runs(one, ["seed=7"]) == 2
    assert sweep_runs(one, ["seed=range(3)", "network.activation=relu,abs"]) == 12
    with pytest.raises(ConfigError, match="sweep is empty"):
        sweep_runs(one, ["seed=range(0)"])


def test_entries_that_do_not_exist_are_named_before_anything_starts(tmp_path):
    one = experiment(tmp_path, "typo", "defaults: [_self_]\nnetwrk:\n  width: 3\n")
    with pytest.raises(ConfigError, match=r"(?s)typo/tiny cannot be composed.*netwrk"):
        sweep_runs(one, [])
    one = experiment(tmp_path, "missing", "defaults: [override /network: mpl, _self_]\n")
    with pytest.raises(ConfigError, match=r"network has no option mpl\. Did you mean network=mlp"):
        sweep_runs(one, [])


def test_a_file_without_a_script(tmp_path):
    write(tmp_path / "experiment" / "bare" / "tiny.yaml", "# @package _global_\ndefaults: [_self_]\n")
    (bare,) = choose_experiments(["bare"], "tiny", find_experiments(tmp_path))
    with pytest.raises(ConfigError, match=r"names no script.*# Script: count_regions"):
        sweep_runs(bare, [])


def test_overrides_in_a_file_of_the_global_package_count(tmp_path):
    experiment(tmp_path, "globals", swept("seed: 3,4"))
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose(
            "count_regions",
            [f"hydra.searchpath=[file://{tmp_path}]", "experiment=globals/tiny"],
            return_hydra_config=True,
        )
    assert config.data is None
    assert config.training is None
    assert list(config.network.widths) == [2, 3, 1]
    assert check_sweep(config) == 2


@pytest.mark.slow
@pytest.mark.hydra
def test_mode_in_the_file_and_all_traps_at_once(tmp_path):
    """The sweep of a file runs with and without -m, each combination once, null included."""
    experiment(tmp_path / "conf", "traps", swept("network.width: 'null,4'\nseed: 0,1"))
    for arguments in (["experiment=traps/tiny"], ["-m", "experiment=traps/tiny", "network.bias=false"]):
        done = script(tmp_path, "count_regions.py", "--config-dir", "conf", *arguments)
        assert done.returncode == 0, done.stderr
    table = load(tmp_path / "runs")
    assert table.config_columns == ("network.width", "network.bias", "seed")
    assert [tuple(row) for row in zip(*(table.columns[n] for n in table.config_columns), strict=True)] == [
        (width, bias, seed) for width in (None, 4) for bias in (False, True) for seed in (0, 1)
    ]
    assert set(table["status"]) == {"finished"}
    assert table.constants["count_regions"]["training"] is None


# Choosing


def test_names_bring_their_own_size_or_take_the_default():
    chosen = choose_experiments(["depth", "activations/paper", "depth/tiny"], "tiny", KNOWN)
    assert [one.choice for one in chosen] == ["depth/tiny", "activations/paper"]
    with pytest.raises(ConfigError, match="Did you mean depth/tiny"):
        choose_experiments(["dept"], "tiny", KNOWN)


def test_own_experiments(tmp_path):
    own = experiment(tmp_path / "it's mine", "deeper", swept("seed: 0,1"))
    assert sweep_runs(own, []) == 2
    arguments = sweep_arguments(own, ["seed=1"], "mine")
    assert arguments == ["--multirun", "--config-dir", "mine", "experiment=deeper/tiny", "seed=1"]
    with pytest.raises(ConfigError, match="--config-dir to be a folder"):
        find_experiments(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="plnet has an experiment depth/tiny too"):
        experiment(tmp_path, "depth", swept("seed: 0,1"))


# Running


def python(code, *arguments):
    return [sys.executable, "-c", textwrap.dedent(code), *arguments]


def test_sweeps_after_a_failed_one_still_run(tmp_path):
    log = tmp_path / "log"
    code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2]); sys.exit(int(sys.argv[3]))"
    commands = [
        (name, python(code, str(log), name, code_)) for name, code_ in (("a", "0"), ("b", "1"), ("c", "0"))
    ]
    seen = []
    results = run_sweeps(commands, started=lambda index, name: seen.append((index, name)))
    assert [(result.name, result.code) for result in results] == [("a", 0), ("b", 1), ("c", 0)]
    assert [result.words for result in results] == ["finished", "failed (exit code 1)", "finished"]
    assert log.read_text() == "abc"
    assert seen == [(0, "a"), (1, "b"), (2, "c")]


def test_what_a_signal_leaves(tmp_path):
    if sys.platform == "win32":
        pytest.skip("there are no such signals")
    kill = "import os, signal; os.kill(os.getpid(), signal.{})"
    assert run_process(python(kill.format("SIGKILL"))) == 128 + 9
    assert (
        run_process(python("import signal\nsignal.signal(2, signal.SIG_DFL)\n" + kill.format("SIGINT")))
        == 130
    )


def test_nothing_starts_after_ctrl_c():
    def run(command):
        return 130 if command == ["second"] else 0

    results = run_sweeps([("a", ["first"]), ("b", ["second"]), ("c", ["third"])], run=run)
    assert [result.words for result in results] == ["finished", "stopped", "not started"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_reaches_the_sweep_and_the_suite_says_how_to_go_on(tmp_path):
    """A script in place of the real one writes what it knows when Ctrl-C comes, as a run does."""
    write(
        tmp_path / "scripts" / "slow.py",
        """
        import pathlib, sys, time
        try:
            pathlib.Path("started").write_text("")
            time.sleep(60)
        except KeyboardInterrupt:
            time.sleep(0.3)
            pathlib.Path("known").write_text("what is known")
            sys.exit(130)
        """,
    )
    code = """
        import sys
        from plnet.runs.sweeps import suite as suite_command, suite_plan
        suite_command.sweep_runs = lambda one, overrides: 3
        suite_command.find_experiments = lambda own: [
            suite_plan.Experiment(name, "tiny", "Why?", "slow", None) for name in ("one", "two")
        ]
        sys.exit(suite_command.run_suite(["one", "two", "seed=range(0, 3)"], sys.argv[1]))
        """
    process = subprocess.Popen(
        python(code, str(tmp_path / "scripts")),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (tmp_path / "known").read_text() == "what is known"
    assert "[1/2] one/tiny: 3 runs" in output
    assert "[2/2]" not in output
    assert "stopped" in output
    assert "not started" in output
    assert "python scripts/run_suite.py one two 'seed=range(0, 3)'" in output


# The command


def suite(*words):
    return run_suite(list(words), SCRIPTS)


def test_overrides_reach_the_script_as_they_were_written(capsys):
    words = [
        "data.path=a b,c.npz",
        "network.widths=[64,4,10]",
        "+network.options={x: 'y z'}",
        "~plot",
        "seed='1'",
    ]
    one = choose_experiments(["depth"], "tiny", KNOWN)[0]
    assert sweep_arguments(one, words)[2:] == words
    assert suite("depth", "--dry-run", "network.widths=[64,4,10],[64,5,10]", "seed=range(0, 2)") == 0
    (line,) = capsys.readouterr().out.splitlines()
    command = shlex.split(line.removeprefix("depth/tiny: "))
    assert command[0] == sys.executable
    assert command[1] == str(SCRIPTS / "count_regions.py")
    tail = ["--multirun", "experiment=depth/tiny", "network.widths=[64,4,10],[64,5,10]", "seed=range(0, 2)"]
    assert command[2:] == tail


def test_all_experiments_of_a_size(capsys):
    assert suite("--all", "--size", "paper", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == sorted(
        one.choice for one in KNOWN if one.size == "paper"
    )


def test_list_shows_questions_and_runs(capsys):
    assert suite("--list") == 0
    text = capsys.readouterr().out
    for one in KNOWN:
        assert f"{one.choice} ({runs_of(one)} runs, {one.script}.py)" in text
        assert one.question in text


def test_without_a_name_nothing_runs(capsys):
    assert suite() == 2
    assert "depth/tiny" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["experiment=depth/tiny", "hydra.sweeper.params=null", "hydra.mode=RUN"])
def test_what_each_experiment_has_of_its_own_cannot_be_set(word):
    with pytest.raises(ConfigError, match="cannot be set here"):
        suite("depth", word)


def test_a_broken_experiment_is_told_first_and_the_others_still_run(tmp_path, capsys, monkeypatch):
    from plnet.runs.sweeps import suite as suite_command

    experiment(tmp_path, "broken", swept("network.width: null"))
    experiment(tmp_path, "fine", swept("seed: 0,1"))
    experiment(tmp_path, "lost", swept("seed: 0,1"), script="count_regions.py")
    experiment(tmp_path, "nowhere", swept("seed: 0"), script="nosuchscript")
    ran = []
    real = suite_command.run_sweeps
    monkeypatch.setattr(
        suite_command,
        "run_sweeps",
        lambda commands, started: real(commands, started=started, run=lambda c: ran.append(c) or 0),
    )
    assert suite("broken", "fine", "lost", "nowhere", "--config-dir", str(tmp_path)) == 1
    output = capsys.readouterr()
    assert "is null" in output.err
    assert "nowhere/tiny" in output.err
    assert [command[5] for command in ran] == ["experiment=fine/tiny", "experiment=lost/tiny"]
    assert "2 of 4 sweeps finished." in output.out
    assert "To go on" in output.out


def test_help_is_a_manual(capsys):
    with pytest.raises(SystemExit):
        suite("--help")
    text = capsys.readouterr().out
    assert text.count("    python scripts/run_suite.py") == 3
    for word in ("EXAMPLES", "--size", "rerun", "130"):
        assert word in text


def test_misspelt_experiment_of_the_script(tmp_path):
    done = script(tmp_path, "run_suite.py", "dept")
    assert done.returncode == 2
    assert "Did you mean depth/tiny" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.hydra
def test_whole_suite_and_again(tmp_path):
    experiment(tmp_path / "conf", "first", swept("seed: 0,1"))
    experiment(tmp_path / "conf", "second", swept("network.width: 3,-1"))  # The second run fails.
    experiment(tmp_path / "conf", "third", swept("seed: 1,2"))
    words = ["run_suite.py", "first", "second", "third", "--config-dir", "conf"]
    done = script(tmp_path, *words)
    assert done.returncode == 1
    assert "2 of 3 sweeps finished." in done.stdout
    table = load(tmp_path / "runs")
    assert sorted(table["status"]) == ["failed"] + ["finished"] * 4
    before = {str(path): path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("regions.npz")}
    again = script(tmp_path, *words)
    assert again.stdout.count("finished already") == 5
    assert before == {str(path): path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("regions.npz")}


@pytest.mark.slow
@pytest.mark.hydra
@pytest.mark.parametrize("name", sorted({one.name for one in KNOWN}))
def test_tiny_experiments_run(tmp_path, name):
    done = script(tmp_path, "run_suite.py", name, "training.epochs=1", "seed=0")
    assert done.returncode == 0, done.stderr
    table = load(tmp_path / "runs")
    assert set(table["status"]) == {"finished"}
    if name.startswith("forgetting"):
        assert all(0 < accuracy <= 1 for accuracy in table["average_accuracy"])
    else:
        assert set(table["exact_after"]) == {True}
    assert table.config_columns
