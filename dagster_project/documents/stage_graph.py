"""Which tables are made from which: the models and landed tables of dbt's manifest as a graph in stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dagster_project.documents.sources import DocumentSources, Node, name_in_warehouse

# What every model reads to know which quarters are built: an arrow from it to each box would say nothing.
_READ_BY_ALL = ("run", "quarter_in_scope")


@dataclass(frozen=True)
class Table:
    """One box: a landed table or a model, with its stage and the seeds that it reads."""

    name: str
    stage: str
    seeds: tuple[str, ...]
    is_mart: bool
    says: str


@dataclass(frozen=True)
class StageGraph:
    """Tables by dbt's unique id, and the ids that each reads. No table reads itself, however indirectly.

    `whole` is the graph that this one is a part of: a part keeps the order of its stages.
    """

    tables: Mapping[str, Table]
    reads: Mapping[str, tuple[str, ...]]
    whole: StageGraph | None = None

    @cached_property
    def stages(self) -> list[tuple[str, ...]]:
        """Stages in the order of the flow; stages that read each other share a place.

        Of stages that wait for the same ones, that comes first whose tables have fewer before them.
        """
        names = sorted({table.stage for table in self.tables.values()})
        if self.whole is not None:
            kept = [tuple(name for name in group if name in names) for group in self.whole.stages]
            return [group for group in kept if group]
        reached = {name: self._stages_behind(name, set()) for name in names}
        together = {
            name: tuple(
                other
                for other in names
                if other == name or (other in reached[name] and name in reached[other])
            )
            for name in names
        }
        ordered: list[tuple[str, ...]] = []
        left = dict.fromkeys(together.values())
        while left:
            ready = [
                group
                for group in left
                if not any(
                    reads in other
                    for name in group
                    for reads in reached[name]
                    for other in left
                    if other != group
                )
            ]
            for group in sorted(ready, key=lambda names: (self._depth(names), names)):
                ordered.append(group)
                del left[group]
        return ordered

    def stage_reads(self, stage: str) -> list[str]:
        """The other stages that a stage reads directly, in the order of the flow."""
        read = {
            self.tables[source].stage
            for unique_id, sources in self.reads.items()
            if self.tables[unique_id].stage == stage
            for source in sources
        }
        return [name for group in self.stages for name in group if name in read and name != stage]

    def upstream(self, unique_id: str) -> StageGraph:
        """The part of the graph that a table rests on, with itself."""
        found = {unique_id}
        waiting = [unique_id]
        while waiting:
            for source in self.reads[waiting.pop()]:
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return StageGraph(
            {key: table for key, table in self.tables.items() if key in found},
            {key: sources for key, sources in self.reads.items() if key in found},
            self,
        )

    def layers(self) -> dict[str, int]:
        """The layer of each table, from 0: behind all that it reads and behind every earlier stage."""
        layers: dict[str, int] = {}
        start = 0
        for group in self.stages:
            members = [key for key, table in self.tables.items() if table.stage in group]
            for key in self._in_order(members):
                layers[key] = max([start, *(layers[source] + 1 for source in self.reads[key])])
            start = 1 + max(layers.values(), default=-1)
        return layers

    def _depth(self, stages: Sequence[str]) -> int:
        """The longest way, in tables, from a landed one into these stages."""
        depth: dict[str, int] = {}
        for key in self._in_order(list(self.tables)):
            depth[key] = 1 + max((depth[source] for source in self.reads[key]), default=0)
        return max(depth[key] for key, table in self.tables.items() if table.stage in stages)

    def _in_order(self, members: Sequence[str]) -> Iterable[str]:
        """Members of a stage, each after those that it reads."""
        done: dict[str, None] = {}

        def visit(key: str) -> None:
            if key not in done:
                for source in self.reads[key]:
                    if source in members:
                        visit(source)
                done[key] = None

        for key in members:
            visit(key)
        return done

    def _stages_behind(self, stage: str, seen: set[str]) -> set[str]:
        for key, sources in self.reads.items():
            if self.tables[key].stage == stage:
                for source in sources:
                    name = self.tables[source].stage
                    if name != stage and name not in seen:
                        seen.add(name)
                        self._stages_behind(name, seen)
        return seen


def stage_graph(sources: DocumentSources) -> StageGraph:
    """The graph of all models and of the landed tables that they read; a model's stage is its folder."""
    models = {str(node["unique_id"]): node for node in sources.nodes("model")}
    landed = {
        str(node["unique_id"]): node
        for node in sources.sources
        if (node["schema"], node["name"]) != _READ_BY_ALL
        and any(node["unique_id"] in model["depends_on"]["nodes"] for model in models.values())
    }
    tables = {key: _table(node, str(node["source_name"])) for key, node in landed.items()}
    tables |= {key: _table(node, str(node["fqn"][1])) for key, node in models.items()}
    reads = {
        key: tuple(sorted(source for source in _depends_on(nodes[key]) if source in tables))
        for nodes in (landed, models)
        for key in nodes
    }
    return StageGraph(tables, reads)


def _depends_on(node: Node) -> list[str]:
    """What dbt says a model reads; a landed table reads nothing that dbt knows of."""
    depends = node.get("depends_on")
    return list(depends["nodes"]) if depends else []


def _table(node: Node, stage: str) -> Table:
    seeds = {unique_id.rsplit(".", 1)[-1] for unique_id in _depends_on(node) if unique_id.startswith("seed.")}
    return Table(
        name=name_in_warehouse(node),
        stage=stage,
        seeds=tuple(sorted(seeds)),
        is_mart=bool(node["config"].get("contract", {}).get("enforced")),
        says=str(node["description"]),
    )
