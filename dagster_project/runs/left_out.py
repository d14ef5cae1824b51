"""What lay there and isn't among the figures: files passed over, rows set aside, notes; as data and as lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagster_project.catalogue.link_period import period_named
from dagster_project.quarters import Quarter

if TYPE_CHECKING:
    # Who shows lines needs none of these, and pandas takes a second to import.
    import pandas as pd

    from dagster_project.extracts.load import FileNote, LoadedExtracts

SHOWN = 5
# Lists that no figure needs and readers of the table `organisation` miss: kind in it, which list, what stays empty,
# how to get it. ONS's page is built in the browser, so that a fetch finds no link there.
_LISTS = (
    (
        "trust",
        "ODS's list of trusts (etr.csv)",
        "board, town, postcode and dates of trusts",
        "Put it beside the files, or `league fetch` a quarter and run from the archive",
    ),
    (
        "icb",
        "the list of ICBs' names and codes (ONS Open Geography Portal)",
        "names of trusts' boards",
        "Download it there as CSV and put it beside the files",
    ),
)


def left_out_of(loaded: LoadedExtracts) -> dict[str, Any]:
    """`ignored`, `notes` and `rows_set_aside`, the latter by file and reason, the most frequent first; and in
    `missing` the lists of organisations that weren't among the files.
    """
    listed = set(loaded.organisation_reference["organisation_kind"])
    return {
        "missing": [
            {"list": name, "empty": empty, "how": how}
            for kind, name, empty, how in _LISTS
            if kind not in listed
        ],
        "ignored": [{"file": note.file, "why": note.text} for note in loaded.ignored],
        "notes": [{"file": note.file, "note": note.text} for note in loaded.notes],
        "rows_set_aside": len(loaded.row_set_aside),
        "set_aside": _by_reason(loaded.row_set_aside),
    }


def of_other_quarters(loaded: LoadedExtracts, used: LoadedExtracts) -> list[dict[str, Any]]:
    """Files of `loaded` that give `used` nothing, with the quarters they are about."""
    kept = set(used.extract["extract_id"])
    listed = []
    for file in loaded.extract.itertuples():
        if file.extract_id in kept:
            continue
        quarters = {
            quarter
            for rows in (loaded.extract_row, loaded.statistic_row)
            for quarter in rows.loc[rows["extract_id"] == file.extract_id, "quarter"]
        }
        listed.append({"file": str(file.file_name), "quarters": sorted(quarters)})
    return listed


def left_out_lines(left_out: Mapping[str, Any], *, listed_in: str | None = None) -> list[str]:
    """The same for a person: each kind counted, its first ones named, and where all of them are.

    `listed_in` is the run's folder; without it `--json` is where.
    """
    files, rows = (
        (f"{listed_in}/outcome.json", f"{listed_in}/rows_set_aside.csv")
        if listed_in is not None
        else ("--json lists them", "--json counts them by file and reason")
    )
    return [
        *_lines(
            "passed over", (f"{item['file']}: {item['why']}" for item in left_out.get("ignored", ())), files
        ),
        *_lines(
            "of other quarters",
            (f"{item['file']} ({_span(item['quarters'])})" for item in left_out.get("other_quarters", ())),
            files,
        ),
        *_lines("note", (f"{item['file']}: {item['note']}" for item in left_out.get("notes", ())), files),
        *_lines(
            "missing",
            (
                f"{item['list']}: {item['empty']} stay empty. {item['how']}"
                for item in left_out.get("missing", ())
            ),
            files,
        ),
        *_lines("set aside", map(_set_aside, left_out.get("set_aside", ())), rows),
    ]


def unread_of(quarter: Quarter, loaded: LoadedExtracts) -> str:
    """A sentence about files that weren't read though their names tell of months of the quarter; else of all that
    were passed over; empty where there are none. It begins with a blank.
    """
    of_quarter = [note for note in loaded.ignored if _names_month_of(quarter, note.file)]
    if of_quarter:
        return f" These lie there unread, and their names tell of months of {quarter}: {_named(of_quarter)}."
    return f" Passed over: {_named(loaded.ignored)}." if loaded.ignored else ""


def _names_month_of(quarter: Quarter, file: str) -> bool:
    period = period_named(file)
    return period is not None and period.covers(quarter)


def _named(notes: Sequence[FileNote]) -> str:
    more = f" and {len(notes) - SHOWN} more" if len(notes) > SHOWN else ""
    return "; ".join(f"{note.file} ({note.text})" for note in notes[:SHOWN]) + more


def _lines(kind: str, found: Iterable[str], where: str) -> list[str]:
    texts = list(found)
    lines = [f"{kind}: {text}" for text in texts[:SHOWN]]
    if len(texts) > SHOWN:
        lines.append(f"{kind}: and {len(texts) - SHOWN} more: {where}")
    return lines


def _set_aside(item: Mapping[str, Any]) -> str:
    rows = "1 row" if item["rows"] == 1 else f"{item['rows']:,} rows"
    return f"{item['file']}: {rows}, first in row {item['first_row']}: {item['reason']}"


def _by_reason(rows: pd.DataFrame) -> list[dict[str, Any]]:
    if rows.empty:
        return []
    counted = (
        rows.groupby(["file_name", "reason"], sort=True)
        .agg(rows=("reason", "size"), first_row=("source_row", "min"))
        .reset_index()
        .sort_values(["rows", "file_name", "reason"], ascending=[False, True, True])
    )
    return [
        {
            "file": str(item.file_name),
            "reason": str(item.reason),
            "rows": int(str(item.rows)),
            "first_row": int(str(item.first_row)),
        }
        for item in counted.itertuples()
    ]


def _span(quarters: Sequence[str]) -> str:
    if not quarters:
        return "no quarter"
    return quarters[0] if len(quarters) == 1 else f"{quarters[0]} to {quarters[-1]}"
