"""Which tables are made from which: the models and sources of dbt's manifest as a graph, by stage of the flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from dagster_project.documents.sources import DocumentSources, Node, name_in_warehouse

# What readers put in from the publishers' files (warehouse/landing.py); every other source is the run's own record.
LANDING, RUN_RECORDS = "landing", "run_records"
# What every model reads to know which quarters are built: an arrow from it to each box would say nothing.
_READ_BY_ALL = ("run", "quarter_in_scope")


@dataclass(frozen=True)
class Table:
    """A source or a model, with its stage (the folder of its model) and the seeds that it reads."""

    name: str
    stage: str
    seeds: tuple[str, ...]
    is_mart: bool


@dataclass(frozen=True)
class StageGraph:
    """Tables by dbt's unique id, and the ids that each reads. No table reads itself, however indirectly."""

    tables: Mapping[str, Table]
    reads: Mapping[str, tuple[str, ...]]

    @cached_property
    def stages(self) -> list[str]:
        """Stages in the order of the flow: each after those it reads, as far as they don't read each other.

        Where several could come next, that one does whose tables have fewer before them.
        """
        left = sorted(
            {table.stage for table in self.tables.values()}, key=lambda name: (self._depth(name), name)
        )
        ordered: list[str] = []
        while left:
            ready = [name for name in left if not self._read_by_stage(name).intersection(left) - {name}]
            ordered.append((ready or left)[0])
            left.remove(ordered[-1])
        return ordered

    def of_stage(self, stage: str) -> list[str]:
        """The tables of a stage by name, as ids."""
        return self.by_name(key for key, table in self.tables.items() if table.stage == stage)

    def stage_reads(self, stage: str) -> list[str]:
        """The other stages that a stage reads directly, in the order of the flow."""
        read = self._read_by_stage(stage) - {stage}
        return [name for name in self.stages if name in read]

    def read_by(self, unique_id: str) -> list[str]:
        """The tables that read one directly, by name."""
        return self.by_name(key for key, sources in self.reads.items() if unique_id in sources)

    def upstream(self, unique_id: str) -> set[str]:
        """All that a table rests on, without itself."""
        found: set[str] = set()
        waiting = [unique_id]
        while waiting:
            for source in self.reads[waiting.pop()]:
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return found

    def by_name(self, keys: Iterable[str]) -> list[str]:
        """Ids in the order of their tables' names."""
        return sorted(keys, key=lambda key: (self.tables[key].name, key))

    def _read_by_stage(self, stage: str) -> set[str]:
        return {
            self.tables[source].stage
            for key, sources in self.reads.items()
            if self.tables[key].stage == stage
            for source in sources
        }

    def _depth(self, stage: str) -> int:
        """The longest way, in tables, from a source into this stage."""
        return max(self._depths[key] for key, table in self.tables.items() if table.stage == stage)

    @cached_property
    def _depths(self) -> dict[str, int]:
        depths: dict[str, int] = {}

        def depth(key: str) -> int:
            if key not in depths:
                depths[key] = 1 + max((depth(source) for source in self.reads[key]), default=0)
            return depths[key]

        for key in self.reads:
            depth(key)
        return depths


def stage_graph(sources: DocumentSources) -> StageGraph:
    """The graph of all models and of the tables that dbt finds there before it builds."""
    models = {str(node["unique_id"]): node for node in sources.nodes("model")}
    found = {
        str(node["unique_id"]): node
        for node in sources.sources
        if (node["schema"], node["name"]) != _READ_BY_ALL
    }
    tables = {
        key: _table(node, LANDING if node["source_name"] == LANDING else RUN_RECORDS)
        for key, node in found.items()
    }
    tables |= {key: _table(node, "/".join(node["fqn"][1:-1])) for key, node in models.items()}
    reads = dict.fromkeys(found, ()) | {
        key: tuple(sorted(source for source in node["depends_on"]["nodes"] if source in tables))
        for key, node in models.items()
    }
    return StageGraph(tables, reads)


def _table(node: Node, stage: str) -> Table:
    depends = node.get("depends_on", {}).get("nodes", [])
    return Table(
        name=name_in_warehouse(node),
        stage=stage,
        seeds=tuple(sorted(key.rsplit(".", 1)[-1] for key in depends if key.startswith("seed."))),
        is_mart=bool(node["config"].get("contract", {}).get("enforced")),
    )
