"""When a publisher is due: the quarter expected on a day, the weeks of it, which are late, how often to look."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from dagster_project.catalogue.catalogue import Source
from dagster_project.quarters import FIRST_QUARTER, Quarter

_DAY = 24 * 60 * 60
_SHORTEST_MONTH = 28
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


def late_quarters(day: date, sources: Iterable[Source], released: Iterable[Quarter]) -> list[Quarter]:
    """The quarters behind the newest released one whose usual publication weeks are over; without a release, the
    latest such quarter.
    """
    last = max((source.publication_weeks[1] for source in sources if source.publication_weeks), default=None)
    if last is None:
        return []
    quarter = Quarter(day.year, 4)
    while week_after_end(day, quarter) <= last:
        quarter = quarter.shifted(-1)
    newest = max(released, default=quarter.shifted(-1))
    late = []
    while quarter > newest and quarter >= FIRST_QUARTER:
        late.append(quarter)
        quarter = quarter.shifted(-1)
    return sorted(late)


def release_deadline(sources: Iterable[Source]) -> tuple[str, timedelta] | None:
    """When each quarter's release is due, as a cron expression of four mornings a year, and how long before that the
    earliest may come; None where no source has usual weeks.

    The four quarters' weeks end on different days of a month: the latest of them counts for all.
    """
    weeks = [source.publication_weeks for source in sources if source.publication_weeks]
    if not weeks:
        return None
    first, last = min(first for first, _ in weeks), max(last for _, last in weeks)
    ends = [Quarter(2025, number).shifted(1).first_day for number in (1, 2, 3, 4)]
    due = [end + timedelta(weeks=last) for end in ends]
    after, day = max(((late.month - end.month) % 12, late.day) for end, late in zip(ends, due, strict=True))
    if day > _SHORTEST_MONTH:
        after, day = after + 1, 1
    months = sorted((end.month - 1 + after) % 12 + 1 for end in ends)
    return f"0 10 {day} {','.join(map(str, months))} *", timedelta(weeks=last - first + 2)


def week_after_end(day: date, quarter: Quarter) -> int:
    """The week after the end of the quarter, counted from 1; 0 and less before its end."""
    last_day = quarter.shifted(1).first_day - timedelta(days=1)
    return (day - last_day - timedelta(days=1)).days // 7 + 1
