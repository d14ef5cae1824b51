"""The branch of an organisation's segment: override, unadjusted segment, cut-points, and the final segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor

from dagster_project.explanation.recomputation.exact import decimal, equals, fixed, half_up, shown
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.standings import (
    AVERAGE,
    OVERRIDE,
    PROGRAMME,
    UNADJUSTED,
    Average,
    CutPoint,
    Quantile,
    Standing,
)
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import ByColumn, Step

_BASES = {
    "threshold": "a threshold that the framework states",
    "national_quartiles": "national quartiles of every organisation of every table",
    "published": "the publisher's own rows, as a table that the quartiles draw on isn't loaded",
}


def adjusted_segment_step(judged: Judged, sources: Sources, standing: Standing, cells: ByColumn) -> Step:
    before, after = standing.unadjusted_segment, standing.adjusted_segment
    limit = judged.rules.parameters["override_no_better_than_segment"]
    working = f"Not flagged, so the unadjusted segment {before} stands"
    if standing.override.flagged:
        working = (
            f"Flagged, so no better than {shown(limit)}: the worse of {before} and {shown(limit)} is {after}"
        )
    published = sources.published(standing.organisation, "OF5000")
    return Step(
        title="Adjusted segment",
        value=str(after),
        figure="OF5000",
        working=(working, *published.words),
        judgements=cells.take("adjusted_segment"),
        steps=(_override(sources, standing, cells), _unadjusted_segment(judged, sources, standing, cells)),
    )


def _override(sources: Sources, standing: Standing, cells: ByColumn) -> Step:
    override = standing.override
    finances = "; ".join(
        f"{one.metric_id} {one.metric['metric_name']} {decimal(one.value)} {one.unit}"
        for one in override.finances
        if one.value is not None
    )
    reasons = {
        "published": ("The publisher's own flag (OF5004)", f"For comparison: {finances}" if finances else ""),
        "derived": (
            "The publisher's flag isn't in the files, so it is derived: flagged where planned surplus or variance "
            "is below 0. This misses some trusts and flags others wrongly",
            finances,
        ),
        "unknown": (
            "Neither the publisher's flag nor plan and variance are in the files: taken as not flagged",
            "",
        ),
    }
    organisation, flag = standing.organisation, sources.published(standing.organisation, OVERRIDE).row
    finance_rows = (sources.published(organisation, one.metric_id).row for one in override.finances)
    return Step(
        title="Financial override",
        value="flagged" if override.flagged else "not flagged",
        figure=OVERRIDE,
        working=tuple(line for line in reasons[override.basis] if line),
        judgements=cells.take("financial_override", "financial_override_basis"),
        sources=sources.of(flag) if flag else sources.of(*finance_rows),
    )


def _unadjusted_segment(judged: Judged, sources: Sources, standing: Standing, cells: ByColumn) -> Step:
    cut_points = judged.standings.cut_points()
    published = sources.published(standing.organisation, UNADJUSTED)
    return Step(
        title="Unadjusted segment",
        value=str(standing.unadjusted_segment),
        figure=UNADJUSTED,
        working=(*segment_words(standing.average, cut_points), *published.words),
        judgements=(*cells.take("unadjusted_segment", "threshold_basis"), *judged.cut_points()),
        sources=sources.of(published.row),
        steps=tuple(_cut_point_steps(sources, cut_points)),
    )


def segment_words(average: Average, cut_points: Sequence[CutPoint]) -> Iterator[str]:
    basis = cut_points[0].basis if cut_points else ""
    score = half_up(average.exact) if basis == "published" else average.exact
    places, write = ("at two places", fixed) if basis == "published" else ("unrounded", equals)
    yield f"Cut-points: {_BASES.get(basis, 'none')}; compared {places}"
    for cut in cut_points:
        if cut.value is None:
            yield f"Segment {cut.segment} has no known end"
            continue
        end, sign = write(cut.value), ">" if cut.is_beyond(average.exact) else "<="
        yield f"Segment {cut.segment} ends at {end}: {write(score)} {sign} {end}"
        if cut.quantile is not None:
            yield _quantile_words(cut.quantile)
    beyond = sum(cut.is_beyond(average.exact) for cut in cut_points)
    yield f"Beyond {beyond} of {len(cut_points)} cut-points: segment {beyond} + 1 = {beyond + 1}"


def _quantile_words(quantile: Quantile) -> str:
    (_, code), score = quantile.below
    share, place, at = decimal(quantile.share), decimal(quantile.place), floor(quantile.place)
    where = (
        f"That is place {share} x ({quantile.scores} - 1) = {place} of all scores in order, counted from 0"
    )
    if quantile.place == at:
        return f"{where}: the score of {code}"
    (_, next_code), next_score = quantile.above
    return (
        f"{where}: {equals(score)} ({code}) + ({equals(next_score)} ({next_code}) - {equals(score)}) x "
        f"{decimal(quantile.place - at)}"
    )


def _cut_point_steps(sources: Sources, cut_points: Sequence[CutPoint]) -> Iterator[Step]:
    """The published score that sets each cut-point, where the publisher's rows do."""
    for cut in cut_points:
        row = None if cut.set_by is None else sources.published(cut.set_by, AVERAGE).row
        if row is not None:
            yield Step(
                title=f"End of segment {cut.segment}",
                value=fixed(Fraction(row.value)),
                figure=row.figure,
                working=(
                    f"The largest published score of those published in segment {cut.segment} or better: "
                    f"{row.organisation_code} {row.organisation_name}",
                ),
                sources=sources.of(row),
            )


def final_segment_steps(sources: Sources, standing: Standing, cells: ByColumn) -> Iterator[Step]:
    judgements = cells.take("final_segment")
    programme = sources.published(standing.organisation, PROGRAMME).row
    if programme is None:
        working = "The files don't say who is in the Recovery Support Programme (OF5007), so there is none"
        yield Step("Final segment", "none", "OF5005", (working,), judgements)
        return
    working = f"{'In' if standing.in_programme else 'Not in'} the Recovery Support Programme"
    yield Step(
        title="Final segment",
        value=shown(standing.final_segment),
        figure="OF5005",
        working=(f"{working} ({PROGRAMME}); the league table never ranks on it",),
        judgements=judgements,
        sources=sources.of(programme),
    )
