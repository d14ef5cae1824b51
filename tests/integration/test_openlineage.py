"""OpenLineage events of runs: of one that releases, one whose gate closes, one that is locked out; sent on or not."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_history import run_of_job
from league_command import league
from openlineage_events import Event, events_of, facet_classes, faults, places_in
from published_state import release_ids
from sample_copy import SampleCopy

from dagster_project.lineage.jobs import content_url, revision
from dagster_project.lineage.run_events import EVENTS_FILE
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs.flow import steps
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
RUN = "quarterly_league_tables"
# A run of the first stage alone sends what it has to say when it is over, as a whole one does.
READ = [dg.AssetKey(["sources", "nof_data"])]


def latest(data: DataFolder) -> tuple[list[Event], dict[str, Any]]:
    """Events and outcome of the latest run."""
    folder = max(
        (path for path in data.runs.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime_ns
    )
    return events_of(folder / EVENTS_FILE), json.loads((folder / "outcome.json").read_text("utf-8"))


def one(events: list[Event], job: str, state: str) -> Event:
    (found,) = (event for event in events if event.job == job and event.state == state)
    return found


@pytest.fixture(scope="module")
def events(small_release: DataFolder) -> list[Event]:
    found, outcome = latest(small_release)
    assert "openlineage" not in outcome
    return found


def test_every_event_of_a_run_is_valid(events: list[Event]) -> None:
    assert len(events) > 100
    found = {fault for event in events for fault in faults(event.content)}
    assert found == set()


@pytest.mark.parametrize(
    ("where", "value", "expected"),
    [
        (("eventType",), "DONE", "eventType"),
        (("eventTime",), "2025-06-30", "eventTime"),
        (("run", "runId"), "the first run", "runId"),
        (("job", "name"), None, "name"),
        (("job", "facets", "ownership", "owner"), "somebody", "has no field owner"),
        (("job", "facets", "ownership", "_schemaURL"), "https://example.org/other.json", "doesn't know"),
        (("run", "facets", "nominalTime", "nominalStartTime"), "2025", "time"),
        (("machine",), "here", "machine"),
    ],
)
def test_an_event_that_is_not_as_the_schema_has_it_is_found(
    events: list[Event], where: tuple[str, ...], value: object, expected: str
) -> None:
    spoilt = json.loads(json.dumps(events[0].content))
    holder = spoilt
    for name in where[:-1]:
        holder = holder[name]
    if value is None:
        del holder[where[-1]]
    else:
        holder[where[-1]] = value
    assert any(expected in fault for fault in faults(spoilt)), faults(spoilt)


def test_run_stages_and_models_start_and_end_once_and_know_their_parents(events: list[Event]) -> None:
    states: dict[str, list[str]] = {}
    for event in events:
        states.setdefault(str(event.content["run"]["runId"]), []).append(event.state)
    assert set(map(tuple, states.values())) == {("START", "COMPLETE")}
    stages = {f"{RUN}.{step.step.replace(' ', '_')}" for step in steps()}
    assert stages < {event.job for event in events}
    assert events[0].job == events[-1].job == RUN
    run_id = events[0].content["run"]["runId"]
    for event in events:
        parent = event.content["run"]["facets"].get("parent")
        if event.job == RUN:
            assert parent is None
        elif event.job in stages:
            assert (parent["run"]["runId"], parent["job"]["name"]) == (run_id, RUN)
        else:
            assert parent["root"]["run"]["runId"] == run_id
            assert parent["run"]["runId"] in states
            assert parent["job"]["name"] in stages


def test_events_hold_the_facets_that_readers_of_a_catalogue_ask_for(events: list[Event]) -> None:
    addresses = Counter(
        name
        for event in events
        for holder in (
            event.content["run"],
            event.content["job"],
            *event.inputs().values(),
            *event.outputs().values(),
        )
        for kind in ("facets", "inputFacets", "outputFacets")
        for name in holder.get(kind, {})
    )
    assert set(addresses) >= {
        *("schema", "columnLineage", "documentation", "ownership", "version", "outputStatistics"),
        *("dataQualityMetrics", "dataQualityAssertions", "inputStatistics"),
        *("sourceCodeLocation", "sql", "jobType", "nominalTime", "parent", "processing_engine", "tags"),
    }
    nominal = events[-1].content["run"]["facets"]["nominalTime"]
    assert (nominal["nominalStartTime"], nominal["nominalEndTime"]) == (
        "2025-04-01T00:00:00Z",
        "2025-07-01T00:00:00Z",
    )
    tags = {tag["key"]: tag["value"] for tag in events[-1].content["run"]["facets"]["tags"]["tags"]}
    assert tags["notice"] == "Fictional sample data: every organisation is invented."


def test_a_model_s_event_says_where_its_columns_come_from(events: list[Event]) -> None:
    event = one(events, f"{RUN}.dbt.scoring.league_rank", "COMPLETE")
    assert set(event.inputs()) == {"scoring.average_metric_score", "scoring.final_segment"}
    output = event.outputs()["scoring.league_rank"]
    rank = output["facets"]["columnLineage"]["fields"]["rank"]["inputFields"]
    assert {f"{column['name']}.{column['field']}" for column in rank} == {
        "scoring.average_metric_score.average_metric_score",
        "scoring.average_metric_score.quarter",
        "scoring.average_metric_score.table_name",
        "scoring.final_segment.adjusted_segment",
    }
    assert all(column["transformations"] == [{"type": "INDIRECT", "subtype": "WINDOW"}] for column in rank)
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 10
    assert "rank() over" in event.content["job"]["facets"]["sql"]["query"]


def test_files_are_named_by_content_and_released_tables_by_quarter_with_the_release_as_version(
    events: list[Event], small_release: DataFolder
) -> None:
    read = one(events, f"{RUN}.read", "COMPLETE")
    archived = {path.name for path in (small_release.archive).rglob("*") if len(path.name) == 64}
    assert {name.removeprefix("archive/") for name in read.inputs()} == archived
    landed = read.outputs()["landing.extract_row"]["facets"]["columnLineage"]["fields"]
    assert {column["field"] for column in landed["unit"]["inputFields"]} == {"Units"}
    released = one(events, f"{RUN}.release", "COMPLETE").outputs()
    release_id = release_ids(small_release)[QUARTER]
    folder = small_release.releases / QUARTER / release_id
    for table in RELEASED_TABLES:
        dataset = released[f"releases/{QUARTER}/{table.name}"]
        assert dataset["facets"]["version"]["datasetVersion"] == release_id
        written = dataset["outputFacets"]["outputStatistics"]
        files = [folder / f"{table.name}.{kind}" for kind in ("parquet", "csv")]
        assert (written["size"], written["fileCount"]) == (sum(file.stat().st_size for file in files), 2)
        assert set(dataset["facets"]["columnLineage"]["fields"]) == {
            field["name"] for field in dataset["facets"]["schema"]["fields"]
        }


def test_the_chain_of_datasets_leads_from_released_tables_to_archived_files(events: list[Event]) -> None:
    made_of: dict[str, set[str]] = {}
    for event in events:
        for output in event.outputs():
            made_of.setdefault(output, set()).update(event.inputs())
    reached, waiting = set(), {f"releases/{QUARTER}/league_table"}
    while waiting:
        here = waiting.pop()
        reached.add(here)
        waiting |= made_of.get(here, set()) - reached
    assert any(name.startswith("archive/") for name in reached)
    assert "seeds/methodology/metric_rule.csv" in reached


def test_an_open_gate_s_event_holds_every_expectation_and_counts_of_what_it_judged(
    events: list[Event],
) -> None:
    judged = one(events, f"{RUN}.gate_league_tables", "COMPLETE").inputs()
    table = judged["league.league_table"]["inputFacets"]
    assert table["dataQualityMetrics"]["rowCount"] == 10
    assert table["dataQualityMetrics"]["columnMetrics"]["rank"] == {
        **table["dataQualityMetrics"]["columnMetrics"]["rank"],
        "nullCount": 0,
        "min": 1.0,
    }
    named = {found["name"]: found for found in table["dataQualityAssertions"]["assertions"]}
    average = named["league_tables.league_table.average_is_there"]
    assert (average["column"], average["success"], average["severity"]) == (
        "average_metric_score",
        True,
        "error",
    )
    assert average["assertion"] == "expect_column_values_to_not_be_null"


def test_columns_bear_on_others_in_the_words_of_openlineage(events: list[Event]) -> None:
    words = {
        (one["type"], one["subtype"])
        for event in events
        for dataset in event.outputs().values()
        if "columnLineage" in dataset["facets"]
        for lineage in (dataset["facets"]["columnLineage"],)
        for column in [
            *lineage.get("dataset", []),
            *(column for field in lineage["fields"].values() for column in field["inputFields"]),
        ]
        for one in column["transformations"]
    }
    direct = {("DIRECT", word) for word in ("IDENTITY", "TRANSFORMATION", "AGGREGATION")}
    indirect = {
        ("INDIRECT", word) for word in ("JOIN", "GROUP_BY", "FILTER", "SORT", "WINDOW", "CONDITIONAL")
    }
    assert words <= direct | indirect
    assert direct < words


def test_every_column_that_an_event_names_is_in_the_schema_of_its_dataset(events: list[Event]) -> None:
    fields: dict[str, set[str]] = {}
    for event in events:
        for name, dataset in event.outputs().items():
            if "schema" in dataset.get("facets", {}):
                fields[name] = {field["name"] for field in dataset["facets"]["schema"]["fields"]}
    for event in events:
        for name, dataset in event.inputs().items():
            for found in (
                dataset.get("inputFacets", {}).get("dataQualityAssertions", {}).get("assertions", [])
            ):
                assert found.get("column") is None or found["column"] in fields[name], (name, found)
        for name, dataset in event.outputs().items():
            lineage = dataset["facets"].get("columnLineage", {"fields": {}})
            assert set(lineage["fields"]) <= fields.get(name, set()), name
            for column in [
                *lineage.get("dataset", []),
                *(column for field in lineage["fields"].values() for column in field["inputFields"]),
            ]:
                if column["name"] in fields:
                    assert column["field"] in fields[column["name"]], (name, column)


def test_no_event_names_a_place_of_the_machine(small_release: DataFolder) -> None:
    import socket

    for file in small_release.runs.glob(f"*/{EVENTS_FILE}"):
        text = file.read_text("utf-8")
        assert places_in(text, str(small_release.root), str(Path.cwd()), socket.gethostname()) == []


def test_a_closed_gate_s_run_fails_with_the_assertions_that_failed(
    released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    spoilt = SampleCopy(tmp_path / "spoilt", [small_extracts / "2025-26-Q2"])
    spoilt.change_text("ambulance-trust-data", lambda text: text.replace(",ZDJ,", ",99X,"))
    spoilt.change_text("league-table", lambda text: text.replace(",ZDJ,", ",99X,"))
    ended = league("run", "2025-26-Q2", "--extracts", spoilt.folder, data=released)
    assert ended.code == 5
    events, _ = latest(released)
    assert {fault for event in events for fault in faults(event.content)} == set()
    gate = one(events, f"{RUN}.gate_extracts", "FAIL")
    failed = {
        found["name"]
        for dataset in gate.inputs().values()
        for found in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]
        if not found["success"]
    }
    assert "extracts.extract_rows.organisation_code_is_known" in failed
    whole = one(events, RUN, "FAIL")
    assert "organisation_code_is_known" in whole.content["run"]["facets"]["errorMessage"]["message"]
    assert whole.outputs() == {}
    assert not any(event.job.startswith(f"{RUN}.dbt.scoring") for event in events)


def test_a_run_that_finds_no_input_starts_and_fails_without_naming_the_folder(
    released: DataFolder, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ended = league("run", "2025-26-Q2", "--extracts", empty, data=released)
    assert ended.code == 3
    events, _ = latest(released)
    assert [(event.job, event.state) for event in events] == [
        (RUN, "START"),
        (f"{RUN}.read", "START"),
        (f"{RUN}.read", "FAIL"),
        (RUN, "FAIL"),
    ]
    assert [fault for event in events for fault in faults(event.content)] == []
    assert places_in(json.dumps(events[-1].content), str(tmp_path)) == []


def test_a_run_that_is_locked_out_says_so(released: DataFolder, small_extracts: Path) -> None:
    with writer_lock(released, "another"):
        ended = league("run", QUARTER, "--extracts", small_extracts / QUARTER, data=released)
    assert ended.code == 7
    events, _ = latest(released)
    assert [(event.job, event.state) for event in events] == [(RUN, "START"), (RUN, "FAIL")]


def test_a_fault_of_the_events_is_noted_and_changes_nothing_of_the_run(
    released: DataFolder, small_extracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_project.lineage import run_events

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no events today")

    monkeypatch.setattr(run_events.jobs, "stage_job", broken)
    before = release_ids(released)
    assert run_of_job(released, QUARTER, small_extracts / QUARTER).success
    assert release_ids(released) == before
    _, outcome = latest(released)
    assert outcome["exit_code"] == 0
    assert [one["release_id"] for one in outcome["releases"]] == [before[QUARTER]]
    assert outcome["openlineage"] == "incomplete: RuntimeError: no events today"


class _Catalogue(BaseHTTPRequestHandler):
    """Takes events as a catalogue does, or refuses them all."""

    taken: list[dict[str, Any]]
    refuses: bool

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403 if self.refuses else 200)
        self.end_headers()
        if not self.refuses:
            self.taken.append(json.loads(body))

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def catalogue(*, refuses: bool) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A catalogue of this machine: its address, and the events it took."""
    taken: list[dict[str, Any]] = []
    handler = type("Handler", (_Catalogue,), {"taken": taken, "refuses": refuses})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()
        thread.join()


