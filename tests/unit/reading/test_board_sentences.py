"""Each sentence of the board's page says what its rows say, and something true where there are none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dagster_project.reading.board_page import queries_for
from dagster_project.reading.board_sentences import (
    SENTENCES,
    Subject,
    metric,
    more_than_chance,
    next_segment,
    short_name,
    to_learn_from,
    told_apart,
    what_matters_most,
    where_it_stands,
    why_the_average_moved,
    why_the_rank_moved,
    with_care,
)

SUBJECT = Subject("RCX", "The Queen Elizabeth Hospital, King's Lynn", "acute", "2025-26-Q1")
PLACE = {
    "rank": 134,
    "organisations_in_table": 134,
    "metric_count": 17,
    "average_metric_score": Decimal("3.35"),
    "unadjusted_segment": 4,
    "financial_override": True,
    "adjusted_segment": 4,
}


@pytest.mark.parametrize(
    ("place", "ends"),
    [
        ({}, "which makes it segment 4; its flag for a financial deficit changes nothing."),
        ({"financial_override": False}, "which makes it segment 4; no financial override touches it."),
        (
            {"unadjusted_segment": 2, "adjusted_segment": 3},
            "which alone would make it segment 2; but it is flagged for a financial deficit, and the financial "
            "override holds it in segment 3.",
        ),
    ],
)
def test_the_override_is_told_by_what_it_does(place: dict[str, Any], ends: str) -> None:
    sentence = where_it_stands(SUBJECT, [PLACE | place])
    assert sentence.startswith(
        "The Queen Elizabeth Hospital, King's Lynn ranks 134 of 134 acute trusts. Its 17"
    )
    assert sentence.endswith(ends)


def test_there_is_a_sentence_for_every_heading_also_where_nothing_is_found() -> None:
    queries = queries_for("O'X", "2025-26-Q1")
    assert queries.keys() == SENTENCES.keys()
    assert all(found and "'O''X'" in found[0] and "$" not in found[0] for found in queries.values())
    for heading, sentence in SENTENCES.items():
        if heading != "Where it stands":
            said = sentence(SUBJECT, *([] for _ in queries[heading]))
            assert said[0].isupper()
            assert said.endswith(".")


def test_a_metric_that_moves_nothing_is_not_called_important() -> None:
    row = {"metric_name": "Sickness absence rate", "rank_without_it": 133, "rank_change": -1}
    assert "sickness absence rate it would rank 133, 1 place better" in what_matters_most(SUBJECT, [row])
    still = row | {"rank_change": 0, "rank_without_it": 134}
    assert what_matters_most(SUBJECT, [still]) == "Whichever metric is left out, it ranks as it does."


def test_moves_are_told_with_their_causes_and_their_chance() -> None:
    rank = {"quarter_before": "2025-26-Q3", "rank_before": 79, "rank_now": 58, "places_in_all": -21}
    causes = [rank | {"cause": "value", "places": -23}, rank | {"cause": "others_moved", "places": 2}]
    assert why_the_rank_moved(SUBJECT, causes) == (
        "In 2025-26-Q3 it ranked 79, now 58: -21 places, where less is better. Of these are its own new values -23 "
        "and others that moved +2."
    )
    share = {"metric_name": "NHS staff survey", "change": Decimal("-0.036")}
    whole = {
        "average_before": Decimal("2.352"),
        "average_now": Decimal("2.127"),
        "change": Decimal("-0.225"),
        "metrics": 1,
    }
    assert why_the_average_moved(SUBJECT, [share], [whole]) == (
        "Its average fell from 2.352 to 2.127, by 0.225; 1 metric moved it. The largest shares are NHS staff survey "
        "(-0.036)."
    )
    chance = {"verdict": "within_chance", "likely_low_before": Decimal("2.00")}
    chance |= {"likely_high_before": Decimal("4.00"), "figure_now": Decimal("3.00")}
    said = more_than_chance(SUBJECT, [chance | {"measure": "rank"}])
    assert "likely were 2 to 4, now it is 3." in said
    assert "2.00 to 4.00" in more_than_chance(SUBJECT, [chance | {"measure": "average_metric_score"}])


def test_no_average_is_promised_to_bring_out_whom_the_override_holds() -> None:
    row = {
        "unadjusted_segment": 2,
        "better_segment": 1,
        "average_needed": Decimal("2.092"),
        "improvement_needed": Decimal("0.035"),
        "margin_to_worse": None,
        "override_holds": True,
        "adjusted_segment": 3,
    }
    assert next_segment(SUBJECT, [row]).endswith(
        "While it is flagged, no average brings it out of segment 3."
    )
    best = next_segment(
        SUBJECT, [row | {"better_segment": None, "unadjusted_segment": 1, "override_holds": False}]
    )
    assert best == "It is in segment 1 before the override, the best."


def test_exemplars_and_caveats_are_named_once_with_their_metrics() -> None:
    row = {
        "exemplar": "Barnsley Hospital NHS Foundation Trust",
        "metric_score": 4,
        "exemplar_metric_score": 1,
    }
    rows = [row | {"metric_name": "Sickness absence rate"}, row | {"metric_name": "Combined finance"}]
    assert to_learn_from(SUBJECT, rows) == (
        "It could learn from Barnsley Hospital on sickness absence rate (4 against 1) and combined finance "
        "(4 against 1)."
    )
    caveats = [
        {"caveat": "score_only", "metric_name": "Combined finance"},
        {"caveat": "few_metrics", "metric_name": None},
    ]
    assert with_care(SUBJECT, caveats) == (
        "To be careful about: published as a score only (combined finance); few metrics behind the average."
    )


def test_nobody_who_cannot_be_told_apart_is_said_so() -> None:
    row = {"rank": 1, "rank_from": None, "rank_to": None, "not_told_apart": 0}
    assert told_apart(SUBJECT, [row]) == "It ranks 1, and every other can be told apart from it."


def test_names_are_as_a_sentence_has_them() -> None:
    assert metric({"metric_name": "Percentage of patients"}) == "percentage of patients"
    assert metric({"metric_name": "CQC safe rating"}) == "CQC safe rating"
    assert short_name("The Queen Elizabeth Hospital, King's Lynn, NHS Foundation Trust") == SUBJECT.name
    assert short_name("Ostumberley Weald NHS Trust (fictional)") == "Ostumberley Weald"


def test_a_move_without_a_likely_range_before_is_told_without_one() -> None:
    row = {"measure": "rank", "verdict": "unclear", "figure_now": Decimal(3)}
    row |= {"likely_low_before": None, "likely_high_before": None}
    assert more_than_chance(SUBJECT, [row]) == (
        "The move of the rank is not clearly more than chance: no likely range was drawn before, now it is 3."
    )
