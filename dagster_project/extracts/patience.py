"""How long a request waits and how often it is tried again: timeouts, attempts, growing pauses, Retry-After."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Answers that may be others in a moment.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """Seconds everywhere. `stalled` is the longest silence while reading, `whole_file` the longest download.

    Between attempts the pause doubles from `first_pause` to `longest_pause`, each less up to half by chance,
    so that many readers don't come back at once. A Retry-After up to `longest_asked` is kept to.
    """

    connecting: float = 10.0
    stalled: float = 60.0
    whole_file: float = 3600.0
    attempts: int = 4
    first_pause: float = 1.0
    longest_pause: float = 60.0
    longest_asked: float = 300.0
    redirects: int = 5
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def pause_after(self, attempt: int) -> float:
        """How long to wait after that many failed attempts."""
        whole = min(self.first_pause * 2.0 ** (attempt - 1), self.longest_pause)
        return whole * (1 - self.chance() / 2)

    def asked_pause(self, retry_after: str | None) -> float | None:
        """Seconds that a Retry-After header asks for (a number or a date); None without or if unreadable."""
        text = (retry_after or "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self.now()).total_seconds())
