"""What a run can't be asked for, and where it works."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest, day_of
from dagster_project.settings import DataFolder

Q1, Q2 = Quarter.from_canonical("2025-26-Q1"), Quarter.from_canonical("2025-26-Q2")
DAY, RELEASE = date(2025, 9, 30), "0123456789abcdef"


@pytest.mark.parametrize(
    "asked",
    [
        {"as_of": DAY, "release": RELEASE},
        {"as_of": DAY, "sample": True},
        {"as_of": DAY, "extracts_dir": Path()},
        {"release": RELEASE, "sample": True},
        {"release": RELEASE, "extracts_dir": Path()},
        {"release": "current"},
        {"release": RELEASE, "quarters": (Q1, Q2)},
        {"hold": True, "dry_run": True},
        {"rebuild": True, "hold": True},
        {"rebuild": True, "release": RELEASE},
        {"follows": RELEASE, "release": RELEASE},
        {"rebuild": True, "release": RELEASE, "hold": True, "follows": "current"},
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(asked: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        RunRequest(**({"quarters": (Q1,)} | asked))


def test_a_day_is_written_in_one_way() -> None:
    assert day_of("2025-09-30") == DAY
    for text in ("20250930", "2025-W40-2", "30/09/2025", "2025-9-30", "2025-09-31", ""):
        with pytest.raises(WrongUsage, match="a day such as"):
            day_of(text)


def test_a_run_in_code_takes_a_relative_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = QuarterlyRun(RunRequest(quarters=(Q1,)), DataFolder(Path("data")), "a-run")
    assert run.data.root == tmp_path.resolve() / "data"
