"""Each gate closes: the command ends with its exit code and a message to act on, and nothing is published."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from league_command import Ended, league
from published_state import (
    assert_of_one_piece,
    left_in,
    links,
    published_files,
    release_ids,
    tables_holding,
    what_may_be_gone_on_with,
)
from sample_copy import Record, SampleCopy, line_with

from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q2"
DATA_FILE = "ambulance-trust-data-q2"
OF_THE_QUARTER = "Q2 2025/26"
Spoil = Callable[[SampleCopy], object]


@pytest.fixture
def extracts(small_extracts: Path, tmp_path: Path) -> SampleCopy:
    """The files of the second quarter, to be spoilt."""
    return SampleCopy(tmp_path / "extracts", [small_extracts / QUARTER])


def run_refused(
    data: DataFolder,
    extracts: Path,
    code: int,
    *says: str,
    quarters: Sequence[str] = (QUARTER,),
    rules: Path | None = None,
) -> Ended:
    """Runs quarters, which must end with `code`, its message holding every one of `says`."""
    before, earlier = published_files(data), release_ids(data)
    own_rules = ("--rules", rules) if rules else ()
    ended = league("run", *quarters, "--extracts", extracts, *own_rules, data=data)
    assert (ended.code, ended.out) == (code, ""), ended.err
    for words in says:
        assert words in ended.err, ended.err
    assert published_files(data) == before, "the earlier release must be byte for byte as it was"
    assert_of_one_piece(data, earlier)
    assert links(data) == earlier
    for quarter in quarters:
        assert tables_holding(data, quarter) == []
        assert not (data.releases / quarter).exists()
    assert left_in(data) == what_may_be_gone_on_with(data)
    return ended


def field(name: str, records: list[Record]) -> int:
    return records[0].index(name)


def without_column(name: str) -> Callable[[list[Record]], list[Record]]:
    def change(records: list[Record]) -> list[Record]:
        position = field(name, records)
        return [record[:position] + record[position + 1 :] for record in records]

    return change


def published_name(quarter: str) -> str:
    """A quarter as the publisher's files call it: `Q2 2025/26`."""
    return f"{quarter[-2:]} {quarter[:4]}/{quarter[5:7]}"


def with_field(
    column: str, content: str, *, figure: str, organisation: str, quarter: str
) -> Callable[[list[Record]], list[Record]]:
    """One figure of one organisation in a quarter gets another content in a column."""

    def change(records: list[Record]) -> list[Record]:
        named, code = field("Quarter", records), field("Trust_code", records)
        metric, target = field("Metric_ID", records), field(column, records)
        found = [
            record
            for record in records
            if (record[named], record[code], record[metric]) == (quarter, organisation, figure)
        ]
        assert len(found) == 1
        assert found[0][target] != content
        found[0][target] = content
        return records

    return change


def test_a_file_of_another_quarter_is_3_and_lists_what_is_covered(
    released: DataFolder, small_extracts: Path
) -> None:
    run_refused(
        released,
        small_extracts / "2025-26-Q1",
        3,
        "No data file covers 2025-26-Q2",
        "Covered: 2025-26-Q1 (ambulance)",
        "Add the publisher's data file",
    )


def test_a_missing_column_is_4_and_names_file_and_column(released: DataFolder, extracts: SampleCopy) -> None:
    extracts.change_records(DATA_FILE, without_column("Units"))
    run_refused(released, extracts.folder, 4, f"{DATA_FILE}.csv", "column Units", "expected", "found")


def test_a_duplicate_is_5_and_names_the_rows(released: DataFolder, extracts: SampleCopy) -> None:
    lines: list[str] = []

    def repeat(found: list[str]) -> list[str]:
        position = line_with(found, OF_THE_QUARTER, "OF0082")
        lines.append(str(position + 1))
        return [*found, found[position]]

    extracts.change_lines(DATA_FILE, repeat)
    run_refused(
        released,
        extracts.folder,
        5,
        "Gate extracts, 2025-26-Q2",
        "figure_stands_once_in_its_file",
        f"{DATA_FILE}.csv, row {lines[0]}",
        "found it 2 times",
        "delete the rows that repeat",
    )


# Each in a quarter of its own, of one run: a gate judges and says quarter by quarter.
WRONG = {
    "a plan in deficit that is published as balanced": ("2025-26-Q2", "Value", "-3.0", "OF0079", "ZDJ"),
    "a score that the value doesn't give": ("2025-26-Q3", "Value", "4.0", "OF1079", "ZDJ"),
    "an average that the scores don't give": ("2025-26-Q4", "Value", "3.99", "OF5002", "ZDJ"),
    "a rank that the averages don't give": ("2026-27-Q2", "Rank", "9.0", "OF5000", "ZUR"),
}


