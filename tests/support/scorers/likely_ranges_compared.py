"""The drawing of likely ranges by itself, in memory, from a built warehouse; and the independent answer to the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from independent_likely_ranges import UNIT, Range, Trust, not_told_apart, ranges

from dagster_project.likely_ranges.drawn import READ, SCHEMA, TABLES, draw_likely_ranges
from dagster_project.settings import DataFolder

_THIRDS = 3


class DrawnAlone:
    """Draws one quarter of a warehouse whose last run had it in scope."""

    def __init__(self, data: DataFolder, quarter: str) -> None:
        self._connection = duckdb.connect()
        self.execute(f"attach '{data.warehouse}' as built (read_only)")
        self.execute(f"create schema {SCHEMA}")
        for name in READ:
            self.execute(
                f"create table {SCHEMA}.{name} as from built.{SCHEMA}.{name} where quarter = '{quarter}'"
            )

    def use(self, *, threads: int | None = None, replicates: int | None = None) -> None:
        """Other numbers of threads and replicates."""
        if threads is not None:
            self.execute(f"set threads = {threads}")
        if replicates is not None:
            self.execute(f"update {SCHEMA}.resampled_organisation set replicates = {replicates}")

    def execute(self, statement: str) -> None:
        """Changes what is drawn from: the tables of `READ`, in likely_ranges.*."""
        self._connection.execute(statement)

    def run(self) -> tuple[Any, ...]:
        """Draws; returns how many ends there are and numbers that change with any row of what is drawn."""
        draw_likely_ranges(self._connection)
        [(ends,)] = self.select(f"select count(*) from {SCHEMA}.likely_range_end")
        sums = [
            self.select(f"select md5(string_agg({name}::varchar, ';' order by all)) from {SCHEMA}.{name}")
            for name in TABLES
        ]
        return ends, *sums

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query; the tables are likely_ranges.*."""
        return self._connection.execute(query).fetchall()


def independently(warehouse: Path, quarter: str, *, replicates: int) -> dict[str, Range]:
    """Likely ranges of every organisation of a quarter from released tables alone."""
    found: dict[str, Range] = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cuts, basis = _cut_points(connection, quarter)
        for table, trusts in _trusts(connection, quarter).items():
            found |= ranges(
                trusts, quarter, table, cuts, at_two_places=basis == "published", replicates=replicates
            )
    return found


def alike_independently(warehouse: Path, quarter: str, table: str, *, replicates: int) -> dict[str, set[str]]:
    """By organisation of a table the others that it can't be told apart from, from released tables alone."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cuts, basis = _cut_points(connection, quarter)
        trusts = _trusts(connection, quarter)[table]
    return not_told_apart(
        trusts, quarter, table, cuts, at_two_places=basis == "published", replicates=replicates
    )


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
