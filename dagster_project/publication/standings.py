"""The places of a league table in their order, and how sure they are: rows and counts of rows, no new figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dagster_project.publication.contents import QuarterContent, Row
from dagster_project.quarters import Quarter

WITHIN, BEYOND, UNCLEAR = "within_chance", "beyond_chance", "unclear"


@dataclass(frozen=True)
class Certainty:
    """Of `size` organisations of a table `ranged` have a likely range. Of these `either_half` could be in the better
    half of the table as well as in the worse, and `several_segments` in more than one segment.
    """

    size: int
    ranged: int
    either_half: int
    several_segments: int


def in_order(content: QuarterContent, table: str) -> Sequence[Row]:
    """The places of a league table from the best rank to the worst, those of one rank by their code."""
    found = content.find("league_table", table_name=table)
    return sorted(found, key=lambda row: (row["rank"], row["organisation_code"]))


def shown_segment(place: Row) -> int | None:
    """The final segment where the publisher gives it, otherwise the one that the override leaves."""
    final: int | None = place["final_segment"]
    return place["adjusted_segment"] if final is None else final


def placed_by_publisher(place: Row) -> bool:
    """Whether the publisher's own decision put it in another segment than its figures and the override do."""
    return place["final_segment"] is not None and place["final_segment"] != place["adjusted_segment"]


def certainty(places: Sequence[Row]) -> Certainty:
    """How sure the places of a whole league table are."""
    size = len(places)
    ranged = [one for one in places if one["rank_likely_low"] is not None]
    return Certainty(
        size,
        len(ranged),
        sum(2 * one["rank_likely_low"] <= size < 2 * one["rank_likely_high"] for one in ranged),
        sum(one["segment_likely_low"] != one["segment_likely_high"] for one in ranged),
    )


def moved_beyond_chance(content: QuarterContent, table: str) -> Sequence[Row]:
    """What moved by more than chance can do, rank or average, in rank order; one row for each organisation."""
    found: dict[str, Row] = {}
    for measure in ("average_metric_score", "rank"):
        for row in content.find("movement_beyond_chance", table_name=table, measure=measure, verdict=BEYOND):
            found[row["organisation_code"]] = row
    return [
        found[one["organisation_code"]]
        for one in in_order(content, table)
        if one["organisation_code"] in found
    ]


def quarter_label(content: QuarterContent, quarter: str) -> str:
    """The name of an earlier quarter in a sentence: the publication's, or the publisher's where that isn't in it."""
    known = (one.label for one in content.earlier if one.quarter == quarter)
    return next(known, Quarter.from_canonical(quarter).label)
