"""Two small releases made by hand or at random, and the movement between them by the project's compiled SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_NAME
from dagster_project.warehouse.dbt_project import SHARED, DbtProject

BEFORE, AFTER = "2025-26-Q1", "2025-26-Q2"
PLAIN, STANDARD, BAND, PUBLISHED = "OF0001", "OF0002", "OF0003", "OF0004"
METRICS = (PLAIN, STANDARD, BAND, PUBLISHED)
THIRDS = 3

Values = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class SmallRelease:
    """Values by organisation and metric. PLAIN is better low, from 1 to 4; STANDARD better high, 1 where met,
    else 2 to 4; BAND scores 1 from 0 up, else 4; PUBLISHED is its own score. STANDARD weighs `third` thirds."""

    values: Values
    standard: int = 5
    third: int = 1
    flagged: frozenset[str] = frozenset()
    cut_points: Sequence[str] = ("1.6", "2.2", "2.9")
    extract_id: str = "f1"
    scores: dict[tuple[str, str], tuple[Fraction, int | None, int | None, bool | None]] = field(
        default_factory=dict, init=False
    )

    def __post_init__(self) -> None:
        for metric in METRICS:
            values = {code: found[metric] for code, found in self.values.items() if metric in found}
            met = {code for code, value in values.items() if metric == STANDARD and value >= self.standard}
            ranked = {code: value for code, value in values.items() if code not in met}
            for code, value in values.items():
                self.scores[code, metric] = self._score(metric, value, code in met, list(ranked.values()))

    def _score(
        self, metric: str, value: int, met: bool, ranked: list[int]
    ) -> tuple[Fraction, int | None, int | None, bool | None]:
        if metric == BAND:
            return Fraction(1 if value >= 0 else 4), None, None, None
        if metric == PUBLISHED:
            return Fraction(value), None, None, None
        if met:
            return Fraction(1), None, None, True
        better = sum(other < value if metric == PLAIN else other > value for other in ranked)
        best = 1 if metric == PLAIN else 2
        step = Fraction((4 - best) * better, len(ranked) - 1) if len(ranked) > 1 else 0
        return best + Fraction(step), better + 1, len(ranked), False if metric == STANDARD else None

    def average(self, code: str) -> Fraction:
        weighed = [
            (self._weight(metric), Fraction(exact(score[0])))
            for (other, metric), score in self.scores.items()
            if other == code
        ]
        return sum((weight * score for weight, score in weighed), Fraction()) / sum(w for w, _ in weighed)

    def _weight(self, metric: str) -> int:
        return self.third if metric == STANDARD else THIRDS

    def segment(self, code: str) -> int:
        beyond = sum(
            Decimal(exact(self.average(code))) - Decimal(cut) > Decimal("1e-11") for cut in self.cut_points
        )
        return max(1 + beyond, 3) if code in self.flagged else 1 + beyond

    def place(self, code: str) -> tuple[int, Decimal]:
        return self.segment(code), rounded(self.average(code))

    def tables(self, quarter: str, release_id: str) -> dict[str, list[dict[str, Any]]]:
        """Rows of the released tables that movement reads."""
        stamps = {"quarter": quarter, "release_id": release_id, "is_sample": True}
        codes = sorted(self.values)
        placed = [
            {
                "table_name": "acute",
                "organisation_code": code,
                "average_metric_score": str(rounded(self.average(code))),
                "average_metric_score_exact": exact(self.average(code)),
                "financial_override": code in self.flagged,
                "adjusted_segment": self.segment(code),
                "rank": 1 + sum(self.place(other) < self.place(code) for other in codes),
            }
            for code in codes
        ]
        scored = [
            {
                "table_name": "acute",
                "organisation_code": code,
                "metric_id": metric,
                "value": None if metric == PUBLISHED else str(self.values[code][metric]),
                "unit": "percent",
                "rule": _RULES[metric],
                "pool": "acute" if metric in (PLAIN, STANDARD) else None,
                "pool_size": size,
                "rank_in_pool": rank,
                "standard_met": met,
                "metric_score_exact": exact(score),
                "score_entering_average": exact(score),
                "enters_average": True,
            }
            for (code, metric), (score, rank, size, met) in self.scores.items()
        ]
        metrics = [
            {
                "metric_id": metric,
                "better": _BETTER[metric],
                "weight_numerator": self._weight(metric),
                "weight_denominator": THIRDS,
            }
            for metric in METRICS
        ]
        cut_points = [
            {"figure": "OF5002", "segment": n, "cut_point": cut, "threshold_basis": "national_quartiles"}
            for n, cut in enumerate(self.cut_points, start=1)
        ]
        found = {
            "league_table": placed,
            "metric_score": scored,
            "metric": metrics,
            "segment_threshold": cut_points,
            "extract": [{"extract_id": self.extract_id}],
            "framework_rule": self._rules(),
        }
        return {table: [stamps | row for row in rows] for table, rows in found.items()}

    def _rules(self) -> list[dict[str, str]]:
        standard = {STANDARD: self.standard}
        best = {PLAIN: 1, STANDARD: 2}
        rules = [
            (
                "metric_rule",
                f"{metric} percent",
                "",
                f"metric_id={metric}; unit=percent; rule={_RULES[metric]}; standard={standard.get(metric, '')}; "
                f"score_best={best.get(metric, '')}; score_worst={4 if metric in best else ''}; "
                f"score_if_met={1 if metric in standard else ''}; score_if_failed=",
            )
            for metric in METRICS
        ]
        rules += [("metric", m, "", f"metric_id={m}; better={_BETTER[m]}; unit=percent") for m in METRICS]
        for score, low, high in ((1, "0", ""), (4, "", "0")):
            terms = f"lower_bound={low}; lower_inclusive=true; upper_bound={high}; upper_inclusive=false; score={score}"
            rules.append(
                (
                    "rule_band",
                    f"{BAND} percent {score}",
                    "",
                    f"metric_id={BAND}; unit=percent; band_kind=value; {terms}",
                )
            )
        for name, value in (("weight_common_denominator", THIRDS), ("override_no_better_than_segment", 3)):
            rules.append(("framework_parameter", name, str(value), f"parameter={name}; value={value}"))
        names = ("rule_table", "rule_key", "rule_value", "rule_terms")
        return [dict(zip(names, rule, strict=True)) for rule in rules]


_RULES = {PLAIN: "plain", STANDARD: "standard", BAND: "band", PUBLISHED: "published"}
_BETTER = {PLAIN: "low", STANDARD: "high", BAND: "high", PUBLISHED: "none"}
_KINDS = {
    **dict.fromkeys(("average_metric_score_exact", "metric_score_exact"), "decimal(18, 12)"),
    **dict.fromkeys(("score_entering_average", "cut_point"), "decimal(18, 12)"),
    **dict.fromkeys(("is_sample", "financial_override", "enters_average", "standard_met"), "boolean"),
    **dict.fromkeys(("adjusted_segment", "rank", "pool_size", "rank_in_pool", "segment"), "integer"),
    **dict.fromkeys(("weight_numerator", "weight_denominator"), "integer"),
    "average_metric_score": "decimal(18, 2)",
    "value": "decimal(18, 6)",
}


class CompiledMovement:
    """The movement models, compiled once; `between` puts their results into tables of the same names."""

    def __init__(self, folder: Path) -> None:
        project = DbtProject(DBT_PROJECT_DIR, folder / "parsed", SHARED)
        warehouse = folder / f"{WAREHOUSE_NAME}.duckdb"
        project.build(
            "compile", ["movement", "movement_total", "test_name:shares_add_up"], warehouse, threads=1
        )
        compiled = {path.stem: path.read_text("utf-8") for path in folder.glob("**/compiled/**/*.sql")}
        self._models = {name: compiled[name] for name in ("movement", "movement_total")}
        (self._shares_add_up,) = (sql for name, sql in compiled.items() if name.startswith("shares_add_up"))
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute(f"attach ':memory:' as {WAREHOUSE_NAME}; use {WAREHOUSE_NAME}")
        self.connection.execute("create schema league; create schema insight")

    def between(
        self, before: SmallRelease, after: SmallRelease, *, quarter: str = AFTER
    ) -> dict[tuple[str, str, str | None, str], Decimal]:
        """Changes by organisation, measure, metric and cause."""
        one, other = before.tables(BEFORE, "a"), after.tables(quarter, "b")
        for table in one:
            self._land(f"league.{table}", [*one[table], *other[table]])
        pair = {"quarter": quarter, "release_id": "b", "is_sample": True}
        self._land("insight.release_pair", [pair | {"quarter_before": BEFORE, "release_id_before": "a"}])
        for name, sql in self._models.items():
            self.connection.execute(f"create or replace table league.{name} as {sql}")
        rows = self.connection.execute(
            "select organisation_code, measure, metric_id, cause, change from league.movement"
        ).fetchall()
        return {(code, measure, metric, cause): change for code, measure, metric, cause, change in rows}

    def differences_from_the_whole(self) -> list[tuple[Any, ...]]:
        """What the data test `shares_add_up` finds in the tables as they stand."""
        return self.connection.execute(self._shares_add_up).fetchall()

    def _land(self, name: str, rows: list[dict[str, Any]]) -> None:
        kinds = ", ".join(f"{column} {_KINDS.get(column, 'varchar')}" for column in rows[0])
        self.connection.execute(f"create or replace table {name} ({kinds})")
        marks = ", ".join("?" for _ in rows[0])
        self.connection.executemany(
            f"insert into {name} values ({marks})", [list(row.values()) for row in rows]
        )


def exact(number: Fraction) -> str:
    """As DuckDB keeps it: twelve places."""
    return str((Decimal(number.numerator) / number.denominator).quantize(Decimal("1e-12"), ROUND_HALF_UP))


def rounded(number: Fraction) -> Decimal:
    return Decimal(exact(number)).quantize(Decimal("1e-10")).quantize(Decimal("0.01"), ROUND_HALF_UP)
