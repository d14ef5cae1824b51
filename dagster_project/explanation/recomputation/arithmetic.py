"""How numbers and sums are written, so that a reader can redo them on paper."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

PLACES = 12


def shown(value: Fraction | int | bool | str | None) -> str:
    """A value in words or digits: decimals to twelve places without idle zeroes, `none` for nothing."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return decimal(value)
    return str(value)


def decimal(value: Fraction, places: int = PLACES) -> str:
    """The number in decimals, half-up at the last place, without idle zeroes: `2.137254901961`, `4`."""
    scaled = abs(value) * 10**places
    digits = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    whole, rest = divmod(digits, 10**places)
    text = f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 and digits else text


def fixed(value: Fraction, places: int = 2) -> str:
    """The number at so many places, half-up: `2.50`."""
    text = decimal(value, places)
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(places, '0')}"


def weight(value: Fraction) -> str:
    """`1` or `1/3`."""
    return str(value)


def grid_sum(best: Fraction, worst: Fraction, rank: int, size: int, score: Fraction) -> str:
    """`2 + (4 - 2) x (51 - 1) / (118 - 1) = 2.854700854701`."""
    if size <= 1:
        return f"the only one that is ranked scores {decimal(best)}"
    low, high = decimal(best), decimal(worst)
    return f"{low} + ({high} - {low}) x ({rank} - 1) / ({size} - 1) = {equals(score)}"


def mean_sum(terms: Sequence[tuple[Fraction, Fraction]], mean: Fraction) -> list[str]:
    """The weighted mean of (score, weight), in three lines: weighted sum, sum of weights, quotient.

    Terms of one weight stand together in brackets.
    """
    by_weight: dict[Fraction, list[Fraction]] = {}
    for score, each in terms:
        by_weight.setdefault(each, []).append(score)
    parts = []
    for each, scores in by_weight.items():
        added = " + ".join(map(decimal, scores))
        parts.append(added if each == 1 else f"{weight(each)} x ({added})")
    total = sum((score * each for score, each in terms), Fraction(0))
    weights = sum((each for _, each in terms), Fraction(0))
    counted = " + ".join(f"{len(scores)} x {weight(each)}" for each, scores in by_weight.items())
    return [
        f"weighted sum: {' + '.join(parts)} = {equals(total)}",
        f"weights: {counted} = {equals(weights)}",
        f"{decimal(total)} / {decimal(weights)} = {equals(mean)}",
    ]


def equals(value: Fraction) -> str:
    """The number, with three dots where the decimals go on."""
    text = decimal(value)
    return text if Fraction(text) == value else f"{text}..."
