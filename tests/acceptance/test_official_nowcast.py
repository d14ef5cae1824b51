"""A nowcast from the official statistics of a quarter whose official result is at hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
from league_command import league

from dagster_project.settings import DataFolder

QUARTER, RELABELLED = "2025-26-Q1", "2024-25-Q4"
EXACT = {"OF0005": 121, "OF0010": 118, "OF0011": 118}


def test_values_from_statistics_give_the_official_scores_and_carried_ones_stay(
    with_statistics: DataFolder, official_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(with_statistics.root, tmp_path / "data", symlinks=True)
    data = DataFolder(tmp_path / "data")
    # The quarter's own release plays the last one: what differs then comes from the statistics alone.
    data.warehouse.chmod(0o644)
    with duckdb.connect(str(data.warehouse)) as connection:
        for table in ("league_table", "metric_score", "metric_ranking", "current_release"):
            connection.execute(f"update league.{table} set quarter = ?", [RELABELLED])
    data.warehouse.chmod(0o444)
    ended = league("nowcast", QUARTER, "--extracts", official_dir / "statistics", "--json", data=data)
    assert ended.code == 0, ended.err

    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{data.warehouse}' as official (read_only)")
        compared = connection.execute(
            "select nowcast.metric_id, nowcast.value_age_quarters, count(*), "
            "count(*) filter (nowcast.metric_score_exact = metric_score.metric_score_exact) "
            f"from read_parquet('{ended.answer['path']}/metric_score.parquet') as nowcast "
            "full join official.league.metric_score using (organisation_code, metric_id) group by all"
        ).fetchall()
    fresh = {metric: (count, equal) for metric, age, count, equal in compared if age == 0}
    assert {metric: fresh[metric] for metric in EXACT} == {
        metric: (count, count) for metric, count in EXACT.items()
    }
    assert set(fresh) - set(EXACT) == {"OF0013"}  # its mapped footprints aren't published
    assert all(count == equal for _, age, count, equal in compared if age == 1)
    assert {age for _, age, _, _ in compared} == {0, 1}
