"""Where a figure comes from: its line of a raw file, the file with publisher, address, time and hash."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.raw_rows import RawRow
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.story.tree import Extract, Source
from dagster_project.json_text import parsed_json
from dagster_project.releases.folder import PROVENANCE_FILE

_NOT_RECORDED = "not recorded"


class AsPublished(NamedTuple):
    """The publisher's own row of a figure, and what it says; nothing where there is none."""

    row: RawRow | None
    words: tuple[str, ...]


class Sources:
    """The raw files of a release, with what is known of how they came here."""

    def __init__(self, recomputation: Recomputation) -> None:
        self._recomputation = recomputation

    def of(self, *rows: RawRow | None) -> tuple[Source, ...]:
        """The lines of rows that are there."""
        return tuple(
            Source(self.extract(row.extract_id), None, row.source_row, row.raw_line)
            for row in rows
            if row is not None
        )

    def published(self, organisation: Organisation, figure: str) -> AsPublished:
        """What the publisher says of a figure, to be shown beside the recomputed one."""
        row = self._recomputation.figures.of(organisation, figure)
        words = () if row is None else (f"As published: {row.value_text} ({figure})",)
        return AsPublished(row, words)

    def extract(self, extract_id: str) -> Extract:
        """A file of the release by its sha256."""
        if extract_id not in self._extracts:
            self._extracts[extract_id] = self._described(extract_id)
        return self._extracts[extract_id]

    @cached_property
    def _extracts(self) -> dict[str, Extract]:
        return {}

    def _described(self, extract_id: str) -> Extract:
        row = self._recomputation.extracts[extract_id]
        seen = self._sightings.get(extract_id, {})
        return Extract(
            extract_id=extract_id,
            file_name=str(row["file_name"]),
            source=str(row["source"]),
            publisher=str(row["publisher"]),
            licence=str(row["licence"]),
            release_state=str(row["release_state"]),
            url=str(seen.get("origin") or _NOT_RECORDED),
            retrieved_at=str(seen.get("retrieved_at") or _NOT_RECORDED),
        )

    @cached_property
    def _sightings(self) -> dict[str, Mapping[str, Any]]:
        """By extract, the first sighting in the release's provenance; else in the archive's manifest."""
        file = self._recomputation.release.folder / PROVENANCE_FILE
        recorded = parsed_json(file.read_bytes()).get("sightings", []) if file.is_file() else []
        found: dict[str, Mapping[str, Any]] = {}
        for seen in recorded:
            found.setdefault(seen["extract_id"], seen)
        if not set(self._recomputation.extracts) <= set(found):
            for sighting in self._recomputation.archive.sightings():
                found.setdefault(
                    sighting.extract_id,
                    {"origin": sighting.origin, "retrieved_at": sighting.retrieved_at},
                )
        return found
