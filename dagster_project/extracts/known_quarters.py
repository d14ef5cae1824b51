"""The quarters that archived files cover, so that a run opens its own quarters' files and not those of years.

What a reader found in a file stands in `archive/coverage.json`, by the file's hash, for as long as the readers
stay as they are. A file that isn't there is read, and so is one that the manifest gives another coverage: the
file can be removed at any time, and nothing depends on it but time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.durable import write_whole
from dagster_project.extracts.readers.outcome import ReadFile
from dagster_project.json_text import parsed_json
from dagster_project.settings import PACKAGE_DIR

_READ_WITH = ("duckdb", "pandas", "pyarrow", "python-calamine")


def worth_reading(
    archive: Archive, sightings: Sequence[Sighting], quarters: Collection[str]
) -> list[Sighting]:
    """The sightings of files that may cover one of the quarters, or that belong to every quarter."""
    known = covered_quarters(archive)
    told: dict[str, set[str]] = {}
    for seen in sightings:
        told.setdefault(seen.extract_id, set(known.get(seen.extract_id, ()))).update(seen.quarters)
    return [
        seen
        for seen in sightings
        if seen.extract_id not in known
        or not told[seen.extract_id]
        or not told[seen.extract_id].isdisjoint(quarters)
    ]


def covers(file: ReadFile, quarters: Collection[str]) -> bool:
    """Whether a file that was read covers one of the quarters, or belongs to every quarter."""
    return not file.quarters or not set(file.quarters).isdisjoint(quarters)


def covered_quarters(archive: Archive) -> Mapping[str, tuple[str, ...]]:
    """The quarters of each file that the readers as they are have read before, by id; none where the record is
    of other readers, gone or damaged.
    """
    try:
        record = parsed_json(archive.coverage.read_bytes())
        if record["readers"] != readers_hash():
            return {}
        return {extract_id: tuple(quarters) for extract_id, quarters in record["quarters"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def remember(archive: Archive, files: Iterable[ReadFile]) -> None:
    """Adds what these files cover to the record. Callers hold the writer lock."""
    known = covered_quarters(archive)
    found = {file.extract_id: tuple(file.quarters) for file in files}
    if known.items() >= found.items():
        return
    quarters = {extract_id: list(covered) for extract_id, covered in sorted({**known, **found}.items())}
    write_whole(archive.coverage, json.dumps({"readers": readers_hash(), "quarters": quarters}))


@cache
def readers_hash() -> str:
    """Changes whenever a file may be read otherwise than before: with the readers' code or their libraries."""
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in _READ_WITH).encode())
    for path in code_of_readers():
        digest.update(f"{path.relative_to(PACKAGE_DIR).as_posix()} ".encode())
        digest.update(hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).digest())
    return digest.hexdigest()


def code_of_readers() -> list[Path]:
    """The modules that decide what is read from a file: how it is fetched, kept or put in an order doesn't."""
    extracts = PACKAGE_DIR / "extracts"
    decide = [extracts / "rows.py", extracts / "source.py", PACKAGE_DIR / "quarters.py"]
    return sorted([*(extracts / "readers").rglob("*.py"), *decide])
