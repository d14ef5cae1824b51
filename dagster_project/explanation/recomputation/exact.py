"""Exact numbers: half-up rounding of fractions, as the methodology rounds."""

from __future__ import annotations

from fractions import Fraction

_SHOWN_PLACES = 2


def half_up(value: Fraction, places: int = _SHOWN_PLACES) -> Fraction:
    """The value at so many decimal places; what lies in the middle moves away from zero."""
    scale: int = 10**places
    numerator, denominator = abs(value.numerator) * scale * 2, value.denominator * 2
    rounded = Fraction((numerator + value.denominator) // denominator, scale)
    return rounded if value >= 0 else -rounded
