"""How one column bears on another, in the words of OpenLineage's column lineage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

DIRECT, INDIRECT = "DIRECT", "INDIRECT"
# A table's rows as a whole: what decides which rows there are, and how many.
ROWS = "*"


class Influence(NamedTuple):
    """DIRECT: the value is made of the column. INDIRECT: the column only decides about the value or its row."""

    kind: str
    subtype: str


class Column(NamedTuple):
    """A column of a table of the warehouse; `table` is `<schema>.<name>`, `name` may be `ROWS`."""

    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


IDENTITY = Influence(DIRECT, "IDENTITY")
TRANSFORMATION = Influence(DIRECT, "TRANSFORMATION")
AGGREGATION = Influence(DIRECT, "AGGREGATION")
CONDITIONAL = Influence(INDIRECT, "CONDITIONAL")
WINDOW = Influence(INDIRECT, "WINDOW")
JOIN = Influence(INDIRECT, "JOIN")
GROUP_BY = Influence(INDIRECT, "GROUP_BY")
FILTER = Influence(INDIRECT, "FILTER")
SORT = Influence(INDIRECT, "SORT")
# Not a word of OpenLineage: a table's rows as a whole are read.
COUNTED = Influence(INDIRECT, "ROWS")

_MADE_MORE_OF = (IDENTITY, TRANSFORMATION, AGGREGATION)

Origins = dict[Column, frozenset[Influence]]


def composed(outer: Influence, inner: Influence) -> Influence:
    """What two steps make of each other: direct only if both are; else the word of the step nearer the result.

    That rows are read as a whole says nothing of its own: then what decides those rows has the word.
    """
    if outer.kind == INDIRECT and not (outer == COUNTED and inner.kind == INDIRECT):
        return outer
    if inner.kind == INDIRECT:
        return inner
    return max(outer, inner, key=_MADE_MORE_OF.index)


def through(outer: Influence, origins: Mapping[Column, Iterable[Influence]]) -> Origins:
    """The origins of a column, seen from one step further on."""
    return {column: frozenset(composed(outer, one) for one in found) for column, found in origins.items()}


def add(to: Origins, more: Mapping[Column, Iterable[Influence]]) -> None:
    """Adds origins to others in place."""
    for column, found in more.items():
        to[column] = to.get(column, frozenset()) | frozenset(found)
