"""Lets Great Expectations judge a frame, and sees to it that what was declared is what was judged.

The only module that imports Great Expectations, and only once something is to be judged: the import takes
seconds, and every way into the package (also `great_expectations.core`) runs all of it.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagster_project.gates.outcome import BrokenGateError
from dagster_project.gates.suites import Expectation, Suite

if TYPE_CHECKING:
    import pandas as pd

# These look at each row by itself, so one pass over the rows of all quarters serves every quarter; any other
# type (sums, counts, uniqueness) is judged quarter by quarter.
ROW_BY_ROW = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_pair_values_to_be_in_set",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
    }
)


@dataclass(frozen=True)
class Judgement:
    """What an expectation found in the rows of one quarter; `rows` are positions of the unexpected ones."""

    success: bool
    observed: str
    rows: tuple[int, ...] = ()
    unexpected: int = 0


class Judge:
    """A Great Expectations context in memory, for the frames of one gate."""

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        # Where pyspark is installed, Great Expectations imports it, which warns of a newer pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        # This module sets a level of its own when it is imported, and tells of every temporary folder.
        logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
        self._gx = gx
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        self._batches = (
            context.data_sources.add_pandas("gate")
            .add_dataframe_asset("subject")
            .add_batch_definition_whole_dataframe("all")
        )

    def judge(
        self, suite: Suite, frame: pd.DataFrame, quarters: Sequence[str]
    ) -> dict[tuple[str, str], Judgement]:
        """One judgement per quarter and expectation name.

        `frame` has a column quarter and is numbered from 0. Raises BrokenGateError when an expectation isn't
        known, isn't complete, wasn't judged, or when Great Expectations raised.
        """
        row_by_row = [e for e in suite.expectations if e.type in ROW_BY_ROW and "mostly" not in e.arguments]
        as_a_whole = [e for e in suite.expectations if e not in row_by_row]
        judgements: dict[tuple[str, str], Judgement] = {}
        if row_by_row:
            results = self._validate(suite, row_by_row, frame)
            for expectation in row_by_row:
                found = results[expectation.name]
                for quarter, judgement in _by_quarter(suite, expectation, found, frame, quarters).items():
                    judgements[quarter, expectation.name] = judgement
        for quarter in quarters if as_a_whole else ():
            of_the_quarter = frame[frame["quarter"] == quarter]
            results = self._validate(suite, as_a_whole, of_the_quarter.reset_index(drop=True))
            for expectation in as_a_whole:
                judgements[quarter, expectation.name] = _whole(
                    results[expectation.name], list(of_the_quarter.index)
                )
        return judgements

    def _validate(
        self, suite: Suite, expectations: Sequence[Expectation], frame: pd.DataFrame
    ) -> dict[str, Any]:
        """Great Expectations' result of each expectation, by name."""
        declared = self._gx.ExpectationSuite(
            name=suite.suite, expectations=[self._expectation(suite, e) for e in expectations]
        )
        batch = self._batches.get_batch(batch_parameters={"dataframe": frame})
        with warnings.catch_warnings(), _configured_once():
            warnings.simplefilter("ignore")
            validation = batch.validate(
                declared, result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False}
            )
        # It drops what it doesn't know with a log line only, and gives results in an order of its own.
        configured = [(result.expectation_config, result) for result in validation.results]
        judged = {config.meta["name"]: result for config, result in configured if config and config.meta}
        types = {config.meta["name"]: config.type for config, _ in configured if config and config.meta}
        if types != {e.name: e.type for e in expectations} or len(validation.results) != len(expectations):
            names = ", ".join(sorted(e.name for e in expectations))
            raise BrokenGateError(
                f"suite {suite.suite}: expected judgements on {names}; "
                f"found {', '.join(sorted(types)) or 'none'}."
            )
        for name, result in judged.items():
            _refuse_exception(suite, name, result.exception_info)
        return judged

    def _expectation(self, suite: Suite, declared: Expectation) -> Any:
        import great_expectations.expectations as core

        where = f"suite {suite.suite}, {declared.name}"
        kind = getattr(core, "".join(part.capitalize() for part in declared.type.split("_")), None)
        if kind is None:
            raise BrokenGateError(
                f"{where}: expected a core expectation of Great Expectations; found {declared.type}. "
                "Correct its spelling."
            )
        try:
            return kind(**declared.arguments, meta={"name": declared.name}, severity=declared.severity)
        except Exception as error:
            raise BrokenGateError(
                f"{where}: {declared.type} doesn't take these arguments: {error}"
            ) from error


