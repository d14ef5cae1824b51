"""The release that is asked about: found on the disk, its tables and rules read from its folder's Parquet files."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule, framework_rules
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, read_release_file, release_path
from dagster_project.releases.identity import release_id_of
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder
from dagster_project.sql_text import literal

_NEXT_TERM = re.compile(r"; (?=[a-z_]+=)")


@dataclass(frozen=True)
class ReleaseTables:
    """A release's folder. Rows are mappings by column; decimals stay exact decimals."""

    quarter: Quarter
    release_id: str
    folder: Path
    is_current: bool

    @cached_property
    def release_file(self) -> dict[str, Any]:
        """The content of `release.json`."""
        return read_release_file(self.folder)

    def has(self, table: str) -> bool:
        """Whether the release was made with this table."""
        return f"{table}.parquet" in self.release_file["files"]

    def rows(self, table: str, **equal: str) -> list[dict[str, Any]]:
        """The rows of a released table, all or those whose columns equal these texts.

        Raises InputMissing where the release has no such file.
        """
        file = self.folder / f"{table}.parquet"
        if not file.is_file():
            raise InputMissing(
                f"{file}: expected the released table {table}; there is none. Restore the release folder "
                "from a backup, or explain a release that has it."
            )
        # Literals, because DuckDB imports pandas to bind a parameter: that alone takes half a second.
        only = " and ".join(f"{column} = {literal(value)}" for column, value in equal.items()) or "true"
        found = self._connection.execute(f"select * from read_parquet({literal(file)}) where {only}")
        columns = [column[0] for column in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(":memory:", config={"threads": 1})


def find_release(data: DataFolder, quarter: Quarter, release_id: str | None = None) -> ReleaseTables:
    """The quarter's current release, or the one on the disk whose id is or starts with `release_id`.

    Raises InputMissing naming what is released, WrongUsage where the start of an id fits several.
    """
    current = {release.quarter: release.release_id for release in current_release(data)}
    if release_id is None:
        if quarter not in current:
            there = ", ".join(map(str, sorted(current))) or "nothing yet"
            raise InputMissing(f"{quarter} isn't released. Released: {there}.")
        release_id = current[quarter]
    else:
        start = release_id_of(release_id, "--release", start_will_do=True)
        release_id = _whole_id(data, quarter, start)
    folder = release_path(data, quarter, release_id)
    if not (folder / RELEASE_FILE).is_file():
        raise InputMissing(
            f"{folder}: expected the folder of release {release_id}; it is gone. Restore it from a backup."
        )
    return ReleaseTables(quarter, release_id, folder, current.get(quarter) == release_id)


def _whole_id(data: DataFolder, quarter: Quarter, start: str) -> str:
    on_disk = {file.parent.name: file.parents[1].name for file in data.releases.glob(f"*/*/{RELEASE_FILE}")}
    here = sorted(name for name, of in on_disk.items() if of == str(quarter))
    found = [name for name in here if name.startswith(start.lower())] if start else []
    if len(found) > 1:
        raise WrongUsage(f"{start!r} is the start of several releases of {quarter}: {', '.join(found)}")
    if found:
        return found[0]
    elsewhere = [
        f"{name} is a release of {of}" for name, of in on_disk.items() if start and name.startswith(start)
    ]
    there = ", ".join(here) or "none"
    raise InputMissing(
        ". ".join([f"{quarter} has no release {start!r} on this disk; it has: {there}", *sorted(elsewhere)])
    )


def read_rules(release: ReleaseTables) -> FrameworkRules:
    """The release's rules; raises InputMissing for a release from before they were released in full."""
    found: dict[str, list[Rule]] = defaultdict(list)
    rows = release.rows("framework_rule")
    if not all("rule_terms" in row for row in rows) or not rows:
        raise InputMissing(
            f"release {release.release_id} of {release.quarter} was made before releases carried every "
            "term of their rules, so it can't be recomputed from itself. Run the quarter again: "
            f"league run {release.quarter}"
        )
    for row in rows:
        found[row["rule_table"]].append(Rule(rule_terms(row["rule_terms"]), row["state"], row["source"]))
    return framework_rules(release.release_file["framework"], str(release.quarter), found)


def rule_terms(text: str) -> dict[str, str]:
    """The terms of a released rule by name, from the text that holds them all."""
    pairs = (term.partition("=") for term in _NEXT_TERM.split(text))
    return {name: value for name, _, value in pairs}
