"""Checks the parameters of likely ranges: is each of them known, and is a choice one that there is?"""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.methodology.rule_set import RuleSet

LIKELY_RANGE_TABLE = "likely_range_parameter"
_NUMBERS = (
    "replicates",
    "low_percentile",
    "high_percentile",
    "told_apart_from",
    "published_average_tolerance",
    "published_rank_tolerance",
)
_CHOICES = {"part_weights_enter": ("equal_chance", "chance_by_weight", "as_one")}


def unknown_of_likely_ranges(rules: RuleSet, framework: str) -> Iterator[str]:
    """What a framework's rows lack; nothing of a framework that has none at all, which is found elsewhere."""
    rows = {row["parameter"]: row for row in rules.rows(LIKELY_RANGE_TABLE, framework)}
    if not rows:
        return
    for parameter in _NUMBERS:
        if parameter not in rows or not rows[parameter]["number"]:
            yield f"{parameter} is not known"
    for parameter, choices in _CHOICES.items():
        found = rows[parameter]["choice"] if parameter in rows else ""
        if found not in choices:
            yield f"{parameter}: expected one of {', '.join(choices)}, found {found!r}"
