"""Two organisations of a table beside each other: shares that add up, and choices as the rules have them."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.likely_ranges.draws import UNITS_IN_A_SCORE
from dagster_project.likely_ranges.pair import _shares, choices_of

replicates = st.lists(st.integers(195, 205), min_size=8, max_size=8)


@given(replicates, replicates)
def test_shares_are_a_count_of_all_pairs_of_replicates(first: list[int], second: list[int]) -> None:
    found = {side: Decimal(share) for side, share in _shares(np.array([first, second])).items()}
    pairs = [(one, other) for one in first for other in second]
    assert float(found["first"]) == pytest.approx(sum(a < b for a, b in pairs) / 64, abs=1e-8)
    assert float(found["second"]) == pytest.approx(sum(a > b for a, b in pairs) / 64, abs=1e-8)
    assert float(found["neither"]) == pytest.approx(sum(a == b for a, b in pairs) / 64, abs=1e-8)


SCORES = [
    {"metric_id": "OF0001", "score_entering_average": Decimal("1.000"), "weight": Decimal(1)},
    {"metric_id": "OF0002", "score_entering_average": Decimal("2.500"), "weight": Decimal("0.333333333333")},
    {"metric_id": "OF0003", "score_entering_average": Decimal("4.000"), "weight": Decimal("0.666666666667")},
]


@pytest.mark.parametrize(
    ("part_weights_enter", "weighted", "weights", "draws"),
    [
        ("equal_chance", [3.0, 2.5, 8.0], [3, 1, 2], 3),
        ("as_one", [3.0, 10.5], [3, 3], 2),
        ("chance_by_weight", [1.0, 1.0, 1.0, 2.5, 4.0, 4.0], [1] * 6, 3),
    ],
)
def test_scores_of_part_weight_enter_as_the_rule_says(
    part_weights_enter: str, weighted: list[float], weights: list[int], draws: int
) -> None:
    rules: Any = SimpleNamespace(part_weights_enter=part_weights_enter, weight_denominator=Decimal(3))
    choices = choices_of("RXX", SCORES, rules)
    assert (choices.weighted_scores / UNITS_IN_A_SCORE).tolist() == weighted
    assert choices.weights.tolist() == weights
    assert choices.draws == draws
