"""Nothing that a text holds is obeyed: not by a terminal, not by Markdown, not by a spreadsheet."""

from __future__ import annotations

import io
import json
import re
import unicodedata

import duckdb
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from dagster_project.errors import InputRejected, LeagueError
from dagster_project.shown import (
    Terminal,
    as_csv,
    cell,
    cell_in_sql,
    code,
    csv_text,
    in_one_line,
    json_text,
    markdown,
    visible,
)

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202etsurT SHN",
    "a\u200b\u2066b",
    "[/]",
    "[bold]",
    "[link=https://example.org]x[/link]",
    "\\[",
    "trailing\\",
    "\udcff",
    "\ue000\U000e0041",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "[x](javascript:alert(1))",
    "``` </td><script>",
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=[]), max_size=40),
    st.lists(st.sampled_from([*HOSTILE, "Trust", " ", "|", "\n", "-1", "\r", "\t"]), max_size=4).map("".join),
)


def is_harmless(text: str) -> bool:
    """Whether a text holds no control, format, surrogate, private or unassigned character but line ends and tabs."""
    return all(
        character in "\n\t"
        or (unicodedata.category(character)[0] != "C" and unicodedata.category(character) not in ("Zl", "Zp"))
        for character in text
    )


@given(texts)
def test_visible_text_holds_only_what_can_be_seen_and_keeps_what_can(text: str) -> None:
    shown = visible(text)

    assert is_harmless(shown)
    assert visible(shown) == shown
    if is_harmless(text) and text.isascii():
        assert shown == text


@given(texts, texts)
@example("[/]", "\x1b[2J")
@example("\\", "[bold]")
def test_no_text_commands_the_terminal_or_loses_its_brackets(first: str, second: str) -> None:
    out = io.StringIO()
    terminal = Terminal(file=out, width=10_000, soft_wrap=True, highlight=False)

    terminal.print(f"{escape(first)} and [bold]{escape(second)}[/bold].")
    table = Table("name")
    table.add_row(escape(first))
    terminal.print(table)
    tree = Tree(escape(first))
    terminal.print(tree)

    assert is_harmless(out.getvalue())
    # rich's own escaping takes liberties with backslashes; brackets it must keep.
    if not set("\n\t\\") & set(first + second):
        assert out.getvalue().startswith(f"{visible(first)} and {visible(second)}.")


def test_rich_itself_still_colours() -> None:
    out = io.StringIO()
    Terminal(file=out, force_terminal=True, width=80, highlight=False).print("[bold]Z1A[/bold] \x1b[2J")

    assert "\x1b[1mZ1A\x1b[0m" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


def test_a_text_with_brackets_that_nobody_escaped_is_printed_as_it_stands() -> None:
    out = io.StringIO()
    Terminal(file=out, width=80).print("a name [/] of nobody")

    assert out.getvalue() == "a name [/] of nobody\n"


@given(texts)
def test_json_says_the_same_and_holds_only_what_can_be_seen(text: str) -> None:
    written = json_text({"name": text, "more": [text]}, indent=2)

    assert is_harmless(written)
    read = json.loads(written)
    # Python joins two halves of a surrogate pair that stood side by side; nothing else may change.
    same = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert read["name"].encode("utf-16", "surrogatepass").decode("utf-16", "replace") == same


@given(texts)
@example("1. a list")
@example("- a list")
def test_markdown_text_is_one_line_without_links_html_or_cells(text: str) -> None:
    shown = markdown(text)

    assert is_harmless(shown)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|#]", shown)
    assert not re.match(r"[-+] |[0-9]+[.)] ", shown)
    assert "http://" not in shown
    assert "https://" not in shown


@pytest.mark.parametrize("text", ["-1.5", "3.35", "Z1A NHS Trust", "1.2 to 1.89", "St. Someone's"])
def test_plain_figures_and_names_stay_as_they_are_in_markdown(text: str) -> None:
    assert markdown(text) == text


@given(texts)
def test_code_ends_where_it_should(text: str) -> None:
    shown = code(text)

    assert is_harmless(shown)
    assert "\n" not in shown
    if text:
        fence = re.match("`+", shown)
        assert fence is not None
        assert fence[0] not in re.sub(f"^{fence[0]}|{fence[0]}$", "", shown)


@given(texts)
def test_a_cell_never_starts_as_a_formula_and_sql_agrees(text: str) -> None:
    shown = cell(text)

    assert shown in (text, f"'{text}")
    first = shown.lstrip(" \t\r\n")[:1]
    assert first not in tuple("=@\uff1d\uff0b\uff0d\uff20")
    assert first not in ("+", "-") or re.fullmatch(r" *[+-][0-9.,]*([eE][+-]?[0-9]+)? ?%?( to .*)?", shown)
    if "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text):
        found = duckdb.execute(f"select {cell_in_sql('given')} from (select ?::varchar as given)", [text])
        assert found.fetchone() == (shown,)


@pytest.mark.parametrize(
    "text",
    ["-1.5", "+3", "-0.123456789012", "-1e-05", "-1.5%", "-", "-1.2 to 1.89", "-1,234.5", "", "Z1A", "'"],
)
def test_numbers_and_missing_marks_are_no_formula(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "-1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "-A1", "＝1"]
)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_a_frame_becomes_csv_with_numbers_as_they_were() -> None:
    frame = pd.DataFrame({"name": ["=1+1", "Trust", None], "value": [-1.5, 2.0, None]})

    assert as_csv(frame) == b"name,value\n'=1+1,-1.5\nTrust,2.0\n,\n"


def test_an_error_quotes_what_it_found_visibly() -> None:
    error = InputRejected(file="a\x1b[2J.csv", expected="text", found="b\u202e", remedy="Mend it.")

    assert str(error) == "a\\x1b[2J.csv: expected text; found b\\u202e. Mend it."
    assert str(LeagueError("two\nlines\x07")) == "two\nlines\\x07"


@given(texts)
def test_one_line_is_one_line(text: str) -> None:
    assert not re.search(r"[\n\r\t]", in_one_line(text))


@pytest.mark.parametrize(("said", "width"), [("72", 72), ("0", 160), ("wide", 160), ("", 160)])
def test_a_pipe_is_as_wide_as_columns_says(monkeypatch: pytest.MonkeyPatch, said: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert Terminal().width == width


def test_rows_as_csv_hold_nothing_that_a_spreadsheet_computes() -> None:
    text = csv_text(
        ("name", "rank", "flagged", "range"), [("=1+1", 3, True, None), ('a,"b', -1, False, "1 to 2")]
    )
    assert text == 'name,rank,flagged,range\n\'=1+1,3,true,\n"a,""b",-1,false,1 to 2\n'
