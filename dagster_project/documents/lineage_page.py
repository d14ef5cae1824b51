"""The pages on lineage: which table reads which, as tables, and as flowcharts in Mermaid that GitHub draws.

No drawing of our own: a page that isn't drawn, such as the offline site's, still has the same in its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dagster_project.catalogue.catalogue import load_catalogue
from dagster_project.documents.markdown import code, heading, one_line, page, table
from dagster_project.documents.sources import DocumentSources
from dagster_project.documents.stage_graph import LANDING, RUN_RECORDS, StageGraph, stage_graph
from dagster_project.runs import flow

LINEAGE_PAGE, MARTS_PAGE = "lineage.md", "lineage-marts.md"
# More boxes than this can't be read on a screen; what lies further back is named by stage in one box each.
MOST_BOXES = 16
_FILES, _RUN = "the publishers' files", "the run itself"
_INTRO = """\
Arrows run from what is read to what is made of it. A stage is a folder of `dbt/models`, in the order of the flow.
Before them come what readers land from the publishers' files, and the run's own records: journal and ledger of
releases, what the gates found, what is current. Every table also reads `run.quarter_in_scope`, the quarters that the
run builds, which is left out. A table in bold is a mart: its columns are a contract, described in the
[data dictionary](data-dictionary.md), and [all that it is made from](lineage-marts.md) is drawn. Which column comes
from which, `league lineage` says; from a single figure back to its file and line leads the released table
`lineage`."""
_OF_MARTS = f"""\
All that each mart rests on, back to what was landed. A diagram has at most {MOST_BOXES} boxes: the tables nearest to
the mart, in a frame for each stage, and of those further back one box for each stage, with their names. The mart has a
thick border. Which rules are read on the way is in the [tables by stage](lineage.md)."""


def lineage_documents(sources: DocumentSources) -> dict[str, str]:
    """The pages, by path below the folder of documents."""
    graph = stage_graph(sources)
    files = [source.name for source in load_catalogue().sources.values() if source.reader]
    marts = graph.by_name(key for key, found in graph.tables.items() if found.is_mart)
    return {
        LINEAGE_PAGE: page(
            heading(1, "Lineage"),
            _INTRO,
            heading(2, "Stages"),
            overview(graph, files),
            *(block for stage in graph.stages for block in _stage(graph, stage)),
            heading(2, "Seeds"),
            "Rules and reference rows, each with the tables that read it directly.",
            _seeds(graph),
        ),
        MARTS_PAGE: page(
            heading(1, "What each mart is made from"),
            _OF_MARTS,
            *(
                block
                for key in marts
                for block in (heading(2, graph.tables[key].name), mart_diagram(graph, key))
            ),
        ),
    }


def overview(graph: StageGraph, files: Sequence[str]) -> str:
    """One box a stage; `files` are the sources of the publishers' files."""
    boxes = [_Box("files", "<br/>".join(map(_label, ("publishers' files", *files))))]
    judged = _gates(graph)
    for stage in graph.stages:
        tables = len(graph.of_stage(stage))
        gate = f"<br/>judged by gate {judged[stage]}" if stage in judged else ""
        boxes.append(_Box(_id(stage), f"{_label(_spoken(stage))}<br/>{tables} tables{gate}"))
    arrows = [("files", _id(LANDING))] if LANDING in graph.stages else []
    arrows += [(_id(read), _id(stage)) for stage in graph.stages for read in graph.stage_reads(stage)]
    return _flowchart(boxes, arrows)


def _gates(graph: StageGraph) -> dict[str, str]:
    """By stage the gate that judges its tables."""
    gate_of = {
        name.split(".")[-1]: gate.name for gate in flow.gates() for name in (gate.judges, *gate.beside)
    }
    judged = (
        found for found in graph.tables.values() if found.stage != RUN_RECORDS and found.name in gate_of
    )
    return {found.stage: gate_of[found.name] for found in judged}


def stage_diagram(graph: StageGraph, stage: str) -> str:
    """The tables of a stage, and a box for each other stage that they read."""
    inside = graph.of_stage(stage)
    return _diagram(graph, inside, {source for key in inside for source in graph.reads[key]} - {*inside})


def mart_diagram(graph: StageGraph, mart: str) -> str:
    """What a mart rests on: as many steps back as can be read, what lies behind them named by stage."""
    behind = graph.upstream(mart)
    shown, step = [mart], [mart]
    while step:
        step = graph.by_name({source for key in step for source in graph.reads[key]}.difference(shown))
        stages = {graph.tables[key].stage for key in behind.difference(shown, step)}
        if len(shown) + len(step) + len(stages) > MOST_BOXES:
            break
        shown += step
    return _diagram(graph, shown, behind.difference(shown), mart)


