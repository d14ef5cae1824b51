"""Nothing that is laid out is wider than its terminal, and no word of it is broken."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.layout import Column, Rows, broken, labelled, shortened
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
