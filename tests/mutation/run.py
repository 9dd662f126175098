"""Break the library on purpose, one mistake at a time, and see which tests notice.

``python bootstrap.py mutants`` runs the table of `mutants.py`; ``--only cross`` those whose name holds a
word, ``--jobs 2`` two at a time. A mutant is killed if one of the tests named beside it fails. First the
quick ones run, then the slow ones. Each worker has a copy of the package with the compiled kernels, so that
only what a mutant changes is compiled anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutants import MUTANTS, Mutant  # noqa: E402  (it lies beside this program)

PARTS = ("plnet", "tests", "conf", "scripts", "docs", "pyproject.toml", "README.md")
SECONDS = 900
"""A mutant whose tests do not end is killed too: something runs forever."""


def copy_of_the_project() -> Path:
    """Copy what tests need, with the times of the files, by which compiled kernels are found again."""
    place = Path(tempfile.mkdtemp(prefix="plnet-mutants-"))
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, place / part)
        else:
            shutil.copy2(source, place / part)
    return place


def verdict(mutant: Mutant, place: Path) -> str:
    """Return how a mutant fared in a copy: "quick", "slow", "survived" or "broken"."""
    path = place / mutant.file
    times = path.stat()
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        return "broken"
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        for speed, marks in (("quick", "not slow"), ("slow", "slow")):
            if fails(mutant.tests, marks, place):
                return speed
        return "survived"
    finally:
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def fails(tests: tuple[str, ...], marks: str, place: Path) -> bool:
    """Run tests until the first failure. Status 5 means that there was nothing to run."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", marks, *tests]
    env = {**os.environ, "PYTHONPATH": str(place), "CI": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=place, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1, 5):
        raise RuntimeError(
            f"pytest could not run {' '.join(tests)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done.returncode == 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the mutants of the table and print those that survive.")
    parser.add_argument("--only", default="", help="a word that the names of the mutants hold")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time (default 2)")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.name]
    places: SimpleQueue[Path] = SimpleQueue()
    for _ in range(options.jobs):
        places.put(copy_of_the_project())
    start = time.monotonic()

    def one(mutant: Mutant) -> str:
        place, began = places.get(), time.monotonic()
        try:
            found = verdict(mutant, place)
        finally:
            places.put(place)
        print(f"{found:9s} {time.monotonic() - began:6.1f} s  {mutant.name}", flush=True)
        return found

    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            found = list(pool.map(one, chosen))
    finally:
        while not places.empty():
            shutil.rmtree(places.get(), ignore_errors=True)
    counts = Counter(found)
    print(f"{len(chosen)} mutants in {time.monotonic() - start:.0f} s: {dict(counts)}")
    for mutant, how in zip(chosen, found, strict=True):
        if how in ("survived", "broken"):
            print(f"{how}: {mutant.name} ({mutant.file}), which would falsify: {mutant.falsifies}")
    return int(counts["survived"] + counts["broken"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
