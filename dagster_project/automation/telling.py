"""Telling an alert: the sensors that ask for one, and the ways by which it is told, a webhook, mail or both.

It is tried again, and never a reason to fail. What can't be told is said without addresses, names and passwords, which
may be secrets.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

import dagster as dg

from dagster_project.automation.alerts import Alert, alert_of_failure, alert_of_late, late_on
from dagster_project.fetch.retry import PASSING, Patience
from dagster_project.json_text import parsed_json
from dagster_project.settings import DataFolder

WEBHOOK_VARIABLE = "LEAGUE_ALERT_WEBHOOK"
MAIL_TO_VARIABLE, MAIL_FROM_VARIABLE = "LEAGUE_ALERT_MAIL_TO", "LEAGUE_ALERT_MAIL_FROM"
SMTP_VARIABLE, SMTP_TLS_VARIABLE = "LEAGUE_SMTP", "LEAGUE_SMTP_TLS"
SMTP_USER_VARIABLE, SMTP_PASSWORD_VARIABLE = "LEAGUE_SMTP_USER", "LEAGUE_SMTP_PASSWORD"
# A look of a sensor may take a minute: three attempts of ten seconds by each way, and the pauses between.
PATIENCE = Patience(attempts=3, first_pause=1.0, longest_pause=4.0, stalled=10.0)

_WAYS = ("starttls", "tls", "none")
_SECONDS_BETWEEN_FAILURES, _HOUR = 30, 3600
# Dagster's own tag on a failed run that it tries again by itself.
_WILL_RETRY_TAG = "dagster/will_retry"


class _ToldWrongError(Exception):
    """What the environment says can't be, in words without a secret."""


class _PassingError(Exception):
    """An attempt failed in a way that may pass."""


def is_asked_for() -> bool:
    """Whether the environment names somebody to tell."""
    return any(_said(name) for name in (WEBHOOK_VARIABLE, MAIL_TO_VARIABLE))


def tell(alert: Alert, patience: Patience = PATIENCE) -> list[str]:
    """Tells it by every way that is set; returns why it didn't arrive, a sentence for each way that failed."""
    ways: dict[str, Callable[[Alert, float], None]] = {}
    if _said(WEBHOOK_VARIABLE):
        ways[WEBHOOK_VARIABLE] = _post
    if _said(MAIL_TO_VARIABLE):
        ways[MAIL_TO_VARIABLE] = _mail
    return [
        f"The alert wasn't delivered to {name}: {why}."
        for name, way in ways.items()
        if (why := _tried(way, alert, patience)) is not None
    ]


