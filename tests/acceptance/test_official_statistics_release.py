"""Official statistics beside the framework's files: values and scores computed from counts, and nothing lost."""

from __future__ import annotations

import pytest
from league_command import league
from published_state import rows_of

from dagster_project.settings import DataFolder


@pytest.mark.parametrize(
    ("metric_id", "outcomes"),
    [
        ("OF0010", {"equal": 118}),
        ("OF0011", {"equal": 118}),
        ("OF0005", {"equal": 121}),
        ("OF0017", {"within_tolerance": 1}),
        ("OF0013", {"equal": 73, "not_computable": 50}),
    ],
)
def test_values_computed_from_counts_are_the_published_ones(
    metric_id: str, outcomes: dict[str, int], with_statistics: DataFolder
) -> None:
    found = rows_of(
        with_statistics,
        f"select outcome, count(*) from league.reconciliation where figure = '{metric_id}' group by outcome",
    )
    assert dict(found) == outcomes


@pytest.mark.parametrize(("metric_id", "scores"), [("OF0010", 118), ("OF0011", 118), ("OF0005", 121)])
def test_scores_rest_on_counts_and_are_all_computed_and_equal(
    metric_id: str, scores: int, with_statistics: DataFolder
) -> None:
    found = rows_of(
        with_statistics,
        "select score_basis, value_source <> 'nof_data', outcome, count(*) from league.metric_score "
        "inner join league.reconciliation using (quarter, table_name, organisation_code) "
        f"where metric_id = '{metric_id}' and figure = 'OF1' || substr(metric_id, 4) group by all",
    )
    assert found == [("computed", True, "equal", scores)]


def test_a_walk_in_centre_elsewhere_is_named_as_the_reason(with_statistics: DataFolder) -> None:
    reasons = rows_of(
        with_statistics,
        "select distinct reason from league.reconciliation where figure = 'OF0013' and outcome <> 'equal'",
    )
    assert [reason.split(":")[0] for (reason,) in reasons] == ["mapped footprint"]


def test_nothing_else_changes_beside_statistics(with_statistics: DataFolder) -> None:
    """Every score, average, segment and rank is equal, as it is from the framework's files alone."""
    found = rows_of(
        with_statistics,
        "select outcome, count(*) from league.reconciliation where figure not like 'OF0___' "
        "and figure <> 'OF5007' group by outcome",
    )
    assert [outcome for outcome, _ in found] == ["equal"]


def test_a_value_leads_to_the_cells_that_it_was_counted_from(with_statistics: DataFolder) -> None:
    traced = rows_of(
        with_statistics,
        "select count(distinct organisation_code) from league.lineage "
        "inner join league.extract using (quarter, extract_id) "
        "where figure = 'OF0010' and role = 'input' and source = 'cancer_waiting_times'",
    )
    assert traced == [(118,)]


def test_reconcile_says_which_equal_scores_are_no_proof_and_why_figures_cannot_be_computed(
    with_statistics: DataFolder,
) -> None:
    answer = league("reconcile", "2025-26-Q1", "--json", data=with_statistics).answer
    assert answer["equal_scores"]["published"] == 318
    assert sum(answer["equal_scores"].values()) == 3_458
    counted = sum(item["figures"] for item in answer["counts"] if item["outcome"] == "not_computable")
    assert sum(item["figures"] for item in answer["not_computable"]) == counted
    shown = league("reconcile", "2025-26-Q1", data=with_statistics, columns=80).out
    assert "318  the published score itself, as nothing else is published: no proof" in shown
