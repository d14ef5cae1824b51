"""A run ends at once only where the same request would release what is there already, byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, release_path
from dagster_project.runs.nothing_new import MADE_FROM, earlier_outcome, inputs_of, keep_inputs
from dagster_project.runs.record import RunRecord
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder

QUARTER, RUN = Quarter.from_canonical("2025-26-Q1"), "a-run"
RELEASE = "0123456789abcdef"
_SAYS = (
    *("quarter", "framework", "is_sample", "previous_release_id", "extracts", "rules", "code", "versions"),
    *("release_id", "notice", "gates"),
)


class _Place(NamedTuple):
    data: DataFolder
    files: Path


@pytest.fixture
def request_made(tmp_path: Path) -> RunRequest:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "acute.csv").write_text("trust,value\n", "utf-8")
    return RunRequest(quarters=(QUARTER,), extracts_dir=folder)


@pytest.fixture
def data(tmp_path: Path, request_made: RunRequest) -> DataFolder:
    """A data folder as a run of `request_made` leaves it: archive, warehouse, release and record."""
    made = DataFolder(tmp_path / "data")
    for path, text in (
        (made.warehouse, "a warehouse"),
        (made.archive / "manifest.jsonl", '{"extract_id": "ab"}\n'),
        (made.ledger / "2025-26-Q1.csv", "quarter\n"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    folder = release_path(made, QUARTER, RELEASE)
    folder.mkdir(parents=True)
    (folder / "league_table.csv").write_bytes(b"rank\n1\n")
    promised = {"league_table.csv": {"sha256": hashlib.sha256(b"rank\n1\n").hexdigest(), "bytes": 7}}
    content = dict.fromkeys(_SAYS) | {"files": promised}
    (folder / RELEASE_FILE).write_text(json.dumps(content), "utf-8")
    inputs = inputs_of(request_made)
    keep_inputs(request_made, made, _ended(made, exit_code=0), inputs)
    return made


def _ended(data: DataFolder, **facts: Any) -> dict[str, Any]:
    record = RunRecord(data, RUN)
    record.note(releases=[{"quarter": str(QUARTER), "release_id": RELEASE}], **facts)
    return record.content


def test_the_same_request_gets_the_outcome_of_the_run_that_released_it(
    data: DataFolder, request_made: RunRequest
) -> None:
    found = earlier_outcome(request_made.model_copy(update={"threads": 1, "by": "somebody"}), data)
    assert found is not None
    assert (found["run_id"], found["nothing_new"]) == (RUN, True)


@pytest.mark.parametrize(
    "change",
    [
        lambda at: (at.files / "acute.csv").write_text("trust,value\nRRV,1\n", "utf-8"),
        lambda at: (at.files / "more.csv").write_text("", "utf-8"),
        lambda at: (at.files / "acute.csv").rename(at.files / "renamed.csv"),
        lambda at: at.data.warehouse.write_text("A warehouse", "utf-8"),
        lambda at: at.data.warehouse.unlink(),
        lambda at: (at.data.archive / "manifest.jsonl").open("a").write("{}\n"),
        lambda at: (at.data.archive / "pruned.jsonl").write_text("{}\n", "utf-8"),
        lambda at: (at.data.ledger / "2025-26-Q1.csv").unlink(),
        lambda at: (_release(at.data) / "league_table.csv").write_bytes(b"rank\n2\n"),
        lambda at: (_release(at.data) / "league_table.csv").unlink(),
        lambda at: (_release(at.data) / "added.csv").write_bytes(b""),
        lambda at: (_release(at.data) / RELEASE_FILE).write_text("{", "utf-8"),
        lambda at: (at.data.runs / RUN / MADE_FROM).write_text("{", "utf-8"),
        lambda at: (at.data.runs / RUN / "outcome.json").write_text("{", "utf-8"),
    ],
)
def test_whatever_changed_means_the_whole_work(
    data: DataFolder, request_made: RunRequest, change: Callable[[_Place], object]
) -> None:
    assert request_made.extracts_dir is not None
    change(_Place(data, request_made.extracts_dir))
    assert earlier_outcome(request_made, data) is None


@pytest.mark.parametrize(
    "asked",
    [
        {"quarters": (Quarter.from_canonical("2025-26-Q2"),)},
        {"quarters": (QUARTER, Quarter.from_canonical("2025-26-Q2"))},
        {"dry_run": True},
        {"hold": True},
        {"accept_fewer": "a trust closed"},
        {"extracts_dir": None},
        {"extracts_dir": None, "sample": True},
        {"extracts_dir": None, "release": RELEASE},
    ],
)
def test_another_request_means_the_whole_work(
    data: DataFolder, request_made: RunRequest, asked: dict[str, Any]
) -> None:
    assert earlier_outcome(request_made.model_copy(update=asked), data) is None


def test_other_rules_mean_the_whole_work(data: DataFolder, request_made: RunRequest, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "metric.csv").write_text("metric_id\n", "utf-8")
    assert earlier_outcome(request_made.model_copy(update={"rules_dir": rules}), data) is None


def test_a_run_that_failed_leaves_no_note(data: DataFolder, request_made: RunRequest) -> None:
    (data.runs / RUN / MADE_FROM).unlink()
    keep_inputs(request_made, data, _ended(data, exit_code=5), inputs_of(request_made))
    assert earlier_outcome(request_made, data) is None


def test_a_file_that_changed_while_it_was_read_means_the_whole_work(
    data: DataFolder, request_made: RunRequest
) -> None:
    assert request_made.extracts_dir is not None
    before = inputs_of(request_made)
    (request_made.extracts_dir / "acute.csv").write_text("changed meanwhile\n", "utf-8")
    keep_inputs(request_made, data, _ended(data, exit_code=0), before)
    assert earlier_outcome(request_made, data) is None


def _release(data: DataFolder) -> Path:
    return release_path(data, QUARTER, RELEASE)
