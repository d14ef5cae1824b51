"""Which file of a statistic is newer: finals, re-issues, longer series, and what a newer file changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pandas as pd

from dagster_project.extracts.issue_names import is_final, reissue_number, uploads
from dagster_project.extracts.readers.outcome import ReadOrganisations, ReadStatistic
from dagster_project.extracts.rows import (
    ORGANISATION_REFERENCE,
    STATISTIC_ROW,
    concatenated,
    empty_frame,
    sorted_frame,
)

_KEY = ["source", "period", "organisation_code"]
_CELL = [*_KEY, "measure", "category"]
_SAID_BY_PUBLISHER = 4


def statistic_vintage(read: ReadStatistic) -> tuple[bool, str, int, int, str, str]:
    """Sorts from the oldest to the newest issue.

    Final counts stand over provisional ones; then a file that covers later months is newer, as corrections
    of earlier months come with it; then a re-issue, an upload under a name in use, name and id.
    """
    return (
        is_final(read.file_name),
        max(read.periods, default=""),
        reissue_number(read.file_name),
        uploads(read.file_name),
        read.file_name,
        read.extract_id,
    )


def superseded_statistics(statistics: Iterable[ReadStatistic]) -> dict[str, str]:
    """The id of each final or re-issued file, to the id of the one that it replaces: same source and months."""
    series: dict[tuple[str, tuple[str, ...]], list[ReadStatistic]] = {}
    for read in statistics:
        series.setdefault((read.source, read.periods), []).append(read)
    replaced: dict[str, str] = {}
    for issues in series.values():
        for older, newer in pairwise(sorted(issues, key=statistic_vintage)):
            if _issue(newer) > _issue(older):
                replaced[newer.extract_id] = older.extract_id
    return replaced


def newest_statistic_rows(statistics: Sequence[ReadStatistic]) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The rows of the newest vintage, and (file name, words) on every file that changed another's counts.

    A re-issue replaces the file it supersedes as a whole. Files that merely overlap replace each other by
    month and organisation, so that counts of two files are never added up.
    """
    rows = concatenated([read.statistic_row for read in statistics], STATISTIC_ROW)
    issues = sorted(statistics, key=statistic_vintage)
    if len(issues) < 2:
        return rows, []
    order = {read.extract_id: position for position, read in enumerate(issues)}
    replaced = set(superseded_statistics(statistics).values())
    age = rows["extract_id"].map(order)
    stands = ~rows["extract_id"].isin(replaced)
    newest = age.where(stands, -1).groupby([rows[column] for column in _KEY]).transform("max")
    kept = stands & (age == newest)
    if bool(kept.all()):
        return rows, []
    return sorted_frame(rows[kept]), _changes(rows[~kept], rows[kept], issues)


def newest_organisations(references: Sequence[ReadOrganisations]) -> pd.DataFrame:
    """Each organisation as the newest list has it: the one whose latest opening or closing is latest."""
    frames = [
        read.organisation_reference.assign(age=position)
        for position, read in enumerate(sorted(references, key=_list_vintage))
    ]
    if not frames:
        return empty_frame(ORGANISATION_REFERENCE)
    rows = pd.concat(frames, ignore_index=True)
    newest = rows.groupby(["organisation_kind", "organisation_code"])["age"].transform("max")
    return sorted_frame(rows[rows["age"] == newest].drop(columns="age"))


def _issue(read: ReadStatistic) -> tuple[bool, int]:
    return is_final(read.file_name), reissue_number(read.file_name)


def _list_vintage(read: ReadOrganisations) -> tuple[str, int, str, str]:
    frame = read.organisation_reference
    dates = [str(day) for column in ("opened_on", "closed_on") for day in frame[column].dropna()]
    return max(dates, default=""), len(frame), read.file_name, read.extract_id


def _changes(old: pd.DataFrame, new: pd.DataFrame, issues: Sequence[ReadStatistic]) -> list[tuple[str, str]]:
    by_id = {read.extract_id: read for read in issues}
    pairs = old[[*_CELL, "value", "extract_id"]].merge(
        new[[*_CELL, "value", "extract_id"]], on=_CELL, how="left", suffixes=("_old", "_new")
    )
    pairs = pairs[pairs["extract_id_new"].notna()]
    files = list(zip(pairs["extract_id_new"].tolist(), pairs["extract_id_old"].tolist(), strict=True))
    # A count that is missing in both doesn't differ; None would.
    old_values, new_values = (pairs[f"value_{age}"].astype("str").fillna("") for age in ("old", "new"))
    differs = (old_values != new_values).tolist()
    together = Counter(files)
    changed = Counter(pair for pair, other in zip(files, differs, strict=True) if other)
    notes = []
    for pair, counts in changed.items():
        newer, older = by_id[pair[0]], by_id[pair[1]]
        words = f"{counts} of {together[pair]} counts differ in {older.file_name}, which it replaces"
        if statistic_vintage(newer)[:_SAID_BY_PUBLISHER] == statistic_vintage(older)[:_SAID_BY_PUBLISHER]:
            words += "; neither says it is newer"
        notes.append((newer.file_name, words))
    return sorted(notes)
