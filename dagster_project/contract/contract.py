"""The contract as files of the checkout: written anew where its changelog allows what changed, refused where not."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from dagster_project.contract.compatibility import IN_PLACE, REFUSED, Change, changes
from dagster_project.contract.odcs import Document, contract_document
from dagster_project.documents.sources import DocumentSources
from dagster_project.durable import write_whole
from dagster_project.errors import InputMissing, LeagueError
from dagster_project.settings import CONTRACT_FILE, PROJECT_ROOT
from dagster_project.strict_yaml import strict_yaml

CHANGELOG = PROJECT_ROOT / "docs" / "contract-changelog.md"
REMEDY = "Run `league docs contract` and commit contract/ and docs/contract-changelog.md."
_HEAD = (
    "# Made from dbt's YAML by `league docs contract`. Don't edit: a test compares, and says what to do.\n"
)
_HEADING = re.compile(r"^## (\d+)\.(\d+)\.(\d+) \((\d{4}-\d{2}-\d{2})\)$", re.MULTILINE)
_ENTRY = re.compile(rf"^- ({'|'.join(IN_PLACE)}) `([a-z0-9_.]+)`: \S", re.MULTILINE)
_FINGERPRINT = re.compile(r"^Fingerprint of its promises: `([0-9a-f]{16})`\n?", re.MULTILINE)
_PARTS = ("major", "minor", "patch")


@dataclass(frozen=True)
class Version:
    """A section of the changelog: its number, its day, what it declares as (kind, name), and of which promises."""

    number: tuple[int, int, int]
    day: date
    declared: frozenset[tuple[str, str]]
    fingerprint: str | None

    def __str__(self) -> str:
        return ".".join(map(str, self.number))


def versions(changelog: str) -> list[Version]:
    """The sections of the changelog, newest first; raises LeagueError where there are none or they aren't in order."""
    parts = _HEADING.split(changelog)[1:]
    found = []
    for major, minor, patch, day, text in zip(*(parts[place::5] for place in range(5)), strict=True):
        said = _FINGERPRINT.search(text)
        found.append(
            Version(
                (int(major), int(minor), int(patch)),
                date.fromisoformat(day),
                frozenset(_ENTRY.findall(text)),
                said[1] if said else None,
            )
        )
    newest_first = sorted(found, key=lambda version: (version.number, version.day), reverse=True)
    if not found or found != newest_first or len({version.number for version in found}) < len(found):
        raise LeagueError(
            f"{CHANGELOG.name}: expected a section `## 1.2.3 (2027-06-30)` for each version, newest first, none twice; "
            f"found {', '.join(map(str, found)) or 'none'}. Mend the headings."
        )
    return found


def contract_text(document: Document) -> str:
    """The document as the file holds it."""
    return _HEAD + yaml.safe_dump(document, sort_keys=False, width=110, allow_unicode=True)


def fingerprint(document: Document) -> str:
    """Changes with every promise, and with nothing else: not with the version, nor with how the file is laid out."""
    promises = {part: content for part, content in document.items() if part not in ("version", "apiVersion")}
    return hashlib.sha256(json.dumps(promises, sort_keys=True).encode()).hexdigest()[:16]


def refuse_contract_drift(
    sources: DocumentSources, contract: Path = CONTRACT_FILE, changelog: Path = CHANGELOG
) -> None:
    """Raises LeagueError where the file isn't what dbt's YAML gives, with each change and what it asks for, or where
    the changelog doesn't bear the fingerprint of the file."""
    newest = versions(_read(changelog))[0]
    document = contract_document(sources, str(newest))
    if contract_text(document) != _read(contract):
        before = strict_yaml(_read(contract))
        _refuse_undeclared(before, document, newest)
        raise LeagueError(f"{contract.name} isn't what dbt's YAML gives. {REMEDY}")
    if newest.fingerprint != fingerprint(document):
        raise LeagueError(
            f"{changelog.name}, {newest}: expected the fingerprint {fingerprint(document)} of {contract.name}; found "
            f"{newest.fingerprint}. One of both was changed by hand. Restore them from git, then run "
            "`league docs contract`."
        )


