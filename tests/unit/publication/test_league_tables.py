"""The page of a league table: who stands where, how sure that is, and what is said where a figure is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from published_quarters import FIRST, HOSTILE, SECOND, small_contents, with_a_gap

from dagster_project.publication import addresses, standings
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.pages import league_tables
from dagster_project.publication.words import NOT_ADJACENT


def newest(folder: Path, **how: Any) -> QuarterContent:
    return small_contents(folder, **how).newest


def changed(content: QuarterContent, table: str, code: str, **values: Any) -> None:
    """Gives an organisation's rows of a table other values."""
    for row in content.find(table, organisation_code=code):
        assert isinstance(row, dict)
        row |= values


def page_of(content: QuarterContent, table: str = "acute") -> Element:
    """The table's page as a strict parser of HTML reads it."""
    pages = {one.path: one.content for one in league_tables.of_quarter(content)}
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(pages[addresses.table(content.quarter, table)].decode())


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def lines(page: Element) -> dict[str, dict[str, str]]:
    """What each line says, by code and by the class of the cell, in the order of the page."""
    return {
        row.attrib["id"]: {cell.attrib["class"]: text(cell) for cell in row}
        for row in page.findall('.//table[@data-derived="line"]/tbody/tr')
    }


def links(page: Element) -> set[str]:
    return {link.attrib["href"] for link in page.iter("a")}


def test_lines_stand_in_rank_order_and_those_of_one_rank_by_code(tmp_path: Path) -> None:
    content = newest(tmp_path)
    changed(content, "league_table", "ZA5", rank=3)
    found = lines(page_of(content))
    assert list(found) == ["ZA2", "ZA1", "ZA3", "ZA5", "ZA4", "ZA6", "ZA7"]
    assert [line["place"] for line in found.values()] == ["1", "2", "3 joint", "3 joint", "4", "6", "7"]


def test_a_line_says_where_it_could_be_from_whom_it_isnt_told_apart_and_how_it_moved(tmp_path: Path) -> None:
    found = lines(page_of(newest(tmp_path)))
    assert found["ZA4"]["likely"] == "2nd to 6th not told apart from 4"
    assert found["ZA2"]["moved"] == "within chance, was 2nd"
    assert found["ZA4"]["moved"] == "same place"
    assert found["ZA4"]["average"] == "2.60"
    assert found["ZA4"]["segment"] == "Segment 2 - second best"
    assert found["ZA4"]["name"].endswith("Acute - Small, North East and Yorkshire")


def test_every_line_says_what_the_release_says(tmp_path: Path) -> None:
    content = newest(tmp_path)
    for code, line in lines(page_of(content)).items():
        place = content.places[code]
        apart = content.one("not_told_apart", organisation_code=code)
        moved = content.one("movement_total", organisation_code=code, measure="rank")
        ends = [place["rank_likely_low"], place["rank_likely_high"], apart and apart["organisations"]]
        assert [int(word) for word in words_of_numbers(line["likely"])] == [end for end in ends if end]
        was = [int(moved["figure_before"])] if moved and moved["change"] else []
        assert [int(word) for word in words_of_numbers(line["moved"])] == was


def words_of_numbers(said: str) -> list[str]:
    numbers = ("".join(sign for sign in word if sign.isdigit()) for word in said.split())
    return [number for number in numbers if number]


def test_one_without_a_likely_range_says_that_none_was_worked_out(tmp_path: Path) -> None:
    found = lines(page_of(newest(tmp_path)))
    assert found["ZA6"]["likely"] == "not worked out"


def test_a_table_without_likely_ranges_says_that_nobody_knows_how_sure_it_is(tmp_path: Path) -> None:
    content = newest(tmp_path, without=["not_told_apart"])
    for code in content.places:
        changed(content, "league_table", code, rank_likely_low=None, rank_likely_high=None)
    page = page_of(content)
    assert "How sure these places are isn't known." in text(page)
    assert {line["likely"] for line in lines(page).values()} == {"not worked out"}


def test_one_that_is_new_in_the_table_says_so(tmp_path: Path) -> None:
    assert lines(page_of(newest(tmp_path)))["ZA7"]["moved"] == "not in the table before"


def test_a_quarter_with_none_before_it_says_nothing_of_change(tmp_path: Path) -> None:
    page = page_of(small_contents(tmp_path).quarters[0])
    assert all("moved" not in line for line in lines(page).values())
    assert "This table has no earlier quarter to compare with" in text(page)
    assert "There is no earlier quarter of this table here." in text(page)


def test_where_the_quarter_just_before_isnt_here_a_table_says_so(tmp_path: Path) -> None:
    said = text(page_of(with_a_gap(tmp_path).newest))
    assert NOT_ADJACENT in said
    assert "no earlier quarter" not in said


def test_a_table_that_wasnt_there_before_says_nothing_of_change(tmp_path: Path) -> None:
    page = page_of(newest(tmp_path), "ambulance")
    assert "moved" not in lines(page)["ZB1"]


