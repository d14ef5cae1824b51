"""From the replicates of a quarter to what they say: how often each outcome came up, both ends of each range, and
who can't be told apart.

Everything counts, nothing is sorted that can be counted: places are small numbers. Cost grows with organisations
times replicates, but for `not_told_apart`, which sets every organisation of a table against every other, one
multiplication of matrices, and stays far below the draws up to some hundred times today's organisations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import floor

import numpy as np
from numpy.typing import NDArray

from dagster_project.likely_ranges.draws import UNITS_IN_A_SCORE, Integers, hundredths

Flags = NDArray[np.bool_]

# What an average has to exceed a computed cut-point by: a score's own last units don't count.
_BEYOND = 10
# Replicates looked at together, so that memory stays in proportion to the organisations.
_BLOCK = 1_000
_MILLION = 1_000_000


@dataclass(frozen=True)
class Percentiles:
    """Which places of ordered replicates are the ends of a range; places are counted from 0."""

    replicates: int
    low: Decimal
    high: Decimal

    def place(self, quantile: Decimal, errors: int = 0) -> int:
        """The place nearest to a percentile's, moved by standard errors (binomial) of that place."""
        nearest = int((quantile * (self.replicates - 1)).quantize(Decimal(1), ROUND_HALF_UP))
        moved = nearest + errors * self._standard_error(quantile)
        return max(0, min(self.replicates - 1, moved))

    def _standard_error(self, quantile: Decimal) -> int:
        spread = (self.replicates * quantile * (1 - quantile)).sqrt()
        return int(spread.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True)
class Ends:
    """Per organisation: both ends in units, hundredths, segments or ranks, and the wider of the two distances
    between the values that lie one standard error to either side of an end.
    """

    low: Integers
    high: Integers
    spread: Integers


@dataclass(frozen=True)
class Places:
    """Segments of every organisation (rows) in every replicate (columns), before the override; averages at two
    places; and the best segment that the override leaves to each.
    """

    segments: NDArray[np.int8]
    averages: NDArray[np.int16]
    best_segments: NDArray[np.int8]

    @property
    def adjusted(self) -> NDArray[np.int8]:
        """Segments after the override."""
        return np.maximum(self.segments, self.best_segments[:, np.newaxis])

    def of(self, rows: slice) -> Places:
        """The same of some organisations."""
        return Places(self.segments[rows], self.averages[rows], self.best_segments[rows])


