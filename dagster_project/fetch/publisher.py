"""An HTTP client for publishers' sites: retries, rate limit, bounded answers, only on the site's own hosts."""

from __future__ import annotations

import codecs
import socket
import ssl
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import BinaryIO, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from dagster_project.errors import InputMissing
from dagster_project.fetch.answer_body import chunks, declared_length, kept_header, may_be_sent
from dagster_project.fetch.connection import WatchedConnection, checked_address
from dagster_project.fetch.rate_limit import USER_AGENT, RateLimit
from dagster_project.fetch.retry import PASSING, Patience, TryAgain

T = TypeVar("T")

_HAND_OVER = "Or download the file in a browser, put it into a folder and use --extracts DIR."
_LARGEST_PAGE = 3_000_000
_LARGEST_ROBOTS = 500_000
_LONGEST_DISPOSITION = 2_000
# What pages are written in; some of Python's other codecs take minutes for a hostile page.
_CHARSETS = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "iso8859-1", "iso8859-15", "ascii"}
)
_PROGRESS_STEP = 10_000_000


class Unreachable(InputMissing):
    """The host didn't answer at all: offline, or behind a proxy that isn't set."""


@dataclass(frozen=True)
class Page:
    """A page as text, and where it was after redirects."""

    url: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What a download gave; `not_modified` with nothing written, or bytes written and the headers kept."""

    not_modified: bool
    bytes: int = 0
    content_disposition: str = ""
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""


class Publisher:
    """A session with publishers' sites; pages are read once in it. Use it as a context.

    Proxies and certificates are taken from the environment, as httpx does.
    """

    def __init__(self, *, seconds_between_requests: float = 1.0, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._client = _client(self._patience)
        self._until = self._patience.monotonic() + self._patience.whole_fetch
        self._rate_limit = RateLimit(seconds_between_requests, self._patience, self._robots_text)
        self._pages: dict[str, Page] = {}
        self._unreachable: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def page(self, url: str, hosts: Collection[str]) -> Page:
        """The page as text; raises InputMissing (Unreachable) or InputRejected."""
        if url not in self._pages:
            self._pages[url] = self._persistently(url, {}, hosts, self._read_page, self._patience.whole_page)
        return self._pages[url]

    @property
    def notes(self) -> tuple[str, ...]:
        """What publishers asked of programs in words that can't be read."""
        return tuple(self._rate_limit.notes)

    def download(
        self,
        url: str,
        into: BinaryIO,
        *,
        hosts: Collection[str],
        largest: int,
        etag: str = "",
        last_modified: str = "",
        progress: Callable[[int, int | None], None] = lambda _done, _whole: None,
    ) -> Answer:
        """Streams the file into `into`, each attempt from its start; `progress` hears of every 10 MB.

        With `etag` or `last_modified` of an earlier answer, the file may not have been modified. Raises
        InputMissing where it can't be had, InputRejected where it is larger than `largest` bytes.
        """
        headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        conditions = {name: value for name, value in headers.items() if may_be_sent(value)}
        whole = self._patience.whole_file

        def write(response: httpx.Response) -> Answer:
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Answer(not_modified=True)
            into.seek(0)
            into.truncate()
            size = 0
            for chunk in chunks(response, largest=largest, whole=whole, patience=self._patience):
                into.write(chunk)
                if (size + len(chunk)) // _PROGRESS_STEP > size // _PROGRESS_STEP:
                    progress(size + len(chunk), declared_length(response))
                size += len(chunk)
            return Answer(
                not_modified=False,
                bytes=size,
                content_disposition=response.headers.get("content-disposition", "")[:_LONGEST_DISPOSITION],
                etag=kept_header(response, "etag"),
                last_modified=kept_header(response, "last-modified"),
                content_type=kept_header(response, "content-type"),
            )

        return self._persistently(url, conditions, hosts, write, whole)

    def _persistently(
        self,
        url: str,
        headers: Mapping[str, str],
        hosts: Collection[str],
        read: Callable[[httpx.Response], T],
        whole: float,
    ) -> T:
        """What `read` makes of the answer, after as many attempts as it takes within `whole` seconds."""
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise Unreachable(self._unreachable[host].replace("{url}", url))
        patience, failure, attempt = self._patience, TryAgain("nothing"), 0
        until = min(patience.monotonic() + whole, self._until)
        while attempt < patience.attempts and (attempt == 0 or patience.monotonic() < until):
            self._refuse_overtime(url)
            if attempt:
                patience.sleep(max(patience.pause_after(attempt), failure.pause or 0))
            attempt += 1
            try:
                with self._answer(url, headers, hosts, whole) as response:
                    self._refuse_status(url, response, conditional=bool(headers))
                    return read(response)
            except TryAgain as error:
                failure = error
            except (httpx.InvalidURL, ValueError) as error:
                raise InputMissing(f"{url}: expected an address that can be read; found {error}.") from None
            except httpx.RequestError as error:
                failure = _failure(url, error)
        tried = f"after {attempt} attempt{'s' if attempt != 1 else ''} found {failure}"
        if failure.no_answer:
            message = (
                f"{{url}}: expected an answer from {host}; {tried}. Connect this machine to the internet, or "
                f"set HTTPS_PROXY if it needs a proxy. {_HAND_OVER}"
            )
            self._unreachable[host] = message
            raise Unreachable(message.replace("{url}", url))
        raise InputMissing(f"{url}: expected the file; {tried}. Try again later. {_HAND_OVER}")

    def _refuse_overtime(self, url: str) -> None:
        if self._patience.monotonic() > self._until:
            raise InputMissing(
                f"{url}: expected all files within {self._patience.whole_fetch:.0f} seconds; found that they "
                "take longer: the publisher is too slow today. Fetch again: what is archived stays."
            )

    @contextmanager
    def _answer(
        self, url: str, headers: Mapping[str, str], hosts: Collection[str], whole: float, *, ask: bool = True
    ) -> Iterator[httpx.Response]:
        """The answer at the end of the redirects, which stay on the source's hosts and don't leave https.

        With `ask`, robots.txt is looked at before each address.
        """
        asked = url
        for _ in range(self._patience.redirects + 1):
            address = checked_address(asked, url, hosts)
            if ask:
                self._rate_limit.before_request(url, hosts)
            with self._watched(url, address, headers, hosts, whole) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                target = urljoin(url, response.headers["location"])
            if urlsplit(target).scheme not in ("https", address.scheme):
                raise InputMissing(
                    f"{asked}: expected redirects to https addresses; found one to {target[:300]}. {_HAND_OVER}"
                )
            url = target
        raise InputMissing(
            f"{asked}: expected at most {self._patience.redirects} redirects; found more, the last to {url[:300]}. "
            f"Look in a browser where the file is now. {_HAND_OVER}"
        )

    @contextmanager
    def _watched(
        self, url: str, address: httpx.URL, headers: Mapping[str, str], hosts: Collection[str], whole: float
    ) -> Iterator[httpx.Response]:
        """One request and its answer, which end when their time is up."""
        with WatchedConnection(url, address.raw_host.decode("ascii"), hosts, whole) as watch:
            try:
                with self._client.stream(
                    "GET", address, headers=dict(headers), extensions={"trace": watch.heard}
                ) as response:
                    yield response
            except httpx.RequestError:
                if watch.is_over:
                    raise TryAgain(f"no whole answer within {whole:.0f} seconds") from None
                raise

    def _refuse_status(self, url: str, response: httpx.Response, *, conditional: bool) -> None:
        code = response.status_code
        if code == httpx.codes.OK or (conditional and code == httpx.codes.NOT_MODIFIED):
            return
        if code in PASSING:
            asked = self._patience.asked_pause(response.headers.get("retry-after"))
            if asked is None or asked <= self._patience.longest_asked:
                raise TryAgain(f"HTTP {code}", asked)
            raise InputMissing(
                f"{url}: expected the file; found HTTP {code}, to come back in {asked:.0f} seconds. "
                f"Longer than {self._patience.longest_asked:.0f} seconds isn't waited for: try again then."
            )
        remedy = "The link on the publisher's page may be out of date." if code in (404, 410) else ""
        raise InputMissing(f"{url}: expected the file; found HTTP {code}. {remedy} {_HAND_OVER}")

    def _robots_text(self, url: str, hosts: Collection[str]) -> str | None:
        whole = self._patience.whole_page
        with self._answer(url, {}, hosts, whole, ask=False) as response:
            if response.status_code in PASSING:
                asked = self._patience.asked_pause(response.headers.get("retry-after"))
                pause = None if asked is None else min(asked, self._patience.longest_asked)
                raise TryAgain(f"HTTP {response.status_code} for {url}", pause)
            if not response.is_success:
                return None
            body = b""
            # More than that isn't read of any robots.txt: RFC 9309 asks for as much.
            for chunk in chunks(response, largest=sys.maxsize, whole=whole, patience=self._patience):
                body += chunk
                if len(body) > _LARGEST_ROBOTS:
                    break
            return _text(body[:_LARGEST_ROBOTS], None)

    def _read_page(self, response: httpx.Response) -> Page:
        whole = self._patience.whole_page
        body = b"".join(chunks(response, largest=_LARGEST_PAGE, whole=whole, patience=self._patience))
        return Page(str(response.url), _text(body, response.charset_encoding))


