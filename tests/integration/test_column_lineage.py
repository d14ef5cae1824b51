"""Column lineage of the project itself: every released column, a few worked by hand, Dagster's view, the verb."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout_copy import copy_checkout
from league_command import environment_of, league

from dagster_project.assets.shown_steps import internal_steps
from dagster_project.extracts.source import source_records
from dagster_project.lineage.column_lineage import ColumnLineage, Trace, table_name
from dagster_project.lineage.derivation import derived
from dagster_project.lineage.influence import Column
from dagster_project.lineage.of_project import KEPT, lineage_of
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_SCHEMA, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject, checkout_project
from dagster_project.warehouse.quality import QUALITY_COLUMNS

APART_FROM_RUNS = ("scenario", "scenario_input", "released", "official", "record_level", "records")


@pytest.fixture(scope="module")
def project(small_release: DataFolder) -> DbtProject:
    return checkout_project(small_release)


@pytest.fixture(scope="module")
def lineage(project: DbtProject) -> ColumnLineage:
    return lineage_of(project)


def traced(lineage: ColumnLineage, text: str) -> Trace:
    table, column = lineage.named(text)
    assert column is not None
    return lineage.trace(Column(table, column))


def sources(trace: Trace, *, direct: bool) -> set[str]:
    return {str(column) for column, end in trace.ends.items() if end.is_direct == direct}


def contracts(project: DbtProject) -> Iterator[tuple[str, list[str]]]:
    """Every released table with the columns of its contract."""
    by_name = {
        table_name(node): node
        for node in project.manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    for table in RELEASED_TABLES:
        name = f"{WAREHOUSE_SCHEMA}.{table.name}"
        yield name, list(by_name[name]["columns"] if name in by_name else QUALITY_COLUMNS)


def test_every_released_column_ends_in_source_columns_or_stated_constants(
    project: DbtProject, lineage: ColumnLineage
) -> None:
    seen = 0
    for table, columns in contracts(project):
        assert list(lineage.tables[table].columns) == columns, table
        for column in columns:
            trace = lineage.trace(Column(table, column))
            assert trace.ends or trace.constants, f"{table}.{column} comes from nowhere"
            assert all(source.table in lineage.sources for source in trace.ends), f"{table}.{column}"
            assert all(
                source.name == "*" or source.name in lineage.sources[source.table] for source in trace.ends
            ), f"{table}.{column}"
            seen += 1
    assert seen > 150


def test_every_model_has_the_columns_that_dbt_builds(
    lineage: ColumnLineage, small_release: DataFolder
) -> None:
    import duckdb

    with duckdb.connect(str(small_release.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select schema_name || '.' || table_name, list(column_name order by column_index) "
            "from duckdb_columns() where not internal group by all"
        ).fetchall()
    built = dict(rows)
    found = {name: list(table.columns) for name, table in lineage.tables.items()} | {
        name: list(columns) for name, columns in lineage.sources.items()
    }
    # Scenarios and counts of patient-level rows are built in warehouses of their own.
    of_runs = {name: columns for name, columns in found.items() if name.split(".")[0] not in APART_FROM_RUNS}
    assert len(of_runs) > 100
    assert {name: built[name] for name in of_runs} == of_runs


def test_a_rank_is_decided_by_values_published_ranks_and_rules(lineage: ColumnLineage) -> None:
    rank = traced(lineage, "league_table.rank")
    assert sources(rank, direct=True) == set()
    assert {
        "landing.extract_row.value",
        "landing.extract_row.published_rank",
        "methodology.metric_rule.standard",
        "methodology.metric.weight_numerator",
        "methodology.segment_boundary.quantile",
    } <= sources(rank, direct=False)
    words = {one.subtype for end in rank.ends.values() for one in end.influences}
    assert words == {"WINDOW"}


def test_a_weight_is_made_of_the_rules_alone(lineage: ColumnLineage) -> None:
    weight = traced(lineage, "metric_score.weight")
    assert {str(column) for column in weight.ends} == {
        "methodology.metric.weight_numerator",
        "methodology.metric.weight_denominator",
    }
    numerator = weight.ends[Column("methodology.metric", "weight_numerator")]
    assert [str(passed) for passed in numerator.path] == [
        "scoring.metric_score_exact.weight_numerator",
        "methodology.metric.weight_numerator",
    ]


def test_an_average_is_made_of_values_and_scores_of_the_rules(lineage: ColumnLineage) -> None:
    average = traced(lineage, "league_table.average_metric_score")
    made_of = sources(average, direct=True)
    assert {"methodology.metric_rule.score_best", "methodology.rule_band.score"} <= made_of
    assert "landing.extract_row.region" not in made_of | sources(average, direct=False)
    assert "methodology.metric_rule.standard" in sources(average, direct=False)


def test_a_domain_table_s_own_tables_are_the_table_filtered(lineage: ColumnLineage) -> None:
    one = traced(lineage, "league_table_acute.region")
    assert sources(one, direct=True) == {"landing.extract_row.region"}
    assert Column("league.league_table", "table_name") in lineage.tables["league.league_table_acute"].rows


def test_an_alias_and_a_loop_over_rule_tables_are_resolved(lineage: ColumnLineage) -> None:
    name = traced(lineage, "metric.metric_name")
    assert sources(name, direct=True) == {"methodology.metric.metric_name"}
    table = traced(lineage, "framework_rule.rule_table")
    assert {"'metric'", "'rule_band'", "'segment_boundary'"} <= table.constants
    value = traced(lineage, "framework_rule.rule_value")
    assert {"methodology.metric.better", "methodology.enters_at_dp.enters_at_dp"} <= sources(
        value, direct=True
    )


def test_what_a_gate_found_rests_on_what_it_judged(lineage: ColumnLineage) -> None:
    success = traced(lineage, "quality_result.success")
    assert {"landing.extract_row.value", "landing.extract_row.unit"} <= sources(success, direct=True)
    assert traced(lineage, "quality_result.gate").constants == {"'as stated in expectations/'"}


def test_lineage_is_kept_beside_the_parsed_project_and_made_anew_when_its_makers_change(
    project: DbtProject, lineage: ColumnLineage
) -> None:
    kept = project.parsed_folder / KEPT
    content = json.loads(kept.read_bytes())
    assert content["tables"].keys() == lineage.tables.keys()
    kept.write_text(json.dumps({**content, "made_by": "another sqlglot", "tables": {}}), "utf-8")
    assert lineage_of(project) == lineage
    assert json.loads(kept.read_bytes()) == content


def test_a_source_that_no_reader_lands_must_list_its_columns(tmp_path: Path) -> None:
    from dagster_project.errors import LeagueError

    folder = tmp_path / "dbt"
    shutil.copytree(DBT_PROJECT_DIR, folder, ignore=shutil.ignore_patterns("target", "logs", ".user.yml"))
    sources_file = folder / "models" / "staging" / "_sources.yml"
    declared = sources_file.read_text("utf-8")
    sources_file.write_text(declared.replace("- name: revision", "- name: elsewhere"), "utf-8")
    with pytest.raises(LeagueError, match=r"the columns of landing\.elsewhere"):
        derived(DbtProject(folder, tmp_path / "parsed"))


ASKED = """
{ assetNodes {
    assetKey { path }
    metadataEntries { ...columns }
    assetMaterializations(limit: 1) { metadataEntries { ...columns } } } }
