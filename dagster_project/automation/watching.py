"""Looks whether the publisher has new or revised files, fetches them, and says which quarters to run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from dagster_project.archive.archive import Archive
from dagster_project.automation.publication import latest_due
from dagster_project.automation.vintage import FRAMEWORK_SOURCES, QuarterVintage, vintage_of
from dagster_project.catalogue.catalogue import CATALOGUE, Catalogue, Source, load_catalogue
from dagster_project.errors import InputMissing
from dagster_project.fetch.discover import Found, fingerprint, survey
from dagster_project.fetch.publisher import Publisher
from dagster_project.fetch.quarter import FAILED, fetch_quarter
from dagster_project.fetch.retry import Patience
from dagster_project.json_text import parsed_json
from dagster_project.quarters import FIRST_QUARTER, Quarter
from dagster_project.settings import DataFolder

CATALOGUE_VARIABLE = "LEAGUE_CATALOGUE"
# The same page again: bytes may have changed under these quarters' links. Older ones are settled.
_LOOKED_AT_AGAIN = 2
_NAMES_SHOWN = 3


def catalogue_in_use() -> Catalogue:
    """The bundled catalogue, or the one that LEAGUE_CATALOGUE names."""
    return load_catalogue(Path(os.environ.get(CATALOGUE_VARIABLE) or CATALOGUE))


@dataclass(frozen=True)
class Surroundings:
    """Where a look looks, how patiently, and which day it is; tests bring their own."""

    catalogue: Callable[[], Catalogue] = catalogue_in_use
    patience: Patience | None = None
    today: Callable[[], date] = lambda: datetime.now(UTC).date()


@dataclass
class Cursor:
    """What was seen and asked for: fingerprint by source; vintage key and marks of files by quarter."""

    fingerprints: dict[str, str] = field(default_factory=dict)
    requested: dict[str, str] = field(default_factory=dict)
    marks: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Self:
        """From its JSON; an empty or foreign one is that of a first look."""
        try:
            content = parsed_json(text or "{}")
            return cls(dict(content["fingerprints"]), dict(content["requested"]), dict(content["marks"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    def written(self) -> str:
        """As JSON, the same text for the same content."""
        return json.dumps(vars(self), sort_keys=True)


@dataclass(frozen=True)
class Wanted:
    """A quarter to run, and why in a few words."""

    vintage: QuarterVintage
    reason: str


@dataclass(frozen=True)
class Look:
    """What a look found. `cursor` is for the next one; `messages` say what failed or why nothing is wanted."""

    wanted: tuple[Wanted, ...]
    cursor: str
    messages: tuple[str, ...]


def watched_sources(catalogue: Catalogue) -> tuple[list[Source], list[Source]]:
    """The framework's own sources, and the statistics that are read for a quarter beside them."""
    read = [source for source in catalogue.sources.values() if source.reader and source.span != "undated"]
    own = [source for source in read if source.reader in FRAMEWORK_SOURCES]
    return own, [source for source in read if source not in own]


