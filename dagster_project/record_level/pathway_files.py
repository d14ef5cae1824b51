"""Files of referral-to-treatment pathways: what each row holds, which files there are, and when they can't be taken."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import InputMissing, InputRejected

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
# What writers leave beside the files of a write that isn't done: Spark's folder, other programs' names.
_UNFINISHED = ("_temporary", ".tmp", ".crdownload", ".part", ".inprogress")


def pathway_files(records: Path) -> tuple[Path, ...]:
    """The Parquet files of a folder and those below it, or the one file, in the order of their paths.

    Raises InputMissing where there are none, InputRejected for one that isn't whole, lacks a column or has one of
    another type, and where a write into the folder isn't done.
    """
    if not records.exists():
        raise InputMissing(f"{records} isn't there: name a Parquet file of pathways, or a folder of them.")
    if records.is_dir():
        below = sorted(path for path in records.rglob("*") if path.is_file())
        _refuse_unfinished(records, below)
        files = tuple(path for path in below if path.suffix == _SUFFIX)
    else:
        files = (records,)
    if not files:
        raise InputMissing(f"{records} holds no {_SUFFIX} file: name a folder of pathways as Parquet files.")
    for path in files:
        _refuse_other_columns(path, shown_below(records, path))
    return files


def shown_below(records: Path, path: Path) -> str:
    """The path of a file as messages and lists have it: below the folder that was named."""
    return path.relative_to(records).as_posix() if records.is_dir() else path.name


def _refuse_unfinished(records: Path, files: list[Path]) -> None:
    for path in files:
        shown = shown_below(records, path)
        if any(part.endswith(_UNFINISHED) for part in Path(shown).parts):
            raise InputRejected(
                file=shown,
                expected="files that are whole",
                found="what a write leaves that isn't done",
                remedy="Wait until the files are written, or remove what was left, and count again.",
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
