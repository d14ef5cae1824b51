"""A quarter's truth as the publisher scores it: by the rules of the seeds and the reference scorer of `explain`.

How a score comes about isn't here (explanation.recomputation); what the publisher prints beside it is.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dagster_project.errors import InputMissing
from dagster_project.explanation.recomputation.exact import competition_ranks, linear_percentiles
from dagster_project.explanation.recomputation.measured import Measured, Organisation
from dagster_project.explanation.recomputation.metric_scores import RANKED, MetricScore, MetricScores
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule, framework_rules
from dagster_project.explanation.recomputation.standings import (
    OVERALL,
    OVERRIDE,
    PROGRAMME,
    Average,
    Standing,
    Standings,
)
from dagster_project.quarters import Quarter
from dagster_project.settings import METHODOLOGY_DIR

_RULES = (
    "combined_finance", "domain", "enters_at_dp", "expected_organisations", "framework_parameter", "matrix_input",
    "metric", "metric_applicability", "metric_pool", "metric_rule", "rule_band", "segment_boundary",
)  # fmt: skip
_MEDIAN_AND_QUARTILES = (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4))


@dataclass(frozen=True)
class MetricPlace:
    """Beside a value: its rank in the table, the table's median and quartiles, all of unrounded values."""

    rank: int
    median: Fraction
    lower_quartile: Fraction
    upper_quartile: Fraction


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
    """Every score of one quarter; organisations in the order in which they were first measured.

    `places` are those of values, by code and metric.
    """

    metric_scores: tuple[MetricScore, ...]
    places: Mapping[tuple[str, str], MetricPlace]
    organisations: Mapping[str, OrganisationScore]
    average_cut_points: tuple[Fraction, ...]


