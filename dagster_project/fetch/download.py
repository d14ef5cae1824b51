"""Downloads one found file into the archive: conditional, its bytes checked, recorded as a sighting of its vintage.

What it covers is read from it where its reader can, else from its link or its first rows.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Literal, NoReturn
from urllib.parse import unquote, urlsplit

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.archive.issue_names import is_final, reissue_number
from dagster_project.catalogue.catalogue import Source
from dagster_project.catalogue.link_period import Period, link_period, period_named
from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, zip_members
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.recognise import HEAD_BYTES, recognise
from dagster_project.extracts.source import source_record
from dagster_project.fetch.discover import Found
from dagster_project.fetch.publisher import Answer, Publisher
from dagster_project.files import sha256_of_file

_LONGEST_NAME = 200
_LONGEST_SUFFIX = 10
_HEAD_OF_A_TEXT = 20_000
_WORKBOOK = "xl/workbook.xml"
_REMEDY = "Open the address in a browser: if the file is right there, try again later, or use --extracts DIR."


@dataclass(frozen=True)
class Downloaded:
    """How a download ended. `unchanged`: the archive had these bytes before; the sighting is their latest.

    `note` says where link and rows differ on the months.
    """

    outcome: Literal["fetched", "unchanged"]
    sighting: Sighting
    note: str = ""


def download(
    found: Found,
    source: Source,
    archive: Archive,
    publisher: Publisher,
    progress: Callable[[str], None] = lambda _text: None,
    adopting: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> Downloaded:
    """Downloads the file unless the archive has it and the publisher says that it wasn't modified.

    The archive keeps the bytes once they have passed every check, and nothing otherwise; other bytes than
    last time under one address are a new vintage beside the old. Raises InputMissing where the file can't
    be had, InputRejected where it isn't what it claims to be.

    The file is downloaded and checked aside. `adopting` is entered only while it is put into the archive: it
    holds the writer lock, unless the caller does.
    """
    last = _last_at(found.url, archive.sightings())
    kept = last if last is not None and archive.path_of(last.extract_id).exists() else None
    with archive.unfinished() as path:
        with path.open("wb") as file:
            answer = publisher.download(
                found.url,
                file,
                hosts=source.allowed_hosts,
                largest=source.largest_bytes,
                etag=kept.etag if kept else "",
                last_modified=kept.last_modified if kept else "",
                progress=lambda done, whole: progress(_progress(found.url, done, whole)),
            )
        if answer.not_modified and kept is not None:
            return Downloaded("unchanged", kept)
        file_name = file_name_of(found.url, answer)
        check_bytes(path, file_name, found.url, source)
        seen, note = _seen(found, source, path, file_name, answer)
        with adopting():
            # Read anew: another fetch may have been here meanwhile.
            sightings = archive.sightings()
            known = archive.path_of(seen.extract_id).exists()
            sighting = _placed(seen, source, _last_at(found.url, sightings), sightings)
            if source.reader is not None:
                archive.admit(sighting.is_sample)
            archive.adopt(path)
            archive.record([sighting])
            recorded = _last_at(found.url, archive.sightings())
    return Downloaded("unchanged" if known else "fetched", recorded or sighting, note)


def file_name_of(url: str, answer: Answer) -> str:
    """The name in the address or, if that has no suffix, the one that the answer gives; a bare name always."""
    name = _bare(unquote(urlsplit(url).path))
    if "." in name:
        return name
    return _bare(_name_given(answer.content_disposition)) or name or "download"


def release_state(file_name: str, link_text: str) -> str:
    """`final` or `revised` where name or words say so, else `provisional`."""
    if is_final(file_name) or is_final(link_text, name=False):
        return "final"
    if _revision(file_name, link_text):
        return "revised"
    return "provisional"


def _revision(file_name: str, link_text: str) -> int:
    # A name like "revisedJune" has the word without a number.
    in_name = max(reissue_number(file_name), reissue_number(Path(file_name).stem, name=False))
    return max(in_name, reissue_number(link_text, name=False))


def _name_given(content_disposition: str) -> str:
    """The name in that header; empty where it has none that can be read."""
    message = Message()
    try:
        message["content-disposition"] = content_disposition
        return message.get_filename() or ""
    except (ValueError, LookupError, TypeError, IndexError, AttributeError):
        return ""


def _seen(found: Found, source: Source, path: Path, file_name: str, answer: Answer) -> tuple[Sighting, str]:
    """The sighting, and where link and rows differ."""
    extract_id = sha256_of_file(path)
    contents = contents_of(source, path, file_name, extract_id, found)
    sighting = Sighting(
        extract_id=extract_id,
        file_name=file_name,
        source=source.reader or source.name,
        table_name=contents.table_name,
        quarters=contents.quarters,
        bytes=answer.bytes,
        release_state=release_state(file_name, found.link_text),
        supersedes=None,
        is_sample=contents.is_sample,
        origin=found.url,
        found_on=found.page,
        link_text=found.link_text,
        etag=answer.etag,
        last_modified=answer.last_modified,
        content_type=answer.content_type,
    )
    return sighting, contents.contradicts(found.period)


def _placed(seen: Sighting, source: Source, last: Sighting | None, sightings: Iterable[Sighting]) -> Sighting:
    """The sighting with the vintage that it supersedes, and its state if that follows from it."""
    if last is not None and last.extract_id == seen.extract_id:
        return replace(seen, supersedes=last.supersedes, release_state=last.release_state)
    if last is not None:
        state = "revised" if seen.release_state == "provisional" else seen.release_state
        return replace(seen, supersedes=last.extract_id, release_state=state)
    older = [
        other
        for other in sightings
        if other.extract_id != seen.extract_id
        and _series(other, source) == _series(seen, source)
        and _standing(other) < _standing(seen)
    ]
    if not older:
        return seen
    return replace(seen, supersedes=max(older, key=_standing).extract_id)


def _series(sighting: Sighting, source: Source) -> tuple[object, ...]:
    """What issues of one file have in common. Several months make a quarter, each with a file of its own."""
    months = None
    if sighting.table_name is None:
        months = link_period(sighting.link_text, sighting.file_name, source.span) or sighting.origin
    return sighting.source, sighting.table_name, sighting.quarters, sighting.is_sample, months


def _standing(sighting: Sighting) -> tuple[int, int]:
    states = ("provisional", "revised", "final")
    return states.index(sighting.release_state), _revision(sighting.file_name, sighting.link_text)


def _last_at(url: str, sightings: Iterable[Sighting]) -> Sighting | None:
    return next((seen for seen in reversed(list(sightings)) if seen.url == url), None)


def _progress(url: str, done: int, whole: int | None) -> str:
    of_whole = "" if whole is None else f" of {whole / 1e6:.0f}"
    return f"{_bare(urlsplit(url).path)}: {done / 1e6:.0f}{of_whole} MB"


def _bare(path: str) -> str:
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(character for character in name if character.isprintable()).strip(". ")
    # The suffix stays: it says what the file claims to be.
    stem, dot, suffix = name.rpartition(".")
    if dot and stem and len(suffix) <= _LONGEST_SUFFIX:
        return f"{stem[: _LONGEST_NAME - len(suffix) - 1]}.{suffix}"
    return name[:_LONGEST_NAME]


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    url: str

    def reject(self, expected: str, found: str) -> NoReturn:
        raise InputRejected(file=self.url, expected=expected, found=found, remedy=_REMEDY)


def check_bytes(path: Path, file_name: str, url: str, source: Source) -> None:
    """Raises InputRejected, naming the address, unless the bytes are a whole file of the source's formats."""
    file = _File(path, file_name, url)
    size = path.stat().st_size
    wanted = " or ".join(source.formats)
    if size < source.smallest_bytes:
        shown = path.read_bytes()[:80]
        file.reject(
            f"a file of {source.smallest_bytes:,} bytes or more", f"{size:,} bytes that start with {shown!r}"
        )
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    suffix = PurePosixPath(file_name).suffix.casefold().removeprefix(".")
    known_suffix = suffix in ("csv", "xlsx", "zip")
    if known_suffix and suffix not in source.formats:
        file.reject(f"a file of the format {wanted}", f"the name {file_name!r}")
    promised = suffix if known_suffix else "zip" if head.startswith(b"PK") else source.formats[0]
    try:
        recognised = recognise(head, f"{Path(file_name).stem}.{promised}")
    except InputRejected as error:
        file.reject(f"{error.expected} ({wanted})", error.found)
    if head.startswith(b"PK"):
        _check_zip(file, source, is_workbook=promised == "xlsx")
    elif promised != "csv":
        file.reject(f"a file of the format {promised}", f"something else: {recognised.reason}")
    if recognised.source not in (None, source.name, source.reader):
        file.reject(f"a file of the source {source.name}", f"one of {recognised.source}")


