"""The borders of the package, read from its import statements, and what `import plnet` costs."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch

import pytest
from import_reader import (
    ROOT,
    all_imports,
    between_files,
    between_rooms,
    circles,
    imports_of,
    module_name,
    python_files,
    rooms,
    within,
)
from picture import HOUSES, PAGE, floors, redrawn
from rooms_and_doors import DOORS, KEYS, ORDER

LONGEST_FILE = 500
LARGEST_FOLDER = 25
MOST_PARAMETERS = 8
LONG_FILES = {}  # A path below plnet/ -> the reason why it may be longer.

USER = "a public entry point: each parameter is an option of the user, given by name"
CONFIG = "its parameters are the keys of a configuration, which Hydra passes by name"
LAYER = "the arguments of the function of torch, which a traced call passes by position or by name"
# A function -> the reason why it has more parameters than MOST_PARAMETERS. Compiled functions, in the
# folders `kernels`, are free: they take arrays and numbers, because packing those costs time in every call.
LONG_SIGNATURES = {
    "plnet.forgetting.tasks.preparation.make_task": "What is changed of a data set, each thing optional.",
    "plnet.forgetting.training.sequence.train_sequence": USER,
    "plnet.forgetting.training.sequence.train_settings": USER,
    "plnet.ir.handlers.convolution.transposed_convolution_function": LAYER,
    "plnet.ir.handlers.modules.batch_norm_function": LAYER,
    "plnet.maxout.fitting.api.fit_max_affine": USER,
    "plnet.maxout.learning.budgets.compare_budgets": USER,
    "plnet.maxout.learning.imitation.imitate": USER,
    "plnet.maxout.learning.layer_imitation.imitate_layer": USER,
    "plnet.maxout.learning.twins.train_twins": USER,
    "plnet.networks.perceptron.mlp": USER,
    "plnet.plotting.maxout.max_affine.plot_max_affine": USER,
    "plnet.plotting.regions.draw.plot_regions": USER,
    "plnet.plotting.regions.function.plot_function": USER,
    "plnet.regions.api.count_regions": USER,
    "plnet.regions.ensemble.count_many": USER,
    "plnet.runs.jobs.count_regions.networks.from_checkpoint": CONFIG,
    "plnet.runs.jobs.count_regions.networks.perceptron": CONFIG,
    "plnet.runs.jobs.count_regions.train.train_classifier": CONFIG,
}

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
ARROWS = between_files(PLNET)


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


# The order of the rooms


def arrows_up(arrows, order):
    """Describe the arrows that do not go from a room to one that stands before it in the order."""
    floor = {room: number for number, room in enumerate(order)}
    return sorted(
        f"{place}: {tail} -> {head}"
        for (tail, head), place in arrows.items()
        if tail in floor and head in floor and floor[tail] <= floor[head]
    )


def test_finder_of_arrows_up():
    arrows = {("b", "a"): "here", ("a", "c"): "there"}
    assert arrows_up(arrows, ["a", "b", "c"]) == ["there: a -> c"]


@pytest.mark.parametrize("house", ORDER)
def test_the_order_names_every_room(house):
    assert len(set(ORDER[house])) == len(ORDER[house])
    assert set(ORDER[house]) == rooms(house), "put a new room where it stands, between low and high"


@pytest.mark.parametrize("house", ORDER)
def test_no_arrow_goes_back_up(house):
    known = {
        pair: place for pair, place in between_rooms(ARROWS, house).items() if set(pair) <= set(ORDER[house])
    }
    assert arrows_up(known, ORDER[house]) == []


def test_every_wing_has_an_order():
    wings = {
        module_name(path)
        for path in python_files("plnet")
        if path.name == "__init__.py"
        and any(child.is_dir() and child.name != "__pycache__" for child in path.parent.iterdir())
    }
    assert wings <= set(ORDER), "a wing is a folder with folders in it"


def test_finder_of_circles():
    assert circles([("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")]) == [["b", "c"]]
    assert circles([("a", "b"), ("a", "c"), ("b", "c")]) == []


def test_no_circle_between_files():
    assert circles(ARROWS) == []


@pytest.mark.parametrize("house", HOUSES)
def test_the_picture_of_a_house_is_its_imports(house):
    text = PAGE.read_text(encoding="utf-8")
    assert redrawn(text, (house,)) == text, "run `python tests/support/picture.py`"


def test_floors():
    below = {"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": set()}
    assert floors(below) == [["a", "d"], ["b"], ["c"]]
    with pytest.raises(ValueError, match="circle"):
        floors({"a": {"b"}, "b": {"a"}})


# The doors


def strangers(arrows, room, doors):
    """Describe the arrows from outside a room to one of its files that is no door."""
    return sorted(
        f"{place} enters {target}"
        for (importer, target), place in arrows.items()
        if target.startswith(room + ".")
        and not within(importer, room)
        and target not in {f"{room}.{door}" for door in doors}
    )


def test_finder_of_strangers():
    arrows = {
        ("plnet.a.x", "plnet.b.door"): "1",
        ("plnet.a.x", "plnet.b.safe"): "2",
        ("plnet.b.door", "plnet.b.safe"): "3",
    }
    assert strangers(arrows, "plnet.b", ["door"]) == ["2 enters plnet.b.safe"]


@pytest.mark.parametrize("room", DOORS)
def test_a_room_is_entered_through_its_doors(room):
    assert strangers(ARROWS, room, DOORS[room]) == []
    outside = {target for importer, target in ARROWS if not within(importer, room)}
    assert {f"{room}.{door}" for door in DOORS[room]} <= outside, "a door that nobody uses is a wall"


@pytest.mark.parametrize("room", KEYS)
def test_only_some_may_enter_a_room(room):
    wrong = [
        f"{place} imports {target}"
        for (importer, target), place in ARROWS.items()
        if within(target, room) and not within(importer, room, *KEYS[room])
    ]
    assert sorted(wrong) == []


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


def test_no_folder_is_too_full():
    folders = {path.parent for path in python_files("plnet")}
    sizes = {folder.relative_to(ROOT).as_posix(): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: size for name, size in sizes.items() if size > LARGEST_FOLDER} == {}


# Functions


def parameters(node):
    """Count the parameters of a function; what a method is called on is none."""
    arguments = node.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def functions(nodes, prefix):
    """Yield each function with its dotted name, also those in classes and in functions."""
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}.{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from functions(node.body, name)
        else:
            yield from functions(ast.iter_child_nodes(node), prefix)


def test_counter_of_parameters():
    source = "class A:\n    def f(self, a, /, b, *c, d, **e):\n        def g(x): pass"
    counted = {name: parameters(node) for name, node in functions(ast.parse(source).body, "m")}
    assert counted == {"m.A.f": 3, "m.A.f.g": 1}


def test_no_signature_is_too_long():
    counted = {
        name: parameters(node)
        for path in python_files("plnet")
        if "kernels" not in path.parts
        for name, node in functions(ast.parse(path.read_text(encoding="utf-8")).body, module_name(path))
    }
    long = {name: count for name, count in counted.items() if count > MOST_PARAMETERS}
    assert {name: count for name, count in long.items() if name not in LONG_SIGNATURES} == {}
    assert set(LONG_SIGNATURES) <= set(long), "a reason that is needed no more"


# Docstrings


def homes():
    """Return the modules in which the public names of all packages live, as paths."""
    found = set()
    for path in python_files("plnet"):
        if path.name == "__init__.py":
            package = importlib.import_module(module_name(path))
            found |= {
                f"{package.__name__}.{home}" for home in getattr(package, "_HOMES", {}).values() if home
            }
    return {name.replace(".", "/") + ".py" for name in found}


def expanded(pattern):
    """Expand the first braces of a pattern, `a/{b,c}.py` into `a/b.py` and `a/c.py`."""
    before, brace, rest = pattern.partition("{")
    inside, _, after = rest.partition("}")
    return [f"{before}{choice}{after}" for choice in inside.split(",")] if brace else [pattern]


def test_public_modules_say_what_their_functions_raise():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "DOC501" in settings["extend-select"]
    patterns = [
        choice
        for pattern, rules in settings["per-file-ignores"].items()
        for choice in expanded(pattern)
        if "DOC501" in rules
    ]
    assert len(homes()) > 50
    assert {home for home in homes() if any(fnmatch(home, pattern) for pattern in patterns)} == set()


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