@pytest.fixture(scope="module")
def closed_on_wrong_values(
    small_release: DataFolder, small_extracts: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DataFolder, Ended]:
    """A run of four quarters, each with one wrong value, on `small_release`. Not to be changed."""
    folder = tmp_path_factory.mktemp("wrong-values")
    shutil.copytree(small_release.root, folder / "data", symlinks=True)
    data = DataFolder(folder / "data")
    # The file of the fourth quarter has the second and the third as well.
    copy = SampleCopy(folder / "extracts", [small_extracts / "2025-26-Q4", small_extracts / "2026-27-Q2"])
    for file in copy.folder.rglob("*league-table*"):
        # With the league-table file beside it, the two would contradict each other before anything is scored.
        file.unlink()
    for quarter, column, content, figure, organisation in WRONG.values():
        change = with_field(
            column, content, figure=figure, organisation=organisation, quarter=published_name(quarter)
        )
        copy.change_records("data-q2-26-27" if quarter == "2026-27-Q2" else "trust-data.csv", change)
    quarters = [quarter for quarter, *_ in WRONG.values()]
    return data, run_refused(data, copy.folder, 6, quarters=quarters)


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_value_that_moves_a_figure_is_6_and_shows_both_figures(
    closed_on_wrong_values: tuple[DataFolder, Ended], fault: str
) -> None:
    _, ended = closed_on_wrong_values
    quarter, _, _, _, organisation = WRONG[fault]
    (said,) = (part for part in ended.err.split("Gate league_tables, ") if part.startswith(f"{quarter}: "))
    for words in (
        "expectations don't hold",
        "no_figure_is_different",
        f"of organisation {organisation} (table ambulance)",
        "published",
    ):
        assert words in said, ended.err


def test_an_unknown_code_is_5_and_names_row_and_code(released: DataFolder, extracts: SampleCopy) -> None:
    extracts.change_text(DATA_FILE, lambda text: text.replace(",ZDJ,", ",99X,"))
    extracts.change_text("ambulance-trust-league-table", lambda text: text.replace(",ZDJ,", ",99X,"))
    ended = run_refused(
        released, extracts.folder, 5, "organisation_code_is_known", "Trust_code", "99X", f"{DATA_FILE}.csv"
    )
    assert re.search(r"row \d+", ended.err)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"<!DOCTYPE html>\r\n<html><body>Just a moment...</body></html>", "web page", id="HTML"),
        pytest.param(b"", "an empty file", id="empty"),
    ],
)
def test_what_isnt_a_csv_file_is_4_and_says_what_it_is(
    released: DataFolder, extracts: SampleCopy, content: bytes, says: str
) -> None:
    extracts.file(DATA_FILE).write_bytes(content)
    run_refused(released, extracts.folder, 4, f"{DATA_FILE}.csv", says, "Download the file again")


