"""`league fetch`: a whole quarter from a publisher's index page to the archive, and what it says when it can't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest
import yaml
from fictional_statistics import ae_file, ae_line
from league_command import league
from local_publisher import (
    CHALLENGE,
    LocalPublisher,
    Reply,
    catalogue_of,
    hasty,
    local_publisher,
    source_at,
)

from dagster_project.archive.archive import Archive, sha256_of
from dagster_project.catalogue.catalogue import CATALOGUE, Source, load_catalogue
from dagster_project.errors import InputMissing, LeagueError, Locked
from dagster_project.extracts.load import load_archived
from dagster_project.fetch.discover import discover, fingerprint
from dagster_project.fetch.publisher import Publisher
from dagster_project.fetch.quarter import fetch_quarter
from dagster_project.quarters import Quarter
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

Q1, Q2 = Quarter(2025, 1), Quarter(2025, 2)
INDEX = "/nhs-oversight-framework/segmentation-and-league-tables/"
AE_JUNE = b"Period,Org Code\r\nMSitAE-JUNE-2025,Z01\r\n"
AE_MAY = b"Period,Org Code\r\nMSitAE-MAY-2025,Z01\r\n"


@pytest.fixture
def site() -> Iterator[LocalPublisher]:
    with local_publisher() as publisher:
        yield publisher


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture(scope="module")
def first_files(sample_extracts: Path) -> dict[Quarter, list[Path]]:
    """The sample's files of two quarters."""
    return {quarter: sorted((sample_extracts / str(quarter)).iterdir()) for quarter in (Q1, Q2)}


def uploaded(site: LocalPublisher, files: list[Path], folder: str) -> dict[str, str]:
    """Puts files where the publisher would; gives the links of its page, address to words."""
    links = {}
    for path in files:
        address = f"/wp-content/uploads/{folder}/{path.name}"
        site.put(address, path.read_bytes())
        links[address] = path.stem.replace("-", " ").capitalize() + " (CSV)"
    return links


def framework_sources(site: LocalPublisher) -> list[Source]:
    """The bundled entries of the framework's files, with the local publisher's page."""
    page = {"index_pages": [{"address": site.address + INDEX, "checked": True}], "hosts": ["127.0.0.1"]}
    bundled = load_catalogue().sources
    return [
        Source.model_validate(bundled[name].model_dump() | page) for name in ("nof_data", "nof_league_table")
    ]


def fetch(site: LocalPublisher, data: DataFolder, *sources: Source, quarter: Quarter = Q1) -> dict[str, Any]:
    chosen = sources or tuple(framework_sources(site))
    return fetch_quarter(quarter, data, catalogue=catalogue_of(*chosen), patience=hasty())


def outcomes(result: dict[str, Any]) -> dict[str, str]:
    return {
        file.get("file") or file["url"].rsplit("/", 1)[-1]: file["outcome"]
        for source in result["sources"]
        for file in source["files"]
    }


def test_a_whole_quarter_comes_from_the_index_page_into_the_archive_as_a_run_needs_it(
    site: LocalPublisher, data: DataFolder, first_files: dict[Quarter, list[Path]], tmp_path: Path
) -> None:
    site.put_page(INDEX, uploaded(site, first_files[Q1], "2025/09") | {"/about.html": "About"})
    ours = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    sources = {
        source.name: source.model_dump(mode="json", exclude={"name"}) for source in framework_sources(site)
    }
    catalogue = tmp_path / "catalogue.yml"
    catalogue.write_text(yaml.safe_dump(ours | {"sources": sources, "seconds_between_requests": 0}))

    ended = league("fetch", "2025-26-Q1", "--catalogue", catalogue, "--json", data=data)
    assert ended.code == 0, ended.err
    assert dict.fromkeys((path.name for path in first_files[Q1]), "fetched") == outcomes(ended.answer)
    assert [source["found"] for source in ended.answer["sources"]] == [3, 3]

    loaded = load_archived(Archive(data.archive), is_sample=True)
    assert loaded.tables() == {"2025-26-Q1": ["acute", "ambulance", "non_acute"]}
    assert set(loaded.extract["extract_id"]) == {sha256_of(path.read_bytes()) for path in first_files[Q1]}

    again = league("fetch", "2025-26-Q1", "--catalogue", catalogue, data=data)
    assert again.code == 0, again.err
    assert "0 fetched, 6 unchanged, 0 failed" in again.out
    assert "Next: league run 2025-26-Q1" in again.out
    assert len(Archive(data.archive).sightings()) == 6


