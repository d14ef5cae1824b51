"""What dbt's stages and the gates do, as functions of values: `build` and `judge`, and the page of what gates found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.gates.outcome import GateOutcome
from dagster_project.likely_ranges.drawn import draw_likely_ranges
from dagster_project.releases.ledger import write_ledger
from dagster_project.runs.flow import Gate, Stage
from dagster_project.settings import EXPECTATIONS_DIR, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject
from dagster_project.warehouse.landing import QuarterInScope
from dagster_project.warehouse.mart_columns import follow_contracts
from dagster_project.warehouse.rules_in_place import put_rules


def build(stage: Stage, project: DbtProject, warehouse: Path, *, threads: int) -> list[str]:
    """Builds a stage of dbt's in the warehouse, and draws from it where it is one that draws; returns dbt's unique ids
    of its models or seeds, in order.
    """
    if stage.command is None:
        raise ValueError(f"dbt builds nothing in the stage {stage.name}")
    if stage.keeps_quarters:
        with duckdb.connect(str(warehouse)) as connection:
            follow_contracts(connection, project.manifest)
    if stage.seeds:
        return put_rules(project, warehouse, threads=threads)
    built = project.build(stage.command, stage.selection, warehouse, threads=threads)
    if stage.draws:
        with duckdb.connect(str(warehouse)) as connection:
            draw_likely_ranges(connection)
    return built


def judge(
    gate: Gate,
    connection: duckdb.DuckDBPyConnection,
    scope: Sequence[QuarterInScope],
    ledger: DataFolder | None,
) -> GateOutcome:
    """Judges the quarters in scope; with a `ledger`, a gate that reconciles keeps every difference there."""
    from dagster_project.gates.gate import run_gate

    outcome = run_gate(gate.name, connection, expectations_dir=EXPECTATIONS_DIR)
    if gate.reconciles and ledger is not None:
        write_ledger(connection, ledger, [(item.quarter, item.release_id) for item in scope])
    return outcome


def quality_page(outcomes: Sequence[GateOutcome], scope: Sequence[QuarterInScope]) -> bytes:
    """What the gates found, as a page; with one quarter in scope only that quarter's results."""
    from dagster_project.gates.quality_page import render_quality_page

    kinds = {str(item.quarter): item.is_sample for item in scope}
    results = [result for outcome in outcomes for result in outcome.results if result.quarter in kinds]
    return render_quality_page(results, is_sample=kinds)


def gates_as_record(outcomes: Sequence[GateOutcome]) -> list[dict[str, Any]]:
    """The gates that have judged, for the run's outcome."""
    return [
        {
            "gate": outcome.gate,
            "passed": outcome.passed,
            "expectations": len(outcome.results),
            "failures": len(outcome.failures),
            "warnings": len(outcome.warnings),
        }
        for outcome in outcomes
    ]
