"""What Dagster loads: a readable snapshot of assets, dependencies, groups and gates.

After a wanted change: `LEAGUE_UPDATE_SNAPSHOT=1 pytest tests/integration/test_asset_graph.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.assets.partitions import PARTITIONS

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LEAGUE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        from dagster_project.definitions import defs

        return defs


def described(definitions: dg.Definitions) -> str:
    """Assets by group, each with what it is made from; then the gates."""
    graph = definitions.resolve_asset_graph()
    lines = []
    for group in sorted({node.group_name or "" for node in graph.asset_nodes}):
        lines.append(f"group {group}")
        for node in sorted(graph.asset_nodes, key=lambda node: node.key):
            if node.group_name == group:
                lines.append(f"  {node.key.to_user_string()}")
                lines += [f"    <- {parent.to_user_string()}" for parent in sorted(node.parent_keys)]
    for key in sorted(graph.asset_check_keys, key=lambda key: key.name):
        spec = graph.get_check_spec(key)
        lines.append(f"gate {key.name} of {key.asset_key.to_user_string()}, blocking: {spec.blocking}")
        also = sorted(dependency.asset_key.to_user_string() for dependency in spec.additional_deps)
        lines += [f"    <- {name}" for name in also]
    for job in sorted(definitions.resolve_all_job_defs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            lines.append(f"job {job.name}, executor {job.executor_def.name}")
    return "\n".join(lines) + "\n"


def test_the_asset_graph_is_as_in_the_snapshot(definitions: dg.Definitions) -> None:
    found = described(definitions)
    if os.environ.get("LEAGUE_UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(found, "utf-8")
    assert found == SNAPSHOT.read_text("utf-8")


def test_definitions_are_sound(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_asset_has_owner_kinds_description_and_the_quarters_as_partitions(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    for node in graph.asset_nodes:
        assert node.owners == ["team:league-tables"], node.key
        assert node.kinds, node.key
        assert node.description, node.key
        assert node.partitions_def == PARTITIONS, node.key


def test_each_gate_stands_before_the_stage_behind_it(definitions: dg.Definitions) -> None:
    """The release is downstream of all three judged assets, so that a closed gate holds it back."""
    graph = definitions.resolve_asset_graph()
    upstream = graph.get_ancestor_asset_keys(dg.AssetKey(["releases", "release"]))
    judged = {key.asset_key for key in graph.asset_check_keys}
    assert len(judged) == 3
    assert judged <= upstream
    assert all(graph.get_check_spec(key).blocking for key in graph.asset_check_keys)
