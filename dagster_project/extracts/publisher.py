"""Talks to a publisher's site by HTTP: patient, polite, bounded, and never further than the site's own hosts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from dagster_project.errors import InputMissing, InputRejected
from dagster_project.extracts.patience import PASSING, Patience
from dagster_project.extracts.politeness import USER_AGENT, Politeness

T = TypeVar("T")

_HAND_OVER = "Or download the file in a browser, put it into a folder and use --extracts DIR."
_LARGEST_PAGE = 10_000_000
_LARGEST_ROBOTS = 500_000
_CHUNK = 1 << 16
_PROGRESS_STEP = 10_000_000


class Unreachable(InputMissing):
    """The host didn't answer at all: offline, or behind a proxy that isn't set."""


class _TryAgain(Exception):
    """An attempt failed in a way that may pass."""

    def __init__(self, found: str, pause: float | None = None, *, no_answer: bool = False) -> None:
        super().__init__(found)
        self.pause = pause
        self.no_answer = no_answer


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
        self._client = httpx.Client(
            timeout=httpx.Timeout(self._patience.stalled, connect=self._patience.connecting),
            # Bytes as they lie there: what is counted and hashed is what was sent.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            follow_redirects=False,
        )
        self._politeness = Politeness(seconds_between_requests, self._patience, self._robots_text)
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
            self._pages[url] = self._persistently(url, {}, hosts, _read_page)
        return self._pages[url]

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
        conditions = {name: value for name, value in headers.items() if value}

        def write(response: httpx.Response) -> Answer:
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Answer(not_modified=True)
            into.seek(0)
            into.truncate()
            size = 0
            for chunk in self._chunks(response, largest):
                into.write(chunk)
                if (size + len(chunk)) // _PROGRESS_STEP > size // _PROGRESS_STEP:
                    progress(size + len(chunk), _declared(response))
                size += len(chunk)
            return Answer(
                not_modified=False,
                bytes=size,
                content_disposition=response.headers.get("content-disposition", ""),
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
                content_type=response.headers.get("content-type", ""),
            )

        return self._persistently(url, conditions, hosts, write)

    def _persistently(
        self,
        url: str,
        headers: Mapping[str, str],
        hosts: Collection[str],
        read: Callable[[httpx.Response], T],
    ) -> T:
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise Unreachable(self._unreachable[host].replace("{url}", url))
        patience, failure = self._patience, _TryAgain("nothing")
        for attempt in range(1, patience.attempts + 1):
            try:
                with self._answer(url, headers, hosts) as response:
                    self._refuse_status(url, response, conditional=bool(headers))
                    return read(response)
            except _TryAgain as error:
                failure = error
            except (httpx.InvalidURL, ValueError) as error:
                raise InputMissing(f"{url}: expected an address that can be read; found {error}.") from None
            except httpx.RequestError as error:
                no_answer = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
                failure = _TryAgain(_plainly(error), no_answer=no_answer)
            if attempt < patience.attempts:
                patience.sleep(max(patience.pause_after(attempt), failure.pause or 0))
        tried = f"after {patience.attempts} attempts found {failure}"
        if failure.no_answer:
            message = (
                f"{{url}}: expected an answer from {host}; {tried}. Connect this machine to the internet, or "
                f"set HTTPS_PROXY if it needs a proxy. {_HAND_OVER}"
            )
            self._unreachable[host] = message
            raise Unreachable(message.replace("{url}", url))
        raise InputMissing(f"{url}: expected the file; {tried}. Try again later. {_HAND_OVER}")

    @contextmanager
    def _answer(
        self, url: str, headers: Mapping[str, str], hosts: Collection[str]
    ) -> Iterator[httpx.Response]:
        """The answer at the end of the redirects, which stay on the source's hosts and don't leave https."""
        asked = url
        for _ in range(self._patience.redirects + 1):
            _refuse_foreign(asked, url, hosts)
            self._politeness.before_request(url)
            with self._client.stream("GET", url, headers=dict(headers)) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                target = urljoin(url, response.headers["location"])
            if urlsplit(target).scheme not in ("https", urlsplit(url).scheme):
                raise InputMissing(
                    f"{asked}: expected redirects to https addresses; found one to {target}. {_HAND_OVER}"
                )
            url = target
        raise InputMissing(
            f"{asked}: expected at most {self._patience.redirects} redirects; found more, the last to {url}. "
            f"Look in a browser where the file is now. {_HAND_OVER}"
        )

    def _refuse_status(self, url: str, response: httpx.Response, *, conditional: bool) -> None:
        code = response.status_code
        if code == httpx.codes.OK or (conditional and code == httpx.codes.NOT_MODIFIED):
            return
        if code in PASSING:
            asked = self._patience.asked_pause(response.headers.get("retry-after"))
            if asked is None or asked <= self._patience.longest_asked:
                raise _TryAgain(f"HTTP {code}", asked)
            raise InputMissing(
                f"{url}: expected the file; found HTTP {code}, to come back in {asked:.0f} seconds. "
                "Try again then."
            )
        remedy = "The link on the publisher's page may be out of date." if code in (404, 410) else ""
        raise InputMissing(f"{url}: expected the file; found HTTP {code}. {remedy} {_HAND_OVER}")

    def _chunks(self, response: httpx.Response, largest: int) -> Iterator[bytes]:
        """The body, bounded in size and time; an end before the declared one calls for another attempt."""
        declared = _declared(response)
        if declared is not None and declared > largest:
            raise _too_large(response, largest, f"{declared:,} bytes declared")
        until, size = self._patience.monotonic() + self._patience.whole_file, 0
        for chunk in response.iter_bytes(_CHUNK):
            size += len(chunk)
            if size > largest:
                raise _too_large(response, largest, "more")
            if self._patience.monotonic() > until:
                raise _TryAgain(f"{size:,} bytes in {self._patience.whole_file:.0f} seconds, and no end")
            yield chunk
        if declared is not None and size != declared:
            raise _TryAgain(f"{size:,} bytes of {declared:,}: the connection was cut")

    def _robots_text(self, url: str) -> str | None:
        with self._client.stream("GET", url, follow_redirects=True) as response:
            if response.status_code in PASSING:
                asked = self._patience.asked_pause(response.headers.get("retry-after"))
                pause = None if asked is None else min(asked, self._patience.longest_asked)
                raise _TryAgain(f"HTTP {response.status_code} for {url}", pause)
            if not response.is_success:
                return None
            body = b""
            for chunk in response.iter_bytes(_CHUNK):
                body += chunk
                if len(body) > _LARGEST_ROBOTS:
                    break
            return body[:_LARGEST_ROBOTS].decode(errors="replace")


def _read_page(response: httpx.Response) -> Page:
    body = b""
    for chunk in response.iter_bytes(_CHUNK):
        body += chunk
        if len(body) > _LARGEST_PAGE:
            raise _too_large(response, _LARGEST_PAGE, "more")
    try:
        text = body.decode(response.charset_encoding or "utf-8", errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    return Page(str(response.url), text)


def _refuse_foreign(asked: str, url: str, hosts: Collection[str]) -> None:
    host = urlsplit(url).hostname or ""
    if host not in hosts:
        raise InputMissing(
            f"{asked}: expected an address on {' or '.join(sorted(hosts))}; found {url}. "
            "If the publisher moved, add the host to `hosts` of the source in the catalogue."
        )


def _declared(response: httpx.Response) -> int | None:
    """Content-Length, where it counts the bytes that will be read."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isdigit() and "content-encoding" not in response.headers else None


def _too_large(response: httpx.Response, largest: int, found: str) -> InputRejected:
    return InputRejected(
        file=str(response.url),
        expected=f"at most {largest:,} bytes, the source's limit",
        found=found,
        remedy="Look at the file in a browser; if it is genuine, raise largest_megabytes in the catalogue.",
    )


def _plainly(error: httpx.RequestError) -> str:
    said = f": {error}" if str(error) else ""
    if isinstance(error, httpx.ReadTimeout):
        return "silence: the download stalled"
    if isinstance(error, httpx.RemoteProtocolError):
        return f"a cut connection{said}"
    return f"no connection ({type(error).__name__}{said})"
