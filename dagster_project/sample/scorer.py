"""The plain-Python scorer behind the sample's figures: averages, segments and ranks, in exact fractions.

It shares nothing with the SQL, so that each checks the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dagster_project.quarters import Quarter
from dagster_project.sample.exact_order import competition_ranks, half_up, linear_percentile
from dagster_project.sample.framework_rules import Framework
from dagster_project.sample.metric_scoring import (
    Measurement,
    MetricPlace,
    MetricScore,
    places_in_table,
    score_metrics,
)


@dataclass(frozen=True)
class DomainScore:
    """One organisation's exact score in one domain, its segment, and its rank in the table at 2 dp."""

    score: Fraction
    segment: int
    rank: int


@dataclass(frozen=True)
class OrganisationScore:
    """What a league table says of one organisation.

    `average` is exact; `rank` is the league-table rank, segment first; `average_rank` ignores segment.
    """

    organisation: str
    table: str
    average: Fraction
    metric_count: int
    unadjusted_segment: int
    override: bool
    adjusted_segment: int
    in_recovery: bool
    final_segment: int
    rank: int
    average_rank: int
    domains: Mapping[str, DomainScore]


@dataclass(frozen=True)
class ScoredQuarter:
    """Every score of one quarter; organisations in the order in which they were first measured."""

    metric_scores: tuple[MetricScore, ...]
    places: Mapping[tuple[str, str], MetricPlace]
    organisations: Mapping[str, OrganisationScore]
    average_cut_points: tuple[Fraction, ...]


def score_quarter(
    framework: Framework,
    quarter: Quarter,
    measurements: Sequence[Measurement],
    *,
    overridden: Collection[str] = (),
    in_recovery: Collection[str] = (),
) -> ScoredQuarter:
    """Scores a quarter from its measurements over all tables.

    `overridden` holds the codes flagged by the financial override, `in_recovery` those in the Recovery
    Support Programme. Raises ValueError for a measurement that the framework has no rule or pool for.
    """
    metric_scores = score_metrics(framework, measurements)
    table_of: dict[str, str] = {m.organisation: m.table for m in measurements}
    counted = _scores_that_count(framework, quarter, metric_scores)
    averages = {code: weighted_mean(counted[code].values()) for code in table_of if counted.get(code)}
    cuts = cut_points(framework, "average", list(averages.values()))
    unadjusted = {code: segment_of(score, cuts) for code, score in averages.items()}
    worst_allowed = framework.parameters["override_no_better_than_segment"]
    adjusted = {
        code: adjusted_segment(segment, code in overridden, worst_allowed)
        for code, segment in unadjusted.items()
    }
    at_rank_dp = {
        code: half_up(score, framework.parameters["rank_average_dp"]) for code, score in averages.items()
    }
    league_key = {code: adjusted[code] * 10 + at_rank_dp[code] for code in averages}
    ranks = _ranks_by_table(league_key, table_of)
    average_ranks = _ranks_by_table(at_rank_dp, table_of)
    domains = _domain_scores(framework, counted, table_of)
    recovery_segment = framework.parameters["recovery_support_segment"]
    organisations = {
        code: OrganisationScore(
            organisation=code,
            table=table_of[code],
            average=average,
            metric_count=len(counted[code]),
            unadjusted_segment=unadjusted[code],
            override=code in overridden,
            adjusted_segment=adjusted[code],
            in_recovery=code in in_recovery,
            final_segment=recovery_segment if code in in_recovery else adjusted[code],
            rank=ranks[code],
            average_rank=average_ranks[code],
            domains=domains.get(code, {}),
        )
        for code, average in averages.items()
    }
    places = places_in_table(framework, metric_scores)
    return ScoredQuarter(tuple(metric_scores), places, organisations, cuts)


def weighted_mean(scores_and_weights: Collection[tuple[Fraction, Fraction]]) -> Fraction:
    """The exact mean of (score, weight) pairs; raises ZeroDivisionError when there are none."""
    total = sum((score * weight for score, weight in scores_and_weights), Fraction(0))
    return total / sum((weight for _, weight in scores_and_weights), Fraction(0))


def cut_points(framework: Framework, applies_to: str, scores: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The upper ends of segments 1, 2 and 3 for `average` or `domain`: quantiles of `scores`, or thresholds.

    Raises ValueError when the framework leaves one of them unknown.
    """
    cuts = []
    for boundary in framework.boundaries[applies_to]:
        if boundary.threshold is not None:
            cuts.append(boundary.threshold)
        elif boundary.quantile is not None:
            cuts.append(linear_percentile(scores, boundary.quantile))
        else:
            raise ValueError(
                f"{framework.name} has no boundary for segment {boundary.segment} ({applies_to})"
            )
    return tuple(cuts)


def segment_of(score: Fraction, cuts: Sequence[Fraction]) -> int:
    """1 at or below the first cut-point, one more for each cut-point exceeded; compares exact scores."""
    return 1 + sum(score > cut for cut in cuts)


def adjusted_segment(unadjusted: int, overridden: bool, no_better_than: int) -> int:
    """The segment after the financial override, which can only make it worse."""
    return max(unadjusted, no_better_than) if overridden else unadjusted


def _scores_that_count(
    framework: Framework, quarter: Quarter, metric_scores: Sequence[MetricScore]
) -> dict[str, dict[str, tuple[Fraction, Fraction]]]:
    """By organisation and metric, the score as it enters averages, and its weight."""
    counted: dict[str, dict[str, tuple[Fraction, Fraction]]] = {}
    for each in metric_scores:
        metric = framework.metrics[each.measurement.metric_id]
        if not metric.enters_average:
            continue
        places = framework.enters_at_dp.get((str(quarter), metric.metric_id))
        score = each.score if places is None else half_up(each.score, places)
        counted.setdefault(each.measurement.organisation, {})[metric.metric_id] = (score, metric.weight)
    return counted


def _domain_scores(
    framework: Framework,
    counted: Mapping[str, Mapping[str, tuple[Fraction, Fraction]]],
    table_of: Mapping[str, str],
) -> dict[str, dict[str, DomainScore]]:
    """By organisation and domain; segments over all tables together, ranks within the table."""
    result: dict[str, dict[str, DomainScore]] = {}
    dp = framework.parameters["published_score_dp"]
    for domain in framework.domains:
        scores: dict[str, Fraction] = {}
        for code in table_of:
            inside = [
                pair
                for metric_id, pair in counted.get(code, {}).items()
                if framework.metrics[metric_id].domain == domain.domain
            ]
            if inside:
                scores[code] = weighted_mean(inside)
        if not scores:
            continue
        cuts = cut_points(framework, "domain", list(scores.values()))
        ranks = _ranks_by_table({code: half_up(score, dp) for code, score in scores.items()}, table_of)
        for code, score in scores.items():
            result.setdefault(code, {})[domain.domain] = DomainScore(
                score, segment_of(score, cuts), ranks[code]
            )
    return result


def _ranks_by_table(keys: Mapping[str, Fraction], table_of: Mapping[str, str]) -> dict[str, int]:
    """Competition ranks within each table, the lowest key first."""
    members: dict[str, list[str]] = {}
    for code in keys:
        members.setdefault(table_of[code], []).append(code)
    ranks: dict[str, int] = {}
    for codes in members.values():
        places = competition_ranks([keys[code] for code in codes], better="low")
        ranks.update(zip(codes, places, strict=True))
    return ranks
