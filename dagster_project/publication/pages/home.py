"""The first page, and the first page of each quarter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dagster_project.publication import addresses, standings
from dagster_project.publication.contents import Contents, QuarterContent, Row
from dagster_project.publication.dataset import dataset_of
from dagster_project.publication.rendering import Produced, page
from dagster_project.publication.standings import Certainty


@dataclass(frozen=True)
class Table:
    """What a first page says of a league table: how many are in each segment of `segment_column`, the lowest and the
    highest average, how sure its places are, what moved beyond chance, and how many were asked whether they did.
    """

    name: str
    segment_column: str
    segments: Sequence[int]
    lowest: Row
    highest: Row
    certainty: Certainty
    moved: Sequence[Row]
    compared: int


def of_all(contents: Contents) -> Iterator[Produced]:
    """The publication's first page."""
    yield page(
        "home.html.j2",
        addresses.HOME,
        contents,
        quarter=contents.newest,
        **_of(contents.newest),
        quarters=list(reversed(contents.quarters)),
        older=older_tables(contents),
    )


def older_tables(contents: Contents) -> Sequence[tuple[str, QuarterContent]]:
    """The league tables that the newest quarter doesn't have, each with the newest quarter that has it."""
    found = {name: one for one in contents.quarters for name in one.tables}
    return [(name, one) for name, one in found.items() if one is not contents.newest]


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """A quarter's first page."""
    yield page(
        "quarter_home.html.j2",
        addresses.quarter_home(content.quarter),
        content,
        quarter=content,
        **_of(content),
        quarters=list(reversed(content.earlier)),
        dataset=dataset_of(content, addresses.quarter_home(content.quarter)),
    )


def _of(content: QuarterContent) -> dict[str, object]:
    tables = [table_of(content, name) for name in content.tables]
    before = next((one["quarter_before"] for one in content.rows("movement_beyond_chance")), None)
    return {
        "tables": tables,
        "certainty": Certainty(
            sum(one.certainty.size for one in tables),
            sum(one.certainty.ranged for one in tables),
            sum(one.certainty.either_half for one in tables),
            sum(one.certainty.several_segments for one in tables),
        ),
        "moved": sum(len(one.moved) for one in tables),
        "compared": sum(one.compared for one in tables),
        "quarter_before": None if before is None else standings.quarter_label(content, before),
    }


def table_of(content: QuarterContent, name: str) -> Table:
    """What a first page says of a league table."""
    places = standings.in_order(content, name)
    is_final = any(one["final_segment"] is not None for one in places)
    column = "final_segment" if is_final else "adjusted_segment"
    by_average = sorted(places, key=lambda one: (one["average_metric_score_exact"], one["organisation_code"]))
    return Table(
        name,
        column,
        sorted(Counter(one[column] for one in places if one[column] is not None)),
        by_average[0],
        by_average[-1],
        standings.certainty(places),
        standings.moved_beyond_chance(content, name),
        len({one["organisation_code"] for one in content.find("movement_beyond_chance", table_name=name)}),
    )