fragment columns on MetadataEntry {
    label
    ... on TableColumnLineageMetadataEntry {
        lineage { columnName columnDeps { assetKey { path } columnName } } } }
"""
Shown = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def web_server(small_release: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shown, Shown]:
    """By asset and column, the columns it depends on, as GraphQL answers: of definitions, of materialisations."""
    program = Path(sys.executable).with_name("dagster-graphql")
    answer = tmp_path_factory.mktemp("web-server") / "answer.json"
    subprocess.run(
        [program, "-m", "dagster_project.definitions", "-t", ASKED, "-o", answer],
        env=os.environ | environment_of(small_release),
        capture_output=True,
        check=True,
    )
    nodes = json.loads(answer.read_bytes())["data"]["assetNodes"]
    defined = {key(node): columns_of(node["metadataEntries"]) for node in nodes}
    made = {
        key(node): columns_of(materialised["metadataEntries"])
        for node in nodes
        for materialised in node["assetMaterializations"]
    }
    return defined, made


def key(asset: dict[str, list[str]]) -> str:
    return ".".join(asset["path"] if "path" in asset else asset["assetKey"]["path"])  # type: ignore[call-overload]


def columns_of(entries: list[dict[str, object]]) -> dict[str, set[str]]:
    return {
        column["columnName"]: {
            f"{key(dependency['assetKey'])}.{dependency['columnName']}" for dependency in column["columnDeps"]
        }
        for entry in entries
        if entry["label"] == "dagster/column_lineage"
        for column in entry["lineage"]  # type: ignore[attr-defined]
    }


def test_the_web_server_shows_the_columns_of_every_model_before_and_after_it_is_built(
    web_server: tuple[Shown, Shown], lineage: ColumnLineage, project: DbtProject
) -> None:
    defined, made = web_server
    steps = internal_steps(project.manifest)
    models = {
        unique_id: table_name(node)
        for unique_id, node in project.manifest["nodes"].items()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] != "ephemeral"
        and node["schema"] not in APART_FROM_RUNS
    }
    assert not {table for unique_id, table in models.items() if unique_id in steps} & defined.keys()
    for table in {models[unique_id] for unique_id in models.keys() - steps}:
        assert set(defined[table]) == set(lineage.tables[table].columns), table
        assert made[table] == defined[table], table
    assert defined["scoring.league_rank"]["rank"] == {
        "scoring.average_metric_score.average_metric_score",
        "scoring.average_metric_score.quarter",
        "scoring.average_metric_score.table_name",
        "scoring.final_segment.adjusted_segment",
    }
    assert defined["league.framework_rule"]["rule_table"] == set()


def test_the_web_server_shows_landed_figures_as_the_publisher_s_columns(
    web_server: tuple[Shown, Shown],
) -> None:
    defined, made = web_server
    assert defined["landing.extract_row"] == made["landing.extract_row"]
    assert defined["landing.extract_row"]["unit"] == {"sources.nof_data.Units"}
    # Through a step that isn't an asset, to what the step is made from.
    assert "metrics.published_figure.value" in defined["scoring.final_segment"]["financial_override"]


def test_every_column_that_the_web_server_names_is_a_column_of_an_asset(
    web_server: tuple[Shown, Shown], lineage: ColumnLineage
) -> None:
    defined, _ = web_server
    for table, columns in defined.items():
        if table not in lineage.tables:
            continue
        for dependency in set().union(*columns.values()):
            origin, column = dependency.rsplit(".", 1)
            assert origin in defined
            known = lineage.sources.get(origin) or list(lineage.tables[origin].columns)
            assert column in known


def test_the_verb_answers_with_sources_paths_and_the_publisher_s_columns(small_release: DataFolder) -> None:
    ended = league("lineage", "metric_score.value", "--json", data=small_release)
    assert ended.code == 0, ended.err
    (column,) = ended.answer["columns"]
    assert ended.answer["table"] == "league.metric_score"
    (source,) = (found for found in column["sources"] if found["direct"])
    assert (source["table"], source["column"]) == ("landing.extract_row", "value")
    assert source["path"][0] == "metrics.metric_value.value"
    assert source["published_as"] == {"nof_data": ["Value"]}
    shown = league("lineage", "metric_score.value", data=small_release)
    assert "landing.extract_row.value" in shown.out
    assert "read from Value of nof_data files" in shown.out
    assert "NHS Oversight Framework data (nof_data, NHS England)\n      column: Value" in shown.out


def test_each_statistic_s_counts_are_led_to_columns_of_the_publisher(small_release: DataFolder) -> None:
    ended = league("lineage", "league_table.average_metric_score", "--json", data=small_release)
    assert ended.code == 0, ended.err
    headings = {
        source: names
        for found in ended.answer["columns"][0]["sources"]
        for source, names in found["published_as"].items()
        if found["table"] == "landing.statistic_row"
    }
    statistics = {record.name for record in source_records() if record.kind == "statistic"}
    assert headings.keys() == statistics
    assert headings["ambulance_systems"] == ["A10", "A30"]
    assert not [name for names in headings.values() for name in names if "landing." in name]
    assert {file["publisher"] for file in ended.answer["files"].values()} >= {"NHS England"}


def test_the_verb_shows_all_columns_of_a_table_and_takes_other_schemas(small_release: DataFolder) -> None:
    ended = league("lineage", "league_table", data=small_release)
    assert ended.code == 0, ended.err
    assert "adjusted_segment" in ended.out
    seed = league("lineage", "methodology.metric.weight_numerator", "--json", data=small_release)
    assert seed.answer["columns"][0]["sources"][0]["table"] == "methodology.metric"


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("league_tabel", "league_table"),
        ("league_table.rnak", "rank"),
        ("scoring.league_rnk.rank", "league_rank"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_ones(
    asked: str, suggested: str, small_release: DataFolder
) -> None:
    ended = league("lineage", asked, data=small_release)
    assert ended.code == 2
    assert "Did you mean" in ended.err
    assert suggested in ended.err


def test_set_up_leaves_the_parsed_project_and_its_lineage_to_every_data_folder(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    in_it = os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-m", "dagster_project.lineage"], env=in_it, cwd=tmp_path, check=True)
    project = DbtProject(checkout / "dbt", tmp_path / "data" / "dbt", checkout / "build" / "dbt")
    found = project.parsed_folder
    assert {path.name for path in found.iterdir()} == {
        *("manifest.json", "partial_parse.msgpack", "sums.json")
    }, "copied: where dbt parses it leaves its log too"
    assert project.shared_folder is not None
    made_in_set_up = (project.shared_folder / KEPT).read_bytes()
    lineage_of(project)
    assert (found / KEPT).read_bytes() == made_in_set_up
