"""A file that is plainly a publisher's is read or refused; what is plainly something else is passed over by name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from fictional_files import DATA_HEADER, data_file, data_line
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.catalogue.catalogue import load_catalogue
from dagster_project.errors import InputRejected
from dagster_project.extracts.claimed import refuse_publishers_file, source_named
from dagster_project.extracts.load import load_folder

ACUTE = "nhs-oversight-framework-acute-trust-data.csv"
NOT_A_TABLE = b"Some words, that no reader knows\r\nand,more\r\n"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (ACUTE, "nof_data"),
        ("nhs-oversight-framework-acute-trust-data (1).csv", "nof_data"),
        ("Copy of NHS oversight framework acute trust data.xlsx", "nof_data"),
        ("nhs-oversight-framework-acute-trust-data-v2.csv.crdownload", "nof_data"),
        ("nhs-oversight-framework-acute-trust-league-table.csv", "nof_league_table"),
        ("Monthly-AE-June-2025-1-1.csv", "ae_attendances"),
        ("November-2025-CSV-G9pr3.csv", "ae_attendances"),
        ("CWT-CRS-Apr-2025-to-Jul-2025-Data-Extract-Provider.xlsx", "cancer_waiting_times"),
        ("Community-health-services-waiting-lists-2025-26-June.xlsx", "community_waiting_lists"),
        ("AmbSYS-Time-Series-until-20250831.xlsx", "ambulance_systems"),
        ("Full-CSV-data-file-Jan26-ZIP-4M-WL5BiP.zip", "rtt_waiting_times"),
        ("etr.csv", "ods_trusts"),
        ("etr - Copy.zip", "ods_trusts"),
    ],
)
def test_a_name_tells_the_source_in_whatever_format_and_copy(name: str, source: str) -> None:
    found = source_named(name)
    assert found is not None
    assert found.name == source


@pytest.mark.parametrize(
    "name",
    [
        "README",
        "README.md",
        "notes.txt",
        "notes-about-csv-files.txt",
        "nhs-oversight-framework-acute-trust-data.pdf",
        "nhs-oversight-framework-league-tables.png",
        "nhs-oversight-framework-csv-metadata-file.csv",
        "my-own-list.csv",
        "holiday.jpg",
    ],
)
def test_other_names_tell_nothing(name: str) -> None:
    assert source_named(name) is None


@given(st.text(max_size=60))
def test_any_name_can_be_asked_about(name: str) -> None:
    source_named(name)


def test_every_source_that_names_its_files_is_told_by_a_name_of_its_own() -> None:
    """A pattern of the catalogue that only fits a longer address would leave its source's files unprotected."""
    sources = load_catalogue().sources.values()
    assert {source.name for source in sources if source.links.text is None} >= {
        "nof_data", "nof_league_table", "cancer_waiting_times", "community_waiting_lists", "ae_attendances",
        "ambulance_systems", "rtt_waiting_times", "ods_trusts",
    }  # fmt: skip


@pytest.mark.parametrize("name", [ACUTE, "nhs-oversight-framework-acute-trust-data.tsv", "etr.csv"])
def test_a_file_of_a_publishers_name_that_no_reader_takes_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "good.csv").write_bytes(data_file(data_line()))
    (tmp_path / name).write_bytes(NOT_A_TABLE)
    with pytest.raises(InputRejected) as error:
        load_folder(tmp_path, None)
    assert error.value.file == name
    assert "its name is that of a file of" in error.value.found
    assert "move it out of the folder" in error.value.remedy


@pytest.mark.parametrize(
    "raw",
    [
        b"Title\r\n\r\nAs at\r\n" + DATA_HEADER.encode(),
        DATA_HEADER.replace(",", ";").encode(),
        ("x\n" + DATA_HEADER.replace(",", "\t")).encode("utf-16"),
        ("x\n" + DATA_HEADER.replace(",", "|")).encode(),
    ],
)
def test_columns_of_a_source_within_the_first_lines_tell_it_without_its_name(
    tmp_path: Path, raw: bytes
) -> None:
    path = tmp_path / "renamed.dat"
    path.write_bytes(raw)
    with pytest.raises(InputRejected, match="holds columns of 'NHS Oversight Framework data'"):
        refuse_publishers_file(path, "no reader takes it")


def test_a_zip_that_holds_a_publishers_file_is_refused_where_no_reader_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "downloads.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"folder/{ACUTE}", NOT_A_TABLE)
    with pytest.raises(InputRejected, match=f"it holds folder/{ACUTE}"):
        refuse_publishers_file(path, "no reader takes it")


def test_what_is_plainly_something_else_is_passed_over_by_name(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_bytes(data_file(data_line()))
    others = {
        "README": b"Read me",
        "notes.txt": b"Downloaded on Monday; the acute file is new",
        "nhs-oversight-framework-acute-trust-data.pdf": b"%PDF-1.7 ...",
        "picture.png": b"\x89PNG\r\n\x1a\n\0\0",
        "my-own-list.csv": b"code,wish\r\nZ01,better\r\n",
        "~$Community-health-services-waiting-lists-2025-26-June.xlsx": b"\x05Ada\0\0",
    }
    for name, raw in others.items():
        (tmp_path / name).write_bytes(raw)
    assert {note.file for note in load_folder(tmp_path, None).ignored} == set(others)


def test_a_link_out_of_the_folder_is_refused_where_its_name_is_a_publishers(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere.csv"
    folder.mkdir()
    elsewhere.write_bytes(data_file(data_line()))
    (folder / "good.csv").write_bytes(data_file(data_line()))
    (folder / ACUTE).symlink_to(elsewhere)
    with pytest.raises(InputRejected, match="a link that leads out of the folder"):
        load_folder(folder, None)
