"""The provider sheet of the A&E workbook saved as CSV: booked and unbooked together, the month outside the table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records, column_key
from dagster_project.extracts.readers.months import month_in, month_of_file_name
from dagster_project.extracts.readers.totals import refuse_wrong_sums

_TOTALS = {
    "attendances": "Total attendances",
    "within": "Total Attendances < 4 hours",
    "over": "Total Attendances > 4 hours",
}
_ENGLAND = re.compile("england", re.IGNORECASE)
# Each total stands to the right of its three types, whose names are the same in every block.
_TYPES = ("type 1", "type 2", "type 3")
COLUMNS = ("Code", "Region", "Name", *_TOTALS.values(), "Total Emergency Admissions")
# What the columns are called here: the publisher's names say the type alone.
CATEGORIES = {
    f"{kind}; booked or not": (f"A&E attendances {kind}, all", f"Attendances over 4hrs {kind}, all")
    for kind in _TYPES
}


def is_provider_sheet(records: Records) -> bool:
    """Whether the header is this sheet's."""
    return all(column_key(name) in records.header for name in ("Code", "Name", *_TOTALS.values()))


def as_attendances(records: Records) -> Records:
    """The records with the keys of `CATEGORIES`, `org_code` and `org_name`.

    Raises InputRejected where the types of a row don't add up to its totals, as they do in the publisher's.
    """
    keys = list(records.header)
    blocks: dict[str, list[str]] = {}
    for block, name in _TOTALS.items():
        total = keys.index(column_key(name))
        if total < len(_TYPES):
            raise InputRejected(
                file=records.file_name,
                row=records.header_line,
                column=name,
                expected="three types of departments to the left of their total",
                found=f"it in column {total + 1}",
                remedy="Save the whole provider sheet of the publisher's workbook as CSV.",
            )
        blocks[block] = keys[total - len(_TYPES) : total + 1]
    _refuse_other_sums(records, blocks)
    _compare_with_england(records, [key for keys in blocks.values() for key in keys])
    columns = {"org_code": records.columns["code"], "org_name": records.columns["name"]}
    header = {"org_code": records.header["code"], "org_name": records.header["name"]}
    for at, names in enumerate(CATEGORIES.values()):
        for block, name in zip(("attendances", "over"), names, strict=True):
            columns[column_key(name)] = records.columns[blocks[block][at]]
            header[column_key(name)] = name
    return replace(records, header=header, columns=columns)


def month_of(records: Records) -> str:
    """The month, from the lines above the table or the file's name; raises InputRejected where neither says it."""
    try:
        return month_in(" ".join(cell for row in records.above for cell in row))
    except ValueError:
        pass
    try:
        return month_of_file_name(records.file_name)
    except ValueError as error:
        raise InputRejected(
            file=records.file_name,
            expected=f"{error}, above the table or in the file's name",
            found="neither: the table itself has no month",
            remedy="Name the file by its month, such as AE-October-2025.csv, or take the publisher's monthly CSV.",
        ) from None


def _compare_with_england(records: Records, keys: Sequence[str]) -> None:
    """England's row is the sum of all others; people who save the sheet often leave it out, which is noted."""
    england = [at for at, name in enumerate(records.columns["name"]) if _ENGLAND.fullmatch(text.folded(name))]
    others = sorted({*range(len(records))}.difference(england))
    refuse_wrong_sums(records, keys, totals=england, parts=others, marks={}, what="what the row England says")
    if not england:
        records.notes.append(
            "no row England: whether rows of providers are missing can't be told from the file"
        )


def _refuse_other_sums(records: Records, blocks: dict[str, list[str]]) -> None:
    """Each block's types make its total; attendances within and over four hours make all, type by type."""
    numbers = {
        key: [_count(cell) for cell in records.columns[key]] for keys in blocks.values() for key in keys
    }
    sums: list[tuple[Sequence[str], str]] = [(keys[:-1], keys[-1]) for keys in blocks.values()]
    sums += [
        ((within, over), both)
        for both, within, over in zip(blocks["attendances"], blocks["within"], blocks["over"], strict=True)
    ]
    for parts, whole in sums:
        for at in range(len(records)):
            counts = [numbers[key][at] for key in (*parts, whole)]
            known = [count for count in counts if count is not None]
            if len(known) == len(counts) and sum(known[:-1]) != known[-1]:
                records.reject(
                    at, whole, expected=f"{sum(known[:-1])}, what its parts in this line add up to"
                )


def _count(cell: str) -> Decimal | None:
    try:
        return text.number(cell)
    except ValueError:
        return None
