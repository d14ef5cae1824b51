"""The lineage page and its diagrams: from the publishers' files to each mart, as pictures and as text."""

from __future__ import annotations

from dagster_project.catalogue.catalogue import load_catalogue
from dagster_project.documents.diagrams import mart_diagram, overview
from dagster_project.documents.markdown import code, heading, page, table
from dagster_project.documents.sources import DocumentSources
from dagster_project.documents.stage_graph import StageGraph, stage_graph

# The stage whose tables are the last that each gate needs before it judges (runs/through_gates.py).
_GATES = {
    "landing": "extracts",
    "metrics": "metrics",
    "league_tables": "league_tables",
    "audit": "league_tables",
}
_INTRO = """\
Arrows run from what is read to what is made of it. A small line beginning with + in a box names the seeds (rules and
reference rows) that the table reads; every table also reads `run.quarter_in_scope`, the quarters that the run builds,
which is left out. A mart has a thick border: its columns are a contract, described in the
[data dictionary](data-dictionary.md). From a single figure back to its file and line leads the released table
`lineage`."""


def lineage_documents(sources: DocumentSources) -> dict[str, str]:
    """The page and its SVG files, by path below the folder of documents."""
    graph = stage_graph(sources)
    files = [source.name for source in load_catalogue().sources.values() if source.reader]
    marts = sorted((t.name, key) for key, t in graph.tables.items() if t.is_mart)
    documents = {"lineage/overview.svg": overview(graph, files, _GATES)}
    documents |= {f"lineage/{name}.svg": mart_diagram(graph, key) for name, key in marts}
    documents["lineage.md"] = page(
        heading(1, "Lineage"),
        _INTRO,
        heading(2, "All tables by stage"),
        "![All tables by stage](lineage/overview.svg)",
        _stages(graph),
        *(block for name, key in marts for block in _mart(graph, name, key)),
    )
    return documents


def _stages(graph: StageGraph) -> str:
    rows = []
    for group in graph.stages:
        for stage in group:
            names = sorted(t.name for t in graph.tables.values() if t.stage == stage)
            reads = ", ".join(name.replace("_", " ") for name in graph.stage_reads(stage))
            rows.append(
                (stage.replace("_", " "), ", ".join(map(code, names)), reads or "the publishers' files")
            )
    return table(("stage", "tables", "reads"), rows)


def _mart(graph: StageGraph, name: str, key: str) -> list[str]:
    part = graph.upstream(key)
    direct = [code(part.tables[source].name) for source in part.reads[key]]
    direct += [f"{code(seed)} (seed)" for seed in part.tables[key].seeds]
    landed = sorted(part.tables[k].name for k, sources in part.reads.items() if not sources and k != key)
    seeds = sorted({seed for t in part.tables.values() for seed in t.seeds})
    return [
        heading(2, name),
        f"Reads {', '.join(direct) or 'seeds only, those of the rules'}."
        + (f" Begins at {', '.join(map(code, landed))}." if landed else "")
        + (f" Rests on the seeds {', '.join(map(code, seeds))}." if seeds else ""),
        f"![What {name} is made from](lineage/{name}.svg)",
    ]
