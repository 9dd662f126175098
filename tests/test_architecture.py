"""The borders of the package, read from its import statements, and what `import plnet` costs."""

import ast
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 500
LONG_FILES = {}  # A path below plnet/ -> the reason why it may be longer.

# Where torch may be imported; everything else in plnet works on numbers.
TORCH = (
    "plnet.networks",
    "plnet.ir",
    "plnet.regions.engines.batched",
    "plnet.activations",
    "plnet.maxout.conversion.modules",
    "plnet.maxout.learning",
    "plnet.forgetting",
    "plnet.runs",
)
# What a network is, once it has left torch.
NUMBERS = (
    "plnet.ir.affine",
    "plnet.ir.convolution",
    "plnet.ir.forms",
    "plnet.ir.layers",
    "plnet.ir.network",
    "plnet.ir.operators",
    "plnet.ir.stored",
)
USERS_OF_RUNS = ("plnet.runs", "plnet.__main__", "scripts", "paper_figures")


class Import(NamedTuple):
    """One import that runs: the module that is named, and the place of the statement."""

    importer: str
    target: str
    place: str


def module_name(path):
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node):
    test = node.test if isinstance(node, ast.If) else None
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def statements(nodes):
    """Yield all nodes, also inside functions, without what only a type checker reads."""
    for node in nodes:
        if is_type_checking(node):
            yield from statements(node.orelse)
        else:
            yield node
            yield from statements(ast.iter_child_nodes(node))


def imports_of(source, importer, is_package, place):
    """List the imports of a source text with absolute names; `from a import b` counts as a and as a.b."""
    found = []
    for node in statements(ast.parse(source).body):
        where = f"{place}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            found += [Import(importer, alias.name, where) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                drop = node.level - (1 if is_package else 0)
                package = importer.split(".")[: len(importer.split(".")) - drop]
                base = ".".join([*package, *([base] if base else [])])
            found.append(Import(importer, base, where))
            found += [Import(importer, f"{base}.{alias.name}", where) for alias in node.names]
    return found


def python_files(*folders):
    return [path for folder in folders for path in sorted(ROOT.joinpath(folder).rglob("*.py"))]


def all_imports(*folders):
    found = []
    for path in python_files(*folders):
        source, place = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        found += imports_of(source, module_name(path), path.name == "__init__.py", place)
    return found


def within(name, *packages):
    return any(name == package or name.startswith(package + ".") for package in packages)


def offences(found, targets, allowed):
    """Describe the imports of `targets` in modules that `allowed` does not accept."""
    return sorted(
        {
            f"{item.place} imports {item.target}"
            for item in found
            if within(item.target, *targets) and not allowed(item.importer)
        }
    )


PLNET = all_imports("plnet")
PROGRAMS = all_imports("scripts", "paper_figures", "benchmarks")


# The reader of imports must see what the borders are about.

SAMPLE = """
from typing import TYPE_CHECKING
import typing
import torch.nn as nn
from . import errors
from .complex import RegionComplex
from ..plotting import style
if TYPE_CHECKING:
    import matplotlib
if typing.TYPE_CHECKING:
    import sklearn
else:
    import scipy

def late():
    try:
        from hydra import compose
    except ImportError:
        pass
"""


def test_reader_of_imports():
    found = {item.target for item in imports_of(SAMPLE, "plnet.regions.api", False, "sample")}
    assert {"torch.nn", "plnet.regions.errors", "plnet.regions.complex", "plnet.plotting", "scipy"} <= found
    assert {"hydra", "hydra.compose"} <= found, "an import inside a function counts"
    assert not {"matplotlib", "sklearn"} & found, "an import for the type checker does not"
    package = {item.target for item in imports_of("from . import x", "plnet.regions", True, "sample")}
    assert "plnet.regions.x" in package


def test_offences_are_found():
    found = imports_of(SAMPLE, "plnet.regions.api", False, "sample")
    assert offences(found, ["torch"], lambda name: within(name, *TORCH)) == ["sample:4 imports torch.nn"]
    assert offences(found, ["torch"], lambda name: within(name, "plnet.regions")) == []
    assert not within("plnet.regions_more", "plnet.regions")


def test_there_is_something_to_read():
    assert len(PLNET) > 20


# The borders


def test_torch_stays_behind_its_border():
    assert offences(PLNET, ["torch"], lambda name: within(name, *TORCH)) == []


def test_networks_of_numbers_know_no_torch():
    numbers = [item for item in PLNET if within(item.importer, *NUMBERS) or item.importer == "plnet.ir"]
    assert {item.importer for item in numbers} == {"plnet.ir", *NUMBERS}, "a module was renamed"
    assert offences(numbers, ["torch"], lambda _: False) == []


def test_geometry_and_kernels_know_no_networks():
    deep = [item for item in PLNET if within(item.importer, "plnet.geometry") or ".kernels" in item.importer]
    assert offences(deep, ["torch", "plnet.networks", "plnet.ir"], lambda _: False) == []


