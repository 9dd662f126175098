"""The configuration: every file composes, fits what it stands for, and refuses misspelt words."""

import inspect
import os
import re
import runpy
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import CompactHydraException, ConfigCompositionException, HydraException
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from sizes import few

from plnet.errors import ConfigError
from plnet.runs import config_dir, one_line_errors, register_schemas, run_script
from plnet.runs.config.schemas import _GROUPS

register_schemas()

CONF = config_dir()
SCRIPT = CONF.parent / "scripts" / "count_regions.py"
ROOTS = sorted(path.stem for path in CONF.glob("*.yaml"))
FILES = sorted(path.relative_to(CONF).as_posix() for path in CONF.rglob("*.yaml"))

# What a caller adds to the arguments in the configuration.
GIVEN_LATER = {"rng", "data", "network", "params"}
# Values that only a user can give.
ONLY_THE_USER = {
    "network=checkpoint": ["network.path=x.pt"],
    "network=factory": ["network.factory=my.module:make"],
    "data=npz": ["data.path=x.npz"],
    "tasks=factory": ["tasks.factory=my.module:make"],
}
# Options that need others beside them.
COMPANIONS = {"data=none": ["domain=box", "training=none"]}


def composed(root, overrides=(), **options):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(root, overrides=list(overrides), **options)


def choices(root):
    """Return group -> options of the groups that a root configuration uses."""
    chosen = composed(root, return_hydra_config=True).hydra.runtime.choices
    groups = [group for group in chosen if not group.startswith("hydra") and (CONF / group).is_dir()]
    return {group: sorted(path.stem for path in (CONF / group).glob("*.yaml")) for group in groups}


def nodes(config):
    """Yield all nodes of a configuration that name a target."""
    if isinstance(config, DictConfig):
        if "_target_" in config:
            yield config
        for key in config:
            if not OmegaConf.is_missing(config, key):
                yield from nodes(config[key])


