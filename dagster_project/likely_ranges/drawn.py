"""The step of a run that draws: from the scores that dbt has put together to tables that dbt reads on.

Reads `likely_ranges.resampled_score`, `resampled_organisation` and `replicate_cut_point`, quarter by quarter, and
replaces `likely_ranges.replicate_outcome`, `likely_range_end` and `not_told_apart`; their columns are described as
sources of dbt (`_likely_ranges.yml`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dagster_project.likely_ranges.draws import Choices, Integers, averages, hundredths, table_key
from dagster_project.likely_ranges.outcomes import (
    Ends,
    Percentiles,
    Places,
    average_ends,
    ends_of,
    not_told_apart,
    outcomes,
    ranks,
    segments_by,
    segments_by_own_quartiles,
)

FIXED = "fixed_cut_points"
REQUARTILED = "requartiled"
_NATIONAL = "national_quartiles"
_PUBLISHED = "published"
SCHEMA = "likely_ranges"
READ = ("resampled_organisation", "resampled_score", "replicate_cut_point")
Rows = Sequence[Mapping[str, Any]]
_KEYS = [pa.field(name, pa.string()) for name in ("quarter", "framework", "table_name", "organisation_code")]
_VARIANT = [pa.field("variant", pa.string()), pa.field("replicates", pa.int32())]
_WHOLE = pa.int32()
TABLES: Mapping[str, pa.Schema] = {
    "replicate_outcome": pa.schema(
        [
            *_KEYS,
            *_VARIANT,
            *(
                pa.field(name, _WHOLE)
                for name in ("unadjusted_segment", "adjusted_segment", "average_hundredths", "times")
            ),
        ]
    ),
    "likely_range_end": pa.schema(
        [
            *_KEYS,
            *_VARIANT,
            pa.field("average_low", pa.decimal128(18, 2)),
            pa.field("average_high", pa.decimal128(18, 2)),
            pa.field("average_mc_error", pa.decimal128(18, 4)),
            *(pa.field(name, _WHOLE) for name in ("segment_low", "segment_high", "rank_low", "rank_high")),
            pa.field("rank_mc_error", pa.decimal128(18, 1)),
        ]
    ),
    "not_told_apart": pa.schema(
        [
            *_KEYS,
            *(pa.field(name, _WHOLE) for name in ("rank_from", "rank_to", "organisations")),
        ]
    ),
}


@dataclass(frozen=True)
class QuarterDrawn:
    """One quarter to draw: its organisations in order of table and code, with what places each."""

    quarter: str
    framework: str
    organisations: Sequence[Mapping[str, Any]]
    choices: Sequence[Choices]
    cut_points: Sequence[int]
    quantiles: Sequence[Decimal]
    threshold_basis: str | None
    percentiles: Percentiles
    told_apart_from: Decimal

    def tables(self) -> Iterator[tuple[str, slice]]:
        """Each table with its organisations' rows."""
        names = [row["table_name"] for row in self.organisations]
        for name in sorted(set(names)):
            first = names.index(name)
            yield name, slice(first, first + names.count(name))


def draw_likely_ranges(connection: duckdb.DuckDBPyConnection) -> None:
    """Draws every quarter in scope and replaces the tables; a quarter without averages gives no rows."""
    drawn: dict[str, list[pa.Table]] = {name: [schema.empty_table()] for name, schema in TABLES.items()}
    read = {name: _rows(connection, name) for name in READ}
    for quarter in quarters_to_draw(**read):
        for name, table in drawn_quarter(quarter).items():
            drawn[name].append(table)
    connection.execute(f"create schema if not exists {SCHEMA}")
    for name, tables in drawn.items():
        connection.register("drawn", pa.concat_tables(tables))
        connection.execute(f"create or replace table {SCHEMA}.{name} as select * from drawn")
        connection.unregister("drawn")


def drawn_quarter(quarter: QuarterDrawn) -> dict[str, pa.Table]:
    """The three tables of one quarter, as `TABLES` has their columns."""
    replicates = quarter.percentiles.replicates
    drawn = np.empty((len(quarter.choices), replicates), dtype=np.int64)
    for name, rows in quarter.tables():
        key = table_key(quarter.quarter, name)
        for row in range(rows.start, rows.stop):
            drawn[row] = averages(quarter.choices[row], key, replicates)
    at_two_places = quarter.threshold_basis == _PUBLISHED
    variants = {FIXED: segments_by(quarter.cut_points, drawn, at_two_places=at_two_places)}
    if quarter.threshold_basis == _NATIONAL:
        variants[REQUARTILED] = segments_by_own_quartiles(quarter.quantiles, drawn)
    printed = hundredths(drawn).astype(np.int16)
    best = np.array([row["best_segment"] for row in quarter.organisations], dtype=np.int8)
    average = average_ends(drawn, quarter.percentiles)
    found: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
    for variant, segments in variants.items():
        for _, rows in quarter.tables():
            places = Places(segments, printed, best).of(rows)
            found["replicate_outcome"].append(_outcome_rows(quarter, rows, variant, places))
            found["likely_range_end"].append(_end_rows(quarter, rows, variant, places, average))
            if variant == FIXED:
                found["not_told_apart"].append(_not_told_apart_rows(quarter, rows, places))
    return {name: pa.concat_tables(tables) for name, tables in found.items()}


