"""A bundle described as an RO-Crate 1.1: every file, what it is, who published it, and how the release came about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from dagster_project.quarters import Quarter
from dagster_project.verification.bundle_members import (
    CODE_FOLDER,
    README,
    RULES_FOLDER,
    Content,
    release_folder,
)

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

VERSION = "1.1"
_SHA256_TERM = {"sha256": "https://schema.org/sha256"}
_LICENCES = {
    "Open Government Licence v3.0": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "MIT": "https://spdx.org/licenses/MIT",
}
_FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".py": "text/x-python",
    ".sql": "application/sql",
    ".toml": "application/toml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yml": "application/yaml",
    ".zip": "application/zip",
}


def describe(
    content: Content,
    earlier: Content | None,
    files: Mapping[str, tuple[str, int]],
    *,
    extracts: Iterable[Mapping[str, Any]],
) -> bytes:
    """The crate's metadata file. `files` are sha256 and bytes by name; `extracts` the released table of that
    name. Nothing is in it that doesn't follow from the release: nothing of the day or machine that bundles, nor of
    when and where files were seen.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    crate.metadata.extra_terms.update(_SHA256_TERM)
    licences = {
        name: _context(crate, url, "CreativeWork", name=name) for name, url in sorted(_LICENCES.items())
    }
    own = licences["MIT" if content["is_sample"] else "Open Government Licence v3.0"]
    entities = {name: _file(crate, name, *files[name]) for name in sorted(files)}
    raw = [_extract(crate, entities, row, licences) for row in extracts]
    release = _folder(crate, release_folder(content), entities, f"Release {content['release_id']}")
    release["license"] = own
    kinds = ["Dataset", "SoftwareSourceCode"]
    code = _folder(crate, CODE_FOLDER, entities, "The code that made the release", kinds=kinds)
    code["programmingLanguage"] = "Python, SQL"
    code["identifier"] = f"sha256:{_hash_of(content['code'])}"
    code["license"] = licences["MIT"]
    read = [*raw]
    if earlier is not None:
        said = f"Release {earlier['release_id']} of the quarter before, which the gates read"
        read.append(_folder(crate, release_folder(earlier), entities, said))
    if any(name.startswith(f"{RULES_FOLDER}/") for name in entities):
        read.append(_folder(crate, RULES_FOLDER, entities, "The rules that the release was made with"))
    entities[README]["name"] = "How to verify this bundle"
    made = crate.add_action(
        code,
        identifier=f"#release-{content['release_id']}",
        object=read,
        result=[release, *release["hasPart"]],
        properties={
            "name": f"The run that made release {content['release_id']} of {content['quarter']}",
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    root = crate.root_dataset
    root["name"] = f"NHS league tables of {content['quarter']}, release {content['release_id']}"
    root["description"] = (
        f"{content['notice']} The raw files, the code, the rules and the released tables, to be verified "
        "with `league verify --bundle`."
    )
    root["identifier"] = content["release_id"]
    root["license"] = own
    root["mainEntity"] = release
    root["mentions"] = made
    next_quarter = Quarter.from_canonical(content["quarter"]).shifted(1)
    # RO-Crate asks for a day, and a release knows none: the last one of what it tells of.
    root["datePublished"] = (next_quarter.first_day - timedelta(days=1)).isoformat()
    text = json.dumps(crate.metadata.generate(), indent=2, sort_keys=True, ensure_ascii=False)
    return (text + "\n").encode()


def _file(crate: ROCrate, name: str, sha256: str, size: int) -> Entity:
    properties: dict[str, Any] = {
        "name": PurePosixPath(name).name,
        "contentSize": str(size),
        "sha256": sha256,
        "encodingFormat": _FORMATS.get(PurePosixPath(name).suffix, "text/plain"),
    }
    return crate.add_file(None, name, properties=properties)


def _extract(
    crate: ROCrate,
    entities: Mapping[str, Entity],
    row: Mapping[str, Any],
    licences: Mapping[str, Entity],
) -> Entity:
    """A raw file, as the released table `extract` tells of it."""
    extract_id = row["extract_id"]
    entity = entities[f"archive/{extract_id[:2]}/{extract_id}"]
    entity["name"] = row["file_name"]
    entity["encodingFormat"] = _FORMATS.get(PurePosixPath(row["file_name"]).suffix.casefold(), "text/csv")
    entity["license"] = licences[row["licence"]]
    publisher = f"#{row['publisher'].replace(' ', '-').casefold()}"
    entity["publisher"] = _context(crate, publisher, "Organization", name=row["publisher"])
    entity["description"] = f"Extract of {row['source']}, {row['rows']} records"
    return entity


def _folder(
    crate: ROCrate,
    name: str,
    entities: Mapping[str, Entity],
    said: str,
    kinds: str | list[str] = "Dataset",
) -> Entity:
    folder = crate.add_dataset(None, f"{name}/", properties={"@type": kinds, "name": said})
    folder["hasPart"] = [entity for path, entity in entities.items() if path.startswith(f"{name}/")]
    return folder


def _context(crate: ROCrate, identifier: str, kind: str, **properties: str) -> Entity:
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _hash_of(code: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()
