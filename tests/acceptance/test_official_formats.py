"""Official files in the forms that people have: renamed sheets, saved again, as final workbooks."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fictional_workbook import zip_of

from dagster_project.errors import InputRejected
from dagster_project.extracts.load import LoadedExtracts, load_folder
from dagster_project.extracts.readers.ae_attendances import read_ae_attendances
from dagster_project.extracts.readers.community_waiting_lists import read_community_waiting_lists
from dagster_project.extracts.readers.outcome import ReadStatistic

COUNTS = ["organisation_code", "measure", "category", "value"]
FIGURES = ["quarter", "organisation_code", "figure", "value", "published_rank", "unit"]


@pytest.fixture(scope="module")
def community(official_dir: Path) -> Path:
    return official_dir / "statistics" / "Community-health-services-waiting-lists-2025-26-June.xlsx"


def renamed(path: Path, change: Callable[[str], str]) -> bytes:
    """The workbook with other names of its sheets."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    listing = members["xl/workbook.xml"].decode()
    members["xl/workbook.xml"] = re.sub(
        r'(<sheet [^>]*?name=")([^"]*)"', lambda found: f'{found[1]}{change(found[2])}"', listing
    ).encode()
    return zip_of(members)


def read_community(raw: bytes) -> ReadStatistic:
    return read_community_waiting_lists(
        raw, file_name="Community-health-services-waiting-lists-2025-26-June.xlsx", extract_id="a" * 64
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name.replace("Table 4", "Table 5"),
        lambda name: name.replace(" ", ""),
        str.upper,
        lambda name: {"Table 4g": "Table 4h", "Table 4h": "Table 4i"}.get(name, name),
    ],
)
def test_community_sheets_give_the_same_counts_under_other_names(
    community: Path, change: Callable[[str], str]
) -> None:
    usual = read_community(community.read_bytes()).statistic_row[COUNTS]
    found = read_community(renamed(community, change)).statistic_row[COUNTS]
    assert found.sort_values(COUNTS, ignore_index=True).equals(usual.sort_values(COUNTS, ignore_index=True))


def test_a_community_workbook_without_the_waits_over_104_weeks_is_refused(community: Path) -> None:
    with zipfile.ZipFile(community) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    listing = members["xl/workbook.xml"].decode()
    assert "Table 4h" in listing
    members["xl/workbook.xml"] = re.sub(r'<sheet [^>]*?name="Table 4h"[^>]*/>', "", listing).encode()
    with pytest.raises(InputRejected, match="one table of the waits over 104 weeks"):
        read_community(zip_of(members))


@pytest.fixture(scope="module")
def second_quarter(further_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> LoadedExtracts:
    folder = tmp_path_factory.mktemp("second-quarter")
    for path in sorted(further_dir.glob("*-2025-CWT-CRS-PROVIDER-WORKBOOK-FINAL.xlsx")):
        shutil.copy(path, folder)
    return load_folder(folder, None)


def test_three_final_workbooks_give_both_standards_of_the_second_quarter(
    second_quarter: LoadedExtracts,
) -> None:
    rows = second_quarter.statistic_row
    assert rows["quarter"].unique().tolist() == ["2025-26-Q2"]
    trusts = rows.groupby(["period", "measure"])["organisation_code"].nunique().unstack()
    assert trusts.index.tolist() == ["2025-07", "2025-08", "2025-09"]
    assert set(trusts.columns) == {
        f"{standard}_{part}" for standard in ("fds_28_day", "treated_62_day") for part in ("total", "within")
    }
    assert not rows.duplicated(["period", "organisation_code", "measure"]).any()
    assert set(second_quarter.extract["release_state"]) == {"final"}


def test_the_final_july_takes_the_place_of_the_extracts_and_is_near_it(
    official_dir: Path, further_dir: Path, tmp_path: Path
) -> None:
    extract = official_dir / "statistics" / "CWT-CRS-Apr-2025-to-Jul-2025-Data-Extract-Provider.xlsx"
    workbook = further_dir / "JULY-2025-CWT-CRS-PROVIDER-WORKBOOK-FINAL.xlsx"
    sums: dict[str, pd.Series] = {}
    for name, files in {"extract": [extract], "workbook": [workbook], "both": [extract, workbook]}.items():
        (tmp_path / name).mkdir()
        for file in files:
            shutil.copy(file, tmp_path / name)
        rows = load_folder(tmp_path / name, None).statistic_row
        july = rows[rows["period"] == "2025-07"]
        sums[name] = july.groupby(["organisation_code", "measure"])["value"].sum().astype(float)
    final = sums["workbook"]
    assert sums["both"].reindex(final.index).equals(final)
    # Counts of the provisional extract of July grew by 1 to 2 in a hundred until they were final.
    grown = final.groupby(level="measure").sum() / sums["extract"].groupby(level="measure").sum()
    assert grown.between(1, 1.03).all()


def test_the_provider_sheet_of_october_is_the_publishers_csv_booked_and_unbooked_together(
    trials_dir: Path,
) -> None:
    folder = trials_dir / "case04-ae-provider-sheet-as-csv" / "folder"
    sums = []
    for name in ("October-2025-AE.csv", "October-2025-CSV-hg6dl.csv"):
        rows = read_ae_attendances(folder / name, file_name=name, extract_id="a" * 64).statistic_row
        kind = rows["category"].str.partition(";")[0]
        sums.append(rows.groupby(["organisation_code", "measure", kind])["value"].sum())
    assert sums[0].equals(sums[1])


def test_one_title_row_above_the_mental_health_file_changes_no_figure(
    official_dir: Path, trials_dir: Path
) -> None:
    titled = load_folder(trials_dir / "case15-title-row-loses-a-table" / "folder", None).extract_row
    usual = load_folder(official_dir / "nof-2025-26", None).extract_row
    usual = usual[(usual["source"] == "nof_data") & (usual["table_name"] == "non_acute")]
    assert titled[FIGURES].reset_index(drop=True).equals(usual[FIGURES].reset_index(drop=True))
    assert (titled["source_row"].to_numpy() == usual["source_row"].to_numpy() + 1).all()


@pytest.mark.parametrize(("separator", "encoding"), [(";", "utf-8"), ("\t", "utf-16"), (",", "cp1252")])
def test_official_framework_files_saved_again_give_every_figure(
    official_dir: Path, tmp_path: Path, separator: str, encoding: str
) -> None:
    for path in (official_dir / "nof-2025-26").glob("*.csv"):
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=separator).writerows([["Saved again"], [], *rows])
        (tmp_path / path.name).write_bytes(text.getvalue().encode(encoding))
    again = load_folder(tmp_path, None).extract_row
    usual = load_folder(official_dir / "nof-2025-26", None).extract_row
    columns = ["source", "table_name", *FIGURES]
    assert (
        again[columns]
        .sort_values(columns, ignore_index=True)
        .equals(usual[columns].sort_values(columns, ignore_index=True))
    )
