"""The released tables: which there are, how each is sorted, and how one becomes a Parquet and a CSV file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dagster_project.errors import LeagueError
from dagster_project.notices import notice_of
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.shown import cell_in_sql
from dagster_project.sql_text import literal, quoted_name
from dagster_project.warehouse.descriptions import comments, unit_in

if TYPE_CHECKING:
    # Verbs that only read a release need the names here, and pyarrow takes half a second to import.
    import pyarrow as pa

# Written out although some are defaults of Arrow and DuckDB: a default that changes must not change a release.
_PARQUET = {
    "compression": "zstd",
    "compression_level": 3,
    "row_group_size": 122_880,
    "version": "1.0",
    "data_page_version": "1.0",
    "store_decimal_as_integer": True,
}
_CSV = "format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr ''"
_STAMPS = ("quarter", "release_id", "is_sample")
EARLIER_RELEASE = "release_id_before"
_EXPORTED = "temp.rows_of_the_release"


# A column that names a row of another released table of the same quarter, and which. Not in `movement_total`, which
# also has what only the release before had.
POINTS_AT = {
    "organisation_code": ("organisation", "organisation_code"),
    "exemplar_code": ("organisation", "organisation_code"),
    "metric_id": ("metric", "metric_id"),
    "extract_id": ("extract", "extract_id"),
}
OF_TWO_RELEASES = frozenset({"movement_total"})


@dataclass(frozen=True)
class ReleasedTable:
    """A table's name in the warehouse and its sort key; columns are dbt's contract and stand there only.

    Rows that tie on the key are ordered by the remaining columns, left to right: the order is always total. Where
    people read a table from the top, `order` goes before the key.
    A table with EARLIER_RELEASE in its key compares: a release holds the rows that compare it with its
    previous release, which is part of its identity, whatever else the warehouse compares it with.
    """

    name: str
    key: tuple[str, ...]
    order: tuple[str, ...] = ()


RELEASED_TABLES = (
    ReleasedTable("league_table", ("table_name", "organisation_code"), ("table_name", "rank")),
    ReleasedTable("league_table_acute", ("organisation_code",), ("rank",)),
    ReleasedTable("league_table_non_acute", ("organisation_code",), ("rank",)),
    ReleasedTable("league_table_ambulance", ("organisation_code",), ("rank",)),
    ReleasedTable("league_table_icb", ("organisation_code",), ("rank",)),
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
    connection: duckdb.DuckDBPyConnection,
    table: ReleasedTable,
    identity: ReleaseIdentity,
    folder: Path,
    *,
    said: Mapping[tuple[str, str | None], str | None] | None = None,
) -> int:
    """Writes a table's rows of a quarter to `<name>.parquet` and `<name>.csv` in `folder`; returns how many.

    CSV is UTF-8 with LF line ends, a header, and decimals as they stand; a missing value is empty, an empty
    text is `""`, and a text that a spreadsheet would compute has an apostrophe before it. Parquet says of itself
    what the warehouse's comments say: what the table and each column hold, and its notice. `said` has these comments,
    for who exports several tables: asking takes longer than writing a small one. Raises LeagueError
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
    sorted_rows = f"{_EXPORTED} as released order by {_order_by(table, columns)}"
    cells = ", ".join(
        f"{cell_in_sql(quoted_name(column))} as {quoted_name(column)}"
        if kind == "VARCHAR"
        else quoted_name(column)
        for column, kind in columns.items()
    )
    file = literal(folder / f"{table.name}.csv")
    connection.execute(f"copy (select {cells} from {sorted_rows}) to {file} ({_CSV})")
    content = connection.execute(f"select * from {sorted_rows}").to_arrow_table()
    schema = _self_describing(content.schema, comments(connection) if said is None else said, table, identity)
    import pyarrow.parquet as pq

    pq.write_table(content.cast(schema), folder / f"{table.name}.parquet", **_PARQUET)
    connection.execute(f"drop table {_EXPORTED}")
    return rows


def _order_by(table: ReleasedTable, columns: Iterable[str]) -> str:
    """Sorts totally; what has no place in the order stands behind what has, empty parts of a key before."""
    first = [f"released.{quoted_name(column)} asc nulls last" for column in table.order]
    rest = [column for column in (*table.key, *columns) if column not in table.order]
    return ", ".join(
        [*first, *(f"released.{quoted_name(column)} asc nulls first" for column in dict.fromkeys(rest))]
    )


def _self_describing(
    schema: pa.Schema,
    said: Mapping[tuple[str, str | None], str | None],
    table: ReleasedTable,
    identity: ReleaseIdentity,
) -> pa.Schema:
    """The schema with the warehouse's comments: a description and unit per field, and of the table its notice and key.

    `columns` says the descriptions once more as JSON, for tools that show a file's metadata but no field's.
    """
    described = {name: text for name in schema.names if (text := said.get((table.name, name)))}
    import pyarrow as pa

    fields = [
        field.with_metadata(_said_of(described[field.name])) if field.name in described else field
        for field in schema
    ]
    metadata = {
        "table": table.name,
        "description": said.get((table.name, None)) or "",
        "notice": notice_of(is_sample=identity.is_sample),
        "sorted_by": ", ".join(dict.fromkeys((*table.order, *table.key))),
        "columns": json.dumps(described, ensure_ascii=False),
    }
    return pa.schema(fields, metadata)


def _said_of(description: str) -> dict[str, str]:
    unit = unit_in(description)
    return {"description": description, **({} if unit is None else {"unit": unit})}


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
    missing = [column for column in (*_STAMPS, *table.order, *table.key) if column not in types]
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
    quarter = f"quarter = {literal(str(identity.quarter))}"
    if EARLIER_RELEASE not in table.key:
        return quarter
    return f"{quarter} and {EARLIER_RELEASE} = {literal(identity.previous_release_id or '')}"


def _qualified(table: ReleasedTable) -> str:
    return f"{quoted_name(WAREHOUSE_SCHEMA)}.{quoted_name(table.name)}"
