"""The words of the pages: names of tables, domains and units, and figures as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

TABLES = {
    "acute": "Acute trusts",
    "non_acute": "Non-acute trusts",
    "ambulance": "Ambulance trusts",
    "icb": "Integrated care boards",
}
DOMAINS = {
    "access": "Access to services",
    "effectiveness": "Effectiveness and experience of care",
    "safety": "Patient safety",
    "people": "People and workforce",
    "finance": "Finance and productivity",
    "improving_health": "Improving health and reducing inequality",
}
SEGMENTS = {1: "best", 2: "second best", 3: "second worst", 4: "worst", 5: "in special support"}
SEGMENT_NAMES = {number: f"Segment {number} - {word}" for number, word in SEGMENTS.items()}
LOWER_IS_BETTER = "Lower is better: 1 is the best average, 4 the worst."
NOT_A_VERDICT = (
    "A rank is not a verdict. It can't tell how good the care is that you will get, and trusts close together are "
    "often impossible to tell apart."
)
ALL_RELEASED = (
    "That is worked out over all released quarters, and this publication doesn't have all of these, "
    "so it isn't said here."
)
NOT_ADJACENT = "The quarter just before isn't here, so the change isn't worked out."


def in_order(tables: Iterable[str]) -> tuple[str, ...]:
    """League tables in the order in which people look for them, unknown ones last."""
    known = list(TABLES)
    return tuple(
        sorted(set(tables), key=lambda name: (known.index(name) if name in known else len(known), name))
    )


def table_name(name: str) -> str:
    return TABLES.get(name, name.replace("_", " ").capitalize())


def domain_name(name: str) -> str:
    return DOMAINS.get(name, name.replace("_", " ").capitalize())


def domain_order(name: str) -> tuple[int, str]:
    """The same topics come in the same order everywhere; what we don't know comes last."""
    return list(DOMAINS).index(name) if name in DOMAINS else len(DOMAINS), name


def segment_word(number: int) -> str:
    """The word that goes with a segment's number."""
    return SEGMENTS.get(number, "")


def segment_name(number: int) -> str:
    """A segment's number and word: Segment 1 - best."""
    return SEGMENT_NAMES.get(number, f"Segment {number}")


def plain(value: Any) -> str:
    """A released value as text without loss; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def trimmed(value: Decimal | None) -> str:
    """A released number without idle zeroes: 3 for 3.000000000000."""
    return "none" if value is None else f"{value.normalize():f}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 112th."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
