"""No cell, line or end of a file that is missing leaves a sum that looks whole."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pandas as pd
import pytest
from fictional_statistics import ae_file, ae_line, rtt_csv, rtt_line
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.ae_attendances import read_ae_attendances
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.readers.rtt_waiting_times import read_rtt_waiting_times
from dagster_project.extracts.statistic_completeness import without_doubtful_months

AE = ae_file(ae_line(), ae_line("Z02", counts="70,5,9,1,2,3,20,1,1,1,1,1"), ae_line("NLX"))
RTT = rtt_csv(
    *(
        rtt_line(code, function=function, bands={3: "4", 60: "2"}, total=total)
        for code in ("Z01", "Z02")
        for function, total in (("C_100", "20"), ("C_110", "10"), ("C_999", "30"))
    )
)
READERS = {"ae": (AE, read_ae_attendances), "rtt": (RTT, read_rtt_waiting_times)}


def sums(found: ReadStatistic) -> dict[tuple[str, str], Decimal | None]:
    """By trust and measure, the sum of its counts; None where one of them is missing."""
    return {
        (str(code), str(measure)): None
        if bool(cells["value"].isna().any())
        else sum(cells["value"], Decimal(0))
        for (code, measure), cells in found.statistic_row.groupby(["organisation_code", "measure"])
    }


def is_whole_or_says_so(name: str, raw: bytes) -> bool:
    """Whether each sum is as in the whole file, missing, or the file rejected."""
    before = whole_sums(name)
    try:
        after = sums(READERS[name][1](raw, file_name="a.csv", extract_id="a" * 64))
    except InputRejected:
        return True
    return all(value is None or value == before[key] for key, value in after.items())


@cache
def whole_sums(name: str) -> dict[tuple[str, str], Decimal | None]:
    whole, reader = READERS[name]
    return sums(reader(whole, file_name="a.csv", extract_id="a" * 64))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_cell_without_its_count_changes_no_sum_in_silence(name: str, data: st.DataObject) -> None:
    lines = READERS[name][0].decode("utf-8-sig").splitlines()
    at = data.draw(st.integers(1, len(lines) - 1))
    cells = lines[at].split(",")
    # What follows the words: the name of the RTT boards holds a comma.
    place = data.draw(st.integers(4 if name == "ae" else 15, len(cells) - 1))
    cells[place] = data.draw(st.sampled_from(["", "*", "NA", ":", "-"]))
    changed = [*lines[:at], ",".join(cells), *lines[at + 1 :]]
    assert is_whole_or_says_so(name, ("\n".join(changed) + "\n").encode())


@pytest.mark.parametrize("name", READERS)
def test_a_line_that_is_gone_changes_no_sum_in_silence(name: str) -> None:
    lines = READERS[name][0].decode("utf-8-sig").splitlines()
    for at in range(1, len(lines)):
        rest = [*lines[:at], *lines[at + 1 :]]
        assert is_whole_or_says_so(name, ("\n".join(rest) + "\n").encode()), lines[at]


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_file_cut_off_anywhere_changes_no_sum_in_silence(name: str, data: st.DataObject) -> None:
    raw = READERS[name][0]
    end = data.draw(st.integers(1, len(raw) - 3))
    assert is_whole_or_says_so(name, raw[:end])


def read_month(month: str, trusts: int) -> ReadStatistic:
    lines = [ae_line(f"Z{number:02d}", period=f"MSitAE-{month}-2025") for number in range(trusts)]
    return read_ae_attendances(ae_file(*lines), file_name=f"{month}.csv", extract_id=month * 8)


def test_a_month_of_far_fewer_organisations_than_the_one_before_has_no_values() -> None:
    months = {"MAY": 20, "JUNE": 17, "JULY": 19}
    rows = pd.concat([read_month(*month).statistic_row for month in months.items()], ignore_index=True)
    checked, notes = without_doubtful_months(rows, {month * 8: f"{month}.csv" for month in months})
    has_values = checked.groupby("period")["value"].apply(lambda values: bool(values.notna().all()))
    assert has_values.to_dict() == {"2025-05": True, "2025-06": False, "2025-07": True}
    assert checked["missing_reason"].dropna().unique().tolist() == [
        "JUNE.csv has 17 organisations of 2025-06, where 2025-05 has 20: it isn't whole"
    ]
    assert notes == [("JUNE.csv", "it has 17 organisations of 2025-06, where 2025-05 has 20: it isn't whole")]
