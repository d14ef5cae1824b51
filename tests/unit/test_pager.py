"""Answers go through the pager where they are longer than a terminal's screen, and nowhere else."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from dagster_project.pager import in_pages, is_longer
from dagster_project.settings import PROJECT_ROOT

_SHOW = "from dagster_project.pager import in_pages; in_pages(lambda: print('\\n'.join(['line'] * {lines})))"


def on_a_terminal(lines: int, pager: Path) -> str:
    """What a terminal of 24 lines shows of so many, with a pager that marks each line."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _SHOW.format(lines=lines)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=PROJECT_ROOT,
        env=os.environ | {"PAGER": str(pager), "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        shown += more
    os.close(master)
    assert process.wait() == 0, shown
    return shown.decode()


@pytest.mark.parametrize(("lines", "is_paged"), [(10, False), (100, True)])
def test_only_what_is_longer_than_the_screen_is_paged(tmp_path: Path, lines: int, is_paged: bool) -> None:
    pager = tmp_path / "marking"
    pager.write_text("#!/bin/sh\nexec sed 's/^/paged: /'\n")
    pager.chmod(0o755)
    shown = on_a_terminal(lines, pager).split("\r\n")
    assert [line for line in shown if line] == ["paged: line" if is_paged else "line"] * lines


def test_nothing_is_paged_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    in_pages(lambda: print("line\n" * 1000, end=""))
    assert capsys.readouterr().out == "line\n" * 1000


def test_a_line_that_is_wider_than_the_screen_takes_several() -> None:
    screen = os.terminal_size((80, 24))
    assert not is_longer("\x1b[1mline\x1b[0m\n" * 23, screen)
    assert is_longer("line\n" * 24, screen)
    assert is_longer("x" * 81 * 23, screen)
