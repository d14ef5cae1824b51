"""Counts patient-level pathways into the publisher's own layout: a file that every run reads like a published one.

The patients' rows are read where they are and kept nowhere: only counts, and the list of rows that aren't counted for
whoever mends them. Which engine does the counting isn't here (`engines.py`), nor what a row must hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from dagster_project.durable import UNFINISHED, put_in_place, write_whole
from dagster_project.errors import InputRejected, LeagueError
from dagster_project.extracts.readers.months import MONTH_NAMES
from dagster_project.extracts.readers.organisation_codes import FICTIONAL
from dagster_project.files import sha256_of_file
from dagster_project.progress import announce
from dagster_project.record_level.engines import CountedTables, counted_in
from dagster_project.record_level.pathway_files import PATHWAY, RecordFiles, records_at
from dagster_project.settings import DataFolder

EXTRACTS, LIST, REPORT = "extracts", "set-aside.parquet", "count.json"
# One row per row that isn't counted: where it stands, what it says, and why it isn't.
SET_ASIDE: pa.Schema = pa.schema(
    [
        pa.field("file_name", pa.string()),
        pa.field("source_row", pa.int64()),
        *(field for field in PATHWAY if field.name != "provider_name"),
        pa.field("reason", pa.string()),
    ]
)
_WEEKS = 105
_COUNTED_FILES = "*-counted-from-records.csv"
# Not counted, and its pathway is: others lack something though theirs should have been.
_TWICE = "the same row of the pathway a second time"
_OF_TWO_PROVIDERS = "the pathway id stands there for more than one provider"


@dataclass(frozen=True)
class CountedPathways:
    """What was counted: rows read, pathways counted, others by reason (ended, or set aside), and the files written.

    `listed_in` is None for a catalogue's table, whose rows stay in it.
    """

    rows: int
    pathways: int
    ended: dict[str, int]
    set_aside: dict[str, int]
    extracts: tuple[Path, ...]
    listed_in: Path | None
    is_sample: bool

    def as_record(self) -> dict[str, Any]:
        """As the verb answers in JSON."""
        return {
            **asdict(self),
            "extracts": [str(path) for path in self.extracts],
            "listed_in": None if self.listed_in is None else str(self.listed_in),
        }


def count_pathways(records: str, to: Path, data: DataFolder, *, target: str = "duckdb") -> CountedPathways:
    """Counts the pathways of a Parquet file, a folder of them or (on Spark) a table, with dbt's models.

    Writes below `to`: `extracts/` with a file per census, in the layout of the publisher's full extract;
    `set-aside.parquet`, which lists every row of the files that lacks something; and `count.json`, what was done with
    which files. What an earlier count left there under these names is removed, also where this one is refused.
    The same records give the same extracts, byte by byte, on either engine. Raises InputMissing and InputRejected as
    `record_files` does, and InputRejected, once the list is written, where nothing is left to count or too many rows
    lack something.
    """
    found = records_at(records)
    announce(f"Counting {records} on {target}")
    counted = counted_in(target, found, data)
    pathways, ended, set_aside = _reconciled(counted)
    _forget_earlier(to)
    listed_in = None
    if counted.set_aside is not None:
        listed_in = to / LIST
        _write_list(counted.set_aside, listed_in)
    _refuse_incomplete(records, (pathways, set_aside), counted, listed_in)
    extracts = tuple(_write_extracts(counted.extract, to / EXTRACTS))
    names = pc.unique(counted.extract["provider_name"]).to_pylist()
    is_sample = any(name is not None and name.endswith(FICTIONAL) for name in names)
    result = CountedPathways(counted.rows, pathways, ended, set_aside, extracts, listed_in, is_sample)
    hashes: dict[str, str | None] = dict(found.hashes()) if isinstance(found, RecordFiles) else {found: None}
    write_whole(to / REPORT, json.dumps(_report(result, hashes, target), indent=2) + "\n")
    return result


def _forget_earlier(to: Path) -> None:
    """Removes what an earlier count wrote: beside this one's it would be taken for it."""
    for path in (to / REPORT, to / LIST, *(to / EXTRACTS).glob(_COUNTED_FILES)):
        path.unlink(missing_ok=True)


def _reconciled(counted: CountedTables) -> tuple[int, dict[str, int], dict[str, int]]:
    """Pathways counted, and by reason rows of ended ones and rows set aside.

    Raises LeagueError (our fault) unless they add up.
    """
    totals = counted.extract.filter(pc.equal(counted.extract["treatment_function_code"], "C_999"))
    pathways = pc.sum(totals["pathways"]).as_py() or 0
    reasons = sorted(counted.reasons.to_pylist(), key=lambda each: (-each["pathways"], each["reason"]))
    ended, set_aside = (
        {each["reason"]: each["pathways"] for each in reasons if each["has_ended"] is has_ended}
        for has_ended in (True, False)
    )
    others = sum(ended.values()) + sum(set_aside.values())
    listed = sum(set_aside.values()) if counted.set_aside is None else len(counted.set_aside)
    if counted.rows != pathways + others or listed != sum(set_aside.values()):
        raise LeagueError(
            f"Of {counted.rows} rows, {pathways} were counted, {others} weren't and {listed} are listed. "
            "This is a fault of the count: please report it."
        )
    return pathways, ended, set_aside


