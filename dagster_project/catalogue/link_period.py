"""Which months a link is about, told from its words and its file name; None where they don't say."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from dagster_project.quarters import FIRST_QUARTER, Quarter

Span = Literal["named", "until", "year_to_date", "undated"]

_APRIL = 3
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?<![a-z])(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
# Between the parts of a name: spaces, hyphens, underscores, brackets, dots. Dashes are hyphens by then.
_GAP = r"[\s\-_.,()]*"
_FINANCIAL_YEAR = (
    r"(?<![0-9])(?:(?P<start>20[0-9]{2})\s?(?:[/\-_]|to(?![a-z]))\s?(?P<end>(?:20)?[0-9]{2})"
    r"|(?P<short>[0-9]{2})[/\-_](?P<short_end>[0-9]{2}))(?![0-9])"
)
_YEAR = r"(?:20[0-9]{2}|[2-9][0-9])(?![0-9])"
# What joins months to a range or a list: a dash, "to", "and"; the day of a month may stand before it.
_JOIN = (
    r"(?=\s*(?:[\-_&,]|(?:to|and|until|till|through)(?![a-z])))"
    r"[\s\-_&,]*(?:(?:to|and|until|till|through)(?![a-z])[\s\-_]*)?"
)
_DAY = r"(?:(?:[0-2]?[0-9]|3[01])(?:st|nd|rd|th)?[\s\-_]+)?"
_ONE_MONTH = re.compile(rf"(?P<month>{_MONTH})(?:[\s\-_.,']*(?P<year>{_YEAR}))?")
# "Oct - Mar", "Oct 2025 to Mar 2026", "October, November and December 2025": months joined by words or dashes.
_DATED_MONTH = rf"{_MONTH}(?:[\s\-_.,']*{_YEAR})?"
_MONTHS = re.compile(rf"{_DATED_MONTH}(?:{_JOIN}{_DAY}{_DATED_MONTH})*")
# The same without years of their own, beside the financial year that they lie in.
_BARE_MONTHS = rf"(?P<months>{_MONTH}(?:{_JOIN}{_DAY}{_MONTH})*)"
_IN_FINANCIAL_YEAR = (
    re.compile(rf"{_FINANCIAL_YEAR}{_GAP}{_BARE_MONTHS}(?!{_GAP}{_YEAR})"),
    re.compile(rf"{_BARE_MONTHS}{_GAP}{_FINANCIAL_YEAR}"),
)
_YEAR_FIRST = re.compile(rf"(?<![0-9/\-_])(?P<year>20[0-9]{{2}})[\s\-_]+{_BARE_MONTHS}")
_DATE = re.compile(r"(?<![0-9])(20[0-9]{2})(0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9])")
_QUARTER = r"(?<![a-z])(?:q|quarter[\s\-_]*)(?P<quarter>[1-4])(?![0-9])"
_QUARTER_AND_YEAR = (
    re.compile(rf"{_QUARTER}{_GAP}{_FINANCIAL_YEAR}"),
    re.compile(rf"{_QUARTER}{_GAP}(?P<year>20[0-9]{{2}})(?![0-9])"),
    re.compile(rf"{_FINANCIAL_YEAR}{_GAP}{_QUARTER}"),
)
# "Q1 to Q3 2025-26": the year stands once.
_QUARTER_TO_QUARTER = re.compile(
    rf"{_QUARTER.replace('quarter>', 'first>')}{_JOIN}{_QUARTER}{_GAP}{_FINANCIAL_YEAR}"
    rf"|{_FINANCIAL_YEAR.replace('>', '_before>')}{_GAP}{_QUARTER.replace('quarter>', 'first_after>')}"
    rf"{_JOIN}{_QUARTER.replace('quarter>', 'quarter_after>')}"
)
# Every dash that a page or a program writes for a hyphen, also one whose bytes were read in a wrong encoding.
_DASH = re.compile("\u00e2\u20ac[\u201c\u201d]|[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
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

    def months(self) -> tuple[str, ...]:
        """Its months as `2025-06`, in time; for an open period only the last."""
        first = self.last if self.first is None else self.first
        return tuple(f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, self.last + 1))

    def quarters(self) -> tuple[Quarter, ...]:
        """The quarters it touches; an open period starts with the first that league tables cover."""
        last = _quarter_of(self.last)
        found = [min(last, FIRST_QUARTER) if self.first is None else _quarter_of(self.first)]
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
    """From the first to the last month or quarter that the words name with its year.

    None where they name none, or a range whose end lies before its start.
    """
    rest = _PUBLISHED.sub(" ", _plain(words))
    quarters = _quarters_named(rest)
    found = [(_first_month(quarter), _first_month(quarter) + 2) for quarter in quarters]
    for pattern in _IN_FINANCIAL_YEAR:
        for match in pattern.finditer(rest):
            start = _start_of(match)
            if start is not None:
                found.append(_in_financial_year(start, match["months"]))
    found = found or _in_calendar_years(rest) or _in_the_one_financial_year(rest)
    if not found or any(last < first for first, last in found):
        return None
    return Period(min(first for first, _ in found), max(last for _, last in found))


def financial_year_named(words: str) -> int | None:
    """The year in which the one financial year starts that the words name; None for none or several.

    "April 2026 to March 2027" names the one of 2026 as "2026-27" does.
    """
    starts = {_start_of(match) for match in re.finditer(_FINANCIAL_YEAR, _plain(words))} - {None}
    if not starts:
        period = period_named(words)
        if (
            period is not None
            and period.first is not None
            and _whole_financial_year(period.first, period.last)
        ):
            return _quarter_of(period.last).start_year
    return starts.pop() if len(starts) == 1 else None


def _plain(words: str) -> str:
    """Lower case, one kind of hyphen and space, no soft hyphens."""
    return _DASH.sub(
        "-", unicodedata.normalize("NFKC", _DASH.sub("-", words)).replace("\u00ad", "")
    ).casefold()


def _quarters_named(words: str) -> list[Quarter]:
    found = []
    for match in _QUARTER_TO_QUARTER.finditer(words):
        before = match["quarter"] is None
        start = _start_of(match, "_before" if before else "")
        if start is not None:
            ends = match.group("first_after", "quarter_after") if before else match.group("first", "quarter")
            found += [Quarter(start, int(end)) for end in ends]
    for pattern in _QUARTER_AND_YEAR:
        for match in pattern.finditer(words):
            year = match["year"] if "year" in pattern.groupindex else None
            start = _start_of(match) if year is None else int(year)
            if start is not None:
                found.append(Quarter(start, int(match["quarter"])))
    return found


def _in_financial_year(start: int, months: str) -> tuple[int, int]:
    """First and last of the months, in the order of the words: a range doesn't leave its financial year."""
    names = [match["month"] for match in _ONE_MONTH.finditer(months)]
    numbers = [_month(start + (_number(name) < _APRIL), name) for name in names]
    return numbers[0], numbers[-1]


