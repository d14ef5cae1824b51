"""Data for programs: what JSON and package say, that they follow their schemas, and that hostile names are text."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from frictionless import Package
from published_quarters import FIRST, HOSTILE, SECOND, small_contents

from dagster_project.errors import InputRejected
from dagster_project.publication import addresses, data_files, workbooks
from dagster_project.publication.contents import Contents
from dagster_project.publication.dataset import dataset_of
from dagster_project.publication.described_tables import described_tables
from dagster_project.publication.pages import home, league_tables, organisation
from dagster_project.publication.pages.downloads import examples
from dagster_project.publication.rendering import environment

LINKS = ("schema", "page", "json", "derivation_page", "workbook", "data_package", "feed")


def files_of(contents: Contents) -> dict[str, bytes]:
    produced = [*data_files.of_all(contents)]
    for quarter in contents.quarters:
        produced += data_files.of_quarter(quarter)
    return {one.path: one.content for one in produced}


def json_of(files: Mapping[str, bytes]) -> dict[str, Any]:
    return {path: json.loads(content) for path, content in files.items() if path.endswith(".json")}


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    return small_contents(tmp_path)


def test_every_json_file_follows_the_schema_that_it_names(contents: Contents) -> None:
    read = json_of(files_of(contents))
    followed = set()
    for path, value in read.items():
        if "schema" in value and "resources" not in value:
            schema = read[addresses.resolved(path, value["schema"])]
            jsonschema.Draft202012Validator.check_schema(schema)
            jsonschema.Draft202012Validator(
                schema, format_checker=jsonschema.FormatChecker(["date"])
            ).validate(value)
            followed.add(schema["title"])
    assert len(followed) == 3


def test_a_schema_refuses_another_type_and_a_missing_figure(contents: Contents) -> None:
    read = json_of(files_of(contents))
    path = addresses.league_table_json(SECOND, "acute")
    schema = jsonschema.Draft202012Validator(read[addresses.data_schema("league-table")])
    for spoil in (
        lambda row: row.update(average_metric_score=1.4),
        lambda row: row.update(rank="1"),
        lambda row: row.pop("rank"),
    ):
        value = json.loads(json.dumps(read[path]))
        spoil(value["rows"][0])
        assert not schema.is_valid(value)


def test_every_json_file_says_quarter_release_licence_and_kind(contents: Contents) -> None:
    for path, value in json_of(files_of(contents)).items():
        if not path.startswith("data/v1/schemas"):
            assert value["release_id"] in (one.release_id for one in contents.quarters), path
            assert value["quarter"] in (FIRST, SECOND)
            assert value["is_sample"] is True
            assert "MIT" in json.dumps(value.get("licence") or value["licenses"])
            assert "invented" in json.dumps(value)


def test_latest_leads_to_the_newest_release_and_to_all_quarters(contents: Contents) -> None:
    files = files_of(contents)
    latest = json.loads(files[addresses.LATEST])
    assert (latest["quarter"], latest["release_id"]) == (SECOND, contents.newest.release_id)
    assert [one["quarter"] for one in latest["quarters"]] == [FIRST, SECOND]
    for one in (latest, *latest["quarters"]):
        for link in (one["data_package"], *one["league_tables"].values()):
            assert addresses.resolved(addresses.LATEST, link) in files
        code = one["organisation"].replace("{code}", "ZA1")
        assert addresses.resolved(addresses.LATEST, code) in files


def test_links_of_json_files_lead_to_pages_and_files(contents: Contents) -> None:
    files = files_of(contents)
    there = files.keys() | {addresses.FEED} | {addresses.workbook(one.quarter) for one in contents.quarters}
    for quarter in contents.quarters:
        parts = (home.of_quarter, league_tables.of_quarter)
        there |= {one.path for part in parts for one in part(quarter)}
        # That everyone has these is held of whole releases in the integration tests.
        for address in (addresses.organisation, addresses.derivation):
            there |= {address(quarter.quarter, code) for code in organisation.codes(quarter)}
    seen = set()
    for path, value in json_of(files).items():
        if path.startswith("data/v1/schemas"):
            continue
        for name, link in named_links(value):
            assert addresses.resolved(path, link) in there, (path, name, link)
            seen.add(name)
    assert seen == {*LINKS, "homepage"}


def named_links(value: object) -> Iterator[tuple[str, str]]:
    """Every member of JSON that is a link, at any depth, by its name."""
    if isinstance(value, list):
        for one in value:
            yield from named_links(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in (*LINKS, "homepage") and isinstance(one, str):
                yield name, one
            yield from named_links(one)


def test_decimals_keep_their_digits_and_links_lead_to_page_and_derivation(contents: Contents) -> None:
    path = addresses.league_table_json(SECOND, "acute")
    table = json.loads(files_of(contents)[path])
    first = table["rows"][0]
    assert first["organisation_code"] == "ZA2"
    assert first["average_metric_score"] == "1.40"
    assert first["average_metric_score_exact"] == "1.400000000000"
    assert first["rank"] == 1
    assert first["financial_override"] is False
    assert addresses.resolved(path, first["page"]) == addresses.organisation(SECOND, "ZA2")
    assert addresses.resolved(path, first["derivation_page"]) == addresses.derivation(SECOND, "ZA2")
    assert first["derivations"]["average_metric_score"] == "OF5002"
    assert [row["rank_likely_low"] for row in table["rows"] if row["organisation_code"] == "ZA6"] == [None]


def test_an_organisation_without_a_place_has_a_file_with_what_is_known(contents: Contents) -> None:
    value = json.loads(files_of(contents)[addresses.organisation_json(SECOND, "ZA8")])
    assert value["figures"]["league_table"] == []
    assert len(value["figures"]["metric_score"]) == 3
    assert [row["town"] for row in value["figures"]["organisation"]] == ["NOWHERE"]


def test_a_release_without_a_table_has_an_empty_list_for_it(tmp_path: Path) -> None:
    without = ["segment_probability", "likely_range"]
    contents = small_contents(tmp_path, without=without)
    files = files_of(contents)
    value = json.loads(files[addresses.organisation_json(SECOND, "ZA1")])
    assert [value["figures"][name] for name in without] == [[], []]
    assert addresses.data_file(SECOND, "likely_range") not in files


def test_an_organisation_that_only_its_scores_name_has_its_files(tmp_path: Path) -> None:
    newest = small_contents(tmp_path, without=["organisation"]).newest
    value = json.loads(files_of(Contents((newest,)))[addresses.organisation_json(SECOND, "ZA8")])
    assert value["figures"]["organisation"] == []
    assert len(value["figures"]["metric_score"]) == 3
    packs = {one.path for one in workbooks.of_quarter(newest)}
    assert addresses.board_pack(SECOND, "ZA8") in packs


def test_the_package_validates_and_says_keys_where_they_hold(contents: Contents, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for path, content in files_of(contents).items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    package = Package(str(site / addresses.data_package(SECOND)))
    report = package.validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "type", "note"])
    schemas = {resource.name: resource.schema for resource in package.resources}
    assert schemas["league_table"].primary_key == ["table_name", "organisation_code"]
    assert {
        key["fields"][0]: key["reference"]["resource"] for key in schemas["metric_score"].foreign_keys
    } == {
        "organisation_code": "organisation",
        "metric_id": "metric",
    }
    # A movement of a rank is of no metric.
    assert schemas["movement_total"].primary_key == []
    assert package.custom["release_id"] == contents.newest.release_id
    assert package.sources[0]["hash"] == f"sha256:{'ab' * 32}"


def test_a_changed_csv_file_is_found_by_the_package(contents: Contents, tmp_path: Path) -> None:
    for path, content in files_of(contents).items():
        (tmp_path / "site" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / path).write_bytes(content)
    file = tmp_path / "site" / addresses.data_file(SECOND, "league_table")
    file.write_bytes(file.read_bytes().replace(b"1.40", b"1.50"))
    assert not Package(str(tmp_path / "site" / addresses.data_package(SECOND))).validate().valid


def test_csv_files_have_the_bytes_of_the_release(contents: Contents) -> None:
    files, folder = files_of(contents), contents.newest.release.folder
    for name in described_tables(contents.newest.release):
        expected = (folder / f"{name}.csv").read_bytes()
        if name in data_files.COMPRESSED:
            assert gzip.decompress(files[addresses.compressed_data_file(SECOND, name)]) == expected
        else:
            assert files[addresses.data_file(SECOND, name)] == expected


def test_an_embargoed_csv_file_says_so_in_its_name_and_all_that_lead_to_it_follow(
    contents: Contents,
) -> None:
    held = replace(contents.newest, is_embargoed=True)
    files = {one.path: one.content for one in data_files.of_quarter(held)}
    package = addresses.data_package(SECOND)
    named = {one["path"] for one in json.loads(files[package])["resources"]}
    there = {Path(path).name for path in files if path.endswith((".csv", ".csv.gz"))}
    assert named == there
    assert all(name.startswith("EMBARGOED-") for name in there)
    leads = {one["contentUrl"] for one in dataset_of(held, package)["distribution"]}
    assert "EMBARGOED-league_table.csv" in leads
    assert all("EMBARGOED-league_table.csv" in one.lines for one in examples(held) if "csv" in one.lines)
    assert not [one.path for one in data_files.of_quarter(contents.newest) if "EMBARGOED" in one.path]


def test_a_damaged_csv_file_of_a_release_is_refused(contents: Contents) -> None:
    file = contents.newest.release.folder / "league_table.csv"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(InputRejected, match=r"as release\.json says"):
        list(data_files.of_quarter(contents.newest))


def test_the_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    once, again = (files_of(small_contents(tmp_path / name)) for name in ("a", "b"))
    assert once == again


def test_a_hostile_name_is_the_same_name_for_whoever_reads_the_json(tmp_path: Path) -> None:
    contents = small_contents(tmp_path, names={"ZA1": HOSTILE})
    files = files_of(contents)
    path = addresses.organisation_json(SECOND, "ZA1")
    assert "\u202e" not in files[path].decode()
    (row,) = json.loads(files[path])["figures"]["organisation"]
    assert row["organisation_name"] == HOSTILE
    # A spreadsheet that opens the CSV sees an apostrophe first.
    assert b"\"'=cmd|" in files[addresses.data_file(SECOND, "organisation")]


def test_an_embargoed_quarter_says_so_in_every_file(contents: Contents) -> None:
    held = replace(contents.newest, is_embargoed=True)
    embargoed = Contents((held,))
    for path, value in json_of(files_of(embargoed)).items():
        if not path.startswith("data/v1/schemas"):
            assert value["is_embargoed"] is True, path


def test_the_data_set_says_what_it_is_from_when_and_where_its_files_are(contents: Contents) -> None:
    said = dataset_of(contents.newest, addresses.DOWNLOADS)
    assert (said["@type"], said["version"]) == ("Dataset", contents.newest.release_id)
    assert said["temporalCoverage"] == "2025-07-01/2025-09-30"
    assert said["license"] == "https://spdx.org/licenses/MIT"
    assert [one["identifier"] for one in said["isBasedOn"]] == [f"sha256:{'ab' * 32}"]
    there = {addresses.resolved(addresses.DOWNLOADS, one["contentUrl"]) for one in said["distribution"]}
    made = files_of(contents).keys() | {addresses.workbook(SECOND)}
    assert there <= made
    assert len(there) == 3 + len(contents.newest.tables)


def test_a_data_block_holds_no_tag_whatever_the_data_say(contents: Contents) -> None:
    said = dataset_of(contents.newest, addresses.DOWNLOADS) | {"name": f"{HOSTILE}</script><script>"}
    macro = environment().get_template("dataset.html.j2").module
    block = str(macro.dataset_block(said)).strip()  # type: ignore[attr-defined]
    inside = block.removeprefix('<script type="application/ld+json">').removesuffix("</script>")
    assert "<" not in inside
    assert json.loads(inside) == said
