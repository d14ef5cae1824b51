"""Dagster's own folder below the data folder: its settings, written whole and mended, with telemetry off."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from dagster_project.durable import make_folder, write_whole
from dagster_project.progress import announce
from dagster_project.settings import DataFolder

SETTINGS_FILE = "dagster.yaml"
_TELEMETRY_OFF = "telemetry:\n  enabled: false\n"
# One run at a time, as there is one writer, and in the order asked for, as a release builds on the quarter
# before. Runs are tried again only where their tags say so.
_BEFORE_NUX = f"""{_TELEMETRY_OFF}concurrency:
  runs:
    max_concurrent_runs: 1
run_retries:
  enabled: true
  max_retries: 0
"""
# No page that asks for a reader's mail address before it shows anything.
_OWN_SETTINGS = f"{_BEFORE_NUX}nux:\n  enabled: false\n"
_EARLIER_SETTINGS = (_TELEMETRY_OFF.encode(), _BEFORE_NUX.encode())
# Dagster looks for its variable before it sends anything, whatever its settings say; dbt and others for the second.
NO_TELEMETRY = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}
# A sensor or schedule that fetches a quarter at a polite pace takes longer than Dagster's minute.
LONGEST_FETCH = {
    "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "7200",
    "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS": "7200",
}


def dagster_home(data: DataFolder) -> Path:
    """The folder of Dagster's run history, made if need be; DAGSTER_HOME is it from then on.

    Settings that an operator has edited stay. Settings that were never wholly written, that lack the word on
    telemetry or that are no YAML at all are mended; of the last, a copy is kept beside them.
    """
    make_folder(data.dagster_home)
    _mend_settings(data.dagster_home / SETTINGS_FILE)
    os.environ["DAGSTER_HOME"] = str(data.dagster_home)
    os.environ.update(NO_TELEMETRY)
    for name, seconds in LONGEST_FETCH.items():
        os.environ.setdefault(name, seconds)
    return data.dagster_home


def is_stored_elsewhere(data: DataFolder) -> bool:
    """Whether Dagster's settings name a storage of their own, such as PostgreSQL: the history isn't in the folder."""
    path = data.dagster_home / SETTINGS_FILE
    said = _mapping(path.read_bytes()) if path.is_file() else None
    return said is not None and any(name in said for name in ("storage", "run_storage"))


def _mend_settings(path: Path) -> None:
    if not path.exists():
        write_whole(path, _OWN_SETTINGS)
        return
    raw = path.read_bytes()
    if raw == _OWN_SETTINGS.encode():
        return
    # What an earlier version wrote, and whatever a cut left of ours, are beginnings of it.
    if _OWN_SETTINGS.encode().startswith(raw.rstrip(b"\0")):
        write_whole(path, _OWN_SETTINGS)
        if raw not in _EARLIER_SETTINGS:
            announce(f"{path} had been cut off; it was written anew")
        return
    said = _mapping(raw)
    if said is None:
        kept = _kept_aside(path, raw)
        write_whole(path, _OWN_SETTINGS)
        announce(f"{path} was no YAML of settings; it was written anew, and what was there is in {kept.name}")
    elif "telemetry" not in said:
        write_whole(path, raw.decode().rstrip("\n") + f"\n{_TELEMETRY_OFF}")
        announce(f"{path} didn't say that telemetry is off; that was added, all else is as it was")


def _mapping(raw: bytes) -> dict[str, Any] | None:
    """The settings; None where they aren't a mapping of names, or the one on telemetry makes no sense."""
    try:
        said = yaml.safe_load(raw.decode())
    except (ValueError, yaml.YAMLError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    telemetry = said.get("telemetry", {"enabled": False})
    is_sound = isinstance(telemetry, dict) and isinstance(telemetry.get("enabled"), bool)
    return said if is_sound else None


def _kept_aside(path: Path, raw: bytes) -> Path:
    """A copy beside the file, under the first number that is free."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    write_whole(kept, raw)
    return kept
