"""Renders what the gates found as one static page: offline, escaped, the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dagster_project.gates.outcome import ExpectationResult
from dagster_project.gates.suites import GATES

LICENCE = "Contains public sector information licensed under the Open Government Licence v3.0."
_TEMPLATE = "quality_page.html.j2"
_GATE_NAMES = {
    "extracts": "Extracts: what was read",
    "metrics": "Metrics: what was measured",
    "league_tables": "League tables: what is to be released",
}


@dataclass(frozen=True)
class _GateSection:
    quarter: str
    gate: str
    results: tuple[ExpectationResult, ...]

    @property
    def name(self) -> str:
        return _GATE_NAMES.get(self.gate, self.gate)

    @property
    def findings(self) -> tuple[ExpectationResult, ...]:
        """What a person should read: failures and warnings that were really judged."""
        return tuple(result for result in self.results if not result.success and result.judged)

    @property
    def verdict(self) -> str:
        blocking = sum(not result.success and result.severity == "critical" for result in self.results)
        warnings = sum(not result.success and result.severity == "warning" for result in self.results)
        noted = f", {warnings} worth a look" if warnings else ""
        if blocking:
            return f"Closed: {blocking} of {len(self.results)} expectations don't hold{noted}."
        return f"Passed: {len(self.results)} expectations{noted}."


@dataclass(frozen=True)
class _QuarterSection:
    quarter: str
    is_sample: bool
    gates: tuple[_GateSection, ...]


def render_quality_page(results: Iterable[ExpectationResult], *, is_sample: Mapping[str, bool]) -> bytes:
    """The page in UTF-8 with LF ends, by quarter and gate; `is_sample` says what each quarter is made of.

    Raises ValueError when a quarter isn't in `is_sample`: a page mustn't leave open whether it is fictional.
    """
    results = tuple(results)
    unknown = sorted({result.quarter for result in results} - set(is_sample))
    if unknown:
        raise ValueError(f"is_sample doesn't say whether these are fictional: {', '.join(unknown)}")
    sections = tuple(
        _QuarterSection(quarter, is_sample[quarter], _gate_sections(quarter, results))
        for quarter in sorted({result.quarter for result in results})
    )
    page = _environment().get_template(_TEMPLATE).render(sections=sections, licence=LICENCE)
    return page.encode("utf-8")


def _gate_sections(quarter: str, results: tuple[ExpectationResult, ...]) -> tuple[_GateSection, ...]:
    mine = [result for result in results if result.quarter == quarter]
    in_order = sorted(
        {r.gate for r in mine}, key=lambda gate: (GATES.index(gate) if gate in GATES else 9, gate)
    )
    return tuple(_GateSection(quarter, gate, tuple(r for r in mine if r.gate == gate)) for gate in in_order)


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
    )
