"""The branch of one metric: its score and how it came about, down to the value, its counted cells and raw lines."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dagster_project.explanation.recomputation.counted_values import PARTS, Count, SignedCell, added, ratio_of
from dagster_project.explanation.recomputation.exact import decimal, equals, fixed
from dagster_project.explanation.recomputation.judged import Judged, Judgement
from dagster_project.explanation.recomputation.measured import Measured, Organisation, score_figure
from dagster_project.explanation.recomputation.metric_scores import MetricScore
from dagster_project.explanation.recomputation.rules import Rule
from dagster_project.explanation.story.ranking_words import certainty, ranking_words
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Source, Step

_OF_VALUE = frozenset({"value", "unit", "period", "value_source"})


def metric_step(judged: Judged, sources: Sources, organisation: Organisation, metric_id: str) -> Step:
    """The score of an organisation on a metric, with everything beneath it."""
    score = judged.recomputation.score(organisation, metric_id)
    judgements = judged.metric_score(organisation, metric_id)
    metric = judged.rules.metrics[metric_id]
    title = f"{metric_id} {metric['metric_name']}"
    one = judged.recomputation.measured(organisation, metric_id)
    beneath = [] if one is None else list(_measured_steps(judged, sources, one, judgements))
    if score is None:
        return Step(
            title, "no score", score_figure(metric_id), judgements=tuple(judgements), steps=tuple(beneath)
        )
    return Step(
        title=title,
        value=f"scores {fixed(score.exact)}",
        figure=score_figure(metric_id),
        working=(
            *_working(score),
            *_entering(judged, score, metric),
            *caveat_words(judged, organisation, metric_id),
        ),
        judgements=tuple(one for one in judgements if one.column not in _OF_VALUE),
        steps=(
            *beneath,
            *(metric_step(judged, sources, organisation, each.measured.metric_id) for each in score.inputs),
        ),
    )


def _working(score: MetricScore) -> Iterator[str]:
    if score.pool is not None:
        yield from ranking_words(score)
    elif score.way in ("band", "edge of a band"):
        yield from _band_words(score)
    elif score.way == "matrix" and score.band is not None:
        planned, variance = score.inputs
        yield (
            f"Rule matrix: planned score {decimal(planned.exact)} and variance score {decimal(variance.exact)} "
            f"make {decimal(score.exact)} ({certainty(score.band)})"
        )
    elif score.rule["rule"] == "matrix":
        yield "Rule matrix: the planned or the variance score is missing, so the published score is taken as it is"
    elif score.measured.metric.is_true("score_only"):
        yield "Published as a score only: there is no value to compute it from, so it is taken as it is"
    else:
        yield "No value is published beside the score, so it is taken as it is"
    yield f"Basis: {score.basis}"


def _band_words(score: MetricScore) -> Iterator[str]:
    value, band = score.measured.value or Fraction(0), score.band
    if band is None:
        return
    yield f"Rule band: {_span(band)} scores {band['score']} ({certainty(band)}); the value is {decimal(value)}"
    if score.way == "edge of a band":
        yield (
            f"As printed the value stands on the edge of two bands (scores {decimal(score.low)} and "
            f"{decimal(score.high)}): the published score {decimal(score.exact)} says which"
        )


def _span(band: Rule) -> str:
    """The values of a band: `-1 or more`, `exactly 2`, `from -2 to below -1`."""
    lower, upper = band.number("lower_bound"), band.number("upper_bound")
    if lower is not None and lower == upper:
        return f"exactly {decimal(lower)}"
    if upper is None and lower is not None:
        return f"{decimal(lower)} or more" if band.is_true("lower_inclusive") else f"above {decimal(lower)}"
    if lower is None and upper is not None:
        return f"{decimal(upper)} or less" if band.is_true("upper_inclusive") else f"below {decimal(upper)}"
    if lower is None or upper is None:
        return "any value"
    low = f"{'from' if band.is_true('lower_inclusive') else 'above'} {decimal(lower)}"
    return f"{low} {'up to' if band.is_true('upper_inclusive') else 'to below'} {decimal(upper)}"


def _entering(judged: Judged, score: MetricScore, metric: Rule) -> Iterator[str]:
    if not metric.is_true("enters_average"):
        yield "Enters no average itself, only combined finance"
        return
    term = judged.standings.term(score)
    how = "unrounded" if term.places is None else f"at {term.places} places in this quarter"
    yield f"Enters averages {how} as {equals(term.entering)} with weight {term.weight}"


def _measured_steps(
    judged: Judged, sources: Sources, one: Measured, judgements: list[Judgement]
) -> Iterator[Step]:
    published = one.published_score
    of_value = tuple(each for each in judgements if each.column in _OF_VALUE)
    value_row = sources.published(one.organisation, one.metric_id).row
    score_row = sources.published(one.organisation, score_figure(one.metric_id)).row
    if value_row is not None:
        rank = value_row.published_rank
        yield Step(
            title="Value as published",
            value=f"{value_row.value_text} {one.unit}, {one.period or 'no period given'}",
            figure=value_row.figure,
            working=() if rank is None else (f"published Rank {rank} within the table",),
            judgements=of_value,
            sources=sources.of(value_row),
            steps=() if one.counted is None else (_counted_step(judged, sources, one),),
        )
    if score_row is not None and published is not None:
        found = judged.recomputation.score(one.organisation, one.metric_id)
        same = found is not None and found.rounded == published
        yield Step(
            title="Score as published",
            value=score_row.value_text + ("" if same else ", which isn't the recomputed one"),
            figure=score_row.figure,
            judgements=() if value_row is not None else of_value,
            sources=sources.of(score_row),
        )


def _counted_step(judged: Judged, sources: Sources, one: Measured) -> Step:
    """The value at full precision, which is what is ranked."""
    count = judged.recomputation.counts(one.metric_id)[one.organisation[1]]
    return Step(
        title=f"Value from the counts of {count.value.source}",
        value=f"{equals(count.value.rank_value)} {one.unit}, which is what is ranked",
        working=tuple(_dividing(count)),
        steps=tuple(_counted_part(sources, part, count.parts[part]) for part in PARTS),
    )


def _dividing(count: Count) -> Iterator[str]:
    rule, value = count.rule, count.value
    ratio = ratio_of(rule, value.numerator, value.denominator)
    top = f"{decimal(value.numerator)} x {rule['multiplier']}"
    bottom = decimal(value.denominator)
    if rule["divisor"] != "1":
        bottom = f"({bottom} x {rule['divisor']})"
    yield f"{top} / {bottom} = {equals(ratio)}"
    for term, what in (("first_rounding_dp", "rounded first to"), ("ranked_at_dp", "ranked at")):
        if rule[term]:
            yield f"{what} {rule[term]} places"
    yield f"It prints as {equals(value.printed)}; every published value of the metric comes out as printed"


def _counted_part(sources: Sources, part: str, cells: list[SignedCell]) -> Step:
    total = added(cells)
    sums = " ".join(
        f"{'-' if one.sign < 0 else '+'} {decimal(abs(one.cell.value * one.sign))}" for one in cells
    ).removeprefix("+ ")
    return Step(
        title=part.capitalize(),
        value=f"{decimal(total)} from {len(cells)} cells",
        working=(f"{sums} = {decimal(total)}",),
        sources=tuple(
            Source(
                sources.extract(one.cell.extract_id),
                one.cell.sheet,
                one.cell.source_row,
                one.cell.raw_line,
                f"{one.cell.column}: {one.cell.value_text}",
            )
            for one in cells
        ),
    )


def caveat_words(judged: Judged, organisation: Organisation, metric_id: str | None = None) -> Iterator[str]:
    """A line per caveat of a metric, or of the organisation's place; none for a release made before there were
    any."""
    for row in judged.released_caveats(organisation, metric_id):
        yield f"Caveat: {row['caveat_text']}"
