"""What the documents are made from: dbt's manifest, the seeds' rows and the suites of expectations."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster_project.errors import LeagueError
from dagster_project.methodology.rule_set import Row, RuleSet
from dagster_project.settings import DBT_PROJECT_DIR, EXPECTATIONS_DIR

Node = Mapping[str, Any]


@dataclass(frozen=True)
class DocumentSources:
    """Everything that a document may say: change one of these and a document changes."""

    manifest: Mapping[str, Any]
    rules: RuleSet
    reference_dir: Path = field(default=DBT_PROJECT_DIR / "seeds" / "reference")
    expectations_dir: Path = field(default=EXPECTATIONS_DIR)

    def nodes(self, kind: str) -> list[Node]:
        """The project's own nodes of a resource type, by name."""
        own = self.manifest["metadata"]["project_name"]
        found = self.manifest["nodes"].values()
        return sorted(
            (node for node in found if node["resource_type"] == kind and node["package_name"] == own),
            key=lambda node: (str(node["name"]), str(node["unique_id"])),
        )

    @property
    def marts(self) -> list[Node]:
        """Models whose columns are a contract, by their name in the warehouse."""
        marts = (node for node in self.nodes("model") if node["config"]["contract"]["enforced"])
        return sorted(marts, key=name_in_warehouse)

    @property
    def sources(self) -> list[Node]:
        """Tables that dbt reads or knows of and doesn't build, by schema and name."""
        found = self.manifest["sources"].values()
        return sorted(found, key=lambda node: (str(node["schema"]), str(node["name"])))

    def tests(self, node: Node) -> list[Node]:
        """dbt's data tests that read a model, by name."""
        return self._tests_by_node.get(str(node["unique_id"]), [])

    @cached_property
    def _tests_by_node(self) -> dict[str, list[Node]]:
        tests: dict[str, list[Node]] = {}
        for test in self.nodes("test"):
            for unique_id in test["depends_on"]["nodes"]:
                tests.setdefault(unique_id, []).append(test)
        return tests

    def reference_rows(self) -> dict[str, list[Row]]:
        """The rows of each reference seed, by its name."""
        return {
            file.stem: list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
            for file in sorted(self.reference_dir.glob("*.csv"))
        }

    def seed_description(self, seed: str) -> str:
        """What dbt's YAML says of a seed. Raises LeagueError where it says nothing."""
        said = str(self._seed(seed)["description"])
        if not said:
            raise LeagueError(f"seed {seed}: expected a description in its YAML; found none. Add one.")
        return said

    def _seed(self, seed: str) -> Node:
        for node in self.nodes("seed"):
            if node["name"] == seed:
                return node
        raise LeagueError(f"seed {seed}: expected it among dbt's seeds; found none of that name.")


def name_in_warehouse(node: Node) -> str:
    """The table's name as people query it."""
    return str(node.get("alias") or node["name"])
