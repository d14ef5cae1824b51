"""The publication as somebody at a browser has it, opened from its folder: every kind of page, every way to look at it.

In headless Chromium, with `playwright` of the `dev` extra and the system's browser (`apt-get install chromium`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from shared_folders import SAMPLE_QUARTERS

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents
from dagster_project.publication.publish import current, read_contents
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

BEFORE, QUARTER = SAMPLE_QUARTERS[-2:]
PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def contents(six_quarters: DataFolder) -> Contents:
    wanted = [Quarter.from_canonical(quarter) for quarter in (BEFORE, QUARTER)]
    return read_contents(six_quarters, current(six_quarters, wanted))


def an_organisation(contents: Contents, table: str = "acute", rank: int = 3) -> str:
    """The code of an organisation with that rank, or the one before where ranks are shared."""
    rows = contents.newest.find("league_table", table_name=table)
    return str(next(row["organisation_code"] for row in rows if row["rank"] >= rank))


def kinds(contents: Contents) -> dict[str, str]:
    """An address of each kind of page."""
    newest = contents.newest
    code = an_organisation(contents)
    lies = newest.one("organisation", organisation_code=code) or {}
    metric = newest.find("metric_score", organisation_code=code)[0]
    return {
        "home": addresses.HOME,
        "home of a quarter": addresses.quarter_home(QUARTER),
        "league table": addresses.table(QUARTER, "acute"),
        "league table of boards": addresses.table(QUARTER, "icb"),
        "league table of the first quarter": addresses.table(BEFORE, "ambulance"),
        "organisation": addresses.organisation(QUARTER, code),
        "organisation of the first quarter": addresses.organisation(BEFORE, code),
        "board": addresses.organisation(QUARTER, an_organisation(contents, "icb")),
        "organisation in all quarters": addresses.organisation_in_all(code),
        "derivation": addresses.derivation(QUARTER, code),
        "metric": addresses.metric(QUARTER, metric["metric_id"]),
        "domain": addresses.domain(QUARTER, metric["domain"]),
        "region": addresses.region(QUARTER, lies["region"]),
        "area": addresses.icb_area(QUARTER, lies["icb_code"]),
        "find": addresses.FIND,
        "compare": addresses.COMPARE,
        "method": addresses.METHOD,
        "glossary": addresses.GLOSSARY,
        "assumptions": addresses.ASSUMPTIONS,
        "differences": addresses.DIFFERENCES,
        "quality": addresses.quality(QUARTER),
        "corrections": addresses.CORRECTIONS,
        "changes": addresses.CHANGES,
        "downloads": addresses.DOWNLOADS,
        "guide for programs": addresses.DATA_GUIDE,
    }


@contextmanager
def opened(browser: Any, folder: Path, address: str = addresses.HOME, **how: Any) -> Iterator[Any]:
    """A page opened from the disk; whatever it asks for elsewhere, and every error of a script, fails the test."""
    context = browser.new_context(**{"viewport": DESK, **how})
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(f"{request.url} isn't there"))
    path, _, query = address.partition("?")
    page.goto((folder / path).as_uri() + (f"?{query}" if query else ""))
    yield page
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert faults == []
    context.close()


def violations(page: Any) -> list[str]:
    """What axe-core finds, a line each: the rule and where."""
    from axe_playwright_python.sync_playwright import Axe

    # Without asking for style sheets again, which a page from a disk may not.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:150]}"
        for one in found
        for node in one["nodes"]
    ]


def overflow(page: Any) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


WAYS = {
    "desk": {"viewport": DESK},
    # 1280 pixels at a zoom of 400 % are 320.
    "phone, or zoomed to 400 %": {"viewport": PHONE},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "forced colours": {"viewport": DESK, "forced_colors": "active"},
    "more contrast": {"viewport": DESK, "contrast": "more"},
}


# Of kinds of which there is a shorter page too, the longest are looked at in ordinary colours alone.
LONGEST = {"league table", "organisation", "organisation of the first quarter"}


@pytest.mark.parametrize("way", WAYS)
def test_axe_finds_nothing_on_any_kind_of_page_and_none_scrolls_sideways(
    browser: Any, publication: Path, contents: Contents, way: str
) -> None:
    found = {}
    for kind, address in kinds(contents).items():
        if kind in LONGEST and WAYS[way].keys() != {"viewport"}:
            continue
        with opened(browser, publication, address, **WAYS[way]) as page:
            said = violations(page)
            if (wider := overflow(page)) > 0:
                said.append(f"{wider} pixels wider than its window")
            if said:
                found[kind] = said
    assert found == {}


def test_axe_and_the_width_are_able_to_find_something(browser: Any, publication: Path) -> None:
    added = """<img src="data:,"><p style="color: #bbbbbb; background: #ffffff">pale</p>
        <p style="width: 900px">wide</p>"""
    with opened(browser, publication, viewport=PHONE) as page:
        page.evaluate(
            "added => document.querySelector('main').insertAdjacentHTML('afterbegin', added)", added
        )
        said = " ".join(violations(page))
        assert "image-alt" in said
        assert "color-contrast" in said
        assert overflow(page) > 0


def names_shown(page: Any) -> list[str]:
    """The names in the league table's rows that can be seen, from the top."""
    shown = page.locator(
        "table tbody tr:visible th[scope=row] a, table tbody tr:visible td a[href*=organisations]"
    )
    return [text.strip() for text in shown.all_inner_texts()]


