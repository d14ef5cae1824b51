"""The three gates as blocking asset checks: what fails one never reaches the stage behind it; and, as warnings, whether
a released table's columns changed.
"""

# No postponed annotations here: Dagster reads the type of `context`.
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from dagster_project.assets.failures import failure_of, plainly
from dagster_project.assets.partitions import PARTITIONS
from dagster_project.assets.quarterly_run_resource import WAREHOUSE_POOL, QuarterlyRunResource
from dagster_project.assets.releases import MADE_BY_GATES
from dagster_project.gates.outcome import GateOutcome
from dagster_project.quarters import Quarter
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.runs.flow import Gate, gates
from dagster_project.settings import WAREHOUSE_SCHEMA


def gate_check(gate: Gate) -> dg.AssetChecksDefinition:
    """A gate as a blocking check of the asset that it judges: one evaluation for each quarter of the run."""
    spec = dg.AssetCheckSpec(
        f"{gate.name}_gate",
        asset=_key(gate.judges),
        additional_deps=[_key(table) for table in gate.beside],
        blocking=True,
        description=gate.description,
        partitions_def=PARTITIONS,
    )

    # A check that Dagster evaluates itself has no partition where its run has several.
    @dg.multi_asset_check(specs=[spec], name=spec.name, pool=WAREHOUSE_POOL)
    def check(context: dg.AssetCheckExecutionContext, quarterly_run: QuarterlyRunResource) -> Iterator[Any]:
        record = quarterly_run.record
        with plainly(record):
            outcome = quarterly_run.passage.judge(gate)
            quarters = quarterly_run.passage.run.quarters
        for quarter in quarters:
            yield _evaluation(context.instance, spec, _of_quarter(outcome, quarter), quarter)
        error = outcome.error()
        failure = None if error is None else failure_of(error, record)
        if failure is not None:
            raise failure
        yield dg.Output(None, output_name=spec.get_python_identifier())

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


def _of_quarter(outcome: GateOutcome, quarter: Quarter) -> GateOutcome:
    return replace(
        outcome, results=tuple(found for found in outcome.results if found.quarter == str(quarter))
    )


def _evaluation(
    instance: dg.DagsterInstance, spec: dg.AssetCheckSpec, outcome: GateOutcome, quarter: Quarter
) -> dg.AssetCheckEvaluation:
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
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=outcome.message(),
        blocking=True,
        partition=str(quarter),
        metadata={
            "failures": len(outcome.failures),
            "warnings": len(outcome.warnings),
            "expectations": dg.MetadataValue.table(rows) if rows else dg.MetadataValue.text("none"),
        },
        target_materialization_data=_judged(instance, spec.asset_key, quarter),
    )


def _judged(instance: dg.DagsterInstance, key: dg.AssetKey, quarter: Quarter) -> Any:
    """The materialisation that a check is about; without it, Dagster takes the check for one of an older state."""
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[str(quarter)])
    latest = instance.fetch_materializations(wanted, limit=1).records
    if not latest:
        return None
    # Dagster has a class for it, but no public name of the class.
    return dg.deserialize_value(
        json.dumps(
            {
                "__class__": "AssetCheckEvaluationTargetMaterializationData",
                "storage_id": latest[0].storage_id,
                "run_id": latest[0].run_id,
                "timestamp": latest[0].timestamp,
            }
        )
    )
