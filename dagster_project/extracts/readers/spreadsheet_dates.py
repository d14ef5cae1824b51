"""What a spreadsheet program turned into a date, turned back where only one text can have been meant.

Every function that can't tell raises ValueError whose message is what was expected.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from dagster_project.extracts.readers.text import folded, rank, value_range

_DAY_ZERO = date(1899, 12, 30)
# Serial numbers of 2009 to 2064; no period that publishers write has five digits.
_SERIAL = re.compile(r"[45][0-9]{4}(?:\.0+)?")
_ISO = re.compile(r"(20[0-9]{2})-([0-9]{2})-([0-9]{2})(?:[ T]00:00:00)?")
_LONGEST_MONTH = 31
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_AND_MONTH = re.compile(r"([0-9]{1,3})[-/ ]([a-z]{3})", re.IGNORECASE)
_MONTH_AND_NUMBER = re.compile(r"([a-z]{3})[-/ ]([0-9]{1,3})", re.IGNORECASE)


def period_or_none(text: str) -> str | None:
    """A period as published, None for a blank; the date that was made of `Jun-25` is written so again."""
    shown = folded(text)
    swapped = _DAY_AND_MONTH.fullmatch(shown)
    if swapped is not None and _month(swapped[2]) and len(swapped[1]) == 2:
        # Where dates begin with the month, `Jun-25` became the 25th of June.
        return f"{swapped[2].title()}-{swapped[1]}"
    day = _date_of(shown)
    if day is None:
        return shown or None
    if day.day != 1:
        raise ValueError(
            f"a period such as Jun-25, as published: a spreadsheet program made {day.isoformat()} of it, "
            "and what was there can't be told"
        )
    return day.strftime("%b-%y")


def rank_range(text: str) -> tuple[str, str]:
    """The ends of a range of ranks such as `1 to 11`, also where it was made a date: `01-Nov`, `11-Jan`, `Feb-25`.

    The low end comes first in every range, so that both orders of day and month say the same.
    """
    shown = folded(text)
    found = _DAY_AND_MONTH.fullmatch(shown)
    if found is not None and _month(found[2]) and int(found[1]) <= _LONGEST_MONTH:
        low, high = sorted((int(found[1]), _month(found[2])))
        return str(rank(str(low))), str(high)
    found = _MONTH_AND_NUMBER.fullmatch(shown)
    if found is not None and 0 < _month(found[1]) <= int(found[2]):
        return str(_month(found[1])), str(int(found[2]))
    if _date_of(shown) is not None or found is not None:
        raise ValueError(
            "a range of ranks such as '1 to 11': a spreadsheet program made a date of it, "
            "and what was there can't be told"
        )
    return value_range(text)


def was_a_date(text: str) -> bool:
    """Whether the cell is such a date."""
    shown = folded(text)
    patterns = (_SERIAL, _ISO, _DAY_AND_MONTH)
    return any(pattern.fullmatch(shown) for pattern in patterns)


def _month(name: str) -> int:
    """1 to 12; 0 for what is no month."""
    short = name.casefold()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _date_of(shown: str) -> date | None:
    if _SERIAL.fullmatch(shown):
        return _DAY_ZERO + timedelta(days=int(float(shown)))
    match = _ISO.fullmatch(shown)
    if match is None:
        return None
    try:
        return date(*(int(part) for part in match.groups()))
    except ValueError:
        return None
