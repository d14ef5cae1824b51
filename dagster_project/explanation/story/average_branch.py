"""The branch of an organisation's average: term by term, then by domain, down to the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagster_project.explanation.recomputation.arithmetic import equals, fixed
from dagster_project.explanation.recomputation.as_published import as_published
from dagster_project.explanation.recomputation.averages import Average, Term
from dagster_project.explanation.recomputation.judged import ByColumn, Judged
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.standings import Standing
from dagster_project.explanation.story.metric_branch import metric_step
from dagster_project.explanation.story.segment_branch import (
    segment_words,
)
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Step


def average_step(judged: Judged, sources: Sources, standing: Standing, cells: ByColumn) -> Step:
    average = standing.average
    domains = [
        _domain_step(judged, sources, standing.organisation, domain)
        for domain in judged.rules.domains
        if judged.standings.average(standing.organisation, domain) is not None
    ]
    published = as_published(judged, standing.organisation, "OF5002")
    return Step(
        title="Average metric score",
        value=fixed(average.exact),
        figure="OF5002",
        working=(*_mean_words(average, list_terms=True), *published.words),
        sources=sources.of(published.row),
        judgements=cells.take("average_metric_score", "average_metric_score_exact", "metric_count"),
        steps=tuple(domains),
    )


def _domain_step(judged: Judged, sources: Sources, organisation: Organisation, domain: str) -> Step:
    average = judged.standings.average(organisation, domain)
    assert average is not None
    figure, segment_figure = judged.standings.figures_of(domain)
    score = as_published(judged, organisation, figure)
    segment = as_published(judged, organisation, segment_figure)
    return Step(
        title=f"Domain: {judged.rules.domains[domain]['domain_name']}",
        value=f"{fixed(average.exact)}, segment {judged.standings.segment(organisation, domain)}",
        figure=figure,
        working=(
            *_mean_words(average, list_terms=False),
            *segment_words(average, judged.standings.cut_points(domain)),
            *score.words,
            *segment.words,
        ),
        sources=sources.of(score.row, segment.row),
        judgements=(*judged.domain_score(organisation, domain), *judged.cut_points(domain)),
        steps=tuple(metric_step(judged, sources, organisation, _metric_id(term)) for term in average.terms),
    )


def _mean_words(average: Average, *, list_terms: bool) -> Iterator[str]:
    """Each term once: by name for the average of all, as one sum for a domain's few."""
    if list_terms:
        for term in average.terms:
            product = f"{equals(term.entering)} x {term.weight} = {equals(term.entering * term.weight)}"
            name = term.score.measured.metric["metric_name"]
            rounded = "" if term.places is None else f" (enters at {term.places} places)"
            yield f"{_metric_id(term)}  {product}{rounded}  {name}"
        yield f"Sum of {len(average.terms)} terms: {equals(average.weighted_sum)}"
    else:
        added = " + ".join(f"{equals(term.entering)} x {term.weight}" for term in average.terms)
        yield f"Weighted sum: {added} = {equals(average.weighted_sum)}"
    yield f"Sum of weights: {_weights(average.terms)} = {equals(average.weights)}"
    yield (
        f"Average: {equals(average.weighted_sum)} / {equals(average.weights)} = {equals(average.exact)}, "
        f"{fixed(average.exact)} at two places"
    )


def _weights(terms: Sequence[Term]) -> str:
    counts: dict[str, int] = {}
    for term in terms:
        counts[str(term.weight)] = counts.get(str(term.weight), 0) + 1
    return " + ".join(f"{count} x {weight}" for weight, count in counts.items())


def _metric_id(term: Term) -> str:
    return term.score.measured.metric["metric_id"]
