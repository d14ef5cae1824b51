"""The three gates as blocking asset checks: what fails one never reaches the stage behind it."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from dagster_project.assets.extracts import PARTITIONS
from dagster_project.assets.quarterly_run_resource import QuarterlyRunResource
from dagster_project.gates.outcome import GateOutcome
from dagster_project.runs import stages


def gate_check(
    gate: str, asset: Sequence[str], additional_deps: Sequence[Sequence[str]], description: str
) -> dg.AssetChecksDefinition:
    """A gate as a blocking check of the asset that it judges."""

    @dg.asset_check(
        asset=dg.AssetKey(list(asset)),
        name=f"{gate}_gate",
        additional_deps=[dg.AssetKey(list(key)) for key in additional_deps],
        blocking=True,
        description=description,
        partitions_def=PARTITIONS,
    )
    def check(quarterly_run: QuarterlyRunResource) -> dg.AssetCheckResult:
        return _as_check_result(stages.judge(quarterly_run.run, gate))

    return check


def gate_checks() -> list[dg.AssetChecksDefinition]:
    """Extracts before they are measured, metric values before they are scored, tables before release."""
    return [
        gate_check(
            "extracts",
            ("landing", "extract_row"),
            [("methodology", "metric"), ("reference", "region")],
            "Great Expectations over what was read: codes, units, duplicates, quarters, ranges of scores",
        ),
        gate_check(
            "metrics",
            ("metrics", "metric_value"),
            [],
            "Great Expectations over metric values: ranges, completeness, jumps against the quarter before",
        ),
        gate_check(
            "league_tables",
            ("league", "league_table"),
            [("league", "reconciliation"), ("league", "metric_ranking"), ("league", "domain_score")],
            "Great Expectations over league tables: segments, ranks, and reconciliation with the publisher",
        ),
    ]


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
