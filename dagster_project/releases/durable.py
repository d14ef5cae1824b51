"""Writes that survive a power cut: flushing files and folders to the disk, sealing and removing them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

READ_ONLY = 0o444


def flush(path: Path) -> None:
    """Waits until a file's bytes and mode, or a folder's list of names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Creates a folder and its parents where they are missing, each name flushed to the disk."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    flush(path.parent)


def write_new_file(path: Path, content: bytes) -> None:
    """Writes a file that doesn't exist yet; `seal_file` makes it lasting."""
    with path.open("xb") as file:
        file.write(content)


def seal_file(path: Path) -> None:
    """Makes a finished file read-only and waits until it is on the disk."""
    path.chmod(READ_ONLY)
    flush(path)


def remove(path: Path) -> None:
    """Removes a file, a link (not what it points at) or a folder with all it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
