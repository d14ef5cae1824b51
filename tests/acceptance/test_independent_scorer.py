"""A second scorer, written apart from the SQL, gives the same league tables from the official files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from independent_scorer import score_quarter
from league_command import league
from scorers_compared import differences

from dagster_project.settings import DataFolder

ACUTE = "nhs-oversight-framework-acute-trust-data.csv"
COMMUNITY = "nhs-oversight-framework-mental-health-and-community-trust-data.csv"


@pytest.fixture(scope="session")
def official_release(made_once: Callable[..., Path], official_dir: Path) -> DataFolder:
    """Q1 and Q4 of the official files, released once for all workers and for other acceptance tests."""

    def build(folder: Path) -> None:
        ended = league(
            *("run", "2025-26-Q1", "2025-26-Q4", "--extracts", official_dir / "nof-2025-26"),
            data=DataFolder(folder),
        )
        assert ended.code == 0, ended.err

    return DataFolder(made_once("official-both-quarters", build))


@pytest.mark.parametrize("quarter", ["2025-26-Q1", "2025-26-Q4"])
def test_an_independent_scorer_agrees_with_the_release_in_every_figure(
    official_release: DataFolder, official_dir: Path, quarter: str
) -> None:
    files = [official_dir / "nof-2025-26" / name for name in (ACUTE, COMMUNITY)]
    assert differences(official_release.warehouse, quarter, files) == []


def test_the_independent_scorer_alone_gives_the_known_first_and_last_places(official_dir: Path) -> None:
    text = (official_dir / "nof-2025-26" / ACUTE).read_text(encoding="utf-8")
    standings = score_quarter([text], "2025-26-Q1").standings
    known = {"RP6": ("1.39", 1), "RAN": ("1.48", 2), "RBV": ("1.51", 3), "RCX": ("3.35", 134)}
    found = {code: (f"{float(standings[code].average):.2f}", standings[code].rank) for code in known}
    assert found == known
    segments = [line.adjusted_segment for line in standings.values()]
    assert [segments.count(segment) for segment in (1, 2, 3, 4)] == [16, 11, 76, 31]
