"""ZIP archives from elsewhere: bounded size, no path tricks, members streamed and never unpacked by name."""

from __future__ import annotations

import copy
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NoReturn

from dagster_project.errors import InputRejected

# The largest file known is 100 MB a month unpacked, 26 times its ZIP.
MOST_BYTES = 2 * 1024**3
MOST_MEMBERS = 1000
HIGHEST_RATIO = 300
_SMALL = 10 * 1024**2
_CHUNK = 1024**2
_LINK = 0o120000
_FETCH_AGAIN = "Download the file again from the publisher's page, or take it out of the folder."


def source_file(raw: bytes | Path) -> io.BytesIO | Path:
    """What zipfile and calamine open: a path as it is, bytes as a file."""
    return io.BytesIO(raw) if isinstance(raw, bytes) else raw


@contextmanager
def opened(raw: bytes | Path, file_name: str) -> Iterator[zipfile.ZipFile]:
    """The archive; raises InputRejected if its table of contents can't be read. `check_contents` comes next."""
    try:
        archive = zipfile.ZipFile(source_file(raw))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        _reject(file_name, "a complete ZIP archive", f"one that can't be opened ({error})")
    with archive:
        yield archive


def chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file_name: str) -> Iterator[bytes]:
    """A member's bytes, piece by piece; InputRejected if it is damaged or longer than it says."""
    # zipfile stops at the size that the archive declares; let it run on, so that a lie shows.
    unbounded = copy.copy(member)
    unbounded.file_size = MOST_BYTES + 1
    read = 0
    try:
        with archive.open(unbounded) as stream:
            while piece := stream.read(_CHUNK):
                read += len(piece)
                if read > member.file_size:
                    break
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        _reject(file_name, "a complete ZIP archive", f"a damaged member {member.filename!r} ({error})")
    if read != member.file_size:
        _reject(
            file_name,
            f"{member.file_size} bytes in {member.filename!r}, as the archive says",
            "more" if read > member.file_size else f"{read}",
        )


def only_csv(archive: zipfile.ZipFile, file_name: str) -> zipfile.ZipInfo:
    """The archive's one CSV; InputRejected if it has none or several."""
    found = csv_members(archive)
    if len(found) != 1:
        names = ", ".join(member.filename for member in archive.infolist()[:5])
        _reject(file_name, "one CSV in the archive", f"{len(found)} among {names}")
    return found[0]


def csv_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The CSV files in the archive, but for those that macOS adds."""
    return [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and member.filename.casefold().endswith(".csv")
        and not member.filename.startswith("__MACOSX/")
    ]


def check_all(archive: zipfile.ZipFile, file_name: str) -> None:
    """Reads every member once and keeps nothing, for a library that would trust the archive's own sizes."""
    check_contents(archive, file_name)
    for member in archive.infolist():
        for _ in chunks(archive, member, file_name):
            pass


def check_contents(archive: zipfile.ZipFile, file_name: str) -> None:
    """Raises InputRejected for a ZIP bomb, names that lead out of the archive, links and encrypted members."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        _reject(file_name, f"at most {MOST_MEMBERS} members", f"{len(members)}")
    for member in members:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or name.startswith(("/", "\\")) or ":" in name or "\x00" in member.orig_filename:
            _reject(file_name, "members with plain names", f"{name[:80]!r}, which leads out of the archive")
        if member.external_attr >> 16 & 0o170000 == _LINK:
            _reject(file_name, "files only", f"{name[:80]!r}, a link")
        if member.flag_bits & 1:
            _reject(file_name, "members without a password", f"{name[:80]!r}, which is encrypted")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > MOST_BYTES or unpacked > max(_SMALL, HIGHEST_RATIO * packed):
        _reject(
            file_name,
            f"at most {MOST_BYTES // 1024**2} MB unpacked and {HIGHEST_RATIO} times the packed size",
            f"{unpacked // 1024**2} MB in {packed // 1024} KB: a ZIP bomb, or another file",
        )


def _reject(file_name: str, expected: str, found: str) -> NoReturn:
    raise InputRejected(file=file_name, expected=expected, found=found, remedy=_FETCH_AGAIN)
