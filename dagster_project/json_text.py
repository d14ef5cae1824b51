"""JSON from files that anyone may have written: what is nested beyond measure is as wrong as what is no JSON."""

from __future__ import annotations

import json
from typing import Any


def parsed_json(raw: bytes | str) -> Any:
    """The value that the JSON writes; raises ValueError for what is no JSON, or nested too deep to be read."""
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("JSON nested deeper than any that we write") from None
