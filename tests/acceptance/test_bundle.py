"""`league bundle` holds all that a release was made of, and verifies in an empty folder without a network."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from checkout_copy import copy_checkout, flip_a_byte, league_of
from league_command import Ended, league
from published_state import release_ids
from rocrate.rocrate import ROCrate
from shared_folders import MadeOnce

from dagster_project.settings import METHODOLOGY_DIR, PROJECT_ROOT, DataFolder

QUARTER = "2025-26-Q1"
METADATA = "ro-crate-metadata.json"
_NO_NETWORK = """
import socket

def refuse(*_, **__):
    raise RuntimeError("no network here")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = refuse
socket.getaddrinfo = socket.gethostbyname = refuse
"""


@pytest.fixture(scope="session")
def bundle(made_once: MadeOnce, small_release: DataFolder) -> Path:
    """The bundle of `small_release`. Not to be changed."""

    def build(folder: Path) -> None:
        ended = league("bundle", QUARTER, "--output", folder / "bundle.zip", data=small_release)
        assert ended.code == 0, ended.err

    return made_once("bundle", build) / "bundle.zip"


@pytest.fixture
def no_network(tmp_path: Path) -> str:
    """A folder for PYTHONPATH that takes the network from every process."""
    folder = tmp_path / "no-network"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_NO_NETWORK)
    tried = subprocess.run(
        [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no network here" in tried.stderr
    return str(folder)


def members(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, raw)
    return path


def named(ended: Ended) -> dict[str, list[str]]:
    return {
        check["check"]: [finding["what"] for finding in check["findings"]]
        for check in ended.answer["checks"]
        if check["findings"]
    }


def test_a_bundle_verifies_in_an_empty_folder_without_a_network(
    bundle: Path, tmp_path: Path, no_network: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ended = league_of(
        PROJECT_ROOT,
        *("verify", "--bundle", bundle, "--json"),
        data=DataFolder(empty / "data"),
        cwd=empty,
        path=no_network,
    )
    assert ended.code == 0, ended.out + ended.err
    checks = {check["check"]: check for check in ended.answer["checks"]}
    assert all(check["holds"] for check in checks.values())
    assert checks["bundle"]["checked"] == len(members(bundle))
    assert "league_table.parquet" in checks["rebuilt files"]["looked_at"]
    assert list(empty.iterdir()) == []


def test_a_bundle_of_other_code_and_rules_names_them_and_runs_them_only_when_told(
    released: DataFolder, small_extracts: Path, tmp_path: Path, no_network: str
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    text = (METHODOLOGY_DIR / "metric.csv").read_text("utf-8")
    (rules / "metric.csv").write_text(text.replace(",Sickness absence", ",Absence"), "utf-8")
    ended = league(*("run", QUARTER, "--extracts", small_extracts / QUARTER, "--rules", rules), data=released)
    assert ended.code == 0, ended.err
    assert league("bundle", QUARTER, data=released).code == 3, "a release has only the hashes of its rules"
    file = tmp_path / "own rules.zip"
    ended = league("bundle", QUARTER, "--rules", rules, "--output", file, data=released)
    assert ended.code == 0, ended.err
    assert b",Absence" in members(file)["rules/metric.csv"]

    checkout = copy_checkout(tmp_path / "checkout")
    flip_a_byte(checkout / "dagster_project" / "quarters.py", 4)
    elsewhere: dict[str, Any] = {"data": DataFolder(tmp_path / "none"), "cwd": tmp_path, "path": no_network}
    refused = league_of(checkout, "verify", "--bundle", file, "--json", **elsewhere)
    assert refused.code == 3, refused.err
    assert named(refused) == {"code": ["dagster_project/quarters.py"]}
    told = league_of(checkout, "verify", "--bundle", file, "--with-its-code", "--json", **elsewhere)
    assert told.code == 0, told.out + told.err
    assert all(check["holds"] for check in told.answer["checks"])


def test_the_same_release_gives_the_same_bundle_wherever_it_lies(
    bundle: Path, released: DataFolder, tmp_path: Path
) -> None:
    ended = league("bundle", QUARTER, "--output", tmp_path / "again.zip", "--json", data=released)
    assert ended.code == 0, ended.err
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    for trace in (released.root, Path.home() / "x", PROJECT_ROOT, bundle.parent):
        assert str(trace).encode() not in bundle.read_bytes()


def test_its_own_library_reads_the_crate(bundle: Path, small_release: DataFolder) -> None:
    crate = ROCrate(bundle)
    assert crate.version == "1.1"
    content = members(bundle)
    files = {entity.id for entity in crate.data_entities if entity.type == "File"}
    assert files == set(content) - {METADATA}
    release_id = release_ids(small_release)[QUARTER]
    root, made = crate.root_dataset, crate.dereference(f"#release-{release_id}")
    assert root["mainEntity"].id == f"releases/{QUARTER}/{release_id}/"
    assert "Fictional sample data" in root["description"]
    assert root["license"].id == "https://spdx.org/licenses/MIT"
    assert made.type == "CreateAction"
    assert made["instrument"].id == "code/"
    assert "SoftwareSourceCode" in made["instrument"].type
    assert len(made["object"]) == 2
    for extract in made["object"]:
        assert extract["publisher"]["name"] == "fictional sample"
        assert extract["encodingFormat"] == "text/csv"
        assert extract["sha256"] == extract.id.rpartition("/")[2]
    assert root["mainEntity"] in made["result"]
    tables = [entity for entity in made["result"] if entity.id.endswith("league_table.parquet")]
    assert [entity["encodingFormat"] for entity in tables] == ["application/vnd.apache.parquet"]


def flipped(raw: bytes) -> bytes:
    return bytes([*raw[:-3], raw[-3] ^ 1, *raw[-2:]])


@pytest.mark.parametrize(
    ("ending", "check"),
    [
        ("manifest.jsonl", "bundle"),
        ("league_table.parquet", "released files"),
        ("league_table.csv", "released files"),
        ("methodology/segment_boundary.csv", "bundled code"),
        ("dagster_project/quarters.py", "bundled code"),
        ("requirements.lock", "bundle"),
        ("README.txt", "bundle"),
    ],
)
def test_a_bundle_with_a_flipped_byte_is_refused_and_the_file_named(
    bundle: Path, tmp_path: Path, ending: str, check: str
) -> None:
    content = members(bundle)
    (name,) = (each for each in content if each.endswith(f"/{ending}") or each == ending)
    content[name] = flipped(content[name])
    # A careful hand mends the crate as well: the release itself still gives it away.
    crate = json.loads(content[METADATA])
    is_anchored = check != "bundle"
    if is_anchored:
        for entity in crate["@graph"]:
            if entity["@id"] == name:
                entity["sha256"] = hashlib.sha256(content[name]).hexdigest()
        content[METADATA] = json.dumps(crate).encode()
    ended = league(
        "verify", "--bundle", zipped(tmp_path / "b.zip", content), "--json", data=DataFolder(tmp_path)
    )
    assert ended.code == 4, ended.out
    assert [what for what in named(ended)[check] if what.endswith(name.rpartition("/")[2])]
    assert ("bundle" in named(ended)) is not is_anchored
    (rebuilt,) = (found for found in ended.answer["checks"] if found["check"] == "rebuilt files")
    assert rebuilt["not_done"], "nothing of a tampered bundle is run"


def test_a_bundle_that_holds_more_or_less_than_the_release_needs_is_refused(
    bundle: Path, tmp_path: Path
) -> None:
    content = members(bundle)
    # Python would run it before anything else.
    content["code/sitecustomize.py"] = b"print('mine')\n"
    archived = min(name for name in content if name.startswith("archive/") and "manifest" not in name)
    del content[archived]
    ended = league(
        *("verify", "--bundle", zipped(tmp_path / "b.zip", content), "--with-its-code", "--json"),
        data=DataFolder(tmp_path),
    )
    assert ended.code == 4
    assert set(named(ended)["bundle"]) == {"code/sitecustomize.py", archived}
    (rebuilt,) = (check for check in ended.answer["checks"] if check["check"] == "rebuilt files")
    assert rebuilt["not_done"], "nothing of a tampered bundle is run"


def test_release_json_can_not_lead_out_of_the_bundle(bundle: Path, tmp_path: Path) -> None:
    content = members(bundle)
    (name,) = (each for each in content if each.endswith("/release.json"))
    said = json.loads(content[name])
    said["extracts"] = {"../../../etc/passwd": "passwd"}
    content[name] = json.dumps(said).encode()
    ended = league(
        "verify", "--bundle", zipped(tmp_path / "b.zip", content), "--json", data=DataFolder(tmp_path)
    )
    assert ended.code == 4
    assert named(ended)["release.json"] == ["release.json, extracts, ../../../etc/passwd, [key]"]


@pytest.mark.parametrize("kind", ["cut off", "a way out", "a bomb", "no crate", "another release"])
def test_what_is_no_bundle_of_the_release_is_refused(bundle: Path, tmp_path: Path, kind: str) -> None:
    path, more = tmp_path / "b.zip", []
    if kind == "cut off":
        path.write_bytes(bundle.read_bytes()[:-100])
    elif kind == "a way out":
        zipped(path, {"../out.txt": b"out", **members(bundle)})
    elif kind == "a bomb":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", bytes(30_000_000))
    elif kind == "no crate":
        zipped(path, {"README.txt": b"hello"})
    else:
        shutil.copy(bundle, path)
        more = ["--release", "0" * 16]
    ended = league("verify", "--bundle", path, *more, data=DataFolder(tmp_path))
    assert ended.code == 4, ended.out
    assert "b.zip: expected" in ended.err
    assert [file.name for file in tmp_path.iterdir()] == ["b.zip"]


def test_what_does_not_verify_is_not_bundled(released: DataFolder, tmp_path: Path) -> None:
    flip_a_byte(released.releases / QUARTER / release_ids(released)[QUARTER] / "league_table.csv")
    ended = league("bundle", QUARTER, "--output", tmp_path / "b.zip", data=released)
    assert ended.code == 4
    assert "league_table.csv" in ended.err
    assert not (tmp_path / "b.zip").exists()
