"""Progress of a run in plain sentences, to whoever listens: the terminal, Dagster's log, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagster_project.shown import visible

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
