"""The newest vintage: which of several files is newer, what it replaces, and what it changed.

First the framework's files, figure by figure; then statistics, by month and organisation; then lists of organisations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Literal

import pandas as pd

from dagster_project.archive.issue_order import (
    NEVER_SEEN,
    FirstSeen,
    Issue,
    IssueOrder,
    Seen,
    refuse_undecided,
)
from dagster_project.catalogue.link_period import period_named
from dagster_project.extracts.readers.outcome import ReadExtract, ReadOrganisations, ReadStatistic
from dagster_project.extracts.rows import (
    EXTRACT_ROW,
    ORGANISATION_REFERENCE,
    REVISION,
    STATISTIC_ROW,
    concatenated,
    empty_frame,
    frame_of,
    sorted_frame,
)

_KEY = ["source", "quarter", "table_name", "organisation_code", "figure"]
_MONTH_OF_ORGANISATION = ["source", "period", "organisation_code"]
_SUM = [*_MONTH_OF_ORGANISATION, "measure"]
_CELL = [*_SUM, "category"]
_ORGANISATION = ["organisation_kind", "organisation_code"]
_WHERE_FROM = frozenset({"extract_id", "source_row", "source"})


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


def superseded_statistics(statistics: Iterable[ReadStatistic], seen: Seen = NEVER_SEEN) -> dict[str, str]:
    """The id of each final or re-issued file, to the id of the one that it replaces: same source and months."""
    series: dict[tuple[str, tuple[str, ...]], list[Issue]] = {}
    for read in statistics:
        series.setdefault((read.source, read.periods), []).append(issue_of(read, seen))
    replaced: dict[str, str] = {}
    for issues in series.values():
        order = IssueOrder(issues)
        for older, newer in pairwise(sorted(issues, key=lambda issue: order.rank(issue.extract_id))):
            if newer.said > older.said:
                replaced[newer.extract_id] = older.extract_id
    return replaced


def newest_statistic_rows(
    statistics: Sequence[ReadStatistic], seen: Seen = NEVER_SEEN
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The rows of the newest vintage, and (file name, words) on every file that changed another's counts.

    Final counts stand over provisional ones; then a file that covers later months is newer, as corrections
    of earlier months come with it; then a re-issue, an upload under a name in use, and the day seen. A re-issue
    replaces the file it supersedes as a whole. Files that merely overlap replace each other by month and
    organisation, so that counts of two files are never added up. Raises InputRejected where counts differ in
    two files and nothing says which one is newer.
    """
    rows = concatenated([read.statistic_row for read in statistics], STATISTIC_ROW)
    if len(statistics) < 2:
        return rows, []
    order = IssueOrder([issue_of(read, seen) for read in statistics])
    positions = sorted((read.extract_id for read in statistics), key=order.rank)
    replaced = set(superseded_statistics(statistics, seen).values())
    age = rows["extract_id"].map({extract_id: age for age, extract_id in enumerate(positions)})
    stands = ~rows["extract_id"].isin(replaced)
    newest = (
        age.where(stands, -1).groupby([rows[column] for column in _MONTH_OF_ORGANISATION]).transform("max")
    )
    kept = stands & (age == newest)
    if bool(kept.all()):
        return rows, []
    names = {read.extract_id: read.file_name for read in statistics}
    _refuse_undecided_counts(rows[~kept], rows[kept], order, names)
    return sorted_frame(rows[kept]), _changed_counts(rows[~kept], rows[kept], order, names)


def newest_organisations(references: Sequence[ReadOrganisations], seen: Seen = NEVER_SEEN) -> pd.DataFrame:
    """Each organisation as the newest list has it: the one whose latest opening or closing is latest, then the
    one whose name gives a later month, then the one first seen later.

    Raises InputRejected where two lists differ on an organisation and none of these says which one is newer.
    """
    ranked = sorted(references, key=lambda read: (_list_vintage(read, seen), read.file_name, read.extract_id))
    frames = [read.organisation_reference.assign(age=age) for age, read in enumerate(ranked)]
    if not frames:
        return empty_frame(ORGANISATION_REFERENCE)
    for older, newer in combinations(ranked, 2):
        if _list_vintage(older, seen) == _list_vintage(newer, seen):
            _refuse_lists_that_differ(older, newer)
    rows = pd.concat(frames, ignore_index=True)
    newest = rows.groupby(_ORGANISATION)["age"].transform("max")
    return sorted_frame(rows[rows["age"] == newest].drop(columns="age"))


