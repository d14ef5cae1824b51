"""Downloads from a publisher that misbehaves in every way: what is kept is whole, what fails leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from local_publisher import CHALLENGE, LocalPublisher, Reply, hasty, local_publisher, source_at

from dagster_project.archive.archive import Archive, sha256_of
from dagster_project.catalogue.catalogue import Source
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.fetch.discover import Found, discover
from dagster_project.fetch.download import Downloaded, download, file_name_of, release_state
from dagster_project.fetch.publisher import Answer, Publisher, Unreachable
from dagster_project.fetch.retry import Patience

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
JUNE = b"Period,Code,Attendances\r\nJune 2025,Z01,100\r\n"
JUNE_REVISED = b"Period,Code,Attendances\r\nJune 2025,Z01,101\r\n"
# A stall is longer than the patience of its tests; a busy machine's answer is shorter.
STALL, STALLED = 0.8, 0.3
PATH = "/uploads/2025/07/attendances-June-2025.csv"


@pytest.fixture
def site() -> Iterator[LocalPublisher]:
    with local_publisher() as publisher:
        yield publisher


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive", clock=lambda: NOON)


def fetch(
    site: LocalPublisher,
    archive: Archive,
    path: str = PATH,
    *,
    patience: Patience | None = None,
    **source: Any,
) -> Downloaded:
    """Finds the one file behind a link to `path` and downloads it."""
    site.put_page("/index", {path: "Attendances"})
    with Publisher(seconds_between_requests=0, patience=patience or hasty()) as publisher:
        at: Source = source_at(f"{site.address}/index", **source)
        (found,) = discover(at, publisher)
        return download(found, at, archive, publisher)


def assert_nothing_kept(archive: Archive) -> None:
    assert archive.sightings() == []
    assert [path for path in archive.root.rglob("*") if path.is_file()] == []


def test_a_file_is_archived_with_where_and_when_it_was_seen(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(JUNE, headers={"ETag": '"1"', "Last-Modified": "now", "Content-Type": "text/csv"}))
    downloaded = fetch(site, archive)
    (seen,) = archive.sightings()
    assert downloaded == Downloaded("fetched", seen)
    assert archive.read(seen.extract_id) == JUNE
    assert (seen.url, seen.found_on) == (site.address + PATH, f"{site.address}/index")
    assert (seen.file_name, seen.source, seen.bytes) == ("attendances-June-2025.csv", "attendances", 44)
    assert (seen.etag, seen.last_modified, seen.content_type) == ('"1"', "now", "text/csv")
    assert (seen.quarters, seen.release_state, seen.supersedes) == (("2025-26-Q1",), "provisional", None)
    assert seen.retrieved_at == "2026-01-02T12:00:00+00:00"


def test_what_was_not_modified_is_not_sent_again(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, JUNE)
    first, second = fetch(site, archive), fetch(site, archive)
    assert second == Downloaded("unchanged", first.sighting)
    assert "If-None-Match" not in site.asked(PATH)[0].headers
    assert site.asked(PATH)[1].headers["If-None-Match"] == f'"{sha256_of(JUNE)}"'
    assert len(archive.sightings()) == 1


def test_the_date_of_the_last_answer_is_a_condition_where_there_is_no_etag(
    site: LocalPublisher, archive: Archive
) -> None:
    site.put(PATH, Reply(JUNE, headers={"Last-Modified": "Thu, 10 Jul 2025 08:30:00 GMT"}))
    fetch(site, archive)
    assert fetch(site, archive).outcome == "unchanged"
    assert site.asked(PATH)[1].headers["If-Modified-Since"] == "Thu, 10 Jul 2025 08:30:00 GMT"
    assert len(archive.sightings()) == 1


def test_a_file_that_the_archive_lost_is_asked_for_without_condition(
    site: LocalPublisher, archive: Archive
) -> None:
    site.put(PATH, JUNE)
    lost = archive.path_of(fetch(site, archive).sighting.extract_id)
    lost.unlink()
    assert fetch(site, archive).outcome == "fetched"
    assert lost.exists()


def test_other_bytes_at_the_same_address_are_a_new_vintage_beside_the_old(
    site: LocalPublisher, archive: Archive
) -> None:
    for raw in (JUNE, JUNE_REVISED):
        site.put(PATH, raw)
        assert fetch(site, archive).outcome == "fetched"
    old, new = archive.sightings()
    assert (archive.read(old.extract_id), archive.read(new.extract_id)) == (JUNE, JUNE_REVISED)
    assert (new.release_state, new.supersedes) == ("revised", old.extract_id)


def test_bytes_that_come_back_after_others_are_seen_again(site: LocalPublisher, archive: Archive) -> None:
    for raw in (JUNE, JUNE_REVISED, JUNE):
        site.put(PATH, raw)
        fetch(site, archive)
    seen = archive.sightings()
    assert [sighting.extract_id for sighting in seen] == list(map(sha256_of, (JUNE, JUNE_REVISED, JUNE)))
    assert seen[2].supersedes == seen[1].extract_id


def test_a_reissue_under_another_name_supersedes_the_file_of_its_own_month(
    site: LocalPublisher, archive: Archive
) -> None:
    for month, raw in (("May", b"Period,Code\r\nMay 2025,Z01\r\n"), ("June", JUNE)):
        fetch(site, archive, site.put(f"/a/attendances-{month}-2025.csv", raw))
    fetch(site, archive, site.put("/b/attendances-June-2025-revised.csv", JUNE_REVISED))
    may, june, revised = archive.sightings()
    assert (revised.release_state, revised.supersedes) == ("revised", june.extract_id)
    assert (may.supersedes, june.supersedes) == (None, None)


def test_the_months_of_a_file_whose_link_does_not_say_them_are_read_from_its_rows(
    site: LocalPublisher, archive: Archive
) -> None:
    path = "/attendances-9jfy4.csv"
    site.put(path, JUNE)
    assert fetch(site, archive, path).sighting.quarters == ("2025-26-Q1",)


@pytest.mark.parametrize(
    "failing",
    [
        Reply(b"sorry", status=500),
        Reply(b"sorry", status=503),
        Reply(JUNE, cut=20),
        Reply(JUNE, stall=STALL),
    ],
    ids=["500", "503", "cut connection", "stall"],
)
def test_a_failure_that_passes_is_tried_again(site: LocalPublisher, archive: Archive, failing: Reply) -> None:
    site.put(PATH, failing, Reply(JUNE))
    downloaded = fetch(site, archive, patience=hasty(stalled=STALLED))
    assert archive.read(downloaded.sighting.extract_id) == JUNE
    assert len(site.asked(PATH)) >= 2


@pytest.mark.parametrize(
    ("failing", "found"),
    [
        (Reply(b"sorry", status=500), "found HTTP 500"),
        (Reply(JUNE, cut=20), "found a cut connection"),
        (Reply(JUNE, stall=STALL), "found silence: the download stalled"),
    ],
    ids=["500", "cut connection", "stall"],
)
def test_a_failure_that_stays_is_named_after_some_attempts_and_leaves_nothing(
    site: LocalPublisher, archive: Archive, failing: Reply, found: str
) -> None:
    url = site.put(PATH, failing)
    with pytest.raises(InputMissing, match=f"{url}: expected the file; after 3 attempts {found}") as error:
        fetch(site, archive, patience=hasty(stalled=STALLED))
    assert "--extracts DIR" in str(error.value)
    assert len(site.asked(PATH)) == 3
    assert_nothing_kept(archive)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_not_tried_again(site: LocalPublisher, archive: Archive, status: int) -> None:
    site.put(PATH, Reply(b"no", status=status))
    with pytest.raises(InputMissing, match=f"found HTTP {status}"):
        fetch(site, archive)
    assert len(site.asked(PATH)) == 1
    assert_nothing_kept(archive)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (CHALLENGE, "found a web page"),
        (b"PK\x03\x04" + bytes(100), "found a ZIP archive"),
        (b"a,b\r\n", "expected a file of 10 bytes or more"),
    ],
    ids=["challenge page", "wrong type", "too small"],
)
def test_bytes_that_are_not_what_they_claim_are_refused_and_leave_nothing(
    site: LocalPublisher, archive: Archive, raw: bytes, found: str
) -> None:
    url = site.put(PATH, raw)
    with pytest.raises(InputRejected, match=found) as error:
        fetch(site, archive)
    assert error.value.file == url
    assert_nothing_kept(archive)


def test_a_challenge_page_where_a_file_was_leaves_the_old_vintage_the_latest(
    site: LocalPublisher, archive: Archive
) -> None:
    site.put(PATH, JUNE)
    fetch(site, archive)
    site.put(PATH, CHALLENGE)
    with pytest.raises(InputRejected):
        fetch(site, archive)
    assert [seen.extract_id for seen in archive.sightings()] == [sha256_of(JUNE)]


def test_a_file_that_declares_too_much_is_not_downloaded(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(JUNE, declared=3_000_000, cut=20))
    with pytest.raises(InputRejected, match=r"at most 1,000,000 bytes.*found 3,000,000 bytes declared"):
        fetch(site, archive)
    assert len(site.asked(PATH)) == 1
    assert_nothing_kept(archive)


def test_a_file_that_turns_out_too_large_is_given_up(site: LocalPublisher, archive: Archive) -> None:
    # An encoded body counts otherwise than declared: only streaming tells.
    site.put(PATH, Reply(b"a,b\r\n" * 300_000, headers={"Content-Encoding": "identity"}))
    with pytest.raises(InputRejected, match=r"at most 1,000,000 bytes.*found more"):
        fetch(site, archive)
    assert_nothing_kept(archive)


def test_a_trickle_without_end_is_given_up(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(JUNE))
    ticks = iter(range(0, 1_000_000, 100))
    with pytest.raises(InputMissing, match="in 50 seconds, and no end"):
        fetch(site, archive, patience=hasty(whole_file=50.0, monotonic=lambda: float(next(ticks))))
    assert_nothing_kept(archive)


def test_an_interrupted_download_leaves_nothing_behind(
    site: LocalPublisher, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        assert len(list(archive.root.glob(".unfinished-*"))) == 1
        raise KeyboardInterrupt

    site.put(PATH, JUNE)
    monkeypatch.setattr("dagster_project.fetch.download.check_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(site, archive)
    assert_nothing_kept(archive)


def test_a_redirect_on_the_same_host_is_followed(site: LocalPublisher, archive: Archive) -> None:
    site.put("/moved/here.csv", JUNE)
    site.put(PATH, Reply(status=302, headers={"Location": "/moved/here.csv"}))
    seen = fetch(site, archive).sighting
    assert (seen.url, seen.file_name) == (site.address + PATH, "attendances-June-2025.csv")


def test_redirects_without_end_are_given_up(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(status=301, headers={"Location": PATH}))
    with pytest.raises(InputMissing, match="expected at most 5 redirects"):
        fetch(site, archive)
    assert len(site.asked(PATH)) == 6
    assert_nothing_kept(archive)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            "http://elsewhere.test/x.csv",
            "expected an address on 127.0.0.1; found http://elsewhere.test/x.csv",
        ),
        ("ftp://127.0.0.1/x.csv", "expected redirects to https addresses; found one to ftp:"),
        ("file:///etc/passwd", "expected redirects to https addresses"),
        ("http://[broken", "expected an address that can be read"),
    ],
)
def test_a_redirect_to_elsewhere_is_refused(
    site: LocalPublisher, archive: Archive, target: str, expected: str
) -> None:
    site.put(PATH, Reply(status=302, headers={"Location": target}))
    with pytest.raises(InputMissing, match=expected.replace("[", r"\[")):
        fetch(site, archive)
    assert_nothing_kept(archive)


def test_what_robots_txt_disallows_is_not_asked_for(site: LocalPublisher, archive: Archive) -> None:
    site.put("/robots.txt", b"User-agent: *\nDisallow: /uploads/\n")
    site.put(PATH, JUNE)
    with pytest.raises(InputMissing, match=r"disallowed in .*/robots\.txt"):
        fetch(site, archive)
    assert site.asked(PATH) == []
    assert len(site.asked("/robots.txt")) == 1


def test_robots_txt_that_fails_for_a_moment_is_asked_for_again(
    site: LocalPublisher, archive: Archive
) -> None:
    site.put("/robots.txt", Reply(status=503), Reply(b""))
    site.put(PATH, JUNE)
    assert fetch(site, archive).outcome == "fetched"


def test_every_request_says_who_asks(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, JUNE)
    fetch(site, archive)
    assert {request.headers["User-Agent"].split("/")[0] for request in site.requests} == {"nhs-league-tables"}


def pauses(site: LocalPublisher, archive: Archive, *, between: float = 0, **patience: Any) -> list[float]:
    """The pauses of a download, on a clock that only they move."""
    slept: list[float] = []
    waits = hasty(sleep=slept.append, monotonic=lambda: float(sum(slept)), **patience)
    source = source_at(f"{site.address}/index")
    found = Found("attendances", site.address + PATH, "", "", None)
    with Publisher(seconds_between_requests=between, patience=waits) as publisher:
        download(found, source, archive, publisher)
    return slept


@pytest.mark.parametrize(
    ("asked", "expected"), [("7", 7.0), ("Fri, 02 Jan 2026 12:00:30 GMT", 30.0), ("soon", 0.5), ("0", 0.5)]
)
def test_retry_after_is_kept_to(site: LocalPublisher, archive: Archive, asked: str, expected: float) -> None:
    site.put(PATH, Reply(status=429, headers={"Retry-After": asked}), Reply(JUNE))
    assert pauses(site, archive, first_pause=0.5, longest_pause=9, now=lambda: NOON) == [expected]


def test_a_publisher_that_wants_to_be_left_alone_for_long_is(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(status=503, headers={"Retry-After": "86400"}))
    with pytest.raises(InputMissing, match="to come back in 86400 seconds"):
        pauses(site, archive)
    assert len(site.asked(PATH)) == 1


def test_pauses_between_attempts_double_up_to_a_limit_less_some_chance(
    site: LocalPublisher, archive: Archive
) -> None:
    site.put(PATH, *[Reply(status=500)] * 4, Reply(JUNE))
    waits = {"attempts": 5, "first_pause": 1.0, "longest_pause": 5.0, "chance": lambda: 0.5}
    assert pauses(site, archive, **waits) == [0.75, 1.5, 3.0, 3.75]


def test_a_host_is_given_time_between_requests(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, JUNE)
    assert pauses(site, archive, between=2.0) == [2.0]


def test_a_longer_pause_that_robots_txt_asks_for_is_kept(site: LocalPublisher, archive: Archive) -> None:
    site.put("/robots.txt", b"User-agent: *\nCrawl-delay: 5\n")
    site.put(PATH, JUNE)
    assert pauses(site, archive, between=2.0) == [5.0]


def test_a_host_that_does_not_answer_is_asked_once_and_then_known_to_be_away() -> None:
    slept: list[float] = []
    with (
        local_publisher() as gone,
        Publisher(seconds_between_requests=0, patience=hasty(sleep=slept.append)) as publisher,
    ):
        address = gone.address
    with Publisher(seconds_between_requests=0, patience=hasty(sleep=slept.append)) as publisher:
        for path in ("/a", "/b"):
            with pytest.raises(
                Unreachable, match=f"{address}{path}: expected an answer.*HTTPS_PROXY.*--extracts"
            ):
                publisher.page(address + path, {"127.0.0.1"})
    assert len(slept) == 2


def test_the_proxy_of_the_environment_is_used(site: LocalPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, site.address)
    site.put("http://publisher.test/index", b"<a href='/x.csv'>June</a>")
    with Publisher(seconds_between_requests=0, patience=hasty()) as publisher:
        assert publisher.page("http://publisher.test/index", {"publisher.test"}).text.startswith("<a ")


@pytest.mark.parametrize(
    ("url", "disposition", "expected"),
    [
        ("https://x.test/a/data%20file.csv?v=1", "", "data file.csv"),
        ("https://x.test/getReport?report=etr", 'attachment; filename="etr.csv"', "etr.csv"),
        ("https://x.test/getReport", 'attachment; filename="../../etc/etr.csv"', "etr.csv"),
        ("https://x.test/getReport", "", "getReport"),
        ("https://x.test/..%2F..%2Fpasswd", "", "passwd"),
        ("https://x.test/", "", "download"),
    ],
)
def test_a_file_has_a_bare_name(url: str, disposition: str, expected: str) -> None:
    assert file_name_of(url, Answer(not_modified=False, content_disposition=disposition)) == expected


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("data.csv", "Data", "provisional"),
        ("data-v2.csv", "Data", "revised"),
        ("data.csv", "June 2025 (revised)", "revised"),
        ("CWT-Data-Extract-Provider-Final.xlsx", "Provider", "final"),
        ("finally.csv", "Finalists", "provisional"),
    ],
)
def test_the_state_of_a_file_is_told_by_name_or_words(name: str, words: str, expected: str) -> None:
    assert release_state(name, words) == expected
