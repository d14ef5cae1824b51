"""How the command shows its answers on a terminal; nothing is computed here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from dagster_project.errors import ExitCode
from dagster_project.notices import NOT_A_VERDICT, OFFICIAL_NOTICE, SAMPLE_NOTICE, notice_of
from dagster_project.runs.left_out import left_out_lines
from dagster_project.settings import DataFolder
from dagster_project.shown import Terminal

_BOTH_NOTICE = (
    "Official and fictional data are in one folder, from before they were kept apart: nothing is added to it."
)

_MESSAGE_SHOWN = 100
_CODES_SHOWN = 5
_NUMBERS = frozenset({"rank", "average", "rows", "files", "bytes"})

_out = Terminal()
_err = Terminal(stderr=True)
_started = time.monotonic()


def progress(text: str) -> None:
    """One line of progress on standard error, with the seconds since the start."""
    _err.print(f"[dim]{time.monotonic() - _started:6.1f} s[/dim]  {escape(text)}")


def failure(message: str) -> None:
    """An error that a person can act on."""
    _err.print(f"[bold red]error[/bold red]  {escape(message)}")


def kind_notice(kind: str | None) -> str:
    """What a data folder's figures are, in a sentence."""
    notices = {"official": OFFICIAL_NOTICE, "fictional": SAMPLE_NOTICE, "both": _BOTH_NOTICE}
    return notices.get(kind or "", "The data folder holds nothing yet: its first files say what it is for.")


def show_run(outcome: Mapping[str, Any], data: DataFolder) -> None:
    """Top and bottom of each table, gates, reconciliation, releases; or why nothing was released."""
    if outcome.get("exit_code") == ExitCode.INTERRUPTED:
        failure(f"{outcome['message']} Run {outcome.get('run_id')}.")
        return
    if outcome.get("exit_code") != ExitCode.DONE:
        failure(str(outcome.get("message") or "The run failed and left no reason; see Dagster's log."))
        _err.print(
            f"\nNothing was released; what was published before is unchanged. Run {outcome.get('run_id')}."
        )
        for line in left_out_lines(outcome, listed_in=str(data.runs / str(outcome.get("run_id")))):
            if line not in str(outcome.get("message")):
                _err.print(escape(line))
        if outcome.get("gates"):
            _err.print(escape(f"What the gates found: {data.runs / str(outcome['run_id']) / 'quality.html'}"))
        return
    for quarter in outcome["summary"]:
        _show_quarter(quarter)
    _out.print()
    _out.print("Gates: " + ", ".join(_gate(gate) for gate in outcome["gates"]))
    _out.print(
        f"Files: {len(outcome['extracts'])} read, {len(outcome['ignored'])} passed over; "
        f"{outcome['rows_set_aside']} rows set aside, {outcome['revisions']} figures revised by a newer file"
    )
    for line in left_out_lines(outcome, listed_in=str(data.runs / str(outcome["run_id"]))):
        _out.print(escape(line))
    for change in outcome["changes"]:
        _out.print(_change(change))
    _show_fewer(outcome)
    if outcome["dry_run"]:
        _out.print("Dry run: nothing was released.")
    for release in outcome["releases"] if not outcome["dry_run"] else ():
        state = ", held," if release["release_id"] in outcome["held"] else ""
        _out.print(
            f"{release['quarter']}: release [bold]{release['release_id']}[/bold]{state} in {escape(release['path'])}"
        )
    if outcome["held"]:
        _out.print(f"Not current yet. Another person makes it so: league approve {' '.join(outcome['held'])}")
    _out.print(notice_of(is_sample=outcome["is_sample"]))
    _out.print(NOT_A_VERDICT)


def _show_fewer(outcome: Mapping[str, Any]) -> None:
    """What the release lacks of the one it replaces, or of the quarter before where it replaces none."""
    for item in outcome.get("fewer", ()):
        for loss in item["losses"]:
            accepted = "accepted" if loss["refused"] else "worth a look"
            _out.print(
                f"{item['quarter']}: fewer than release {item['release_id']} ({accepted}): {escape(loss['says'])}"
            )
    for quarter, tables in outcome.get("tables_of_quarter_before_only", {}).items():
        _out.print(f"{quarter}: released for the quarter before and not for this one: {', '.join(tables)}")


