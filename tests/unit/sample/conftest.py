"""One generated sample for all tests of its files, read without the project's own readers."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from dagster_project.sample import SampleFiles, generate_sample

Row = dict[str, str]


class SampleFolder:
    """The sample's files by quarter and part of their name."""

    def __init__(self, sample: SampleFiles) -> None:
        self.sample = sample

    def path(self, quarter: str, name_part: str) -> Path:
        """The one file of a quarter whose name ends so."""
        (found,) = (self.sample.extracts / quarter).glob(f"*{name_part}.csv")
        return found

    def rows(self, quarter: str, name_part: str) -> list[Row]:
        text = self.path(quarter, name_part).read_bytes().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> SampleFolder:
    return SampleFolder(generate_sample(tmp_path_factory.mktemp("sample")))
