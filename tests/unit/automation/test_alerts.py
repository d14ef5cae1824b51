"""Alerts: what is said of a failure and of a late quarter; that it arrives by webhook and mail, or disturbs nothing."""

from __future__ import annotations

import email.policy
import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from email import message_from_string
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import MappingProxyType
from typing import Any

import dagster as dg
import pytest

from dagster_project.assets.dbt_translation import release_freshness
from dagster_project.assets.deliveries import deliveries
from dagster_project.assets.failures import plainly
from dagster_project.assets.publication import published
from dagster_project.assets.quarterly_run_resource import STARTED_BY_COMMANDS, STARTED_BY_TAG
from dagster_project.automation import telling
from dagster_project.automation.alerts import Alert, alert_of_failure, alert_of_late
from dagster_project.automation.publication import late_quarters, release_deadline
from dagster_project.automation.telling import alert_sensors
from dagster_project.catalogue.catalogue import load_catalogue
from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.runs.record import RunRecord
from dagster_project.settings import DataFolder

RUN = "0f0e0d0c-0000-4000-8000-000000000000"
CLOSED = {
    "quarters": ["2025-26-Q1"],
    "exit_code": 5,
    "is_sample": True,
    "message": "Gate extracts, 2025-26-Q1: 1 of 54 expectations doesn't hold.",
    "gates": [{"gate": "extracts", "passed": False, "expectations": 54, "failures": 1, "warnings": 0}],
}
HASTY = replace(telling.PATIENCE, sleep=lambda _: None)
FRAMEWORK = [load_catalogue().sources[name] for name in ("nof_data", "nof_league_table")]