def script(cwd, *arguments, **environment):
    """Run the script of count_regions.py in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(CONF.parent), "COLUMNS": "120", **environment}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


ALL_OPTIONS = [
    (root, f"{group}={option}")
    for root in ROOTS
    for group, options in choices(root).items()
    for option in options
]
FIRST_ROOT = {choice: root for root, choice in reversed(ALL_OPTIONS)}


def test_there_is_something_to_compose():
    assert "count_regions" in ROOTS
    assert len(ALL_OPTIONS) >= 20


@pytest.mark.parametrize(("root", "choice"), few(ALL_OPTIONS, lambda case: FIRST_ROOT[case[1]] == case[0]))
def test_every_option_composes_and_fits_its_target(root, choice):
    config = composed(root, [choice, *ONLY_THE_USER.get(choice, []), *COMPANIONS.get(choice, [])])
    assert not OmegaConf.missing_keys(config)
    assert OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    for node in nodes(config):
        target = node._target_
        assert target.startswith(("plnet.", "torch.nn.", "torch.optim.")), target
        parameters = inspect.signature(get_object(target)).parameters
        keys = {key for key in node if not key.startswith("_")}
        assert keys <= set(parameters), f"{choice}: {target} has no {keys - set(parameters)}"
        required = {name for name, entry in parameters.items() if entry.default is entry.empty}
        assert required <= keys | GIVEN_LATER, f"{choice}: {target} needs {required - keys}"
    if root == "count_regions":
        from plnet.runs.jobs.count_regions.build import build_count_regions

        assert build_count_regions(config).seed == config.seed


@pytest.mark.parametrize("group", _GROUPS)
def test_schemas_follow_the_order_of_their_constructors(group):
    for schema in _GROUPS[group].values():
        target = getattr(schema, "_target_", None)
        if target is None:
            continue
        parameters = list(inspect.signature(get_object(target)).parameters)
        fields = [name for name in schema.__dataclass_fields__ if not name.startswith("_")]
        assert fields == [name for name in parameters if name in fields], target
        unnamed = set(parameters) - set(fields) - GIVEN_LATER - {"device", "progress", "checkpoint"}
        assert not unnamed, f"{target} takes {unnamed}, which no configuration can set"


@pytest.mark.parametrize("file", FILES)
def test_every_file_says_where_it_stands_itself(file):
    content = OmegaConf.load(CONF / file)
    assert "_self_" in content.defaults
    text = CONF.joinpath(file).read_text(encoding="utf-8")
    assert text.startswith("#"), "the first line says what the file is for"
    assert "override_dirname" not in text


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.widht=3", "widht"),
        ("sede=1", "sede"),
        ("engine.max_second=1", "max_second"),
        ("network=mpl", "mlp"),
        ("engine=cels", "cells"),
        ("seed=one", "Integer"),
        ("network.widths=64", "widths"),
    ],
)
def test_misspelt_words_are_refused_by_hydra(override, message):
    with pytest.raises((ConfigCompositionException, HydraException)) as caught:
        composed("count_regions", [override])
    assert message in f"{caught.value} {caught.value.__cause__}"


def test_missing_values_are_named():
    from plnet.runs.jobs.count_regions.build import build_count_regions

    with pytest.raises(ConfigError, match=r"no value for data\.path.*data\.path=\.\.\."):
        build_count_regions(composed("count_regions", ["data=npz"]))


def test_options_that_nothing_takes_are_named():
    from plnet.runs.jobs.count_regions.build import build_count_regions

    with pytest.raises(ConfigError, match=r"network has no option foo; .* takes widths"):
        build_count_regions(composed("count_regions", ["+network.foo=1"]))


@pytest.mark.hydra
def test_user_folder_adds_options(tmp_path):
    folder = tmp_path / "network"
    folder.mkdir()
    folder.joinpath("tiny.yaml").write_text(
        "defaults: [mlp, _self_]\nwidths: [64, 4, 10]\n", encoding="utf-8"
    )
    done = script(tmp_path, "--config-dir", str(tmp_path), "network=tiny", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "- 4\n  - 10" in done.stdout


def test_help_names_every_group_and_option():
    config = composed("count_regions", return_hydra_config=True)
    text = config.hydra.help.template
    for group, options in choices("count_regions").items():
        assert re.search(rf"^ *{group}\b", text, re.MULTILINE), group
        for option in options:
            assert re.search(rf"\b{option}\b", text), f"{group}={option}"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["plot.color_by=patern"], "Did you mean 'pattern'"),
        (["plot.venue=neurip"], "Did you mean 'neurips'"),
        (["plot.formats=[pfd]"], "Did you mean 'pdf'"),
    ],
)
def test_plot_options_are_checked_before_anything_runs(overrides, message):
    from plnet.runs.jobs.count_regions.build import build_count_regions

    with pytest.raises(ConfigError, match=message):
        build_count_regions(composed("count_regions", overrides))


# What a user of a script sees


def test_errors_of_the_user_become_compact():
    @one_line_errors
    def task():
        raise ConfigError("expected this, got that")

    @one_line_errors
    def bug():
        raise ValueError("a mistake of ours")

    with pytest.raises(CompactHydraException, match="expected this, got that"):
        task()
    with pytest.raises(ValueError, match="a mistake of ours") as caught:
        bug()
    assert not isinstance(caught.value, CompactHydraException)


def test_ctrl_c_ends_with_its_own_exit_code(caplog, capsys):
    @one_line_errors
    def task():
        raise KeyboardInterrupt("Stopped by Ctrl-C somewhere.")

    def early():
        raise KeyboardInterrupt

    for stopped in (task, lambda: run_script(early)):
        with pytest.raises(SystemExit) as caught:
            stopped()
        assert caught.value.code == 130
    assert caplog.messages == ["Stopped by Ctrl-C somewhere."]
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"


@pytest.mark.hydra
def test_help_is_a_manual(tmp_path):
    done = script(tmp_path, "--help")
    assert done.returncode == 0, done.stderr
    for word in ("GROUPS", "EXAMPLES", "network.widths", "metrics.json", "--config-dir"):
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 125
    assert not list(tmp_path.iterdir())


@pytest.mark.hydra
def test_cfg_job_needs_no_torch(tmp_path):
    tmp_path.joinpath("torch.py").write_text("raise ImportError('torch was imported')\n", encoding="utf-8")
    done = script(tmp_path, "--cfg", "job", "--resolve", PYTHONPATH=f"{tmp_path}{os.pathsep}{CONF.parent}")
    assert done.returncode == 0, done.stderr
    assert OmegaConf.create(done.stdout).network.widths == [64, 64, 64, 10]


ERRORS = pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.widht=3", "network has no entry widht. Did you mean network.width?"),
        ("sede=1", "no entry or group sede. Did you mean seed?"),
        ("netwrk=maxout", "Did you mean network?"),
        ("network=mpl", "network has no option mpl. Did you mean network=mlp?"),
        ("engine=cels", "engine=cells"),
        ("seed=one", "seed=one does not fit"),
        ("+seed=1", "Leave out the +"),
        ("network=mlp,maxout", "add -m"),
        ("network.widths=[1,", "cannot be read"),
        ("paths.outputs=file", "Cannot make the folder"),
    ],
)


def check_error(text, message):
    assert message in text
    assert "Traceback" not in text
    assert "base_" not in text
    assert len(text.strip().splitlines()) == 1


@ERRORS
def test_errors_before_the_job_are_short(tmp_path, monkeypatch, capsys, override, message):
    tmp_path.joinpath("file").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), override])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    code = caught.value.code  # Python prints a text and ends with 1.
    assert code == 1 or isinstance(code, str)
    check_error(capsys.readouterr().err + (code if isinstance(code, str) else ""), message)


@pytest.mark.slow
@pytest.mark.hydra
@ERRORS
def test_errors_before_the_job_of_a_process(tmp_path, override, message):
    tmp_path.joinpath("file").write_text("", encoding="utf-8")
    done = script(tmp_path, override)
    assert done.returncode == 1
    check_error(done.stderr, message)
