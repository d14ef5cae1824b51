"""What a release's id is made of: everything that decides its bytes, nothing of the machine that made it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_project.errors import InputMissing, LeagueError, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.settings import BESIDE_IT_IN_A_WHEEL, METHODOLOGY_DIR, PROJECT_ROOT, code_path

ID_LENGTH = 16
_RELEASE_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")
_START_OF_ID = re.compile(rf"[0-9a-f]{{1,{ID_LENGTH}}}")
_CODE_FOLDERS = ("dagster_project", "dbt", "expectations")
_LOCKED_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "great-expectations")
_MADE_BY_DBT = frozenset({"dbt/target", "dbt/logs", "dbt/dbt_packages"})
_CACHE_FOLDERS = frozenset({"__pycache__", "node_modules"})
_LEFTOVER_SUFFIXES = (".pyc", ".log", ".duckdb", ".wal", "~")


@dataclass(frozen=True)
class ReleaseIdentity:
    """A release's id and the components it is the hash of; `release.json` holds both, to be checked."""

    quarter: Quarter
    framework: str
    is_sample: bool
    previous_release_id: str | None
    extracts: Mapping[str, str]
    rules: Mapping[str, str]
    code: Mapping[str, str]
    versions: Mapping[str, str]

    @property
    def components(self) -> dict[str, Any]:
        """As plain JSON values, in the names of `release.json`."""
        return {
            "quarter": str(self.quarter),
            "framework": self.framework,
            "is_sample": self.is_sample,
            "previous_release_id": self.previous_release_id,
            "extracts": dict(self.extracts),
            "rules": dict(self.rules),
            "code": dict(self.code),
            "versions": dict(self.versions),
        }

    @property
    def release_id(self) -> str:
        """The first 16 hex digits of the sha256 over the components as JSON with sorted keys."""
        text = json.dumps(self.components, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def identify(
    quarter: Quarter,
    *,
    framework: str,
    is_sample: bool,
    extracts: Mapping[str, str],
    previous_release_id: str | None,
    rules_dir: Path = METHODOLOGY_DIR,
    project_root: Path = PROJECT_ROOT,
) -> ReleaseIdentity:
    """The identity of a quarter's release, from the files in the checkout and the packages installed.

    `extracts` maps the sha256 of each raw file used to its file name: the name stands in the released
    table `extract`, so the same bytes under another name are another release. `rules_dir` holds the rules
    in force, the checkout's own or those of `--rules`. Raises InputMissing when it holds no files.
    """
    return ReleaseIdentity(
        quarter=quarter,
        framework=framework,
        is_sample=is_sample,
        previous_release_id=previous_release_id,
        extracts=extracts,
        rules=hash_rules(rules_dir),
        code=hash_code(project_root),
        versions=locked_versions(),
    )


def hash_code(project_root: Path = PROJECT_ROOT) -> dict[str, str]:
    """Path below the checkout -> sha256 of content with LF line ends: the package, dbt and expectations.

    The wheel of a checkout gives the same. Raises LeagueError when one of the three holds no files.
    """
    hashes = {
        path: _hash_with_lf(code_path(path, project_root))
        for folder in _CODE_FOLDERS
        for path in _source_files(code_path(folder, project_root), folder)
    }
    for folder in _CODE_FOLDERS:
        if not any(path.startswith(f"{folder}/") for path in hashes):
            raise LeagueError(
                f"{code_path(folder, project_root)}: expected the project's code; found no files. Use a "
                "whole checkout, or install the package anew."
            )
    return hashes


def hash_rules(rules_dir: Path = METHODOLOGY_DIR) -> dict[str, str]:
    """Path of each CSV below the folder of rules -> sha256 of content with LF line ends.

    Raises InputMissing when there is none.
    """
    hashes = {
        path: _hash_with_lf(rules_dir / path) for path in _source_files(rules_dir) if path.endswith(".csv")
    }
    if not hashes:
        raise InputMissing(
            f"{rules_dir}: expected the rules' CSV files; found none. Give the folder that holds them."
        )
    return hashes


def release_id_of(text: str, what: str, *, start_will_do: bool = False) -> str:
    """A release's id as typed by a person, for any verb; `what` names the option or argument.

    Raises WrongUsage where it isn't one: an id becomes part of a path, so that nothing else may.
    """
    if not (_START_OF_ID if start_will_do else _RELEASE_ID).fullmatch(text):
        start = ", or their start" if start_will_do else ""
        raise WrongUsage(
            f"{what} is a release's id, {ID_LENGTH} digits or letters a to f{start}, not {text!r}."
        )
    return text


def locked_versions() -> dict[str, str]:
    """The installed versions of the packages whose behaviour can change a release's bytes."""
    return {package: version(package) for package in _LOCKED_PACKAGES}


def _hash_with_lf(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _source_files(folder: Path, called: str = "") -> Iterator[str]:
    """The files that somebody wrote, sorted, as paths of a folder that is `called` so; not what tools leave in it."""
    found = []
    for where, folders, files in os.walk(folder):
        below = called / Path(where).relative_to(folder)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in _CACHE_FOLDERS
            and (below / name).as_posix() not in _MADE_BY_DBT
            and Path(where, name) != BESIDE_IT_IN_A_WHEEL
        ]
        found += [
            (below / name).as_posix()
            for name in files
            if not name.startswith(".") and not name.endswith(_LEFTOVER_SUFFIXES)
        ]
    yield from sorted(found)
