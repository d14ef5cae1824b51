"""The likely-range models by themselves, in memory, from a built warehouse; and numpy's answer to the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
from independent_likely_ranges import UNIT, Range, Trust, ranges

from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_NAME, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject

_STEPS = ("replicate_average", "replicate_place", "replicate_summary")
_INPUTS = ("insight.resampled_organisation", "insight.likely_range_rule", "methodology.segment_boundary")
_THIRDS = 3


class LikelyRangeModels:
    """Draws, ranks and sums up one quarter of a warehouse whose last run had it in scope."""

    def __init__(self, data: DataFolder, quarter: str, *, threads: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            project = DbtProject(DBT_PROJECT_DIR, data.root / "dbt")
            project.build("compile", _STEPS, Path(folder) / f"{WAREHOUSE_NAME}.duckdb", threads=1)
            compiled = {
                path.stem: path.read_text("utf-8") for path in Path(folder).glob("**/compiled/**/*.sql")
            }
        self._connection = duckdb.connect(config={"threads": threads})
        self._connection.execute(f"attach ':memory:' as {WAREHOUSE_NAME}; use {WAREHOUSE_NAME}")
        self._connection.execute(f"attach '{data.warehouse}' as built (read_only)")
        self._connection.execute("create schema insight; create schema methodology")
        for name in _INPUTS:
            only = f" where quarter = '{quarter}'" if name == _INPUTS[0] else ""
            self._connection.execute(f"create table {name} as from built.{name}{only}")
        for step in _STEPS[:-1]:
            self._connection.execute(f"create view insight.{step} as {compiled[step]}")
        self._summary = compiled[_STEPS[-1]]

    def use(self, *, threads: int | None = None, replicates: int | None = None) -> None:
        """Other numbers of threads and replicates."""
        if threads is not None:
            self._connection.execute(f"set threads = {threads}")
        if replicates is not None:
            for table in ("resampled_organisation", "likely_range_rule"):
                self.execute(f"update insight.{table} set replicates = {replicates}")

    def execute(self, statement: str) -> None:
        """Changes what is drawn from: insight.resampled_organisation, methodology.segment_boundary."""
        self._connection.execute(statement)

    def run(self) -> tuple[Any, ...]:
        """Builds the summary; returns how many rows it has and a number that changes with any of them."""
        self._connection.execute(f"create or replace table insight.replicate_summary as {self._summary}")
        answer = self._connection.execute(
            "select count(*), md5(string_agg(replicate_summary::varchar, ';' order by table_name, "
            "organisation_code, variant)) from insight.replicate_summary"
        ).fetchone()
        assert answer is not None
        return answer

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query; the tables are insight.*."""
        return self._connection.execute(query).fetchall()


def in_numpy(warehouse: Path, quarter: str, *, replicates: int) -> dict[str, Range]:
    """Likely ranges of every organisation of a quarter from released tables alone."""
    found: dict[str, Range] = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cuts, basis = _cut_points(connection, quarter)
        for table, trusts in _trusts(connection, quarter).items():
            found |= ranges(
                trusts, quarter, table, cuts, at_two_places=basis == "published", replicates=replicates
            )
    return found


def _cut_points(connection: duckdb.DuckDBPyConnection, quarter: str) -> tuple[list[int], str]:
    rows = connection.execute(
        "select cut_point, threshold_basis from league.segment_threshold "
        "where figure = 'OF5002' and quarter = ? order by segment",
        [quarter],
    ).fetchall()
    return [int(cut * UNIT) for cut, _ in rows], rows[0][1]


def _trusts(connection: duckdb.DuckDBPyConnection, quarter: str) -> dict[str, list[Trust]]:
    rows = connection.execute(
        "select table_name, organisation_code, any_value(financial_override), "
        f"list(score_entering_average order by metric_id), list(weight * {_THIRDS} order by metric_id) "
        "from league.metric_score inner join league.league_table "
        "using (quarter, table_name, organisation_code) where quarter = ? and enters_average "
        "group by table_name, organisation_code order by table_name, organisation_code",
        [quarter],
    ).fetchall()
    tables: dict[str, list[Trust]] = {}
    for table, code, flagged, scores, weights in rows:
        trust = Trust(
            code,
            scores=[int(score * UNIT) for score in scores],
            weights=[round(weight) for weight in weights],
            best_segment=3 if flagged else 1,
        )
        tables.setdefault(table, []).append(trust)
    return tables
