"""The kinds of mutation: each takes a copy of a file and a random source, and says what it touched.

A kind returns None where the file has nothing of that kind to spoil.
"""
# ruff: noqa: ARG001, ARG005 - every kind takes a random source, whether or not it needs one

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

from mutations.files import OfficialFile

# What a mutated file comes to: the files of the folder by name.
Spoilt = dict[str, bytes]
Kind = Callable[[OfficialFile, random.Random], Spoilt | None]
KINDS: dict[str, Kind] = {}
NOF_ONLY: set[str] = set()


def kind(name: str, *, nof_only: bool = False) -> Callable[[Kind], Kind]:
    def register(function: Kind) -> Kind:
        KINDS[name] = function
        if nof_only:
            NOF_ONLY.add(name)
        return function

    return register


def whole(file: OfficialFile) -> Spoilt:
    return {file.name: file.as_bytes()}


def touch(file: OfficialFile, *rows: int) -> None:
    """Notes codes, names and metrics of the rows: a message that is about the mutation names one of them."""
    for at in rows:
        for role in ("code", "name", "metric"):
            place = file.column(role)
            if place is not None and len(file.rows[at]) > place and str(file.rows[at][place] or "").strip():
                file.about.add(str(file.rows[at][place]).strip())


def a_row(file: OfficialFile, rng: random.Random, *, with_value: bool = False) -> tuple[int, int] | None:
    """A row of an organisation and one of its value columns, one with a number in it if asked for."""
    rows, columns = file.data_rows(), file.value_columns()
    for _ in range(400):
        if not rows or not columns:
            return None
        at, column = rng.choice(rows), rng.choice(columns)
        if len(file.rows[at]) > column and (not with_value or number(file.rows[at][column])):
            touch(file, at)
            return at, column
    return None


def number(cell: Any) -> float | None:
    """A cell's number; None where it holds none, or zero, which most changes leave as it is."""
    try:
        return float(str(cell).replace(",", "")) or None
    except ValueError:
        return None


def a_cell(change: Callable[[Any, random.Random], Any]) -> Kind:
    """A kind that changes one value's cell."""

    def spoil(file: OfficialFile, rng: random.Random) -> Spoilt | None:
        found = a_row(file, rng, with_value=True)
        if found is None:
            return None
        at, column = found
        file.rows[at][column] = change(file.rows[at][column], rng)
        return whole(file)

    return spoil


def a_digit(cell: Any, rng: random.Random) -> Any:
    text = str(int(cell) if isinstance(cell, float) and cell == int(cell) else cell)
    places = [at for at, character in enumerate(text) if character.isdigit()]
    at = rng.choice(places)
    text = text[:at] + rng.choice([d for d in "123456789" if d != text[at]]) + text[at + 1 :]
    return float(text) if isinstance(cell, float) else text


def ten_times(cell: Any, factor: float) -> Any:
    value = float(str(cell).replace(",", "")) * factor
    return value if isinstance(cell, float) else f"{value:.6f}".rstrip("0").rstrip(".")


for name, change in {
    "blank a cell": lambda cell, rng: None if isinstance(cell, float) else "",
    "star a cell": lambda cell, rng: "*",
    "change a digit of a value": a_digit,
    "shift the point right": lambda cell, rng: ten_times(cell, 10),
    "shift the point left": lambda cell, rng: ten_times(cell, 0.1),
    "negative value": lambda cell, rng: ten_times(cell, -1),
    "huge value": lambda cell, rng: "1e15",
    "NaN as a value": lambda cell, rng: "NaN",
    "inf as a value": lambda cell, rng: "inf",
    "formula as a value": lambda cell, rng: "=1+1",
    "a word as a value": lambda cell, rng: "about five",
    "control character in a value": lambda cell, rng: f"{cell}\x07",
    "letter O in a value": lambda cell, rng: str(cell).replace("0", "O") if "0" in str(cell) else f"{cell}O",
    "decimal comma": lambda cell, rng: str(cell).replace(".", ",") if "." in str(cell) else f"{cell},0",
}.items():
    KINDS[name] = a_cell(change)


