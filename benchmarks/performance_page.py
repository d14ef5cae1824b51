"""The tables of docs/performance.md, written from the JSON of a measurement between two marks in the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_START, _END = "<!-- measured: start -->", "<!-- measured: end -->"


def write(found: dict[str, Any], page: Path) -> None:
    """Replaces what stands between the marks; raises ValueError where the page lacks them."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(_START)
    _, mark, after = rest.partition(_END)
    if not mark:
        raise ValueError(f"{page} has no place for the tables: {_START} and {_END}")
    parts = [make(found[name]) for name, make in _TABLES.items() if name in found]
    page.write_text(f"{before}{_START}\n\n" + "\n\n".join(parts) + f"\n\n{_END}{after}", "utf-8")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _line(name: str, used: dict[str, float], one: float) -> list[str]:
    processor = f"{used['processor']:.1f} s"
    ratio = f"{used['processor'] / one:.2f}"
    return [name, processor, ratio, f"{used['wall']:.1f} s", f"{used['peak_mb']:,.0f} MB"]


def _runs(found: dict[str, Any]) -> str:
    floor = found["imports alone"]["processor"]
    rows = [
        [
            name,
            f"{used['processor']:.1f} s",
            f"{used['processor'] / floor:.2f}",
            f"{used['wall']:.1f} s",
            f"{used['peak_mb']:,.0f} MB",
        ]
        for name, used in found.items()
        if isinstance(used, dict)
    ]
    head = ["one quarter", "processor", "times the imports", "clock", "peak memory"]
    return f"On the {found['files']} files of 2025-26-Q1:\n\n" + _table(head, rows)


def _publication(found: dict[str, Any]) -> str:
    one = found["run of one quarter"]["processor"]
    head = ["publication of the sample", "processor", "times the run", "clock", "peak memory"]
    return "Publishing the sample's six quarters, beside a run of one:\n\n" + _table(
        head, [_line(name, used, one) for name, used in found.items()]
    )


def _quarters(found: dict[str, Any]) -> str:
    one = found["one quarter"]["processor"]
    rows = [
        [
            name,
            f"{used['processor']:.1f} s",
            f"{used['processor'] / one:.2f}",
            f"{used['wall']:.1f} s",
            f"{used['peak_mb']:,.0f} MB",
        ]
        for name, used in found.items()
    ]
    return "Fictional files of five years:\n\n" + _table(
        ["run of", "processor", "times one", "clock", "peak memory"], rows
    )


def _stages(found: dict[str, Any]) -> str:
    small, large = found["1"], found["10"]
    rows = [
        [
            name,
            f"{seconds:.2f} s",
            f"{large[name]:.2f} s",
            f"{large[name] / seconds:.1f}" if seconds >= 0.01 else "",
        ]
        for name, seconds in small.items()
    ]
    return "The stages at the sample's size and at ten times its organisations:\n\n" + _table(
        ["stage", "1 x", "10 x", "ratio"], rows
    )


def _scoring(found: dict[str, Any]) -> str:
    rows = []
    for scale, engines in found.items():
        count = f"{engines['sql']['organisations']:,}"
        cells = [f"{each['processor']:.2f} s, {each['peak_mb']:,.0f} MB" for each in engines.values()]
        rows.append([f"{scale} x, {count} organisations", *cells])
    return "From figures to ranks, processor time and peak memory:\n\n" + _table(
        ["size", *next(iter(found.values()))], rows
    )


def _readers(found: dict[str, Any]) -> str:
    rows = [[name, f"{used['seconds']:.2f} s", f"{used['peak_mb']:,.0f} MB"] for name, used in found.items()]
    return "Reading a CSV of 200 MB in the layout of RTT waiting times:\n\n" + _table(
        ["reading", "clock", "peak memory"], rows
    )


_TABLES = {
    "runs": _runs,
    "publication": _publication,
    "quarters": _quarters,
    "stages": _stages,
    "scoring": _scoring,
    "readers": _readers,
}
