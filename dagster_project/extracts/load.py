"""From a folder of downloaded files, or from the archive, to the extract rows that a run works on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from dagster_project.errors import InputMissing, InputRejected
from dagster_project.extracts.archive import Archive, Sighting, sha256_of
from dagster_project.extracts.readers import nof_data, nof_league_table
from dagster_project.extracts.readers.outcome import ReadExtract
from dagster_project.extracts.recognise import HEAD_BYTES, recognise
from dagster_project.extracts.rows import EXTRACT, ROW_SET_ASIDE, concatenated, empty_frame, frame_of
from dagster_project.extracts.vintages import newest_rows, reissue_number, superseded_by, undecided
from dagster_project.quarters import Quarter

READERS: dict[str, Callable[..., ReadExtract]] = {
    nof_data.SOURCE: nof_data.read_nof_data,
    nof_league_table.SOURCE: nof_league_table.read_nof_league_table,
}
_IGNORED_SHOWN = 5


@dataclass(frozen=True)
class FileNote:
    """What should be known about a file: why it was passed over, or what its reader noticed."""

    file: str
    text: str


@dataclass(frozen=True)
class LoadedExtracts:
    """Everything read: frames as in `extracts/rows.py`, files passed over, and readers' notes."""

    extract: pd.DataFrame
    extract_row: pd.DataFrame
    row_set_aside: pd.DataFrame
    revision: pd.DataFrame
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

        Rows set aside stay with their file: a figure without a value may have no quarter either.
        Raises InputMissing, listing what is there, if no data file covers one of the quarters.
        """
        wanted = sorted({str(quarter) for quarter in quarters})
        missing = [quarter for quarter in wanted if quarter not in self.quarters()]
        if missing:
            raise InputMissing(self._not_covered(missing))
        rows = self.extract_row[self.extract_row["quarter"].isin(wanted)].reset_index(drop=True)
        revisions = self.revision[self.revision["quarter"].isin(wanted)].reset_index(drop=True)
        used = {*rows["extract_id"], *revisions["old_extract_id"], *revisions["new_extract_id"]}
        return replace(
            self,
            extract=_of_files(self.extract, used),
            extract_row=rows,
            row_set_aside=_of_files(self.row_set_aside, used),
            revision=revisions,
        )

    def _data_rows(self) -> pd.DataFrame:
        return self.extract_row[self.extract_row["source"] == nof_data.SOURCE]

    def _not_covered(self, missing: Sequence[str]) -> str:
        covered = "; ".join(f"{quarter} ({', '.join(tables)})" for quarter, tables in self.tables().items())
        message = f"No data file covers {' or '.join(missing)}. Covered: {covered or 'nothing'}."
        if self.ignored:
            message += " Passed over: " + _shown(self.ignored)
        return message + " Add the publisher's data file of that quarter, or name another quarter."


def load_folder(folder: Path, archive: Archive | None) -> LoadedExtracts:
    """Reads every file below `folder`; what they are is read from their content.

    With an archive, the bytes that were read are kept there once all files are read. Raises InputMissing
    where nothing is recognised, InputRejected where a file isn't what it claims to be.
    """
    if not folder.is_dir():
        raise InputMissing(f"{folder} isn't a folder: name the one that holds the files as downloaded")
    read: dict[str, ReadExtract] = {}
    origins: list[tuple[str, Path]] = []
    raws: dict[str, bytes] = {}
    ignored: list[FileNote] = []
    notes: list[FileNote] = []
    for path in _files_below(folder):
        shown = path.relative_to(folder).as_posix()
        try:
            found = _recognised(path, folder)
            if isinstance(found, str):
                ignored.append(FileNote(shown, found))
                continue
            source, raw = found
            extract_id = sha256_of(raw)
            origins.append((extract_id, path))
            if extract_id in read:
                same = read[extract_id].file_name
                notes.append(FileNote(shown, f"the same bytes as {same}: counted once"))
                # The least name stands for all, wherever the copies lie.
                read[extract_id] = _renamed(read[extract_id], min(same, path.name))
                continue
            raws[extract_id] = raw
            read[extract_id] = READERS[source](raw, file_name=path.name, extract_id=extract_id)
        except InputRejected as error:
            raise _in_file(error, shown) from None
    if not read:
        raise InputMissing(
            f"No file in {folder} is an extract that a reader knows. "
            + (f"Passed over: {_shown(ignored)}" if ignored else "The folder is empty.")
            + " Put the publisher's CSV files there as downloaded."
        )
    loaded = _assembled(list(read.values()), ignored, notes)
    if archive is not None:
        for raw in raws.values():
            archive.store(raw)
        archive.record(_sightings(loaded, read, origins))
    return loaded


def load_archived(archive: Archive, *, is_sample: bool | None = None) -> LoadedExtracts:
    """Reads again what the archive holds: official files, the sample's, or (None) both, which mustn't mix.

    Raises InputMissing where there is nothing of that kind, InputRejected where bytes are damaged.
    """
    names: dict[str, str] = {}
    sources: dict[str, str] = {}
    for sighting in archive.sightings():
        if sighting.source in READERS and is_sample in (None, sighting.is_sample):
            known = names.get(sighting.extract_id, sighting.file_name)
            names[sighting.extract_id] = min(known, sighting.file_name)
            sources[sighting.extract_id] = sighting.source
    if not names:
        raise InputMissing(
            f"The archive {archive.root} holds no extracts to read: name a folder of downloaded files first."
        )
    extracts = [
        READERS[sources[extract_id]](archive.read(extract_id), file_name=name, extract_id=extract_id)
        for extract_id, name in sorted(names.items())
    ]
    return _assembled(extracts, [], [])


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file that isn't hidden, at any depth, in the order of names; links to folders aren't entered."""
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (Path(parent) / name for name in sorted([*names, *links]) if not name.startswith("."))


