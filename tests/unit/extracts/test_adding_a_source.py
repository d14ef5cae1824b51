"""Adding a source touches two files: a reader with its record, and an entry of the catalogue."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from fictional_files import data_file, data_line

from dagster_project.settings import PROJECT_ROOT

READER = '''\
"""Dental waits: a CSV a month, invented for a test."""

from dagster_project.extracts.readers.counted_cells import USUAL_MARKS, CountedCells, parsed_names, trust_rows
from dagster_project.extracts.readers.delimited import column_key
from dagster_project.extracts.readers.months import month_in
from dagster_project.extracts.readers.tables import csv_records, table_records
from dagster_project.extracts.source import CountedColumns, SourceRecord

COLUMNS = ("Dental period", "Dental provider", "Dental provider name", "Dental waits")
MARKS = {**USUAL_MARKS, "-": "zero"}


def read(raw, *, file_name, extract_id):
    records = table_records(raw, file_name, COLUMNS)
    cells = CountedCells("dental_waits", file_name, extract_id, MARKS)
    trusts = trust_rows(records, "dental_provider", cells.set_aside, name_key="dental_provider_name")
    periods = trusts.records.parsed("dental_period", month_in)
    names = parsed_names(trusts.records, "dental_provider_name")
    cells.add(
        trusts.records, column_key("Dental waits"), "waits",
        codes=trusts.codes, names=names, periods=periods, categories=None,
    )
    return cells.read(
        raw, records=len(records), is_sample=trusts.is_sample, periods=periods, unproven=trusts.unproven
    )


SOURCE = SourceRecord(
    name="dental_waits",
    kind="statistic",
    read=read,
    headers=(COLUMNS,),
    missing_marks=MARKS,
    counted=CountedColumns(
        keys={"waits": "dental_waits"}, records=lambda raw, name: csv_records(raw, name, columns=COLUMNS)
    ),
)
'''
ENTRY = """
  dental_waits:
    title: Dental waits
    publisher: Dental Office
    licence: A licence
    index_pages: [{address: "https://dental.example/waits/", checked: false}]
    links: {href: "dental-waits[^/]*\\\\.csv$"}
    span: named
    cadence: monthly
    publication_weeks: [1, 3]
    formats: [csv]
    reader: dental_waits
    metrics: []
    smallest_bytes: 10
    largest_megabytes: 1
"""
WAITS = """\
Dental period,Dental provider,Dental provider name,Dental waits
JUNE-2025,Z01,Ashford Vale NHS Trust (fictional),12
JUNE-2025,Z02,Moor NHS Trust (fictional),-
JUNE-2025,Y56,London (fictional),12
"""
# What a run does with a folder, what a question about lineage and what explain do.
USE = """
import json, sys
from pathlib import Path
import duckdb
from dagster_project.archive.archive import Archive
from dagster_project.errors import InputRejected
from dagster_project.explanation.recomputation.counted_cells import StatisticFile
from dagster_project.extracts.load import load_archived, load_folder
from dagster_project.extracts.source import published_columns
from dagster_project.quarters import Quarter
from dagster_project.warehouse.landing import QuarterInScope, land

folder, archive = Path(sys.argv[1]), Archive(Path(sys.argv[2]))
loaded = load_folder(folder, archive)
connection = duckdb.connect()
q1 = Quarter(2025, 1)
scope = QuarterInScope(q1, "fw-2025-26", "a" * 20, True, "provisional", q1.shifted(-1), None)
land(connection, load_archived(archive), [scope])
rows = connection.execute(
    "select source, period, quarter, organisation_code, measure, value::varchar from landing.statistic_row order by 4"
).fetchall()
extract = loaded.extract[loaded.extract["source"] == "dental_waits"].iloc[0]
cells = StatisticFile(archive, extract).cells((None, 3), ["waits"])
(folder / "dental-waits-July-2025.csv").write_text("damaged")
try:
    load_folder(folder, None)
    refused = ""
except InputRejected as error:
    refused = error.found
print(json.dumps({
    "rows": rows,
    "set_aside": loaded.row_set_aside["organisation_code"].tolist(),
    "extract": [extract["file_name"], extract["licence"]],
    "published": sorted(published_columns("landing.statistic_row", "value")),
    "explained": [[cell.column, str(cell.value)] for cell in cells["waits"]],
    "refused": refused,
}))
"""


def test_a_new_statistic_is_recognised_read_landed_and_explained_by_two_files(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for part in ("dagster_project", "dbt/seeds"):
        shutil.copytree(PROJECT_ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "dagster_project/extracts/readers/dental_waits.py").write_text(READER)
    with (checkout / "dagster_project/catalogue/catalogue.yml").open("a") as catalogue:
        catalogue.write(ENTRY)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "renamed.csv").write_text(WAITS)
    (folder / "acute.csv").write_bytes(data_file(data_line()))
    ended = subprocess.run(
        [sys.executable, "-c", USE, folder, tmp_path / "archive"],
        env=os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert answer["rows"] == [
        ["dental_waits", "2025-06", "2025-26-Q1", "Z01", "waits", "12.000000"],
        ["dental_waits", "2025-06", "2025-26-Q1", "Z02", "waits", "0.000000"],
    ]
    assert answer["set_aside"] == ["Y56"]
    assert answer["extract"] == ["renamed.csv", "MIT"]
    assert "dental_waits" in answer["published"]
    assert answer["explained"] == [["Dental waits", "0"]]
    assert answer["refused"].endswith("its name is that of a file of 'Dental waits'")
