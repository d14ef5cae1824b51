"""A framework's rules as plain Python values, read from the methodology seeds for the sample's scorer."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.settings import METHODOLOGY_DIR


@dataclass(frozen=True)
class Metric:
    """One metric of a framework; `weight` is its weight in averages, `value_dp` its published places."""

    metric_id: str
    name: str
    domain: str
    better: str
    unit: str
    value_dp: int | None
    period: str
    published_rank_of: str
    score_only: bool
    enters_average: bool
    weight: Fraction


@dataclass(frozen=True)
class MetricRule:
    """How a metric in one unit is scored: plain, standard, floor, band, matrix or published."""

    rule: str
    standard: Fraction | None = None
    score_best: Fraction | None = None
    score_worst: Fraction | None = None
    score_if_met: Fraction | None = None
    score_if_failed: Fraction | None = None


@dataclass(frozen=True)
class Band:
    """Values between two bounds (None is open-ended) that share a score."""

    lower: Fraction | None
    lower_inclusive: bool
    upper: Fraction | None
    upper_inclusive: bool
    score: Fraction

    def holds(self, value: Fraction) -> bool:
        above = self.lower is None or value > self.lower or (self.lower_inclusive and value == self.lower)
        below = self.upper is None or value < self.upper or (self.upper_inclusive and value == self.upper)
        return above and below


@dataclass(frozen=True)
class SegmentBoundary:
    """The upper end of a segment: a quantile of all scores, or a fixed threshold."""

    segment: int
    quantile: Fraction | None
    threshold: Fraction | None


@dataclass(frozen=True)
class Domain:
    """A domain with the publisher's ids of its score and its segment."""

    domain: str
    name: str
    score_figure: str
    segment_figure: str


@dataclass(frozen=True)
class Framework:
    """Every rule the scorer needs, keyed as the seeds are."""

    name: str
    segmentation_method: str
    metrics: Mapping[str, Metric]
    rules: Mapping[tuple[str, str], MetricRule]
    bands: Mapping[tuple[str, str], tuple[Band, ...]]
    pools: Mapping[tuple[str, str], str]
    tables_of_metric: Mapping[str, tuple[str, ...]]
    combined_finance: Mapping[tuple[Fraction, Fraction], Fraction]
    boundaries: Mapping[str, tuple[SegmentBoundary, ...]]
    domains: tuple[Domain, ...]
    enters_at_dp: Mapping[tuple[str, str], int]
    parameters: Mapping[str, int]
    expected_organisations: Mapping[str, int]


def load_framework(quarter: Quarter, folder: Path = METHODOLOGY_DIR) -> Framework:
    """The framework that scores sample data of `quarter`, a sample-only one before the official one.

    Raises InputMissing when no framework in `folder` covers the quarter.
    """
    covering = [
        row
        for row in seed_rows(folder, "framework")
        if row["from_quarter"] <= str(quarter) <= row["to_quarter"]
    ]
    if not covering:
        raise InputMissing(f"No framework in {folder} covers {quarter}; supply its rules with --rules")
    chosen = next((row for row in covering if row["sample_only"] == "true"), covering[0])
    name = chosen["framework"]

    def rows(seed: str) -> list[dict[str, str]]:
        return [row for row in seed_rows(folder, seed) if row["framework"] == name]

    return Framework(
        name=name,
        segmentation_method=chosen["segmentation_method"],
        metrics={row["metric_id"]: _metric(row) for row in rows("metric")},
        rules={(row["metric_id"], row["unit"]): _rule(row) for row in rows("metric_rule")},
        bands=_bands(rows("rule_band")),
        pools={(row["metric_id"], row["table_name"]): row["pool"] for row in rows("metric_pool")},
        tables_of_metric=_tables_of_metric(rows("metric_applicability")),
        combined_finance={
            (Fraction(row["planned_score"]), Fraction(row["variance_score"])): Fraction(row["combined_score"])
            for row in rows("combined_finance")
        },
        boundaries=_boundaries(rows("segment_boundary")),
        domains=tuple(
            Domain(row["domain"], row["domain_name"], row["score_figure"], row["segment_figure"])
            for row in rows("domain")
        ),
        enters_at_dp={
            (row["quarter"], row["metric_id"]): int(row["enters_at_dp"]) for row in rows("enters_at_dp")
        },
        parameters={
            row["parameter"]: int(row["value"]) for row in rows("framework_parameter") if row["value"]
        },
        expected_organisations={
            row["table_name"]: int(row["organisations"])
            for row in rows("expected_organisations")
            if row["from_quarter"] <= str(quarter) <= row["to_quarter"]
        },
    )


def seed_rows(folder: Path, seed: str) -> Iterator[dict[str, str]]:
    """The rows of one seed, in the order of the file."""
    with (folder / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _number(text: str) -> Fraction | None:
    return Fraction(text) if text else None


def _metric(row: dict[str, str]) -> Metric:
    return Metric(
        metric_id=row["metric_id"],
        name=row["metric_name"],
        domain=row["domain"],
        better=row["better"],
        unit=row["unit"],
        value_dp=int(row["value_dp"]) if row["value_dp"] else None,
        period=row["period"],
        published_rank_of=row["published_rank_of"],
        score_only=row["score_only"] == "true",
        enters_average=row["enters_average"] == "true",
        weight=Fraction(int(row["weight_numerator"]), int(row["weight_denominator"])),
    )


def _rule(row: dict[str, str]) -> MetricRule:
    return MetricRule(
        rule=row["rule"],
        standard=_number(row["standard"]),
        score_best=_number(row["score_best"]),
        score_worst=_number(row["score_worst"]),
        score_if_met=_number(row["score_if_met"]),
        score_if_failed=_number(row["score_if_failed"]),
    )


def _bands(rows: list[dict[str, str]]) -> dict[tuple[str, str], tuple[Band, ...]]:
    bands: dict[tuple[str, str], tuple[Band, ...]] = {}
    for row in rows:
        if row["band_kind"] != "value":
            continue
        band = Band(
            lower=_number(row["lower_bound"]),
            lower_inclusive=row["lower_inclusive"] == "true",
            upper=_number(row["upper_bound"]),
            upper_inclusive=row["upper_inclusive"] == "true",
            score=Fraction(row["score"]),
        )
        key = (row["metric_id"], row["unit"])
        bands[key] = (*bands.get(key, ()), band)
    return bands


def _tables_of_metric(rows: list[dict[str, str]]) -> dict[str, tuple[str, ...]]:
    tables: dict[str, tuple[str, ...]] = {}
    for row in rows:
        tables[row["metric_id"]] = (*tables.get(row["metric_id"], ()), row["table_name"])
    return tables


def _boundaries(rows: list[dict[str, str]]) -> dict[str, tuple[SegmentBoundary, ...]]:
    boundaries: dict[str, tuple[SegmentBoundary, ...]] = {}
    for row in rows:
        boundary = SegmentBoundary(int(row["segment"]), _number(row["quantile"]), _number(row["threshold"]))
        found = (*boundaries.get(row["applies_to"], ()), boundary)
        boundaries[row["applies_to"]] = tuple(sorted(found, key=lambda each: each.segment))
    return boundaries
