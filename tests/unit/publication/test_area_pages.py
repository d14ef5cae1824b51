"""Pages of regions and ICB areas, as far as the data say who lies where."""

from __future__ import annotations

from pathlib import Path

from published_quarters import FIRST, HOSTILE, SECOND, small_contents, write_release
from read_page import read_page

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.publication.pages import area


def made(folder: Path, *rows: dict[str, str | None]) -> Contents:
    """One quarter of these organisations, without a league table."""
    whole = [
        {"table_name": "acute", "organisation_name": f"Trust {row['organisation_code']}"} | row
        for row in rows
    ]
    release = write_release(folder / "1".zfill(16), FIRST, {"organisation": whole})
    return contents_of([(release, False)], folder / "none.duckdb")


def test_a_region_has_its_organisations_with_rank_likely_place_and_segment(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    page = read_page(area.of_quarter(contents.newest), addresses.region(SECOND, "London"))
    assert page.heading == "July to September 2025: London"
    assert page.rows("Acute trusts")[0] == [
        "Hospital 2 of Nowhere NHS TrustNowhere",
        "1 of 7",
        "from 1st to 3rd",
        "Segment 1 - best",
    ]
    assert "not of this region" in page.text
    assert page.links["NHS Nowhere Integrated Care Board"] == "../icb-areas/ZQ1.html"


def test_who_has_no_place_or_no_likely_place_is_there_and_says_so(tmp_path: Path) -> None:
    page = read_page(
        area.of_quarter(small_contents(tmp_path).newest), addresses.region(SECOND, "North East and Yorkshire")
    )
    rows = page.rows("Acute trusts")
    assert ["Hospital 6 of Nowhere NHS Trust", "6 of 7", "not known", "Segment 3 - second worst"] in rows
    assert rows[-1] == [
        "Hospital 8 of Nowhere NHS TrustNowhere",
        "no place in the league table of this quarter",
    ]


def test_an_icb_area_has_the_trusts_in_it_and_leads_to_the_board_where_that_is_ranked(tmp_path: Path) -> None:
    trust = {"organisation_code": "ZA1", "icb_code": "ZQ1", "icb_name": "NHS Nowhere ICB", "region": "London"}
    board = {"organisation_code": "ZQ1", "table_name": "icb", "region": "London"}
    page = read_page(area.of_quarter(made(tmp_path, trust, board).newest), addresses.icb_area(FIRST, "ZQ1"))
    assert page.links["The board's own page"] == "../organisations/ZQ1.html"
    assert page.links["London"] == "../regions/london.html"
    assert [row[0] for row in page.rows("Acute trusts")] == ["Trust ZA1"]
    alone = read_page(
        area.of_quarter(made(tmp_path / "alone", trust).newest), addresses.icb_area(FIRST, "ZQ1")
    )
    assert "The board's own page" not in alone.links


def test_data_without_regions_and_areas_have_an_index_that_says_so_and_no_pages(tmp_path: Path) -> None:
    (index,) = area.of_quarter(made(tmp_path, {"organisation_code": "ZA1", "region": None}).newest)
    text = read_page([index], addresses.areas(FIRST)).text
    assert "don't say in which region an organisation lies" in text
    assert "don't say in which area a trust lies" in text


def test_a_trust_in_no_known_area_is_named_as_such(tmp_path: Path) -> None:
    contents = made(
        tmp_path,
        {"organisation_code": "ZA1", "icb_code": "ZQ1", "icb_name": None},
        {"organisation_code": "ZA2", "icb_code": None},
        {"organisation_code": "ZQ9", "icb_code": None, "table_name": "icb"},
    )
    page = read_page(area.of_quarter(contents.newest), addresses.areas(FIRST))
    assert page.links["Trust ZA2"] == "../organisations/ZA2.html"
    # A board is no trust that lies in an area; an area without a name goes by its code.
    assert "Trust ZQ9" not in page.links
    assert page.links["ZQ1"] == "../icb-areas/ZQ1.html"


def test_two_spellings_of_a_region_are_one_page(tmp_path: Path) -> None:
    contents = made(
        tmp_path,
        {"organisation_code": "ZA1", "region": "North West"},
        {"organisation_code": "ZA2", "region": "North-West"},
    )
    produced = list(area.of_quarter(contents.newest))
    assert [one.path for one in produced] == [addresses.areas(FIRST), addresses.region(FIRST, "North West")]
    assert len(read_page(produced, produced[1].path).rows("Acute trusts")) == 2


def test_hostile_names_are_text(tmp_path: Path) -> None:
    contents = made(
        tmp_path,
        {"organisation_code": "ZA1", "organisation_name": HOSTILE, "region": HOSTILE, "icb_code": "ZQ1"}
        | {"icb_name": HOSTILE, "town": HOSTILE},
    )
    for produced in area.of_quarter(contents.newest):
        page = read_page([produced], produced.path)
        assert not list(page.root.iter("script"))
        assert "<script>" in page.text.casefold()