def _check_zip(file: _File, source: Source, *, is_workbook: bool) -> None:
    try:
        with zip_members.opened(file.path, file.name) as archive:
            check = sheets.check_workbook if is_workbook else zip_members.check_all
            check(archive, file.name, most_bytes=source.largest_unpacked_bytes)
            names = set(archive.namelist())
    except InputRejected as error:
        file.reject(error.expected, error.found)
    if is_workbook and _WORKBOOK not in names:
        file.reject("a workbook", f"a ZIP archive without {_WORKBOOK}")
    if not is_workbook and not any(name.casefold().endswith((".csv", ".xlsx")) for name in names):
        file.reject("a ZIP archive that holds data files", ", ".join(sorted(names)[:5]) or "nothing")


@dataclass(frozen=True)
class Contents:
    """Table (None where a source has none), canonical quarters in time, and whether figures are fictional.

    `months` (`2025-06`, in time) are those of its rows, where its reader counts in months.
    """

    table_name: str | None
    quarters: tuple[str, ...]
    is_sample: bool
    months: tuple[str, ...] = ()

    def contradicts(self, said: Period | None) -> str:
        """Empty, or how what the rows are about differs from the months that the link says."""
        if said is None or not self.quarters:
            return ""
        if self.months and said.first is not None:
            whole = said.months()
            if set(self.months) == set(whole):
                return ""
            return f"the link says {_from_to(whole)}, its rows are of {_from_to(self.months)}"
        last = str(said.quarters()[-1])
        if last == self.quarters[-1]:
            return ""
        return f"the link says {last}, its rows are of {', '.join(self.quarters)}"