def _client(patience: Patience) -> httpx.Client:
    """The client of a session. Raises InputMissing where the environment's proxy or certificates can't be used."""
    try:
        return httpx.Client(
            timeout=httpx.Timeout(patience.stalled, connect=patience.connecting),
            # Bytes as they lie there: what is counted and hashed is what was sent.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            follow_redirects=False,
            # Each request has a connection of its own, so that each can be watched.
            limits=httpx.Limits(max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
    except (ValueError, OSError, ImportError, httpx.InvalidURL) as error:
        raise InputMissing(
            "Expected a proxy and certificates that can be used; found that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, "
            f"SSL_CERT_FILE or SSL_CERT_DIR of the environment can't be ({error}). Mend or unset them. {_HAND_OVER}"
        ) from None


def _text(body: bytes, charset: str | None) -> str:
    """A page as text: by its byte order mark, else as declared if that is usual, else UTF-8."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(encoding, errors="replace")
    try:
        declared = codecs.lookup(charset or "utf-8").name
    except (LookupError, ValueError):
        declared = "utf-8"
    return body.decode(declared if declared in _CHARSETS else "utf-8", errors="replace")


def _failure(url: str, error: httpx.RequestError) -> TryAgain:
    """What a failed request means. Raises InputMissing where another attempt would end the same."""
    refused = _cause(error, ssl.SSLCertVerificationError)
    if refused is not None:
        raise InputMissing(
            f"{url}: expected a certificate that this machine trusts; found {str(refused)[:300]}. If a proxy of "
            f"your network signs anew, name its certificates in SSL_CERT_FILE. {_HAND_OVER}"
        ) from None
    unknown = _cause(error, socket.gaierror)
    if unknown is not None:
        return TryAgain(f"no address for that name ({unknown})", no_answer=True)
    no_answer = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
    return TryAgain(_plainly(error), no_answer=no_answer)


def _cause(error: BaseException | None, kind: type[T]) -> T | None:
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None


def _plainly(error: httpx.RequestError) -> str:
    said = f": {str(error)[:300]}" if str(error) else ""
    if isinstance(error, httpx.ReadTimeout):
        return "silence: the download stalled"
    if isinstance(error, httpx.RemoteProtocolError):
        return f"a cut connection{said}"
    return f"no connection ({type(error).__name__}{said})"
