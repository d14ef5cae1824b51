"""Archived files read again by their ids, and which of them a later vintage replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dagster_project.archive.archive import Archive, Sighting, sha256_of_file
from dagster_project.archive.archived_vintages import all_that_replaced, names_of
from dagster_project.extracts.readers import (
    ae_attendances,
    ambulance_systems,
    cancer_waiting_times,
    community_waiting_lists,
    nof_data,
    nof_league_table,
    ods_organisations,
    rtt_waiting_times,
)
from dagster_project.extracts.used_files import ReadFile, series_of

READERS: dict[str, Callable[..., ReadFile]] = {
    nof_data.SOURCE: nof_data.read_nof_data,
    nof_league_table.SOURCE: nof_league_table.read_nof_league_table,
    cancer_waiting_times.SOURCE: cancer_waiting_times.read_cancer_waiting_times,
    community_waiting_lists.SOURCE: community_waiting_lists.read_community_waiting_lists,
    ae_attendances.SOURCE: ae_attendances.read_ae_attendances,
    ambulance_systems.SOURCE: ambulance_systems.read_ambulance_systems,
    rtt_waiting_times.SOURCE: rtt_waiting_times.read_rtt_waiting_times,
    ods_organisations.TRUSTS: ods_organisations.read_ods_organisations,
    ods_organisations.ICBS: ods_organisations.read_ods_organisations,
}
# The framework's own files are small and read as bytes; statistics as paths, as they needn't fit into memory.
FRAMEWORK = frozenset({nof_data.SOURCE, nof_league_table.SOURCE})


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
    return [
        READERS[sources[extract_id]](
            _archived(archive, extract_id, sources[extract_id]), file_name=name, extract_id=extract_id
        )
        for extract_id, name in names.items()
    ]


def _archived(archive: Archive, extract_id: str, source: str) -> bytes | Path:
    """The archived file, its bytes checked."""
    path = archive.path_of(extract_id)
    if source in FRAMEWORK or not path.is_file() or sha256_of_file(path) != extract_id:
        return archive.read(extract_id)
    return path
