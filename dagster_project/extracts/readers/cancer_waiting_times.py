"""Cancer waiting times by provider: the provider extract (xlsx), the monthly combined CSV, the provider workbook."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import cancer_provider_workbook, sheets, text
from dagster_project.extracts.readers.counted_cells import (
    USUAL_MARKS,
    CountedCells,
    Marks,
    parsed_names,
    trust_rows,
)
from dagster_project.extracts.readers.delimited import Records, column_key, read_records, require_columns
from dagster_project.extracts.readers.months import month_of_date, month_of_file_name
from dagster_project.extracts.readers.outcome import ReadStatistic, SetAside
from dagster_project.extracts.readers.tables import csv_bytes, csv_records
from dagster_project.extracts.readers.totals import wrong_sum
from dagster_project.extracts.source import CountedColumns, SourceRecord

if TYPE_CHECKING:
    import pandas as pd

NAME = "cancer_waiting_times"
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
COMBINED_COLUMNS = ("Period", "Basis", "Org_Name", *COMBINED_HEADER)
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
    """Reads the 28-day and 62-day standards: total and within for each trust, month, route and cancer type
    (in the provider workbook, over all of them).

    62-day pathways stand there twice, by cancer type and by treatment modality: only the first are taken, and
    the two must agree (as in all 583 trusts and months of the extract of April to July 2025). Of totals beside
    their parts the parts are taken where they add up to them, else the total. All others are set aside. Raises
    InputRejected naming file, row and column for what can't be read.
    """
    body = csv_bytes(raw, file_name)
    if body is not None:
        records, sheet = read_records(body, file_name, columns=COMBINED_COLUMNS), None
        require_columns(records, ["Basis"])
    else:
        extract = _extract_sheet(raw, file_name)
        if extract is None:
            return _read_provider_workbook(raw, file_name, extract_id, missing_marks)
        records, sheet = extract
    keys = _keys(records)
    cells = CountedCells(NAME, file_name, extract_id, missing_marks, notes=records.notes)
    standards = [_STANDARDS.get(text.folded(cell).casefold()) for cell in records.columns[keys["standard"]]]
    in_scope = records.kept([i for i, standard in enumerate(standards) if standard])
    if not len(in_scope):
        cells.notes.append("no rows of the 28-day or 62-day standard")
    trusts = trust_rows(in_scope, keys["code"], cells.set_aside, _reasons(in_scope), name_key="org_name")
    periods = _periods(trusts.records, file_name)
    parts = _parts(trusts.records, keys, trusts.codes, periods, missing_marks)
    _refuse_unequal_splits(trusts.records, parts, keys)
    cells.notes.extend(_totals_used(parts))
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


def _extract_sheet(raw: bytes | Path, file_name: str) -> tuple[Records, str] | None:
    """The records of the provider extract's sheet with its name; None for the other workbook."""
    workbook = sheets.open_workbook(raw, file_name)
    for sheet in workbook.sheet_names:
        rows = sheets.sheet_rows(workbook, sheet, file_name)
        header_at = sheets.header_position(rows, HEADER)
        if header_at is not None:
            return sheets.sheet_records(rows, header_at, file_name, columns=HEADER), sheet
        if cancer_provider_workbook.is_standard(rows):
            return None
    raise InputRejected(
        file=file_name,
        expected=f"a sheet with the columns {', '.join(HEADER)}, or the sheets of the provider workbook",
        found=f"none among the sheets {', '.join(workbook.sheet_names)}",
        remedy="Download the file again from the publisher's page.",
    )


def _read_provider_workbook(
    raw: bytes | Path, file_name: str, extract_id: str, missing_marks: Marks
) -> ReadStatistic:
    """Both standards over all routes and cancers; the workbook's other splits of them are set aside."""
    found, says_final = cancer_provider_workbook.standard_sheets(raw, file_name)
    cells = CountedCells(NAME, file_name, extract_id, missing_marks)
    samples, unproven, read = set(), list[SetAside](), 0
    for one in found:
        read += len(one.records)
        cells.set_aside.extend(
            SetAside(
                one.records.lines[at],
                None,
                None,
                f"{one.sheet}: the same pathways in another split, or no counts",
                one.records.raw_lines[at],
            )
            for at in one.others
        )
        chosen = one.records.kept(one.positions)
        name_key = column_key(cancer_provider_workbook.PROVIDER)
        trusts = trust_rows(chosen, "ods_code", cells.set_aside, name_key=name_key)
        samples.add(trusts.is_sample)
        unproven += trusts.unproven
        for part, column in (
            ("total", cancer_provider_workbook.TOTAL),
            ("within", cancer_provider_workbook.WITHIN[one.measure]),
        ):
            cells.add(
                trusts.records,
                column_key(column),
                f"{one.measure}_{part}",
                codes=trusts.codes,
                names=parsed_names(trusts.records, name_key),
                periods=[one.month] * len(trusts.codes),
                categories="all routes; all cancers",
                sheet=one.sheet,
            )
    months = [one.month for one in found]
    whole = cells.read(raw, records=read, is_sample=True in samples, periods=months, unproven=unproven)
    return replace(whole, says_final=says_final)


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


