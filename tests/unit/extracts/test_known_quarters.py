"""What archived files cover: a run opens those of its quarters, and what it reads is the same either way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from fictional_files import data_file, data_line, file_of, league_file, league_line
from fictional_statistics import ae_file, ae_line, trust_line

from dagster_project.archive.archive import Archive, sha256_of
from dagster_project.errors import InputRejected
from dagster_project.extracts import known_quarters
from dagster_project.extracts.load import LoadedExtracts, load_archived, load_folder

Q1, Q2, Q4 = "2025-26-Q1", "2025-26-Q2", "2025-26-Q4"
FIRST = data_file(data_line(), data_line("Z02"))
CUMULATIVE = data_file(data_line(value="70"), data_line(quarter="Q2 2025/26"))
LAST = data_file(data_line(quarter="Q4 2025/26"))
FILES = {
    "first.csv": FIRST,
    "first-v2.csv": data_file(data_line(value="71"), data_line("Z02")),
    "cumulative.csv": CUMULATIVE,
    "last.csv": LAST,
    "table.csv": league_file(league_line()),
    "june.csv": ae_file(ae_line()),
    "may.csv": ae_file(ae_line(period="MSitAE-MAY-2025")),
    "january.csv": ae_file(ae_line(period="MSitAE-JANUARY-2026")),
    "trusts.csv": file_of(trust_line(), bom=False),
}


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive that saw every file of `FILES`, and knows what each covers. Not to be changed."""
    folder = tmp_path_factory.mktemp("known-quarters")
    (folder / "in").mkdir()
    for name, raw in FILES.items():
        (folder / "in" / name).write_bytes(raw)
    archive = Archive(folder / "archive")
    load_folder(folder / "in", archive)
    return archive


@pytest.fixture(scope="session")
def everything(filled: Archive) -> LoadedExtracts:
    """What reading every file of it gives."""
    return load_archived(filled)


@pytest.fixture
def archive(filled: Archive, tmp_path: Path) -> Archive:
    """A copy of it for a test that changes it."""
    shutil.copytree(filled.root, tmp_path / "archive")
    return Archive(tmp_path / "archive")


def damage(archive: Archive, raw: bytes) -> None:
    path = archive.path_of(sha256_of(raw))
    path.chmod(0o644)
    path.write_bytes(raw + b"more")


def assert_same(one: LoadedExtracts, other: LoadedExtracts) -> None:
    for field in fields(LoadedExtracts):
        value = getattr(one, field.name)
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(value, getattr(other, field.name), obj=field.name)


@pytest.mark.parametrize("quarters", [[Q1], [Q2], [Q4], [Q1, Q4], [Q1, Q2, Q4]], ids=" and ".join)
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_a_quarters_files_give_what_all_files_give_for_it(
    archive: Archive, everything: LoadedExtracts, quarters: list[str], is_known: bool
) -> None:
    if not is_known:
        archive.coverage.unlink()
    assert_same(load_archived(archive, quarters).for_quarters(quarters), everything.for_quarters(quarters))


def test_notes_are_the_same_whether_or_not_the_coverage_is_known(archive: Archive) -> None:
    known = load_archived(archive, [Q4])
    archive.coverage.unlink()
    assert load_archived(archive, [Q4]).notes == known.notes


def test_files_of_other_quarters_are_not_opened(archive: Archive) -> None:
    before = load_archived(archive, [Q1])
    damage(archive, LAST)
    assert_same(load_archived(archive, [Q1]), before)
    with pytest.raises(InputRejected, match="damaged"):
        load_archived(archive, [Q4])


def test_a_list_of_organisations_belongs_to_every_quarter(archive: Archive) -> None:
    assert load_archived(archive, ["2019-20-Q1"]).organisation_reference["organisation_code"].tolist() == [
        "Z01"
    ]
    damage(archive, FILES["trusts.csv"])
    with pytest.raises(InputRejected, match="damaged"):
        load_archived(archive, [Q1])


RECORDS: dict[str, Callable[[bytes], bytes]] = {
    "of other readers": lambda record: record.replace(known_quarters.readers_hash().encode(), b"others"),
    "cut short": lambda record: record[:-20],
    "of another form": lambda record: b"[" + record + b"]",
    "empty": lambda record: record[:0],
}


@pytest.mark.parametrize("change", RECORDS.values(), ids=RECORDS)
def test_what_is_not_known_is_read(archive: Archive, change: Callable[[bytes], bytes]) -> None:
    last, kept = archive.path_of(sha256_of(LAST)), archive.path_of(sha256_of(LAST)).read_bytes()
    archive.coverage.write_bytes(change(archive.coverage.read_bytes()))
    damage(archive, LAST)
    with pytest.raises(InputRejected, match="damaged"):
        load_archived(archive, [Q1])
    last.write_bytes(kept)
    load_archived(archive, [Q1], learn=True)
    damage(archive, LAST)
    assert load_archived(archive, [Q1]).quarters() == [Q1, Q2]


def test_a_file_is_read_where_the_manifest_gives_it_another_coverage(archive: Archive) -> None:
    record = json.loads(archive.coverage.read_bytes())
    record["quarters"][sha256_of(LAST)] = [Q1]
    archive.coverage.write_text(json.dumps(record))
    assert load_archived(archive, [Q4]).quarters() == [Q4]


def test_reading_alone_writes_nothing(archive: Archive) -> None:
    archive.coverage.unlink()
    load_archived(archive, [Q1])
    assert not archive.coverage.exists()


def test_what_is_learnt_is_added_and_survives_a_cleaning(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x.csv").write_bytes(data_file(data_line(quarter="Q3 2025/26")))
    load_folder(tmp_path / "more", archive)
    archive.clean()
    known = known_quarters.covered_quarters(archive)
    assert set(known) == {seen.extract_id for seen in archive.sightings()}
    assert known[sha256_of(CUMULATIVE)] == (Q1, Q2)
    assert known[sha256_of(FILES["trusts.csv"])] == ()


def test_the_hash_of_the_readers_is_made_of_their_code() -> None:
    named = {path.name for path in known_quarters.code_of_readers()}
    assert {"quarters.py", "rows.py", "rtt_waiting_times.py", "nof_layout.py"} <= named
    others = {
        "generator.py",
        "download.py",
        "discover.py",
        "archive.py",
        "load.py",
        "recognise.py",
        "vintages.py",
    }
    assert not others & named, "what is fetched, kept, ordered or written leaves what a file holds as it is"
