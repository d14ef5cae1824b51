"""Splits the difference of two releases by cause: the project's own models in a warehouse for the moment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dagster_project.audit.difference.compared_releases import ComparedRelease
from dagster_project.errors import InputMissing
from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_SCHEMA, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject

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
        project = DbtProject(DBT_PROJECT_DIR, data.root / "dbt")
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
