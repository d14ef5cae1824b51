"""A page per region and per ICB area, as far as the reference data say which trust lies where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.publication import addresses
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.rendering import Produced, page

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Area:
    """A region, or the area of an ICB, which has a code: its organisations by league table, the best rank first.

    `board` is the ICB itself where the quarter knows it as an organisation.
    """

    name: str
    address: str
    code: str | None
    members: Sequence[Row]
    board: Row | None = None

    @property
    def kind(self) -> str:
        return "region" if self.code is None else "ICB area"


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's regions and ICB areas; only an index that says so where the data name neither."""
    regions, icb_areas = _regions(content), _icb_areas(content)
    unknown = [
        row for row in content.rows("organisation") if row["icb_code"] is None and row["table_name"] != "icb"
    ]
    yield page(
        "areas.html.j2",
        addresses.areas(content.quarter),
        content,
        regions=regions,
        icb_areas=icb_areas,
        unknown=sorted(unknown, key=_by_name),
    )
    for area in (*regions, *icb_areas):
        others = icb_areas if area.code is None else regions
        yield page(
            "area.html.j2",
            area.address,
            content,
            area=area,
            tables=_by_table(content, area.members),
            overlapping=[one for one in others if _codes(one) & _codes(area)],
        )


def _regions(content: QuarterContent) -> list[Area]:
    return [
        Area(name, addresses.region(content.quarter, name), None, rows)
        for name, rows in addresses.by_name(content.rows("organisation"), "region").items()
    ]


def _icb_areas(content: QuarterContent) -> list[Area]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in content.rows("organisation"):
        if row["icb_code"]:
            found[row["icb_code"]].append(row)
    areas = [
        Area(
            name=next((row["icb_name"] for row in rows if row["icb_name"]), code),
            address=addresses.icb_area(content.quarter, code),
            code=code,
            members=rows,
            board=content.one("organisation", organisation_code=code),
        )
        for code, rows in found.items()
    ]
    return sorted(areas, key=lambda area: (area.name.casefold(), area.code or ""))


def _codes(area: Area) -> set[str]:
    return {row["organisation_code"] for row in area.members}


def _by_table(content: QuarterContent, members: Sequence[Row]) -> dict[str, list[tuple[Row, Row | None]]]:
    """Table -> its organisations, each with its place or None, by rank and those without a place last."""
    there = {row["table_name"] for row in members}
    order = [name for name in content.tables if name in there]
    order += sorted(there - set(order))
    return {
        name: sorted(
            (
                (row, content.places.get(row["organisation_code"]))
                for row in members
                if row["table_name"] == name
            ),
            key=_by_rank,
        )
        for name in order
    }


def _by_rank(pair: tuple[Row, Row | None]) -> tuple[Any, ...]:
    organisation, place = pair
    return (place is None, place["rank"] if place is not None else 0, *_by_name(organisation))


def _by_name(organisation: Row) -> tuple[str, str]:
    return str(organisation["organisation_name"]).casefold(), organisation["organisation_code"]
