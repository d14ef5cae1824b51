"""The sensors, the schedule and the summaries of runs, against a publisher on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster_history import history
from league_command import environment_of, league
from local_publisher import (
    CHALLENGE,
    LocalPublisher,
    Reply,
    catalogue_of,
    hasty,
    local_publisher,
    source_at,
)
from published_state import release_ids

from dagster_project.assets.partitions import offer
from dagster_project.automation.run_requests import RETRIES
from dagster_project.automation.schedules import publication_weeks_schedule
from dagster_project.automation.sensors import new_extracts_sensor, publication_sensor
from dagster_project.automation.watching import Surroundings
from dagster_project.catalogue.catalogue import Catalogue, Source, load_catalogue
from dagster_project.dagster_home import LONGEST_FETCH, dagster_home
from dagster_project.definitions import JOB_NAME, PUBLICATION_JOB, defs
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import PROJECT_ROOT, DataFolder

INDEX = "/framework/"
Q1, Q2 = "2025-26-Q1", "2025-26-Q2"
DATA_FILE = "ambulance-trust-data"
SENSORS = [
    "alert_of_failure",
    "alert_of_late_quarter",
    "deliveries_after_changes",
    "new_extracts",
    "publication_after_changes",
    "summary_of_failure",
    "summary_of_success",
]


class Site:
    """The publisher's framework page, the catalogue that leads to it, and a data folder with its history."""

    def __init__(self, publisher: LocalPublisher, data: DataFolder, instance: dg.DagsterInstance) -> None:
        self.publisher, self.data, self.instance = publisher, data, instance
        self.today = date(2025, 9, 10)
        self.links: dict[str, str] = {}
        self.cursor: str | None = None
        self.statistics: list[Source] = []

    def catalogue(self) -> Catalogue:
        page = {
            "index_pages": [{"address": self.publisher.address + INDEX, "checked": True}],
            "hosts": ["127.0.0.1"],
        }
        bundled = load_catalogue().sources
        entries = [bundled[name].model_dump() | page for name in ("nof_data", "nof_league_table")]
        return catalogue_of(*map(Source.model_validate, entries), *self.statistics)

    def around(self) -> Surroundings:
        return Surroundings(self.catalogue, hasty(), lambda: self.today)

    def put(self, name: str, raw: bytes, words: str) -> None:
        address = f"/uploads/{name}"
        self.publisher.put(address, raw)
        self.links[address] = words
        self.publisher.put_page(INDEX, self.links)

    def publish(self, folder: Path, label: str) -> None:
        for path in sorted(folder.glob("*.csv")):
            self.put(path.name, path.read_bytes(), f"{path.stem} {label}")

    def look(self) -> dg.SensorResult | dg.SkipReason:
        """One tick of the sensor; keeps the cursor as the daemon does."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, definitions=defs)
        ticked = new_extracts_sensor(JOB_NAME, self.around())(context)
        assert isinstance(ticked, dg.SensorResult | dg.SkipReason)
        if isinstance(ticked, dg.SensorResult) and ticked.cursor:
            self.cursor = ticked.cursor
        return ticked

    def wanted(self) -> list[dg.RunRequest]:
        ticked = self.look()
        return list(ticked.run_requests or []) if isinstance(ticked, dg.SensorResult) else []

    def due(self, day: datetime) -> dg.RunRequest | dg.SkipReason:
        context = dg.build_schedule_context(instance=self.instance, scheduled_execution_time=day)
        answer = publication_weeks_schedule(JOB_NAME, self.around())(context)
        assert isinstance(answer, dg.RunRequest | dg.SkipReason)
        return answer


@pytest.fixture
def site(fresh_data: DataFolder, small_extracts: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A page with the files of the first quarter."""
    data = fresh_data
    for name, value in (environment_of(data) | LONGEST_FETCH).items():
        monkeypatch.setenv(name, value)
    dagster_home(data)
    with local_publisher() as publisher, dg.DagsterInstance.get() as instance:
        made = Site(publisher, data, instance)
        made.publish(small_extracts / Q1, "Q1 2025/26")
        yield made


def changed(raw: bytes) -> bytes:
    """The same figures in other bytes."""
    return raw.replace(b"\r\n", b" \r\n", 2)


