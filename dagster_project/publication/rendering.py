"""Pages from templates: Jinja with everything escaped, links made relative, and figures that lead to their derivation.

A figure in a page is a `<data>` element that names the released cell it shows, within a link to its derivation: a test
holds every one of them against the release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader
from jinja2.exceptions import UndefinedError
from markupsafe import Markup, escape

from dagster_project.publication import addresses, standings, words
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.figures import cell_id, explained_at
from dagster_project.publication.frontend import address_of
from dagster_project.shown import in_one_line

_TEMPLATES = Path(__file__).with_name("templates")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Produced:
    """A file of the publication: its path below the root, and its bytes."""

    path: str
    content: bytes


class NeverShown(ChainableUndefined):
    """What isn't known may be asked for, as the design system's templates do of their options, but never shown."""

    def __str__(self) -> str:
        raise UndefinedError(self._undefined_message)

    def __html__(self) -> str:
        raise UndefinedError(self._undefined_message)


@cache
def environment() -> Environment:
    """Ours before the NHS design system's templates; an unknown name is an error."""
    made = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(_TEMPLATES),
                PackageLoader("nhsuk_frontend_jinja", "templates"),
            ]
        ),
        autoescape=True,
        undefined=NeverShown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.tests["placed_by_publisher"] = standings.placed_by_publisher
    made.globals |= {"addresses": addresses, "words": words}
    made.filters |= {"ordinal": words.ordinal, "plain": words.plain, "text": in_one_line}
    return made


def page(template: str, path: str, content: QuarterContent | Contents, **values: Any) -> Produced:
    """A page at a path; its template gets the values and what is listed below."""
    text = (
        environment()
        .get_template(template)
        .render(
            content=content,
            path=path,
            to=_links(path),
            asset=_assets(path),
            figure=figures(path),
            cell=partial(cell, path),
            between=ranges(path),
            count=count,
            **values,
        )
    )
    return Produced(path, text.encode())


def _links(path: str) -> Callable[[str], str]:
    return lambda there: addresses.link(path, there)


def _assets(path: str) -> Callable[[str], str]:
    return lambda name: addresses.link(path, address_of(name))


def figures(path: str) -> Callable[..., Markup]:
    """The function `figure(table, row, column, shown=None)` of a page: the cell as people read it, as a link."""

    def figure(table: str, row: Row, column: str, shown: Any = None) -> Markup:
        data = cell(path, table, row, column, shown)
        there = explained_at(table, row, column)
        if there is None or row[column] is None:
            return data
        return Markup(f'<a class="figure" href="{escape(addresses.link(path, there))}">{data}</a>')

    return figure


def cell(path: str, table: str, row: Row, column: str, shown: Any = None) -> Markup:
    """A released cell as people read it, without a link; only the text where it is missing.

    The cell's name leaves the quarter out on that quarter's own pages.
    """
    value = row[column]
    plain = words.plain(value)
    text = in_one_line(plain if shown is None else str(shown))
    if value is None:
        return escape(text)
    elsewhere = not path.startswith(f"{row['quarter']}/")
    name = escape(cell_id(table, row, column, with_quarter=elsewhere))
    return Markup(f'<data value="{escape(plain)}" data-cell="{name}">{escape(text)}</data>')


def ranges(path: str) -> Callable[..., Markup]:
    """The function `between(table, row, low, high, say=words.ordinal)` of a page: "from 88th to 120th", both ends
    released cells; one of them where they are equal, and nothing where one is missing."""
    figure = figures(path)

    def between(
        table: str, row: Row, low: str, high: str, say: Callable[[Any], str] = words.ordinal
    ) -> Markup:
        if row[low] is None or row[high] is None:
            return Markup()
        ends = [figure(table, row, end, say(row[end])) for end in (low, high)]
        return ends[0] if row[low] == row[high] else Markup("from {} to {}").format(*ends)

    return between


def count(content: QuarterContent, table: str, **equal: Any) -> Markup:
    """How many rows a released table has with these values, as a number that a test can count again."""
    found = len(content.find(table, **equal)) if equal else len(content.rows(table))
    said = "|".join([content.quarter, table, *(f"{name}={value}" for name, value in sorted(equal.items()))])
    return Markup('<data value="{}" data-count="{}">{}</data>').format(found, said, found)
