"""Every released cell of a quarter beside its recomputation: league tables, scores, domains, cut-points."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.explanation.recomputation.agreement import Judgement
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.standings import OVERALL


def every_cell(judged: Judged) -> Iterator[tuple[str, Judgement]]:
    """What a cell is about (organisation, and metric or domain) and its judgement.

    A row that the release has and the raw bytes don't give, or the other way round, is one judgement too.
    """
    organisations = {*judged.recomputation.organisations, *judged.released_league_table}
    for organisation in sorted(organisations):
        for one in judged.league_table(organisation):
            yield organisation[1], one
    recomputation = judged.recomputation
    measured = {
        (one, metric) for one in recomputation.organisations for metric in recomputation.metrics_of(one)
    }
    for scored in sorted(measured | set(judged.released_metric_score)):
        for one in judged.metric_score(*scored):
            yield f"{scored[0][1]} {scored[1]}", one
    domains = {(organisation, domain) for organisation in organisations for domain in judged.rules.domains}
    for within in sorted(domains | set(judged.released_domain_score)):
        for one in judged.domain_score(*within):
            yield f"{within[0][1]} {within[1]}", one
    for domain in (OVERALL, *judged.rules.domains):
        for one in judged.cut_points(domain):
            yield domain or "average", one
