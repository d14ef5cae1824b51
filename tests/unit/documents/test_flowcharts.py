"""Flowcharts of the lineage: stages in the order of the flow, few boxes, every name, the same each time."""

from __future__ import annotations

import re

from dagster_project.documents.lineage_page import MOST_BOXES, mart_diagram, overview, stage_diagram
from dagster_project.documents.stage_graph import StageGraph, Table


def table(name: str, stage: str, *, is_mart: bool = False) -> Table:
    return Table(name, stage, ("metric",), is_mart)


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


def boxes(diagram: str) -> dict[str, str]:
    """Label by id of each box; a frame isn't one."""
    return dict(re.findall(r'^ *(T\w+)\["(.*)"\]', diagram, flags=re.MULTILINE))


def arrows(diagram: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^  (\w+) --> (\w+)$", diagram, flags=re.MULTILINE))


def test_stages_stand_in_the_order_of_the_flow() -> None:
    assert GRAPH.stages == ["landing", "audit", "metrics", "scoring", "tables"]
    assert GRAPH.stage_reads("scoring") == ["landing", "metrics"]


def test_stages_that_read_each_other_come_once_each_after_what_both_wait_for() -> None:
    tables = {name: table(name, stage) for name, stage in (("a", "left"), ("b", "right"), ("c", "left"))}
    tables["z"] = table("z", "first")
    graph = StageGraph(tables, {"a": ("z",), "b": ("a",), "c": ("b",), "z": ()})
    assert graph.stages == ["first", "right", "left"]


def test_a_mart_rests_on_what_leads_to_it_and_nothing_else() -> None:
    assert GRAPH.upstream("league") == {"rank", "rows", "score", "value"}
    assert GRAPH.upstream("files") == {"rows"}


def test_a_table_is_read_by_those_that_read_it_directly() -> None:
    assert GRAPH.read_by("rows") == ["files", "score", "value"]
    assert GRAPH.read_by("league") == []


def test_a_small_mart_is_drawn_whole_with_an_arrow_for_each_reading() -> None:
    drawn = mart_diagram(GRAPH, "league")
    assert sorted(boxes(drawn).values()) == ["league", "rank", "rows", "score", "value"]
    ids = {label: key for key, label in boxes(drawn).items()}
    assert arrows(drawn) == {
        (ids[source], ids[key]) for key in ids for source in GRAPH.reads[key] if key != "files"
    }


def test_of_a_mart_too_large_to_read_the_nearest_tables_are_drawn_and_all_others_named_by_stage() -> None:
    names = [f"step_{number:02}" for number in range(3 * MOST_BOXES)]
    tables = {name: table(name, "early" if name < "step_30" else "late") for name in names}
    graph = StageGraph(tables, {name: tuple(names[max(0, i - 1) : i]) for i, name in enumerate(names)})
    found = boxes(mart_diagram(graph, names[-1]))
    assert len(found) == MOST_BOXES
    assert sorted(name for label in found.values() for name in re.findall(r"step_\d+", label)) == names
    assert names[-2] in found.values()
    assert names[0] not in found.values()


def test_a_stage_is_drawn_with_one_box_for_each_stage_that_it_reads() -> None:
    drawn = stage_diagram(GRAPH, "scoring")
    assert sorted(boxes(drawn).values()) == [
        "<i>landing</i><br/>rows",
        "<i>metrics</i><br/>value",
        "rank",
        "score",
    ]
    assert arrows(drawn) == {
        ("T__landing", "T__metrics"),
        ("T__landing", "T__scoring__score"),
        ("T__metrics", "T__scoring__score"),
        ("T__scoring__score", "T__scoring__rank"),
    }


def test_the_publishers_files_lead_to_what_is_landed_and_to_nothing_else() -> None:
    tables = {"rows": table("rows", "landing"), "event": table("event", "run_records")}
    found = arrows(overview(StageGraph(tables, {"rows": (), "event": ()}), ["files"]))
    assert found == {("files", "T__landing")}


def test_the_same_graph_gives_the_same_text_in_whatever_order_it_is_given() -> None:
    turned = StageGraph(dict(reversed(GRAPH.tables.items())), dict(reversed(GRAPH.reads.items())))
    assert mart_diagram(GRAPH, "league") == mart_diagram(turned, "league")
    assert stage_diagram(GRAPH, "scoring") == stage_diagram(turned, "scoring")
    assert overview(GRAPH, ["files"]) == overview(turned, ["files"])


def test_names_are_escaped() -> None:
    graph = StageGraph({"a": table('<b>&"```', "landing", is_mart=True)}, {"a": ()})
    drawn = mart_diagram(graph, "a")
    assert "<b>" not in drawn
    assert drawn.count("```") == 2
    assert list(boxes(drawn).values()) == ["&lt;b&gt;&amp;&quot;'''"]
