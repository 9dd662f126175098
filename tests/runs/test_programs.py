"""Programs end quietly: at Ctrl-C while they load, and where nobody reads their output."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
SCRIPTS = sorted(ROOT.joinpath("scripts").glob("*.py"))
PROGRAMS = (
    ("scripts/run_forgetting.py", "--help"),
    ("scripts/run_suite.py", "--help"),
    ("scripts/collect_runs.py", "--help"),
    ("scripts/check_certificate.py", "--help"),
    ("bootstrap.py", "--help"),
    ("-m", "plnet", "--help"),
)
FIRST_AND_OTHERS = [
    pytest.param(program, id=" ".join(program), marks=pytest.mark.slow if program[0] != "-m" else ())
    for program in PROGRAMS
]

# Starts a script, and sends Ctrl-C at the moment in which a module is looked for.
INTERRUPT = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

# A process in the background may have it switched off.
signal.signal(signal.SIGINT, signal.SIG_IGN if sys.argv[-1] == "ignored" else signal.default_int_handler)
sys.argv = [word for word in sys.argv if word != "ignored"]
sys.meta_path.insert(0, Finder())
wanted, script, sys.argv = sys.argv[1], sys.argv[2], sys.argv[2:]
runpy.run_path(script, run_name="__main__")
"""


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@POSIX
@pytest.mark.parametrize("arguments", FIRST_AND_OTHERS)
def test_output_that_nobody_reads(arguments):
    process = start(*arguments)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert error == ""
    assert process.wait(timeout=60) in (0, 128 + signal.SIGPIPE), "argparse passes over what it cannot print"


@POSIX
@pytest.mark.parametrize("module", ["hydra", "plnet.runs.config.schemas"])
def test_ctrl_c_while_a_script_loads(module):
    process = start("-c", INTERRUPT, module, "scripts/count_regions.py", "--help")
    assert process.communicate(timeout=60) == ("", "Stopped by Ctrl-C.\n")
    assert process.returncode == 130


@POSIX
@pytest.mark.parametrize(
    ("script", "module"),
    [
        ("scripts/run_suite.py", "plnet.runs.sweeps.suite"),
        ("scripts/collect_runs.py", "plnet.runs.commands.collect"),
        ("plnet/__main__.py", "plnet.runs.commands.env"),
    ],
)
def test_ctrl_c_while_other_programs_load(script, module):
    process = start("-c", INTERRUPT, module, script, *(["env"] if script.startswith("plnet") else ["--help"]))
    assert process.communicate(timeout=60) == ("", "Stopped by Ctrl-C.\n")
    assert process.returncode == 130


@POSIX
@pytest.mark.slow
def test_ctrl_c_that_a_shell_switched_off_stays_so():
    process = start("-c", INTERRUPT, "hydra", "scripts/count_regions.py", "--help", "ignored")
    output, error = process.communicate(timeout=60)
    assert output.startswith("count_regions.py")
    assert (process.returncode, error) == (0, "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_slow_imports_of_a_script_are_where_ctrl_c_is_quiet(script):
    statements = ast.parse(script.read_text(encoding="utf-8")).body
    names = [node.module for node in statements if isinstance(node, ast.ImportFrom)]
    names += [name.name for node in statements if isinstance(node, ast.Import) for name in node.names]
    assert set(names) <= {*sys.stdlib_module_names, "plnet.runs.config.program"}