def test_a_file_cut_within_a_record_is_4_and_names_the_row(
    released: DataFolder, extracts: SampleCopy
) -> None:
    extracts.change_text(DATA_FILE, lambda text: text[: text.index(",", 2 * len(text) // 3)])
    ended = run_refused(released, extracts.folder, 4, f"{DATA_FILE}.csv", "Download")
    assert re.search(r"row \d+", ended.err)


def test_a_file_cut_between_records_is_5_and_says_that_it_is_probably_cut_short(
    released: DataFolder, extracts: SampleCopy
) -> None:
    def half(lines: list[str]) -> list[str]:
        return lines[: 2 * len(lines) // 3]

    extracts.change_lines(DATA_FILE, half)
    run_refused(released, extracts.folder, 5, "probably cut short")


def test_a_required_metric_that_vanished_is_5_and_is_named(
    released: DataFolder, extracts: SampleCopy
) -> None:
    extracts.change_lines(
        DATA_FILE,
        lambda lines: [
            line for line in lines if not (line.startswith(OF_THE_QUARTER) and re.search(",OF[01]082,", line))
        ],
    )
    run_refused(
        released,
        extracts.folder,
        5,
        "Gate metrics, 2025-26-Q2",
        "required_metric_is_there",
        "table ambulance: expected OF0082",
        "Look for it in the data file",
    )


def as_official(folder: Path, sources: Iterable[Path]) -> SampleCopy:
    """Sample files with codes that official organisations could have, each its own, and names without the mark."""
    copy = SampleCopy(folder, sources)
    texts = {file: file.read_bytes().decode("utf-8") for file in copy.folder.rglob("*.csv")}
    codes = sorted({code for text in texts.values() for code in re.findall(r",(Z[0-9A-Z]{2,4}),", text)})
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    official = {
        code: ("Q" if code.startswith("ZQ") else "R") + digits[number // 36] + digits[number % 36]
        for number, code in enumerate(codes)
    }
    for file, text in texts.items():
        changed = re.sub(r",(Z[0-9A-Z]{2,4}),", lambda match: f",{official[match[1]]},", text)
        changed = changed.replace(" (fictional)", "")
        file.write_bytes(changed.encode("utf-8"))
    return copy


def test_the_second_year_without_its_thresholds_is_3_and_lists_what_is_missing(
    official: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    copy = as_official(tmp_path / "official-shaped", [small_extracts / "2026-27-Q1"])
    run_refused(
        official,
        copy.folder,
        3,
        "2026-27-Q1 is scored by the framework 2026-27, whose rules are not complete",
        "segment_boundary.csv",
        "metric.csv, framework 2026-27: no row",
        "expected_organisations.csv",
        "Supply the missing rows with --rules DIR",
        quarters=["2026-27-Q1"],
    )


def test_a_quarter_after_every_framework_is_3_and_lists_the_frameworks(
    released: DataFolder, extracts: SampleCopy
) -> None:
    for file in extracts.folder.rglob("*.csv"):
        file.write_bytes(file.read_bytes().replace(b"2025/26", b"2029/30"))
    run_refused(
        released, extracts.folder, 3, "No framework holds in 2029-30-Q2", "2025-26", quarters=["2029-30-Q2"]
    )


def test_an_ambiguous_quarter_is_2_and_shows_both_readings(
    released: DataFolder, small_extracts: Path
) -> None:
    before = published_files(released)
    ended = league("run", "Q1 2025", "--extracts", small_extracts, data=released)
    assert ended.code == 2
    assert "2025-26-Q1" in ended.err
    assert "2024-25-Q1" in ended.err
    assert published_files(released) == before


@pytest.mark.parametrize(
    ("table", "fault", "says"),
    [
        pytest.param("metric_rule", (",plain,", ",plian,"), "'plian'", id="a rule that doesn't exist"),
        pytest.param("metric", (",finance,", ",fnance,"), "no domain fnance", id="a domain that isn't there"),
        pytest.param("metric_rule", (",plain,,1,", ",plain,,one,"), "a number", id="text for a number"),
        pytest.param(
            "segment_boundary", (",0.25,", ",0.85,"), "must rise", id="cut-points out of their order"
        ),
    ],
)
def test_rules_with_a_fault_are_2_and_name_the_table(
    released: DataFolder, extracts: SampleCopy, tmp_path: Path, table: str, fault: tuple[str, str], says: str
) -> None:
    from dagster_project.settings import METHODOLOGY_DIR

    text = (METHODOLOGY_DIR / f"{table}.csv").read_text("utf-8")
    assert fault[0] in text
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / f"{table}.csv").write_text(text.replace(fault[0], fault[1], 1), "utf-8")
    run_refused(released, extracts.folder, 2, f"{table}.csv", says, rules=rules)
    assert league("rules", "check", rules, data=released).code == 2


def test_one_bad_quarter_holds_back_the_good_one_beside_it(
    released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    both = SampleCopy(tmp_path / "both", [small_extracts / "2025-26-Q3", small_extracts / "2025-26-Q4"])
    both.change_lines(
        "ambulance-trust-data.csv",
        lambda lines: [
            *lines,
            lines[line_with(lines, "Q4 2025/26", "OF0082")],
        ],
    )
    before = published_files(released)
    ended = league("run", "2025-26-Q3", "2025-26-Q4", "--extracts", both.folder, data=released)
    assert ended.code == 5
    assert published_files(released) == before
    assert tables_holding(released, "2025-26-Q3") == []


def test_a_failed_run_keeps_what_its_gates_found(released: DataFolder, extracts: SampleCopy) -> None:
    extracts.change_text(DATA_FILE, lambda text: text.replace(",ZDJ,", ",99X,"))
    extracts.change_text("ambulance-trust-league-table", lambda text: text.replace(",ZDJ,", ",99X,"))
    runs = set(released.runs.iterdir())
    ended = run_refused(released, extracts.folder, 5)
    (failed,) = set(released.runs.iterdir()) - runs
    assert "99X" in (failed / "quality.html").read_text("utf-8")
    assert str(failed / "quality.html") in ended.err
