"""What explain reads, it reads exactly or refuses: quarters, rows of data files, counted cells, released rules."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from fictional_statistics import COMMUNITY_TITLES, community_tables, provider_workbook, rtt_csv, rtt_line
from made_up_release import write_release_file

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.explanation.recomputation.counted_cells import RttFile, StatisticFile
from dagster_project.explanation.recomputation.raw_rows import RawFile, read_raw_files
from dagster_project.explanation.recomputation.release_tables import ReleaseTables, read_rules
from dagster_project.quarters import Quarter

HEADER = (
    "Region,Trust_type,Trust_subtype,Trust_code,Trust_name,Domain,Sub-domain,Metric_ID,Metric_description,"
    "Reporting_date,Units,Value,Median_value,Lower_quartile,Upper_quartile,Rank"
)
START = "London,Ambulance trust,Ambulance,ZLB,Somewhere Trust (fictional),Domain,Sub-domain"
AE = (
    "Period,Org Code,Org name,A&E attendances Type 1,A&E attendances Type 2,Attendances over 4hrs Type 1\n"
    "MSitAE-JUNE-2025,ZLB,Somewhere,100,20,7\nMSitAE-JUNE-2025,ZTD,Elsewhere,50,*,-\n"
)


WITHOUT_PANDAS = """
import json, sys
from pathlib import Path
from dagster_project.archive.archive import Archive
from dagster_project.explanation.recomputation.counted_cells import StatisticFile
file = StatisticFile(Archive(Path(sys.argv[1])), json.loads(sys.argv[2]))
print(file.total([(None, 2)], "attendances") + file.total([(None, 2)], "over_4_hours"))
for source in ("cancer_waiting_times", "community_waiting_lists"):
    StatisticFile(Archive(Path(sys.argv[1])), json.loads(sys.argv[2]) | {"source": source})
