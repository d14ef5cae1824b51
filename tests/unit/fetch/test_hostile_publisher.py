"""A publisher's site that was taken over, or is only broken: each answer ends with a sentence, soon and small."""

from __future__ import annotations

import gzip
import resource
import ssl
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_publisher import LocalPublisher, Reply, hasty, local_publisher, source_at

from dagster_project.archive.archive import Archive, sha256_of
from dagster_project.catalogue.catalogue import CATALOGUE, load_catalogue
from dagster_project.errors import InputMissing, InputRejected, LeagueError
from dagster_project.fetch.connection import checked_address, refuse_private
from dagster_project.fetch.discover import Found, read_index_page, survey
from dagster_project.fetch.download import Downloaded, download, file_name_of
from dagster_project.fetch.publisher import Answer, Publisher
from dagster_project.fetch.rate_limit import RateLimit
from dagster_project.fetch.retry import Patience

JUNE = b"Period,Code,Attendances\r\nJune 2025,Z01,100\r\n"
PATH = "/attendances-June-2025.csv"
# Longer than a local answer takes, shorter than anyone waits for a test.
SOON = 0.5


@pytest.fixture
def site() -> Iterator[LocalPublisher]:
    with local_publisher() as publisher:
        yield publisher


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def fetch(
    site: LocalPublisher, archive: Archive, patience: Patience | None = None, **more: Any
) -> Downloaded:
    found = Found("attendances", site.address + PATH, "June 2025", f"{site.address}/index", None)
    with Publisher(seconds_between_requests=0, patience=patience or hasty()) as publisher:
        return download(found, source_at(f"{site.address}/index", **more), archive, publisher)


def read(site: LocalPublisher, path: str, patience: Patience | None = None) -> str:
    with Publisher(seconds_between_requests=0, patience=patience or hasty()) as publisher:
        return publisher.page(site.address + path, {"127.0.0.1"}).text


@pytest.mark.parametrize("path", ["/robots.txt", "/index", PATH], ids=["robots.txt", "page", "file"])
@pytest.mark.parametrize("hops", [1, 2])
def test_nothing_that_a_site_redirects_to_another_host_is_asked_for_there(
    site: LocalPublisher, archive: Archive, path: str, hops: int
) -> None:
    with local_publisher() as inner:
        elsewhere = inner.address.replace("127.0.0.1", "localhost") + "/secret"
        site.put("/next", Reply(status=302, headers={"Location": elsewhere}))
        site.put(path, Reply(status=302, headers={"Location": elsewhere if hops == 1 else "/next"}))
        visit = (lambda: read(site, path)) if path == "/index" else (lambda: fetch(site, archive))
        with pytest.raises(InputMissing, match=r"an address on 127\.0\.0\.1; found http://localhost"):
            visit()
        assert inner.requests == []


def test_robots_txt_that_leads_to_itself_is_given_up(site: LocalPublisher) -> None:
    site.put("/robots.txt", Reply(status=301, headers={"Location": "/robots.txt"}))
    with pytest.raises(InputMissing, match="expected at most 5 redirects"):
        read(site, "/index")
    assert len(site.asked("/robots.txt")) == 6


def test_a_name_that_leads_to_a_private_address_is_refused_before_anything_is_asked(
    site: LocalPublisher,
) -> None:
    # A name to the catalogue, and this machine to whoever looks it up.
    url = site.address.replace("127.0.0.1", "127.1") + "/index"
    with (
        Publisher(seconds_between_requests=0, patience=hasty()) as publisher,
        pytest.raises(InputMissing, match="expected a public address behind its host; found"),
    ):
        publisher.page(url, {httpx.URL(url).netloc.decode()})
    assert site.requests == []


