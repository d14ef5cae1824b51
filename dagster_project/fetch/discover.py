"""Finds a source's files among the links of its index pages, since their names can't be predicted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from dagster_project.catalogue.catalogue import Source
from dagster_project.catalogue.link_period import Period, financial_year_named, link_period
from dagster_project.errors import InputRejected, LeagueError
from dagster_project.fetch.publisher import Publisher
from dagster_project.quarters import Quarter

# Without a quarter to look for: this year's page and last year's.
_YEAR_PAGES = 2
# A page of a year may lead to pages of its own; no publisher's go deeper, and none has as many.
_DEPTH = 2
_MOST_PAGES = 12
# A word that a link to a page of the source shares with the source's title: longer than "and" or "data".
_WORD = re.compile(r"[a-z]{5,}")
_WORDS_IN_COMMON = 2
_SUFFIX = re.compile(r"\.(?!html?$|aspx?$|php$)[a-z0-9]{2,5}$", re.IGNORECASE)
# A publisher's index pages hold some hundred links, their addresses some hundred characters.
LARGEST_NUMBER_OF_LINKS = 10_000
_LONGEST_ADDRESS = 2_000
_LONGEST_WORDS = 500
# What a program can't follow, and what isn't a place: everything else is judged when it is asked for.
_NO_PLACES = frozenset({"javascript", "vbscript", "data", "mailto", "tel", "sms", "about", "blob"})


@dataclass(frozen=True)
class Found:
    """A link to a file of a source. `period` is None where the link doesn't say which months it is about."""

    source: str
    url: str
    link_text: str
    page: str
    period: Period | None

    @property
    def quarter(self) -> Quarter | None:
        """The quarter it is about: the last one if it covers several; None where the link doesn't say."""
        return self.period.quarters()[-1] if self.period is not None else None

    def may_cover(self, quarter: Quarter) -> bool:
        """Whether it covers months of the quarter, or doesn't say."""
        return self.period is None or self.period.covers(quarter)


@dataclass(frozen=True)
class Survey:
    """What a source's pages show: files, pages read, links on them, and pages that couldn't be read."""

    found: tuple[Found, ...] = ()
    pages: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    links_read: int = 0
    failures: tuple[LeagueError, ...] = ()


@dataclass
class _Reading:
    source: Source
    publisher: Publisher
    found: dict[str, Found] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    links_read: int = 0
    failures: list[LeagueError] = field(default_factory=list)

    def read(self, address: str) -> IndexPage | None:
        try:
            page = self.publisher.page(address, self.source.allowed_hosts)
            index = read_index_page(page.text, page.url)
        except LeagueError as error:
            self.failures.append(error)
            return None
        self.pages.append(address)
        self.titles.append(index.title)
        self.links_read += len(index.links)
        for link in index.links:
            if link.url not in self.found and self.source.links.matches(link.href, link.text):
                name = link.file_name or link.href
                period = link_period(link.text, name, self.source.span)
                self.found[link.url] = Found(self.source.name, link.url, link.text, address, period)
        return index


def survey(source: Source, publisher: Publisher, quarter: Quarter | None = None) -> Survey:
    """Reads the index pages and the pages per financial year that they lead to: the quarter's year's, or
    without a quarter the newest. A page that can't be read is among the failures.

    Which links lead to such pages `year_pages` of the source says, or else their words: one financial year,
    and words of the source's title or an address below the index page. Only on the index page's own host.
    """
    reading = _Reading(source, publisher)
    for index_address in source.index_pages:
        waiting = [(index_address.address, 0)]
        known = {index_address.address}
        while waiting:
            address, depth = waiting.pop(0)
            index = reading.read(address)
            if index is None or depth == _DEPTH:
                continue
            for found in _year_pages(source, index_address.address, index, quarter):
                if found not in known and len(known) < _MOST_PAGES:
                    known.add(found)
                    waiting.append((found, depth + 1))
    return Survey(
        found=tuple(reading.found.values()),
        pages=tuple(reading.pages),
        titles=tuple(reading.titles),
        links_read=reading.links_read,
        failures=tuple(reading.failures),
    )


def discover(source: Source, publisher: Publisher, quarter: Quarter | None = None) -> list[Found]:
    """The source's links in the order of the pages, each address once; with a quarter, those that may
    cover it. Raises the error of a page that can't be read.
    """
    surveyed = survey(source, publisher, quarter)
    if surveyed.failures:
        raise surveyed.failures[0]
    return [found for found in surveyed.found if quarter is None or found.may_cover(quarter)]


