"""Whether all is up: Dagster's storage, its daemons' heartbeats, the code server and the data folder, each in words."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dagster_project.dagster_home import dagster_home
from dagster_project.layout import labelled, narrow_terminal
from dagster_project.releases.candidate import wal_of
from dagster_project.settings import DataFolder

if TYPE_CHECKING:
    from dagster import DagsterInstance

# Each part of Dagster's daemon gives a sign of life every half minute. Dagster itself waits for half an hour, as a
# look of a sensor may take long; ours have threads of their own (deploy/dagster.yaml).
LONGEST_SILENCE = 180.0
_LONGEST_SAID = 200


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its name, whether it is well, and what was found."""

    name: str
    healthy: bool
    says: str


def health_of(
    data: DataFolder, instance: Callable[[], DagsterInstance], locations: Callable[[], Any] | None = None
) -> dict[str, Any]:
    """All checks, with `healthy` if none fails. `locations` gives the web server's view of its code locations."""
    checks = [_data_folder(data), *_of_dagster(instance)]
    if locations is not None:
        checks.append(_looked("code server", lambda: _code(locations())))
    return {"healthy": all(check.healthy for check in checks), "checks": [asdict(check) for check in checks]}


def health_here(data: DataFolder) -> dict[str, Any]:
    """All checks but that of the code server, by the data folder's own settings of Dagster."""
    from dagster import DagsterInstance

    dagster_home(data)
    return health_of(data, DagsterInstance.get)


def heartbeat_ages(instance: DagsterInstance) -> dict[str, float | None]:
    """Seconds since the last sign of life of each part of the daemon that the settings call for; None without any."""
    beats = instance.get_daemon_heartbeats()
    now = time.time()
    return {
        kind: now - beats[kind].timestamp if kind in beats else None
        for kind in sorted(instance.get_required_daemon_types())
    }


def asked_of(address: str, *, seconds: float = 30.0) -> dict[str, Any]:
    """The answer of a web server's /health; one that doesn't answer, or with something else, isn't healthy."""
    import httpx

    try:
        answer = httpx.get(f"{address.rstrip('/')}/health", timeout=seconds)
        found = answer.json()
        if set(found) == {"healthy", "checks"}:
            return dict(found)
        said = f"answered {answer.status_code}, and not what /health answers"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        said = f"didn't answer: {_in_short(error)}"
    return {"healthy": False, "checks": [asdict(Check("web server", False, f"{address} {said}"))]}


def show_health(result: dict[str, Any]) -> None:
    """Prints a line for each check."""
    checks = [
        (check["name"], ("" if check["healthy"] else "NOT WELL: ") + check["says"])
        for check in result["checks"]
    ]
    narrow_terminal().print(labelled(checks))


def _data_folder(data: DataFolder) -> Check:
    if not data.root.is_dir():
        return Check("data folder", False, f"{data.root} isn't there")
    if not os.access(data.root, os.W_OK):
        return Check("data folder", False, f"this user may not write to {data.root}")
    if wal_of(data.warehouse).exists():
        return Check(
            "data folder", False, f"{wal_of(data.warehouse).name}: somebody opened the warehouse for writing"
        )
    return Check("data folder", True, str(data.root))


def _of_dagster(instance: Callable[[], DagsterInstance]) -> Iterator[Check]:
    opened: list[DagsterInstance] = []

    def storage() -> Check:
        opened.append(instance())
        return Check("storage", True, f"{opened[0].get_runs_count()} runs in Dagster's history")

    yield _looked("storage", storage)
    if opened:
        yield _looked("daemon", lambda: _daemon(opened[0]))


def _daemon(instance: DagsterInstance) -> Check:
    ages = heartbeat_ages(instance)
    silent = [
        f"{kind.lower()} {'never' if age is None else f'{age:.0f} s ago'}"
        for kind, age in ages.items()
        if age is None or age > LONGEST_SILENCE
    ]
    if silent:
        return Check("daemon", False, f"last signs of life: {', '.join(silent)}")
    return Check("daemon", True, f"all {len(ages)} parts gave a sign of life within {LONGEST_SILENCE:.0f} s")


def _code(entries: Any) -> Check:
    """What the web server has loaded, and whether the server that it was loaded from still answers."""
    for name, entry in entries.items():
        if entry.code_location is None:
            why = entry.load_error.message if entry.load_error else "it is still loading"
            return Check("code server", False, f"{name} isn't loaded: {_short(why)}")
        client = getattr(entry.code_location, "client", None)
        if client is not None:
            client.ping("health")
    return Check("code server", True, f"{', '.join(entries)} is loaded, and its server answers")


def _looked(name: str, look: Callable[[], Check]) -> Check:
    """A check that any error fails: what can't be looked at isn't well."""
    try:
        return look()
    except Exception as error:
        return Check(name, False, _in_short(error))


def _in_short(error: BaseException) -> str:
    return _short(f"{type(error).__name__}: {error}")


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_SAID]
