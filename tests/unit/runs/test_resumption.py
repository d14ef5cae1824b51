"""What a run of a part of the flow builds on, and the note that says what is done in a candidate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.gates.outcome import ExpectationResult, GateOutcome
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import KEPT, kept_candidates, open_candidate, published_file, sweep
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs import flow
from dagster_project.runs.resumption import Done, NothingToGoOnWithError, goes_from_the_start
from dagster_project.settings import DataFolder

NAMES = [step.step for step in flow.steps()]


def closed(gate: str) -> GateOutcome:
    result = ExpectationResult(
        quarter="2025-26-Q1",
        gate=gate,
        suite="codes",
        expectation="code_is_known",
        expectation_type="expect_column_values_to_be_in_set",
        subject="codes",
        success=False,
        severity="critical",
        observed="1 row",
        says="Look at it.",
    )
    return GateOutcome(gate, (result,))


def test_a_run_from_a_step_on_lacks_just_what_that_step_waits_for() -> None:
    assert flow.lacking(NAMES, ()) == ()
    assert flow.lacking(NAMES[NAMES.index("score") :], NAMES[: NAMES.index("score")]) == ()
    assert flow.lacking(["score"], ["read", "seed", "gate extracts", "measure"]) == ("gate metrics",)
    assert flow.lacking(["release"], NAMES[:2]) == ("gate league_tables",)


def test_what_was_done_behind_a_step_that_is_done_anew_counts_no_more() -> None:
    everything = list(NAMES)
    assert flow.lacking(["measure", "gate metrics", "score"], everything) == ()
    # Scores of other values than the ones that are measured anew.
    assert flow.lacking(["measure", "gate metrics", "likely_ranges"], everything) == ("score",)


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_with_what_it_lacks_chosen_too_a_run_can_go_on_in_the_end(wanted: set[str], done: set[str]) -> None:
    chosen = set(wanted)
    while missing := flow.lacking(chosen, done):
        assert not set(missing) & chosen
        chosen |= set(missing)
    assert wanted <= chosen


def test_a_closed_gate_is_not_done_and_one_that_judges_anew_is_forgotten() -> None:
    done = Done({"read": 1.0, "seed": 0.5, "gate extracts": 0.2}, [closed("extracts")])
    assert done.steps == ["read", "seed"]
    assert done.forget_from(flow.gates()[0])
    assert (list(done.seconds), done.outcomes) == (["read", "seed"], [])
    assert not done.forget_from(flow.gates()[0])


def test_steps_with_a_hole_between_them_are_refused_and_whole_ones_begin_by_reading() -> None:
    assert goes_from_the_start(NAMES)
    assert goes_from_the_start(["read", "seed", "gate extracts", "measure"])
    assert not goes_from_the_start(["score"])
    with pytest.raises(NothingToGoOnWithError, match=r"build on 'gate extracts', which isn't chosen"):
        goes_from_the_start(["read", "seed", "measure"])


def left(data: DataFolder, run_id: str, quarter: str, **more: Any) -> None:
    with writer_lock(data, run_id):
        candidate = open_candidate(data, run_id)
        candidate.note({"run_id": run_id, "quarters": [quarter], "published": published_file(data), **more})


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path)


def kept(data: DataFolder) -> list[str]:
    return [each.candidate.run_id for each in kept_candidates(data)]


def test_of_the_same_quarters_the_latest_candidate_is_kept_and_of_all_the_latest_few(
    data: DataFolder,
) -> None:
    left(data, "first", "2025-26-Q1")
    left(data, "second", "2025-26-Q1")
    assert kept(data) == ["second"]
    for number in range(KEPT):
        left(data, f"later-{number}", str(Quarter(2026, number + 1)))
    assert kept(data) == [f"later-{number}" for number in reversed(range(KEPT))]
    with writer_lock(data, "sweeping"):
        sweep(data)
    assert sorted(path.name for path in data.candidates.iterdir()) == sorted(kept(data))


def test_a_candidate_of_another_published_warehouse_is_not_kept(data: DataFolder) -> None:
    left(data, "before", "2025-26-Q1")
    data.warehouse.parent.mkdir()
    data.warehouse.write_bytes(b"published since")
    assert kept(data) == []
    with writer_lock(data, "sweeping"):
        sweep(data)
    assert not list(data.candidates.iterdir())


def test_a_candidate_whose_note_was_cut_off_or_taken_back_is_nobodys(data: DataFolder) -> None:
    left(data, "cut", "2025-26-Q1")
    note = data.candidates / "cut" / "done.json"
    note.write_bytes(note.read_bytes()[:20])
    assert kept(data) == []
    with writer_lock(data, "taken-back"):
        candidate = open_candidate(data, "taken-back")
        candidate.note({"quarters": ["2025-26-Q1"], "published": None})
        assert candidate.is_kept
        candidate.forget()
        assert not candidate.is_kept
    assert kept(data) == []
