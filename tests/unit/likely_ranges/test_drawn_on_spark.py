"""Draws over Arrow rows, as Spark hands them over, are DuckDB's draws."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dagster_project.likely_ranges.drawn import READ, SCHEMA, TABLES, draw_likely_ranges
from dagster_project.likely_ranges.drawn_on_spark import draw_rows

QUARTERS = ("2025-26-Q1", "2025-26-Q2")
TABLES_OF_TRUSTS = ("acute", "ambulance")
SCORE = 10**12


@pytest.fixture
def resampled() -> dict[str, pa.Table]:
    """Two quarters of two tables with three organisations each, of four scores, as the models give them."""
    organisations: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    cuts: list[dict[str, Any]] = []
    for at, quarter in enumerate(QUARTERS):
        for table in TABLES_OF_TRUSTS:
            for rank in (1, 2, 3):
                of = {
                    "quarter": quarter,
                    "framework": "2025-26",
                    "table_name": table,
                    "organisation_code": f"{table[:2].upper()}{rank}",
                }
                organisations.append(
                    of
                    | {
                        "rank": rank,
                        "best_segment": 3 if rank == 2 else 1,
                        "replicates": 200,
                        "low_percentile": Decimal("0.025"),
                        "high_percentile": Decimal("0.975"),
                        "told_apart_from": Decimal("0.975"),
                    }
                )
                scores += [
                    of
                    | {
                        "choice": f"OF000{metric}",
                        "times": 1,
                        "weighted_score_units": (1 + (rank + metric + at) % 4) * SCORE,
                        "weight_units": 1,
                    }
                    for metric in (1, 2, 3, 4)
                ]
        cuts += [
            {
                "quarter": quarter,
                "segment": segment,
                "threshold_basis": "national_quartiles",
                "cut_point_units": (150 + 50 * segment) * SCORE // 100,
                "quantile": Decimal("0.25") * segment,
            }
            for segment in (1, 2, 3)
        ]
    return dict(
        zip(READ, (pa.Table.from_pylist(rows) for rows in (organisations, scores, cuts)), strict=True)
    )


def as_spark_gives(resampled: dict[str, pa.Table], quarter: str) -> pa.Table:
    """The rows of a quarter as one table, in the other order."""
    parts = [
        table.filter(pc.equal(table["quarter"], quarter)).append_column(
            "part_of",
            pa.repeat(name, int(pc.sum(pc.equal(table["quarter"], quarter)).as_py())),
        )
        for name, table in resampled.items()
    ]
    whole = pa.concat_tables(parts, promote_options="default")
    return whole.take(list(reversed(range(whole.num_rows))))


def test_draws_over_arrow_rows_of_each_quarter_are_those_that_duckdb_gets(
    resampled: dict[str, pa.Table],
) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"create schema {SCHEMA}")
        for name, table in resampled.items():
            connection.register("given", table)
            connection.execute(f"create table {SCHEMA}.{name} as select * from given")
        draw_likely_ranges(connection)
        expected = {
            name: sorted(
                map(str, connection.execute(f"select * from {SCHEMA}.{name}").to_arrow_table().to_pylist())
            )
            for name in TABLES
        }
    drawn = pa.concat_tables(draw_rows(as_spark_gives(resampled, quarter)) for quarter in reversed(QUARTERS))
    for name, schema in TABLES.items():
        rows = drawn.filter(pc.equal(drawn["part_of"], name)).select(schema.names)
        assert sorted(map(str, rows.to_pylist())) == expected[name]
        assert len(expected[name]) > 0


def test_a_quarter_without_averages_gives_no_rows_and_every_column(resampled: dict[str, pa.Table]) -> None:
    nothing = as_spark_gives(resampled, QUARTERS[0]).slice(0, 0)
    drawn = draw_rows(nothing)
    assert drawn.num_rows == 0
    assert {name for schema in TABLES.values() for name in schema.names} <= set(drawn.schema.names)
