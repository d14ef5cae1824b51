"""What each stage of a run reads and writes, as OpenLineage datasets with their facets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    column_lineage_dataset,
    dataset_version_dataset,
    documentation_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
)

from dagster_project.extracts.source import published_by_source
from dagster_project.gates.outcome import GateOutcome
from dagster_project.likely_ranges.drawn import READ, SCHEMA, TABLES
from dagster_project.lineage.column_lineage import ColumnLineage
from dagster_project.lineage.datasets import (
    NAMESPACE,
    Datasets,
    Fields,
    archived_file,
    input_field,
    output,
    passed_on,
    released_table,
    warehouse_input,
)
from dagster_project.lineage.judged_datasets import judged_datasets
from dagster_project.releases.folder import ReleaseFolder, read_release_file
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.runs.read import Read
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.warehouse.quality import QUALITY_COLUMNS, QUALITY_TABLE

if TYPE_CHECKING:
    from dagster_project.runs.quarterly_run import QuarterlyRun

Inputs = list[InputDataset]
Outputs = list[OutputDataset]
_LANDED = "landing.extract_row"


class StageDatasets:
    """The datasets of the stages of one run; asked while its candidate is there."""

    def __init__(self, datasets: Datasets, lineage: ColumnLineage) -> None:
        self._datasets = datasets
        self._lineage = lineage
        self._files: Inputs = []
        self._released: Outputs = []
        self._fields: dict[str, Fields] = {}
        self._rows: dict[str, int] = {}

    def look(self, run: QuarterlyRun) -> None:
        """Sees which tables the candidate has now; what it had is still known when it has been published."""
        if not run.candidate.warehouse.exists():
            return
        with run.candidate.connect() as connection:
            self._fields = _fields(connection)
            self._rows = _rows(connection)

    def resume(self, run: QuarterlyRun, found: Read) -> None:
        """Knows the files and tables that an earlier run read and built."""
        self.look(run)
        self._of_files(found)

    def step(self, run: QuarterlyRun, gave: object) -> tuple[Inputs, Outputs]:
        """What a step other than dbt's read and wrote, by what it gave: what was read, a gate's outcome, releases."""
        if isinstance(gave, Read):
            self.look(run)
            return self._of_files(gave)
        if isinstance(gave, GateOutcome):
            with run.candidate.connect() as connection:
                return judged_datasets(connection, gave, self._lineage, self._fields), []
        if isinstance(gave, list):
            return self._of_releases(gave)
        raise TypeError(f"no step gives {type(gave).__name__}")

    def node(self, node: Mapping[str, Any], table: str, *, failed: bool) -> tuple[Inputs, Outputs]:
        """What a dbt model reads, and the table it made; a seed reads its file."""
        if node["resource_type"] == "seed":
            inputs = [InputDataset(NAMESPACE, node["original_file_path"])]
        else:
            found = self._lineage.tables[table]
            origins = [found.rows, *(column.origins for column in found.columns.values())]
            read = {origin.table for known in origins for origin in known}
            inputs = [warehouse_input(name) for name in sorted(read)]
        if failed:
            return inputs, []
        fields = self._fields[table]
        facets = self._datasets.facets(table, fields)
        if node["resource_type"] == "seed":
            facets["columnLineage"] = passed_on([name for name, _ in fields], node["original_file_path"])
        return inputs, [self._written(table, facets)]

    def whole_run(self) -> tuple[Inputs, Outputs]:
        """The archived files that the run read and the released tables it wrote."""
        return [InputDataset(NAMESPACE, file.name) for file in self._files], [
            output(table.name, {"version": table.facets["version"]})
            for table in self._released
            if table.facets
        ]

    def drawn(self) -> tuple[Inputs, Outputs]:
        """The likely ranges, and what they were drawn from."""
        read = [warehouse_input(f"{SCHEMA}.{name}") for name in READ]
        tables = [f"{SCHEMA}.{name}" for name in TABLES]
        return read, [
            self._written(table, self._datasets.facets(table, self._fields[table])) for table in tables
        ]

    def _of_files(self, found: Read) -> tuple[Inputs, Outputs]:
        files = found.extracts.extract.to_dict("records")
        self._files = [_archived(file) for file in files]
        sources = {file["extract_id"]: file["source"] for file in files}
        written = []
        for table, fields in sorted(self._fields.items()):
            if table.split(".")[0] not in ("landing", "run"):
                continue
            facets = self._datasets.facets(table, fields)
            if table == _LANDED:
                facets["columnLineage"] = _landed(sources)
            written.append(self._written(table, facets))
        return self._files, written

    def _of_releases(self, folders: Sequence[ReleaseFolder]) -> tuple[Inputs, Outputs]:
        """The released tables as they stand in the warehouse, and of each quarter the files they became."""
        fields = {**self._fields, QUALITY_TABLE: [(name, kind) for name, kind in QUALITY_COLUMNS.items()]}
        names = {table.name: f"{WAREHOUSE_SCHEMA}.{table.name}" for table in RELEASED_TABLES}
        read = [warehouse_input(name) for name in names.values() if name != QUALITY_TABLE]
        written = [output(QUALITY_TABLE, self._datasets.facets(QUALITY_TABLE, fields[QUALITY_TABLE]))]
        self._released = [
            output(
                released_table(str(folder.quarter), table),
                self._facets_of_release(folder.release_id, name, fields[name]),
                _statistics_of_files(folder.path, table),
            )
            for folder in folders
            for table, name in names.items()
        ]
        return read, written + self._released

    def _facets_of_release(self, release_id: str, table: str, fields: Fields) -> dict[str, DatasetFacet]:
        return {
            **self._datasets.facets(table, fields),
            "columnLineage": passed_on([column for column, _ in fields], table),
            "version": dataset_version_dataset.DatasetVersionDatasetFacet(release_id),
        }

    def _written(self, table: str, facets: Mapping[str, DatasetFacet]) -> OutputDataset:
        """A table of the candidate with its rows; a view holds none of its own."""
        rows = self._rows.get(table)
        return output(table, facets, None if rows is None else _statistics(rows))


def closed_gate(gave: object) -> str | None:
    """Why a gate is closed; None where it is open, or where something else gave this."""
    error = gave.error() if isinstance(gave, GateOutcome) else None
    return None if error is None else str(error)


def _fields(connection: duckdb.DuckDBPyConnection) -> dict[str, Fields]:
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where not internal and database_name = current_database() order by 1, column_index"
    ).fetchall():
        found.setdefault(table, []).append((column, kind))
    return dict(found)


def _rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where not internal and database_name = current_database() order by all"
    ).fetchall()
    counts = [f'select \'{schema}.{name}\', count(*) from "{schema}"."{name}"' for schema, name in tables]
    return dict(connection.execute(" union all ".join(counts)).fetchall()) if counts else {}


def _statistics(rows: int) -> output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet:
    return output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)


def _statistics_of_files(
    folder: Path, table: str
) -> output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet:
    """Rows, bytes and number of the files of a released table, as its release.json has them."""
    files = read_release_file(folder)["files"]
    mine = [files[f"{table}.{kind}"] for kind in ("parquet", "csv")]
    return output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=mine[0]["rows"], size=sum(file["bytes"] for file in mine), fileCount=len(mine)
    )


def _archived(file: Mapping[Any, Any]) -> InputDataset:
    """A file as the table `extract` describes it; its name in the archive is its content's sha256."""
    says = f"{file['file_name']}, published by {file['publisher']}, {file['licence']}"
    statistics = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        rowCount=int(file["rows"]), size=int(file["bytes"]), fileCount=1
    )
    return InputDataset(
        NAMESPACE,
        archived_file(file["extract_id"]),
        facets={
            "documentation": documentation_dataset.DocumentationDatasetFacet(says),
            "version": dataset_version_dataset.DatasetVersionDatasetFacet(file["extract_id"]),
        },
        inputFacets={"inputStatistics": statistics},
    )


def _landed(sources: Mapping[str, str]) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """The landed figures, column by column, from the columns of the files that were read."""
    by_source = published_by_source(_LANDED)
    columns = dict.fromkeys(column for landed in by_source.values() for column in landed)
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        {
            column: column_lineage_dataset.Fields(
                [
                    input_field(archived_file(extract_id), name, "TRANSFORMATION")
                    for extract_id, source in sorted(sources.items())
                    for name in by_source.get(source, {}).get(column, ())
                ]
            )
            for column in columns
        }
    )
