"""Which archived files stand, by the manifest alone: seen by a day, and not replaced by later bytes.

The manifest only ever takes a file out: what remains is put in order by names, as in a folder, so that the
same files give the same release wherever they come from and whenever they were seen.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import permutations

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.archive.issue_names import is_final, reissue_number, uploads
from dagster_project.errors import InputMissing

_DAY = len("2025-09-01")


@dataclass
class _Seen:
    """All that the manifest says of one file."""

    retrieved_at: str = ""
    position: int = 0
    names: set[str] = field(default_factory=set)
    places: set[tuple[str, str]] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    supersedes: set[str] = field(default_factory=set)


def seen_by(sightings: Iterable[Sighting], day: date | None) -> list[Sighting]:
    """The sightings up to the end of a day (UTC); all without one."""
    if day is None:
        return list(sightings)
    # The archive stamps in UTC, so that the first characters are the day.
    return [seen for seen in sightings if seen.retrieved_at[:_DAY] <= day.isoformat()]


def names_of(sightings: Iterable[Sighting]) -> dict[str, str]:
    """File name by id, ids sorted: the least of the names that the same bytes were seen under."""
    names: dict[str, str] = {}
    for seen in sightings:
        names[seen.extract_id] = min(names.get(seen.extract_id, seen.file_name), seen.file_name)
    return dict(sorted(names.items()))


def replaced_later(sightings: Iterable[Sighting], series: Mapping[str, Hashable]) -> dict[str, str]:
    """The id of each file whose place other bytes took, to the id of the newest that did."""
    return {old: new[-1] for old, new in all_that_replaced(sightings, series).items()}


def all_that_replaced(
    sightings: Iterable[Sighting], series: Mapping[str, Hashable]
) -> dict[str, tuple[str, ...]]:
    """The id of each file whose place other bytes took, to the ids of all that did, in the order they came.

    They came later at the same address or under the same name, or the manifest says that they supersede it
    and the names say nothing. `series` says by id what a file is an issue of: a table of some quarters, a
    statistic of some months. Only files of one series replace each other; ids without one stay.
    """
    known: dict[str, _Seen] = {}
    for position, sighting in enumerate(sightings):
        if sighting.extract_id not in series:
            continue
        seen = known.setdefault(sighting.extract_id, _Seen())
        seen.retrieved_at, seen.position = sighting.retrieved_at, position
        seen.names.add(sighting.file_name)
        seen.places.add((sighting.origin, sighting.file_name))
        if sighting.url is not None:
            seen.addresses.add(sighting.url)
        if sighting.supersedes is not None:
            seen.supersedes.add(sighting.supersedes)
    groups: dict[Hashable, list[str]] = {}
    for extract_id in sorted(known, key=lambda extract_id: known[extract_id].position):
        groups.setdefault(series[extract_id], []).append(extract_id)
    replaced: dict[str, tuple[str, ...]] = {}
    for issues in groups.values():
        for new, old in permutations(issues, 2):
            if _takes_the_place(known[new], known[old], old):
                replaced[old] = (*replaced.get(old, ()), new)
    return replaced


def without_pruned(archive: Archive, sightings: Iterable[Sighting]) -> list[Sighting]:
    """The sightings whose bytes weren't pruned. Raises InputMissing where such bytes would be needed, as nothing
    that took their place is among the sightings.
    """
    seen, pruned = list(sightings), archive.pruned()
    there = {one.extract_id for one in seen} - pruned.keys()
    for one in seen:
        if one.extract_id not in pruned or _newest(pruned, one.extract_id) in there:
            continue
        raise InputMissing(
            f"{one.file_name} ({one.extract_id}) was pruned from the archive {archive.root} once "
            f"{pruned[one.extract_id]} had taken its place; the files asked for are from before. "
            "Name a later day, or restore the archive from a backup of that time."
        )
    return [one for one in seen if one.extract_id in there]


def nothing_to_read(archive: Archive, sightings: Iterable[Sighting], day: date | None) -> InputMissing:
    """The error to raise where the archive has no file that a run may read; says what it has instead."""
    held = list(sightings)
    seen = seen_by(held, day)
    if seen and all(sighting.is_sample for sighting in seen):
        return InputMissing(
            f"The archive {archive.root} holds only the fictional sample's extracts: use --sample, or name a "
            "folder of downloaded files with --extracts."
        )
    if held and not seen:
        first = min(sighting.retrieved_at for sighting in held)
        return InputMissing(
            f"The archive {archive.root} held no extracts at the end of {day} (UTC): the first was archived at "
            f"{first}. Name a later day."
        )
    return InputMissing(
        f"The archive {archive.root} holds no extracts to read: name a folder of downloaded files with --extracts, or "
        "fetch them with `league fetch QUARTER`."
    )


def _newest(pruned: Mapping[str, str], extract_id: str) -> str:
    """What took a pruned file's place, and that one's, if it was pruned as well."""
    passed = {extract_id}
    while (extract_id := pruned[extract_id]) in pruned and extract_id not in passed:
        passed.add(extract_id)
    return extract_id


def _takes_the_place(new: _Seen, old: _Seen, old_id: str) -> bool:
    if (new.retrieved_at, new.position) < (old.retrieved_at, old.position):
        return False
    # Files of one folder were seen together: only their names can tell which of them is newer.
    if new.places & old.places:
        return True
    if new.retrieved_at == old.retrieved_at:
        return False
    if new.addresses & old.addresses or new.names & old.names:
        return True
    return old_id in new.supersedes and _issue(new.names) == _issue(old.names)


def _issue(names: set[str]) -> tuple[bool, int, int]:
    """What a name says of the issue; the least name stands for all."""
    name = min(names)
    return is_final(name), reissue_number(name), uploads(name)
