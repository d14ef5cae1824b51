"""Verification of a bundle in a temporary place: needs the installed project, no data folder and no network."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.errors import InputMissing, InputRejected, LeagueError
from dagster_project.extracts.archive import sha256_of_file
from dagster_project.extracts.readers import zip_members
from dagster_project.json_text import parsed_json
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, release_path
from dagster_project.releases.identity import hash_code
from dagster_project.runs.progress import announce
from dagster_project.settings import DataFolder
from dagster_project.verification.bundle_members import CODE_FOLDER, METADATA, RULES_FOLDER, member_names
from dagster_project.verification.findings import Check, Finding, compared, names_in
from dagster_project.verification.verify import Verification

BUNDLE = "bundle"
BUNDLED_CODE = "bundled code"
_MAIN = re.compile(r"releases/(\d{4}-\d{2}-Q[1-4])/([0-9a-f]{16})/")
_REMEDY = "Ask for the bundle again; compare its sha256 with the one that `league bundle` printed."


def verify_bundle(
    bundle: Path,
    *,
    quarter: Quarter | None = None,
    release_id: str | None = None,
    rebuild: bool = True,
    with_its_code: bool = False,
) -> dict[str, Any]:
    """As `verify_release`, of a bundle. With `quarter` and `release_id` it must be the bundle of that release.

    Its own code is run only with `with_its_code`; else the code at hand must be the release's. Raises
    InputMissing where there is no such file, InputRejected where it isn't a bundle, or of another release.
    """
    if not bundle.is_file():
        raise InputMissing(f"{bundle}: expected a bundle that `league bundle` wrote; there is no such file.")
    announce("Unpacking the bundle into a temporary place")
    with tempfile.TemporaryDirectory(prefix="league-bundle-") as temporary:
        place = Path(temporary).resolve()
        names = _unpack(bundle, place)
        listed, subject = _crate(bundle, place)
        _refuse_another(bundle, subject, quarter, release_id)
        verification = Verification(DataFolder(place), *subject, is_bundle=True)
        if with_its_code:
            verification.code = place / CODE_FOLDER
        if (place / RULES_FOLDER).is_dir():
            verification.rules_dir = place / RULES_FOLDER
        announce("Checking files against their hashes")
        verification.check_files()
        verification.checks.insert(0, _check_members(place, names, listed, verification))
        verification.checks.append(_check_bundled_code(place, verification.content))
        verification.check_code()
        verification.check_rebuild(wanted=rebuild)
        return verification.answer(bundle=bundle.name, bundle_sha256=sha256_of_file(bundle))


def _unpack(bundle: Path, place: Path) -> set[str]:
    """Every member below `place`, once all names and sizes are known to be harmless; returns the names."""
    try:
        with zip_members.opened(bundle, bundle.name) as archive:
            zip_members.check_contents(archive, bundle.name)
            for member in archive.infolist():
                target = place / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    file.writelines(zip_members.chunks(archive, member, bundle.name))
            return set(archive.namelist())
    except InputRejected as error:
        raise _rejected(bundle, error.expected, error.found) from None
    except OSError as error:
        raise _rejected(bundle, "files in folders", f"members that can't be unpacked ({error})") from None


def _crate(bundle: Path, place: Path) -> tuple[dict[str, dict[str, Any]], tuple[Quarter, str]]:
    """What the crate says of each file, and which release it is of."""
    try:
        graph = parsed_json((place / METADATA).read_bytes())["@graph"]
        entities = {entity["@id"]: entity for entity in graph}
        main = _MAIN.fullmatch(entities["./"]["mainEntity"]["@id"])
        if main is None:
            raise ValueError("its main entity is no release")
        files = {name: entity for name, entity in entities.items() if entity["@type"] == "File"}
        return files, (Quarter.from_canonical(main[1]), main[2])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _rejected(bundle, f"an RO-Crate with {METADATA}", f"something else ({error!r})") from None


def _refuse_another(
    bundle: Path, subject: tuple[Quarter, str], quarter: Quarter | None, release_id: str | None
) -> None:
    asked = (quarter or subject[0], release_id or subject[1])
    if asked != subject:
        raise _rejected(
            bundle,
            f"the bundle of release {asked[1]} of {asked[0]}",
            f"that of release {subject[1]} of {subject[0]}",
        )


def _check_members(
    place: Path, names: set[str], listed: Mapping[str, Mapping[str, Any]], verification: Verification
) -> Check:
    """Each member as the crate says, and exactly those that the release must have."""
    findings = []
    for name in sorted(names - {METADATA}):
        said = listed.get(name, {})
        size, sha256 = str((place / name).stat().st_size), sha256_of_file(place / name)
        if (said.get("contentSize"), said.get("sha256")) != (size, sha256):
            expected = (
                f"sha256 {said['sha256']}, {said.get('contentSize')} bytes" if "sha256" in said else "none"
            )
            findings.append(
                Finding(name, f"{expected}, as {METADATA} says", f"sha256 {sha256}, {size} bytes")
            )
    findings += [Finding(name, "a file of the bundle", "none") for name in sorted(set(listed) - names)]
    expected_names = _expected_names(verification)
    findings += [Finding(name, "a file of the bundle", "none") for name in sorted(expected_names - names)]
    if expected_names:
        findings += [
            Finding(name, "only what the release was made of and came to", "a file beside that")
            for name in sorted(names - expected_names)
        ]
    return Check(BUNDLE, names_in(sorted(names | expected_names | set(listed))), tuple(findings))


def _expected_names(verification: Verification) -> set[str]:
    """Empty where release.json can't be used, which is a finding of its own."""
    if verification.content is None:
        return set()
    earlier_id = verification.content["previous_release_id"]
    earlier = None
    if earlier_id is not None:
        folder = release_path(verification.data, verification.quarter.shifted(-1), earlier_id)
        try:
            earlier = parsed_json((folder / RELEASE_FILE).read_bytes())
            return member_names(verification.content, earlier)
        except (OSError, ValueError, TypeError, KeyError):
            return member_names(verification.content, None)
    return member_names(verification.content, None)


def _check_bundled_code(place: Path, content: Mapping[str, Any] | None) -> Check:
    """The code in the bundle against the hashes in the release."""
    if content is None:
        return Check(BUNDLED_CODE, (), not_done="release.json can't be used")
    try:
        bundled = hash_code(place / CODE_FOLDER)
    except LeagueError:
        bundled = {}
    findings = compared(content["code"], bundled)
    return Check(BUNDLED_CODE, names_in(content["code"], bundled), tuple(findings))


def _rejected(bundle: Path, expected: str, found: str) -> InputRejected:
    return InputRejected(file=bundle.name, expected=expected, found=found, remedy=_REMEDY)