@pytest.mark.parametrize(
    "peer",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1", "fe80::1%eth0",
     "fd00::1", "::ffff:10.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_a_private_address_is_used_only_where_the_catalogue_names_it(peer: str) -> None:
    with pytest.raises(InputMissing, match="which is private"):
        refuse_private("https://publisher.test/x.csv", peer, {"publisher.test"})
    refuse_private("https://publisher.test/x.csv", peer, {"publisher.test", peer})
    refuse_private("https://publisher.test/x.csv", "93.184.216.34", {"publisher.test"})


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://publisher.test@evil.test/x.csv", "hides its host evil.test behind an @"),
        ("https://evil.test@publisher.test/x.csv", "hides its host publisher.test"),
        ("https://publisher.test:22/x.csv", "found https://publisher.test:22"),
        ("https://publisher.test.evil.test/", "found https://publisher.test.evil"),
        ("https://publ\u0456sher.test/", "found https://publ"),
        ("https://evil.test\\@publisher.test/x.csv", "publisher.test"),
        ("https://2130706433/x.csv", "found https://2130706433"),
        ("ftp://publisher.test/x.csv", "expected an address of http or https"),
        ("file:///etc/passwd", "expected an address of http or https"),
        ("https://evil.test/" + "a" * 50_000, "found https://evil.test/aaa"),
    ],
)
def test_an_address_is_asked_only_on_a_host_and_port_of_the_catalogue(url: str, found: str) -> None:
    with pytest.raises(InputMissing) as error:
        checked_address("https://publisher.test/index", url, {"publisher.test"})
    assert found in str(error.value)
    assert len(str(error.value)) < 1_000


def test_usual_ports_and_upper_case_are_the_same_host() -> None:
    for url in ("https://Publisher.TEST/x", "https://publisher.test:443/x", "https://publisher.test./x"):
        assert checked_address(url, url, {"publisher.test"}).path == "/x"
    source = source_at("https://publisher.test:8443/index")
    assert checked_address("", "https://publisher.test:8443/x", source.allowed_hosts).port == 8443


@pytest.mark.parametrize("path", ["/robots.txt", PATH], ids=["robots.txt", "file"])
def test_an_answer_that_trickles_is_ended_in_time_also_within_its_headers(
    site: LocalPublisher, archive: Archive, path: str
) -> None:
    site.put(path, Reply(JUNE * 100, drip=0.02))
    began = time.monotonic()
    with pytest.raises(
        InputMissing, match=r"expected the file; after 1 attempt found no whole answer within 0 s"
    ):
        fetch(site, archive, hasty(whole_file=SOON - 0.1, whole_page=SOON - 0.1))
    assert time.monotonic() - began < 5
    assert not list(archive.root.rglob("*.csv"))


def test_bytes_that_come_too_slowly_are_given_up(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(JUNE))
    ticks = iter(range(0, 1_000_000, 100))
    patience = hasty(rate_after=50.0, monotonic=lambda: float(next(ticks)), attempts=1)
    with pytest.raises(InputMissing, match="44 bytes in 100 seconds: too slow to wait for"):
        fetch(site, archive, patience)


def test_a_fetch_has_an_end_however_many_files_there_are(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, JUNE)
    ticks = iter(range(0, 1_000_000, 100))
    with pytest.raises(InputMissing, match=r"expected all files within 50 seconds.*Fetch again"):
        fetch(site, archive, hasty(whole_fetch=50.0, monotonic=lambda: float(next(ticks))))
    assert site.asked(PATH) == []


def test_a_body_without_end_is_given_up_at_its_limit(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(JUNE * 1_000, endless=True))
    with pytest.raises(InputRejected, match=r"at most 1,000,000 bytes.*found more"):
        fetch(site, archive)


