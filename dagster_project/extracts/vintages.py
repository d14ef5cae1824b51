"""Which file is newer: re-issues, files that overlap, and the list of figures that a newer file changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pandas as pd

from dagster_project.archive.issue_order import (
    NEVER_SEEN,
    FirstSeen,
    Issue,
    IssueOrder,
    Seen,
    refuse_undecided,
)
from dagster_project.extracts.readers.outcome import ReadExtract
from dagster_project.extracts.rows import (
    EXTRACT_ROW,
    REVISION,
    concatenated,
    empty_frame,
    frame_of,
    sorted_frame,
)

_KEY = ["source", "quarter", "table_name", "organisation_code", "figure"]


def issue_order(extracts: Iterable[ReadExtract], seen: Seen = NEVER_SEEN) -> IssueOrder:
    """The order of framework files: one that covers later quarters is newer (the publisher's are cumulative, and
    a correction is kept in the files after it); then a re-issue, an upload under a name in use, the day seen.
    """
    return IssueOrder([_issue(extract, seen) for extract in extracts])


def superseded_by(extracts: Iterable[ReadExtract], seen: Seen = NEVER_SEEN) -> dict[str, str]:
    """The id of each re-issue, to the id of the file that it replaces: same source, table and quarters."""
    series: dict[tuple[str, str, tuple[str, ...]], list[Issue]] = {}
    for extract in extracts:
        key = (extract.source, extract.table_name, extract.quarters)
        series.setdefault(key, []).append(_issue(extract, seen))
    replaced: dict[str, str] = {}
    for issues in series.values():
        order = IssueOrder(issues)
        for older, newer in pairwise(sorted(issues, key=lambda issue: order.rank(issue.extract_id))):
            if newer.number > older.number:
                replaced[newer.extract_id] = older.extract_id
    return replaced


def _issue(extract: ReadExtract, seen: Seen) -> Issue:
    known = seen.get(extract.extract_id, FirstSeen())
    return Issue(extract.extract_id, extract.file_name, extract.quarters[-1], known.words, known.day)


def newest_rows(
    extracts: Sequence[ReadExtract], seen: Seen = NEVER_SEEN
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The extract rows of the newest vintage, and a revision for every row that gave way.

    A re-issue replaces the file it supersedes as a whole: a figure that it leaves out is withdrawn.
    Files that merely overlap replace each other figure by figure. Duplicates within one file stay.
    Raises InputRejected where figures differ in two files and nothing says which one is newer.
    """
    rows = concatenated([extract.extract_row for extract in extracts], EXTRACT_ROW)
    if len(extracts) < 2:
        return rows, empty_frame(REVISION)
    order = issue_order(extracts, seen)
    positions = sorted((extract.extract_id for extract in extracts), key=order.rank)
    successor = {old: new for new, old in superseded_by(extracts, seen).items()}
    age = rows["extract_id"].map({extract_id: age for age, extract_id in enumerate(positions)})
    stands = ~rows["extract_id"].isin(set(successor))
    # -1 keeps superseded files out of the race without taking them out of the groups.
    contender = age.where(stands, -1)
    newest = contender.groupby([rows[column] for column in _KEY]).transform("max")
    kept = stands & (age == newest)
    if bool(kept.all()):
        return rows, empty_frame(REVISION)
    revision = _revisions(rows[~kept], rows[kept], successor)
    for older, newer, figures in _changed(extracts, revision):
        if not order.is_told(older.extract_id, newer.extract_id):
            refuse_undecided(newer.file_name, older.file_name, f"{figures} figures that differ")
    return sorted_frame(rows[kept]), revision


def decided_by_day(
    extracts: Sequence[ReadExtract], revision: pd.DataFrame, seen: Seen = NEVER_SEEN
) -> list[tuple[str, str]]:
    """(file name, words) for files that differ and that only the day of sighting puts in an order."""
    order = issue_order(extracts, seen)
    return sorted(
        (
            newer.file_name,
            f"{figures} figures differ in {older.file_name}; taken as newer because it was first seen later",
        )
        for older, newer, figures in _changed(extracts, revision)
        if not order.is_told_by_publisher(older.extract_id, newer.extract_id)
    )


def _changed(
    extracts: Iterable[ReadExtract], revision: pd.DataFrame
) -> list[tuple[ReadExtract, ReadExtract, int]]:
    """Each pair of files of which the second changed figures of the first, and how many."""
    by_id = {extract.extract_id: extract for extract in extracts}
    changed = revision[revision["changed"]]
    pairs = Counter(zip(changed["old_extract_id"].tolist(), changed["new_extract_id"].tolist(), strict=True))
    return [(by_id[old], by_id[new], figures) for (old, new), figures in sorted(pairs.items())]


def _revisions(old: pd.DataFrame, new: pd.DataFrame, successor: dict[str, str]) -> pd.DataFrame:
    """Each old row beside the new one of the same figure, or beside nothing where it was withdrawn."""
    figures = ["value", "published_rank", "extract_id", "source_row"]
    pairs = old[_KEY + figures].merge(
        new[_KEY + figures].drop_duplicates(_KEY), on=_KEY, how="left", suffixes=("_old", "_new")
    )
    old_ids = pairs["extract_id_old"].tolist()
    found = pairs["extract_id_new"].notna().tolist()
    new_ids = [
        identifier if there else _last(successor, old_id)
        for identifier, there, old_id in zip(pairs["extract_id_new"].tolist(), found, old_ids, strict=True)
    ]
    old_values = pairs["value_old"].tolist()
    new_values = [value if there else None for value, there in zip(pairs["value_new"], found, strict=True)]
    old_ranks = [None if pd.isna(rank) else int(rank) for rank in pairs["published_rank_old"]]
    new_ranks = [None if pd.isna(rank) else int(rank) for rank in pairs["published_rank_new"]]
    before = zip(old_values, old_ranks, strict=True)
    after = zip(new_values, new_ranks, strict=True)
    changed = [not there or one != other for there, one, other in zip(found, before, after, strict=True)]
    frame = frame_of(
        {
            **{column: pairs[column].tolist() for column in _KEY},
            "old_value": old_values,
            "new_value": new_values,
            "old_rank": old_ranks,
            "new_rank": new_ranks,
            "old_extract_id": old_ids,
            "new_extract_id": new_ids,
            "old_source_row": pairs["source_row_old"].tolist(),
            "new_source_row": [None if pd.isna(row) else int(row) for row in pairs["source_row_new"]],
            "changed": changed,
        },
        REVISION,
    )
    return sorted_frame(frame)


def _last(successor: dict[str, str], extract_id: str) -> str:
    while extract_id in successor:
        extract_id = successor[extract_id]
    return extract_id
