"""Movement of the official non-acute table from 2025-26-Q1 to Q4: the causes sum to the whole."""

from __future__ import annotations

from league_command import league
from movement_sums import assert_causes_sum_to_the_total, told_by

from dagster_project.settings import DataFolder

BEFORE, AFTER = "2025-26-Q1", "2025-26-Q4"


def test_causes_sum_to_the_total_for_every_trust_of_the_official_table(both_quarters: DataFolder) -> None:
    ended = league("diff", BEFORE, AFTER, "--json", data=both_quarters)
    assert ended.code == 0, ended.err
    answer = ended.answer
    folders = [both_quarters.releases / quarter / "current" for quarter in (BEFORE, AFTER)]
    assert_causes_sum_to_the_total(told_by(answer), *folders)
    moved = {item["measure"]: item for item in answer["measures"]}
    assert moved["average_metric_score"]["changed"] == 61
    assert {one["table_name"] for one in answer["organisations_out"]} == {"acute"}
    assert len(answer["organisations_out"]) == 134
    assert "Unofficial recomputation" in answer["notice"]
