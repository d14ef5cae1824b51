"""A&E attendances: types, booked and unbooked, and the total rows among the providers."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from fictional_files import file_of
from fictional_statistics import AE_HEADER, ae_file, ae_line, ae_total
from fictional_workbook import Cell, workbook

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.ae_attendances import read_ae_attendances
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.vintages import newest_statistic_rows


def read(raw: bytes, name: str = "Monthly-AE.csv") -> ReadStatistic:
    return read_ae_attendances(raw, file_name=name, extract_id="a" * 64)


def test_each_type_is_counted_unbooked_and_booked() -> None:
    found = read(ae_file(ae_line(name="ASHFORD, VALE AND WESTON NHS TRUST")))
    rows = found.statistic_row
    attendances = rows[rows["measure"] == "attendances"].set_index("category")["value"].to_dict()
    assert attendances == {
        "type 1; unbooked": 100,
        "type 2; unbooked": 0,
        "type 3; unbooked": 50,
        "type 1; booked": 4,
        "type 2; booked": 0,
        "type 3; booked": 1,
    }
    assert sum(rows[rows["measure"] == "over_4_hours"]["value"]) == 33
    booked = rows[(rows["measure"] == "over_4_hours") & (rows["category"] == "type 1; booked")].iloc[0]
    assert booked.source_column == "Attendances over 4hrs Booked Appointments Type 1"
    assert (booked.source_row, booked.organisation_name) == (2, "ASHFORD, VALE AND WESTON NHS TRUST")
    assert found.periods == ("2025-06",)


@pytest.mark.parametrize("total", ["TOTAL", "Total", "Total "])
def test_a_total_row_is_set_aside_however_it_is_spelt(total: str) -> None:
    lines = [ae_line(), ae_line("NLX")]
    closing = ae_total(*lines).replace("TOTAL", total)
    found = read(ae_file(*lines, closing, ",,,," + "," * 17, total=""))
    assert set(found.statistic_row["organisation_code"]) == {"Z01"}
    assert found.row_set_aside["reason"].tolist() == ["not an NHS trust", "a total row", "blank line"]
    assert found.records == 4


def test_28_columns_with_blank_headers_and_one_called_a_are_read_as_22() -> None:
    header = AE_HEADER + ",,,,,,a"
    found = read(ae_file(ae_line() + ",,,,,,", header=header, total=ae_total(ae_line()) + ",,,,,,"))
    assert len(found.statistic_row) == 12


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("MSitAE-MAY-2025", "2025-05"),
        ("MSitAE-September-2024", "2024-09"),
        ("MSitAE-JANUARY-2026", "2026-01"),
    ],
)
def test_the_period_is_read_from_its_text(text: str, period: str) -> None:
    assert read(ae_file(ae_line(period=text))).periods == (period,)


def test_a_blank_count_is_set_aside_and_other_text_rejected() -> None:
    found = read(ae_file(ae_line(counts="100,,50,4,0,1,30,0,2,1,0,0")))
    aside = found.row_set_aside[found.row_set_aside["reason"] != "a total row"]
    assert aside[["organisation_code", "figure", "reason"]].values.tolist() == [
        ["Z01", "attendances", "the count is blank"]
    ]
    lacking = found.statistic_row[found.statistic_row["value"].isna()]
    assert lacking["missing_reason"].tolist() == [
        "Monthly-AE.csv, row 2, column A&E attendances Type 2: the count is blank"
    ]
    with pytest.raises(InputRejected, match="column A&E attendances Type 2: expected a count"):
        read(ae_file(ae_line(counts="100,-3,50,4,0,1,30,0,2,1,0,0"), total=ae_total(ae_line())))


def test_a_file_that_lost_a_column_is_rejected_by_its_name() -> None:
    with pytest.raises(InputRejected) as caught:
        read(ae_file(ae_line(), header=AE_HEADER.replace("Attendances over 4hrs Type 2", "Something else")))
    assert caught.value.column == "Attendances over 4hrs Type 2"


def test_a_period_that_is_none_is_rejected() -> None:
    with pytest.raises(InputRejected, match="row 2, column Period"):
        read(ae_file(ae_line(period="2025")))


def test_fictional_and_official_names_in_one_file_are_rejected() -> None:
    with pytest.raises(InputRejected, match="never mixed"):
        read(ae_file(ae_line(), ae_line("R0Z")))


SHEET_HEADER = (
    "Code,Region,Name,Type 1 Departments - Major A&E,Type 2 Departments - Single Specialty,"
    "Type 3 Departments - Other A&E/Minor Injury Unit,Total attendances,Type 1 Departments - Major A&E,"
    "Type 2 Departments - Single Specialty,Type 3 Departments - Other A&E/Minor Injury Unit,"
    "Total Attendances < 4 hours,Type 1 Departments - Major A&E,Type 2 Departments - Single Specialty,"
    "Type 3 Departments - Other A&E/Minor Injury Unit,Total Attendances > 4 hours,"
    "Percentage in 4 hours or less (all),Total Emergency Admissions"
)
SHEET_LINE = 'Z01,NHS ENGLAND,Ashford Vale,"1,000",0,50,"1,050",700,0,50,750,300,0,0,300,71.43%,"1,200"'
SHEET_NAME = "AE-June-2025.csv"


def test_the_provider_sheet_of_the_workbook_is_read_with_its_commas_and_two_header_rows() -> None:
    groups = ",,,A&E attendances,,,,A&E attendances < 4 hours"
    for lines, line in (([SHEET_HEADER], 2), (["Period:,June 2025", "", groups, SHEET_HEADER], 5)):
        found = read(file_of(*lines, SHEET_LINE, "-,,England," + SHEET_LINE.split(",", 3)[3]), SHEET_NAME)
        rows = found.statistic_row
        counts = dict(zip(zip(rows["measure"], rows["category"], strict=True), rows["value"], strict=True))
        assert counts == {
            ("attendances", "type 1; booked or not"): 1000,
            ("attendances", "type 2; booked or not"): 0,
            ("attendances", "type 3; booked or not"): 50,
            ("over_4_hours", "type 1; booked or not"): 300,
            ("over_4_hours", "type 2; booked or not"): 0,
            ("over_4_hours", "type 3; booked or not"): 0,
        }
        assert set(rows["source_row"]) == {line}
        assert (found.periods, found.saved_from_workbook) == (("2025-06",), True)


def test_the_workbook_itself_is_read_from_its_provider_sheet() -> None:
    header, line = (
        next(csv.reader([text])) for text in (SHEET_HEADER, SHEET_LINE.replace(",71.43%", ",0.7143"))
    )
    cells: list[Cell] = [float(cell.replace(",", "")) if cell[:1].isdigit() else cell for cell in line]
    table: list[list[Cell]] = [["Period:", "June 2025"], [], list(header), cells]
    raw = workbook({"System Level Data": table, "Provider Level Data": table})
    found = read(raw, "AE-by-provider.xlsx").statistic_row
    usual = read(file_of(SHEET_HEADER, SHEET_LINE), SHEET_NAME).statistic_row
    columns = ["organisation_code", "measure", "category", "value"]
    assert found[columns].equals(usual[columns])
    assert set(found["sheet"]) == {"Provider Level Data"}


def test_the_month_of_a_provider_sheet_must_stand_above_it_or_in_its_name() -> None:
    assert read(file_of("Period:,May 2025", SHEET_HEADER, SHEET_LINE), "ae.csv").periods == ("2025-05",)
    with pytest.raises(InputRejected, match="the table itself has no month"):
        read(file_of(SHEET_HEADER, SHEET_LINE), "ae.csv")


@pytest.mark.parametrize(
    ("old", "new"), [('"1,050"', '"1,060"'), (",750,", ",740,"), ("300,0,0,300", "290,0,10,300")]
)
def test_a_provider_sheet_whose_types_dont_make_its_totals_is_rejected(old: str, new: str) -> None:
    with pytest.raises(InputRejected, match="what its parts in this line add up to"):
        read(file_of(SHEET_HEADER, SHEET_LINE.replace(old, new)), SHEET_NAME)


def test_the_publishers_own_file_stands_over_a_sheet_that_a_person_saved() -> None:
    sheet = read(file_of(SHEET_HEADER, SHEET_LINE), "June-2025-zz.csv")
    own = read(ae_file(ae_line()), "June-2025-CSV.csv")
    own = replace(own, extract_id="b" * 64, statistic_row=own.statistic_row.assign(extract_id="b" * 64))
    rows, changes = newest_statistic_rows([own, sheet])
    assert rows["extract_id"].unique().tolist() == ["b" * 64]
    assert changes == [("June-2025-CSV.csv", "2 of 2 counts differ in June-2025-zz.csv, which it replaces")]


@pytest.mark.parametrize("spelling", ["snake", "title", "spaced"])
def test_a_copy_with_respelt_headers_gives_the_same_counts(spelling: str) -> None:
    respelt = {
        "snake": AE_HEADER.replace("&", "_").replace(" ", "_").lower(),
        "title": AE_HEADER.title().replace("4Hrs", "4 Hours"),
        "spaced": AE_HEADER.replace(",", " , "),
    }[spelling]
    columns = ["organisation_code", "measure", "category", "value"]
    copied = read(ae_file(ae_line(), header=respelt)).statistic_row
    assert copied[columns].equals(read(ae_file(ae_line())).statistic_row[columns])


def test_rows_that_are_not_the_whole_total_are_rejected_with_column_sum_and_total() -> None:
    """NLX is no NHS trust, but it is among what the total adds up."""
    lines = [ae_line(), ae_line("NLX"), ae_line("Z02")]
    for kept in (lines[1:], lines[:1], [*lines, ae_line("Z03")]):
        with pytest.raises(InputRejected) as caught:
            read(ae_file(*kept, total=ae_total(*lines)))
        assert caught.value.column == "A&E attendances Type 1"
        assert caught.value.expected.startswith("300: what the row TOTAL says")
        assert caught.value.found == f"{100 * len(kept)}: the sum of {len(kept)} rows"


def test_a_file_cut_off_before_its_total_is_rejected_and_so_are_rows_after_it() -> None:
    with pytest.raises(InputRejected, match=r"row 3: expected a row TOTAL.*cut off"):
        read(ae_file(ae_line(), ae_line("Z02"), total=""))
    with pytest.raises(InputRejected, match="row 4: expected a row TOTAL"):
        read(ae_file(ae_line(), ae_total(ae_line()), ae_line("Z02"), total=""))


def test_a_suppressed_count_or_total_is_no_reason_to_reject_the_file() -> None:
    counted = read(ae_file(ae_line(counts="*,0,50,4,0,1,30,0,2,1,0,0"), total=ae_total(ae_line())))
    assert counted.statistic_row["value"].isna().sum() == 1
    with pytest.raises(InputRejected, match="column A&E attendances Type 1: expected 100"):
        read(
            ae_file(
                ae_line(counts="*,0,50,4,0,1,30,0,2,1,0,0"),
                ae_line("Z02", counts="101,0,50,4,0,1,30,0,2,1,0,0"),
                total=ae_total(ae_line()),
            )
        )
    starred = ae_total(ae_line()).replace("TOTAL,100,", "TOTAL,*,")
    assert read(ae_file(ae_line(), total=starred)).statistic_row["value"].notna().all()
