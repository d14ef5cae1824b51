"""A second scorer, written apart from the SQL, gives the same league tables from the official files."""

from __future__ import annotations

from pathlib import Path

import pytest
from independent_scorer import score_quarter
from scorers_compared import differences

from dagster_project.settings import DataFolder

ACUTE = "nhs-oversight-framework-acute-trust-data.csv"
COMMUNITY = "nhs-oversight-framework-mental-health-and-community-trust-data.csv"


@pytest.mark.parametrize("quarter", ["2025-26-Q1", "2025-26-Q4"])
def test_an_independent_scorer_agrees_with_the_release_in_every_figure(
    both_quarters: DataFolder, official_dir: Path, quarter: str
) -> None:
    files = [official_dir / "nof-2025-26" / name for name in (ACUTE, COMMUNITY)]
    assert differences(both_quarters.warehouse, quarter, files) == []


def test_the_independent_scorer_alone_gives_the_known_first_and_last_places(official_dir: Path) -> None:
    text = (official_dir / "nof-2025-26" / ACUTE).read_text(encoding="utf-8")
    standings = score_quarter([text], "2025-26-Q1").standings
    known = {"RP6": ("1.39", 1), "RAN": ("1.48", 2), "RBV": ("1.51", 3), "RCX": ("3.35", 134)}
    found = {code: (f"{float(standings[code].average):.2f}", standings[code].rank) for code in known}
    assert found == known
    segments = [line.adjusted_segment for line in standings.values()]
    assert [segments.count(segment) for segment in (1, 2, 3, 4)] == [16, 11, 76, 31]
