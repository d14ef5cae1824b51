"""A second scorer, written apart from the SQL, gives the same league tables from the sample's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from scorers_compared import differences

from dagster_project.settings import DataFolder


@pytest.mark.parametrize("quarter", ["2025-26-Q1", "2025-26-Q3"])
def test_an_independent_scorer_agrees_with_the_release_of_the_sample_in_every_figure(
    six_quarters: DataFolder, sample_extracts: Path, quarter: str
) -> None:
    assert differences(six_quarters.warehouse, quarter, _data_files(sample_extracts)) == []


def test_the_comparison_finds_safe_ratings_that_were_changed(
    six_quarters: DataFolder, sample_extracts: Path, tmp_path: Path
) -> None:
    changed = []
    for number, file in enumerate(_data_files(sample_extracts)):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        lines = [line.replace(",score,3.0,", ",score,4.0,") if ",OF1067," in line else line for line in lines]
        changed.append(tmp_path / f"{number}.csv")
        changed[-1].write_text("".join(lines), encoding="utf-8")
    found = differences(six_quarters.warehouse, "2025-26-Q3", changed)
    assert any(line.startswith("metric score") and "OF0067" in line for line in found)
    assert any(line.startswith("league table") for line in found)


def _data_files(extracts: Path) -> list[Path]:
    """The data files of the framework's year, the oldest publication first: a re-issue follows what it replaces."""
    files = [file for folder in sorted(extracts.glob("2025-26-Q?")) for file in folder.glob("*-data*.csv")]
    return sorted(files, key=lambda file: (file.parent.name, "-v2" in file.name, file.name))