def clear_of_openlineage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client makes variables of its own of OPENLINEAGE_URL: they go with the test."""
    import os

    for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
        monkeypatch.delenv(name)
    for name in ("TYPE", "URL"):
        variable = f"OPENLINEAGE__TRANSPORT__TRANSPORTS__DEFAULT_HTTP__{name}"
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)


def test_events_are_sent_on_where_the_environment_says_to_whom(
    released: DataFolder, small_extracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear_of_openlineage(monkeypatch)
    with catalogue(refuses=False) as (address, taken):
        monkeypatch.setenv("OPENLINEAGE_URL", address)
        assert run_of_job(released, QUARTER, small_extracts / QUARTER, part=READ).success
    events, outcome = latest(released)
    assert "openlineage" not in outcome
    assert [(event.job, event.state) for event in events] == [
        (RUN, "START"),
        (f"{RUN}.read", "START"),
        (f"{RUN}.read", "COMPLETE"),
        (RUN, "COMPLETE"),
    ]
    assert [event["run"]["runId"] for event in taken] == [event.content["run"]["runId"] for event in events]


def test_an_endpoint_that_refuses_is_noted_and_fails_no_run(
    released: DataFolder, small_extracts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear_of_openlineage(monkeypatch)
    with catalogue(refuses=True) as (address, taken):
        config = tmp_path / "openlineage.yml"
        config.write_text(f"transport: {{type: http, url: '{address}', retry: {{total: 0}}}}\n", "utf-8")
        monkeypatch.setenv("OPENLINEAGE_CONFIG", str(config))
        assert run_of_job(released, QUARTER, small_extracts / QUARTER, part=READ).success
    assert taken == []
    events, outcome = latest(released)
    assert outcome["exit_code"] == 0
    assert outcome["openlineage"].startswith(f"0 of {len(events)} events sent on, then HTTPError")


def test_code_is_named_by_its_content_and_by_the_commit_only_if_nothing_was_changed_since(
    tmp_path: Path,
) -> None:
    model = tmp_path / "dbt" / "model.sql"
    model.parent.mkdir()
    model.write_bytes(b"select 1\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    blob = subprocess.run(
        [*git, "hash-object", str(model)], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert content_url("dbt/model.sql", tmp_path) == f"swh:1:cnt:{blob};path=/dbt/model.sql"
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    revision.cache_clear()
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert revision(tmp_path) == commit
    assert content_url("dbt/model.sql", tmp_path) == (
        f"swh:1:cnt:{blob};anchor=swh:1:rev:{commit};path=/dbt/model.sql"
    )
    assert revision(tmp_path / "dbt") is None
    model.write_bytes(b"select 2\n")
    revision.cache_clear()
    assert revision(tmp_path) is None


def test_the_client_knows_the_facets_by_the_addresses_of_their_schemas() -> None:
    assert len(facet_classes()) > 30
    assert shutil.which("git") is not None
