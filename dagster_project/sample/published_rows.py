"""The rows of a data file: every figure of a scored quarter and table, worded and rounded as published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dagster_project.explanation.recomputation.exact import half_up_units
from dagster_project.explanation.recomputation.measured import score_figure
from dagster_project.explanation.recomputation.metric_scores import MetricScore
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule
from dagster_project.quarters import Quarter
from dagster_project.sample.organisations import Organisation
from dagster_project.sample.published_wording import (
    SUB_DOMAINS,
    SUMMARY_FIGURES,
    description,
    reporting_date,
)
from dagster_project.sample.scored_quarter import MetricPlace, OrganisationScore, ScoredQuarter

LAST_RECOVERY_QUARTER = Quarter(2025, 2)
_PUBLISHED_UNITS = {"minutes": "mins", "index": "percent", "band": "score"}


@dataclass(frozen=True)
class DataRow:
    """One row of a data file without its quarter and identity.

    `wording`: Domain, Sub-domain, Metric_ID, Metric_description, Reporting_date. `unit`: as published, with
    `percent` for what some files write `%`. `figures`: Value, Median_value, Lower_quartile, Upper_quartile,
    Rank.
    """

    organisation: Organisation
    wording: Sequence[str]
    unit: str
    figures: Sequence[str]


def data_rows(
    framework: FrameworkRules,
    quarter: Quarter,
    table: str,
    scored: ScoredQuarter,
    organisations: Mapping[str, Organisation],
) -> list[DataRow]:
    """Every row of one table and quarter: values, scores, domains, then the summary figures."""
    results = sorted(
        (each for each in scored.organisations.values() if each.table == table),
        key=lambda each: each.organisation,
    )
    by_metric: dict[str, list[MetricScore]] = {}
    for score in scored.metric_scores:
        if score.measured.organisation[0] == table:
            by_metric.setdefault(score.measured.metric_id, []).append(score)
    for members in by_metric.values():
        members.sort(key=lambda each: each.measured.organisation)
    rows: list[DataRow] = []
    for metric_id in sorted(by_metric):
        rows.extend(_value_rows(framework, quarter, by_metric[metric_id], scored.places, organisations))
    for metric_id in sorted(by_metric):
        rows.extend(_score_rows(framework, quarter, by_metric[metric_id], scored.places, organisations))
    rows.extend(_domain_rows(framework, quarter, table, results, organisations))
    rows.extend(_summary_rows(quarter, table, results, organisations))
    return rows


def as_published(value: Fraction, places: int) -> str:
    """Rounded half-up, without closing zeros but with one decimal: 2.4, 17.0, 0.0."""
    units = half_up_units(value, places)
    digits = str(abs(units)).rjust(places + 1, "0")
    whole, decimals = digits[: len(digits) - places], digits[len(digits) - places :]
    return f"{'-' if units < 0 else ''}{whole}.{decimals.rstrip('0') or '0'}"


def _value_rows(
    framework: FrameworkRules,
    quarter: Quarter,
    members: Sequence[MetricScore],
    places: Mapping[tuple[str, str], MetricPlace],
    organisations: Mapping[str, Organisation],
) -> Iterator[DataRow]:
    metric = members[0].measured.metric
    wording = _metric_wording(framework, metric, quarter, metric["metric_id"])
    beside: list[str] | None = None
    for each in members:
        one, (_, code) = each.measured, each.measured.organisation
        if one.value is None:
            continue
        place = places[code, one.metric_id]
        if beside is None:
            spread = (place.median, place.lower_quartile, place.upper_quartile)
            beside = [as_published(value, 2) for value in spread]
        shown = as_published(one.value, metric.whole("value_dp") or 0)
        unit = _PUBLISHED_UNITS.get(one.unit, one.unit)
        figures = (shown, *beside, f"{place.rank}.0")
        yield DataRow(organisations[code], wording, unit, figures)


def _score_rows(
    framework: FrameworkRules,
    quarter: Quarter,
    members: Sequence[MetricScore],
    places: Mapping[tuple[str, str], MetricPlace],
    organisations: Mapping[str, Organisation],
) -> Iterator[DataRow]:
    metric = members[0].measured.metric
    wording = _metric_wording(framework, metric, quarter, score_figure(metric["metric_id"]))
    dp = int(framework.parameters["published_score_dp"])
    for each in members:
        _, code = each.measured.organisation
        place = places.get((code, metric["metric_id"]))
        rank = "" if place is None else f"{place.rank}.0"
        figures = (as_published(each.exact, dp), "", "", "", rank)
        yield DataRow(organisations[code], wording, "score", figures)


def _domain_rows(
    framework: FrameworkRules,
    quarter: Quarter,
    table: str,
    results: Sequence[OrganisationScore],
    organisations: Mapping[str, Organisation],
) -> Iterator[DataRow]:
    dp = int(framework.parameters["published_score_dp"])
    for domain_id, domain in framework.domains.items():
        name, label = domain["domain_name"], f"{domain['domain_name']} domain score"
        # the first acute file files the safety score under the plain sub-domain
        plain = domain_id == "safety" and table == "acute" and quarter == Quarter(2025, 1)
        wording = (name, name if plain else label, domain["score_figure"], label, quarter.label)
        for each in results:
            found = each.domains.get(domain_id)
            if found is not None:
                figures = (as_published(found.score, dp), "", "", "", f"{found.rank}.0")
                yield DataRow(organisations[each.organisation], wording, "score", figures)
    for domain_id, domain in framework.domains.items():
        name, label = domain["domain_name"], f"{domain['domain_name']} domain segment"
        wording = (name, label, domain["segment_figure"], label, quarter.label)
        for each in results:
            found = each.domains.get(domain_id)
            if found is not None:
                figures = (f"{found.segment}.0", "", "", "", "")
                yield DataRow(organisations[each.organisation], wording, "segment", figures)


def _summary_rows(
    quarter: Quarter,
    table: str,
    results: Sequence[OrganisationScore],
    organisations: Mapping[str, Organisation],
) -> Iterator[DataRow]:
    for figure, (text, unit) in SUMMARY_FIGURES.items():
        about_recovery = figure in ("OF5005", "OF5007")
        if about_recovery and quarter > LAST_RECOVERY_QUARTER:
            continue
        dated = "" if about_recovery and table == "acute" else quarter.label
        for each in results:
            value, rank = _summary_figure(figure, each)
            figures = (value, "", "", "", rank)
            yield DataRow(
                organisations[each.organisation], ("Summary", "Summary", figure, text, dated), unit, figures
            )


def _summary_figure(figure: str, each: OrganisationScore) -> tuple[str, str]:
    """Value and rank of a summary figure."""
    return {
        "OF5000": (f"{each.adjusted_segment}.0", f"{each.rank}.0"),
        "OF5002": (as_published(each.average, 2), f"{each.average_rank}.0"),
        "OF5003": (f"{each.unadjusted_segment}.0", ""),
        "OF5004": (f"{int(each.override)}.0", ""),
        "OF5005": (f"{each.final_segment}.0", ""),
        "OF5007": (f"{int(each.in_recovery)}.0", ""),
    }[figure]


def _metric_wording(
    framework: FrameworkRules, metric: Rule, quarter: Quarter, figure: str
) -> tuple[str, str, str, str, str]:
    domain = framework.domains[metric["domain"]]["domain_name"]
    return (
        domain,
        SUB_DOMAINS.get(metric["metric_id"], domain),
        figure,
        description(metric, quarter),
        reporting_date(metric, quarter),
    )
