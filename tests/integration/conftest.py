"""What several integration tests share: releases of the sample, each made once, and a browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from league_command import league
from required import missing
from sample_copy import SampleCopy
from shared_folders import SAMPLE_QUARTERS, Answered, MadeOnce, NewData
from staged_run import release_by_stages

from dagster_project.settings import DataFolder


@pytest.fixture(scope="session")
def corrected_release(made_once: MadeOnce, small_release: DataFolder, small_extracts: Path) -> DataFolder:
    """`small_release`, released again after a name in its data file had changed. Not to be changed."""
    quarter = SAMPLE_QUARTERS[0]

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder, symlinks=True)
        # Other bytes under the same name, and other released bytes.
        copy = SampleCopy(folder / "changed", [small_extracts / quarter])
        copy.change_text("ambulance-trust-data", lambda text: text.replace("Ambulance", "Ambulances", 1))
        release_by_stages(DataFolder(folder), copy.folder, quarter, run_id="corrected")

    return DataFolder(made_once("corrected-release", build))


@pytest.fixture(scope="session")
def first_held(made_once: MadeOnce, new_data: NewData, official_files: Path) -> DataFolder:
    """A data folder whose first run of all, of official files, was held by Ada. Not to be changed."""

    def build(folder: Path) -> None:
        ended = league(
            *("run", SAMPLE_QUARTERS[0], "--extracts", official_files, "--hold", "--by", "Ada"),
            data=new_data(folder),
        )
        assert ended.code == 0, ended.err

    return DataFolder(made_once("first-held", build))


@pytest.fixture(scope="session")
def checked(made_once: MadeOnce, small_release: DataFolder, small_extracts: Path) -> Answered:
    """What `league check` answers to the files of `small_release`. Not to be changed."""

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder / "data", symlinks=True)
        files = small_extracts / SAMPLE_QUARTERS[0]
        ended = league("check", files, "--json", data=DataFolder(folder / "data"))
        assert ended.code == 0, ended.err
        (folder / "answer.json").write_text(ended.out)

    folder = made_once("checked", build)
    return Answered(DataFolder(folder / "data"), json.loads((folder / "answer.json").read_bytes()))


@pytest.fixture
def corrected(corrected_release: DataFolder, tmp_path: Path) -> DataFolder:
    """A copy of `corrected_release` for a test that changes it."""
    shutil.copytree(corrected_release.root, tmp_path / "data", symlinks=True)
    return DataFolder(tmp_path / "data")


@pytest.fixture(scope="session")
def publication(made_once: MadeOnce, six_quarters: DataFolder) -> Path:
    """The publication of the sample's last two quarters, which have all four tables. Not to be changed."""

    def build(folder: Path) -> None:
        ended = league("publish", *SAMPLE_QUARTERS[-2:], "--to", folder, data=six_quarters)
        assert ended.code == 0, ended.err

    return made_once("publication", build)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; skips where there is none, or fails if `chromium` is among the words of `LEAGUE_REQUIRE`.

    Not for the session: while it is open an event loop runs in this thread, and other tests run loops of their own.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        missing("chromium", "no browser: apt-get install chromium, and playwright of the dev extra")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()
