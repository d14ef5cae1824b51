"""What a test needs beyond the locked packages: it skips where that is missing, or fails where it must be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(word: str, reason: str) -> NoReturn:
    """Skips the test for a reason, or fails it if `word` is among the words of `LEAGUE_REQUIRE`."""
    if word in [one.strip() for one in os.environ.get("LEAGUE_REQUIRE", "").split(",")]:
        pytest.fail(f"{reason} (LEAGUE_REQUIRE says that it must be there)")
    pytest.skip(reason)
