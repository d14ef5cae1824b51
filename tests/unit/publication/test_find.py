"""Who is found by what: the words that are searched, the index and the list from A to Z."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from published_quarters import FIRST, HOSTILE, SECOND, small_contents, write_release
from read_page import read_page, words

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.publication.pages import find


def contents_with(folder: Path, **by_quarter: Sequence[Mapping[str, Any]]) -> Contents:
    """Quarters of these rows of `organisation` and nothing else; `q1` is the first."""
    releases = []
    for name, rows in by_quarter.items():
        quarter = {"q1": FIRST, "q2": SECOND}[name]
        whole = [
            {"table_name": "acute", "organisation_name": f"{row['organisation_code']} Trust"} | row
            for row in rows
        ]
        releases.append((write_release(folder / f"{name[-1]:0>16}", quarter, {"organisation": whole}), False))
    return contents_of(releases, folder / "none.duckdb")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (
            "The Queen Elizabeth Hospital, King's Lynn",
            ["the", "queen", "elizabeth", "hospital", "kings", "lynn"],
        ),
        ("kings lynn", ["kings", "lynn"]),
        ("King\u2019s", ["kings"]),
        ("Saint George\u2019s", ["st", "georges"]),
        ("ST. GEORGE'S", ["st", "georges"]),
        ("Stoke-on-Trent", ["stoke", "on", "trent"]),
        ("Guy's & St Thomas'", ["guys", "and", "st", "thomas"]),
        ("Bront\u00eb", ["bronte"]),
        ("\u202ePE30 4ET\u202c", ["pe30", "4et"]),
        ("", []),
    ],
)
def test_words_are_the_same_however_they_are_typed(typed: str, found: list[str]) -> None:
    assert find.plain_words(typed) == found


def test_a_name_of_an_earlier_quarter_is_a_former_name_unless_it_is_only_written_otherwise(
    tmp_path: Path,
) -> None:
    old = {"organisation_code": "ZA1", "organisation_name": "Old Name NHS Trust", "town": "OLD TOWN"}
    known = find.organisations(
        contents_with(
            tmp_path,
            q1=[old, {"organisation_code": "ZA2", "organisation_name": "St. John's"}],
            q2=[
                {"organisation_code": "ZA1", "organisation_name": "New Name NHS Trust"},
                {"organisation_code": "ZA2", "organisation_name": "Saint Johns"},
            ],
        )
    )
    assert [(one.code, one.name, one.former) for one in known] == [
        ("ZA1", "New Name NHS Trust", ("Old Name NHS Trust",)),
        ("ZA2", "Saint Johns", ()),
    ]
    # The newest quarter that says anything says where it is.
    assert known[0].town == "Old Town"


def test_whoever_became_part_of_another_is_found_and_leads_to_it(tmp_path: Path) -> None:
    merged = {"organisation_code": "ZA1", "successor_code": "ZA2", "succeeded_on": date(2025, 7, 1)}
    contents = contents_with(
        tmp_path,
        q1=[merged, {"organisation_code": "ZA2"}, {"organisation_code": "ZA3", "successor_code": "ZX9"}],
        q2=[{"organisation_code": "ZA2"}],
    )
    first, second, third = find.organisations(contents)
    assert (first.became, second.took_over) == ("ZA2 Trust", ("ZA1 Trust",))
    # A successor that no quarter knows is named by its code.
    assert third.became == "ZX9"
    page = read_page(find.of_all(contents), addresses.FIND)
    assert "Now part of ZA2 Trust" in page.text
    assert "Took over ZA1 Trust" in page.text


def test_everybody_is_listed_under_the_first_letter_after_the_article(tmp_path: Path) -> None:
    contents = contents_with(
        tmp_path,
        q1=[
            {"organisation_code": "ZA1", "organisation_name": "The Queen's Trust", "town": "KING'S LYNN"},
            {"organisation_code": "ZA2", "organisation_name": "Quay Trust", "postcode": "zz1 1aa"},
            {"organisation_code": "ZA3", "organisation_name": "1st Trust", "table_name": "ambulance"},
        ],
    )
    page = read_page(find.of_all(contents), addresses.FIND)
    headings = [heading.attrib["id"] for heading in page.root.iter("h3")]
    assert headings == ["letter-other", "letter-q"]
    listed = [
        text for item in page.root.iter("li") if ", code " in (text := words(item)) or text.endswith("ZA3")
    ]
    assert listed == [
        "1st Trust code ZA3",
        "Quay Trust ZZ1 1AA, code ZA2",
        "The Queen's Trust King's Lynn, code ZA1",
    ]
    assert page.links["Quay Trust"] == "../organisations/ZA2.html"


def test_boards_are_not_called_trusts(tmp_path: Path) -> None:
    trusts = read_page(
        find.of_all(contents_with(tmp_path, q1=[{"organisation_code": "ZA1"}])), addresses.FIND
    )
    assert "integrated care board" not in trusts.text
    boards = contents_with(
        tmp_path / "boards", q1=[{"organisation_code": "ZQ1", "table_name": "icb", "postcode": "ZZ1 1AA"}]
    )
    page = read_page(find.of_all(boards), addresses.FIND)
    assert (
        "An integrated care board (ICB) plans and pays for the care in its area. You find both here."
        in page.text
    )
    assert "All trusts" not in page.text


def test_a_search_without_towns_and_postcodes_says_so(tmp_path: Path) -> None:
    bare = read_page(find.of_all(contents_with(tmp_path, q1=[{"organisation_code": "ZA1"}])), addresses.FIND)
    assert "These data have no postcodes" in bare.text
    assert "These data have none" in bare.text
    (label,) = bare.root.iter("label")
    assert words(label) == "Name, former name, code"
    whole = read_page(find.of_all(small_contents(tmp_path / "whole")), addresses.FIND)
    (label,) = whole.root.iter("label")
    assert words(label) == "Name, former name, code, town or postcode"
    assert "Nothing that you type leaves it" in whole.text


def index_of(contents: Contents) -> tuple[str, dict[str, Any]]:
    """The script's path and what it sets."""
    script = next(one for one in find.of_all(contents) if one.path.endswith(".js"))
    start, end = "window.leagueSearch = ", ";\n"
    text = script.content.decode()
    assert text.startswith(start)
    assert text.endswith(end)
    return script.path, json.loads(text[len(start) : -len(end)])