def test_a_file_whose_link_does_not_say_the_quarter_is_placed_by_its_content(
    site: LocalPublisher, data: DataFolder, first_files: dict[Quarter, list[Path]]
) -> None:
    links = uploaded(site, [path for path in first_files[Q2] if "ambulance" in path.name], "2025/12")
    site.put_page(INDEX, links)
    result = fetch(site, data)
    # Data files are cumulative: that of the second quarter covers the first as well.
    assert outcomes(result) == {
        "nhs-oversight-framework-ambulance-trust-data-q2.csv": "fetched",
        "nhs-oversight-framework-ambulance-trust-league-table-q2.csv": "other_quarter",
    }
    assert result["exit_code"] == 0


def test_a_reissue_and_changed_bytes_at_one_address_are_new_vintages(
    site: LocalPublisher, data: DataFolder, first_files: dict[Quarter, list[Path]]
) -> None:
    (league_table,) = (path for path in first_files[Q1] if "ambulance-trust-league" in path.name)
    (data_file,) = (path for path in first_files[Q1] if "ambulance-trust-data" in path.name)
    links = uploaded(site, [league_table, data_file], "2025/09")
    site.put_page(INDEX, links)
    fetch(site, data)
    changed = data_file.read_bytes().replace(b"\r\n", b" \r\n", 2)
    site.put(next(link for link in links if link.endswith("-data.csv")), changed)
    reissued = league_table.read_bytes().replace(b"\r\n", b" \r\n", 2)
    site.put("/wp-content/uploads/2025/10/ambulance-nhs-oversight-framework-league-table-v2.csv", reissued)
    site.put_page(
        INDEX,
        links | {"/wp-content/uploads/2025/10/ambulance-nhs-oversight-framework-league-table-v2.csv": "v2"},
    )
    result = fetch(site, data)
    assert (result["fetched"], result["unchanged"]) == (2, 1)
    old_data, old_table, new_data, new_table = Archive(data.archive).sightings()
    assert (new_data.supersedes, new_data.release_state) == (old_data.extract_id, "revised")
    assert (new_table.supersedes, new_table.release_state) == (old_table.extract_id, "revised")
    assert Archive(data.archive).read(old_data.extract_id) == data_file.read_bytes()


