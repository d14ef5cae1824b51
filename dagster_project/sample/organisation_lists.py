"""The sample's lists of organisations in the layouts of ODS and ONS: trusts with board, town and postcode; boards."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from dagster_project.sample.organisations import MERGER_QUARTER, Organisation
from dagster_project.settings import DBT_PROJECT_DIR

# ODS's report has 27 columns and names none; these are what a reader takes, counted from 0.
_WIDTH = 27
_CODE, _NAME, _REGION, _BOARD, _TOWN, _POSTCODE, _OPENED, _CLOSED = 0, 1, 2, 3, 7, 9, 10, 11
_OPENED_ON = "20200401"
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


def write_organisation_lists(folder: Path, organisations: Sequence[Organisation]) -> tuple[Path, ...]:
    """Writes `etr.csv` and `icb_names_and_codes.csv` into the folder; returns both.

    A trust belongs to a board of its region. Its postcode is of the area ZZ, which no real place has.
    """
    boards = [each for each in organisations if each.table == "icb"]
    trusts = [each for each in organisations if each.table != "icb"]
    folder.mkdir(parents=True, exist_ok=True)
    reports = (
        (folder / "etr.csv", _trust_lines(trusts, boards)),
        (folder / "icb_names_and_codes.csv", _board_lines(boards)),
    )
    for file, lines in reports:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        file.write_bytes(text.getvalue().encode())
    return tuple(file for file, _ in reports)


def _trust_lines(trusts: Sequence[Organisation], boards: Sequence[Organisation]) -> Iterable[list[str]]:
    with (DBT_PROJECT_DIR / "seeds" / "reference" / "ods_region.csv").open(encoding="utf-8") as file:
        region_codes = {row["region"]: row["region_code"] for row in csv.DictReader(file)}
    for number, trust in enumerate(trusts):
        of_region = [board.code for board in boards if board.region == trust.region]
        line = [""] * _WIDTH
        line[_CODE], line[_NAME] = trust.code, trust.name.upper().replace("(FICTIONAL)", "(fictional)")
        line[_REGION] = region_codes[trust.region]
        line[_BOARD] = of_region[number % len(of_region)]
        line[_TOWN], line[_POSTCODE] = trust.town.upper(), _postcode(number)
        line[_OPENED] = _OPENED_ON
        if trust.merges_into is not None:
            line[_CLOSED] = f"{MERGER_QUARTER.start_year}0331"
        yield line


def _board_lines(boards: Iterable[Organisation]) -> Iterable[list[str]]:
    yield ["ICB26CD", "ICB26CDH", "ICB26NM", "ObjectId"]
    for number, board in enumerate(boards, start=1):
        yield [f"E54Z{number:05}", board.code, board.name, str(number)]


def _postcode(number: int) -> str:
    """A postcode a trust, of the area ZZ: in the form of real ones and none of them."""
    district, rest = number // 200 % 99 + 1, number % 200
    return f"ZZ{district} {rest // 20}{_LETTERS[rest % 20]}{_LETTERS[number // 19800 % 20]}"
