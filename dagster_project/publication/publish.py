"""Makes a publication: each quarter's part by part, what hasn't changed kept, all of it put in place at once."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.explanation.recomputation.release_tables import find_release
from dagster_project.layout import counted
from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.publication.folder import (
    OfQuarter,
    Record,
    alone,
    being_made,
    keep,
    place_of,
    put_in_place,
    record_of,
    sizes,
    write,
)
from dagster_project.publication.frontend import address_of, assets
from dagster_project.publication.parts import MADE_LAST, QUARTER_PARTS, SITE_PARTS
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import hash_code
from dagster_project.releases.journal import HELD, last_events, read_events
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder

_DRAWN_BY = (
    "altair",
    "gptables",
    "jinja2",
    "lunr",
    "nhsuk-frontend-jinja",
    "vl-convert-python",
    "xlsxwriter",
)
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Chosen:
    """A release that the publication shows."""

    quarter: str
    release_id: str
    is_embargoed: bool = False


@dataclass(frozen=True)
class _Task:
    """Parts of one quarter, or of all quarters where there is no `quarter`, made in one process into a folder."""

    data: DataFolder
    chosen: tuple[Chosen, ...]
    quarter: str | None
    parts: tuple[str, ...]
    folder: Path


def publish(
    data: DataFolder,
    quarters: Sequence[Quarter] = (),
    to: Path | None = None,
    *,
    tell: Tell = lambda _: None,
) -> dict[str, Any]:
    """Publishes the current releases, all or those of the quarters, to a folder; says what was made and what was kept.

    Raises InputMissing where nothing is released or a quarter isn't, WrongUsage for a folder that holds other things.
    """
    return publish_chosen(data, current(data, quarters), to or data.publication, tell=tell)


def publish_held(data: DataFolder, to: Path | None = None, *, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Publishes what an approval of all that waits would leave, embargoed, to a folder of its own."""
    return publish_chosen(data, held(data), to or data.publication_embargoed, tell=tell)


def current(data: DataFolder, quarters: Sequence[Quarter] = ()) -> tuple[Chosen, ...]:
    """The current releases of the quarters, or of all; raises InputMissing naming what there is."""
    released = {release.quarter: release.release_id for release in current_release(data)}
    if not released:
        raise InputMissing("Nothing is released yet: `league run` makes the first release.")
    for quarter in quarters:
        if quarter not in released:
            there = ", ".join(map(str, sorted(released)))
            raise InputMissing(f"{quarter} isn't released. Released: {there}.")
    wanted = sorted(set(quarters or released))
    return tuple(Chosen(str(quarter), released[quarter]) for quarter in wanted)


def publish_chosen(
    data: DataFolder, chosen: tuple[Chosen, ...], folder: Path, *, tell: Tell = lambda _: None
) -> dict[str, Any]:
    """Publishes these releases to a folder, which ends up with all of it or stays as it was.

    In a script of one's own the call stands behind `if __name__ == "__main__":`, as the work is shared among processes.
    """
    place = place_of(folder, data)
    with alone(place):
        contents = read_contents(data, chosen)
        released = sorted(str(one.quarter) for one in current_release(data))
        keys = keys_of(chosen, released, _gone(contents))
        before, fresh = record_of(place, contents), being_made(place)
        fresh.mkdir()
        try:
            known = before.quarters if before is not None else {}
            of_quarters = {
                quarter: of
                for quarter, of in known.items()
                if quarter in keys and keep(place, fresh, of, keys[quarter])
            }
            kept = sorted(of_quarters)
            made = [one.quarter for one in chosen if one.quarter not in of_quarters]
            tell(f"Making {counted(len(made), 'quarter')}, keeping {len(kept)}")
            of_all: dict[str, str] = {}
            for quarter, files in _make(data, chosen, made, fresh):
                if quarter is None:
                    of_all = files
                else:
                    of_quarters[quarter] = OfQuarter(key=keys[quarter], files=files)
                    left = counted(len(keys) - len(of_quarters), "quarter")
                    tell(f"{quarter} is made, {counted(len(files), 'file')}; {left} to go")
            there = [path for of in of_quarters.values() for path in of.files]
            of_all |= _make_last(contents, fresh, there)
            record = Record(
                is_sample=contents.is_sample,
                is_embargoed=contents.is_embargoed,
                notice=contents.notice,
                releases={one.quarter: one.release_id for one in chosen},
                quarters=of_quarters,
                files_of_all_quarters=of_all,
            )
            put_in_place(place, record)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    all_sizes = sizes(place, record.files)
    return {
        "folder": str(place),
        "index": str(place / addresses.HOME),
        "quarters_made": made,
        "quarters_kept": kept,
        "files": len(all_sizes),
        "bytes": sum(all_sizes.values()),
        "is_sample": contents.is_sample,
        "is_embargoed": contents.is_embargoed,
        "notice": contents.notice,
    }


