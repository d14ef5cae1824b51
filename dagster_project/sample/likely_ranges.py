"""Likely ranges of average score and rank: a seeded bootstrap in whole numbers, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dagster_project.explanation.recomputation.exact import half_up

REPLICATES = 400
_MICRO = 1_000_000
_Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ScoresOfOne:
    """One organisation's exact metric scores with their weights, and whether the override applies to it."""

    organisation: str
    scores: list[tuple[Fraction, Fraction]]
    overridden: bool


@dataclass(frozen=True)
class LikelyRange:
    """The middle 95 % of the replicates: average score at 2 dp, and rank."""

    average_low: Fraction
    average_high: Fraction
    rank_low: int
    rank_high: int


def likely_ranges(
    table: Sequence[ScoresOfOne],
    cut_points: Sequence[Fraction],
    *,
    no_better_than: int,
    seed: str,
    replicates: int = REPLICATES,
) -> dict[str, LikelyRange]:
    """The likely range of every organisation of one table.

    Each replicate resamples every organisation's own metric scores, segments by the quarter's fixed
    `cut_points`, applies the override and ranks by segment, then by the average at 2 dp.
    """
    averages = np.empty((len(table), replicates), dtype=np.int64)
    for row, each in enumerate(table):
        averages[row] = _resampled_averages(each, seed, replicates)
    segments = np.ones_like(averages)
    for cut in cut_points:
        segments += averages > int(cut * _MICRO)
    flagged = np.array([each.overridden for each in table], dtype=bool)[:, np.newaxis]
    segments = np.where(flagged, np.maximum(segments, no_better_than), segments)
    hundredths = (averages + _MICRO // 200) // (_MICRO // 100)
    ranks = _ranks_in_each_replicate(segments * 1000 + hundredths)
    averages.sort(axis=1)
    ranks.sort(axis=1)
    return {
        each.organisation: LikelyRange(
            average_low=half_up(_percentile(averages[row], 25) / _MICRO, 2),
            average_high=half_up(_percentile(averages[row], 975) / _MICRO, 2),
            rank_low=int(half_up(_percentile(ranks[row], 25), 0)),
            rank_high=int(half_up(_percentile(ranks[row], 975), 0)),
        )
        for row, each in enumerate(table)
    }


def _resampled_averages(one: ScoresOfOne, seed: str, replicates: int) -> _Integers:
    """Average scores of the replicates, in millionths."""
    count = len(one.scores)
    weights = np.array([int(weight * 6) for _, weight in one.scores], dtype=np.int64)
    weighted = (
        np.array([int(half_up(score * _MICRO, 0)) for score, _ in one.scores], dtype=np.int64) * weights
    )
    draws = random.Random(f"{seed}/{one.organisation}").randbytes(4 * replicates * count)
    places = (np.frombuffer(draws, dtype="<u4").astype(np.uint64) * np.uint64(count)) >> np.uint64(32)
    chosen = places.astype(np.int64).reshape(replicates, count)
    averages: _Integers = weighted[chosen].sum(axis=1) // weights[chosen].sum(axis=1)
    return averages


def _ranks_in_each_replicate(keys: _Integers) -> _Integers:
    """Competition ranks down each column."""
    by_replicate = np.ascontiguousarray(keys.T)
    ranks = np.empty_like(by_replicate)
    for replicate, ordered in enumerate(np.sort(by_replicate, axis=1)):
        ranks[replicate] = np.searchsorted(ordered, by_replicate[replicate], side="left") + 1
    return np.ascontiguousarray(ranks.T)


def _percentile(ordered: _Integers, thousandths: int) -> Fraction:
    """The linear percentile of whole numbers in order, exactly."""
    below, rest = divmod((len(ordered) - 1) * thousandths, 1000)
    low = int(ordered[below])
    high = int(ordered[min(below + 1, len(ordered) - 1)])
    return Fraction(low * 1000 + rest * (high - low), 1000)