def cells_of(role: str, scope: str, change: Callable[[str, random.Random], str]) -> Kind:
    """A kind that changes a role's cell in one row, in all rows of its organisation, of its metric, or of the file."""

    def spoil(file: OfficialFile, rng: random.Random) -> Spoilt | None:
        found, place = a_row(file, rng), file.column(role)
        if found is None or place is None:
            return None
        row = file.rows[found[0]]
        same = {"organisation": file.column("code"), "metric": file.column("metric")}.get(scope)
        before = str(row[place] or "")
        after = change(before, rng)
        if after == before or (scope in ("organisation", "metric") and same is None):
            return None
        file.about |= {after.strip()} if after.strip() else set()
        key = row[same] if same is not None else None
        for at in file.data_rows():
            other = file.rows[at]
            if len(other) > place and (
                scope == "file"
                or (same is not None and other[same] == key)
                or (scope == "row" and at == found[0])
            ):
                other[place] = change(str(other[place] or ""), random.Random(1)) if scope == "file" else after
        return whole(file)

    return spoil


def a_letter(text: str, rng: random.Random) -> str:
    places = [at for at, character in enumerate(text) if character.isalpha()]
    if not places:
        return text + "x"
    at = rng.choice(places)
    return text[:at] + ("X" if text[at] != "X" else "Y") + text[at + 1 :]


def misspelt(code: str, rng: random.Random) -> str:
    for digit, letter in (("0", "O"), ("1", "I"), ("5", "S"), ("O", "0"), ("I", "1"), ("S", "5")):
        if digit in code[1:]:
            return code[0] + code[1:].replace(digit, letter, 1)
    return a_letter(code, rng)


def a_year_off(text: str, rng: random.Random) -> str:
    for year, other in (("2025", "2024"), ("2026", "2025"), ("-25", "-24"), ("-26", "-25"), ("/25", "/24")):
        if year in text:
            return text.replace(year, other, 1)
    return text


def a_month_off(text: str, rng: random.Random) -> str:
    months = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
    ]
    for month, other in itertools.pairwise(months):
        for form in (str, str.title, str.upper, lambda m: m[:3].title(), lambda m: m[:3].upper()):
            if form(month) in text and not (form(month) == "Mar" and "Mart" in text):
                return text.replace(form(month), form(other), 1)
    return text


for role, changes in {
    "name": {
        "another name": a_letter,
        "a formula as name": lambda text, rng: "=cmd|' /C calc'!A0",
        "a control character in the name": lambda text, rng: f"{text}\x1b[31m",
        "a bidirectional mark in the name": lambda text, rng: f"\u202e{text}",
        "a very long name": lambda text, rng: text * 60,
    },
    "code": {
        "a misspelt code": misspelt,
        "a code in small letters": lambda text, rng: text.casefold(),
        "a blank behind the code": lambda text, rng: f"{text}\xa0",
        "an unknown code": lambda text, rng: "RQ9" if text != "RQ9" else "RZZ",
    },
    "region": {"another region": lambda text, rng: "London" if text != "London" else "Midlands"},
    "subtype": {
        "another subtype": lambda text, rng: "Acute - Small" if "Small" not in text else "Acute - Large"
    },
    "type": {"another type": lambda text, rng: "Ambulance trust"},
}.items():
    for name, change in changes.items():
        KINDS[f"{name}, one row"] = cells_of(role, "row", change)
        KINDS[f"{name}, a whole organisation"] = cells_of(role, "organisation", change)
for name, change in {"a year off": a_year_off, "a month off": a_month_off}.items():
    for scope, says in (("row", "one row"), ("metric", "a whole metric"), ("file", "the whole file")):
        KINDS[f"period {name}, {says}"] = cells_of("date", scope, change)