def test_only_plotting_and_figures_know_matplotlib():
    allowed = ("plnet.plotting", "paper_figures")
    assert offences(PLNET + PROGRAMS, ["matplotlib"], lambda name: within(name, *allowed)) == []


def test_only_runs_and_scripts_know_hydra():
    allowed = ("plnet.runs", "scripts")
    assert offences(PLNET + PROGRAMS, ["hydra", "omegaconf"], lambda name: within(name, *allowed)) == []


def test_only_programs_use_runs():
    assert offences(PLNET + PROGRAMS, ["plnet.runs"], lambda name: within(name, *USERS_OF_RUNS)) == []


def test_regions_never_draw():
    assert offences(PLNET, ["plnet.plotting"], lambda name: not within(name, "plnet.regions")) == []


def test_modules_import_from_where_a_thing_is_defined():
    # `from plnet import X` would pass through the lazy public face and hide who depends on whom.
    wrong = [
        f"{item.place} imports {item.target}"
        for item in PLNET
        if item.target == "plnet" and item.importer != "plnet"
    ]
    assert wrong == []


# No circles


def find_cycle(graph):
    """Return one cycle of a graph {node: successors} as a list of nodes, or an empty list."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        path.append(node)
        for successor in sorted(graph.get(node, ())):
            cycle = visit(successor)
            if cycle:
                return cycle
        done.add(path.pop())
        return []

    for node in sorted(graph):
        cycle = visit(node)
        if cycle:
            return cycle
    return []


def part_of(name):
    """Return the subpackage or top module of plnet that a module belongs to."""
    return ".".join(name.split(".")[:2])


def test_finder_of_cycles():
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_circle_between_subpackages():
    parts = {part_of(module_name(path)) for path in python_files("plnet")} - {"plnet"}
    graph, places = {part: set() for part in parts}, {}
    for item in PLNET:
        here, there = part_of(item.importer), part_of(item.target)
        if here in parts and there in parts and here != there:
            graph[here].add(there)
            places.setdefault((here, there), item.place)
    cycle = find_cycle(graph)
    steps = [f"{places[pair]}: {pair[0]} -> {pair[1]}" for pair in itertools.pairwise(cycle)]
    assert not cycle, "a circle of imports:\n" + "\n".join(steps)


# Files


def test_no_print_in_the_package():
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files("plnet")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def test_no_file_is_too_long():
    lengths = {
        path.relative_to(ROOT / "plnet").as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("plnet")
    }
    long = {
        name: length for name, length in lengths.items() if length > LONGEST_FILE and name not in LONG_FILES
    }
    assert long == {}
    assert set(LONG_FILES) <= {name for name, length in lengths.items() if length > LONGEST_FILE}


TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".cff", ".json", ".cfg", ".csv", ""}
NOT_OURS = re.compile(
    r"(^|/)(\.git|\.venv|__pycache__|\.\w+_cache|\.hypothesis)/"
    r"|^(venv|build|dist|outputs|multirun|runs|paper_figures/(output|results))/"
)


def text_files():
    """List the text files of the project: what git knows and does not ignore, or else what is there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
    found = [ROOT / name for name in names if name and not NOT_OURS.search(name)]
    return [path for path in found if path.suffix in TEXT and path.is_file()]


PRIVATE = re.compile(r"(?<![\w.>)}])/(?:root|work|opt|home/\w+|Users/\w+)/|[A-Z]:\\Users\\")
# The names are put together here, so that this file does not hold them either.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted",
    "download.py" + "torch",
    "--index" + "-url",
    "registry.npm" + "js",
]


def test_pattern_of_private_paths():
    assert PRIVATE.search("see /" + "home/someone/data")
    assert not PRIVATE.search("paper_figures/work/x and https://example.org/home/page")


def test_no_private_path_and_no_registry_is_named():
    wrong = []
    assert ROOT / "pyproject.toml" in text_files()
    for path in text_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        hits = [match.group() for match in PRIVATE.finditer(text)] + [
            name for name in REGISTRIES if name in text
        ]
        wrong += [f"{path.relative_to(ROOT)}: {hit}" for hit in hits]
    assert wrong == []


# What an import costs


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("module", ["plnet", "plnet.errors", "plnet.bounds"])
def test_import_pulls_in_nothing_heavy(module):
    loaded = python(f"import {module}, sys, json; print(json.dumps(sorted(sys.modules)))")
    heavy = {"matplotlib", "hydra", "omegaconf", "sklearn", "numba"}
    assert not heavy & set(loaded)


def test_bounds_work_without_torch():
    names = python(
        "import sys, json; sys.modules['torch'] = None; import plnet.bounds as bounds; "
        "print(json.dumps([name for name in bounds.__all__ if getattr(bounds, name) is not None]))"
    )
    assert names


@pytest.mark.slow
def test_import_takes_little_more_than_torch():
    # Both in one process: first torch, then plnet on top of it. The least of five is free of other load.
    code = (
        "import json, time, torch; start = time.perf_counter(); import plnet; "
        "print(json.dumps(time.perf_counter() - start))"
    )
    assert min(python(code) for _ in range(5)) <= 0.3
