"""Exact order statistics on fractions: competition ranks, linear percentiles and half-up rounding."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm


def half_up(value: Fraction, places: int) -> Fraction:
    """`value` rounded to `places` decimals, a half away from zero (3.925 becomes 3.93)."""
    return Fraction(half_up_units(value, places), 10**places)


def half_up_units(value: Fraction, places: int) -> int:
    """The same as a whole number of units in the last place (3.925 to two places becomes 393)."""
    power: int = 10**places
    doubled = 2 * abs(value.numerator) * power + value.denominator
    rounded = doubled // (2 * value.denominator)
    return rounded if value.numerator >= 0 else -rounded


def competition_ranks(values: Sequence[Fraction], *, better: str) -> list[int]:
    """The rank of each value among all of them: ties share the best place (1, 2, 2, 4).

    `better` is `low` or `high`; raises ValueError for anything else.
    """
    if better not in ("low", "high"):
        raise ValueError(f"better is 'low' or 'high', not {better!r}")
    sign = 1 if better == "low" else -1
    _, units = _on_common_denominator(values)
    keys = [sign * each for each in units]
    place: dict[int, int] = {}
    for position, key in enumerate(sorted(keys), start=1):
        place.setdefault(key, position)
    return [place[key] for key in keys]


def linear_percentile(values: Sequence[Fraction], quantile: Fraction) -> Fraction:
    """The inclusive percentile: linear between the two values around place (n - 1) * quantile.

    Raises ValueError when there are no values.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    common, units = _on_common_denominator(values)
    units.sort()
    place = (len(units) - 1) * quantile
    below = place.numerator // place.denominator
    rest = place - below
    step = units[below + 1] - units[below] if rest else 0
    return (units[below] + rest * step) / common


def _on_common_denominator(values: Sequence[Fraction]) -> tuple[int, list[int]]:
    """The common denominator and the numerators on it: whole numbers sort much faster than fractions."""
    common = lcm(*{value.denominator for value in values})
    return common, [value.numerator * (common // value.denominator) for value in values]
