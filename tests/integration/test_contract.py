"""The contract with consumers: what it says, what a change of it asks for, and that releases keep it."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from shared_folders import SAMPLE_QUARTERS, NewData

from dagster_project.contract import odcs
from dagster_project.contract.compatibility import REFUSED, Change, changes
from dagster_project.contract.contract import (
    CHANGELOG,
    contract_text,
    fingerprint,
    refuse_contract_drift,
    versions,
    write_contract,
)
from dagster_project.contract.odcs import Document, contract_document, custom
from dagster_project.documents.sources import DocumentSources
from dagster_project.errors import InputMissing, LeagueError
from dagster_project.methodology.rule_set import RuleSet
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import CONTRACT_FILE, DBT_PROJECT_DIR, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject
from dagster_project.warehouse.descriptions import UNITS

MODEL = "model.nhs_league_tables.domain_score"
LATER = date(2027, 1, 1)

Mutation = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def sources(new_data: NewData, tmp_path_factory: pytest.TempPathFactory) -> DocumentSources:
    data = new_data(tmp_path_factory.mktemp("contract") / "data")
    return DocumentSources(DbtProject(DBT_PROJECT_DIR, data.root / "dbt").manifest, RuleSet({}))


@pytest.fixture(scope="module")
def document(sources: DocumentSources) -> Document:
    return contract_document(sources, "1.0.0")


@dataclass(frozen=True)
class Files:
    """A contract and its changelog in a folder of their own, as the checkout has them."""

    contract: Path
    changelog: Path

    def declare(self, number: str, *lines: str, day: date = LATER) -> None:
        text = self.changelog.read_text("utf-8")
        head, _, rest = text.partition("\n## ")
        section = "\n".join([f"## {number} ({day})", "", *lines])
        self.changelog.write_text(f"{head}\n{section}\n\n## {rest}", "utf-8")

    def write(self, sources: DocumentSources) -> list[Change]:
        return write_contract(sources, self.contract, self.changelog)

    def check(self, sources: DocumentSources) -> None:
        refuse_contract_drift(sources, self.contract, self.changelog)

    @property
    def content(self) -> tuple[str, str]:
        return self.contract.read_text("utf-8"), self.changelog.read_text("utf-8")


@pytest.fixture
def files(sources: DocumentSources, tmp_path: Path) -> Files:
    """The contract of today as version 1.0.0."""
    made = Files(tmp_path / "contract" / CONTRACT_FILE.name, tmp_path / CHANGELOG.name)
    made.changelog.write_text("# Changelog of the contract\n\n## 1.0.0 (2026-11-27)\n\nThe first.\n", "utf-8")
    made.write(sources)
    return made


def changed(sources: DocumentSources, mutation: Mutation) -> DocumentSources:
    """The sources after a change of dbt's YAML, as its manifest has it."""
    manifest = copy.deepcopy(dict(sources.manifest))
    mutation(manifest)
    return replace(sources, manifest=manifest)


