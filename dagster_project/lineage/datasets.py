"""Datasets as OpenLineage names and describes them: tables of the warehouse, archived files, released tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    column_lineage_dataset,
    documentation_dataset,
    ownership_dataset,
    schema_dataset,
)
from openlineage.client.generated.base import InputDatasetFacet, OutputDatasetFacet

from dagster_project.lineage.column_lineage import ColumnLineage, ColumnOrigins, table_name
from dagster_project.lineage.influence import ROWS, Column, Influence
from dagster_project.settings import OWNER

NAMESPACE = "nhs-league-tables"
Fields = Sequence[tuple[str, str]]


class Datasets:
    """The tables of one run's warehouse, with what dbt and the column lineage say of them."""

    def __init__(self, manifest: Mapping[str, Any], lineage: ColumnLineage) -> None:
        self._lineage = lineage
        nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
        self._described = {
            table_name(node): node for node in nodes if node["resource_type"] in ("model", "seed", "source")
        }

    def facets(self, table: str, fields: Fields) -> dict[str, DatasetFacet]:
        """Schema, documentation, owner and column lineage; `fields` are name and type of each column."""
        node = self._described.get(table, {})
        described = node.get("columns", {})
        facets: dict[str, DatasetFacet] = {
            "schema": schema_dataset.SchemaDatasetFacet(
                [
                    schema_dataset.SchemaDatasetFacetFields(
                        name,
                        type=kind.lower(),
                        description=described.get(name, {}).get("description") or None,
                        ordinal_position=place,
                    )
                    for place, (name, kind) in enumerate(fields, start=1)
                ]
            ),
            "ownership": ownership_dataset.OwnershipDatasetFacet(
                [ownership_dataset.Owner(OWNER, "MAINTAINER")]
            ),
        }
        if node.get("description"):
            facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(node["description"])
        if table in self._lineage.tables:
            facets["columnLineage"] = self._column_lineage(table)
        return facets

    def _column_lineage(self, table: str) -> column_lineage_dataset.ColumnLineageDatasetFacet:
        found = self._lineage.tables[table]
        return column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={name: _field(column) for name, column in found.columns.items()},
            dataset=_inputs(found.rows),
        )


def warehouse_input(table: str, facets: Mapping[str, InputDatasetFacet] | None = None) -> InputDataset:
    """A table that is read."""
    return InputDataset(NAMESPACE, table, inputFacets=dict(facets or {}))


def output(
    name: str, facets: Mapping[str, DatasetFacet], written: OutputDatasetFacet | None = None
) -> OutputDataset:
    """A table or file that is written."""
    facets_written = {"outputStatistics": written} if written is not None else {}
    return OutputDataset(NAMESPACE, name, facets=dict(facets), outputFacets=facets_written)


def archived_file(extract_id: str) -> str:
    """The name of an archived file: its content's sha256."""
    return f"archive/{extract_id}"


def released_table(quarter: str, table: str) -> str:
    """The name of a released table of a quarter; its version is the release id."""
    return f"releases/{quarter}/{table}"


def passed_on(columns: Sequence[str], dataset: str) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """Every column is the column of the same name of another dataset."""
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        {name: column_lineage_dataset.Fields([input_field(dataset, name, "IDENTITY")]) for name in columns}
    )


def input_field(dataset: str, name: str, subtype: str) -> column_lineage_dataset.InputField:
    """A column that another is directly made of."""
    return column_lineage_dataset.InputField(
        NAMESPACE, dataset, name, [column_lineage_dataset.Transformation("DIRECT", subtype)]
    )


def _field(column: ColumnOrigins) -> column_lineage_dataset.Fields:
    constants = ", ".join(sorted(column.constants))
    return column_lineage_dataset.Fields(
        _inputs(column.origins), transformationDescription=f"constant: {constants}" if constants else None
    )


def _inputs(origins: Mapping[Column, frozenset[Influence]]) -> list[column_lineage_dataset.InputField]:
    return [
        column_lineage_dataset.InputField(
            NAMESPACE,
            origin.table,
            origin.name,
            [column_lineage_dataset.Transformation(one.kind, one.subtype) for one in sorted(influences)],
        )
        for origin, influences in sorted(origins.items())
        if origin.name != ROWS
    ]