def load_framework(quarter: Quarter, folder: Path = METHODOLOGY_DIR) -> FrameworkRules:
    """The rules that score sample data of `quarter`: those of a sample-only framework before the official one's.

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
    found = {
        seed: [_rule(row) for row in seed_rows(folder, seed) if row["framework"] == chosen["framework"]]
        for seed in _RULES
    }
    return framework_rules(chosen["framework"], str(quarter), {"framework": [_rule(chosen)], **found})


def seed_rows(folder: Path, seed: str) -> Iterator[dict[str, str]]:
    """The rows of one seed, in the order of the file."""
    with (folder / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _rule(row: dict[str, str]) -> Rule:
    return Rule(row, row["state"], row["source"])


def score_quarter(
    framework: FrameworkRules,
    measured: Sequence[Measured],
    *,
    overridden: Collection[str] = (),
    in_recovery: Collection[str] = (),
) -> ScoredQuarter:
    """Scores what was measured in a quarter, all tables being there.

    `overridden` holds the codes flagged by the financial override, `in_recovery` those in the Recovery
    Support Programme. Raises ValueError for what the rules give no score, and for a segment without an end.
    """
    by_metric: dict[str, dict[Organisation, Measured]] = defaultdict(dict)
    by_organisation: dict[Organisation, list[str]] = defaultdict(list)
    derived = _derived(framework, measured)
    for one in (*measured, *derived):
        by_metric[one.metric_id][one.organisation] = one
        by_organisation[one.organisation].append(one.metric_id)
    scores = MetricScores(framework, lambda metric_id: by_metric.get(metric_id, {}), framework.tables)
    published = {(one, OVERRIDE): Fraction(one[1] in overridden) for one in by_organisation}
    published |= {(one, PROGRAMME): Fraction(one[1] in in_recovery) for one in by_organisation}
    standings = Standings(
        scores, by_organisation.__getitem__, list(by_organisation), published, framework.tables
    )
    metric_scores = [_score(scores, one) for one in (*_pool_by_pool(framework, measured), *derived)]
    return ScoredQuarter(
        metric_scores=tuple(metric_scores),
        places=places_in_table(metric_scores),
        organisations=_organisations(standings),
        average_cut_points=_cut_points(standings) if standings.ranked else (),
    )


def _derived(framework: FrameworkRules, measured: Iterable[Measured]) -> list[Measured]:
    """What a matrix makes of two metrics, for each organisation that has both."""
    matrix = framework.matrix_metric()
    if matrix is None:
        return []
    needed = {rule["input_metric_id"] for rule in framework.matrix_inputs.values()}
    there: dict[Organisation, set[str]] = defaultdict(set)
    for one in measured:
        if one.metric_id in needed:
            there[one.organisation].add(one.metric_id)
    metric = framework.metrics[matrix]
    return [Measured(one, metric, metric["unit"]) for one, found in there.items() if found == needed]


def _pool_by_pool(framework: FrameworkRules, measured: Iterable[Measured]) -> list[Measured]:
    """What isn't ranked first, then the pools in the order in which they appear.

    The draws of the likely ranges, and so the sample's bytes, follow this order.
    """
    order: dict[tuple[str, str, str], int] = {}

    def place(one: Measured) -> int:
        rule = framework.metric_rules.get((one.metric_id, one.unit))
        pool = framework.pools.get((one.metric_id, one.organisation[0]))
        if rule is None or pool is None or rule["rule"] not in RANKED:
            return 0
        return order.setdefault((one.metric_id, one.unit, pool["pool"]), len(order) + 1)

    return sorted(measured, key=place)


def _score(scores: MetricScores, one: Measured) -> MetricScore:
    found = scores.of(one.organisation, one.metric_id)
    if found is None:
        raise ValueError(_why_unscored(scores.rules, one))
    return found


def _why_unscored(framework: FrameworkRules, one: Measured) -> str:
    table, code = one.organisation
    rule = framework.metric_rules.get((one.metric_id, one.unit))
    if rule is None:
        return f"{framework.framework} has no rule for {one.metric_id} in {one.unit}"
    if rule["rule"] == "matrix":
        return f"{one.metric_id} is derived (matrix), not measured"
    if rule["rule"] == "published":
        return f"{one.metric_id} of {code} has no published score"
    if one.value is None:
        return f"{one.metric_id} of {code} has no value"
    if rule["rule"] == "band":
        return f"no band holds {one.value}, the {one.metric_id} of {code}"
    return f"{framework.framework} has no pool for {one.metric_id} in {table}"


def places_in_table(scores: Iterable[MetricScore]) -> dict[tuple[str, str], MetricPlace]:
    """Rank, median and quartiles of every value, by (code, metric).

    The rank counts those that meet a standard too. Where the publisher ranks scores instead of values
    (infections, counts and rates together), so does this.
    """
    groups: dict[tuple[str, str], list[tuple[MetricScore, Fraction]]] = defaultdict(list)
    for score in scores:
        one = score.measured
        if one.value is not None:
            groups[one.metric_id, one.organisation[0]].append((score, one.value))
    places: dict[tuple[str, str], MetricPlace] = {}
    for (metric_id, _), members in groups.items():
        metric, values = members[0][0].measured.metric, [value for _, value in members]
        if metric["published_rank_of"] == "score":
            ranks = competition_ranks([score.exact for score, _ in members], better="low")
        else:
            ranks = competition_ranks(values, better=metric["better"])
        beside = linear_percentiles(values, _MEDIAN_AND_QUARTILES)
        for (score, _), rank in zip(members, ranks, strict=True):
            places[score.measured.organisation[1], metric_id] = MetricPlace(rank, *beside)
    return places


def _cut_points(standings: Standings, domain: str = OVERALL) -> tuple[Fraction, ...]:
    values = []
    for cut in standings.cut_points(domain):
        if cut.value is None:
            what = domain or "average"
            raise ValueError(
                f"{standings.rules.framework} has no boundary for segment {cut.segment} ({what})"
            )
        values.append(cut.value)
    return tuple(values)


def _organisations(standings: Standings) -> dict[str, OrganisationScore]:
    found = [standing for one in standings.organisations if (standing := standings.standing(one)) is not None]
    average_ranks = _ranks_in_table({one.organisation: one.average for one in found})
    domains = _domain_scores(standings)
    return {
        one.organisation[1]: _organisation(standings, one, average_ranks, domains[one.organisation])
        for one in found
    }


def _organisation(
    standings: Standings,
    one: Standing,
    average_ranks: Mapping[Organisation, int],
    domains: Mapping[str, DomainScore],
) -> OrganisationScore:
    table, code = one.organisation
    assert one.in_programme is not None
    assert one.final_segment is not None
    return OrganisationScore(
        organisation=code,
        table=table,
        average=one.average.exact,
        metric_count=len(one.average.terms),
        unadjusted_segment=one.unadjusted_segment,
        override=one.override.flagged,
        adjusted_segment=one.adjusted_segment,
        in_recovery=one.in_programme,
        final_segment=one.final_segment,
        rank=standings.rank(one),
        average_rank=average_ranks[one.organisation],
        domains=domains,
    )


def _domain_scores(standings: Standings) -> dict[Organisation, dict[str, DomainScore]]:
    """By organisation and domain; ranks are those within the table."""
    found: dict[Organisation, dict[str, DomainScore]] = {one: {} for one in standings.organisations}
    for domain in standings.rules.domains:
        averages = {
            one: average
            for one in standings.organisations
            if (average := standings.average(one, domain)) is not None
        }
        if averages:
            _cut_points(standings, domain)
        ranks = _ranks_in_table(averages)
        for one, average in averages.items():
            segment = standings.segment(one, domain)
            assert segment is not None
            found[one][domain] = DomainScore(average.exact, segment, ranks[one])
    return found


def _ranks_in_table(averages: Mapping[Organisation, Average]) -> dict[Organisation, int]:
    """Competition ranks of averages at two places within each table, the lowest first."""
    members: dict[str, list[Organisation]] = defaultdict(list)
    for one in averages:
        members[one[0]].append(one)
    ranks: dict[Organisation, int] = {}
    for organisations in members.values():
        places = competition_ranks([averages[one].rounded for one in organisations], better="low")
        ranks.update(zip(organisations, places, strict=True))
    return ranks
