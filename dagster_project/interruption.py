"""Ctrl-C and the system's request to end (SIGINT, SIGTERM): told once, and an end in order, never within a commit."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SENTENCE = "Interrupted. Nothing is half done: what was published before is as it was. Run the command again to finish."
# As long as an orderly end may take; a library that doesn't come back to Python would hold the lock for ever.
PATIENCE_SECONDS = 60.0
_EXIT_CODE = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Whoever types it so often doesn't want to wait for the tidying up.
_AT_ONCE = 3
_asked = threading.Event()
_raised = False
_deaf = False


def listen() -> None:
    """From now on both signals raise KeyboardInterrupt in the main thread, once; those after it are waited out.

    A thread sees to it that the process ends even where the main thread never gets to raise it.
    """
    read, write = os.pipe()
    for descriptor in (read, write):
        os.set_blocking(descriptor, descriptor == read)
    for number in _SIGNALS:
        signal.signal(number, _raise_once)
    # Python writes a signal's number there whoever handles it: Dagster puts its own handlers in for its runs.
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(read,), name="interruption", daemon=True).start()
    # Raised within a callback or a destructor, Python would print it and go on: `end_if_asked` makes up for it.
    sys.unraisablehook = _say_unless_interrupted


def stop_listening() -> None:
    """From now on both signals do nothing: what was to be done is done, only the interpreter still puts itself away.

    It takes handlers of Python's own out before it ends, so that a late signal would kill it after its answer.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def was_asked() -> bool:
    """Whether this process was asked to end, while it could still be ended."""
    return _asked.is_set()


def end_if_asked() -> None:
    """Raises KeyboardInterrupt where this process was asked to end: a library may have swallowed the first one."""
    if was_asked():
        raise KeyboardInterrupt


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error means that somebody ended the work, by Python's own or by Dagster's exception."""
    return error is not None and not isinstance(error, (Exception, GeneratorExit, SystemExit))


@contextmanager
def to_the_end() -> Iterator[None]:
    """What is done in here is done to its end: a commit, or tidying up. Signals that come meanwhile are dropped.

    Where none had come before, it was too late to stop: the command goes on to say what it did.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    global _deaf
    dropped: list[int] = []
    was_deaf, _deaf = _deaf, True
    before = {number: signal.signal(number, lambda number, _: dropped.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        if dropped:
            # The thread that watches has read of them by then.
            time.sleep(0.05)
        _deaf = was_deaf
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _say_unless_interrupted(unraisable: sys.UnraisableHookArgs) -> None:
    if not is_interruption(unraisable.exc_value):
        sys.__unraisablehook__(unraisable)


def _raise_once(_: int, __: FrameType | None) -> None:
    global _raised
    _asked.set()
    if not _raised:
        _raised = True
        raise KeyboardInterrupt


def _watch(descriptor: int) -> None:
    signals = 0
    while number := os.read(descriptor, 1):
        if number[0] not in _SIGNALS or (_deaf and not _asked.is_set()):
            continue
        _asked.set()
        signals += 1
        if signals >= _AT_ONCE:
            _end_at_once()
        if signals == 1:
            ending = threading.Timer(PATIENCE_SECONDS, _end_at_once)
            ending.daemon = True
            ending.start()


def _end_at_once() -> None:
    """The system frees the lock; the next run sweeps what is left."""
    print("Interrupted and ended at once; the next run tidies up.", file=sys.stderr, flush=True)
    os._exit(_EXIT_CODE)
