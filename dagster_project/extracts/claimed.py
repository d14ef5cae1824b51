"""Which files are plainly a publisher's although no reader takes them: such a file is refused, never passed over.

A name tells it by the catalogue's patterns for links, in whatever format the file was saved; content tells it by the
columns of a source within the first lines, of a text, of a sheet, or of a file in a ZIP.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from dagster_project.archive.issue_names import without_copy_mark
from dagster_project.catalogue.catalogue import Source, bundled_catalogue
from dagster_project.catalogue.link_period import period_named
from dagster_project.errors import InputRejected, LeagueError
from dagster_project.extracts.readers import sheets
from dagster_project.extracts.recognise import source_of

_LINES_LOOKED_AT = 40
_HEAD_BYTES = 65_536
_MEMBERS_LOOKED_AT = 200
# Formats that can hold a publisher's data: a picture or a PDF of that name is about the data, and passed over.
_DATA_FORMATS = frozenset({"csv", "tsv", "xlsx", "xls", "xlsm", "xlsb", "ods", "zip", "7z", "gz", "parquet"})
# What a browser, an editor or a person puts behind the name of such a file.
_BEHIND = frozenset(
    {"crdownload", "part", "partial", "download", "tmp", "txt", "bak", "old", "gz", "bz2", "xz"}
)
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def refuse_publishers_file(path: Path, why: str, *, may_open: bool = True) -> None:
    """Raises InputRejected for a file that no reader takes, for the reason `why`, if it is plainly a publisher's.

    Without `may_open` only the name tells: a pipe never ends, and a link may lead where nobody is meant to look.
    """
    by_name = source_named(path.name)
    said = f"its name is that of a file of '{by_name.title}'" if by_name is not None else None
    if said is None and may_open:
        said = _told_by_content(path)
    if said is None:
        return
    raise InputRejected(
        file=path.name,
        expected="a publisher's file that a reader takes, as downloaded",
        found=f"one that can't be read ({why}), though {said}",
        remedy="Download it again and put it there without opening and saving it, or move it out of the folder if it "
        "isn't meant to be read.",
    )


def source_named(file_name: str) -> Source | None:
    """The source whose links look like this file's name, whatever format and copy it is; None if none's do.

    A monthly source's file names its month: without one, its pattern may fit by chance.
    """
    name = PurePath(file_name).name
    stem, has_data_format = _stem(without_copy_mark(name))
    if not has_data_format:
        return None
    has_month = period_named(stem) is not None
    # A source that is told by the words of its link can't be told by the name of its file.
    known = [
        source
        for source in _sources()
        if source.links.text is None and (has_month or source.cadence != "monthly")
    ]
    as_it_is = [source for source in known if source.links.matches(f"/{name}", "")]
    in_its_format = [
        source
        for source in known
        if any(source.links.matches(f"/{stem}.{ending}", "") for ending in source.formats)
    ]
    return next(iter([*as_it_is, *in_its_format]), None)


def _stem(name: str) -> tuple[str, bool]:
    """The name without its endings, blanks as the publisher's hyphens, and whether one ending is a data format."""
    endings = []
    stem = name
    while (
        ending := PurePath(stem).suffix.removeprefix(".").casefold()
    ) in _DATA_FORMATS | _BEHIND and ending:
        endings.append(ending)
        stem = PurePath(stem).stem
    return re.sub(r"[\s_]+", "-", without_copy_mark(stem)), bool(_DATA_FORMATS & set(endings))


def _sources() -> tuple[Source, ...]:
    return tuple(bundled_catalogue().sources.values())


def _told_by_content(path: Path) -> str | None:
    """Where in the file the columns of a source stand; None if nowhere in its beginning."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head.startswith(b"PK"):
            return _told_by_package(path)
    except (OSError, zipfile.BadZipFile, LeagueError):
        return None
    return _told_by_text(head)


def _told_by_text(head: bytes) -> str | None:
    lines = _text(head).splitlines()[:_LINES_LOOKED_AT]
    for separator, name in _SEPARATORS.items():
        for number, line in enumerate(lines, start=1):
            if separator in line and (source := _source_of_line(line, separator)) is not None:
                return f"line {number} holds columns of '{source}', separated by {name}"
    return None


def _source_of_line(line: str, separator: str) -> str | None:
    try:
        return _title_of(next(csv.reader([line], delimiter=separator), []))
    except csv.Error:
        return None


def _told_by_package(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" not in names:
            return _told_by_members(archive, names)
    workbook = sheets.loaded_workbook(path, path.name)
    for sheet in workbook.sheet_names:
        rows = sheets.sheet_rows(workbook, sheet, path.name)[:_LINES_LOOKED_AT]
        for number, row in enumerate(rows, start=1):
            source = _title_of([str(cell) for cell in row])
            if source is not None:
                return f"row {number} of its sheet {sheet!r} holds columns of '{source}'"
    return None


def _told_by_members(archive: zipfile.ZipFile, names: Sequence[str]) -> str | None:
    for name, told in _members_told(archive, names[:_MEMBERS_LOOKED_AT]):
        if told is not None:
            return f"it holds {name}: {told}"
    return None


def _members_told(archive: zipfile.ZipFile, names: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    for name in names:
        source = source_named(name)
        if name.startswith("__MACOSX") or PurePath(name).name.startswith("."):
            continue
        if source is not None:
            yield name, f"a name of '{source.title}'"
        elif name.casefold().endswith((".csv", ".txt")):
            with archive.open(name) as member:
                yield name, _told_by_text(member.read(_HEAD_BYTES))


def _title_of(names: Sequence[str]) -> str | None:
    """The title of the source whose columns these are."""
    name = source_of(names)
    return next((source.title for source in _sources() if source.reader == name), name) if name else None


def _text(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return head.decode(encoding, errors="replace")
    if b"\0" in head[:200]:
        return head.decode("utf-16-le" if head[1:2] == b"\0" else "utf-16-be", errors="replace")
    return head.decode("cp1252", errors="replace")
