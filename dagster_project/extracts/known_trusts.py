"""Which organisations of a statistic are NHS trusts: those by whose code it is plain, and those that something names.

A code of five characters can be a trust's, a board's or an independent site's. It is a trust's where the
framework's files of the quarter, a list of organisations, the seed of successors or the releases at hand say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dagster_project.extracts.readers.organisation_codes import (
    ICB,
    NOT_KNOWN_AS_TRUST,
    TRUST,
    is_trust_by_form,
    successors,
)
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.rows import ROW_SET_ASIDE, concatenated, empty_frame

_PLACE = ["extract_id", "source_row"]


def _no_rows() -> pd.DataFrame:
    return empty_frame(ROW_SET_ASIDE).assign(quarter=pd.Series(dtype="str"))


@dataclass(frozen=True)
class UnknownRows:
    """The rows set aside as their organisations aren't known as trusts: `ROW_SET_ASIDE` and the row's quarter."""

    with_quarter: pd.DataFrame = field(default_factory=_no_rows)

    @property
    def rows(self) -> pd.DataFrame:
        return self.with_quarter.drop(columns="quarter")

    def only_of(self, quarters: Collection[str], set_aside: pd.DataFrame) -> pd.DataFrame:
        """`set_aside` without such rows of other quarters: who is known in one quarter tells nothing of another."""
        others = self.with_quarter[~self.with_quarter["quarter"].isin(list(quarters))]
        if others.empty:
            return set_aside
        places = pd.MultiIndex.from_frame(others[_PLACE])
        dropped = (set_aside["reason"] == NOT_KNOWN_AS_TRUST) & pd.MultiIndex.from_frame(
            set_aside[_PLACE]
        ).isin(places)
        return set_aside[~dropped].reset_index(drop=True)


@dataclass(frozen=True)
class KnownTrusts:
    """Codes by quarter from the framework's files of it, and codes that are known whatever the quarter."""

    by_quarter: Mapping[str, frozenset[str]]
    always: frozenset[str]

    @classmethod
    def told_by(
        cls, framework_rows: pd.DataFrame, organisations: pd.DataFrame, more: Iterable[str]
    ) -> KnownTrusts:
        """`framework_rows` are extract rows, `organisations` the lists loaded, `more` what releases name."""
        trusts = framework_rows[framework_rows["table_name"] != ICB]
        listed = organisations[organisations["organisation_kind"] == TRUST]
        return cls(
            {
                str(quarter): frozenset(codes)
                for quarter, codes in trusts.groupby("quarter")["organisation_code"]
            },
            frozenset({*listed["organisation_code"], *successors(), *more}),
        )

    def sorted_out(
        self, statistics: pd.DataFrame, files: Sequence[ReadStatistic]
    ) -> tuple[pd.DataFrame, UnknownRows]:
        """The rows of trusts alone, and the records of all others."""
        unproven = concatenated([file.row_unproven for file in files], ROW_SET_ASIDE)
        if unproven.empty:
            return statistics, UnknownRows()
        quarters = pd.concat([file.statistic_row for file in files])[[*_PLACE, "quarter"]].drop_duplicates(
            _PLACE
        )
        # What a reader found no count in, it has set aside itself.
        unproven = unproven.merge(quarters, on=_PLACE, how="inner")
        known = [
            self._knows(code, quarter)
            for code, quarter in zip(unproven["organisation_code"], unproven["quarter"], strict=True)
        ]
        is_trust = {
            pair: self._knows(*pair)
            for pair in set(zip(statistics["organisation_code"], statistics["quarter"], strict=True))
        }
        stays = [
            is_trust[pair]
            for pair in zip(statistics["organisation_code"], statistics["quarter"], strict=True)
        ]
        unknown = unproven[[not one for one in known]].reset_index(drop=True)
        return statistics[stays].reset_index(drop=True), UnknownRows(unknown)

    def _knows(self, code: str, quarter: object) -> bool:
        """A quarter without framework files, which no run scores, goes by those of all quarters at hand."""
        if is_trust_by_form(code) or code in self.always:
            return True
        if quarter in self.by_quarter:
            return code in self.by_quarter[str(quarter)]
        return any(code in codes for codes in self.by_quarter.values())


def carrying_other_names(named: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """(file name, words) for each code that stands beside the name that all other files give another code.

    `named` are frames with organisation_code and organisation_name by file name. Codes that were exchanged leave
    every sum as it was; a name that only changed is no other code's.
    """
    pairs = {file: _codes_and_names(frame) for file, frame in named.items()}
    by_name: dict[str, dict[str, set[str]]] = {}
    for file, found in pairs.items():
        for code, name, _ in found:
            by_name.setdefault(name, {}).setdefault(code, set()).add(file)
    told = []
    for file, found in pairs.items():
        times = Counter(name for _, name, _ in found)
        for code, name, shown in sorted(found):
            if times[name] > 1:
                continue
            others = sorted(
                other for other, files in by_name[name].items() if other != code and files - {file}
            )
            if others and not by_name[name][code] - {file}:
                told.append(
                    (
                        file,
                        f"{code} stands beside {shown!r}, which is the name of {', '.join(others)} elsewhere",
                    )
                )
    return told


def _codes_and_names(frame: pd.DataFrame) -> set[tuple[str, str, str]]:
    distinct = frame[["organisation_code", "organisation_name"]].dropna().drop_duplicates()
    return {
        (code, "".join(filter(str.isalnum, name.casefold())), name)
        for code, name in zip(distinct["organisation_code"], distinct["organisation_name"], strict=True)
    }