def _outcome_rows(quarter: QuarterDrawn, rows: slice, variant: str, places: Places) -> pa.Table:
    came_up = outcomes(places)
    return _table(
        "replicate_outcome",
        quarter,
        came_up.rows + rows.start,
        variant=pa.repeat(variant, len(came_up.rows)),
        replicates=np.full(len(came_up.rows), quarter.percentiles.replicates),
        unadjusted_segment=came_up.segments,
        adjusted_segment=np.maximum(came_up.segments, places.best_segments[came_up.rows]),
        average_hundredths=came_up.averages,
        times=came_up.times,
    )


def _end_rows(quarter: QuarterDrawn, rows: slice, variant: str, places: Places, average: Ends) -> pa.Table:
    segment = ends_of(places.adjusted, quarter.percentiles)
    rank = ends_of(ranks(places), quarter.percentiles)
    number = rows.stop - rows.start
    return _table(
        "likely_range_end",
        quarter,
        np.arange(rows.start, rows.stop),
        variant=pa.repeat(variant, number),
        replicates=np.full(number, quarter.percentiles.replicates),
        average_low=_decimals(hundredths(average.low[rows]), 2),
        average_high=_decimals(hundredths(average.high[rows]), 2),
        # half of the distance, at four places
        average_mc_error=_decimals((average.spread[rows] + 10**8) // (2 * 10**8), 4),
        segment_low=segment.low,
        segment_high=segment.high,
        rank_low=rank.low,
        rank_high=rank.high,
        rank_mc_error=_decimals(rank.spread * 5, 1),
    )


def _not_told_apart_rows(quarter: QuarterDrawn, rows: slice, places: Places) -> pa.Table:
    """From which rank to which nobody can be told apart from an organisation, itself included, and how many."""
    alike = not_told_apart(places, quarter.told_apart_from)
    rank = np.array([row["rank"] for row in quarter.organisations[rows]], dtype=np.int64)
    return _table(
        "not_told_apart",
        quarter,
        np.arange(rows.start, rows.stop),
        rank_from=np.where(alike, rank, len(rank) + 1).min(axis=1),
        rank_to=np.where(alike, rank, 0).max(axis=1),
        organisations=alike.sum(axis=1) - 1,
    )


def _table(name: str, quarter: QuarterDrawn, rows: Integers, **columns: Any) -> pa.Table:
    """A table of `TABLES`: one row for each of the organisations at `rows`, with the other columns as given."""
    for key in ("table_name", "organisation_code"):
        columns[key] = pa.array([row[key] for row in quarter.organisations]).take(pa.array(rows))
    for key, value in (("quarter", quarter.quarter), ("framework", quarter.framework)):
        columns[key] = pa.repeat(value, len(rows))
    schema = TABLES[name]
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema}, schema)


def _decimals(whole: Integers, places: int) -> list[Decimal]:
    return [Decimal(int(number)).scaleb(-places) for number in whole]


def quarters_to_draw(
    resampled_organisation: Rows, resampled_score: Rows, replicate_cut_point: Rows
) -> Iterator[QuarterDrawn]:
    """Each quarter of the rows of the three tables that are read, in time; the order of the rows doesn't matter."""
    organisations = _sorted(resampled_organisation, "quarter", "table_name", "organisation_code")
    scores = _sorted(resampled_score, "quarter", "table_name", "organisation_code", "choice")
    cut_points = _sorted(replicate_cut_point, "quarter", "segment")
    for quarter in sorted({row["quarter"] for row in organisations}):
        of_quarter, scored, cuts = (
            [row for row in rows if row["quarter"] == quarter] for rows in (organisations, scores, cut_points)
        )
        choices, first = _choices(scored), of_quarter[0]
        yield QuarterDrawn(
            quarter=quarter,
            framework=first["framework"],
            organisations=of_quarter,
            choices=[choices[row["table_name"], row["organisation_code"]] for row in of_quarter],
            cut_points=[row["cut_point_units"] for row in cuts],
            quantiles=[row["quantile"] for row in cuts if row["quantile"] is not None],
            threshold_basis=cuts[0]["threshold_basis"] if cuts else None,
            percentiles=Percentiles(first["replicates"], first["low_percentile"], first["high_percentile"]),
            told_apart_from=first["told_apart_from"],
        )


def _sorted(rows: Rows, *keys: str) -> Rows:
    return sorted(rows, key=lambda row: [row[key] for key in keys])


def _choices(scores: Rows) -> dict[tuple[str, str], Choices]:
    """The choices of every organisation, by table and code, in the order of the rows."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in scores:
        grouped.setdefault((row["table_name"], row["organisation_code"]), []).append(row)
    return {
        (table, code): Choices(
            organisation_code=code,
            weighted_scores=np.repeat(
                np.array([row["weighted_score_units"] for row in rows], dtype=np.int64),
                [row["times"] for row in rows],
            ),
            weights=np.repeat(
                np.array([row["weight_units"] for row in rows], dtype=np.int64),
                [row["times"] for row in rows],
            ),
            draws=len(rows),
        )
        for (table, code), rows in grouped.items()
    }


def _rows(connection: duckdb.DuckDBPyConnection, name: str) -> Rows:
    found = connection.execute(f"select * from {SCHEMA}.{name}").fetchall()
    names = [column[0] for column in connection.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found]
