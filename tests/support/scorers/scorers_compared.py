"""Compares a published warehouse with the independent scorer: what is different, as lines to read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import duckdb
from independent_scorer import score_quarter

EXACT = Fraction(1, 10**11)


def differences(warehouse: Path, quarter: str, files: Sequence[Path]) -> list[str]:
    """Every score, average, segment, flag and rank of the quarter on which the two don't agree.

    `files` are the data files of the quarter, the oldest publication first.
    """
    expected = score_quarter([file.read_text(encoding="utf-8") for file in files], quarter)
    with duckdb.connect(str(warehouse), read_only=True) as connection:

        def rows(table: str, columns: str) -> list[tuple[object, ...]]:
            query = f"select {columns} from league.{table} where quarter = ?"
            return connection.execute(query, [quarter]).fetchall()

        scores = {
            row[:2]: row[2:]
            for row in rows("metric_score", "organisation_code, metric_id, metric_score_exact")
        }
        domains = {
            row[:2]: row[2:]
            for row in rows("domain_score", "organisation_code, domain, domain_segment, domain_score_exact")
        }
        tables = {
            row[:1]: row[1:]
            for row in rows(
                "league_table",
                "organisation_code, table_name, average_metric_score, metric_count, unadjusted_segment, "
                "financial_override, adjusted_segment, final_segment, rank, average_metric_score_exact",
            )
        }
    expected_domains = {
        key: (expected.domain_segments[key], score) for key, score in expected.domain_scores.items()
    }
    expected_tables = {
        (code,): (
            line.table,
            line.average,
            line.metrics,
            line.unadjusted_segment,
            line.flagged,
            line.adjusted_segment,
            line.final_segment,
            line.rank,
            line.average_exact,
        )
        for code, line in expected.standings.items()
    }
    expected_scores = {key: (score,) for key, score in expected.scores.items()}
    return [
        *_differing("metric score", scores, expected_scores),
        *_differing("domain", domains, expected_domains),
        *_differing("league table", tables, expected_tables),
    ]


def _differing(kind: str, found: dict[tuple, tuple], expected: dict[tuple, tuple]) -> list[str]:
    """The last column agrees to eleven places, the others exactly."""
    assert found, f"no {kind} in the warehouse"
    lines = []
    for key in sorted(found.keys() | expected.keys()):
        mine, other = found.get(key), expected.get(key)
        if (
            mine is None
            or other is None
            or mine[:-1] != other[:-1]
            or abs(Fraction(mine[-1]) - other[-1]) > EXACT
        ):
            lines.append(f"{kind} {' '.join(key)}: the SQL has {mine}, the independent scorer {other}")
    return lines
