"""Movement between released quarters of the sample: it adds up, agrees with another working, and is told by
`league diff` as the warehouse and the releases have it."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from independent_movement import Released, movement_between, rows
from league_command import Ended, league
from movement_sums import assert_causes_sum_to_the_total, figures_of, told_by
from published_state import release_ids, rows_of
from shared_folders import SAMPLE_QUARTERS
from staged_run import release_by_stages

from dagster_project.settings import DataFolder

PAIRS = list(pairwise(SAMPLE_QUARTERS))
RULE_CHANGE = ("2025-26-Q4", "2026-27-Q1")
FIRST_PUBLICATION = ("2025-26-Q1", "2025-26-Q2")
REISSUED = "2025-26-Q3"
SAME = Fraction(1, 10**10)


def folder(data: DataFolder, quarter: str) -> Path:
    return data.releases / quarter / "current"


@pytest.fixture(scope="session")
def first_issue(
    made_once: Callable[..., Path], six_quarters: DataFolder, sample_extracts: Path
) -> tuple[DataFolder, str]:
    """The quarter that was re-issued, released from its first issue as well; and that release's id."""

    def build(root: Path) -> None:
        shutil.copytree(six_quarters.root, root, symlinks=True)
        issued = root / "first-issue"
        issued.mkdir()
        for file in (sample_extracts / REISSUED).glob("*.csv"):
            if "-v2" not in file.name:
                shutil.copy(file, issued)
        release_by_stages(DataFolder(root), issued, REISSUED)

    data = DataFolder(made_once("first-issue", build))
    return data, release_ids(data)[REISSUED]


def diff(data: DataFolder, *arguments: str) -> Any:
    ended = league("diff", *arguments, "--json", data=data)
    assert ended.code == 0, ended.err
    return ended.answer


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_causes_sum_to_the_total_for_every_organisation(
    six_quarters: DataFolder, before: str, after: str
) -> None:
    one, other = folder(six_quarters, before), folder(six_quarters, after)
    movement = rows(other / "movement.csv")
    assert_causes_sum_to_the_total(movement, one, other)
    assert {row["release_id_before"] for row in movement} == {one.resolve().name}
    totals = rows(other / "movement_total.csv")
    was, now = figures_of(one), figures_of(other)
    key = ("table_name", "organisation_code", "measure", "metric_id")
    assert {tuple(row[name] for name in key) for row in totals} == was.keys() | now.keys()
    for row in totals:
        named = tuple(row[name] for name in key)
        assert (row["is_in"] == "true", row["is_out"] == "true") == (named not in was, named not in now)


@pytest.mark.parametrize(("before", "after"), [FIRST_PUBLICATION, RULE_CHANGE])
def test_an_independent_working_gives_the_same_causes(
    six_quarters: DataFolder, before: str, after: str
) -> None:
    one, other = folder(six_quarters, before), folder(six_quarters, after)
    expected = movement_between(Released.read(one, before), Released.read(other, after), own="value")
    assert not expected.left_out
    found: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for row in rows(other / "movement.csv"):
        subject = row["metric_id"] if row["measure"] == "metric_score" else row["measure"]
        if row["cause"] != "rounding":
            found[row["organisation_code"], subject, row["cause"]] += Fraction(row["change"])
    everything = expected.scores | expected.places
    assert found.keys() <= everything.keys()
    for key, change in everything.items():
        assert abs(found.get(key, Fraction()) - change) <= SAME, key


def test_the_year_with_other_rules_moves_segments_by_rule(six_quarters: DataFolder) -> None:
    answer = diff(six_quarters, *RULE_CHANGE)
    segments = next(item for item in answer["measures"] if item["measure"] == "adjusted_segment")
    assert "rule" in {cause["cause"] for cause in segments["causes"]}
    assert "cut_points" not in {cause["cause"] for cause in segments["causes"]}
    assert len(answer["organisations_in"]) == 36
    assert {one["table_name"] for one in answer["organisations_in"]} == {"icb"}
    (gone,) = answer["organisations_out"]
    assert gone["table_name"] == "non_acute"
    assert answer["before"]["framework"] != answer["after"]["framework"]


def test_scores_that_entered_rounded_once_move_averages_by_rule(six_quarters: DataFolder) -> None:
    averages = next(
        item
        for item in diff(six_quarters, FIRST_PUBLICATION[1])["measures"]
        if item["measure"] != "metric_score"
    )
    assert "rule" in {cause["cause"] for cause in averages["causes"]}


def test_diff_tells_what_the_release_and_the_warehouse_hold(six_quarters: DataFolder) -> None:
    answer = diff(six_quarters, "2025-26-Q2")
    told = {
        (one["organisation_code"], measure, cause.get("metric_id"), cause["cause"], Decimal(cause["change"]))
        for one in answer["movements"]
        for measure in ("average_metric_score", "adjusted_segment", "rank")
        for cause in one[measure]["causes"]
    }
    told |= {
        (
            one["organisation_code"],
            "metric_score",
            score["metric_id"],
            cause["cause"],
            Decimal(cause["change"]),
        )
        for one in answer["movements"]
        for score in one["metric_scores"]
        for cause in score["causes"]
    }
    query = (
        "select organisation_code, measure, metric_id, cause, change from league.movement where quarter = ?"
    )
    assert told == set(rows_of(six_quarters, query, "2025-26-Q2"))