@dataclass(frozen=True)
class _Box:
    """`label` is Mermaid's HTML, escaped."""

    key: str
    label: str
    is_thick: bool = False


def _diagram(graph: StageGraph, shown: Sequence[str], behind: Iterable[str], thick: str | None = None) -> str:
    """Tables in a frame per stage, and those `behind` in one box per stage, with their names."""
    box_of = {key: _id(graph.tables[key].stage, graph.tables[key].name) for key in shown}
    others: dict[str, list[str]] = {}
    for key in graph.by_name(behind):
        box_of[key] = _id(graph.tables[key].stage)
        others.setdefault(graph.tables[key].stage, []).append(graph.tables[key].name)
    boxes = [
        _Box(_id(stage), "<br/>".join([f"<i>{_label(_spoken(stage))}</i>", *map(_label, others[stage])]))
        for stage in graph.stages
        if stage in others
    ]
    frames = {
        stage: [
            _Box(box_of[key], _label(graph.tables[key].name), key == thick)
            for key in graph.by_name(shown)
            if graph.tables[key].stage == stage
        ]
        for stage in graph.stages
    }
    arrows = {
        (box_of[source], box_of[key])
        for key in box_of
        for source in graph.reads[key]
        if source in box_of and box_of[source] != box_of[key]
    }
    return _flowchart(boxes, sorted(arrows), {stage: found for stage, found in frames.items() if found})


def _flowchart(
    boxes: Iterable[_Box],
    arrows: Iterable[tuple[str, str]],
    frames: Mapping[str, Iterable[_Box]] | None = None,
) -> str:
    lines = [f"  {_box(box)}" for box in boxes]
    for stage, found in (frames or {}).items():
        lines += [f'  subgraph {_id("in", stage)}["{_label(_spoken(stage))}"]']
        lines += [*(f"    {_box(box)}" for box in found), "  end"]
    lines += [f"  {source} --> {key}" for source, key in arrows]
    lines += ["  classDef thick stroke-width:4px"] if any(":::thick" in line for line in lines) else []
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def _box(box: _Box) -> str:
    return f'{box.key}["{box.label}"]' + (":::thick" if box.is_thick else "")


def _id(*parts: str) -> str:
    """An id without a sign that Mermaid reads, and with a capital, so that it is none of its words (`end`)."""
    return "__".join(["T", *("".join(c if c.isalnum() else "_" for c in part) for part in parts)])


def _label(text: str) -> str:
    """Text that can't end a label or the block around it."""
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;").replace("`", "'")


def _spoken(stage: str) -> str:
    return stage.replace("_", " ")


def _stage(graph: StageGraph, stage: str) -> list[str]:
    read = {LANDING: [_FILES], RUN_RECORDS: [_RUN]}.get(
        stage, [_spoken(one) for one in graph.stage_reads(stage)]
    )
    gate = _gates(graph).get(stage)
    judged = f" Judged by the gate `{gate}`." if gate is not None else ""
    rows = [
        (
            f"**{code(found.name)}**" if found.is_mart else code(found.name),
            ", ".join(_names(graph, graph.by_name(graph.reads[key]))),
            ", ".join(map(code, found.seeds)),
            ", ".join(_names(graph, graph.read_by(key))),
        )
        for key in graph.of_stage(stage)
        for found in [graph.tables[key]]
    ]
    made = "Filled from" if stage == LANDING else "Written by" if stage == RUN_RECORDS else "Reads"
    opening = [heading(2, _spoken(stage)), f"{made} {', '.join(read) or 'seeds only'}.{judged}"]
    if stage in (LANDING, RUN_RECORDS):
        return [*opening, table(("table", "read by"), ((row[0], row[3]) for row in rows))]
    return [*opening, stage_diagram(graph, stage), table(("table", "reads", "seeds", "read by"), rows)]


def _names(graph: StageGraph, keys: Iterable[str]) -> list[str]:
    return [code(graph.tables[key].name) for key in keys]


def _seeds(graph: StageGraph) -> str:
    readers: dict[str, list[str]] = {}
    for key in graph.by_name(graph.tables):
        for seed in graph.tables[key].seeds:
            readers.setdefault(seed, []).append(key)
    return table(
        ("seed", "read by"),
        ((code(seed), ", ".join(_names(graph, readers[seed]))) for seed in sorted(readers)),
    )
