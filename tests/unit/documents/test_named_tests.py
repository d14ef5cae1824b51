"""Documents that name tests: each named one exists, and each row of a claim or a defect names one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from dagster_project.gates.suites import GATES, load_suites
from dagster_project.settings import DBT_PROJECT_DIR, EXPECTATIONS_DIR, PROJECT_ROOT

DOCS, TESTS = PROJECT_ROOT / "docs", PROJECT_ROOT / "tests"
# *the test's name as a sentence* (`where it is`)
_NAMED = re.compile(
    r"\*([^*`|]+)\*\s\(`((?:unit|integration|acceptance|expectations)/[\w/]+\.(?:py|yml)|dbt)`\)"
)
Named = tuple[str, str]


def names_in(text: str) -> list[Named]:
    """The tests that a text names: where, and the name with underscores."""
    return [(where, "_".join(words.lower().split())) for words, where in _NAMED.findall(text)]


def missing_of(named: list[Named]) -> list[Named]:
    """Those that don't exist."""
    return sorted({name for name in named if not _exists(*name)})


def _exists(where: str, name: str) -> bool:
    if where == "dbt":
        return name in _dbt_tests()
    if where.startswith("expectations/"):
        return name in _expectations().get(where, set())
    path = TESTS / where
    return path.is_file() and f"\ndef test_{name}(" in path.read_text(encoding="utf-8").lower()


@cache
def _expectations() -> dict[str, set[str]]:
    return {
        f"expectations/{gate}/{suite.suite}.yml": {expectation.name for expectation in suite.expectations}
        for gate in GATES
        for suite in load_suites(EXPECTATIONS_DIR, gate)
    }


@cache
def _dbt_tests() -> set[str]:
    singular = {file.stem for file in (DBT_PROJECT_DIR / "tests").glob("*.sql")}
    files = (DBT_PROJECT_DIR / "models").rglob("*.yml")
    declared = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return singular | {test["name"] for content in declared for test in content.get("unit_tests", ())}


def rows_without_a_test(text: str) -> list[str]:
    """Rows of the tables whose last column is `shown by` that name no test."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.endswith("| shown by |"):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|--") and not names_in(line.rsplit(" | ", 1)[-1]):
            found.append(line)
    return found


@pytest.mark.parametrize("document", ["assurance.md", "defect-log.md"])
def test_every_test_that_a_document_names_exists(document: str) -> None:
    named = names_in((DOCS / document).read_text(encoding="utf-8"))
    assert len(named) > 30
    assert missing_of(named) == []


@pytest.mark.parametrize("document", ["assurance.md", "defect-log.md"])
def test_every_claim_and_every_defect_names_a_test(document: str) -> None:
    text = (DOCS / document).read_text(encoding="utf-8")
    assert "| shown by |" in text
    assert rows_without_a_test(text) == []


def test_a_test_that_is_gone_and_a_row_that_names_none_are_found() -> None:
    text = "| claim | shown by |\n|---|---|\n| sound | *is gone* (`unit/test_quarters.py`) |\n| bold | nothing |\n"
    gone = ("expectations/metrics/metric_values.yml", "is_gone")
    assert missing_of([*names_in(text), ("dbt", "is_gone"), gone]) == [
        ("dbt", "is_gone"),
        gone,
        ("unit/test_quarters.py", "is_gone"),
    ]
    assert rows_without_a_test(text) == ["| bold | nothing |"]


@pytest.mark.parametrize("document", ["assurance.md", "defect-log.md"])
def test_whatever_looks_like_a_named_test_is_checked(document: str) -> None:
    text = (DOCS / document).read_text(encoding="utf-8")
    places = re.findall(r"\(`(?:dbt|(?:unit|integration|acceptance|expectations)/[^`]+)`\)", text)
    assert len(places) == len(names_in(text))


def test_tests_lie_where_pytest_looks_for_them() -> None:
    assert not sorted(Path(PROJECT_ROOT).glob("test_*.py"))
