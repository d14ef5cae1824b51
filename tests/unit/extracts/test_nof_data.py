"""The reader of NHS Oversight Framework data files: every drift is taken, every fault is named."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fictional_files import (
    DATA_HEADER,
    data_file,
    data_line,
    file_of,
    without_first_column,
)

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.nof_data import read_nof_data
from dagster_project.extracts.readers.outcome import ReadExtract
from dagster_project.extracts.rows import EXTRACT_ROW, ROW_SET_ASIDE


def read(raw: bytes) -> ReadExtract:
    return read_nof_data(raw, file_name="data.csv", extract_id="f" * 64)


def rejection(raw: bytes) -> InputRejected:
    with pytest.raises(InputRejected) as caught:
        read(raw)
    assert caught.value.exit_code == 4
    assert caught.value.file == "data.csv"
    assert caught.value.remedy
    return caught.value


def test_a_record_becomes_one_row_with_its_physical_line() -> None:
    extract = read(data_file(data_line(), data_line("Z02", value="80.0", rank="1.0")))
    assert list(extract.extract_row.columns) == EXTRACT_ROW.names
    row = extract.extract_row.iloc[1]
    assert (row.source_row, row.quarter, row.table_name) == (3, "2025-26-Q1", "acute")
    assert (row.organisation_code, row.organisation_name) == ("Z02", "Ashford Vale NHS Trust (fictional)")
    assert (row.region, row.organisation_subtype) == ("North East and Yorkshire", "Acute - Large")
    assert (row.figure, row.unit, row.value_text, row.value) == ("OF0010", "percent", "80.0", Decimal("80"))
    assert (row.median_value, row.lower_quartile, row.upper_quartile) == (70, Decimal("65.25"), 80)
    assert row.published_rank == 1
    assert (extract.records, extract.table_name, extract.is_sample) == (2, "acute", True)


def test_a_file_without_quarter_takes_it_from_the_average_rows() -> None:
    lines = [data_line(reporting_date="Jun-25"), data_line(figure="OF5002", reporting_date="Q1 2025")]
    extract = read(file_of(*without_first_column(DATA_HEADER, *lines)))
    assert extract.quarters == ("2025-26-Q1",)
    assert extract.extract_row["reporting_date"].tolist() == ["Jun-25", "Q1 2025"]


def test_a_file_without_quarter_and_without_average_rows_is_rejected() -> None:
    error = rejection(file_of(*without_first_column(DATA_HEADER, data_line())))
    assert "Quarter" in error.expected
    assert "OF5002" in error.expected
    assert "Region" in error.found


def test_average_rows_of_different_quarters_in_a_file_without_quarter_are_rejected() -> None:
    lines = [data_line(figure="OF5002"), data_line("Z02", figure="OF5002", quarter="Q2 2025/26")]
    error = rejection(file_of(*without_first_column(DATA_HEADER, *lines)))
    assert (error.row, error.column) == (3, "Reporting_date")


def test_a_cumulative_file_keeps_each_quarter() -> None:
    extract = read(data_file(data_line(quarter="Q2 2025/26"), data_line(quarter="Q1 2025-26")))
    assert extract.quarters == ("2025-26-Q1", "2025-26-Q2")


def test_columns_may_stand_in_any_order() -> None:
    lines = [DATA_HEADER, data_line()]
    turned = [",".join(reversed(line.split(","))) for line in lines]
    one, other = read(file_of(*lines)).extract_row, read(file_of(*turned)).extract_row
    assert one.equals(other)


def test_column_names_may_drift_in_case_spaces_hyphens_and_underscores() -> None:
    header = DATA_HEADER.replace("Sub-domain", "Sub_domain").replace("Metric_ID", " metric id").upper()
    assert len(read(file_of(header, data_line())).extract_row) == 1


def test_columns_of_no_use_are_noted() -> None:
    extract = read(file_of(DATA_HEADER + ",Comment", data_line() + ",new"))
    assert extract.notes == ("columns not used: Comment",)


@pytest.mark.parametrize("name", DATA_HEADER.split(",")[1:])
def test_a_missing_column_is_named_with_those_found(name: str) -> None:
    position = DATA_HEADER.split(",").index(name)
    lines = [line.split(",") for line in (DATA_HEADER, data_line())]
    cut = [",".join(cells[:position] + cells[position + 1 :]) for cells in lines]
    error = rejection(file_of(*cut))
    assert error.column == name
    assert "Quarter, " in error.found
    assert f"missing: {name}" in error.found


@pytest.mark.parametrize(
    "raw",
    [
        file_of(DATA_HEADER, data_line(), end=end, bom=bom)
        for end in ("\n", "\r\n", "\r")
        for bom in (True, False)
    ],
)
def test_line_ends_and_byte_order_marks_make_no_difference(raw: bytes) -> None:
    row = read(raw).extract_row.iloc[0]
    assert (row.source_row, row.published_rank) == (2, 3)


def test_names_with_commas_and_line_breaks_in_quotes_keep_the_physical_lines() -> None:
    extract = read(data_file(data_line(name='"Ash, Vale\n and Moor (fictional)"'), data_line("Z02")))
    assert extract.extract_row["organisation_name"].tolist()[0] == "Ash, Vale and Moor (fictional)"
    assert extract.extract_row["source_row"].tolist() == [2, 4]


def test_no_break_spaces_are_folded_in_texts() -> None:
    extract = read(
        data_file(data_line(name="Ash\u00a0\u00a0Vale ", kind="Acute\u00a0trust", rank="3.0\u00a0"))
    )
    assert extract.extract_row.iloc[0].organisation_name == "Ash Vale"


def test_a_file_in_windows_1252_is_read_and_its_lines_are_noted() -> None:
    raw = "\r\n".join(
        [DATA_HEADER, data_line(), data_line("Z02", name="Caf\u00e9 \u2013 Trust (fictional)"), ""]
    ).encode("cp1252")
    extract = read(raw)
    assert extract.extract_row.iloc[1].organisation_name == "Caf\u00e9 \u2013 Trust (fictional)"
    assert extract.notes == ("not UTF-8: read as Windows-1252 (cp1252); line 3",)


def test_bytes_of_neither_encoding_are_rejected_with_their_line() -> None:
    raw = data_file(data_line()) + b"\x81\xff\r\n"
    assert rejection(raw).row == 3


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("Acute trust", "acute"),
        ("Non-acute hospital trust", "non_acute"),
        ("Mental health and community trust", "non_acute"),
        ("Ambulance trust", "ambulance"),
        ("Integrated care board", "icb"),
    ],
)
def test_the_type_of_trust_says_the_table(kind: str, table: str) -> None:
    code = "ZQ1" if table == "icb" else "Z01"
    assert read(data_file(data_line(code, kind=kind))).table_name == table


def test_an_unknown_type_and_a_second_table_in_one_file_are_rejected() -> None:
    assert rejection(data_file(data_line(kind="Hospice"))).column == "Trust_type"
    error = rejection(data_file(data_line(), data_line("Z02", kind="Ambulance trust")))
    assert (error.row, error.column) == (3, "Trust_type")


def test_the_assumed_layout_for_icbs_is_read() -> None:
    header = DATA_HEADER.replace("Trust_type,Trust_subtype,Trust_code,Trust_name", "ICB_code,ICB_name")
    line = data_line("ZQ1", quarter="Q1 2026/27").replace("Acute trust,Acute - Large,", "")
    extract = read(file_of(header, line))
    row = extract.extract_row.iloc[0]
    assert (row.table_name, row.organisation_code, row.quarter) == ("icb", "ZQ1", "2026-27-Q1")
    assert extract.extract_row["organisation_subtype"].isna().all()


def test_units_are_canonical() -> None:
    lines = [
        data_line(units="%"),
        data_line(figure="OF0017", units="mins"),
        data_line(figure="OF0086", units="%"),
    ]
    assert read(data_file(*lines)).extract_row["unit"].tolist() == ["percent", "minutes", "percent"]


def test_unknown_units_and_regions_are_kept_and_noted() -> None:
    extract = read(data_file(data_line(units="Furlongs", region="Wales")))
    assert extract.extract_row.iloc[0].unit == "furlongs"
    assert extract.notes == (
        "the region 'Wales' isn't in seeds/reference/region.csv (1 rows)",
        "the unit 'furlongs' isn't known (1 rows)",
    )


@pytest.mark.parametrize("mark", ["*", "**", "-", ".", ":", "[x]", "[z]", "N/A", "NULL", ""])
def test_a_missing_value_is_set_aside_with_reason_and_raw_line(mark: str) -> None:
    extract = read(data_file(data_line(value=mark), data_line("Z02")))
    assert extract.extract_row["organisation_code"].tolist() == ["Z02"]
    assert list(extract.row_set_aside.columns) == ROW_SET_ASIDE.names
    aside = extract.row_set_aside.iloc[0]
    assert (aside.source_row, aside.organisation_code, aside.figure) == (2, "Z01", "OF0010")
    assert (mark or "blank") in aside.reason
    assert aside.raw_line == data_line(value=mark)
    assert extract.records == len(extract.extract_row) + len(extract.row_set_aside)


@pytest.mark.parametrize("figure", ["OF5001", "OF5006", "OF4001", "OF9001", "OF10", "XX0001"])
def test_identifiers_that_are_not_the_publishers_are_set_aside(figure: str) -> None:
    extract = read(data_file(data_line(figure=figure), data_line()))
    assert extract.row_set_aside.iloc[0].figure == figure
    assert figure in extract.row_set_aside.iloc[0].reason


def test_blank_lines_are_set_aside_too() -> None:
    extract = read(data_file(data_line(), "," * 16, ""))
    assert extract.row_set_aside["reason"].tolist() == ["blank line", "blank line"]
    assert extract.row_set_aside["source_row"].tolist() == [3, 4]


def test_a_missing_rank_or_quartile_is_null() -> None:
    line = data_line(rank="").replace(",70.0,65.25,80,", ",,*,-,")
    row = read(data_file(line)).extract_row.iloc[0]
    assert row.median_value is None
    assert row.lower_quartile is None
    assert row.upper_quartile is None
    assert read(data_file(line)).extract_row["published_rank"].isna().all()


def test_a_value_that_is_no_number_is_rejected_with_row_and_column() -> None:
    error = rejection(data_file(data_line(), data_line("Z02", value="about 7")))
    assert (error.row, error.column, error.found) == (3, "Value", "'about 7'")


@pytest.mark.parametrize("rank", ["0", "2.5", "-1", "third"])
def test_a_rank_that_is_no_rank_is_rejected(rank: str) -> None:
    assert rejection(data_file(data_line(rank=rank))).column == "Rank"


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"code": ""}, "Trust_code"),
        ({"figure": " "}, "Metric_ID"),
        ({"quarter": "", "reporting_date": "x"}, "Quarter"),
        ({"quarter": "Q5 2025/26"}, "Quarter"),
    ],
)
def test_a_figure_that_cannot_be_attributed_is_rejected(cells: dict[str, str], column: str) -> None:
    error = rejection(data_file(data_line("Z02"), data_line(**cells)))  # type: ignore[arg-type]
    assert (error.row, error.column) == (3, column)


def test_codes_are_trimmed_and_upper_case_and_may_have_five_characters() -> None:
    extract = read(data_file(data_line(" z1a2b "), data_line("Z02")))
    assert extract.extract_row["organisation_code"].tolist() == ["Z1A2B", "Z02"]


def test_names_make_a_file_official_or_fictional_and_codes_with_z_do_not() -> None:
    assert not read(data_file(data_line("R0Z"), data_line("G9Z9S"))).is_sample
    real = "WOKINGHAM SITE"
    assert not read(data_file(data_line("Z1E5F", name=real), data_line("Z01", name=real))).is_sample
    assert read(data_file(data_line("R0Z", name="Ashford Vale (Fictional) "))).is_sample


def test_fictional_and_official_names_in_one_file_are_rejected_naming_rows() -> None:
    error = rejection(data_file(data_line("Z01"), data_line("R0Z"), data_line("Z02"), data_line("R1Z")))
    assert (error.row, error.column) == (3, "Trust_name")
    assert error.found == ("2 with it and 2 without, those without it in rows 3, 5: 'Ashford Vale NHS Trust'")


def test_codes_of_no_kind_are_rejected_but_one_malformed_code_is_left_to_the_gate() -> None:
    assert rejection(data_file(data_line("12345"))).column == "Trust_code"
    assert read(data_file(data_line("Z01"), data_line("??"))).is_sample


@pytest.mark.parametrize(
    "header", [DATA_HEADER + ",", DATA_HEADER + ",rank", DATA_HEADER.replace("Domain,", "Quarter,", 1)]
)
def test_a_blank_or_repeated_header_is_rejected(header: str) -> None:
    error = rejection(file_of(header, data_line() + ",3"))
    assert error.row == 1


def test_a_header_alone_is_rejected() -> None:
    assert rejection(data_file()).found == "the header alone"
    assert "blank lines" in rejection(data_file("," * 16)).found


@pytest.mark.parametrize("tail", ["", "\r\n"])
def test_a_file_cut_off_inside_a_record_is_rejected_with_its_line(tail: str) -> None:
    error = rejection(data_file(data_line()) + data_line("Z02")[:60].encode() + tail.encode())
    assert error.row == 3
    assert "17 fields" in error.expected


def test_a_record_with_too_many_fields_is_rejected() -> None:
    error = rejection(data_file(data_line(), data_line(name="Ash, Vale")))
    assert (error.row, error.found) == (3, "18")


def test_a_quote_that_is_never_closed_is_rejected_where_it_opens() -> None:
    error = rejection(data_file(data_line(), data_line(name='"Ash'), data_line("Z02")))
    assert error.row == 3


@pytest.mark.parametrize("cut", [1, 2])
def test_a_file_cut_off_inside_its_last_field_is_rejected(cut: int) -> None:
    lines = data_file(data_line(), data_line("Z02", rank="113.0")).removesuffix(b"\r\n")
    error = rejection(lines[:-cut])
    assert error.row == 3
    assert "cut off" in error.remedy


def test_a_complete_last_line_without_line_end_is_taken_and_noted() -> None:
    extract = read(data_file(data_line(), data_line("Z02")).removesuffix(b"\r\n"))
    assert len(extract.extract_row) == 2
    assert "no line end" in extract.notes[0]


def test_values_finer_than_a_row_holds_are_noted_and_keep_their_text() -> None:
    extract = read(data_file(data_line(value="62.12345678")))
    assert extract.extract_row.iloc[0].value == Decimal("62.123457")
    assert extract.extract_row.iloc[0].value_text == "62.12345678"
    assert "1 values" in extract.notes[0]


def test_duplicates_within_a_file_are_kept_for_the_gate() -> None:
    assert len(read(data_file(data_line(), data_line())).extract_row) == 2
