"""Checks a rule set: are its rows well-formed and consistent, and what is still unknown of each framework?"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any

from dagster_project.errors import ExitCode, InputMissing, WrongUsage
from dagster_project.methodology.rule_set import STATES, Row, RuleSet, column_types, read_rules
from dagster_project.quarters import Quarter

LIKELY_RANGE_TABLE = "likely_range_parameter"
_LIKELY_RANGE_NUMBERS = (
    "replicates",
    "low_percentile",
    "high_percentile",
    "told_apart_from",
    "published_average_tolerance",
    "published_rank_tolerance",
)
_LIKELY_RANGE_CHOICES = {"part_weights_enter": ("equal_chance", "chance_by_weight", "as_one")}
RANKED_RULES = ("plain", "standard", "floor")
_NEEDED_TABLES = (
    "domain",
    "metric",
    "metric_applicability",
    "metric_rule",
    "expected_organisations",
    "segment_boundary",
    "framework_parameter",
    LIKELY_RANGE_TABLE,
    "average_tolerance",
)
_NEEDED_PARAMETERS = (
    "override_no_better_than_segment",
    "rank_average_dp",
    "published_score_dp",
    "weight_common_denominator",
    "recovery_support_segment",
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a framework's rules, or not known; says where and what to do."""

    framework: str
    table: str
    text: str

    def __str__(self) -> str:
        return f"{self.table}.csv, framework {self.framework}: {self.text}"


def faults(rules: RuleSet) -> list[Finding]:
    """What is wrong: text that isn't of its column's type, names that lead nowhere, bands with holes."""
    found = [*_badly_typed(rules)]
    if found:
        return found
    for framework in rules.frameworks:
        found += _leading_nowhere(rules, framework)
        found += _incomplete_rules(rules, framework)
        found += _band_holes(rules, framework)
        found += _matrix_holes(rules, framework)
        found += _boundaries_out_of_order(rules, framework)
    return found


def sound_rules(rules_dir: Path | None) -> RuleSet:
    """The rules in force; raises WrongUsage listing what is wrong with them."""
    rules = read_rules(rules_dir)
    found = faults(rules)
    if found:
        listed = "\n".join(f"  - {finding}" for finding in found)
        raise WrongUsage(
            f"The rules are not consistent:\n{listed}\nMend them; `league rules check DIR` checks again."
        )
    return rules


def unknowns(rules: RuleSet, framework: str) -> list[Finding]:
    """What a framework still lacks before a quarter can be scored by it."""
    found = [
        Finding(framework, table, "no row; this table is needed")
        for table in _NEEDED_TABLES
        if not rules.rows(table, framework)
    ]
    for row in rules.rows("segment_boundary", framework):
        if not row["quantile"] and not row["threshold"]:
            where = f"{row['applies_to']} score, end of segment {row['segment']}"
            found.append(Finding(framework, "segment_boundary", f"the threshold of the {where} is not known"))
    for row in rules.rows("expected_organisations", framework):
        if not row["organisations"]:
            text = f"the number of organisations in the table {row['table_name']} is not known"
            found.append(Finding(framework, "expected_organisations", text))
    values = {row["parameter"]: row["value"] for row in rules.rows("framework_parameter", framework)}
    for parameter in _NEEDED_PARAMETERS:
        if not values.get(parameter):
            found.append(Finding(framework, "framework_parameter", f"{parameter} is not known"))
    for text in _unknown_of_likely_ranges(rules, framework):
        found.append(Finding(framework, LIKELY_RANGE_TABLE, text))
    return found


def framework_for(quarter: Quarter, rules: RuleSet, *, is_sample: bool) -> str:
    """The framework that scores a quarter; the fictional sample may use one of its own.

    Raises InputMissing, naming what is missing, where no complete framework holds in the quarter.
    """
    rows = rules.frameworks_of(quarter)
    own = [row["framework"] for row in rows if row["sample_only"] == "true"]
    usual = [row["framework"] for row in rows if row["sample_only"] != "true"]
    chosen = (own + usual) if is_sample else usual
    if not chosen:
        covered = ", ".join(
            f"{row['framework']} ({row['from_quarter']} to {row['to_quarter']})"
            for row in rules.tables["framework"].rows
        )
        raise InputMissing(
            f"No framework holds in {quarter}. There are: {covered}. Supply one with --rules DIR."
        )
    missing = unknowns(rules, chosen[0])
    if missing:
        listed = "\n".join(f"  - {finding}" for finding in missing)
        raise InputMissing(
            f"{quarter} is scored by the framework {chosen[0]}, whose rules are not complete:\n{listed}\n"
            "Supply the missing rows with --rules DIR (`league rules check DIR` says what is still unknown)."
        )
    return chosen[0]


