"""The publication of NHS England's own files: the pages of trusts that the news named, and what every page says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from league_command import league
from published_truth import GATES, Page, Truth, dead_links, read_pages, text_of

from dagster_project.notices import OFFICIAL_NOTICE
from dagster_project.publication import addresses
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
# As NHS England published it and newspapers reported: table, place, of how many.
NAMED = {
    "RCX": ("The Queen Elizabeth Hospital, King's Lynn", "acute", 134, 134),
    "RP6": ("Moorfields Eye Hospital", "acute", 1, 134),
    "RAN": ("Royal National Orthopaedic Hospital", "acute", 2, 134),
    "RBV": ("The Christie", "acute", 3, 134),
    "RLY": ("North Staffordshire Combined Healthcare", "non_acute", 1, 61),
    "RYW": ("Birmingham Community Healthcare", "non_acute", 61, 61),
}


@pytest.fixture(scope="session")
def official_publication(made_once: Callable[..., Path], both_quarters: DataFolder) -> Path:
    def build(folder: Path) -> None:
        ended = league("publish", "--to", folder, data=both_quarters)
        assert ended.code == 0, ended.err

    return made_once("official-publication", build)


@pytest.fixture(scope="module")
def pages(official_publication: Path) -> dict[str, Page]:
    return read_pages(official_publication)


@pytest.mark.parametrize("code", NAMED)
def test_a_trust_that_the_news_named_has_its_place_on_its_page_and_in_its_table(
    pages: dict[str, Page], code: str
) -> None:
    name, table, rank, size = NAMED[code]
    said = text_of(pages[addresses.organisation(QUARTER, code)].root)
    assert f"{name} ranks {rank} of {size}" in said
    page = pages[addresses.table(QUARTER, table)]
    (row,) = [one for one in page.root.iter("tr") if f"organisations/{code}.html" in str(_links_of(one))]
    assert text_of(row).split()[0] == str(rank)


def _links_of(row: object) -> list[str]:
    return [link.get("href", "") for link in row.iter("a")]  # type: ignore[attr-defined]


def test_every_page_is_valid_is_true_and_says_that_it_is_unofficial(
    pages: dict[str, Page], official_publication: Path, both_quarters: DataFolder
) -> None:
    record = json.loads((official_publication / "publication.json").read_text(encoding="utf-8"))
    truth = Truth(both_quarters, record["releases"])
    # Pages of a kind are made alike: all but those of organisations, and of these the named ones.
    looked_at = [
        page
        for path, page in pages.items()
        if not {"organisations", "derivations"} & set(Path(path).parts) or Path(path).stem in NAMED
    ]
    assert len(looked_at) > 100
    assert [fault for page in looked_at for gate in GATES.values() for fault in gate(page, truth)] == []
    assert [path for path, page in pages.items() if OFFICIAL_NOTICE not in text_of(page.root)] == []


def test_no_link_is_dead(pages: dict[str, Page], official_publication: Path) -> None:
    files = {
        file.relative_to(official_publication).as_posix()
        for file in official_publication.rglob("*")
        if file.is_file()
    }
    assert list(dead_links(pages, files)) == []
