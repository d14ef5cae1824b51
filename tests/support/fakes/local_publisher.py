"""A publisher on 127.0.0.1: pages and files that a test puts there, and every way in which a site misbehaves."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, unquote

from dagster_project.catalogue.catalogue import Catalogue, Source
from dagster_project.fetch.retry import Patience

CHALLENGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking</body></html>"


@dataclass
class Reply:
    """One answer. `cut` sends that many bytes and hangs up; `stall` is silent for so long before the body.

    `drip` sends byte by byte with that pause, the headers already; `endless` sends the body as chunks for ever.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: float = 0.0
    declared: int | None = None
    drip: float = 0.0
    endless: bool = False


@dataclass(frozen=True)
class Request:
    """What a visitor asked: the path as it stands in the address, and the headers."""

    path: str
    headers: Mapping[str, str]


class LocalPublisher:
    """`replies` by path: the first of several is given once, the last for ever."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[Request] = []
        self._replies: dict[str, list[Reply]] = {}

    def put(self, path: str, *replies: Reply | bytes) -> str:
        """Answers a path from now on; gives its address."""
        self._replies[path] = [
            reply
            if isinstance(reply, Reply)
            else Reply(reply, headers={"ETag": f'"{sha256(reply).hexdigest()}"'})
            for reply in replies
        ]
        return self.address + quote(path)

    def put_page(self, path: str, links: Mapping[str, str], title: str = "Statistics") -> str:
        """A page of links: address to words."""
        items = "".join(f'<li><a href="{href}"><span>{text}</span></a></li>' for href, text in links.items())
        page = f"<html><head><title>{title}</title></head><body><a href='#top'>Top</a>{items}</body></html>"
        return self.put(path, Reply(page.encode(), headers={"Content-Type": "text/html"}))

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def reply_to(self, request: Request) -> Reply:
        replies = self._replies.get(request.path)
        if replies is None:
            return Reply(b"not here", status=404)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        etag = reply.headers.get("ETag")
        if etag is not None and request.headers.get("If-None-Match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return reply


@contextmanager
def local_publisher() -> Iterator[LocalPublisher]:
    """Serves until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self) -> None:
            request = Request(unquote(self.path), dict(self.headers))
            publisher.requests.append(request)
            reply = publisher.reply_to(request)
            time.sleep(reply.stall)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.endless:
                self.send_header("Transfer-Encoding", "chunked")
            elif reply.status != 304:
                self.send_header("Content-Length", str(reply.declared or len(reply.body)))
            if reply.drip:
                self._drip(reply)
                return
            self.end_headers()
            while reply.endless:
                self.wfile.write(f"{len(reply.body):x}\r\n".encode() + reply.body + b"\r\n")
            self.wfile.write(reply.body[: reply.cut])
            self.close_connection = self.close_connection or reply.cut is not None

        def _drip(self, reply: Reply) -> None:
            self.close_connection = True
            raw = b"".join(self._headers_buffer) + b"\r\n" + reply.body
            self._headers_buffer = []
            for position in range(len(raw)):
                self.wfile.write(raw[position : position + 1])
                time.sleep(reply.drip)

        def log_message(self, *_: Any) -> None:
            """A test's output is its own."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A visitor who hangs up is no fault."""

    # A machine behind a proxy must not ask it for this one.
    here = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with patch.dict(os.environ, here), Server(("127.0.0.1", 0), Handler) as server:
        publisher = LocalPublisher(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield publisher
        finally:
            server.shutdown()


def hasty(**more: Any) -> Patience:
    """Patience of milliseconds, without chance."""
    settings: dict[str, Any] = {
        "connecting": 5.0,
        "stalled": 5.0,
        "attempts": 3,
        "first_pause": 0.001,
        "longest_pause": 0.002,
        "chance": lambda: 0.0,
    }
    return Patience(**settings | more)


def source_at(index: str, **more: Any) -> Source:
    """A source with that index page: monthly CSV files named `attendances-...`, unless said otherwise."""
    fields: dict[str, Any] = {
        "name": "attendances",
        "title": "Attendances",
        "publisher": "Nobody",
        "licence": "MIT",
        "index_pages": [{"address": index, "checked": True}],
        "links": {"href": r"attendances[^/]*\.csv$"},
        "span": "named",
        "cadence": "monthly",
        "publication_weeks": [1, 2],
        "formats": ["csv"],
        "reader": None,
        "metrics": [],
        "smallest_bytes": 10,
        "largest_megabytes": 1,
    }
    return Source.model_validate(fields | more)


def catalogue_of(*sources: Source) -> Catalogue:
    """A catalogue of these sources that asks without a pause."""
    return Catalogue({source.name: source for source in sources}, seconds_between_requests=0)
