"""Diagrams: stages in the order of the flow, nothing overlapping, the same each time."""

from __future__ import annotations

from itertools import pairwise

from dagster_project.documents.diagrams import mart_diagram, overview
from dagster_project.documents.layered_layout import lay_out
from dagster_project.documents.stage_graph import StageGraph, Table


def table(name: str, stage: str, *, is_mart: bool = False) -> Table:
    return Table(name, stage, ("metric",), is_mart, "says")


# rows -> value -> score -> rank -> league; value and rows are read again further down.
GRAPH = StageGraph(
    {
        "league": table("league", "tables", is_mart=True),
        "rank": table("rank", "scoring"),
        "score": table("score", "scoring"),
        "value": table("value", "metrics"),
        "rows": table("rows", "landing"),
        "files": table("files", "audit", is_mart=True),
    },
    {
        "league": ("rank", "value"),
        "rank": ("score",),
        "score": ("value", "rows"),
        "value": ("rows",),
        "rows": (),
        "files": ("rows",),
    },
)


def test_stages_stand_in_the_order_of_the_flow_and_a_part_keeps_it() -> None:
    assert GRAPH.stages == [("landing",), ("audit",), ("metrics",), ("scoring",), ("tables",)]
    assert GRAPH.upstream("score").stages == [("landing",), ("metrics",), ("scoring",)]


def test_stages_that_read_each_other_share_a_place() -> None:
    tables = {"a": table("a", "left"), "b": table("b", "right"), "c": table("c", "left")}
    graph = StageGraph(tables, {"a": (), "b": ("a",), "c": ("b",)})
    assert graph.stages == [("left", "right")]
    assert graph.layers() == {"a": 0, "b": 1, "c": 2}


def test_every_table_lies_below_all_that_it_reads() -> None:
    layers = GRAPH.layers()
    assert all(layers[key] > layers[source] for key, sources in GRAPH.reads.items() for source in sources)


def test_a_mart_rests_on_what_leads_to_it_and_nothing_else() -> None:
    assert sorted(GRAPH.upstream("league").tables) == ["league", "rank", "rows", "score", "value"]
    assert sorted(GRAPH.upstream("files").tables) == ["files", "rows"]


def test_boxes_and_lines_of_a_layer_never_overlap() -> None:
    widths = {key: 60.0 + 20 * len(key) for key in GRAPH.tables}
    layout = lay_out(GRAPH.layers(), GRAPH.reads, widths)
    for row in layout.rows:
        for left, right in pairwise(row):
            half = [widths[point.key] / 2 if point.is_box else 0.0 for point in (left, right)]
            assert layout.middle[right] - layout.middle[left] > half[0] + half[1]


def test_a_box_that_is_read_far_below_sends_one_line_through_the_layers_between() -> None:
    layout = lay_out(GRAPH.layers(), GRAPH.reads, dict.fromkeys(GRAPH.tables, 80.0))
    passing = [point for row in layout.rows for point in row if not point.is_box]
    assert len(passing) == len(set(passing))
    assert {point.key for point in passing} == {"rows", "value"}


def test_the_same_graph_gives_the_same_bytes_in_whatever_order_it_is_given() -> None:
    turned = StageGraph(dict(reversed(GRAPH.tables.items())), dict(reversed(GRAPH.reads.items())))
    assert mart_diagram(GRAPH, "league") == mart_diagram(turned, "league")
    assert overview(GRAPH, ["files"], {}) == overview(turned, ["files"], {})


def test_names_are_escaped() -> None:
    graph = StageGraph({"a": table('<b>&"', "landing", is_mart=True)}, {"a": ()})
    assert "<b>" not in mart_diagram(graph, "a")
