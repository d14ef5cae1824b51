"""Two folders of one release byte for byte; where a table differs, which rows and columns differ first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import ExitCode
from dagster_project.files import sha256_of_file
from dagster_project.releases.damage import NO_FILE
from dagster_project.releases.folder import PROVENANCE_FILE
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.verification.findings import Check, Finding, names_in
from dagster_project.verification.released_files import rows_of

REBUILT = "rebuilt files"
_SHOWN = 5
_KEYS = {table.name: table.key for table in RELEASED_TABLES}
_Rows = Mapping[tuple[str, ...], list[dict[str, Any]]]


def check_rebuilt(released: Path, rebuilt: Path) -> Check:
    """Every file of both folders but provenance.json; `released` is what should come out again."""
    names = names_in(_names(released), _names(rebuilt))
    findings = [found for name in names if (found := _difference(released / name, rebuilt / name))]
    return Check(REBUILT, names, tuple(findings), ExitCode.OUR_FAULT)


def differing_rows(released: Path, rebuilt: Path) -> list[str]:
    """The first rows of a Parquet or CSV file that differ, by the table's key, each with its columns."""
    try:
        sides = [rows_of(path) for path in (released, rebuilt)]
    except duckdb.Error as error:
        return [f"can't be read as a table: {error}"]
    keys = _KEYS.get(released.stem, ())
    found = list(_row_differences(*(_by_key(rows, keys) for rows in sides)))
    if not found:
        return ["the same rows, written in another way"]
    more = [f"and {len(found) - _SHOWN:,} more rows"] if len(found) > _SHOWN else []
    return found[:_SHOWN] + more


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.name != PROVENANCE_FILE]


def _difference(released: Path, rebuilt: Path) -> Finding | None:
    sides = [f"sha256 {sha256_of_file(path)}" if path.is_file() else NO_FILE for path in (released, rebuilt)]
    if sides[0] == sides[1]:
        return None
    is_table = released.suffix in (".parquet", ".csv") and NO_FILE not in sides
    details = tuple(differing_rows(released, rebuilt)) if is_table else ()
    return Finding(released.name, f"{sides[0]}, as released", f"{sides[1]}, as made again", details)


def _by_key(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> _Rows:
    found = defaultdict(list)
    for row in rows:
        found[tuple(str(row.get(key)) for key in keys)].append(row)
    return found


def _row_differences(released: _Rows, rebuilt: _Rows) -> Iterator[str]:
    for key in sorted({*released, *rebuilt}):
        then, now = released.get(key, []), rebuilt.get(key, [])
        said = ", ".join(key)
        for before, after in zip(then, now, strict=False):
            columns = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            if columns:
                words = (
                    f"{name} {before.get(name)!s} released, {after.get(name)!s} rebuilt" for name in columns
                )
                yield f"row {said}: {'; '.join(words)}"
        for _ in then[len(now) :]:
            yield f"row {said}: released, not rebuilt"
        for _ in now[len(then) :]:
            yield f"row {said}: rebuilt, not released"
