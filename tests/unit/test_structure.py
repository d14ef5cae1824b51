"""The package's own shape: imports run one way, few fragments, and domain code that knows no orchestrator."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import dagster_project

PACKAGE = Path(dagster_project.__file__).parent
# A fragment is a module of at most so many lines whose one reader lies in its own folder: it could join that reader.
LONGEST_FRAGMENT = 120
MOST_FRAGMENTS = 9
# Why these stand alone all the same.
STAND_ALONE = {
    "definitions": "what Dagster loads, by its path in pyproject.toml",
    "cli": "the verbs; entry decides before it whether anything heavier must be imported",
    "publication.parts": "the list to which a new kind of page is added",
    "documents.gate_book": "one page of the reference, as each of the others is a module",
}
# Where Dagster may be imported; everything else is domain code.
ORCHESTRATION = (
    *(
        "assets",
        "automation",
        "dagster_home",
        "definitions",
        "launch",
        "monitoring",
        "run_history",
        "run_launcher",
    ),
    "web_server",
)


@cache
def modules() -> Mapping[str, Path]:
    """Each module by its name below the package; a package goes by the name of its folder."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """What each module imports of the package, also within functions and for types only."""
    return {
        name: frozenset(set(_named(ast.parse(path.read_text(encoding="utf-8")))) - {name})
        for name, path in modules().items()
    }


def _named(tree: ast.Module, package: str = "dagster_project") -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix(f"{package}.") in modules() else node.module for name in whole]
        else:
            continue
        for name in names:
            if name.removeprefix(f"{package}.") in modules():
                yield name.removeprefix(f"{package}.")


def circles(arrows: Mapping[str, frozenset[str]]) -> list[str]:
    """What is left once everything is taken away that imports nothing left: circles, and what leads to them."""
    left = dict(arrows)
    while ready := [name for name, read in left.items() if not read & left.keys()]:
        for name in ready:
            del left[name]
    return sorted(left)


def fragments() -> dict[str, str]:
    """Reader by fragment."""
    readers: dict[str, list[str]] = {name: [] for name in modules()}
    for name, read in imports().items():
        for one in read:
            readers[one].append(name)
    return {
        name: found[0]
        for name, found in readers.items()
        if len(found) == 1
        and modules()[name].name != "__init__.py"
        and len(modules()[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_FRAGMENT
        and modules()[found[0]].parent == modules()[name].parent
    }


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles({name: frozenset(_at_once(path)) - {name} for name, path in modules().items()}) == []
    assert circles({"a": frozenset("b"), "b": frozenset("a"), "c": frozenset("a"), "d": frozenset()}) == [
        *("a", "b", "c")
    ]


def _at_once(path: Path) -> set[str]:
    """What is imported as the module is: not what a function asks for when it is called, nor types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return set(_named(tree))


def test_few_modules_are_fragments_of_their_one_reader() -> None:
    found = {name: reader for name, reader in fragments().items() if name not in STAND_ALONE}
    assert len(found) < MOST_FRAGMENTS, found
    assert STAND_ALONE.keys() <= fragments().keys(), "a reason for what is no fragment any more"


def test_only_the_orchestration_imports_dagster() -> None:
    found = {
        name: sorted(used)
        for name, path in modules().items()
        if name.split(".")[0] not in ORCHESTRATION and (used := _of_dagster(path))
    }
    assert found == {}


def test_nothing_of_dagster_that_is_private_is_imported() -> None:
    found = {
        name: sorted(private)
        for name, path in modules().items()
        if (private := {one for one in _of_dagster(path) if "._" in one})
    }
    assert found == {}


def _of_dagster(path: Path) -> set[str]:
    """Modules of Dagster's that are imported, or named in a text as for import_module."""
    named = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            named |= {str(word.value) for word in node.args if isinstance(word, ast.Constant)}
    return {one for one in named if one.split(".")[0] in ("dagster", "dagster_dbt", "dagster_webserver")}
