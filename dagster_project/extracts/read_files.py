"""The files that a load reads: by which reader, a row for each, and that sample and official never mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.archive.archived_vintages import all_that_replaced, names_of
from dagster_project.archive.issue_names import reissue_number
from dagster_project.archive.issue_order import NEVER_SEEN, FirstSeen, Seen
from dagster_project.catalogue.catalogue import bundled_catalogue
from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.outcome import ReadExtract, ReadFile, ReadStatistic
from dagster_project.extracts.rows import EXTRACT, empty_frame, frame_of
from dagster_project.extracts.source import SourceRecord, source_record
from dagster_project.extracts.vintages import issue_of, superseded_by, superseded_statistics
from dagster_project.files import sha256_of_file


def read_vintages(
    archive: Archive, seen: Sequence[Sighting]
) -> tuple[list[ReadFile], dict[str, tuple[str, ...]]]:
    """Every file of these sightings, and the id of each whose place later bytes took, to those in their order."""
    files = read_again(archive, names_of(seen), {one.extract_id: one.source for one in seen})
    return files, all_that_replaced(seen, {file.extract_id: series_of(file) for file in files})


def read_again(archive: Archive, names: Mapping[str, str], sources: Mapping[str, str]) -> list[ReadFile]:
    """The files of `names` (file name by id), each by the reader of its source (by id).

    Raises InputMissing where bytes are gone, InputRejected where they are damaged.
    """
    files = []
    for extract_id, name in names.items():
        record = source_record(sources[extract_id])
        files.append(
            record.read(_archived(archive, extract_id, record), file_name=name, extract_id=extract_id)
        )
    return files


def _archived(archive: Archive, extract_id: str, record: SourceRecord) -> bytes | Path:
    """The archived file, its bytes checked."""
    path = archive.path_of(extract_id)
    if record.is_small or not path.is_file() or sha256_of_file(path) != extract_id:
        return archive.read(extract_id)
    return path


def refuse_mixture(files: Sequence[ReadFile]) -> None:
    """Raises InputRejected where the sample's files stand beside official ones."""
    samples = sorted(file.file_name for file in files if file.is_sample)
    official = sorted(file.file_name for file in files if not file.is_sample)
    if samples and official:
        raise InputRejected(
            file=samples[0],
            expected=f"official figures only, as in {official[0]}",
            found="figures of the fictional sample",
            remedy="Keep sample and official files in folders of their own: one run never mixes them.",
        )


def superseded(files: Sequence[ReadFile], seen: Seen = NEVER_SEEN) -> dict[str, str]:
    """The id of each re-issue, to the id of the file that it replaces."""
    extracts = (file for file in files if isinstance(file, ReadExtract))
    statistics = (file for file in files if isinstance(file, ReadStatistic))
    return superseded_by(extracts, seen) | superseded_statistics(statistics, seen)


def series_of(file: ReadFile) -> tuple[object, ...]:
    """What issues of one file have in common."""
    covers = file.periods if isinstance(file, ReadStatistic) else file.quarters
    return file.source, file.table_name, covers, file.is_sample


def release_state(file: ReadFile, seen: Seen = NEVER_SEEN) -> str:
    """`revised` for a re-issue; `final` where a statistic says so: framework files never do."""
    words = seen.get(file.extract_id, FirstSeen()).words
    if isinstance(file, ReadStatistic) and issue_of(file, seen).is_final:
        return "final"
    revised = reissue_number(file.file_name) or reissue_number(words, name=False)
    return "revised" if revised else "provisional"


def extract_frame(files: Sequence[ReadFile], seen: Seen = NEVER_SEEN) -> pd.DataFrame:
    """One row per file, in the order given."""
    if not files:
        return empty_frame(EXTRACT)
    replaced, sources = superseded(files, seen), bundled_catalogue().sources
    return frame_of(
        {
            "extract_id": [file.extract_id for file in files],
            "source": [file.source for file in files],
            "file_name": [file.file_name for file in files],
            "publisher": [
                "fictional sample" if file.is_sample else sources[file.source].publisher for file in files
            ],
            "licence": ["MIT" if file.is_sample else sources[file.source].licence for file in files],
            "table_name": [file.table_name for file in files],
            "bytes": [file.size for file in files],
            "rows": [file.records for file in files],
            "release_state": [release_state(file, seen) for file in files],
            "supersedes": [replaced.get(file.extract_id) for file in files],
            "is_sample": [file.is_sample for file in files],
        },
        EXTRACT,
    )


def sightings(files: dict[str, ReadFile], origins: Sequence[tuple[str, Path]]) -> list[Sighting]:
    """A sighting for each place (id, path) where one of the files lay."""
    replaced = superseded(list(files.values()))
    return [
        Sighting(
            extract_id=extract_id,
            file_name=path.name,
            source=files[extract_id].source,
            table_name=files[extract_id].table_name,
            quarters=files[extract_id].quarters,
            bytes=files[extract_id].size,
            release_state=release_state(files[extract_id]),
            supersedes=replaced.get(extract_id),
            is_sample=files[extract_id].is_sample,
            origin=str(path.resolve()),
        )
        for extract_id, path in origins
    ]