def show_fetch(result: Mapping[str, Any]) -> None:
    """Each source and its files; what failed, and why, at the end."""
    table = _table(
        f"Fetched for {result['quarter']}", "source", "file", "outcome", "quarters", "state", "bytes"
    )
    for source in result["sources"]:
        for file in source["files"]:
            table.add_row(
                source["source"],
                escape(file.get("file") or file["url"]),
                file["outcome"].replace("_", " "),
                ", ".join(file.get("quarters", ())),
                file.get("release_state", ""),
                f"{file['bytes']:,}" if "bytes" in file else "",
            )
    _out.print(table)
    for source in result["sources"]:
        if source["note"]:
            _out.print(f"{source['source']}: {escape(source['note'])}")
        for file in source["files"]:
            if file.get("note"):
                _out.print(f"note: {escape(file['file'])}: {escape(file['note'])}")
    for note in result["notes"]:
        _out.print(f"note: {escape(note)}")
    _out.print(f"{result['fetched']} fetched, {result['unchanged']} unchanged, {result['failed']} failed")
    if result["message"]:
        failure(result["message"])
        return
    _out.print(f"Next: league run {result['quarter']}")


def show_check(result: Mapping[str, Any]) -> None:
    """Each file and what it holds; each quarter and whether it would pass."""
    table = _table("What is in these files", "file", "kind", "table", "quarters", "organisations", "rows")
    for file in result["files"]:
        table.add_row(
            escape(file["file"]),
            file["source"],
            file["table"],
            ", ".join(file["quarters"]),
            str(file["organisations"]),
            str(file["rows"]),
        )
    _out.print(table)
    for note in result["ignored"]:
        _out.print(f"passed over: {escape(note['file'])}: {escape(note['why'])}")
    for note in result["notes"]:
        _out.print(f"note: {escape(note['file'])}: {escape(note['note'])}")
    for line in left_out_lines({"set_aside": result["set_aside"]}):
        _out.print(escape(line))
    _out.print(
        f"{result['rows_set_aside']} rows set aside, {result['revisions']} figures revised by a newer file"
    )
    for item in result["organisations_set_aside"]:
        _out.print(
            f"set aside: {escape(item['file'])}: {item['rows']} rows of {len(item['organisations'])} organisations: "
            f"{escape(item['reason'])} ({escape(_some(item['organisations']))})"
        )
    if result["data_folder_kind"] not in (None, result["kind"]):
        _out.print(
            f"The files are {result['kind']}, the data folder {escape(result['data_folder'])} isn't: they are judged "
            "by themselves, beside none of its releases, and no run would take them there."
        )
    for quarter in result["quarters"]:
        if quarter["exit_code"] == ExitCode.DONE:
            counts = quarter["summary"]["reconciliation"]
            _out.print(f"[bold]{quarter['quarter']}[/bold] would pass; figures: {_counts(counts)}")
            _show_fewer(quarter)
        else:
            _out.print(
                f"[bold]{quarter['quarter']}[/bold] would [red]not[/red] pass:\n{escape(quarter['message'])}"
            )


def _some(codes: Sequence[str]) -> str:
    more = f" and {len(codes) - _CODES_SHOWN} more" if len(codes) > _CODES_SHOWN else ""
    return ", ".join(codes[:_CODES_SHOWN]) + more


def show_rules(result: Mapping[str, Any]) -> None:
    """Faults first, then what each framework still lacks."""
    for fault in result["faults"]:
        failure(fault)
    for framework in result["frameworks"]:
        state = "complete" if not framework["unknown"] else "not complete"
        _out.print(
            f"[bold]{framework['framework']}[/bold]: {state}, {framework['assumptions']} rows are assumptions"
        )
        for unknown in framework["unknown"]:
            _out.print(f"  - {escape(unknown)}")
    if not result["faults"]:
        _out.print("The rules are consistent.")


def show_status(result: Mapping[str, Any]) -> None:
    """Releases, quarters, archive, runs."""
    releases = _table("Released", "quarter", "release", "framework", "state", "organisations", "tables")
    for release in result["releases"]:
        kind = " (fictional sample)" if release["is_sample"] else ""
        releases.add_row(
            release["quarter"],
            release["release_id"],
            release["framework"] + kind,
            release["release_state"],
            str(release["organisations"]),
            ", ".join(release["tables"]),
        )
    _out.print(releases)
    _show_not_current(result["not_current"])
    _show_quarters(result["quarters"])
    archive = _table("Archived", "quarter", "table", "files")
    for item in result["archive"]:
        kind = " (fictional sample)" if item["is_sample"] else ""
        archive.add_row(item["quarter"], item["table"] + kind, str(item["files"]))
    _out.print(archive)
    runs = _table("Latest runs", "run", "quarters", "exit code", "message")
    for item in result["runs"]:
        message = [line[:_MESSAGE_SHOWN] for line in (item["message"] or "").splitlines()]
        code = "unfinished" if item["exit_code"] is None else str(item["exit_code"])
        runs.add_row(
            item["run_id"], ", ".join(item["quarters"] or ()), code, escape(message[0] if message else "")
        )
    _out.print(runs)
    for sentence in result["damaged"]:
        failure(sentence)
    _out.print(f"Data folder: {escape(result['data_folder'])}")
    _out.print(kind_notice(result["kind"]))