def _in_calendar_years(words: str) -> list[tuple[int, int]]:
    """Ranges of months with a year at either end or both, and dates written as one number."""
    found = []
    for match in _MONTHS.finditer(words):
        named = [(one["month"], one["year"]) for one in _ONE_MONTH.finditer(match[0])]
        if any(year is not None for _, year in named):
            months = _dated([(name, None if year is None else _whole_year(year)) for name, year in named])
            found.append((months[0], months[-1]))
    dates = [int(match[1]) * 12 + int(match[2]) - 1 for match in _DATE.finditer(words)]
    found += [(date, date) for date in dates]
    if not found:
        for match in _YEAR_FIRST.finditer(words):
            names = [one["month"] for one in _ONE_MONTH.finditer(match["months"])]
            months = _dated([(names[0], int(match["year"])), *((name, None) for name in names[1:])])
            found.append((months[0], months[-1]))
    return found


def _in_the_one_financial_year(words: str) -> list[tuple[int, int]]:
    """Months that stand apart from the only financial year named: "2025-26 statistics, monthly: Oct - Mar"."""
    starts = {_start_of(match) for match in re.finditer(_FINANCIAL_YEAR, words)} - {None}
    chains = [match[0] for match in _MONTHS.finditer(words)]
    # Alone, "may" and "march" are words as well.
    chains = [chain for chain in chains if chain not in ("may", "march", "mar")]
    (start, *more) = (*starts, None)
    return [] if start is None or more != [None] else [_in_financial_year(start, chain) for chain in chains]


def _dated(named: list[tuple[str, int | None]]) -> list[int]:
    """Months in time: one without a year is the nearest before the next that has one, or after the last."""
    months: list[int | None] = [None if year is None else _month(year, name) for name, year in named]
    for position in reversed(range(len(named) - 1)):
        later = months[position + 1]
        if months[position] is None and later is not None:
            months[position] = later - (later - _number(named[position][0])) % 12
    for position in range(1, len(named)):
        earlier = months[position - 1]
        if months[position] is None and earlier is not None:
            months[position] = earlier + (_number(named[position][0]) - earlier) % 12
    return [month for month in months if month is not None]


def _start_of(match: re.Match[str], suffix: str = "") -> int | None:
    """The year in which the financial year of a match starts; None for two that don't follow each other."""
    start = match[f"start{suffix}"] or match[f"short{suffix}"]
    end = match[f"end{suffix}"] or match[f"short_end{suffix}"]
    if start is None or _whole_year(start) + 1 != _whole_year(end):
        return None
    return _whole_year(start)


def _whole_financial_year(first: int, last: int) -> bool:
    return first % 12 == _APRIL and last == first + 11


def _whole_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _number(name: str) -> int:
    return _NAMES.index(name[:3])


def _month(year: int, name: str) -> int:
    return year * 12 + _number(name)


def _first_month(quarter: Quarter) -> int:
    return quarter.first_day.year * 12 + quarter.first_day.month - 1


def _quarter_of(month: int) -> Quarter:
    year, number = divmod(month - 3, 12)
    return Quarter(year, number // 3 + 1)