def issue_of(read: ReadStatistic, seen: Seen = NEVER_SEEN) -> Issue:
    """The file as an issue of its statistic."""
    known = seen.get(read.extract_id, FirstSeen())
    return Issue(
        read.extract_id,
        read.file_name,
        max(read.periods, default=""),
        known.words,
        known.day,
        may_be_final=True,
        says_final=read.says_final,
        as_published=not read.saved_from_workbook,
    )


def _list_vintage(read: ReadOrganisations, seen: Seen) -> tuple[str, int, str]:
    frame = read.organisation_reference
    dates = [str(day) for column in ("opened_on", "closed_on") for day in frame[column].dropna()]
    known = seen.get(read.extract_id, FirstSeen())
    named = period_named(read.file_name)
    return max(dates, default=""), 0 if named is None else named.last, known.day


def _refuse_lists_that_differ(older: ReadOrganisations, newer: ReadOrganisations) -> None:
    said = [column for column in older.organisation_reference.columns if column not in _WHERE_FROM]
    frames = [read.organisation_reference[said].astype("string").fillna("") for read in (older, newer)]
    pairs = frames[0].merge(frames[1], on=_ORGANISATION, suffixes=("_old", "_new"))
    others = [column for column in said if column not in _ORGANISATION]
    differ = sum(
        any(old != new for old, new in zip(row[: len(others)], row[len(others) :], strict=True))
        for row in pairs[[f"{column}_{age}" for age in ("old", "new") for column in others]].itertuples(
            index=False, name=None
        )
    )
    if differ:
        refuse_undecided(newer.file_name, older.file_name, f"{differ} organisations that differ")


def _refuse_undecided_counts(
    old: pd.DataFrame, new: pd.DataFrame, order: IssueOrder, names: Mapping[str, str]
) -> None:
    """Counts of one month and organisation that differ, or that only one of the two files has."""
    files = [frame[[*_MONTH_OF_ORGANISATION, "extract_id"]].drop_duplicates() for frame in (old, new)]
    both = files[0].merge(files[1], on=_MONTH_OF_ORGANISATION, suffixes=("_old", "_new"))
    for older, newer in sorted(set(zip(both["extract_id_old"], both["extract_id_new"], strict=True))):
        if order.is_told(older, newer):
            continue
        shared = both[(both["extract_id_old"] == older) & (both["extract_id_new"] == newer)][
            _MONTH_OF_ORGANISATION
        ]
        cells, others = (
            frame[frame["extract_id"] == extract_id].merge(shared, on=_MONTH_OF_ORGANISATION)
            for frame, extract_id in ((old, older), (new, newer))
        )
        pairs = _side_by_side(cells, others, "outer")
        alone = pairs["extract_id_old"].isna() | pairs["extract_id_new"].isna()
        empty = pairs["value_old"].isna() & pairs["value_new"].isna()
        differ = int((alone | ((pairs["value_old"] != pairs["value_new"]) & ~empty)).sum())
        if differ:
            refuse_undecided(names[newer], names[older], f"{differ} counts that differ")


def _side_by_side(old: pd.DataFrame, new: pd.DataFrame, how: Literal["inner", "outer"]) -> pd.DataFrame:
    """The counts of both, cell by cell; files that split the same counts otherwise by what these add up to."""
    columns, key = ["value", "extract_id"], _CELL
    if old.merge(new, on=_CELL).empty:
        key = _SUM
        old, new = (frame.groupby([*_SUM, "extract_id"])["value"].sum().reset_index() for frame in (old, new))
    return old[[*key, *columns]].merge(new[[*key, *columns]], on=key, how=how, suffixes=("_old", "_new"))


def _changed_counts(
    old: pd.DataFrame, new: pd.DataFrame, order: IssueOrder, names: Mapping[str, str]
) -> list[tuple[str, str]]:
    pairs = _side_by_side(old, new, "inner")
    files = list(zip(pairs["extract_id_new"].tolist(), pairs["extract_id_old"].tolist(), strict=True))
    # A count that is missing in both doesn't differ; None would.
    old_values, new_values = (pairs[f"value_{age}"].astype("str").fillna("") for age in ("old", "new"))
    differs = (old_values != new_values).tolist()
    together = Counter(files)
    changed = Counter(pair for pair, other in zip(files, differs, strict=True) if other)
    notes = []
    for (newer, older), counts in changed.items():
        words = f"{counts} of {together[newer, older]} counts differ in {names[older]}, which it replaces"
        if not order.is_told_by_publisher(newer, older):
            words += "; taken as newer because it was first seen later"
        notes.append((names[newer], words))
    return sorted(notes)
