"""Archived files that may go when it is asked for: replaced by later bytes, and named by nothing on the disk."""

from __future__ import annotations

import re
from collections.abc import Collection

from dagster_project.archive.archive import Archive
from dagster_project.keeping.removal import ARCHIVED, Removal, removal_of
from dagster_project.settings import DataFolder

_ARCHIVED = re.compile(r"[0-9a-f]{64}")


def replaced_files(data: DataFolder, needed: Collection[str]) -> list[Removal]:
    """Files that a run on the archive passes over, as it says itself, and that no id in `needed` names.

    Every file is read: the months that a statistic covers stand only in it. What no reader knows stays.
    """
    from dagster_project.archive.archived_vintages import without_pruned
    from dagster_project.catalogue.catalogue import reader_names
    from dagster_project.extracts.read_files import read_vintages

    archive = Archive(data.archive)
    known = without_pruned(archive, (seen for seen in archive.sightings() if seen.source in reader_names()))
    names = {seen.extract_id: seen.file_name for seen in known}
    replaced: dict[str, tuple[str, ...]] = {}
    for is_sample in (False, True):
        seen = [one for one in known if one.is_sample == is_sample]
        if seen:
            replaced |= read_vintages(archive, seen)[1]
    return [
        removal_of(
            ARCHIVED,
            archive.path_of(old),
            data,
            f"{names[old]}: {names[new[-1]]} ({new[-1]}) took its place, and no release on the disk is made of it",
            # The first that did: on a day before the newest came, that one stood.
            replaced_by=new[0],
        )
        for old, new in sorted(replaced.items())
        if old not in needed
    ]
