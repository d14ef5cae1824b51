"""The three gates as blocking asset checks: what fails one never reaches the stage behind it; and, as warnings, whether
a released table's columns changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from dagster_project.assets.extracts import PARTITIONS
from dagster_project.assets.quarterly_run_resource import QuarterlyRunResource
from dagster_project.assets.releases import MADE_BY_GATES
from dagster_project.gates.outcome import GateOutcome
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.runs.flow import Gate, gates
from dagster_project.settings import WAREHOUSE_SCHEMA


def gate_check(gate: Gate) -> dg.AssetChecksDefinition:
    """A gate as a blocking check of the asset that it judges."""

    @dg.asset_check(
        asset=_key(gate.judges),
        name=f"{gate.name}_gate",
        additional_deps=[_key(table) for table in gate.beside],
        blocking=True,
        description=gate.description,
        partitions_def=PARTITIONS,
    )
    def check(quarterly_run: QuarterlyRunResource) -> dg.AssetCheckResult:
        return _as_check_result(quarterly_run.passage.judge(gate))

    return check


def gate_checks() -> list[dg.AssetChecksDefinition]:
    """The gates of the flow, each a check of the asset whose stage it stands behind."""
    return [gate_check(gate) for gate in gates()]


def schema_change_checks() -> Sequence[dg.AssetChecksDefinition]:
    """Of each released table, whether its columns are those of the run before: more of them are free, but are seen."""
    tables = [dg.AssetKey([WAREHOUSE_SCHEMA, table.name]) for table in RELEASED_TABLES]
    return dg.build_column_schema_change_checks(
        assets=[key for key in tables if key.path[-1] != MADE_BY_GATES],
        severity=dg.AssetCheckSeverity.WARN,
    )


def _key(table: str) -> dg.AssetKey:
    return dg.AssetKey(table.split("."))


def _as_check_result(outcome: GateOutcome) -> dg.AssetCheckResult:
    rows = [
        dg.TableRecord(
            {
                "quarter": result.quarter,
                "suite": result.suite,
                "expectation": result.expectation,
                "success": result.success,
                "severity": result.severity,
                "observed": result.observed,
            }
        )
        for result in outcome.results
    ]
    return dg.AssetCheckResult(
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=outcome.message(),
        metadata={
            "failures": len(outcome.failures),
            "warnings": len(outcome.warnings),
            "expectations": dg.MetadataValue.table(rows) if rows else dg.MetadataValue.text("none"),
        },
    )
