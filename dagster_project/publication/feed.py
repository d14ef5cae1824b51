"""The Atom feed of releases and corrections: what the journal says was published, revised, rolled back, withdrawn."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

import duckdb

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents
from dagster_project.publication.licences import licence_of
from dagster_project.publication.rendering import Produced
from dagster_project.publication.words import LOWER_IS_BETTER
from dagster_project.quarters import Quarter
from dagster_project.releases.journal import (
    EVENT_TABLE,
    PUBLISHED,
    WITHDRAWN,
    ReleaseEvent,
    current_after,
    events_in,
)
from dagster_project.shown import in_one_line
from dagster_project.sql_text import literal

_NAMESPACE = uuid.UUID("0d9c1b64-6f0e-5b43-a2f5-6f2d3f1c8e57")
_AUTHOR = "NHS league tables, recomputed"


@dataclass(frozen=True)
class News:
    """What readers are told of an event: `what` is released, revised, rolled back or withdrawn."""

    event: ReleaseEvent
    what: str
    title: str
    text: str


def of_all(contents: Contents) -> Iterator[Produced]:
    """The feed."""
    yield Produced(addresses.FEED, atom(contents, news_for(contents)))


def news_for(contents: Contents) -> list[News]:
    """The news of a publication: of the quarters that it shows, and of those that have no release any more."""
    events = journal(contents.newest.warehouse)
    elsewhere = {quarter for quarter in current_after(events) if contents.of(str(quarter)) is None}
    return [one for one in news_of(events) if one.event.quarter not in elsewhere]


def journal(warehouse: Path) -> list[ReleaseEvent]:
    """The events of the published warehouse; none of one that was made before there was a journal, nor without one."""
    if not warehouse.is_file():
        return []
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        # Attached, because connect() gives a process that still reads from before a swap the old file again.
        connection.execute(f"attach {literal(warehouse)} as published (read_only)")
        schema, table = EVENT_TABLE.split(".")
        found = connection.execute(
            "select 1 from duckdb_tables() where database_name = 'published' "
            f"and schema_name = {literal(schema)} and table_name = {literal(table)}"
        ).fetchone()
        return events_in(connection, f"published.{EVENT_TABLE}") if found else []


def news_of(events: Sequence[ReleaseEvent]) -> list[News]:
    """What of the journal is news to readers, in its order.

    Not what was held: nobody has seen it. Nor that the same release was put in place again, or that one was withdrawn
    which nobody has seen. Who did it isn't told either.
    """
    current: dict[Quarter, str] = {}
    seen: set[tuple[Quarter, str]] = set()
    found = []
    for event in events:
        quarter, release = event.quarter, event.release_id
        why = _why(event)
        if event.event == PUBLISHED:
            before = current.get(quarter)
            current[quarter] = release
            seen.add((quarter, release))
            if before == release:
                continue
            what = "rolled back" if event.how == "roll_back" else "revised" if before else "released"
            instead = f" It replaces release {before}." if before else ""
            text = f"Release {release} of {quarter} is current.{instead}{why}"
        elif event.event == WITHDRAWN and (quarter, release) in seen:
            what = "withdrawn"
            if current.get(quarter) == release:
                del current[quarter]
            text = f"Release {release} of {quarter} is withdrawn: its figures are not to be used.{why}"
        else:
            continue
        found.append(News(event, what, f"{quarter} {what}: release {release}", text))
    return found


def _why(event: ReleaseEvent) -> str:
    """The reason as a sentence; none of what stands in the journal only because nobody kept one then."""
    if not event.reason or event.how == "before_journal":
        return ""
    return f" Reason: {in_one_line(event.reason).rstrip('.')}."


def atom(contents: Contents, news: Sequence[News]) -> bytes:
    """The feed as Atom, newest first. Ids name events and no host; times are those of the journal."""
    from feedgen.feed import FeedGenerator

    kind = "sample" if contents.is_sample else "official"
    licence = licence_of(is_sample=contents.is_sample)
    feed = FeedGenerator()
    feed.id(uuid.uuid5(_NAMESPACE, kind).urn)
    feed.title(
        f"NHS league tables, recomputed: releases and corrections{' (fictional)' if kind == 'sample' else ''}"
    )
    feed.subtitle(f"{contents.notice} {LOWER_IS_BETTER}")
    feed.author(name=_AUTHOR)
    feed.rights(f"{licence.title}, {licence.path}")
    feed.language("en-GB")
    feed.link(href=addresses.FEED, rel="self", type="application/atom+xml")
    feed.link(href=addresses.link(addresses.FEED, addresses.HOME), rel="alternate", type="text/html")
    # A warehouse from before the journal tells no time: the last day that the figures are of.
    last = datetime.combine(contents.newest.last_day, time())
    feed.updated((news[-1].event.at if news else last).replace(tzinfo=UTC))
    for one in reversed(news):
        entry = feed.add_entry(order="append")
        event = one.event
        name = f"{kind}/{event.quarter}/{event.release_id}/{event.event}/{event.number}"
        entry.id(uuid.uuid5(_NAMESPACE, name).urn)
        entry.title(one.title)
        entry.updated(event.at.replace(tzinfo=UTC))
        entry.published(event.at.replace(tzinfo=UTC))
        entry.category(term=one.what)
        entry.summary(f"{contents.notice} {one.text}")
        entry.link(href=_page_of(contents, one), rel="alternate", type="text/html")
    return bytes(feed.atom_str(pretty=True)) + b"\n"


def _page_of(contents: Contents, news: News) -> str:
    """Where one reads on: the quarter's pages while they show this release, else the corrections."""
    quarter = contents.of(str(news.event.quarter))
    shown = quarter is not None and quarter.release_id == news.event.release_id and news.what != WITHDRAWN
    there = addresses.quarter_home(str(news.event.quarter)) if shown else addresses.CORRECTIONS
    return addresses.link(addresses.FEED, there)