def _show_not_current(releases: Sequence[Mapping[str, Any]]) -> None:
    """Held and withdrawn releases, if there are any, and what to do about those that wait."""
    if not releases:
        return
    table = _table("Not current", "quarter", "release", "standing", "since", "by", "reason")
    for item in releases:
        cells = (item["quarter"], item["release_id"], item["standing"], item["since"][:10], item["by"] or "")
        table.add_row(*map(escape, cells), escape(item["reason"] or ""))
    _out.print(table)
    if any(item["standing"] == "held" for item in releases):
        _out.print("A held release becomes current by `league approve RELEASE --by NAME`, by another person.")


def _show_quarters(quarters: Sequence[Mapping[str, Any]]) -> None:
    """What each quarter lacks and what is newer than its release; then what to do about it."""
    table = _table("Quarters", "quarter", "released", "missing data files", "new since the release")
    for item in quarters:
        kind = " (fictional sample)" if item["is_sample"] else ""
        new = ", ".join(escape(file["file"]) for file in item["new"]) or (
            "none" if item["release_id"] else ""
        )
        table.add_row(
            item["quarter"] + kind,
            item["release_id"] or "not yet",
            ", ".join(item["missing"]) or "none",
            f"{new} (a newer vintage)" if item["newer_vintage"] else new,
        )
    _out.print(table)
    for item in quarters:
        if item["newer_vintage"]:
            how = "--extracts DIR" if item["is_sample"] else ""
            _out.print(
                f"{item['quarter']}: the archive has a newer vintage than the release: "
                f"league run {item['quarter']} {how}".rstrip()
            )


def show_reconciliation(result: Mapping[str, Any]) -> None:
    """Counts by kind of figure, and each figure that isn't equal."""
    _out.print(f"[bold]{result['quarter']}[/bold], release {result['release_id']}")
    table = _table("Figures by outcome", "table", "figure", "outcome", "figures")
    for item in result["counts"]:
        table.add_row(item["table"], escape(item["figure"]), item["outcome"], str(item["figures"]))
    _out.print(table)
    _out.print(f"Scores by basis: {_counts(result['score_bases'])}")
    for item in result["not_equal"]:
        _out.print(
            f"{item['outcome']}: {escape(item['organisation_code'])} {escape(item['figure'])}: "
            f"ours {item['computed']}, published {item['published']}: {escape(item['reason'])}"
        )
    _out.print(notice_of(is_sample=result["is_sample"]))


def show_sample(result: Mapping[str, Any]) -> None:
    """Where the sample lies and how to use it."""
    _out.print(f"{result['files']} fictional files in {escape(result['extracts'])}")
    rules = f" --rules {result['rules']}" if result["rules"] else ""
    _out.print(
        f"Try: league --data data-sample run 2025-26-Q1 --extracts {escape(result['extracts'] + rules)}"
    )
    _out.print(SAMPLE_NOTICE)


def _show_quarter(quarter: Mapping[str, Any]) -> None:
    for item in quarter["tables"]:
        segments = " / ".join(str(item["segments"][key]) for key in sorted(item["segments"]))
        found = f"{item['organisations']} organisations, segments {segments}"
        title = f"{quarter['quarter']}  {item['table_name']}: {found}"
        table = _table(title, "rank", "code", "organisation", "average", "segment")
        places: Sequence[Mapping[str, Any]] = [*item["top"], *item["bottom"]]
        for position, place in enumerate(places):
            if position == len(item["top"]):
                table.add_section()
            table.add_row(
                str(place["rank"]),
                escape(place["organisation_code"]),
                escape(place["organisation_name"]),
                place["average_metric_score"],
                str(place["segment"]),
            )
        _out.print(table)
    _out.print(f"{quarter['quarter']} against the publisher's figures: {_counts(quarter['reconciliation'])}")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    return table


def _gate(gate: Mapping[str, Any]) -> str:
    warnings = f", {gate['warnings']} worth a look" if gate["warnings"] else ""
    verdict = "passed" if gate["passed"] else "closed"
    return f"{gate['gate']} {verdict} ({gate['expectations']} expectations{warnings})"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {outcome.replace('_', ' ')}" for outcome, number in counts.items())


def _change(change: Mapping[str, Any]) -> str:
    if change["change"] == "new":
        return f"{change['quarter']}: new, no release of it was there before"
    return (
        f"{change['quarter']}: against release {change['release_id']}: {change['ranks']} ranks, "
        f"{change['segments']} segments and {change['averages']} averages change; "
        f"{change['organisations_in']} organisations in, {change['organisations_out']} out"
    )
