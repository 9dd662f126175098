"""The parts of bootstrap.py that decide and speak. The installation itself comes first in `make test`."""

import ast
import errno
import importlib.metadata
import json
import re
import sys
from pathlib import Path

import pytest

import bootstrap
from bootstrap import BootstrapError, Interpreter

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT.joinpath("bootstrap.py").read_text(encoding="utf-8")
PINS = ROOT.joinpath("constraints.txt").read_text(encoding="utf-8")


def pins(text):
    return dict(line.split("==") for line in text.splitlines() if "==" in line and not line.startswith("#"))


# The file itself


def test_parses_on_python_3_8():
    ast.parse(SOURCE, feature_version=(3, 8))


def test_imports_only_the_standard_library():
    tree = ast.parse(SOURCE)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


# Choosing a Python


@pytest.mark.parametrize(
    ("version", "has_venv", "expected"),
    [
        ((3, 10, 13), True, False),
        ((3, 11, 0), True, True),
        ((3, 12, 1), True, True),
        ((3, 13, 5), True, True),
        ((3, 13, 5), False, False),
        ((3, 14, 0), True, False),
        ((2, 7, 18), True, False),
    ],
)
def test_fits(version, has_venv, expected):
    assert bootstrap.fits(Interpreter(version, "python", has_venv)) is expected


def offer(monkeypatch, *interpreters):
    """Let the search meet these interpreters in this order; None is a command that does not start."""
    monkeypatch.setattr(bootstrap, "candidate_commands", lambda: ([str(i)] for i in range(len(interpreters))))
    monkeypatch.setattr(bootstrap, "probe", lambda command: interpreters[int(command[0])])


def test_search_takes_the_first_that_fits(monkeypatch):
    chosen = Interpreter((3, 12, 1), "second", True)
    offer(
        monkeypatch,
        Interpreter((3, 10, 1), "first", True),
        None,
        chosen,
        Interpreter((3, 13, 0), "last", True),
    )
    assert bootstrap.find_python() == chosen


def test_search_says_what_is_missing(monkeypatch):
    offer(monkeypatch, Interpreter((3, 9, 2), "old", True), None)
    with pytest.raises(BootstrapError, match=r"needs Python 3\.11, 3\.12 or 3\.13.*found: 3\.9\.2"):
        bootstrap.find_python()


def test_search_names_the_package_of_a_missing_venv(monkeypatch):
    offer(
        monkeypatch, Interpreter((3, 9, 2), "old", True), Interpreter((3, 11, 2), "/usr/bin/python3", False)
    )
    with pytest.raises(BootstrapError, match=r"(?s)3\.11\.2.*no venv module.*python3\.11-venv"):
        bootstrap.find_python()


def test_the_running_python_comes_first():
    assert next(bootstrap.candidate_commands()) == [sys.executable]


def test_windows_asks_the_launcher(monkeypatch):
    monkeypatch.setattr(bootstrap, "WINDOWS", True)
    commands = list(bootstrap.candidate_commands())
    assert ["py", "-3.13"] in commands
    assert ["py", "-3.11"] in commands


def test_pyenv_versions_are_found_newest_first(monkeypatch, tmp_path):
    for name in ("3.11.4", "3.11.7", "3.10.1"):
        tmp_path.joinpath("versions", name, "bin").mkdir(parents=True)
        tmp_path.joinpath("versions", name, "bin", "python").touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = [
        Path(command[0]).parts[-3]
        for command in bootstrap.candidate_commands()
        if str(tmp_path) in command[0]
    ]
    assert found == ["3.11.7", "3.11.4"]


def test_probe_reads_this_python_and_survives_others():
    found = bootstrap.probe([sys.executable])
    assert found.version == sys.version_info[:3]
    assert bootstrap.probe([str(ROOT / "no-such-python")]) is None
    assert bootstrap.ask([sys.executable], "print('no json')") is None
    assert bootstrap.ask([sys.executable], "raise SystemExit(1)") is None


# The stamp


