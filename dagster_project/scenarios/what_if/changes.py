"""What is changed: METRIC=VALUE as typed, checked against what the release holds of the organisation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import duckdb

from dagster_project.errors import InputMissing, WrongUsage

OVERRIDE = "OF5004"
_TYPED = re.compile(r"\s*([A-Za-z]{2}[0-9]{4})\s*=\s*(\S+?)\s*")


@dataclass(frozen=True)
class Change:
    """One figure of one organisation: `OF0nnn` a value, `OF1nnn` the score of a score-only metric, `OF5004` the
    override flag (1 or 0)."""

    figure: str
    value: Decimal

    @property
    def metric_id(self) -> str:
        """The metric's id, whichever of its figures is changed."""
        return f"OF0{self.figure[3:]}"


def typed_changes(texts: Sequence[str]) -> list[Change]:
    """The changes as typed; raises WrongUsage for what isn't METRIC=VALUE or names a figure twice."""
    changes = []
    for text in texts:
        typed = _TYPED.fullmatch(text)
        if typed is None:
            raise WrongUsage(f"{text!r}: expected METRIC=VALUE, such as OF0013=78.5.")
        try:
            value = Decimal(typed[2].removesuffix("%"))
        except InvalidOperation:
            raise WrongUsage(f"{text!r}: expected a number after '=', such as OF0013=78.5.") from None
        if not value.is_finite():
            raise WrongUsage(f"{text!r}: expected a number after '=', such as OF0013=78.5.")
        changes.append(Change(typed[1].upper(), value))
    figures = [change.figure for change in changes]
    twice = sorted({figure for figure in figures if figures.count(figure) > 1})
    if twice:
        raise WrongUsage(f"{twice[0]} is given twice: give it one value.")
    return changes


def refuse_what_cannot_change(
    connection: duckdb.DuckDBPyConnection, organisation: str, changes: Sequence[Change]
) -> None:
    """Raises WrongUsage or InputMissing where a change has nothing to work on; reads `released.*`.

    A value in a pool that isn't wholly loaded gives no score, and a score can be changed only where no value
    is published.
    """
    metrics = {
        row[0]: bool(row[1])
        for row in connection.execute(
            "select metric_id, value is not null from released.metric_score "
            "where organisation_code = ? order by metric_id",
            [organisation],
        ).fetchall()
    }
    for change in changes:
        if change.figure == OVERRIDE:
            _refuse_unless(change, change.value in (0, 1), "1 (the override holds) or 0 (it doesn't)")
            continue
        if change.metric_id not in metrics or change.figure[2] not in "01":
            known = ", ".join(sorted(metrics))
            raise WrongUsage(
                f"{organisation} has no figure {change.figure} in this release. Its metrics are {known}; "
                f"{OVERRIDE} is the override flag."
            )
        has_value = metrics[change.metric_id]
        if change.figure.startswith("OF1") and has_value:
            raise WrongUsage(
                f"{change.metric_id} has a published value, from which its score follows: change {change.metric_id}."
            )
        if change.figure.startswith("OF0") and not has_value:
            raise WrongUsage(f"{change.figure} is published as a score only: change OF1{change.figure[3:]}.")
        if change.figure.startswith("OF1"):
            best, worst = _scale(connection)
            _refuse_unless(
                change, best <= change.value <= worst, f"a score from {best} (best) to {worst} (worst)"
            )


def refuse_incomplete_pools(connection: duckdb.DuckDBPyConnection, changes: Sequence[Change]) -> None:
    """Raises InputMissing where a changed value is ranked in a pool of which a table isn't loaded; reads
    `scenario.scenario_figure`."""
    for change in changes:
        held_back = connection.execute(
            "select 1 from scenario.scenario_figure where metric_id = ? and not is_whole limit 1",
            [change.metric_id],
        ).fetchone()
        if held_back and change.figure.startswith("OF0"):
            raise InputMissing(
                f"{change.figure} is ranked in a pool that isn't wholly loaded in this release, so another value "
                "gives no score. Release the quarter with the files of every table first."
            )


def _scale(connection: duckdb.DuckDBPyConnection) -> tuple[Decimal, Decimal]:
    """The best and the worst score of any rule."""
    row = connection.execute(
        "select min(coalesce(score_if_met, score_best)), max(coalesce(score_if_failed, score_worst)) "
        "from methodology.metric_rule"
    ).fetchone()
    assert row is not None
    return Decimal(row[0]), Decimal(row[1])


def _refuse_unless(change: Change, holds: bool, expected: str) -> None:
    if not holds:
        raise WrongUsage(f"{change.figure}={change.value}: expected {expected}.")
