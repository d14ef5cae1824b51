"""What a bundle holds: the name of each member, and where its bytes come from.

Laid out as a data folder (`archive/`, `releases/`) beside the code, so that one verification serves both. All of it
follows from what the release id is the hash of, or is told from that: nothing else has a place in a bundle.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.methodology.rule_set import read_rules, write_rules
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, release_path
from dagster_project.releases.identity import hash_rules
from dagster_project.settings import DataFolder, code_path
from dagster_project.verification.checkout import has_own_rules

METADATA = "ro-crate-metadata.json"
README = "README.txt"
CODE_FOLDER = "code"
RULES_FOLDER = "rules"
MANIFEST = "archive/manifest.jsonl"
# What bundles held once beside the code: no hash in a release covers it, so that anybody could replace it.
ONCE_BESIDE_THE_CODE = tuple(
    f"{CODE_FOLDER}/{name}"
    for name in ("LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements.lock")
)
# ZIP's first moment. Stored, not deflated: deflate's bytes depend on the zlib at hand.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o644 << 16

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
    names |= {f"{CODE_FOLDER}/{path}" for path in content["code"]}
    if has_own_rules(content):
        names |= {f"{RULES_FOLDER}/{name}" for name in content["rules"]}
    return names


def members_of(
    data: DataFolder, content: Content, earlier: Content | None, rules_dir: Path | None
) -> dict[str, Bytes]:
    """The bytes of every member but those that `telling_members` tells from them.

    Text of the checkout has LF line ends, as its hashes do. All of it must have been verified before.
    """
    archive = Archive(data.archive)
    members: dict[str, Bytes] = {}
    for extract_id in content["extracts"]:
        members[f"archive/{extract_id[:2]}/{extract_id}"] = archive.path_of(extract_id)
    for release in (content, *([earlier] if earlier is not None else [])):
        folder = release_path(data, Quarter.from_canonical(release["quarter"]), release["release_id"])
        for name in (*release["files"], RELEASE_FILE):
            members[f"{release_folder(release)}/{name}"] = folder / name
    for path in content["code"]:
        members[f"{CODE_FOLDER}/{path}"] = with_lf(code_path(path))
    if rules_dir is not None:
        members |= _rules_in_force(rules_dir, content["rules"])
    return members


def earlier_release(data: DataFolder, content: Content) -> Content | None:
    """What `release.json` says of the release of the quarter before that the gates read, if they read one."""
    if content["previous_release_id"] is None:
        return None
    before = Quarter.from_canonical(content["quarter"]).shifted(-1)
    folder = release_path(data, before, content["previous_release_id"])
    said: dict[str, Any] = json.loads((folder / RELEASE_FILE).read_bytes())
    return said


def with_lf(path: Path) -> bytes:
    """A text file's bytes, the same on every machine."""
    return path.read_bytes().replace(b"\r\n", b"\n")


def readme(content: Content) -> bytes:
    """What an auditor does, with a checkout that didn't come with the bundle."""
    release_id, quarter = content["release_id"], content["quarter"]
    return f"""League tables of {quarter}, release {release_id}
{content["notice"]}

All that this release was made of and came to: the raw files (archive/), the released tables (releases/), the
rules and the code that the release id covers (code/).

Don't install or run anything from here before it is verified: whoever changed this file could have changed that
as well. Get the project from where you trust it, check out the code of the release, set it up there (`make setup`,
Python 3.11 to 3.13) or install its wheel, and leave this file packed as you received it:

    league verify --bundle BUNDLE.zip --sha256 HEX --release {release_id}

HEX is the sha256 of the whole file, as whoever made it reads it to you: `league bundle` printed it. Compare the
release id with one from another source too, such as the column release_id of a table you were given. Verifying
needs no network; where your code isn't that of the release, it names what differs.

ro-crate-metadata.json describes every file (RO-Crate 1.1). The release id is the first 16 digits of the
sha256 over the hashes of raw files, rules and code, and the versions, all in release.json of its folder.
""".encode()


def zip_members(path: Path, members: Mapping[str, Bytes]) -> None:
    """Writes a ZIP of these members: sorted names, no times, nothing compressed, the same bytes each time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _NO_TIME)
            info.create_system, info.external_attr = _UNIX, _READABLE
            raw = members[name]
            archive.writestr(info, raw.read_bytes() if isinstance(raw, Path) else raw)


def _rules_in_force(rules_dir: Path, then: Mapping[str, str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as place:
        if hash_rules(rules_dir) == then:
            place = str(rules_dir)
        else:
            write_rules(read_rules(rules_dir), Path(place))
        return {f"{RULES_FOLDER}/{name}": with_lf(Path(place) / name) for name in then}
