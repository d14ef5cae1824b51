"""A copy of some sample extracts that a test may spoil, line by line."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

Record = list[str]
_LINE_END = "\r\n"
_MARK = "\ufeff"


class SampleCopy:
    """Files below `folder`; each is named by a part of its name that no other file has."""

    def __init__(self, folder: Path, sources: Iterable[Path]) -> None:
        self.folder = folder
        for source in sources:
            shutil.copytree(source, folder / source.name)

    def file(self, part: str) -> Path:
        (found,) = (path for path in self.folder.rglob("*.csv") if part in path.name)
        return found

    def change_text(self, part: str, change: Callable[[str], str]) -> Path:
        """Rewrites a file's text (with its byte order mark and CRLF line ends)."""
        path = self.file(part)
        path.write_bytes(change(path.read_bytes().decode("utf-8")).encode("utf-8"))
        return path

    def change_lines(self, part: str, change: Callable[[list[str]], list[str]]) -> Path:
        """Rewrites a file line by line; the first is the header."""
        return self.change_text(
            part,
            lambda text: _LINE_END.join([*change(text.removesuffix(_LINE_END).split(_LINE_END)), ""]),
        )

    def change_records(self, part: str, change: Callable[[list[Record]], list[Record]]) -> Path:
        """Rewrites a file field by field; the first record is the header."""

        def rewritten(text: str) -> str:
            records = list(csv.reader(io.StringIO(text.removeprefix(_MARK), newline="")))
            stream = io.StringIO(newline="")
            csv.writer(stream, lineterminator=_LINE_END).writerows(change(records))
            return _MARK + stream.getvalue()

        return self.change_text(part, rewritten)


def line_with(lines: list[str], *words: str) -> int:
    """The position of the first line that holds all words; line n of the file is position n - 1."""
    return next(position for position, line in enumerate(lines) if all(word in line for word in words))
