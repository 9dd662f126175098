"""What a job says while its engine is loaded from the disk, and while it is compiled."""

from __future__ import annotations

import logging
import runpy
import time

import numba
import pytest

from plnet.compiled import on_compilation
from plnet.runs.config.options import CountingOptions
from plnet.runs.jobs.count_regions import counting
from plnet.runs.jobs.count_regions.counting import load_engine

SOURCE = """
import numba

@numba.njit(cache=True)
def successor(x):
    return x + 1

successor(1)
"""


def test_compilation_is_told_once_and_loading_is_not(tmp_path):
    path, notes = tmp_path / "kernel.py", []
    path.write_text(SOURCE, encoding="utf-8")
    with on_compilation(lambda: notes.append("first")):
        runpy.run_path(str(path))
        numba.njit(lambda x: x - 1)(1)
    with on_compilation(lambda: notes.append("second")):
        runpy.run_path(str(path))
    numba.njit(lambda x: x - 2)(1)
    assert notes == ["first"]


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda: time.sleep(0.2), "loading the engine"),
        (lambda: numba.njit(lambda x: x - 3)(1), "compiling the engine, once on this machine"),
        (lambda: None, None),
    ],
)
def test_a_job_says_what_takes_long(work, words, monkeypatch, caplog):
    monkeypatch.setattr(counting, "_PATIENCE", 0.05 if words and "loading" in words else 60.0)
    monkeypatch.setattr(counting, "enumerate_regions", lambda *_, **__: work())
    with caplog.at_level(logging.INFO, logger=counting.__name__):
        load_engine(2, CountingOptions())
    assert caplog.messages == ([words] if words else [])