def segments_by(cut_points: Sequence[int], averages: Integers, *, at_two_places: bool) -> NDArray[np.int8]:
    """One more than the number of cut-points (in units) that an average lies beyond: by its two places where the
    cut-points are the publisher's, else exactly.
    """
    compared = hundredths(averages) * (UNITS_IN_A_SCORE // 100) if at_two_places else averages - _BEYOND
    segments = np.ones(averages.shape, dtype=np.int8)
    for cut_point in cut_points:
        segments += compared > cut_point
    return segments


def segments_by_own_quartiles(quantiles: Sequence[Decimal], averages: Integers) -> NDArray[np.int8]:
    """The same by the quantiles that each replicate itself has over all the organisations."""
    segments = np.empty(averages.shape, dtype=np.int8)
    for block in _blocks(averages.shape[1]):
        drawn = averages[:, block]
        ordered = np.sort(drawn, axis=0)
        found = np.ones(drawn.shape, dtype=np.int8)
        for quantile in quantiles:
            found += drawn - _BEYOND > _percentile(ordered, quantile)
        segments[:, block] = found
    return segments


def average_ends(averages: Integers, percentiles: Percentiles) -> Ends:
    """Linear ("inclusive") percentiles of each organisation's averages, half-up to the unit."""
    ordered = np.sort(averages, axis=1)
    low, high = (_percentile(ordered.T, quantile) for quantile in (percentiles.low, percentiles.high))
    return Ends(low, high, _spread(ordered, percentiles))


def ends_of(values: NDArray[np.integer], percentiles: Percentiles) -> Ends:
    """The outcomes (whole numbers) at the places nearest to the percentiles."""
    ordered = np.sort(values, axis=1)
    low, high = (ordered[:, percentiles.place(q)] for q in (percentiles.low, percentiles.high))
    return Ends(low.astype(np.int64), high.astype(np.int64), _spread(ordered, percentiles))


def ranks(places: Places) -> NDArray[np.int32]:
    """Competition ranks of a table's organisations in every replicate: by adjusted segment, then by average."""
    keys, distinct = _keys(places.adjusted, places.averages)
    found = np.empty(keys.shape, dtype=np.int32)
    for block in _blocks(keys.shape[1]):
        replicates = np.arange(block.stop - block.start) * distinct
        flat = keys[:, block] + replicates
        counted = np.bincount(flat.ravel(), minlength=len(replicates) * distinct).reshape(-1, distinct)
        better = (np.cumsum(counted, axis=1) - counted).ravel()
        found[:, block] = better[flat] + 1
    return found


@dataclass(frozen=True)
class Outcomes:
    """How often each outcome came up, a position for each that did: the organisation's row, its segment before the
    override, its average at two places, and the number of replicates.
    """

    rows: Integers
    segments: Integers
    averages: Integers
    times: Integers


def outcomes(places: Places) -> Outcomes:
    """The outcomes of every organisation, ordered by row, segment and average."""
    counted, least, width = _counted(places.segments, places.averages)
    rows, keys = np.nonzero(counted)
    return Outcomes(rows, keys // width + 1, keys % width + least, counted[rows, keys])


def not_told_apart(places: Places, told_apart_from: Decimal) -> Flags:
    """For every two organisations of a table, whether neither ranks better in so large a share of replicates.

    Resamples of different organisations are independent, so that every replicate of the one is set against every
    replicate of the other, by counting.
    """
    counted, _, _ = _counted(places.adjusted, places.averages)
    times = counted.astype(np.float64)  # whole numbers below 2^53, exact in any order of adding
    replicates = int(counted[0].sum()) if len(counted) else 0
    worse_than = replicates - np.cumsum(times, axis=1)
    better = times @ worse_than.T
    share = np.floor(better * 1e8 / max(1, replicates) ** 2 + 0.5)
    apart = share >= float(told_apart_from * 10**8)
    flags: Flags = ~(apart | apart.T)
    return flags


def _counted(segments: NDArray[np.int8], averages: NDArray[np.int16]) -> tuple[Integers, int, int]:
    """How often each place came up for each organisation; the least average, and the averages in a segment."""
    keys, distinct = _keys(segments, averages)
    counted = np.stack([np.bincount(row, minlength=distinct) for row in keys])
    least = int(averages.min())
    return counted, least, int(averages.max()) - least + 1


def _keys(segments: NDArray[np.int8], averages: NDArray[np.int16]) -> tuple[Integers, int]:
    """Segment and average in one small number that orders as both do, and how many such numbers there are."""
    least = int(averages.min())
    width = int(averages.max()) - least + 1
    keys: Integers = (segments.astype(np.int64) - 1) * width + (averages - least)
    return keys, int(segments.max()) * width


def _percentile(ordered: Integers, quantile: Decimal) -> Integers:
    """The linear percentile down each column of ordered whole numbers, half-up."""
    position = quantile * (len(ordered) - 1)
    below = floor(position)
    rest = int(((position - below) * _MILLION).to_integral_value(ROUND_HALF_UP))
    low = ordered[below]
    between = (2 * rest * (ordered[min(below + 1, len(ordered) - 1)] - low) + _MILLION) // (2 * _MILLION)
    percentile: Integers = low + between
    return percentile


def _spread(ordered: NDArray[np.integer], percentiles: Percentiles) -> Integers:
    distances = [
        ordered[:, percentiles.place(quantile, 1)].astype(np.int64)
        - ordered[:, percentiles.place(quantile, -1)]
        for quantile in (percentiles.low, percentiles.high)
    ]
    return np.maximum(*distances)


def _blocks(replicates: int) -> Iterator[slice]:
    for start in range(0, replicates, _BLOCK):
        yield slice(start, min(start + _BLOCK, replicates))
