"""The vintage of a quarter: which fetched files there are about it, told from the archive's sightings."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from dagster_project.archive.archive import Sighting
from dagster_project.extracts.source import FRAMEWORK_DATA, FRAMEWORK_TABLES
from dagster_project.quarters import Quarter

FRAMEWORK_SOURCES = (FRAMEWORK_DATA, FRAMEWORK_TABLES)
_KEY_LENGTH = 16


@dataclass(frozen=True)
class QuarterVintage:
    """The files, as (address, extract id, how often the bytes at the address have changed).

    `files` and `names` go together, by address. A framework file counts for the last quarter that it
    covers: the publisher's data files repeat the quarters before.
    """

    quarter: Quarter
    files: tuple[tuple[str, str, int], ...]
    names: tuple[str, ...]
    is_sample: bool

    @property
    def key(self) -> str:
        """The same for the same files in the same state, and for no others: a run key."""
        lines = "\n".join("\t".join(map(str, file)) for file in self.files)
        return f"{self.quarter}:{hashlib.sha256(lines.encode()).hexdigest()[:_KEY_LENGTH]}"

    def new_since(self, requested: Collection[str]) -> tuple[str, ...]:
        """Names of the files whose marks aren't among those of the vintage requested before."""
        return tuple(
            name for name, mark in zip(self.names, self.marks(), strict=True) if mark not in requested
        )

    def marks(self) -> list[str]:
        """A short mark for each file, for a cursor."""
        return [
            hashlib.sha256("\t".join(map(str, file)).encode()).hexdigest()[:_KEY_LENGTH]
            for file in self.files
        ]


def vintage_of(quarter: Quarter, sightings: Sequence[Sighting]) -> QuarterVintage | None:
    """What was fetched for the quarter; None without a framework data file that covers it.

    Official files come first: those of the sample count only where there is no official data file.
    """
    for is_sample in (False, True):
        of_kind = [seen for seen in sightings if seen.url is not None and seen.is_sample == is_sample]
        newest = _newest_by_address(of_kind)
        if any(
            seen.source == FRAMEWORK_DATA and str(quarter) in seen.quarters for seen, _ in newest.values()
        ):
            chosen = {url: pair for url, pair in sorted(newest.items()) if _counts_for(pair[0], quarter)}
            return QuarterVintage(
                quarter,
                tuple((url, seen.extract_id, changes) for url, (seen, changes) in chosen.items()),
                tuple(seen.file_name for seen, _ in chosen.values()),
                is_sample,
            )
    return None


def _newest_by_address(sightings: Sequence[Sighting]) -> dict[str, tuple[Sighting, int]]:
    by_address: dict[str, list[Sighting]] = {}
    for seen in sightings:
        by_address.setdefault(seen.origin, []).append(seen)
    return {
        url: (seen[-1], sum(1 for _ in groupby(seen, key=lambda each: each.extract_id)))
        for url, seen in by_address.items()
    }


def _counts_for(seen: Sighting, quarter: Quarter) -> bool:
    if seen.source in FRAMEWORK_SOURCES:
        return bool(seen.quarters) and max(seen.quarters) == str(quarter)
    return str(quarter) in seen.quarters
