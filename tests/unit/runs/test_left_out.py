"""What lay there and wasn't taken, as lines for a person."""

from __future__ import annotations

from pathlib import Path

from fictional_files import data_file, data_line, file_of
from fictional_statistics import trust_line

from dagster_project.extracts.load import LoadedExtracts, load_folder
from dagster_project.quarters import Quarter
from dagster_project.runs.left_out import left_out_lines, left_out_of, of_other_quarters, unread_of


def test_each_kind_is_counted_and_its_first_ones_are_named(tmp_path: Path) -> None:
    rows = [data_line(f"Z{number:02}", value="*" if number < 3 else "75.5") for number in range(1, 9)]
    (tmp_path / "data.csv").write_bytes(data_file(*rows))
    for number in range(7):
        (tmp_path / f"note-{number}.txt").write_text("words", "utf-8")
    left_out = left_out_of(load_folder(tmp_path, None))
    lines = left_out_lines(left_out, listed_in="runs/r1")
    assert [line for line in lines if line.startswith("passed over: note-")] == [
        f"passed over: note-{number}.txt: not recognised: it starts with 'words'" for number in range(5)
    ]
    assert "passed over: and 2 more: runs/r1/outcome.json" in lines
    (set_aside,) = [line for line in lines if line.startswith("set aside: ")]
    assert set_aside.startswith("set aside: data.csv: 2 rows, first in row 2: ")
    assert left_out["rows_set_aside"] == 2


def test_lists_of_organisations_that_are_missing_are_named_with_what_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(data_file(data_line()))

    def said() -> list[str]:
        lines = left_out_lines(left_out_of(load_folder(tmp_path, None)))
        return [line.removeprefix("missing: ") for line in lines if line.startswith("missing: ")]

    of_trusts = (
        "ODS's list of trusts (etr.csv): board, town, postcode and dates of trusts stay empty. "
        "Put it beside the files, or `league fetch` a quarter and run from the archive"
    )
    of_boards = (
        "the list of ICBs' names and codes (ONS Open Geography Portal): names of trusts' boards stay empty. "
        "Download it there as CSV and put it beside the files"
    )
    assert said() == [of_trusts, of_boards]
    (tmp_path / "etr.csv").write_bytes(file_of(trust_line("Z01"), bom=False))
    assert said() == [of_boards]


def test_without_a_folder_of_its_own_the_rest_is_in_the_json(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(data_file(data_line()))
    for number in range(6):
        (tmp_path / f"note-{number}.txt").write_text("words", "utf-8")
    lines = left_out_lines(left_out_of(load_folder(tmp_path, None)))
    assert "passed over: and 1 more: --json lists them" in lines


def test_a_file_of_other_quarters_is_named_with_them(tmp_path: Path) -> None:
    (tmp_path / "q1.csv").write_bytes(data_file(data_line()))
    (tmp_path / "q2.csv").write_bytes(data_file(data_line(quarter="Q2 2025/26")))
    everything = load_folder(tmp_path, None)
    used = everything.for_quarters([Quarter(2025, 1)])
    assert of_other_quarters(everything, used) == [{"file": "q2.csv", "quarters": ["2025-26-Q2"]}]
    assert left_out_lines({"other_quarters": of_other_quarters(everything, used)}) == [
        "of other quarters: q2.csv (2025-26-Q2)"
    ]


def test_whoever_misses_a_month_is_told_of_the_file_of_that_month(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(data_file(data_line()))
    (tmp_path / "December-2025-AE.csv").write_text("Code,Region\nZ01,London\n", "utf-8")
    (tmp_path / "notes.txt").write_text("words", "utf-8")
    loaded = load_folder(tmp_path, None)
    told = unread_of(Quarter(2025, 3), loaded)
    assert "December-2025-AE.csv" in told
    assert "notes.txt" not in told
    assert "Passed over: December-2025-AE.csv" in unread_of(Quarter(2025, 4), loaded)
    assert unread_of(Quarter(2025, 1), load_folder_without(tmp_path)) == ""


def load_folder_without(folder: Path) -> LoadedExtracts:
    """The same folder with the data file alone."""
    for path in folder.iterdir():
        if path.name != "data.csv":
            path.unlink()
    return load_folder(folder, None)
