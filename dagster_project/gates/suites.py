"""Reads the suites of expectations/ and refuses what isn't declared as it should be."""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from dagster_project.gates.outcome import ROWS_TO_JUDGE, BrokenGateError
from dagster_project.runs.flow import gates
from dagster_project.strict_yaml import strict_yaml

GATES = tuple(gate.name for gate in gates())

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
ExpectationType = Annotated[str, StringConstraints(pattern=r"^expect_[a-z0-9_]+$")]
Sentence = Annotated[str, StringConstraints(min_length=20, strip_whitespace=True)]


class Expectation(BaseModel):
    """One expectation: `type` is a core expectation of Great Expectations, `arguments` are its own.

    `says` tells a person what went wrong and what to do; `example` is a sentence about one unexpected row,
    with the frame's columns in braces.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    type: ExpectationType
    arguments: dict[str, object]
    severity: Literal["critical", "warning"]
    says: Sentence
    example: Sentence

    @model_validator(mode="after")
    def _has_a_plain_example(self) -> Expectation:
        for _, field, spec, conversion in Formatter().parse(self.example):
            if field is not None and (not field.isidentifier() or spec or conversion):
                raise ValueError(
                    f"{self.name}: example may hold plain column names in braces, not {{{field}}}"
                )
        if self.name == ROWS_TO_JUDGE:
            raise ValueError(f"{ROWS_TO_JUDGE} stands for the suite's `empty: fails`; choose another name")
        return self


class Suite(BaseModel):
    """One suite about one frame; `subject` names the frame and its SQL file beside the suite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: Name
    purpose: Sentence
    subject: Name
    empty: Literal["fails", "passes"]
    says_if_empty: Sentence
    stops_the_gate: bool = False
    expectations: tuple[Expectation, ...]

    @model_validator(mode="after")
    def _has_distinct_expectations(self) -> Suite:
        names = [expectation.name for expectation in self.expectations]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"expectations named twice: {', '.join(repeated)}")
        if not names:
            raise ValueError("a suite without expectations passes whatever comes")
        return self


def load_suites(expectations_dir: Path, gate: str) -> list[Suite]:
    """The suites of a gate: those that may stop it first, then by name.

    Raises BrokenGateError when the gate has no suite, a file isn't a suite or a subject has no SQL file.
    """
    folder = expectations_dir / gate
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise BrokenGateError(
            f"gate {gate}: expected suites (*.yml) in {folder}; found none. Restore them from git."
        )
    suites = [_load_suite(file) for file in files]
    return sorted(suites, key=lambda suite: (not suite.stops_the_gate, suite.suite))


def subject_file(expectations_dir: Path, gate: str, suite: Suite) -> Path:
    """The SQL file that makes the suite's frame."""
    return expectations_dir / gate / f"{suite.subject}.sql"


def _load_suite(file: Path) -> Suite:
    where = f"{file.parent.name}/{file.name}"
    try:
        suite = Suite.model_validate(strict_yaml(file.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise BrokenGateError(f"{where}: not a suite with the fields of gates/suites.py: {error}") from error
    if suite.suite != file.stem:
        raise BrokenGateError(
            f"{where}: expected suite: {file.stem}; found suite: {suite.suite}. Give both one name."
        )
    if not (file.parent / f"{suite.subject}.sql").is_file():
        raise BrokenGateError(
            f"{where}: expected {suite.subject}.sql beside it; found no such file. Add the subject's SQL."
        )
    return suite