def held(data: DataFolder) -> tuple[Chosen, ...]:
    """The current releases with those that wait for approval in their quarters' places, all of it embargoed.

    Raises InputMissing where nothing waits.
    """
    waiting = {
        event.quarter: event.release_id
        for event in sorted(last_events(read_events(data)).values(), key=lambda event: event.number)
        if event.event == HELD
    }
    if not waiting:
        raise InputMissing("No release waits for approval: `league publish` publishes what is current.")
    shown = {release.quarter: release.release_id for release in current_release(data)} | waiting
    return tuple(Chosen(str(quarter), shown[quarter], is_embargoed=True) for quarter in sorted(shown))


def read_contents(data: DataFolder, chosen: Iterable[Chosen]) -> Contents:
    """What the publication of these releases shows."""
    found = [
        (find_release(data, Quarter.from_canonical(one.quarter), one.release_id), one.is_embargoed)
        for one in chosen
    ]
    return contents_of(found, data.warehouse)


@lru_cache(maxsize=1)
def _contents_for_worker(data: DataFolder, chosen: tuple[Chosen, ...]) -> Contents:
    return read_contents(data, chosen)


def _make(
    data: DataFolder, chosen: tuple[Chosen, ...], quarters: Sequence[str], fresh: Path
) -> Iterator[tuple[str | None, dict[str, str]]]:
    """Each quarter once all its parts are made, with its files, and last those of all quarters under None."""
    tasks = [
        _Task(data, chosen, quarter, parts, fresh)
        for quarter, parts in (*_shared_out(quarters), *((None, (part,)) for part in SITE_PARTS))
        if parts != (MADE_LAST,)
    ]
    files: dict[str | None, dict[str, str]] = {quarter: {} for quarter in (*quarters, None)}
    left = Counter(task.quarter for task in tasks)
    for task, written in _work(tasks):
        files[task.quarter] |= written
        left[task.quarter] -= 1
        if not left[task.quarter]:
            yield task.quarter, files[task.quarter]


def _shared_out(quarters: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Whole quarters as long as each core has one, as a quarter is read once then; the parts of the others."""
    whole = len(quarters) - len(quarters) % _cores()
    for quarter in quarters[:whole]:
        yield quarter, tuple(QUARTER_PARTS)
    for quarter in quarters[whole:]:
        yield from ((quarter, (part,)) for part in QUARTER_PARTS)


def _make_last(contents: Contents, fresh: Path, made: Iterable[str]) -> dict[str, str]:
    """The page that says how large files are, and what all pages share."""
    produced = SITE_PARTS[MADE_LAST](replace(contents, sizes=sizes(fresh, made)))
    shared = ((address_of(name), content) for name, content in assets().items())
    return write(fresh, (*((one.path, one.content) for one in produced), *shared))


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _work(tasks: Sequence[_Task]) -> Iterator[tuple[_Task, dict[str, str]]]:
    """Each task with the files that it wrote; on all cores where that can be."""
    workers = min(len(tasks), _cores())
    if workers < 2 or not _can_be_started_again():
        for task in tasks:
            yield task, _done(task)
        return
    # Not forked: DuckDB and the charts' engine have threads. Rows that stay are seldom looked through for garbage.
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=gc.set_threshold, initargs=(100_000, 50, 100)
    )
    try:
        yield from zip(tasks, pool.map(_done, tasks), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _can_be_started_again() -> bool:
    """Whether another process can import what this one runs: not a program that came by standard input."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    return getattr(main, "__spec__", None) is not None or file is None or Path(file).is_file()


def _done(task: _Task) -> dict[str, str]:
    contents = _contents_for_worker(task.data, task.chosen)
    if task.quarter is None:
        produced = [one for part in task.parts for one in SITE_PARTS[part](contents)]
        return write(task.folder, ((one.path, one.content) for one in produced))
    quarter = contents.of(task.quarter)
    if quarter is None:
        raise WrongUsage(f"{task.quarter} isn't among the releases of the publication.")
    written: dict[str, str] = {}
    for part in task.parts:
        written |= write(task.folder, ((one.path, one.content) for one in QUARTER_PARTS[part](quarter)))
    return written


def keys_of(
    chosen: Sequence[Chosen],
    released: Sequence[str],
    gone: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, str]:
    """What decides each quarter's files: its release, those of the quarters before it, which of these are released
    and not chosen, which raw files of a quarter's release are gone, the code and who draws.
    """
    made_by = [hash_code(), {name: version(name) for name in _DRAWN_BY}, sorted(map(address_of, assets()))]
    keys, until = {}, []
    for one in chosen:
        until.append([one.quarter, one.release_id, one.is_embargoed, sorted(gone.get(one.quarter, ()))])
        lacking = [name for name in released if name < one.quarter and name not in {of for of, *_ in until}]
        text = json.dumps([until, lacking, made_by], sort_keys=True)
        keys[one.quarter] = hashlib.sha256(text.encode()).hexdigest()
    return keys


def _gone(contents: Contents) -> dict[str, list[str]]:
    """The raw files of each quarter's release that are no longer in the archive: its derivations say so."""
    return {
        one.quarter: [
            row["extract_id"]
            for row in one.rows("extract")
            if not Archive(one.archive).path_of(row["extract_id"]).is_file()
        ]
        for one in contents.quarters
    }
