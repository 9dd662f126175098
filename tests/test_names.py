"""Every name of the package that is written somewhere can be reached after `import plnet`."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAME = re.compile(r"\bplnet(?:\.[A-Za-z_]\w*)+")
FORMATS = {"plnet.Certificate", "plnet.SequenceResult", "plnet.RegionComplex"}
"""Names of formats in files, which are no names of Python."""


def written() -> Iterator[tuple[str, str]]:
    """Yield each dotted name and where it stands: documents, docstrings and all other strings."""
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        yield from ((name, path.name) for name in NAME.findall(path.read_text(encoding="utf-8")))
    for path in [*(ROOT / "plnet").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from ((name, str(path.relative_to(ROOT))) for name in NAME.findall(node.value))


def run(code: str, names: list[str]) -> object:
    """Run code in a new interpreter that has imported `plnet` and knows `names`; return what it prints."""
    start = "import json, sys, plnet; names = json.load(sys.stdin)\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


REACH = """
def missing(name):
    # Nothing that was imported for another name may help: each one starts from the bare package.
    for module in [m for m in sys.modules if m.startswith("plnet.")]:
        parent, _, child = module.rpartition(".")
        vars(sys.modules[parent]).pop(child, None) if parent in sys.modules else None
    found = plnet
    try:
        for part in name.split(".")[1:]:
            found = getattr(found, part)
    except AttributeError:
        return True
print(json.dumps([name for name in names if missing(name)]))
"""


@pytest.mark.slow
def test_every_written_name_is_reachable():
    places: dict[str, set[str]] = {}
    for name, where in written():
        places.setdefault(name, set()).add(where)
    names = sorted(set(places) - FORMATS)
    assert len(names) > 100
    assert {"plnet.regions.compile_kernels", "plnet.ir.supported_layers"} <= set(names)
    assert {name: places[name] for name in run(REACH, names)} == {}


def test_subpackages_are_reachable_and_stay_lazy():
    folders = sorted(path.parent.name for path in (ROOT / "plnet").glob("*/__init__.py"))
    heavy = "[m for m in ('torch', 'matplotlib', 'hydra', 'numba') if m in sys.modules]"
    code = f"early = {heavy}\nfor name in names: getattr(plnet, name)\nprint(json.dumps([early, names]))"
    early, reached = run(code, folders)
    assert early == []
    assert reached == folders
    wrong = "print(json.dumps([hasattr(plnet, name) for name in names]))"
    assert run(wrong, ["nothing", "_nothing", "regions"]) == [False, False, True]
