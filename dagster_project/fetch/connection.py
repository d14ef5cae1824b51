"""Where a request may lead: to the hosts that the catalogue names, in no private network by a detour, and for so long.

Both sides of it: the address before it is asked, and the connection while it lasts.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from dagster_project.catalogue.catalogue import USUAL_PORTS, host_and_port, ip_number
from dagster_project.errors import InputMissing


def checked_address(asked: str, url: str, hosts: Collection[str]) -> httpx.URL:
    """The address as it will be asked; `asked` is the one that led to it, for the error.

    Raises InputMissing for an address with another scheme than http and https, with a user's name, or on a
    host or port that isn't among `hosts`; httpx.InvalidURL or ValueError for what isn't an address.
    """
    address = httpx.URL(url)
    if address.scheme not in USUAL_PORTS:
        raise InputMissing(
            f"{asked}: expected an address of http or https; found {_shown(url)}. "
            "Download the file in a browser and use --extracts DIR."
        )
    if address.userinfo:
        raise InputMissing(
            f"{asked}: expected an address without a user's name; found one that hides its host "
            f"{address.host} behind an @. Look at the link on the publisher's page."
        )
    # Only as ASCII: a name in other letters is compared as the name server will be asked for it.
    host = address.raw_host.decode("ascii").strip("[]").rstrip(".").casefold()
    if host_and_port(host, address.port) not in {each.casefold() for each in hosts}:
        raise InputMissing(
            f"{asked}: expected an address on {' or '.join(sorted(hosts))}; found {_shown(url)}. "
            "If the publisher moved, add the host to `hosts` of the source in the catalogue."
        )
    return address


def refuse_private(url: str, peer: str, hosts: Collection[str]) -> None:
    """Raises InputMissing where the machine that answers for `url` is in a private network, is this one or a
    link-local or reserved one, unless the catalogue names its address (or localhost) itself.
    """
    address = ip_number(peer)
    if address is None or address.is_global or peer in hosts:
        return
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None and (mapped.is_global or str(mapped) in hosts):
        return
    if address.is_loopback and httpx.URL(url).host == "localhost":
        return
    raise InputMissing(
        f"{url}: expected a public address behind its host; found {peer}, which is private. If that is meant, "
        "add this address to `hosts` of the source in the catalogue."
    )


def _shown(url: str) -> str:
    """An address as a message holds it: bounded, and without what a terminal would take for a command."""
    return "".join(character if character.isprintable() else "?" for character in url[:300])


class WatchedConnection:
    """Hears through httpx's `trace` extension of each connection that a request makes. Use it as a context.

    A direct connection to a private address is refused before anything is sent, whatever the name server
    said a moment ago; one to a proxy leads where the proxy decides. After `seconds` the connection is shut
    down, also while headers trickle in, and `is_over` says so.
    """

    def __init__(self, url: str, host: str, hosts: Collection[str], seconds: float) -> None:
        self._url = url
        self._host = host
        self._hosts = hosts
        self._is_direct = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(max(seconds, 0.0), self._end)
        self._timer.daemon = True
        self._guard = threading.Lock()
        self.is_over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._guard:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def heard(self, event: str, info: Mapping[str, Any]) -> None:
        """For `extensions={"trace": ...}`; raises InputMissing for a private address."""
        if event == "connection.connect_tcp.started":
            self._is_direct = info.get("host") == self._host
        elif event == "connection.connect_tcp.complete":
            stream = info["return_value"]
            try:
                if self._is_direct:
                    refuse_private(self._url, str(stream.get_extra_info("server_addr")[0]), self._hosts)
            except Exception:
                stream.close()
                raise
            with self._guard:
                # A handle of its own: encryption takes the first one over.
                self._socket = socket.socket(fileno=os.dup(stream.get_extra_info("socket").fileno()))
            if self.is_over:
                self._end()

    def _end(self) -> None:
        self.is_over = True
        with self._guard, contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