def _badly_typed(rules: RuleSet) -> Iterator[Finding]:
    for table in rules.tables.values():
        types = column_types(table.name)
        for line, row in enumerate(table.rows, 2):
            for column, value in row.items():
                expected = _expected_type(types.get(column, "varchar"), value)
                if expected:
                    text = f"line {line}, column {column}: expected {expected}, found {value!r}"
                    yield Finding(row.get("framework", "?"), table.name, text)
            if row.get("state") not in STATES:
                text = f"line {line}, column state: expected one of {', '.join(STATES)}, found {row.get('state')!r}"
                yield Finding(row.get("framework", "?"), table.name, text)


def _expected_type(sql_type: str, value: str) -> str | None:
    """What was expected where `value` isn't of the type; None where it is."""
    if not value or sql_type == "varchar":
        return None
    if sql_type == "boolean":
        return None if value in ("true", "false") else "true or false"
    try:
        number = Decimal(value)
    except InvalidOperation:
        return "a number"
    if not number.is_finite():
        return "a finite number"
    return "a whole number" if sql_type == "integer" and number != number.to_integral_value() else None


def _leading_nowhere(rules: RuleSet, framework: str) -> Iterator[Finding]:
    metrics = {row["metric_id"] for row in rules.rows("metric", framework)}
    domains = {row["domain"] for row in rules.rows("domain", framework)}
    for row in rules.rows("metric", framework):
        if row["domain"] not in domains:
            yield Finding(framework, "metric", f"{row['metric_id']}: no domain {row['domain']} in domain.csv")
    for table in ("metric_applicability", "metric_rule", "metric_pool", "rule_band", "enters_at_dp"):
        for row in rules.rows(table, framework):
            if row["metric_id"] not in metrics:
                yield Finding(framework, table, f"{row['metric_id']} isn't in metric.csv")
    seen: set[tuple[str, ...]] = set()
    for row in rules.rows("metric", framework):
        key = (row["metric_id"],)
        if key in seen:
            yield Finding(framework, "metric", f"{row['metric_id']} stands twice")
        seen.add(key)


def _incomplete_rules(rules: RuleSet, framework: str) -> Iterator[Finding]:
    ruled: dict[str, list[Row]] = {}
    for row in rules.rows("metric_rule", framework):
        ruled.setdefault(row["metric_id"], []).append(row)
    pooled = {(row["metric_id"], row["table_name"]) for row in rules.rows("metric_pool", framework)}
    for metric in rules.rows("metric", framework):
        if metric["metric_id"] not in ruled:
            yield Finding(framework, "metric_rule", f"{metric['metric_id']} has no rule")
    for applies in rules.rows("metric_applicability", framework):
        key = (applies["metric_id"], applies["table_name"])
        is_ranked = any(row["rule"] in RANKED_RULES for row in ruled.get(key[0], []))
        if is_ranked and key not in pooled:
            yield Finding(framework, "metric_pool", f"{key[0]} has no pool for the table {key[1]}")
    for rows in ruled.values():
        for row in rows:
            yield from _incomplete_rule(framework, row)


def _incomplete_rule(framework: str, row: Row) -> Iterator[Finding]:
    needed = {
        "plain": ("score_best", "score_worst"),
        "standard": ("score_best", "score_worst", "standard", "score_if_met"),
        "floor": ("score_best", "score_worst", "standard", "score_if_failed"),
        "band": (),
        "matrix": (),
        "published": (),
    }
    if row["rule"] not in needed:
        text = f"{row['metric_id']}: expected a rule among {', '.join(needed)}, found {row['rule']!r}"
        yield Finding(framework, "metric_rule", text)
        return
    for column in needed[row["rule"]]:
        if not row[column]:
            yield Finding(
                framework, "metric_rule", f"{row['metric_id']}: the rule {row['rule']} needs {column}"
            )


