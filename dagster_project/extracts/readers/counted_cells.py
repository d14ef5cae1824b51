"""From the counted cells of a statistic to its rows: missing marks, exact numbers, nothing counted twice.

A cell without a count becomes a row without value and with the reason, so that no sum leaves it out in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records
from dagster_project.extracts.readers.months import quarter_of
from dagster_project.extracts.readers.organisation_codes import (
    NOT_KNOWN_AS_TRUST,
    code_of,
    is_sample_file,
    is_trust_by_form,
    why_no_trust,
)
from dagster_project.extracts.readers.outcome import ReadStatistic, SetAside, set_aside_frame

if TYPE_CHECKING:
    import pandas as pd

Mark = Literal["missing", "zero", "suppressed", "not_applicable"]
Marks = Mapping[str, Mark]

# What publishers write where there is no count. A source adds its own and says what `-` means in it.
USUAL_MARKS: Marks = {
    "*": "suppressed",
    "**": "suppressed",
    ".": "missing",
    ":": "missing",
    "[c]": "suppressed",
    "[x]": "missing",
    "[z]": "not_applicable",
    "n/a": "not_applicable",
    "na": "missing",
    "null": "missing",
}
_KEY = ["period", "organisation_code", "measure", "category"]
# What one organisation returned together: the counts above and below the line of one service or type.
_TOGETHER = ["period", "organisation_code", "category"]
_FETCH_AGAIN = "Compare that cell with the publisher's file, and download the file again."


@dataclass
class CountedCells:
    """The cells of one file as they are found: call `add` for each column, then `read` once.

    `marks` maps a text in lower case to what it means in this source. A cell without a count is set aside, and
    becomes a row with the reason instead of a value: whatever is made of that organisation's counts lacks it.
    Only what was never returned leaves no row: where the source says that there is nothing to count, or (if
    `blanks_are_usual`) leaves the cell blank, in all measures of an organisation's service or type alike. A
    blank beside a count is a hole.
    """

    source: str
    file_name: str
    extract_id: str
    marks: Marks
    blanks_are_usual: bool = False
    notes: list[str] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    _frames: list[pd.DataFrame] = field(default_factory=list)
    _blank: int = 0
    _finer: int = 0
    _usual_blanks: list[tuple[tuple[str, str, str], SetAside]] = field(default_factory=list)

    def add(
        self,
        records: Records,
        key: str,
        measure: str,
        *,
        codes: Sequence[str],
        names: Sequence[str | None] | None,
        periods: Sequence[str],
        categories: Sequence[str | None] | str | None,
        sheet: str | None = None,
    ) -> None:
        """Takes one column of the records of trusts; every other argument has one entry per record.

        Raises InputRejected for a cell that is neither a count nor one of the marks.
        """
        # Whoever asks only where a file's counts stand does without pandas: half a second.
        import pandas as pd

        shown = [text.folded(cell) for cell in records.columns[key]]
        values = self._numbers(records, key, shown)
        missing = [at for at, value in enumerate(values) if value is None]
        reasons: list[str | None] = [None] * len(records)
        is_absent = [False] * len(records)
        for at in missing:
            reasons[at] = self._why_missing(records, key, at, shown[at], sheet)
            is_absent[at] = self._can_be_absent(shown[at])
        cells = pd.DataFrame(
            {
                "sheet": sheet,
                "source_row": records.lines,
                "source_column": records.header[key],
                "period": periods,
                "organisation_code": codes,
                "organisation_name": [None] * len(records) if names is None else names,
                "measure": measure,
                "category": categories,
                "value_text": shown,
                "value": pd.Series(values, dtype=object),
                "missing_reason": pd.Series(reasons, dtype=object),
                "is_absent": is_absent,
            }
        )
        self._note_missing(records, cells.iloc[missing])
        self._frames.append(cells)

    def read(
        self,
        raw: bytes | Path,
        *,
        records: int,
        is_sample: bool,
        periods: Sequence[str],
        unproven: Sequence[SetAside],
    ) -> ReadStatistic:
        """Everything added, as what the reader hands on; raises InputRejected for a cell counted twice."""
        rows = self._rows()
        if self._blank:
            self.notes.append(f"{self._blank} cells are blank: nothing was returned for them")
        if self._finer:
            self.notes.append(
                f"{self._finer} counts have more than {text.DECIMAL_PLACES} places: rounded half-up"
            )
        months = tuple(sorted(set(periods)))
        return ReadStatistic(
            extract_id=self.extract_id,
            file_name=self.file_name,
            source=self.source,
            periods=months,
            quarters=tuple(sorted(set(map(quarter_of, months)))),
            is_sample=is_sample,
            size=len(raw) if isinstance(raw, bytes) else raw.stat().st_size,
            records=records,
            statistic_row=rows,
            row_set_aside=set_aside_frame(self.extract_id, self.file_name, self.set_aside),
            row_unproven=set_aside_frame(self.extract_id, self.file_name, unproven),
            notes=tuple(self.notes),
        )

    def _numbers(self, records: Records, key: str, shown: list[str]) -> list[Decimal | None]:
        known: dict[str, Decimal | None] = {}
        for position, cell in enumerate(shown):
            if cell not in known:
                known[cell] = self._number(records, key, position, cell)
                self._finer += known[cell] is not None and text.is_finer(cell)
        return [known[cell] for cell in shown]

    def _number(self, records: Records, key: str, position: int, cell: str) -> Decimal | None:
        if not cell:
            return None
        mark = self.marks.get(cell.casefold())
        if mark is not None:
            return Decimal(0) if mark == "zero" else None
        try:
            value = text.number(cell)
        except ValueError:
            value = Decimal(-1)
        if value < 0:
            marks = ", ".join(map(repr, self.marks))
            records.reject(position, key, expected=f"a count such as 12 or 12.5, or a mark ({marks})")
        return value

    def _can_be_absent(self, cell: str) -> bool:
        return self.blanks_are_usual if not cell else self.marks.get(cell.casefold()) == "not_applicable"

    def _meaning(self, cell: str) -> str:
        if not cell:
            return "the count is blank"
        return f"the count is {cell!r}: {self.marks[cell.casefold()].replace('_', ' ')}"

    def _why_missing(self, records: Records, key: str, at: int, cell: str, sheet: str | None) -> str:
        where = self.file_name if sheet is None else f"{self.file_name} ({sheet})"
        return f"{where}, row {records.lines[at]}, column {records.header[key]}: {self._meaning(cell)}"

    def _note_missing(self, records: Records, cells: pd.DataFrame) -> None:
        """Cells without a count are set aside; usual blanks wait until it is known which are holes."""
        for row in cells.itertuples():
            at = int(str(row.Index))
            shown, code = str(row.value_text), str(row.organisation_code)
            aside = SetAside(
                records.lines[at], code, str(row.measure), self._meaning(shown), records.raw_lines[at]
            )
            if shown or not self.blanks_are_usual:
                self.set_aside.append(aside)
            else:
                self._usual_blanks.append(((str(row.period), code, str(row.category)), aside))

    def _without_absent(self, cells: pd.DataFrame) -> pd.DataFrame:
        """The cells but for what was never returned; blanks that are holes are set aside."""
        if not bool(cells["is_absent"].any()):
            return cells
        together = [cells[column].astype("str") for column in _TOGETHER]
        is_absent = cells["is_absent"].groupby(together).transform("all")
        holes = dict.fromkeys(zip(*(column[~is_absent].tolist() for column in together), strict=True))
        for key, aside in self._usual_blanks:
            if key in holes:
                self.set_aside.append(aside)
            else:
                self._blank += 1
        return cells[~is_absent]

    def _rows(self) -> pd.DataFrame:
        import pandas as pd

        from dagster_project.extracts.rows import STATISTIC_ROW, concatenated, frame_of

        cells = pd.concat(self._frames, ignore_index=True) if self._frames else pd.DataFrame()
        if cells.empty:
            return concatenated([], STATISTIC_ROW)
        self._refuse_twice(cells)
        cells = self._without_absent(cells).drop(columns="is_absent")
        if cells.empty:
            return concatenated([], STATISTIC_ROW)
        quarters = {period: quarter_of(period) for period in cells["period"].unique().tolist()}
        columns = {str(name): cells[name].tolist() for name in cells.columns}
        rows = frame_of(
            {
                **columns,
                "extract_id": [self.extract_id] * len(cells),
                "source": [self.source] * len(cells),
                "quarter": [quarters[period] for period in columns["period"]],
            },
            STATISTIC_ROW,
        )
        return concatenated([rows], STATISTIC_ROW)

    def _refuse_twice(self, cells: pd.DataFrame) -> None:
        key = cells[_KEY].assign(category=cells["category"].astype("str").str.casefold())
        twice = key.duplicated()
        if not bool(twice.any()):
            return
        at = int(twice.to_numpy().argmax())
        second = cells.iloc[at]
        first = cells[(key == key.iloc[at]).all(axis=1)].iloc[0]
        raise InputRejected(
            file=self.file_name,
            row=int(second["source_row"]),
            column=str(second["source_column"]),
            expected="each count of an organisation once",
            found=f"{second['organisation_code']}, {second['period']}, {second['category']} a second time "
            f"(first in row {first['source_row']})",
            remedy=_FETCH_AGAIN,
        )


@dataclass(frozen=True)
class TrustRows:
    """The records of NHS trusts, with their codes; `positions` are those among all records given.

    `unproven` has those whose code independent sites can have as well, as they are to be set aside where nothing
    else read says that they are trusts.
    """

    records: Records
    positions: list[int]
    codes: list[str]
    is_sample: bool
    unproven: list[SetAside]


def trust_rows(
    records: Records,
    code_key: str,
    set_aside: list[SetAside],
    reasons: Sequence[str | None] | None = None,
    *,
    name_key: str | None,
) -> TrustRows:
    """Keeps the records of NHS trusts and adds the others to `set_aside` with the reason.

    `reasons` says, per record, what the file itself tells of rows that are no trust's; `name_key` is the column
    of names, if the file has one: they say whether the trusts are invented. Records whose code alone doesn't
    say that they are a trust's are kept and listed in `unproven`. Raises InputRejected where invented and
    real organisations stand in one file.
    """
    codes = [code_of(cell) for cell in records.columns[code_key]]
    by_code = {code: why_no_trust(code) for code in set(codes)}
    kept: list[int] = []
    for position, code in enumerate(codes):
        reason = (reasons[position] if reasons else None) or by_code[code]
        if reason is None:
            kept.append(position)
            continue
        raw_line = records.raw_lines[position]
        if not code and not raw_line.strip(' ,"'):
            reason = "blank line"
        set_aside.append(SetAside(records.lines[position], code or None, None, reason, raw_line))
    trusts = records.kept(kept)
    return TrustRows(
        records=trusts,
        positions=kept,
        codes=[codes[position] for position in kept],
        is_sample=is_sample_file(trusts, name_key),
        unproven=[
            SetAside(records.lines[at], codes[at], None, NOT_KNOWN_AS_TRUST, records.raw_lines[at])
            for at in kept
            if not is_trust_by_form(codes[at])
        ],
    )


def parsed_names(records: Records, key: str) -> list[str | None]:
    """Organisations' names with their spaces folded."""
    return records.parsed(key, text.folded_or_none)
