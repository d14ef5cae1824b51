"""Old releases given back, the newest vintage used, and what `league status` says of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from league_command import Ended, league
from published_state import links, promised_bytes, published_files, release_ids
from sample_copy import SampleCopy
from staged_run import release_by_stages

from dagster_project.archive.archive import Archive
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
BEFORE, LATER = "2025-09-10", "2025-10-20"


def ran(ended: Ended) -> Ended:
    assert ended.code == 0, ended.err
    return ended


def put_back(data: DataFolder, days: list[str]) -> None:
    """Rewrites the manifest's times: files as they were first seen, day by day."""
    manifest = Archive(data.archive).manifest
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    seen = sorted({row["retrieved_at"] for row in rows})
    assert len(seen) <= len(days)
    for row in rows:
        row["retrieved_at"] = f"{days[seen.index(row['retrieved_at'])]}T23:59:59+00:00"
    manifest.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))


def changed_value(copy: SampleCopy) -> Path:
    """One organisation's name in the data file: other bytes, and other released bytes."""
    path: Path = copy.change_text(
        "ambulance-trust-data", lambda text: text.replace("Ambulance", "Ambulances", 1)
    )
    return path


@pytest.fixture
def reissued(corrected: DataFolder, small_release: DataFolder) -> tuple[DataFolder, str]:
    """`corrected`, its files first seen on two days; and the quarter's first release."""
    rows = Archive(corrected.archive).manifest.read_text().splitlines()
    assert len(rows) > 2
    put_back(corrected, [BEFORE, LATER])
    first = release_ids(small_release)[QUARTER]
    assert release_ids(corrected)[QUARTER] != first
    return corrected, first


def test_old_releases_come_back_byte_for_byte_and_the_newest_vintage_wins(
    reissued: tuple[DataFolder, str], small_release: DataFolder
) -> None:
    data, first = reissued
    second = release_ids(data)[QUARTER]
    before, after = promised_bytes(small_release, QUARTER), promised_bytes(data, QUARTER)
    assert before != after

    ended = ran(league("run", QUARTER, "--as-of", BEFORE, "--json", data=data))
    assert ended.answer["releases"][0]["is_new"] is False
    assert (release_ids(data), links(data)) == ({QUARTER: first}, {QUARTER: first})
    assert promised_bytes(data, QUARTER) == before

    (standing,) = ran(league("status", "--json", data=data)).answer["quarters"]
    assert (standing["release_id"], standing["newer_vintage"]) == (first, True)
    assert [file["retrieved_at"][:10] for file in standing["new"]] == [LATER]
    assert "newer vintage" in league("status", data=data).out

    release_by_stages(data, None, QUARTER, run_id="later", as_of=LATER)
    assert release_ids(data) == {QUARTER: second}
    assert promised_bytes(data, QUARTER) == after
    (standing,) = ran(league("status", "--json", data=data)).answer["quarters"]
    assert (standing["newer_vintage"], standing["new"]) == (False, [])
    assert standing["missing"] == ["acute", "non_acute"]

    release_by_stages(data, None, QUARTER, run_id="first-again", release=first)
    assert release_ids(data) == {QUARTER: first}
    assert promised_bytes(data, QUARTER) == before


@pytest.mark.parametrize("component", ["code", "rules", "versions", "previous_release_id"])
def test_a_release_that_cannot_come_out_the_same_says_what_differs(
    released: DataFolder, component: str
) -> None:
    release = release_ids(released)[QUARTER]
    described = released.releases / QUARTER / release / "release.json"
    content = json.loads(described.read_bytes())
    if component == "previous_release_id":
        content[component] = "0123456789abcdef"
    else:
        name = min(content[component])
        content[component][name] = "another"
    described.chmod(0o644)
    described.write_text(json.dumps(content))
    before = published_files(released)
    for option in ("--release", "--as-of"):
        if option == "--as-of":
            # The id as it would be had the release been made with the other component.
            described.parent.rename(described.parent.with_name("f" * 16))
            (released.releases / QUARTER / "current").unlink()
            before = published_files(released)
        ended = league(
            "run", QUARTER, option, release if option == "--release" else "2999-01-01", data=released
        )
        assert ended.code == 3, ended.err
        assert (
            "0123456789abcdef" if component == "previous_release_id" else f"{component}: {name}"
        ) in ended.err
        assert "Nothing was released" in ended.err
        assert published_files(released) == before


def test_a_day_before_the_first_file_has_nothing(released: DataFolder) -> None:
    ended = league("run", QUARTER, "--as-of", "2001-01-01", data=released)
    assert ended.code == 3
    assert "held no extracts at the end of 2001-01-01" in ended.err


def test_a_quarter_is_made_again_only_beside_the_earlier_release_that_it_was_gated_against(
    two_released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    first = release_ids(two_released)[QUARTER]
    second, before = release_ids(two_released)["2025-26-Q2"], promised_bytes(two_released, "2025-26-Q2")
    ran(league("run", "2025-26-Q2", "--release", second, data=two_released))
    assert promised_bytes(two_released, "2025-26-Q2") == before
    copy = SampleCopy(tmp_path / "changed", [small_extracts / QUARTER])
    changed_value(copy)
    release_by_stages(two_released, copy.folder, QUARTER)
    ended = league("run", "2025-26-Q2", "--release", second, data=two_released)
    assert ended.code == 3
    assert f"was gated against release {first} of {QUARTER}" in ended.err
    assert f"league run {QUARTER} --release {first}" in ended.err
    assert release_ids(two_released)["2025-26-Q2"] == second
