"""Released files against release.json, release.json against itself and the tables beside it, and a rebuilt folder
against the released one byte for byte.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import ExitCode
from dagster_project.files import sha256_of_file
from dagster_project.json_text import parsed_json
from dagster_project.notices import notice_of
from dagster_project.quarters import Quarter
from dagster_project.releases.damage import NO_FILE, damaged_files, faults_of_form
from dagster_project.releases.folder import PROVENANCE_FILE, RELEASE_FILE, release_file_bytes
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.sql_text import literal
from dagster_project.verification.findings import Check, Finding, names_in

Content = Mapping[str, Any]
RELEASE = "release.json"
RELEASED = "released files"
_HAS_ALL = ("is a release.json", "is written as a run writes it")
_HOLDS = ("release_id", "components", "quarter", "notice")
REBUILT = "rebuilt files"
_SHOWN = 5
_KEYS = {table.name: table.key for table in RELEASED_TABLES}
_Rows = Mapping[tuple[str, ...], list[dict[str, Any]]]


def check_release_file(folder: Path, quarter: Quarter, release_id: str) -> tuple[Content | None, Check]:
    """What release.json holds (None if it can't be used), and whether all that it says of itself is so.

    Its id must be the hash of its components, its notice that of its kind of data, and the outcomes of its
    gates those of the table quality_result; its list of files is checked with the files.
    """
    path = folder / RELEASE_FILE
    if not path.is_file():
        return None, Check(RELEASE, _HAS_ALL[:1], (Finding(RELEASE_FILE, "a file", NO_FILE),))
    raw = path.read_bytes()
    faults = tuple(
        Finding(f"{RELEASE_FILE}, {place}" if place else RELEASE_FILE, expected, found)
        for place, expected, found in faults_of_form(raw)
    )
    if faults:
        return None, Check(RELEASE, _HAS_ALL[:1], faults)
    content: dict[str, Any] = parsed_json(raw)
    identity = _identity(content)
    found = [*_itself(content, raw), *_naming(content, identity, quarter, release_id)]
    gates = content["gates"]
    if "quality_result.parquet" in content["files"]:
        found += _gates(folder / "quality_result.parquet", gates)
    looked_at = (*_HAS_ALL, *_HOLDS, *(f"gate {gate['gate']}" for gate in gates))
    return content, Check(RELEASE, looked_at, tuple(found))


def check_released_files(folder: Path, content: Content) -> Check:
    """Each file's sha256, bytes and rows, and that no file was added or taken away.

    provenance.json lies outside the promise: it differs by machine.
    """
    promised: dict[str, dict[str, Any]] = content["files"]
    findings = [
        Finding(damage.name, damage.expected, damage.found) for damage in damaged_files(folder, promised)
    ]
    damaged = [finding.what for finding in findings]
    for name in sorted(promised.keys() - set(damaged)):
        findings += _rows(folder / name, name, promised[name].get("rows"))
    return Check(RELEASED, tuple(sorted({*promised, *damaged})), tuple(findings))


def _identity(content: Content) -> ReleaseIdentity:
    return ReleaseIdentity(
        quarter=Quarter.from_canonical(content["quarter"]),
        framework=content["framework"],
        is_sample=content["is_sample"],
        previous_release_id=content["previous_release_id"],
        extracts=content["extracts"],
        rules=content["rules"],
        code=content["code"],
        versions=content["versions"],
    )


def _itself(content: dict[str, Any], raw: bytes) -> list[Finding]:
    if release_file_bytes(content) == raw:
        return []
    return [Finding(RELEASE_FILE, "JSON as a run writes it", "the same values written in another way")]


def _naming(content: Content, identity: ReleaseIdentity, quarter: Quarter, release_id: str) -> list[Finding]:
    notice = notice_of(is_sample=identity.is_sample)
    pairs = (
        ("release_id", release_id, content["release_id"]),
        ("the hash of its components", release_id, identity.release_id),
        ("quarter", str(quarter), content["quarter"]),
        ("notice", notice, content["notice"]),
    )
    return [
        Finding(f"{RELEASE_FILE}, {what}", str(expected), str(found))
        for what, expected, found in pairs
        if expected != found
    ]


def _rows(path: Path, name: str, said: int | None) -> list[Finding]:
    if path.suffix not in (".parquet", ".csv"):
        return []
    rows = len(rows_of(path))
    return [] if rows == said else [Finding(name, f"{said} rows, as {RELEASE_FILE} says", f"{rows} rows")]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a released Parquet or CSV file, in its order; of a CSV all values are text."""
    name = literal(path)
    source = (
        f"read_parquet({name})"
        if path.suffix == ".parquet"
        else f"read_csv({name}, header = true, delim = ',', quote = '\"', escape = '\"', all_varchar = true)"
    )
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(f"select * from {source}")
        columns = [column[0] for column in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def _gates(path: Path, gates: list[dict[str, Any]]) -> list[Finding]:
    """The outcomes of the gates, counted anew from the results of every expectation."""
    try:
        results = rows_of(path)
    except duckdb.Error:
        return []  # the file itself is named by the check of the released files
    named = [gate["gate"] for gate in gates]
    findings = [
        Finding(f"{RELEASE_FILE}, gates", f"the gate {name}", "none of that name")
        for name in sorted({row["gate"] for row in results} - set(named))
    ]
    for gate in gates:
        mine = [row for row in results if row["gate"] == gate["gate"]]
        failed = [row["severity"] for row in mine if not row["success"]]
        counted = {
            "gate": gate["gate"],
            "expectations": len(mine),
            "passed": "critical" not in failed,
            "warnings": failed.count("warning"),
        }
        if counted != gate:
            findings.append(Finding(f"{RELEASE_FILE}, gate {gate['gate']}", str(counted), str(gate)))
    return findings


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
