"""What Dagster loads: a readable snapshot of assets, dependencies, groups and gates.

After a wanted change: `LEAGUE_UPDATE_SNAPSHOT=1 pytest tests/integration/test_asset_graph.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.assets.deliveries import DELIVERIES
from dagster_project.assets.partitions import PARTITIONS
from dagster_project.assets.publication import PUBLICATION
from dagster_project.assets.quarterly_run_resource import op_of
from dagster_project.catalogue.catalogue import reader_names
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.runs import flow

OF_ALL_QUARTERS = {dg.AssetKey(PUBLICATION), *DELIVERIES}
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
    for key in sorted(graph.asset_check_keys, key=lambda key: (key.name, key.asset_key)):
        spec = graph.get_check_spec(key)
        kind = "gate" if spec.blocking else "check"
        lines.append(f"{kind} {key.name} of {key.asset_key.to_user_string()}, blocking: {spec.blocking}")
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
        assert node.partitions_def == (None if node.key in OF_ALL_QUARTERS else PARTITIONS), node.key


def test_each_gate_stands_before_the_stage_behind_it(definitions: dg.Definitions) -> None:
    """The release is downstream of all three judged assets, so that a closed gate holds it back."""
    graph = definitions.resolve_asset_graph()
    upstream = graph.get_ancestor_asset_keys(dg.AssetKey(["releases", "release"]))
    judged = {key.asset_key for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert len(judged) == 3
    assert judged <= upstream


def test_each_step_of_the_flow_is_one_step_of_the_job_that_a_run_of_a_part_is_known_by(
    definitions: dg.Definitions,
) -> None:
    job = definitions.resolve_job_def("quarterly_league_tables")
    others = {node.name for node in job.graph.nodes} - {op_of(step) for step in flow.steps()}
    assert {op_of(step) for step in flow.steps()} <= {node.name for node in job.graph.nodes}
    # The one other checks columns.
    assert len(others) == 1


def test_each_stage_has_an_asset_to_be_chosen_by_and_none_that_only_the_stage_itself_reads(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    stage_of = {
        key: assets.op.name
        for assets in definitions.resolve_asset_graph().assets_defs
        if assets.keys
        for key in assets.keys
        if key not in OF_ALL_QUARTERS
    }
    assert {op_of(stage) for stage in flow.FLOW} == set(stage_of.values())
    steps = ("measure", "score", "likely_ranges")
    for node in graph.asset_nodes:
        if stage_of.get(node.key) in steps and node.key.path[0] not in ("league", "likely_ranges"):
            assert {stage_of.get(child) for child in node.child_keys} - {stage_of[node.key]}, node.key


def test_every_table_hangs_on_the_sources_it_is_read_from(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    sources = {node.key: node for node in graph.asset_nodes if node.key.path[0] == "sources"}
    assert {key.path[1] for key in sources} == set(reader_names())

    def behind(*path: str) -> set[str]:
        return {key.path[1] for key in graph.get_ancestor_asset_keys(dg.AssetKey(path)) & sources.keys()}

    assert behind("landing", "organisation_reference") == {"icb_names", "ods_trusts"}
    assert behind("landing", "extract_row") == {"nof_data", "nof_league_table"}
    assert "rtt_waiting_times" in behind("statistics", "computed_metric_value")
    lists = {"icb_names", "ods_trusts"}
    assert behind("league", "league_table") == {key.path[1] for key in sources} - lists
    assert lists <= behind("league", "organisation")
    for key, node in sources.items():
        assert node.tags["publisher"], key
        # Those without a rhythm are never overdue.
        assert (node.freshness_policy is None) == (key.path[1] in ("icb_names", "ods_trusts")), key


def test_descriptions_are_words_and_the_sql_is_a_reference_to_its_file(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for node in graph.asset_nodes:
        assert "{{" not in (node.description or ""), node.key
        assert "select " not in (node.description or ""), node.key
        if "dbt" in node.kinds:
            code = node.metadata["dagster/code_references"].code_references
            assert Path(code[0].file_path).is_file(), node.key
    dictionary = graph.get(dg.AssetKey(["league", "league_table"])).metadata["dagster/code_references"]
    page = dictionary.code_references[1]
    assert Path(page.file_path).read_text("utf-8").splitlines()[page.line_number - 1] == "### league_table"


def test_columns_of_released_tables_are_checked_against_the_run_before_without_holding_a_release_up(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    checked = {key.asset_key for key in graph.asset_check_keys if not graph.get_check_spec(key).blocking}
    released = {dg.AssetKey(["league", table.name]) for table in RELEASED_TABLES}
    # What gates found is written as the release is.
    assert released - checked == {dg.AssetKey(["league", "quality_result"])}
