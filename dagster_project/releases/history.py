"""Answers what was released when: the journal by quarter, and what was current on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

from dagster_project.data_kind import kind_in_words
from dagster_project.quarters import Quarter
from dagster_project.releases.journal import current_after, read_events
from dagster_project.settings import DataFolder


def history_of(data: DataFolder, quarter: Quarter | None, on: date | None) -> dict[str, Any]:
    """The events of a quarter or of all, in their order, and the releases current at the end of a day (UTC).

    Without a day `current` is what is current now. Times are UTC, in ISO form with a Z.
    """
    events = [event for event in read_events(data) if quarter is None or event.quarter == quarter]
    current = current_after(events, on)
    return {
        "quarter": str(quarter) if quarter is not None else None,
        "kind": kind_in_words(data),
        "on": on.isoformat() if on is not None else None,
        "events": [
            {
                "event_number": event.number,
                "quarter": str(event.quarter),
                "release_id": event.release_id,
                "event": event.event,
                "at": f"{event.at.isoformat(timespec='seconds')}Z",
                "by": event.by,
                "reason": event.reason,
                "how": event.how,
            }
            for event in sorted(events, key=lambda event: (event.quarter, event.number))
        ],
        "current": [
            {
                "quarter": str(known),
                "release_id": event.release_id,
                "since": f"{event.at.isoformat(timespec='seconds')}Z",
                "how": event.how,
            }
            for known, event in sorted(current.items())
        ],
        "exit_code": 0,
    }