def _parts(
    records: Records, keys: dict[str, str], codes: list[str], periods: list[str], marks: Marks
) -> pd.DataFrame:
    """One row per record: what it counts, how finely, and whether it is `used`."""
    # Whoever asks only where a file's counts stand does without pandas: half a second.
    import pandas as pd

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
            "total": _numbers(records.columns[keys["total"]], marks),
            "within": _numbers(records.columns[keys["within"]], marks),
        }
    )
    every_route = frame["route"].str.fullmatch(_ALL)
    every_cancer = frame["cancer"].str.fullmatch(_ALL)
    by_modality = ~(frame["modality"].str.fullmatch(_ALL) | (frame["modality"] == ""))
    frame["split"] = (every_route * 1 + every_cancer * 2).where(~by_modality, _MODALITY)
    added = _added(frame[frame["split"] != _MODALITY])
    overall = added[added["split"] == _OVERALL].drop(columns="split")
    added = added.merge(overall, on=_GROUP, how="left", suffixes=("", "_overall"))
    # A split with a cell that isn't a count has no sum: another is taken, if there is one that stands.
    has_no_total = added["total_overall"].isna() | added["within_overall"].isna()
    adds_up = (added["total"] == added["total_overall"]) & (added["within"] == added["within_overall"])
    is_whole = added["total"].notna() & added["within"].notna()
    added["choice"] = added["split"] + (~(has_no_total | adds_up) * 10) + (~is_whole * 100)
    best = added.loc[added.groupby(_GROUP)["choice"].idxmin(), [*_GROUP, "split"]]
    finest = best.rename(columns={"split": "finest"})
    frame["used"] = frame["split"] == frame.merge(finest, on=_GROUP, how="left")["finest"]
    return frame


def _numbers(cells: list[str], marks: Marks) -> pd.Series[float]:
    import pandas as pd

    shown = ("0" if marks.get(text.folded(cell).casefold()) == "zero" else cell for cell in cells)
    return pd.to_numeric(pd.Series(list(shown), dtype="str"), errors="coerce")


def _added(frame: pd.DataFrame) -> pd.DataFrame:
    """The sums of each trust's month, standard and split; none where a cell isn't a count."""
    sums = frame.groupby([*_GROUP, "split"])[["total", "within"]]
    return sums.sum(skipna=False).reset_index()


def _refuse_unequal_splits(records: Records, parts: pd.DataFrame, keys: dict[str, str]) -> None:
    """Raises InputRejected where the pathways by treatment modality aren't those by cancer type."""
    by_modality = parts[parts["split"] == _MODALITY]
    if by_modality.empty:
        return
    used = _added(parts[parts["used"]]).drop(columns="split")
    pairs = _added(by_modality).merge(used, on=_GROUP, how="left", suffixes=("", "_used"), indicator=True)
    for key in ("total", "within"):
        known = pairs[key].notna() & (pairs[f"{key}_used"].notna() | (pairs["_merge"] == "left_only"))
        wrong = pairs[known & (pairs[key] != pairs[f"{key}_used"])]
        if wrong.empty:
            continue
        one = wrong.iloc[0]
        of_it = by_modality[(by_modality[_GROUP] == one[_GROUP]).all(axis=1)]
        used_rows = parts[parts["used"] & (parts[_GROUP] == one[_GROUP]).all(axis=1)]
        raise wrong_sum(
            records.file_name,
            records.lines[int(of_it.index[0])],
            records.header[keys[key]],
            total=Decimal(str(one[key])),
            added=Decimal(str(one[f"{key}_used"] if one["_merge"] == "both" else 0)),
            what=f"{one['code']} in {one['period']} by treatment modality, which is as many as by cancer type",
            rows=len(used_rows),
        )


def _totals_used(parts: pd.DataFrame) -> list[str]:
    """What to know about totals that stand for parts which don't add up to them."""
    used = parts[parts["used"] & (parts["split"] > 0)]
    finer = parts[(parts["split"] < _MODALITY) & ~parts["used"]]
    both = finer.merge(used[[*_GROUP, "split"]], on=_GROUP, suffixes=("", "_used"))
    replaced = both[both["split"] < both["split_used"]][_GROUP].drop_duplicates().values.tolist()
    return [
        f"{code} in {period}, {measure}: the rows of parts lack a count or don't add up to the total row, "
        "which is taken instead"
        for code, period, measure in replaced
    ]


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


_KEYS_OF = {"total": r"total_treated|total", "within": r"within_standard|within|within_{days}_days"}
SOURCE = SourceRecord(
    name=NAME,
    kind="statistic",
    read=read_cancer_waiting_times,
    headers=(HEADER, COMBINED_HEADER),
    is_sheet=lambda rows: (
        sheets.header_position(rows, HEADER) is not None or cancer_provider_workbook.is_standard(rows)
    ),
    missing_marks=MISSING_MARKS,
    counts_in=HEADER[-2:],
    counted=CountedColumns(
        keys={
            f"{measure}_{part}": keys.format(days=days)
            for measure, days in (("fds_28_day", 28), ("treated_62_day", 62))
            for part, keys in _KEYS_OF.items()
        },
        records=lambda raw, file_name: csv_records(raw, file_name, columns=COMBINED_COLUMNS),
    ),
)
