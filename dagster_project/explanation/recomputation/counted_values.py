"""Values at full precision from counted cells: numerator over denominator, rounded as the rules say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dagster_project.explanation.recomputation.counted_cells import CountedCell, CountedFile, Place
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
    """The cells of one organisation's numerator and denominator, and the value that they make."""

    rule: Rule
    parts: Mapping[str, list[SignedCell]]
    value: CountedValue


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
    measures = [each for (metric, _), each in rules.measures.items() if metric == metric_id]
    found = {}
    for code, by_extract in places.items():
        parts: dict[str, list[SignedCell]] = {part: [] for part in PARTS}
        for extract_id, rows in sorted(by_extract.items()):
            file = file_of(extract_id)
            for place in sorted(rows, key=lambda one: (one[0] or "", one[1])):
                cells = file.cells(place, {each["measure"] for each in measures})
                for each in measures:
                    sign = each.number("sign") or Fraction(0)
                    parts[each["part"]] += [SignedCell(cell, sign) for cell in cells[each["measure"]]]
        value = _divided(rule, rules.metrics[metric_id], parts)
        if value is not None:
            found[code] = Count(rule, parts, value)
    return found


def _divided(rule: Rule, metric: Rule, parts: Mapping[str, list[SignedCell]]) -> CountedValue | None:
    numerator, denominator = (added(parts[part]) for part in PARTS)
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
    whole, rest = 0, Fraction(0)
    for one in cells:
        value, sign = one.cell.value, one.sign
        # Counts are whole numbers, which Python adds up in a tenth of the time that fractions take.
        if value.denominator == sign.denominator == 1:
            whole += value.numerator * sign.numerator
        else:
            rest += value * sign
    return whole + rest


def _rounded(value: Fraction, places: int | None) -> Fraction:
    return value if places is None else half_up(value, places)
