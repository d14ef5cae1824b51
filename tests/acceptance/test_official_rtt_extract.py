"""The whole RTT extract of January 2026, as downloaded: its trusts, equal to a sum made without the readers."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from league_command import league

from dagster_project.settings import DataFolder

NAME = "Full-CSV-data-file-Jan26-ZIP-4M-WL5BiP.zip"
MEASURES = ("incomplete_total", "incomplete_within_18_weeks", "incomplete_over_52_weeks")
REAL_CODES_WITH_Z = {"Z1E5F", "Z2L9B", "Z4F8Y", "Z5J5V", "Z9Z1G"}


@pytest.fixture(scope="module")
def extract(further_dir: Path) -> Path:
    return further_dir / NAME


@pytest.fixture(scope="module")
def alone(extract: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the extract and nothing else."""
    folder = tmp_path_factory.mktemp("rtt")
    shutil.copy(extract, folder)
    return folder


def rows_of(extract: Path) -> Iterator[dict[str, str]]:
    """All incomplete pathways over all treatment functions, by Python's own CSV reader."""
    with zipfile.ZipFile(extract) as package:
        (name,) = package.namelist()
        with package.open(name) as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, encoding="cp1252", newline="")):
                if row["RTT Part Type"] == "Part_2" and row["Treatment Function Code"] == "C_999":
                    yield row


def independent_sums(extract: Path) -> dict[str, tuple[int, int, int]]:
    """By provider: pathways, those that waited no more than 18 weeks, those that waited over 52."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows_of(extract):
        bands = {
            int(name.split()[1]): int(count or 0)
            for name, count in row.items()
            if name and name.startswith("Gt ") and name.endswith("SUM 1")
        }
        assert sorted(bands) == list(range(105))
        added = sums[row["Provider Org Code"]]
        added[0] += int(row["Total All"])
        added[1] += sum(count for week, count in bands.items() if week < 18)
        added[2] += sum(count for week, count in bands.items() if week >= 52)
    return {code: (every, within, over) for code, (every, within, over) in sums.items()}


def test_check_shows_its_150_trusts_and_lists_the_others_with_the_reason(alone: Path, tmp_path: Path) -> None:
    ended = league("check", alone, "--json", data=DataFolder(tmp_path / "data"))
    assert ended.code == 0, ended.err
    (file,) = ended.answer["files"]
    assert (file["source"], file["organisations"], file["is_sample"]) == ("rtt_waiting_times", 150, False)
    (known,) = (
        item["organisations"]
        for item in ended.answer["organisations_set_aside"]
        if item["reason"].startswith("not known as an NHS trust")
    )
    assert len(known) == 125
    assert set(known) > REAL_CODES_WITH_Z


def test_its_trusts_equal_an_independent_sum_in_all_three_measures(extract: Path, alone: Path) -> None:
    from dagster_project.extracts.load import load_folder

    rows = load_folder(alone, None).statistic_row
    read = {
        code: tuple(
            sum(group.loc[group["measure"] == measure, "value"], start=Decimal(0)) for measure in MEASURES
        )
        for code, group in rows.groupby("organisation_code")
    }
    expected = {
        code: sums for code, sums in independent_sums(extract).items() if len(code) == 3 and code[0] in "RT"
    }
    assert len(expected) == 150
    assert read == expected


def test_a_run_of_good_files_is_not_blocked_by_real_codes_with_z(trials_dir: Path, tmp_path: Path) -> None:
    trial = trials_dir / "case01-rtt-real-z-codes" / "folder"
    ended = league("check", trial, "--json", data=DataFolder(tmp_path / "data"))
    assert ended.code == 0, ended.err
    assert ended.answer["files"][0]["organisations"] == 2
    (item,) = ended.answer["organisations_set_aside"]
    assert {"Z1E5F", "Z5J5V"} < {*item["organisations"]}
