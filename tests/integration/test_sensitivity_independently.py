"""Sensitivity and distance of the sample, against a plain-Python working of the released CSV files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from independent_sensitivity import SAME, Distance, Place, Quarter, rows

from dagster_project.settings import DataFolder

# Quartiles, with scores that enter rounded; quartiles; thresholds
QUARTERS = ("2025-26-Q1", "2025-26-Q4", "2026-27-Q1")


@pytest.fixture
def release(six_quarters: DataFolder) -> Callable[[str], Path]:
    return lambda quarter: six_quarters.root / "releases" / quarter / "current"


@pytest.mark.parametrize("quarter", QUARTERS)
def test_average_segment_and_rank_under_every_choice_are_what_the_released_scores_give(
    release: Callable[[str], Path], quarter: str
) -> None:
    assert sensitivity_differences(release(quarter)) == []


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_distance_to_the_next_segments_is_what_the_released_scores_give(
    release: Callable[[str], Path], quarter: str
) -> None:
    assert distance_differences(release(quarter)) == []


def test_the_comparison_finds_a_score_that_was_changed(
    release: Callable[[str], Path], tmp_path: Path
) -> None:
    for name in ("metric_score.csv", "league_table.csv", "segment_threshold.csv", "sensitivity.csv"):
        shutil.copy(release("2026-27-Q1") / name, tmp_path)
    changed = next(row for row in rows(tmp_path / "metric_score.csv") if row["metric_id"] == "OF0084")
    code, score = changed["organisation_code"], changed["score_entering_average"]
    file = tmp_path / "metric_score.csv"
    file.write_text(
        "".join(
            line.replace(score, "4.000000000000") if f",{code},OF0084," in line else line
            for line in file.read_text(encoding="utf-8").splitlines(keepends=True)
        ),
        encoding="utf-8",
    )
    found = [line for line in sensitivity_differences(tmp_path) if line.startswith(code)]
    assert any("official" in line for line in found)


def sensitivity_differences(folder: Path) -> list[str]:
    """Each released row of sensitivity that isn't what the scores give, or is missing."""
    quarter = Quarter.read(folder)
    expected = {
        (code, *choice): place
        for choice in quarter.choices()
        for code, place in quarter.under(*choice).items()
    }
    official = quarter.under("official", "")
    released = {
        (row["organisation_code"], row["choice"], row["subject"]): row
        for row in rows(folder / "sensitivity.csv")
    }
    assert len(released) > 3000
    lines = []
    for key in sorted(released.keys() | expected.keys()):
        row, place = released.get(key), expected.get(key)
        if row is None or place is None:
            lines.append(f"{' '.join(key)}: {'released' if place is None else 'expected'} alone")
            continue
        was = official[key[0]]
        found = Place(
            int(row["metric_count"]),
            Fraction(row["average_metric_score_exact"]),
            int(row["unadjusted_segment"]),
            int(row["adjusted_segment"]),
            int(row["rank"]),
            int(row["organisations_ranked"]),
        )
        moved = (Fraction(row["average_change"]), int(row["segment_change"]), row["rank_change"])
        rank_change = "" if key[1] == "within_peer_group" else str(place.rank - was.rank)
        if (
            abs(found.average - place.average) > SAME
            or (found.metrics, found.unadjusted_segment, found.adjusted_segment, found.rank, found.rivals)
            != (place.metrics, place.unadjusted_segment, place.adjusted_segment, place.rank, place.rivals)
            or abs(moved[0] - (place.average - was.average)) > SAME
            or moved[1:] != (place.adjusted_segment - was.adjusted_segment, rank_change)
        ):
            lines.append(f"{' '.join(key)}: released {found} {moved}, expected {place}")
    return lines


def distance_differences(folder: Path) -> list[str]:
    """Each released row of segment_distance that isn't what the scores and the cut-points give."""
    quarter = Quarter.read(folder)
    released = {row["organisation_code"]: row for row in rows(folder / "segment_distance.csv")}
    assert released.keys() == quarter.places.keys()
    lines = []
    for code, row in released.items():
        expected = quarter.distance(code)
        found = Distance(
            number(row["average_needed"]),
            number(row["improvement_needed"]),
            number(row["margin_to_worse"]),
            row["override_holds"] == "true",
        )
        pairs = (
            (found.needed, expected.needed),
            (found.improvement, expected.improvement),
            (found.margin, expected.margin),
        )
        if found.override_holds != expected.override_holds or not all(alike(*pair) for pair in pairs):
            lines.append(f"{code}: released {found}, expected {expected}")
    return lines


def alike(one: Fraction | None, other: Fraction | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= SAME


def number(cell: str) -> Fraction | None:
    return Fraction(cell) if cell else None
