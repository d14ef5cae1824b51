"""Whether the causes of a movement sum to what the released tables of two releases say changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from independent_movement import Row, rows

Change = dict[tuple[str, str, str, str], Decimal]


def figures_of(release: Path) -> Change:
    """What moves, by table, organisation, measure and metric, from the released tables themselves."""
    found = {
        (row["table_name"], row["organisation_code"], "metric_score", row["metric_id"]): row[
            "metric_score_exact"
        ]
        for row in rows(release / "metric_score.csv")
    }
    for row in rows(release / "league_table.csv"):
        place = (row["table_name"], row["organisation_code"])
        found[*place, "average_metric_score", ""] = row["average_metric_score_exact"]
        found[*place, "adjusted_segment", ""] = row["adjusted_segment"]
        found[*place, "rank", ""] = row["rank"]
    return {key: Decimal(figure) for key, figure in found.items()}


def added_up(movement: list[Row]) -> Change:
    """The changes of all causes together."""
    found: Change = defaultdict(Decimal)
    for row in movement:
        metric = row["metric_id"] if row["measure"] == "metric_score" else ""
        found[row["table_name"], row["organisation_code"], row["measure"], metric] += Decimal(row["change"])
    return found


def assert_causes_sum_to_the_total(movement: list[Row], before: Path, after: Path) -> None:
    was, now, moved = figures_of(before), figures_of(after), added_up(movement)
    both = was.keys() & now.keys()
    assert {key[1] for key in both}
    assert moved.keys() <= both
    for key in both:
        assert moved.get(key, Decimal(0)) == now[key] - was[key], key


def told_by(answer: Mapping[str, Any]) -> list[Row]:
    """The changes that `league diff --json` tells, as rows of the table `movement`."""
    told: list[Row] = []
    for one in answer["movements"]:
        named = {name: one[name] for name in ("table_name", "organisation_code")}
        subjects = [("metric_score", score["metric_id"], score) for score in one["metric_scores"]]
        subjects += [
            (m, "", one[m]) for m in ("average_metric_score", "adjusted_segment", "rank") if m in one
        ]
        for measure, metric, moved in subjects:
            about = {**named, "measure": measure, "metric_id": metric}
            told += [
                {**about, "cause": cause["cause"], "change": cause["change"]} for cause in moved["causes"]
            ]
    return told