def _recognised(path: Path, folder: Path) -> tuple[str, bytes] | str:
    """The file's source and bytes, or why it is passed over."""
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        return "a link that leads out of the folder"
    if not path.is_file():
        return "not a file"
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            recognised = recognise(head, path.name)
            if recognised.source is None:
                return recognised.reason
            return recognised.source, head + file.read()
    except OSError as error:
        raise InputRejected(
            file=path.name,
            expected="a file that can be read",
            found=f"{error.strerror}",
            remedy="Give it back its read permission, or take it out of the folder.",
        ) from None


def _assembled(extracts: list[ReadExtract], ignored: list[FileNote], notes: list[FileNote]) -> LoadedExtracts:
    extracts.sort(key=lambda extract: extract.extract_id)
    _refuse_mixture(extracts)
    rows, revisions = newest_rows(extracts)
    read_notes = [FileNote(extract.file_name, text) for extract in extracts for text in extract.notes]
    return LoadedExtracts(
        extract=_extract_frame(extracts),
        extract_row=rows,
        row_set_aside=concatenated([extract.row_set_aside for extract in extracts], ROW_SET_ASIDE),
        revision=revisions,
        ignored=tuple(ignored),
        notes=(*notes, *read_notes, *(FileNote(*pair) for pair in undecided(extracts, revisions))),
    )


def _refuse_mixture(extracts: Sequence[ReadExtract]) -> None:
    samples = sorted(extract.file_name for extract in extracts if extract.is_sample)
    official = sorted(extract.file_name for extract in extracts if not extract.is_sample)
    if samples and official:
        raise InputRejected(
            file=samples[0],
            expected=f"official figures only, as in {official[0]}",
            found="figures of the fictional sample",
            remedy="Keep sample and official files in folders of their own: one run never mixes them.",
        )


def _extract_frame(extracts: Sequence[ReadExtract]) -> pd.DataFrame:
    if not extracts:
        return empty_frame(EXTRACT)
    replaced = superseded_by(extracts)
    return frame_of(
        {
            "extract_id": [extract.extract_id for extract in extracts],
            "source": [extract.source for extract in extracts],
            "file_name": [extract.file_name for extract in extracts],
            "publisher": ["fictional sample" if extract.is_sample else "NHS England" for extract in extracts],
            "licence": [
                "MIT" if extract.is_sample else "Open Government Licence v3.0" for extract in extracts
            ],
            "table_name": [extract.table_name for extract in extracts],
            "bytes": [extract.size for extract in extracts],
            "rows": [extract.records for extract in extracts],
            # The publisher never marks a file final, so what isn't a re-issue is provisional.
            "release_state": [
                "revised" if reissue_number(extract.file_name) else "provisional" for extract in extracts
            ],
            "supersedes": [replaced.get(extract.extract_id) for extract in extracts],
            "is_sample": [extract.is_sample for extract in extracts],
        },
        EXTRACT,
    )


def _sightings(
    loaded: LoadedExtracts, read: dict[str, ReadExtract], origins: Sequence[tuple[str, Path]]
) -> list[Sighting]:
    facts = loaded.extract.set_index("extract_id")
    states = dict(zip(facts.index, facts["release_state"], strict=True))
    replaced = superseded_by(read.values())
    return [
        Sighting(
            extract_id=extract_id,
            file_name=path.name,
            source=read[extract_id].source,
            table_name=read[extract_id].table_name,
            quarters=read[extract_id].quarters,
            bytes=read[extract_id].size,
            release_state=states[extract_id],
            supersedes=replaced.get(extract_id),
            is_sample=read[extract_id].is_sample,
            origin=str(path.resolve()),
        )
        for extract_id, path in origins
    ]


def _renamed(extract: ReadExtract, file_name: str) -> ReadExtract:
    return replace(
        extract, file_name=file_name, row_set_aside=extract.row_set_aside.assign(file_name=file_name)
    )


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
