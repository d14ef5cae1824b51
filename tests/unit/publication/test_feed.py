"""The feed: what of the journal is news, in what words, and that it is Atom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import duckdb
import pytest
from published_quarters import FIRST, SECOND, small_contents

from dagster_project.publication import addresses, feed
from dagster_project.publication.contents import Contents
from dagster_project.quarters import Quarter
from dagster_project.releases.journal import (
    HELD,
    PUBLISHED,
    WITHDRAWN,
    ReleaseEvent,
    add_event,
    keep_journal,
)
from dagster_project.settings import DataFolder

ATOM = "{http://www.w3.org/2005/Atom}"
NOON = datetime(2026, 1, 2, 12)
OF_FIRST, OF_SECOND = "0000000000000001", "0000000000000002"
OLDER = "00000000000000aa"


def journal(*events: tuple[str, str, str] | tuple[str, str, str, dict[str, Any]]) -> list[ReleaseEvent]:
    """Events of a minute each: quarter, release, what happened, and what else is said of it."""
    made = []
    for number, (quarter, release, what, *said) in enumerate(events, 1):
        at = NOON + timedelta(minutes=number)
        how = "run" if what == PUBLISHED else None
        event = ReleaseEvent(
            number, Quarter.from_canonical(quarter), release, what, at, "A Person", None, how
        )
        made.append(replace(event, **said[0]) if said else event)
    return made


def told(events: list[ReleaseEvent]) -> list[tuple[str, str]]:
    return [(one.what, one.event.release_id) for one in feed.news_of(events)]


def read(contents: Contents, events: list[ReleaseEvent]) -> ElementTree.Element:
    return ElementTree.fromstring(feed.atom(contents, feed.news_of(events)))


def text(parent: ElementTree.Element, name: str) -> str:
    found = parent.find(f"{ATOM}{name}")
    assert found is not None, name
    return "".join(found.itertext())


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    return small_contents(tmp_path)


def test_releases_revisions_withdrawals_and_what_is_rolled_back_to_are_news() -> None:
    events = journal(
        (FIRST, OLDER, PUBLISHED),
        (FIRST, OF_FIRST, PUBLISHED),
        (FIRST, OF_FIRST, WITHDRAWN, {"reason": "a wrong file"}),
        (FIRST, OLDER, PUBLISHED, {"how": "roll_back"}),
    )
    assert told(events) == [
        ("released", OLDER),
        ("revised", OF_FIRST),
        ("withdrawn", OF_FIRST),
        ("rolled back", OLDER),
    ]
    texts = [one.text for one in feed.news_of(events)]
    assert f"It replaces release {OLDER}." in texts[1]
    assert "Reason: a wrong file." in texts[2]


def test_what_nobody_saw_is_no_news() -> None:
    held = journal((FIRST, OLDER, HELD), (FIRST, OLDER, WITHDRAWN, {"reason": "never mind"}))
    assert told(held) == []
    again = journal((FIRST, OLDER, PUBLISHED), (FIRST, OLDER, PUBLISHED, {"how": "rebuild"}))
    assert told(again) == [("released", OLDER)]


def test_a_release_from_before_the_journal_is_news_without_an_excuse() -> None:
    before = {"by": None, "reason": "no journal was kept then", "how": "before_journal"}
    (one,) = feed.news_of(journal((FIRST, OF_FIRST, PUBLISHED, before)))
    assert one.what == "released"
    assert "journal" not in one.text


def test_the_feed_is_atom_newest_first_with_times_of_the_journal(contents: Contents) -> None:
    root = read(contents, journal((FIRST, OF_FIRST, PUBLISHED), (SECOND, OF_SECOND, PUBLISHED)))
    assert root.tag == f"{ATOM}feed"
    entries = root.findall(f"{ATOM}entry")
    assert [text(entry, "updated") for entry in entries] == [
        "2026-01-02T12:02:00+00:00",
        "2026-01-02T12:01:00+00:00",
    ]
    assert text(root, "updated") == text(entries[0], "updated")
    ids = [text(one, "id") for one in (root, *entries)]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("urn:uuid:") for name in ids)
    for one in (root, *entries):
        assert text(one, "title")
    assert text(root, "author")
    assert all("invented" in text(entry, "summary") for entry in entries)
    # RFC 4287: at most one alternate of a type and language; a feed should name itself.
    assert [link.get("rel") for link in root.findall(f"{ATOM}link")] == ["self", "alternate"]


def test_links_lead_to_what_is_shown_and_name_no_host(contents: Contents) -> None:
    root = read(
        contents,
        journal(
            (FIRST, OLDER, PUBLISHED),
            (FIRST, OF_FIRST, PUBLISHED),
            (SECOND, OF_SECOND, PUBLISHED),
        ),
    )
    entries = root.findall(f"{ATOM}entry")
    links = [link.get("href") for entry in entries for link in entry.findall(f"{ATOM}link")]
    assert links == [
        addresses.quarter_home(SECOND),
        addresses.quarter_home(FIRST),
        addresses.CORRECTIONS,
    ]
    assert not any(urlsplit(str(link)).netloc for link in links)


def test_ids_stay_when_more_happens(contents: Contents) -> None:
    events = journal((FIRST, OF_FIRST, PUBLISHED), (SECOND, OF_SECOND, PUBLISHED))
    later = [*events, *(replace(e, number=3) for e in journal((FIRST, OF_FIRST, WITHDRAWN)))]
    before, after = (
        [text(entry, "id") for entry in read(contents, found).findall(f"{ATOM}entry")]
        for found in (events, later)
    )
    assert after[1:] == before


def test_the_same_journal_gives_the_same_bytes_and_no_names_of_people(contents: Contents) -> None:
    news = feed.news_of(journal((FIRST, OF_FIRST, PUBLISHED)))
    assert feed.atom(contents, news) == feed.atom(contents, news)
    assert b"A Person" not in feed.atom(contents, news)


def test_a_hostile_reason_is_text(contents: Contents) -> None:
    reason = "</summary><script>alert(1)</script> & \x1b[2J \u202e \x00 end"
    root = read(
        contents,
        journal((FIRST, OLDER, PUBLISHED), (FIRST, OLDER, WITHDRAWN, {"reason": reason})),
    )
    entry = root.findall(f"{ATOM}entry")[0]
    assert "<script>alert(1)</script> & \\x1b[2J \\u202e \\x00 end." in text(entry, "summary")
    assert not list(entry.iter("script"))


def test_without_a_journal_the_feed_is_empty_and_dated_by_its_figures(contents: Contents) -> None:
    (produced,) = feed.of_all(contents)
    root = ElementTree.fromstring(produced.content)
    assert produced.path == addresses.FEED
    assert root.findall(f"{ATOM}entry") == []
    assert text(root, "updated") == "2025-09-30T00:00:00+00:00"


def test_a_quarter_that_is_withdrawn_stays_in_the_news_and_one_not_shown_does_not(contents: Contents) -> None:
    warehouse = contents.newest.warehouse
    warehouse.parent.mkdir()
    third = str(contents.newest.release.quarter.shifted(1))
    with duckdb.connect(str(warehouse)) as connection:
        keep_journal(connection, DataFolder(warehouse.parents[1]))
        for quarter, release in ((FIRST, OF_FIRST), (SECOND, OF_SECOND), (third, OLDER)):
            add_event(
                connection, Quarter.from_canonical(quarter), release, PUBLISHED, at=NOON, by="A", how="run"
            )
        add_event(
            connection, Quarter.from_canonical(FIRST), OF_FIRST, WITHDRAWN, at=NOON, by="A", reason="wrong"
        )
    shown = replace(contents, quarters=(contents.newest,))

    assert [(one.what, one.event.release_id) for one in feed.news_for(shown)] == [
        ("released", OF_FIRST),
        ("released", OF_SECOND),
        ("withdrawn", OF_FIRST),
    ]
    (produced,) = feed.of_all(shown)
    assert third not in produced.content.decode()


def test_the_feed_of_an_embargoed_publication_says_so(contents: Contents) -> None:
    held = replace(contents, quarters=(replace(contents.newest, is_embargoed=True),))
    assert text(read(held, []), "subtitle").startswith("EMBARGOED")