for role, name, change in (
    ("rank", "another rank", lambda text, rng: str(float(text or 0) + 1)),
    ("unit", "another unit", lambda text, rng: "count" if text != "count" else "percent"),
    (
        "domain",
        "another domain",
        lambda text, rng: "Finance" if "inance" not in text else "Access to services",
    ),
    ("metric", "another metric", lambda text, rng: "OF0010" if text != "OF0010" else "OF0013"),
    ("metric", "an unknown metric", lambda text, rng: "OF0999"),
):
    KINDS[f"{name}, one row"] = cells_of(role, "row", change)
    if role in ("unit", "metric", "domain"):
        KINDS[f"{name}, a whole metric"] = cells_of(role, "metric", change)
KINDS["ranks gone, a whole metric"] = cells_of("rank", "metric", lambda text, rng: "")


@kind("change a flag", nof_only=True)
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    metric, value = file.column("metric"), file.value_columns()
    rows = [at for at in file.data_rows() if metric is not None and file.rows[at][metric] == "OF5004"]
    if not rows:
        return None
    at = rng.choice(rows)
    touch(file, at)
    was = number(file.rows[at][value[0]])
    file.rows[at][value[0]] = "0.0" if was else "1.0"
    return whole(file)


@kind("swap two values")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    one, other = a_row(file, rng, with_value=True), a_row(file, rng, with_value=True)
    metric = file.column("metric")
    if one is None or other is None:
        return None
    if metric is not None:
        same = [at for at in file.data_rows() if file.rows[at][metric] == file.rows[one[0]][metric]]
        other = (rng.choice(same), one[1])
        touch(file, other[0])
    column = one[1]
    first, second = file.rows[one[0]], file.rows[other[0]]
    if first[column] == second[column]:
        return None
    first[column], second[column] = second[column], first[column]
    return whole(file)


def swapped_codes(scope: str) -> Kind:
    def spoil(file: OfficialFile, rng: random.Random) -> Spoilt | None:
        one, place = a_row(file, rng), file.column("code")
        if one is None or place is None:
            return None
        first = file.rows[one[0]][place]
        others = [at for at in file.data_rows() if file.rows[at][place] != first]
        if not others:
            return None
        other = rng.choice(others)
        touch(file, other)
        second = file.rows[other][place]
        for at in file.data_rows() if scope == "file" else (one[0], other):
            cell = file.rows[at][place]
            file.rows[at][place] = second if cell == first else first if cell == second else cell
        return whole(file)

    return spoil


KINDS["swap two codes, two rows"] = swapped_codes("row")
KINDS["swap two codes, the whole file"] = swapped_codes("file")


def without(choose: Callable[[OfficialFile, random.Random], set[int] | None]) -> Kind:
    """A kind that removes rows."""

    def spoil(file: OfficialFile, rng: random.Random) -> Spoilt | None:
        gone = choose(file, rng)
        if not gone:
            return None
        file.sheets[file.sheet] = [row for at, row in enumerate(file.rows) if at not in gone]
        return whole(file)

    return spoil


def one_line(file: OfficialFile, rng: random.Random) -> set[int] | None:
    found = a_row(file, rng)
    return None if found is None else {found[0]}


def all_like(role: str) -> Callable[[OfficialFile, random.Random], set[int] | None]:
    def choose(file: OfficialFile, rng: random.Random) -> set[int] | None:
        found, place = a_row(file, rng), file.column(role)
        if found is None or place is None:
            return None
        key = file.rows[found[0]][place]
        return {at for at in file.data_rows() if file.rows[at][place] == key}

    return choose


