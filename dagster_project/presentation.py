"""How the command shows its answers on a terminal; nothing is computed here."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.control import Control
from rich.markup import escape
from rich.segment import ControlType

from dagster_project.errors import ExitCode
from dagster_project.layout import Column, Rows, command_line, counted, shortened, shown_path
from dagster_project.notices import NOT_A_VERDICT, OFFICIAL_NOTICE, SAMPLE_NOTICE, notice_of
from dagster_project.progress import STILL, kept_posted
from dagster_project.runs.left_out import left_out_lines
from dagster_project.settings import DataFolder
from dagster_project.shown import Terminal

_BOTH_NOTICE = (
    "Official and fictional data are in one folder, from before they were kept apart: nothing is added to it."
)

_MESSAGE_SHOWN = 100
_CODES_SHOWN = 5
_RUN_ID_SHOWN = 8
_LISTED_QUARTERS = 3
_SAMPLE = " (fictional sample)"

_out = Terminal()
_err = Terminal(stderr=True)
_started = time.monotonic()
_is_still_shown = threading.Event()


def progress(text: str) -> None:
    """One line of progress on standard error, with the seconds since the start.

    On a terminal, what is still being done takes the place of the line that said so before.
    """
    if _err.is_terminal and text.startswith(STILL):
        _unsay_still()
        line = f"{time.monotonic() - _started:6.1f} s  {text}"
        _err.file.write(shortened(line, _err.width - 1))
        _err.file.flush()
        _is_still_shown.set()
        return
    _unsay_still()
    _err.print(f"[dim]{time.monotonic() - _started:6.1f} s[/dim]  {escape(text)}")


def _unsay_still() -> None:
    """Takes the line away that says what is still being done, where one stands there."""
    if _is_still_shown.is_set():
        _err.control(Control((ControlType.CARRIAGE_RETURN,), (ControlType.ERASE_IN_LINE, 2)))
        _is_still_shown.clear()


@contextmanager
def at_work(doing: str = "getting ready") -> Iterator[None]:
    """Shows progress for as long as the context is open, and what is still being done where nothing is said."""
    try:
        with kept_posted(progress, doing):
            yield
    finally:
        _unsay_still()


def failure(message: str) -> None:
    """An error that a person can act on."""
    _err.print(f"[bold red]error[/bold red]  {escape(message)}")


def kind_notice(kind: str | None) -> str:
    """What a data folder's figures are, in a sentence."""
    notices = {"official": OFFICIAL_NOTICE, "fictional": SAMPLE_NOTICE, "both": _BOTH_NOTICE}
    return notices.get(kind or "", "The data folder holds nothing yet: its first files say what it is for.")


def show_run(outcome: Mapping[str, Any], data: DataFolder, *, verbose: bool = False) -> None:
    """Top and bottom of each table, gates, reconciliation, releases, and what comes next; or why nothing was released.

    Of several quarters a line each, so that all fits a screen, unless `verbose`.
    """
    if outcome.get("exit_code") == ExitCode.INTERRUPTED:
        failure(f"{outcome['message']} Run {outcome.get('run_id')}.")
        return
    if outcome.get("exit_code") != ExitCode.DONE:
        failure(str(outcome.get("message") or "The run failed and left no reason; see Dagster's log."))
        came_of_it = "Nothing was released; what was published before is unchanged."
        if not outcome.get("is_commit_known", True):
            came_of_it = "Whether it was released isn't known."
        _err.print(f"\n{came_of_it} Run {outcome.get('run_id')}.")
        for line in left_out_lines(outcome, listed_in=shown_path(data.runs / str(outcome.get("run_id")))):
            if line not in str(outcome.get("message")):
                _err.print(escape(line))
        if outcome.get("gates"):
            _err.print(
                escape(
                    f"What the gates found: {shown_path(data.runs / str(outcome['run_id']) / 'quality.html')}"
                )
            )
        return
    show_what_was_built(outcome, data, verbose=verbose)
    _show_releases(outcome, data, one_by_one=len(outcome["summary"]) == 1 or verbose)
    _out.print(notice_of(is_sample=outcome["is_sample"]))
    _out.print(NOT_A_VERDICT)


