"""Draw the figures of the paper from stored results, and make results that are missing."""

import argparse
import difflib
import importlib
import os
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")  # Files are written; no screen is needed.

import matplotlib.pyplot as plt
import paths

from plnet import PLNetError
from plnet.plotting import save_figure

TEXT = """\
The manifest, paper_figures/manifest.toml, names for each figure its claim, its results and the command that
makes them. Figures go to paper_figures/output/ as PDF and PNG. Drawing takes seconds; making results may take
much longer, and happens only where they are missing."""
EXAMPLES = """\
EXAMPLES
  All figures:
    python paper_figures/make_figures.py
  What each figure claims, and whether its results are there:
    python paper_figures/make_figures.py --list
  One figure, from results that are made again:
    python paper_figures/make_figures.py plane_before_after --rerun"""


@dataclass(frozen=True)
class Entry:
    """One figure of the manifest."""

    name: str
    claim: str
    results: list[str]
    command: str

    @property
    def folder(self) -> Path:
        """Where its results are."""
        return paths.RESULTS / self.name

    @property
    def missing(self) -> list[str]:
        """Results that are not there."""
        return [name for name in self.results if not (self.folder / name).is_file()]


class FigureError(Exception):
    """A figure cannot be drawn; the message says why and what to do."""


def read_manifest() -> dict[str, Entry]:
    plain = tomllib.loads(paths.MANIFEST.read_text(encoding="utf-8"))
    return {name: Entry(name, **values) for name, values in plain.items()}


def choose(names: list[str], known: dict[str, Entry]) -> list[Entry]:
    """Return the entries of the given names, or all entries if there are no names."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise FigureError(f"There is no figure {name!r}.{hint} The figures are: {', '.join(known)}.")
    return [known[name] for name in names or known]


def compute(entry: Entry) -> None:
    """Run the command that makes the results of a figure."""
    # A relative folder: characters of the path to the project could mean something to Hydra.
    inside = entry.folder.is_relative_to(paths.ROOT)
    folder = entry.folder.relative_to(paths.ROOT) if inside else entry.folder
    command = [part.format(results=folder) for part in shlex.split(entry.command)]
    command[0] = sys.executable if command[0] == "python" else command[0]
    print(f"{entry.name}: making its results with\n  {shlex.join(command)}", flush=True)
    # If the command stops half-way, old and new results must not stand side by side.
    for name in entry.results:
        (entry.folder / name).unlink(missing_ok=True)
    done = subprocess.run(command, cwd=paths.ROOT, check=False)
    if done.returncode != 0:
        raise FigureError(
            f"The experiment of {entry.name} failed with exit status {done.returncode}; see above."
        )
    if entry.missing:
        raise FigureError(f"The experiment of {entry.name} has not written {', '.join(entry.missing)}.")


def draw(entry: Entry) -> tuple[Path, ...]:
    """Draw a figure from its stored results and save it."""
    module = importlib.import_module(f"fig_{entry.name}")
    figure = module.draw(module.load(entry.folder))
    try:
        return save_figure(figure, paths.OUTPUT / entry.name)
    finally:
        plt.close(figure)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\n\n{TEXT}",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to draw; all if none is named")
    parser.add_argument("--list", action="store_true", help="say what each figure claims, and stop")
    parser.add_argument(
        "--rerun", action="store_true", help="make the results again, also where there are some"
    )
    options = parser.parse_args(arguments)
    try:
        for entry in choose(options.names, read_manifest()):
            if options.list:
                state = f"results missing: {', '.join(entry.missing)}" if entry.missing else "results stored"
                print(f"{entry.name} ({state})\n  {entry.claim}\n  {entry.command}")
                continue
            if options.rerun or entry.missing:
                compute(entry)
            for file in draw(entry):
                print(f"{entry.name}: {file}")
    except (FigureError, PLNetError) as error:
        print(f"make_figures: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
