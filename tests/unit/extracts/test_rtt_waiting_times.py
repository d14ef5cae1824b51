"""RTT full extract: which rows count, what the weekly bands add up to, and archives that can't be trusted."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from fictional_files import file_of
from fictional_statistics import RTT_HEADER, rtt_csv, rtt_line
from fictional_workbook import zip_of

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.readers.rtt_waiting_times import read_rtt_waiting_times


def read(raw: bytes | Path, **more: object) -> ReadStatistic:
    return read_rtt_waiting_times(raw, file_name="rtt.zip", extract_id="a" * 64, **more)  # type: ignore[arg-type]


def values(found: ReadStatistic) -> dict[str, Decimal]:
    return dict(zip(found.statistic_row["measure"], found.statistic_row["value"], strict=True))


def test_weeks_are_added_up_within_18_and_over_52() -> None:
    weeks = {0: "1", 17: "2", 18: "4", 51: "8", 52: "16", 103: "32", 104: "64"}
    found = read(rtt_csv(rtt_line(bands=weeks, total="127")))
    assert values(found) == {
        "incomplete_total": 127,
        "incomplete_within_18_weeks": 3,
        "incomplete_over_52_weeks": 112,
    }
    row = found.statistic_row.iloc[0]
    assert (row.period, row.organisation_code, row.category) == ("2025-06", "Z01", "01Q")
    assert row.source_column == "Gt 00 To 01 Weeks SUM 1 to Gt 17 To 18 Weeks SUM 1, added up"
    assert found.statistic_row["source_row"].unique().tolist() == [2]


def test_only_part_2_and_the_total_of_treatment_functions_count_on_their_own_lines() -> None:
    found = read(
        rtt_csv(
            rtt_line(part="Part_2A"),
            rtt_line(function="C_100", total="7"),
            rtt_line(total="7"),
            rtt_line(part="Part_3", every=""),
            rtt_line(commissioner="02Q", total="8"),
            rtt_line("NT9"),
        )
    )
    totals = found.statistic_row[found.statistic_row["measure"] == "incomplete_total"]
    assert totals[["source_row", "category", "value"]].values.tolist() == [[4, "01Q", 7], [6, "02Q", 8]]
    assert found.row_set_aside[["source_row", "reason"]].values.tolist() == [[7, "not an NHS trust"]]
    assert found.records == 6


def test_the_csv_in_a_zip_is_read_the_same_and_named_as_the_sheet() -> None:
    raw = rtt_csv(rtt_line())
    plain, packed = read(raw), read(zip_of({"20250630-RTT-June-2025-full-extract.csv": raw}))
    assert set(packed.statistic_row["sheet"]) == {"20250630-RTT-June-2025-full-extract.csv"}
    columns = ["source_row", "source_column", "measure", "value_text", "value"]
    assert packed.statistic_row[columns].equals(plain.statistic_row[columns])
    assert packed.size == len(zip_of({"20250630-RTT-June-2025-full-extract.csv": raw}))


def test_a_file_is_read_from_its_path_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "it's an extract.csv"
    path.write_bytes(rtt_csv(rtt_line()))
    assert len(read(path).statistic_row) == 3
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_line_ends_inside_quotes_and_blank_lines_do_not_shift_rows() -> None:
    lines = [rtt_line(name="ASHFORD\r\nVALE (FICTIONAL)"), "", rtt_line(commissioner="02Q")]
    found = read(rtt_csv(*lines))
    assert found.statistic_row["source_row"].unique().tolist() == [2, 5]
    assert found.statistic_row["organisation_name"].iloc[0] == "ASHFORD VALE (FICTIONAL)"
    assert found.records == 2


def test_text_in_windows_1252_is_read_and_noted() -> None:
    found = read(
        rtt_csv(rtt_line(name="KING\N{RIGHT SINGLE QUOTATION MARK}S NHS TRUST")).replace(
            b"\xe2\x80\x99", b"\x92"
        )
    )
    assert (
        found.statistic_row["organisation_name"].iloc[0] == "KING\N{RIGHT SINGLE QUOTATION MARK}S NHS TRUST"
    )
    assert "cp1252" in found.notes[0]


def test_a_band_that_is_no_count_takes_its_measure_away_or_rejects_the_file() -> None:
    found = read(rtt_csv(rtt_line(bands={3: "*"}), rtt_line(commissioner="02Q", bands={60: ""})))
    assert found.row_set_aside[["source_row", "figure", "reason"]].values.tolist() == [
        [2, "incomplete_within_18_weeks", "the count is '*': suppressed"],
        [3, "incomplete_over_52_weeks", "the count is blank"],
    ]
    lacking = found.statistic_row[found.statistic_row["value"].isna()]
    assert lacking[["measure", "category", "missing_reason"]].values.tolist() == [
        [
            "incomplete_within_18_weeks",
            "01Q",
            "rtt.zip, row 2, column Gt 00 To 01 Weeks SUM 1 to Gt 17 To 18 Weeks SUM 1, added up: "
            "the count is '*': suppressed",
        ],
        [
            "incomplete_over_52_weeks",
            "02Q",
            "rtt.zip, row 3, column Gt 52 To 53 Weeks SUM 1 to Gt 104 Weeks SUM 1, added up: the count is blank",
        ],
    ]
    zero = read(rtt_csv(rtt_line(bands={3: "*", 4: "5"})), missing_marks={"*": "zero"})
    assert values(zero)["incomplete_within_18_weeks"] == 5
    with pytest.raises(InputRejected, match="row 3"):
        read(rtt_csv(rtt_line(), rtt_line(commissioner="02Q", bands={3: "many"})))


def test_a_record_cut_off_is_rejected_with_its_line() -> None:
    raw = rtt_csv(rtt_line(), rtt_line(commissioner="02Q"))
    with pytest.raises(InputRejected, match="121 fields") as caught:
        read(raw[: raw.rindex(b",0,0,0")])
    assert caught.value.row == 3


def test_a_last_line_without_its_end_is_noted() -> None:
    assert "no line end" in read(rtt_csv(rtt_line()).rstrip()).notes[0]


def test_a_header_without_a_band_is_rejected_by_its_name() -> None:
    header = RTT_HEADER.replace("Gt 52 To 53 Weeks SUM 1", "Something")
    with pytest.raises(InputRejected) as caught:
        read(file_of(header, rtt_line(), bom=False))
    assert caught.value.column == "Gt 52 To 53 Weeks SUM 1"


@pytest.mark.parametrize("name", ["../rtt.csv", "/rtt.csv", "a\\..\\..\\rtt.csv", "C:rtt.csv"])
def test_a_member_whose_name_leads_out_of_the_archive_is_rejected(name: str) -> None:
    with pytest.raises(InputRejected, match="leads out"):
        read(zip_of({name: rtt_csv(rtt_line())}))


def test_a_bomb_is_rejected_before_it_is_unpacked() -> None:
    with pytest.raises(InputRejected, match="ZIP bomb"):
        read(zip_of({"rtt.csv": b"0" * 30_000_000}))


def test_a_member_larger_than_it_says_is_rejected() -> None:
    raw = rtt_csv(rtt_line(), *(rtt_line(commissioner=f"{i:02d}X") for i in range(20)))
    size, false = len(raw).to_bytes(4, "little"), (100).to_bytes(4, "little")
    with pytest.raises(InputRejected, match="as the archive says"):
        read(zip_of({"rtt.csv": raw}).replace(size, false))


def test_an_archive_cut_off_or_damaged_or_with_several_csvs_is_rejected() -> None:
    whole = zip_of({"rtt.csv": rtt_csv(rtt_line())})
    with pytest.raises(InputRejected, match="complete ZIP"):
        read(whole[:-30])
    middle = len(whole) // 3
    with pytest.raises(InputRejected, match="damaged member"):
        read(whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 9]) + whole[middle + 9 :])
    with pytest.raises(InputRejected, match="one CSV"):
        read(zip_of({"a.csv": rtt_csv(rtt_line()), "b.csv": rtt_csv(rtt_line())}))


def test_treatment_functions_that_are_not_their_total_reject_the_file() -> None:
    functions = [rtt_line(function="C_100", total="50"), rtt_line(function="C_110", total="10")]
    assert len(read(rtt_csv(*functions, rtt_line())).statistic_row) == 3
    with pytest.raises(InputRejected, match="expected 60: C_999 of Z01 and commissioner 01Q; found 10"):
        read(rtt_csv(functions[1], rtt_line()))
    with pytest.raises(InputRejected, match=r"row 3.*expected a row C_999.*cut off"):
        read(rtt_csv(*functions))


def test_bands_that_are_not_the_total_of_their_row_reject_the_file() -> None:
    with pytest.raises(InputRejected, match=r"row 2, column Total All: expected 60: .*found 57"):
        read(rtt_csv(rtt_line().replace(",60,", ",57,")))
