"""Values at full precision from counted cells: numerator over denominator, rounded as the rules say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

from dagster_project.explanation.recomputation.counted_cells import CountedCell, CountedFile, Place, exact_sum
from dagster_project.explanation.recomputation.exact import half_up
from dagster_project.explanation.recomputation.measured import CountedValue
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule

PARTS = ("numerator", "denominator")


@dataclass(frozen=True)
class SignedCell:
    """A cell with the sign that it enters the sum with."""

    cell: CountedCell
    sign: Fraction


@dataclass(frozen=True)
class Count:
    """What one organisation's counted cells make: its value, and `cells` that finds them by part."""

    rule: Rule
    value: CountedValue
    cells: Callable[[], Mapping[str, list[SignedCell]]]

    @cached_property
    def parts(self) -> Mapping[str, list[SignedCell]]:
        """The cells of numerator and denominator: of the one who is asked for, not of all that are ranked."""
        return self.cells()


def metrics_from_counts(rules: FrameworkRules, sources: Iterable[str]) -> dict[str, Rule]:
    """The metrics whose values a statistic among `sources` can replace, with the rule of how."""
    there = set(sources)
    return {
        metric_id: rule
        for metric_id, of_metric in rules.statistics.items()
        for rule in of_metric
        if rule["source"] in there and rule.whole("precedence") == 1
    }


def count_metric(
    file_of: Callable[[str], CountedFile],
    extracts: Mapping[str, Mapping[str, Any]],
    rules: FrameworkRules,
    metric_id: str,
    rule: Rule,
    lineage: Iterable[Mapping[str, Any]],
) -> dict[str, Count]:
    """By organisation code, what the cells at the rows of `lineage` (the metric's inputs) add up to."""
    places: dict[str, dict[str, set[Place]]] = defaultdict(lambda: defaultdict(set))
    for row in lineage:
        if extracts[row["extract_id"]]["source"] == rule["source"]:
            places[row["organisation_code"]][row["extract_id"]].add((row["sheet"], row["source_row"]))
    measures = [
        _Signed(each["part"], each["measure"], each.number("sign") or Fraction(0))
        for (metric, _), each in rules.measures.items()
        if metric == metric_id
    ]
    found = {}
    for code, by_extract in places.items():
        rows = [
            (file_of(extract_id), _in_order(of_file)) for extract_id, of_file in sorted(by_extract.items())
        ]
        numerator, denominator = (
            exact_sum(
                file.total(of_file, one.measure) * one.sign
                for file, of_file in rows
                for one in measures
                if one.part == part
            )
            for part in PARTS
        )
        value = _divided(rule, rules.metrics[metric_id], numerator, denominator)
        if value is not None:
            found[code] = Count(rule, value, partial(_cells, rows, measures))
    return found


def _in_order(places: Iterable[Place]) -> list[Place]:
    """Rows by sheet and line."""
    return sorted(places, key=lambda one: (one[0] or "", one[1]))


@dataclass(frozen=True)
class _Signed:
    """Which part a measure's cells count towards, and with which sign."""

    part: str
    measure: str
    sign: Fraction


def _cells(
    rows: Sequence[tuple[CountedFile, Sequence[Place]]], measures: Sequence[_Signed]
) -> dict[str, list[SignedCell]]:
    """By part, each cell with its sign, in the order of the rows."""
    parts: dict[str, list[SignedCell]] = {part: [] for part in PARTS}
    for file, places in rows:
        for place in places:
            cells = file.cells(place, {one.measure for one in measures})
            for one in measures:
                parts[one.part] += [SignedCell(cell, one.sign) for cell in cells[one.measure]]
    return parts


def _divided(rule: Rule, metric: Rule, numerator: Fraction, denominator: Fraction) -> CountedValue | None:
    if denominator <= 0:
        return None
    ratio = ratio_of(rule, numerator, denominator)
    ranked = _rounded(_rounded(ratio, rule.whole("first_rounding_dp")), rule.whole("ranked_at_dp"))
    return CountedValue(
        source=rule["source"],
        numerator=numerator,
        denominator=denominator,
        rank_value=ranked,
        printed=_rounded(ranked, metric.whole("value_dp")),
    )


def ratio_of(rule: Rule, numerator: Fraction, denominator: Fraction) -> Fraction:
    """numerator x multiplier / (denominator x divisor)."""
    return numerator * Fraction(rule["multiplier"]) / (denominator * Fraction(rule["divisor"]))


def added(cells: Iterable[SignedCell]) -> Fraction:
    """The sum of the cells, each with its sign."""
    return exact_sum(one.cell.value * one.sign for one in cells)


def _rounded(value: Fraction, places: int | None) -> Fraction:
    return value if places is None else half_up(value, places)
