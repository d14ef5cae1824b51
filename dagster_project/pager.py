"""Answers longer than the screen, a page at a time where there is a terminal: in the pager that PAGER names, else less.

What is piped, written to a file or fits the screen is written as it is.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import TextIO

import click
from rich.cells import cell_len
from rich.text import Text

# Where less isn't told otherwise: colours as they are, the answer left on the screen, no page for what fits one.
_LESS = "FRX"


class _Held(io.StringIO):
    """What is written for a terminal, kept until it is known how long it is."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._terminal.fileno()


def in_pages(show: Callable[[], object]) -> None:
    """Calls `show`, which prints; on a terminal its output goes through the pager if the screen is too small for it."""
    terminal = sys.stdout
    if not (terminal.isatty() and sys.stdin.isatty()):
        show()
        return
    held = _Held(terminal)
    try:
        with redirect_stdout(held):
            show()
    finally:
        text = held.getvalue()
        if is_longer(text, os.get_terminal_size(terminal.fileno())):
            os.environ.setdefault("LESS", _LESS)
            click.echo_via_pager(text.removesuffix("\n"), color=True)
        else:
            terminal.write(text)
            terminal.flush()


def is_longer(text: str, screen: os.terminal_size) -> bool:
    """Whether a text takes more lines than the screen has beside the line of the next prompt."""
    lines = (cell_len(Text.from_ansi(line).plain) for line in text.splitlines())
    return sum(max(1, -(-length // screen.columns)) for length in lines) >= screen.lines
