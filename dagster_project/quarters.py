"""The NHS financial quarter: one value type, and how people and files write it.

A financial year starts on 1 April; `2025-26-Q1` is April to June 2025. The canonical text sorts
in time and is used everywhere: partition key, column, folder, argument.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from dagster_project.errors import WrongUsage

_CANONICAL = re.compile(r"([0-9]{4})-([0-9]{2})-Q([1-4])")
_YEAR = r"(?:FY\s*)?(?P<start>[0-9]{4})(?:\s*[/\u2013-]\s*(?P<end>[0-9]{4}|[0-9]{2}))?"
_QUARTER = r"(?:Q|Quarter\s*)(?P<number>[1-4])"
_READABLE = (
    re.compile(rf"{_QUARTER}\s*[,-]?\s*{_YEAR}", re.IGNORECASE),
    re.compile(rf"{_YEAR}\s*[,-]?\s*{_QUARTER}", re.IGNORECASE),
)


@dataclass(frozen=True, order=True)
class Quarter:
    """One financial quarter: `start_year` is the year in which its financial year starts."""

    start_year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 4:
            raise ValueError(f"a quarter is 1 to 4, not {self.number}")

    def __str__(self) -> str:
        return f"{self.start_year}-{(self.start_year + 1) % 100:02d}-Q{self.number}"

    @property
    def financial_year(self) -> str:
        """Such as `2025-26`."""
        return str(self)[:7]

    @property
    def label(self) -> str:
        """As the publisher writes it: `Q1 2025/26`."""
        return f"Q{self.number} {self.start_year}/{(self.start_year + 1) % 100:02d}"

    @cached_property
    def first_day(self) -> date:
        month = (4, 7, 10, 1)[self.number - 1]
        return date(self.start_year + (self.number == 4), month, 1)

    def shifted(self, quarters: int) -> Quarter:
        """The quarter that many quarters later (earlier when negative)."""
        index = self.start_year * 4 + self.number - 1 + quarters
        return Quarter(index // 4, index % 4 + 1)

    @classmethod
    def from_canonical(cls, text: str) -> Quarter:
        """Reads `2025-26-Q1` and nothing else; raises ValueError."""
        match = _CANONICAL.fullmatch(text)
        if match is None or (int(match[1]) + 1) % 100 != int(match[2]):
            raise ValueError(f"{text!r} isn't a quarter such as 2025-26-Q1")
        return cls(int(match[1]), int(match[3]))

    @classmethod
    def from_publisher(cls, text: str) -> Quarter:
        """Reads what official files hold: `Q1 2025/26`, `Q4 2024-25`, and `Q1 2025` for April to June 2025.

        Raises ValueError when the text isn't a quarter.
        """
        start, end, number = _parts(text)
        if end not in (None, start + 1, (start + 1) % 100):
            raise ValueError(f"{text!r} isn't one financial year: {start} is followed by {start + 1}")
        return cls(start, number)

    @classmethod
    def from_argument(cls, text: str) -> Quarter:
        """Reads what a person types; WrongUsage for a single year, which can be read in two ways."""
        try:
            _, end, _ = _parts(text)
            quarter = cls.from_publisher(text)
        except ValueError as error:
            raise WrongUsage(
                f"{error}, so it isn't a financial quarter. Write it as 2025-26-Q1 (April to June 2025)."
            ) from None
        if end is None:
            earlier = quarter.shifted(-4)
            raise WrongUsage(
                f"{text!r} can be read in two ways: {quarter} (starts {quarter.first_day:%-d %B %Y}) "
                f"or {earlier} (starts {earlier.first_day:%-d %B %Y}). Write the one you mean."
            )
        return quarter


def _parts(text: str) -> tuple[int, int | None, int]:
    """Start year, end year where given, and quarter number of a written quarter; raises ValueError."""
    folded = " ".join(text.split())
    for pattern in _READABLE:
        match = pattern.fullmatch(folded)
        if match is not None:
            end = match["end"]
            return int(match["start"]), None if end is None else int(end), int(match["number"])
    raise ValueError(f"{text!r} isn't written like a quarter")


# The league tables begin with it.
FIRST_QUARTER = Quarter(2025, 1)


def quarters_between(first: Quarter, last: Quarter) -> list[Quarter]:
    """The quarters from one to another, both of them in; none where the last is before the first."""
    quarters = []
    while first <= last:
        quarters.append(first)
        first = first.shifted(1)
    return quarters
