"""The sample's files: the same bytes anywhere, the publisher's layouts and their drift, re-issues, size."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dagster_project.errors import WrongUsage
from dagster_project.extracts.load import load_folder
from dagster_project.quarters import Quarter
from dagster_project.sample import SAMPLE_QUARTERS, generate_sample
from dagster_project.sample.organisations import sample_organisations
from dagster_project.sample.scored_quarter import load_framework, seed_rows
from dagster_project.settings import DBT_PROJECT_DIR, PROJECT_ROOT

LISTS = "organisations"
REFERENCE = DBT_PROJECT_DIR / "seeds" / "reference"
QUARTERS = [str(quarter) for quarter in SAMPLE_QUARTERS]
Rows = list[dict[str, str]]


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.csv"))
    }


def of_quarter(rows: Rows, label: str) -> Rows:
    """The rows of one quarter of a cumulative file, without what drifts between files."""
    drifting = ("Quarter", "Region", "Trust_type", "Units")
    return [
        {column: value for column, value in row.items() if column not in drifting}
        for row in rows
        if row.get("Quarter", label) == label
    ]


def test_the_same_seed_gives_the_same_bytes_in_another_process_with_another_hash_seed(
    sample_folder: Any, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from dagster_project.sample import generate_sample; "
        "generate_sample(Path(sys.argv[1]))"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "4242",
        "PYTHONPATH": str(PROJECT_ROOT),
        "TZ": "Asia/Tokyo",
    }
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, env=environment, cwd=tmp_path)
    assert hashes(tmp_path) == hashes(sample_folder.sample.extracts.parent)


def test_another_seed_gives_other_values(sample_folder: Any, tmp_path: Path) -> None:
    other = hashes(generate_sample(tmp_path, seed=1, quarters=[Quarter(2025, 1)]).extracts.parent)
    ours = hashes(sample_folder.sample.extracts.parent)
    # The organisations stay who they are; their figures don't.
    lists = {name for name in other if LISTS in str(name)}
    assert len(lists) == 2
    assert {name for name in other if ours[name] == other[name]} == lists


def test_the_lists_of_organisations_say_of_each_trust_its_board_town_and_postcode(sample_folder: Any) -> None:
    loaded = load_folder(sample_folder.sample.extracts, None)
    listed = loaded.organisation_reference
    trusts = listed[listed["organisation_kind"] == "trust"]
    boards = set(listed[listed["organisation_kind"] == "icb"]["organisation_code"])
    in_tables = loaded.extract_row[loaded.extract_row["table_name"] != "icb"]["organisation_code"]
    assert set(trusts["organisation_code"]) == set(in_tables)
    assert set(trusts["icb_code"]) <= boards
    assert trusts["town"].notna().all()
    assert trusts["postcode"].str.fullmatch(r"ZZ[0-9]{1,2} [0-9][A-Z]{2}").all()
    assert trusts["postcode"].is_unique


def test_asking_for_one_quarter_writes_the_same_files_of_it(sample_folder: Any, tmp_path: Path) -> None:
    sample = generate_sample(tmp_path, quarters=[Quarter(2025, 3)])
    ours = hashes(sample_folder.sample.extracts.parent)
    wanted = {
        name: digest for name, digest in ours.items() if "2025-26-Q3" in str(name) or LISTS in str(name)
    }
    assert hashes(tmp_path) == wanted
    assert len(sample.files) == len(wanted) == 10


def test_a_quarter_outside_the_samples_years_and_a_scale_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="2027-28-Q1"):
        generate_sample(tmp_path, quarters=[Quarter(2027, 1)])
    with pytest.raises(WrongUsage, match="1 or more"):
        generate_sample(tmp_path, scale=0)
    assert not any(tmp_path.iterdir())


def test_every_file_written_is_listed_and_no_rules_come_with_the_plain_sample(sample_folder: Any) -> None:
    sample = sample_folder.sample
    assert sorted(sample.files) == sorted(sample.extracts.rglob("*.csv"))
    assert sample.rules is None
    assert sorted({path.parent.name for path in sample.files}) == [*QUARTERS, LISTS]


def test_no_code_looks_like_a_real_one_and_some_have_five_characters() -> None:
    patterns = list(seed_rows(REFERENCE, "organisation_code_pattern"))
    for organisation in sample_organisations(3):
        group = "icb" if organisation.table == "icb" else "trust"
        fits = {row["table_group"] for row in patterns if re.fullmatch(row["pattern"], organisation.code)}
        assert fits == {group}, organisation
        assert not re.fullmatch("[RTQ]..|[A-Z][0-9][A-Z][0-9][A-Z]", organisation.code), organisation
    lengths = Counter((each.table, len(each.code)) for each in sample_organisations(1))
    assert lengths["non_acute", 5] == 1
    assert lengths["icb", 5] > 0


def test_every_name_says_that_it_is_fictional_and_no_two_are_alike() -> None:
    names = [each.name for each in sample_organisations(3)]
    assert all(name.endswith(" (fictional)") for name in names)
    assert len(set(names)) == len(names)


def test_files_start_with_a_byte_order_mark_and_end_lines_with_crlf(sample_folder: Any) -> None:
    for path in sample_folder.sample.files:
        content = path.read_bytes()
        # ODS and ONS write none.
        assert content.startswith(b"\xef\xbb\xbf") == (path.parent.name != LISTS)
        assert content.count(b"\n") == content.count(b"\r\n")


def test_names_columns_units_and_regions_drift_as_the_publishers_do(sample_folder: Any) -> None:
    first = sample_folder.rows("2025-26-Q1", "acute-trust-data")
    second = sample_folder.rows("2025-26-Q2", "acute-trust-data-q2")
    others = sample_folder.rows("2025-26-Q1", "non-acute-hospital-trust-data")
    later = sample_folder.rows("2025-26-Q3", "mental-health-and-community-trust-data-q3-25-26")
    assert "Quarter" not in first[0]
    assert next(iter(second[0])) == "Quarter"
    assert next(iter(sample_folder.rows("2025-26-Q1", "hospital-trust-league-table")[0])) == "Reporting_date"
    assert next(iter(sample_folder.rows("2025-26-Q2", "hospital-trust-league-table-q2")[0])) == "Quarter"
    assert {"percent"} == {row["Units"] for row in first if row["Metric_ID"] == "OF0082"}
    assert {"%"} == {row["Units"] for row in others if row["Metric_ID"] == "OF0082"}
    assert {"Non-acute hospital trust"} == {row["Trust_type"] for row in others}
    assert {"Mental health and community trust"} == {row["Trust_type"] for row in later}
    assert {"North East", "East"} < {row["Region"] for row in first}
    assert {"North East and Yorkshire", "East"} < {row["Region"] for row in others}
    assert any("\N{NO-BREAK SPACE}" in row["Metric_description"] for row in first)
    assert any("," in row["Trust_name"] for row in first)
    assert all(re.fullmatch(r"\d+\.0", row["Rank"]) for row in first if row["Rank"])


def test_a_year_of_icbs_begins_with_the_second_year(sample_folder: Any) -> None:
    rows = sample_folder.rows("2026-27-Q2", "integrated-care-board-data-q2-26-27")
    assert list(rows[0])[:4] == ["Quarter", "Region", "ICB_code", "ICB_name"]
    assert {row["Quarter"] for row in rows} == {"Q1 2026/27", "Q2 2026/27"}
    assert not list((sample_folder.sample.extracts / "2025-26-Q4").glob("*integrated*"))


def test_cumulative_files_repeat_the_quarters_before_unchanged(sample_folder: Any) -> None:
    year = sample_folder.rows("2025-26-Q4", "acute-trust-data")
    assert {row["Quarter"] for row in year} == {f"Q{number} 2025/26" for number in range(1, 5)}
    for quarter, part, label in (
        ("2025-26-Q1", "acute-trust-data", "Q1 2025/26"),
        ("2025-26-Q2", "acute-trust-data-q2", "Q2 2025/26"),
        ("2025-26-Q3", "acute-trust-data-q3-25-26-v2", "Q3 2025/26"),
    ):
        assert of_quarter(sample_folder.rows(quarter, part), label) == of_quarter(year, label)


def test_the_re_issue_changes_a_few_values_of_its_quarter_and_with_them_scores(sample_folder: Any) -> None:
    first = sample_folder.rows("2025-26-Q3", "acute-trust-data-q3-25-26")
    second = sample_folder.rows("2025-26-Q3", "acute-trust-data-q3-25-26-v2")
    changed = Counter(
        old["Metric_ID"] for old, new in zip(first, second, strict=True) if old["Value"] != new["Value"]
    )
    assert {old["Quarter"] for old, new in zip(first, second, strict=True) if old != new} == {"Q3 2025/26"}
    assert {each for each in changed if each.startswith("OF0")} == {"OF0010", "OF0081"}
    assert 2 <= changed["OF0010"] + changed["OF0081"] <= 4
    assert changed["OF1010"] > 0
    assert changed["OF5002"] > 0


def test_a_double_sample_doubles_every_table_and_the_organisations_that_its_rules_expect(
    tmp_path: Path,
) -> None:
    sample = generate_sample(tmp_path, scale=2, quarters=[Quarter(2026, 1)])
    assert sample.rules == tmp_path / "rules"
    assert [path.name for path in sample.rules.iterdir()] == ["expected_organisations.csv"]
    ours = load_framework(Quarter(2026, 1)).expected_organisations
    rows = seed_rows(sample.rules, "expected_organisations")
    doubled = {
        row["table_name"]: int(row["organisations"])
        for row in rows
        if row["framework"] == "2026-27-illustrative"
    }
    assert doubled == {table: 2 * number for table, number in ours.items()}
    lines = {len(path.read_bytes().splitlines()) - 1 for path in sample.files if "league-table" in path.name}
    assert lines == set(doubled.values())
