"""Nothing that is laid out is wider than its terminal, and no word of it is broken."""

from __future__ import annotations

import io
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.layout import (
    Column,
    Rows,
    broken,
    command_line,
    counted,
    digits,
    labelled,
    shortened,
)
from dagster_project.shown import Terminal

COLUMNS = (Column("rank", right=True), Column("code"), Column("organisation", least=30), Column("average"))
ROWS = [
    ("1", "RCX", "The Queen Elizabeth Hospital, King's Lynn, NHS Foundation Trust", "3.35"),
    ("2", "RP6", "Moorfields Eye Hospital NHS Foundation Trust", "1.42"),
]


def printed(what: object, width: int) -> list[str]:
    out = Terminal(file=io.StringIO(), width=width, soft_wrap=False)
    with out.capture() as captured:
        out.print(what)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [45, 60, 80, 120, 35, 25])
def test_no_line_is_wider_than_the_terminal_and_every_word_is_whole(width: int) -> None:
    lines = printed(Rows(COLUMNS, ROWS, title="Acute"), width)
    assert max(len(line.rstrip()) for line in lines) <= width
    assert {word for row in ROWS for cell in row for word in cell.split()} <= set(" ".join(lines).split())


def test_rows_that_do_not_fit_side_by_side_become_records() -> None:
    assert printed(Rows(COLUMNS, ROWS), 80)[0].split() == ["rank", "code", "organisation", "average"]
    narrow = printed(Rows(COLUMNS, ROWS), 40)
    assert [line.split() for line in narrow if line.startswith(("code", "rank"))] == [
        ["rank", "1"],
        ["code", "RCX"],
        ["rank", "2"],
        ["code", "RP6"],
    ]


def test_a_label_stands_once_and_its_text_goes_on_below_the_text() -> None:
    lines = printed(labelled([("Place", "134 of 134 acute trusts"), ("Average", "3.35")]), 24)
    assert [line.rstrip() for line in lines] == [
        "Place    134 of 134",
        "         acute trusts",
        "Average  3.35",
    ]


def test_a_name_is_shortened_in_its_middle_by_whole_words() -> None:
    name = (
        "Percentage of emergency department attendances admitted, transferred or discharged within four hours"
    )
    assert shortened(name, 100) == name
    assert shortened(name, 60) == "Percentage of emergency department ... within four hours"


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=12), st.integers(13, 60))
def test_a_shortened_name_fits_and_keeps_its_first_word(words: list[str], width: int) -> None:
    found = shortened(" ".join(words), width).split()
    assert len(" ".join(found)) <= width
    assert found == words or (found[0] == words[0] and set(found) <= {*words, "..."})


@given(st.text("ab ,;/", max_size=80), st.integers(5, 30))
def test_a_raw_line_is_broken_between_its_parts_and_loses_nothing_but_spaces(text: str, width: int) -> None:
    lines = broken(text, width).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        assert len(line) <= width or not any(sign in line[:-1] for sign in " ,;/")


def test_a_command_goes_on_where_a_shell_reads_on() -> None:
    command = "league verify --bundle a-file.zip --sha256 " + "ab" * 32 + " --release 76a5671c66fd137d"
    lines = command_line(command, 80).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert shlex.split(command_line(command, 80).replace("\\\n", "")) == command.split()
    assert command_line("league status", 80) == "league status"


@pytest.mark.parametrize(
    ("number", "shown"),
    [("25.340000", "25.34"), ("100.000000", "100"), ("0.000000000", "0"), ("-0.0", "0"), ("100", "100")],
)
def test_a_number_has_the_digits_that_matter(number: str, shown: str) -> None:
    assert digits(number) == shown


def test_a_noun_agrees_with_its_number() -> None:
    assert [counted(1, "row"), counted(0, "row"), counted(1024, "row")] == ["1 row", "0 rows", "1,024 rows"]
    assert counted(2, "is", "are") == "2 are"


def test_a_table_that_nearly_fits_narrows_what_has_words_and_breaks_no_id() -> None:
    headings = ("quarter", "ranked", "equal", "nearly equal", "not computable", "ranks", "release")
    row = ("2025-26-Q1", "205", "14,355", "460", "3,379", "new", "76a5671c66fd137d")
    lines = printed(Rows([Column(heading) for heading in headings], [row]), 80)
    assert max(map(len, lines)) <= 80
    assert set(row) <= set(" ".join(lines).split())
