"""Retries: how long a request waits and how often it is tried again, with growing pauses, jitter and Retry-After."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Answers that may be others in a moment.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_YEAR = 365 * 86400.0
_LONGEST_NUMBER = 100


class TryAgain(Exception):
    """An attempt failed in a way that may pass."""

    def __init__(self, found: str, pause: float | None = None, *, no_answer: bool = False) -> None:
        super().__init__(found)
        self.pause = pause
        self.no_answer = no_answer


@dataclass(frozen=True)
class Patience:
    """Seconds everywhere. `stalled` is the longest silence while reading, `whole_file` the longest download of
    one file, all attempts together, `whole_page` that of a page, `whole_fetch` everything of one session.

    Bytes that come at less than `slowest` a second on average, once `rate_after` seconds have passed, are too slow.
    Up to `longest_between` seconds are left between two requests where robots.txt asks for it; a longer pause
    means that the publisher doesn't want to be read by a program, and nothing is read. `for_lock` is how long
    a file that is downloaded waits for a run to end.

    Between attempts the pause doubles from `first_pause` to `longest_pause`, each less up to half by chance,
    so that many readers don't come back at once. A Retry-After up to `longest_asked` is kept to.
    """

    connecting: float = 10.0
    stalled: float = 60.0
    whole_file: float = 3600.0
    whole_page: float = 120.0
    whole_fetch: float = 4 * 3600.0
    slowest: float = 1000.0
    rate_after: float = 120.0
    longest_between: float = 60.0
    for_lock: float = 600.0
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
        """Seconds that a Retry-After header asks for (a number or a date); None without or if unreadable.

        More than a year, however it is written, is a year.
        """
        text = (retry_after or "").strip()[:_LONGEST_NUMBER]
        if text.isascii() and text.isdigit():
            return min(float(text), _YEAR)
        try:
            moment = parsedate_to_datetime(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return min(max(0.0, (moment - self.now()).total_seconds()), _YEAR)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
