"""Hostile names of files and organisations go through `check` and `run`: shown as text, obeyed by nothing."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
from league_command import Ended, league
from sample_copy import SampleCopy

from dagster_project.settings import DataFolder
from dagster_project.shown import cell

QUARTER = "2025-26-Q1"
HOSTILE_FILE = "=cmd|' [red]x[link](evil) [b] -"
NAME_THAT_CANT_BE_SHOWN = "=cmd|' \x1b[2J\u202e -"
HOSTILE_PERSON = "=1+1\x1b]0;owned\x07[/bold]"


@pytest.fixture
def extracts(small_extracts: Path, tmp_path: Path) -> SampleCopy:
    """The files of the first quarter, under names that nobody should trust."""
    copied = SampleCopy(tmp_path / "extracts", [small_extracts / QUARTER])
    for file in list(copied.folder.rglob("*.csv")):
        file.rename(file.with_name(HOSTILE_FILE + file.name))
    return copied


def without_commands(text: str) -> bool:
    """Whether a text holds no control or format character but line ends."""
    return all(character in "\n\t" or unicodedata.category(character)[0] != "C" for character in text)


def assert_harmless(ended: Ended, *files: Path) -> None:
    for text in (ended.out, ended.err, *(file.read_text("utf-8") for file in files)):
        assert without_commands(text), ascii(text)


def cells_of(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [text for record in csv.reader(lines) for text in record]


def test_a_hostile_file_name_is_text_on_every_output_of_a_run(
    extracts: SampleCopy, new_data: object, tmp_path: Path
) -> None:
    assert callable(new_data)
    data: DataFolder = new_data(tmp_path / "data")
    # A record that is set aside, so that its raw line is listed.
    extracts.change_lines("trust-data", lambda lines: [*lines, "," * lines[0].count(",")])

    ended = league("run", QUARTER, "--extracts", extracts.folder, "--by", HOSTILE_PERSON, data=data)

    assert ended.code == 0, ended.err
    (folder,) = (path for path in (data.releases / QUARTER).iterdir() if not path.is_symlink())
    (run,) = (file.parent for file in data.runs.glob("*/outcome.json"))
    assert_harmless(ended, run / "quality.html", run / "outcome.json")
    exported = [*folder.glob("*.csv"), *run.glob("*.csv")]
    assert len(exported) > 2
    for file in exported:
        assert all(text == cell(text) for text in cells_of(file)), file.name
    assert any("=cmd|" in text for text in cells_of(folder / "extract.csv"))
    for verb in (("history",), ("status",), ("explain", "--help")):
        assert_harmless(league(*verb, data=data))


def test_a_file_name_that_cant_be_shown_is_refused_and_shown_escaped(
    extracts: SampleCopy, new_data: object, tmp_path: Path
) -> None:
    assert callable(new_data)
    data: DataFolder = new_data(tmp_path / "data")
    file = next(iter(extracts.folder.rglob("*.csv")))
    file.rename(file.with_name(NAME_THAT_CANT_BE_SHOWN + file.name))
    for verb in (("check", extracts.folder), ("run", QUARTER, "--extracts", extracts.folder)):
        ended = league(*verb, data=data)
        assert ended.code == 4
        assert "expected a name that can be shown" in ended.err
        assert_harmless(ended)


def test_hostile_names_are_refused_and_shown_as_text(
    extracts: SampleCopy, new_data: object, tmp_path: Path
) -> None:
    assert callable(new_data)
    data: DataFolder = new_data(tmp_path / "data")

    def with_hostile_name(records: list[list[str]]) -> list[list[str]]:
        name, code = records[0].index("Trust_name"), records[0].index("Trust_code")
        hostile = {record[code]: record[name] for record in records[1:]}
        names = ["Bold [bold]\x1b[31m\u202e NHS Trust", "=HYPERLINK(1)", "x" * 5000]
        renamed = {code: f"{name} (fictional)" for code, name in zip(sorted(hostile), names, strict=False)}
        return [
            records[0],
            *([*r[:name], renamed.get(r[code], r[name]), *r[name + 1 :]] for r in records[1:]),
        ]

    for part in ("trust-data", "league-table"):
        if any(part in path.name for path in extracts.folder.rglob("*.csv")):
            extracts.change_records(part, with_hostile_name)

    ended = league("check", extracts.folder, data=data)

    assert ended.code == 5
    assert_harmless(ended)
    said = " ".join((ended.out + ended.err).split())
    for expectation in ("text_is_printable", "text_does_not_start_as_a_formula", "text_is_not_too_long"):
        assert expectation in said
    assert "Bold [bold]" in said
    as_json = league("check", extracts.folder, "--json", data=data)
    assert_harmless(as_json)
    assert "=HYPERLINK(1)" in as_json.answer["quarters"][0]["message"]
