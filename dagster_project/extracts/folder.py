"""The files of a folder as downloaded: which there are, and what each is by its content."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.extracts.claimed import refuse_publishers_file
from dagster_project.extracts.recognise import HEAD_BYTES, Recognised, recognise


def files_below(folder: Path) -> Iterator[Path]:
    """Every file that isn't hidden, at any depth, in the order of names; links to folders aren't entered."""
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (Path(parent) / name for name in sorted([*names, *links]) if not name.startswith("."))


def what_it_is(path: Path, folder: Path) -> Recognised:
    """What the file is, or why it is passed over.

    Raises InputRejected where it can't be read, and where no reader takes it though it is plainly a publisher's.
    """
    if path.name.startswith("~$"):
        return Recognised(None, "the lock of a spreadsheet program that has the file open")
    closed = _must_not_be_opened(path, folder)
    found = Recognised(None, closed) if closed is not None else _recognised(path)
    if found.source is None:
        refuse_publishers_file(path, found.reason, may_open=closed is None)
    return found


def _must_not_be_opened(path: Path, folder: Path) -> str | None:
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        return "a link that leads out of the folder"
    return None if path.is_file() else "not a file"


def _recognised(path: Path) -> Recognised:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputRejected(
            file=path.name,
            expected="a file that can be read",
            found=f"{error.strerror}",
            remedy="Give it back its read permission, or take it out of the folder.",
        ) from None
    return recognise(head, path.name, path)
