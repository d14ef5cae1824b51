"""Verbs that correct what is released, and say what was released when: approve, withdraw, history."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project.commands import completion
from dagster_project.commands.answers import AcceptFewer, By, Engine, Json, Target, finish, reporting
from dagster_project.commands.help_panels import CORRECT
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=CORRECT)
def approve(
    releases: Annotated[
        list[str],
        typer.Argument(
            autocompletion=completion.releases, help="Ids (or their starts) of held or withdrawn releases."
        ),
    ],
    by: By = None,
    accept_fewer: AcceptFewer = None,
    as_json: Json = False,
) -> None:
    """Make held releases current, as a second person; several are one commit."""
    with reporting(as_json):
        from dagster_project.releases.folder import whole_release_id
        from dagster_project.releases.holding import approve as approve_releases
        from dagster_project.releases.presentation import show_approval

        data = DataFolder.from_environment()
        wanted = [whole_release_id(data, release, "RELEASE") for release in releases]
        result = approve_releases(data, wanted, by=by, accept_fewer=accept_fewer)
        finish(result, as_json, lambda: show_approval(result))


@app.command(rich_help_panel=CORRECT)
def withdraw(
    release: Annotated[
        str, typer.Argument(autocompletion=completion.releases, help="Id of the release, or its start.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever has used it.")],
    roll_back_to: Annotated[
        str | None,
        typer.Option(
            "--roll-back-to", help="Id (or its start) of an earlier release to make current instead."
        ),
    ] = None,
    by: By = None,
    target: Target = Engine.DUCKDB,
    as_json: Json = False,
) -> None:
    """Take a release back; its folder stays, with a tombstone beside it."""
    with reporting(as_json):
        if target is Engine.SPARK:
            _withdraw_from_lake(release, reason, roll_back_to, by, as_json=as_json)
            return
        from dagster_project.releases.folder import whole_release_id
        from dagster_project.releases.presentation import show_withdrawal
        from dagster_project.releases.withdrawal import withdraw as withdraw_release

        data = DataFolder.from_environment()
        result = withdraw_release(
            data,
            whole_release_id(data, release, "RELEASE"),
            reason=reason,
            roll_back_to=roll_back_to and whole_release_id(data, roll_back_to, "--roll-back-to"),
            by=by,
        )
        finish(result, as_json, lambda: show_withdrawal(result))


def _withdraw_from_lake(
    release: str, reason: str, roll_back_to: str | None, by: str | None, *, as_json: bool
) -> None:
    from dagster_project.releases.presentation import show_withdrawal
    from dagster_project.spark.lake import withdraw_from_lake

    data = DataFolder.from_environment()
    result = withdraw_from_lake(data, release, reason=reason, roll_back_to=roll_back_to, by=by)
    finish(result, as_json, lambda: show_withdrawal(result))


@app.command(rich_help_panel=CORRECT)
def history(
    quarter: Annotated[str | None, typer.Argument(help="A quarter; without it, all.")] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="What was current at the end of this day (UTC).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what was held, published and withdrawn when, by whom and why; or what was current on a day."""
    with reporting(as_json):
        from dagster_project.releases.history import history_of
        from dagster_project.releases.presentation import show_history
        from dagster_project.runs.request import day_of

        wanted = Quarter.from_argument(quarter) if quarter is not None else None
        day = day_of(on, option="--on") if on is not None else None
        result = history_of(DataFolder.from_environment(), wanted, day)
        finish(result, as_json, lambda: show_history(result))
