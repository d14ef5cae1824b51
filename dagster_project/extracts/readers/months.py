"""The month that a statistic is about, however its publisher writes it, and the quarter it belongs to.

Every function that can't make sense of a text raises ValueError whose message is what was expected.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from dagster_project.extracts.readers.text import folded
from dagster_project.quarters import Quarter

MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, 1)}
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
_NAME = r"(?<![a-z])(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")(?![a-z])"
_MONTH_AND_YEAR = re.compile(_NAME + r"[\s_-]*(?P<year>20[0-9]{2}|[0-9]{2})(?![0-9])", re.IGNORECASE)
_MONTH = re.compile(_NAME, re.IGNORECASE)
_FINANCIAL_YEAR = re.compile(r"(?P<start>20[0-9]{2})\s*[-/\u2013]\s*(?P<end>20[0-9]{2}|[0-9]{2})(?![0-9])")
_DATES = (
    re.compile(r"(?P<year>20[0-9]{2})-(?P<month>[0-9]{2})(?:-[0-9]{2})?(?:[ T].*)?"),
    re.compile(r"[0-9]{1,2}/(?P<month>[0-9]{1,2})/(?P<year>20[0-9]{2})(?: .*)?"),
)


_SERIAL = re.compile(r"(?P<days>[45][0-9]{4})(?:\.0+)?")
_DAY_ZERO = date(1899, 12, 30)


def month(year: int, number: int) -> str:
    """Such as `2025-06`."""
    if not 1 <= number <= 12:
        raise ValueError("a month from 1 to 12")
    return f"{year}-{number:02d}"


def month_in(text: str) -> str:
    """The only month and year written in a text, such as `MSitAE-MAY-2025` or `waiting list, June 2025`."""
    found = {
        month(int(match["year"]) % 2000 + 2000, _MONTHS[match["month"].casefold()])
        for match in _MONTH_AND_YEAR.finditer(text)
    }
    if len(found) != 1:
        raise ValueError("one month and its year, such as MAY-2025")
    return found.pop()


def month_of_date(text: str) -> str:
    """The month of `2025-06-01`, of `01/06/2025`, day first, or of the number 45809 that is such a date."""
    for pattern in _DATES:
        match = pattern.fullmatch(folded(text))
        if match is not None:
            return month(int(match["year"]), int(match["month"]))
    serial = _SERIAL.fullmatch(folded(text))
    if serial is not None:
        # What a spreadsheet program saves for a date that it shows as a number; the day tells nothing here.
        return (_DAY_ZERO + timedelta(days=int(serial["days"]))).isoformat()[:7]
    raise ValueError("a date such as 2025-06-01 or 01/06/2025")


def month_of_financial_year(year: str, name: str) -> str:
    """The month called `JUNE` of the financial year `2025-26`."""
    match = _FINANCIAL_YEAR.fullmatch(folded(year))
    number = _MONTHS.get(folded(name).casefold())
    if match is None or number is None or (int(match["start"]) + 1) % 100 != int(match["end"]) % 100:
        raise ValueError("a financial year and a month, such as 2025-26 and JUNE")
    return month(int(match["start"]) + (number < 4), number)


def month_of_file_name(name: str) -> str:
    """The only month that a file name says: `April-2026-Monthly...`, `2025-26-June.xlsx`, `AE-July-2025`."""
    years = _FINANCIAL_YEAR.findall(name)
    if not years:
        return month_in(name)
    names = {_MONTHS[match["month"].casefold()] for match in _MONTH.finditer(name)}
    if len(names) != 1 or len(years) != 1:
        raise ValueError("one month and its year in the file's name, such as April-2026")
    number = names.pop()
    return month(int(years[0][0]) + (number < 4), number)


def quarter_of(period: str) -> str:
    """The canonical quarter of the month `2025-06`."""
    year, number = (int(part) for part in period.split("-"))
    return str(Quarter(year - (number < 4), (number - 4) % 12 // 3 + 1))
