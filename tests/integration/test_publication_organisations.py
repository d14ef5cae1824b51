"""The pages of organisations over a released sample: their sentences, figures and the comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from published_quarters import HOSTILE, small_contents

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents
from dagster_project.publication.frontend import address_of, assets
from dagster_project.publication.pages import compare, organisation
from dagster_project.publication.publish import current, read_contents
from dagster_project.publication.rendering import Produced
from dagster_project.publication.usual_comparisons import usual_comparisons
from dagster_project.quarters import Quarter
from dagster_project.reading.board_page import board_page
from dagster_project.reading.board_rows import sentences
from dagster_project.settings import DataFolder


@pytest.fixture(scope="module")
def contents(second_release: DataFolder) -> Contents:
    return read_contents(second_release, current(second_release))


def test_the_sentences_found_by_keys_are_those_that_the_queries_give(
    contents: Contents, second_release: DataFolder
) -> None:
    """One wording, asked in two ways: the page of one organisation by SQL, those of all by indexes."""
    quarter = contents.newest
    for code, place in list(quarter.places.items())[::3]:
        page = board_page(second_release, code, Quarter.from_canonical(quarter.quarter))
        assert sentences(quarter, place) == {part.heading: part.sentence for part in page.parts}


@pytest.fixture
def comparing(tmp_path: Path) -> tuple[Contents, str]:
    """The page that compares, with its scripts, and its address on the disk."""
    contents = small_contents(tmp_path / "release", names={"ZA3": HOSTILE})
    shared = (Produced(address_of(name), content) for name, content in assets().items())
    for one in (*compare.of_all(contents), *shared):
        file = tmp_path / "site" / one.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(one.content)
    return contents, (tmp_path / "site" / addresses.COMPARE).as_uri()


def test_whom_the_address_names_stand_side_by_side_as_the_page_without_script_has_them(
    comparing: tuple[Contents, str], browser: Any
) -> None:
    contents, address = comparing
    (usual,) = (one for one in usual_comparisons(contents) if "London" in one.title)
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    cells = """() => [...document.querySelectorAll('.org-compare td, .org-compare tbody th')].map(
        cell => [cell.textContent.replace(/\\s+/g, ' ').trim(),
                 ...[...cell.querySelectorAll('data')].map(one => one.dataset.cell + '=' + one.value),
                 ...[...cell.querySelectorAll('a')].map(one => one.href)])"""
    page.goto(f"{address}?{addresses.comparison(*usual.codes).partition('?')[2]}")
    by_script = page.evaluate(cells)
    assert "None of them can be told apart" in page.inner_text("#compared")
    page.goto(address.replace(addresses.COMPARE, usual.address))
    without_script = page.evaluate(cells)
    assert by_script == without_script
    assert len(by_script) > 30
    page.close()
    assert not faults


def test_two_are_chosen_with_the_keyboard_and_then_stand_in_the_address(
    comparing: tuple[Contents, str], browser: Any
) -> None:
    _, address = comparing
    page = browser.new_page()
    page.goto(address)
    page.focus("#choose-a")
    page.keyboard.type("hospital 5")
    page.keyboard.press("Tab")
    page.keyboard.type("nobody at all")
    page.keyboard.press("Enter")
    assert '"nobody at all" isn\'t one name only.' in page.inner_text("#said")
    assert page.evaluate("document.activeElement.id") == "choose-b"
    assert page.get_attribute("#choose-b", "aria-invalid") == "true"
    assert page.get_attribute("#choose-b", "aria-describedby") == "choose-hint said"
    assert page.get_attribute("#choose-a", "aria-invalid") is None
    page.fill("#choose-b", "")
    page.keyboard.press("Enter")
    assert page.inner_text("#said") == "Choose at least two."
    assert page.get_attribute("#choose-b", "aria-describedby") == "choose-hint said"
    page.fill("#choose-b", "za2")
    page.keyboard.press("Enter")
    page.wait_for_url("**?a=ZA5&b=ZA2")
    assert "stands before Hospital 5 of Nowhere NHS Trust by more than chance can do" in page.inner_text(
        "#compared"
    )
    assert page.locator("[aria-invalid]").count() == 0
    page.close()


def test_of_different_league_tables_nothing_is_compared_that_says_something_within_one_only(
    comparing: tuple[Contents, str], browser: Any
) -> None:
    _, address = comparing
    page = browser.new_page()
    page.goto(f"{address}?a=ZA1&b=ZB1&c=ZA2&d=%3Cb%3E")
    assert "No place in the newest league tables has: <b>." in page.inner_text("#said")
    assert (
        "different league tables, so their places, segments and averages can't be compared"
        in page.inner_text("#compared")
    )
    lines = page.locator(".org-compare tbody th[scope=row]").all_inner_texts()
    assert "Held back by a deficit" in lines
    for within in ("Place", "Could be anywhere", "Can't be told apart", "Segment", "Average score", "Access"):
        assert not [line for line in lines if line.startswith(within)], within
    page.goto(f"{address}?a=ZA1&b=ZA2")
    lines = page.locator(".org-compare tbody th[scope=row]").all_inner_texts()
    assert lines[:2] == ["Place", "Could be anywhere"]
    assert any(line.startswith("Segment") for line in lines)
    page.close()


def test_an_address_may_have_small_letters_and_name_one_alone(
    comparing: tuple[Contents, str], browser: Any
) -> None:
    _, address = comparing
    page = browser.new_page()
    page.goto(f"{address}?a=za1&b=%20Za2")
    assert page.inner_text("#said") == ""
    assert page.locator(".org-compare thead a").count() == 2
    page.goto(f"{address}?a=za1")
    assert page.inner_text("#said") == "Choose at least one more to compare it with."
    assert "(ZA1)" in page.input_value("#choose-a")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.close()


def test_on_a_phone_the_figures_of_a_metric_stand_beside_their_names(
    comparing: tuple[Contents, str], browser: Any, tmp_path: Path
) -> None:
    contents, _ = comparing
    path = addresses.organisation(contents.newest.quarter, "ZA1")
    (whole,) = (one for one in organisation.of_quarter(contents.newest) if one.path == path)
    (tmp_path / "site" / path).parent.mkdir(parents=True)
    (tmp_path / "site" / path).write_bytes(whole.content)
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto((tmp_path / "site" / path).as_uri())
    cells = page.evaluate("""() => [...document.querySelectorAll('.org-metrics td')].map(cell => {
        const name = getComputedStyle(cell, '::before');
        return [name.content, parseFloat(getComputedStyle(cell).paddingLeft) + parseFloat(name.marginLeft)]})""")
    page.close()
    assert {name for name, _ in cells} >= {'"Value"', '"Score"'}
    assert all(start >= 0 for _, start in cells)
