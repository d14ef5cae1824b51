"""`league show` as a function: what is chosen, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.reading.league_table import Only, show
from dagster_project.settings import DataFolder

COLUMNS = ("organisation_code", "region", "organisation_subtype", "adjusted_segment")
ROWS: list[Mapping[str, Any]] = [
    dict(zip(COLUMNS, row, strict=True))
    for row in (
        ("A", "East of England", "Acute - Teaching", 1),
        ("B", "South East", "Acute - Small", 2),
        ("C", "North East and Yorkshire", "Acute - Small", 4),
        ("D", None, None, 4),
    )
]


@pytest.mark.parametrize(
    ("only", "codes"),
    [
        (Only(), "ABCD"),
        (Only(region="East"), "A"),
        (Only(region="south"), "B"),
        (Only(region="yorkshire"), "C"),
        (Only(subtype="small"), "BC"),
        (Only(subtype="Acute - Teaching"), "A"),
        (Only(segment=4), "CD"),
        (Only(subtype="small", segment=4), "C"),
        (Only(region="south", segment=4), ""),
    ],
)
def test_a_filter_keeps_the_rows_that_are_meant(only: Only, codes: str) -> None:
    assert "".join(row["organisation_code"] for row in only.of(ROWS)) == codes


@pytest.mark.parametrize(
    ("only", "named"),
    [
        (Only(region="Mars"), "East of England, North East and Yorkshire, South East"),
        (Only(region=" "), "East of England"),
        (Only(subtype="Large"), "Acute - Small, Acute - Teaching"),
        (Only(segment=3), "there are 1, 2, 4"),
    ],
)
def test_a_filter_that_fits_nothing_names_what_there_is(only: Only, named: str) -> None:
    with pytest.raises(WrongUsage, match=named):
        only.of(ROWS)


def test_nothing_is_shown_where_nothing_is_released(tmp_path: Path) -> None:
    for what in ("acute", "ZUR"):
        with pytest.raises(InputMissing, match="Nothing is released yet"):
            show(DataFolder(tmp_path), what, None, Only())
