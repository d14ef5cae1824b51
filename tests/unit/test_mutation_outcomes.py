"""What the mutation program counts as noticed: a message of its own about what was touched, and nothing less."""

from __future__ import annotations

import random

import pytest
from mutations.__main__ import Mutation, allowed, not_allowed
from mutations.files import LAYOUTS, OfficialFile
from mutations.judging import Observed, outcome_of
from mutations.kinds import KINDS, NOF_ONLY

SOUND = Observed({"RAA value": "1", "RAB value": "2"}, frozenset({"a.csv row 7 RAA: always there"}))
CHANGED = {"RAA value": "9", "RAB value": "2"}


def outcome(figures: dict[str, str], *messages: str, about: str = "RAA", exit_code: int = 0) -> str:
    return outcome_of(Observed(figures, frozenset(messages), exit_code, "why"), SOUND, {about})[0]


def test_a_changed_figure_without_a_new_message_about_it_is_silent() -> None:
    assert outcome(CHANGED) == "silent"
    assert outcome(CHANGED, "a.csv row 7 RAA: always there") == "silent"
    assert outcome(CHANGED, "a.csv row 8 RAA: always there") == "silent", "another line is no news"
    assert outcome(CHANGED, "something about RZZ") == "silent"


def test_a_new_message_about_it_or_a_refusal_is_detected() -> None:
    assert outcome(CHANGED, "RAA looks odd") == "detected"
    assert outcome({}, exit_code=4) == "detected"
    assert outcome({}, exit_code=1) == "crashed"


def test_the_same_figures_are_harmless() -> None:
    assert outcome(dict(SOUND.figures)) == "harmless"


def test_a_figure_that_is_gone_tells_so_only_where_an_older_one_is_carried() -> None:
    gone = Observed({"RAB value": "2"}, frozenset())
    assert outcome_of(gone, SOUND, {"RAA"})[0] == "silent"
    assert outcome_of(gone, SOUND, {"RAA"}, gone_is_told=True)[0] == "detected"
    changed_too = Observed({"RAB value": "3"}, frozenset())
    assert outcome_of(changed_too, SOUND, {"RAA"}, gone_is_told=True)[0] == "silent"


@pytest.mark.parametrize("how", ["silent", "crashed"])
def test_what_is_neither_noticed_nor_listed_fails_the_program(how: str) -> None:
    assert not_allowed([Mutation("acute", "a kind that nobody listed", 0, how, "", 0.0)])
    assert not not_allowed([Mutation("acute", "a kind that nobody listed", 0, "harmless", "", 0.0)])


def test_every_listed_kind_is_one_and_says_why_it_may_be_silent() -> None:
    for (_, kind), reason in allowed().items():
        assert kind in KINDS
        assert reason.strip()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_changes_a_file_and_does_so_the_same_way_again(name: str) -> None:
    """Of a small file in the framework's layout; kinds that find nothing to spoil in it are those of other columns."""
    made = [KINDS[name](small_file(), random.Random(5)) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0] is not None or name in ("remove the total rows",)
    assert made[0] != {"acute.csv": small_file().as_bytes()}


def test_kinds_of_the_framework_alone_are_kinds() -> None:
    assert set(KINDS) >= NOF_ONLY


def small_file() -> OfficialFile:
    """Four trusts, two metrics and a flag each, in the columns of the framework's data files."""
    header = (
        "Quarter,Region,Trust_type,Trust_subtype,Trust_code,Trust_name,Domain,Metric_ID,Reporting_date,Units,Value,"
        "Median_value,Rank"
    )
    rows = [header.split(",")]
    for place, code in enumerate(("RA0", "RB1", "RC5", "RD0")):
        for metric, value in (("OF0013", f"70.{place + 1}"), ("OF0020", f"{place + 3}.5"), ("OF5004", "1.0")):
            trust = [
                "Q1 2025/26",
                "Midlands",
                "Acute trust",
                "Acute - Large",
                code,
                f"Trust é{code}",
                "Access",
            ]
            rows.append([*trust, metric, "June 2025", "percent", value, "60.0", str(place + 1)])
    return OfficialFile("acute.csv", LAYOUTS["nof"], {"": rows})
