"""Verification of a bundle in a temporary place: needs the installed project, no data folder and no network."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.errors import InputMissing, InputRejected, LeagueError, WrongUsage
from dagster_project.extracts.readers import zip_members as zip_guard
from dagster_project.files import sha256_of_file
from dagster_project.json_text import parsed_json
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, release_path
from dagster_project.releases.identity import hash_code, release_id_of
from dagster_project.settings import DataFolder
from dagster_project.verification.bundle_members import (
    CODE_FOLDER,
    MANIFEST,
    METADATA,
    ONCE_BESIDE_THE_CODE,
    README,
    RULES_FOLDER,
    member_names,
    zip_members,
)
from dagster_project.verification.checkout import CODE, RULES, VERSIONS, has_own_rules
from dagster_project.verification.findings import Check, Finding, compared, names_in
from dagster_project.verification.telling import told_by
from dagster_project.verification.verify import Verification

BUNDLE = "bundle"
BUNDLED_CODE = "bundled code"
TOLD_FROM_THEM = "told from them"
TOLD = (MANIFEST, METADATA, README)
AT_HAND = (CODE, RULES, VERSIONS)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAIN = re.compile(r"releases/(\d{4}-\d{2}-Q[1-4])/([0-9a-f]{16})/")
_REMEDY = "Ask for the bundle again; compare its sha256 with the one that `league bundle` printed."


def verify_bundle(
    bundle: Path,
    *,
    quarter: Quarter | None = None,
    release_id: str | None = None,
    rebuild: bool = True,
    with_its_code: bool = False,
    sha256: str | None = None,
) -> dict[str, Any]:
    """As `verify_release`, of a bundle. With `quarter` and `release_id` it must be the bundle of that release.

    The file's own `sha256` is compared before anything in it is looked at, if it is given. The bundle's code is run
    only with `with_its_code`; else the code at hand must be the release's. Raises InputMissing where there is no
    such file, InputRejected where it has another sha256, isn't a bundle, or is of another release, WrongUsage for
    a `sha256` that is none.
    """
    wanted = _sha256(sha256)
    if release_id is not None:
        release_id_of(release_id, "--release")
    if not bundle.is_file():
        raise InputMissing(f"{bundle}: expected a bundle that `league bundle` wrote; there is no such file.")
    found = sha256_of_file(bundle)
    if wanted is not None and wanted != found:
        raise _rejected(bundle, f"a file with the sha256 {wanted}", f"one with the sha256 {found}")
    announce("Unpacking the bundle into a temporary place")
    with tempfile.TemporaryDirectory(prefix="league-bundle-") as temporary:
        place = Path(temporary).resolve()
        names = _unpack(bundle, place)
        listed, subject = _crate(bundle, place)
        _refuse_another(bundle, subject, quarter, release_id)
        verification = Verification(DataFolder(place), *subject, is_bundle=True)
        if with_its_code:
            verification.code = place / CODE_FOLDER
        announce("Checking files against their hashes")
        verification.check_files()
        has_rules = (place / RULES_FOLDER).is_dir()
        if has_rules and verification.content is not None and has_own_rules(verification.content):
            verification.rules_dir = place / RULES_FOLDER
        bundled_code = _check_bundled_code(place, verification.content)
        verification.checks.append(bundled_code)
        members = _check_members(place, names, listed, verification)
        verification.checks.insert(0, members)
        verification.check_code()
        verification.checks.insert(1, _check_told(bundle, place, names, members, verification))
        verification.check_rebuild(wanted=rebuild)
        return verification.answer(
            bundle=bundle.name, bundle_sha256=found, bundle_sha256_compared=wanted is not None
        )


def _unpack(bundle: Path, place: Path) -> set[str]:
    """Every member below `place`, once all names and sizes are known to be harmless; returns the names."""
    try:
        with zip_guard.opened(bundle, bundle.name) as archive:
            zip_guard.check_contents(archive, bundle.name)
            for member in archive.infolist():
                target = place / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    file.writelines(zip_guard.chunks(archive, member, bundle.name))
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
    sound = _as_released(names, verification)
    for name in sorted(names - {METADATA}):
        said = listed.get(name, {})
        size, sha256 = str((place / name).stat().st_size), sha256_of_file(place / name)
        if (said.get("contentSize"), said.get("sha256")) != (size, sha256):
            expected = (
                f"sha256 {said['sha256']}, {said.get('contentSize')} bytes" if "sha256" in said else "none"
            )
            if name not in sound:
                findings.append(
                    Finding(name, f"{expected}, as {METADATA} says", f"sha256 {sha256}, {size} bytes")
                )
            if name in sound or name in TOLD:
                findings.append(
                    Finding(METADATA, f"sha256 {sha256}, {size} bytes, as {name} has them", expected)
                )
    findings += [Finding(name, "a file of the bundle", "none") for name in sorted(set(listed) - names)]
    expected_names = _expected_names(verification)
    findings += [Finding(name, "a file of the bundle", "none") for name in sorted(expected_names - names)]
    if expected_names:
        findings += [_not_bound(name) for name in sorted(names - expected_names)]
    return Check(BUNDLE, names_in(sorted(names | expected_names | set(listed))), tuple(findings))


def _as_released(names: set[str], verification: Verification) -> set[str]:
    """The members that `release.json` covers and that are as it says: where the crate says otherwise, it is wrong."""
    faulty = {finding.what for check in verification.checks for finding in check.findings}
    named = {what.split(" ")[0].rstrip(",") for what in faulty}
    return {
        name
        for name in (names & _expected_names(verification)) - set(TOLD)
        if not named & {name, name.removeprefix(f"{CODE_FOLDER}/"), name.rpartition("/")[2]}
    }


def _not_bound(name: str) -> Finding:
    said = "a file beside that"
    if name in ONCE_BESIDE_THE_CODE:
        said += (
            ", as bundles of earlier versions had it: whoever replaced it would have left no trace. Have the release "
            "bundled anew by `league bundle`"
        )
    return Finding(name, "only what the release id covers, and what is told from that", said)


def _check_told(
    bundle: Path, place: Path, names: set[str], members: Check, verification: Verification
) -> Check:
    """What tells of the members, told again from them; and the ZIP around it all, made again from its members.

    The words of the README and of the crate are the code's own: other code than the release's would use others, so
    that the bundle's own code tells them, where that is to be run.
    """
    checked = [*TOLD, bundle.name]
    unsound = [check.name for check in verification.checks if check.findings and check.name not in AT_HAND]
    elsewhere = [check.name for check in verification.checks if check.findings and check.name in AT_HAND]
    if verification.content is None or unsound:
        return Check(
            TOLD_FROM_THEM, (), not_done=f"not as released: {', '.join(unsound)}", exit_code=members.exit_code
        )
    if elsewhere:
        return Check(TOLD_FROM_THEM, (), not_done=f"{', '.join(elsewhere)} here aren't the release's")
    try:
        told = told_by(verification.code, verification.data, verification.quarter, verification.release_id)
    except LeagueError as error:
        finding = Finding(METADATA, "a description told from the other members", str(error))
        return Check(TOLD_FROM_THEM, (METADATA,), (finding,))
    findings = [
        Finding(name, "the bytes that follow from the other members", "others")
        for name, raw in sorted(told.items())
        if (place / name).read_bytes() != raw
    ]
    if not findings and not _is_as_written(bundle, place, names):
        findings.append(
            Finding(
                bundle.name,
                "a ZIP as `league bundle` writes it",
                "the same members in another one: bytes before, between or behind them, comments, times or modes",
            )
        )
    return Check(TOLD_FROM_THEM, tuple(checked), tuple(findings))


def _is_as_written(bundle: Path, place: Path, names: set[str]) -> bool:
    with tempfile.TemporaryDirectory(prefix="league-bundle-") as temporary:
        again = Path(temporary) / "again.zip"
        zip_members(again, {name: place / name for name in names})
        return sha256_of_file(again) == sha256_of_file(bundle)


def _sha256(text: str | None) -> str | None:
    if text is None:
        return None
    wanted = text.strip().casefold()
    if not _SHA256.fullmatch(wanted):
        raise WrongUsage(
            f"--sha256 is 64 digits or letters a to f, as `league bundle` prints them, not {text!r}."
        )
    return wanted


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