def fingerprint(found: Iterable[Found]) -> str:
    """A hash that changes when a link appears, goes, leads elsewhere or is worded otherwise.

    New bytes under an unchanged link don't change it: a conditional download tells those.
    """
    lines = sorted({f"{each.source}\t{each.url}\t{each.link_text}" for each in found})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _year_pages(source: Source, index_address: str, index: IndexPage, quarter: Quarter | None) -> list[str]:
    """The pages of the quarter's financial year, or of the newest two, that the page leads to."""
    years: dict[str, int] = {}
    for link in index.links:
        year = _year_of(link)
        if year is not None and _leads_to_a_year(source, index_address, link):
            years.setdefault(link.url, year)
    if quarter is not None:
        return [url for url, year in years.items() if year == quarter.start_year]
    newest = sorted(set(years.values()), reverse=True)[:_YEAR_PAGES]
    return [url for url, year in years.items() if year in newest]


def _year_of(link: Link) -> int | None:
    last_part = unquote(urlsplit(link.url).path).rstrip("/").rsplit("/", 1)[-1]
    return financial_year_named(last_part) or financial_year_named(link.text)


def _leads_to_a_year(source: Source, index_address: str, link: Link) -> bool:
    """Whether a link that names a financial year leads to a page of the source: by its pattern or its words."""
    there, index = urlsplit(link.url), urlsplit(index_address)
    if there.netloc != index.netloc:
        return False
    if source.year_pages is not None:
        return source.year_pages.matches(link.href, link.text)
    if source.span == "undated" or _SUFFIX.search(there.path) or source.links.matches(link.href, link.text):
        return False
    in_common = _words(source.title) & _words(f"{link.text} {link.href}")
    folder = index.path.rsplit("/", 1)[0] + "/"
    return len(in_common) >= _WORDS_IN_COMMON or (folder != "/" and there.path.startswith(folder))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


@dataclass(frozen=True)
class Link:
    """One link: a whole address without fragment, and its words with spaces folded."""

    url: str
    text: str

    @property
    def href(self) -> str:
        """Path and query, readable: what patterns are matched against."""
        parts = urlsplit(self.url)
        return unquote(parts.path + (f"?{parts.query}" if parts.query else ""))

    @property
    def file_name(self) -> str:
        """The last part of the path; empty where the address ends in a slash."""
        return unquote(urlsplit(self.url).path).rsplit("/", 1)[-1]


@dataclass(frozen=True)
class IndexPage:
    """A page's title and links, in their order, each address and text once."""

    title: str
    links: tuple[Link, ...]


def read_index_page(text: str, url: str) -> IndexPage:
    """Reads a page that was found at `url`; what isn't HTML has no links.

    Raises InputRejected for more than 10,000 links. An address of more than 2,000 characters is left out,
    words are cut at 500: no file of a publisher is named like that.
    """
    reader = _LinkReader(url)
    reader.feed(text)
    # Not close(): it tries what was never ended, an open comment or tag, again from each of its characters.
    reader.finish()
    return IndexPage(_folded(reader.title)[:_LONGEST_WORDS], tuple(dict.fromkeys(reader.links)))


class _LinkReader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.links: list[Link] = []
        self._page = self._base = url
        self._url: str | None = None
        self._words: list[str] = []
        self._label = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "base" and attributes.get("href"):
            self._base = self._address(attributes["href"]) or self._base
        elif tag == "title":
            self._in_title = not self.title
        elif tag == "img" and self._url is not None:
            self._words.append(attributes.get("alt", ""))
        elif tag == "a":
            self._finish()
            self._url = self._address(attributes.get("href", ""))
            self._label = attributes.get("aria-label") or attributes.get("title") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._finish()
        elif tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif self._url is not None:
            self._words.append(data)

    def finish(self) -> None:
        """Takes the last link, should its end be missing."""
        self._finish()

    def _finish(self) -> None:
        if self._url is not None:
            words = _folded(" ".join(self._words)) or _folded(self._label)
            self.links.append(Link(self._url, words[:_LONGEST_WORDS]))
            if len(self.links) > LARGEST_NUMBER_OF_LINKS:
                raise InputRejected(
                    file=self._page,
                    expected=f"a page of at most {LARGEST_NUMBER_OF_LINKS:,} links",
                    found="more",
                    remedy="Look at the page in a browser: is it still the publisher's index page?",
                )
        self._url, self._words = None, []

    def _address(self, href: str) -> str | None:
        """The whole address; None for what isn't one. A page's own security is kept: http becomes https."""
        try:
            address = urldefrag(urljoin(self._base, href.strip())).url
            parts = urlsplit(address)
        except ValueError:
            return None
        if parts.scheme in _NO_PLACES or not href.strip() or href.strip().startswith("#"):
            return None
        if len(address) > _LONGEST_ADDRESS or not parts.hostname:
            return None
        if parts.scheme == "http" and urlsplit(self._base).scheme == "https":
            return parts._replace(scheme="https").geturl()
        return address


def _folded(text: str) -> str:
    return " ".join(text.split())
