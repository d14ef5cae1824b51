"""`league verify` names each byte that isn't as archived or released, and makes the release again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from checkout_copy import copy_checkout, flip_a_byte, league_of
from league_command import Ended, league
from published_state import files_below, release_ids

from dagster_project.archive.archive import Archive
from dagster_project.errors import WrongUsage
from dagster_project.methodology.rule_set import read_rules, write_rules
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import release_file_bytes
from dagster_project.releases.identity import hash_rules
from dagster_project.settings import METHODOLOGY_DIR, PROJECT_ROOT, DataFolder
from dagster_project.verification.archived_files import check_whole
from dagster_project.verification.checkout import check_rules, check_versions
from dagster_project.verification.released_files import check_release_file, check_released_files
from dagster_project.warehouse.dbt_project import DbtProject

QUARTER = "2025-26-Q1"


def folder_of(data: DataFolder) -> Path:
    return data.releases / QUARTER / release_ids(data)[QUARTER]


def content_of(data: DataFolder) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder_of(data) / "release.json").read_bytes())
    return content


def named(ended: Ended) -> dict[str, list[str]]:
    """What differs, by check."""
    return {
        check["check"]: [finding["what"] for finding in check["findings"]]
        for check in ended.answer["checks"]
        if check["findings"]
    }


def verify_hashes(data: DataFolder, *more: str) -> Ended:
    return league("verify", QUARTER, "--no-rebuild", "--json", *more, data=data)


def test_a_release_comes_out_again_from_the_archive_and_the_release_before_it(
    six_quarters: DataFolder,
) -> None:
    before = files_below(six_quarters.root)
    ended = league("verify", "2025-26-Q2", "--whole-archive", "--json", data=six_quarters)
    assert ended.code == 0, ended.out + ended.err
    checks = {check["check"]: check for check in ended.answer["checks"]}
    assert all(check["holds"] for check in checks.values())
    folder = six_quarters.releases / "2025-26-Q2" / "current"
    promised = {file.name for file in folder.iterdir()} - {"provenance.json"}
    assert set(checks["rebuilt files"]["looked_at"]) == promised
    earlier = f"releases/{QUARTER}/{release_ids(six_quarters)[QUARTER]}"
    assert f"{earlier}/metric_score.parquet" in checks["earlier release"]["looked_at"]
    assert checks["whole archive"]["checked"] > checks["archived files"]["checked"]
    assert files_below(six_quarters.root) == before, "verification changes nothing"


def test_a_release_rewritten_together_with_its_release_json_is_found_by_making_it_again(
    released: DataFolder,
) -> None:
    folder = folder_of(released)
    table, said = folder / "league_table.csv", folder / "release.json"
    rows = table.read_text("utf-8").splitlines(keepends=True)
    changed = rows[1].replace("(fictional)", "(renamed)")
    assert changed != rows[1]
    for file in (table, said):
        file.chmod(0o644)
    table.write_text("".join([rows[0], changed, *rows[2:]]), "utf-8")
    content = content_of(released)
    raw = table.read_bytes()
    content["files"]["league_table.csv"] |= {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "bytes": len(raw),
    }
    said.write_bytes(release_file_bytes(content))
    assert verify_hashes(released).code == 0, "hashes alone can't tell"
    ended = league("verify", QUARTER, "--json", data=released)
    assert ended.code == 1
    assert named(ended) == {"rebuilt files": ["league_table.csv", "release.json"]}
    (details,) = (
        finding["details"]
        for check in ended.answer["checks"]
        for finding in check["findings"]
        if finding["what"] == "league_table.csv"
    )
    assert len(details) == 1
    assert "organisation_name" in details[0]
    assert "(renamed) released" in details[0]
    assert "(fictional) rebuilt" in details[0]


def test_a_parsed_project_changed_where_the_checkout_shares_it_changes_nothing(
    small_release: DataFolder, tmp_path: Path
) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    shared = DbtProject(checkout / "dbt", checkout / "build" / "dbt")
    segments = shared.parsed.nodes["model.nhs_league_tables.final_segment"]
    segments.raw_code = "select 'whatever somebody likes' as final_segment"
    raw = shared.parsed.to_msgpack()
    folder = shared.parsed_folder
    (folder / "partial_parse.msgpack").write_bytes(raw)
    sums = json.loads((folder / "sums.json").read_bytes())
    sums["partial_parse.msgpack"] = hashlib.sha256(raw).hexdigest()
    (folder / "sums.json").write_text(json.dumps(sums), "utf-8")
    ended = league_of(checkout, "verify", QUARTER, "--json", data=small_release, cwd=tmp_path)
    assert ended.code == 0, ended.out + ended.err
    assert (folder / "partial_parse.msgpack").read_bytes() == raw, (
        "it was found as it was left, and passed over"
    )


@pytest.mark.parametrize(
    "name",
    ["league_table.parquet", "metric_score.parquet", "quality_result.parquet", "lineage.csv", "quality.html"],
)
def test_a_flipped_byte_in_a_released_file_is_named(released: DataFolder, name: str) -> None:
    flip_a_byte(folder_of(released) / name)
    ended = verify_hashes(released)
    assert ended.code == 4
    assert named(ended) == {"released files": [name]}


def test_a_flipped_byte_anywhere_in_release_json_is_named(released: DataFolder) -> None:
    folder = folder_of(released)
    whole = (folder / "release.json").read_bytes()
    for position in range(0, len(whole), len(whole) // 60):
        (folder / "release.json").chmod(0o644)
        (folder / "release.json").write_bytes(whole)
        flip_a_byte(folder / "release.json", position)
        content, check = check_release_file(folder, Quarter.from_canonical(QUARTER), folder.name)
        found = check.findings or check_released_files(folder, content or {}).findings
        assert found, whole[position - 20 : position + 20]
        assert all("release.json" in finding.what + finding.expected + finding.found for finding in found)


def test_a_flipped_byte_in_an_archived_file_is_named(released: DataFolder) -> None:
    extract_id = min(content_of(released)["extracts"])
    flip_a_byte(Archive(released.archive).path_of(extract_id))
    ended = league("verify", QUARTER, "--json", data=released)
    assert ended.code == 4
    (what,) = named(ended)["archived files"]
    assert extract_id in what
    (rebuilt,) = (check for check in ended.answer["checks"] if check["check"] == "rebuilt files")
    assert "archived files" in rebuilt["not_done"], "nothing is made from damaged files"


def test_archived_files_that_are_gone_or_strange_are_named(released: DataFolder) -> None:
    archive = Archive(released.archive)
    kept = archive.store(b"kept but never recorded")
    extract_id = min(content_of(released)["extracts"])
    archive.path_of(extract_id).unlink()
    (released.archive / "notes.txt").write_text("mine")
    found = [finding.what for finding in check_whole(archive).findings]
    assert sorted(found) == sorted(
        [f"archive/{kept[:2]}/{kept}", f"archive/{extract_id[:2]}/{extract_id}", "archive/notes.txt"]
    )
    with archive.manifest.open("ab") as manifest:
        manifest.write(b"not a sighting\n")
    assert named(verify_hashes(released))["archived files"][0].startswith("archive/manifest.jsonl, row")


def test_a_file_added_to_a_release_or_taken_away_is_named(released: DataFolder) -> None:
    folder = folder_of(released)
    (folder / "league_table.xlsx").write_bytes(b"added")
    (folder / "extract.csv").unlink()
    assert named(verify_hashes(released)) == {"released files": ["extract.csv", "league_table.xlsx"]}


@pytest.mark.parametrize(
    ("path", "differs"),
    [
        ("dbt/seeds/methodology/segment_boundary.csv", {"code", "rules"}),
        ("dagster_project/quarters.py", {"code"}),
        ("dbt/models/scoring/league_rank.sql", {"code"}),
    ],
)
def test_a_flipped_byte_in_a_seed_or_the_code_is_named(
    small_release: DataFolder, tmp_path: Path, path: str, differs: set[str]
) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    # In the docstring, so that the code still runs.
    flip_a_byte(checkout / path, 4 if path.endswith(".py") else None)
    ended = league_of(checkout, "verify", QUARTER, "--json", data=small_release, cwd=tmp_path)
    assert ended.code == 3, ended.err
    found = named(ended)
    assert set(found) == differs
    assert found["code"] == [path]
    if "rules" in differs:
        assert found["rules"] == [Path(path).name]
    (rebuilt,) = (check for check in ended.answer["checks"] if check["check"] == "rebuilt files")
    assert "no proof of this release" in rebuilt["not_done"]


def test_another_version_of_a_locked_package_is_named(small_release: DataFolder) -> None:
    content = content_of(small_release)
    (found,) = check_versions(content | {"versions": content["versions"] | {"duckdb": "0.1"}}).findings
    assert (found.what, found.expected) == ("duckdb", "version 0.1")


def test_a_release_with_rules_of_its_own_needs_them(small_release: DataFolder, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    text = (METHODOLOGY_DIR / "metric.csv").read_text("utf-8").replace("Sickness absence", "Sickness")
    (rules / "metric.csv").write_text(text, "utf-8")
    write_rules(read_rules(rules), tmp_path / "whole")
    content = content_of(small_release) | {"rules": hash_rules(tmp_path / "whole")}
    assert "--rules" in check_rules(content, PROJECT_ROOT, None).not_done
    assert check_rules(content, PROJECT_ROOT, rules).holds
    assert check_rules(content, PROJECT_ROOT, tmp_path / "whole").holds
    (rules / "metric.csv").write_text(text.replace("Sickness", "Illness"), "utf-8")
    assert [finding.what for finding in check_rules(content, PROJECT_ROOT, rules).findings] == ["metric.csv"]
    with pytest.raises(WrongUsage, match="leave out --rules"):
        check_rules(content_of(small_release), PROJECT_ROOT, rules)


def test_a_release_that_is_not_there_is_answered_with_those_that_are(small_release: DataFolder) -> None:
    ended = league("verify", QUARTER, "--release", "0" * 16, data=small_release)
    assert ended.code == 3
    assert release_ids(small_release)[QUARTER] in ended.err
    assert league("verify", data=small_release).code == 2


def test_a_terminal_reads_what_differs_and_the_verdict(released: DataFolder) -> None:
    shutil.rmtree(released.warehouse.parent)
    ended = league("verify", QUARTER, "--no-rebuild", data=released)
    assert ended.code == 0, ended.err
    assert "Every hash is right. It wasn't made again." in ended.out
    flip_a_byte(folder_of_link(released) / "league_table.csv")
    ended = league("verify", QUARTER, "--no-rebuild", data=released)
    assert ended.code == 4
    assert "league_table.csv" in ended.out
    assert "NOT verified" in ended.out
    assert "Fictional sample data" in ended.out


def folder_of_link(data: DataFolder) -> Path:
    return (data.releases / QUARTER / "current").resolve()