@pytest.fixture
def project(tmp_path):
    """Return a project of two files and an empty environment folder."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("a\n")
    (root / "constraints.txt").write_text("b\n")
    (root / ".venv").mkdir()
    return root


def test_fingerprint_changes_with_each_cause(project):
    marks = [bootstrap.fingerprint(project, (3, 11, 7)), bootstrap.fingerprint(project, (3, 12, 1))]
    marks.append(bootstrap.fingerprint(project.rename(project.with_name("moved")), (3, 11, 7)))
    project.with_name("moved").rename(project)
    for name in ("pyproject.toml", "constraints.txt"):
        project.joinpath(name).write_text("c\n")
        marks.append(bootstrap.fingerprint(project, (3, 11, 7)))
    assert len(set(marks)) == len(marks)


def test_fingerprint_ignores_settings_of_tools_that_installation_does_not_read(project):
    file = project / "pyproject.toml"
    text = '[project]\nname = "x"\n[tool.ruff]\nline-length = 1\n[tool.hatch.build]\ndev-mode-dirs = ["."]\n'
    file.write_text(text)
    before = bootstrap.fingerprint(project, (3, 11, 7))
    file.write_text(text.replace("length = 1", "length = 2"))
    assert bootstrap.fingerprint(project, (3, 11, 7)) == before
    for old, new in (('"x"', '"y"'), ('"."', '"src"')):
        file.write_text(text.replace(old, new))
        assert bootstrap.fingerprint(project, (3, 11, 7)) != before


def test_fingerprint_ignores_the_kind_of_line_ends(project):
    before = bootstrap.fingerprint(project, (3, 11, 7))
    project.joinpath("pyproject.toml").write_bytes(b"a\r\n")
    assert bootstrap.fingerprint(project, (3, 11, 7)) == before


def ready(project, monkeypatch, version=(3, 11, 7)):
    monkeypatch.setattr(bootstrap, "ask", lambda command, code: version and {"version": list(version)})
    return bootstrap.is_ready(project, project / ".venv")


def test_only_a_whole_and_current_environment_is_ready(project, monkeypatch):
    folder = project / ".venv"
    mark = bootstrap.fingerprint(project, (3, 11, 7))
    assert not ready(project, monkeypatch)
    bootstrap.write_stamp(folder, "installing", mark)
    assert not ready(project, monkeypatch)
    bootstrap.write_stamp(folder, "ready", mark)
    assert ready(project, monkeypatch)
    assert not ready(project, monkeypatch, version=None), "its Python does not start"
    assert not ready(project, monkeypatch, version=(3, 11, 8))
    project.joinpath("constraints.txt").write_text("c\n")
    assert not ready(project, monkeypatch)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_damaged_stamp_counts_as_none(project, text):
    (project / ".venv" / bootstrap.STAMP).write_text(text)
    assert bootstrap.read_stamp(project / ".venv") is None
    assert not bootstrap.is_ready(project, project / ".venv")


@pytest.mark.parametrize("step", ["find_python", "install"])
@pytest.mark.parametrize("trouble", [KeyboardInterrupt, BootstrapError, OSError])
def test_a_broken_off_installation_is_never_used(project, monkeypatch, step, trouble):
    def fail(*_):
        raise trouble

    folder = project / ".venv"
    bootstrap.write_stamp(folder, "ready", "old")
    (folder / "left-over").mkdir()
    monkeypatch.setattr(bootstrap, "find_python", lambda: Interpreter((3, 11, 7), sys.executable, True))
    monkeypatch.setattr(bootstrap, "provided_packages", lambda _: {"torch": "2.6.0"})
    monkeypatch.setattr(
        bootstrap.subprocess, "run", lambda *a, **k: bootstrap.subprocess.CompletedProcess(a, 0, b"")
    )
    monkeypatch.setattr(bootstrap, "install", lambda *_: None)
    monkeypatch.setattr(bootstrap, step, fail)
    with pytest.raises(trouble):
        bootstrap.make_environment(project, folder)
    assert bootstrap.read_stamp(folder)["state"] == "installing"
    assert not (folder / "left-over").exists()
    bootstrap.refuse_foreign(folder)


def test_foreign_environment_is_left_alone(project):
    folder = project / ".venv"
    bootstrap.refuse_foreign(folder)
    (folder / bootstrap.LOCK).touch()
    bootstrap.refuse_foreign(folder)
    (folder / "pyvenv.cfg").touch()
    with pytest.raises(BootstrapError, match="exists and was not made by"):
        bootstrap.refuse_foreign(folder)
    assert (folder / "pyvenv.cfg").exists()


def test_lock_holds_others_off(project):
    with bootstrap.locked(project / ".venv"), (project / ".venv" / bootstrap.LOCK).open("a+b") as second:
        assert not bootstrap.try_lock(second.fileno())
    with (project / ".venv" / bootstrap.LOCK).open("a+b") as third:
        assert bootstrap.try_lock(third.fileno())


@pytest.mark.parametrize(("windows", "tail"), [(True, "Scripts/python.exe"), (False, "bin/python")])
def test_python_of_an_environment(windows, tail):
    assert bootstrap.environment_python(Path("env"), windows).as_posix() == "env/" + tail


# What is installed


def test_constraints_stay_whole_without_a_provided_torch():
    assert bootstrap.filter_constraints(PINS, {}) == PINS


def test_torch_and_numpy_of_the_system_are_held():
    used = pins(
        bootstrap.filter_constraints(
            PINS, {"torch": "2.6.0a0+x", "numpy": "2.1.0", "sympy": "1.13.1", "pip": "24"}
        )
    )
    assert (used["torch"], used["numpy"]) == ("2.6.0a0+x", "2.1.0")
    assert "sympy" not in used
    assert not set(bootstrap.BUILT_ON_NUMPY) & set(used)
    assert used["pytest"] == pins(PINS)["pytest"]


def test_numpy_too_old_for_plnet_is_replaced_with_all_that_is_built_on_it():
    used = pins(
        bootstrap.filter_constraints(
            PINS, {"torch": "2.5.1", "numpy": "1.26.4", "scipy": "1.11.0", "sympy": "1.12"}
        )
    )
    assert used["torch"] == "2.5.1"
    for name in ("numpy", *bootstrap.BUILT_ON_NUMPY):
        assert used[name] == pins(PINS)[name]
    assert "sympy" not in used


def test_list_of_packages_built_on_numpy_is_complete():
    dependent = set()
    for name in pins(PINS):
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # It is for another system.
        if any(re.match(r"numpy\b", line) and "extra" not in line for line in requires):
            dependent.add(name)
    assert dependent | {"llvmlite"} == set(bootstrap.BUILT_ON_NUMPY)


@pytest.mark.parametrize(
    ("found", "used"),
    [
        (None, False),
        ({"torch": "2.3.1"}, False),
        ({"torch": "2.4.0"}, True),
        ({"torch": "2.10.0+cu128"}, True),
    ],
)
def test_only_torch_2_4_or_later_counts_as_provided(monkeypatch, found, used):
    monkeypatch.setattr(bootstrap, "ask", lambda *_: found)
    assert bool(bootstrap.provided_packages(Interpreter((3, 11, 7), "python", True))) is used


@pytest.mark.slow
def test_provided_packages_of_this_environment(monkeypatch):
    found = bootstrap.ask([sys.executable], bootstrap.PROVIDED)
    assert found["torch"].split("+")[0] == importlib.metadata.version("torch").split("+")[0]
    assert found["numpy"] == importlib.metadata.version("numpy")


def test_pinned_torch():
    assert bootstrap.pinned_torch(PINS) == pins(PINS)["torch"]
    with pytest.raises(BootstrapError, match="no line for torch"):
        bootstrap.pinned_torch("numpy==2.0\n")


@pytest.mark.parametrize(
    ("offered", "code", "expected"),
    [
        ("torch (2.15.0)\nAvailable versions: 2.15.0, 2.13.0+cpu, 2.13.0\n", 0, "cpu"),
        ("torch (2.15.0)\nAvailable versions: 2.15.0, 2.13.0, 2.12.0+cpu\n", 0, "cuda"),
        ("", 1, "unknown"),
    ],
)
def test_kind_of_torch_that_pip_offers(monkeypatch, offered, code, expected):
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    done = bootstrap.subprocess.CompletedProcess([], code, offered.encode())
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *a, **k: done)
    assert bootstrap.torch_build(Path("python"), "2.13.0") == expected


@pytest.mark.parametrize(
    ("build", "said", "unsaid"),
    [
        ("provided", "at most 0.31 GB", "CUDA"),
        ("cpu", "about 0.51 GB", "PIP_EXTRA_INDEX_URL"),
        ("cuda", "about 3.0 GB", "0.45"),
        ("unknown", "else about 3.0 GB", "default one"),
    ],
)
def test_download_message(build, said, unsaid):
    message = bootstrap.download_message(build)
    assert said in message.replace("\n", " ")
    assert unsaid not in message
    assert "http" not in message


def test_full_disk_is_seen_before_the_download(monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2e9}))
    bootstrap.check_space(tmp_path, "provided")
    with pytest.raises(BootstrapError, match=r"2\.0 GB free and the environment needs about 2\.5 GB"):
        bootstrap.check_space(tmp_path, "cpu")


@pytest.mark.parametrize(
    ("log", "hint"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'",
            "who owns",
        ),
        ("WARNING: Retrying after connection broken by 'NewConnectionError'", "network"),
        ("ERROR: ResolutionImpossible", "do not fit together"),
        ("ERROR: No matching distribution found for torch==2.13.0", "was not found"),
        ("error: subprocess-exited-with-error", "last lines above"),
    ],
)
def test_failure_hint(log, hint):
    assert hint in bootstrap.failure_hint(log)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  Downloading ruff-0.17.5-py3-none-any.whl (10.6 MB)", "downloading ruff 0.17.5 (10.6 MB)"),
        ("  Downloading python_dateutil-4.0.0-py3-none-any.whl.metadata (1 kB)", ""),
        ("Downloading torch-2.13.0+cpu-cp311.whl (191.8 MB)", "downloading torch 2.13.0+cpu (191.8 MB)"),
        ("Installing collected packages: a, b", "installing the packages"),
        ("Collecting numpy>=2.0", ""),
    ],
)
def test_progress_line(line, shown):
    assert bootstrap.progress_line(line) == shown


def test_pip_installs_nowhere_else(monkeypatch):
    monkeypatch.setenv("PIP_TARGET", "elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "kept")
    environment = bootstrap.pip_environment()
    assert "PIP_TARGET" not in environment
    assert environment["PIP_USER"] == "0"
    assert environment["PIP_EXTRA_INDEX_URL"] == "kept"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EACCES, "cannot be written"),
        (errno.EROFS, "cannot be written"),
        (errno.EEXIST, "is not a folder"),
        (errno.EIO, "refused"),
    ],
)
def test_refusals_of_the_system(number, said):
    assert said in bootstrap.os_error_message(OSError(number, "text"), ROOT)


# Running


def test_tests_are_chosen_by_the_task():
    compilation, quick = bootstrap.task_commands("test", "py", ["-k", "name"])
    again, slow = bootstrap.task_commands("test-all", "py", [])
    assert compilation == again
    assert "compile_kernels()" in compilation[-1]
    options = ["py", "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", "-m"]
    assert quick == [*options, "not slow", "-k", "name"]
    assert slow == [*options, "slow"]


def test_every_task_has_commands_and_a_make_target():
    makefile = ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^(.*\bdemo\b.*):$", makefile, re.MULTILINE)
    assert set(targets.split()) == set(bootstrap.TASKS)
    assert [task for task in bootstrap.TASKS if not bootstrap.task_commands(task, "py", [])] == ["env"]


@pytest.mark.parametrize(
    ("task", "hint"), [("tset", "`test`"), ("figure", "`figures`"), ("qqq", "The tasks are")]
)
def test_misspelt_task(task, hint, capsys):
    assert bootstrap.main([task]) == 2
    assert hint in capsys.readouterr().err


def test_help(capsys):
    assert bootstrap.main(["--help"]) == 0
    assert bootstrap.main([]) == 2
    text = capsys.readouterr().out
    assert all(task in text for task in bootstrap.TASKS)


def test_interrupt_gives_one_line(monkeypatch, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "ensure_environment", interrupt)
    assert bootstrap.main(["test"]) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_exit_codes_are_passed_on():
    assert bootstrap.run([sys.executable, "-c", "raise SystemExit(7)"]) == 7


@pytest.mark.parametrize(
    ("task", "codes", "expected"),
    [
        ("test-all", [0, 5], 0),  # pytest found no slow test
        ("test", [0, 5], 5),
        ("test-all", [0, 1], 1),
        ("test", [130], 130),
        ("lint", [0, 3, 4], 3),
        ("lint", [0, 0, 0], 0),
    ],
)
def test_exit_code_of_a_task(monkeypatch, task, codes, expected):
    left = list(codes)
    monkeypatch.setattr(bootstrap, "run", lambda _: left.pop(0))
    assert bootstrap.run_task(task, Path("py"), []) == expected
    assert not left


def test_missing_script_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    with pytest.raises(BootstrapError, match=r"scripts/count_regions\.py is missing"):
        bootstrap.run_task("demo", Path("py"), [])


def test_read_only_folder_is_named(monkeypatch, tmp_path, capsys):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".venv"))

    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert bootstrap.main(["env"]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_stamp_is_json(project):
    bootstrap.write_stamp(project / ".venv", "ready", "x")
    text = (project / ".venv" / bootstrap.STAMP).read_text(encoding="utf-8")
    assert json.loads(text) == {"state": "ready", "fingerprint": "x"}