def look_for_vintages(data: DataFolder, cursor_text: str | None, around: Surroundings) -> Look:
    """Surveys the framework's pages and fetches, conditionally, the quarters that may have changed.

    A changed page is looked at whole, an unchanged one for its latest quarters. A quarter with a framework
    file that can't be had isn't wanted yet, and keeps the cursor as it was. Raises LeagueError where no
    page can be read or another process is writing.
    """
    catalogue, cursor = around.catalogue(), Cursor.read(cursor_text)
    framework, _ = watched_sources(catalogue)
    found, failures = _survey(framework, catalogue, around.patience), list[str]()
    prints = {
        source.name: fingerprint(each for each in found if each.source == source.name) for source in framework
    }
    today = around.today()
    quarters = _begun({*_named(found), latest_due(today, framework)}, today)
    if prints == cursor.fingerprints:
        quarters = quarters[-_LOOKED_AT_AGAIN:]
    wanted: list[Wanted] = []
    looked: set[Quarter] = set()
    while quarters:
        quarter = quarters.pop(0)
        looked.add(quarter)
        faults, others = fetch_for(quarter, data, catalogue, around.patience)
        failures += faults
        quarters = _begun({*quarters, *(others - looked)}, today)
        vintage = vintage_of(quarter, Archive(data.archive).sightings())
        if faults or vintage is None or cursor.requested.get(str(quarter)) == vintage.key:
            continue
        wanted.append(Wanted(vintage, reason_for(vintage, cursor.marks.get(str(quarter)))))
        cursor.requested[str(quarter)], cursor.marks[str(quarter)] = vintage.key, vintage.marks()
    if not failures:
        cursor.fingerprints = prints
    nothing = (
        f"Nothing new for {', '.join(map(str, sorted(looked)))}." if looked else "No quarter to look at."
    )
    messages = tuple(dict.fromkeys(failures)) or (() if wanted else (nothing,))
    unchanged = failures and not wanted
    return Look(tuple(wanted), (cursor_text or "") if unchanged else cursor.written(), messages)


def fetch_for(
    quarter: Quarter, data: DataFolder, catalogue: Catalogue, patience: Patience | None
) -> tuple[list[str], set[Quarter]]:
    """Fetches the quarter's files; what failed among the framework's, and other quarters they are about.

    A statistic that can't be had doesn't hold a quarter up: its metrics are then taken as published.
    """
    framework, statistics = watched_sources(catalogue)
    result = fetch_quarter(
        quarter,
        data,
        sources=[source.name for source in (*framework, *statistics)],
        catalogue=catalogue,
        patience=patience,
    )
    names = {source.name for source in framework}
    own = [item for item in result["sources"] if item["source"] in names]
    files = [file for item in own for file in item["files"]]
    pages_unread = [failure["reason"] for item in own if not item["pages"] for failure in item["failures"]]
    faults = [*pages_unread, *(file["reason"] for file in files if file["outcome"] == FAILED)]
    return list(dict.fromkeys(faults)), _last_quarters(files)


def reason_for(vintage: QuarterVintage, marks: Collection[str] | None) -> str:
    """`first files` or `new or revised`, with the names of the first few files."""
    names = vintage.new_since(marks or ()) or vintage.names
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    what = "First files of the quarter" if marks is None else "New or revised files"
    return f"{what}: {', '.join(name[:60] for name in names[:_NAMES_SHOWN])}{more}"


def _survey(framework: list[Source], catalogue: Catalogue, patience: Patience | None) -> list[Found]:
    """The links of all pages; raises the first error where no page could be read, or none has such a link."""
    with Publisher(
        seconds_between_requests=catalogue.seconds_between_requests, patience=patience
    ) as publisher:
        surveys = [survey(source, publisher) for source in framework]
    found = [each for surveyed in surveys for each in surveyed.found]
    failures = [error for surveyed in surveys for error in surveyed.failures]
    if failures and not any(surveyed.pages for surveyed in surveys):
        raise failures[0]
    if not found:
        titles = sorted({title for surveyed in surveys for title in surveyed.titles})
        said = "; ".join([f"pages titled {', '.join(map(repr, titles))}", *map(str, failures)])
        raise InputMissing(f"No link on the framework's pages looks like one of its files ({said}).")
    return found


def _named(found: list[Found]) -> set[Quarter]:
    return {each.quarter for each in found if each.quarter is not None}


def _begun(quarters: set[Quarter], day: date) -> list[Quarter]:
    """Those that a league table can be of on that day, in time: a page's words may be of any year."""
    return sorted(quarter for quarter in quarters if quarter >= FIRST_QUARTER and quarter.first_day <= day)


def _last_quarters(files: list[Mapping[str, Any]]) -> set[Quarter]:
    return {Quarter.from_canonical(max(file["quarters"])) for file in files if file.get("quarters")}