def _refuse_incomplete(
    records: str, found: tuple[int, dict[str, int]], counted: CountedTables, listed_in: Path | None
) -> None:
    rows = counted.rows
    pathways, set_aside = found
    lacking = {reason: number for reason, number in set_aside.items() if reason != _TWICE}
    limit = counted.largest_share_set_aside
    if pathways and sum(lacking.values()) <= limit * rows:
        return
    reasons = "; ".join(f"{number:,} {reason}" for reason, number in list(lacking.items())[:3])
    raise InputRejected(
        file=records,
        expected=f"pathways of which at most {float(100 * limit):g}% lack something",
        found=f"{sum(lacking.values()):,} of {rows:,} rows that do ({reasons})" if rows else "no row",
        remedy=_remedy(lacking, listed_in),
    )


def _remedy(lacking: Mapping[str, int], listed_in: Path | None) -> str:
    ids = "An id must be one pathway's among all providers: put the provider's code before it. "
    where = "Mend the records and count again."
    if listed_in is not None:
        where = f"{listed_in} lists them, each with its reason: mend the records and count again."
    return (ids if _OF_TWO_PROVIDERS in lacking else "") + where


def _write_extracts(extract: pa.Table, folder: Path) -> Iterator[Path]:
    """A CSV per census, in the publisher's layout and in the order of codes."""
    for census in sorted(pc.unique(extract["snapshot_date"]).to_pylist()):
        of_census = extract.filter(pc.equal(extract["snapshot_date"], pa.scalar(census)))
        rows = of_census.sort_by(
            [(key, "ascending") for key in ("provider_code", "commissioner_code", "treatment_function_code")]
        )
        path = folder / f"{census:%Y%m%d}-RTT-{_month(census)}-counted-from-records.csv"
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{UNFINISHED}{path.name}")
        pa_csv.write_csv(_as_published(rows, census), fresh, pa_csv.WriteOptions(quoting_style="needed"))
        put_in_place(fresh, path)
        yield path


def _as_published(rows: pa.Table, census: date) -> pa.Table:
    """The publisher's 121 columns; what counts tell nothing of is blank, as are `Total` and unknown clock starts."""
    blank = pa.array([""] * len(rows), pa.string())

    def said(text: str) -> pa.Array:
        return pa.array([text] * len(rows), pa.string())

    columns: dict[str, Any] = {
        "Period": said(f"RTT-{_month(census)}"),
        "Provider Parent Org Code": blank,
        "Provider Parent Name": blank,
        "Provider Org Code": rows["provider_code"],
        "Provider Org Name": pc.fill_null(rows["provider_name"], ""),
        "Commissioner Parent Org Code": blank,
        "Commissioner Parent Name": blank,
        "Commissioner Org Code": rows["commissioner_code"],
        "Commissioner Org Name": blank,
        "RTT Part Type": said("Part_2"),
        "RTT Part Description": said("Incomplete Pathways"),
        "Treatment Function Code": rows["treatment_function_code"],
        "Treatment Function Name": blank,
    }
    for week in range(_WEEKS - 1):
        columns[f"Gt {week:02d} To {week + 1:02d} Weeks SUM 1"] = rows[f"weeks_{week}"]
    columns[f"Gt {_WEEKS - 1} Weeks SUM 1"] = rows[f"weeks_{_WEEKS - 1}"]
    return pa.table(
        {
            **columns,
            "Total": blank,
            "Patients with unknown clock start date": blank,
            "Total All": rows["pathways"],
        }
    )


def _month(census: date) -> str:
    return f"{MONTH_NAMES[census.month - 1].capitalize()}-{census.year}"


def _write_list(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{UNFINISHED}{path.name}")
    keys = ("file_name", "source_row", "pathway_id", "reason")
    in_order = table.select(SET_ASIDE.names).cast(SET_ASIDE).sort_by([(key, "ascending") for key in keys])
    pq.write_table(in_order.combine_chunks(), fresh, compression="zstd")
    put_in_place(fresh, path)


def _report(result: CountedPathways, hashes: Mapping[str, str | None], target: str) -> dict[str, Any]:
    return {
        "target": target,
        "rows": result.rows,
        "pathways": result.pathways,
        "ended": result.ended,
        "set_aside": result.set_aside,
        "extracts": {path.name: sha256_of_file(path) for path in result.extracts},
        "records": hashes,
    }
