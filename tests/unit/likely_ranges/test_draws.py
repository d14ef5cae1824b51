"""Random draws: their known answers, and that an organisation's are its own."""

from __future__ import annotations

import numpy as np
import pytest

from dagster_project.errors import LeagueError
from dagster_project.likely_ranges.draws import (
    UNITS_IN_A_SCORE,
    Choices,
    averages,
    fnv_1a,
    hundredths,
    philox,
)

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0), 0, (4280135257, 1825639922)),
        ((ONES, ONES), ONES, (742351499, 2874136493)),
        ((608135816, 2242054355), 320440878, (3715948600, 4129967122)),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(
    counter: tuple[int, int], key: int, words: tuple[int, int]
) -> None:
    """Random123 1.14, kat_vectors, philox2x32 with 10 rounds."""
    low, high = philox(*(np.array([word], dtype=np.uint64) for word in counter), key)
    assert (int(low[0]), int(high[0])) == words


@pytest.mark.parametrize(("text", "word"), [("", 2166136261), ("a", 3826002220), ("foobar", 3214735720)])
def test_fnv_1a_gives_the_known_answers_of_its_authors(text: str, word: int) -> None:
    assert fnv_1a(text) == word


@pytest.mark.parametrize("draws", [1, 7, 8, 9, 16, 17, 24, 25, 32, 33, 64])
def test_more_scores_are_drawn_than_one_block_of_random_words_holds(draws: int) -> None:
    """A score of 1 and one of 4, drawn n times: the average varies by 1.5 / sqrt(n), as it must."""
    choices = Choices("RXX", np.array([3, 12]) * UNITS_IN_A_SCORE, np.array([3, 3]), draws)
    drawn = averages(choices, fnv_1a("2025-26-Q1/acute"), 40_000) / UNITS_IN_A_SCORE
    assert drawn.mean() == pytest.approx(2.5, abs=0.03)
    assert drawn.std() == pytest.approx(1.5 / draws**0.5, rel=0.02)


def test_more_scores_than_can_be_drawn_are_an_error_not_a_smaller_sample() -> None:
    choices = Choices("RXX", np.arange(65) * UNITS_IN_A_SCORE, np.ones(65, dtype=np.int64), 65)
    with pytest.raises(LeagueError, match=r"RXX: expected at most 64 scores.*found 65"):
        averages(choices, 1, 10)


def test_each_of_many_scores_is_drawn_as_often_as_any_other() -> None:
    count, draws, replicates = 19, 19, 20_000
    scores = np.arange(count) * UNITS_IN_A_SCORE
    drawn = averages(Choices("RXX", scores, np.ones(count, dtype=np.int64), draws), 1, replicates)
    assert drawn.mean() / UNITS_IN_A_SCORE == pytest.approx((count - 1) / 2, abs=0.05)
    assert drawn.var() / UNITS_IN_A_SCORE**2 == pytest.approx((count**2 - 1) / 12 / draws, rel=0.03)


def test_other_codes_quarters_and_tables_draw_otherwise() -> None:
    scores, weights = np.arange(1, 12) * UNITS_IN_A_SCORE, np.ones(11, dtype=np.int64)
    drawn = {
        (code, key): averages(Choices(code, scores, weights, 11), fnv_1a(key), 50).tobytes()
        for code in ("RXX", "RXY", "R0A", "QE1", "RXX1A")
        for key in ("2025-26-Q1/acute", "2025-26-Q2/acute", "2025-26-Q1/icb")
    }
    assert len(set(drawn.values())) == len(drawn)


def test_fewer_replicates_are_the_first_of_more() -> None:
    choices = Choices("RXX", np.arange(1, 6) * UNITS_IN_A_SCORE, np.ones(5, dtype=np.int64), 5)
    assert averages(choices, 7, 1000)[:300].tolist() == averages(choices, 7, 300).tolist()


@pytest.mark.parametrize(
    ("units", "printed"),
    [(2_345_000_000_000, 235), (2_344_999_999_949, 234), (2_344_999_999_950, 235), (1_000_000_000_000, 100)],
)
def test_an_average_is_settled_at_ten_places_and_then_rounded_half_up(units: int, printed: int) -> None:
    assert int(hundredths(np.array(units))) == printed
