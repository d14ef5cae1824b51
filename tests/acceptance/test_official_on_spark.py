"""The official 2025-26-Q1 on Spark, from every official file at hand: every released cell is DuckDB's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from shared_folders import MadeOnce
from spark_command import league_on_spark, require_java

from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"


@pytest.fixture(scope="module")
def answer(made_once: MadeOnce, with_statistics: DataFolder, official_dir: Path) -> dict[str, Any]:
    """What `league run --target spark` answered beside the release that DuckDB made of the same files."""
    require_java()

    def build(folder: Path) -> None:
        shutil.copytree(with_statistics.root, folder, symlinks=True)
        ended = league_on_spark(*("run", QUARTER, "--extracts", official_dir), data=DataFolder(folder))
        assert ended.code == 0, f"{ended.out[-3000:]} {ended.err[-3000:]}"
        (folder / "spark.json").write_text(ended.out)

    found: dict[str, Any] = json.loads((made_once("official-on-spark", build) / "spark.json").read_text())
    return found


def test_every_cell_of_the_official_quarter_is_that_of_its_release_folder(
    answer: dict[str, Any], with_statistics: DataFolder
) -> None:
    ids = {str(release.quarter): release.release_id for release in current_release(with_statistics)}
    assert {"Monthly-AE-May-2025.csv", "AmbSYS-Time-Series-until-20250831.xlsx"} <= {
        extract["file"] for extract in answer["extracts"]
    }
    (compared,) = answer["compared"]
    assert (compared["quarter"], compared["release_id"]) == (QUARTER, ids[QUARTER])
    assert (compared["differing"], compared["differences"]) == (0, [])
    assert compared["cells"] > 100_000


def test_official_figures_on_spark_reconcile_as_on_duckdb(answer: dict[str, Any]) -> None:
    (summary,) = answer["summary"]
    assert summary["reconciliation"].get("different", 0) == 0
    assert summary["reconciliation"]["equal"] > 1_000
    assert answer["is_sample"] is False