def test_pages_of_financial_years_are_entered_for_the_quarter_that_is_wanted(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put_page(
        "/ae/", {f"/ae-20{year}-{year + 1}/": f"A&amp;E 20{year}-{year + 1}" for year in range(20, 27)}
    )
    site.put_page(
        "/ae-2025-26/",
        {
            "/up/attendances-9jfy4.csv": "June 2025",
            "/up/attendances-May.csv": "May 2025 (published on 12 June 2025)",
            "/up/attendances-July-2025.csv": "July",
            "/up/other.csv": "June 2025",
        },
    )
    site.put("/up/attendances-9jfy4.csv", AE_JUNE)
    site.put("/up/attendances-May.csv", AE_MAY)
    source = source_at(f"{site.address}/ae/", year_pages={"href": r"/ae-20\d\d-\d\d/"})
    assert outcomes(fetch(site, data, source)) == {
        "attendances-9jfy4.csv": "fetched",
        "attendances-May.csv": "fetched",
    }
    assert [len(site.asked(f"/ae-20{year}-{year + 1}/")) for year in (24, 25, 26)] == [0, 1, 0]
    with Publisher(seconds_between_requests=0, patience=hasty()) as publisher:
        site.put_page("/ae-2026-27/", {"/up/attendances-April-2026.csv": "April 2026"})
        found = discover(source, publisher)
    assert [(each.link_text, str(each.quarter)) for each in found][-2:] == [
        ("July", "2025-26-Q2"),
        ("April 2026", "2026-27-Q1"),
    ]


def test_the_fingerprint_of_links_changes_when_a_file_is_added_or_renamed_and_only_then(
    site: LocalPublisher,
) -> None:
    def of_page(links: dict[str, str]) -> str:
        source = source_at(site.put_page("/index", links))
        with Publisher(seconds_between_requests=0, patience=hasty()) as publisher:
            return fingerprint(discover(source, publisher))

    june, may = {"/attendances-June-2025.csv": "June"}, {"/attendances-May-2025.csv": "May"}
    first = of_page(june)
    assert of_page({"/news": "News"} | june) == first
    assert of_page(june | may) == of_page(may | june) != first
    assert of_page({"/attendances-June-2025.csv": "June (revised)"}) != first


def test_failures_are_listed_and_the_other_files_are_fetched_all_the_same(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put_page("/index", {f"/attendances-{month}-2025.csv": month for month in ("April", "May", "June")})
    site.put("/attendances-May-2025.csv", Reply(b"sorry", status=500))
    site.put("/attendances-June-2025.csv", AE_JUNE)
    result = fetch(site, data, source_at(f"{site.address}/index"))
    assert list(outcomes(result).values()) == ["failed", "failed", "fetched"]
    assert result["exit_code"] == 3
    assert "HTTP 404" in result["message"]
    assert "after 3 attempts found HTTP 500" in result["message"]


def test_rejected_bytes_end_with_exit_code_4(site: LocalPublisher, data: DataFolder) -> None:
    site.put_page("/index", {f"/attendances-{month}-2025.csv": month for month in ("May", "June")})
    site.put("/attendances-May-2025.csv", CHALLENGE)
    site.put("/attendances-June-2025.csv", Reply(status=404))
    result = fetch(site, data, source_at(f"{site.address}/index"))
    assert result["exit_code"] == 4
    assert "found a web page" in result["message"]
    assert not data.archive.exists() or not list(data.archive.iterdir())


def test_a_quarter_of_which_there_is_nothing_ends_with_exit_code_3_and_says_what_there_is(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put_page("/index", {"/attendances-July-2025.csv": "July", "/news": "News"}, title="Attendances")
    result = fetch(site, data, source_at(f"{site.address}/index"))
    assert result["exit_code"] == 3
    assert (
        "no link looks like a file for 2025-26-Q1 among 2 links of 1 pages ('Attendances')"
        in result["message"]
    )
    assert "files of 2025-26-Q2" in result["message"]


def test_a_challenge_instead_of_the_index_page_is_nothing_found_with_its_title(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put("/index", Reply(CHALLENGE, headers={"Content-Type": "text/html"}))
    result = fetch(site, data, source_at(f"{site.address}/index"))
    assert (result["exit_code"], "'Just a moment...'" in result["message"]) == (3, True)


def test_offline_is_missing_input_that_says_what_to_do(data: DataFolder) -> None:
    with local_publisher() as gone:
        address = gone.address
    with pytest.raises(InputMissing, match=r"No publisher answers.*--extracts DIR"):
        fetch_quarter(Q1, data, catalogue=catalogue_of(source_at(f"{address}/index")), patience=hasty())


def test_a_fetch_waits_for_no_run_and_says_who_is_writing(site: LocalPublisher, data: DataFolder) -> None:
    site.put_page("/index", {})
    with writer_lock(data, "the-run"), pytest.raises(Locked, match="the-run"):
        fetch(site, data, source_at(f"{site.address}/index"))


def test_while_a_publisher_is_slow_a_run_may_write_and_a_file_waits_for_it_to_end(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put_page("/index", {"/attendances-June-2025.csv": "June"})
    site.put("/attendances-June-2025.csv", Reply(AE_JUNE, stall=0.3))
    results: list[dict[str, Any]] = []
    source = source_at(f"{site.address}/index")
    slow = Thread(target=lambda: results.append(fetch(site, data, source)))
    slow.start()
    while not site.asked("/attendances-June-2025.csv"):
        sleep(0.01)
    with writer_lock(data, "the-run"):
        # What a run does first: it clears away what nobody writes any more.
        Archive(data.archive).clean()
        sleep(0.6)
        assert Archive(data.archive).sightings() == []
    slow.join(20)
    assert results[0]["fetched"] == 1
    assert len(Archive(data.archive).sightings()) == 1


def test_a_run_that_does_not_end_is_not_waited_for_without_end(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put_page("/index", {"/attendances-June-2025.csv": "June"})
    site.put("/attendances-June-2025.csv", Reply(AE_JUNE, stall=0.3))
    ended: list[LeagueError] = []

    def slow() -> None:
        try:
            source = source_at(f"{site.address}/index")
            fetch_quarter(Q1, data, catalogue=catalogue_of(source), patience=hasty(for_lock=0.0))
        except LeagueError as error:
            ended.append(error)

    thread = Thread(target=slow)
    thread.start()
    while not site.asked("/attendances-June-2025.csv"):
        sleep(0.01)
    with writer_lock(data, "the-run"):
        thread.join(20)
    assert isinstance(ended[0], Locked)
    assert not [path for path in data.archive.rglob("*") if path.is_file()]


def test_two_fetches_at_once_archive_each_file_once(site: LocalPublisher, data: DataFolder) -> None:
    site.put_page("/index", {"/attendances-June-2025.csv": "June", "/attendances-May-2025.csv": "May"})
    for month, raw in (("June", AE_JUNE), ("May", AE_MAY)):
        site.put(f"/attendances-{month}-2025.csv", Reply(raw, stall=0.2))
    results: list[dict[str, Any]] = []
    source = source_at(f"{site.address}/index")
    both = [Thread(target=lambda: results.append(fetch(site, data, source))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert [result["exit_code"] for result in results] == [0, 0]
    assert sum(result["fetched"] for result in results) == 2
    assert len(Archive(data.archive).sightings()) == 2


def test_a_source_whose_robots_txt_asks_for_a_day_is_refused_and_the_others_are_fetched(
    site: LocalPublisher, data: DataFolder
) -> None:
    with local_publisher() as strict:
        strict.put("/robots.txt", b"User-agent: *\nCrawl-delay: 86400\n")
        strict.put_page("/index", {"/attendances-June-2025.csv": "June"})
        site.put("/robots.txt", b"User-agent: *\nCrawl-delay: soon\n")
        site.put_page("/index", {"/attendances-June-2025.csv": "June"})
        site.put("/attendances-June-2025.csv", AE_JUNE)
        sources = [
            source_at(f"{strict.address}/index", name="strict"),
            source_at(f"{site.address}/index", name="open"),
        ]
        result = fetch(site, data, *sources)
        assert (result["exit_code"], result["fetched"]) == (3, 1)
        assert "86400 seconds asked for" in result["message"]
        assert "'Crawl-delay: soon' can't be read" in result["notes"][0]
        assert strict.asked("/index") == []


def test_a_half_year_file_is_found_by_its_range_and_a_new_year_by_the_words_of_its_link(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put_page(
        "/stats/",
        {
            "/up/attendances-1.csv": "2025-26 Oct &#8211; Mar Monthly Combined CSV",
            "/up/attendances-2.csv": "2025-26 Apr &#8211; Sep Monthly Combined CSV",
            "/stats/next/": "2026-27 Monthly statistics",
            "/elsewhere/": "2026-27 priorities",
            "http://localhost:1/stats/2026-27/": "2026-27 Monthly statistics",
        },
    )
    site.put_page("/stats/next/", {"/stats/deeper/": "2026/27, all months", "/stats/next/": "2026-27"})
    site.put_page("/stats/deeper/", {"/up/attendances-3.csv": "April 2026", "/stats/deepest/": "2026-27"})
    for number in (1, 2, 3):
        site.put(f"/up/attendances-{number}.csv", AE_JUNE)
    source = source_at(f"{site.address}/stats/")
    found = {
        str(quarter): list(outcomes(fetch(site, data, source, quarter=quarter)))
        for quarter in (Q1, Q2, Quarter(2025, 3), Quarter(2025, 4), Quarter(2026, 1))
    }
    assert found == {
        "2025-26-Q1": ["attendances-2.csv"],
        "2025-26-Q2": ["attendances-2.csv"],
        "2025-26-Q3": ["attendances-1.csv"],
        "2025-26-Q4": ["attendances-1.csv"],
        "2026-27-Q1": ["attendances-3.csv"],
    }
    assert site.asked("/elsewhere/") == site.asked("/stats/deepest/") == []


def test_a_file_whose_rows_are_of_other_months_than_its_link_says_is_told(
    site: LocalPublisher, data: DataFolder
) -> None:
    site.put_page("/index", {"/attendances-1.csv": "April to June 2025", "/attendances-2.csv": "June 2025"})
    for number in (1, 2):
        site.put(f"/attendances-{number}.csv", ae_file(ae_line("Z04"), ae_line(f"Z0{number}")))
    source = source_at(f"{site.address}/index", reader="ae_attendances")
    (item,) = fetch(site, data, source)["sources"]
    assert [file["note"] for file in item["files"]] == [
        "the link says 2025-04 to 2025-06, its rows are of 2025-06",
        None,
    ]


def test_a_manifest_from_before_fetching_is_still_read(
    site: LocalPublisher, data: DataFolder, first_files: dict[Quarter, list[Path]]
) -> None:
    site.put_page(INDEX, uploaded(site, first_files[Q1][:1], "2025/09"))
    fetch(site, data)
    archive = Archive(data.archive)
    (row,) = map(json.loads, archive.manifest.read_text(encoding="utf-8").splitlines())
    for column in ("found_on", "link_text", "etag", "last_modified", "content_type"):
        del row[column]
    archive.manifest.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (seen,) = archive.sightings()
    assert (seen.extract_id, seen.etag) == (row["extract_id"], "")


def test_an_unknown_source_or_quarter_is_wrong_usage(data: DataFolder) -> None:
    assert league("fetch", "2025-26-Q1", "--source", "x", data=data).code == 2
    assert league("fetch", "Q1 2025", data=data).code == 2
    assert not data.root.exists()
