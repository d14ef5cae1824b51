"""The quarter's workbook and the board packs: what stands in them, how accessible they are, and what stays text."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from published_quarters import HOSTILE, small_contents
from read_workbook import ReadSheet, elements, parts_of, read_workbook

from dagster_project.errors import LeagueError
from dagster_project.publication import addresses, workbooks
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.spreadsheet import NOT_AVAILABLE, Cover, Sheet, tab_names, workbook
from dagster_project.publication.words import LOWER_IS_BETTER

DAY = date(2025, 6, 30)
LINK = "[a](https://evil.example) $$note$$"


@pytest.fixture
def newest(tmp_path: Path) -> QuarterContent:
    return small_contents(tmp_path).newest


def made(content: QuarterContent) -> Iterator[bytes]:
    """The quarter's workbook and two board packs, one of a trust without a place."""
    yield workbooks.quarter_workbook(content)
    for code in ("ZA1", "ZA8"):
        yield workbooks.board_pack(content, code)


def tables_of(book: dict[str, ReadSheet]) -> dict[str, ReadSheet]:
    return {name: sheet for name, sheet in book.items() if name != "Cover"}


def simple(rows: list[tuple[object, ...]], *headings: str, title: str = "Title") -> bytes:
    sheet = Sheet("Sheet", title, ("First line.", "Second line."), headings, rows)
    return workbook(Cover("Cover", ()), [sheet], subject="s", dated=DAY, comments="c")


def test_a_sheet_is_laid_out_and_formatted_as_gptables_does_it() -> None:
    from gptables import GPTable, GPWorkbook

    rows: list[tuple[object, ...]] = [("ZA1", "A name", 1, 1.5), ("ZA2", NOT_AVAILABLE, 2, 2.25)]
    headings = ("Code", "Name", "Rank", "Average (1 best to 4 worst)")
    # gptables takes a column of decimals for text.
    exact = [(*row[:3], Decimal(str(row[3]))) for row in rows]
    ours = read_workbook(simple(exact, *headings))["Sheet"]
    out = io.BytesIO()
    book = GPWorkbook(out, {"in_memory": True})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book.add_worksheet("Sheet").write_gptable(
            GPTable(
                pd.DataFrame(rows, columns=headings),
                table_name="table",
                title="Title",
                instructions="First line.",
                legend=["Second line."],
                index_columns={2: 0},
            ),
            False,
        )
    book.close()
    theirs = read_workbook(out.getvalue())["Sheet"]

    assert ours.cells == theirs.cells
    assert ours.styles == theirs.styles
    assert len(ours.styles) == 3 + 4 * 3


def test_each_sheet_holds_one_table_with_headings_and_nothing_empty_or_merged(newest: QuarterContent) -> None:
    for content in made(newest):
        book = read_workbook(content)
        assert next(iter(book)) == "Cover"
        for name, sheet in tables_of(book).items():
            assert not elements(sheet, "mergeCell"), name
            (counted,) = elements(sheet, "tableParts")
            assert counted.get("count") == "1"
            assert all(sheet.headings)
            assert len(set(sheet.headings)) == len(sheet.headings)
            assert sheet.rows
            assert all(value != "" for row in sheet.rows for value in row), name
            assert sheet.lines[0] == sheet.cells[0][0]
        assert all(str(row[0]) for row in book["Cover"].cells)


def test_tables_have_names_of_their_own_and_words_for_who_cant_see_them(newest: QuarterContent) -> None:
    for content in made(newest):
        parts = [text for name, text in parts_of(content).items() if name.startswith("xl/tables/")]
        names = [re.findall(r' name="([^"]+)"', text)[0] for text in parts]
        assert len(set(names)) == len(names) > 0
        assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
        assert all('headerRowCount="0"' not in text for text in parts)


def test_every_sheet_says_first_whose_figures_they_are_and_that_lower_is_better(
    newest: QuarterContent,
) -> None:
    for content in made(newest):
        book = read_workbook(content)
        for name, sheet in book.items():
            said = " ".join(map(str, (row[0] for row in sheet.cells))) if name == "Cover" else ""
            said = said or " ".join(sheet.lines)
            if name != "Contents":
                assert newest.notice in said, name
                assert newest.release_id in said
                assert LOWER_IS_BETTER in said
                assert "MIT" in said


def test_every_sheet_of_a_board_pack_says_whose_it_is(newest: QuarterContent) -> None:
    book = read_workbook(workbooks.board_pack(newest, "ZA1"))
    named = [
        name for name, sheet in book.items() if "Hospital 1 of Nowhere NHS Trust (ZA1)" in sheet.cells[0][0]
    ]
    assert named == [name for name in book if name != "Contents"]


def test_an_embargoed_workbook_says_so_on_each_sheet(newest: QuarterContent) -> None:
    for content in made(replace(newest, is_embargoed=True)):
        for name, sheet in read_workbook(content).items():
            if name != "Contents":
                assert any("EMBARGOED" in str(row[0]) for row in sheet.cells), name


def test_the_file_says_title_language_and_no_time_of_its_making(newest: QuarterContent) -> None:
    parts = parts_of(workbooks.quarter_workbook(newest))
    assert (
        f"<dc:title>League tables of NHS organisations, {newest.label}</dc:title>"
        in parts["docProps/core.xml"]
    )
    assert set(re.findall(r"W3CDTF\">([^<]+)<", parts["docProps/core.xml"])) == {
        f"{newest.last_day}T00:00:00Z"
    }
    assert "en-GB" in parts["docProps/custom.xml"]


