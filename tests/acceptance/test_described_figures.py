"""Changes to an official file that move no rank are found all the same, and the message names each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_copy import SampleCopy

from dagster_project.gates.outcome import GateOutcome
from dagster_project.quarters import Quarter
from dagster_project.runs.flow import stage
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
ACUTE = "acute-trust-data"
Records = list[list[str]]


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory, new_data: Callable[[Path], DataFolder], official_dir: Path
) -> dict[str, GateOutcome]:
    """What the gates `extracts` and `metrics` find in the acute file, changed in eight places, beside ODS's list."""
    folder = tmp_path_factory.mktemp("described")
    (folder / "source").mkdir()
    for file in (
        *(official_dir / "nof-2025-26").glob(f"*{ACUTE}.csv"),
        official_dir / "organisations" / "etr.csv",
    ):
        shutil.copyfile(file, folder / "source" / file.name)
    extracts = SampleCopy(folder / "extracts", [folder / "source"])
    extracts.change_records(ACUTE, changed)
    request = RunRequest(
        quarters=(Quarter.from_canonical(QUARTER),), extracts_dir=extracts.folder / "source", dry_run=True
    )
    with QuarterlyRun(request, new_data(folder / "data"), "described") as run:
        passage = Passage(run)
        passage.read()
        for name in ("seed", "measure"):
            passage.build(stage(name))
            gate = stage(name).gate
            assert gate is not None
            passage.judge(gate)
    return {outcome.gate: outcome for outcome in passage.outcomes}


def changed(records: Records) -> Records:
    header, *rows = records
    at = {name.lower(): place for place, name in enumerate(header)}
    code, name, metric, value = (at[key] for key in ("trust_code", "trust_name", "metric_id", "value"))
    date, region = at["reporting_date"], at["region"]

    def one(organisation: str, figure: str) -> list[str]:
        (row,) = (row for row in rows if (row[code], row[metric]) == (organisation, figure))
        return row

    one("RJR", "OF0003")[value] = "82.8"
    one("RKB", "OF0023")[date] = "Jun-24"
    one("RTX", "OF0010")[name] = "Another NHS Trust"
    one("RA9", "OF5004")[value] = "0.0"
    new_codes = {"R0A": "ROA", "RJ1": "RJ2", "RJ2": "RJ1"}
    for row in rows:
        row[code] = new_codes.get(row[code], row[code])
        if row[metric] in ("OF0013", "OF1013"):
            row[date] = "Q1 2024"
        if row[code] == "RTR":
            row[region] = "London"
        if row[code] == "RRV":
            row[name] = "A New Name NHS Trust"
    return records


@pytest.mark.parametrize(
    ("gate", "expectation", "severity", "mention"),
    [
        ("extracts", "name_agrees_within_its_file", "critical", "found Another NHS Trust (1 rows)"),
        ("metrics", "name_is_not_that_of_another_code", "critical", "Guy's and St Thomas'"),
        ("metrics", "code_is_not_misspelt", "critical", "expected R0A for Manchester University"),
        ("metrics", "row_is_of_a_period_of_the_quarter", "critical", "expected Jun-25 for OF0023"),
        ("metrics", "period_fits_the_quarter", "warning", "found Q1 2024, 12 months before"),
        ("metrics", "value_is_among_the_others", "warning", "organisation RJR nearer to the median 2.4"),
        ("metrics", "trust_in_deficit_is_flagged", "warning", "OF5004 of organisation RA9 to be 1"),
        (
            "metrics",
            "region_is_as_listed",
            "warning",
            "expected North East and Yorkshire for organisation RTR",
        ),
        ("metrics", "name_is_as_listed", "warning", "found A New Name NHS Trust"),
    ],
)
def test_a_change_that_moves_no_rank_is_found(
    found: dict[str, GateOutcome], gate: str, expectation: str, severity: str, mention: str
) -> None:
    (result,) = (result for result in found[gate].results if result.expectation == expectation)

    assert not result.success
    assert result.severity == severity
    assert any(mention in example for example in result.examples), result.examples
