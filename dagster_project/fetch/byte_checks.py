"""Whether downloaded bytes are what they claim to be: not a web page, not cut off, no bomb, no path tricks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from dagster_project.catalogue.catalogue import Source
from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, zip_members
from dagster_project.extracts.recognise import HEAD_BYTES, recognise

_WORKBOOK = "xl/workbook.xml"
_REMEDY = "Open the address in a browser: if the file is right there, try again later, or use --extracts DIR."


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
