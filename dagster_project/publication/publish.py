"""Makes a publication: each quarter's part by part, what hasn't changed kept, all of it put in place at once."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from dagster_project.durable import UNFINISHED
from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.explanation.recomputation.release_tables import find_release
from dagster_project.layout import counted
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.publication.frontend import address_of, assets
from dagster_project.publication.parts import QUARTER_PARTS, SITE_PARTS
from dagster_project.publication.rendering import Produced
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import hash_code
from dagster_project.releases.journal import HELD, last_events, read_events
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder
from dagster_project.shown import json_text

RECORD = "publication.json"
_LAST_PART = list(QUARTER_PARTS)[-1]
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
    data: DataFolder
    chosen: tuple[Chosen, ...]
    quarter: str
    part: str
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
            there = ", ".join(map(str, sorted(released, key=str)))
            raise InputMissing(f"{quarter} isn't released. Released: {there}.")
    wanted = sorted(quarters or released, key=str)
    return tuple(Chosen(str(quarter), released[quarter]) for quarter in wanted)


def publish_chosen(
    data: DataFolder, chosen: tuple[Chosen, ...], folder: Path, *, tell: Tell = lambda _: None
) -> dict[str, Any]:
    """Publishes these releases to a folder, which ends up with all of it or stays as it was."""
    contents = read_contents(data, chosen)
    before = _record_of(folder, contents)
    keys = keys_of(chosen, sorted(str(one.quarter) for one in current_release(data)))
    fresh = folder.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{folder.name}")
    fresh.mkdir(parents=True)
    try:
        kept = [one.quarter for one in chosen if _keep(folder, fresh, before, one.quarter, keys)]
        files = {
            path: said for quarter in kept for path, said in before["quarters"][quarter]["files"].items()
        }
        made = [one.quarter for one in chosen if one.quarter not in kept]
        tell(f"Making {counted(len(made), 'quarter')}, keeping {len(kept)}")
        by_quarter = {quarter: dict(before["quarters"][quarter]["files"]) for quarter in kept}
        by_quarter |= {quarter: {} for quarter in made}
        for task, written in _work(
            [_Task(data, chosen, q, part, fresh) for q in made for part in QUARTER_PARTS]
        ):
            by_quarter[task.quarter] |= written
            if task.part == _LAST_PART:
                tell(f"{task.quarter}: {counted(len(by_quarter[task.quarter]), 'file')} made")
        tell("Making the pages of all quarters")
        sizes = {path: (fresh / path).stat().st_size for of in by_quarter.values() for path in of}
        contents = replace(contents, sizes=sizes)
        for part in SITE_PARTS.values():
            files |= _write(fresh, part(contents))
        files |= _write(fresh, (Produced(address_of(name), content) for name, content in assets().items()))
        record = {
            "is_sample": contents.is_sample,
            "is_embargoed": contents.is_embargoed,
            "notice": contents.notice,
            "releases": {one.quarter: one.release_id for one in chosen},
            "quarters": {
                quarter: {"key": keys[quarter], "files": dict(sorted(by_quarter[quarter].items()))}
                for quarter in sorted(by_quarter)
            },
        }
        (fresh / RECORD).write_text(json_text(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        _put_in_place(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    everything = [file for file in folder.rglob("*") if file.is_file()]
    return {
        "folder": str(folder),
        "index": str(folder / "index.html"),
        "quarters_made": made,
        "quarters_kept": kept,
        "files": len(everything),
        "bytes": sum(file.stat().st_size for file in everything),
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
    return tuple(
        Chosen(str(quarter), shown[quarter], is_embargoed=True) for quarter in sorted(shown, key=str)
    )


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


def _work(tasks: Sequence[_Task]) -> Iterable[tuple[_Task, dict[str, str]]]:
    """Each task with the files that it wrote; on all cores where there is more than one task."""
    workers = min(len(tasks), len(os.sched_getaffinity(0)))
    if workers < 2:
        for task in tasks:
            yield task, _done(task)
        return
    # Not forked: DuckDB and the charts' engine have threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from zip(tasks, pool.map(_done, tasks), strict=True)


def _done(task: _Task) -> dict[str, str]:
    contents = _contents_for_worker(task.data, task.chosen)
    quarter = contents.of(task.quarter)
    if quarter is None:
        raise WrongUsage(f"{task.quarter} isn't among the releases of the publication.")
    return _write(task.folder, QUARTER_PARTS[task.part](quarter))


def _write(folder: Path, produced: Iterable[Produced]) -> dict[str, str]:
    """Writes files below the folder; returns the sha256 of each by its path."""
    written = {}
    for one in produced:
        file = folder / one.path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as out:
            out.write(one.content)
        written[one.path] = hashlib.sha256(one.content).hexdigest()
    return written


def keys_of(chosen: Sequence[Chosen], released: Sequence[str]) -> dict[str, str]:
    """What decides each quarter's files: its release, those of the quarters before it, which of these are released
    and not chosen, the code and who draws.
    """
    made_by = [hash_code(), {name: version(name) for name in _DRAWN_BY}, sorted(map(address_of, assets()))]
    keys, until = {}, []
    for one in chosen:
        until.append([one.quarter, one.release_id, one.is_embargoed])
        lacking = [name for name in released if name < one.quarter and name not in {of for of, *_ in until}]
        text = json.dumps([until, lacking, made_by], sort_keys=True)
        keys[one.quarter] = hashlib.sha256(text.encode()).hexdigest()
    return keys


def _record_of(folder: Path, contents: Contents) -> dict[str, Any]:
    """What the folder's publication says of itself; nothing where it is empty or missing.

    Raises WrongUsage for a folder of other things, of the other kind of data, or that isn't as embargoed.
    """
    nothing: dict[str, Any] = {"quarters": {}}
    if not folder.exists():
        return nothing
    if not folder.is_dir():
        raise WrongUsage(f"{folder}: expected a folder; found a file. Name another with --to.")
    if not (folder / RECORD).is_file():
        if any(folder.iterdir()):
            raise WrongUsage(
                f"{folder}: expected an empty folder or a publication; found other files. Name another with --to."
            )
        return nothing
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        kinds = (record["is_sample"], record["is_embargoed"])
        record["quarters"] = {
            name: {**of, "files": dict(of["files"])} for name, of in record["quarters"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return nothing
    for is_so, wanted, word in zip(
        kinds, (contents.is_sample, contents.is_embargoed), ("fictional", "embargoed"), strict=True
    ):
        if is_so != wanted:
            raise WrongUsage(
                f"{folder}: its publication is {'' if is_so else 'not '}{word}, this one is "
                f"{'' if wanted else 'not '}{word}. Name another folder with --to."
            )
    return dict(record)


def _keep(folder: Path, fresh: Path, before: dict[str, Any], quarter: str, keys: dict[str, str]) -> bool:
    """Takes over a quarter's files if nothing that decides them has changed and they are as they were written."""
    known = before["quarters"].get(quarter)
    if known is None or known.get("key") != keys[quarter]:
        return False
    for path, digest in known["files"].items():
        file = folder / path
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            return False
    for path in known["files"]:
        there = fresh / path
        there.parent.mkdir(parents=True, exist_ok=True)
        os.link(folder / path, there)
    return True


def _put_in_place(fresh: Path, folder: Path) -> None:
    """Two renames: a reader in between finds no publication, and never half of one."""
    old = folder.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{folder.name}")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