def packed(raw: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        raw = gzip.compress(raw, 9)
    return raw


def test_a_file_that_was_packed_once_although_nobody_asked_is_unpacked(
    site: LocalPublisher, archive: Archive
) -> None:
    for encoding, raw in (("gzip", packed(JUNE)), ("deflate", zlib.compress(JUNE)), ("x-gzip", packed(JUNE))):
        site.put(PATH, Reply(raw, headers={"Content-Encoding": encoding}))
        assert fetch(site, archive).sighting.extract_id == sha256_of(JUNE)


@pytest.mark.parametrize(
    ("raw", "encoding", "found"),
    [
        (packed(b"\0" * 100_000_000), "gzip", "at most 1,000,000 bytes"),
        (packed(b"\0" * 100_000_000, 2), "gzip, gzip", "found bytes encoded as 'gzip, gzip'"),
        (packed(JUNE), ", ".join(["gzip"] * 1_000), "found bytes encoded as 'gzip, gzip"),
        (JUNE, "br", "found bytes encoded as 'br'"),
        (JUNE, "gzip", "can't be unpacked as gzip"),
        (packed(b"") * 100_000, "gzip", "at most 1,000,000 bytes"),
    ],
    ids=["bomb", "bomb in a bomb", "a thousand layers", "unasked", "not packed", "nothing without end"],
)
def test_no_answer_is_unpacked_twice_or_beyond_its_limit(
    site: LocalPublisher, archive: Archive, raw: bytes, encoding: str, found: str
) -> None:
    site.put(PATH, Reply(raw, headers={"Content-Encoding": encoding}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputRejected, match=found):
        fetch(site, archive)
    # In kilobytes. The site's own copy of the body is among them.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_packed_bytes_that_were_cut_are_asked_for_again(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(packed(JUNE)[:-9], headers={"Content-Encoding": "gzip"}))
    with pytest.raises(InputMissing, match="after 3 attempts found packed bytes without their end"):
        fetch(site, archive)


@pytest.mark.parametrize(
    ("asked", "seconds"), [("5", 5.0), ("2.5", 3.0), ("0", 0.0), ("60", 60.0), (" 7 # a while", 7.0)]
)
def test_a_pause_that_robots_txt_asks_for_is_kept_up_to_a_minute(asked: str, seconds: float) -> None:
    slept, _ = polite(f"User-agent: *\nCrawl-delay: {asked}\n")
    assert slept == ([seconds] if seconds else [])


@pytest.mark.parametrize("asked", ["61", "86400", "9" * 400, "9" * 5_000, "1" + "0" * 30, "60.5"])
def test_a_longer_pause_is_a_reason_not_to_read_and_neither_slept_nor_shortened(asked: str) -> None:
    with pytest.raises(
        InputMissing, match=r"at most 60 seconds between two requests.*Nothing is read faster"
    ):
        polite(f"User-agent: *\nCrawl-delay: {asked}\n")


@pytest.mark.parametrize(
    "line",
    ["Crawl-delay: -5", "Crawl-delay: nan", "Crawl-delay: inf", "Crawl-delay: soon", "Crawl-delay:",
     "Crawl-delay: \u00b2", "crawl-DELAY: 1e9", "Request-rate: 1/\u00b2", "Request-rate: 0/5",
     "Request-rate: " + "9" * 5_000 + "/1",
     "x" * 3_000],
)  # fmt: skip
def test_a_line_of_robots_txt_that_cannot_be_read_is_ignored_and_noted(line: str) -> None:
    slept, notes = polite(f"User-agent: *\n{line}\nDisallow: /private\n")
    assert slept == []
    assert len(notes) == 1
    assert "can't be read and is ignored" in notes[0]
    with pytest.raises(InputMissing, match="disallowed"):
        polite(f"User-agent: *\n{line}\nDisallow: /\n")


def test_a_rate_that_robots_txt_asks_for_is_kept() -> None:
    assert polite("User-agent: *\nRequest-rate: 2/10\n")[0] == [5.0]


@given(text=st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_no_robots_txt_ends_in_anything_but_a_visit_or_a_sentence(text: str) -> None:
    try:
        polite(f"User-agent: *\nCrawl-delay: {text}")
    except LeagueError:
        return


def polite(robots: str) -> tuple[list[float], list[str]]:
    """The pauses of two visits to a host with that robots.txt, and what is noted of it."""
    slept: list[float] = []
    patience = hasty(sleep=slept.append, monotonic=lambda: float(sum(slept)))
    rate_limit = RateLimit(0, patience, lambda _url, _hosts: robots)
    for _ in range(2):
        rate_limit.before_request("https://publisher.test/x.csv", {"publisher.test"})
    return list(dict.fromkeys(slept)), rate_limit.notes


@pytest.mark.parametrize(
    "raw",
    [
        "\ufeffUser-agent: *\nDisallow: /\n".encode(),
        "\ufeffUser-agent: *\r\nDisallow: /\r\n".encode("utf-16-le"),
        b"User-agent: *\rDisallow: /\r# \xff\xfe\x00\n",
        b"User-agent: *\nDisallow: /\n" + b"#" * 600_000,
    ],
    ids=["byte order mark", "UTF-16", "not UTF-8", "large"],
)
def test_robots_txt_is_obeyed_in_whatever_encoding_and_size(site: LocalPublisher, raw: bytes) -> None:
    site.put("/robots.txt", raw)
    with pytest.raises(InputMissing, match="disallowed in"):
        read(site, "/index")


def test_robots_txt_without_end_is_read_as_far_as_anyone_reads_one(site: LocalPublisher) -> None:
    site.put("/robots.txt", Reply(b"User-agent: *\nDisallow: /private\n" * 1_000, endless=True))
    site.put("/index", b"page")
    assert read(site, "/index") == "page"


@pytest.mark.parametrize("value", ["\u00e9tag", '"\x7f"', "x" * 2_000])
def test_a_header_that_cannot_be_sent_back_is_not_kept_and_the_next_download_works(
    site: LocalPublisher, archive: Archive, value: str
) -> None:
    site.put(PATH, Reply(JUNE, headers={"ETag": value, "Last-Modified": value, "Content-Type": value}))
    seen = fetch(site, archive).sighting
    assert (seen.etag, seen.last_modified, seen.content_type) == ("", "", "")
    assert fetch(site, archive).outcome == "unchanged"


def test_a_header_that_an_older_manifest_kept_is_not_sent(site: LocalPublisher, archive: Archive) -> None:
    site.put(PATH, Reply(JUNE))
    fetch(site, archive)
    kept = archive.manifest.read_text(encoding="utf-8").replace('"etag": ""', '"etag": "\u00e9"')
    archive.manifest.write_text(kept, encoding="utf-8")
    assert fetch(site, archive).outcome == "unchanged"
    assert "If-None-Match" not in site.asked(PATH)[-1].headers


@pytest.mark.parametrize("asked", ["9" * 400, "9" * 5_000, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_all_patience_ends_with_a_sentence(
    site: LocalPublisher, archive: Archive, asked: str
) -> None:
    site.put(PATH, Reply(status=503, headers={"Retry-After": asked}))
    with pytest.raises(InputMissing, match=r"to come back in 31536000 seconds\. Longer than 300 seconds"):
        fetch(site, archive)
    assert len(site.asked(PATH)) == 1


@given(asked=st.text(max_size=60))
def test_any_retry_after_is_a_number_of_seconds_or_nothing(asked: str) -> None:
    pause = Patience().asked_pause(asked)
    assert pause is None or 0 <= pause <= 365 * 86400


@given(
    disposition=st.text(max_size=200)
    | st.text(max_size=100).map(lambda name: f"attachment; filename*={name}")
)
def test_any_name_that_an_answer_gives_is_bare_printable_and_short(disposition: str) -> None:
    name = file_name_of("https://x.test/get", Answer(not_modified=False, content_disposition=disposition))
    assert name.isprintable()
    assert 0 < len(name) <= 200
    assert not {"/", "\\"} & set(name)
    assert name not in (".", "..")


def test_a_name_beyond_all_bounds_keeps_its_suffix() -> None:
    assert file_name_of(f"https://x.test/{'a' * 5_000}.csv", Answer(not_modified=False)).endswith("aaa.csv")


def test_cookies_are_neither_kept_nor_sent(site: LocalPublisher) -> None:
    site.put("/a", Reply(b"page", headers={"Set-Cookie": "id=1; Path=/"}))
    with Publisher(seconds_between_requests=0, patience=hasty()) as publisher:
        for path in ("/a", "/b"):
            site.put(path, Reply(b"page", headers={"Set-Cookie": "id=1; Path=/"}))
            publisher.page(site.address + path, {"127.0.0.1"})
    assert all("Cookie" not in request.headers for request in site.requests)


@pytest.mark.parametrize("charset", ["punycode", "idna", "zlib", "unicode_escape", "no-such", "utf-7"])
def test_a_page_in_an_encoding_of_no_page_is_read_as_utf_8(site: LocalPublisher, charset: str) -> None:
    page = "<a href='/x'>Jun\u00e9</a>"
    site.put("/index", Reply(page.encode(), headers={"Content-Type": f"text/html; charset={charset}"}))
    assert read(site, "/index") == page


@pytest.mark.parametrize(
    "part",
    [
        "<",
        "<a href=",
        '<a href="',
        "<!--",
        "<!",
        "<?",
        "</",
        "<![CDATA[",
        "<div>",
        "&",
        "<a x='>",
        "<title>a<b>",
    ],
)
def test_a_page_of_broken_html_is_read_in_no_time(part: str) -> None:
    began = time.monotonic()
    read_index_page(part * (300_000 // len(part)), "https://publisher.test/")
    assert time.monotonic() - began < 10


def test_a_page_of_links_without_number_is_refused_and_other_pages_are_read(site: LocalPublisher) -> None:
    site.put("/index", b"<a href=/x>x</a>" * 100_000)
    site.put_page("/other", {PATH: "June 2025"})
    pages = [{"address": f"{site.address}{path}", "checked": True} for path in ("/index", "/other")]
    with Publisher(seconds_between_requests=0, patience=hasty()) as publisher:
        surveyed = survey(source_at("http://unused.test/", index_pages=pages), publisher)
    assert "expected a page of at most 10,000 links" in str(surveyed.failures[0])
    assert [found.url for found in surveyed.found] == [site.address + PATH]


@pytest.mark.parametrize(
    "href",
    ["javascript:x.csv", "java&#115;cript:x.csv", "java\tscript:x.csv", " JavaScript:x.csv", "data:text/csv,x.csv",
     "mailto:a@b.csv", "#x.csv", "", "http://[x.csv", "/" + "a" * 5_000 + ".csv"],
)  # fmt: skip
def test_what_is_no_place_is_no_link(href: str) -> None:
    assert read_index_page(f'<a href="{href}">x</a>', "https://publisher.test/").links == ()


def test_a_link_of_another_scheme_is_seen_so_that_a_fetch_can_say_that_it_is_not_followed() -> None:
    (link,) = read_index_page('<a href="ftp://publisher.test/x.csv">x</a>', "https://publisher.test/").links
    assert link.url == "ftp://publisher.test/x.csv"


def test_a_base_that_is_no_address_changes_nothing() -> None:
    page = read_index_page('<base href="http://[">' + '<a href="/x.csv">x</a>', "https://publisher.test/")
    assert page.links[0].url == "https://publisher.test/x.csv"


def test_a_certificate_that_nobody_vouches_for_is_said() -> None:
    error = httpx.ConnectError("failed")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    from dagster_project.fetch.publisher import _failure

    with pytest.raises(InputMissing, match=r"expected a certificate that this machine trusts.*SSL_CERT_FILE"):
        _failure("https://publisher.test/", error)


def test_a_host_that_no_name_server_knows_is_said() -> None:
    with (
        Publisher(seconds_between_requests=0, patience=hasty(attempts=1)) as publisher,
        pytest.raises(InputMissing, match=r"no address for that name|ProxyError|HTTP"),
    ):
        publisher.page("http://no-such-host.invalid/", {"no-such-host.invalid"})


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "nonsense://x"), ("SSL_CERT_FILE", "/no/such/file")]
)
def test_a_proxy_or_certificates_that_cannot_be_used_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputMissing, match=r"HTTPS_PROXY.*SSL_CERT_FILE"):
        Publisher()


def test_the_files_of_today_fit_into_the_catalogue_with_room() -> None:
    sources = load_catalogue(CATALOGUE).sources
    assert sources["cancer_waiting_times"].largest_bytes > 2 * 61_400_000
    assert sources["rtt_waiting_times"].largest_unpacked_bytes > 2 * 85_000_000
