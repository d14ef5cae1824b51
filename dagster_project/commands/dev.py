"""The verbs around Dagster's services: open the web server, ask whether all of them are up."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.commands.help_panels import PROJECT
from dagster_project.errors import ExitCode
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=PROJECT)
def dev(
    port: Annotated[int, typer.Option(help="Port of the web server.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Open Dagster's web server on the project, with the history of `league run` in it."""
    with reporting(as_json=False):
        from dagster_project.dagster_home import dagster_home
        from dagster_project.settings import DATA_VARIABLE, PROJECT_ROOT
        from dagster_project.web_server import HOSTS_VARIABLE, LOOPBACK

        with presentation.at_work():
            data = DataFolder.from_environment()
            dagster_home(data)
        os.environ[DATA_VARIABLE] = str(data.root)
        if host not in LOOPBACK:
            presentation.progress(
                f"Warning: whoever reaches {host}:{port} can start runs, as Dagster asks for no password. It answers "
                f"to the names in {HOSTS_VARIABLE} only; docs/operations.md says what to put in front of it."
            )
        server = [sys.executable, "-m", "dagster_project.web_server", "dev"]
        os.chdir(PROJECT_ROOT)
        os.execv(sys.executable, [*server, "--port", str(port), "--host", host])


@app.command(rich_help_panel=PROJECT)
def health(
    url: Annotated[
        str | None, typer.Option(help="Ask this web server's /health, such as http://127.0.0.1:3000.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether Dagster's storage and daemon and the data folder are well; 3 if not."""
    with reporting(as_json):
        from dagster_project.monitoring.health import asked_of, health_here, show_health

        found = health_here(DataFolder.from_environment()) if url is None else asked_of(url)
        result = found | {"exit_code": int(ExitCode.DONE if found["healthy"] else ExitCode.INPUT_MISSING)}
        finish(result, as_json, lambda: show_health(result))
