"""The files of a folder as downloaded: which there are, and what each is by its content."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from dagster_project.catalogue import catalogue
from dagster_project.errors import InputRejected
from dagster_project.extracts.claimed import refuse_publishers_file
from dagster_project.extracts.recognise import HEAD_BYTES, Recognised, recognise

# What people download lies a few folders deep; deeper ones are a loop or an accident.
_DEEPEST = 40
# Made by file managers beside what people keep, and not by them; the first has a control character in its name.
_OF_FILE_MANAGERS = frozenset({"icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini"})
_RENAME = "Rename it, or take it out of the folder."
_TAKE_OUT = "Take it out of the folder, or put the files themselves there."


def files_below(folder: Path) -> Iterator[Path]:
    """Every file that isn't hidden, at any depth, in the order of names; links to folders aren't entered.

    Raises InputRejected for a folder that can't be read or lies too deep, and for a name that can't be shown.
    """
    for parent, folders, names in os.walk(folder, followlinks=False, onerror=_unreadable):
        if len(Path(parent).relative_to(folder).parts) > _DEEPEST:
            _reject(
                Path(*Path(parent).relative_to(folder).parts[:3]).as_posix(),
                f"folders at most {_DEEPEST} deep",
                "deeper ones",
                "Name the folder that holds the files themselves.",
            )
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in folders:
            _refuse_name(name)
        for name in sorted([*names, *links]):
            if not name.startswith(".") and name.casefold() not in _OF_FILE_MANAGERS:
                _refuse_name(name)
                yield Path(parent) / name


def what_it_is(path: Path, folder: Path, *, times_as_large: int = 1) -> Recognised:
    """What the file is, or why it is passed over; it may be `times_as_large` as the catalogue allows.

    Raises InputRejected where it can't be read, and where no reader takes it though it is plainly a publisher's.
    """
    if path.name.startswith("~$"):
        return Recognised(None, "the lock of a spreadsheet program that has the file open")
    closed = _must_not_be_opened(path, folder)
    found = Recognised(None, closed) if closed is not None else _recognised(path, times_as_large)
    if found.source is None:
        refuse_publishers_file(path, found.reason, may_open=closed is None and path.is_file())
    return found


def _must_not_be_opened(path: Path, folder: Path) -> str | None:
    """Why a link isn't followed; None for a file, and for a link to one in the folder."""
    if not path.is_symlink():
        return None
    try:
        target = path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return "not a file: a link that leads to nothing"
    except (OSError, RuntimeError):
        # A link to itself is an error of the one kind or the other, by Python's version.
        _reject(path.name, "a file", "a link that leads to itself", _TAKE_OUT)
    return None if target.is_relative_to(folder.resolve()) else "a link that leads out of the folder"


def _recognised(path: Path, times_as_large: int) -> Recognised:
    try:
        # Opened without waiting, so that nobody has to write into a pipe first; and looked at once open.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if path.is_dir() or not path.is_file():
            return Recognised(None, "not a file")
        _unreadable(error)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return Recognised(None, "not a file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            head = file.read(HEAD_BYTES)
        except OSError as error:
            _unreadable(error)
    found = recognise(head, path.name, path)
    if found.source is not None:
        _refuse_size(path.name, found.source, status.st_size, times_as_large)
    return found


def _refuse_size(file_name: str, source: str, size: int, times_as_large: int) -> None:
    """The largest file of a source is the catalogue's, packed or not."""
    most = catalogue.largest_file(source) * times_as_large
    if size > most:
        _reject(
            file_name,
            f"at most {most:,} bytes of {source} (largest_megabytes in the catalogue of sources)",
            f"{size:,}",
            "Check that it is the publisher's file; if it has grown so much, raise the limit there.",
        )


def _refuse_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        _reject(ascii(name)[1:-1], "a name in UTF-8", "bytes that aren't", _RENAME)
    if not name.isprintable():
        _reject(ascii(name)[1:-1], "a name that can be shown", "control characters in it", _RENAME)


def _unreadable(error: OSError) -> NoReturn:
    name = Path(os.fsdecode(error.filename or "")).name
    _reject(
        ascii(name)[1:-1][:80] or "the folder",
        "a file or folder that can be read",
        error.strerror or "an error",
        "Give it back its read permission, or take it out of the folder.",
    )


def _reject(file: str, expected: str, found: str, remedy: str) -> NoReturn:
    raise InputRejected(file=file, expected=expected, found=found, remedy=remedy)
