"""The comparisons that people usually want: neighbours in rank of one region or of one kind, two to four at a time.

Everyone is in at most two of them, so that there are about half as many as organisations, and not a square of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dagster_project.publication import addresses, words
from dagster_project.publication.contents import Contents, QuarterContent, Row
from dagster_project.publication.standings import in_order
from dagster_project.reading.board_sentences import short_name

_AT_MOST = 4
_SHARED = (("region", "in {}"), ("organisation_subtype", "of the kind {}"))


@dataclass(frozen=True)
class Comparison:
    """`codes` in rank order; `content` is the newest quarter that has their table."""

    name: str
    title: str
    content: QuarterContent
    table_name: str
    codes: Sequence[str]

    @property
    def address(self) -> str:
        return addresses.usual_comparison(self.name)


def newest_with(contents: Contents, table_name: str) -> QuarterContent:
    """The newest quarter that has a league table."""
    return next(one for one in contents.quarters[::-1] if table_name in one.tables)


def all_tables(contents: Contents) -> Sequence[str]:
    """Every league table of any quarter, in the order in which people look for them."""
    return words.in_order(name for content in contents.quarters for name in content.tables)


def usual_comparisons(contents: Contents) -> Iterator[Comparison]:
    """Every comparison that has a page of its own."""
    for table_name in all_tables(contents):
        content = newest_with(contents, table_name)
        places = in_order(content, table_name)
        for column, says in _SHARED:
            for shared, members in addresses.by_name(places, column).items():
                yield from _in_groups(content, table_name, f"{says.format(shared)}", column, members)


def _in_groups(
    content: QuarterContent, table_name: str, says: str, column: str, members: Sequence[Row]
) -> Iterator[Comparison]:
    groups = _balanced(members)
    for number, group in enumerate(groups, 1):
        names = [short_name(row["organisation_name"] or row["organisation_code"]) for row in group]
        yield Comparison(
            name=f"{table_name}-{column}-{says}-{number}",
            title=f"{words.table_name(table_name)} {says}: {', '.join(names[:-1])} and {names[-1]}",
            content=content,
            table_name=table_name,
            codes=[row["organisation_code"] for row in group],
        )


def _balanced(members: Sequence[Row]) -> Sequence[Sequence[Row]]:
    """Groups of at most four and at least two, as equal as can be; none where there is nobody to compare with."""
    if len(members) < 2:
        return []
    count = -(-len(members) // _AT_MOST)
    size, larger = divmod(len(members), count)
    ends = [0]
    for number in range(count):
        ends.append(ends[-1] + size + (number < larger))
    return [members[start:end] for start, end in pairwise(ends)]
