"""The command ``plnet``: version, environment, and words it does not know."""

import json
import os
import subprocess
import sys
import time
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import plnet
from plnet.runs import config_dir
from plnet.runs.commands.env import OPTIONAL, REQUIRED, describe_installation
from plnet.runs.commands.main import main

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]


def module(*arguments, **environment):
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "plnet", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("word", ["--version", "-V", "version"])
def test_version(capsys, word):
    assert main([word]) == 0
    assert capsys.readouterr().out == f"plnet {plnet.__version__}\n"


def test_version_is_quick_and_needs_nothing(tmp_path):
    for name in ("torch", "hydra", "omegaconf", "numpy", "yaml"):
        tmp_path.joinpath(f"{name}.py").write_text("raise ImportError('imported')\n", encoding="utf-8")
    start = time.perf_counter()
    done = module("--version", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert time.perf_counter() - start < 1
    assert (done.returncode, done.stdout, done.stderr) == (0, f"plnet {plnet.__version__}\n", "")


def test_help(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for word in ("COMMANDS", "EXAMPLES", "env", "collect", "--version"):
        assert word in text
    assert main([]) == 2
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("evn", "Did you mean `plnet env`"),
        ("--versoin", "plnet version"),
        ("colect", "plnet collect"),
        ("xyz", "commands are"),
    ],
)
def test_words_that_are_no_command(capsys, word, hint):
    assert main([word]) == 2
    message = capsys.readouterr().err
    assert hint in message
    assert f"`{word}`" in message


def test_environment(monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert main(["env", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plnet"] == plnet.__version__
    assert found["configuration"] == str(config_dir())
    assert found["devices"] == ["3", "4"]
    assert found["threads"]["OMP_NUM_THREADS"] == "7"
    assert 1 <= found["threads"]["available_cores"] <= found["threads"]["cores"]
    assert found["packages"]["numpy"] == metadata.version("numpy")
    assert set(found["optional"]) == set(OPTIONAL)


def test_environment_in_words(monkeypatch, capsys):
    from plnet.runs.commands import env as command_env

    real = command_env.package_version
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(
        command_env, "package_version", lambda name: None if name in ("pyarrow", "numba") else real(name)
    )
    assert main(["env"]) == 0
    text = capsys.readouterr().out
    assert 'missing; pip install "plnet[tables]"' in text
    assert "MISSING" in text
    assert f"configuration  {config_dir()}" in text
    assert "CUDA devices   none" in text
    assert max(map(len, text.splitlines())) < 130


def test_environment_without_configuration(monkeypatch):
    from plnet.errors import ConfigError
    from plnet.runs.commands import env as command_env

    def missing():
        raise ConfigError("found neither")

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(command_env, "config_dir", missing)
    assert describe_installation()["configuration"] == "missing: found neither"


def names(requirements):
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def test_packages_are_those_of_the_project():
    assert set(REQUIRED) - {"omegaconf"} == names(PROJECT["dependencies"]) - {"pyyaml"}
    extras = {
        name: extra
        for extra, lines in PROJECT["optional-dependencies"].items()
        if extra not in ("all", "dev")
        for name in names(lines)
    }
    assert extras == OPTIONAL


def test_console_script_is_this_command():
    assert PROJECT["scripts"]["plnet"] == "plnet.runs.commands.main:main"


def test_unknown_option(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["env", "--jsn"])
    assert caught.value.code == 2
    assert "--jsn" in capsys.readouterr().err


def test_ctrl_c(monkeypatch, capsys):
    from plnet.runs.commands import main as command

    def stopped(words):
        raise KeyboardInterrupt

    monkeypatch.setitem(command._COMMANDS, "env", stopped)
    assert main(["env"]) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"
