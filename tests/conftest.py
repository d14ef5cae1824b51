"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def official_dir() -> Path:
    """The folder of official files (`LEAGUE_OFFICIAL_DIR`, else ../shared/official beside the checkout).

    Skips where it isn't there, or fails if `official` is among the words of `LEAGUE_REQUIRE`.
    """
    folder = Path(os.environ.get("LEAGUE_OFFICIAL_DIR") or _CHECKOUT.parent / "shared" / "official")
    if (folder / "nof-2025-26").is_dir():
        return folder
    reason = f"no official files in {folder}: set LEAGUE_OFFICIAL_DIR to the folder that holds nof-2025-26"
    if "official" in [word.strip() for word in os.environ.get("LEAGUE_REQUIRE", "").split(",")]:
        pytest.fail(f"{reason} (LEAGUE_REQUIRE says that they must be there)")
    pytest.skip(reason)
