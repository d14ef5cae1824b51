"""One query's columns, worked by hand: what each is made of, what decides about it, and what can't be told."""

from __future__ import annotations

import pytest

from dagster_project.errors import LeagueError
from dagster_project.lineage.column_lineage import TableLineage
from dagster_project.lineage.influence import Column
from dagster_project.lineage.query_columns import query_columns

TABLES = {
    "landing.score": ["trust", "metric", "value", "unit"],
    "seeds.weight": ["metric", "weight", "state"],
}


def found(sql: str) -> TableLineage:
    return query_columns(sql, TABLES, name="example")


def said(lineage: TableLineage, column: str) -> dict[str, list[str]]:
    """`table.column` -> words, such as {'landing.score.value': ['identity']}."""
    origins = lineage.columns[column].origins
    return {str(origin): sorted(one.subtype.lower() for one in words) for origin, words in origins.items()}


def decided(lineage: TableLineage) -> dict[str, list[str]]:
    return {
        str(origin): sorted(one.subtype.lower() for one in words) for origin, words in lineage.rows.items()
    }


def test_a_column_passed_on_through_stars_and_aliases_is_the_same_column() -> None:
    lineage = found(
        'with score as (select * from "db"."landing"."score"), '
        "final as (select score.value as average, score.trust from score) select * from final"
    )
    assert list(lineage.columns) == ["average", "trust"]
    assert said(lineage, "average") == {"landing.score.value": ["identity"]}
    assert decided(lineage) == {"landing.score.*": ["rows"]}


def test_arithmetic_transforms_and_an_aggregate_aggregates() -> None:
    lineage = found(
        "select trust, sum(value * weight) / sum(weight) as average, cast(min(unit) as varchar) as unit "
        "from landing.score inner join seeds.weight on score.metric = weight.metric "
        "where weight.state = 'verified' group by trust"
    )
    assert said(lineage, "average") == {
        "landing.score.value": ["aggregation"],
        "seeds.weight.weight": ["aggregation"],
    }
    assert said(lineage, "unit") == {"landing.score.unit": ["aggregation"]}
    assert said(lineage, "trust") == {"landing.score.trust": ["identity"]}
    assert decided(lineage) == {
        "landing.score.*": ["rows"],
        "landing.score.metric": ["join"],
        "landing.score.trust": ["group_by"],
        "seeds.weight.*": ["rows"],
        "seeds.weight.metric": ["join"],
        "seeds.weight.state": ["filter"],
    }


def test_a_condition_decides_and_the_branches_are_the_value() -> None:
    lineage = found(
        "select case when value > 3 then 'worse' when value is null then unit else 'better' end as verdict, "
        "coalesce(unit, 'none') as unit, coalesce(value, 0) + 1 as more from landing.score"
    )
    assert said(lineage, "verdict") == {
        "landing.score.value": ["conditional"],
        "landing.score.unit": ["transformation"],
    }
    assert lineage.columns["verdict"].constants == {"'better'", "'worse'"}
    assert lineage.columns["unit"].constants == {"'none'"}
    assert said(lineage, "more") == {"landing.score.value": ["transformation"]}
    assert lineage.columns["more"].constants == {"0"}


def test_a_rank_is_decided_by_its_window() -> None:
    lineage = found(
        "select rank() over (partition by metric order by value, trust) as rank from landing.score"
    )
    assert said(lineage, "rank") == {
        "landing.score.metric": ["window"],
        "landing.score.value": ["window"],
        "landing.score.trust": ["window"],
    }
    running = found("select sum(value) over (partition by metric) as total from landing.score")
    assert said(running, "total") == {
        "landing.score.metric": ["window"],
        "landing.score.value": ["aggregation"],
    }


def test_a_count_of_rows_comes_from_what_decides_the_rows() -> None:
    lineage = found(
        "select trust, count(*) as metrics from landing.score where value is not null group by trust"
    )
    assert said(lineage, "metrics") == {
        "landing.score.*": ["group_by"],
        "landing.score.trust": ["group_by"],
        "landing.score.value": ["group_by"],
    }


def test_columns_of_a_union_belong_together_by_their_place() -> None:
    lineage = found(
        "with both as (select trust as who, value as what, 'input' as role from landing.score "
        "union all select metric, weight, 'rule' from seeds.weight) select role, what from both"
    )
    assert said(lineage, "what") == {"landing.score.value": ["identity"], "seeds.weight.weight": ["identity"]}
    assert said(lineage, "role") == {}
    assert lineage.columns["role"].constants == {"'input'", "'rule'"}


def test_a_query_within_a_query_is_seen_through() -> None:
    lineage = found(
        "select trust, (select max(weight) from seeds.weight where weight.metric = score.metric) as heaviest "
        "from landing.score where metric in (select metric from seeds.weight where state = 'verified')"
    )
    heaviest = said(lineage, "heaviest")
    assert heaviest["seeds.weight.weight"] == ["aggregation"]
    assert heaviest["landing.score.metric"] == ["filter"]
    assert decided(lineage)["seeds.weight.state"] == ["filter"]


def test_lists_of_rows_and_functions_that_give_rows_are_constants() -> None:
    lineage = found(
        "with unit (name, dp) as (values ('percent', 1)), draw as (select range as number from range(100)) "
        "select unit.name, draw.number from unit cross join draw"
    )
    assert lineage.columns["name"].constants == {"'percent'"}
    assert lineage.columns["number"].constants == {"RANGE(0, 100)"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param("select avreage from landing.score", "avreage", id="no such column"),
        pytest.param("select score.weight from landing.score", "weight", id="a column of another table"),
        pytest.param("select * from landing.nowhere", "example", id="no such table"),
        pytest.param("select value from landing.score where", "example", id="not SQL"),
        pytest.param("create table other as select 1", "expected a query", id="not a query"),
    ],
)
def test_what_cannot_be_resolved_is_an_error_that_names_the_query(sql: str, expected: str) -> None:
    with pytest.raises(LeagueError, match=expected) as raised:
        found(sql)
    assert "example" in str(raised.value)


def test_texts_that_rows_are_held_to_are_known_where_all_that_read_the_table_hold_it() -> None:
    unit = Column("landing.score", "unit")
    held = found(
        "with score as (select * from landing.score where unit = 'percent') select value from score where value > 1"
    )
    assert held.held == {unit: {"percent"}}
    either = found(
        "select value from landing.score where unit = 'percent' "
        "union all select value from landing.score where (unit = 'rate' and value > 1)"
    )
    assert either.held == {unit: {"percent", "rate"}}
    not_all = found(
        "select value from landing.score where unit = 'percent' union all select value from landing.score"
    )
    assert not_all.held == {}
