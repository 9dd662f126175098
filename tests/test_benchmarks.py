"""The benchmarks run, write what the README says, and the stored results are whole."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "common")


def check(document):
    assert set(document) == {"question", "quick", "environment", "results"}
    assert {"python", "packages", "cpu", "cores", "load_average", "load_average_at_end"} <= set(
        document["environment"]
    )
    numbers = list(leaves(document["results"]))
    assert numbers
    assert all(math.isfinite(number) for number in numbers)


def leaves(value):
    if isinstance(value, dict):
        assert value.get("exact", True) is True
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from leaves(entry)
    elif isinstance(value, (int, float)):
        yield value


def test_readme_names_every_benchmark():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert NAMES == [
        "arrangements",
        "convex_fit",
        "count_plane",
        "count_space",
        "counting_memory",
        "equivalence",
        "exactness_cost",
        "forgetting_settings",
        "forgetting_trainer",
        "import_time",
        "last_layer",
        "run_store",
        "search",
    ]
    assert all(f"`{name}.py`" in readme for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_stored_results(name):
    document = json.loads((FOLDER / "results" / f"{name}.json").read_text(encoding="utf-8"))
    check(document)
    assert not document["quick"]


def test_stored_counts_are_those_of_the_library():
    # The networks of the result file are drawn from seeds, so that its counts hold on every machine.
    document = json.loads((FOLDER / "results" / "count_plane.json").read_text(encoding="utf-8"))
    from helpers import he_network

    import plnet

    case = document["results"]["cases"]["32x2"]
    counts = [
        plnet.count_regions(he_network(case["widths"], seed), plnet.Box(-1, 1)).count for seed in range(5)
    ]
    assert counts == case["regions"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs(name, tmp_path):
    if name == "counting_memory" and not Path("/proc/self/status").exists():
        pytest.skip("reads the memory of a process from /proc")
    output = tmp_path / "folder" / "result.json"
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), "--quick", "--output", str(output)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(output.read_text(encoding="utf-8"))
    check(document)
    assert document["quick"]