def test_the_sensor_asks_once_for_a_vintage_with_quarter_reason_and_retries(site: Site) -> None:
    (request,) = site.wanted()
    assert request.partition_key == Q1
    assert (request.run_key or "").startswith(f"{Q1}:")
    assert request.tags["league/quarter"] == Q1
    assert request.tags["league/started_by"] == "sensor new_extracts"
    assert request.tags["league/reason"].startswith("First files of the quarter: nhs-oversight")
    assert RETRIES.items() <= request.tags.items()
    assert site.wanted() == []
    ticked = site.look()
    assert isinstance(ticked, dg.SensorResult)
    assert "Nothing new for" in (ticked.skip_reason.skip_message or "" if ticked.skip_reason else "")


def test_a_look_without_news_downloads_nothing(site: Site) -> None:
    site.look()
    site.publisher.requests.clear()
    site.look()
    asked = [request for request in site.publisher.requests if request.path.startswith("/uploads/")]
    assert asked
    assert all("If-None-Match" in {name.title() for name in request.headers} for request in asked)


def test_a_reissue_on_the_page_is_asked_for_once_more(site: Site, small_extracts: Path) -> None:
    (first,) = site.wanted()
    (path,) = (path for path in (small_extracts / Q1).iterdir() if DATA_FILE in path.name)
    site.put(f"{path.stem}-v2.csv", changed(path.read_bytes()), f"{path.stem} Q1 2025/26 (revised)")
    (second,) = site.wanted()
    assert second.run_key != first.run_key
    assert second.tags["league/reason"] == f"New or revised files: {path.stem}-v2.csv"
    assert site.wanted() == []


def test_changed_bytes_at_the_same_address_are_asked_for_once_more(site: Site, small_extracts: Path) -> None:
    (first,) = site.wanted()
    (path,) = (path for path in (small_extracts / Q1).iterdir() if DATA_FILE in path.name)
    site.publisher.put(f"/uploads/{path.name}", changed(path.read_bytes()))
    (second,) = site.wanted()
    assert (second.partition_key, second.run_key != first.run_key) == (Q1, True)
    assert site.wanted() == []


def test_a_new_quarter_is_asked_for_and_the_one_before_is_left_alone(
    site: Site, small_extracts: Path
) -> None:
    site.look()
    site.publish(small_extracts / Q2, "Q2 2025/26")
    assert [request.partition_key for request in site.wanted()] == [Q2]


def test_files_whose_links_name_no_quarter_are_asked_for_by_their_content(
    site: Site, small_extracts: Path
) -> None:
    site.links.clear()
    site.publish(small_extracts / Q1, "")
    assert [request.partition_key for request in site.wanted()] == [Q1]
    assert site.wanted() == []


def test_an_unreachable_publisher_is_a_reason_to_skip_and_keeps_the_cursor(
    site: Site,
) -> None:
    site.look()
    before = site.cursor
    with local_publisher() as gone:
        address = gone.address
    reachable = site.publisher.address
    site.publisher.address = address
    ticked = site.look()
    assert isinstance(ticked, dg.SkipReason)
    assert "expected an answer from 127.0.0.1" in (ticked.skip_message or "")
    site.publisher.address = reachable
    assert site.cursor == before
    assert site.wanted() == []


@pytest.mark.parametrize("page", [Reply(status=503), Reply(CHALLENGE), Reply(status=404)])
def test_a_page_that_is_down_or_a_challenge_is_a_reason_to_skip(site: Site, page: Reply) -> None:
    site.publisher.put(INDEX, page)
    assert isinstance(site.look(), dg.SkipReason)
    assert site.cursor is None
    site.publisher.put_page(INDEX, site.links)
    assert len(site.wanted()) == 1


def test_a_quarter_waits_until_each_of_its_framework_files_can_be_had(site: Site) -> None:
    site.publisher.put_page(INDEX, site.links | {f"/uploads/nhs-oversight-framework-{DATA_FILE}-b.csv": "b"})
    ticked = site.look()
    assert isinstance(ticked, dg.SensorResult)
    assert ticked.skip_reason is not None
    assert "HTTP 404" in (ticked.skip_reason.skip_message or "")
    assert (ticked.run_requests, site.cursor) == ([], None)
    site.publisher.put_page(INDEX, site.links)
    assert len(site.wanted()) == 1


