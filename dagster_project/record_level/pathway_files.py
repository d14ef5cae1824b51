"""Files of referral-to-treatment pathways: what each row holds, which files there are, and when they can't be taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import InputMissing, InputRejected
from dagster_project.files import sha256_of_file

_TEXT, _DAY = pa.string(), pa.date32()
# One row per pathway and census; any cell may be empty, and is then counted as a row set aside where it must not be.
PATHWAY: pa.Schema = pa.schema(
    [
        pa.field("pathway_id", _TEXT),
        pa.field("provider_code", _TEXT),
        pa.field("provider_name", _TEXT),
        pa.field("commissioner_code", _TEXT),
        pa.field("treatment_function_code", _TEXT),
        pa.field("clock_start_date", _DAY),
        pa.field("clock_stop_date", _DAY),
        pa.field("snapshot_date", _DAY),
    ]
)
_SUFFIX = ".parquet"
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){1,2}")
# What tells a table of a format that has a log of its own: of its files only some hold rows that count.
_TABLE_LOGS = {"_delta_log": "Delta", "metadata": "Iceberg", ".hoodie": "Hudi"}
_ICEBERG_LOG = ".metadata.json"
# What writers leave beside the files of a write that isn't done: Spark's folder, other programs' names.
_UNFINISHED = ("_temporary", ".tmp", ".crdownload", ".part", ".inprogress")


@dataclass(frozen=True)
class RecordFiles:
    """The folder or the file that was named, as a whole path, and the Parquet files in it, in order."""

    named: Path
    files: tuple[Path, ...]

    @property
    def above(self) -> Path:
        """The folder below which lists and messages name the files."""
        return self.named if self.named.is_dir() else self.named.parent

    def hashes(self) -> dict[str, str]:
        """The sha256 of each file, by its path below `above`."""
        return {path.relative_to(self.above).as_posix(): sha256_of_file(path) for path in self.files}

    def by_untyped(self) -> dict[frozenset[str], tuple[Path, ...]]:
        """The files by the columns that have no type in them, as a writer gives one that has no value."""
        found: dict[frozenset[str], tuple[Path, ...]] = {}
        for path in self.files:
            schema = pq.read_schema(path)
            untyped = frozenset(name for name in PATHWAY.names if pa.types.is_null(schema.field(name).type))
            found[untyped] = (*found.get(untyped, ()), path)
        return found


# Files, or a table of a catalogue by its name.
Records = RecordFiles | str


def records_at(place: str) -> Records:
    """What lies there: a file or folder, else the name of a table such as `national.rtt_pathway`.

    Raises InputMissing where it is neither, and as `record_files` does.
    """
    if not Path(place).exists() and _TABLE.fullmatch(place):
        return place
    return record_files(Path(place))


def record_files(records: Path) -> RecordFiles:
    """The Parquet files of a folder and those below it, or the one file, in the order of their paths.

    Raises InputMissing where there are none, InputRejected for one that isn't whole, lacks a column or has one of
    another type, where a write into the folder isn't done, and for a folder of which only some files count.
    """
    if not records.exists():
        raise InputMissing(f"{records} isn't there: name a Parquet file of pathways, or a folder of them.")
    records = records.resolve()
    if records.is_dir():
        below = sorted(path for path in records.rglob("*") if path.is_file())
        _refuse_unfinished(records, below)
        _refuse_tables(records, below)
        files = tuple(path for path in below if path.suffix == _SUFFIX)
    else:
        files = (records,)
    if not files:
        raise InputMissing(f"{records} holds no {_SUFFIX} file: name a folder of pathways as Parquet files.")
    found = RecordFiles(records, files)
    for path in files:
        _refuse_hidden(path.relative_to(found.above).as_posix())
        _refuse_other_columns(path, path.relative_to(found.above).as_posix())
    return found


def _refuse_unfinished(records: Path, files: list[Path]) -> None:
    for path in files:
        shown = path.relative_to(records).as_posix()
        if any(part.endswith(_UNFINISHED) for part in Path(shown).parts):
            raise InputRejected(
                file=shown,
                expected="files that are whole",
                found="what a write leaves that isn't done",
                remedy="Wait until the files are written, or remove what was left, and count again.",
            )


def _refuse_tables(records: Path, files: list[Path]) -> None:
    for path in (path.relative_to(records) for path in files):
        for folder, kind in _TABLE_LOGS.items():
            if folder in path.parts[:-1] and (kind != "Iceberg" or path.name.endswith(_ICEBERG_LOG)):
                raise InputRejected(
                    file=path.as_posix(),
                    expected="a folder of Parquet files whose rows all count",
                    found=f"a table of {kind}, whose files also hold rows that were changed or deleted",
                    remedy="Write the table's rows as plain Parquet, or count it by its name with --target spark.",
                )


def _refuse_hidden(shown: str) -> None:
    """Spark passes over what begins so, other readers don't: which of them is right, nobody can tell from a name."""
    if any(part.startswith(("_", ".")) for part in Path(shown).parts):
        raise InputRejected(
            file=shown,
            expected="names of files and folders that don't begin with _ or .",
            found="one that does: such files are set apart by those who write them",
            remedy="Remove it if its rows don't count; otherwise give it another name.",
        )


def _refuse_other_columns(path: Path, shown: str) -> None:
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise InputRejected(
            file=shown,
            expected="a whole Parquet file",
            found=f"one that can't be read ({error})",
            remedy="It is cut off or of another kind: write it again.",
        ) from None
    for field in PATHWAY:
        at = schema.get_field_index(field.name)
        if at < 0:
            raise InputRejected(
                file=shown,
                column=field.name,
                expected=f"columns {', '.join(PATHWAY.names)}",
                found=", ".join(schema.names) or "no column",
                remedy="Name the columns so; one that is always empty must be there too.",
            )
        if not _is(schema.field(at).type, field.type):
            raise InputRejected(
                file=shown,
                column=field.name,
                expected="a date" if field.type == _DAY else "a text",
                found=str(schema.field(at).type),
                remedy="Cast the column when you write the file: what a number or a text means as a day isn't guessed.",
            )


def _is(found: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    # a column without any value may have no type of its own
    return bool(
        pa.types.is_null(found)
        or found == wanted
        or (wanted == _TEXT and (pa.types.is_large_string(found) or pa.types.is_string_view(found)))
    )