@pytest.mark.parametrize(
    ("verdict", "change", "said"),
    [
        ("beyond_chance", -1, "better, beyond chance, was 2nd"),
        ("beyond_chance", 1, "worse, beyond chance, was 2nd"),
        ("unclear", -1, "not clearly more than chance, was 2nd"),
        ("within_chance", -1, "within chance, was 2nd"),
        (None, -1, "chance not worked out, was 2nd"),
        (None, 0, "same place"),
    ],
)
def test_better_and_worse_are_only_said_of_a_move_beyond_chance(
    verdict: str | None, change: int, said: str
) -> None:
    moved = {"figure_before": 2, "change": change}
    assert league_tables.movement(moved, verdict and {"verdict": verdict}) == said  # type: ignore[arg-type]


def test_one_place_alone_is_no_range() -> None:
    assert league_tables.likely_place({"rank_likely_low": 1, "rank_likely_high": 1}) == "1st"


def test_one_that_is_told_apart_from_all_says_so(tmp_path: Path) -> None:
    content = newest(tmp_path)
    changed(content, "not_told_apart", "ZA2", organisations=0)
    assert lines(page_of(content))["ZA2"]["likely"].endswith("told apart from all")


def test_an_override_that_holds_one_back_is_said_and_one_without_effect_isnt(tmp_path: Path) -> None:
    content = newest(tmp_path)
    changed(content, "league_table", "ZA2", financial_override=True, adjusted_segment=3, final_segment=3)
    changed(content, "league_table", "ZA7", financial_override=True)
    changed(content, "league_table", "ZA1", financial_override_basis="unknown")
    found = lines(page_of(content))
    assert found["ZA2"]["segment"] == "Segment 3 - second worst held back by a deficit"
    assert found["ZA7"]["segment"] == "Segment 3 - second worst"
    assert found["ZA1"]["segment"].endswith("whether in deficit isn't known")


def test_where_the_publisher_decided_otherwise_a_line_says_both_segments(tmp_path: Path) -> None:
    content = newest(tmp_path)
    changed(content, "league_table", "ZA7", final_segment=5)
    found = lines(page_of(content))
    assert found["ZA7"]["segment"] == (
        "Segment 5 - in special support by the figures segment 3; the publisher placed it in segment 5"
    )
    assert found["ZA6"]["segment"] == "Segment 3 - second worst"


def test_without_final_segments_those_before_the_last_decision_are_shown_and_named_so(tmp_path: Path) -> None:
    content = newest(tmp_path)
    for code in content.places:
        changed(content, "league_table", code, final_segment=None)
    page = page_of(content)
    assert lines(page)["ZA4"]["segment"] == "Segment 2 - second best"
    assert "The publisher hasn't given final segments for this quarter" in text(page)


def test_each_segment_can_be_gone_to_where_it_begins(tmp_path: Path) -> None:
    page = page_of(newest(tmp_path))
    begins = {
        cell.attrib["id"]: row.attrib["id"]
        for row in page.findall(".//table/tbody/tr")
        for cell in row
        if "id" in cell.attrib
    }
    assert begins == {"segment-1": "ZA2", "segment-2": "ZA3", "segment-3": "ZA6"}
    assert {f"#{name}" for name in begins} <= links(page)


def test_certainty_counts_whole_tables(tmp_path: Path) -> None:
    places = standings.in_order(newest(tmp_path), "acute")
    # Likely places: 1-3, 1-4, 1-5, 2-6, 3-7, none, 5-7; the better half ends at 3.
    assert standings.certainty(places) == standings.Certainty(
        size=7, ranged=6, either_half=4, several_segments=6
    )
    assert standings.certainty([]) == standings.Certainty(0, 0, 0, 0)


def test_the_page_says_how_many_places_are_unsure(tmp_path: Path) -> None:
    page = page_of(newest(tmp_path))
    assert [text(one) for one in page.findall('.//b[@data-derived="either_half"]')] == ["4"]
    assert [text(one) for one in page.findall('.//b[@data-derived="several_segments"]')] == ["6"]


def test_figures_lead_to_their_derivation_and_names_to_the_page_of_the_organisation(tmp_path: Path) -> None:
    found = links(page_of(newest(tmp_path)))
    assert "../organisations/ZA4.html" in found
    for figure in ("OF5000.rank", "OF5002", "likely-ranges", "movement"):
        assert f"../derivations/ZA2.html#{figure}" in found


def test_a_table_leads_to_earlier_quarters_and_never_to_later_ones(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    first, second = (links(page_of(one)) for one in contents.quarters)
    assert f"../../{FIRST}/tables/acute.html" in second
    assert not any(SECOND in link for link in first)


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    page = page_of(newest(tmp_path, names={"ZA4": HOSTILE}))
    name = lines(page)["ZA4"]["name"]
    assert '<script>alert("1")</script>' in name
    assert "\u202e" not in name
    assert [script.attrib.get("src") is not None for script in page.iter("script")] == [True]


def test_the_pictures_page_shows_the_chart_and_leads_back_to_the_numbers(tmp_path: Path) -> None:
    content = newest(tmp_path)
    pages = {one.path: one.content.decode() for one in league_tables.of_quarter(content)}
    picture = pages[addresses.table_picture(content.quarter, "acute")]
    # Its numbers are held by the tests of charts.
    drawn = picture.partition('data-derived="chart"')[2]
    assert "<svg" in drawn
    assert "<svg" not in drawn.partition("</svg>")[2]
    assert 'href="acute.html"' in picture
    assert 'href="acute-picture.html"' in pages[addresses.table(content.quarter, "acute")]
