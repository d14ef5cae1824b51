"""Which file is newer: re-issues, files that overlap, and the list of figures that a newer file changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pandas as pd

from dagster_project.extracts.issue_names import reissue_number, uploads
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


def vintage(extract: ReadExtract) -> tuple[str, int, int, str, str]:
    """Sorts from the oldest to the newest issue.

    A file that covers later quarters is newer (the publisher's are cumulative, and a correction is kept in
    the files after it); then a re-issue; then uploads under a name in use (`-1`), the file's name and the id,
    which decide nothing but make the order the same everywhere.
    """
    return (
        extract.quarters[-1],
        reissue_number(extract.file_name),
        uploads(extract.file_name),
        extract.file_name,
        extract.extract_id,
    )


def superseded_by(extracts: Iterable[ReadExtract]) -> dict[str, str]:
    """The id of each re-issue, to the id of the file that it replaces: same source, table and quarters."""
    series: dict[tuple[str, str, tuple[str, ...]], list[ReadExtract]] = {}
    for extract in extracts:
        series.setdefault((extract.source, extract.table_name, extract.quarters), []).append(extract)
    replaced: dict[str, str] = {}
    for issues in series.values():
        issues.sort(key=vintage)
        for older, newer in pairwise(issues):
            if reissue_number(newer.file_name) > reissue_number(older.file_name):
                replaced[newer.extract_id] = older.extract_id
    return replaced


def newest_rows(extracts: Sequence[ReadExtract]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The extract rows of the newest vintage, and a revision for every row that gave way.

    A re-issue replaces the file it supersedes as a whole: a figure that it leaves out is withdrawn.
    Files that merely overlap replace each other figure by figure. Duplicates within one file stay.
    """
    rows = concatenated([extract.extract_row for extract in extracts], EXTRACT_ROW)
    issues = sorted(extracts, key=vintage)
    if len(issues) < 2:
        return rows, empty_frame(REVISION)
    order = {extract.extract_id: position for position, extract in enumerate(issues)}
    replaced = set(superseded_by(extracts).values())
    age = rows["extract_id"].map(order)
    stands = ~rows["extract_id"].isin(replaced)
    # -1 keeps superseded files out of the race without taking them out of the groups.
    contender = age.where(stands, -1)
    newest = contender.groupby([rows[column] for column in _KEY]).transform("max")
    kept = stands & (age == newest)
    if bool(kept.all()):
        return rows, empty_frame(REVISION)
    successor = {old: new for new, old in superseded_by(extracts).items()}
    return sorted_frame(rows[kept]), _revisions(rows[~kept], rows[kept], successor)


def undecided(extracts: Iterable[ReadExtract], revision: pd.DataFrame) -> list[tuple[str, str]]:
    """(file name, words) for files that differ and that nothing but name or id puts in an order."""
    by_id = {extract.extract_id: extract for extract in extracts}
    changed = revision[revision["changed"]]
    pairs = Counter(zip(changed["old_extract_id"].tolist(), changed["new_extract_id"].tolist(), strict=True))
    return sorted(
        (
            by_id[new].file_name,
            f"{figures} figures differ in {by_id[old].file_name}; neither says it is newer",
        )
        for (old, new), figures in pairs.items()
        if vintage(by_id[old])[:3] == vintage(by_id[new])[:3]
    )


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