def test_the_same_release_gives_the_same_bytes(newest: QuarterContent) -> None:
    assert list(made(newest)) == list(made(newest))


def test_numbers_stay_numbers_and_a_missing_one_has_a_sign(newest: QuarterContent) -> None:
    sheet = read_workbook(workbooks.quarter_workbook(newest))["Acute trusts"]
    column = sheet.headings.index("Rank, likely range from (1 is best)")
    by_code = {row[1]: row for row in sheet.rows}
    assert by_code["ZA1"][0] == 2.0
    assert by_code["ZA1"][column] == 1.0
    assert by_code["ZA6"][column] == NOT_AVAILABLE
    assert any(NOT_AVAILABLE in line for line in sheet.lines)


def test_every_figure_of_the_place_stands_in_the_board_pack_with_its_derivation(
    newest: QuarterContent,
) -> None:
    sheet = read_workbook(workbooks.board_pack(newest, "ZA1"))["Place"]
    place = newest.places["ZA1"]
    shown = {row[0]: row[1:] for row in sheet.rows}
    for column in workbooks.PLACE_COLUMNS:
        value, derivation = shown[workbooks.heading(column)]
        expected = workbooks.cell_value(newest, place, column)
        assert value == ("no" if expected is False else float(str(expected))), column
        assert derivation.startswith(addresses.derivation(newest.quarter, "ZA1")), column


def test_every_column_of_the_quarters_sheets_is_explained(newest: QuarterContent) -> None:
    book = read_workbook(workbooks.quarter_workbook(newest))
    explained = {(row[0], row[1]) for row in book["Columns"].rows}
    for name, sheet in book.items():
        if name not in ("Cover", "Contents", "Notes", "Columns", "Compared with the publisher"):
            of = "League tables" if name in ("Acute trusts", "Ambulance trusts") else name
            assert {(of, heading) for heading in sheet.headings} <= explained


def test_an_organisation_without_a_place_has_a_pack_that_says_so(newest: QuarterContent) -> None:
    book = read_workbook(workbooks.board_pack(newest, "ZA8"))
    said = [str(row[0]) for row in book["Cover"].cells]
    assert "It has no place in a league table of this quarter." in said
    assert "Place" not in book
    assert "Metrics" in book


def test_what_a_quarter_lacks_has_no_sheet_and_is_named_on_the_cover(tmp_path: Path) -> None:
    first = small_contents(tmp_path, without=["reconciliation"]).quarters[0]
    for content in (workbooks.quarter_workbook(first), workbooks.board_pack(first, "ZA1")):
        book = read_workbook(content)
        assert "Movement" not in book
        assert any("nothing for:" in str(row[0]) and "Movement" in str(row[0]) for row in book["Cover"].cells)


def test_an_organisation_of_which_nothing_is_known_has_a_cover_alone(newest: QuarterContent) -> None:
    assert list(read_workbook(workbooks.board_pack(newest, "ZZ9"))) == ["Cover"]


@pytest.mark.parametrize("name", [HOSTILE, LINK, "=1+1", "+-=@", "-", "_x0041_", "https://evil.example/"])
def test_a_hostile_name_is_text(tmp_path: Path, name: str) -> None:
    content = small_contents(tmp_path, names={"ZA1": name}).newest
    for file in (workbooks.quarter_workbook(content), workbooks.board_pack(content, "ZA1")):
        parts = parts_of(file)
        assert not [part for part, text in parts.items() if "<f>" in text or "<f " in text]
        assert not [part for part, text in parts.items() if "evil.example" in text and part.endswith(".rels")]
        assert "\u202e" not in "".join(parts.values())
    sheet = read_workbook(workbooks.quarter_workbook(content))["Acute trusts"]
    shown = next(row[2] for row in sheet.rows if row[1] == "ZA1")
    # Only signs that can't be seen are written out, and a run of spaces is one.
    assert " ".join(str(shown).split()) == name.replace("\u202e", "\\u202e").replace("\u202c", "\\u202c")


def test_names_of_sheets_are_short_allowed_and_told_apart() -> None:
    long = "Organisations of all the kinds there are"
    found = tab_names(["a/b:c*?[d]'", long, long, "cover", ""])
    assert found == [
        "a b c   d",
        long[:31].strip(),
        f"{long[:29].strip()} 2",
        "cover 2",
        "Sheet",
    ]
    assert all(len(name) <= 31 for name in found)


def test_a_text_that_no_cell_can_hold_is_refused_and_not_dropped() -> None:
    with pytest.raises(LeagueError, match="at most 32,767 signs; found 40000"):
        simple([("x" * 40000,)], "Heading")


def test_contents_lead_to_each_sheet(newest: QuarterContent) -> None:
    content = workbooks.quarter_workbook(newest)
    book = read_workbook(content)
    links = [link.get("location") for link in elements(book["Contents"], "hyperlink")]
    assert links == [f"'{name}'!A1" for name in book if name not in ("Cover", "Contents")]
    assert [row[0] for row in book["Contents"].rows] == list(book)[2:]
