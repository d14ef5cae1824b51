"""Progress of a run in plain sentences, to whoever listens: the terminal, Dagster's log, or nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagster_project.shown import visible

# Nobody who waits is left without a word for longer than three seconds.
_SILENCE_SECONDS = 2.5
# How a sentence begins that says nothing new.
STILL = "  still: "
_listeners: list[Callable[[str], None]] = []


def announce(text: str) -> None:
    """Tells every listener; what the text quotes is made visible."""
    for listener in _listeners:
        listener(visible(text))


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Calls `listener` with each sentence for as long as the context is open."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def kept_posted(
    listener: Callable[[str], None], doing: str, silence_seconds: float = _SILENCE_SECONDS
) -> Iterator[None]:
    """As `listening`; whenever nothing was said for so long, `listener` hears what is still being done.

    `doing` says what is done until the first sentence comes.
    """
    posts = _Posts(listener, doing, silence_seconds)
    thread = threading.Thread(target=posts.repeat, name="progress", daemon=True)
    thread.start()
    try:
        with listening(posts.hear):
            yield
    finally:
        posts.ended.set()
        thread.join()


class _Posts:
    """What was said last, and since when nothing has been said."""

    def __init__(self, listener: Callable[[str], None], doing: str, silence_seconds: float) -> None:
        self.ended = threading.Event()
        self._listener = listener
        self._doing = doing
        self._silence = silence_seconds
        self._said_at = time.monotonic()

    def hear(self, text: str) -> None:
        self._doing = text.strip()
        self._said_at = time.monotonic()
        self._listener(text)

    def repeat(self) -> None:
        """Until it is ended: says again what is being done, each time that nothing was said for so long."""
        while not self.ended.wait(max(0.0, self._said_at + self._silence - time.monotonic())):
            if time.monotonic() - self._said_at >= self._silence:
                self._said_at = time.monotonic()
                self._listener(f"{STILL}{self._doing}")
