"""Find your trust, as people type it: in headless Chromium, the page opened from a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from published_quarters import FIRST, HOSTILE, SECOND, write_release

from dagster_project.publication import addresses, frontend
from dagster_project.publication.contents import contents_of
from dagster_project.publication.pages import find

SECONDS = 30
LYNN = "The Queen Anne Hospital, Prince's Lynn, NHS Foundation Trust"
GEORGE = "Saint Georgina's University Hospitals NHS Foundation Trust"
STOKE = "North Marshire and Stowe-on-Water Partnership NHS Trust"
PORT = "Portmouth Hospitals University NHS Trust"
WIGHT = "Isle of Wick NHS Trust"
AMBULANCE = "Marshire Ambulance Service NHS Trust"
NEW, OLD = "Mid Marshire Care NHS Trust", "Wolverley Infirmary NHS Trust"
GONE = "Little Upton Hospitals NHS Trust"
ROWS: tuple[Mapping[str, Any], ...] = (
    {"organisation_code": "ZCX", "organisation_name": LYNN, "town": "PRINCE'S LYNN", "postcode": "ZE30 4ET"},
    {"organisation_code": "ZJ7", "organisation_name": GEORGE, "town": "LONDON", "postcode": "ZW17 0QT"},
    {
        "organisation_code": "ZLY",
        "organisation_name": STOKE,
        "town": "STOWE-ON-WATER",
        "postcode": "ZE30 5AA",
    },
    {"organisation_code": "ZHU", "organisation_name": PORT, "town": "PORTMOUTH", "postcode": "ZO6 3LY"},
    {"organisation_code": "Z1F", "organisation_name": WIGHT, "town": "NEWPORT", "postcode": "ZE3 1AA"},
    {"organisation_code": "ZX9", "organisation_name": AMBULANCE, "table_name": "ambulance"},
    {"organisation_code": "ZA4", "organisation_name": NEW, "town": "UPTON", "postcode": "ZC1A 1BB"},
    {"organisation_code": "ZH1", "organisation_name": HOSTILE},
)
EARLIER: tuple[Mapping[str, Any], ...] = (
    {"organisation_code": "ZA4", "organisation_name": OLD},
    {
        "organisation_code": "ZG0",
        "organisation_name": GONE,
        "successor_code": "ZA4",
        "succeeded_on": date(2025, 7, 1),
    },
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The search page with what it needs, of two quarters with these organisations."""
    made = tmp_path_factory.mktemp("search")
    releases = []
    for quarter, rows in ((FIRST, EARLIER), (SECOND, ROWS)):
        whole = [{"table_name": "acute"} | row for row in rows]
        release = write_release(made / quarter[-1].zfill(16), quarter, {"organisation": whole})
        releases.append((release, False))
    site = made / "site"
    files = {one.path: one.content for one in find.of_all(contents_of(releases, made / "none.duckdb"))}
    files |= {frontend.address_of(name): content for name, content in frontend.assets().items()}
    for path, content in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    return site


