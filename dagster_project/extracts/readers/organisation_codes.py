"""Whose row it is: codes of NHS trusts and boards, official or the sample's, and rows that are neither."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.text import folded
from dagster_project.settings import DBT_PROJECT_DIR

_TOTALS = frozenset({"total", "totals", "grand total", "england", "eng", "national"})
_REGION = re.compile(r"Y[0-9]{2}")


@cache
def code_patterns() -> dict[tuple[str, bool], re.Pattern[str]]:
    """By group (`trust` or `icb`) and whether the sample's: the form of such codes, from the seed."""
    path = DBT_PROJECT_DIR / "seeds" / "reference" / "organisation_code_pattern.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return {
            (row["table_group"], row["is_sample"] == "true"): re.compile(row["pattern"])
            for row in csv.DictReader(lines)
        }


def code_of(cell: str) -> str:
    """A code as rows hold it: spaces folded, upper case."""
    return folded(cell).upper()


def is_fictional(code: str, group: str = "trust") -> bool:
    """Whether the code is one of the sample's."""
    return code_patterns()[group, True].fullmatch(code) is not None


def is_official(code: str, group: str = "trust") -> bool:
    """Whether the code has the form of an official one. Five characters can also be an independent site."""
    return not is_fictional(code, group) and code_patterns()[group, False].fullmatch(code) is not None


def why_no_trust(code: str) -> str | None:
    """Why a row with this code isn't an NHS trust's, in words for a row set aside; None if it is."""
    if is_fictional(code) or is_official(code):
        return None
    if not code:
        return "no organisation code"
    if code.casefold() in _TOTALS:
        return "a total row"
    if _REGION.fullmatch(code):
        return "a region row"
    if is_fictional(code, "icb") or is_official(code, "icb"):
        return "an integrated care board row"
    return "not an NHS trust"


def is_sample_file(codes: Sequence[str], *, file_name: str, column: str, group: str = "trust") -> bool:
    """Whether the codes of a file's rows are the sample's; InputRejected where official ones stand beside."""
    distinct = sorted(set(codes))
    fictional = [code for code in distinct if is_fictional(code, group)]
    official = [code for code in distinct if is_official(code, group)]
    if fictional and official:
        raise InputRejected(
            file=file_name,
            column=column,
            expected="codes of NHS organisations only, or codes of the fictional sample only",
            found=f"{fictional[0]} (fictional) and {official[0]} (official)",
            remedy="Fictional and official figures are never mixed: take the file out, or correct its codes.",
        )
    return bool(fictional)
