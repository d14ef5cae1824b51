"""Cancer waiting times by provider: the provider extract (xlsx) and the monthly combined CSV."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, text
from dagster_project.extracts.readers.counted_cells import (
    USUAL_MARKS,
    CountedCells,
    Marks,
    parsed_names,
    trust_rows,
)
from dagster_project.extracts.readers.delimited import Records, column_key, read_records
from dagster_project.extracts.readers.months import month_of_date, month_of_file_name
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.readers.set_aside import SetAside

SOURCE = "cancer_waiting_times"
# Counts come in halves where two trusts share a pathway; a zero is written 0.
MISSING_MARKS: Marks = {**USUAL_MARKS, "-": "missing"}

# What both forms of the file call the columns that are needed; the first is the provider extract's.
_COLUMNS = {
    "standard": ("STANDARD", "Standard_or_Item"),
    "code": ("ORG CODE", "Org_Code"),
    "route": ("STAGE/ROUTE", "Referral_Route_or_Stage"),
    "modality": ("TREATMENT MODALITY", "Treatment_Modality"),
    "cancer": ("CANCER TYPE", "Cancer_Type"),
    "total": ("TOTAL TREATED", "Total"),
    "within": ("WITHIN STANDARD", "Within"),
}
HEADER = tuple(names[0] for names in _COLUMNS.values())
COMBINED_HEADER = tuple(names[1] for names in _COLUMNS.values())
_STANDARDS = {
    "28-day fds": "fds_28_day",
    "fds": "fds_28_day",
    "62-day combined": "treated_62_day",
    "62d": "treated_62_day",
}
_ALL = re.compile(r"all\b.*", re.IGNORECASE)
# The combined CSV has totals beside the parts, over routes, cancer types or both, but no mark of which
# belong together. From the finest to the coarsest; a row of one treatment modality is never used.
_OVERALL = 3
_MODALITY = 9
_GROUP = ["code", "period", "measure"]


def read_cancer_waiting_times(
    raw: bytes | Path, *, file_name: str, extract_id: str, missing_marks: Marks = MISSING_MARKS
) -> ReadStatistic:
    """Reads the 28-day and 62-day standards: total and within for each trust, month, route and cancer type.

    62-day pathways stand there twice, by cancer type and by treatment modality: only the first are taken,
    and of totals beside their parts only the parts that add up to them. All others are set aside. Raises
    InputRejected naming file, row and column for what can't be read.
    """
    records, sheet = _records(raw, file_name)
    keys = _keys(records)
    cells = CountedCells(SOURCE, file_name, extract_id, missing_marks, notes=records.notes)
    standards = [_STANDARDS.get(text.folded(cell).casefold()) for cell in records.columns[keys["standard"]]]
    in_scope = records.kept([i for i, standard in enumerate(standards) if standard])
    if not len(in_scope):
        cells.notes.append("no rows of the 28-day or 62-day standard")
    trusts = trust_rows(in_scope, keys["code"], cells.set_aside, _reasons(in_scope), name_key="org_name")
    periods = _periods(trusts.records, file_name)
    parts = _parts(trusts.records, keys, trusts.codes, periods)
    _set_aside_totals(cells.set_aside, trusts.records, trusts.codes, parts)
    for measure, rows in parts[parts["used"]].groupby("measure", sort=True):
        taken = rows.index.tolist()
        chosen = trusts.records.kept(taken)
        names = parsed_names(chosen, "org_name") if "org_name" in chosen.header else None
        for key in ("total", "within"):
            cells.add(
                chosen,
                keys[key],
                f"{measure}_{key}",
                codes=rows["code"].tolist(),
                names=names,
                periods=rows["period"].tolist(),
                categories=(rows["route"] + "; " + rows["cancer"]).tolist(),
                sheet=sheet,
            )
    return cells.read(
        raw, records=len(records), is_sample=trusts.is_sample, periods=periods, unproven=trusts.unproven
    )


def _records(raw: bytes | Path, file_name: str) -> tuple[Records, str | None]:
    """The records of the workbook's sheet with its name, or of the combined CSV."""
    if not sheets.is_package(raw):
        body = raw if isinstance(raw, bytes) else raw.read_bytes()
        return read_records(body, file_name), None
    workbook = sheets.open_workbook(raw, file_name)
    for sheet in workbook.sheet_names:
        rows = sheets.sheet_rows(workbook, sheet, file_name)
        header_at = sheets.header_position(rows, HEADER)
        if header_at is not None:
            return sheets.sheet_records(rows, header_at, file_name), sheet
    raise InputRejected(
        file=file_name,
        expected=f"a sheet with the columns {', '.join(HEADER)}",
        found=f"none among the sheets {', '.join(workbook.sheet_names)}",
        remedy="Download the file again from the publisher's page.",
    )


