"""Exact numbers: half-up rounding, ranks and percentiles of fractions, and how a number is written in digits.

What the numbers mean isn't here, nor are sentences about them (story).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import floor, lcm

_SHOWN_PLACES = 2
_WRITTEN_PLACES = 12


def half_up(value: Fraction, places: int = _SHOWN_PLACES) -> Fraction:
    """The value at so many decimal places, a half away from zero: 3.925 becomes 3.93, -0.125 becomes -0.13."""
    return Fraction(half_up_units(value, places), 10**places)


def half_up_units(value: Fraction, places: int) -> int:
    """The same as a whole number of units in the last place: 3.925 at two places becomes 393."""
    power: int = 10**places
    numerator, denominator = value.numerator, value.denominator
    rounded = (2 * abs(numerator) * power + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def competition_ranks(values: Sequence[Fraction], *, better: str) -> list[int]:
    """The rank of each value among all of them: ties share the best place (1, 2, 2, 4).

    `better` is `low` or `high`; raises ValueError for anything else.
    """
    if better not in ("low", "high"):
        raise ValueError(f"better is 'low' or 'high', not {better!r}")
    sign = 1 if better == "low" else -1
    keys = [sign * unit for unit in whole_numbers(values)]
    first: dict[int, int] = {}
    for place, key in enumerate(sorted(keys), start=1):
        first.setdefault(key, place)
    return [first[key] for key in keys]


def percentile_place(share: Fraction, count: int) -> Fraction:
    """The place of a linear ("inclusive") percentile among `count` numbers in order, counted from 0."""
    return share * (count - 1)


def between(below: Fraction, above: Fraction, place: Fraction) -> Fraction:
    """The number at a place, linear between its neighbours at the whole places below and above it."""
    return below + (above - below) * (place - floor(place))


def linear_percentile(values: Iterable[Fraction], share: Fraction) -> Fraction:
    """The inclusive percentile of values in any order; raises ValueError when there are none."""
    return linear_percentiles(values, (share,))[0]


def linear_percentiles(values: Iterable[Fraction], shares: Sequence[Fraction]) -> list[Fraction]:
    """Several percentiles of the same values, which are brought into order once."""
    ordered = in_order(list(values))
    if not ordered:
        raise ValueError("a percentile needs at least one value")
    found = []
    for share in shares:
        place = percentile_place(share, len(ordered))
        at = floor(place)
        found.append(between(ordered[at], ordered[min(at + 1, len(ordered) - 1)], place))
    return found


def in_order(values: Sequence[Fraction]) -> list[Fraction]:
    """The values from the smallest to the largest."""
    units = whole_numbers(values)
    return [values[at] for at in sorted(range(len(values)), key=units.__getitem__)]


def whole_numbers(values: Sequence[Fraction]) -> list[int]:
    """The numerators on the values' common denominator: they compare, sort and add much faster than fractions."""
    common = lcm(*{value.denominator for value in values})
    return [value.numerator * (common // value.denominator) for value in values]


def shown(value: Fraction | int | bool | str | None) -> str:
    """A value in words or digits: decimals to twelve places without idle zeroes, `none` for nothing."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return decimal(value)
    return str(value)


def decimal(value: Fraction, places: int = _WRITTEN_PLACES) -> str:
    """The number in decimals, half-up at the last place, without idle zeroes: `2.137254901961`, `4`."""
    units = half_up_units(value, places)
    whole, rest = divmod(abs(units), 10**places)
    text = f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
    return f"-{text}" if units < 0 else text


def fixed(value: Fraction, places: int = _SHOWN_PLACES) -> str:
    """The number at so many places, half-up: `2.50`."""
    text = decimal(value, places)
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(places, '0')}"


def equals(value: Fraction) -> str:
    """The number, with three dots where the decimals go on."""
    text = decimal(value)
    return f"{text}..." if 10**_WRITTEN_PLACES % value.denominator else text
