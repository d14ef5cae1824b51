"""Answers a what-if: a release scored again with changed figures; who is moved, before and after."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.methodology.rule_check import sound_rules
from dagster_project.notices import notice_of
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import CurrentRelease, current_release
from dagster_project.scenarios.apart import CHANGED_FIGURE, Scenario, scored_apart
from dagster_project.scenarios.what_if.changes import (
    Change,
    refuse_incomplete_pools,
    refuse_what_cannot_change,
)
from dagster_project.settings import DataFolder
from dagster_project.typed_names import Known, find_organisation
from dagster_project.warehouse.dbt_project import project_with_rules

STATE = "what-if"
_PLACE = (
    "average_metric_score, average_metric_score_exact, unadjusted_segment, financial_override, "
    "adjusted_segment, rank, organisations_in_table"
)
_MOVED = """
    select
        before.table_name, before.organisation_code, before.organisation_name,
        before.average_metric_score, after.average_metric_score,
        before.adjusted_segment, after.adjusted_segment, before.rank, after.rank
    from released.league_table as before
    inner join league.league_table as after using (organisation_code)
    where
        before.organisation_code <> ?
        and (
            before.rank <> after.rank
            or before.adjusted_segment <> after.adjusted_segment
            or before.average_metric_score <> after.average_metric_score
        )
    order by before.table_name, before.rank, before.organisation_code"""
_SCORES = """
    select
        before.metric_id, before.metric_name, before.unit, before.value, after.value,
        before.metric_score, after.metric_score
    from released.metric_score as before
    inner join league.metric_score as after using (organisation_code, metric_id)
    where
        before.organisation_code = ?
        and (
            before.value is distinct from after.value
            or before.metric_score_exact <> after.metric_score_exact
        )
    order by before.metric_id"""


def what_if(
    organisation: str,
    quarter: Quarter,
    changes: Sequence[Change],
    data: DataFolder,
    *,
    rules_dir: Path | None = None,
) -> dict[str, Any]:
    """The place of an organisation with other figures, beside its place in the current release, and all others
    that move, in every table. Averages, segments and ranks are recomputed for everybody, cut-points too.

    Raises InputMissing where the quarter isn't released, WrongUsage where it has no such organisation or several, and
    for a change that has nothing to work on.
    """
    release = _released(quarter, data)
    code = _meant(organisation, release, data)
    with recomputed(release, code, changes, data, rules_dir) as connection:
        return {
            "quarter": str(quarter),
            "release_id": release.release_id,
            "is_sample": release.is_sample,
            "notice": notice_of(is_sample=release.is_sample),
            "organisation_code": code,
            "changes": [{"figure": item.figure, "value": str(item.value)} for item in changes],
            "before": _place(connection, "released", code),
            "after": _place(connection, "league", code),
            "scores": _scores(connection, code),
            "others": _others(connection, code),
        }


@contextmanager
def recomputed(
    release: CurrentRelease,
    organisation: str,
    changes: Sequence[Change],
    data: DataFolder,
    rules_dir: Path | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the quarter with the changes: `league.league_table` and `league.metric_score` as they would
    be, `released.*` as they are. Raises WrongUsage or InputMissing where a change has nothing to work on.
    """

    def land_changes(connection: duckdb.DuckDBPyConnection) -> None:
        refuse_what_cannot_change(connection, organisation, changes)
        for change in changes:
            connection.execute(
                f"insert into {CHANGED_FIGURE} values (?, ?, ?)", [organisation, change.figure, change.value]
            )

    scenario = Scenario(
        *(release.quarter, release.framework, STATE, STATE, release),
        land_inputs=land_changes,
        check_figures=lambda connection: refuse_incomplete_pools(connection, changes),
    )
    with tempfile.TemporaryDirectory(prefix="league-rules-") as folder:
        project = project_with_rules(sound_rules(rules_dir), Path(folder), data) if rules_dir else None
        with scored_apart(scenario, data, project) as connection:
            yield connection


def _released(quarter: Quarter, data: DataFolder) -> CurrentRelease:
    releases = {release.quarter: release for release in current_release(data)}
    if quarter not in releases:
        there = ", ".join(str(known) for known in sorted(releases)) or "none"
        raise InputMissing(f"{quarter} isn't released, so there is nothing to change. Released: {there}.")
    return releases[quarter]


def _meant(typed: str, release: CurrentRelease, data: DataFolder) -> str:
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        known = connection.execute(
            "select organisation_code, organisation_name, table_name from league.league_table where quarter = ? "
            "order by organisation_code",
            [str(release.quarter)],
        ).fetchall()
    return find_organisation(typed, [Known(*row) for row in known], str(release.quarter)).code


def _place(connection: duckdb.DuckDBPyConnection, schema: str, code: str) -> dict[str, Any]:
    row = connection.execute(
        f"select {_PLACE} from {schema}.league_table where organisation_code = ?", [code]
    ).fetchone()
    assert row is not None
    named = dict(zip(_PLACE.split(", "), row, strict=True))
    return {name: str(value) if name.startswith("average") else value for name, value in named.items()}


def _scores(connection: duckdb.DuckDBPyConnection, code: str) -> list[dict[str, Any]]:
    names = ("metric_id", "metric_name", "unit", "value_before", "value", "score_before", "score")
    return [
        {name: _text(value) for name, value in zip(names, row, strict=True)}
        for row in connection.execute(_SCORES, [code]).fetchall()
    ]


def _others(connection: duckdb.DuckDBPyConnection, code: str) -> list[dict[str, Any]]:
    names = (
        "table_name",
        "organisation_code",
        "organisation_name",
        "average_before",
        "average",
        "segment_before",
        "segment",
        "rank_before",
        "rank",
    )
    return [
        {
            name: str(value) if name.startswith("average") else value
            for name, value in zip(names, row, strict=True)
        }
        for row in connection.execute(_MOVED, [code]).fetchall()
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
