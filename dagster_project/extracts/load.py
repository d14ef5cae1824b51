"""From a folder of downloaded files, or from the archive, to the extract rows that a run works on."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from dagster_project.archive.archive import Archive, sha256_of
from dagster_project.archive.archived_vintages import nothing_to_read, seen_by, without_pruned
from dagster_project.archive.issue_order import FirstSeen, Seen, first_seen
from dagster_project.catalogue.catalogue import reader_names
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.extracts.folder_files import files_below, what_it_is
from dagster_project.extracts.known_quarters import covers, remember, worth_reading
from dagster_project.extracts.known_trusts import KnownTrusts, UnknownRows, carrying_other_names
from dagster_project.extracts.read_files import (
    extract_frame,
    read_again,
    read_vintages,
    refuse_mixture,
    sightings,
)
from dagster_project.extracts.readers.outcome import ReadExtract, ReadFile, ReadOrganisations, ReadStatistic
from dagster_project.extracts.rows import ROW_SET_ASIDE, concatenated
from dagster_project.extracts.source import FRAMEWORK_DATA, source_record
from dagster_project.extracts.statistic_completeness import without_doubtful_months
from dagster_project.extracts.vintages import (
    decided_by_day,
    newest_organisations,
    newest_rows,
    newest_statistic_rows,
)
from dagster_project.files import sha256_of_file
from dagster_project.quarters import Quarter

_IGNORED_SHOWN = 5


@dataclass(frozen=True)
class FileNote:
    """What should be known about a file: why it was passed over, or what its reader noticed."""

    file: str
    text: str


@dataclass(frozen=True)
class LoadedExtracts:
    """Everything read: frames as in `extracts/rows.py`, files passed over, and readers' notes.

    `unknown` tells which rows set aside are of organisations that aren't known as trusts.
    """

    extract: pd.DataFrame
    extract_row: pd.DataFrame
    statistic_row: pd.DataFrame
    organisation_reference: pd.DataFrame
    row_set_aside: pd.DataFrame
    revision: pd.DataFrame
    unknown: UnknownRows = field(default_factory=UnknownRows)
    ignored: tuple[FileNote, ...] = ()
    notes: tuple[FileNote, ...] = ()

    @property
    def is_sample(self) -> bool:
        """Whether the figures are the fictional sample's; a load never mixes."""
        return bool(self.extract["is_sample"].any())

    def quarters(self) -> list[str]:
        """The canonical quarters that data files cover, in time."""
        return sorted(self._data_rows()["quarter"].unique().tolist())

    def tables(self) -> dict[str, list[str]]:
        """For each quarter that data files cover, the tables they cover it for."""
        columns = ["quarter", "table_name"]
        pairs = self._data_rows()[columns].drop_duplicates().sort_values(columns)
        tables: dict[str, list[str]] = {}
        for quarter, table in zip(pairs["quarter"].tolist(), pairs["table_name"].tolist(), strict=True):
            tables.setdefault(quarter, []).append(table)
        return tables

    def for_quarters(self, quarters: Iterable[Quarter | str]) -> LoadedExtracts:
        """Only the rows of these quarters, and the files that they and their revisions come from.

        Lists of organisations belong to every quarter. Rows set aside stay with their file: a figure without
        a value may have no quarter either.
        Raises InputMissing, listing what is there, if no data file covers one of the quarters.
        """
        wanted = sorted({str(quarter) for quarter in quarters})
        missing = [quarter for quarter in wanted if quarter not in self.quarters()]
        if missing:
            raise InputMissing(self._not_covered(missing))
        rows = self.extract_row[self.extract_row["quarter"].isin(wanted)].reset_index(drop=True)
        revisions = self.revision[self.revision["quarter"].isin(wanted)].reset_index(drop=True)
        statistics = self.statistic_row[self.statistic_row["quarter"].isin(wanted)].reset_index(drop=True)
        used = {
            *rows["extract_id"],
            *revisions["old_extract_id"],
            *revisions["new_extract_id"],
            *statistics["extract_id"],
            *self.organisation_reference["extract_id"],
        }
        return replace(
            self,
            extract=_of_files(self.extract, used),
            extract_row=rows,
            statistic_row=statistics,
            row_set_aside=self.unknown.only_of(wanted, _of_files(self.row_set_aside, used)),
            revision=revisions,
        )

    def _data_rows(self) -> pd.DataFrame:
        return self.extract_row[self.extract_row["source"] == FRAMEWORK_DATA]

    def _not_covered(self, missing: Sequence[str]) -> str:
        covered = "; ".join(f"{quarter} ({', '.join(tables)})" for quarter, tables in self.tables().items())
        message = f"No data file covers {' or '.join(missing)}. Covered: {covered or 'nothing'}."
        if self.ignored:
            message += " Passed over: " + _shown(self.ignored)
        return message + " Add the publisher's data file of that quarter, or name another quarter."


