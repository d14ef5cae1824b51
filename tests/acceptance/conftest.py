"""Releases of official files that several acceptance tests share, each made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from league_command import league
from shared_folders import OwnRules
from staged_run import release_by_stages

from dagster_project.settings import METHODOLOGY_DIR, DataFolder


@pytest.fixture(scope="session")
def both_quarters(
    made_once: Callable[..., Path], new_data: Callable[[Path], DataFolder], official_dir: Path
) -> DataFolder:
    """Q1 and Q4 of all files at hand, released in one pass by the command."""

    def build(folder: Path) -> None:
        ended = league(
            *("run", "2025-26-Q1", "2025-26-Q4", "--extracts", official_dir / "nof-2025-26"),
            data=new_data(folder),
        )
        assert ended.code == 0, ended.err

    return DataFolder(made_once("official-both-quarters", build))


@pytest.fixture(scope="session")
def own_rules(made_once: Callable[..., Path], small_release: DataFolder, small_extracts: Path) -> OwnRules:
    """`small_release`, released again by the command under rules in which a metric has another name.

    It scores as before, so that every figure is still the publisher's. Not to be changed.
    """

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder / "data", symlinks=True)
        (folder / "rules").mkdir()
        text = (METHODOLOGY_DIR / "metric.csv").read_text("utf-8")
        renamed = text.replace(",Sickness absence", ",Sickness absence by another name")
        assert renamed != text
        (folder / "rules" / "metric.csv").write_text(renamed, "utf-8")
        ended = league(
            *("run", "2025-26-Q1", "--extracts", small_extracts / "2025-26-Q1", "--rules", folder / "rules"),
            data=DataFolder(folder / "data"),
        )
        assert ended.code == 0, ended.err

    folder = made_once("own-rules", build)
    return OwnRules(DataFolder(folder / "data"), folder / "rules")


@pytest.fixture(scope="session")
def with_statistics(
    made_once: Callable[..., Path], new_data: Callable[[Path], DataFolder], official_dir: Path
) -> DataFolder:
    """2025-26-Q1 released from every official file at hand, found below one folder."""

    def build(folder: Path) -> None:
        release_by_stages(new_data(folder), official_dir, "2025-26-Q1")

    return DataFolder(made_once("official-with-statistics", build))


@pytest.fixture(scope="session")
def fourth_quarter(
    made_once: Callable[..., Path], new_data: Callable[[Path], DataFolder], official_dir: Path
) -> DataFolder:
    """Q4 alone released from the publisher's files."""

    def build(folder: Path) -> None:
        release_by_stages(new_data(folder), official_dir / "nof-2025-26", "2025-26-Q4")

    return DataFolder(made_once("official-fourth-quarter", build))
