"""Queries that live only within others: whoever reads them is told what is behind."""

from __future__ import annotations

from dagster_project.lineage.column_lineage import seen_through
from dagster_project.lineage.influence import Column
from dagster_project.lineage.query_columns import query_columns

TABLES = {"landing.score": ["trust", "metric", "value"]}
INNER = "select trust, value * 2 as twice, 'x' as mark from landing.score where metric = 'OF0010'"
OUTER = "select trust, sum(twice) as total, min(mark) as mark, count(*) as rows_read from {} group by trust"


def test_seeing_through_a_view_tells_the_same_as_its_query_written_in_its_place() -> None:
    view = query_columns(INNER, TABLES, name="view")
    known = {**TABLES, "main.view": list(view.columns)}
    through = seen_through(query_columns(OUTER.format("view"), known, name="reader"), {"main.view": view})
    written_out = query_columns(f"with inside as ({INNER}) " + OUTER.format("inside"), TABLES, name="reader")
    assert through.columns == written_out.columns
    assert through.rows == written_out.rows


def test_a_view_is_no_origin_of_what_is_seen_through_it() -> None:
    view = query_columns(INNER, TABLES, name="view")
    known = {**TABLES, "main.view": list(view.columns)}
    through = seen_through(query_columns("select * from view", known, name="reader"), {"main.view": view})
    assert set(through.columns["twice"].origins) == {Column("landing.score", "value")}
    assert {origin.table for origin in through.rows} == {"landing.score"}
    assert through.columns["mark"].constants == {"'x'"}
