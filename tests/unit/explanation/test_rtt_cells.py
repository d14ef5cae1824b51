"""What explain adds up of an RTT extract: all pathways and functions of a row, each weekly band once."""

from __future__ import annotations

import csv
import io
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputRejected
from dagster_project.explanation.recomputation.counted_cells import RttFile, records_with

WEEKS = [*(f"Gt {week:02d} To {week + 1:02d} Weeks SUM 1" for week in range(104)), "Gt 104 Weeks SUM 1"]
HEADER = [
    "Provider Org Code",
    "Provider Org Name",
    "RTT Part Type",
    "Treatment Function Code",
    *WEEKS,
    "Total All",
]
MEASURES = ["incomplete_total", "incomplete_within_18_weeks", "incomplete_over_52_weeks"]


def line(name: str = "Trust", part: str = "Part_2", function: str = "C_999", **weeks: str) -> str:
    bands = [weeks.get(f"w{week}", "1") for week in range(105)]
    return ",".join(["ZA1", name, part, function, *bands, "105"])


def archived(tmp_path: Path, *lines: str, zipped: bool = False, encoding: str = "utf-8-sig") -> RttFile:
    raw = "\r\n".join([",".join(HEADER), *lines, ""]).encode(encoding)
    if zipped:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as package:
            package.writestr("RTT-June-2025.csv", raw)
        raw = held.getvalue()
    archive = Archive(tmp_path / "archive")
    return RttFile(archive, {"extract_id": archive.store(raw), "file_name": "rtt.zip"})


@pytest.mark.parametrize("zipped", [False, True])
def test_each_band_counts_once_where_it_belongs(tmp_path: Path, zipped: bool) -> None:
    weeks = {
        "w0": "10",
        "w17": "100",
        "w18": "5000",
        "w51": "7000",
        "w52": "200",
        "w103": "3000",
        "w104": "40000",
    }
    file = archived(tmp_path, line(**weeks), zipped=zipped)
    found = file.cells(("RTT-June-2025.csv" if zipped else None, 2), MEASURES)
    assert [[cell.value for cell in found[measure]] for measure in MEASURES] == [
        [Fraction(105)],
        [Fraction(10 + 100 + 16)],
        [Fraction(200 + 3000 + 40000 + 50)],
    ]
    (within,) = found["incomplete_within_18_weeks"]
    assert within.column == "Gt 00 To 01 Weeks SUM 1 to Gt 17 To 18 Weeks SUM 1 (18 columns)"
    assert within.value_text == "10 + " + "1 + " * 16 + "100"
    assert within.raw_line == line(**weeks)


def test_a_band_that_is_no_count_takes_its_measure_with_it(tmp_path: Path) -> None:
    found = archived(tmp_path, line(w3="*")).cells((None, 2), MEASURES)
    assert [len(found[measure]) for measure in MEASURES] == [1, 0, 1]


def test_rows_keep_their_physical_lines_and_others_cannot_be_counted(tmp_path: Path) -> None:
    other = line(part="Part_2A")
    file = archived(
        tmp_path, line(name='"A\nB"'), other, line(function="C_100"), line(w0="9"), encoding="cp1252"
    )
    assert file.cells((None, 6), ["incomplete_within_18_weeks"])["incomplete_within_18_weeks"][0].value == 26
    assert file.cells((None, 2), ["incomplete_total"])["incomplete_total"]
    for place in (3, 4, 5, 7):
        with pytest.raises(
            InputRejected, match=f"row {place}: expected a row, as the release's lineage says"
        ):
            file.cells((None, place), MEASURES)


def test_damaged_bytes_are_refused(tmp_path: Path) -> None:
    file = archived(tmp_path, line())
    path = Archive(tmp_path / "archive").path_of(file.extract_id)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(InputRejected, match="damaged"):
        file.cells((None, 2), MEASURES)


NAMES = st.text(alphabet='Ab ,"\r\n', max_size=8)
CODES = st.sampled_from(["C_999", "c_999", " C_999 ", "C_100", ""])


@given(st.lists(st.tuples(NAMES, CODES, NAMES), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_records_with_the_code_are_found_as_by_reading_every_record(
    rows: list[tuple[str, str, str]], end: str
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=end).writerows([HEADER, *rows])
    raw = written.getvalue()
    every = csv.reader(io.StringIO(raw, newline=""), strict=True)
    expected, first = [], 1
    for record in every:
        expected.append((first, record))
        first = every.line_num + 1
    found = list(records_with(io.StringIO(raw, newline=""), "C_999"))
    assert found[0] == expected[0]
    assert [one for one in found if one in expected] == found
    assert [one for one in expected if one not in found and "C_999" in "".join(one[1]).upper()] == []
