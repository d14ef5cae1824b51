"""The release folder `releases/<quarter>/<release id>/`: written once and whole, then only ever compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.durable import UNFINISHED, flush, make_folder, remove, seal_file, write_new_file
from dagster_project.errors import InputMissing, InputRejected, LeagueError, WrongUsage
from dagster_project.files import sha256_of_file
from dagster_project.json_text import parsed_json
from dagster_project.notices import notice_of
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import ID_LENGTH, ReleaseIdentity, release_id_of
from dagster_project.releases.tables import RELEASED_TABLES, export_table
from dagster_project.settings import DataFolder
from dagster_project.warehouse.descriptions import comments

RELEASE_FILE = "release.json"
PROVENANCE_FILE = "provenance.json"
QUALITY_FILE = "quality.html"
_SAYS = {field.name for field in fields(ReleaseIdentity)} | {"release_id", "notice", "gates", "files"}


@dataclass(frozen=True)
class ReleaseFolder:
    """A release on the disk. `is_new` is False if it was there before and was found equal."""

    quarter: Quarter
    release_id: str
    path: Path
    is_new: bool


def release_path(data: DataFolder, quarter: Quarter, release_id: str) -> Path:
    """Where a release lies, whether or not it exists."""
    return data.releases / str(quarter) / release_id


def write_release(
    connection: duckdb.DuckDBPyConnection,
    data: DataFolder,
    identity: ReleaseIdentity,
    *,
    gates: Sequence[Mapping[str, Any]],
    quality_page: bytes,
    provenance: Mapping[str, Any],
) -> ReleaseFolder:
    """Writes a quarter's release from the candidate's schema `league`, or compares it with the one there.

    `gates` (their outcomes) and `quality_page` are part of the promise of same inputs, same bytes: nothing
    of a run or a machine belongs in them. `provenance` is where that goes (run id, retrieved at, origins,
    durations); it is kept from the first time only and never compared. All are plain JSON values.
    Raises LeagueError naming the file if the release exists and differs.
    """
    final = release_path(data, identity.quarter, identity.release_id)
    unfinished = final.with_name(UNFINISHED + final.name)
    make_folder(final.parent)
    remove(unfinished)
    unfinished.mkdir()
    try:
        _fill(unfinished, connection, identity, gates, quality_page)
        if final.exists():
            _refuse_difference(final, unfinished)
            return ReleaseFolder(identity.quarter, identity.release_id, final, is_new=False)
        write_new_file(unfinished / PROVENANCE_FILE, release_file_bytes(provenance))
        for file in sorted(unfinished.iterdir()):
            seal_file(file)
        flush(unfinished)
        unfinished.rename(final)
        flush(final.parent)
        return ReleaseFolder(identity.quarter, identity.release_id, final, is_new=True)
    finally:
        remove(unfinished)


def whole_release_id(data: DataFolder, typed: str, what: str, quarter: Quarter | None = None) -> str:
    """The id of the release on the disk that a person means by it or by its start; `what` names option or argument.

    A whole id is given back as it is, for whoever asks to say that there is none. Raises WrongUsage where it is no id
    or the start of several, InputMissing where it is the start of none.
    """
    start = release_id_of(typed.strip().lower(), what, start_will_do=True)
    if len(start) == ID_LENGTH:
        return start
    folders = data.releases.glob(f"{quarter or '*'}/{start}*/{RELEASE_FILE}")
    found = {file.parent.name: file.parents[1].name for file in folders}
    if len(found) == 1:
        return next(iter(found))
    if found:
        listed = ", ".join(f"{release_id} of {of}" for release_id, of in sorted(found.items()))
        raise WrongUsage(
            f"{what}: {start!r} is the start of {len(found)} releases, write more of it: {listed}"
        )
    raise InputMissing(f"{what}: no release on this disk begins with {start!r}; `league history` lists all.")


def read_release(data: DataFolder, quarter: Quarter, release_id: str) -> dict[str, Any]:
    """The content of a release's `release.json`; raises InputMissing if there is no such release."""
    path = release_path(data, quarter, release_id)
    if not (path / RELEASE_FILE).is_file():
        raise InputMissing(
            f"{path / RELEASE_FILE}: expected the release {release_id} of {quarter}; there is none. "
            "`league status` lists those there are."
        )
    return read_release_file(path)


def read_release_file(folder: Path) -> dict[str, Any]:
    """The content of the `release.json` of a release's folder, wherever that lies.

    Raises InputRejected if it isn't JSON with all that a release says of itself; what each part holds is
    looked at where a damaged one could do harm (`damage.refuse_damaged`) or is asked for (`league verify`).
    """
    path = folder / RELEASE_FILE
    try:
        content: dict[str, Any] = parsed_json(path.read_bytes())
        missing = sorted(_SAYS - content.keys())
    except (ValueError, AttributeError) as error:
        raise _not_a_release_file(path, f"something else ({error})") from error
    if missing:
        raise _not_a_release_file(path, f"none of {', '.join(missing)}")
    return content


def release_file_bytes(content: Mapping[str, Any]) -> bytes:
    """JSON as release.json and provenance.json are written: sorted keys, LF line ends."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2)
    return (text + "\n").encode()


def _not_a_release_file(path: Path, found: str) -> InputRejected:
    return InputRejected(
        file=str(path),
        expected=f"JSON with {', '.join(sorted(_SAYS))}, as a run writes it",
        found=found,
        remedy="Restore the release folder from a backup, or make the release again.",
    )


def sweep_unfinished(data: DataFolder) -> None:
    """Removes what runs that died have left half-written among the releases; needs the writer lock."""
    if data.releases.is_dir():
        for leftover in data.releases.glob(f"*/{UNFINISHED}*"):
            remove(leftover)


def _fill(
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    identity: ReleaseIdentity,
    gates: Sequence[Mapping[str, Any]],
    quality_page: bytes,
) -> None:
    """Writes every file of the promise, `release.json` last."""
    rows: dict[str, int] = {}
    said = comments(connection)
    for table in RELEASED_TABLES:
        count = export_table(connection, table, identity, folder, said=said)
        rows |= {f"{table.name}.parquet": count, f"{table.name}.csv": count}
    write_new_file(folder / QUALITY_FILE, quality_page)
    files: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.iterdir()):
        files[file.name] = {"sha256": sha256_of_file(file), "bytes": file.stat().st_size}
        if file.name in rows:
            files[file.name]["rows"] = rows[file.name]
    content = {
        **identity.components,
        "release_id": identity.release_id,
        "notice": notice_of(is_sample=identity.is_sample),
        "gates": [dict(gate) for gate in gates],
        "files": files,
    }
    write_new_file(folder / RELEASE_FILE, release_file_bytes(content))


def _refuse_difference(existing: Path, fresh: Path) -> None:
    """Raises LeagueError naming the first file of two folders that isn't the same in both."""
    names = {file.name for file in (*existing.iterdir(), *fresh.iterdir())} - {PROVENANCE_FILE}
    # release.json last: it differs whenever another file does, and would hide which.
    for name in sorted(names, key=lambda name: (name == RELEASE_FILE, name)):
        expected, found = _describe(fresh / name), _describe(existing / name)
        if expected != found:
            raise LeagueError(
                f"{existing / name}: expected {expected}, as the same inputs give now; found {found}. "
                "A release is never rewritten. If somebody changed this folder, move it away and run again; "
                "if nobody did, the same inputs gave other bytes: that is a fault of ours, please report it."
            )


def _describe(path: Path) -> str:
    return f"sha256 {sha256_of_file(path)}" if path.is_file() else "no such file"
