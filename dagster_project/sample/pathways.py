"""Fictional patient-level pathways: as many as published waits say, and slips of every kind among them if asked for.

Whole columns at a time, so that ten million rows take seconds; the same arguments give the same rows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.record_level.pathway_files import PATHWAY

# Published percentages have two decimal places: of so many pathways, or a multiple, each is a whole number.
WHOLE = 10_000
_OVER_52, _WITHIN_18 = "OF0003", "OF0023"
_COMMISSIONERS = ("01Z", "02Z", "03Z")
_FUNCTIONS = ("C_100", "C_110", "C_130", "C_502", "X05")
_WEEKS = np.arange(105)
_ROWS_PER_FILE = 2_000_000
_ROWS_AT_ONCE = 500_000
# Turns numbers from 0 into as many identifiers that don't follow each other.
_STRIDE, _IDENTIFIERS = 7_919_191_917, 10**12


@dataclass(frozen=True)
class PublishedWait:
    """What is published of one provider: percentages of two decimal places."""

    code: str
    name: str
    over_52_weeks: Decimal
    within_18_weeks: Decimal


def published_waits(data_file: Path) -> tuple[PublishedWait, ...]:
    """The waits in a data file of acute trusts that holds one quarter, in the order of their codes."""
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    with data_file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["Metric_ID"] in (_OVER_52, _WITHIN_18) and row["Value"]:
                who = row["Trust_code"], row["Trust_name"]
                found.setdefault(who, {})[row["Metric_ID"]] = Decimal(row["Value"])
    return tuple(
        PublishedWait(*who, values[_OVER_52], values[_WITHIN_18])
        for who, values in sorted(found.items())
        if len(values) == 2
    )


def cells_of(waits: Sequence[PublishedWait], pathways: int) -> pa.Table:
    """Counts by provider, commissioner, treatment function and weekly band that give exactly these percentages.

    `pathways` are those of each provider: a multiple of WHOLE.
    """
    if pathways < WHOLE or pathways % WHOLE:
        raise ValueError(f"pathways of a provider are a multiple of {WHOLE}, not {pathways}")
    places = [(commissioner, function) for commissioner in _COMMISSIONERS for function in _FUNCTIONS]
    counts = np.concatenate([_counts(wait, pathways, len(places)) for wait in waits])
    per_provider = len(places) * len(_WEEKS)
    return pa.table(
        {
            "provider_code": np.repeat([wait.code for wait in waits], per_provider),
            "provider_name": np.repeat([wait.name for wait in waits], per_provider),
            "commissioner_code": np.tile(np.repeat([each for each, _ in places], len(_WEEKS)), len(waits)),
            "treatment_function_code": np.tile(
                np.repeat([each for _, each in places], len(_WEEKS)), len(waits)
            ),
            "weeks": np.tile(_WEEKS, len(waits) * len(places)),
            "pathways": counts,
        }
    )


def write_pathways(
    folder: Path, cells: pa.Table, census: date, *, seed: int = 2025, slips: int = 0
) -> dict[str, int]:
    """Writes a row for each pathway of `cells` as Parquet files in no order, and `slips` of each kind.

    Returns how many rows each reason must set aside.
    """
    folder.mkdir(parents=True, exist_ok=True)
    expected: dict[str, int] = {}
    writer: pq.ParquetWriter = None
    for number, part in enumerate(_pathways(cells, census, np.random.default_rng(seed))):
        if slips and not expected:
            part, expected = _with_slips(part, census, slips)
        if number % (_ROWS_PER_FILE // _ROWS_AT_ONCE) == 0:
            if writer is not None:
                writer.close()
            path = folder / f"pathways-{number * _ROWS_AT_ONCE // _ROWS_PER_FILE:03d}.parquet"
            writer = pq.ParquetWriter(path, PATHWAY, compression="zstd")
        writer.write_table(part)
    if writer is not None:
        writer.close()
    return expected


def _counts(wait: PublishedWait, pathways: int, places: int) -> Any:
    """How many of one provider's pathways wait in each band, by place; their sums are those published."""
    over, within = (int(share * pathways / 100) for share in (wait.over_52_weeks, wait.within_18_weeks))
    blocks = ((within, 18), (pathways - within - over, 34), (over, len(_WEEKS) - 52))
    shared = []
    for number, weeks in blocks:
        size = places * weeks
        counts = np.full(size, number // size, dtype=np.int64)
        counts[: number % size] += 1
        shared.append(counts.reshape(places, weeks))
    return np.concatenate(shared, axis=1).reshape(-1)


def _pathways(cells: pa.Table, census: date, rng: np.random.Generator) -> Iterator[pa.Table]:
    """The rows in no order, so many at once."""
    counts = cells["pathways"].to_numpy()
    cell = rng.permutation(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
    weeks = cells["weeks"].to_numpy()
    texts = {
        name: cells[name].combine_chunks().dictionary_encode()
        for name in ("provider_code", "provider_name", "commissioner_code", "treatment_function_code")
    }
    census_day = (census - date(1970, 1, 1)).days
    for first in range(0, len(cell), _ROWS_AT_ONCE):
        of = cell[first : first + _ROWS_AT_ONCE]
        week = weeks[of]
        chance = rng.random(len(of))
        # a band ends with the last day of its week; the first also holds the census day, the last a year
        days = np.where(
            week == 0,
            np.floor(chance * 8),
            week * 7 + 1 + np.floor(chance * np.where(week == len(_WEEKS) - 1, 365, 7)),
        ).astype(np.int32)
        numbers = np.arange(first, first + len(of), dtype=np.int64)
        columns = {
            "pathway_id": pc.utf8_lpad(
                pc.cast(pa.array(numbers * _STRIDE % _IDENTIFIERS), pa.string()), 12, padding="0"
            ),
            **{name: each.take(pa.array(of)).cast(pa.string()) for name, each in texts.items()},
            "clock_start_date": pa.array(census_day - days, pa.int32()).cast(pa.date32()),
            "clock_stop_date": pa.nulls(len(of), pa.date32()),
            "snapshot_date": pa.array(np.full(len(of), census_day, np.int32)).cast(pa.date32()),
        }
        yield pa.table({name: columns[name] for name in PATHWAY.names}, schema=PATHWAY)


def _oddly_written(rows: pa.Table, number: int) -> pa.Table:
    """The rows with signs that can't be seen around the codes of the first: they count like the others."""
    odd = [
        {
            **row,
            "provider_code": f"\u00a0{row['provider_code']}\t",
            "commissioner_code": f"{row['commissioner_code'].lower()}\r\n",
            "treatment_function_code": f"{row['treatment_function_code']}\n",
        }
        for row in rows.slice(0, number).to_pylist()
    ]
    return pa.concat_tables([pa.Table.from_pylist(odd, schema=PATHWAY), rows.slice(number)])


def _with_slips(rows: pa.Table, census: date, number: int) -> tuple[pa.Table, dict[str, int]]:
    """The rows with so many more of every kind that isn't counted, and how many rows each reason must set aside."""
    sound = rows.slice(0, 1).to_pylist()[0]
    day = timedelta(days=1)
    kinds: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("no pathway id", {"pathway_id": " "}),
        ("no pathway id", {"pathway_id": "\u00a0\r\n"}),
        ("no provider code", {"provider_code": None}),
        ("no provider code", {"provider_code": "\u00a0"}),
        ("the provider code is none that ODS gives", {"provider_code": "ST. MARY'S"}),
        # capitals of these are letters of ODS's for some engines, and a line end is no end to some patterns
        ("the provider code is none that ODS gives", {"provider_code": "R1\u00df"}),
        ("the provider code is none that ODS gives", {"provider_code": "R1A\n\u2003"}),
        ("no commissioner code", {"commissioner_code": ""}),
        ("the commissioner code is none that ODS gives", {"commissioner_code": "?"}),
        ("the commissioner code is none that ODS gives", {"commissioner_code": "\u200301Z"}),
        ("no treatment function", {"treatment_function_code": None}),
        ("the treatment function is none of the publisher's", {"treatment_function_code": "C_999"}),
        ("the treatment function is none of the publisher's", {"treatment_function_code": "C_100\u0085"}),
        ("no census day", {"snapshot_date": None}),
        ("the census is not on the last day of a month", {"snapshot_date": census - day}),
        ("no clock start", {"clock_start_date": None}),
        ("the clock starts after the census", {"clock_start_date": census + day}),
        (
            "the clock stops before it starts",
            {"clock_start_date": census - 9 * day, "clock_stop_date": census - 10 * day},
        ),
        (
            "the clock stopped before the census",
            {"clock_start_date": census - 9 * day, "clock_stop_date": census - day},
        ),
        ("the clock stopped on the day of the census", {"clock_stop_date": census}),
        ("the clock started longer ago than anybody can have waited", {"clock_start_date": date(1900, 1, 1)}),
    )
    added = [
        {**sound, "pathway_id": f"slip-{kind:02d}-{each}", **changes}
        for kind, (_, changes) in enumerate(kinds)
        for each in range(number)
    ]
    expected = dict.fromkeys((reason for reason, _ in kinds), 0)
    for reason, _ in kinds:
        expected[reason] += number
    for each in range(number):
        twice = {**sound, "pathway_id": f"differs-{each}"}
        added += [twice, {**twice, "clock_start_date": census - 30 * day}]
        elsewhere = {**sound, "pathway_id": f"elsewhere-{each}"}
        added += [elsewhere, {**elsewhere, "provider_code": "Z00"}]
    expected["the pathway stands there more than once, and its rows differ"] = 2 * number
    expected["the pathway id stands there for more than one provider"] = 2 * number
    # what stands there a second time is counted once, however its codes are written
    expected["the same row of the pathway a second time"] = number
    again = rows.slice(0, number)
    tables = (_oddly_written(rows, number), pa.Table.from_pylist(added, schema=PATHWAY), again)
    return pa.concat_tables(tables), expected
