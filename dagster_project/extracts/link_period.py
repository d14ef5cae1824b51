"""Which months a link is about, told from its words and its file name; None where they don't say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dagster_project.quarters import FIRST_YEAR, Quarter

Span = Literal["named", "until", "year_to_date", "undated"]

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?<![a-z])(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
# Between the parts of a name: spaces, hyphens, underscores, brackets, dots.
_GAP = r"[\s\-_.,()\u2013\u2014]*"
_FINANCIAL_YEAR = r"(?<![0-9])(20[0-9]{2}|[0-9]{2})[/\-_\u2013]([0-9]{2})(?![0-9])"
_YEAR = r"(20[0-9]{2}|[2-9][0-9])(?![0-9])"

_MONTH_OF_FINANCIAL_YEAR = re.compile(rf"{_FINANCIAL_YEAR}{_GAP}{_MONTH}")
_MONTH_THEN_FINANCIAL_YEAR = re.compile(rf"{_MONTH}{_GAP}{_FINANCIAL_YEAR}")
_MONTH_AND_YEAR = re.compile(rf"{_MONTH}[\s\-_.]*{_YEAR}")
_MONTH_TO_MONTH = re.compile(rf"{_MONTH}[\s\-_]*(?:to|and|-|\u2013)[\s\-_]*(?={_MONTH})")
_DATE = re.compile(r"(?<![0-9])(20[0-9]{2})(0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9])")
_QUARTER = r"(?<![a-z])(?:q|quarter[\s\-_]*)([1-4])(?![0-9])"
_QUARTER_AND_YEAR = (
    re.compile(rf"{_QUARTER}{_GAP}{_FINANCIAL_YEAR}"),
    re.compile(rf"{_QUARTER}{_GAP}(20[0-9]{{2}})(?![0-9])"),
)
_YEAR_AND_QUARTER = re.compile(rf"{_FINANCIAL_YEAR}{_GAP}{_QUARTER}")
# The day of publication isn't what the file is about.
_PUBLISHED = re.compile(r"\(?(?:published|updated|last\s+updated|released)(?:\s+on)?:?\s+[^),;]*\)?")


@dataclass(frozen=True)
class Period:
    """Months from the first to the last, counted as year * 12 + month - 1; `first` None is open."""

    first: int | None
    last: int

    def covers(self, quarter: Quarter) -> bool:
        """Whether at least one month of the quarter is in it."""
        start = _first_month(quarter)
        return self.last >= start and (self.first is None or self.first <= start + 2)

    def quarters(self) -> tuple[Quarter, ...]:
        """The quarters it touches; an open period starts with the first that league tables cover."""
        last = _quarter_of(self.last)
        found = [min(last, Quarter(FIRST_YEAR, 1)) if self.first is None else _quarter_of(self.first)]
        while found[-1] < last:
            found.append(found[-1].shifted(1))
        return tuple(found)


def link_period(text: str, file_name: str, span: Span) -> Period | None:
    """The months of a file by its link; None where neither says them or the two contradict each other."""
    if span == "undated":
        return None
    said = {_spanned(period, span) for period in map(period_named, (text, file_name)) if period is not None}
    return said.pop() if len(said) == 1 else None


def _spanned(named: Period, span: Span) -> Period:
    if span == "until":
        return Period(None, named.last)
    if span == "year_to_date":
        return Period(_first_month(Quarter(_quarter_of(named.last).start_year, 1)), named.last)
    return named


def period_named(words: str) -> Period | None:
    """From the first to the last month or quarter that the words name with its year."""
    rest = _PUBLISHED.sub(" ", words.casefold())
    months: list[int] = []
    for quarter in _quarters_named(rest):
        months += [_first_month(quarter), _first_month(quarter) + 2]
    for match in _MONTH_OF_FINANCIAL_YEAR.finditer(rest):
        months += _in_financial_year(match[1], match[2], match[3])
    for match in _MONTH_THEN_FINANCIAL_YEAR.finditer(rest):
        months += _in_financial_year(match[2], match[3], match[1])
    if not months:
        months += [_month(_whole_year(match[2]), match[1]) for match in _MONTH_AND_YEAR.finditer(rest)]
        months += [int(match[1]) * 12 + int(match[2]) - 1 for match in _DATE.finditer(rest)]
        if months:
            # "April to June 2025": the year stands once, after the last of them.
            first = [_NAMES.index(match[1][:3]) for match in _MONTH_TO_MONTH.finditer(rest)]
            months += [max(months) - (max(months) - month) % 12 for month in first]
    return Period(min(months), max(months)) if months else None


def financial_year_named(words: str) -> int | None:
    """The year in which the one financial year starts that the words name; None for none or several."""
    starts = {
        _whole_year(match[1])
        for match in re.finditer(_FINANCIAL_YEAR, words)
        if (_whole_year(match[1]) + 1) % 100 == int(match[2])
    }
    return starts.pop() if len(starts) == 1 else None


def _quarters_named(words: str) -> list[Quarter]:
    found = []
    for pattern in _QUARTER_AND_YEAR:
        for match in pattern.finditer(words):
            if pattern.groups == 2 or _consecutive(match[2], match[3]):
                found.append(Quarter(_whole_year(match[2]), int(match[1])))
    for match in _YEAR_AND_QUARTER.finditer(words):
        if _consecutive(match[1], match[2]):
            found.append(Quarter(_whole_year(match[1]), int(match[3])))
    return found


def _in_financial_year(start: str, end: str, name: str) -> list[int]:
    if not _consecutive(start, end):
        return []
    month = _NAMES.index(name[:3])
    return [_month(_whole_year(start) + (month < 3), name)]


def _consecutive(start: str, end: str) -> bool:
    return (_whole_year(start) + 1) % 100 == int(end)


def _whole_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _month(year: int, name: str) -> int:
    return year * 12 + _NAMES.index(name[:3])


def _first_month(quarter: Quarter) -> int:
    return quarter.first_day.year * 12 + quarter.first_day.month - 1


def _quarter_of(month: int) -> Quarter:
    year, number = divmod(month - 3, 12)
    return Quarter(year, number // 3 + 1)
