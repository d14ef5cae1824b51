"""The movement between two releases worked out anew in plain Python from their CSV files, one trust at a time.

It shares nothing with the SQL: every step makes the whole average or the whole table again and looks at what
it gives. Pools that aren't wholly loaded, and rules that changed, are left out and counted.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

Row = Mapping[str, str]
Key = tuple[str, str]  # organisation, metric
OVERRIDE_SEGMENT = 3
SAME = Fraction(1, 10**11)


@dataclass
class Released:
    """A release's figures: scores and places by organisation, cut-points, terms of each rule."""

    scores: dict[Key, Row]
    places: dict[str, Row]
    cut_points: list[tuple[Fraction, str]]
    rules: dict[Key, dict[str, str]]
    better: dict[str, str]
    enters_at_dp: dict[str, int]
    weight: dict[str, Fraction]

    def __post_init__(self) -> None:
        self._pools: dict[tuple[str, ...], dict[str, Row]] = defaultdict(dict)
        self.organisations_with: dict[str, set[str]] = defaultdict(set)
        for (code, metric), row in self.scores.items():
            self.organisations_with[metric].add(code)
            if row["rank_in_pool"]:
                self._pools[metric, row["unit"], row["pool"]][code] = row

    @classmethod
    def read(cls, folder: Path, quarter: str) -> Released:
        rules = [row | {"terms": terms(row)} for row in rows(folder / "framework_rule.csv")]
        metric = [row["terms"] for row in rules if row["rule_table"] == "metric"]
        return cls(
            scores={
                (row["organisation_code"], row["metric_id"]): row for row in rows(folder / "metric_score.csv")
            },
            places={row["organisation_code"]: row for row in rows(folder / "league_table.csv")},
            cut_points=[
                (Fraction(row["cut_point"]), row["threshold_basis"])
                for row in rows(folder / "segment_threshold.csv")
                if row["figure"] == "OF5002"
            ],
            rules={
                (row["terms"]["metric_id"], row["terms"]["unit"]): row["terms"]
                for row in rules
                if row["rule_table"] == "metric_rule"
            },
            better={row["metric_id"]: row["better"] for row in metric},
            enters_at_dp={
                row["terms"]["metric_id"]: int(row["terms"]["enters_at_dp"])
                for row in rules
                if row["rule_table"] == "enters_at_dp" and row["terms"]["quarter"] == quarter
            },
            weight={
                row["metric_id"]: Fraction(int(row["weight_numerator"]), int(row["weight_denominator"]))
                for row in metric
            },
        )

    def pool(self, score: Row) -> dict[str, Row]:
        """Who is ranked on the score's metric in its pool, by code."""
        return self._pools[score["metric_id"], score["unit"], score["pool"]]

    def key(self, row: Row) -> Decimal:
        """The value turned so that lower is better."""
        return -Decimal(row["value"]) if self.better[row["metric_id"]] == "high" else Decimal(row["value"])

    def segment(self, average: Fraction, flagged: bool) -> int:
        beyond = [
            half_up(average, 2) > cut if basis == "published" else average - cut > SAME
            for cut, basis in self.cut_points
        ]
        segment = 1 + sum(beyond)
        return max(segment, OVERRIDE_SEGMENT) if flagged else segment


