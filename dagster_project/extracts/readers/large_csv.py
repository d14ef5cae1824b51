"""A CSV too large to hold as text: its header, its encoding and its physical lines, for DuckDB's reader."""

from __future__ import annotations

import codecs
import csv
import re
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.delimited import (
    LONGEST_LINE,
    SEPARATORS,
    column_key,
    first_records,
    header_of,
    header_position,
    loose_key,
    marked_encoding,
)
from dagster_project.sql_text import literal

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
    # First physical line of the header and of each record; None where each record is one line.
    starts: array[int] | None
    notes: tuple[str, ...]
    header_line: int = 1

    def quoted(self, name: str) -> str:
        """The column of that published name, as SQL calls it in `scan`."""
        return f'"c{list(self.names).index(column_key(name))}"'

    def scan(self) -> str:
        """SQL that reads the file as it is: every column a text, no guessing, no row forgiven."""
        columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(self.names)))
        path = literal(self.path)
        return (
            f"read_csv({path}, auto_detect = false, header = true, skip = {self.header_line - 1}, "
            f"delim = ',', quote = '\"', escape = '\"', "
            f"strict_mode = true, nullstr = '\x01', columns = {{{columns}}})"
        )

    def lines_of(self, records: Sequence[int]) -> list[int]:
        """The first physical line of each of these records (the first is 1)."""
        if self.starts is None:
            return [record + self.header_line for record in records]
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
    header_line, first = _header(head, shown, required)
    names = header_of(first, shown, any_header=True, line=header_line, columns=required)
    missing = [name for name in required if column_key(name) not in names]
    if missing:
        raise InputRejected(
            file=shown,
            row=header_line,
            column=missing[0],
            expected=f"the columns {required[0]}, {required[1]} to {required[-1]}",
            found=f"{len(names)} columns; {len(missing)} of those needed are missing",
            remedy="If the publisher renamed a column, name it as before in a copy of the file.",
        )
    lines, has_end, is_utf8, simple = _looked_through(path, shown, header_line)
    notes = [] if has_end else ["the last line has no line end: check that the file is complete"]
    if not is_utf8:
        notes.append("not UTF-8: read as Windows-1252 (cp1252)")
        path = _as_utf8(path, folder)
    starts = None if simple else _starts(path, shown, header_line)
    records = (lines - header_line) if starts is None else len(starts) - 1
    return LargeCsv(path, shown, names, records, starts, tuple(notes), header_line)


def _header(head: bytes, shown: str, required: Sequence[str]) -> tuple[int, list[str]]:
    """The physical line and the names of the header, the first line with the most of these columns."""
    separator, rows = max(first_records(head), key=lambda begin: _columns_held(begin[1], required))
    if separator != "," or marked_encoding(head) is not None or _columns_held(rows, required) == 0:
        encoding = marked_encoding(head)
        found = encoding.upper() if encoding else f"fields separated by {SEPARATORS.get(separator, 'others')}"
        if _columns_held(rows, required) == 0:
            found = "no line with these columns among the first"
        raise InputRejected(
            file=shown,
            expected=f"the columns {required[0]}, {required[1]} to {required[-1]}, in UTF-8 and separated by commas",
            found=found,
            remedy="Take the file as the publisher offers it, not as a spreadsheet program saved it.",
        )
    # Records are counted in lines here: what stands above the header has no line ends within quotes.
    at = header_position(rows, required) or 0
    if any("\n" in cell or "\r" in cell for row in rows[: at + 1] for cell in row):
        raise InputRejected(
            file=shown,
            expected="lines above the header without line ends within quotes",
            found="one with such",
            remedy="Delete what stands above the header.",
        )
    return at + 1, rows[at]


def _columns_held(rows: Sequence[Sequence[str]], required: Sequence[str]) -> int:
    wanted = set(map(loose_key, required))
    return max((len(wanted & set(map(loose_key, row))) for row in rows), default=0)


def _looked_through(path: Path, shown: str, header_line: int) -> tuple[int, bool, bool, bool]:
    """How many lines, whether the last has its end, whether it is UTF-8, whether each line is a record.

    A line end inside quotes leaves an odd number of quotes on its line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    count, rest, is_utf8, simple = 0, b"", True, True
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            is_utf8 = is_utf8 and _decodes(decoder, piece)
            *lines, rest = (rest + piece).split(b"\n")
            below = lines[max(header_line - 1 - count, 0) :]
            count += len(lines)
            simple = simple and not any(line.count(b'"') & 1 or line in (b"", b"\r") for line in below)
            if b"\0" in piece or len(rest) > LONGEST_LINE:
                raise InputRejected(
                    file=shown,
                    row=count + 1,
                    expected=f"text in lines of at most {LONGEST_LINE:,} bytes",
                    found="NUL characters: binary content" if b"\0" in piece else "a longer one",
                    remedy=_FETCH_AGAIN,
                )
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


def _starts(path: Path, shown: str, header_line: int) -> array[int]:
    """The first physical line of each record, where quoted fields hold line ends or lines are blank."""
    starts = array("l")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        line = 0
        try:
            for row in reader:
                if row and line + 1 >= header_line:
                    starts.append(line + 1)
                line = reader.line_num
        except csv.Error as error:
            raise InputRejected(
                file=shown,
                row=line + 1,
                expected="a complete record",
                found=f"one that can't be read to its end ({error}): a quote may not be closed",
                remedy=_FETCH_AGAIN,
            ) from None
    return starts
