"""The guard: a released quarter doesn't change because code did, unless somebody asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dagster_project.errors import ExitCode, LeagueError
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.publish import current_release
from dagster_project.runs.flow import Stage
from dagster_project.runs.unexplained_change import refuse_unexplained_changes
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import DbtProject

QUARTER = "2025-26-Q1"


@pytest.fixture
def warehouse(released: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """What a run has built anew of the released quarter, the same so far."""
    copy = released.root / "candidate" / released.warehouse.name
    copy.parent.mkdir()
    copy.write_bytes(released.warehouse.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        yield connection


def identity(data: DataFolder, *, previous: str | None = None) -> ReleaseIdentity:
    """The identity of the quarter made again by other code, after another release of the quarter before."""
    (current,) = current_release(data)
    content = json.loads((data.releases / QUARTER / "current" / "release.json").read_bytes())
    return ReleaseIdentity(
        quarter=Quarter.from_canonical(QUARTER),
        framework=current.framework,
        is_sample=current.is_sample,
        previous_release_id=previous,
        extracts=content["extracts"],
        rules=content["rules"],
        code=content["code"] | {"dbt/models/scoring/league_rank.sql": "another"},
        versions=content["versions"],
    )


CHANGES = {
    "league_table": "update league.league_table set rank = 11 where rank = 10",
    "metric_score": "update league.metric_score set metric_score = metric_score + 0.01 where weight = 1",
    "domain_score": "update league.domain_score set domain_segment = 5 - domain_segment",
    "metric_ranking": "delete from league.metric_ranking where rank_in_table = 1",
    "segment_threshold": "insert into league.segment_threshold "
    "select * replace (9 as segment) from league.segment_threshold limit 1",
    "organisation": "update league.organisation set organisation_name = 'Another'",
}


@pytest.mark.parametrize("table", CHANGES)
def test_other_figures_from_other_code_alone_are_refused_and_shown(
    released: DataFolder, warehouse: duckdb.DuckDBPyConnection, table: str
) -> None:
    warehouse.execute(CHANGES[table])
    with pytest.raises(LeagueError) as refused:
        refuse_unexplained_changes(warehouse, released, [identity(released, previous="f" * 16)])
    message = str(refused.value)
    assert refused.value.exit_code is ExitCode.OUR_FAULT
    assert f"of {table}" in message
    assert "dbt/models/scoring/league_rank.sql" in message
    assert "league rebuild" in message
    if table == "league_table":
        assert "1 of league_table" in message
        assert "rank 10 -> 11" in message


def test_nothing_but_another_id_passes(released: DataFolder, warehouse: duckdb.DuckDBPyConnection) -> None:
    for table in CHANGES:
        warehouse.execute(f"update league.{table} set release_id = 'another'")
    warehouse.execute("alter table league.metric_score add column addition integer")
    refuse_unexplained_changes(warehouse, released, [identity(released)])


@pytest.mark.parametrize("component", ["extracts", "rules", "framework", "is_sample"])
def test_figures_may_change_with_extracts_rules_or_framework(
    released: DataFolder, warehouse: duckdb.DuckDBPyConnection, component: str
) -> None:
    warehouse.execute(CHANGES["league_table"])
    same = identity(released)
    others = {
        "extracts": replace(same, extracts={"ab" * 32: "another.csv"}),
        "rules": replace(same, rules={"metric.csv": "another"}),
        "framework": replace(same, framework="another"),
        "is_sample": replace(same, is_sample=not same.is_sample),
    }
    refuse_unexplained_changes(warehouse, released, [others[component]])


def test_a_quarter_that_is_not_released_has_nothing_to_be_compared_with(
    released: DataFolder, warehouse: duckdb.DuckDBPyConnection
) -> None:
    warehouse.execute(CHANGES["league_table"])
    later = replace(identity(released), quarter=Quarter.from_canonical("2025-26-Q2"))
    refuse_unexplained_changes(warehouse, released, [later])


def test_a_run_whose_code_gives_other_figures_ends_with_1_and_releases_nothing(
    released: DataFolder, small_extracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from published_state import published_files
    from staged_run import release_by_stages

    from dagster_project.releases import identity as identities
    from dagster_project.runs import stages

    code, build = identities.hash_code(), stages.build

    def build_otherwise(stage: Stage, project: DbtProject, warehouse: Path, *, threads: int) -> list[str]:
        built = build(stage, project, warehouse, threads=threads)
        if "league_tables" in stage.folders:
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute(
                    "update league.organisation set region = 'Elsewhere' where region is not null"
                )
        return built

    monkeypatch.setattr(identities, "hash_code", lambda _: code | {"dbt/models/changed.sql": "ab" * 32})
    monkeypatch.setattr(stages, "build", build_otherwise)
    before = published_files(released)
    with pytest.raises(LeagueError, match=r"(?s)of organisation.*region .* -> Elsewhere") as refused:
        release_by_stages(released, small_extracts / QUARTER, QUARTER)
    assert "dbt/models/changed.sql" in str(refused.value)
    assert published_files(released) == before
