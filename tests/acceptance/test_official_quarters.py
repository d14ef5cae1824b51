"""The official files come out as the publisher's own figures: scores, segments, override, ranks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from league_command import league
from published_state import promised_bytes, release_ids, rows_of
from staged_run import release_by_stages

from dagster_project.settings import DataFolder

# The publisher's ids, methodology 1; the number of figures of each kind that the official files hold.
KINDS = {
    "OF1___": "metric score",
    "OF1080": "combined finance",
    "OF40__": "domain score",
    "OF41__": "domain segment",
    "OF5000": "adjusted segment",
    "OF5002": "average metric score",
    "OF5003": "unadjusted segment",
    "OF5004": "financial override",
    "OF0___.rank": "rank of a metric's value",
    "OF1___.rank": "rank beside a metric's score",
    "OF40__.rank": "rank of a domain score",
    "OF5000.rank": "league-table rank",
    "OF5002.rank": "rank ignoring the segment",
}
Q1_FIGURES = (3458, 195, 967, 967, 195, 195, 195, 195, 2945, 2945, 967, 195, 195)
Q4_FIGURES = (696, 61, 302, 302, 61, 61, 61, 61, 588, 588, 302, 61, 61)
INPUTS = ("OF0___", "OF5007")
LIKELY_RANGES = (
    "OF5000.rank_likely_low",
    "OF5000.rank_likely_high",
    "OF5002.likely_low",
    "OF5002.likely_high",
)
Released = Callable[[str], DataFolder]


@pytest.fixture(scope="session")
def one_table(
    made_once: Callable[..., Path], new_data: Callable[[Path], DataFolder], official_dir: Path
) -> Released:
    """Q1 of one table, made by the stages: `one_table("acute")`."""
    parts = {"acute": "*acute-trust-data.csv", "non_acute": "*mental-health-and-community*.csv"}

    def released(table: str) -> DataFolder:
        def build(folder: Path) -> None:
            data, extracts = new_data(folder), folder / "extracts"
            extracts.mkdir()
            for file in (official_dir / "nof-2025-26").glob(parts[table]):
                shutil.copy(file, extracts)
            release_by_stages(data, extracts, "2025-26-Q1")

        return DataFolder(made_once(f"official-{table}", build))

    return released


def outcomes(data: DataFolder, quarter: str, figure: str, table: str = "%") -> dict[str, int]:
    """How many figures whose id is like `figure` (`_` is any character) have each outcome."""
    return dict(
        rows_of(
            data,
            "select outcome, count(*) from league.reconciliation "
            "where quarter = ? and figure like ? and length(figure) = ? and table_name like ? group by all",
            quarter,
            figure,
            len(figure),
            table,
        )
    )


def organisations(data: DataFolder, quarter: str) -> dict[str, int]:
    """Table -> organisations in the league table."""
    return dict(
        rows_of(
            data,
            "select table_name, count(*) from league.league_table where quarter = ? group by all",
            quarter,
        )
    )


@pytest.mark.parametrize(
    ("figure", "figures"), zip(KINDS, Q1_FIGURES, strict=True), ids=[f"{v}" for v in KINDS.values()]
)
def test_every_figure_of_the_first_quarter_is_the_publishers(
    both_quarters: DataFolder, figure: str, figures: int
) -> None:
    assert outcomes(both_quarters, "2025-26-Q1", figure) == {"equal": figures}


@pytest.mark.parametrize(
    ("figure", "figures"), zip(KINDS, Q4_FIGURES, strict=True), ids=[f"{v}" for v in KINDS.values()]
)
def test_every_figure_of_the_fourth_quarter_is_the_publishers(
    both_quarters: DataFolder, figure: str, figures: int
) -> None:
    assert outcomes(both_quarters, "2025-26-Q4", figure) == {"equal": figures}


def test_the_final_segment_of_the_first_quarter_is_the_publishers(both_quarters: DataFolder) -> None:
    assert outcomes(both_quarters, "2025-26-Q1", "OF5005") == {"equal": 195}
    assert outcomes(both_quarters, "2025-26-Q4", "OF5005") == {}, "it is no longer published"


@pytest.mark.parametrize("quarter", ["2025-26-Q1", "2025-26-Q4"])
def test_only_inputs_are_not_computed(both_quarters: DataFolder, quarter: str) -> None:
    drawn = [outcomes(both_quarters, quarter, figure) for figure in LIKELY_RANGES]
    assert all(set(found) <= {"equal", "within_tolerance", "not_computable"} for found in drawn)
    inputs = [outcomes(both_quarters, quarter, figure) for figure in INPUTS]
    assert all(set(found) <= {"not_computable"} for found in inputs)
    expected = sum(found.get("not_computable", 0) for found in (*drawn, *inputs))
    assert outcomes_of_all(both_quarters, quarter).get("not_computable") == expected
    near = sum(found.get("within_tolerance", 0) for found in drawn)
    assert outcomes_of_all(both_quarters, quarter).get("within_tolerance", 0) == near
    assert "different" not in outcomes_of_all(both_quarters, quarter)


def outcomes_of_all(data: DataFolder, quarter: str) -> dict[str, int]:
    return dict(
        rows_of(
            data,
            "select outcome, count(*) from league.reconciliation where quarter = ? group by all",
            quarter,
        )
    )


def test_most_scores_of_the_first_quarter_are_computed_from_values_and_not_read_off(
    both_quarters: DataFolder,
) -> None:
    bases = dict(
        rows_of(
            both_quarters,
            "select score_basis, count(*) from league.metric_score where quarter = '2025-26-Q1' group by all",
        )
    )
    assert sum(bases.values()) == 3458
    assert bases["computed"] >= 2766
    published = rows_of(
        both_quarters,
        "select distinct metric_id from league.metric_score "
        "where score_basis = 'published' and value is null and quarter = '2025-26-Q1' order by all",
    )
    assert {metric for (metric,) in published} <= {"OF0035", "OF0046", "OF0067", "OF0069"}


def test_every_organisation_is_there_and_rests_on_published_cut_points(both_quarters: DataFolder) -> None:
    assert organisations(both_quarters, "2025-26-Q1") == {"acute": 134, "non_acute": 61}
    assert organisations(both_quarters, "2025-26-Q4") == {"non_acute": 61}
    for table in ("league_table", "domain_score"):
        bases = rows_of(both_quarters, f"select distinct threshold_basis from league.{table}")
        assert bases == [("published",)], table
    basis = rows_of(both_quarters, "select distinct financial_override_basis from league.league_table")
    assert basis == [("published",)]


def test_the_known_places_of_acute_trusts_come_out(both_quarters: DataFolder) -> None:
    places = {
        (rank, str(average), segment): name
        for rank, average, segment, name in rows_of(
            both_quarters,
            "select rank, average_metric_score, adjusted_segment, organisation_name from league.league_table "
            "where table_name = 'acute' and quarter = '2025-26-Q1'",
        )
    }
    known = {
        (1, "1.39", 1): "Moorfields",
        (2, "1.48", 1): "Royal National Orthopaedic",
        (3, "1.51", 1): "The Christie",
        (9, "1.74", 1): "Northumbria",
        (28, "1.68", 3): "Chelsea and Westminster",
        (134, "3.35", 4): "Queen Elizabeth",
    }
    for place, part_of_the_name in known.items():
        assert part_of_the_name.casefold() in places[place].casefold()


def test_the_known_places_of_non_acute_trusts_come_out(both_quarters: DataFolder) -> None:
    places = {
        (quarter, rank, str(average)): name
        for quarter, rank, average, name in rows_of(
            both_quarters,
            "select quarter, rank, average_metric_score, organisation_name from league.league_table "
            "where table_name = 'non_acute'",
        )
    }
    known = {
        ("2025-26-Q1", 1, "1.73"): "North Staffordshire",
        ("2025-26-Q1", 2, "1.74"): "Midlands Partnership",
        ("2025-26-Q1", 61, "3.34"): "Birmingham Community",
        ("2025-26-Q4", 1, "1.53"): "Kent Community",
        ("2025-26-Q4", 61, "3.34"): "Bridgewater",
    }
    for place, part_of_the_name in known.items():
        assert part_of_the_name.casefold() in places[place].casefold()


def test_the_segments_of_the_first_quarter_are_as_many_as_known(both_quarters: DataFolder) -> None:
    def counts(column: str, table: str) -> list[int]:
        found = rows_of(
            both_quarters,
            f"select count(*) from league.league_table where quarter = '2025-26-Q1' and table_name = ? "
            f"group by {column} order by {column}",
            table,
        )
        return [count for (count,) in found]

    assert counts("adjusted_segment", "acute") == [16, 11, 76, 31]
    assert counts("unadjusted_segment", "acute") == [34, 31, 38, 31]
    assert counts("adjusted_segment", "non_acute") == [13, 12, 19, 17]


def test_99_acute_trusts_are_flagged_and_38_of_them_moved(both_quarters: DataFolder) -> None:
    flagged, moved = rows_of(
        both_quarters,
        "select count(*), count(*) filter (adjusted_segment <> unadjusted_segment) from league.league_table "
        "where quarter = '2025-26-Q1' and table_name = 'acute' and financial_override",
    )[0]
    assert (flagged, moved) == (99, 38)


def test_the_archive_alone_gives_the_same_release_again(both_quarters: DataFolder, tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    shutil.copytree(both_quarters.archive, data.archive)
    shutil.copytree(both_quarters.root / "dbt", data.root / "dbt")
    ended = league("run", "2025-26-Q1", "--json", data=data)
    assert ended.code == 0, ended.err
    assert release_ids(data) == {"2025-26-Q1": release_ids(both_quarters)["2025-26-Q1"]}
    assert promised_bytes(data, "2025-26-Q1") == promised_bytes(both_quarters, "2025-26-Q1")


def test_a_quarter_alone_is_the_same_release_as_beside_another(
    both_quarters: DataFolder, fourth_quarter: DataFolder
) -> None:
    assert release_ids(fourth_quarter) == {"2025-26-Q4": release_ids(both_quarters)["2025-26-Q4"]}
    assert promised_bytes(fourth_quarter, "2025-26-Q4") == promised_bytes(both_quarters, "2025-26-Q4")


@pytest.mark.parametrize(("table", "expected"), [("acute", 134), ("non_acute", 61)])
def test_a_table_alone_gives_the_publishers_figures_too(
    one_table: Released, both_quarters: DataFolder, table: str, expected: int
) -> None:
    alone = one_table(table)
    assert organisations(alone, "2025-26-Q1") == {table: expected}
    query = (
        "select organisation_code, rank, adjusted_segment, unadjusted_segment, average_metric_score "
        "from league.league_table where quarter = '2025-26-Q1' and table_name = ? order by all"
    )
    assert rows_of(alone, query, table) == rows_of(both_quarters, query, table)
    assert set(outcomes_of_all(alone, "2025-26-Q1")) == {"equal", "not_computable"}
    for figure in ("OF1___", "OF1080", "OF5000", "OF5000.rank", "OF5002", "OF5003", "OF5004"):
        everywhere = outcomes(both_quarters, "2025-26-Q1", figure, table)
        assert outcomes(alone, "2025-26-Q1", figure, table) == everywhere, figure


@pytest.mark.parametrize("table", ["acute", "non_acute"])
def test_a_table_alone_says_where_pool_and_cut_points_are_incomplete(one_table: Released, table: str) -> None:
    alone = one_table(table)
    bases = rows_of(alone, "select distinct threshold_basis from league.league_table")
    assert bases == [("published",)]
    # Sickness absence is ranked over every trust of every table: a part of them can't give the score.
    sickness = rows_of(
        alone,
        "select distinct score_basis from league.metric_score where metric_id = 'OF0082' "
        "and metric_score not in (1, 4)",
    )
    assert sickness
    assert ("computed",) not in sickness
