"""What a bundle holds: the name of each member, and where its bytes come from.

Laid out as a data folder (`archive/`, `releases/`) beside the code, so that one verification serves both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.extracts.archive import Archive
from dagster_project.methodology.rule_set import read_rules, write_rules
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, release_path
from dagster_project.releases.identity import hash_rules
from dagster_project.settings import PROJECT_ROOT, DataFolder
from dagster_project.verification.archived_files import manifest_of
from dagster_project.verification.checkout import has_own_rules

METADATA = "ro-crate-metadata.json"
README = "README.txt"
CODE_FOLDER = "code"
RULES_FOLDER = "rules"
MANIFEST = "archive/manifest.jsonl"
# Beside the code whose hashes are in the release: what is needed to install it.
_INSTALLED_WITH = ("LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements.lock")

Content = Mapping[str, Any]
Bytes = bytes | Path


def release_folder(content: Content) -> str:
    """The folder of a release in a data folder or bundle."""
    return f"releases/{content['quarter']}/{content['release_id']}"


def member_names(content: Content, earlier: Content | None) -> set[str]:
    """Every name that a bundle of this release must have, and no other."""
    names = {METADATA, README, MANIFEST}
    names |= {f"archive/{extract_id[:2]}/{extract_id}" for extract_id in content["extracts"]}
    for release in (content, *([earlier] if earlier is not None else [])):
        names |= {f"{release_folder(release)}/{name}" for name in (*release["files"], RELEASE_FILE)}
    names |= {f"{CODE_FOLDER}/{path}" for path in (*content["code"], *_INSTALLED_WITH)}
    if has_own_rules(content):
        names |= {f"{RULES_FOLDER}/{name}" for name in content["rules"]}
    return names


def members_of(
    data: DataFolder, content: Content, earlier: Content | None, rules_dir: Path | None
) -> dict[str, Bytes]:
    """The bytes of every member but the crate's metadata and the README, which tell of them.

    Text of the checkout has LF line ends, as its hashes do. All of it must have been verified before.
    """
    archive = Archive(data.archive)
    members: dict[str, Bytes] = {MANIFEST: manifest_of(archive, content["extracts"])}
    for extract_id in content["extracts"]:
        members[f"archive/{extract_id[:2]}/{extract_id}"] = archive.path_of(extract_id)
    for release in (content, *([earlier] if earlier is not None else [])):
        folder = release_path(data, Quarter.from_canonical(release["quarter"]), release["release_id"])
        for name in (*release["files"], RELEASE_FILE):
            members[f"{release_folder(release)}/{name}"] = folder / name
    for path in (*content["code"], *_INSTALLED_WITH):
        members[f"{CODE_FOLDER}/{path}"] = with_lf(PROJECT_ROOT / path)
    if rules_dir is not None:
        members |= _rules_in_force(rules_dir, content["rules"])
    return members


def with_lf(path: Path) -> bytes:
    """A text file's bytes, the same on every machine."""
    return path.read_bytes().replace(b"\r\n", b"\n")


def readme(content: Content, bundle_name: str) -> bytes:
    """What an auditor types, on a machine that has Python and nothing of this project."""
    release_id, quarter = content["release_id"], content["quarter"]
    return f"""League tables of {quarter}, release {release_id}
{content["notice"]}

All that this release was made of and came to: the raw files (archive/), the released tables (releases/),
the rules and the whole code (code/). To check every byte and make the release again, unpack this file and
type in its folder (Python 3.11; the first command installs the locked packages, the second needs no network):

    make -C code setup
    code/.venv/bin/league verify --bundle {bundle_name} --release {release_id}

Give the path of the bundle as you received it, and compare the release id with one from another source, such
as the column release_id of a table you were given. `code/.venv/bin/league verify --help` says more.

ro-crate-metadata.json describes every file (RO-Crate 1.1). The release id is the first 16 digits of the
sha256 over the hashes of raw files, rules and code, and the versions, all in release.json of its folder.
""".encode()


def _rules_in_force(rules_dir: Path, then: Mapping[str, str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as place:
        if hash_rules(rules_dir) == then:
            place = str(rules_dir)
        else:
            write_rules(read_rules(rules_dir), Path(place))
        return {f"{RULES_FOLDER}/{name}": with_lf(Path(place) / name) for name in then}
