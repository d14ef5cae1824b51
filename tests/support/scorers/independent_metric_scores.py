"""The metric scores of the second scorer: rules of the framework 2025-26 written out anew, in plain fractions.

The rules are from the methodology manual, not from the project's seeds: where one of those is wrong, the two
scorers differ. Nothing of the project is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

ACUTE, COMMUNITY, AMBULANCE = "acute", "non_acute", "ambulance"
ORGANISATIONS = {ACUTE: 134, COMMUNITY: 61, AMBULANCE: 10}
HALF_OF_LAST_PLACE = Fraction(1, 200)

# metric, domain, which way is better, tables ranked together (A acute, C community, B ambulance; "own" is each
# table by itself), rule: plain 1 to 4; standard: 2 to 4 and 1 for who meets it; floor: 1 to 3 and 4 below it
RANKED = """
OF0003 access        low  A   standard 1
OF0023 access        high A   plain
OF0106 access        high A   standard 0
OF0005 access        low  AC  plain
OF0010 access        high A   standard 80
OF0011 access        high A   standard 75
OF0013 access        high A   standard 78
OF0014 access        low  A   plain
OF0017 access        low  AB  standard 30
OF0041 access        high AC  plain
OF0025 effectiveness low  A   plain
OF0028 effectiveness low  AB  plain
OF0057 effectiveness high AC  floor 70
OF0063 effectiveness low  AC  plain
OF0016 safety        high AC  plain
OF0020 safety        low  A   standard 0
OF0048 safety        low  A   standard 1
OF0088 safety        low  A   standard 1
OF0061 safety        high own plain
OF0082 people        low  ACB plain
OF0084 people        high own plain
OF0085 finance       high A   plain
OF0086 finance       low  CB  plain
"""
SCORE_ONLY = {
    "OF0035": "effectiveness",
    "OF0046": "effectiveness",
    "OF0069": "effectiveness",
    "OF0067": "safety",
}
PLANNED, VARIANCE, COMBINED_FINANCE = "OF0079", "OF0081", "OF0080"
COMBINED = ((1, 1, 2, 3), (2, 2, 3, 4), (2, 3, 3, 4), (2, 3, 4, 4))  # rows: planned score; columns: variance
RANK_IS_OF_THE_SCORE = ("OF0048", "OF0088")  # their published Rank doesn't rank the value
NOT_CONFIRMED = ("OF0017", "OF0028")  # rules that the publisher hasn't stated: its own score goes first


@dataclass(frozen=True)
class Figure:
    """One published figure: its exact value, its unit, and the Rank beside it."""

    value: Fraction
    unit: str
    rank: int | None


@dataclass(frozen=True)
class Rule:
    """How a ranked metric is scored."""

    metric: str
    domain: str
    sign: int
    pool: frozenset[str] | None
    kind: str
    limit: Fraction

    @property
    def ends(self) -> tuple[int, int]:
        """The best and the worst score of those that are ranked."""
        return {"plain": (1, 4), "standard": (2, 4), "floor": (1, 3)}[self.kind]


Figures = Mapping[tuple[str, str, str], Figure]  # by table, organisation and figure


def ranked_rules() -> list[Rule]:
    """The rules of all ranked metrics."""
    tables = {"A": ACUTE, "C": COMMUNITY, "B": AMBULANCE}
    found = []
    for line in RANKED.strip().split("\n"):
        metric, domain, better, pool, kind, *limit = line.split()
        pooled = None if pool == "own" else frozenset(tables[letter] for letter in pool)
        found.append(Rule(metric, domain, 1 if better == "low" else -1, pooled, kind, Fraction(*limit)))
    return found


def metric_scores(figures: Figures) -> dict[tuple[str, str], Fraction]:
    """Every score, by organisation and metric; a pool is complete when all its tables have metrics."""
    loaded = {table for table, _, figure in figures if figure.startswith(("OF0", "OF1"))}
    scores = _banded_scores(figures)
    for rule in ranked_rules():
        for tables in [rule.pool] if rule.pool else [frozenset([table]) for table in ORGANISATIONS]:
            scores |= _ranked_scores(rule, tables, tables <= loaded, figures)
    return scores


def _ranked_scores(
    rule: Rule, tables: frozenset[str], complete: bool, figures: Figures
) -> dict[tuple[str, str], Fraction]:
    """The scores of one metric in one pool, by the best way that prints as the published score."""
    pool = {
        (table, code): figure
        for (table, code, name), figure in figures.items()
        if name == rule.metric and table in tables and not _is_infection_count(name, figure)
    }
    published = {key: _published_score(figures, *key, rule.metric) for key in pool}
    outside = {key: _score_outside_the_ranking(rule, pool[key], published[key]) for key in pool}
    ranked = {key: rule.sign * figure.value for key, figure in pool.items() if outside[key] is None}
    is_rank_of_pool = len(tables) == 1 and rule.metric not in RANK_IS_OF_THE_SCORE
    met = len(pool) - len(ranked) if rule.kind == "standard" else 0
    largest = sum(ORGANISATIONS[table] for table in tables)
    size = len(ranked)
    if not complete:
        size = _grid_size(rule, size, largest, [published[key] for key in ranked]) or 0
    scores = {key: score for key, score in outside.items() if score is not None}
    for key, value in ranked.items():
        shown = published[key]
        best = 1 + sum(other < value for other in ranked.values())
        last = best if pool[key].unit == "count" else sum(other <= value for other in ranked.values())
        if not complete:
            at = _rank_on_grid(rule, size, shown)
            score = shown if at is None or shown in rule.ends else _on_grid(rule, size, at)
        else:
            rank = pool[key].rank
            ways = (rank - met if rank and is_rank_of_pool else None, best, _rank_on_grid(rule, size, shown))
            admitted = [_on_grid(rule, size, way) for way in ways if way is not None and best <= way <= last]
            fitting = (way for way in admitted if shown is None or half_up(way) == shown)
            score = next(fitting, None)
            if score is None:  # the values contradict what is published
                score = shown if rule.metric in NOT_CONFIRMED else _on_grid(rule, size, best)
        if score is not None:
            scores[key] = score
    return {(code, rule.metric): score for (_, code), score in scores.items()}


def _score_outside_the_ranking(rule: Rule, figure: Figure, published: Fraction | None) -> Fraction | None:
    """Who meets the standard scores 1, who fails the floor 4; None for who is ranked.

    The unrounded value counts: one printed on the limit may lie on either side, and its published score tells.
    """
    beyond = rule.sign * (figure.value - rule.limit)  # above 0 is worse than the limit
    may_be_either = beyond == 0 and figure.unit != "count" and published is not None
    if rule.kind == "standard" and (published == 1 if may_be_either else beyond <= 0):
        return published if rule.metric in NOT_CONFIRMED and published is not None else Fraction(1)
    if rule.kind == "floor" and (published == 4 if may_be_either else beyond > 0):
        return Fraction(4)
    return None


def _on_grid(rule: Rule, size: int, rank: int) -> Fraction:
    low, high = rule.ends
    return Fraction(low) if size == 1 else low + Fraction((high - low) * (rank - 1), size - 1)


def _rank_on_grid(rule: Rule, size: int, published: Fraction | None) -> int | None:
    """The rank whose score prints as the published one, if there is one in a pool of this size."""
    if published is None:
        return None
    low, high = rule.ends
    rank = 1 + floor((published - low) * (size - 1) / (high - low) + Fraction(1, 2))
    return rank if 1 <= rank <= size and half_up(_on_grid(rule, size, rank)) == published else None


def _grid_size(rule: Rule, smallest: int, largest: int, published: Sequence[Fraction | None]) -> int | None:
    """The smallest size of the pool on whose grid every published score lies."""
    shown = {score for score in published if score is not None}
    fitting = (
        n for n in range(smallest, largest + 1) if all(_rank_on_grid(rule, n, score) for score in shown)
    )
    return next(fitting, None) if shown else None


def _banded_scores(figures: Figures) -> dict[tuple[str, str], Fraction]:
    """Scores by band of the value, combined finance, and scores that are published without a value."""
    scores: dict[tuple[str, str], Fraction] = {}
    for (table, code, name), figure in figures.items():
        published = _published_score(figures, table, code, name)
        if name in (PLANNED, VARIANCE):
            around = (figure.value, figure.value - HALF_OF_LAST_PLACE, figure.value + HALF_OF_LAST_PLACE)
            bands = [Fraction(_finance_band(name, value)) for value in around]
            scores[code, name] = published if published in bands else bands[0]
        elif _is_infection_count(name, figure):
            scores[code, name] = min(figure.value + 1, Fraction(4))
        elif name.startswith("OF1") and (table, code, "OF0" + name[3:]) not in figures:
            scores[code, "OF0" + name[3:]] = figure.value
    for code in {code for _, code, _ in figures}:
        planned, variance = (scores.get((code, metric)) for metric in (PLANNED, VARIANCE))
        if planned and variance:
            scores[code, COMBINED_FINANCE] = Fraction(COMBINED[int(planned) - 1][int(variance) - 1])
    return scores


def _finance_band(metric: str, value: Fraction) -> int:
    if value >= 0:
        return 1
    if metric == PLANNED:
        return 2 if value > -1 else 3 if value > -2 else 4
    return 2 if value >= Fraction(-1, 2) else 3 if value >= -1 else 4


def _is_infection_count(metric: str, figure: Figure) -> bool:
    return metric in RANK_IS_OF_THE_SCORE and figure.unit == "count"


def _published_score(figures: Figures, table: str, code: str, metric: str) -> Fraction | None:
    figure = figures.get((table, code, "OF1" + metric[3:]))
    return figure.value if figure else None


def half_up(value: Fraction, places: int = 2) -> Fraction:
    """The value rounded to a number of decimal places, halves upwards."""
    return Fraction(floor(value * 10**places + Fraction(1, 2)), 10**places)
