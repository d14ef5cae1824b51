"""ODS: trusts without a header, boards with one."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from fictional_files import file_of
from fictional_statistics import trust_line
from fictional_workbook import zip_of

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.icb_names import read_icb_names
from dagster_project.extracts.readers.ods_trusts import read_ods_trusts
from dagster_project.extracts.readers.outcome import ReadOrganisations


def read(raw: bytes) -> ReadOrganisations:
    return read_ods_trusts(raw, file_name="etr.csv", extract_id="a" * 64)


def test_the_first_line_of_the_trust_list_is_a_trust_line() -> None:
    found = read(file_of(trust_line(), trust_line("Z1A2B", "19940401", "20240930"), bom=False))
    rows = found.organisation_reference
    assert rows["source_row"].tolist() == [1, 2]
    assert rows["opened_on"].tolist() == [date(2025, 4, 1), date(1994, 4, 1)]
    assert rows["closed_on"].tolist() == [None, date(2024, 9, 30)]
    first = rows.iloc[0]
    assert (first.organisation_kind, first.organisation_code, first.organisation_name) == (
        "trust",
        "Z01",
        "ASHFORD, VALE NHS TRUST (fictional)",
    )
    assert (first.region_code, first.icb_code) == ("Y56", "ZQ1")
    assert (first.town, first.postcode) == ("ASHBY", "ZZ1 1ZZ")
    assert (found.source, found.records, found.is_sample) == ("ods_trusts", 2, True)


@pytest.mark.parametrize("year", ["24", "26"])
def test_boards_are_read_whatever_year_their_columns_are_called_by(year: str) -> None:
    raw = file_of(f"ICB{year}CD,ICB{year}CDH,ICB{year}NM,ObjectId", "E54,ZQ1,NHS Fictional Board,1")
    found = read_icb_names(raw, file_name="icb.csv", extract_id="a" * 64)
    row = found.organisation_reference.iloc[0]
    assert (found.source, row.organisation_kind, row.organisation_code) == ("icb_names", "icb", "ZQ1")
    assert (row.organisation_name, row.source_row) == ("NHS Fictional Board", 2)
    assert pd.isna(row.region_code)


def test_a_trust_list_in_a_zip_is_read_too() -> None:
    raw = zip_of({"etr.pdf": b"%PDF", "etr.csv": file_of(trust_line(), bom=False)})
    assert read(raw).organisation_reference["organisation_code"].tolist() == ["Z01"]


def test_a_date_that_is_none_is_rejected_and_a_row_without_code_set_aside() -> None:
    with pytest.raises(InputRejected, match="row 2, column Open date"):
        read(file_of(trust_line(), trust_line("Z02", opened="1 April"), bom=False))
    assert read(file_of(trust_line(), trust_line(""), bom=False)).row_set_aside["source_row"].tolist() == [2]