def write_contract(
    sources: DocumentSources, contract: Path = CONTRACT_FILE, changelog: Path = CHANGELOG
) -> list[Change]:
    """Writes the contract as dbt's YAML gives it, and its fingerprint into the changelog; returns what changed.

    Raises LeagueError, and writes nothing, for a change that may not be made in place or that the newest section of
    the changelog doesn't declare.
    """
    text = _read(changelog)
    newest = versions(text)[0]
    document = contract_document(sources, str(newest))
    found = []
    if contract.is_file():
        found = _refuse_undeclared(strict_yaml(_read(contract)), document, newest)
    elif newest.fingerprint != fingerprint(document) and any(one.fingerprint for one in versions(text)):
        # Without the file nobody could say what changes; the changelog knows that something does.
        raise InputMissing(
            f"{contract}: expected the contract that {changelog.name} has a fingerprint of, and dbt's YAML gives "
            "another one; there is no file. Restore it from git."
        )
    contract.parent.mkdir(parents=True, exist_ok=True)
    write_whole(contract, contract_text(document))
    write_whole(changelog, _with_fingerprint(text, fingerprint(document)))
    return found


def _refuse_undeclared(before: Document, after: Document, newest: Version) -> list[Change]:
    found = changes(before, after, newest.day)
    refused = [change for change in found if change.kind == REFUSED]
    if refused:
        raise LeagueError(
            "the contract with consumers would break:\n"
            + "\n".join(f"  - {change}" for change in refused)
            + "\nLeave the table as it is, and add a new version of its model beside it, with a `deprecation_date` "
            "for the old one (docs/consumers.md, How the contract changes)."
        )
    if not found:
        return []
    old = str(before["version"])
    if str(newest) == old:
        raise LeagueError(
            f"the contract changes, and {CHANGELOG.name} has no version after {old}. Add one, with these lines in your "
            f"words (or, if {old} isn't committed yet, restore {CONTRACT_FILE.name} from git first):\n{_lines(found)}"
        )
    wanted = {(change.kind, change.name) for change in found}
    if wanted != newest.declared:
        more = sorted(f"{kind} `{name}`" for kind, name in newest.declared - wanted)
        raise LeagueError(
            f"{CHANGELOG.name}, {newest}: expected a line for each change and for nothing else:\n{_lines(found)}"
            + (f"\nfound besides: {', '.join(more)}" if more else "")
        )
    _refuse_small_step(old, newest, found)
    return found


def _refuse_small_step(old: str, newest: Version, found: list[Change]) -> None:
    """A number that rises by less than its largest change tells readers that they need not look."""
    part = min(_PARTS.index(IN_PLACE[change.kind]) for change in found)
    before = tuple(int(number) for number in old.split("."))
    if newest.number[: part + 1] <= before[: part + 1]:
        raise LeagueError(
            f"{CHANGELOG.name}: expected a new {_PARTS[part]} version after {old}, because of what changed; found "
            f"{newest}.\n{_lines(found)}"
        )


def _lines(found: list[Change]) -> str:
    said = dict.fromkeys((change.kind, change.name) for change in found)
    words = {
        key: "; ".join(change.words for change in found if (change.kind, change.name) == key) for key in said
    }
    return "\n".join(f"- {kind} `{name}`: {words[kind, name]}" for kind, name in said)


def _with_fingerprint(changelog: str, value: str) -> str:
    """The changelog with the fingerprint below its newest heading."""
    heading = _HEADING.search(changelog)
    assert heading is not None
    head, rest = changelog[: heading.end()], changelog[heading.end() :]
    following = _HEADING.search(rest)
    own, older = (rest[: following.start()], rest[following.start() :]) if following else (rest, "")
    own = _FINGERPRINT.sub("", own).strip("\n")
    return f"{head}\n\nFingerprint of its promises: `{value}`\n\n{own}\n" + (f"\n{older}" if older else "")


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputMissing(f"{path}: expected this file of the checkout; there is none. Restore it from git.")
    return path.read_text(encoding="utf-8")
