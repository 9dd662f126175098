"""What ships: the wheel, the editable install, and the lists in pyproject.toml."""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))

REPORT = """
import json, plnet
from plnet.runs import config_dir
folder = config_dir()
files = {str(path.relative_to(folder).as_posix()): path.read_text(encoding="utf-8")
         for path in folder.rglob("*.yaml")}
print(json.dumps({"package": plnet.__file__, "folder": str(folder), "files": files}))
"""


def checkout_yaml():
    conf = ROOT / "conf"
    return {
        path.relative_to(conf).as_posix(): path.read_text(encoding="utf-8") for path in conf.rglob("*.yaml")
    }


def run(command, cwd, **environment):
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    run([sys.executable, "-m", "pip", "wheel", *options, "-w", str(folder), str(ROOT)], cwd=folder)
    (path,) = folder.glob("plnet-*.whl")
    return path


@pytest.mark.slow
def test_wheel_finds_its_own_configuration(wheel, tmp_path):
    target = tmp_path / "site"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    options = ["--no-deps", "--no-index", "--disable-pip-version-check", "--target", str(target)]
    run([sys.executable, "-m", "pip", "install", *options, str(wheel)], cwd=tmp_path)
    report = json.loads(run([sys.executable, "-c", REPORT], cwd=elsewhere, PYTHONPATH=str(target)))
    assert Path(report["package"]).resolve().is_relative_to(target.resolve())
    assert Path(report["folder"]).resolve() == (target / "plnet" / "conf").resolve()
    assert report["files"] == checkout_yaml()
    assert report["files"], "conf/ has no YAML file"


@pytest.mark.slow
def test_wheel_holds_the_whole_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"plnet"}
    # A careless .gitignore line such as `runs/` would drop plnet/runs without a word.
    source = {path.relative_to(ROOT).as_posix() for path in ROOT.joinpath("plnet").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == source
    assert "License-Expression: MIT" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_editable_install_finds_the_checkout(tmp_path):
    build = "import hatchling.build, sys; hatchling.build.build_editable(sys.argv[1])"
    run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT)
    (path,) = tmp_path.glob("plnet-*.whl")
    target = tmp_path / "site"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(target)
    # -S and -P: neither the current folder nor another editable install may answer in its place. Without -S
    # the path entries of the environment would be read; its packages are found all the same.
    packages = sysconfig.get_path("purelib")
    code = f"import site, sys; sys.path.append({packages!r}); site.addsitedir({str(target)!r})\n" + REPORT
    report = json.loads(run([sys.executable, "-S", "-P", "-c", code], cwd=tmp_path, PYTHONPATH=""))
    assert Path(report["package"]) == ROOT / "plnet" / "__init__.py"
    assert Path(report["folder"]) == ROOT / "conf"
    assert report["files"] == checkout_yaml()


def test_missing_configuration_says_where_it_was_expected(monkeypatch, tmp_path):
    from plnet.errors import ConfigError
    from plnet.runs import config_dir
    from plnet.runs.config import folder as config_folder

    monkeypatch.setattr(config_folder, "_PACKAGE", tmp_path / "plnet")
    (tmp_path / "conf").mkdir()  # Somebody else's folder: there is no pyproject.toml beside it.
    with pytest.raises(ConfigError, match="found neither; install plnet again"):
        config_dir()


def test_dependency_group_repeats_the_dev_extra():
    assert PROJECT["dependency-groups"]["dev"] == PROJECT["project"]["optional-dependencies"]["dev"]


def test_extra_all_names_every_extra_for_users():
    extras = set(PROJECT["project"]["optional-dependencies"])
    (everything,) = PROJECT["project"]["optional-dependencies"]["all"]
    assert Requirement(everything).extras == extras - {"all", "dev"}


def test_every_requirement_has_a_pin_that_fits():
    lines = ROOT.joinpath("constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    wanted = list(PROJECT["project"]["dependencies"])
    for extra, requirements in PROJECT["project"]["optional-dependencies"].items():
        wanted += requirements if extra != "all" else []
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in pins, f"{name} has no line in constraints.txt"
        assert requirement.specifier.contains(pins[name]), f"{name}=={pins[name]} breaks {requirement}"