def test_the_index_says_that_it_is_embargoed(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    held = replace(contents, quarters=(replace(contents.newest, is_embargoed=True),))
    assert index_of(held)[1]["notice"].startswith("EMBARGOED")
    assert index_of(contents)[1]["notice"] == contents.notice


def test_the_index_has_names_as_they_are_and_postcodes_whole_and_by_district(tmp_path: Path) -> None:
    path, said = index_of(small_contents(tmp_path))
    terms = {term for term, _ in said["index"]["invertedIndex"]}
    assert {"hospital", "of", "nowhere", "za1", "zz1", "zz15pa", "nhstrust"} <= terms
    # Neither stemmed nor left out as too common.
    assert said["index"]["pipeline"] == []
    assert [term for term, _ in said["index"]["invertedIndex"]] == sorted(terms)
    assert said["organisations"]["ZA1"]["link"] == "../organisations/ZA1.html"
    assert said["organisations"]["ZA6"]["town"] == ""
    again, _ = index_of(small_contents(tmp_path / "again"))
    assert path == again


def test_a_hostile_name_is_text_in_the_list_and_in_the_index(tmp_path: Path) -> None:
    contents = small_contents(tmp_path, names={"ZA1": HOSTILE})
    produced = list(find.of_all(contents))
    page = read_page(produced, addresses.FIND)
    assert '<script>alert("1")</script>' in page.text
    assert len(list(page.root.iter("script"))) == 3
    _, said = index_of(contents)
    assert said["organisations"]["ZA1"]["name"].startswith("=cmd|'/c calc'!A1 <script>")
    assert "\u202e" not in said["organisations"]["ZA1"]["name"]