def load_folder(
    folder: Path,
    archive: Archive | None,
    *,
    known_trusts: Collection[str] = (),
    times_as_large: int = 1,
) -> LoadedExtracts:
    """Reads every file below `folder`; what they are is read from their content.

    With an archive, the bytes that were read are kept there once all files are read. `known_trusts` are codes
    of trusts beyond those that the files themselves name. Files may be `times_as_large` as the catalogue allows,
    where they were generated for so many times the organisations. Raises InputMissing where nothing is recognised,
    InputRejected where a file isn't what it claims to be.
    """
    if not folder.is_dir():
        raise InputMissing(f"{folder} isn't a folder: name the one that holds the files as downloaded")
    read: dict[str, ReadFile] = {}
    origins: list[tuple[str, Path]] = []
    raws: dict[str, bytes | Path] = {}
    ignored: list[FileNote] = []
    notes: list[FileNote] = []
    for path in files_below(folder):
        shown = path.relative_to(folder).as_posix()
        try:
            found = what_it_is(path, folder, times_as_large=times_as_large)
            if found.source is None:
                ignored.append(FileNote(shown, found.reason))
                continue
            record = source_record(found.source)
            raw = path.read_bytes() if record.is_small else path
            extract_id = sha256_of(raw) if isinstance(raw, bytes) else sha256_of_file(raw)
            origins.append((extract_id, path))
            if extract_id in read:
                same = read[extract_id].file_name
                notes.append(FileNote(shown, f"the same bytes as {same}: counted once"))
                # The least name stands for all, wherever the copies lie.
                read[extract_id] = _renamed(read[extract_id], min(same, path.name))
                continue
            raws[extract_id] = raw
            read[extract_id] = record.read(raw, file_name=path.name, extract_id=extract_id)
        except InputRejected as error:
            raise _in_file(error, shown) from None
    if not read:
        raise InputMissing(
            f"No file in {folder} is an extract that a reader knows. "
            + (f"Passed over: {_shown(ignored)}" if ignored else "The folder is empty.")
            + " Put the publisher's files there as downloaded."
        )
    seen = {} if archive is None else _seen_with(archive, read)
    loaded = _assembled(list(read.values()), ignored, notes, seen, known_trusts)
    if archive is not None:
        archive.admit(loaded.is_sample)
        for extract_id, raw in raws.items():
            _archive(archive, raw, extract_id)
        archive.record(sightings(read, origins))
        remember(archive, read.values())
    return loaded


def load_archived(
    archive: Archive,
    quarters: Iterable[Quarter | str] | None = None,
    *,
    is_sample: bool | None = None,
    as_of: date | None = None,
    learn: bool = False,
    known_trusts: Collection[str] = (),
) -> LoadedExtracts:
    """Reads the newest vintage of what the archive holds, or held at the end of the day `as_of` (UTC).

    With `quarters`, only files that cover one of them, and those that belong to every quarter; the others
    aren't opened where it is known what they cover, which `learn` (under the writer lock) keeps of files read.
    Official files, the sample's, or (None) both, which mustn't mix. Raises InputMissing where there is
    nothing of that kind, InputRejected where bytes are damaged.
    """
    held = [seen for seen in archive.sightings() if seen.source in reader_names()]
    chosen = [seen for seen in seen_by(held, as_of) if is_sample in (None, seen.is_sample)]
    if not chosen:
        raise nothing_to_read(archive, held, as_of)
    chosen = without_pruned(archive, chosen)
    wanted = None if quarters is None else {str(quarter) for quarter in quarters}
    if wanted is not None:
        chosen = worth_reading(archive, chosen, wanted)
    files, replaced = read_vintages(archive, chosen)
    if learn:
        remember(archive, files)
    if wanted is not None:
        files = [file for file in files if covers(file, wanted)]
    notes = [
        FileNote(file.file_name, f"{replaced[file.extract_id][-1]} took the place of {file.extract_id}")
        for file in files
        if file.extract_id in replaced
    ]
    standing = [file for file in files if file.extract_id not in replaced]
    return _assembled(standing, [], notes, first_seen(held), known_trusts)


