"""Dagster's web server behind a guard: it asks for no password, so only this machine's own pages may talk to it.

`python -m dagster_project.web_server dev ...` is `dagster dev ...`, and without `dev` it is `dagster-webserver`;
each with the guard in front. Dagster has no option for that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

HOSTS_VARIABLE = "LEAGUE_WEB_HOSTS"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MODULE = "dagster_project.web_server"
_ELSEWHERE = (b"cross-site", b"same-site")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]


class Guard:
    """An ASGI application that refuses, with 403 and a sentence, what doesn't come from a page of its own.

    A foreign `Host` is a name that somebody else points at this machine (DNS rebinding); a foreign `Origin`, or
    a browser's word that another site asks, is that site acting through the reader's browser.
    """

    def __init__(self, app: App, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = {host.casefold() for host in hosts}

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        why = self.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": why.encode() + b"\n"})

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is refused; None if it isn't."""
        headers = [(name.lower(), value) for name, value in scope["headers"]]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or _name_of(hosts[0]) not in self._hosts:
            return f"This server isn't known by that name; {HOSTS_VARIABLE} lists the names it answers to."
        for origin in (value.decode("latin-1") for name, value in headers if name == b"origin"):
            if urlsplit(origin).netloc.casefold() != hosts[0].casefold():
                return "Only pages of this server may ask it."
        is_query = scope["path"].rstrip("/").endswith("/graphql")
        is_read = scope.get("method") in ("GET", "HEAD")
        if is_query and is_read and scope.get("query_string"):
            return "GraphQL is asked with POST here."
        said = {name: value for name, value in headers if name.startswith(b"sec-fetch-")}
        is_link = is_read and not is_query and said.get(b"sec-fetch-mode") == b"navigate"
        if said.get(b"sec-fetch-site") in _ELSEWHERE and not is_link:
            return "Only pages of this server may ask it."
        return None


def hosts_served(host: str) -> set[str]:
    """The names that a server listening on `host` answers to: this machine's own, and those of LEAGUE_WEB_HOSTS."""
    named = {name.strip() for name in os.environ.get(HOSTS_VARIABLE, "").split(",")}
    everywhere = {"", "0.0.0.0", "::"}
    return set(LOOPBACK | (({host} | named) - everywhere))


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _dev(arguments: list[str]) -> None:
    """`dagster dev`, whose web server is this module."""
    # Neither of the two modules is typed for what is replaced in it.
    dev: Any = import_module("dagster._cli.dev")
    start = dev.open_ipc_subprocess

    def guarded(command: list[str], **options: Any) -> Any:
        return start([_MODULE if part == "dagster_webserver" else part for part in command], **options)

    dev.open_ipc_subprocess = guarded
    dev.dev_command(arguments, prog_name="league dev")


def _serve(arguments: list[str]) -> None:
    """`dagster-webserver`, with the guard around its application."""
    cli: Any = import_module("dagster_webserver.cli")
    host = arguments[arguments.index("--host") + 1] if "--host" in arguments else "127.0.0.1"
    make = cli.create_app_from_workspace_process_context

    def guarded(*positional: Any, **named: Any) -> Any:
        return Guard(make(*positional, **named), hosts_served(host))

    cli.create_app_from_workspace_process_context = guarded
    cli.cli(arguments, auto_envvar_prefix="DAGSTER_WEBSERVER", prog_name="dagster-webserver")


if __name__ == "__main__":
    if sys.argv[1:2] == ["dev"]:
        _dev(sys.argv[2:])
    else:
        _serve(sys.argv[1:])
