"""Files as spreadsheet programs save them: read figure by figure as the publisher's, or refused by name."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from fictional_files import (
    DATA_HEADER,
    LEAGUE_HEADER,
    data_file,
    data_line,
    file_of,
    league_file,
    league_line,
)
from fictional_workbook import workbook, zip_of
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.delimited import SEPARATORS
from dagster_project.extracts.readers.nof_data import read_nof_data
from dagster_project.extracts.readers.nof_league_table import read_nof_league_table
from dagster_project.extracts.readers.outcome import ReadExtract

DATA = data_file(
    data_line(value="75.5"),
    data_line("Z02", value="1234.25", name='"Ashford, Vale and Moor (fictional)"'),
    data_line("Z03", value="*"),
)
LEAGUE = league_file(league_line(), league_line("Z02", average="2.25", rank_range="2 to 12"))


def read(raw: bytes) -> ReadExtract:
    return read_nof_data(raw, file_name="data.csv", extract_id="a" * 64)


def read_league(raw: bytes) -> ReadExtract:
    return read_nof_league_table(raw, file_name="league.csv", extract_id="a" * 64)


def rejection(raw: bytes) -> InputRejected:
    with pytest.raises(InputRejected) as caught:
        read(raw)
    return caught.value


def records(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def saved(rows: list[list[str]], separator: str, encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode(encoding)


def figures(found: ReadExtract) -> list[list[object]]:
    columns = [
        "quarter",
        "organisation_code",
        "figure",
        "value",
        "published_rank",
        "reporting_date",
        "region",
    ]
    return (
        found.extract_row[columns]
        .astype(object)
        .where(found.extract_row[columns].notna(), None)
        .values.tolist()
    )


@settings(deadline=None)
@given(
    separator=st.sampled_from(list(SEPARATORS)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]),
    titles=st.lists(
        st.sampled_from([[], ["Oversight data"], ["Saved", "on", "1 June"], ["", ""]]), max_size=6
    ),
    says_separator=st.booleans(),
    empty_columns=st.integers(0, 3),
)
def test_a_file_saved_in_any_of_these_ways_gives_the_same_figures_at_its_own_lines(
    separator: str, encoding: str, titles: list[list[str]], says_separator: bool, empty_columns: int
) -> None:
    padded = [[*row, *[""] * empty_columns] for row in records(DATA)]
    text = saved([*titles, *padded], separator, encoding)
    above = len(titles)
    if says_separator and encoding in ("utf-8", "cp1252"):
        text, above = f"sep={separator}\r\n".encode() + text, above + 1
    found = read(text)
    assert figures(found) == figures(read(DATA))
    assert found.extract_row["source_row"].tolist() == [
        line + above for line in read(DATA).extract_row["source_row"]
    ]
    assert found.row_set_aside["source_row"].tolist() == [4 + above]


def test_big_endian_utf_16_is_read_and_utf_16_without_its_mark_refused() -> None:
    text = DATA.decode("utf-8-sig")
    assert figures(read(b"\xfe\xff" + text.encode("utf-16-be"))) == figures(read(DATA))
    error = rejection(text.encode("utf-16-le"))
    assert "NUL" in error.found
    assert rejection(b"\xff\xfe" + text.encode("utf-16-le") + b"\x00").expected.startswith("text in UTF-16")


def test_a_first_line_that_names_a_separator_that_isnt_one_is_refused() -> None:
    error = rejection(b"sep=#\r\n" + DATA.removeprefix(b"\xef\xbb\xbf"))
    assert (error.row, error.found) == (1, "a line that says they are separated by '#'")


def test_the_title_of_a_saved_sheet_is_told_in_a_note() -> None:
    found = read(b"NHS Oversight Framework data,,,\r\n" + DATA.removeprefix(b"\xef\xbb\xbf"))
    assert "the header is line 2: what stands above it isn't read" in found.notes


def test_respelt_headers_are_the_same_columns() -> None:
    respelt = DATA_HEADER.replace("Metric_ID", "MetricID").replace("Trust_code", "trust code").encode()
    assert figures(read(DATA.replace(DATA_HEADER.encode(), respelt))) == figures(read(DATA))


def test_decimal_commas_are_read_where_the_file_shows_that_they_are() -> None:
    rows = [[cell.replace(".", ",") if cell[:1].isdigit() else cell for cell in row] for row in records(DATA)]
    assert figures(read(saved(rows, ";", "utf-8"))) == figures(read(DATA))
    rows = [
        [cell.replace(".", ",") if cell[:1].isdigit() else cell for cell in row] for row in records(LEAGUE)
    ]
    assert figures(read_league(saved(rows, ";", "utf-8"))) == figures(read_league(LEAGUE))


def test_thousands_separators_are_read_where_the_file_has_decimal_points() -> None:
    raw = DATA.replace(b"1234.25", b'"1,234.25"')
    assert figures(read(raw)) == figures(read(DATA))


@pytest.mark.parametrize("cell", ["1,234", "12,5"])
def test_a_comma_that_could_mean_either_is_refused_with_what_to_do(cell: str) -> None:
    whole = [[*row[:12], "7", "7", "7", "7", "3"] for row in records(DATA)[1:3]]
    whole[1][12] = cell
    if cell == "12,5":
        whole[0][12] = "7.5"
    error = rejection(saved([records(DATA)[0], *whole], ";", "utf-8"))
    assert (error.row, error.column) == (3, "Value")
    assert cell in error.found
    assert "decimal point" in error.remedy


@pytest.mark.parametrize(
    ("shown", "ends"),
    [
        ("1 to 11", (1, 11)),
        ("01-Nov", (1, 11)),
        ("11-Jan", (1, 11)),
        ("Feb-25", (2, 25)),
        ("25-Feb", (2, 25)),
    ],
)
def test_a_range_of_ranks_that_was_made_a_date_is_read_where_it_can_be_only_one(
    shown: str, ends: tuple[int, int]
) -> None:
    rows = read_league(league_file(league_line(rank_range=shown))).extract_row.set_index("figure")["value"]
    assert (rows["OF5000.rank_likely_low"], rows["OF5000.rank_likely_high"]) == ends


@pytest.mark.parametrize("shown", ["45962", "2025-11-01", "Nov-05"])
def test_a_range_of_ranks_that_could_be_several_is_refused_by_name(shown: str) -> None:
    with pytest.raises(InputRejected, match="a spreadsheet program made a date of it") as caught:
        read_league(league_file(league_line(rank_range=shown)))
    assert (caught.value.row, caught.value.column) == (2, "Likely_range_of_rank")


@pytest.mark.parametrize(
    "shown", ["Jun-25", "45809", "45809.0", "2025-06-01", "2025-06-01 00:00:00", "25-Jun"]
)
def test_a_period_that_was_made_a_date_is_the_month_that_was_published(shown: str) -> None:
    found = read(data_file(data_line(reporting_date=shown)))
    assert found.extract_row["reporting_date"].tolist() == ["Jun-25"]


@pytest.mark.parametrize("shown", ["45833", "2025-06-25"])
def test_a_date_within_a_month_is_refused_as_a_period(shown: str) -> None:
    error = rejection(data_file(data_line(reporting_date=shown)))
    assert error.column == "Reporting_date"
    assert "2025-06-25" in error.expected


@pytest.mark.parametrize("shown", ["2024", "Q1 2025", "Jul 24 - Jun 25", "2025/26 plan"])
def test_other_periods_stay_as_published(shown: str) -> None:
    assert read(data_file(data_line(reporting_date=shown))).extract_row["reporting_date"].tolist() == [shown]


def test_a_csv_saved_as_a_workbook_is_read_from_its_sheet() -> None:
    rows = [
        [float(cell) if cell.replace(".", "").isdigit() else cell for cell in row] for row in records(DATA)
    ]
    found = read(workbook({"Sheet1": [["a title"], *rows]}))
    assert figures(found) == figures(read(DATA))
    assert found.extract_row["sheet"].unique().tolist() == ["Sheet1"]
    assert found.extract_row["source_row"].tolist() == [3, 4]
    with pytest.raises(InputRejected, match="one sheet"):
        read(workbook({"Q1": rows, "Q2": rows}))
    with pytest.raises(InputRejected, match="one sheet"):
        read(workbook({"Notes": [["nothing"]]}))


def test_a_csv_in_a_zip_is_read_and_of_several_it_is_said_which_there_are() -> None:
    beside = {"__MACOSX/._data.csv": b"\x00\x05\x16\x07", "folder/._data.csv": b"\x00\x05", "read.txt": b"x"}
    assert figures(read(zip_of({"folder/data.csv": DATA, **beside}))) == figures(read(DATA))
    with pytest.raises(InputRejected, match=r"2 among a.csv, b.csv"):
        read(zip_of({"a.csv": DATA, "b.csv": DATA}))


def test_ranges_of_a_league_table_and_its_lines_stay_where_titles_stand_above() -> None:
    found = read_league(file_of("League table", "", LEAGUE_HEADER, league_line()))
    assert found.extract_row["source_row"].unique().tolist() == [4]
    assert pd.isna(found.extract_row["sheet"]).all()