def _band_holes(rules: RuleSet, framework: str) -> Iterator[Finding]:
    """Bands of a metric and unit must cover the line once: each ends where the next one starts."""
    bands: dict[tuple[str, str], list[Row]] = {}
    for row in rules.rows("rule_band", framework):
        if row["band_kind"] == "value":
            bands.setdefault((row["metric_id"], row["unit"]), []).append(row)
    for (metric_id, unit), rows in bands.items():
        if unit == "count":
            continue
        ordered = sorted(rows, key=lambda row: Decimal(row["lower_bound"] or "-Infinity"))
        if ordered[0]["lower_bound"] or ordered[-1]["upper_bound"]:
            yield Finding(framework, "rule_band", f"{metric_id}: the outermost bands must have no bound")
        for below, above in pairwise(ordered):
            meets = Decimal(below["upper_bound"] or "NaN") == Decimal(above["lower_bound"] or "NaN")
            if not meets or below["upper_inclusive"] == above["lower_inclusive"]:
                text = f"{metric_id}: the bands of scores {below['score']} and {above['score']} leave a hole or overlap"
                yield Finding(framework, "rule_band", text)


def _matrix_holes(rules: RuleSet, framework: str) -> Iterator[Finding]:
    if not any(row["rule"] == "matrix" for row in rules.rows("metric_rule", framework)):
        return
    given = {
        (row["planned_score"], row["variance_score"]) for row in rules.rows("combined_finance", framework)
    }
    for planned in "1234":
        for variance in "1234":
            if (planned, variance) not in given:
                text = f"no combined score for planned {planned} and variance {variance}"
                yield Finding(framework, "combined_finance", text)


def _boundaries_out_of_order(rules: RuleSet, framework: str) -> Iterator[Finding]:
    for applies_to in ("average", "domain"):
        rows = [row for row in rules.rows("segment_boundary", framework) if row["applies_to"] == applies_to]
        if rows and sorted(row["segment"] for row in rows) != ["1", "2", "3"]:
            text = f"{applies_to}: expected one row for each of the segments 1, 2 and 3"
            yield Finding(framework, "segment_boundary", text)
        for column in ("quantile", "threshold"):
            ends = [
                Decimal(row[column]) for row in sorted(rows, key=lambda row: row["segment"]) if row[column]
            ]
            if ends != sorted(set(ends)):
                yield Finding(
                    framework, "segment_boundary", f"{applies_to}: {column}s must rise with the segment"
                )


def check_rules(rules_dir: Path | None) -> dict[str, Any]:
    """Faults, and per framework what is unknown and what is assumed; exit code 2 for faults, 3 for unknowns.

    With `rules_dir` only the frameworks that it names decide the exit code.
    """
    rules = read_rules(rules_dir)
    wrong = faults(rules)
    named = _named_in(rules_dir) or set(rules.frameworks)
    frameworks = [
        {
            "framework": framework,
            "unknown": [str(finding) for finding in unknowns(rules, framework)],
            "assumptions": sum(
                row["state"] == "assumption" for table in rules.tables.values() for row in table.of(framework)
            ),
        }
        for framework in rules.frameworks
        if framework in named
    ]
    code = ExitCode.DONE
    if any(framework["unknown"] for framework in frameworks) and rules_dir is not None:
        code = ExitCode.INPUT_MISSING
    if wrong:
        code = ExitCode.WRONG_USAGE
    return {"faults": [str(finding) for finding in wrong], "frameworks": frameworks, "exit_code": int(code)}


def _named_in(rules_dir: Path | None) -> set[str]:
    if rules_dir is None:
        return set()
    return {
        row.get("framework", "")
        for file in sorted(rules_dir.glob("*.csv"))
        for row in csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())
    }


def _unknown_of_likely_ranges(rules: RuleSet, framework: str) -> Iterator[str]:
    """What a framework's rows lack; nothing of a framework that has none at all, which is found elsewhere."""
    rows = {row["parameter"]: row for row in rules.rows(LIKELY_RANGE_TABLE, framework)}
    if not rows:
        return
    for parameter in _LIKELY_RANGE_NUMBERS:
        if parameter not in rows or not rows[parameter]["number"]:
            yield f"{parameter} is not known"
    for parameter, choices in _LIKELY_RANGE_CHOICES.items():
        found = rows[parameter]["choice"] if parameter in rows else ""
        if found not in choices:
            yield f"{parameter}: expected one of {', '.join(choices)}, found {found!r}"
