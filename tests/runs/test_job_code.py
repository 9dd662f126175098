"""The code of a user's own job decides which run it is: what changes with the script, and what does not."""

import hashlib
import linecache
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from plnet.errors import ConfigError
from plnet.runs import load
from plnet.runs.jobs.recording import Job, run_job
from plnet.runs.store import inputs

ROOT = Path(__file__).resolve().parents[2]


def config_of(tmp_path, rerun="failed"):
    return OmegaConf.create({"x": 1, "rerun": rerun, "paths": {"runs": str(tmp_path / "runs")}})


def write_job(path, factor):
    path.write_text(
        f"def run(attempt, config):\n    attempt.folder.json('metrics.json', {{'double': {factor}}})\n",
        encoding="utf-8",
    )


def job_in(path, **options):
    scope = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
    return Job("demo", 1, scope["run"], str, **options)


@pytest.mark.parametrize("rerun", ["failed", "stale"])
def test_an_edited_script_makes_a_run_of_its_own(tmp_path, rerun):
    path = tmp_path / "script.py"
    write_job(path, 2)
    first = run_job(config_of(tmp_path, rerun), job_in(path))
    assert first.made
    assert not run_job(config_of(tmp_path, rerun), job_in(path)).made
    assert first.status.inputs == {"script.py": hashlib.sha256(path.read_bytes()).hexdigest()}
    old = job_in(path)
    write_job(path, 3)
    # What was imported before the edit keeps its key; a new process sees the new text.
    assert run_job(config_of(tmp_path, rerun), old).folder == first.folder
    assert run_job(config_of(tmp_path, rerun), job_in(path)).folder == first.folder
    inputs._required_digest.cache_clear()
    second = run_job(config_of(tmp_path, rerun), job_in(path))
    assert second.made
    assert second.folder != first.folder
    table = load(tmp_path / "runs")
    assert sorted(table["double"]) == [2, 3]
    assert len(set(table["script.py.sha256"])) == 2


def test_code_of_a_job_can_be_chosen(tmp_path):
    script, helper = tmp_path / "script.py", tmp_path / "helper.py"
    write_job(script, 2)
    helper.write_text("a = 1\n", encoding="utf-8")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (script, helper)]
    assert job_in(script, code=()).code_digests == {}
    assert job_in(script, code=[script, str(helper)]).code_digests == {
        "script.py": digests[0],
        "helper.py": digests[1],
    }
    keys = {run_job(config_of(tmp_path), job_in(script, code=code)).folder for code in (None, (), [helper])}
    assert len(keys) == 3
    with pytest.raises(ConfigError, match=r"nothing\.py, which is named as code of a job, cannot be read"):
        job_in(script, code=["nothing.py"])


class Callable:
    def __call__(self, attempt, config):
        pass

    def method(self, attempt, config):
        pass


@pytest.mark.parametrize(
    "run", [Callable(), Callable().method, partial(Callable().method, config=1), lambda attempt, config: None]
)
def test_code_of_anything_that_can_be_called(run):
    assert set(Job("demo", 1, run, str).code_digests) == {"test_job_code.py"}


def test_code_that_has_no_file(tmp_path):
    scope = {}
    exec("def run(attempt, config):\n    pass\n", scope)
    assert Job("demo", 1, scope["run"], str).code_digests == {}
    # As a notebook tells the text of its cells.
    text = "def run(attempt, config):\n    return 1\n"
    linecache.cache["<cell 1>"] = (len(text), None, text.splitlines(keepends=True), "<cell 1>")
    exec(compile(text, "<cell 1>", "exec"), scope)
    assert Job("demo", 1, scope["run"], str).code_digests == {
        "run": hashlib.sha256(text.encode()).hexdigest()
    }


def test_jobs_of_plnet_are_told_apart_by_its_own_version():
    from plnet.runs.jobs.count_regions.build import count_regions_job

    assert count_regions_job().code_digests == {}


@pytest.mark.slow
@pytest.mark.hydra
def test_the_script_of_the_docs(tmp_path):
    page = ROOT.joinpath("docs", "runs.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```python\n(# my_job\.py\n.*?)```", page, flags=re.DOTALL)
    script, measures = tmp_path / "my_job.py", tmp_path / "my_measures.py"
    script.write_text(text, encoding="utf-8")
    measures.write_text("def mean(x):\n    return x.mean()\n", encoding="utf-8")
    np.savez(tmp_path / "points.npz", x=np.array([1.0, 2.0, 6.0]))

    def values(*words):
        command = [sys.executable, str(script), *words, "hydra.output_subdir=null"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = load(tmp_path / "runs")
        assert not found.problems
        return sorted(found["value"])

    assert values("-m", "power=1,2") == [3, 41 / 3]
    assert values("-m", "power=2,3") == [3, 41 / 3, 75], "one of them was there"
    script.write_text(text.replace("** config.power", "** config.power + 1"), encoding="utf-8")
    assert values("power=1") == [3, 4, 41 / 3, 75]
    measures.write_text("def mean(x):\n    return x.max()\n", encoding="utf-8")
    assert values("power=1") == [3, 4, 7, 41 / 3, 75]
    np.savez(tmp_path / "points.npz", x=np.array([10.0]))
    assert values("power=1", "rerun=stale") == [3, 4, 7, 11, 41 / 3, 75]