print("pandas" in sys.modules)
"""
SHEET_TOTALS = ("Total Attendances < 4 hours", "Total Attendances > 4 hours")


def counted(tmp_path: Path, raw: bytes, source: str, name: str) -> StatisticFile:
    archive = Archive(tmp_path)
    extract = {"extract_id": archive.store(raw), "source": source, "file_name": name}
    return StatisticFile(archive, extract)


def test_cells_of_a_provider_workbook_are_found_in_the_sheet_of_their_standard(tmp_path: Path) -> None:
    raw = provider_workbook(("Z01", "ASHFORD VALE NHS TRUST", 10, 8.5))
    file = counted(tmp_path, raw, "cancer_waiting_times", "JULY.xlsx")
    for sheet, standard in (
        ("28-DAY FDS (ALL ROUTES)", "fds_28_day"),
        ("62-DAY (ALL CANCER)", "treated_62_day"),
    ):
        found = file.cells((sheet, 10), [f"{standard}_total", f"{standard}_within"])
        assert [[cell.value for cell in cells] for cells in found.values()] == [[10], [Fraction(17, 2)]]
    within = found["treated_62_day_within"][0]
    assert (within.column, within.value_text) == ("WITHIN 62 DAYS", "8.5")


def test_cells_of_community_tables_are_found_under_any_name_of_their_sheets(tmp_path: Path) -> None:
    titles = {f"Sheet{at}": title for at, title in enumerate(COMMUNITY_TITLES.values())}
    raw = community_tables(("Provider", "Z01", "A", 12, 3), tables=tuple(titles), titles=titles)
    file = counted(tmp_path, raw, "community_waiting_lists", "community.xlsx")
    measures = ["waiting_total", "waiting_over_52_to_104", "waiting_over_104"]
    for sheet, measure in zip(titles, measures, strict=True):
        found = file.cells((sheet, 6), measures)
        assert {name: [cell.value for cell in cells] for name, cells in found.items()} == {
            name: [12, 3] if name == measure else [] for name in measures
        }


def test_cells_below_title_lines_and_of_a_saved_provider_sheet_are_found(tmp_path: Path) -> None:
    titled = counted(tmp_path / "titled", b"A title\n\n" + AE.encode(), "ae_attendances", "ae.csv")
    assert [cell.value for cell in titled.cells((None, 4), ["attendances"])["attendances"]] == [100, 20]
    header = ",".join(
        ["Code,Region,Name"]
        + [f"Type 1,Type 2,Type 3,{total}" for total in ("Total attendances", *SHEET_TOTALS)]
    )
    line = 'ZLB,London,Somewhere,"1,000",20,5,"1,025",900,20,5,925,100,0,0,100'
    sheet = counted(tmp_path / "sheet", f"{header}\n{line}\n".encode(), "ae_attendances", "AE-June-2025.csv")
    found = sheet.cells((None, 2), ["attendances", "over_4_hours"])
    assert [[cell.value for cell in cells] for cells in found.values()] == [[1000, 20, 5], [100, 0, 0]]


def test_rows_of_a_large_extract_are_found_below_title_lines(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    raw = b"A title\r\n\r\n" + rtt_csv(rtt_line(total="60"), rtt_line("Z02", total="70"))
    file = RttFile(archive, {"extract_id": archive.store(raw), "file_name": "rtt.csv"})
    for line, total in ((4, 60), (5, 70)):
        (cell,) = file.cells((None, line), ["incomplete_total"])["incomplete_total"]
        assert (cell.value, cell.column) == (total, "Total All")


def read(tmp_path: Path, *lines: str) -> list[RawFile]:
    archive = Archive(tmp_path)
    extract_id = archive.store("\r\n".join([HEADER, *lines, ""]).encode("utf-8-sig"))
    extract = {"extract_id": extract_id, "source": "nof_data", "file_name": "data.csv"}
    return read_raw_files(archive, [extract], "2025-26-Q1")


def test_a_row_keeps_its_line_its_text_and_its_exact_value(tmp_path: Path) -> None:
    average = f"{START},OF5002,Average,Q1 2025/26,score,2.19,,,,2.0"
    (file,) = read(tmp_path, average, f"{START},OF0082,Sickness,Q4 2024-25,%,6.50,6,5,7,3.0")
    sickness = file.rows[1]
    assert (sickness.source_row, sickness.value, sickness.value_text) == (3, Decimal("6.50"), "6.50")
    assert (sickness.unit, sickness.published_rank, file.rows[0].raw_line) == ("percent", 3, average)


def test_a_suppressed_value_is_no_row(tmp_path: Path) -> None:
    average = f"{START},OF5002,Average,Q1 2025/26,score,2.19,,,,2.0"
    (file,) = read(tmp_path, average, f"{START},OF0082,Sickness,Q4 2024-25,%,*,,,,")
    assert [row.figure for row in file.rows] == ["OF5002"]


def test_a_file_without_a_quarter_or_with_two_is_refused(tmp_path: Path) -> None:
    first, second = (f"{START},OF5002,Average,Q{n} 2025/26,score,2.19,,,,2.0" for n in (1, 2))
    with pytest.raises(InputRejected, match="one quarter in the OF5002 rows"):
        read(tmp_path / "two", first, second)
    with pytest.raises(InputRejected, match="found none"):
        read(tmp_path / "none", f"{START},OF0082,Sickness,Q4 2024-25,%,6.5,,,,")


def statistic(tmp_path: Path, source: str, text: str) -> StatisticFile:
    archive = Archive(tmp_path)
    extract_id = archive.store(text.encode())
    return StatisticFile(archive, {"extract_id": extract_id, "source": source, "file_name": "ae.csv"})


def test_cells_are_found_by_row_and_measure_and_marks_are_no_count(tmp_path: Path) -> None:
    file = statistic(tmp_path, "ae_attendances", AE)
    found = file.cells((None, 2), ["attendances", "over_4_hours"])
    assert [(cell.column, cell.value) for cell in found["attendances"]] == [
        ("A&E attendances Type 1", Fraction(100)),
        ("A&E attendances Type 2", Fraction(20)),
    ]
    assert [cell.value for cell in found["over_4_hours"]] == [Fraction(7)]
    marked = file.cells((None, 3), ["attendances", "over_4_hours"])
    assert [len(cells) for cells in marked.values()] == [1, 0]


def test_what_rows_add_up_to_is_what_their_cells_do_and_marks_add_nothing(tmp_path: Path) -> None:
    halves = AE.replace(",100,", ",100.5,")
    file = statistic(tmp_path, "ae_attendances", halves)
    places = [(None, 2), (None, 3)]
    assert file.total(places, "attendances") == Fraction(341, 2)
    for measure in ("attendances", "over_4_hours"):
        cells = [cell.value for place in places for cell in file.cells(place, [measure])[measure]]
        assert file.total(places, measure) == sum(cells)
    with pytest.raises(InputRejected, match="row 9: expected a row, as the release's lineage says"):
        file.total([(None, 9)], "attendances")


def test_what_rows_of_a_large_extract_add_up_to_leaves_out_a_sum_that_lacks_a_band(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    whole, holed = rtt_line(bands={60: "3", 104: "2"}), rtt_line("Z02", bands={60: "3", 104: "*"})
    raw = rtt_csv(whole, holed, rtt_line("Z03", bands={60: "4"}))
    file = RttFile(archive, {"extract_id": archive.store(raw), "file_name": "rtt.csv"})
    assert file.total([(None, 2), (None, 3), (None, 4)], "incomplete_over_52_weeks") == 9


def test_cells_are_read_without_pandas_which_takes_longer_to_import(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    extract = {"extract_id": archive.store(AE.encode()), "source": "ae_attendances", "file_name": "ae.csv"}
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS, tmp_path, json.dumps(extract)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["127", "False"]


def test_a_row_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="row 9: expected a row, as the release's lineage says"):
        statistic(tmp_path, "ae_attendances", AE).cells((None, 9), ["attendances"])


def test_a_statistic_that_explain_cannot_add_up_is_said_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match="can't re-add the cells of bed_occupancy"):
        statistic(tmp_path, "bed_occupancy", "a,b\n1,2\n")


def test_terms_of_a_rule_keep_semicolons_within_their_values(tmp_path: Path) -> None:
    rows = [
        ("framework", "segmentation_method=thresholds; sample_only=true"),
        (
            "metric",
            "metric_id=OF0082; metric_name=Sickness; absence; weight_numerator=1; weight_denominator=3",
        ),
    ]
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "create table t (rule_table varchar, rule_terms varchar, state varchar, source varchar)"
        )
        connection.executemany("insert into t values (?, ?, 'stated', null)", rows)
        connection.execute(f"copy t to '{tmp_path / 'framework_rule.parquet'}' (format parquet)")
    write_release_file(tmp_path, quarter="2026-27-Q1", framework="2026-27")
    rules = read_rules(ReleaseTables(Quarter(2026, 1), "0" * 16, tmp_path, is_current=True))
    assert rules.metrics["OF0082"]["metric_name"] == "Sickness; absence"
    assert rules.weight("OF0082") == Fraction(1, 3)
    assert rules.segmentation_method == "thresholds"
