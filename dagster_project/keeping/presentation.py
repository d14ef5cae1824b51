"""How backups, restores and prunes are shown on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project.layout import counted
from dagster_project.shown import Terminal

_out = Terminal()


def show_backup(result: Mapping[str, Any]) -> None:
    """What the backup holds and what was new of it."""
    _out.print(f"Backup [bold]{escape(result['backup_id'])}[/bold] in {escape(result['folder'])}")
    _out.print(
        f"{counted(result['files'], 'file')}, {megabytes(result['bytes'])}; of these {result['new_files']:,} copied, "
        f"{megabytes(result['new_bytes'])}: the others were there, their bytes checked"
    )
    _show_releases(result["releases"])
    for name in result["left_out"]:
        _out.print(
            f"Left out: {escape(name)}/, whose catalogue knows tables by their place. After a restore run the quarters "
            "again with --target spark."
        )
    for forgotten in result["forgotten"]:
        _out.print(f"Removed as older than those to keep: {escape(forgotten)}")


def show_backups(result: Mapping[str, Any]) -> None:
    """A line for each backup, newest first."""
    for backup in result["backups"]:
        if "damaged" in backup:
            _out.print(
                f"{escape(backup['backup_id'])}  [bold red]damaged[/bold red]: {escape(backup['damaged'])}"
            )
            continue
        quarters = ", ".join(sorted(backup["releases"])) or "nothing released"
        size = f"{counted(backup['files'], 'file')}, {megabytes(backup['bytes'])}"
        _out.print(escape(f"{backup['backup_id']}  {size}, {quarters}"))
    if not result["backups"]:
        _out.print(f"No backup in {escape(result['folder'])}")


def show_restore(result: Mapping[str, Any]) -> None:
    """What was restored, or that it could be."""
    checked = (
        f"{counted(result['files'], 'file')}, {megabytes(result['bytes'])}, every byte as its manifest says"
    )
    if result["dry_run"]:
        _out.print(
            f"Backup [bold]{escape(result['backup_id'])}[/bold] is whole: {checked}. Nothing was written."
        )
    else:
        _out.print(
            f"Backup [bold]{escape(result['backup_id'])}[/bold] restored into "
            f"{escape(result['data_folder'])}: {checked}"
        )
    _show_releases(result["releases"])


def show_prune(result: Mapping[str, Any]) -> None:
    """What would go or went, by kind, and each with its reason."""
    for removal in result["removed"]:
        _out.print(
            f"{removal['kind']}  {escape(removal['name'])}  {megabytes(removal['bytes'])}  {escape(removal['why'])}"
        )
    for kind in result["by_kind"]:
        if kind["number"]:
            _out.print(f"{kind['kind']}: {kind['number']:,}, {megabytes(kind['bytes'])}")
    total = f"{counted(len(result['removed']), 'thing')}, {megabytes(result['bytes'])}"
    if result["dry_run"]:
        _out.print(f"Would remove {total}. Nothing was removed: --remove does it.")
    else:
        _out.print(f"Removed {total}; {escape(result['data_folder'])}/pruned.jsonl lists them.")


def megabytes(size: int) -> str:
    """A size as people read it, in millions of bytes."""
    return f"{size / 1_000_000:,.1f} MB"


def _show_releases(releases: Mapping[str, str]) -> None:
    for quarter, release_id in sorted(releases.items()):
        _out.print(escape(f"  {quarter}: release {release_id}"))
