"""The released tables: which there are, how each is sorted, and how one becomes a Parquet and a CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import LeagueError
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.shown import cell_in_sql

# Written out although some are DuckDB's defaults: a default that changes must not change a release.
_PARQUET = "format parquet, compression zstd, compression_level 3, row_group_size 122880, parquet_version v1"
_CSV = "format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr ''"
_STAMPS = ("quarter", "release_id", "is_sample")
EARLIER_RELEASE = "release_id_before"
_EXPORTED = "temp.rows_of_the_release"


@dataclass(frozen=True)
class ReleasedTable:
    """A table's name in the warehouse and its sort key; columns are dbt's contract and stand there only.

    Rows that tie on the key are ordered by the remaining columns, left to right: the order is always total.
    A table with EARLIER_RELEASE in its key compares: a release holds the rows that compare it with its
    previous release, which is part of its identity, whatever else the warehouse compares it with.
    """

    name: str
    key: tuple[str, ...]


RELEASED_TABLES = (
    ReleasedTable("league_table", ("table_name", "organisation_code")),
    ReleasedTable("league_table_acute", ("organisation_code",)),
    ReleasedTable("league_table_non_acute", ("organisation_code",)),
    ReleasedTable("league_table_ambulance", ("organisation_code",)),
    ReleasedTable("league_table_icb", ("organisation_code",)),
    ReleasedTable("metric_score", ("organisation_code", "metric_id")),
    ReleasedTable("metric_ranking", ("organisation_code", "metric_id")),
    ReleasedTable("domain_score", ("organisation_code", "domain")),
    ReleasedTable("segment_threshold", ("figure", "segment")),
    ReleasedTable("movement", ("organisation_code", "measure", "metric_id", "cause", EARLIER_RELEASE)),
    ReleasedTable("movement_total", ("organisation_code", "measure", "metric_id", EARLIER_RELEASE)),
    ReleasedTable("movement_beyond_chance", ("organisation_code", "measure", EARLIER_RELEASE)),
    ReleasedTable("likely_range", ("table_name", "organisation_code", "variant")),
    ReleasedTable("segment_probability", ("table_name", "organisation_code", "variant", "segment")),
    ReleasedTable("not_told_apart", ("table_name", "organisation_code")),
    ReleasedTable("reconciliation", ("organisation_code", "figure")),
    ReleasedTable("lineage", ("organisation_code", "figure", "role", "extract_id", "sheet", "source_row")),
    ReleasedTable("organisation", ("organisation_code",)),
    ReleasedTable("metric", ("metric_id",)),
    ReleasedTable("framework_rule", ("rule_table", "rule_key")),
    ReleasedTable("sensitivity", ("organisation_code", "choice", "subject")),
    ReleasedTable("sensitivity_summary", ("table_name", "choice", "subject")),
    ReleasedTable("metric_influence", ("organisation_code", "influence_rank")),
    ReleasedTable("segment_distance", ("organisation_code",)),
    ReleasedTable("metric_step", ("organisation_code", "metric_id")),
    ReleasedTable("exemplar", ("organisation_code", "metric_id", "exemplar_rank")),
    ReleasedTable("consequence", ("organisation_code", "policy")),
    ReleasedTable("caveat", ("organisation_code", "metric_id", "caveat")),
    ReleasedTable("quality_result", ("gate", "suite", "expectation", "subject")),
    ReleasedTable("extract", ("extract_id",)),
)


def export_table(
    connection: duckdb.DuckDBPyConnection, table: ReleasedTable, identity: ReleaseIdentity, folder: Path
) -> int:
    """Writes a table's rows of a quarter to `<name>.parquet` and `<name>.csv` in `folder`; returns how many.

    CSV is UTF-8 with LF line ends, a header, and decimals as they stand; a missing value is empty, an empty
    text is `""`, and a text that a spreadsheet would compute has an apostrophe before it. Raises LeagueError
    if the table is missing, lacks a column it must have, holds moments in time, or has rows of the quarter
    that another run stamped.
    """
    columns = _columns(connection, table)
    # A released table may be a view that is dear to compute: once, for the count and both files.
    connection.execute(
        f"create or replace temp table {_EXPORTED} as "
        f"select * from {_qualified(table)} where {_belongs_to(table, identity)}"
    )
    rows = _count_stamped_rows(connection, table, identity)
    order = [*table.key, *(column for column in columns if column not in table.key)]
    keys = ", ".join(f"released.{_name(column)} asc nulls first" for column in order)
    sorted_rows = f"{_EXPORTED} as released order by {keys}"
    cells = ", ".join(
        f"{cell_in_sql(_name(column))} as {_name(column)}" if kind == "VARCHAR" else _name(column)
        for column, kind in columns.items()
    )
    for suffix, options, chosen in (("parquet", _PARQUET, "*"), ("csv", _CSV, cells)):
        target = _text(str(folder / f"{table.name}.{suffix}"))
        connection.execute(f"copy (select {chosen} from {sorted_rows}) to {target} ({options})")
    connection.execute(f"drop table {_EXPORTED}")
    return rows


def _columns(connection: duckdb.DuckDBPyConnection, table: ReleasedTable) -> dict[str, str]:
    """Column -> DuckDB's type."""
    try:
        described = connection.execute(f"describe {_qualified(table)}").fetchall()
    except duckdb.CatalogException as error:
        raise LeagueError(
            f"{WAREHOUSE_SCHEMA}.{table.name}: expected this released table in the candidate; DuckDB says: "
            f"{error}. Build all of dbt's models before releasing."
        ) from error
    types = {str(row[0]): str(row[1]) for row in described}
    missing = [column for column in (*_STAMPS, *table.key) if column not in types]
    if missing:
        raise LeagueError(
            f"{WAREHOUSE_SCHEMA}.{table.name}: expected columns {', '.join(missing)}; found "
            f"{', '.join(types)}. Mend the dbt model, or the table's sort key in releases/tables.py."
        )
    for column, kind in types.items():
        if kind.startswith("TIME"):
            raise LeagueError(
                f"{WAREHOUSE_SCHEMA}.{table.name}, column {column}: expected no moments in time in a "
                f"release, as they change from run to run and with the time zone; found {kind}. "
                "Keep them in provenance.json."
            )
    return types


def _count_stamped_rows(
    connection: duckdb.DuckDBPyConnection, table: ReleasedTable, identity: ReleaseIdentity
) -> int:
    counts = connection.execute(
        "select count(*), count(*) filter (release_id is distinct from ? or is_sample is distinct from ?) "
        f"from {_EXPORTED}",
        [identity.release_id, identity.is_sample],
    ).fetchone()
    assert counts is not None
    rows, foreign = int(counts[0]), int(counts[1])
    if foreign:
        raise LeagueError(
            f"{WAREHOUSE_SCHEMA}.{table.name}: expected all {rows} rows of {identity.quarter} to carry "
            f"release_id {identity.release_id} and is_sample {str(identity.is_sample).lower()}; {foreign} "
            "don't. The model kept rows of an earlier run: it must delete the quarters in scope first."
        )
    return rows


def _belongs_to(table: ReleasedTable, identity: ReleaseIdentity) -> str:
    quarter = f"quarter = {_text(str(identity.quarter))}"
    if EARLIER_RELEASE not in table.key:
        return quarter
    return f"{quarter} and {EARLIER_RELEASE} = {_text(identity.previous_release_id or '')}"


def _qualified(table: ReleasedTable) -> str:
    return f"{_name(WAREHOUSE_SCHEMA)}.{_name(table.name)}"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
