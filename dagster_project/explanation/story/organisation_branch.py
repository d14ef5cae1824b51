"""The tree of one organisation: its rank, and the branches of segment and average beneath it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from dagster_project.explanation.recomputation.exact import equals, fixed
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.standings import Average, Standing, Term
from dagster_project.explanation.story.metric_branch import caveat_words, metric_step
from dagster_project.explanation.story.segment_branch import (
    adjusted_segment_step,
    final_segment_steps,
    segment_words,
)
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import ByColumn, Step

_NAMED = 6
_RANGES = (
    ("rank", "rank_likely_low", "rank_likely_high"),
    ("average", "average_likely_low", "average_likely_high"),
    ("segment", "segment_likely_low", "segment_likely_high"),
)


def organisation_step(judged: Judged, sources: Sources, standing: Standing) -> Step:
    """The league-table rank with everything beneath it."""
    cells = ByColumn(judged.league_table(standing.organisation))
    table = judged.standings.table(standing.organisation[0])
    rank = judged.standings.rank(standing)
    steps = (
        adjusted_segment_step(judged, sources, standing, cells),
        _average_step(judged, sources, standing, cells),
        *final_segment_steps(sources, standing, cells),
    )
    row = sources.published(standing.organisation, "OF5000").row
    published = (
        () if row is None or row.published_rank is None else (f"As published: Rank {row.published_rank}",)
    )
    return Step(
        title="League-table rank",
        value=f"{rank} of {len(table)}",
        figure="OF5000.rank",
        working=(
            *_rank_words(standing, table, rank),
            *published,
            *_likely_range_words(judged, standing.organisation),
            *caveat_words(judged, standing.organisation),
        ),
        judgements=cells.rest(),
        sources=sources.of(row),
        steps=steps,
    )


def _rank_words(standing: Standing, table: Sequence[Standing], rank: int) -> Iterator[str]:
    segment, average = standing.place
    yield "Ordered by adjusted segment, then by average metric score at two places; equals share the best place"
    in_better = sum(other.adjusted_segment < segment for other in table)
    in_same = sum(other.adjusted_segment == segment and other.place < standing.place for other in table)
    yield (
        f"Better: {in_better} in segments before {segment}, {in_same} in segment {segment} with an average below "
        f"{fixed(average)}: {in_better} + {in_same} + 1 = {rank}"
    )
    equal = [other for other in table if other.place == standing.place and other is not standing]
    if equal:
        yield f"Equal: {_codes(equal)}, all {fixed(average)} in segment {segment}, share rank {rank}"
    at = table.index(standing)
    before = [other for other in table[:at] if other.place < standing.place][-1:]
    after = [other for other in table[at:] if other.place > standing.place][:1]
    if before:
        yield f"Next better: {_place(before[0])}"
    if after:
        yield f"Next worse: {_place(after[0])}"


def _codes(standings: Sequence[Standing]) -> str:
    listed = ", ".join(one.organisation[1] for one in standings[:_NAMED])
    return listed if len(standings) <= _NAMED else f"{listed} and {len(standings) - _NAMED} more"


def _place(standing: Standing) -> str:
    segment, average = standing.place
    return f"{standing.organisation[1]}, segment {segment}, average {fixed(average)}"


def _likely_range_words(judged: Judged, organisation: Organisation) -> Iterator[str]:
    """How sure the place is, by the release's likely ranges."""
    row = judged.released_league_table.get(organisation, {})
    ranges = [
        f"{what} {row[low]} to {row[high]}"
        for what, low, high in _RANGES
        if row.get(low) is not None and row.get(high) is not None
    ]
    if ranges:
        yield f"Likely range, as released and not redone here: {', '.join(ranges)}"


def _average_step(judged: Judged, sources: Sources, standing: Standing, cells: ByColumn) -> Step:
    average = standing.average
    domains = [
        _domain_step(judged, sources, standing.organisation, domain)
        for domain in judged.rules.domains
        if judged.standings.average(standing.organisation, domain) is not None
    ]
    published = sources.published(standing.organisation, "OF5002")
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
    score = sources.published(organisation, figure)
    segment = sources.published(organisation, segment_figure)
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
        steps=tuple(
            metric_step(judged, sources, organisation, term.score.measured.metric_id)
            for term in average.terms
        ),
    )


def _mean_words(average: Average, *, list_terms: bool) -> Iterator[str]:
    """Each term once: by name for the average of all, as one sum for a domain's few."""
    if list_terms:
        for term in average.terms:
            product = f"{equals(term.entering)} x {term.weight} = {equals(term.weighted)}"
            name = term.score.measured.metric["metric_name"]
            rounded = "" if term.places is None else f" (enters at {term.places} places)"
            yield f"{term.score.measured.metric_id}  {product}{rounded}  {name}"
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
    counts = Counter(str(term.weight) for term in terms)
    return " + ".join(f"{count} x {weight}" for weight, count in counts.items())
