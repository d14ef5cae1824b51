"""An id that a person types becomes part of a path: what isn't one is 2 in every verb, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from league_command import league

from dagster_project.errors import WrongUsage
from dagster_project.releases.identity import release_id_of
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
VERBS = (
    ("verify", QUARTER, "--release", "{id}"),
    ("verify", "--bundle", __file__, "--release", "{id}"),
    ("bundle", QUARTER, "--release", "{id}"),
    ("run", QUARTER, "--release", "{id}"),
    ("explain", "RP6", QUARTER, "--release", "{id}"),
    ("withdraw", "{id}", "--reason", "why"),
    ("withdraw", "0" * 16, "--reason", "why", "--roll-back-to", "{id}"),
    ("approve", "{id}"),
    ("approve", "0" * 16, "{id}"),
    ("diff", "{id}"),
)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize(
    "text", ["../../etc", "/etc", "current", "", ".", "0" * 17, "*", "0" * 15 + "G", "0\n" * 8]
)
def test_what_is_no_id_is_2_and_says_what_one_is(tmp_path: Path, verb: tuple[str, ...], text: str) -> None:
    data = DataFolder(tmp_path / "data")
    ended = league(*(part.format(id=text) for part in verb), data=data)
    assert ended.code == 2, ended.err
    assert ended.out == ""
    if verb[0] != "diff":
        assert "is a release's id, 16 digits or letters a to f" in ended.err
    assert not data.releases.exists()


@given(st.text(max_size=20))
def test_only_sixteen_hex_digits_are_an_id(text: str) -> None:
    is_id = len(text) == 16 and set(text) <= set("0123456789abcdef")
    if is_id:
        assert release_id_of(text, "--release") == text
    else:
        with pytest.raises(WrongUsage, match="--release is a release's id"):
            release_id_of(text, "--release")