class Search:
    """The page as somebody at it sees it."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.asked: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text))
        page.goto(address)

    def find(self, typed: str) -> list[str]:
        """What is listed once the words are typed and Enter is pressed."""
        self.page.get_by_role("textbox").fill(typed)
        self.page.get_by_role("textbox").press("Enter")
        return self.listed

    @property
    def listed(self) -> list[str]:
        return list(self.page.locator("#find-results a").all_inner_texts())

    @property
    def said(self) -> str:
        return str(self.page.get_by_role("status").inner_text())


@pytest.fixture(scope="module")
def search(folder: Path, browser: Any) -> Iterator[Search]:
    page = browser.new_page()
    page.set_default_timeout(SECONDS * 1000)
    yield Search(page, (folder / addresses.FIND).as_uri())
    page.close()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("queen anne", LYNN),
        ("QUEEN ANNE HOSPITAL", LYNN),
        ("princes lynn", LYNN),
        ("Prince\u2019s Lynn", LYNN),
        ("the queen anne hospital princes lynn nhs foundation trust", LYNN),
        ("st georginas", GEORGE),
        ("St. Georgina's", GEORGE),
        ("saint georgina", GEORGE),
        ("london", GEORGE),
        ("stowe on water", STOKE),
        ("stoweonwater partnership", STOKE),
        ("northmarshire", STOKE),
        ("Port mouth", PORT),
        ("portm", PORT),
        ("mars partnerships", STOKE),
        ("ambulance", AMBULANCE),
        ("zcx", LYNN),
        (" Z1F ", WIGHT),
    ],
)
def test_a_trust_is_found_by_name_town_and_code_however_they_are_typed(
    search: Search, typed: str, first: str
) -> None:
    assert search.find(typed)[:1] == [first]
    assert search.faults == []


def test_one_trust_is_all_that_its_whole_name_or_code_finds(search: Search) -> None:
    for typed in (LYNN, "ZCX", "zcx"):
        assert search.find(typed) == [LYNN]
        assert search.said == f"1 found for “{typed}”."
    link = search.page.get_by_role("link", name=LYNN).first
    assert link.get_attribute("href") == "../organisations/ZCX.html"


def test_a_former_name_finds_the_trust_that_has_another_now(search: Search) -> None:
    assert search.find("wolverley infirmary") == [NEW]
    assert f"Formerly: {OLD}" in search.page.locator("#find-results").inner_text()


def test_a_trust_that_became_part_of_another_finds_both(search: Search) -> None:
    assert set(search.find("little upton")) == {GONE, NEW}
    shown = search.page.locator("#find-results").inner_text()
    assert f"Took over: {GONE}" in shown
    assert f"Now part of: {NEW}" in shown


@pytest.mark.parametrize("typed", ["ZE30 4ET", "ze304et", "Ze30  4eT", " ze30-4et "])
def test_a_postcode_finds_who_is_there_then_its_district_then_its_area(search: Search, typed: str) -> None:
    assert search.find(typed) == [LYNN, STOKE, WIGHT]
    headings = search.page.locator("#find-results h2").all_inner_texts()
    assert headings == [
        "At this postcode",
        "In the same postcode district, ZE30",
        "Elsewhere in the postcode area ZE",
    ]
    assert "may belong to another trust" in search.said


@pytest.mark.parametrize(
    ("typed", "headings", "found"),
    [
        (
            "ze30",
            ["In the same postcode district, ZE30", "Elsewhere in the postcode area ZE"],
            {LYNN, STOKE, WIGHT},
        ),
        (
            "ze3",
            ["In the same postcode district, ZE3", "Elsewhere in the postcode area ZE"],
            {LYNN, STOKE, WIGHT},
        ),
        (
            "ze3 0",
            ["In the same postcode district, ZE3", "Elsewhere in the postcode area ZE"],
            {LYNN, STOKE, WIGHT},
        ),
        ("ze99 1aa", ["Elsewhere in the postcode area ZE"], {LYNN, STOKE, WIGHT}),
        ("zc1a 1bb", ["At this postcode"], {NEW}),
        ("zc1a1", ["In the same postcode district, ZC1A"], {NEW}),
        ("zw17", ["In the same postcode district, ZW17"], {GEORGE}),
    ],
)
def test_a_part_of_a_postcode_goes_by_district_and_area(
    search: Search, typed: str, headings: list[str], found: set[str]
) -> None:
    assert set(search.find(typed)) == found
    assert search.page.locator("#find-results h2").all_inner_texts() == headings


def test_a_postcode_where_no_trust_is_says_so(search: Search) -> None:
    assert search.find("AB10 1XY") == []
    assert search.said.startswith("Nothing found for “AB10 1XY”. No main office is in the postcode area AB.")
    assert search.page.locator("#find-help").is_visible()


@pytest.mark.parametrize(
    ("typed", "found"),
    [("portmuoth", PORT), ("Georgna", GEORGE), ("wolverly infirmery", NEW), ("ambulence", AMBULANCE)],
)
def test_what_is_spelt_nearly_like_it_is_found_and_said_to_be_so(
    search: Search, typed: str, found: str
) -> None:
    assert found in search.find(typed)
    assert "Nothing is spelt just like that." in search.said


def test_a_hospital_that_no_name_holds_finds_those_with_some_of_its_words(search: Search) -> None:
    assert search.find("portmouth general infirmary") == [PORT]
    assert "Nothing here has all of these words in its name or town. These have some of them." in search.said


@pytest.mark.parametrize(
    "typed", ["qqqqqqqq", "?!", "general hospital of xyzzyx", "' \" < >", "constructor", "__proto__"]
)
def test_nothing_found_says_so_with_what_to_try(search: Search, typed: str) -> None:
    assert search.find(typed) == []
    assert search.said == f"Nothing found for “{typed}”."
    assert "the list from A to Z below" in search.page.locator("#find-help").inner_text()
    assert search.faults == []


@pytest.mark.parametrize(
    ("typed", "found"), [("name:zcx", [LYNN]), ("+queen^ -anne~*", [LYNN]), ("*wick*", [WIGHT])]
)
def test_signs_of_a_search_language_are_no_language_here(
    search: Search, typed: str, found: list[str]
) -> None:
    assert search.find(typed) == found
    assert search.faults == []


def test_an_emptied_field_leaves_nothing_said_and_nothing_listed(search: Search) -> None:
    search.find("queen")
    assert search.find("   ") == []
    assert search.page.locator("#find-said").inner_text() == ""
    assert not search.page.locator("#find-help").is_visible()


def test_what_is_typed_is_found_without_enter_and_stays_in_the_address(search: Search) -> None:
    search.find("queen")
    search.page.get_by_role("textbox").fill("wick")
    search.page.get_by_role("status").get_by_text("1 found for “wick”.").wait_for()
    assert search.listed == [WIGHT]
    assert search.page.url == f"{search.address}?q=wick"


def test_an_address_with_words_shows_what_they_find(folder: Path, browser: Any) -> None:
    page = browser.new_page()
    opened = Search(page, f"{(folder / addresses.FIND).as_uri()}?q=princes+lynn%20%26%20")
    assert opened.listed == [LYNN]
    assert page.get_by_role("textbox").input_value() == "princes lynn & "
    page.close()


def test_a_hostile_name_is_shown_as_text(search: Search) -> None:
    (name,) = search.find("zh1")
    assert '<script>alert("1")</script>' in name
    assert search.faults == []


def test_keys_alone_lead_from_the_field_to_a_trust_and_nothing_leaves_the_machine(search: Search) -> None:
    search.find("queen anne")
    search.page.keyboard.press("Tab")
    assert search.page.evaluate("document.activeElement.textContent").strip() == "Search"
    search.page.keyboard.press("Tab")
    assert search.page.evaluate("document.activeElement.textContent") == LYNN
    assert search.page.get_by_label("Name, former name, code, town or postcode").count() == 1
    assert [url for url in search.asked if not url.startswith("file:")] == []


def test_without_javascript_everybody_is_listed_and_no_field_pretends_to_search(
    folder: Path, browser: Any
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / addresses.FIND).as_uri())
    assert page.locator("#find-form").is_hidden()
    assert "The search needs JavaScript" in page.locator("main").inner_text()
    names = page.locator("#a-to-z ~ ul a").all_inner_texts()
    assert {LYNN, GEORGE, STOKE, PORT, WIGHT, AMBULANCE, NEW, GONE} <= set(names)
    assert len(names) == 9
    shown = page.locator(".pages-list").all_inner_texts()
    assert any("Prince's Lynn, ZE30 4ET, code ZCX" in text for text in shown)
    context.close()