def load_listed(archive: Archive, names: Mapping[str, str]) -> LoadedExtracts:
    """Reads exactly these archived files, given as file name by id.

    Raises InputMissing where one isn't in the archive, InputRejected where its bytes are damaged.
    """
    sightings_there = archive.sightings()
    sources = {seen.extract_id: seen.source for seen in sightings_there}
    for extract_id, name in names.items():
        if extract_id not in sources:
            raise InputMissing(
                f"The archive {archive.root} never saw {name} ({extract_id}): load the folder that holds it again."
            )
    return _assembled(read_again(archive, names, sources), [], [], first_seen(sightings_there))


def _seen_with(archive: Archive, read: Iterable[str]) -> dict[str, FirstSeen]:
    """When each file was first seen: today, unless the archive has it from before."""
    today = FirstSeen(datetime.now(UTC).date().isoformat())
    return dict.fromkeys(read, today) | first_seen(archive.sightings())


def _archive(archive: Archive, raw: bytes | Path, extract_id: str) -> None:
    """Keeps what was read; raises InputRejected where a file changed meanwhile."""
    if isinstance(raw, bytes):
        archive.store(raw)
        return
    with archive.unfinished() as copied:
        shutil.copyfile(raw, copied)
        if sha256_of_file(copied) != extract_id:
            raise InputRejected(
                file=raw.name,
                expected="a file that stays as it is while it is read",
                found="other bytes than before",
                remedy="Run again once nothing writes to that folder.",
            )
        archive.adopt(copied)


def _assembled(
    files: list[ReadFile],
    ignored: list[FileNote],
    notes: list[FileNote],
    seen: Seen,
    known_trusts: Collection[str] = (),
) -> LoadedExtracts:
    files.sort(key=lambda file: file.extract_id)
    refuse_mixture(files)
    extracts = [file for file in files if isinstance(file, ReadExtract)]
    read = [file for file in files if isinstance(file, ReadStatistic)]
    rows, revisions = newest_rows(extracts, seen)
    statistics, changes = newest_statistic_rows(read, seen)
    organisations = newest_organisations(
        [file for file in files if isinstance(file, ReadOrganisations)], seen
    )
    statistics, unknown = KnownTrusts.told_by(rows, organisations, known_trusts).sorted_out(statistics, read)
    statistics, doubts = without_doubtful_months(
        statistics, {file.extract_id: file.file_name for file in files}
    )
    exchanged = carrying_other_names({file.file_name: _named(file) for file in files})
    read_notes = [FileNote(file.file_name, text) for file in files for text in file.notes]
    return LoadedExtracts(
        extract=extract_frame(files, seen),
        extract_row=rows,
        statistic_row=statistics,
        organisation_reference=organisations,
        row_set_aside=concatenated([*(file.row_set_aside for file in files), unknown.rows], ROW_SET_ASIDE),
        revision=revisions,
        unknown=unknown,
        ignored=tuple(ignored),
        notes=(
            *notes,
            *read_notes,
            *(
                FileNote(*pair)
                for pair in (*decided_by_day(extracts, revisions, seen), *changes, *doubts, *exchanged)
            ),
        ),
    )


def _named(file: ReadFile) -> pd.DataFrame:
    """The rows of a file that have an organisation's code and name."""
    if isinstance(file, ReadExtract):
        return file.extract_row
    return file.statistic_row if isinstance(file, ReadStatistic) else file.organisation_reference


def _renamed(file: ReadFile, file_name: str) -> ReadFile:
    return replace(file, file_name=file_name, row_set_aside=file.row_set_aside.assign(file_name=file_name))


def _of_files(frame: pd.DataFrame, extract_ids: set[str]) -> pd.DataFrame:
    return frame[frame["extract_id"].isin(extract_ids)].reset_index(drop=True)


def _in_file(error: InputRejected, file: str) -> InputRejected:
    """The same error with the file's path below the folder, since names may recur at other depths."""
    return InputRejected(
        file=file,
        row=error.row,
        column=error.column,
        expected=error.expected,
        found=error.found,
        remedy=error.remedy,
    )


def _shown(notes: Sequence[FileNote]) -> str:
    more = f" and {len(notes) - _IGNORED_SHOWN} more" if len(notes) > _IGNORED_SHOWN else ""
    return "; ".join(f"{note.file} ({note.text})" for note in notes[:_IGNORED_SHOWN]) + more + "."
