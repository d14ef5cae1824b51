"""Twenty quarters of fictional files: the sample's first year, and the same year again under later dates."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from dagster_project.quarters import Quarter
from dagster_project.sample import generate_sample
from dagster_project.settings import METHODOLOGY_DIR

FRAMEWORK = "2025-26"
FIRST = Quarter(2025, 1)
# A year as the files write it: 2025/26, 2024-25, 25/26, Jun-25, 2024.
_YEARS = re.compile(r"(?<![\d.])(20)?(2[3-6])(?:([/-])(2[4-7]))?(?![\d.])")


def write_years(folder: Path, years: int) -> list[Quarter]:
    """Writes `folder`/extracts and `folder`/rules for that many years from 2025/26 on; returns their quarters."""
    quarters = [FIRST.shifted(number) for number in range(4)]
    sample = generate_sample(folder / "sample", quarters=quarters)
    for year in range(years):
        for file in sample.extracts.rglob("*.csv"):
            target = folder / "extracts" / str(2025 + year) / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_later(file.read_text("utf-8"), year), "utf-8", newline="")
    _write_rules(folder / "rules", FIRST.shifted(4 * years - 1))
    return [FIRST.shifted(number) for number in range(4 * years)]


def _later(text: str, years: int) -> str:
    """The dates in quarter and reporting date `years` later; other columns hold no year."""
    if not years:
        return text
    lines = text.split("\n")
    names = next(csv.reader([lines[0].removeprefix("\ufeff")]))
    dated = [number for number, name in enumerate(names) if name.casefold() in ("quarter", "reporting_date")]
    shifted = [lines[0]]
    for line in lines[1:]:
        if line:
            cells = next(csv.reader([line.rstrip("\r")]))
            for number in dated:
                new = _YEARS.sub(lambda found: _shifted(found, years), cells[number])
                line = line.replace(cells[number], new, 1) if new != cells[number] else line
        shifted.append(line)
    return "\n".join(shifted)


def _shifted(found: re.Match[str], years: int) -> str:
    century, first, sign, second = found.groups()
    later = f"{century or ''}{int(first) + years:02d}"
    return later if sign is None else f"{later}{sign}{int(second) + years:02d}"


def _write_rules(folder: Path, last: Quarter) -> None:
    """The sample's first framework, valid until `last`; the others wait until after it."""
    folder.mkdir(parents=True)
    for file in sorted(METHODOLOGY_DIR.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as source:
            reader = csv.DictReader(source)
            rows = list(reader)
        if not {"from_quarter", "to_quarter", "framework"} <= set(reader.fieldnames or ()):
            continue
        for row in rows:
            if row["framework"] == FRAMEWORK and row["to_quarter"] == "2025-26-Q4":
                row["to_quarter"] = str(last)
            elif row["framework"] != FRAMEWORK:
                for name in ("from_quarter", "to_quarter"):
                    if row[name]:
                        row[name] = str(Quarter.from_canonical(row[name]).shifted(4 * 40))
        with (folder / file.name).open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, reader.fieldnames or (), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
