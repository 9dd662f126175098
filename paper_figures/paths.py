"""The folders of the figures: the only place where they are named."""

from pathlib import Path

__all__ = ["FIGURES", "MANIFEST", "OUTPUT", "RESULTS", "ROOT"]

FIGURES = Path(__file__).resolve().parent
ROOT = FIGURES.parent
MANIFEST = FIGURES / "manifest.toml"
RESULTS = FIGURES / "results"
OUTPUT = FIGURES / "output"