def show_what_was_built(outcome: Mapping[str, Any], data: DataFolder, *, verbose: bool = False) -> None:
    """The quarters' tables, the gates, the files, and what changes against what was current."""
    if len(outcome["summary"]) == 1 or verbose:
        for quarter in outcome["summary"]:
            _show_quarter(quarter)
    else:
        _show_quarters_built(outcome)
    _out.print()
    _out.print("Gates: " + ", ".join(_gate(gate) for gate in outcome["gates"]))
    _out.print(
        f"Files: {len(outcome['extracts']):,} read, {len(outcome['ignored']):,} passed over; "
        f"{counted(outcome['rows_set_aside'], 'row')} set aside, {counted(outcome['revisions'], 'figure')} revised by "
        "a newer file"
    )
    if len(outcome["summary"]) == 1 or verbose:
        for line in left_out_lines(outcome, listed_in=shown_path(data.runs / str(outcome["run_id"]))):
            _out.print(escape(line))
        for change in outcome["changes"]:
            _out.print(_change(change))
    _show_fewer(outcome)


def _show_quarters_built(outcome: Mapping[str, Any]) -> None:
    """A line for each quarter of several: what it is against the publisher, what changed, and its release."""
    releases = {release["quarter"]: release["release_id"] for release in outcome["releases"]}
    changes = {change["quarter"]: change for change in outcome["changes"]}
    rows = []
    for item in outcome["summary"]:
        change = changes.get(item["quarter"], {"change": "new"})
        moved = "new" if change["change"] == "new" else counted(change["ranks"], "rank") + " changed"
        figures = item["reconciliation"]
        rows.append(
            (
                item["quarter"],
                f"{sum(table['organisations'] for table in item['tables']):,}",
                f"{figures.get('equal', 0):,}",
                f"{sum(figures.values()) - figures.get('equal', 0) - figures.get('not_computable', 0):,}",
                f"{figures.get('not_computable', 0):,}",
                moved,
                releases.get(item["quarter"], ""),
            )
        )
    columns = (
        Column("quarter"),
        Column("ranked", right=True),
        Column("equal", right=True),
        Column("nearly equal", right=True),
        Column("not computable", right=True),
        Column("ranks"),
        Column("release"),
    )
    _out.print(Rows(columns, rows, title="Organisations ranked, and figures against the publisher's"))


