"""Dagster's web server behind a guard: it asks for no password, so only this machine's own pages may talk to it.

`python -m dagster_project.web_server dev ...` is what `dagster dev` is, and without `dev` it is `dagster-webserver`;
each with the guard in front, which Dagster has no option for, and with /health and /metrics for those who watch it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from dagster_project.run_history import CODE_LOCATION, DEFINITIONS
from dagster_project.settings import DataFolder
from dagster_project.shown import json_text

HOSTS_VARIABLE = "LEAGUE_WEB_HOSTS"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MODULE = "dagster_project.web_server"
_QUIETLY = ("--log-level", "warning")
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_TO_END = 60
_SECONDS_TO_ANSWER = 20
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


class Watched:
    """An ASGI application that answers /health (200, or 503 where something isn't well) and /metrics itself.

    `context` is the web server's own of its workspace: the history that it shows and the code that it has loaded.
    """

    def __init__(self, app: App, context: Any) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        answers = {"/health": self._health_page, "/metrics": self._metrics_page}
        answer = answers.get(scope.get("path", "")) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        try:
            status, kind, body = await asyncio.wait_for(asyncio.to_thread(answer), _SECONDS_TO_ANSWER)
        except TimeoutError:
            status, kind, body = 503, "text/plain", f"No answer within {_SECONDS_TO_ANSWER} s.\n".encode()
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _health(self) -> dict[str, Any]:
        from dagster_project.monitoring.health import health_of

        def locations() -> Any:
            return self._context.create_request_context().get_code_location_entries()

        return health_of(DataFolder.from_environment(), lambda: self._context.instance, locations)

    def _health_page(self) -> tuple[int, str, bytes]:
        health = self._health()
        return 200 if health["healthy"] else 503, "application/json", json_text(health, indent=2).encode()

    def _metrics_page(self) -> tuple[int, str, bytes]:
        from dagster_project.monitoring.metrics import CONTENT_TYPE, metrics_text

        try:
            text = metrics_text(DataFolder.from_environment(), self._context.instance, self._health())
        except Exception as error:
            # The scrape fails, which monitoring sees as such; it shows no stack trace to whoever asks.
            return 503, "text/plain", f"{type(error).__name__}: {error}\n".encode()
        return 200, CONTENT_TYPE, text


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
    """A code server, Dagster's daemon and the guarded web server, as `dagster dev` starts them, until one of them or
    somebody ends it. The code server has a socket in a folder of its own: no port that others could start runs by.
    """
    with TemporaryDirectory(prefix="league-dev-") as folder:
        workspace, socket = Path(folder) / "workspace.yaml", Path(folder) / "code.sock"
        server = {"socket": str(socket), "location_name": CODE_LOCATION}
        workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}), encoding="utf-8")
        programs = Path(sys.executable).parent
        definitions = ["-m", DEFINITIONS, "--location-name", CODE_LOCATION]
        _run_together(
            socket,
            [str(programs / "dagster"), "code-server", "start", "-s", str(socket), *_QUIETLY, *definitions],
            [str(programs / "dagster-daemon"), "run", "-w", str(workspace)],
            [sys.executable, "-m", _MODULE, "-w", str(workspace), *arguments],
        )


def _offer_quarters() -> None:
    """Makes partitions of the quarters that the data folder holds; while it holds none, of those due by now."""
    from dagster import DagsterInstance

    from dagster_project.assets.partitions import offer
    from dagster_project.automation.publication import latest_due
    from dagster_project.automation.watching import watched_sources
    from dagster_project.catalogue.catalogue import load_catalogue
    from dagster_project.quarters import FIRST_QUARTER, quarters_between
    from dagster_project.runs.status import quarters_at_hand

    quarters = quarters_at_hand(DataFolder.from_environment())
    if not quarters:
        framework, _ = watched_sources(load_catalogue())
        quarters = set(quarters_between(FIRST_QUARTER, latest_due(datetime.now(UTC).date(), framework)))
    with DagsterInstance.get() as instance:
        offer(instance, quarters)


def _run_together(socket: Path, server: list[str], *clients: list[str]) -> None:
    """Runs programs until one of them ends, or this one is interrupted; then ends them all. The clients wait for the
    server's socket: they would say at length that it isn't there yet.
    """

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    running: list[subprocess.Popen[bytes]] = []
    try:
        waiting = [server]
        while all(program.poll() is None for program in running):
            running += [subprocess.Popen(command) for command in waiting]
            waiting = list(clients) if socket.exists() and len(running) == 1 else []
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # The last one started first: it talks to those before.
        for program in reversed(running):
            _end(program)


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        program.send_signal(signal.SIGINT)
    try:
        program.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        program.kill()


def _serve(arguments: list[str]) -> None:
    """`dagster-webserver`, with the guard around its application."""
    _offer_quarters()
    cli: Any = import_module("dagster_webserver.cli")
    at = next((place for place, word in enumerate(arguments) if word in ("--host", "-h")), None)
    host = "127.0.0.1" if at is None else arguments[at + 1]
    make = cli.create_app_from_workspace_process_context

    def guarded(*positional: Any, **named: Any) -> Any:
        context = positional[0] if positional else named["workspace_process_context"]
        return Guard(Watched(make(*positional, **named), context), hosts_served(host))

    cli.create_app_from_workspace_process_context = guarded
    cli.cli(arguments, auto_envvar_prefix="DAGSTER_WEBSERVER", prog_name="dagster-webserver")


if __name__ == "__main__":
    if sys.argv[1:2] == ["dev"]:
        _dev(sys.argv[2:])
    else:
        _serve(sys.argv[1:])
