"""The journal of releases: what it says of a run, of an older warehouse, and of who acted."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import hand_made_run as hand_made
import pytest

from dagster_project.releases.journal import (
    HELD,
    PUBLISHED,
    WITHDRAWN,
    ReleaseEvent,
    add_event,
    current_after,
    events_in,
    keep_journal,
    person,
    read_events,
)
from dagster_project.settings import DataFolder

Q1, Q2 = hand_made.Q1, hand_made.Q2
NOON = datetime(2026, 3, 1, 12)


def _event(number: int, release_id: str, event: str, day: int) -> ReleaseEvent:
    return ReleaseEvent(number, Q1, release_id, event, datetime(2026, 3, day, 23, 59), "A", None, None)


def _without_journal(data: DataFolder) -> None:
    """The published warehouse as it was before there was a journal."""
    data.warehouse.chmod(0o644)
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("drop table league.release_event")


def test_a_run_adds_an_event_for_each_release_that_was_not_current_before(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_PERSON", "Ada")
    first = hand_made.run(data, "run-1", "1.50", Q1, Q2)
    hand_made.run(data, "run-2", "1.50", Q1, Q2)
    second = hand_made.run(data, "run-3", "1.60", Q1)
    events = read_events(data)
    assert [event.number for event in events] == [1, 2, 3]
    assert [(event.quarter, event.release_id) for event in events] == [
        (Q1, first[0].release_id),
        (Q2, first[1].release_id),
        (Q1, second[0].release_id),
    ]
    assert {(event.event, event.how, event.by, event.reason) for event in events} == {
        (PUBLISHED, "run", "Ada", None)
    }
    assert current_after(events)[Q1].release_id == second[0].release_id


def test_an_older_warehouse_gets_a_journal_of_what_is_current_as_old_as_its_folders(data: DataFolder) -> None:
    first = hand_made.run(data, "run-1", "1.50", Q1, Q2)
    _without_journal(data)
    for release, moment in zip(first, (NOON, NOON - timedelta(days=1)), strict=True):
        seconds = moment.replace(tzinfo=UTC).timestamp()
        os.utime(data.releases / str(release.quarter) / release.release_id / "release.json", (seconds,) * 2)
    expected = [(1, Q2, NOON - timedelta(days=1)), (2, Q1, NOON)]
    for events in (read_events(data), _after_another_run(data)):
        assert [(event.number, event.quarter, event.at) for event in events[:2]] == expected
        assert {(event.how, event.by) for event in events[:2]} == {("before_journal", None)}
    assert [(event.quarter, event.how) for event in events[2:]] == [(Q1, "run")]


def _after_another_run(data: DataFolder) -> list[ReleaseEvent]:
    hand_made.run(data, "run-2", "1.60", Q1)
    return read_events(data)


def test_nothing_is_in_the_journal_before_the_first_run(data: DataFolder) -> None:
    assert read_events(data) == []


def test_the_journal_never_goes_back_in_time_although_a_clock_does(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        keep_journal(connection, DataFolder(tmp_path))
        for moment in (NOON, NOON - timedelta(hours=3)):
            add_event(connection, Q1, "a" * 16, PUBLISHED, at=moment, by="Ada", how="run")
        assert [event.at for event in events_in(connection)] == [NOON, NOON]


def test_a_release_is_current_until_the_end_of_the_day_before_another_or_none_is() -> None:
    events = [
        _event(1, "held", HELD, 1),
        _event(2, "first", PUBLISHED, 2),
        _event(3, "held", WITHDRAWN, 3),
        _event(4, "second", PUBLISHED, 4),
        _event(5, "second", WITHDRAWN, 5),
    ]
    found = {day: current_after(events, date(2026, 3, day)).get(Q1) for day in range(1, 6)}
    assert {day: event and event.release_id for day, event in found.items()} == {
        1: None,
        2: "first",
        3: "first",
        4: "second",
        5: None,
    }


def test_who_acts_is_the_name_given_or_that_of_the_environment_or_the_systems_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEAGUE_PERSON", " Ada ")
    assert person("Grace") == "Grace"
    assert person() == "Ada"
    monkeypatch.delenv("LEAGUE_PERSON")
    assert person()