def _show_releases(outcome: Mapping[str, Any], data: DataFolder, *, one_by_one: bool) -> None:
    """Where the releases are, and what can be done next."""
    if outcome["dry_run"]:
        _out.print("Dry run: nothing was released.")
        return
    for release in outcome["releases"] if one_by_one else ():
        state = ", held," if release["release_id"] in outcome["held"] else ""
        _out.print(
            f"{release['quarter']}: release [bold]{release['release_id']}[/bold]{state} in "
            f"{escape(shown_path(release['path']))}"
        )
    if not one_by_one:
        _out.print(
            f"Releases in {escape(shown_path(data.releases))}; tables, files passed over and changes: --verbose, or "
            f"{escape(shown_path(data.runs / str(outcome['run_id'])))}"
        )
    if outcome["held"]:
        _out.print("Not current yet. Another person makes it so:")
        _out.print(_command(f"league approve {' '.join(outcome['held'])} --by NAME"))
        return
    newest = outcome["summary"][-1]
    if newest["tables"]:
        table = newest["tables"][0]
        last = (table["bottom"] or table["top"])[-1]["organisation_code"]
        _out.print(f"Next: `league show {table['table_name']} {newest['quarter']}` prints the whole table,")
        _out.print(f"      `league explain {last} {newest['quarter']}` says why one is last")


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
    rows = [
        (
            source["source"],
            file.get("file") or file["url"],
            file["outcome"].replace("_", " "),
            _span(file.get("quarters", ())),
            file.get("release_state", ""),
            f"{file['bytes']:,}" if "bytes" in file else "",
        )
        for source in result["sources"]
        for file in source["files"]
    ]
    columns = [Column(name) for name in ("source", "file", "outcome", "quarters", "state")]
    title = f"Fetched for {result['quarter']}"
    _out.print(Rows([*columns, Column("bytes", right=True)], rows, title=title))
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
    columns = (
        *(Column(name) for name in ("file", "kind", "table", "quarters")),
        Column("organisations", right=True),
        Column("rows", right=True),
    )
    rows = [
        (
            file["file"],
            file["source"],
            file["table"] or "",
            _span(file["quarters"]),
            f"{file['organisations']:,}",
            f"{file['rows']:,}",
        )
        for file in result["files"]
    ]
    _out.print(Rows(columns, rows, title="What is in these files"))
    for note in result["ignored"]:
        _out.print(f"passed over: {escape(note['file'])}: {escape(note['why'])}")
    for note in result["notes"]:
        _out.print(f"note: {escape(note['file'])}: {escape(note['note'])}")
    for line in left_out_lines({"set_aside": result["set_aside"]}):
        _out.print(escape(line))
    _out.print(
        f"{counted(result['rows_set_aside'], 'row')} set aside, {counted(result['revisions'], 'figure')} revised by a "
        "newer file"
    )
    for item in result["organisations_set_aside"]:
        _out.print(
            f"set aside: {escape(item['file'])}: {counted(item['rows'], 'row')} of "
            f"{counted(len(item['organisations']), 'organisation')}: "
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
        assumed = counted(framework["assumptions"], "row is an assumption", "rows are assumptions")
        _out.print(f"[bold]{framework['framework']}[/bold]: {state}, {assumed}")
        for unknown in framework["unknown"]:
            _out.print(f"  - {escape(unknown)}")
    if not result["faults"]:
        _out.print("The rules are consistent.")


def show_status(result: Mapping[str, Any]) -> None:
    """Releases, quarters, archive, runs; of an empty folder, what to do first."""
    _out.print(f"Data folder: {escape(shown_path(result['data_folder']))}")
    _out.print(kind_notice(result["kind"]))
    for sentence in result["damaged"]:
        failure(sentence)
    if not (result["releases"] or result["not_current"] or result["archive"] or result["runs"]):
        _show_first_steps()
        return
    _out.print()
    _show_quarters(result["quarters"], result["releases"])
    _show_not_current(result["not_current"])
    archived = [
        (item["table"], _span(item["quarters"]), f"{item['files']:,}")
        for item in _by_table(result["archive"])
    ]
    if archived:
        columns = (Column("table or statistic"), Column("quarters"), Column("files", right=True))
        _out.print()
        _out.print(Rows(columns, archived, title="Archived"))
    if result["runs"]:
        _out.print()
        _out.print(_latest_runs(result["runs"]))


def _show_first_steps() -> None:
    _out.print("\nNothing is here yet. Try the fictional sample first (half a minute):")
    _out.print("  league run 2025-26-Q1 --sample")
    _out.print("or find and archive the publisher's files of a quarter, then build it:")
    _out.print("  league fetch 2025-26-Q1")
    _out.print("  league run 2025-26-Q1")
    _out.print("Files that you have already: `league check FOLDER` says what is in them.")


def _latest_runs(runs: Sequence[Mapping[str, Any]]) -> Rows:
    columns = (Column("run"), Column("quarters"), Column("ended"), Column("message", least=30))
    rows = []
    for item in runs:
        message = (item["message"] or "").splitlines()
        code = item["exit_code"]
        ended = "unfinished" if code is None else "done" if code == ExitCode.DONE else f"exit code {code}"
        first = shortened(message[0], _MESSAGE_SHOWN) if message else ""
        rows.append((item["run_id"][:_RUN_ID_SHOWN], _span(item["quarters"] or ()), ended, first))
    return Rows(columns, rows, title="Latest runs")


def _by_table(archive: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The archive's files by table and kind over all quarters; a file of several quarters counts for each."""
    found: dict[str, dict[str, Any]] = {}
    for item in archive:
        name = item["table"] + (_SAMPLE if item["is_sample"] else "")
        entry = found.setdefault(name, {"table": name, "quarters": [], "files": 0})
        entry["quarters"].append(item["quarter"])
        entry["files"] += item["files"]
    return list(found.values())


def _show_not_current(releases: Sequence[Mapping[str, Any]]) -> None:
    """Held and withdrawn releases, if there are any, and what to do about those that wait."""
    if not releases:
        return
    columns = [Column(name) for name in ("quarter", "release", "standing", "since", "by")]
    rows = [
        (
            item["quarter"],
            item["release_id"],
            item["standing"],
            item["since"][:10],
            item["by"] or "",
            item["reason"] or "",
        )
        for item in releases
    ]
    _out.print()
    _out.print(Rows([*columns, Column("reason", least=20)], rows, title="Not current"))
    if any(item["standing"] == "held" for item in releases):
        _out.print("A held release becomes current by `league approve RELEASE --by NAME`, by another person.")


def _show_quarters(quarters: Sequence[Mapping[str, Any]], releases: Sequence[Mapping[str, Any]]) -> None:
    """Each quarter's release, what it lacks and what is newer than it; then what to do about it."""
    released = {(item["quarter"], item["is_sample"]): item for item in releases}
    rows = []
    for item in quarters:
        release = released.get((item["quarter"], item["is_sample"]))
        new = ", ".join(file["file"] for file in item["new"])
        rows.append(
            (
                item["quarter"] + (_SAMPLE if item["is_sample"] and not _all_sample(quarters) else ""),
                item["release_id"] or "not yet",
                release["release_state"] if release else "",
                f"{release['organisations']:,}" if release else "",
                ", ".join(item["missing"]) or "none",
                f"{new} (a newer vintage)" if item["newer_vintage"] else new,
            )
        )
    columns = (
        Column("quarter"),
        Column("release"),
        Column("state"),
        Column("ranked", right=True),
        Column("missing files"),
        Column("new since" if any(row[-1] for row in rows) else ""),
    )
    _out.print(
        Rows(columns if any(row[-1] for row in rows) else columns[:-1], _fitting(rows), title="Quarters")
    )
    for item in quarters:
        if item["newer_vintage"]:
            how = "--extracts DIR" if item["is_sample"] else ""
            _out.print(
                f"{item['quarter']}: the archive has a newer vintage than the release: "
                f"`league run {item['quarter']} {how}".rstrip()
                + "`"
            )


def _fitting(rows: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    """The rows without their last cell, where none of them says anything in it."""
    return rows if any(row[-1] for row in rows) else [row[:-1] for row in rows]


def _all_sample(quarters: Sequence[Mapping[str, Any]]) -> bool:
    return all(item["is_sample"] for item in quarters)


def _command(text: str) -> str:
    """A command to copy: in a file as one line, on a terminal in lines that a shell takes as one."""
    return escape(text if _out.keeps_lines else command_line(text, _out.width))


def show_sample(result: Mapping[str, Any]) -> None:
    """Where the sample lies and how to use it."""
    _out.print(f"{counted(result['files'], 'fictional file')} in {escape(shown_path(result['extracts']))}")
    rules = f" --rules {shlex.quote(shown_path(result['rules']))}" if result["rules"] else ""
    extracts = shlex.quote(shown_path(result["extracts"]))
    _out.print("Next:")
    _out.print(_command(f"league --data data-sample run 2025-26-Q1 --extracts {extracts}{rules}"))
    _out.print(SAMPLE_NOTICE)


def _show_quarter(quarter: Mapping[str, Any]) -> None:
    for item in quarter["tables"]:
        segments = " / ".join(str(item["segments"][key]) for key in sorted(item["segments"]))
        found = f"{counted(item['organisations'], 'organisation')}, in segments 1 to 4: {segments}"
        title = f"{quarter['quarter']}  {item['table_name']}: {found}"
        columns = (
            Column("rank", right=True),
            Column("code"),
            Column("organisation", least=30),
            Column("average", right=True),
            Column("segment", right=True),
        )
        rows = [
            (
                str(place["rank"]),
                place["organisation_code"],
                place["organisation_name"],
                place["average_metric_score"],
                str(place["segment"]),
            )
            for place in (*item["top"], *item["bottom"])
        ]
        if item["bottom"]:
            rows.insert(len(item["top"]), ("...", "", "", "", ""))
        _out.print(Rows(columns, rows, title=title))
        _out.print()
    _out.print(f"{quarter['quarter']} against the publisher's figures: {_counts(quarter['reconciliation'])}")


def _span(quarters: Sequence[str]) -> str:
    """Quarters in a few words: the first and last of more than two."""
    distinct = sorted(set(quarters))
    if len(distinct) < _LISTED_QUARTERS:
        return ", ".join(distinct)
    return f"{distinct[0]} to {distinct[-1]}"


def _gate(gate: Mapping[str, Any]) -> str:
    warnings = f", {gate['warnings']} worth a look" if gate["warnings"] else ""
    verdict = "passed" if gate["passed"] else "closed"
    return f"{gate['gate']} {verdict} ({counted(gate['expectations'], 'expectation')}{warnings})"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {outcome.replace('_', ' ')}" for outcome, number in counts.items())


def _change(change: Mapping[str, Any]) -> str:
    if change["change"] == "new":
        return f"{change['quarter']}: new, no release of it was there before"
    return (
        f"{change['quarter']}: against release {change['release_id']}: {counted(change['ranks'], 'rank')}, "
        f"{counted(change['segments'], 'segment')} and {counted(change['averages'], 'average')} changed; "
        f"{counted(change['organisations_in'], 'organisation')} in, {change['organisations_out']} out"
    )
