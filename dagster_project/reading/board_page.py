"""The board's page of an organisation: its story in sentences, and the query behind each with what it gives.

As docs/insight.md tells it of one trust, for any. What a sentence says isn't here (board_sentences).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from textwrap import fill
from typing import Any

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.explanation.recomputation.release_tables import find_release
from dagster_project.layout import NARROW
from dagster_project.notices import NOT_A_VERDICT
from dagster_project.quarters import Quarter
from dagster_project.reading.board_sentences import SENTENCES, Subject, short_name
from dagster_project.settings import WAREHOUSE_NAME, DataFolder
from dagster_project.shown import in_one_line, markdown
from dagster_project.sql_text import literal
from dagster_project.typed_names import Known, find_organisation

_QUERIES = Path(__file__).parent / "queries"
_STEPS = "The smallest steps"


@dataclass(frozen=True)
class Asked:
    """A query as it can be run anywhere, and its result."""

    query: str
    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Part:
    """A sentence of the story and what stands behind it."""

    heading: str
    sentence: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class BoardPage:
    """The story of an organisation in a released quarter."""

    subject: Subject
    organisation_name: str
    release_id: str
    is_sample: bool
    notice: str
    parts: tuple[Part, ...]

    @property
    def what_if(self) -> str | None:
        """The command that tries the smallest step; None where no metric alone would do."""
        steps = next((part.asked[0].records for part in self.parts if part.heading == _STEPS), [])
        if not steps:
            return None
        change = f"{steps[0]['metric_id']}={steps[0]['value_needed'].normalize():f}"
        return f"league what-if {self.subject.code} {self.subject.quarter} {change}"


def board_page(data: DataFolder, organisation: str, quarter: Quarter) -> BoardPage:
    """The page of an organisation, by code or name, from the published warehouse.

    Raises WrongUsage for a name that fits none or several; InputMissing for a quarter that isn't released, an
    organisation without a place, and a warehouse from before its tables were made.
    """
    release = find_release(data, quarter)
    known = [
        Known(row["organisation_code"], row["organisation_name"] or "", row["table_name"])
        for row in release.rows("organisation")
    ]
    found = find_organisation(organisation, known, str(quarter))
    if not release.rows("league_table", organisation_code=found.code):
        raise InputMissing(
            f"{found} has no place in {quarter}, so there is no story to tell. `league explain {found.code} "
            f"{quarter}` tells why."
        )
    subject = Subject(found.code, short_name(found.name), found.where, str(quarter))
    return BoardPage(
        subject=subject,
        organisation_name=found.name,
        release_id=release.release_id,
        is_sample=bool(release.release_file["is_sample"]),
        notice=release.release_file["notice"],
        parts=tuple(_parts(data, subject)),
    )


def queries_for(code: str, quarter: str) -> dict[str, list[str]]:
    """The queries behind each heading, for an organisation and a quarter."""
    found: dict[str, list[str]] = {heading: [] for heading in SENTENCES}
    by_file = {heading.casefold().replace(" ", "_"): heading for heading in SENTENCES}
    for file in sorted(_QUERIES.glob("*.sql")):
        _, _, name = file.stem.partition("_")
        text = file.read_text(encoding="utf-8")
        text = text.replace("$quarter", literal(quarter)).replace("$organisation", literal(code))
        found[by_file[name.removesuffix("_in_all")]].append(text)
    return found


def _parts(data: DataFolder, subject: Subject) -> Iterator[Part]:
    # Attached and not connected to: a process that read before a release would go on with the file of before. By its
    # own name, which its views have.
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            f"attach {literal(data.warehouse)} as {WAREHOUSE_NAME} (read_only); use {WAREHOUSE_NAME}"
        )
        for heading, queries in queries_for(subject.code, subject.quarter).items():
            asked = tuple(_ask(connection, query, subject.quarter) for query in queries)
            sentence = SENTENCES[heading](subject, *(one.records for one in asked))
            yield Part(heading, in_one_line(sentence), asked)


def _ask(connection: duckdb.DuckDBPyConnection, query: str, quarter: str) -> Asked:
    try:
        result = connection.execute(query)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise InputMissing(
            f"The warehouse was made before a table that the page asks for: {in_one_line(str(error))}. Release the "
            f"quarter again: league run {quarter} --again"
        ) from error
    names = tuple(column[0] for column in result.description or ())
    return Asked(query, names, tuple(result.fetchall()))


def as_markdown(page: BoardPage) -> str:
    """The page: the story, then the query behind each sentence with its result."""
    return "\n".join(_document(page)) + "\n"


def _document(page: BoardPage) -> Iterator[str]:
    subject = page.subject
    yield f"# {markdown(page.organisation_name)}: its place in {subject.quarter}, and how sure it is"
    yield ""
    yield _folded(
        f"Code `{subject.code}`, release `{page.release_id}`. {markdown(page.notice)} {NOT_A_VERDICT} Averages and "
        "segments run from 1, the best, to 4, the worst. A *draw* is one of the tables in which everybody's metrics "
        "were drawn by chance from their own."
    )
    yield ""
    yield "## The story"
    yield ""
    for number, part in enumerate(page.parts, 1):
        start = f"{number}. "
        yield _folded(start + markdown(part.sentence), len(start))
    if page.what_if:
        yield ""
        yield f"What the smallest step would make of the whole table: `{page.what_if}`."
    yield ""
    yield "## The query behind each sentence"
    yield ""
    yield "In `warehouse/nhs_league_tables.duckdb` of the data folder, by any DuckDB client."
    for number, part in enumerate(page.parts, 1):
        yield ""
        yield f"### {number}. {part.heading}"
        for one in part.asked:
            yield ""
            yield f"```sql\n{one.query.rstrip()}\n```"
            yield ""
            yield result_table(one.names, one.rows)


def _folded(text: str, indent: int = 0) -> str:
    return fill(text, NARROW, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def result_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A query's result as a Markdown table, its columns named as in the query."""
    lines = [list(names), ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return str(value).lower()
    return in_one_line(str(value)).replace("|", "\\|")


def as_json(page: BoardPage) -> Mapping[str, Any]:
    """The page as plain JSON values, numbers with decimals as text."""
    return {
        "organisation_code": page.subject.code,
        "organisation_name": page.organisation_name,
        "quarter": page.subject.quarter,
        "release_id": page.release_id,
        "is_sample": page.is_sample,
        "story": [
            {
                "heading": part.heading,
                "sentence": part.sentence,
                "queries": [
                    {"query": one.query, "rows": [_values(row) for row in one.records]} for one in part.asked
                ],
            }
            for part in page.parts
        ],
        "what_if": page.what_if,
        "notice": page.notice,
    }


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in row.items()}