def half(file: OfficialFile, rng: random.Random) -> set[int] | None:
    rows = file.data_rows()
    gone = set(rng.sample(rows, len(rows) // 2))
    touch(file, *gone)
    return gone


def last_half(file: OfficialFile, rng: random.Random) -> set[int] | None:
    return set(range(file.header_at + 1 + (len(file.rows) - file.header_at) // 2, len(file.rows)))


def totals(file: OfficialFile, rng: random.Random) -> set[int] | None:
    word = file.layout.total
    return {
        at
        for at, row in enumerate(file.rows)
        if word and at > file.header_at and any(str(cell).strip() == word for cell in row[:6])
    }


for name, choose in {
    "drop a line": one_line,
    "drop half of the lines": half,
    "drop the second half": last_half,
    "remove an organisation": all_like("code"),
    "remove a metric": all_like("metric"),
    "remove the total rows": totals,
}.items():
    KINDS[name] = without(choose)


@kind("duplicate a line")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    found = a_row(file, rng)
    if found is None:
        return None
    file.rows.insert(found[0], list(file.rows[found[0]]))
    return whole(file)


@kind("duplicate a line with another value")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    found = a_row(file, rng, with_value=True)
    if found is None:
        return None
    at, column = found
    second = list(file.rows[at])
    second[column] = a_digit(second[column], rng)
    file.rows.append(second) if rng.random() < 0.5 else file.rows.insert(at, second)
    return whole(file)


@kind("duplicate the file")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    stem, _, ending = file.name.rpartition(".")
    raw = file.as_bytes()
    return {file.name: raw, f"{stem} (1).{ending}": raw}


@kind("duplicate the file with another value")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    stem, _, ending = file.name.rpartition(".")
    raw = file.as_bytes()
    changed = a_cell(a_digit)(file, rng)
    return None if changed is None else {file.name: raw, f"{stem} (1).{ending}": changed[file.name]}


@kind("no file")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    return {}


@kind("cut off at a byte")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    raw = file.as_bytes()
    return {file.name: raw[: rng.randrange(len(raw) // 3, len(raw) - 10)]}


@kind("cut off at the end of a line")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    if not file.is_text:
        return None
    lines = file.as_bytes().splitlines(keepends=True)
    return {file.name: b"".join(lines[: rng.randrange(len(lines) // 3, len(lines) - 3)])}


@kind("title row")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    file.rows.insert(0, ["A title", *[""] * (len(file.header) - 1)])
    return whole(file)


@kind("blank first line")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    file.rows.insert(0, [])
    return whole(file)


@kind("remove a column")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    gone = rng.choice([at for at, name in enumerate(file.header) if name])
    file.about.add(file.header[gone])
    for row in file.rows[file.header_at :]:
        del row[gone : gone + 1]
    return whole(file)


@kind("rename a column")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    at = rng.choice([at for at, name in enumerate(file.header) if name])
    file.about.add(file.header[at])
    file.rows[file.header_at][at] = f"{file.header[at]} (new)"
    return whole(file)


@kind("swap the headers of two columns")
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    header = file.rows[file.header_at]
    one, other = rng.sample([at for at, name in enumerate(file.header) if name], 2)
    file.about |= {str(header[one]), str(header[other])}
    header[one], header[other] = header[other], header[one]
    return whole(file)


@kind("swap value and median", nof_only=True)
def _(file: OfficialFile, rng: random.Random) -> Spoilt | None:
    header = file.rows[file.header_at]
    one, other = header.index("Value"), header.index("Median_value")
    header[one], header[other] = header[other], header[one]
    file.about |= {"Value", "Median"}
    return whole(file)


def written(**how: str) -> Kind:
    def spoil(file: OfficialFile, rng: random.Random) -> Spoilt | None:
        if not file.is_text:
            return None
        for name, value in how.items():
            setattr(file, name, value)
        return whole(file)

    return spoil


for name, how in {
    "UTF-16": {"encoding": "utf-16"},
    "Windows-1252": {"encoding": "cp1252"},
    "line feeds": {"line_end": "\n"},
    "carriage returns": {"line_end": "\r"},
    "semicolons": {"separator": ";"},
    "tabs": {"separator": "\t"},
}.items():
    KINDS[f"written with {name}"] = written(**how)
