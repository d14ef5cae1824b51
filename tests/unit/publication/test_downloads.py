"""The downloads page and the guide for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from published_quarters import FIRST, SECOND, small_contents

from dagster_project.publication import addresses, data_files, workbooks
from dagster_project.publication.contents import Contents
from dagster_project.publication.pages import downloads

PAGES = (addresses.DOWNLOADS, addresses.DATA_GUIDE)


@pytest.fixture
def published(tmp_path: Path) -> tuple[Contents, dict[str, bytes]]:
    """Contents with the sizes of what data files and workbooks there are, and those files with the pages."""
    contents = small_contents(tmp_path)
    produced = [
        one
        for quarter in contents.quarters
        for part in (data_files.of_quarter, workbooks.of_quarter)
        for one in part(quarter)
    ]
    files = {one.path: one.content for one in produced}
    for name in ("ranks-acute", "values-OF0010-acute"):
        files[addresses.chart(SECOND, name)] = b"<svg/>"
    contents = replace(contents, sizes={path: len(content) for path, content in files.items()})
    files |= {one.path: one.content for one in (*data_files.of_all(contents), *downloads.of_all(contents))}
    return contents, files


def parsed(page: bytes) -> html5lib.treebuilders.etree.etree.Element:
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.decode())


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (14_400, "14 kB"), (1_200_000, "1.2 MB")],
)
def test_sizes_are_said_in_words(count: int, said: str) -> None:
    # Number and unit stay in one line.
    assert downloads.size_in_words(count) == said.replace(" ", "\N{NO-BREAK SPACE}")


def test_each_download_is_there_with_its_own_size(
    published: tuple[Contents, dict[str, bytes]],
) -> None:
    _, files = published
    page = parsed(files[addresses.DOWNLOADS])
    found = 0
    for row in [*page.iter("tr"), *page.iter("li")]:
        sizes = [one.text for one in row.findall('.//span[@data-derived="bytes"]')]
        for link, size in zip(row.iter("a"), sizes, strict=False):
            path = addresses.resolved(addresses.DOWNLOADS, link.get("href"))
            assert size == downloads.size_in_words(len(files[path])), path
            found += 1
    # Two quarters' workbook, package, tables and JSON, every table of the newest, and two charts.
    assert found == 2 * 5 + 30 + 2


def test_charts_are_named_in_words(published: tuple[Contents, dict[str, bytes]]) -> None:
    _, files = published
    found = {"".join(link.itertext()) for link in parsed(files[addresses.DOWNLOADS]).iter("a")}
    assert "Ranks: Acute trusts, SVG picture" in found
    assert "Values: Urgent referrals with cancer ruled out within 28 days, Acute trusts, SVG picture" in found


def test_links_to_data_lead_to_files(published: tuple[Contents, dict[str, bytes]]) -> None:
    _, files = published
    for name in PAGES:
        for link in parsed(files[name]).iter("a"):
            path, _, _ = addresses.resolved(name, link.get("href")).partition("#")
            if path.startswith("data/") or "/workbooks/" in path:
                assert path in files, (name, path)


def test_pages_are_valid_and_hold_the_newest_data_set(
    published: tuple[Contents, dict[str, bytes]],
) -> None:
    contents, files = published
    for name in PAGES:
        page = parsed(files[name])
        (block,) = [one for one in page.iter("script") if one.get("type") == "application/ld+json"]
        assert json.loads(block.text)["version"] == contents.newest.release_id
        assert len(list(page.iter("h1"))) == 1
        assert "style=" not in files[name].decode()
        assert len(files[name]) < 150_000


def test_the_guide_lists_every_field_of_the_organisation_file(
    published: tuple[Contents, dict[str, bytes]],
) -> None:
    _, files = published
    codes = {one.text for one in parsed(files[addresses.DATA_GUIDE]).iter("code")}
    value = json.loads(files[addresses.organisation_json(SECOND, "ZA1")])
    fields = {name for rows in value["figures"].values() for row in rows for name in row}
    assert fields - {"derivations"} <= codes
    assert {"latest.json", "derivations", "derivation_page"} <= codes


def test_a_quarter_whose_files_arent_here_says_so(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    page = next(one for one in downloads.of_all(contents) if one.path == addresses.DOWNLOADS)
    assert page.content.decode().count("There are no files of this quarter here.") == 2
    assert FIRST in page.content.decode()
