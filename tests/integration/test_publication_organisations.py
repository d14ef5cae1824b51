"""The pages of organisations over a released sample: their sentences, figures and the comparisons."""

from __future__ import annotations

import pytest

from dagster_project.publication.contents import Contents
from dagster_project.publication.publish import current, read_contents
from dagster_project.quarters import Quarter
from dagster_project.reading.board_page import board_page
from dagster_project.reading.board_rows import sentences
from dagster_project.settings import DataFolder


@pytest.fixture(scope="module")
def contents(second_release: DataFolder) -> Contents:
    return read_contents(second_release, current(second_release))


def test_the_sentences_found_by_keys_are_those_that_the_queries_give(
    contents: Contents, second_release: DataFolder
) -> None:
    """One wording, asked in two ways: the page of one organisation by SQL, those of all by indexes."""
    quarter = contents.newest
    for code, place in list(quarter.places.items())[::3]:
        page = board_page(second_release, code, Quarter.from_canonical(quarter.quarter))
        assert sentences(quarter, place) == {part.heading: part.sentence for part in page.parts}