def alert_sensors() -> list[dg.SensorDefinition]:
    """Of failed runs that aren't tried again, and of late quarters. On from the start where the environment names
    somebody to tell.
    """
    asked = is_asked_for()
    status = dg.DefaultSensorStatus.RUNNING if asked else dg.DefaultSensorStatus.STOPPED

    @dg.run_failure_sensor(
        name="alert_of_failure",
        minimum_interval_seconds=_SECONDS_BETWEEN_FAILURES,
        default_status=status,
        description="Tells of a run that failed, a gate that closed or a delivery that failed, by webhook or mail.",
    )
    def alert_of_failure_(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        if run.tags.get(_WILL_RETRY_TAG) == "true":
            return
        failed = context.get_step_failure_events()
        said, exit_code = _said_by(failed)
        alert = alert_of_failure(
            DataFolder.from_environment(),
            run.run_id,
            run.tags,
            job=run.job_name,
            steps=[event.step_key for event in failed if event.step_key],
            message=said or context.failure_event.message or "",
            exit_code=exit_code,
        )
        for undelivered in [] if alert is None else tell(alert):
            context.log.warning(undelivered)

    @dg.sensor(
        name="alert_of_late_quarter",
        minimum_interval_seconds=_HOUR,
        default_status=status,
        description="Tells once of a quarter whose usual publication weeks are over and that has no release.",
    )
    def alert_of_late_quarter(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        late = late_on(datetime.now(UTC).date(), DataFolder.from_environment())
        told = list(parsed_json(context.cursor or "[]"))
        said = [f"Late: {', '.join(map(str, late)) or 'none'}."]
        for quarter in late:
            if str(quarter) in told:
                continue
            undelivered = tell(alert_of_late(quarter))
            said += undelivered
            # What didn't arrive is told again the next time.
            told += [] if undelivered else [str(quarter)]
        context.update_cursor(json.dumps(told))
        return dg.SkipReason("\n".join(said))

    return [alert_of_failure_, alert_of_late_quarter]


def _said_by(failed: Sequence[dg.DagsterEvent]) -> tuple[str | None, int | None]:
    """Message and exit code of the first step that ended with an expected failure: one that was refused before it had
    begun leaves no outcome of its own.
    """
    for event in failed:
        failure = event.step_failure_data.user_failure_data
        if failure is not None:
            code = failure.metadata.get("exit_code")
            return failure.description, getattr(code, "value", None)
    return None, None


def _tried(way: Callable[[Alert, float], None], alert: Alert, patience: Patience) -> str | None:
    """Why an alert couldn't be told by a way; None if it was."""
    why = ""
    for attempt in range(1, patience.attempts + 1):
        try:
            way(alert, patience.stalled)
        except _PassingError as error:
            why = str(error)
        except _ToldWrongError as error:
            return str(error)
        except Exception as error:
            # Whatever it is, a sensor mustn't fail by it; its words may hold the address or a password.
            return type(error).__name__
        else:
            return None
        if attempt < patience.attempts:
            patience.sleep(patience.pause_after(attempt))
    return f"{why}, {patience.attempts} times"


def _post(alert: Alert, seconds: float) -> None:
    import httpx

    try:
        answer = httpx.post(_said(WEBHOOK_VARIABLE), json=alert.as_json(), timeout=seconds)
    except httpx.TransportError as error:
        raise _PassingError(type(error).__name__) from None
    if answer.status_code in PASSING:
        raise _PassingError(f"HTTP {answer.status_code}")
    if not answer.is_success:
        raise _ToldWrongError(f"HTTP {answer.status_code}")


def _mail(alert: Alert, seconds: float) -> None:
    """By SMTP, encrypted unless LEAGUE_SMTP_TLS is `none`, which no password is sent with."""
    host, port, security = _mail_server()
    message = EmailMessage()
    message["Subject"] = " ".join(f"[league tables] {alert.title}".split())
    message["To"] = _said(MAIL_TO_VARIABLE)
    message["From"] = _said(MAIL_FROM_VARIABLE) or _said(MAIL_TO_VARIABLE).split(",")[0]
    message.set_content(alert.as_text())
    try:
        if security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=seconds, context=_verified())
        else:
            server = smtplib.SMTP(host, port, timeout=seconds)
        with server:
            if security != "none":
                if security != "tls":
                    server.starttls(context=_verified())
                if _said(SMTP_USER_VARIABLE):
                    server.login(_said(SMTP_USER_VARIABLE), os.environ.get(SMTP_PASSWORD_VARIABLE, ""))
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        if 400 <= error.smtp_code < 500:
            raise _PassingError(f"SMTP {error.smtp_code}") from None
        raise
    except ssl.SSLError:
        raise
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise _PassingError(type(error).__name__) from None


def _mail_server() -> tuple[str, int, str]:
    """Host, port and way of encryption; raises _ToldWrongError where the environment names none."""
    named = _said(SMTP_VARIABLE)
    host, _, port = named.rpartition(":")
    if not host or "@" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        # Whoever writes user and password before the host finds them here, and in no log.
        found = "nothing" if not named else "something with an @" if "@" in named else named
        raise _ToldWrongError(f"{SMTP_VARIABLE}: expected HOST:PORT, found {found}")
    security = _said(SMTP_TLS_VARIABLE) or _WAYS[0]
    if security not in _WAYS:
        raise _ToldWrongError(f"{SMTP_TLS_VARIABLE}: expected {', '.join(_WAYS)}; found {security}")
    return host, int(port), security


def _verified() -> ssl.SSLContext:
    return ssl.create_default_context()


def _said(name: str) -> str:
    return os.environ.get(name, "").strip()
