"""When a publisher is due: the quarter expected on a day, the weeks of it, how often to look."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from dagster_project.catalogue.catalogue import Source
from dagster_project.quarters import Quarter

_DAY = 24 * 60 * 60
# Days matter for all that is published monthly or quarterly; what changes once a year can wait for a week.
_SECONDS_BETWEEN_LOOKS = {"monthly": _DAY, "quarterly": _DAY, "yearly": 7 * _DAY, "irregular": 7 * _DAY}


def seconds_between_looks(sources: Iterable[Source]) -> int:
    """How long to leave the publisher in peace, by the most frequent cadence; a day without sources."""
    return min((_SECONDS_BETWEEN_LOOKS[source.cadence] for source in sources), default=_DAY)


def latest_due(day: date, sources: Iterable[Source]) -> Quarter:
    """The latest quarter whose usual publication weeks have begun."""
    first = min((source.publication_weeks[0] for source in sources if source.publication_weeks), default=1)
    quarter = Quarter(day.year, 4)
    while week_after_end(day, quarter) < first:
        quarter = quarter.shifted(-1)
    return quarter


def quarter_due(day: date, sources: Iterable[Source]) -> Quarter | None:
    """The quarter in whose usual publication weeks the day lies; None between them."""
    known = [source for source in sources if source.publication_weeks]
    if not known:
        return None
    quarter = latest_due(day, known)
    last = max(source.publication_weeks[1] for source in known if source.publication_weeks)
    return quarter if week_after_end(day, quarter) <= last else None


def week_after_end(day: date, quarter: Quarter) -> int:
    """The week after the end of the quarter, counted from 1; 0 and less before its end."""
    last_day = quarter.shifted(1).first_day - timedelta(days=1)
    return (day - last_day - timedelta(days=1)).days // 7 + 1
