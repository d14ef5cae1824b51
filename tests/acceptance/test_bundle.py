"""`league bundle` holds all that a release was made of, and verifies in an empty folder without a network."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
from checkout_copy import copy_checkout, flip_a_byte, league_of
from league_command import Ended, league
from published_state import release_ids
from rocrate.rocrate import ROCrate
from shared_folders import MadeOnce, OwnRules

from dagster_project.errors import ExitCode, InputRejected
from dagster_project.settings import PROJECT_ROOT, DataFolder
from dagster_project.verification.bundle_members import zip_members
from dagster_project.verification.verify_bundle import verify_bundle

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
    """A ZIP of these members as `league bundle` writes it: whoever tampers with care does."""
    zip_members(path, content)
    return path


def with_crate_mended(content: dict[str, bytes]) -> dict[str, bytes]:
    """The members with a crate that describes them as they are, as a careful hand would leave it."""
    crate = json.loads(content[METADATA])
    described = {entity["@id"]: entity for entity in crate["@graph"]}
    for name in sorted(content.keys() - {METADATA} - described.keys()):
        crate["@graph"].append({"@id": name, "@type": "File"})
    crate["@graph"] = [
        entity for entity in crate["@graph"] if entity["@type"] != "File" or entity["@id"] in content
    ]
    for entity in crate["@graph"]:
        if entity["@id"] in content and entity["@type"] == "File":
            raw = content[entity["@id"]]
            entity["sha256"], entity["contentSize"] = hashlib.sha256(raw).hexdigest(), str(len(raw))
    text = json.dumps(crate, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return {**content, METADATA: text.encode()}


def all_named(found: dict[str, Any]) -> list[str]:
    return [finding["what"] for check in found["checks"] for finding in check["findings"]]


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
    own_rules: OwnRules, tmp_path: Path, no_network: str
) -> None:
    released, rules = own_rules
    assert league("bundle", QUARTER, data=released).code == 3, "a release has only the hashes of its rules"
    file = tmp_path / "own rules.zip"
    ended = league("bundle", QUARTER, "--rules", rules, "--output", file, data=released)
    assert ended.code == 0, ended.err
    assert b",Sickness absence by another name" in members(file)["rules/metric.csv"]

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


def test_nothing_is_in_a_bundle_but_what_the_release_id_covers_and_what_is_told_from_it(
    bundle: Path, small_release: DataFolder
) -> None:
    content = members(bundle)
    (name,) = (name for name in content if name.endswith("/release.json"))
    said = json.loads(content[name])
    folder = name.removesuffix("release.json")
    assert set(content) == {
        *(f"code/{path}" for path in said["code"]),
        *(f"archive/{extract_id[:2]}/{extract_id}" for extract_id in said["extracts"]),
        *(folder + file for file in (*said["files"], "release.json")),
        *("README.txt", METADATA, "archive/manifest.jsonl"),
    }
    for line in content["archive/manifest.jsonl"].splitlines():
        seen = json.loads(line)
        assert seen["file_name"] == said["extracts"][seen["extract_id"]]
        assert not seen["retrieved_at"], "a day would be one that nothing in the release is bound to"
    assert "make" not in content["README.txt"].decode().split("\n    ")[1], (
        "nothing in it is run to verify it"
    )
    assert str(small_release.root).encode() not in bundle.read_bytes()


def altered(content: dict[str, bytes], names: list[str], how: str) -> dict[str, bytes]:
    """The members with these changed at one place, or gone."""
    other = dict(content)
    for name in names:
        raw = content[name]
        at = {
            "first byte": 0,
            "a third in": len(raw) // 3,
            "in the middle": len(raw) // 2,
            "last byte": len(raw) - 1,
        }
        if how == "gone":
            del other[name]
        elif how == "longer" or not raw:
            other[name] = raw + b"\n"
        else:
            other[name] = raw[: at[how]] + bytes([raw[at[how]] ^ 1]) + raw[at[how] + 1 :]
    return other


@pytest.mark.parametrize("how", ["first byte", "a third in", "in the middle", "last byte", "longer", "gone"])
@pytest.mark.parametrize(
    "which",
    ["code", "archived", "released", "release.json", "README.txt", METADATA, "archive/manifest.jsonl"],
)
def test_each_member_that_is_changed_or_gone_is_named_however_careful_the_hand(
    bundle: Path, tmp_path: Path, which: str, how: str
) -> None:
    content = members(bundle)
    alone = {"release.json", "README.txt", METADATA, "archive/manifest.jsonl"}
    groups = {
        "code": [name for name in content if name.startswith("code/")],
        "archived": [name for name in content if name.startswith("archive/") and name not in alone],
        "released": [
            name for name in content if name.startswith("releases/") and not name.endswith("/release.json")
        ],
        **{name: [each for each in content if each == name or each.endswith(f"/{name}")] for name in alone},
    }
    assert sum(map(len, groups.values())) == len(content)
    careful = altered(content, groups[which], how)
    if which != METADATA:
        careful = with_crate_mended(careful)
    path = zipped(tmp_path / "b.zip", careful)
    try:
        answer = verify_bundle(path, rebuild=False)
    except InputRejected as error:
        said_of_all = str(error)
        # Without these nothing can be told of the others.
        assert which in (METADATA, "release.json")
    else:
        said_of_all = ""
    if said_of_all:
        assert METADATA in said_of_all
        return
    assert answer["exit_code"] == ExitCode.INPUT_REJECTED
    said = {what.split(" ")[0].rstrip(",") for what in all_named(answer)}
    for name in groups[which]:
        assert said & {name, name.removeprefix("code/"), name.rpartition("/")[2]}, name


@pytest.mark.parametrize(
    "added",
    [
        "code/Makefile",
        "code/pyproject.toml",
        "code/requirements.lock",
        "Makefile",
        "readme.txt",
        "CODE/dagster_project/quarters.py",
        "code/dagster_project/.hidden.py",
        "code/dagster_project/__pycache__/quarters.cpython-311.pyc",
        "rules/metric.csv",
        "archive/pruned.jsonl",
        "releases/2025-26-Q1/withdrawn-0000000000000000.json",
        "provenance.json",
        "a b/c",
    ],
)
def test_each_member_that_is_added_is_named(bundle: Path, tmp_path: Path, added: str) -> None:
    careful = with_crate_mended({**members(bundle), added: b"mine\n"})
    answer = verify_bundle(zipped(tmp_path / "b.zip", careful), rebuild=False)
    assert answer["exit_code"] == ExitCode.INPUT_REJECTED
    assert added in all_named(answer)


@pytest.mark.parametrize(
    "change", ["in front", "behind", "comment", "a time", "a mode", "an extra field", "packed"]
)
def test_what_a_zip_can_hold_beside_its_members_is_named(bundle: Path, tmp_path: Path, change: str) -> None:
    path = tmp_path / "b.zip"
    if change == "in front":
        path.write_bytes(b"#!/bin/sh\nrm -rf ~\n" + bundle.read_bytes())
    elif change == "behind":
        path.write_bytes(bundle.read_bytes())
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = b"run me"
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, raw in sorted(members(bundle).items()):
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.create_system, info.external_attr = 3, 0o644 << 16
                if name == "README.txt" and change == "comment":
                    info.comment = b"see elsewhere"
                elif name == "README.txt" and change == "a time":
                    info.date_time = (2026, 1, 1, 0, 0, 0)
                elif name == "README.txt" and change == "a mode":
                    info.external_attr = 0o755 << 16
                elif name == "README.txt" and change == "an extra field":
                    info.extra = b"\x99\x99\x04\x00mine"
                elif change == "packed":
                    info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, raw)
    answer = verify_bundle(path, rebuild=False)
    assert answer["exit_code"] == ExitCode.INPUT_REJECTED
    assert all_named(answer) == ["b.zip"]


@pytest.mark.parametrize("kind", ["twice", "a link", "a folder", "a way out", "an absolute path"])
def test_members_that_play_tricks_with_names_are_refused(bundle: Path, tmp_path: Path, kind: str) -> None:
    path = shutil.copy(bundle, tmp_path / "b.zip")
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        info = zipfile.ZipInfo({"twice": "README.txt", "a way out": "../out"}.get(kind, "code/x"))
        if kind == "a link":
            info.external_attr = 0o120777 << 16
        elif kind == "a folder":
            info = zipfile.ZipInfo("README.txt/")
        elif kind == "an absolute path":
            info = zipfile.ZipInfo("/tmp/x")
        archive.writestr(info, b"/etc/passwd")
    ended = league("verify", "--bundle", path, "--no-rebuild", data=DataFolder(tmp_path / "none"))
    assert ended.code == 4, ended.out


def test_the_bundles_own_sha256_is_compared_first_or_asked_for(bundle: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(bundle.read_bytes()).hexdigest()
    data = DataFolder(tmp_path / "none")
    given = league("verify", "--bundle", bundle, "--no-rebuild", "--sha256", sha256.upper(), data=data)
    assert given.code == 0
    assert f"The bundle's sha256 is the one given: {sha256}" in given.out
    asked = league("verify", "--bundle", bundle, "--no-rebuild", data=data)
    assert asked.code == 0
    assert f"NOT compared with anything: {sha256}" in asked.out
    (tmp_path / "no.zip").write_bytes(b"not even a ZIP")
    other = league("verify", "--bundle", tmp_path / "no.zip", "--sha256", sha256, data=data)
    assert other.code == 4
    assert f"expected a file with the sha256 {sha256}" in other.err
    for wrong in ("", "abc", sha256[:-1], f"../{sha256}"):
        ended = league("verify", "--bundle", bundle, "--sha256", wrong, data=data)
        assert ended.code == 2
        assert "--sha256 is 64 digits" in ended.err


def test_a_bundle_of_an_earlier_version_is_refused_and_says_why(bundle: Path, tmp_path: Path) -> None:
    once = ("LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements.lock")
    careful = with_crate_mended({**members(bundle), **{f"code/{name}": b"as it was\n" for name in once}})
    answer = verify_bundle(zipped(tmp_path / "b.zip", careful), rebuild=False)
    assert answer["exit_code"] == ExitCode.INPUT_REJECTED
    for name in once:
        (finding,) = (
            f for check in answer["checks"] for f in check["findings"] if f["what"] == f"code/{name}"
        )
        assert "Have the release bundled anew" in finding["found"]


def test_what_does_not_verify_is_not_bundled(released: DataFolder, tmp_path: Path) -> None:
    flip_a_byte(released.releases / QUARTER / release_ids(released)[QUARTER] / "league_table.csv")
    ended = league("bundle", QUARTER, "--output", tmp_path / "b.zip", data=released)
    assert ended.code == 4
    assert "league_table.csv" in ended.err
    assert not (tmp_path / "b.zip").exists()
