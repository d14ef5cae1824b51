"""The web server's guard: a request is let through only from a page that the server itself gave out."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.web_server import HOSTS_VARIABLE, Guard, hosts_served

OWN = "127.0.0.1:3000"


async def _reached(*_: Any) -> None:
    return None


def refusal(
    path: str = "/graphql", method: str = "POST", kind: str = "http", query: bytes = b"", **headers: str
) -> str | None:
    sent = {"host": OWN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "query_string": query,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items() if value],
    }
    if kind == "http":
        scope["method"] = method
    return Guard(_reached, hosts_served("127.0.0.1")).refusal(scope)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": f"http://{OWN}"},
        {"host": "localhost:3000", "origin": "http://localhost:3000"},
        {"host": "[::1]:3000"},
        {"host": "LOCALHOST"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_its_own_pages_and_programs_of_this_machine_are_let_through(
    kind: str, headers: dict[str, str]
) -> None:
    assert refusal(kind=kind, **headers) is None


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:3000"},
        {"host": "evil.example@127.0.0.1.example"},
        {"host": ""},
        {"host": "[::1"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3001"},
        {"origin": "http://localhost:3000"},
        {"origin": f"http://{OWN}.evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
    ],
)
def test_foreign_names_and_pages_are_refused(kind: str, headers: dict[str, str]) -> None:
    assert refusal(kind=kind, **headers) is not None


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30))
def test_no_other_name_is_answered(host: str) -> None:
    name = host.rpartition("@")[2].split(":")[0].split("/")[0].split("?")[0].split("#")[0].casefold()
    if name not in ("localhost", "127.0.0.1") and "::1" not in host:
        assert refusal(host=host) is not None


def test_two_hosts_are_refused() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(b"host", OWN.encode()), (b"Host", b"evil")],
    }
    assert Guard(_reached, hosts_served("127.0.0.1")).refusal(scope) is not None


def test_a_link_from_elsewhere_opens_a_page_but_asks_nothing() -> None:
    from_elsewhere = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert refusal("/runs", "GET", **from_elsewhere) is None
    assert refusal("/graphql", "GET", query=b"query=mutation{a}") is not None


def test_names_are_those_listened_on_and_those_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS_VARIABLE, "league.example, other.example")
    loopback = {"localhost", "127.0.0.1", "::1"}
    assert hosts_served("0.0.0.0") == loopback | {"league.example", "other.example"}
    monkeypatch.setenv(HOSTS_VARIABLE, "")
    assert hosts_served("10.0.0.5") == loopback | {"10.0.0.5"}


def test_a_refusal_is_403_with_its_reason_and_reaches_nothing() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def application(*_: Any) -> None:
        raise AssertionError("reached")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    guard = Guard(application, {"localhost"})
    asyncio.run(guard({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send))
    asyncio.run(guard({"type": "websocket", "path": "/graphql", "headers": []}, None, send))
    assert [(message["type"], message.get("status")) for message in sent] == [
        ("http.response.start", 403),
        ("http.response.body", None),
        ("websocket.close", None),
    ]


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("dagster_webserver.cli", ("create_app_from_workspace_process_context", "cli")),
    ],
)
def test_what_the_guard_is_put_into_is_still_there(module: str, names: tuple[str, ...]) -> None:
    assert all(hasattr(import_module(module), name) for name in names)