@pytest.mark.parametrize("reply", [Reply(status=404), Reply(CHALLENGE)], ids=["missing", "rejected"])
def test_a_statistic_that_cannot_be_had_holds_no_quarter_up(site: Site, reply: Reply) -> None:
    site.statistics.append(source_at(f"{site.publisher.address}/ae/", name="ae", reader="ae_attendances"))
    site.publisher.put_page("/ae/", {"/attendances-May-2025.csv": "May 2025"})
    site.publisher.put("/attendances-May-2025.csv", reply)
    assert [request.partition_key for request in site.wanted()] == [Q1]
    assert len(site.publisher.asked("/attendances-May-2025.csv")) == 1
    assert site.wanted() == []


def test_while_a_run_is_writing_the_sensor_skips(site: Site) -> None:
    with writer_lock(site.data, "the-run"):
        ticked = site.look()
    assert isinstance(ticked, dg.SkipReason)
    assert "the-run" in (ticked.skip_message or "")


def test_the_schedule_asks_in_the_publication_weeks_once_per_vintage(site: Site) -> None:
    inside, outside = datetime(2025, 9, 10, 10, tzinfo=UTC), datetime(2025, 11, 1, 10, tzinfo=UTC)
    skipped = site.due(outside)
    assert isinstance(skipped, dg.SkipReason)
    assert "Outside the usual publication weeks" in (skipped.skip_message or "")
    assert site.publisher.requests == []
    request = site.due(inside)
    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.tags["league/started_by"]) == (Q1, "schedule publication_weeks")
    site.instance.create_run_for_job(defs.resolve_job_def("quarterly_league_tables"), tags=request.tags)
    again = site.due(inside)
    assert isinstance(again, dg.SkipReason)
    assert "asked for before" in (again.skip_message or "")
    assert site.wanted() == []
    not_yet = site.due(datetime(2025, 11, 27, 10, tzinfo=UTC))
    assert isinstance(not_yet, dg.SkipReason)
    assert f"{Q2} is due, and not published yet" in (not_yet.skip_message or "")


def test_a_quarter_is_a_partition_once_the_sensor_has_seen_it(site: Site, small_extracts: Path) -> None:
    assert offered(site) == []
    assert [request.partition_key for request in site.wanted()] == [Q1]
    assert offered(site) == [Q1]
    site.today = date(2025, 12, 10)
    site.publish(small_extracts / Q2, "Q2")
    assert [request.partition_key for request in site.wanted()] == [Q2]
    assert offered(site) == [Q1, Q2]


def test_a_quarter_is_a_partition_once_the_schedule_asks_for_it(site: Site) -> None:
    assert isinstance(site.due(datetime(2025, 9, 10, 10, tzinfo=UTC)), dg.RunRequest)
    assert offered(site) == [Q1]


def test_what_a_page_names_that_has_not_begun_is_not_looked_for(site: Site) -> None:
    site.put("nhs-oversight-framework-ambulance-trust-data-2099.csv", b"x", "Ambulance Q1 2099/00")
    assert [request.partition_key for request in site.wanted()] == [Q1]
    assert offered(site) == [Q1]


def offered(site: Site) -> list[str]:
    return list(site.instance.get_dynamic_partitions("quarter"))