@dataclass
class Movement:
    """Changes by (organisation, measure, cause), of metric scores by (organisation, metric, cause)."""

    scores: dict[tuple[str, str, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    places: dict[tuple[str, str, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    left_out: set[Key] = field(default_factory=set)


def movement_between(before: Released, after: Released, own: str) -> Movement:
    """`own` is the cause of an own value that changed: value, or revision."""
    found = Movement()
    stages = {
        (code, metric): stages_of(before, after, code, metric, found)
        for code, metric in before.scores.keys() & after.scores.keys()
        if table(before, code) == table(after, code)
    }
    for (code, metric), (first, ruled, valued, pooled, last) in stages.items():
        named = (("rule", ruled - first), (own, valued - ruled), ("pool", pooled - valued))
        for cause, change in (*named, ("others_moved", last - pooled)):
            found.scores[code, metric, cause] += change
    averages = {
        code: averages_of(before, after, code, stages)
        for code in before.places.keys() & after.places.keys()
        if table(before, code) == table(after, code)
    }
    causes = ("metric_out", "rule", own, "pool", "others_moved", "metric_in")
    for code, steps in averages.items():
        for cause, (one, other) in zip(causes, pairwise(steps), strict=True):
            found.places[code, "average_metric_score", cause] += other - one
        moved = places_of(before, after, code, steps)
        cut_points = "rule" if "threshold" in {basis for _, basis in after.cut_points} else "cut_points"
        all_causes = (*causes, cut_points, "override", "organisations", "others_moved")
        for cause, (one_place, other_place) in zip(all_causes, pairwise(moved), strict=True):
            found.places[code, "adjusted_segment", cause] += other_place[0] - one_place[0]
            found.places[code, "rank", cause] += other_place[1] - one_place[1]
    return found


def stages_of(before: Released, after: Released, code: str, metric: str, found: Movement) -> list[Fraction]:
    """The score as it was, by the new rule, with the own new value, in the new pool, and as it is."""
    old, new = before.scores[code, metric], after.scores[code, metric]
    first, last = Fraction(old["metric_score_exact"]), Fraction(new["metric_score_exact"])
    rule = after.rules[metric, new["unit"]]
    if old["unit"] != new["unit"]:
        return [first, last, last, last, last]
    if rule != before.rules[metric, old["unit"]]:
        found.left_out.add((code, metric))
        return [first, first, first, first, last]
    if not new["rank_in_pool"]:  # a band, a matrix, published, or taken out before ranking
        return [first, first, last, last, last]
    was, now = before.pool(old), after.pool(new)
    if len(was) != int(old["pool_size"] or len(was)) or len(now) != int(new["pool_size"]) or not was:
        found.left_out.add((code, metric))
        return [first, first, first, first, last]
    mine = after.key(new)
    others = {other: after.key(row) for other, row in was.items() if other != code}
    if code in was and after.key(old) == mine:
        rank, size = int(old["rank_in_pool"]), int(old["pool_size"])
    else:
        rank, size = 1 + better(others.values(), mine), 1 + len(others)
    valued = first if (rank, size) == place(old) and code in was else grid(rule, rank, size)
    came = [after.key(row) for other, row in now.items() if other not in before.organisations_with[metric]]
    went = [key for other, key in others.items() if other not in after.organisations_with[metric]]
    if not came and not went:
        return [first, first, valued, valued, last]
    size += len(came) - len(went)
    rank = max(1, min(rank + better(came, mine) - better(went, mine), size))
    return [first, first, valued, grid(rule, rank, size), last]


def averages_of(
    before: Released, after: Released, code: str, stages: Mapping[Key, list[Fraction]]
) -> list[Fraction]:
    """The average as it was, without what left, by the new rules and weights, with own values, in new pools,
    with the others' values, and as it is."""
    was = entering(before, code)
    now = entering(after, code)
    both = sorted(was.keys() & now.keys())

    def common(weights: Mapping[str, Fraction], scores: Iterable[Fraction]) -> Fraction:
        weighed = [(weights[metric], score) for metric, score in zip(both, scores, strict=True)]
        return sum((weight * score for weight, score in weighed), Fraction()) / sum(w for w, _ in weighed)

    def rounded(stage: int) -> list[Fraction]:
        found = []
        for metric in both:
            places, score = after.enters_at_dp.get(metric), stages[code, metric][stage]
            if score == stages[code, metric][-1]:
                found.append(now[metric])
            else:
                found.append(score if places is None else half_up(score, places))
        return found

    return [
        Fraction(before.places[code]["average_metric_score_exact"]),
        common(before.weight, (was[metric] for metric in both)),
        *(common(after.weight, rounded(stage)) for stage in (1, 2, 3)),
        common(after.weight, (now[metric] for metric in both)),
        Fraction(after.places[code]["average_metric_score_exact"]),
    ]


def places_of(
    before: Released, after: Released, code: str, averages: list[Fraction]
) -> list[tuple[int, int]]:
    """Adjusted segment and rank of one trust after each step, the table made again each time."""
    was_flagged = flagged(before.places[code])
    mine_before, mine = before.places[code], after.places[code]
    same_table = {c: row for c, row in before.places.items() if row["table_name"] == mine["table_name"]}
    standing = {
        other: (int(row["adjusted_segment"]), Fraction(row["average_metric_score"]))
        for other, row in same_table.items()
    }
    moved_cuts = {
        other: (
            after.segment(Fraction(row["average_metric_score_exact"]), flagged(row)),
            Fraction(row["average_metric_score"]),
        )
        for other, row in same_table.items()
    }
    now = {
        other: (int(row["adjusted_segment"]), Fraction(row["average_metric_score"]))
        for other, row in after.places.items()
        if row["table_name"] == mine["table_name"]
    }
    in_and_out = {other: moved_cuts.get(other, place) for other, place in now.items()}
    steps = [(before.segment(average, was_flagged), half_up(average, 2)) for average in averages[1:]]
    found = [(int(mine_before["adjusted_segment"]), int(mine_before["rank"]))]
    found += [ranked(step, standing, code) for step in steps]
    found.append(
        ranked((after.segment(averages[-1], was_flagged), half_up(averages[-1], 2)), moved_cuts, code)
    )
    found.append(ranked(now[code], moved_cuts, code))
    found.append(ranked(now[code], in_and_out, code))
    found.append((int(mine["adjusted_segment"]), int(mine["rank"])))
    return found


def ranked(
    mine: tuple[int, Fraction], others: Mapping[str, tuple[int, Fraction]], code: str
) -> tuple[int, int]:
    return mine[0], 1 + sum(place < mine for other, place in others.items() if other != code)


def entering(release: Released, code: str) -> dict[str, Fraction]:
    return {
        metric: Fraction(row["score_entering_average"])
        for (other, metric), row in release.scores.items()
        if other == code and row["enters_average"] == "true"
    }


def half_up(number: Fraction, places: int) -> Fraction:
    """Settled at ten places first: thirds and ranks can lie on a half that twelve places don't show."""
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    settled = exact.quantize(Decimal(1).scaleb(-10), ROUND_HALF_UP)
    return Fraction(settled.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def grid(rule: Mapping[str, str], rank: int, size: int) -> Fraction:
    best, worst = int(rule["score_best"]), int(rule["score_worst"])
    return Fraction(best) if size == 1 else best + Fraction((worst - best) * (rank - 1), size - 1)


def better(keys: Iterable[Decimal], mine: Decimal) -> int:
    return sum(key < mine for key in keys)


def place(row: Row) -> tuple[int, int]:
    return int(row["rank_in_pool"] or 0), int(row["pool_size"] or 0)


def flagged(row: Row) -> bool:
    return row["financial_override"] == "true"


def table(release: Released, code: str) -> str:
    return release.places[code]["table_name"]


def terms(row: Row) -> dict[str, str]:
    return dict(term.split("=", 1) for term in row["rule_terms"].split("; "))


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
