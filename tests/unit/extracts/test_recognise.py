"""What a file is, by its content."""

from __future__ import annotations

import pytest
from fictional_files import DATA_HEADER, data_file, data_line, file_of, league_file

from dagster_project.errors import InputRejected
from dagster_project.extracts.recognise import recognise

HTML = b"\xef\xbb\xbf \r\n<!DOCTYPE html><html><body>Checking your browser</body></html>"
ZIP = b"PK\x03\x04\x14\x00\x00\x00"
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a", "a.xlsx"])
def test_a_file_is_what_it_holds_under_any_name(name: str) -> None:
    assert recognise(data_file(data_line()), name).source == "nof_data"
    assert recognise(league_file(), name).source == "nof_league_table"


TEXT = data_file(data_line()).decode("utf-8-sig")


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode("utf-16"),
        b"sep=,\r\n" + TEXT.encode(),
        b"sep=#\r\n" + TEXT.encode(),
        b"sep=;\r\n" + TEXT.replace(",", ";").encode(),
        b"\r\n" + TEXT.encode(),
        b"NHS Oversight Framework data,,,\r\nSaved on 1 June\r\n\r\n" + TEXT.encode(),
    ],
)
def test_a_file_saved_by_a_spreadsheet_program_is_still_what_it_was(content: bytes) -> None:
    assert recognise(content, "a.csv").source == "nof_data"


def test_a_file_that_has_fewer_than_half_of_a_sources_columns_is_not_taken_for_one() -> None:
    found = recognise(b"Domain,Metric_ID,Units,Other\r\n", "a.csv")
    assert found.source is None
    assert found.reason == "not recognised: it starts with 'Domain, Metric_ID, Units, Other'"


def test_a_data_file_that_lost_a_column_is_still_one() -> None:
    assert recognise(file_of(DATA_HEADER.replace("Metric_ID,", "")), "a.csv").source == "nof_data"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HTML, "web page"),
        (b"<html lang='en'>", "web page"),
        (b"<?xml version='1.0'?><html>", "web page"),
        (ZIP, "ZIP archive"),
        (OLD_EXCEL, "old Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n \r\n", "empty"),
        (b"Quarter,\x00\x01", "binary"),
        ("Quarter,Region".encode("utf-16-le"), "binary"),
    ],
)
@pytest.mark.parametrize("name", ["league.csv", "LEAGUE.CSV"])
def test_other_content_named_csv_is_rejected(content: bytes, words: str, name: str) -> None:
    with pytest.raises(InputRejected) as caught:
        recognise(content, name)
    assert words in caught.value.found
    assert "ownload" in caught.value.remedy
    assert caught.value.file == name


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx"])
def test_a_web_page_under_the_name_of_an_archive_is_rejected(name: str) -> None:
    with pytest.raises(InputRejected, match="web page"):
        recognise(HTML, name)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (ZIP, "a.zip"),
        (ZIP, "a.xlsx"),
        (OLD_EXCEL, "a.xls"),
        (OLD_EXCEL, "protected.xlsx"),
        (HTML, "a.html"),
        (b"", "notes.txt"),
        (b"# Notes, and more", "a.md"),
        (b'{"a": 1}', "a.json"),
        (b"Period,Org Code,Parent Org,Org name,Attendances\r\n", "monthly.csv"),
        (b'"a quote never closed', "a.csv"),
    ],
)
def test_files_of_other_kinds_are_passed_over_with_the_reason(content: bytes, name: str) -> None:
    recognised = recognise(content, name)
    assert recognised.source is None
    assert recognised.reason
