"""The branch of a value that was computed from counts: its cells, added up again, divided and rounded."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.explanation.recomputation.arithmetic import decimal, equals
from dagster_project.explanation.recomputation.counted_values import PARTS, Count, SignedCell, added, ratio_of
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Measured
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Source, Step


def counted_step(judged: Judged, sources: Sources, one: Measured) -> Step:
    """The value at full precision, which is what is ranked."""
    count = judged.recomputation.counts(one.metric["metric_id"])[one.organisation[1]]
    return Step(
        title=f"Value from the counts of {count.value.source}",
        value=f"{equals(count.value.rank_value)} {one.unit}, which is what is ranked",
        working=tuple(_dividing(count)),
        steps=tuple(_part(sources, part, count.parts[part]) for part in PARTS),
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


def _part(sources: Sources, part: str, cells: list[SignedCell]) -> Step:
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