@contextmanager
def _configured_once() -> Iterator[None]:
    """Keeps each expectation's configuration while it is judged.

    Great Expectations makes it anew whenever it looks at it, a hundred times and more for each expectation, which takes
    it longer than judging.
    """
    from great_expectations.expectations.expectation import Expectation as Core

    made: dict[int, tuple[Any, Any]] = {}
    undo: Any = Core
    make: property = undo.configuration

    def configuration(expectation: Any) -> Any:
        # With the expectation itself: of one that is gone, another could have the number.
        if id(expectation) not in made:
            made[id(expectation)] = expectation, make.__get__(expectation)
        return made[id(expectation)][1]

    undo.configuration = property(configuration)
    try:
        yield
    finally:
        undo.configuration = make


def _refuse_exception(suite: Suite, name: str, exception_info: Mapping[str, Any] | None) -> None:
    """Raises BrokenGateError if Great Expectations raised: it would read as a failure of the data.

    exception_info is one record, or one per metric, each with raised_exception and exception_message.
    """
    info = exception_info or {}
    records = [info] if "raised_exception" in info else list(info.values())
    raised = sorted({str(_field(r, "exception_message")) for r in records if _field(r, "raised_exception")})
    if raised or not records:
        raise BrokenGateError(
            f"suite {suite.suite}, {name}: Great Expectations raised: {'; '.join(raised) or 'nothing said'}"
        )


def _field(record: Any, name: str) -> Any:
    """A field of an exception record, which is a mapping or an object depending on where it was raised."""
    return record.get(name) if isinstance(record, Mapping) else getattr(record, name)


def _by_quarter(
    suite: Suite, expectation: Expectation, found: Any, frame: pd.DataFrame, quarters: Sequence[str]
) -> dict[str, Judgement]:
    """A result over all quarters' rows, told apart by quarter."""
    result = found.result
    rows = result.get("unexpected_index_list")
    if rows is None or result.get("element_count") != len(frame) or bool(rows) == found.success:
        raise BrokenGateError(
            f"suite {suite.suite}, {expectation.name}: expected Great Expectations to name the unexpected "
            f"rows of {len(frame)}; found {result.get('element_count')} rows judged, success {found.success}."
        )
    applies = _rows_it_applies_to(expectation, frame)
    of_row = frame["quarter"].to_numpy()
    judgements = {}
    for quarter in quarters:
        mine = tuple(sorted(int(row) for row in rows if of_row[row] == quarter))
        judged = int(applies[of_row == quarter].sum())
        observed = f"{len(mine)} of {judged} unexpected" if mine else f"{judged} judged, none unexpected"
        judgements[quarter] = Judgement(not mine, observed, mine, len(mine))
    return judgements


def _rows_it_applies_to(expectation: Expectation, frame: pd.DataFrame) -> Any:
    """True for rows with something to judge: only expectations about missing values don't pass over them."""
    columns = [
        str(expectation.arguments[key])
        for key in ("column", "column_A", "column_B")
        if key in expectation.arguments
    ]
    present = frame[columns].notna()
    if expectation.type in {"expect_column_values_to_be_null", "expect_column_values_to_not_be_null"}:
        return present.any(axis="columns").to_numpy() | True
    if expectation.arguments.get("ignore_row_if") == "either_value_is_missing":
        return present.all(axis="columns").to_numpy()
    return present.any(axis="columns").to_numpy()


def _whole(found: Any, positions: Sequence[int]) -> Judgement:
    """A result about all rows of one quarter together; `positions` are theirs in the whole frame."""
    rows = tuple(sorted(positions[row] for row in found.result.get("unexpected_index_list") or ()))
    value = found.result.get("observed_value")
    observed = (
        f"observed {value}" if value is not None else f"{found.result.get('unexpected_count')} unexpected"
    )
    return Judgement(bool(found.success), observed, rows, len(rows))
