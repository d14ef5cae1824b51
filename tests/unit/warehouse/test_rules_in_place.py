"""Seeds are loaded only where the warehouse doesn't hold them, row for row, already."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse.dbt_project import DbtProject, results_of_last_build
from dagster_project.warehouse.rules_in_place import put_rules


@pytest.fixture
def project_dir(empty_project: Path) -> Path:
    _write_rules(empty_project, "first,1", "second,2")
    return empty_project


def _write_rules(folder: Path, *rows: str) -> None:
    file = folder / "seeds" / "methodology" / "rule.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(["name,weight", *rows, ""]), "utf-8")


def _put(project_dir: Path, own_seeds: Path | None = None) -> tuple[list[tuple[str, int]], bool]:
    """The rules in the warehouse afterwards, and whether dbt loaded them."""
    warehouse = project_dir.parent / "warehouse" / "nhs_league_tables.duckdb"
    warehouse.parent.mkdir(exist_ok=True)
    results = results_of_last_build(warehouse)
    results.unlink(missing_ok=True)
    project = DbtProject(project_dir, project_dir.parent / "parsed", own_seeds=own_seeds)
    assert put_rules(project, warehouse, threads=1) == ["seed.small.rule"]
    with duckdb.connect(str(warehouse)) as connection:
        return connection.execute("from main.rule order by name").fetchall(), results.exists()


def _change(project_dir: Path, sql: str) -> None:
    with duckdb.connect(str(project_dir.parent / "warehouse" / "nhs_league_tables.duckdb")) as connection:
        connection.execute(sql)


def test_the_same_rules_are_loaded_once(project_dir: Path) -> None:
    rules = [("first", 1), ("second", 2)]
    assert _put(project_dir) == (rules, True)
    assert _put(project_dir) == (rules, False)


def test_a_changed_rule_is_loaded(project_dir: Path) -> None:
    _put(project_dir)
    _write_rules(project_dir, "first,1", "second,3")
    assert _put(project_dir) == ([("first", 1), ("second", 3)], True)


def test_rules_of_a_run_s_own_take_the_place_of_the_project_s_without_another_parsing(
    project_dir: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(project_dir, own)
    _write_rules(own, "first,7")
    project_s = [("first", 1), ("second", 2)]
    assert _put(project_dir) == (project_s, True)
    assert _put(project_dir, own) == ([("first", 7)], True)
    assert _put(project_dir, own) == ([("first", 7)], False)
    _write_rules(own, "first,8")
    assert _put(project_dir, own) == ([("first", 8)], True)
    assert _put(project_dir) == (project_s, True), "a run of the project's own rules finds none of others"
    assert len(list((project_dir.parent / "parsed").glob("*/logs"))) == 1


@pytest.mark.parametrize(
    "change",
    [
        "update main.rule set weight = 9 where name = 'first'",
        "delete from main.rule where name = 'first'",
        "insert into main.rule values ('first', 1)",
        "drop table main.rule",
        "alter table main.rule rename weight to heft",
        "update run.rules_in_place set tables = 'not JSON'",
        "insert into run.rules_in_place from run.rules_in_place",
        "drop table run.rules_in_place",
    ],
)
def test_rules_that_were_changed_in_the_warehouse_are_loaded_anew(project_dir: Path, change: str) -> None:
    _put(project_dir)
    _change(project_dir, change)
    assert _put(project_dir) == ([("first", 1), ("second", 2)], True)
