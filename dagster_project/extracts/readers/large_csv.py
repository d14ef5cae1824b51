"""A CSV too large to hold as text: its header, its encoding and its physical lines, for DuckDB's reader."""

from __future__ import annotations

import codecs
import csv
import io
import re
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.delimited import column_key, header_of

_BOM = b"\xef\xbb\xbf"
_CHUNK = 1024**2
_HEADER_BYTES = 65_536
_FETCH_AGAIN = "The file is cut off or damaged. Download it again from the publisher's page."
_LINE = re.compile(r"(?:CSV Error on )?Line:\s*([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True)
class LargeCsv:
    """One CSV on disk. `names` maps each column's key to its published name; `shown` names it in errors."""

    path: Path
    shown: str
    names: dict[str, str]
    records: int
    # First physical line of the header and of each record; None where record n is simply line n + 1.
    starts: array[int] | None
    notes: tuple[str, ...]

    def quoted(self, name: str) -> str:
        """The column of that published name, as SQL calls it in `scan`."""
        return f'"c{list(self.names).index(column_key(name))}"'

    def scan(self) -> str:
        """SQL that reads the file as it is: every column a text, no guessing, no row forgiven."""
        columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(self.names)))
        path = str(self.path).replace("'", "''")
        return (
            f"read_csv('{path}', auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
            f"strict_mode = true, nullstr = '\x01', columns = {{{columns}}})"
        )

    def lines_of(self, records: Sequence[int]) -> list[int]:
        """The first physical line of each of these records (the first is 1; the header is line 1)."""
        if self.starts is None:
            return [record + 1 for record in records]
        return [self.starts[record] for record in records]

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what DuckDB can't read into InputRejected."""
        try:
            yield
        except duckdb.InvalidInputException as error:
            message = str(error)
            line = _LINE.search(message)
            raise InputRejected(
                file=self.shown,
                row=int(line[1]) if line else None,
                expected=f"complete records of {len(self.names)} fields",
                found=message.splitlines()[0][:200],
                remedy=_FETCH_AGAIN,
            ) from None


def examined(path: Path, shown: str, required: Sequence[str], folder: Path) -> LargeCsv:
    """Looks through the file once, in bounded memory; raises InputRejected for a header without `required`.

    One that isn't UTF-8 is written anew into `folder`.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES).removeprefix(_BOM)
    first = next(csv.reader(io.StringIO(head.decode("cp1252", errors="replace"), newline="")), [])
    names = header_of(first, shown, any_header=True)
    missing = [name for name in required if column_key(name) not in names]
    if missing:
        raise InputRejected(
            file=shown,
            row=1,
            column=missing[0],
            expected=f"the columns {required[0]}, {required[1]} to {required[-1]}",
            found=f"{len(names)} columns; {len(missing)} of those needed are missing",
            remedy="If the publisher renamed a column, name it as before in a copy of the file.",
        )
    lines, has_end, is_utf8, simple = _looked_through(path)
    notes = [] if has_end else ["the last line has no line end: check that the file is complete"]
    if not is_utf8:
        notes.append("not UTF-8: read as Windows-1252 (cp1252)")
        path = _as_utf8(path, folder)
    starts = None if simple else _starts(path)
    return LargeCsv(path, shown, names, (lines if starts is None else len(starts)) - 1, starts, tuple(notes))


def _looked_through(path: Path) -> tuple[int, bool, bool, bool]:
    """How many lines, whether the last has its end, whether it is UTF-8, whether each line is a record.

    A line end inside quotes leaves an odd number of quotes on its line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    count, rest, is_utf8, simple = 0, b"", True, True
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            is_utf8 = is_utf8 and _decodes(decoder, piece)
            *lines, rest = (rest + piece).split(b"\n")
            count += len(lines)
            simple = simple and not any(line.count(b'"') & 1 or line in (b"", b"\r") for line in lines)
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    return count + bool(rest), not rest, is_utf8, simple


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _as_utf8(path: Path, folder: Path) -> Path:
    target = folder / "as-utf-8.csv"
    with path.open("rb") as source, target.open("xb") as file:
        while piece := source.read(_CHUNK):
            file.write(piece.decode("cp1252", errors="replace").encode())
    return target


def _starts(path: Path) -> array[int]:
    """The first physical line of each record, where quoted fields hold line ends or lines are blank."""
    starts = array("l")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        line = 0
        for row in reader:
            if row:
                starts.append(line + 1)
            line = reader.line_num
    return starts
