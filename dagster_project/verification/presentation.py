"""How the command shows a verification or a bundle on a terminal; nothing is computed here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project.errors import ExitCode
from dagster_project.layout import command_line, counted, shown_path
from dagster_project.releases.tombstone import withdrawal_in_words
from dagster_project.shown import Terminal

# A pipe or a file has no width of its own: hashes aren't cut.
_WIDTH_OF_A_FILE = 200
_SHOWN = 20

_out = Terminal(width_of_file=_WIDTH_OF_A_FILE)


def show_verification(result: Mapping[str, Any]) -> None:
    """Each check with how much it looked at, what differs under it, and the verdict at the end."""
    _out.print(f"Release [bold]{escape(result['release_id'])}[/bold] of {escape(result['quarter'])}")
    _show_withdrawal(result)
    if "bundle_sha256" in result:
        _out.print(_own_hash(result))
    for check in result["checks"]:
        _out.print(f"  {check['check']:<16}  {_said(check)}")
        for finding in check["findings"][:_SHOWN]:
            _out.print(f"    [bold red]{escape(finding['what'])}[/bold red]")
            _out.print(f"      expected {escape(finding['expected'])}")
            _out.print(f"      found    {escape(finding['found'])}")
            for line in finding["details"]:
                _out.print(f"      {escape(line)}")
        if len(check["findings"]) > _SHOWN:
            _out.print(f"    and {len(check['findings']) - _SHOWN} more; --json lists all")
    _out.print(_verdict(result))
    if result["notice"]:
        _out.print(escape(result["notice"]))


def show_bundle(result: Mapping[str, Any]) -> None:
    """Where the bundle is, what is in it, and how to verify it."""
    _out.print(
        f"Bundle of release [bold]{escape(result['release_id'])}[/bold] of {escape(result['quarter'])}: "
        f"{counted(result['members'], 'file')}, {result['bytes']:,} bytes"
    )
    _out.print(f"{escape(shown_path(result['path']))}\nsha256 {result['sha256']}")
    _show_withdrawal(result)
    _out.print("Send that sha256 another way than the file. Next, whoever has both:")
    verify = (
        f"league verify --bundle {shlex.quote(shown_path(result['path']))} --sha256 {result['sha256']} "
        f"--release {result['release_id']}"
    )
    _out.print(escape(verify if _out.keeps_lines else command_line(verify, _out.width)))
    _out.print(escape(result["notice"]))


def _show_withdrawal(result: Mapping[str, Any]) -> None:
    if result["withdrawn"]:
        _out.print(f"[bold red]{escape(withdrawal_in_words(result['withdrawn']))}[/bold red]")


def _own_hash(result: Mapping[str, Any]) -> str:
    """The first thing to ask of a file from elsewhere."""
    if result["bundle_sha256_compared"]:
        return f"The bundle's sha256 is the one given: {result['bundle_sha256']}"
    return (
        f"The bundle's own sha256 was NOT compared with anything: {result['bundle_sha256']}\nAsk whoever made it for "
        "theirs, another way than the file came, and give it with --sha256."
    )


def _said(check: Mapping[str, Any]) -> str:
    if check["not_done"]:
        return f"not done: {escape(check['not_done'])}"
    if not check["checked"]:
        return "none"
    differ = len(check["findings"])
    return f"{check['checked']:,} checked, " + (
        f"[bold red]{differ} differ[/bold red]" if differ else "all equal"
    )


def _verdict(result: Mapping[str, Any]) -> str:
    code = ExitCode(result["exit_code"])
    if code == ExitCode.INPUT_REJECTED:
        return "NOT verified: files aren't as they were archived or released."
    if code == ExitCode.OUR_FAULT:
        return (
            "NOT verified: made again from the same inputs, it came out differently. Either somebody changed "
            "the release and its release.json, or that is a fault of ours: please report it."
        )
    if code == ExitCode.INPUT_MISSING:
        return "NOT proven: the files are as released, but it can't be made again with what is here."
    if any(check["not_done"] for check in result["checks"]):
        return "Every hash is right. It wasn't made again."
    return "Verified: every file is as released, and the release came out again byte for byte."
