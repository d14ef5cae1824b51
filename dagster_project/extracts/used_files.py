"""The raw files that were used: a row for each, where each was seen, and that sample and official never mix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dagster_project.archive.archive import Sighting
from dagster_project.archive.issue_names import reissue_number
from dagster_project.archive.issue_order import NEVER_SEEN, FirstSeen, Seen
from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import ods_organisations
from dagster_project.extracts.readers.outcome import ReadExtract, ReadOrganisations, ReadStatistic
from dagster_project.extracts.rows import EXTRACT, empty_frame, frame_of
from dagster_project.extracts.statistic_vintages import issue_of, superseded_statistics
from dagster_project.extracts.vintages import superseded_by

ReadFile = ReadExtract | ReadStatistic | ReadOrganisations

_PUBLISHERS = {ods_organisations.ICBS: "Office for National Statistics"}


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
    replaced = superseded(files, seen)
    return frame_of(
        {
            "extract_id": [file.extract_id for file in files],
            "source": [file.source for file in files],
            "file_name": [file.file_name for file in files],
            "publisher": [
                "fictional sample" if file.is_sample else _PUBLISHERS.get(file.source, "NHS England")
                for file in files
            ],
            "licence": ["MIT" if file.is_sample else "Open Government Licence v3.0" for file in files],
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