def test_sensors_and_schedule_are_there_and_off_until_switched_on() -> None:
    repository = defs.get_repository_def()
    assert sorted(sensor.name for sensor in repository.sensor_defs) == SENSORS
    assert {sensor.default_status for sensor in repository.sensor_defs} == {dg.DefaultSensorStatus.STOPPED}
    assert repository.get_sensor_def("new_extracts").minimum_interval_seconds == 86_400
    (schedule,) = repository.schedule_defs
    assert schedule.name == "publication_weeks"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_from_the_index_page_to_the_release_and_its_summary_without_a_hand(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = site.wanted()
    result = defs.resolve_job_def("quarterly_league_tables").execute_in_process(
        instance=site.instance,
        partition_key=request.partition_key,
        run_config=request.run_config,
        tags=request.tags,
    )
    assert result.success
    (release,) = release_ids(site.data).values()
    monkeypatch.setenv("LEAGUE_WEBHOOK_URL", "http://127.0.0.1:9/nobody-listens")
    summarise(site, result.dagster_run, "summary_of_success", result.get_run_success_event())
    text = (site.data.runs / result.run_id / "summary.txt").read_text()
    assert f"Release of {Q1}: {release} (new)" in text
    assert "Reason: First files of the quarter" in text
    assert "Gate league_tables: passed" in text
    assert site.wanted() == []


def test_a_run_that_found_another_one_writing_is_tried_again_and_has_a_summary(site: Site) -> None:
    with writer_lock(site.data, "the-other-run"):
        result, run = failed_run(site)
    assert run.tags["dagster/will_retry"] == "true"
    summarise(site, run, "summary_of_failure", result.get_run_failure_event())
    text = (site.data.runs / result.run_id / "summary.txt").read_text()
    assert "Outcome: not run: another run was writing (exit code 7)" in text
    assert "the-other-run" in text


@pytest.mark.parametrize(("tags", "is_tried_again"), [({}, "true"), ({"dagster/max_retries": "0"}, "false")])
def test_where_the_settings_allow_retries_a_run_that_found_the_lock_taken_is_tried_again_unless_it_says_no(
    fresh_data: DataFolder, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], is_tried_again: str
) -> None:
    for name, value in environment_of(fresh_data).items():
        monkeypatch.setenv(name, value)
    production = yaml.safe_load((PROJECT_ROOT / "deploy" / "dagster.yaml").read_text())
    settings = {name: production[name] for name in ("run_retries", "telemetry")}
    fresh_data.dagster_home.mkdir()
    (fresh_data.dagster_home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with dg.DagsterInstance.get() as instance, writer_lock(fresh_data, "the-other-run"):
        offer(instance, [Quarter.from_canonical(Q1)])
        job = defs.resolve_job_def(JOB_NAME)
        result = job.execute_in_process(instance=instance, partition_key=Q1, tags=tags, raise_on_error=False)
        run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags["dagster/will_retry"] == is_tried_again
    assert run.tags["dagster/retry_strategy"] == "ALL_STEPS"


def test_a_run_that_a_stage_ended_is_not_tried_again(site: Site) -> None:
    _, run = failed_run(site)
    assert run.tags["dagster/failure_reason"] == "STEP_FAILURE"
    assert run.tags["dagster/will_retry"] == "false"


def test_a_run_of_the_command_leaves_the_same_summary(site: Site, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = league("run", Q1, "--extracts", tmp_path / "empty", "--json", data=site.data)
    assert ended.code == 3
    (summary,) = site.data.runs.glob("*/summary.txt")
    assert "Outcome: not released: input is missing (exit code 3)" in summary.read_text()


def failed_run(site: Site) -> tuple[dg.ExecuteInProcessResult, dg.DagsterRun]:
    """A run with an empty archive, as the sensor would ask for it."""
    offer(site.instance, [Quarter.from_canonical(Q1)])
    result = defs.resolve_job_def("quarterly_league_tables").execute_in_process(
        instance=site.instance, partition_key=Q1, tags=RETRIES, raise_on_error=False
    )
    run = site.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert not result.success
    return result, run


def summarise(site: Site, run: dg.DagsterRun, sensor: str, event: dg.DagsterEvent) -> None:
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor, dagster_instance=site.instance, dagster_run=run, dagster_event=event
    )
    defs.get_repository_def().get_sensor_def(sensor)(context)


def test_the_publication_follows_a_release_and_a_withdrawal_which_is_no_event_of_dagsters(
    two_released: DataFolder,
) -> None:
    sensor = publication_sensor(PUBLICATION_JOB)

    def asked_for() -> str | bool:
        with history(two_released) as instance:
            answer = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        return bool(answer.run_requests) or str(answer.skip_message)

    def published() -> dg.ExecuteInProcessResult:
        with history(two_released) as instance:
            return defs.resolve_job_def(PUBLICATION_JOB).execute_in_process(instance=instance)

    up_to_date = "The publication shows what is current."
    assert asked_for() is True
    assert published().success
    assert asked_for() == up_to_date
    pages = two_released.root / "publication"
    earlier, release = current_release(two_released)
    assert (pages / str(release.quarter)).is_dir()
    ended = league("withdraw", release.release_id, "--reason", "A figure was revised", data=two_released)
    assert ended.code == 0, ended.err
    assert asked_for() is True
    assert published().success
    assert (asked_for(), (pages / str(release.quarter)).exists()) == (up_to_date, False)

    ended = league("withdraw", earlier.release_id, "--reason", "A figure was revised", data=two_released)
    assert ended.code == 0, ended.err
    assert str(asked_for()).startswith(
        "No release is current, so that there is nothing to publish. Pages made"
    )
