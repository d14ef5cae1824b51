"""A page per league table: sortable, filterable, with likely ranges; and one with its ranked-dots chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dagster_project.publication import addresses, standings
from dagster_project.publication.charts import ranked_dots
from dagster_project.publication.contents import QuarterContent, Row
from dagster_project.publication.figures import LIKELY_RANGES, MOVEMENT
from dagster_project.publication.rendering import Produced, page
from dagster_project.publication.words import ordinal

_VERDICTS = {
    standings.WITHIN: "within chance",
    standings.UNCLEAR: "not clearly more than chance",
}


@dataclass(frozen=True)
class Line:
    """An organisation's line: its place, whether it shares its rank, and in words where it could be, from how many it
    can't be told apart and how it moved. `begins` is the segment that begins with this line.
    """

    place: Row
    is_joint: bool
    likely: str
    apart: str
    movement: str
    begins: int | None


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's league tables."""
    for table in content.tables:
        lines = lines_of(content, table)
        places = [line.place for line in lines]
        picture = ranked_dots(content, table)
        yield page(
            "league_table.html.j2",
            addresses.table(content.quarter, table),
            content,
            table=table,
            lines=lines,
            likely_ranges=LIKELY_RANGES,
            movement=MOVEMENT,
            certainty=standings.certainty(places),
            quarter_before=_quarter_before(content, table),
            regions=sorted({one["region"] for one in places if one["region"]}),
            subtypes=sorted({one["organisation_subtype"] for one in places if one["organisation_subtype"]}),
            segments=sorted({line.begins for line in lines if line.begins is not None}),
            earlier=[one for one in reversed(content.earlier) if table in one.tables],
            has_picture=picture is not None,
        )
        if picture is not None:
            yield page(
                "league_table_picture.html.j2",
                addresses.table_picture(content.quarter, table),
                content,
                table=table,
                picture=picture,
            )


def lines_of(content: QuarterContent, table: str) -> Sequence[Line]:
    """The lines of a league table, from the best rank to the worst."""
    places = standings.in_order(content, table)
    ranks = Counter(one["rank"] for one in places)
    lines, begun = [], set()
    for place in places:
        segment = standings.shown_segment(place)
        code = {"organisation_code": place["organisation_code"], "table_name": table}
        lines.append(
            Line(
                place,
                ranks[place["rank"]] > 1,
                likely_place(place),
                told_apart(content.one("not_told_apart", **code)),
                movement(
                    content.one("movement_total", **code, measure="rank"),
                    content.one("movement_beyond_chance", **code, measure="rank"),
                ),
                None if segment in begun else segment,
            )
        )
        begun.add(segment)
    return lines


def likely_place(place: Row) -> str:
    """Where chance could have put it, in words; nothing where that wasn't worked out."""
    low, high = place["rank_likely_low"], place["rank_likely_high"]
    if low is None or high is None:
        return ""
    return f"{ordinal(low)} to {ordinal(high)}" if low != high else ordinal(low)


def told_apart(apart: Row | None) -> str:
    """From how many others the figures can't tell it; nothing where that wasn't worked out."""
    if apart is None:
        return ""
    return (
        f"not told apart from {apart['organisations']}" if apart["organisations"] else "told apart from all"
    )


def movement(moved: Row | None, chance: Row | None) -> str:
    """How a rank moved since the quarter before, and nothing for one that is new in the table.

    Better or worse is only said of a move beyond chance.
    """
    if moved is None or moved["figure_before"] is None:
        return ""
    if moved["change"] == 0:
        return "same place"
    if chance is None:
        verdict = "chance not worked out"
    elif chance["verdict"] == standings.BEYOND:
        verdict = f"{'better' if moved['change'] < 0 else 'worse'}, beyond chance"
    else:
        verdict = _VERDICTS[chance["verdict"]]
    return f"{verdict}, was {ordinal(int(moved['figure_before']))}"


def _quarter_before(content: QuarterContent, table: str) -> str | None:
    """The quarter since which the table's ranks moved, as in a sentence; None where nothing says how they moved."""
    moved = content.find("movement_total", table_name=table, measure="rank")
    if not moved:
        return None
    return standings.quarter_label(content, moved[0]["quarter_before"])
