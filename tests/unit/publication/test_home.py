"""The first page and the first page of each quarter: the tables, how sure, who moved, and where to go."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from published_quarters import FIRST, SECOND, small_contents, with_a_gap

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.pages import home
from dagster_project.publication.rendering import Produced
from dagster_project.publication.words import NOT_ADJACENT


def parsed(produced: Produced) -> Element:
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(produced.content.decode())


def first_page(contents: Contents) -> Element:
    (produced,) = home.of_all(contents)
    assert produced.path == addresses.HOME
    return parsed(produced)


def page_of(content: QuarterContent) -> Element:
    (produced,) = home.of_quarter(content)
    assert produced.path == addresses.quarter_home(content.quarter)
    return parsed(produced)


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def links(page: Element) -> list[str]:
    return [link.attrib["href"] for link in page.iter("a")]


def moved(content: QuarterContent, code: str, measure: str, **values: Any) -> None:
    for row in content.find("movement_beyond_chance", organisation_code=code, measure=measure):
        assert isinstance(row, dict)
        row |= values


def test_a_trust_is_looked_for_without_a_script(tmp_path: Path) -> None:
    page = first_page(small_contents(tmp_path))
    form = page.find(".//form[@role='search']")
    assert form is not None
    assert (form.attrib["action"], form.attrib["method"]) == (addresses.FIND, "get")
    field = form.find(".//input")
    assert field is not None
    assert field.attrib["name"] == "q"
    assert [label.attrib["for"] for label in form.iter("label")] == [field.attrib["id"]]


def test_each_table_says_its_size_its_segments_and_between_what_its_averages_lie(tmp_path: Path) -> None:
    card = first_page(small_contents(tmp_path)).find(".//li[@class='site-card']")
    assert card is not None
    said = text(card)
    assert said.startswith("Acute trusts 7 trusts")
    assert "Segment 1 - best 2 Segment 2 - second best 3 Segment 3 - second worst 2" in said
    assert "run from 1.40, Hospital 2 of Nowhere NHS Trust, to 3.80, Hospital 7 of Nowhere NHS Trust." in said


def test_averages_run_between_the_lowest_and_the_highest_whatever_the_ranks_are(tmp_path: Path) -> None:
    content = small_contents(tmp_path).newest
    best = content.places["ZA2"]
    assert isinstance(best, dict)
    best["rank"] = 6
    table = home.table_of(content, "acute")
    assert (table.lowest["organisation_code"], table.highest["organisation_code"]) == ("ZA2", "ZA7")


def test_counts_of_what_is_uncertain_are_those_of_all_tables_together(tmp_path: Path) -> None:
    page = first_page(small_contents(tmp_path))
    # Six of the seven acute trusts have a likely range; the one ambulance trust is all of its table.
    for derived, said in {
        'data-derived="either_half"': "4",
        'data-derived="several_segments"': "7",
        'data-derived="size"': "8",
        'data-derived="moved"': "0",
        'data-derived="compared"': "6",
    }.items():
        assert {text(one) for one in page.findall(f".//*[@{derived}]")} == {said}


def test_nobody_is_named_where_nobody_moved_beyond_chance(tmp_path: Path) -> None:
    page = first_page(small_contents(tmp_path))
    assert "Nobody, as far as anyone can tell." in text(page)


def test_who_moved_beyond_chance_is_named_once_and_as_better_or_worse(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    for measure in ("rank", "average_metric_score"):
        moved(contents.newest, "ZA2", measure, verdict="beyond_chance")
    moved(contents.newest, "ZA1", "average_metric_score", verdict="beyond_chance")
    said = [text(one) for one in first_page(contents).findall(".//ul[@class='site-moved']/li")]
    assert said == [
        "Hospital 2 of Nowhere NHS Trust: better, from 2nd to 1st place",
        "Hospital 1 of Nowhere NHS Trust: worse, its average from 1.40 to 1.80",
    ]


def test_a_quarter_with_none_before_it_says_that_nothing_can_be_said_of_change(tmp_path: Path) -> None:
    page = page_of(small_contents(tmp_path).quarters[0])
    assert "there is no quarter before this one to compare with" in text(page)
    assert "This is the first quarter here." in text(page)


def test_where_the_quarter_just_before_isnt_here_a_first_page_says_so(tmp_path: Path) -> None:
    for page in (first_page(with_a_gap(tmp_path)), page_of(with_a_gap(tmp_path / "again").newest)):
        assert NOT_ADJACENT in text(page)
        assert "no quarter before this one" not in text(page)


def test_a_quarter_without_likely_ranges_says_that_nobody_knows_how_sure_it_is(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    for row in contents.newest.rows("league_table"):
        assert isinstance(row, dict)
        row |= {"rank_likely_low": None, "rank_likely_high": None}
    assert "nobody can say how sure its places are" in text(first_page(contents))


def test_the_first_page_leads_to_all_quarters_the_newest_first(tmp_path: Path) -> None:
    page = first_page(small_contents(tmp_path))
    listed = page.find(".//ul[@class='site-quarters']")
    assert listed is not None
    homes = [link for link in links(listed) if link.endswith("index.html")]
    assert homes == [f"{SECOND}/index.html", f"{FIRST}/index.html"]


def test_a_table_that_the_newest_quarter_doesnt_have_is_found_in_the_newest_that_has_it(
    tmp_path: Path,
) -> None:
    contents = small_contents(tmp_path)
    rows = contents.quarters[0].rows("league_table")
    assert isinstance(rows, list)
    rows.append(dict(rows[0]) | {"table_name": "icb", "organisation_code": "ZQ1"})
    assert [(name, one.quarter) for name, one in home.older_tables(contents)] == [("icb", FIRST)]
    page = first_page(contents)
    assert "no table of integrated care boards. The newest is that of April to June 2025." in text(page)
    assert f"{FIRST}/tables/icb.html" in links(page)


def test_a_quarters_page_leads_to_none_after_it(tmp_path: Path) -> None:
    first, second = map(page_of, small_contents(tmp_path).quarters)
    assert not any(SECOND in link for link in links(first))
    assert f"../{FIRST}/index.html" in links(second)


def test_everybody_finds_where_to_begin(tmp_path: Path) -> None:
    said = text(first_page(small_contents(tmp_path)))
    for who in ("A patient or carer", "A journalist", "A board member", "An analyst"):
        assert who in said
