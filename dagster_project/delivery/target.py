"""Where releases are delivered to: what every kind of target does, and which kind an address means.

A new kind of target is a module beside this one, and an entry in `target_of`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Protocol

from dagster_project.delivery.delivered import Wanted
from dagster_project.delivery.report import Report, Tell
from dagster_project.errors import WrongUsage

_ADDRESSES = "postgresql://HOST/DATABASE, iceberg:FOLDER or delta:FOLDER"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


class Delivery(Protocol):
    """A target. Its texts and errors never hold credentials."""

    @property
    def address(self) -> str:
        """The target as it may be shown and kept: without any password."""

    @property
    def says_password(self) -> bool:
        """Whether the address holds a password, which whoever lists this machine's processes can read."""

    def grants(self) -> str:
        """SQL that makes the roles and schemas that a delivery needs; raises WrongUsage where a target has no such."""

    def deliver(self, wanted: Wanted, *, by: str, dry_run: bool, take_over: bool, tell: Tell) -> Report:
        """Brings the target to what is on offer, all of it at once or nothing, and reads it back from there.

        The offer is made when no other delivery is at work there, so that none brings back what was withdrawn.
        A quarter that is there already, as released, is kept. With `dry_run` it only says what would be done. Raises
        WrongUsage where the target holds figures of the other kind, or, without `take_over`, a release that this data
        folder never published; MachineFault where the target can't be reached or refuses; LeagueError where what is
        read back isn't what was released.
        """


def target_of(address: str, *, schema: str | None = None) -> Delivery:
    """The target that an address means; `schema` is the schema or namespace there, by default `league`.

    Raises WrongUsage for an address of no kind that is known, and where the packages of its kind aren't installed. The
    message doesn't repeat the address, which may hold a password.
    """
    kinds: Mapping[str, Callable[[str, str | None], Delivery]] = {
        "postgresql": _postgresql,
        "postgres": _postgresql,
        "iceberg": _lake,
        "delta": _lake,
    }
    scheme = _SCHEME.match(address)
    kind = kinds.get(scheme[1].lower()) if scheme else None
    if kind is None:
        raise WrongUsage(f"TARGET: expected an address such as {_ADDRESSES}; found another kind of text.")
    return kind(address, schema)


def _postgresql(address: str, schema: str | None) -> Delivery:
    try:
        from dagster_project.delivery.postgresql import PostgreSQL
    except ImportError as error:
        if not (error.name or "psycopg").startswith("psycopg"):
            raise
        raise _not_installed("PostgreSQL", "postgresql", error) from error
    return PostgreSQL.at(address, schema=schema)


def _lake(address: str, schema: str | None) -> Delivery:
    from dagster_project.delivery.lake.deliver import NEEDS, LakeDelivery

    form, _, place = address.partition(":")
    for package in NEEDS[form.lower()]:
        if find_spec(package) is None:
            raise _not_installed(f"{form} lakes", "lake", ImportError(name=package))
    return LakeDelivery.at(form.lower(), place, namespace=schema)


def _not_installed(what: str, extra: str, error: ImportError) -> WrongUsage:
    return WrongUsage(
        f"Delivery to {what} needs packages that aren't installed ({error.name or error}): "
        f"pip install 'nhs-league-tables[{extra}]'."
    )
