"""Random draws in whole numbers: every organisation's scores resampled, the same on any machine.

A draw is a pure function of key and counter (Philox 2x32 with ten rounds; Salmon et al. 2011, "Parallel random
numbers: as easy as 1, 2, 3"), so that no order of rows, number of threads or engine can change it, and an
organisation's draws don't depend on who stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagster_project.errors import LeagueError

Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

# Scores and averages are whole numbers of this part of a score.
UNITS_IN_A_SCORE = 10**12

_WORD = np.uint64(0xFFFFFFFF)
_BITS = np.uint64(32)
_MULTIPLIER = np.uint64(0xD256D193)
_WEYL = 0x9E3779B9
_ROUNDS = 10
# A word gives four digits in base of the number of choices, and a block has two words. A digit's chance is off
# by the fourth power of that number in 2^32 at most, some 0.00003 for 19 scores.
_DRAWS_IN_A_BLOCK = 8
# The blocks of an organisation, above whose counter the next one's begins.
_BLOCKS = 8
MOST_DRAWS = _BLOCKS * _DRAWS_IN_A_BLOCK
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LARGEST_STREAM = 0x1FFFFFFF


@dataclass(frozen=True)
class Choices:
    """What one organisation is resampled from: `weighted_scores` (units times weight) with their `weights`, each
    as likely as any other, of which `draws` are taken.
    """

    organisation_code: str
    weighted_scores: Integers
    weights: Integers
    draws: int


def averages(choices: Choices, key: int, replicates: int) -> Integers:
    """The weighted average of each replicate, in units, half-up; `key` is that of the table (`table_key`).

    Raises LeagueError where an organisation has more scores than can be drawn.
    """
    if choices.draws > MOST_DRAWS:
        raise LeagueError(
            f"{choices.organisation_code}: expected at most {MOST_DRAWS} scores to draw for likely ranges; found "
            f"{choices.draws}. Give each organisation more counters in likely_ranges/draws.py; all draws change."
        )
    count = np.uint64(len(choices.weights))
    stream = _stream(choices.organisation_code) * _BLOCKS
    above, below = np.zeros(replicates, dtype=np.int64), np.zeros(replicates, dtype=np.int64)
    replicate = np.arange(replicates, dtype=np.uint64)
    for block in range(-(-choices.draws // _DRAWS_IN_A_BLOCK)):
        words = list(philox(replicate, np.full(replicates, stream + block, dtype=np.uint64), key))
        for drawn in range(min(_DRAWS_IN_A_BLOCK, choices.draws - block * _DRAWS_IN_A_BLOCK)):
            digits = words[drawn % 2] * count
            words[drawn % 2] = digits & _WORD
            place = (digits >> _BITS).astype(np.intp)
            above += choices.weighted_scores[place]
            below += choices.weights[place]
    return (2 * above + below) // (2 * below)


def philox(counter_low: Words, counter_high: Words, key: int) -> tuple[Words, Words]:
    """Two random 32-bit words for each counter of two such words, all in uint64."""
    low, high = counter_low, counter_high
    for turn in range(_ROUNDS):
        product = low * _MULTIPLIER
        low, high = (product >> _BITS) ^ high ^ np.uint64((key + turn * _WEYL) & int(_WORD)), product & _WORD
    return low, high


def table_key(quarter: str, table_name: str) -> int:
    """The key of all draws of a table, from quarter and table."""
    return fnv_1a(f"{quarter}/{table_name}")


def fnv_1a(text: str) -> int:
    """The 32-bit hash FNV-1a (Fowler, Noll, Vo) of a text in ASCII."""
    word = 2166136261
    for byte in text.encode("ascii"):
        word = ((word ^ byte) * 16777619) & int(_WORD)
    return word


def hundredths(units: Integers) -> Integers:
    """Averages at two places as whole numbers, settled at ten places first like every average, both half-up."""
    return ((units + 50) // 100 + 50_000_000) // 100_000_000


def _stream(code: str) -> int:
    """A code as a number below 2^29: digits in base 37, so that codes of up to five characters never share one."""
    number = 0
    for letter in code:
        number = (number * 37 + _DIGITS.find(letter) + 1) & _LARGEST_STREAM
    return number
