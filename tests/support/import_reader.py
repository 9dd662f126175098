"""Reads who imports whom from the source text, and the floors that follow from it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Import(NamedTuple):
    """One import that runs: the module that is named, and the place of the statement."""

    importer: str
    target: str
    place: str


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    test = node.test if isinstance(node, ast.If) else None
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def statements(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield all nodes, also inside functions, without what only a type checker reads."""
    for node in nodes:
        if is_type_checking(node):
            yield from statements(node.orelse)  # type: ignore[attr-defined]
        else:
            yield node
            yield from statements(ast.iter_child_nodes(node))


def imports_of(source: str, importer: str, is_package: bool, place: str) -> list[Import]:
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


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted(ROOT.joinpath(folder).rglob("*.py"))]


@cache
def all_imports(*folders: str) -> tuple[Import, ...]:
    found: list[Import] = []
    for path in python_files(*folders):
        source, place = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        found += imports_of(source, module_name(path), path.name == "__init__.py", place)
    return tuple(found)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def room_of(name: str, house: str) -> str:
    """Return the room of `house` that a module below it belongs to: a folder, or a file by its name."""
    return name.removeprefix(house + ".").split(".")[0]


@cache
def between_files(found: tuple[Import, ...]) -> dict[tuple[str, str], str]:
    """Return the arrows between two files of plnet, each with one place where it is written.

    `from package import module` is an arrow to the module only.
    """
    files = {module_name(path) for path in python_files("plnet")}
    inner = {(item.place, item.target.rpartition(".")[0]) for item in found if item.target in files}
    return {
        (item.importer, item.target): item.place
        for item in found
        if item.target in files and item.target != item.importer and (item.place, item.target) not in inner
    }


def between_rooms(arrows: Mapping[tuple[str, str], str], house: str) -> dict[tuple[str, str], str]:
    """Return the arrows between two rooms of a house, each with one place where it is written."""
    return {
        (room_of(importer, house), room_of(target, house)): place
        for (importer, target), place in arrows.items()
        if importer.startswith(house + ".")
        and target.startswith(house + ".")
        and room_of(importer, house) != room_of(target, house)
    }


def rooms(house: str) -> set[str]:
    """Return the names of the rooms of a house: its folders and files."""
    names = {module_name(path) for path in python_files(house.replace(".", "/"))}
    return {room_of(name, house) for name in names if name != house}


def circles(arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the strongly connected sets of more than one node (Tarjan, 1972), each sorted."""
    graph: dict[str, set[str]] = {}
    for tail, head in arrows:
        graph.setdefault(tail, set()).add(head)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for head in sorted(graph.get(node, ())):
            if head not in index:
                visit(head)
                low[node] = min(low[node], low[head])
            elif head in stack:
                low[node] = min(low[node], index[head])
        if low[node] == index[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found
