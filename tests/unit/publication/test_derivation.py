"""Derivations of releases that can't be recomputed, and what leads to them."""

from __future__ import annotations

from pathlib import Path

from published_quarters import FIRST, HOSTILE, small_contents
from published_truth import Page, text_of

from dagster_project.publication.figures import figure_of
from dagster_project.publication.pages import derivation


def pages(tmp_path: Path, **made: object) -> dict[str, Page]:
    contents = small_contents(tmp_path, **made)  # type: ignore[arg-type]
    produced = [one for quarter in contents.quarters for one in derivation.of_quarter(quarter)]
    return {one.path: Page.parsed(one.path, one.content.decode()) for one in produced}


def test_a_release_from_before_its_rules_were_released_says_so(tmp_path: Path) -> None:
    found = pages(tmp_path)
    assert len(found) == 8 + 9
    for page in found.values():
        assert "made before releases carried every term of their rules" in text_of(page.root)
        assert page.objections == ()


def test_every_figure_of_a_row_has_its_place_there(tmp_path: Path) -> None:
    found = pages(tmp_path)
    contents = small_contents(tmp_path / "again")
    for quarter in contents.quarters:
        for table in ("league_table", "metric_score", "domain_score", "metric_ranking", "movement_total"):
            for row in quarter.rows(table):
                page = found[f"{quarter.quarter}/derivations/{row['organisation_code']}.html"]
                wanted = {figure_of(table, row, column) for column in row} - {None}
                assert wanted <= set(page.ids), (page.path, table)


def test_an_organisation_without_a_place_has_its_metrics(tmp_path: Path) -> None:
    page = pages(tmp_path)[f"{FIRST}/derivations/ZA8.html"]
    assert "League-table rank: none" in text_of(page.root)
    assert "OF1010" in page.ids
    assert "No likely range was drawn for it" in text_of(page.root)


def test_a_hostile_name_is_only_text(tmp_path: Path) -> None:
    page = pages(tmp_path, names={"ZA3": HOSTILE})[f"{FIRST}/derivations/ZA3.html"]
    assert not [one for one in page.root.iter("script") if one.get("src") is None]
    assert "<script>alert" in text_of(page.root)
    assert "\u202e" not in "".join(page.root.itertext())
