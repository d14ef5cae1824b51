"""The branch of one metric: its score and how it came about, down to value, period, unit and raw line."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dagster_project.explanation.recomputation.agreement import Judgement
from dagster_project.explanation.recomputation.arithmetic import decimal, equals, fixed
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Measured, Organisation
from dagster_project.explanation.recomputation.metric_score import MetricScore
from dagster_project.explanation.recomputation.rules import Rule
from dagster_project.explanation.story.caveats import caveat_words
from dagster_project.explanation.story.counted_branch import counted_step
from dagster_project.explanation.story.ranking_words import certainty, ranking_words
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Step

_OF_VALUE = frozenset({"value", "unit", "period", "value_source"})


def metric_step(judged: Judged, sources: Sources, organisation: Organisation, metric_id: str) -> Step:
    """The score of an organisation on a metric, with everything beneath it."""
    score = judged.standings.recomputation.score(organisation, metric_id)
    judgements = judged.metric_score(organisation, metric_id)
    metric = judged.rules.metrics[metric_id]
    title = f"{metric_id} {metric['metric_name']}"
    one = judged.standings.recomputation.measured(organisation, metric_id)
    beneath = [] if one is None else list(_measured_steps(judged, sources, one, judgements))
    if score is None:
        return Step(
            title, "no score", _score_id(metric_id), judgements=tuple(judgements), steps=tuple(beneath)
        )
    return Step(
        title=title,
        value=f"scores {fixed(score.exact)}",
        figure=_score_id(metric_id),
        working=(
            *_working(score),
            *_entering(judged, score, metric),
            *caveat_words(judged, organisation, metric_id),
        ),
        judgements=tuple(one for one in judgements if one.column not in _OF_VALUE),
        steps=(
            *beneath,
            *(
                metric_step(judged, sources, organisation, each.measured.metric["metric_id"])
                for each in score.inputs
            ),
        ),
    )


def _score_id(metric_id: str) -> str:
    return "OF1" + metric_id[3:]


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
    weight = judged.rules.weight(metric["metric_id"])
    places = judged.rules.enters_at_dp.get(metric["metric_id"])
    entering = judged.entering(score)
    how = "unrounded" if places is None else f"at {places} places in this quarter"
    yield f"Enters averages {how} as {equals(entering)} with weight {weight}"


def _measured_steps(
    judged: Judged, sources: Sources, one: Measured, judgements: list[Judgement]
) -> Iterator[Step]:
    published = one.published_score
    of_value = tuple(each for each in judgements if each.column in _OF_VALUE)
    if one.value_row is not None:
        shown = f"{one.value_row.value_text} {one.unit}, {one.period or 'no period given'}"
        rank = one.value_row.published_rank
        yield Step(
            title="Value as published",
            value=shown,
            figure=one.value_row.figure,
            working=() if rank is None else (f"published Rank {rank} within the table",),
            judgements=of_value,
            sources=sources.of(one.value_row),
            steps=() if one.counted is None else (counted_step(judged, sources, one),),
        )
    if one.score_row is not None and published is not None:
        found = judged.standings.recomputation.score(one.organisation, one.metric["metric_id"])
        same = found is not None and found.rounded == published
        yield Step(
            title="Score as published",
            value=one.score_row.value_text + ("" if same else ", which isn't the recomputed one"),
            figure=one.score_row.figure,
            judgements=() if one.value_row is not None else of_value,
            sources=sources.of(one.score_row),
        )
