"""Passes a run's OpenLineage events on, where the environment says to whom; the client's own transport does it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

_ASKED_BY = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")


def is_asked_for() -> bool:
    """Whether OPENLINEAGE_URL or OPENLINEAGE_CONFIG is set, and OPENLINEAGE_DISABLED isn't."""
    disabled = os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true"
    return not disabled and any(os.environ.get(name) for name in _ASKED_BY)


class Sender:
    """Sends by the transport that OpenLineage's client makes of its variables or its file."""

    def send(self, events: Sequence[RunEvent]) -> str | None:
        """Sends the events in their order; returns what kept them from arriving, None if all were taken.

        The first that isn't taken ends it: an endpoint that is down would cost each event its patience.
        """
        sent = 0
        try:
            client = self._client()
            for event in events:
                client.emit(event)
                sent += 1
            client.close(timeout=10.0)
        except Exception as error:
            return f"{sent} of {len(events)} events sent on, then {type(error).__name__}: {error}"
        return None

    def _client(self) -> Any:
        from openlineage.client import OpenLineageClient

        return OpenLineageClient()
