"""What is delivered behind the release: the current releases in a database and in lakes, where one is configured.

Where to is said in the environment alone, by an address without a password: Dagster keeps a run's configuration for
ever. How a delivery is done isn't here (`delivery`).
"""

# No postponed annotations here: Dagster reads the type of `context`.
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import dagster as dg

from dagster_project.assets.dbt_translation import OWNERS
from dagster_project.assets.failures import plainly
from dagster_project.assets.releases import RELEASE, STATE
from dagster_project.delivery.report import Report
from dagster_project.delivery.target import Delivery, target_of
from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.releases.journal import person, published_state
from dagster_project.settings import DataFolder

GROUP = "delivery"
VARIABLES: Mapping[str, str] = MappingProxyType(
    {name: f"LEAGUE_DELIVER_{name.upper()}" for name in ("postgresql", "iceberg", "delta")}
)
DELIVERIES = tuple(dg.AssetKey([GROUP, name]) for name in VARIABLES)
_WORDS = {
    "postgresql": (
        "The current releases in tables of a PostgreSQL database.",
        "an address without a password, such as postgresql://loader@host/warehouse; the password comes from "
        "PGPASSWORD, ~/.pgpass or a service file",
    ),
    "iceberg": (
        "The current releases in an Iceberg lake.",
        "a folder, or an address in an object store; credentials are the store's own variables",
    ),
    "delta": (
        "The current releases in a Delta lake.",
        "a folder, or an address in an object store; credentials are the store's own variables",
    ),
}
_ADDRESSES_BEGIN = {
    "postgresql": ("postgresql:", "postgres:"),
    "iceberg": ("iceberg:",),
    "delta": ("delta:",),
}


def configured() -> list[str]:
    """The names of the deliveries that have a target."""
    return [name for name, variable in VARIABLES.items() if os.environ.get(variable, "").strip()]


def state_of(name: str, data: DataFolder) -> str:
    """What a delivery brings its target to, in a word: it changes with whatever is published, approved, rolled back or
    withdrawn, and with the target.
    """
    said = "\n".join((os.environ.get(VARIABLES[name], "").strip(), published_state(data)))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def deliveries() -> Sequence[dg.AssetsDefinition]:
    """An asset for each kind of target. They share a job of their own, in which each has its own success or failure."""
    return [_delivery(name) for name in VARIABLES]


def _delivery(name: str) -> dg.AssetsDefinition:
    what, where = _WORDS[name]

    @dg.asset(
        key=[GROUP, name],
        deps=[RELEASE],
        group_name=GROUP,
        owners=OWNERS,
        kinds={name},
        # Two deliveries to one place at once would wait for each other there; a quarter may be built meanwhile.
        pool=GROUP,
        output_required=False,
        description=f"{what} Where: {VARIABLES[name]} in the environment of Dagster's processes, {where}. Withdrawn "
        "releases are taken away. Without the variable nothing is delivered: alone it fails and says so, behind other "
        "assets it is left out.",
    )
    def delivered(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        """Delivers what is current, and tells which quarters were delivered, kept and taken away. Materialises nothing
        where it has no target and is only in the run because it lies behind what was asked for.
        """
        if name not in configured() and not _alone(context.run):
            context.log.warning(f"Nothing is delivered: {VARIABLES[name]} isn't set.")
            return
        with plainly():
            from dagster_project.delivery.delivered import Wanted

            data, target = DataFolder.from_environment(), _target(name)
            state = state_of(name, data)
            report = target.deliver(
                Wanted.of(data), by=person(), dry_run=False, take_over=False, tell=context.log.info
            )
        yield dg.MaterializeResult(metadata=_metadata(report, state))

    return delivered


def _alone(run: dg.DagsterRun) -> bool:
    """Whether deliveries are all that a run is for; of a whole job that holds them, they are."""
    return set(run.asset_selection or ()) <= set(DELIVERIES)


def _target(name: str) -> Delivery:
    """The configured target. Raises InputMissing where there is none, WrongUsage where it is another kind of target or
    its address holds a password, which is never repeated.
    """
    variable = VARIABLES[name]
    address = os.environ.get(variable, "").strip()
    if not address:
        raise InputMissing(
            f"{variable}: expected where to deliver; found nothing. Set it in the environment of Dagster's processes: "
            f"{_WORDS[name][1]}."
        )
    if not address.startswith(_ADDRESSES_BEGIN[name]):
        if name == "postgresql":
            raise WrongUsage(
                f"{variable}: expected an address that begins with postgresql://; found another text."
            )
        address = f"{name}:{address}"
    place = address.partition(":")[2]
    if name != "postgresql" and "://" not in place and not Path(place).expanduser().is_absolute():
        raise WrongUsage(
            f"{variable}: expected a whole path, such as /srv/lake/{name}; found {place}, which would be "
            "another folder for each of Dagster's processes."
        )
    target = target_of(address)
    if target.says_password:
        raise WrongUsage(
            f"{variable}: expected an address without a password; found one with it. Take it out: it comes from "
            "PGPASSWORD, ~/.pgpass or a service file."
        )
    return target


def _metadata(report: Report, state: str) -> dict[str, dg.MetadataValue]:
    ids = "\n".join(
        f"- {one.quarter}: `{one.release_id}`" for one in report.quarters if one.outcome != "withdrawn"
    )
    return {
        "target": dg.MetadataValue.text(report.target),
        **{
            outcome: dg.MetadataValue.text(", ".join(one.quarter for one in report.of(outcome)) or "none")
            for outcome in ("delivered", "kept", "withdrawn")
        },
        "releases": dg.MetadataValue.md(ids or "none"),
        "rows": dg.MetadataValue.int(report.rows_verified),
        "tables verified": dg.MetadataValue.int(report.hashes_verified),
        "changes": dg.MetadataValue.md("\n".join(f"- {change}" for change in report.changes) or "none"),
        "notice": dg.MetadataValue.text(report.notice),
        STATE: dg.MetadataValue.text(state),
    }