def test_a_league_table_is_sorted_and_filtered_by_the_keyboard_alone(
    browser: Any, publication: Path, contents: Contents
) -> None:
    with opened(browser, publication, addresses.table(QUARTER, "acute")) as page:
        all_names = names_shown(page)
        assert len(all_names) == len(contents.newest.find("league_table", table_name="acute"))
        button = (
            page.locator("th[aria-sort] button", has_text="Name")
            .or_(page.locator("th[aria-sort] button", has_text="Trust"))
            .first
        )
        button.focus()
        assert has_visible_focus(page)
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort=ascending]").count() == 1
        by_name = names_shown(page)
        assert by_name != all_names
        assert [name.casefold() for name in by_name] == sorted(name.casefold() for name in all_names)
        word = by_name[0].split()[0]
        page.locator("input[type=search]").first.focus()
        page.keyboard.type(word)
        page.wait_for_function(
            "document.querySelector('[aria-live], [role=status]').textContent.trim() !== ''"
        )
        assert 0 < len(names_shown(page)) < len(all_names)
        assert all(word.casefold() in name.casefold() for name in names_shown(page))


def has_visible_focus(page: Any) -> bool:
    """Whether the focused element looks other than without focus: an outline, a shadow, or another background."""
    look = """() => {
        const element = document.activeElement;
        const seen = () => {
            const style = getComputedStyle(element);
            return ['outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'backgroundColor', 'borderColor']
                .map((name) => style[name]).join();
        };
        const focused = seen();
        element.blur();
        const blurred = seen();
        element.focus();
        return focused !== blurred;
    }"""
    return bool(page.evaluate(look))


@pytest.mark.parametrize("kind", ["home", "league table", "organisation", "find", "compare", "derivation"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    browser: Any, publication: Path, contents: Contents, kind: str
) -> None:
    with opened(browser, publication, kinds(contents)[kind]) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#maincontent"
        unseen = []
        for _ in range(40):
            at = page.evaluate("document.activeElement.tagName")
            if at != "BODY" and not has_visible_focus(page):
                unseen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
            page.keyboard.press("Tab")
        assert unseen == []


def test_a_trust_is_found_opened_and_a_figure_followed_to_its_raw_line(
    browser: Any, publication: Path, contents: Contents
) -> None:
    code = an_organisation(contents)
    row = contents.newest.one("organisation", organisation_code=code) or {}
    with opened(browser, publication) as page:
        box = page.locator("form input[type=search], form input[name=q]").first
        box.fill(str(row["town"]).lower())
        box.press("Enter")
        page.locator(f"a[href$='organisations/{code}.html']").first.click()
        page.wait_for_load_state()
        if QUARTER not in page.url:
            page.locator(f"a[href*='{QUARTER}/organisations/{code}.html']").first.click()
            page.wait_for_load_state()
        assert row["organisation_name"] in page.locator("main").inner_text()
        assert_leads_to_a_raw_line(page, contents, code)


def assert_leads_to_a_raw_line(page: Any, contents: Contents, code: str) -> None:
    """Follows a metric's score: what comes into view says file, row and the line as it stands there."""
    score = page.locator(
        "a.figure:visible:has(data[data-cell*='metric_score'][data-cell$='|metric_score'])"
    ).first
    figure = score.get_attribute("href").partition("#")[2]
    score.click()
    page.wait_for_load_state()
    assert f"derivations/{code}.html" in page.url
    section = page.locator(f"[id='{figure}']")
    assert section.is_visible()
    names = {row["file_name"] for row in contents.newest.rows("extract")}
    said = page.locator("main").inner_text()
    assert any(name in said for name in names)
    lines = [line for line in page.locator("pre:visible").all_inner_texts() if f",{figure}," in line]
    assert [line for line in lines if f",{code}," in line], lines


def test_without_scripts_everything_is_there(browser: Any, publication: Path, contents: Contents) -> None:
    code = an_organisation(contents)
    off = {"java_script_enabled": False}
    with opened(browser, publication, addresses.table(QUARTER, "acute"), **off) as page:
        assert len(names_shown(page)) == len(contents.newest.find("league_table", table_name="acute"))
    with opened(browser, publication, addresses.FIND, **off) as page:
        listed = page.locator("main a[href*='organisations/']:visible").count()
        assert listed >= len(contents.newest.places)
    with opened(browser, publication, addresses.COMPARE, **off) as page:
        page.locator("main details summary").first.click()
        page.locator("main details[open] a:visible").first.click()
        page.wait_for_load_state()
        assert page.locator("table:visible").count() > 0
    with opened(browser, publication, addresses.organisation(QUARTER, code), **off) as page:
        assert_leads_to_a_raw_line(page, contents, code)


def test_organisations_are_compared_by_the_address(
    browser: Any, publication: Path, contents: Contents
) -> None:
    codes = [an_organisation(contents, rank=rank) for rank in (1, 5, 9)]
    query = "&".join(f"{name}={code}" for name, code in zip("abc", codes, strict=True))
    with opened(browser, publication, f"{addresses.COMPARE}?{query}") as page:
        said = page.locator("main").inner_text()
        for code in codes:
            row = contents.newest.places[code]
            assert row["organisation_name"] in said
            assert str(row["average_metric_score"]) in said
        assert violations(page) == []


def test_printed_pages_have_no_navigation_and_say_what_they_are(
    browser: Any, publication: Path, contents: Contents
) -> None:
    for kind in ("league table", "organisation", "derivation"):
        with opened(browser, publication, kinds(contents)[kind]) as page:
            page.emulate_media(media="print")
            assert page.locator("nav:visible").count() == 0
            assert page.get_by_text(contents.notice).first.is_visible()
            assert page.pdf().startswith(b"%PDF")
