"""Make an environment for plnet and run its standard tasks.

Run ``python bootstrap.py --help``. Only the standard library is used, for nothing is installed yet; for the
same reason all is in this one file. It parses on Python 3.8 and later, so that an old Python can say which
one is needed.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"
SUPPORTED = ((3, 13), (3, 12), (3, 11))
EXTRAS = "data,progress,exact,graph,parallel,slurm,tables,plotly,dev"
STAMP = "plnet-environment.json"
LOCK = "plnet-environment.lock"
INTERRUPTED = 130
NO_TESTS_COLLECTED = 5

# Sizes of the wheels of the pinned set, measured for Linux on x86-64 with Python 3.11, in GB.
DOWNLOAD_WITHOUT_TORCH = 0.31
DOWNLOAD_CPU_TORCH = 0.2
DOWNLOAD_CUDA_TORCH = 2.7
# Space on disk that an installation needs, in GB.
DISK_CPU, DISK_CUDA, DISK_TORCH_PROVIDED = 2.5, 8.5, 1.5

# Packages that are compiled against numpy, or that must fit one that is. Where the system provides numpy,
# these are left to pip, because a pinned one could ask for another numpy.
BUILT_ON_NUMPY = ("contourpy", "llvmlite", "matplotlib", "numba", "scikit-learn", "scipy")

TASKS = {
    "demo": "count the linear regions of a small network and draw them",
    "test": "run the quick tests",
    "test-all": "run the slow tests (the quick ones are in `test`)",
    "mutants": "break the code on purpose, and see which tests notice (an hour)",
    "figures": "draw the figures of the paper",
    "lint": "check style, format and types",
    "env": "only make the environment in .venv",
}

PROBE = """
import importlib.util, json, sys
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "path": getattr(sys, "_base_executable", None) or sys.executable,
    "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
}))
"""

PROVIDED = """
import importlib.metadata as metadata, json, re
import torch
found = {}
for item in metadata.distributions():
    name = item.metadata["Name"]
    if name:
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), item.version)
found["torch"] = str(torch.__version__)
print(json.dumps(found))
"""


class BootstrapError(Exception):
    """Something the user can put right. The message says what and how."""


class Interpreter(NamedTuple):
    """A Python that was found: its version, its executable, and whether it can make environments."""

    version: tuple[int, int, int]
    path: str
    has_venv: bool


# Choosing a Python
# -----------------


def probe(command: list[str]) -> Interpreter | None:
    """Ask a Python about itself; None where there is none, or where it does not start."""
    answer = ask(command, PROBE)
    if answer is None:
        return None
    major, minor, micro = answer["version"]
    return Interpreter((major, minor, micro), answer["path"], answer["venv"])


def ask(command: list[str], code: str) -> dict | None:
    """Run a few lines of Python that print one JSON object, and return that object."""
    try:
        done = subprocess.run(
            [*command, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        return json.loads(done.stdout.decode("utf-8").splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return None


def candidate_commands() -> Iterator[list[str]]:
    """Commands that may start a fitting Python, the running one first."""
    yield [sys.executable]
    names = ["{}.{}".format(*version) for version in SUPPORTED]
    if WINDOWS:
        yield from (["py", "-" + name] for name in names)
    yield from (["python" + name] for name in names)
    yield from (["python3"], ["python"])
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for name in names:
        for pattern in (f"versions/{name}.*/bin/python", f"pyenv-win/versions/{name}.*/python.exe"):
            yield from ([str(path)] for path in sorted(pyenv.glob(pattern), reverse=True))


def fits(interpreter: Interpreter) -> bool:
    """Whether plnet can be installed with this Python."""
    return interpreter.version[:2] in SUPPORTED and interpreter.has_venv


def find_python() -> Interpreter:
    """Return the first fitting Python, or raise with what is missing."""
    seen = []
    for command in candidate_commands():
        found = probe(command)
        if found is not None:
            if fits(found):
                return found
            seen.append(found)
    raise BootstrapError(missing_python_message(seen))


def missing_python_message(seen: list[Interpreter]) -> str:
    """Say in one sentence what is missing, and then what to do."""
    for found in seen:
        if found.version[:2] in SUPPORTED:
            major, minor, micro = found.version
            return (
                f"Python {major}.{minor}.{micro} ({found.path}) has no venv module, "
                "which is needed to make an environment.\n"
                f"Install it (on Debian and Ubuntu: the package python{major}.{minor}-venv) "
                "and run the same command again."
            )
    versions = sorted({found.version for found in seen})
    listed = ", ".join(".".join(str(part) for part in version) for version in versions) or "none"
    return (
        f"plnet needs Python 3.11, 3.12 or 3.13, and none of these was found (found: {listed}).\n"
        "Install one of them (from python.org, your package manager, pyenv or conda) "
        "and run the same command again."
    )


# The environment and its stamp
# -----------------------------


def environment_python(folder: Path, windows: bool = WINDOWS) -> Path:
    """Return the path of Python inside an environment."""
    return folder / ("Scripts/python.exe" if windows else "bin/python")


def installation_part(project: str) -> str:
    """Return pyproject.toml without the settings of tools that installation does not read, such as ruff."""
    tables = re.split(r"^(?=\[)", project.replace("\r\n", "\n"), flags=re.MULTILINE)
    return "".join(text for text in tables if not text.startswith("[tool.") or text.startswith("[tool.hatch"))


def fingerprint(root: Path, version: tuple[int, ...]) -> str:
    """Hash all that decides what an environment holds, and where its editable install points."""
    project = installation_part(root.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    constraints = root.joinpath("constraints.txt").read_text(encoding="utf-8")
    causes = json.dumps([project, constraints, list(version), str(root), EXTRAS])
    return hashlib.sha256(causes.encode("utf-8")).hexdigest()


def read_stamp(folder: Path) -> dict | None:
    """Return the stamp of an environment; None where there is none that can be read."""
    try:
        stamp = json.loads(folder.joinpath(STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None


def write_stamp(folder: Path, state: str, mark: str = "") -> None:
    """Write the stamp in one step, so that a half-written one cannot exist."""
    draft = folder / (STAMP + ".new")
    draft.write_text(json.dumps({"state": state, "fingerprint": mark}) + "\n", encoding="utf-8")
    draft.replace(folder / STAMP)


def is_ready(root: Path, folder: Path) -> bool:
    """Whether the environment is whole, is current, and starts."""
    stamp = read_stamp(folder)
    if stamp is None or stamp.get("state") != "ready":
        return False
    answer = ask([str(environment_python(folder))], PROBE)
    return answer is not None and stamp.get("fingerprint") == fingerprint(root, answer["version"])


def refuse_foreign(folder: Path) -> None:
    """Raise where the folder holds something that this program did not make."""
    names = {path.name for path in folder.iterdir()}
    if STAMP not in names and names - {LOCK, STAMP + ".new"}:
        raise BootstrapError(
            f"{folder} exists and was not made by bootstrap.py, so it is left alone.\n"
            "Rename or remove it and run the same command again. To use it instead, run this in it: "
            'python -m pip install -e ".[all,dev]" -c constraints.txt'
        )


def clear(folder: Path) -> None:
    """Empty the folder of an environment. The stamp stays, and says that the environment is not whole."""
    write_stamp(folder, "installing")
    for path in folder.iterdir():
        if path.name in (STAMP, LOCK):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        else:
            path.unlink()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the environment. The system frees the lock when the process ends."""
    with folder.joinpath(LOCK).open("a+b") as handle:
        announced = False
        while not try_lock(handle.fileno()):
            if not announced:
                say("Another bootstrap.py is making the environment. Waiting for it.")
                announced = True
            time.sleep(1)
        yield


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file; True also where the file system has no locks."""
    try:
        if WINDOWS:
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


# What to install
# ---------------


def version_tuple(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, as in ``"2.6.0a0+x"`` -> ``(2, 6, 0)``."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def filter_constraints(text: str, provided: dict[str, str]) -> str:
    """Adapt the pinned set to a system that provides torch, and perhaps more.

    Torch and a numpy of 2.0 or later are held at the versions of the system. What the system provides
    besides, and what is built on its numpy, gets no pin. Where its numpy is older, a new one is needed: then
    the pinned numpy and all that is built on it are installed.
    """
    if not provided:
        return text
    if version_tuple(provided.get("numpy", "0")) >= (2, 0):
        held = {name: provided[name] for name in ("torch", "numpy")}
        free = {name for name in provided if name not in held} | set(BUILT_ON_NUMPY)
    else:
        held = {"torch": provided["torch"]}
        free = {name for name in provided if name not in BUILT_ON_NUMPY and name != "numpy"}
    kept = []
    for line in text.splitlines():
        name = line.partition("==")[0].strip()
        if "==" not in line or line.startswith("#"):
            kept.append(line)
        elif name in held:
            kept.append(f"{name}=={held[name]}")
        elif name not in free:
            kept.append(line)
    return "\n".join(kept) + "\n"


def provided_packages(interpreter: Interpreter) -> dict[str, str]:
    """Return the packages of an interpreter that already has torch 2.4 or later; empty for any other."""
    found = ask([interpreter.path], PROVIDED)
    return found if found and version_tuple(found["torch"]) >= (2, 4) else {}


def pinned_torch(constraints: str) -> str:
    """Return the version of torch in the pinned set."""
    match = re.search(r"^torch==(\S+)", constraints, re.MULTILINE)
    if match is None:
        raise BootstrapError(
            "constraints.txt has no line for torch. Restore it and run the same command again."
        )
    return match.group(1)


def torch_build(python: Path, version: str) -> str:
    """Tell which torch pip will take: "cpu", "cuda", or "unknown" where pip does not say."""
    if not sys.platform.startswith("linux"):
        return "cpu"
    try:
        done = subprocess.run(
            [str(python), "-m", "pip", "index", "versions", "torch", "--retries", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=pip_environment(),
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    if done.returncode != 0:
        return "unknown"
    offered = re.split(r"[\s,]+", done.stdout.decode("utf-8", "replace"))
    return "cpu" if version + "+cpu" in offered else "cuda"


def download_message(build: str) -> str:
    """Say how much is downloaded, for a torch that is "provided", "cpu", "cuda" or "unknown"."""
    if build == "provided":
        return f"Downloading at most {DOWNLOAD_WITHOUT_TORCH:.2f} GB. The torch of this system is used."
    small = f"about {DOWNLOAD_WITHOUT_TORCH + DOWNLOAD_CPU_TORCH:.2f} GB"
    large = f"about {DOWNLOAD_WITHOUT_TORCH + DOWNLOAD_CUDA_TORCH:.1f} GB"
    if build == "cpu":
        return f"Downloading {small}, less what pip has in its cache. Torch is a build without CUDA."
    advice = (
        "The CPU build of torch is enough for all tasks and has 0.2 GB. To get it, stop with Ctrl-C,\n"
        "give pip the source of CPU builds that the installation page of PyTorch names (environment\n"
        "variable PIP_EXTRA_INDEX_URL), and run the same command again."
    )
    if build == "cuda":
        return (
            f"Downloading {large}, less what pip has in its cache: the torch that pip finds here is the\n"
            f"default one for Linux, which brings CUDA packages.\n{advice}"
        )
    return (
        f"Downloading {small} if pip finds a CPU build of torch, else {large}: the default torch for\n"
        f"Linux brings CUDA packages.\n{advice}"
    )


def check_space(root: Path, build: str) -> None:
    """Raise where the disk has too little room, before anything is downloaded."""
    needed = {"provided": DISK_TORCH_PROVIDED, "cuda": DISK_CUDA}.get(build, DISK_CPU)
    free = shutil.disk_usage(str(root)).free / 1e9
    if free < needed:
        raise BootstrapError(
            f"The disk of {root} has {free:.1f} GB free and the environment needs about {needed:.1f} GB.\n"
            "Free some space and run the same command again."
        )


# Installing
# ----------


def pip_environment() -> dict[str, str]:
    """Return the environment for pip, without settings that would install somewhere else."""
    removed = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME")
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    kept.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return kept


def failure_hint(log: str) -> str:
    """Name the likely cause of a failed installation, from the words of pip."""
    text = log.lower()
    if "no space left on device" in text or "errno 28" in text:
        return "The disk is full. Free some space, about 2.5 GB, in the temporary folder too."
    if "permission denied" in text or "errno 13" in text:
        return "A file could not be written. Check who owns this folder."
    signs = ("connection", "timed out", "name resolution", "proxyerror", "sslerror", "getaddrinfo")
    if any(sign in text for sign in signs):
        return "The package registry was not reached. Check the network and the proxy settings of pip."
    if "resolutionimpossible" in text or "conflicting dependencies" in text:
        return "The versions that were asked for do not fit together."
    if "no matching distribution" in text:
        return (
            "A package was not found. Check the network, and the sources of pip (python -m pip config list)."
        )
    return "The last lines above say why."


def progress_line(line: str) -> str:
    """Shorten a line of pip to what is worth showing; empty for most."""
    match = re.match(r"\s*Downloading ([^\s/]+?)-(\d[^-\s]*)\S*(?<!\.metadata) (\(.*\))", line)
    if match:
        return "downloading {} {} {}".format(*match.groups())
    return "installing the packages" if line.startswith("Installing collected packages") else ""


def install(python: Path, log: Path) -> None:
    """Install plnet and its tools, show the downloads, and keep all that pip says in a log."""
    constraints = log.with_name("constraints-used.txt")
    options = ["--no-input", "-e", f".[{EXTRAS}]", "-c", str(constraints)]
    command = [str(python), "-m", "pip", "install", *options]
    with log.open("w", encoding="utf-8") as handle:
        process = subprocess.Popen(
            command, cwd=str(ROOT), env=pip_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                handle.write(line + "\n")
                handle.flush()
                shown = progress_line(line)
                if shown:
                    say("  " + shown)
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        tail = log.read_text(encoding="utf-8").splitlines()
        for line in tail[-15:]:
            say("  " + line)
        raise BootstrapError(
            f"The installation failed. {failure_hint(chr(10).join(tail))}\n"
            f"The command was: {shlex.join(command)}\nAll it said is in {log}.\n"
            "Run the same command again to start afresh; what was downloaded is kept by pip."
        )


def compile_kernels(python: Path) -> None:
    """Compile the kernels of plnet now, so that its first count does not have to."""
    say("Compiling the kernels, once. This takes about half a minute.")
    command = [str(python), "-c", "from plnet.regions import compile_kernels; compile_kernels(2)"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        output = done.stdout.decode("utf-8", "replace").strip()
        raise BootstrapError(f"{output}\nThe kernels do not compile. The command was: {shlex.join(command)}")


def make_environment(root: Path, folder: Path) -> None:
    """Make the environment anew: until its last step the stamp says that it is not to be used."""
    if folder.joinpath(STAMP).exists():
        say(f"The environment in {folder.name} is not whole or not current. It is made again.")
    clear(folder)
    interpreter = find_python()
    provided = provided_packages(interpreter)
    say("Making the environment in {} with Python {}.{}.{}.".format(folder.name, *interpreter.version))
    command = [interpreter.path, "-m", "venv", str(folder)]
    if provided:
        command.append("--system-site-packages")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        output = done.stdout.decode("utf-8", "replace").strip()
        raise BootstrapError(
            f"{output}\nMaking the environment failed. The command was: {shlex.join(command)}"
        )
    python = environment_python(folder)
    constraints = root.joinpath("constraints.txt").read_text(encoding="utf-8")
    used = filter_constraints(constraints, provided)
    folder.joinpath("constraints-used.txt").write_text(used, encoding="utf-8")
    build = "provided" if provided else torch_build(python, pinned_torch(constraints))
    check_space(root, build)
    say(download_message(build))
    start = time.monotonic()
    install(python, folder / "install.log")
    compile_kernels(python)
    write_stamp(folder, "ready", fingerprint(root, interpreter.version))
    say(f"The environment is ready ({time.monotonic() - start:.0f} s).")


def ensure_environment(root: Path) -> Path:
    """Return the Python of a whole and current environment, making it first where needed."""
    folder = root / ".venv"
    if not is_ready(root, folder):
        try:
            folder.mkdir(exist_ok=True)
            refuse_foreign(folder)
            with locked(folder):
                if not is_ready(root, folder):
                    make_environment(root, folder)
        except OSError as error:
            raise BootstrapError(os_error_message(error, root)) from error
    return environment_python(folder)


def os_error_message(error: OSError, root: Path) -> str:
    """Say what the system refused, and what to do."""
    if error.errno == errno.ENOSPC:
        return f"The disk of {root} is full. Free about 2.5 GB and run the same command again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{error.filename or root} cannot be written.\nCopy the project to a folder that you own, "
            "or change its permissions, and run the same command again."
        )
    if error.errno == errno.EEXIST:
        return f"{error.filename} is not a folder. Rename or remove it and run the same command again."
    return f"The system refused: {error}. Put that right and run the same command again."


# Running the tasks
# -----------------


ALL_KERNELS = """
from plnet.bounds import Arrangement
from plnet.forgetting import plane, train_sequence
from plnet.regions import compile_kernels
compile_kernels()
Arrangement([[1, 0], [0, 1], [1, 1], [1, 2]], [0, 0, 1, 3]).n_regions()
train_sequence(plane(2), [4], seeds=[0], epochs=1, engine="fused", progress=False)
"""


def task_commands(task: str, python: str, rest: list[str]) -> list[list[str]]:
    """Return the commands of a task, in order. All run, also after one that fails, up to a Ctrl-C."""
    if task == "demo":
        return [[python, "scripts/count_regions.py", *rest]]
    if task == "mutants":
        return [[python, "tests/mutation/run.py", *rest]]
    if task == "figures":
        return [[python, "paper_figures/make_figures.py", *rest]]
    if task == "lint":
        return [
            [python, "-m", "ruff", "check", *(rest or ["."])],
            [python, "-m", "ruff", "format", "--check", *(rest or ["."])],
            [python, "-m", "pyright", "--pythonpath", python, *rest],
        ]
    if task in ("test", "test-all"):
        marked = "slow" if task == "test-all" else "not slow"
        # One process a core; none with --pdb or a later -n 0.
        several = ["-n", "auto", "--dist", "worksteal"]
        return [
            # Ahead of the processes, which would compile the same kernels at the same time.
            [python, "-c", ALL_KERNELS],
            [python, "-m", "pytest", "-q", *several, "-m", marked, *rest],
        ]
    return []


def run(command: list[str]) -> int:
    """Run a command in the folder of the project and return its exit code. It handles Ctrl-C by itself."""
    environment = dict(os.environ, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")  # No look for a newer pyright.
    environment.pop("PYRIGHT_PYTHON_FORCE_VERSION", None)  # The pinned one is used.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # The tests start the package in many processes.
    process = subprocess.Popen(command, cwd=str(ROOT), env=environment)
    interrupts = 0
    while True:
        try:
            code = process.wait()
            return 128 - code if code < 0 else code
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts > 1:
                process.kill()


def run_task(task: str, python: Path, rest: list[str]) -> int:
    """Run all commands of a task; return the first exit code that is not zero."""
    codes = [0]
    for command in task_commands(task, str(python), rest):
        if command[1].endswith(".py") and not ROOT.joinpath(command[1]).exists():
            raise BootstrapError(f"{command[1]} is missing. Get a complete copy of the project.")
        code = run(command)
        if task == "test-all" and code == NO_TESTS_COLLECTED:
            say("No slow test was found, so there was nothing to run.")
            code = 0
        codes.append(code)
        if code == INTERRUPTED:
            break
    if task == "env":
        say(f"The environment is whole and current. Its Python is {python}.")
    return next((code for code in codes if code), 0)


def usage() -> str:
    """Return the help text."""
    lines = ["usage: python bootstrap.py TASK [arguments for the task]", "", "tasks:"]
    lines += [f"  {name:<10}{text}" for name, text in TASKS.items()]
    lines += [
        "",
        "The first call makes an environment in .venv and installs plnet there. Later calls use it at once.",
        "It is made again when pyproject.toml, constraints.txt, its Python or the folder's place changes.",
        "Remove .venv to start afresh.",
        "A Python that already has torch 2.4 or later lends its packages to the environment.",
        "",
        "examples:",
        "  python bootstrap.py demo network=maxout seed=1",
        "  python bootstrap.py test -k maxout",
        "  python bootstrap.py figures --list",
    ]
    return "\n".join(lines)


def unknown_task_message(task: str) -> str:
    """Say that a task is unknown, and name the closest one."""
    close = difflib.get_close_matches(task, TASKS, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return f"There is no task `{task}`.{hint} The tasks are: {', '.join(TASKS)}."


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print an error."""
    sys.stdout.flush()
    print("bootstrap.py: " + text, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run one task and return its exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        say(usage())
        return 0 if arguments else 2
    task, rest = arguments[0], arguments[1:]
    if task not in TASKS:
        complain(unknown_task_message(task))
        return 2
    try:
        return run_task(task, ensure_environment(ROOT), rest)
    except BootstrapError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain("stopped. Run the same command to start again.")
        return INTERRUPTED


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:  # Nobody reads the output any further, as in `... --help | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
