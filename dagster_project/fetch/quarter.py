"""Fetches a quarter's files: from the publishers' index pages into the archive, source by source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from dagster_project.archive.archive import Archive, archive_of
from dagster_project.catalogue.catalogue import Catalogue, Source, load_catalogue
from dagster_project.data_kind import require_kind
from dagster_project.errors import ExitCode, InputMissing, InputRejected, LeagueError, Locked, WrongUsage
from dagster_project.fetch.discover import Found, Survey, survey
from dagster_project.fetch.download import download
from dagster_project.fetch.publisher import Publisher, Unreachable
from dagster_project.fetch.retry import Patience
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

# A quarter has some ten files of a source, with every revision.
_MOST_FILES = 100
# Seconds between two looks whether a run has ended.
_LOOK_AGAIN = 0.1
# Another fetch holds the lock no longer than that, a run does.
_MOMENT = 1.0
Adopting = Callable[[], AbstractContextManager[None]]
FETCHED, UNCHANGED, OTHER_QUARTER, FAILED = "fetched", "unchanged", "other_quarter", "failed"


def fetch_quarter(
    quarter: Quarter,
    data: DataFolder,
    *,
    sources: Collection[str] = (),
    catalogue: Catalogue | None = None,
    patience: Patience | None = None,
) -> dict[str, Any]:
    """Finds and archives what the catalogue's sources (all, or those named) offer for the quarter.

    The result lists each source's pages, files and failures; its `exit_code` is 0 when everything found is
    archived, 4 if bytes were rejected, 3 if a file or page couldn't be had or nothing was found. Raises
    InputMissing when no publisher answers at all, WrongUsage for an unknown source or files of the kind that
    the data folder doesn't hold, Locked during a run.

    The writer lock is held only while a file that is whole is put into the archive: a slow publisher keeps
    nobody from running. A run that starts meanwhile is waited for, within bounds.
    """
    known = catalogue or load_catalogue()
    chosen = known.chosen(sources)
    archive = archive_of(data)
    if catalogue is None or catalogue.is_bundled:
        require_kind(data, False, write=False)
    waits = patience or Patience()
    at_once = replace(waits, for_lock=min(waits.for_lock, _MOMENT))
    with _lock_in_turn(data, f"fetch-{quarter}", at_once):
        # Now rather than after the first download: a run that is writing would keep it waiting.
        archive.clean()
    adopting = partial(_lock_in_turn, data, f"fetch-{quarter}", waits)
    with Publisher(seconds_between_requests=known.seconds_between_requests, patience=waits) as publisher:
        fetched = [_fetch_source(source, quarter, archive, publisher, adopting) for source in chosen]
        notes = list(publisher.notes)
    _refuse_offline(fetched)
    for item in fetched:
        del item["unreachable"]
    files = [file for item in fetched for file in item["files"]]
    result = {
        "quarter": str(quarter),
        "sources": fetched,
        "notes": notes,
        **{
            outcome: sum(file["outcome"] == outcome for file in files)
            for outcome in (FETCHED, UNCHANGED, OTHER_QUARTER, FAILED)
        },
    }
    exit_code, message = _verdict(quarter, chosen, fetched)
    return result | {"exit_code": int(exit_code), "message": message}


@contextmanager
def _lock_in_turn(data: DataFolder, run_id: str, patience: Patience) -> Iterator[None]:
    """The writer lock, once whoever holds it lets go; raises Locked after `patience.for_lock` seconds."""
    until = patience.monotonic() + patience.for_lock
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(writer_lock(data, run_id))
            except Locked:
                if patience.monotonic() >= until:
                    raise
                patience.sleep(_LOOK_AGAIN)
            else:
                break
        yield


def _fetch_source(
    source: Source, quarter: Quarter, archive: Archive, publisher: Publisher, adopting: Adopting
) -> dict[str, Any]:
    announce(f"{source.title}: reading {source.index_pages[0].address}")
    surveyed = survey(source, publisher, quarter)
    wanted = [found for found in surveyed.found if found.may_cover(quarter)]
    if len(wanted) > _MOST_FILES:
        surveyed = replace(surveyed, failures=(*surveyed.failures, _too_many(source, quarter, len(wanted))))
        wanted = []
    files = [_fetch_file(found, source, quarter, archive, publisher, adopting) for found in wanted]
    return {
        "source": source.name,
        "title": source.title,
        "pages": list(surveyed.pages),
        "links_read": surveyed.links_read,
        "found": sum(file["outcome"] != OTHER_QUARTER for file in files),
        "files": files,
        "failures": [_failure(error) for error in surveyed.failures],
        "note": None if files or surveyed.failures else _nothing(quarter, surveyed),
        "unreachable": bool(surveyed.failures)
        and not surveyed.pages
        and all(isinstance(error, Unreachable) for error in surveyed.failures),
    }


def _fetch_file(
    found: Found,
    source: Source,
    quarter: Quarter,
    archive: Archive,
    publisher: Publisher,
    adopting: Adopting,
) -> dict[str, Any]:
    """One file's outcome; a failure is a result, so that the other files are still fetched."""
    try:
        downloaded = download(found, source, archive, publisher, progress=announce, adopting=adopting)
    except (Locked, WrongUsage):
        raise  # a run writes, or a file is of the kind that the data folder doesn't hold
    except LeagueError as error:
        announce(f"Failed: {found.url}")
        return {"url": found.url, "link_text": found.link_text, "outcome": FAILED, **_failure(error)}
    sighting = downloaded.sighting
    covers = source.span == "undated" or str(quarter) in sighting.quarters
    outcome = downloaded.outcome if covers else OTHER_QUARTER
    announce(f"{outcome.replace('_', ' ').capitalize()}: {sighting.file_name} ({sighting.bytes:,} bytes)")
    return {
        "url": found.url,
        "link_text": found.link_text,
        "outcome": outcome,
        "file": sighting.file_name,
        "extract_id": sighting.extract_id,
        "bytes": sighting.bytes,
        "table": sighting.table_name,
        "quarters": list(sighting.quarters),
        "release_state": sighting.release_state,
        "supersedes": sighting.supersedes,
        "is_sample": sighting.is_sample,
        "note": downloaded.note or None,
    }


