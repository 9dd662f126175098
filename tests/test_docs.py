"""Every example in the docs, the README and the docstrings runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import plnet
from plnet.ir import supported_layers

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [
    info.name for info in pkgutil.walk_packages(plnet.__path__, "plnet.") if ".kernels." not in info.name
]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(block, page.name, "exec"), scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


PATH = re.compile(r"`((?:plnet|tests|conf|scripts|docs|paper_figures|benchmarks)/[^`\s]*)`")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_paths_on_a_page_exist(page):
    paths = [path for path in PATH.findall(page.read_text(encoding="utf-8")) if "<" not in path]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_page_of_layers_lists_exactly_the_registry():
    text = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")
    tables = text[text.index("## Modules") : text.index("## Refused")]
    listed = {
        (row.split(" | ")[0].removeprefix("| "), name)
        for row in tables.splitlines()
        if row.startswith("| ") and "`" in row
        for name in re.findall(r"`([^`]+)`", row.split(" | ")[1])
    }
    assert listed == {(layer.becomes, layer.name) for layer in supported_layers()}