def _keys(records: Records) -> dict[str, str]:
    """The key of each column needed; raises InputRejected naming one that the file lacks."""
    found: dict[str, str] = {}
    for name, published in _COLUMNS.items():
        key = next((column_key(one) for one in published if column_key(one) in records.header), None)
        if key is None:
            raise InputRejected(
                file=records.file_name,
                row=1,
                column=published[0],
                expected=f"a column {' or '.join(published)}",
                found="the columns " + ", ".join(records.header.values()),
                remedy="If the publisher renamed it, name it as before in a copy of the file.",
            )
        found[name] = key
    return found


def _reasons(records: Records) -> list[str | None]:
    """The combined CSV holds commissioners' rows too: the same pathways from the other side."""
    bases = records.columns.get("basis", [""] * len(records))
    known = {basis: text.folded(basis).casefold() for basis in set(bases)}
    return [
        None if known[basis] in ("", "provider") else f"a row by {text.folded(basis).casefold()}"
        for basis in bases
    ]


def _periods(records: Records, file_name: str) -> list[str]:
    """The month of each row; a combined CSV of one month says it in its name only."""
    if "period" in records.header:
        return records.parsed("period", month_of_date)
    try:
        return [month_of_file_name(file_name)] * len(records)
    except ValueError as error:
        raise InputRejected(
            file=file_name,
            expected=f"a column Period, or {error}",
            found="neither",
            remedy="Keep the name under which the publisher offers the file.",
        ) from None


def _parts(records: Records, keys: dict[str, str], codes: list[str], periods: list[str]) -> pd.DataFrame:
    """One row per record: what it counts, how finely, and whether it is `used`."""
    frame = pd.DataFrame(
        {
            "code": codes,
            "period": periods,
            "measure": [
                _STANDARDS[text.folded(cell).casefold()] for cell in records.columns[keys["standard"]]
            ],
            "route": records.parsed(keys["route"], text.folded),
            "modality": records.parsed(keys["modality"], text.folded),
            "cancer": records.parsed(keys["cancer"], text.folded),
            # Halves are exact as floats; these sums only choose among rows.
            "total": pd.to_numeric(pd.Series(records.columns[keys["total"]]), errors="coerce"),
            "within": pd.to_numeric(pd.Series(records.columns[keys["within"]]), errors="coerce"),
        }
    )
    every_route = frame["route"].str.fullmatch(_ALL)
    every_cancer = frame["cancer"].str.fullmatch(_ALL)
    by_modality = ~(frame["modality"].str.fullmatch(_ALL) | (frame["modality"] == ""))
    frame["split"] = (every_route * 1 + every_cancer * 2).where(~by_modality, _MODALITY)
    sums = frame[frame["split"] != _MODALITY].groupby([*_GROUP, "split"])
    added = sums[["total", "within"]].sum().reset_index()
    overall = added[added["split"] == _OVERALL].drop(columns="split")
    added = added.merge(overall, on=_GROUP, how="left", suffixes=("", "_overall"))
    adds_up = added["total_overall"].isna() | (
        (added["total"] == added["total_overall"]) & (added["within"] == added["within_overall"])
    )
    finest = added[adds_up].groupby(_GROUP)["split"].min().rename("finest").reset_index()
    frame["used"] = frame["split"] == frame.merge(finest, on=_GROUP, how="left")["finest"]
    return frame


def _set_aside_totals(
    set_aside: list[SetAside], records: Records, codes: list[str], parts: pd.DataFrame
) -> None:
    for position, split in parts.loc[~parts["used"], "split"].items():
        at = int(str(position))
        reason = (
            "the same pathways by treatment modality"
            if split == _MODALITY
            else "the same pathways as other rows of the file, in another split"
        )
        set_aside.append(SetAside(records.lines[at], codes[at], None, reason, records.raw_lines[at]))
