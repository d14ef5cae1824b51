"""docs/consumers.md shows what its readers get: each query on DuckDB, PostgreSQL and Spark, the code for data frames.

After a wanted change: `LEAGUE_UPDATE_SNAPSHOT=1 pytest tests/acceptance/test_consumers_documented.py` writes the
results anew.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from documented_queries import answer, documented_queries, sections, with_answers
from league_command import league
from postgresql_server import PostgresqlServer
from required import missing

from dagster_project.documents.sources import name_in_warehouse
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DBT_PROJECT_DIR, PROJECT_ROOT, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject

DOCUMENT = PROJECT_ROOT / "docs" / "consumers.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
QUERIES = documented_queries(TEXT)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
PRINTED = re.compile(r"```text\n(.*?)```", re.DOTALL)
HEADINGS = [f"{number} {query.heading}" for number, query in enumerate(QUERIES)]

# Takes the folder that holds `data`, and queries as JSON; prints names and cells of each result.
ON_SPARK = """\
import json, os, sys
from pyspark.sql import SparkSession
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
warehouse = f"file://{os.getcwd()}/spark"
settings = {
    "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.sql.warehouse.dir": warehouse,
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", "spark.sql.session.timeZone": "UTC",
}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
exec(sys.argv[1])
answers = []
for query in json.loads(sys.argv[2]):
    found = spark.sql(query.replace("league.", ""))
    answers.append([found.columns, [[None if cell is None else str(cell) for cell in row] for row in found.collect()]])
print(json.dumps(answers))
spark.stop()
"""


@pytest.fixture(scope="module")
def warehouse(six_quarters: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(six_quarters.warehouse), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def document(warehouse: duckdb.DuckDBPyConnection, elsewhere: Path) -> str:
    """The document as it stands, or with its results written anew."""
    if not os.environ.get("LEAGUE_UPDATE_SNAPSHOT"):
        return TEXT
    text = with_answers(TEXT, lambda query: answer(warehouse, query))
    [printed] = {printed_by(code, elsewhere) for code in data_frames()}
    text = PRINTED.sub(lambda _: f"```text\n{printed}```", text)
    DOCUMENT.write_text(text, encoding="utf-8")
    return text


@pytest.fixture(scope="module")
def elsewhere(six_quarters: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sample's data lie where the document says, `data/`."""
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "data").symlink_to(six_quarters.root)
    return folder


def data_frames() -> list[str]:
    """The code for pandas and polars."""
    return [code for code in PYTHON.findall(TEXT) if "import p" in code]


def printed_by(code: str, folder: Path) -> str:
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(code, {})
    return said.getvalue()


def cells(columns: list[str], rows: list[tuple[Any, ...]]) -> tuple[list[str], list[list[str | None]]]:
    return columns, [[None if cell is None else str(cell) for cell in row] for row in rows]


def by_duckdb(warehouse: duckdb.DuckDBPyConnection, query: str) -> tuple[list[str], list[list[str | None]]]:
    result = warehouse.execute(query)
    return cells([column[0] for column in result.description or ()], result.fetchall())


@pytest.mark.parametrize("number", range(len(QUERIES)), ids=HEADINGS)
def test_each_query_gives_the_table_shown_below_it_on_duckdb(
    warehouse: duckdb.DuckDBPyConnection, document: str, number: int
) -> None:
    documented = documented_queries(document)[number]
    assert documented.shown
    assert answer(warehouse, documented.query) == documented.shown


@pytest.fixture(scope="module")
def delivered(postgresql_server: PostgresqlServer, six_quarters: DataFolder) -> PostgresqlServer:
    """A server with a database of all of the sample's six quarters."""
    ended = league("deliver", postgresql_server.new_database("consumers"), data=six_quarters)
    assert ended.code == 0, ended.err
    return postgresql_server


@pytest.mark.xdist_group("postgresql")
@pytest.mark.parametrize("number", range(len(QUERIES)), ids=HEADINGS)
def test_each_query_gives_the_same_cells_on_postgresql(
    warehouse: duckdb.DuckDBPyConnection, delivered: PostgresqlServer, number: int
) -> None:
    columns, expected = by_duckdb(warehouse, QUERIES[number].query)
    rows = delivered.query(QUERIES[number].query, database="consumers")
    assert cells(columns, rows) == (columns, expected)


def test_each_query_gives_the_same_cells_on_spark(
    warehouse: duckdb.DuckDBPyConnection, elsewhere: Path
) -> None:
    if shutil.which("java") is None:
        missing("java", "no Java: apt-get install openjdk-17-jre-headless")
    pytest.importorskip("pyspark")
    [views] = [code for code in PYTHON.findall(TEXT) if "spark." in code]
    queries = [query.query for query in QUERIES]
    ended = subprocess.run(
        [sys.executable, "-c", ON_SPARK, views, json.dumps(queries)],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answers = [(columns, rows) for columns, rows in json.loads(ended.stdout)]
    assert answers == [by_duckdb(warehouse, query) for query in queries]


def test_the_code_for_data_frames_prints_what_is_shown(document: str, elsewhere: Path) -> None:
    [shown] = PRINTED.findall(document)
    assert shown
    assert [printed_by(code, elsewhere) for code in data_frames()] == [shown, shown]


def test_every_released_table_stands_in_the_guide_with_what_tells_its_rows_apart(
    six_quarters: DataFolder,
) -> None:
    guide = sections(TEXT, 2)["Which table answers which question"]
    rows = [line for line in guide.splitlines() if line.startswith("|")]
    named = {word for line in rows for word in re.findall(r"`([a-z_]+)`", line.split("|")[2])}
    full = {f"league_table{name}" if name.startswith("_") else name for name in named}
    assert full == {table.name for table in RELEASED_TABLES}
    manifest = DbtProject(DBT_PROJECT_DIR, six_quarters.root / "dbt").manifest
    grains = {
        name_in_warehouse(node): set(node["config"]["meta"]["grain"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["access"] == "public"
    }
    for line in rows:
        said = set(re.findall(r"`([a-z_]+)`", line.split("|")[3])) - {"quarter"}
        of = [grains[name] for name in re.findall(r"`([a-z_]+)`", line.split("|")[2]) if name in grains]
        assert said <= set().union(*of) or not of, line