def test_a_re_issued_quarter_moves_by_revision_and_adds_up(
    first_issue: tuple[DataFolder, str], six_quarters: DataFolder
) -> None:
    data, first = first_issue
    second = release_ids(six_quarters)[REISSUED]
    answer = diff(data, first, second)
    extracts = answer["components"]["extracts"]
    assert [file["file_name"] for file in extracts["in"] if "-v2" in file["file_name"]]
    assert answer["components"]["code"] == answer["components"]["rules"] == []
    causes = {cause["cause"] for item in answer["measures"] for cause in item["causes"]}
    assert "revision" in causes
    assert causes <= {"revision", "others_moved", "cut_points", "rounding"}
    moved = told_by(answer)
    quarter = data.releases / REISSUED
    assert_causes_sum_to_the_total(moved, quarter / first, quarter / second)
    assert any(row["change"] for row in moved if row["measure"] == "rank")
    # the other way round, and against the current release
    assert league("diff", second, data=data).code == 0


def test_one_organisation_is_told_metric_by_metric(six_quarters: DataFolder) -> None:
    mover = diff(six_quarters, "2025-26-Q2")["biggest_movers"][0]
    shown = league("diff", "2025-26-Q2", "--organisation", mover["organisation_code"], data=six_quarters).out
    rank = mover["rank"]
    assert f"{rank['before']} to {rank['after']} ({rank['change']:+d})" in shown
    assert "Fictional sample data" in shown
    by_name = diff(six_quarters, "2025-26-Q2", "--organisation", mover["organisation_name"])
    assert [one["organisation_code"] for one in by_name["movements"]] == [mover["organisation_code"]]


def test_an_organisation_is_told_by_values_and_scores_and_what_did_not_move_is_only_counted(
    six_quarters: DataFolder,
) -> None:
    (one,) = diff(six_quarters, "2025-26-Q4", "--organisation", "Z33")["movements"]
    scores = {score["metric_id"]: score for score in one["metric_scores"]}
    still = {
        metric
        for metric, score in scores.items()
        if score["change"] is not None
        and not float(score["change"])
        and score["value_before"] == score["value_after"]
    }
    assert still
    ended = league("diff", "2025-26-Q4", "--organisation", "ostumberley weald", data=six_quarters, columns=80)
    lines = [line.rstrip() for line in ended.out.splitlines()]
    assert max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines if line.startswith("OF")} == scores.keys() - still
    assert f"{len(still)} more metrics: value and score as before." in lines
    (emergency,) = [line for line in lines if line.startswith("OF0013")]
    assert emergency.split()[-7:] == [
        *(scores["OF0013"]["value_before"], "to", scores["OF0013"]["value_after"]),
        *("2.11", "to", "1.00", "-0.065"),
    ]
    assert not any("000000" in line for line in lines)


def test_people_are_shown_what_changed_and_who_moved_furthest(six_quarters: DataFolder) -> None:
    shown = league("diff", *RULE_CHANGE, data=six_quarters).out
    assert "Framework: 2025-26 -> 2026-27-illustrative" in shown
    assert "Organisations out:" in shown
    assert "Moved furthest" in shown
    assert "others moved" in shown


def refused(ended: Ended, code: int) -> str:
    assert ended.code == code, ended.out
    return ended.err


def test_what_cannot_be_compared_says_what_is_there(
    first_issue: tuple[DataFolder, str], tmp_path: Path
) -> None:
    data, first = first_issue
    there = {path.name for path in (data.releases / REISSUED).iterdir()}
    (second,) = there - {first, "current"}
    same = refused(league("diff", first, data=data), 2)
    assert f"Other releases of {REISSUED}: {second}" in same
    assert "2025-26-Q1 (" in refused(league("diff", "2024-25-Q1", data=data), 3)
    assert "found none. Current releases: 2025-26-Q1" in refused(league("diff", "0" * 16, data=data), 3)
    near = refused(league("diff", "2025-26-Q2", "--organisation", "trust", data=data), 2)
    assert "isn't an organisation of either release" in near
    assert "Current releases: none" in refused(league("diff", "2025-26-Q2", data=DataFolder(tmp_path)), 3)


@pytest.mark.parametrize("gone", ["segment_threshold.parquet", "league_table.parquet"])
def test_a_release_without_a_table_that_is_needed_is_named(two_released: DataFolder, gone: str) -> None:
    file = two_released.releases / "2025-26-Q1" / release_ids(two_released)["2025-26-Q1"] / gone
    file.parent.chmod(0o755)
    file.unlink()
    assert str(file) in refused(league("diff", "2025-26-Q2", data=two_released), 3)
