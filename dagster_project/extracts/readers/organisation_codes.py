"""Whose row it is: codes of NHS trusts and boards, rows that are neither, and names that say all is invented."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.delimited import Records
from dagster_project.extracts.readers.text import folded
from dagster_project.settings import DBT_PROJECT_DIR

# How every name in a fictional file ends, and no name that the NHS gives. A code tells nothing: ODS gives codes
# with a Z to boards and independent sites.
FICTIONAL = "(fictional)"
TRUST = "trust"
ICB = "icb"
NOT_KNOWN_AS_TRUST = (
    "not known as an NHS trust: its code has a form that independent sites have too, and neither the "
    "framework's files nor a list of organisations names it"
)
_TOTALS = frozenset({"total", "totals", "grand total", "england", "eng", "national"})
_REGION = re.compile(r"Y[0-9]{2}")
_NAMED = 3


@dataclass(frozen=True)
class _Form:
    """A form of codes; where it isn't `known_by_form`, other organisations have such codes as well."""

    group: str
    pattern: re.Pattern[str]
    known_by_form: bool


@cache
def _forms() -> tuple[_Form, ...]:
    path = DBT_PROJECT_DIR / "seeds" / "reference" / "organisation_code_pattern.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(
            _Form(row["table_group"], re.compile(row["pattern"]), row["known_by_form"] == "true")
            for row in csv.DictReader(lines)
        )


@cache
def successors() -> frozenset[str]:
    """The codes that stand in the seed of successors: organisations that ended, and who succeeded them."""
    path = DBT_PROJECT_DIR / "seeds" / "reference" / "organisation_successor.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return frozenset(
            code
            for row in csv.DictReader(lines)
            for code in (row["organisation_code"], row["successor_code"])
        )


def code_of(cell: str) -> str:
    """A code as rows hold it: spaces folded, upper case."""
    return folded(cell).upper()


def has_form(code: str, group: str = TRUST) -> bool:
    """Whether the code can be one of the group (`trust` or `icb`)."""
    return any(form.pattern.fullmatch(code) for form in _forms() if form.group == group)


def is_trust_by_form(code: str) -> bool:
    """Whether the form of the code alone says that it is an NHS trust's: no other organisation has such codes."""
    return any(
        form.pattern.fullmatch(code) for form in _forms() if form.group == TRUST and form.known_by_form
    )


def why_no_trust(code: str) -> str | None:
    """Why a row with this code can't be an NHS trust's, in words for a row set aside; None if it can be."""
    if has_form(code):
        return None
    if not code:
        return "no organisation code"
    if code.casefold() in _TOTALS:
        return "a total row"
    if _REGION.fullmatch(code):
        return "a region row"
    if has_form(code, ICB):
        return "an integrated care board row"
    return "not an NHS trust"


def is_sample_file(records: Records, name_key: str | None) -> bool:
    """Whether the organisations' names say that they are invented; without names they don't.

    Raises InputRejected, naming rows, where some say so and some don't.
    """
    if name_key is None or name_key not in records.columns:
        return False
    cells = records.columns[name_key]
    invented = {cell: _is_invented(cell) for cell in set(cells) if folded(cell)}
    rows: dict[bool, list[int]] = {True: [], False: []}
    for position, cell in enumerate(cells):
        if cell in invented:
            rows[invented[cell]].append(position)
    if rows[True] and rows[False]:
        _reject_mixture(records, name_key, rows[True], rows[False])
    return bool(rows[True])


def _is_invented(name: str) -> bool:
    return folded(name).casefold().endswith(FICTIONAL)


def _reject_mixture(records: Records, name_key: str, fictional: Sequence[int], others: Sequence[int]) -> None:
    fewer, kind = (others, "without it") if len(others) <= len(fictional) else (fictional, "with it")
    shown = ", ".join(str(records.lines[at]) for at in fewer[:_NAMED])
    more = f" and {len(fewer) - _NAMED} more" if len(fewer) > _NAMED else ""
    raise InputRejected(
        file=records.file_name,
        row=records.lines[fewer[0]],
        column=records.header[name_key],
        expected=f"names that all end in {FICTIONAL!r}, as those of invented organisations do, or none that does",
        found=f"{len(fictional)} with it and {len(others)} without, those {kind} in row{'s' * (len(fewer) > 1)} "
        f"{shown}{more}: {folded(records.columns[name_key][fewer[0]])!r}",
        remedy="Fictional and official figures are never mixed: take the file out, or the rows of one kind.",
    )
