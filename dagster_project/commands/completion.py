"""What the shell offers to complete: quarters, tables, organisations and releases of the data folder.

Asked at each press of the key, so that only names of folders and one small file are read, and nothing heavy imported.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from dagster_project.settings import DataFolder
from dagster_project.typed_names import TABLES

_TABLE = "current/league_table.csv"


def quarters(incomplete: str) -> list[str]:
    """Released quarters."""
    return [name for name in _released() if name.startswith(incomplete)]


def releases(incomplete: str) -> list[tuple[str, str]]:
    """Ids of releases on the disk, with their quarters."""
    found = _releases().glob("*/[0-9a-f]*/release.json")
    ids = sorted((file.parents[1].name, file.parent.name) for file in found)
    return [(release_id, quarter) for quarter, release_id in ids if release_id.startswith(incomplete)]


def organisations(incomplete: str) -> list[tuple[str, str]]:
    """Codes of the organisations ranked in any released quarter, with their names."""
    ranked = {code: name for quarter in _released() for code, name in _ranked(_releases() / quarter / _TABLE)}
    return [(code, name) for code, name in sorted(ranked.items()) if code.startswith(incomplete.upper())]


def tables_and_organisations(incomplete: str) -> list[tuple[str, str]]:
    """League tables, and organisations as above."""
    tables = [(name, whom) for name, whom in TABLES.items() if name.startswith(incomplete)]
    return [*tables, *organisations(incomplete)]


def _releases() -> Path:
    return DataFolder.from_environment().releases


def _released() -> list[str]:
    return sorted(link.parent.name for link in _releases().glob("*/current"))


def _ranked(file: Path) -> Iterator[tuple[str, str]]:
    if not file.is_file():
        return
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            yield row["organisation_code"], row["organisation_name"]
