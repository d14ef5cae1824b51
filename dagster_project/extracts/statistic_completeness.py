"""Whether a month of a statistic is whole, told by the month before it: far fewer organisations are a cut-off file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

import pandas as pd

from dagster_project.settings import DBT_PROJECT_DIR

_FALL = "largest_fall_of_organisations"


@cache
def largest_fall() -> Decimal:
    """The share of its organisations that a statistic may lose between months; an assumption, from the seed."""
    path = DBT_PROJECT_DIR / "seeds" / "reference" / "completeness_parameter.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return next(Decimal(row["value"]) for row in csv.DictReader(lines) if row["parameter"] == _FALL)


def without_doubtful_months(
    rows: pd.DataFrame, files: Mapping[str, str]
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The statistic rows, those of months that can't be whole without values but with the reason; and notes.

    A month is compared with the newest month before it that is at hand and whole itself. `files` gives the file
    name by extract id; a note is (file name, words).
    """
    counted = rows.groupby(["source", "measure", "period"])["organisation_code"].nunique().reset_index()
    reasons: dict[tuple[str, str], str] = {}
    before: dict[tuple[str, str], tuple[str, int]] = {}
    for row in counted.itertuples():  # sorted, so in time
        source, measure, period = str(row.source), str(row.measure), str(row.period)
        organisations = int(str(row.organisation_code))
        series = source, measure
        last, had = before.get(series, (period, organisations))
        if organisations < had * (1 - largest_fall()):
            reasons.setdefault(
                (source, period),
                f"{{file}} has {organisations} organisations of {period}, where {last} has {had}: it isn't whole",
            )
            continue
        before[series] = period, organisations
    if not reasons:
        return rows, []
    keys = list(zip(rows["source"].tolist(), rows["period"].tolist(), strict=True))
    is_doubtful = [key in reasons for key in keys]
    names = [files[extract_id] for extract_id in rows["extract_id"]]
    words = [
        reasons[key].format(file=name) if doubtful else reason
        for key, name, doubtful, reason in zip(
            keys, names, is_doubtful, rows["missing_reason"].tolist(), strict=True
        )
    ]
    marked = rows.assign(
        value=rows["value"].where(~pd.Series(is_doubtful, index=rows.index), None),
        missing_reason=pd.Series(words, index=rows.index, dtype="str"),
    )
    noted = {
        (name, reasons[key].format(file="it"))
        for key, name in zip(keys, names, strict=True)
        if key in reasons
    }
    return marked, sorted(noted)
