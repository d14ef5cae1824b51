"""Metric scores by rule (plain, standard, floor, band, matrix, published), and places within a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dagster_project.sample.exact_order import competition_ranks, linear_percentile
from dagster_project.sample.framework_rules import Band, Framework, MetricRule

PLANNED = "OF0079"
VARIANCE = "OF0081"
COMBINED_FINANCE = "OF0080"


@dataclass(frozen=True)
class Measurement:
    """What was measured for one organisation: an exact value, or a score where only that is published.

    `unit` is canonical (percent, rate, count, band ...), as in the seed `metric_rule`.
    """

    organisation: str
    table: str
    metric_id: str
    unit: str
    value: Fraction | None = None
    score: Fraction | None = None


@dataclass(frozen=True)
class MetricScore:
    """The exact score of one measurement, 1 best to 4 worst."""

    measurement: Measurement
    score: Fraction


@dataclass(frozen=True)
class MetricPlace:
    """Beside a value: its rank in the table, the table's median and quartiles, all of unrounded values."""

    rank: int
    median: Fraction
    lower_quartile: Fraction
    upper_quartile: Fraction


def score_metrics(framework: Framework, measurements: Sequence[Measurement]) -> list[MetricScore]:
    """Every measurement's score, pools formed over all tables given, and combined finance added.

    Raises ValueError when a measurement has no rule, no pool or no value that its rule needs.
    """
    pooled: dict[tuple[str, str, str], list[Measurement]] = {}
    scores: list[MetricScore] = []
    for measurement in measurements:
        rule = _rule_of(framework, measurement)
        if rule.rule in ("plain", "standard", "floor"):
            key = (measurement.metric_id, measurement.unit, _pool_of(framework, measurement))
            pooled.setdefault(key, []).append(measurement)
        elif rule.rule == "band":
            bands = framework.bands[measurement.metric_id, measurement.unit]
            scores.append(MetricScore(measurement, band_score(bands, _value_of(measurement))))
        elif rule.rule == "published":
            if measurement.score is None:
                raise ValueError(
                    f"{measurement.metric_id} of {measurement.organisation} has no published score"
                )
            scores.append(MetricScore(measurement, measurement.score))
        else:
            raise ValueError(f"{measurement.metric_id} is derived ({rule.rule}), not measured")
    for (metric_id, unit, _), members in pooled.items():
        rule = framework.rules[metric_id, unit]
        values = [_value_of(member) for member in members]
        exact = pool_scores(rule, values, better=framework.metrics[metric_id].better)
        scores.extend(MetricScore(member, score) for member, score in zip(members, exact, strict=True))
    return [*scores, *_combined_finance(framework, scores)]


def pool_scores(rule: MetricRule, values: Sequence[Fraction], *, better: str) -> list[Fraction]:
    """The scores of one pool: who meets the standard or fails the floor is taken out, the rest are ranked."""
    fixed = [_score_outside_ranking(rule, value, better) for value in values]
    ranked = [value for value, score in zip(values, fixed, strict=True) if score is None]
    ranks = iter(competition_ranks(ranked, better=better))
    best, worst = rule.score_best, rule.score_worst
    if best is None or worst is None:
        raise ValueError(f"a {rule.rule} rule needs its best and its worst score")
    steps = max(len(ranked) - 1, 1)
    return [best + (worst - best) * (next(ranks) - 1) / steps if score is None else score for score in fixed]


def band_score(bands: Iterable[Band], value: Fraction) -> Fraction:
    """The score of the band that holds `value`; raises ValueError when none does."""
    for band in bands:
        if band.holds(value):
            return band.score
    raise ValueError(f"no band holds {value}")


def places_in_table(
    framework: Framework, scores: Sequence[MetricScore]
) -> dict[tuple[str, str], MetricPlace]:
    """Rank, median and quartiles of every published value, by (organisation, metric).

    The rank counts those that meet a standard too. Where the publisher ranks scores instead of values
    (infections, counts and rates together), so does this.
    """
    groups: dict[tuple[str, str], list[MetricScore]] = {}
    for score in scores:
        if score.measurement.value is not None:
            groups.setdefault((score.measurement.metric_id, score.measurement.table), []).append(score)
    places: dict[tuple[str, str], MetricPlace] = {}
    for (metric_id, _), members in groups.items():
        metric = framework.metrics[metric_id]
        values = [_value_of(member.measurement) for member in members]
        if metric.published_rank_of == "score":
            ranks = competition_ranks([member.score for member in members], better="low")
        else:
            ranks = competition_ranks(values, better=metric.better)
        median, lower, upper = (linear_percentile(values, Fraction(quarters, 4)) for quarters in (2, 1, 3))
        for member, rank in zip(members, ranks, strict=True):
            places[member.measurement.organisation, metric_id] = MetricPlace(rank, median, lower, upper)
    return places


def _score_outside_ranking(rule: MetricRule, value: Fraction, better: str) -> Fraction | None:
    """The fixed score of a value that isn't ranked, None for one that is."""
    if rule.rule == "plain":
        return None
    if rule.standard is None:
        raise ValueError(f"a {rule.rule} rule needs its standard")
    reaches = value <= rule.standard if better == "low" else value >= rule.standard
    if rule.rule == "standard":
        return rule.score_if_met if reaches else None
    return None if reaches else rule.score_if_failed


def _combined_finance(framework: Framework, scores: Iterable[MetricScore]) -> list[MetricScore]:
    """Combined finance of every organisation that has both a planned and a variance score."""
    by_metric: dict[str, dict[str, MetricScore]] = {PLANNED: {}, VARIANCE: {}}
    for score in scores:
        if score.measurement.metric_id in by_metric:
            by_metric[score.measurement.metric_id][score.measurement.organisation] = score
    combined = []
    for organisation, planned in by_metric[PLANNED].items():
        variance = by_metric[VARIANCE].get(organisation)
        if variance is not None:
            measurement = Measurement(organisation, planned.measurement.table, COMBINED_FINANCE, "score")
            cell = framework.combined_finance[planned.score, variance.score]
            combined.append(MetricScore(measurement, cell))
    return combined


def _rule_of(framework: Framework, measurement: Measurement) -> MetricRule:
    rule = framework.rules.get((measurement.metric_id, measurement.unit))
    if rule is None:
        raise ValueError(f"{framework.name} has no rule for {measurement.metric_id} in {measurement.unit}")
    return rule


def _pool_of(framework: Framework, measurement: Measurement) -> str:
    pool = framework.pools.get((measurement.metric_id, measurement.table))
    if pool is None:
        raise ValueError(f"{framework.name} has no pool for {measurement.metric_id} in {measurement.table}")
    return pool


def _value_of(measurement: Measurement) -> Fraction:
    if measurement.value is None:
        raise ValueError(f"{measurement.metric_id} of {measurement.organisation} has no value")
    return measurement.value
