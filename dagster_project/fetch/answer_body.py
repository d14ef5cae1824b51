"""The bytes of an answer: bounded in size, time and rate while they arrive, and unpacked at most once."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

import httpx

from dagster_project.errors import InputRejected
from dagster_project.fetch.retry import Patience, TryAgain

_CHUNK = 1 << 16
# zlib's own number for "gzip or zlib, by their first bytes".
_EITHER = 32 + zlib.MAX_WBITS
_PLAIN = frozenset({"", "identity", "none"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_LONGEST_LENGTH = 18
_LONGEST_HEADER = 1_000
_VISIBLE = re.compile(r"[\x20-\x7e]+")


def chunks(response: httpx.Response, *, largest: int, whole: float, patience: Patience) -> Iterator[bytes]:
    """The body, piece by piece as it arrives.

    Raises InputRejected for more than `largest` bytes, packed or unpacked, and for a body packed twice or in
    a way that nobody asked for; TryAgain where it takes more than `whole` seconds, comes too slowly or ends
    before the end that was declared.
    """
    declared = declared_length(response)
    if declared is not None and declared > largest:
        raise too_large(response, largest, f"{declared:,} bytes declared")
    began, size = patience.monotonic(), 0
    for chunk in _unpacked(response, largest):
        size += len(chunk)
        if size > largest:
            raise too_large(response, largest, "more")
        passed = patience.monotonic() - began
        if passed > whole:
            raise TryAgain(f"{size:,} bytes in {whole:.0f} seconds, and no end")
        if passed > patience.rate_after and size < patience.slowest * passed:
            raise TryAgain(f"{size:,} bytes in {passed:.0f} seconds: too slow to wait for")
        yield chunk
    if declared is not None and size != declared:
        raise TryAgain(f"{size:,} bytes of {declared:,}: the connection was cut")


def declared_length(response: httpx.Response) -> int | None:
    """Content-Length, where it counts the bytes that will be read."""
    text = response.headers.get("content-length", "")
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_LENGTH):
        return None
    return int(text) if "content-encoding" not in response.headers else None


def kept_header(response: httpx.Response, name: str) -> str:
    """A header as it may be kept and sent back: visible ASCII, bounded; empty for any other."""
    value = response.headers.get(name, "").strip()
    return value if may_be_sent(value) else ""


def may_be_sent(value: str) -> bool:
    """Whether a header may have that value: what a publisher sent isn't always what HTTP allows."""
    return len(value) <= _LONGEST_HEADER and _VISIBLE.fullmatch(value) is not None


def too_large(response: httpx.Response, largest: int, found: str) -> InputRejected:
    """The error for a body beyond its limit."""
    return InputRejected(
        file=str(response.url),
        expected=f"at most {largest:,} bytes, the source's limit",
        found=found,
        remedy="Look at the file in a browser; if it is genuine, raise largest_megabytes in the catalogue.",
    )


def _unpacked(response: httpx.Response, largest: int) -> Iterator[bytes]:
    encodings = [each.strip().casefold() for each in response.headers.get("content-encoding", "").split(",")]
    packed = [each for each in encodings if each not in _PLAIN]
    if not packed:
        return response.iter_raw()
    if len(packed) > 1 or packed[0] not in _PACKED:
        raise _not_as_asked(response, f"bytes encoded as {', '.join(packed)[:100]!r}")
    return _inflated(response, _bounded(response, largest))


def _bounded(response: httpx.Response, largest: int) -> Iterator[bytes]:
    """The packed bytes; a body that unpacks to nothing would otherwise have no end."""
    size = 0
    for piece in response.iter_raw():
        size += len(piece)
        if size > largest:
            raise too_large(response, largest, "more")
        yield piece


def _inflated(response: httpx.Response, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpacked in pieces of bounded size, however much the next byte would unpack to."""
    unpacker = zlib.decompressobj(_EITHER)
    try:
        for piece in pieces:
            rest, chunk = piece, b""
            while rest or len(chunk) == _CHUNK:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(_EITHER)
                chunk = unpacker.decompress(rest, _CHUNK)
                rest = unpacker.unused_data or unpacker.unconsumed_tail
                yield chunk
    except zlib.error as error:
        raise _not_as_asked(response, f"bytes that can't be unpacked as gzip ({error})") from None
    if not unpacker.eof:
        raise TryAgain("packed bytes without their end: the connection was cut")


def _not_as_asked(response: httpx.Response, found: str) -> InputRejected:
    return InputRejected(
        file=str(response.url),
        expected="the file's own bytes, as asked for, or packed once by gzip",
        found=found,
        remedy="Download the file in a browser, put it into a folder and use --extracts DIR.",
    )
