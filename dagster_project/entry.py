"""The command `league` from its first moment to its last: signals, pipes that close, and what nobody expected.

Nothing heavy is imported here: the verbs come once an interruption would be answered in one line.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys

from dagster_project import interruption

_NOBODY_LISTENS = 141
_OUR_FAULT = 1
_NO_ROOM = 3


class _Pipe(io.FileIO):
    """Standard output or error: once nobody reads it any more, what is written to it is lost, quietly."""

    is_closed_at_the_other_end = False

    def write(self, content: object) -> int:
        try:
            return super().write(content)  # type: ignore[arg-type]
        except BrokenPipeError:
            self.is_closed_at_the_other_end = True
            return len(content)  # type: ignore[arg-type]


def main() -> None:
    """Ends with the verb's exit code; 130 where it was interrupted, 141 where its output was closed early.

    It ends the process: files, connections and databases that are still open then aren't put away, and a caller who
    catches its SystemExit ends with its code all the same.
    """
    ending = _Ending()
    atexit.register(ending.end)
    interruption.listen()
    _read_text_as_utf8()
    _collect_seldom()
    _multiply_on_one_thread()
    output, errors = _Pipe(1, "w", closefd=False), _Pipe(2, "w", closefd=False)
    sys.stdout, sys.stderr = _text(output), _text(errors)
    code = _run()
    interruption.stop_listening()
    try:
        sys.stdout.flush()
    except OSError as error:
        if code == 0:
            _say(f"The answer couldn't be written: {error}.")
        code = code or _NO_ROOM
    if output.is_closed_at_the_other_end and code == 0:
        code = _NOBODY_LISTENS
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    _flush()
    ending.code = code
    sys.exit(code)


class _Ending:
    """Ends the process as soon as everybody has put away what is theirs.

    Python would take every module and object of the libraries apart, which takes two seconds and gives nobody anything.
    The first to be registered is called last: behind what closes files, stops threads and removes temporary folders.
    """

    code: int | None = None

    def end(self) -> None:
        """Does nothing where the command hasn't come to its end: Python then says why."""
        if self.code is not None:
            os._exit(self.code)


def _collect_seldom() -> None:
    """Imports and parsed projects make a million objects that stay: looking through them again and again for ones
    that have gone takes a sixth of a run.
    """
    gc.set_threshold(100_000, 50, 100)


def _multiply_on_one_thread() -> None:
    """Threads of numpy's and scipy's libraries of linear algebra would wait for work that hardly comes, awake."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _run() -> int:
    try:
        from dagster_project.cli import app

        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else _OUR_FAULT if ended.code else 0
    except KeyboardInterrupt:
        _say(interruption.SENTENCE)
        return 130
    except Exception as error:
        if os.environ.get("LEAGUE_DEBUG"):
            raise
        _say(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}. LEAGUE_DEBUG=1 shows where.")
        return _OUR_FAULT
    return 0


def _flush() -> None:
    """The last one: what can't be written is lost, so that Python itself doesn't try."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _text(stream: io.FileIO) -> io.TextIOWrapper:
    # What can't be written in UTF-8, such as a file's name in another encoding, is shown escaped.
    buffered = io.BufferedWriter(stream)
    return io.TextIOWrapper(
        buffered,
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=stream.isatty() or stream.fileno() == 2,
    )


def _say(text: str) -> None:
    print(f"error  {text}", file=sys.stderr)


def _read_text_as_utf8() -> None:
    """Starts anew in Python's UTF-8 mode where the locale's encoding is another: paths and files here are UTF-8."""
    if sys.getfilesystemencoding() == "utf-8" and (sys.flags.utf8_mode or _prefers_utf8()):
        return
    if os.environ.get("LEAGUE_STARTED_ANEW"):
        return
    os.environ.update({"PYTHONUTF8": "1", "LEAGUE_STARTED_ANEW": "1"})
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _prefers_utf8() -> bool:
    import locale

    return locale.getpreferredencoding(False).casefold().replace("-", "") == "utf8"
