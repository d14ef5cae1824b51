"""Two releases in a warehouse for the moment: their difference, split by cause by the project's own models."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.audit.difference.compared_releases import ComparedRelease
from dagster_project.errors import InputMissing
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.typed_names import Known, find_organisation
from dagster_project.warehouse.dbt_project import checkout_project

_MODELS = ("fqn:nhs_league_tables.insight.movement",)
# The released tables that the models read; the columns are those that older releases may lack.
_READ = {
    "league_table": (),
    "metric_score": ("score_entering_average",),
    "metric": (),
    "framework_rule": ("rule_terms",),
    "segment_threshold": (),
    "extract": (),
}
_WHOLE_NUMBERS = ("adjusted_segment", "rank")


@contextmanager
def decomposed(
    data: DataFolder, before: ComparedRelease, after: ComparedRelease
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to `league.movement` and `league.movement_total` of the two releases, beside the released
    tables that they rest on, with the rows of both. All of it is gone afterwards.

    Raises InputMissing where a release lacks a table or column that the models need.
    """
    with tempfile.TemporaryDirectory(prefix="league-diff-") as folder:
        warehouse = Path(folder) / data.warehouse.name
        with duckdb.connect(str(warehouse)) as connection:
            _load(connection, before, after)
        project = checkout_project(data)
        project.build("run", _MODELS, warehouse, threads=2)
        with duckdb.connect(str(warehouse)) as connection:
            yield connection


def _load(connection: duckdb.DuckDBPyConnection, before: ComparedRelease, after: ComparedRelease) -> None:
    connection.execute(f"create schema {WAREHOUSE_SCHEMA}")
    for table, columns in _READ.items():
        for release in (before, after):
            _require(connection, release, table, columns)
        files = [str(release.path / f"{table}.parquet") for release in (before, after)]
        connection.execute(
            f"create table {WAREHOUSE_SCHEMA}.{table} as select * from read_parquet(?, union_by_name = true)",
            [files],
        )
    # In the place of the model that pairs each quarter with the one before it.
    connection.execute("create schema insight")
    connection.execute(
        "create table insight.release_pair as select ?::varchar as quarter, ?::varchar as release_id, "
        "?::boolean as is_sample, ?::varchar as quarter_before, ?::varchar as release_id_before",
        [str(after.quarter), after.release_id, after.is_sample, str(before.quarter), before.release_id],
    )


def _require(
    connection: duckdb.DuckDBPyConnection, release: ComparedRelease, table: str, columns: tuple[str, ...]
) -> None:
    file = release.path / f"{table}.parquet"
    if not file.is_file():
        promised = file.name in release.content["files"]
        raise InputMissing(
            f"{file}: expected the released table; found no such file. "
            + (
                "release.json names it: restore the release folder from a backup."
                if promised
                else "The release was made before this table was released, so its changes can't be split by "
                f"cause: release {release.quarter} again."
            )
        )
    described = connection.execute("describe select * from read_parquet(?)", [str(file)]).fetchall()
    missing = [column for column in columns if column not in {row[0] for row in described}]
    if missing:
        raise InputMissing(
            f"{file}: expected the column {', '.join(missing)}; the release was made before it was released, "
            f"so its changes can't be split by cause: release {release.quarter} again."
        )


def organisations(connection: duckdb.DuckDBPyConnection, which: str) -> list[dict[str, Any]]:
    """Those that came (`is_in`) or went (`is_out`), by table."""
    return _rows(
        connection,
        "select total.table_name, organisation_code, max(organisation_name) as organisation_name "
        "from league.movement_total as total inner join league.league_table as placed "
        f"using (organisation_code, table_name) where total.measure = 'rank' and {which} group by all order by all",
    )


def values_of(
    connection: duckdb.DuckDBPyConnection, before: ComparedRelease, after: ComparedRelease
) -> dict[str, Any]:
    """Metric values of organisations in both that print otherwise, came or went."""
    (row,) = _rows(
        connection,
        "with value as (select table_name, organisation_code, metric_id, "
        "max(case when release_id = ? then value end) as value_before, "
        "max(case when release_id = ? then value end) as value_after "
        "from league.metric_score where value is not null group by all) "
        "select count(*) filter (value_before <> value_after) as changed, "
        "count(*) filter (value_before = value_after) as unchanged, "
        'count(*) filter (value_before is null) as "in", count(*) filter (value_after is null) as out from value',
        [before.release_id, after.release_id],
    )
    return row


