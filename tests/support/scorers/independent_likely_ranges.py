"""Likely ranges once more: the same draws, so that the released ranges can be compared to the last digit.

Written from docs/likely-ranges.md alone; it shares no code with the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

UNIT = 10**12
_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIER = np.uint64(0xD256D193)
_WEYL = 0x9E3779B9
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Integers = NDArray[np.int64]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Trust:
    """One organisation: scores in 1e-12, weights in thirds, both by metric id; the best segment left to it."""

    code: str
    scores: Sequence[int]
    weights: Sequence[int]
    best_segment: int


@dataclass(frozen=True)
class Range:
    """Both ends of average (in 1e-12), segment and rank."""

    average: tuple[int, int]
    segment: tuple[int, int]
    rank: tuple[int, int]

    def printed_average(self) -> tuple[Decimal, Decimal]:
        """Both ends of the average at two places."""
        low, high = (Decimal(int(hundredths(np.array(end)))) / 100 for end in self.average)
        return low, high


def table_key(quarter: str, table: str) -> int:
    """FNV-1a of quarter and table."""
    word = 2166136261
    for letter in f"{quarter}/{table}":
        word = ((word ^ ord(letter)) * 16777619) & 0xFFFFFFFF
    return word


def philox(word_1: Words, word_2: Words, key: int) -> tuple[Words, Words]:
    """Philox 2x32 with ten rounds."""
    for turn in range(10):
        product = word_1 * _MULTIPLIER
        turned = np.uint64((key + turn * _WEYL) & 0xFFFFFFFF)
        word_1, word_2 = (product >> _HALF) ^ word_2 ^ turned, product & _WORD
    return word_1, word_2


def averages(trust: Trust, key: int, replicates: int) -> Integers:
    """The average of each replicate, in 1e-12: scores drawn with equal chance, averaged by weight."""
    count = len(trust.scores)
    number = 0
    for letter in trust.code:
        number = (number * 37 + _ALPHABET.find(letter) + 1) & 0x1FFFFFFF
    weighted = np.array([s * w for s, w in zip(trust.scores, trust.weights, strict=True)], dtype=np.int64)
    weights = np.array(trust.weights, dtype=np.int64)
    above, below = np.zeros(replicates, dtype=np.int64), np.zeros(replicates, dtype=np.int64)
    drawn = 0
    while drawn < count:
        counter = np.arange(replicates, dtype=np.uint64)
        block = np.full(replicates, number * 8 + drawn // 8, dtype=np.uint64)
        words = philox(counter, block, key)
        for turn in range(min(8, count - drawn)):
            digits = words[turn % 2] * np.uint64(count)
            place = (digits >> _HALF).astype(np.int64)
            words = (digits & _WORD, words[1]) if turn % 2 == 0 else (words[0], digits & _WORD)
            above += weighted[place]
            below += weights[place]
        drawn += 8
    return (2 * above + below) // (2 * below)


def hundredths(units: Integers) -> Integers:
    """Averages at two places, settled at ten places first, both half-up."""
    return ((units + 50) // 100 + 50_000_000) // 100_000_000


def ranges(
    trusts: Sequence[Trust],
    quarter: str,
    table: str,
    cut_points: Sequence[int],
    *,
    at_two_places: bool,
    replicates: int,
) -> dict[str, Range]:
    """The likely range of each organisation of a table; `cut_points` in 1e-12, `at_two_places` for published ones."""
    drawn = _drawn(trusts, quarter, table, replicates)
    segments = _segments(trusts, drawn, cut_points, at_two_places=at_two_places)
    ranks = _ranks(segments * 1000 + hundredths(drawn))
    for each in (drawn, segments, ranks):
        each.sort(axis=1)
    low, high = (_nearest(replicates, thousandths) for thousandths in (25, 975))
    return {
        trust.code: Range(
            average=(_percentile(drawn[row], 25), _percentile(drawn[row], 975)),
            segment=(int(segments[row, low]), int(segments[row, high])),
            rank=(int(ranks[row, low]), int(ranks[row, high])),
        )
        for row, trust in enumerate(trusts)
    }


def not_told_apart(
    trusts: Sequence[Trust],
    quarter: str,
    table: str,
    cut_points: Sequence[int],
    *,
    at_two_places: bool,
    replicates: int,
) -> dict[str, set[str]]:
    """By code, the other organisations of a table of whom neither ranks better in 97.5 % of pairs of replicates."""
    drawn = _drawn(trusts, quarter, table, replicates)
    segments = _segments(trusts, drawn, cut_points, at_two_places=at_two_places)
    places = np.sort(segments * 1000 + hundredths(drawn), axis=1)
    alike: dict[str, set[str]] = {trust.code: set() for trust in trusts}
    for one, trust in enumerate(trusts):
        for other in range(one):
            # how many replicates of the other lie above, and how many below, each replicate of the one
            worse = replicates - np.searchsorted(places[other], places[one], side="right")
            better = np.searchsorted(places[other], places[one], side="left")
            shares = [Decimal(int(times.sum())) / replicates**2 for times in (worse, better)]
            if all(share.quantize(Decimal("1e-8"), ROUND_HALF_UP) < Decimal("0.975") for share in shares):
                alike[trust.code].add(trusts[other].code)
                alike[trusts[other].code].add(trust.code)
    return alike


def _drawn(trusts: Sequence[Trust], quarter: str, table: str, replicates: int) -> Integers:
    key = table_key(quarter, table)
    return np.stack([averages(trust, key, replicates) for trust in trusts])


def _segments(
    trusts: Sequence[Trust], drawn: Integers, cut_points: Sequence[int], *, at_two_places: bool
) -> Integers:
    compared = hundredths(drawn) * (UNIT // 100) if at_two_places else drawn - 10
    segments: Integers = np.maximum(
        1 + sum((compared > cut).astype(np.int64) for cut in cut_points),
        np.array([trust.best_segment for trust in trusts])[:, np.newaxis],
    )
    return segments


def _ranks(places: Integers) -> Integers:
    """Competition ranks down each column."""
    order = np.argsort(places, axis=0, kind="stable")
    ordered = np.take_along_axis(places, order, axis=0)
    first = np.ones(ordered.shape, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    rows = np.arange(1, len(places) + 1)[:, np.newaxis]
    shared = np.maximum.accumulate(np.where(first, rows, 0), axis=0)
    ranks = np.empty_like(places)
    np.put_along_axis(ranks, order, shared, axis=0)
    return ranks


def _nearest(count: int, thousandths: int) -> int:
    return (2 * thousandths * (count - 1) + 1000) // 2000


def _percentile(ordered: Integers, thousandths: int) -> int:
    """Linear, half-up to the unit."""
    below, rest = divmod((len(ordered) - 1) * thousandths, 1000)
    low, high = int(ordered[below]), int(ordered[min(below + 1, len(ordered) - 1)])
    return low + (2 * rest * (high - low) + 1000) // 2000
