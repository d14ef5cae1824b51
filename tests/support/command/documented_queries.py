"""Queries that stand in a document with their results as Markdown tables below: run, and written anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

import duckdb

from dagster_project.reading.board_page import result_table

_QUERY = re.compile(r"```sql\n(?P<query>.*?)```\n(?P<shown>\n(?:\|[^\n]*\n)+)?", re.DOTALL)
# 18 and 0.27, but neither OF0106 nor the 26 of 2025-26-Q4
_NUMBER = re.compile(r"(?<![\w.])(?<!\d-)\d+(?:\.\d+)?(?!\w|-\d|\.\d)")
_HEADING = re.compile(r"^##+ (.*)$", re.MULTILINE)


class DocumentedQuery(NamedTuple):
    """A query, the heading that it stands under, and the table below it as it stands there."""

    heading: str
    query: str
    shown: str


def documented_queries(text: str) -> list[DocumentedQuery]:
    """Every SQL block of a document, in its order; one without a table shows an empty one."""
    return [
        DocumentedQuery(
            _HEADING.findall(text, 0, found.start())[-1], found["query"], (found["shown"] or "").strip()
        )
        for found in _QUERY.finditer(text)
    ]


def answer(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The result as a Markdown table, its columns named as in the query."""
    result = connection.execute(query)
    return result_table([column[0] for column in result.description or ()], result.fetchall())


def numbers(text: str) -> set[Decimal]:
    """The numbers of a text, without those in codes and quarters; a sign is told in words."""
    return {Decimal(found) for found in _NUMBER.findall(text)}


def with_answers(text: str, answered: Callable[[str], str]) -> str:
    """The document with the result of each query below it."""
    return _QUERY.sub(lambda found: f"```sql\n{found['query']}```\n\n{answered(found['query'])}\n", text)


def sections(text: str, level: int) -> dict[str, str]:
    """The text below each heading of a level, by heading."""
    parts: Sequence[str] = re.split(rf"^{'#' * level} (.*)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
