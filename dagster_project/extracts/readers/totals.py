"""The publisher's own totals against the sum of the rows: where they differ, the file isn't what was published.

A total is over all rows of the file, those of providers that are no NHS trusts among them: readers compare
before they set any aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records

_FETCH_AGAIN = "Download the file again from the publisher's page."
_TOTAL = frozenset({"total", "totals", "grand total"})


def refuse_wrong_sums(
    records: Records,
    keys: Sequence[str],
    *,
    totals: Sequence[int],
    parts: Sequence[int],
    marks: Mapping[str, str],
    what: str,
) -> None:
    """Raises InputRejected for the first of the columns whose `parts` don't add up to the `totals`.

    Both are positions among the records; several totals (regions, say) are added up as well. `what` names
    the total in the message. A part that isn't a count may be anything from nought up: then only a sum above
    the total is wrong. Without totals, or where one of them isn't a count, there is nothing to compare with.
    """
    for key in keys:
        cells = records.columns[key]
        expected = [_count(cells[at], marks) for at in totals]
        if not expected or None in expected:
            continue
        found = [_count(cells[at], marks) for at in parts]
        total, added = sum(filter(None, expected), Decimal(0)), sum(filter(None, found), Decimal(0))
        if added > total or (added < total and None not in found):
            raise wrong_sum(
                records.file_name,
                records.lines[totals[0]],
                records.header[key],
                total=total,
                added=added,
                what=what,
                rows=len(parts),
            )


def refuse_wrong_closing_totals(
    records: Records, keys: Sequence[str], names: Sequence[str], marks: Mapping[str, str]
) -> None:
    """Checks a file whose rows are followed by a row TOTAL, as every file of the publisher's is.

    `names` are the columns of which one says TOTAL there. Raises InputRejected where a column's rows don't
    add up to it, and where rows end without a total: the end of the file is missing then.
    """
    parts: list[int] = []
    for at in range(len(records)):
        if any(text.folded(records.columns[key][at]).casefold() in _TOTAL for key in names):
            refuse_wrong_sums(
                records, keys, totals=[at], parts=parts, marks=marks, what="what the row TOTAL says"
            )
            parts = []
        elif any(cells[at].strip() for cells in records.columns.values()):
            parts.append(at)
    if parts:
        raise InputRejected(
            file=records.file_name,
            row=records.lines[parts[-1]],
            expected="a row TOTAL after the rows of providers, as every file of the publisher ends with one",
            found=f"the end of the file after {len(parts)} rows",
            remedy=f"The file is cut off, or its total was taken out. {_FETCH_AGAIN}",
        )


def wrong_sum(
    file: str, row: int, column: str, *, total: Decimal, added: Decimal, what: str, rows: int
) -> InputRejected:
    """The error for a total that its rows don't add up to."""
    return InputRejected(
        file=file,
        row=row,
        column=column,
        expected=f"{text_of(total)}: {what}",
        found=f"{text_of(added)}: the sum of {rows} rows",
        remedy="Rows or cells are missing, were changed, or stand there twice: the file is cut off or was "
        f"edited. {_FETCH_AGAIN}",
    )


def text_of(number: Decimal) -> str:
    """A count in words: without a point where it is whole."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def _count(cell: str, marks: Mapping[str, str]) -> Decimal | None:
    """The count of a cell; None for a mark, a blank or what is no number (which its reader refuses itself)."""
    shown = text.folded(cell)
    if marks.get(shown.casefold()) == "zero":
        return Decimal(0)
    try:
        count = text.number(shown)
    except ValueError:
        return None
    return count if count >= 0 else None
