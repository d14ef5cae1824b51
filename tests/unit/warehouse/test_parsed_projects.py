"""Parsed dbt projects are shared between data folders, and never used once the project or the file isn't the same."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb
import pytest

from dagster_project.progress import listening
from dagster_project.warehouse.dbt_project import DbtProject


@pytest.fixture
def project_dir(empty_project: Path) -> Path:
    (empty_project / "models" / "one.sql").write_text("select 1 as one", "utf-8")
    return empty_project


def _project(project_dir: Path, data: str) -> DbtProject:
    return DbtProject(project_dir, project_dir.parent / data, project_dir.parent / "shared")


def _models(project: DbtProject) -> set[str]:
    return {node["raw_code"] for node in project.manifest["nodes"].values()}


def _parsings(project: DbtProject) -> int:
    """How often dbt parsed for the project's folder: it leaves a log where it did."""
    return len(list(project.target_dir.glob("*/logs")))


def test_a_second_data_folder_takes_what_the_first_has_parsed(project_dir: Path) -> None:
    first, second = _project(project_dir, "first"), _project(project_dir, "second")
    assert _models(first) == {"select 1 as one"}
    assert _models(second) == _models(first)
    assert (_parsings(first), _parsings(second)) == (1, 0)


def test_a_changed_model_is_parsed_anew(project_dir: Path) -> None:
    assert _models(_project(project_dir, "first")) == {"select 1 as one"}
    (project_dir / "models" / "one.sql").write_text("select 2 as one", "utf-8")
    changed = _project(project_dir, "second")
    assert _models(changed) == {"select 2 as one"}
    assert _parsings(changed) == 1


@pytest.mark.parametrize("name", ["manifest.json", "partial_parse.msgpack", "sums.json"])
def test_a_shared_file_that_was_cut_off_is_parsed_anew_and_replaced(project_dir: Path, name: str) -> None:
    kept = _project(project_dir, "first").parsed_folder
    shared = project_dir.parent / "shared" / kept.name
    cut = shared / name
    cut.write_bytes(cut.read_bytes()[:-20])
    second = _project(project_dir, "second")
    assert _models(second) == {"select 1 as one"}
    assert _parsings(second) == 1
    third = _project(project_dir, "third")
    assert _models(third) == _models(second)
    assert _parsings(third) == 0


def test_a_data_folders_own_file_that_was_cut_off_is_told_and_mended_from_the_shared_one(
    project_dir: Path,
) -> None:
    own = _project(project_dir, "first").parsed_folder / "manifest.json"
    own.write_bytes(own.read_bytes()[:-20])
    said: list[str] = []
    with listening(said.append):
        assert _models(_project(project_dir, "first")) == {"select 1 as one"}
    assert [f"{own.parent} isn't as dbt left it: parsing the project again"] == said


def test_where_nothing_can_be_shared_each_data_folder_parses_for_itself(project_dir: Path) -> None:
    (project_dir.parent / "shared").write_text("a file in the folder's place", "utf-8")
    first, second = _project(project_dir, "first"), _project(project_dir, "second")
    assert _models(first) == _models(second) == {"select 1 as one"}
    assert (_parsings(first), _parsings(second)) == (1, 1)


def _models_of(project: DbtProject) -> set[str]:
    return _models(project)


def test_processes_that_parse_at_once_all_get_a_whole_manifest(project_dir: Path) -> None:
    projects = [_project(project_dir, data) for data in ("first", "first", "second")]
    with ProcessPoolExecutor(3) as pool:
        found = list(pool.map(_models_of, projects))
    assert found == [{"select 1 as one"}] * 3
    shared = project_dir.parent / "shared"
    assert [folder.name for folder in shared.iterdir()] == [projects[0].fingerprint()]


def test_a_model_over_an_ephemeral_one_is_built_as_often_as_asked(project_dir: Path, tmp_path: Path) -> None:
    (project_dir / "models" / "one.sql").write_text(
        "{{ config(materialized='ephemeral') }} select 1 as one", "utf-8"
    )
    (project_dir / "models" / "two.sql").write_text("select one + 1 as two from {{ ref('one') }}", "utf-8")
    project = _project(project_dir, "first")
    for turn in ("first", "second"):
        warehouse = tmp_path / turn / "nhs_league_tables.duckdb"
        warehouse.parent.mkdir(exist_ok=True)
        assert project.build("run", ["two"], warehouse, threads=1) == ["model.small.two"]
        with duckdb.connect(str(warehouse)) as connection:
            assert connection.execute("select two from two").fetchall() == [(2,)]
