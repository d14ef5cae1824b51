"""What a run is asked for, said once: command options, Dagster's configuration and the run's record follow from it.

How the command or Dagster shows a field isn't here: `commands/run.py`, `assets/quarterly_run_resource.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import release_id_of
from dagster_project.settings import DataFolder

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_of(text: str, *, option: str = "--as-of") -> date:
    """The day of an option; raises WrongUsage unless it is written as 2025-09-30."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise WrongUsage(f"{option} is a day such as 2025-09-30, not {text!r}.")


def reason_of(text: str) -> str:
    """The reason of --accept-fewer on one line; raises WrongUsage where it says nothing."""
    reason = " ".join(text.split())
    if not reason:
        raise WrongUsage("Say why with --accept-fewer: whoever uses the release will read it.")
    return reason


class RunRequest(BaseModel):
    """One run. Every field but `quarters`, which are a Dagster run's partitions, is configuration of that name, with
    its description there. Raises WrongUsage where fields contradict each other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quarters: tuple[Quarter, ...]
    extracts_dir: Path | None = Field(
        default=None,
        description="Folder of extracts as downloaded, such as /data/downloads/2025-26-Q1. Without it, the archive "
        "of the data folder is read: in a fictional one, the sample's files",
    )
    sample: bool = Field(
        default=False, description="Generate the fictional sample anew and use it: true or false"
    )
    # Automation only, where a test's publisher served them.
    archived_sample: bool = Field(
        default=False,
        description="Read the fictional files of the archive, not the official ones; a fictional data folder is read "
        "so anyway",
    )
    as_of: Annotated[
        date | None, BeforeValidator(lambda given: day_of(given) if isinstance(given, str) else given)
    ] = Field(
        default=None,
        description="Read the archive as it was at the end of this day (UTC), such as 2025-09-30",
    )
    release: str | None = Field(
        default=None,
        description="Id of an old release of the one quarter, such as 0dcd8d8e0f01630c, to make again from the "
        "extracts it used",
    )
    # `league rebuild` alone; figures may change although only the code has, as its diff is shown before.
    rebuild: bool = Field(
        default=False, description="With `release` and `hold`: under the code, rules and versions of now"
    )
    # In place of the one that is current.
    follows: str | None = Field(
        default=None, description="With `rebuild`: the release of the quarter before to follow"
    )
    scale: int = Field(
        default=1, description="With `sample`: times as many organisations of each table, such as 10"
    )
    rules_dir: Path | None = Field(
        default=None,
        description="Folder of a year's own rules, such as /data/rules/2027-28; `league rules check` reads it",
    )
    dry_run: bool = Field(default=False, description="Do all but publish: true or false")
    hold: bool = Field(
        default=False, description="Write the releases, but make none current until somebody else approves"
    )
    by: str | None = Field(
        default=None, description="Who asks for the run; empty is LEAGUE_PERSON or the system's user"
    )
    accept_fewer: Annotated[
        str | None, AfterValidator(lambda given: None if given is None else reason_of(given))
    ] = Field(
        default=None,
        description="Why a release may hold fewer tables, organisations or metrics than the one it replaces; the "
        "journal keeps it. Empty refuses such a release",
    )
    threads: int = Field(default=2, description="Threads of dbt, such as 4")

    @classmethod
    def configurable(cls) -> dict[str, tuple[Any, FieldInfo]]:
        """Name -> its plain type in configuration (bool, int, or a text that may be missing), and the field."""
        fields = {name: field for name, field in cls.model_fields.items() if name != "quarters"}
        return {name: (_plain(field.annotation), field) for name, field in fields.items()}

    @classmethod
    def configured(cls, quarters: tuple[Quarter, ...], values: Mapping[str, Any]) -> Self:
        """The request that configuration asks for; an empty text is none."""
        return cls(quarters=quarters, **{name: value for name, value in values.items() if value != ""})

    def configuration(self) -> dict[str, Any]:
        """As `configured` takes it back, in any working folder: whole paths, days as text, nothing that is missing."""
        values = {name: getattr(self, name) for name in self.configurable()}
        return {name: _as_json(value) for name, value in values.items() if value is not None}

    def recorded(self) -> dict[str, Any]:
        """For the run's outcome."""
        return {
            "quarters": [str(quarter) for quarter in self.quarters],
            "request": self.configuration(),
        }

    @property
    def in_time(self) -> tuple[Quarter, ...]:
        """The quarters, each once and in time."""
        return tuple(sorted(set(self.quarters)))

    @property
    def data_folder(self) -> DataFolder:
        """The data folder of the run where nobody names one: what is made again is looked for where it is."""
        if self.as_of is not None or self.release is not None:
            return DataFolder.from_environment()
        return DataFolder.to_write(is_sample=self.sample)

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if not self.quarters:
            raise WrongUsage("Name at least one quarter, such as 2025-26-Q1.")
        if self.sample and self.extracts_dir is not None:
            raise WrongUsage(
                "--sample generates its own extracts: leave out --extracts, or leave out --sample."
            )
        if self.as_of is not None and self.release is not None:
            raise WrongUsage("--release says which files to use: leave out --as-of, or leave out --release.")
        self._refuse_other_files()
        self._refuse_rebuild_that_publishes()
        if self.release is not None:
            release_id_of(self.release, "--release")
        if self.release is not None and len(set(self.quarters)) > 1:
            raise WrongUsage("--release is of one quarter: name that quarter alone.")
        if self.scale < 1:
            raise WrongUsage(f"--scale is a whole number from 1, not {self.scale}.")
        if self.scale > 1 and not self.sample:
            raise WrongUsage("--scale goes with --sample: it says how many organisations are invented.")
        if self.hold and self.dry_run:
            raise WrongUsage("A dry run writes nothing that could be held: leave out --hold, or --dry-run.")
        if self.threads < 1:
            raise WrongUsage(f"--threads is a whole number from 1, not {self.threads}.")
        return self

    def _refuse_rebuild_that_publishes(self) -> None:
        if self.rebuild and (self.release is None or not self.hold):
            raise WrongUsage("A rebuild makes a release anew and holds it: name `release`, and set `hold`.")
        if self.follows is not None:
            if not self.rebuild:
                raise WrongUsage("Only a rebuild follows another release of the quarter before.")
            release_id_of(self.follows, "`follows`")

    def _refuse_other_files(self) -> None:
        vintage = "--as-of" if self.as_of is not None else "--release" if self.release is not None else None
        other = "--sample" if self.sample else "--extracts" if self.extracts_dir is not None else None
        if vintage is not None and other is not None:
            raise WrongUsage(f"{vintage} reads the archive: leave out {other}, or leave out {vintage}.")


def _plain(annotation: Any) -> Any:
    """bool and int as they are; a path, a day or a text, each of which may be missing, as such a text."""
    if annotation in (bool, int):
        return annotation
    if not isinstance(annotation, UnionType) or type(None) not in get_args(annotation):
        raise TypeError(
            f"a field is bool, int, or something written as a text that may be missing: {annotation}"
        )
    return str | None


def _as_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value.resolve())
    return value.isoformat() if isinstance(value, date) else value
