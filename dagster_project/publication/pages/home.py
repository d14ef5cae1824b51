"""The first page, and the first page of each quarter."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.rendering import Produced, page


def of_all(contents: Contents) -> Iterator[Produced]:
    """The publication's first page."""
    yield page("home.html.j2", addresses.HOME, contents, quarter=contents.newest)


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """A quarter's first page."""
    yield page("home.html.j2", addresses.quarter_home(content.quarter), content, quarter=content)
