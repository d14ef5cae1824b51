"""What a cell of an official file says: spaces, numbers, missing marks, ranges, yes and no, units, regions.

Every function that can't make sense of a text raises ValueError whose message is what was expected.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache

from dagster_project.settings import DBT_PROJECT_DIR

DECIMAL_PLACES = 6
_SMALLEST = Decimal(1).scaleb(-DECIMAL_PLACES)
_LARGEST = Decimal(10) ** (18 - DECIMAL_PLACES)

# A file says the same few thousand things in hundreds of thousands of cells.
_REMEMBERED = 8192
# Invisible and no part of any text; spaces of all kinds, the no-break space too, fall to str.split.
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"))
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_RANGE = re.compile(
    r"(?P<low>[+-]?[0-9.]+)\s*(?:to|[-\u2010-\u2015\u2212])\s*(?P<high>[+-]?[0-9.]+)", re.IGNORECASE
)
_MINUS = str.maketrans({"\u2212": "-"})

_UNITS = {
    "%": "percent",
    "per cent": "percent",
    "percent": "percent",
    "percentage": "percent",
    "percentage point": "percentage points",
    "percentage points": "percentage points",
    "pp": "percentage points",
    "count": "count",
    "number": "count",
    "rate": "rate",
    "score": "score",
    "segment": "segment",
    "flag": "flag",
    "out of 10": "out of 10",
    "day": "days",
    "days": "days",
    "min": "minutes",
    "mins": "minutes",
    "minute": "minutes",
    "minutes": "minutes",
    "index": "index",
}
UNITS = frozenset(_UNITS.values())


@lru_cache(_REMEMBERED)
def folded(text: str) -> str:
    """The text without spaces at its ends, every run of spaces (no-break ones too) as one space."""
    return " ".join(text.translate(_INVISIBLE).split())


def folded_or_none(text: str) -> str | None:
    """As `folded`; None for a blank."""
    return folded(text) or None


def missing_reason(text: str, marks: Mapping[str, str]) -> str | None:
    """Why the cell holds no value, or None if it isn't blank or one of the source's missing marks.

    `marks` maps each mark, in lower case, to its meaning. It belongs to the source: `-` is zero in some.
    """
    shown = folded(text)
    if not shown:
        return "blank"
    meaning = marks.get(shown.casefold())
    return None if meaning is None else f"{shown!r}: {meaning}"


@lru_cache(_REMEMBERED)
def number(text: str) -> Decimal:
    """The decimal that the text writes, exactly; beyond 6 places it is rounded half-up (see `is_finer`)."""
    shown = folded(text).translate(_MINUS)
    if _NUMBER.fullmatch(shown) is None:
        raise ValueError("a plain number such as 12.5, without thousands separator or sign of unit")
    value = Decimal(shown)
    if abs(value) >= _LARGEST:
        raise ValueError("a number below 1,000,000,000,000")
    if is_finer(shown):
        value = value.quantize(_SMALLEST, ROUND_HALF_UP)
    return value if value else abs(value)


def is_finer(text: str) -> bool:
    """Whether the text writes more decimal places than a row can hold."""
    return len(folded(text).partition(".")[2].rstrip("0")) > DECIMAL_PLACES


def rank(text: str) -> int:
    """A whole number of 1 or more, also when written `113.0`."""
    try:
        value = number(text)
    except ValueError:
        value = Decimal(0)
    if value < 1 or value != value.to_integral_value() or is_finer(text):
        raise ValueError("a rank: a whole number of 1 or more, such as 113 or 113.0")
    return int(value)


def value_range(text: str) -> tuple[str, str]:
    """The texts of both ends of `1.2 to 1.89` (also with a hyphen or dash), the low end first."""
    match = _RANGE.fullmatch(folded(text))
    if match is None or number(match["low"]) > number(match["high"]):
        raise ValueError("a range such as '1.2 to 1.89', low end first")
    return match["low"], match["high"]


def yes_no(text: str) -> Decimal:
    """1 for Yes and 0 for No."""
    answers = {"yes": 1, "y": 1, "true": 1, "1": 1, "1.0": 1, "no": 0, "n": 0, "false": 0, "0": 0, "0.0": 0}
    answer = answers.get(folded(text).casefold())
    if answer is None:
        raise ValueError("Yes or No")
    return Decimal(answer)


def unit(text: str) -> str | None:
    """The canonical unit; None for a blank, the folded text in lower case where the unit isn't known."""
    shown = folded(text).casefold()
    return _UNITS.get(shown, shown) or None


@cache
def _regions() -> dict[str, str]:
    path = DBT_PROJECT_DIR / "seeds" / "reference" / "region.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return {_region_key(row["region_as_published"]): row["region"] for row in csv.DictReader(lines)}


def _region_key(text: str) -> str:
    return folded(text).casefold().replace("&", "and")


def region(text: str) -> str | None:
    """The region's canonical name; None for a blank, the folded text where the seed lacks it."""
    return _regions().get(_region_key(text), folded(text)) or None


def is_known_region(name: str | None) -> bool:
    """Whether a name given by `region` is a canonical one (or none)."""
    return name is None or name in _regions().values()
