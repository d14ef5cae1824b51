"""The links of a publisher's index page: where each leads and the words it is shown with."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from dagster_project.errors import InputRejected

# A publisher's index pages hold some hundred links, their addresses some hundred characters.
LARGEST_NUMBER_OF_LINKS = 10_000
_LONGEST_ADDRESS = 2_000
_LONGEST_WORDS = 500
# What a program can't follow, and what isn't a place: everything else is judged when it is asked for.
_NO_PLACES = frozenset({"javascript", "vbscript", "data", "mailto", "tel", "sms", "about", "blob"})


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