def columns(manifest: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["nodes"][MODEL]["columns"]
    return found


def rename(manifest: dict[str, Any]) -> None:
    column = columns(manifest).pop("metric_count")
    columns(manifest)["metrics_counted"] = {**column, "name": "metrics_counted"}


def remove(manifest: dict[str, Any]) -> None:
    del columns(manifest)["metric_count"]


def other_type(manifest: dict[str, Any]) -> None:
    columns(manifest)["metric_count"]["data_type"] = "bigint"


def other_unit(manifest: dict[str, Any]) -> None:
    columns(manifest)["domain_score"]["meta"] = {"unit": "share"}


def other_meaning(manifest: dict[str, Any]) -> None:
    columns(manifest)["domain_score"]["description"] = "Plain mean of the metric scores inside the domain"


def attached(manifest: dict[str, Any], name: str, column: str) -> Iterator[dict[str, Any]]:
    for test in manifest["nodes"].values():
        metadata = test.get("test_metadata") or {}
        is_such = (metadata.get("name"), test.get("column_name")) == (name, column)
        if is_such and test.get("attached_node") == MODEL:
            yield test


def may_be_empty(manifest: dict[str, Any]) -> None:
    [test] = attached(manifest, "not_null", "metric_count")
    del manifest["nodes"][test["unique_id"]]


def any_value(manifest: dict[str, Any]) -> None:
    [test] = attached(manifest, "accepted_values", "threshold_basis")
    del manifest["nodes"][test["unique_id"]]


def other_grain(manifest: dict[str, Any]) -> None:
    manifest["nodes"][MODEL]["config"]["meta"] = {"grain": ["quarter", "organisation_code"]}


def column_more(manifest: dict[str, Any]) -> None:
    columns(manifest)["note"] = {"name": "note", "data_type": "varchar", "description": "A note", "meta": {}}


def value_more(manifest: dict[str, Any]) -> None:
    [test] = attached(manifest, "accepted_values", "threshold_basis")
    test["test_metadata"]["kwargs"]["values"].append("agreed")


def ends_on(day: str) -> Mutation:
    def deprecate(manifest: dict[str, Any]) -> None:
        manifest["nodes"][MODEL]["deprecation_date"] = f"{day}T00:00:00"

    return deprecate


BREAKING = {
    "renamed": (rename, "domain_score.metric_count: the column is gone, or has another name"),
    "removed": (remove, "domain_score.metric_count: the column is gone, or has another name"),
    "type": (other_type, "domain_score.metric_count: another type: 'integer' before, 'bigint' now"),
    "unit": (other_unit, "domain_score.domain_score: another unit: 'score' before, 'share' now"),
    "may be empty": (may_be_empty, "domain_score.metric_count: it may be empty now"),
    "any value": (any_value, "domain_score.threshold_basis: any value may stand there now"),
    "grain": (other_grain, "domain_score.domain: another place in the key: 3 before, None now"),
    "too soon": (ends_on("2027-03-01"), "domain_score: its end is announced for 2027-03-01, which is sooner"),
}


def test_the_contract_is_what_dbts_yaml_gives_and_its_changelog_bears_its_fingerprint(
    sources: DocumentSources,
) -> None:
    refuse_contract_drift(sources)


@pytest.mark.parametrize("kind", BREAKING)
def test_a_change_that_breaks_a_reader_is_refused_whatever_the_changelog_says(
    kind: str, sources: DocumentSources, files: Files
) -> None:
    mutation, words = BREAKING[kind]
    files.declare("2.0.0", "- changed `domain_score`: as agreed", "- removed `domain_score`: as agreed")
    before = files.content
    for answer in (files.check, files.write):
        with pytest.raises(LeagueError) as refused:
            answer(changed(sources, mutation))
        assert "the contract with consumers would break" in str(refused.value)
        assert words in str(refused.value)
        assert "add a new version of its model" in str(refused.value)
    assert files.content == before


def test_a_table_that_goes_before_its_announced_day_is_refused(
    sources: DocumentSources, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odcs, "RELEASED_TABLES", without("domain_score"))
    files.declare("2.0.0", "- removed `domain_score`: as agreed")
    with pytest.raises(LeagueError, match="domain_score: the table is gone; it wasn't deprecated"):
        files.write(sources)


def without(name: str) -> tuple[Any, ...]:
    return tuple(table for table in RELEASED_TABLES if table.name != name)


def test_a_table_goes_in_a_major_version_once_the_day_has_come_that_was_announced_in_time(
    sources: DocumentSources, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    deprecated = changed(sources, ends_on("2027-07-31"))
    files.declare("1.1.0", "- deprecated `domain_score`: `domain_score_v2` says more")
    assert [change.kind for change in files.write(deprecated)] == ["deprecated"]
    [table] = [
        one for one in contract_document(deprecated, "1.1.0")["schema"] if one["name"] == "domain_score"
    ]
    assert table["deprecated"] is True
    assert custom(table, "deprecationDate") == "2027-07-31"

    monkeypatch.setattr(odcs, "RELEASED_TABLES", without("domain_score"))
    before = files.content
    files.declare("2.0.0", "- removed `domain_score`: as announced", day=date(2027, 7, 30))
    with pytest.raises(LeagueError, match="the table is gone; it was announced for 2027-07-31"):
        files.write(deprecated)
    files.changelog.write_text(before[1], "utf-8")
    files.declare("1.2.0", "- removed `domain_score`: as announced", day=date(2027, 7, 31))
    with pytest.raises(LeagueError, match=r"expected a new major version after 1\.1\.0"):
        files.write(deprecated)
    files.changelog.write_text(before[1], "utf-8")
    files.declare("2.0.0", "- removed `domain_score`: as announced", day=date(2027, 7, 31))
    assert [str(change) for change in files.write(deprecated)] == [
        "domain_score: gone, as announced for 2027-07-31"
    ]
    files.check(deprecated)


@pytest.mark.parametrize(
    ("mutation", "line", "number"),
    [
        (column_more, "- added `domain_score.note`: what the board asked for", "1.1.0"),
        (value_more, "- widened `domain_score.threshold_basis`: agreed cut-points", "1.1.0"),
        (other_meaning, "- reworded `domain_score.domain_score`: plainer, the same mean", "1.0.1"),
    ],
)
def test_an_addition_and_other_words_pass_once_a_version_of_the_changelog_declares_them(
    mutation: Mutation, line: str, number: str, sources: DocumentSources, files: Files
) -> None:
    after = changed(sources, mutation)
    kind, name = line.split()[1:3]
    for answer in (files.check, files.write):
        with pytest.raises(LeagueError, match="has no version after") as asked:
            answer(after)
        assert f"- {kind} {name}" in str(asked.value)
    files.declare(number, "- added `domain_score.other`: another thing")
    with pytest.raises(LeagueError, match="expected a line for each change and for nothing else"):
        files.write(after)
    files.changelog.write_text(
        files.content[1].replace("- added `domain_score.other`: another thing", line), "utf-8"
    )
    files.write(after)
    files.check(after)
    assert yaml.safe_load(files.content[0])["version"] == number


def test_a_version_that_rises_by_less_than_its_largest_change_is_refused(
    sources: DocumentSources, files: Files
) -> None:
    files.declare("1.0.1", "- added `domain_score.note`: what the board asked for")
    with pytest.raises(LeagueError, match=r"expected a new minor version after 1\.0\.0"):
        files.write(changed(sources, column_more))


def test_what_is_changed_by_hand_in_the_contract_or_its_changelog_is_named(
    sources: DocumentSources, files: Files
) -> None:
    contract, changelog = files.content
    files.contract.write_text(
        contract.replace("unit: score", "unit: rank", 1).replace("value: score", "value: rank", 1)
    )
    with pytest.raises(LeagueError, match="another unit: 'rank' before, 'score' now"):
        files.check(sources)
    files.contract.write_text(contract, "utf-8")
    found = fingerprint(contract_document(sources, "1.0.0"))
    files.changelog.write_text(changelog.replace(found, "0" * 16), "utf-8")
    with pytest.raises(LeagueError, match=f"expected the fingerprint {found}"):
        files.check(sources)
    files.changelog.write_text(changelog.replace("## 1.0.0", "## 1.0"), "utf-8")
    with pytest.raises(LeagueError, match="expected a section"):
        files.check(sources)


def test_writing_the_same_contract_again_changes_nothing(sources: DocumentSources, files: Files) -> None:
    before = files.content
    assert files.write(sources) == []
    assert files.content == before
    assert versions(before[1])[0].fingerprint == fingerprint(yaml.safe_load(before[0]))


def test_a_contract_that_was_deleted_is_written_again_only_as_it_was(
    sources: DocumentSources, files: Files
) -> None:
    before = files.content
    files.contract.unlink()
    broken = changed(sources, remove)
    with pytest.raises(InputMissing, match="Restore it from git"):
        files.write(broken)
    files.declare("2.0.0", "- removed `domain_score.metric_count`: as agreed")
    with pytest.raises(InputMissing, match="Restore it from git"):
        files.write(broken)
    assert not files.contract.exists()
    files.changelog.write_text(before[1], "utf-8")
    files.write(sources)
    assert files.content == before


def of_one_table(document: Document) -> Document:
    """The contract of domain scores alone, with the organisations that their rows name: the tool takes long for all."""
    names = ("domain_score", "organisation")
    return {**document, "schema": [table for table in document["schema"] if table["name"] in names]}


@pytest.mark.parametrize("kind", [kind for kind in BREAKING if kind not in ("unit", "too soon", "grain")])
def test_what_the_standards_own_tool_calls_breaking_for_consumers_is_refused_here_too(
    kind: str, sources: DocumentSources, document: Document
) -> None:
    """The tool says nothing of units, meanings and notice; the grain is a key to it."""
    from datacontract.data_contract import DataContract

    after = contract_document(changed(sources, BREAKING[kind][0]), "2.0.0")
    before_file, after_file = (
        DataContract(data_contract_str=contract_text(one)) for one in (document, after)
    )
    found = before_file.breaking(after_file)
    assert "error" in {str(entry.level.value) for entry in found.entries}
    assert REFUSED in {change.kind for change in changes(document, after, LATER)}


def test_every_number_of_a_released_table_says_its_unit_in_the_contract_and_nothing_else_does(
    document: Document,
) -> None:
    found = {
        (table["name"], column["name"]): (column["logicalType"], custom(column, "unit"))
        for table in document["schema"]
        for column in table["properties"]
    }
    assert len(found) > 300
    for name, (kind, unit) in found.items():
        assert (unit in UNITS) == (kind in ("integer", "number")), name
    assert custom(document, "unitsOfColumns").keys() == UNITS.keys()


@pytest.mark.parametrize("unit", [None, "furlongs"])
def test_a_number_without_a_unit_or_with_one_that_nobody_knows_is_refused(
    unit: str | None, sources: DocumentSources
) -> None:
    def mutation(manifest: dict[str, Any]) -> None:
        columns(manifest)["metric_count"]["meta"] = {} if unit is None else {"unit": unit}

    with pytest.raises(LeagueError, match=r"domain_score, column metric_count: expected `meta: \{unit"):
        contract_document(changed(sources, mutation), "1.0.0")


def test_a_releases_parquet_files_have_the_columns_types_words_and_units_of_the_contract(
    document: Document, six_quarters: DataFolder
) -> None:
    folder = six_quarters.releases / SAMPLE_QUARTERS[-1] / "current"
    arrow = {
        "varchar": "string",
        "integer": "int32",
        "bigint": "int64",
        "boolean": "bool",
        "date": "date32[day]",
    }
    for table in document["schema"]:
        fields = pq.read_schema(folder / f"{table['name']}.parquet")
        said = [
            (
                field.name,
                str(field.type),
                (field.metadata or {}).get(b"unit"),
                field.metadata[b"description"].decode(),
            )
            for field in fields
        ]
        promised = []
        for column in table["properties"]:
            kind, unit = column["physicalType"], custom(column, "unit")
            words = column["description"] + (f" (unit: {unit})" if unit else "")
            type_ = arrow.get(kind, kind.replace("decimal", "decimal128"))
            promised.append((column["name"], type_, unit.encode() if unit else None, words))
        assert said == promised, table["name"]


def test_no_address_of_a_machine_and_no_secret_stands_in_the_contract(document: Document) -> None:
    keys = {key for server in document["servers"] for key in server}
    assert keys <= {"server", "type", "description", "path", "format", "delimiter", "database", "schema"}
    assert "://" not in contract_text(document)


@pytest.fixture(scope="module")
def elsewhere(six_quarters: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sample's data lie where the contract says, `data/`."""
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "data").symlink_to(six_quarters.root)
    return folder


def test_the_standards_own_tool_finds_the_contract_valid_and_kept_by_the_samples_warehouse(
    document: Document, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every column is there with its type, what is never empty isn't, keys tell rows apart and lead to rows."""
    from datacontract.data_contract import DataContract

    monkeypatch.chdir(elsewhere)
    text = contract_text(document)
    assert str(DataContract(data_contract_str=text).lint().result.value) == "passed"
    run = DataContract(data_contract_str=text, server="warehouse").test()
    assert [check for check in run.checks if str(check.result.value) != "passed"] == []
    kinds = {check.type for check in run.checks}
    assert {"field_is_present", "field_type", "field_required", "field_enum"} <= kinds
    assert {"primary_key_unique", "field_relationships"} <= kinds
    assert len(run.checks) > 900


@pytest.mark.parametrize("server", ["warehouse", "releases", "releases-csv"])
def test_the_standards_own_tool_finds_what_breaks_the_contract(
    server: str, document: Document, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datacontract.data_contract import DataContract

    monkeypatch.chdir(elsewhere)
    narrower = copy.deepcopy(of_one_table(document))
    [table] = [one for one in narrower["schema"] if one["name"] == "domain_score"]
    [column] = [one for one in table["properties"] if one["name"] == "domain"]
    column["enum"] = [{"value": value} for value in ("access", "safety", "effectiveness", "people")]
    run = DataContract(
        data_contract_str=contract_text(narrower), server=server, schema_name="domain_score"
    ).test()
    failed = [check for check in run.checks if str(check.result.value) == "failed"]
    assert [check.field for check in failed] == ["domain"]


def test_the_command_writes_the_contract_and_refuses_drift(
    new_data: NewData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from league_command import league

    from dagster_project.contract import contract as module

    made = Files(tmp_path / "contract" / CONTRACT_FILE.name, tmp_path / CHANGELOG.name)
    shutil.copyfile(CHANGELOG, made.changelog)
    defaults = (made.contract, made.changelog)
    for function in (module.write_contract, module.refuse_contract_drift):
        monkeypatch.setattr(function, "__defaults__", defaults)
    data = new_data(tmp_path / "data")
    assert league("docs", "contract", "--check", data=data).code == 3
    written = league("docs", "contract", "--json", data=data)
    assert (written.code, json.loads(written.out)["changed"]) == (0, [])
    assert made.content[0] == CONTRACT_FILE.read_text("utf-8")
    assert league("docs", "contract", "--check", data=data).code == 0
    made.contract.write_text(made.content[0].replace("physicalType: integer", "physicalType: smallint", 1))
    drifted = league("docs", "contract", "--check", data=data)
    assert drifted.code == 1
    assert "another type: 'smallint' before, 'integer' now" in drifted.err
