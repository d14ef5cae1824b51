"""A connection under watch: whose address it leads to, and an end to it when its time is up."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

from dagster_project.catalogue.addresses import refuse_private


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
