"""What a gate found, as OpenLineage says it: assertions and metrics of the tables that were judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
from openlineage.client.event_v2 import InputDataset
from openlineage.client.facet_v2 import data_quality_assertions_dataset, data_quality_metrics_input_dataset

from dagster_project.gates.outcome import ExpectationResult, GateOutcome
from dagster_project.lineage.column_lineage import ColumnLineage
from dagster_project.lineage.datasets import Fields, warehouse_input
from dagster_project.lineage.influence import IDENTITY, ROWS
from dagster_project.runs.flow import gates

JUDGED = {gate.name: gate.judges for gate in gates()}
_SEVERITY = {"critical": "error", "warning": "warn"}
_NUMBERS = ("DECIMAL", "INTEGER", "BIGINT", "DOUBLE", "HUGEINT")


def judged_datasets(
    connection: duckdb.DuckDBPyConnection,
    outcome: GateOutcome,
    lineage: ColumnLineage,
    fields: Mapping[str, Fields],
) -> list[InputDataset]:
    """The tables a gate judged, each with the expectations about it and counts of its rows in scope.

    An expectation about a column that is passed on unchanged to the judged frame belongs to that column's table;
    any other to the one table its frame reads, or to the table that the gate stands behind.
    """
    assertions: dict[str, list[data_quality_assertions_dataset.Assertion]] = {JUDGED[outcome.gate]: []}
    for result in outcome.results:
        table, column = _judged(result, lineage)
        assertions.setdefault(table, []).append(_assertion(result, column))
    return [
        warehouse_input(
            table,
            {
                "dataQualityMetrics": _metrics(connection, table, fields[table]),
                "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                    found
                ),
            },
        )
        for table, found in sorted(assertions.items())
    ]


def _judged(result: ExpectationResult, lineage: ColumnLineage) -> tuple[str, str | None]:
    """The table, and the column of it, that an expectation is about."""
    subject = lineage.subjects.get(f"{result.gate}/{result.subject}")
    if subject is not None and result.column is not None and result.column in subject.columns:
        origins = subject.columns[result.column].origins
        same = [origin for origin, influences in origins.items() if IDENTITY in influences]
        if len(same) == 1 and same[0].name != ROWS:
            return same[0].table, same[0].name
    if subject is not None:
        read = {origin.table for origin in subject.rows if origin.name == ROWS} - {"run.quarter_in_scope"}
        if len(read) == 1:
            return read.pop(), None
    return JUDGED[result.gate], None


def _assertion(result: ExpectationResult, column: str | None) -> data_quality_assertions_dataset.Assertion:
    return data_quality_assertions_dataset.Assertion(
        assertion=result.expectation_type,
        success=result.success,
        column=column,
        severity=_SEVERITY[result.severity],
        name=f"{result.gate}.{result.suite}.{result.expectation}",
        description=result.says,
        actual=result.observed,
        params={"quarter": result.quarter, "subject": result.subject, "judged": result.judged},
    )


def _metrics(
    connection: duckdb.DuckDBPyConnection, table: str, fields: Fields
) -> data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet:
    """Rows of the quarters in scope; of each column how many are missing, how many values it has, its range."""
    schema, name = table.split(".")
    asked = ["count(*)"]
    for column, kind in fields:
        quoted = f'"{column}"'
        ends = (f"min({quoted})", f"max({quoted})") if kind.startswith(_NUMBERS) else ("null", "null")
        asked += [f"count({quoted})", f"count(distinct {quoted})", *ends]
    in_scope = (
        " where quarter in (select quarter from run.quarter_in_scope)"
        if any(column == "quarter" for column, _ in fields)
        else ""
    )
    found = connection.execute(f'select {", ".join(asked)} from "{schema}"."{name}"{in_scope}').fetchone()
    assert found is not None
    rows = int(found[0])
    return data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
        columnMetrics={
            column: _column_metrics(rows, found[1 + 4 * place : 5 + 4 * place])
            for place, (column, _) in enumerate(fields)
        },
        rowCount=rows,
    )


def _column_metrics(rows: int, found: Sequence[object]) -> data_quality_metrics_input_dataset.ColumnMetrics:
    there, distinct, least, most = found
    return data_quality_metrics_input_dataset.ColumnMetrics(
        nullCount=rows - int(str(there)),
        distinctCount=int(str(distinct)),
        count=float(str(there)),
        min=None if least is None else float(str(least)),
        max=None if most is None else float(str(most)),
    )
