"""The names of compiled kernels: they change with every file that a kernel is made of."""

import ast
from pathlib import Path

import pytest

import plnet
from plnet import compiled

PACKAGE = Path(plnet.__file__).parent
KERNELS = sorted(
    ".".join(("plnet", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in PACKAGE.rglob("kernels/**/*.py")
    if path.name != "__init__.py"
)


def imported(module):
    """Return the modules of plnet that a module imports anywhere, as the parser of Python sees them."""
    path = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    files = {
        name: PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
        for name in found
        if name.startswith("plnet")
    }
    return {name for name, path in files.items() if path.is_file()}


def test_there_are_kernels_in_rooms():
    assert any(name.count(".") > 3 for name in KERNELS)
    assert len(KERNELS) > 25


@pytest.mark.parametrize("module", KERNELS)
def test_a_kernel_is_made_of_all_that_it_imports(module):
    found, pending = set(), {module}
    while pending:
        name = pending.pop()
        found.add(name)
        pending |= imported(name) - found
    assert compiled._sources(module) == found


def forget():
    for cached in (compiled._source, compiled._sources, compiled._hash_of_sources):
        cached.cache_clear()


@pytest.fixture
def other_root(tmp_path, monkeypatch):
    """Let kernels be read from another place, and forget afterwards what was read there."""
    monkeypatch.setattr(compiled, "_ROOT", tmp_path)
    yield tmp_path
    forget()


def test_a_change_far_below_changes_the_name(other_root):
    deep = other_root / "plnet" / "kernels" / "room"
    deep.mkdir(parents=True)
    (deep / "low.py").write_text("ONE = 1\n")
    (deep / "high.py").write_text("from plnet.kernels.room import (\n    low,\n)\n")
    (deep / "other.py").write_text("TWO = 2\n")

    def name_of(module):
        forget()
        return compiled._hash_of_sources(module)

    before = name_of("plnet.kernels.room.high")
    (deep / "other.py").write_text("TWO = 3\n")
    assert name_of("plnet.kernels.room.high") == before
    (deep / "low.py").write_text("ONE = 2\n")
    assert name_of("plnet.kernels.room.high") != before
