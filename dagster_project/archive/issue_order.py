"""Which of two files of the same figures is newer: by what the publisher says, then by the day each was first seen.

A file's name orders nothing by itself: neither the alphabet nor the letters that a site hangs on a name say when a
file came. Where neither tells, and the figures differ, a person must choose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from dagster_project.archive.archive import Sighting
from dagster_project.archive.issue_names import is_final, reissue_number, upload_in_family
from dagster_project.errors import InputRejected

_DAY = len("2025-09-01")


@dataclass(frozen=True)
class FirstSeen:
    """The day (UTC) on which a file was first seen, and the words of the link that led to it, if one did."""

    day: str = ""
    words: str = ""


Seen = Mapping[str, FirstSeen]
NEVER_SEEN: Seen = {}


def first_seen(sightings: Iterable[Sighting]) -> dict[str, FirstSeen]:
    """By id, from the manifest's sightings in their order: later sightings never change an order."""
    seen: dict[str, FirstSeen] = {}
    for sighting in sightings:
        seen.setdefault(sighting.extract_id, FirstSeen(day_of(sighting), sighting.link_text))
    return seen


def day_of(sighting: Sighting) -> str:
    """The day (UTC) of a sighting; the archive stamps in UTC."""
    return sighting.retrieved_at[:_DAY]


@dataclass(frozen=True)
class Issue:
    """One file as an issue: what it covers last (`2025-06` or `2025-26-Q1`), and what is said of it.

    `says_final` is what stands in the file itself; `as_published` is false for a sheet that a person saved from a
    workbook.
    """

    extract_id: str
    file_name: str
    covers_until: str
    words: str = ""
    day: str = ""
    may_be_final: bool = False
    says_final: bool = False
    as_published: bool = True

    @property
    def is_final(self) -> bool:
        """Whether the publisher calls the counts final: in the file, by its name or by its link."""
        named = is_final(self.file_name) or is_final(self.words, name=False)
        return self.says_final or (self.may_be_final and named)

    @property
    def number(self) -> int:
        """0 for a first issue, 2 for the first revision, by name or link."""
        return max(reissue_number(self.file_name), reissue_number(self.words, name=False))

    @property
    def said(self) -> Said:
        """What the publisher says, sorting from old to new: the publisher's own file, final counts, then later
        months, then revisions.
        """
        return self.as_published, self.is_final, self.covers_until, self.number


Said = tuple[bool, bool, str, int]
Rank = tuple[Said, str, str, tuple[int, ...], str, str]


class IssueOrder:
    """The order of some issues, from the oldest to the newest, and which pairs of them really are in an order."""

    def __init__(self, issues: Collection[Issue]) -> None:
        self._rank: dict[str, Rank] = {}
        days: dict[tuple[object, ...], str] = {}
        for issue in sorted(issues, key=lambda issue: upload_in_family(issue.file_name)):
            family, upload = upload_in_family(issue.file_name)
            # An upload under a name in use came after those before it, whenever it was seen.
            day = max(days.get((issue.said, family), ""), issue.day)
            days[issue.said, family] = day
            self._rank[issue.extract_id] = (
                issue.said, day, family, upload, issue.file_name, issue.extract_id,
            )  # fmt: skip

    def rank(self, extract_id: str) -> Rank:
        """Sorts from old to new. Its last parts only make the result the same everywhere."""
        return self._rank[extract_id]

    def is_told(self, one: str, other: str) -> bool:
        """Whether something but the alphabet says which of the two is newer."""
        return self.is_told_by_publisher(one, other) or self._rank[one][1] != self._rank[other][1]

    def is_told_by_publisher(self, one: str, other: str) -> bool:
        """Whether words, months, or uploads under one name say it, without the day of sighting."""
        first, second = self._rank[one], self._rank[other]
        return first[0] != second[0] or (first[2] == second[2] and first[3] != second[3])


def refuse_undecided(newer: str, older: str, differing: str) -> NoReturn:
    """Raises InputRejected for two files, named, of which nothing says which one is newer."""
    first, second = sorted((newer, older))
    raise InputRejected(
        file=first,
        expected=f"the same figures as in {second}, or a word on which of the two is newer (final, revised, v2)",
        found=f"{differing}, and neither name, link nor day of sighting says which file is newer",
        remedy=f"Choose: leave {first} or {second} out, by putting the files to use into a folder without it and "
        "using --extracts DIR. The publisher's page says what each of them is.",
    )