def measure_of(connection: duckdb.DuckDBPyConnection, measure: str) -> dict[str, Any]:
    """How many figures of a measure changed, came and went, and how much each cause moved."""
    (counts,) = _rows(
        connection,
        "select count(*) filter (change <> 0) as changed, count(*) filter (change = 0) as unchanged, "
        'count(*) filter (is_in) as "in", count(*) filter (is_out) as out '
        "from league.movement_total where measure = ?",
        [measure],
    )
    causes = _rows(
        connection,
        "select cause, count(distinct (organisation_code, case when measure = 'metric_score' then metric_id end)) "
        "as changed, sum(abs(change)) as moved from league.movement where measure = ? "
        "group by cause order by moved desc, cause",
        [measure],
    )
    return {"measure": measure, **counts, "causes": [_typed(cause, measure, "moved") for cause in causes]}


def movements_of(
    connection: duckdb.DuckDBPyConnection, code: str | None, before: ComparedRelease, after: ComparedRelease
) -> list[dict[str, Any]]:
    """Each organisation in either release: every measure before and after, with the causes of its change, and of a
    metric its values too."""
    wanted = "" if code is None else "where organisation_code = ?"
    given = [] if code is None else [code]
    causes: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in _rows(
        connection,
        "select table_name, organisation_code, measure, metric_id, cause, change from league.movement "
        f"{wanted} order by table_name, organisation_code, measure, abs(change) desc, metric_id, cause",
        given,
    ):
        measure = row["measure"]
        whole = (row["table_name"], row["organisation_code"], measure)
        share = _typed({"cause": row["cause"], "change": row["change"]}, measure, "change")
        if measure == "average_metric_score":
            causes.setdefault(whole, []).append({"metric_id": row["metric_id"], **share})
        else:
            causes.setdefault((*whole, row["metric_id"]), []).append(share)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _rows(
        connection,
        "with value as (select table_name, organisation_code, metric_id, any_value(unit) as unit, "
        "max(case when release_id = ? then value end) as value_before, "
        "max(case when release_id = ? then value end) as value_after "
        "from league.metric_score where value is not null group by all) "
        "select total.table_name, total.organisation_code, organisation_name, measure, metric_id, metric_name, "
        "figure_before, figure_after, change, is_in, is_out, value_before, value_after, unit "
        "from league.movement_total as total left join value using (table_name, organisation_code, metric_id) "
        "left join (select metric_id, max(metric_name) as metric_name from league.metric group by all) "
        "using (metric_id) left join (select table_name, organisation_code, "
        "max_by(organisation_name, quarter) as organisation_name from league.league_table group by all) "
        f"using (table_name, organisation_code) {wanted} "
        "order by total.table_name, total.organisation_code, measure, metric_id",
        [before.release_id, after.release_id, *given],
    ):
        measure, place = row["measure"], (row["table_name"], row["organisation_code"])
        named = {name: row[name] for name in ("table_name", "organisation_code", "organisation_name")}
        one = found.setdefault(place, named | {"metric_scores": []})
        total = {"before": row["figure_before"], "after": row["figure_after"], "change": row["change"]}
        moved = _typed(total, measure, *total) | {"is_in": row["is_in"], "is_out": row["is_out"]}
        if measure == "metric_score":
            values = {name: _digits(row[name]) for name in ("value_before", "value_after")}
            moved = {"metric_id": row["metric_id"], "metric_name": row["metric_name"]} | moved
            moved |= values | {"unit": row["unit"]}
            one["metric_scores"].append(
                moved | {"causes": causes.get((*place, measure, row["metric_id"]), [])}
            )
        elif measure == "average_metric_score":
            one[measure] = moved | {"causes": causes.get((*place, measure), [])}
        else:
            one[measure] = moved | {"causes": causes.get((*place, measure, None), [])}
    return list(found.values())


def _typed(row: Mapping[str, Any], measure: str, *names: str) -> dict[str, Any]:
    """Segments and ranks as integers, scores as decimal text with all their places."""
    given = {name: row[name] for name in names if row[name] is not None}
    whole = measure in _WHOLE_NUMBERS
    return {**row, **{name: int(found) if whole else f"{found:f}" for name, found in given.items()}}


def _digits(value: Decimal | None) -> str | None:
    """A value as it prints: without idle zeroes."""
    return None if value is None else f"{value.normalize():f}"


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, given: list[Any] | None = None
) -> list[dict[str, Any]]:
    found = connection.execute(query, given or [])
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def organisation_named(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The code of the organisation that is meant; WrongUsage lists the several or the closest ones."""
    known = connection.execute(
        "select organisation_code, max_by(organisation_name, quarter), max_by(table_name, quarter) "
        "from league.league_table group by organisation_code order by organisation_code"
    ).fetchall()
    return find_organisation(text, [Known(*row) for row in known], "either release").code