def contents_of(source: Source, path: Path, file_name: str, extract_id: str, found: Found) -> Contents:
    """Raises InputRejected where the source's reader can't take the file."""
    if source.reader is not None:
        record = source_record(source.reader)
        raw = path.read_bytes() if record.is_small else path
        read = record.read(raw, file_name=file_name, extract_id=extract_id)
        months = read.periods if isinstance(read, ReadStatistic) else ()
        return Contents(read.table_name, read.quarters, read.is_sample, months)
    period = found.period if source.span == "undated" else found.period or _period_inside(path)
    quarters = () if period is None else tuple(map(str, period.quarters()))
    return Contents(None, quarters, is_sample=False)


def _from_to(months: Sequence[str]) -> str:
    """First and last, and how many where some between them are missing."""
    first, last = months[0], months[-1]
    if first == last:
        return first
    years = int(last[:4]) - int(first[:4])
    whole = years * 12 + int(last[5:]) - int(first[5:]) + 1
    return f"{first} to {last}" + (f" ({len(months)} of {whole} months)" if len(months) < whole else "")


def _period_inside(path: Path) -> Period | None:
    """The months named by the members of an archive, or by the first rows of a text."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.casefold().endswith(".csv")]
        return period_named(" ".join(names))
    with path.open("rb") as file:
        head = file.read(_HEAD_OF_A_TEXT)
    return None if b"\0" in head else period_named(head.decode("cp1252", errors="replace"))