@pytest.fixture(autouse=True)
def _nobody_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(telling).items():
        if name.endswith("_VARIABLE"):
            monkeypatch.delenv(value, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LEAGUE_WEB_URL", "https://league.example/")


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def webhook(*answers: int) -> Iterator[tuple[str, list[Any]]]:
    """A receiver that gives these answers in turn, the last one for ever: its address, and what it received."""
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers[min(len(received), len(answers)) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test's output is its own."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}/secret-token", received


@contextmanager
def mailbox(refusal: str = "") -> Iterator[tuple[str, list[str]]]:
    """An SMTP server that keeps what it is sent, or refuses every recipient: its place, and the messages."""
    messages: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline():
                word = line.decode().split(maxsplit=1)[0].upper()
                if word == "DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    messages.append(b"".join(lines).decode())
                self._say(
                    refusal if word == "RCPT" and refusal else "221 bye" if word == "QUIT" else "250 fine"
                )
                if word == "QUIT":
                    return

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    with served(server):
        yield f"127.0.0.1:{server.server_address[1]}", messages


def failure(
    data: DataFolder,
    outcome: dict[str, Any],
    *,
    job: str = "quarterly_league_tables",
    steps: Sequence[str] = (),
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Alert | None:
    if outcome:
        RunRecord(data, RUN).note(**outcome)
    tags = {"dagster/partition": "2025-26-Q1", **tags}
    return alert_of_failure(data, RUN, tags, job=job, steps=list(steps), message="the process died")


@pytest.fixture
def data(tmp_path: Any) -> DataFolder:
    return DataFolder(tmp_path)


@pytest.fixture
def alert(data: DataFolder) -> Alert:
    made = failure(data, CLOSED)
    assert made is not None
    return made


def test_a_closed_gate_is_told_with_quarter_gate_what_to_do_and_link(alert: Alert) -> None:
    said = alert.as_json()
    assert (said["kind"], said["quarters"], said["gate"]) == ("gate_closed", ["2025-26-Q1"], "extracts")
    assert said["what"] == CLOSED["message"]
    assert said["to_do"].startswith("Read the quality page")
    assert said["link"] == f"https://league.example/runs/{RUN}"
    assert "Fictional sample data" in said["text"]
    assert said["text"].startswith("2025-26-Q1: the gate extracts closed, nothing was released\n")


@pytest.mark.parametrize(
    ("outcome", "job", "steps", "kind", "to_do"),
    [
        ({}, "quarterly_league_tables", [], "run_failed", "lack of memory"),
        (
            {**CLOSED, "gates": [], "exit_code": 4},
            "quarterly_league_tables",
            ["read"],
            "run_failed",
            "Get the file",
        ),
        ({**CLOSED, "gates": [], "exit_code": 1}, "publication", [], "run_failed", "failure.txt"),
        ({}, "deliveries", ["delivery__postgresql"], "delivery_failed", "lack of memory"),
    ],
)
def test_each_kind_of_failure_says_what_to_do(
    data: DataFolder, outcome: dict[str, Any], job: str, steps: list[str], kind: str, to_do: str
) -> None:
    made = failure(data, outcome, job=job, steps=steps)
    assert made is not None
    assert (made.kind, made.quarters) == (kind, ("2025-26-Q1",))
    assert to_do in made.to_do
    assert made.what == (outcome.get("message") or "the process died")


def test_a_run_that_was_refused_before_it_began_is_told_in_the_words_of_its_step(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.op
    def read() -> None:
        with plainly():
            raise WrongUsage("Two sources were named.")

    @dg.job(tags={"dagster/partition": "2025-26-Q1"})
    def quarterly() -> None:
        read()

    monkeypatch.setenv("LEAGUE_DATA_DIR", str(data.root))
    told = told_of(
        lambda instance: quarterly.execute_in_process(instance=instance, raise_on_error=False), monkeypatch
    )
    assert (told["kind"], told["what"]) == ("run_failed", "Two sources were named.")
    assert told["to_do"].startswith("Change the configuration")


@pytest.mark.parametrize(
    ("asset", "title"),
    [
        (deliveries()[1], "Delivery failed: iceberg; what is released is as it was"),
        (published, "The publication failed: its pages are as they were before"),
    ],
)
def test_a_delivery_or_publication_that_failed_is_named_and_told_in_its_own_words(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, asset: dg.AssetsDefinition, title: str
) -> None:
    monkeypatch.setenv("LEAGUE_DATA_DIR", str(data.root))
    monkeypatch.delenv("LEAGUE_DELIVER_ICEBERG", raising=False)
    told = told_of(
        lambda instance: dg.materialize([asset], instance=instance, raise_on_error=False), monkeypatch
    )
    assert told["title"] == title
    assert "Steps failed" not in told["what"]
    assert told["to_do"].startswith(("Bring what is missing", "Change the configuration"))


def told_of(
    run: Callable[[dg.DagsterInstance], dg.ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """What the sensor of failures posts of a run that failed."""
    sensor, _ = alert_sensors()
    with webhook(200) as (address, received), dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setenv("LEAGUE_ALERT_WEBHOOK", address)
        result = run(instance)
        context = dg.build_run_status_sensor_context(
            sensor_name="alert_of_failure",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        )
        sensor(context.for_run_failure())
    (told,) = received
    return dict(told)


def test_a_command_that_a_person_ended_is_no_alert_and_a_run_that_monitoring_ended_is(
    data: DataFolder,
) -> None:
    ended = {**CLOSED, "exit_code": 130, "gates": []}
    for command in STARTED_BY_COMMANDS:
        assert failure(data, ended, tags={STARTED_BY_TAG: command}) is None
    for tags in ({}, {STARTED_BY_TAG: "sensor"}):
        hung = failure(data, ended, tags=tags)
        assert hung is not None
        assert (hung.kind, hung.what) == ("run_failed", "the process died")
        assert "hangs" in hung.to_do


def test_webhook_and_mail_both_get_it(alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook(200) as (address, received), mailbox() as (place, messages):
        monkeypatch.setenv("LEAGUE_ALERT_WEBHOOK", address)
        monkeypatch.setenv("LEAGUE_ALERT_MAIL_TO", "keeper@example.org,other@example.org")
        monkeypatch.setenv("LEAGUE_SMTP", place)
        monkeypatch.setenv("LEAGUE_SMTP_TLS", "none")
        assert telling.tell(alert, HASTY) == []
    assert received == [alert.as_json()]
    mail = message_from_string(messages[0], policy=email.policy.default)
    assert mail["To"] == "keeper@example.org, other@example.org"
    assert (
        mail["Subject"].strip()
        == "[league tables] 2025-26-Q1: the gate extracts closed, nothing was released"
    )
    assert mail.get_content().replace("\r\n", "\n") == alert.as_text()


def test_what_fails_for_a_moment_is_tried_again_and_not_for_ever(
    alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook(503, 200) as (address, received):
        monkeypatch.setenv("LEAGUE_ALERT_WEBHOOK", address)
        assert telling.tell(alert, HASTY) == []
        assert len(received) == 2
    with webhook(503) as (address, received):
        monkeypatch.setenv("LEAGUE_ALERT_WEBHOOK", address)
        assert telling.tell(alert, HASTY) == [
            "The alert wasn't delivered to LEAGUE_ALERT_WEBHOOK: HTTP 503, 3 times."
        ]
        assert len(received) == 3
    with webhook(403) as (address, received):
        monkeypatch.setenv("LEAGUE_ALERT_WEBHOOK", address)
        assert telling.tell(alert, HASTY) == ["The alert wasn't delivered to LEAGUE_ALERT_WEBHOOK: HTTP 403."]
        assert len(received) == 1


@pytest.mark.parametrize("refusal", ["451 later", "550 no"])
def test_mail_that_is_refused_is_said_without_address_or_password(
    alert: Alert, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    with mailbox(refusal) as (place, messages):
        monkeypatch.setenv("LEAGUE_ALERT_MAIL_TO", "secret@example.org")
        monkeypatch.setenv("LEAGUE_SMTP", place)
        monkeypatch.setenv("LEAGUE_SMTP_TLS", "none")
        (said,) = telling.tell(alert, HASTY)
    assert messages == []
    assert "secret" not in said


@pytest.mark.parametrize(
    "settings",
    [
        {"LEAGUE_ALERT_WEBHOOK": "no address: secret-token"},
        {"LEAGUE_ALERT_WEBHOOK": "http://127.0.0.1:9/secret-token"},
        {"LEAGUE_ALERT_MAIL_TO": "a@b", "LEAGUE_SMTP": "", "LEAGUE_SMTP_PASSWORD": "secret-token"},
        {"LEAGUE_ALERT_MAIL_TO": "a@b", "LEAGUE_SMTP": "127.0.0.1:9", "LEAGUE_SMTP_PASSWORD": "secret-token"},
        {"LEAGUE_ALERT_MAIL_TO": "a@b\nBcc: c@d secret-token", "LEAGUE_SMTP": "127.0.0.1:9"},
    ],
)
def test_nobody_reachable_is_a_sentence_without_secrets(
    alert: Alert, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    (said,) = telling.tell(alert, HASTY)
    assert "secret-token" not in said


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "LEAGUE_SMTP: expected HOST:PORT, found nothing"),
        ({"LEAGUE_SMTP": "mail.example"}, "LEAGUE_SMTP: expected HOST:PORT, found mail.example"),
        ({"LEAGUE_SMTP": "mail.example:smtp"}, "LEAGUE_SMTP: expected HOST:PORT, found mail.example:smtp"),
        ({"LEAGUE_SMTP": "mail.example:99999"}, "LEAGUE_SMTP: expected HOST:PORT, found mail.example:99999"),
        ({"LEAGUE_SMTP": "me:secret@mail:25"}, "LEAGUE_SMTP: expected HOST:PORT, found something with an @"),
        (
            {"LEAGUE_SMTP": "127.0.0.1:9", "LEAGUE_SMTP_TLS": "ssl"},
            "LEAGUE_SMTP_TLS: expected starttls, tls, none; found ssl",
        ),
    ],
)
def test_a_mail_server_named_wrongly_is_said_by_its_variable(
    alert: Alert, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], why: str
) -> None:
    for name, value in {"LEAGUE_ALERT_MAIL_TO": "a@b", **settings}.items():
        monkeypatch.setenv(name, value)
    assert telling.tell(alert, HASTY) == [f"The alert wasn't delivered to LEAGUE_ALERT_MAIL_TO: {why}."]


def test_a_password_is_never_sent_unencrypted(alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox() as (place, messages):
        settings = {"LEAGUE_SMTP": place, "LEAGUE_SMTP_USER": "league", "LEAGUE_SMTP_PASSWORD": "secret"}
        for name, value in {"LEAGUE_ALERT_MAIL_TO": "a@b", **settings}.items():
            monkeypatch.setenv(name, value)
        # The server offers no STARTTLS.
        assert len(telling.tell(alert, HASTY)) == 1
    assert messages == []


def test_sensors_of_alerts_are_on_where_somebody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {sensor.default_status for sensor in alert_sensors()} == {dg.DefaultSensorStatus.STOPPED}
    monkeypatch.setenv("LEAGUE_ALERT_WEBHOOK", "https://chat.example/hook")
    assert {sensor.default_status for sensor in alert_sensors()} == {dg.DefaultSensorStatus.RUNNING}


def test_a_quarter_is_late_when_its_weeks_are_over_and_nothing_behind_it_is_released() -> None:
    def late(day: date, *released: str) -> list[str]:
        return [str(one) for one in late_quarters(day, FRAMEWORK, map(Quarter.from_canonical, released))]

    # Fourteen weeks after June and after September.
    assert late(date(2025, 10, 6), "2024-25-Q4") == []
    assert late(date(2025, 10, 7), "2024-25-Q4") == ["2025-26-Q1"]
    assert late(date(2025, 10, 7), "2025-26-Q1") == []
    assert late(date(2026, 1, 20), "2024-25-Q4") == ["2025-26-Q1", "2025-26-Q2"]
    assert late(date(2026, 1, 20)) == ["2025-26-Q2"]
    assert late_quarters(date(2026, 1, 20), [], []) == []


def test_a_late_quarter_is_told_once_and_again_only_if_it_did_not_arrive(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_DATA_DIR", str(data.root))
    _, sensor = alert_sensors()
    with webhook(403, 403, 200) as (address, received), dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setenv("LEAGUE_ALERT_WEBHOOK", address)
        cursor = None
        for _ in range(4):
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            sensor(context)
            cursor = context.cursor
    assert [one["kind"] for one in received] == ["quarter_late"] * 3
    assert received[0] == alert_of_late(Quarter.from_canonical(received[0]["quarters"][0])).as_json()


def test_released_tables_are_late_by_the_publishers_calendar() -> None:
    policy = release_freshness()
    assert isinstance(policy, dg.FreshnessPolicy)
    due = release_deadline(FRAMEWORK)
    assert due is not None
    # Weeks 9 to 14 after the quarter: the last of the four ends is that of December's, on 9 April.
    assert (due[0], due[1].days) == ("0 10 9 1,4,7,10 *", 49)
    assert release_deadline([]) is None