def _too_many(source: Source, quarter: Quarter, wanted: int) -> InputRejected:
    return InputRejected(
        file=source.index_pages[0].address,
        expected=f"at most {_MOST_FILES} files for {quarter}",
        found=f"{wanted:,} links that look like one",
        remedy="Look at the page in a browser, and narrow `links` of the source in the catalogue if it is right.",
    )


def _failure(error: LeagueError) -> dict[str, Any]:
    return {"reason": str(error), "rejected": isinstance(error, InputRejected)}


def _nothing(quarter: Quarter, surveyed: Survey) -> str:
    titles = ", ".join(repr(title) for title in surveyed.titles if title) or "without a title"
    other = sorted({str(found.quarter) for found in surveyed.found if found.quarter is not None})
    about = f"; files of {', '.join(other)}" if other else ""
    return (
        f"no link looks like a file for {quarter} among {surveyed.links_read} links "
        f"of {len(surveyed.pages)} pages ({titles}){about}"
    )


def _refuse_offline(fetched: list[dict[str, Any]]) -> None:
    if fetched and all(item["unreachable"] for item in fetched):
        raise InputMissing(
            "No publisher answers: this machine seems to be offline, or behind a proxy that isn't set. "
            f"{fetched[0]['failures'][0]['reason']}"
        )


def _verdict(
    quarter: Quarter, chosen: list[Source], fetched: list[dict[str, Any]]
) -> tuple[ExitCode, str | None]:
    failures = [
        failure
        for item in fetched
        for failure in (*item["failures"], *(file for file in item["files"] if file["outcome"] == FAILED))
    ]
    if failures:
        rejected = any(failure["rejected"] for failure in failures)
        code = ExitCode.INPUT_REJECTED if rejected else ExitCode.INPUT_MISSING
        return code, "\n".join(failure["reason"] for failure in failures)
    dated = [item for source, item in zip(chosen, fetched, strict=True) if source.span != "undated"]
    looked_for = dated or fetched
    if not any(item["found"] for item in looked_for):
        notes = "; ".join(f"{item['source']}: {item['note']}" for item in looked_for if item["note"])
        return ExitCode.INPUT_MISSING, (
            f"Nothing was found for {quarter}. {notes or 'The files there are of other quarters'}. Try again when it "
            "is published, or download the files in a browser and use --extracts DIR."
        )
    return ExitCode.DONE, None
