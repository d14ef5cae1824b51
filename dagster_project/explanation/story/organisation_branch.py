"""The tree of one organisation: its rank, and the branches of segment and average beneath it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagster_project.explanation.recomputation.arithmetic import fixed
from dagster_project.explanation.recomputation.judged import ByColumn, Judged
from dagster_project.explanation.recomputation.standings import Standing
from dagster_project.explanation.story.average_branch import average_step
from dagster_project.explanation.story.caveats import caveat_words, likely_range_words
from dagster_project.explanation.story.segment_branch import (
    adjusted_segment_step,
    final_segment_steps,
)
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Step

_NAMED = 6


def organisation_step(judged: Judged, sources: Sources, standing: Standing) -> Step:
    """The league-table rank with everything beneath it."""
    cells = ByColumn(judged.league_table(standing.organisation))
    table = judged.standings.table(standing.organisation[0])
    rank = judged.standings.rank(standing)
    steps = (
        adjusted_segment_step(judged, sources, standing, cells),
        average_step(judged, sources, standing, cells),
        *final_segment_steps(sources, standing, cells),
    )
    row = judged.standings.recomputation.figures.of(standing.organisation, "OF5000")
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
            *likely_range_words(judged, standing.organisation),
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
