"""ZIP archives from elsewhere: bounded size, no path tricks, members streamed once their names are checked.

The one guard for what readers open, what is downloaded, and bundles.
"""

from __future__ import annotations

import copy
import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NoReturn

from dagster_project.errors import InputRejected

# The largest file known is 100 MB a month unpacked, 26 times its ZIP; deflate's own limit is a thousandth.
MOST_BYTES = 2 * 1024**3
# What is read whole: the largest such CSV known has 61 MB, the largest workbook 22 MB unpacked.
MOST_BYTES_READ_WHOLE = 200_000_000
MOST_MEMBERS = 1000
HIGHEST_RATIO = 200
_SMALL = 10_000_000
_CHUNK = 1024**2
_ENCRYPTED = 0x1
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
        raise InputRejected(
            file=file_name,
            expected="one CSV in the archive",
            found=f"{len(found)} among {names}",
            remedy="Unpack it, and put the files that it holds into the folder.",
        )
    return found[0]


def csv_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The CSV files in the archive, but for those that macOS adds."""
    return [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and member.filename.casefold().endswith(".csv")
        and "__MACOSX" not in (parts := PurePosixPath(member.filename).parts)
        and not parts[-1].startswith(".")
    ]


def check_all(archive: zipfile.ZipFile, file_name: str, *, most_bytes: int = MOST_BYTES) -> None:
    """Reads every member once and keeps nothing, for a library that would trust the archive's own sizes."""
    check_contents(archive, file_name, most_bytes=most_bytes)
    for member in archive.infolist():
        for _ in chunks(archive, member, file_name):
            pass


def check_contents(archive: zipfile.ZipFile, file_name: str, *, most_bytes: int = MOST_BYTES) -> None:
    """Raises InputRejected for a ZIP bomb, names that lead out of the archive or recur, links and encrypted
    members. `most_bytes` is the most that the archive may hold when unpacked.
    """
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        _reject(file_name, f"at most {MOST_MEMBERS:,} files inside", f"{len(members):,}")
    seen: set[str] = set()
    for member in members:
        # The raw name: zipfile itself cuts a name at NUL and turns other separators into slashes.
        name = member.orig_filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or name.startswith(("/", "\\")) or ":" in name or "\0" in name:
            _reject(file_name, "members with plain names", f"{name[:80]!r}, which leads out of the archive")
        if stat.S_ISLNK(member.external_attr >> 16):
            _reject(file_name, "files only", f"{name[:80]!r}, a link")
        if member.flag_bits & _ENCRYPTED:
            _reject(file_name, "members without a password", f"{name[:80]!r}, which is encrypted")
        if name in seen:
            _reject(file_name, "each member once", f"{name[:80]!r} twice")
        seen.add(name)
    unpacked = sum(member.file_size for member in members)
    # Members that share their bytes are packed once, whatever their sizes add up to.
    packed = min(sum(member.compress_size for member in members), _size_of(archive))
    if unpacked > most_bytes:
        _reject(file_name, f"at most {most_bytes:,} bytes when unpacked", f"{unpacked:,}")
    if unpacked > max(_SMALL, HIGHEST_RATIO * packed):
        _reject(
            file_name,
            f"contents at most {HIGHEST_RATIO} times the packed size",
            f"{unpacked:,} bytes in {packed:,}: a ZIP bomb, or another file",
        )


def digest(archive: zipfile.ZipFile) -> bytes:
    """The sha256 of the archive as it stands packed."""
    file = archive.fp
    assert file is not None
    at = file.tell()
    file.seek(0)
    found = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    file.seek(at)
    return found.digest()


def _size_of(archive: zipfile.ZipFile) -> int:
    file = archive.fp
    assert file is not None
    at = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(at)
    return size


def _reject(file_name: str, expected: str, found: str) -> NoReturn:
    raise InputRejected(file=file_name, expected=expected, found=found, remedy=_FETCH_AGAIN)
