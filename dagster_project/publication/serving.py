"""Serves a publication on this machine for a look, with the headers that docs/publishing.md asks of any server."""

from __future__ import annotations

import socket
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.publication.addresses import ASSETS
from dagster_project.publication.folder import RECORD

# Scripts, styles and pictures of its own and nothing else; `data:` for the empty icon alone.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Data files may be read by scripts of any site: that is what they are for.
OF_DATA = {"Access-Control-Allow-Origin": "*"}
# A compressed file is one to be kept as it is: with the type of what is in it, a browser would take it for that.
COMPRESSED = {"Content-Type": "application/gzip"}
# The names of shared files hold the hash of their content; everything else may change at the next release.
KEPT = "public, max-age=31536000, immutable"
ASKED_AGAIN = "no-cache"
_LOOPBACK = "127.0.0.1"
_NAMES = ("127.0.0.1", "localhost", "[::1]")


def headers_of(path: str, *, is_found: bool = True) -> dict[str, str]:
    """The headers of the answer about a file by its path below the root; nobody keeps the answer that there is none."""
    headers = dict(HEADERS)
    headers["Cache-Control"] = KEPT if is_found and path.startswith(f"{ASSETS}/") else ASKED_AGAIN
    if path.startswith("data/") and not path.endswith(".html"):
        headers |= OF_DATA
    if is_found and path.endswith(".gz"):
        headers |= COMPRESSED
    return headers


def application(folder: Path) -> Any:
    """The publication as an ASGI application that answers to this machine's own names only.

    Raises InputMissing where the folder holds no publication.
    """
    if not (folder / RECORD).is_file():
        raise InputMissing(f"{folder}: expected a publication; there is none. `league publish` makes one.")
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    return Starlette(
        routes=[Mount("/", StaticFiles(directory=folder, html=True))],
        # The headers outside of all else, so that a refusal has them too.
        middleware=[
            Middleware(_WithHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(_NAMES), www_redirect=False),
        ],
    )


class _WithHeaders:
    """Adds a path's headers to the answer, in place of those of the same name."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                of_path = headers_of(scope["path"].lstrip("/"), is_found=message["status"] < 400)
                added = {name.lower().encode(): value.encode() for name, value in of_path.items()}
                others = ((name, value) for name, value in message["headers"] if name not in added)
                message["headers"] = [*others, *added.items()]
            await send(message)

        await self._app(scope, receive, answer)


def serve(folder: Path, port: int, told: Any) -> None:
    """Serves until it is interrupted; `told` hears the address once it listens. Port 0 takes a free one.

    Raises WrongUsage where the port is taken or may not be listened on.
    """
    import uvicorn

    app = application(folder)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise WrongUsage(
            f"Port {port} can't be listened on: {error.strerror}. Name another with --port."
        ) from error
    listener.listen()
    told(f"http://{_LOOPBACK}:{listener.getsockname()[1]}/")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
