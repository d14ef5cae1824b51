"""Patient-level pathways, counted by dbt's models: what comes out is what the records were made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from league_command import league
from pyarrow import csv
from required import missing

from dagster_project.extracts.readers.rtt_waiting_times import read_rtt_waiting_times
from dagster_project.record_level.count import EXTRACTS, LIST, REPORT
from dagster_project.record_level.pathway_files import PATHWAY
from dagster_project.sample.pathways import WHOLE, PublishedWait, cells_of, write_pathways
from dagster_project.settings import DataFolder
from dagster_project.spark.session import spark_folder

CENSUS = date(2025, 6, 30)
SLIPS = 3
WAITS = tuple(
    PublishedWait(f"Z0{number}", f"Vale {number} NHS Trust (fictional)", Decimal(over), Decimal(within))
    for number, (over, within) in enumerate(
        [("0", "100"), ("1.83", "54.31"), ("0.1", "55.78"), ("3.07", "61.5"), ("12.34", "40.01")], 1
    )
)
# Days waited, and the weekly band of the publisher's that they are in.
BANDS = {
    0: "Gt 00 To 01", 1: "Gt 00 To 01", 7: "Gt 00 To 01", 8: "Gt 01 To 02", 126: "Gt 17 To 18", 127: "Gt 18 To 19",
    364: "Gt 51 To 52", 365: "Gt 52 To 53", 728: "Gt 103 To 104", 729: "Gt 104", 7280: "Gt 104",
}  # fmt: skip
EDGES = "Z99"


@pytest.fixture(scope="module")
def records(made_once: Callable[..., Path]) -> Path:
    """50,000 pathways that give the waits, slips of every kind, and a provider at the edges of bands."""

    def build(folder: Path) -> None:
        expected = write_pathways(folder / "records", cells_of(WAITS, WHOLE), CENSUS, slips=SLIPS)
        edges = [
            {
                "pathway_id": f"edge-{days}",
                "provider_code": f" {EDGES.lower()} ",
                "provider_name": "Edge NHS Trust (fictional)",
                "commissioner_code": "01z",
                "treatment_function_code": "x05",
                "clock_start_date": CENSUS - timedelta(days=days),
                "snapshot_date": CENSUS,
            }
            for days in BANDS
        ]
        pq.write_table(
            pa.Table.from_pylist(edges, schema=PATHWAY), folder / "records" / "edges of bands.parquet"
        )
        (folder / "expected.json").write_text(json.dumps(expected), "utf-8")

    return made_once("pathways", build)


def counted(records: Path, to: Path, data: Path, target: str = "duckdb") -> dict[str, Any]:
    ended = league("count", str(records), str(to), "--target", target, "--json", data=DataFolder(data))
    assert ended.code == 0, ended.out + ended.err
    answer: dict[str, Any] = ended.answer
    return answer


@pytest.fixture(scope="module")
def counts(made_once: Callable[..., Path], records: Path) -> Path:
    """What DuckDB makes of the records, with the answer of the command beside it."""

    def build(folder: Path) -> None:
        answer = counted(records / "records", folder, folder / "data")
        (folder / "answer.json").write_text(json.dumps(answer), "utf-8")

    return made_once("counted-pathways", build)


def extract_of(counts: Path) -> Path:
    [file] = (counts / EXTRACTS).iterdir()
    return file


def test_the_counts_are_read_as_a_published_extract_and_give_the_waits_the_records_were_made_from(
    counts: Path,
) -> None:
    file = extract_of(counts)
    read = read_rtt_waiting_times(file, file_name=file.name, extract_id="0" * 64)
    assert (read.periods, read.is_sample, len(read.row_set_aside)) == (("2025-06",), True, 0)
    sums = read.statistic_row.groupby(["organisation_code", "measure"])["value"].sum()
    for wait in WAITS:
        of = sums[wait.code]
        assert of["incomplete_total"] == WHOLE
        assert of["incomplete_over_52_weeks"] * 100 / of["incomplete_total"] == wait.over_52_weeks
        assert of["incomplete_within_18_weeks"] * 100 / of["incomplete_total"] == wait.within_18_weeks
    assert sorted(sums.index.get_level_values(0).unique()) == sorted([EDGES, *(wait.code for wait in WAITS)])


def test_every_cell_of_the_counts_is_the_one_that_the_records_were_made_from(counts: Path) -> None:
    table = csv.read_csv(extract_of(counts))
    found = {
        (row["Provider Org Code"], row["Commissioner Org Code"], row["Treatment Function Code"]): [
            row[name] for name in table.column_names if name.startswith("Gt ")
        ]
        for row in table.to_pylist()
        if row["Provider Org Code"] != EDGES and row["Treatment Function Code"] != "C_999"
    }
    made: dict[tuple[str, str, str], list[int]] = {}
    for cell in cells_of(WAITS, WHOLE).to_pylist():
        key = cell["provider_code"], cell["commissioner_code"], cell["treatment_function_code"]
        made.setdefault(key, []).append(cell["pathways"])
    assert found == {key: weeks for key, weeks in made.items() if any(weeks)}


def test_a_band_ends_with_the_last_day_of_its_week_and_codes_count_however_they_are_written(
    counts: Path,
) -> None:
    table = csv.read_csv(extract_of(counts))
    [row] = table.filter(
        pc.and_(
            pc.equal(table["Provider Org Code"], EDGES), pc.equal(table["Treatment Function Code"], "C_999")
        )
    ).to_pylist()
    expected: dict[str, int] = {}
    for band in BANDS.values():
        expected[f"{band} Weeks SUM 1"] = expected.get(f"{band} Weeks SUM 1", 0) + 1
    assert {name: row[name] for name in row if name.startswith("Gt ") and row[name]} == expected
    assert row["Total All"] == len(BANDS)


def test_every_row_that_lacks_something_is_listed_where_it_stands_and_ended_pathways_are_only_counted(
    records: Path, counts: Path
) -> None:
    expected = json.loads((records / "expected.json").read_text("utf-8"))
    answer = json.loads((counts / "answer.json").read_text("utf-8"))
    listed = pq.read_table(counts / LIST)
    assert {**answer["set_aside"], **answer["ended"]} == expected
    assert answer["ended"] == {
        "the clock stopped before the census": SLIPS,
        "the clock stopped on the day of the census": SLIPS,
    }
    reasons = {each["values"]: each["counts"] for each in listed["reason"].value_counts().to_pylist()}
    assert reasons == answer["set_aside"]
    assert answer["rows"] == answer["pathways"] + len(listed) + 2 * SLIPS
    rows = {file: pq.read_table(records / "records" / file) for file in set(listed["file_name"].to_pylist())}
    for row in listed.to_pylist():
        stands = rows[row["file_name"]].slice(row["source_row"] - 1, 1).to_pylist()[0]
        for name in ("pathway_id", "clock_start_date", "clock_stop_date", "snapshot_date"):
            assert row[name] == stands[name]


def test_of_rows_that_say_the_same_the_first_is_counted(records: Path, counts: Path) -> None:
    listed = pq.read_table(counts / LIST)
    again = listed.filter(pc.equal(listed["reason"], "the same row of the pathway a second time")).to_pylist()
    assert len(again) == SLIPS
    for row in again:
        ids = pq.read_table(records / "records" / row["file_name"])["pathway_id"].to_pylist()
        assert ids.index(row["pathway_id"]) < row["source_row"] - 1


def test_the_report_names_every_file_with_its_hash(counts: Path) -> None:
    report = json.loads((counts / REPORT).read_text("utf-8"))
    assert sorted(report["records"]) == ["edges of bands.parquet", "pathways-000.parquet"]
    assert list(report["extracts"]) == [extract_of(counts).name]


def test_spark_gives_the_same_bytes_and_leaves_nothing_in_the_data_folder(
    records: Path, counts: Path, tmp_path: Path
) -> None:
    if shutil.which("java") is None:
        missing("java", "there is no java on the PATH")
    answer = counted(records / "records", tmp_path / "counts", tmp_path / "data", "spark")
    of_duckdb = json.loads((counts / "answer.json").read_text("utf-8"))
    for key in ("rows", "pathways", "ended", "set_aside"):
        assert answer[key] == of_duckdb[key]
    assert extract_of(tmp_path / "counts").read_bytes() == extract_of(counts).read_bytes()
    assert pq.read_table(tmp_path / "counts" / LIST).equals(pq.read_table(counts / LIST))
    assert not spark_folder(DataFolder(tmp_path / "data")).exists()


def test_records_of_which_too_many_lack_something_are_bad_input_and_the_list_is_there(
    tmp_path: Path,
) -> None:
    rows = [
        {
            "pathway_id": str(number),
            "provider_code": "Z01" if number else None,
            "commissioner_code": "01Z",
            "treatment_function_code": "C_100",
            "clock_start_date": CENSUS,
            "snapshot_date": CENSUS,
        }
        for number in range(10)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=PATHWAY), tmp_path / "few.parquet")
    ended = league(
        "count", str(tmp_path / "few.parquet"), str(tmp_path / "counts"), data=DataFolder(tmp_path / "data")
    )
    assert ended.code == 4
    assert "at most 5% lack something; found 1 of 10 rows that do (1 no provider code)" in " ".join(
        ended.err.split()
    )
    assert len(pq.read_table(tmp_path / "counts" / LIST)) == 1
    assert not (tmp_path / "counts" / EXTRACTS).exists()


def test_a_table_of_a_catalogue_is_for_spark(tmp_path: Path) -> None:
    ended = league(
        "count", "national.rtt_pathway", str(tmp_path / "counts"), data=DataFolder(tmp_path / "data")
    )
    assert ended.code == 2
    assert "--target spark" in ended.err


def few(path: Path, rows: list[dict[str, Any]], *untyped: str) -> None:
    schema = PATHWAY
    for name in untyped:
        schema = schema.set(schema.get_field_index(name), pa.field(name, pa.null()))
    sound = {
        "provider_code": "Z01",
        "commissioner_code": "01Z",
        "treatment_function_code": "C_100",
        "clock_start_date": CENSUS - timedelta(days=9),
        "snapshot_date": CENSUS,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([{**sound, **row} for row in rows], schema=schema), path)


def test_columns_are_those_of_each_file_whatever_the_first_lacks_and_its_folder_is_called(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "records"
    few(
        folder / "a" / "provider_code=R99" / "1.parquet",
        [{"pathway_id": "1"}],
        "clock_stop_date",
        "provider_name",
    )
    few(
        folder / "b.parquet",
        [
            {"pathway_id": "2", "provider_name": "Vale NHS Trust"},
            {"pathway_id": "3", "clock_stop_date": CENSUS - timedelta(days=1)},
        ],
    )
    answer = counted(folder, tmp_path / "counts", tmp_path / "data")
    assert (answer["rows"], answer["pathways"], answer["set_aside"]) == (3, 2, {})
    found = csv.read_csv(extract_of(tmp_path / "counts"))
    assert set(found["Provider Org Code"].to_pylist()) == {"Z01"}


def test_an_id_of_two_providers_is_told_as_such_and_a_count_that_is_refused_leaves_no_extract_of_an_earlier_one(
    tmp_path: Path,
) -> None:
    few(tmp_path / "few.parquet", [{"pathway_id": "1", "provider_code": code} for code in ("Z01", "Z02")])
    extracts = tmp_path / "counts" / EXTRACTS
    extracts.mkdir(parents=True)
    for name in ("20250531-RTT-May-2025-counted-from-records.csv", "somebody's own.csv"):
        (extracts / name).touch()
    (tmp_path / "counts" / REPORT).touch()
    ended = league(
        "count", str(tmp_path / "few.parquet"), str(tmp_path / "counts"), data=DataFolder(tmp_path / "data")
    )
    assert ended.code == 4
    said = " ".join(ended.err.split())
    assert "2 the pathway id stands there for more than one provider" in said
    assert "put the provider's code before it" in said
    assert [path.name for path in extracts.iterdir()] == ["somebody's own.csv"]
    assert not (tmp_path / "counts" / REPORT).exists()
