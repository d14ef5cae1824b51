"""The flow of a run, said once: its stages in order, what each needs and builds, and which gate stands behind it.

Dagster's assets and checks, a run without Dagster, lineage events, scenarios and tests follow from it. What a stage
does isn't here (`stages.py`, `read.py`, `release_stage.py`), nor who leads a run through them (`passage.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

_DBT_PROJECT = "nhs_league_tables"


@dataclass(frozen=True)
class Gate:
    """What must hold before anything behind a stage begins; `judges` and `beside` are tables of the warehouse."""

    name: str
    judges: str
    description: str
    # Read as well, so that the gate waits for them.
    beside: tuple[str, ...] = ()
    # Every difference from the publisher is known once it has judged.
    reconciles: bool = False

    @property
    def step(self) -> str:
        """Its name among the steps of a run, as outcome and lineage events have it."""
        return f"gate {self.name}"

    @property
    def says(self) -> str:
        """What a run announces."""
        return f"Gate: {self.name.replace('_', ' ')}"


@dataclass(frozen=True)
class Stage:
    """One stage. `needs` are the stages whose results it takes; `folders` the dbt models that it builds."""

    name: str
    says: str
    needs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    # It loads dbt's seeds: the rules of scoring.
    seeds: bool = False
    # Python draws from its models, to tables that later models read.
    draws: bool = False
    # Its tables hold the quarters of earlier runs too.
    keeps_quarters: bool = False
    gate: Gate | None = None

    @property
    def step(self) -> str:
        """Its name among the steps of a run."""
        return self.name

    @property
    def command(self) -> str | None:
        """dbt's command, of a stage that is dbt's."""
        return "seed" if self.seeds else "run" if self.folders else None

    @property
    def selection(self) -> tuple[str, ...]:
        """What dbt selects of the project."""
        return SEEDS if self.seeds else selected(*self.folders)


Step = Stage | Gate


def selected(*folders: str) -> tuple[str, ...]:
    """dbt's selection of folders below its models, or of single models in them (`league_tables.league_table`)."""
    return tuple(f"fqn:{_DBT_PROJECT}.{folder}" for folder in folders)


SEEDS = ("resource_type:seed",)
RELEASE = "release"
FLOW = (
    Stage("read", "Reading extracts"),
    Stage(
        "seed",
        "Loading the rules of scoring",
        needs=("read",),
        seeds=True,
        gate=Gate(
            "extracts",
            judges="landing.extract_row",
            beside=("methodology.metric", "reference.region"),
            description="Great Expectations over what was read: codes, units, duplicates, quarters, ranges of scores",
        ),
    ),
    Stage(
        "measure",
        "Normalising metric values",
        needs=("seed",),
        folders=("staging", "statistics", "metrics"),
        gate=Gate(
            "metrics",
            judges="metrics.metric_value",
            description="Great Expectations over metric values: ranges, completeness, jumps against the quarter before",
        ),
    ),
    Stage(
        "score",
        "Scoring and ranking",
        needs=("measure",),
        folders=("scoring",),
    ),
    Stage(
        "likely_ranges",
        "Drawing likely ranges",
        needs=("score",),
        folders=("likely_ranges",),
        draws=True,
    ),
    Stage(
        "league_tables",
        "Making league tables",
        needs=("score", "likely_ranges"),
        folders=("league_tables", "audit", "history", "insight"),
        keeps_quarters=True,
        gate=Gate(
            "league_tables",
            judges="league.league_table",
            beside=("league.reconciliation", "league.metric_ranking", "league.domain_score"),
            description="Great Expectations over league tables: segments, ranks, and reconciliation with the publisher",
            reconciles=True,
        ),
    ),
    Stage(RELEASE, "Releasing", needs=("league_tables",)),
)


def steps() -> Iterator[Step]:
    """Every stage, each with its gate behind it, in the order of a run."""
    for stage in FLOW:
        yield stage
        if stage.gate is not None:
            yield stage.gate


def stage(name: str) -> Stage:
    """The stage of that name."""
    (found,) = (each for each in FLOW if each.name == name)
    return found


def gates() -> tuple[Gate, ...]:
    """The gates in their order."""
    return tuple(each.gate for each in FLOW if each.gate is not None)


def waits_for(step: Step) -> tuple[str, ...]:
    """The steps that must be done before: a stage waits for the gates of what it needs, a gate for its stage."""
    if isinstance(step, Gate):
        return tuple(each.step for each in FLOW if each.gate == step)
    needed = (stage(name) for name in step.needs)
    return tuple((each.gate or each).step for each in needed)


def behind(step: Step) -> tuple[str, ...]:
    """The steps that come after it: what they gave no longer holds once it is done anew."""
    names = [each.step for each in steps()]
    return tuple(names[names.index(step.step) + 1 :])


def lacking(wanted: Collection[str], done: Collection[str]) -> tuple[str, ...]:
    """The steps that steps to be done wait for, and that are neither done nor to be done before; none where a run of
    `wanted` can go on from `done`.
    """
    have, missing = set(done), list[str]()
    for step in steps():
        if step.step in wanted:
            missing += [before for before in waits_for(step) if before not in have and before not in missing]
            have = have - set(behind(step)) | {step.step}
    return tuple(missing)


def folders(*, after: str | None = None, until: str | None = None) -> tuple[str, ...]:
    """The dbt folders in the order of the flow, those behind one up to and with another."""
    every = [folder for each in FLOW for folder in each.folders]
    first = every.index(after) + 1 if after is not None else 0
    last = every.index(until) + 1 if until is not None else len(every)
    return tuple(every[first:last])
