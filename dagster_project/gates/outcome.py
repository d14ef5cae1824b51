"""What a gate found: one result per expectation and quarter, and the text a person acts on."""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.errors import ExitCode, LeagueError, ReconciliationDifferent, SuiteFailed

RECONCILIATION_SUITE = "reconciliation"
ROWS_TO_JUDGE = "has_rows_to_judge"


class BrokenGateError(LeagueError):
    """The gate itself couldn't judge: a suite is misdeclared, its SQL fails or Great Expectations raised."""

    exit_code = ExitCode.OUR_FAULT


@dataclass(frozen=True)
class ExpectationResult:
    """What one expectation found in one quarter.

    `observed` is short and the same for the same rows; `examples` holds the first few of `unexpected` rows
    as sentences. `judged` is False where the expectation had no chance: its subject was empty or the gate
    had stopped. `column` is the column of the subject that it is about, if it is about one.
    """

    quarter: str
    gate: str
    suite: str
    expectation: str
    expectation_type: str
    subject: str
    success: bool
    severity: str
    observed: str
    says: str
    examples: tuple[str, ...] = ()
    unexpected: int = 0
    judged: bool = True
    column: str | None = None

    def quality_row(self) -> dict[str, str | bool]:
        """The row of the table `quality_result`; release_id and is_sample are the caller's to add."""
        return {
            "quarter": self.quarter,
            "gate": self.gate,
            "suite": self.suite,
            "expectation": self.expectation,
            "subject": self.subject,
            "success": self.success,
            "observed": self.observed,
            "severity": self.severity,
        }

    def lines(self) -> list[str]:
        """The finding as text: what, what to do, and the rows to look at."""
        lines = [f"{self.suite} / {self.expectation} ({self.severity}): {self.observed}", f"  {self.says}"]
        lines += [f"  - {example}" for example in self.examples]
        more = self.unexpected - len(self.examples)
        if self.examples and more > 0:
            lines.append(f"  ... and {more} more")
        return lines


@dataclass(frozen=True)
class GateOutcome:
    """What one gate found in the quarters in scope: by quarter, then as suites and declarations go."""

    gate: str
    results: tuple[ExpectationResult, ...]

    @property
    def passed(self) -> bool:
        """True when nothing critical failed; a warning never blocks."""
        return not self.failures

    @property
    def failures(self) -> tuple[ExpectationResult, ...]:
        """What blocks: critical expectations that don't hold, or couldn't be judged."""
        return tuple(r for r in self.results if not r.success and r.severity == "critical")

    @property
    def warnings(self) -> tuple[ExpectationResult, ...]:
        """What doesn't hold and doesn't block."""
        return tuple(r for r in self.results if not r.success and r.severity == "warning")

    @property
    def only_reconciliation_differs(self) -> bool:
        """True when the one thing that blocks is a figure that differs from the publisher's (exit code 6)."""
        return bool(self.failures) and all(
            r.suite == RECONCILIATION_SUITE and r.expectation != ROWS_TO_JUDGE and r.judged
            for r in self.failures
        )

    def quality_rows(self) -> list[dict[str, str | bool]]:
        """The rows of `quality_result`, in the order of the results."""
        return [result.quality_row() for result in self.results]

    def message(self) -> str:
        """What blocks and what is only worth a look, quarter by quarter."""
        return "\n\n".join(self._of_quarter(quarter) for quarter in sorted({r.quarter for r in self.results}))

    def error(self) -> LeagueError | None:
        """What ends the run: exit code 6 if only the reconciliation differs, else 5; None if passed."""
        if self.passed:
            return None
        kind = ReconciliationDifferent if self.only_reconciliation_differs else SuiteFailed
        return kind(self.message())

    def _of_quarter(self, quarter: str) -> str:
        mine = [r for r in self.results if r.quarter == quarter]
        failures = [r for r in self.failures if r.quarter == quarter and r.judged]
        warnings = [r for r in self.warnings if r.quarter == quarter and r.judged]
        not_judged = sum(not r.success and not r.judged for r in mine)
        if failures:
            lines = [f"Gate {self.gate}, {quarter}: {len(failures)} of {len(mine)} expectations don't hold."]
        else:
            lines = [f"Gate {self.gate}, {quarter}: passed ({len(mine)} expectations)."]
        for result in failures:
            lines += ["", *result.lines()]
        if warnings:
            lines += ["", "Worth a look; this doesn't block:"]
        for result in warnings:
            lines += ["", *result.lines()]
        if not_judged:
            lines += ["", f"{not_judged} further expectations couldn't be judged because of the above."]
        return "\n".join(lines)
