"""Whether downloaded bytes are what they claim to be: not a web page, not cut off, no bomb, no path tricks."""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from dagster_project.errors import InputRejected
from dagster_project.extracts.catalogue import Source
from dagster_project.extracts.recognise import HEAD_BYTES, recognise

# The publisher's workbooks and extracts shrink to a thirtieth at most; deflate's own limit is a thousandth.
_LARGEST_RATIO = 200
_RATIO_COUNTS_FROM = 10_000_000
_MOST_MEMBERS = 10_000
_WORKBOOK = "xl/workbook.xml"
_ENCRYPTED = 0x1
_CHUNK = 1 << 20
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
        with zipfile.ZipFile(file.path) as archive:
            members = archive.infolist()
            _check_members(file, members, source.largest_unpacked_bytes)
            names = {member.filename for member in members}
            if is_workbook and _WORKBOOK not in names:
                file.reject("a workbook", f"a ZIP archive without {_WORKBOOK}")
            if not is_workbook and not any(name.casefold().endswith((".csv", ".xlsx")) for name in names):
                file.reject("a ZIP archive that holds data files", ", ".join(sorted(names)[:5]) or "nothing")
            for member in members:
                _read_through(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        file.reject("a whole ZIP archive or workbook", f"one that is cut off or damaged ({error})")


def _check_members(file: _File, members: list[zipfile.ZipInfo], largest_unpacked: int) -> None:
    """By what the directory declares; reading through then holds each member to its declaration."""
    if len(members) > _MOST_MEMBERS:
        file.reject(f"at most {_MOST_MEMBERS:,} files inside", f"{len(members):,}")
    unpacked = sum(member.file_size for member in members)
    if unpacked > largest_unpacked:
        file.reject(f"at most {largest_unpacked:,} bytes when unpacked", f"{unpacked:,}")
    packed = file.path.stat().st_size
    if unpacked > _RATIO_COUNTS_FROM and unpacked > packed * _LARGEST_RATIO:
        file.reject(f"contents at most {_LARGEST_RATIO} times the file", f"{unpacked:,} bytes in {packed:,}")
    seen: set[str] = set()
    for member in members:
        # The raw name: zipfile itself cuts a name at NUL and turns other separators into slashes.
        name = member.orig_filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        tricky = name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name
        if tricky or stat.S_ISLNK(member.external_attr >> 16):
            file.reject("files that stay in their folder", f"the member {name!r}")
        if member.flag_bits & _ENCRYPTED:
            file.reject("files without a password", f"the encrypted member {name!r}")
        if name in seen:
            file.reject("each member once", f"{name!r} twice")
        seen.add(name)


def _read_through(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Reads to the end, which checks length and checksum; zipfile never gives more than is declared."""
    with archive.open(member) as stream:
        while stream.read(_CHUNK):
            pass
