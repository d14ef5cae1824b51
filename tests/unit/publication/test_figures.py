"""Names of cells, and where the derivation explains them."""

from __future__ import annotations

import pytest
from published_quarters import SECOND, small_contents

from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.figures import KEYS, cell_id, explained_at, figure_of


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> QuarterContent:
    return small_contents(tmp_path_factory.mktemp("figures")).newest


def test_every_cell_of_a_release_has_a_name_of_its_own(newest: QuarterContent) -> None:
    names = [
        cell_id(table, row, column)
        for table in KEYS
        for row in newest.rows(table)
        for column in row
        if not table.startswith("league_table_")
    ]
    assert len(names) > 1000
    assert len(set(names)) == len(names)
    assert all(name.startswith(f"{SECOND}/") for name in names)


def test_a_bar_in_a_key_is_no_end_of_it() -> None:
    row = {"quarter": SECOND, "gate": "a|b", "suite": "c", "expectation": "d", "subject": None}
    assert cell_id("quality_result", row, "observed") == f"{SECOND}/quality_result|a%7Cb|c|d||observed"


@pytest.mark.parametrize(
    ("table", "column", "figure"),
    [
        ("league_table", "rank", "OF5000.rank"),
        ("league_table_acute", "average_metric_score", "OF5002"),
        ("league_table", "adjusted_segment", "OF5000"),
        ("league_table", "unadjusted_segment", "OF5003"),
        ("league_table", "financial_override", "OF5004"),
        ("league_table", "final_segment", "OF5005"),
        ("league_table", "rank_likely_low", "likely-ranges"),
        ("league_table", "organisation_name", None),
        ("metric_score", "value", "OF0010"),
        ("metric_score", "metric_score", "OF1010"),
        ("metric_ranking", "rank_in_table", "OF0010"),
        ("domain_score", "domain_score", "domain-access"),
        ("segment_probability", "probability", "likely-ranges"),
        ("movement_total", "change", "movement"),
        ("segment_threshold", "cut_point", None),
        ("metric", "value_dp", None),
    ],
)
def test_a_cell_is_explained_under(
    table: str, column: str, figure: str | None, newest: QuarterContent
) -> None:
    assert figure_of(table, newest.rows(table)[0], column) == figure


def test_another_organisation_s_cell_is_explained_on_its_own_page() -> None:
    row = {"quarter": SECOND, "organisation_code": "ZA1", "exemplar_code": "ZA2", "metric_id": "OF0010"}
    assert explained_at("exemplar", row, "metric_score") == f"{SECOND}/derivations/ZA1.html#OF1010"
    assert explained_at("exemplar", row, "exemplar_metric_score") == f"{SECOND}/derivations/ZA2.html#OF1010"
    assert (
        explained_at("exemplar", row, "exemplar_average_metric_score")
        == f"{SECOND}/derivations/ZA2.html#OF5002"
    )
