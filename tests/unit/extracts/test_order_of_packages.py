"""Catalogue, archive, extracts, fetch: each knows those before it, and none of those after it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.settings import PACKAGE_DIR

IN_ORDER = ("catalogue", "archive", "extracts", "fetch")


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def modules(package: str) -> list[Path]:
    found = sorted((PACKAGE_DIR / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("package", IN_ORDER)
def test_a_package_imports_none_of_those_after_it(package: str) -> None:
    after = tuple(f"dagster_project.{name}." for name in IN_ORDER[IN_ORDER.index(package) + 1 :])
    backwards = [
        (path.name, name) for path in modules(package) for name in imported(path) if name.startswith(after)
    ]
    assert backwards == []


def test_a_reader_asks_neither_catalogue_nor_archive() -> None:
    names = ("dagster_project.catalogue", "dagster_project.archive")
    for path in modules("extracts/readers"):
        assert not [name for name in imported(path) if name.startswith(names)], path.name


def test_of_these_only_fetch_brings_httpx_along() -> None:
    speaking = {
        package
        for package in IN_ORDER
        for path in modules(package)
        if any(name.split(".")[0] == "httpx" for name in imported(path))
    }
    assert speaking == {"fetch"}
