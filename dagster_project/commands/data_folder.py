"""Verbs that keep a data folder for years: backup, restore, prune, rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import AcceptFewer, By, Json, Rules, existing_folder, finish, reporting
from dagster_project.commands.help_panels import CORRECT, KEEP
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=KEEP)
def backup(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept, best on another disk.")],
    keep: Annotated[
        int | None, typer.Option("--keep", help="How many backups stay there; without it, all.")
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only list the backups that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Back up archive, releases, warehouse and run history; bytes that are there aren't copied again."""
    with reporting(as_json):
        from dagster_project.keeping.backup import list_backups, make_backup
        from dagster_project.keeping.presentation import show_backup, show_backups

        if list_only:
            listed = list_backups(folder)
            finish(listed, as_json, lambda: show_backups(listed))
        with presentation.at_work():
            result = make_backup(DataFolder.from_environment(), folder, keep=keep)
        finish(result, as_json, lambda: show_backup(result))


@app.command(rich_help_panel=KEEP)
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `league backup` wrote to.")],
    into: Annotated[
        Path | None, typer.Option("--into", help="An empty folder; without it, the data folder.")
    ] = None,
    backup_id: Annotated[
        str | None, typer.Option("--backup", help="Which backup; without it, the newest.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check every byte of the backup; write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty data folder, after every byte of it was checked."""
    with reporting(as_json):
        from dagster_project.keeping.presentation import show_restore
        from dagster_project.keeping.restore import restore_backup

        target = DataFolder(into) if into is not None else DataFolder.to_write(is_sample=False)
        with presentation.at_work():
            result = restore_backup(folder, target, backup_id=backup_id, dry_run=dry_run)
        finish(result, as_json, lambda: show_restore(result))


@app.command(rich_help_panel=KEEP)
def prune(
    keep_runs: Annotated[int, typer.Option("--keep-runs", help="How many of the newest runs stay.")] = 20,
    older_than: Annotated[
        int | None, typer.Option("--older-than", help="Only runs that ended more than so many days ago.")
    ] = None,
    archive: Annotated[
        bool,
        typer.Option("--archive", help="Also archived files that were replaced and that no release used."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--remove", help="Only say what would go (the default), or remove it.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Remove what nothing needs any more: old runs, leftovers, nowcasts of released quarters."""
    with reporting(as_json):
        from dagster_project.keeping.presentation import show_prune
        from dagster_project.keeping.prune import prune as prune_data
        from dagster_project.run_history import run_history

        data = DataFolder.from_environment()
        with presentation.at_work(), run_history(data) as history:
            result = prune_data(
                data,
                history,
                keep_runs=keep_runs,
                older_than_days=older_than,
                archive=archive,
                dry_run=dry_run,
            )
        finish(result, as_json, lambda: show_prune(result))


@app.command(rich_help_panel=CORRECT)
def rebuild(
    quarters: Annotated[
        list[str] | None, typer.Argument(help="Released quarters; without any, all of them.")
    ] = None,
    rules: Rules = None,
    by: By = None,
    accept_fewer: AcceptFewer = None,
    threads: Annotated[int, typer.Option(help="Threads of dbt.")] = 2,
    as_json: Json = False,
) -> None:
    """Make released quarters again under the code of now, hold them, and say what would change."""
    with reporting(as_json):
        from dagster_project.launch import launch
        from dagster_project.runs.rebuild_chain import rebuild as rebuild_quarters
        from dagster_project.runs.rebuild_chain import show_rebuild

        with presentation.at_work():
            result = rebuild_quarters(
                DataFolder.from_environment(),
                [Quarter.from_argument(text) for text in quarters or ()],
                launch,
                rules_dir=existing_folder(rules),
                by=by,
                accept_fewer=accept_fewer,
                threads=threads,
            )
        finish(result, as_json, lambda: show_rebuild(result))
