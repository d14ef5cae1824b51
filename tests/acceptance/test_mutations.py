"""A small part of the mutation program on real files; `python tests/mutations OFFICIAL` is the whole of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mutations.__main__ import Mutation, cases, not_allowed, run_all, table
from mutations.judging import with_rules_alone
from shared_folders import MadeOnce

from dagster_project.settings import DataFolder

# Kinds that the framework's files themselves tell, whatever else is checked.
NOTICED = (
    "star a cell",
    "remove a metric",
    "title row",
    "no file",
    "written with UTF-16",
)
HARMLESS = ("written with line feeds", "duplicate the file")


@pytest.fixture(scope="module")
def base(made_once: MadeOnce, both_quarters: DataFolder) -> Path:
    """A data folder with 2025-26-Q1 released from the sound files."""

    def build(folder: Path) -> None:
        shutil.copytree(both_quarters.root, folder, symlinks=True)
        with_rules_alone(DataFolder(folder))

    return made_once("mutations", build)


@pytest.fixture(scope="module")
def made(base: Path, official_dir: Path) -> list[Mutation]:
    (mental_health,) = [case for case in cases(official_dir) if case.name == "mental health"]
    return run_all([(mental_health, kind, 0) for kind in (*NOTICED, *HARMLESS)], base, 1, tell=False)


@pytest.mark.parametrize("kind", NOTICED)
def test_what_the_files_themselves_tell_is_never_silent(made: list[Mutation], kind: str) -> None:
    (mutation,) = [mutation for mutation in made if mutation.kind == kind]
    assert mutation.outcome in ("detected", "harmless"), mutation.says
    assert not not_allowed([mutation])


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_says_the_same_gives_the_same_figures_or_is_told(made: list[Mutation], kind: str) -> None:
    (mutation,) = [mutation for mutation in made if mutation.kind == kind]
    assert mutation.outcome in ("harmless", "detected"), mutation.says


def test_the_table_counts_every_mutation(made: list[Mutation]) -> None:
    assert table(made).splitlines()[-1].startswith(f"{len(NOTICED) + len(HARMLESS)} mutations: ")
