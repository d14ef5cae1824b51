"""Fixtures that every kind of test may use, and how a test run is arranged."""

from __future__ import annotations

import csv
import fcntl
import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from postgresql_server import PostgresqlServer, running_server
from required import missing
from shared_folders import SAMPLE_QUARTERS, MadeOnce, NewData
from spread import arranged, group_by_fixture, keep_folders_in_memory

from dagster_project.settings import DataFolder

_CHECKOUT = Path(__file__).resolve().parent.parent
_SHARED = _CHECKOUT.parent / "shared"
_LONGEST_BYTES_IN_A_NAME = 20

# What a property is tried with where it doesn't say so itself; `--hypothesis-profile thorough` for a long search.
settings.register_profile("suite", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("suite")


def pytest_configure() -> None:
    keep_folders_in_memory()
    # A width that readline gave to all workers: without one a sentence is one line, as in any pipe.
    os.environ.pop("COLUMNS", None)
    # As the command does: imports make a million objects that stay, and looking through them costs a sixth of a run.
    gc.set_threshold(100_000, 50, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    group_by_fixture(items)
    items[:] = arranged(items)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes of a file have no place in a test's name: an archive holds the time at which it was made, so that workers
    would know the test by different names.
    """
    return argname if isinstance(val, bytes) and len(val) > _LONGEST_BYTES_IN_A_NAME else None


@pytest.fixture(autouse=True)
def _longest_field_of_csv_stays() -> Iterator[None]:
    """A validator of ours lifts Python's limit for the whole process, which other tests rest on."""
    longest = csv.field_size_limit()
    yield
    csv.field_size_limit(longest)


@pytest.fixture(scope="session")
def official_dir() -> Path:
    """The folder of official files (`LEAGUE_OFFICIAL_DIR`, else ../shared/official beside the checkout)."""
    return _folder_of_files(
        Path(os.environ.get("LEAGUE_OFFICIAL_DIR") or _SHARED / "official"), "nof-2025-26"
    )


@pytest.fixture(scope="session")
def further_dir(official_dir: Path) -> Path:
    """Further official files: a whole RTT extract, more months of A&E, cancer workbooks."""
    return _folder_of_files(official_dir.parent / "official-further", "README.md")


@pytest.fixture(scope="session")
def trials_dir(official_dir: Path) -> Path:
    """Small inputs of the kinds that once went wrong, a folder for each."""
    return _folder_of_files(official_dir.parent / "trials", "case11-ae-missing-month")


def _folder_of_files(folder: Path, holds: str) -> Path:
    """The folder; skips where it isn't there, or fails if `official` is among the words of `LEAGUE_REQUIRE`."""
    if not (folder / holds).exists():
        missing(
            "official",
            f"no official files in {folder}: set LEAGUE_OFFICIAL_DIR to the folder that holds nof-2025-26",
        )
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Makes a folder once for all workers of a test run: `made_once(name, build)` gives the folder."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, build: Callable[[Path], None]) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                build(folder)
                made.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def sample_extracts(made_once: MadeOnce) -> Path:
    """The bundled sample's extracts, a folder per quarter. Not to be changed."""
    from dagster_project.sample import generate_sample

    return made_once("sample", lambda folder: _ignore(generate_sample(folder))) / "extracts"


@pytest.fixture(scope="session")
def small_extracts(made_once: MadeOnce, sample_extracts: Path) -> Path:
    """The sample's ambulance table alone, a folder per quarter: a run of it is short. Not to be changed."""

    def build(folder: Path) -> None:
        for quarter in SAMPLE_QUARTERS:
            (folder / quarter).mkdir(parents=True)
            for file in (sample_extracts / quarter).glob("*ambulance*.csv"):
                shutil.copy(file, folder / quarter)

    return made_once("small", build)


@pytest.fixture(scope="session")
def new_data(made_once: MadeOnce) -> NewData:
    """`new_data(folder)` makes a data folder with nothing in it but dbt's parsed project and what is told from it.

    A first run makes both itself, which takes longer than all else of a small run.
    """
    from dagster_project.lineage.of_project import lineage_of
    from dagster_project.warehouse.dbt_project import checkout_project

    parsed = made_once("parsed", lambda folder: _ignore(lineage_of(checkout_project(DataFolder(folder)))))

    def new(folder: Path) -> DataFolder:
        shutil.copytree(parsed / "dbt", folder / "dbt")
        return DataFolder(folder)

    return new


@pytest.fixture(scope="session")
def six_quarters(made_once: MadeOnce, new_data: NewData, sample_extracts: Path) -> DataFolder:
    """A data folder in which `league run` released all six sample quarters in one pass. Not to be changed."""
    from league_command import league

    def build(folder: Path) -> None:
        ended = league("run", *SAMPLE_QUARTERS, "--extracts", sample_extracts, data=new_data(folder))
        assert ended.code == 0, ended.err

    return DataFolder(made_once("six-quarters", build))


@pytest.fixture(scope="session")
def whole_quarter(made_once: MadeOnce, new_data: NewData, sample_extracts: Path) -> DataFolder:
    """A data folder in which a process with its own time zone, locale, hash seed and four threads released the sample's
    2025-26-Q1 with all tables. Not to be changed."""
    from league_command import league_process

    place = Path("a", "deeper folder", "four")

    def build(folder: Path) -> None:
        ended = league_process(
            *("run", SAMPLE_QUARTERS[0], "--extracts", sample_extracts, "--threads", "4"),
            data=new_data(folder / place),
            TZ="America/St_Johns",
            LC_ALL="C",
            PYTHONHASHSEED="4",
        )
        assert ended.code == 0, ended.err

    return DataFolder(made_once("whole-quarter", build) / place)


@pytest.fixture(scope="session")
def small_release(made_once: MadeOnce, new_data: NewData, small_extracts: Path) -> DataFolder:
    """A data folder in which `league run` released 2025-26-Q1 of the ambulance table. Not to be changed."""
    from league_command import league

    def build(folder: Path) -> None:
        ended = league(
            "run", "2025-26-Q1", "--extracts", small_extracts / "2025-26-Q1", data=new_data(folder)
        )
        assert ended.code == 0, ended.err

    return DataFolder(made_once("small-release", build))


@pytest.fixture(scope="session")
def second_release(made_once: MadeOnce, small_release: DataFolder, small_extracts: Path) -> DataFolder:
    """`small_release` with the quarter after it, which was gated against the first. Not to be changed."""
    from league_command import league

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder, symlinks=True)
        extracts = small_extracts / "2025-26-Q2"
        ended = league("run", "2025-26-Q2", "--extracts", extracts, data=DataFolder(folder))
        assert ended.code == 0, ended.err

    return DataFolder(made_once("second-release", build))


@pytest.fixture(scope="session")
def official_files(made_once: MadeOnce, small_extracts: Path) -> Path:
    """The ambulance table's files of a quarter, as official ones are named."""

    from sample_copy import SampleCopy

    def build(folder: Path) -> None:
        copy = SampleCopy(folder, [small_extracts / SAMPLE_QUARTERS[0]])
        for path in copy.folder.rglob("*.csv"):
            path.write_bytes(path.read_bytes().replace(b" (fictional)", b""))

    return made_once("official-files", build)


@pytest.fixture(scope="session")
def official_release(made_once: MadeOnce, new_data: NewData, official_files: Path) -> DataFolder:
    """A data folder with a current official release: files without the mark in their names. Not to be changed."""
    from staged_run import release_by_stages

    def build(folder: Path) -> None:
        release_by_stages(new_data(folder), official_files, SAMPLE_QUARTERS[0])

    return DataFolder(made_once("official-release", build))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server for this worker; each test makes a database of its own in it."""
    with running_server() as server:
        yield server


@pytest.fixture
def official(official_release: DataFolder, tmp_path: Path) -> DataFolder:
    """A copy of `official_release` for a test that may change it."""
    shutil.copytree(official_release.root, tmp_path / "official", symlinks=True)
    return DataFolder(tmp_path / "official")


@pytest.fixture
def two_released(second_release: DataFolder, tmp_path: Path) -> DataFolder:
    """A copy of `second_release` for a test that changes it."""
    shutil.copytree(second_release.root, tmp_path / "data", symlinks=True)
    return DataFolder(tmp_path / "data")


@pytest.fixture
def released(small_release: DataFolder, tmp_path: Path) -> DataFolder:
    """A copy of `small_release` for a test that changes it."""
    shutil.copytree(small_release.root, tmp_path / "data", symlinks=True)
    return DataFolder(tmp_path / "data")


@pytest.fixture
def fresh_data(new_data: NewData, tmp_path: Path) -> DataFolder:
    """An empty data folder, but for dbt's parsed project, which is the same for all."""
    return new_data(tmp_path / "data")


def _ignore(_: object) -> None:
    return None
