"""Takes the places of a machine out of a message that leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from dagster_project.runs.quarterly_run import QuarterlyRun


def without_places(message: str, run: QuarterlyRun) -> str:
    """The message with the run's folders said by their role, longest first: no path of the machine remains of them."""
    request = run.request
    roles = {"DATA": run.data.root, "CHECKOUT": PROJECT_ROOT, "HOME": Path.home()}
    if request.extracts_dir is not None:
        roles["EXTRACTS"] = request.extracts_dir
    if request.rules_dir is not None:
        roles["RULES"] = request.rules_dir
    places = [(str(path), role) for role, path in roles.items()]
    places += [(str(path.resolve()), role) for role, path in roles.items()]
    for place, role in sorted(places, key=lambda known: -len(known[0])):
        if len(place) > 1:
            message = message.replace(place, role)
    return message
