"""The shared files of the pages: their style sheet and scripts, as set-up or the wheel's build made them
(`hatch_build.py`), and the project's own scripts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dagster_project.errors import InputMissing
from dagster_project.settings import PROJECT_ROOT

_OWN = Path(__file__).with_name("web")
_BUILT = PROJECT_ROOT / "build" / "frontend"
_STYLE_SHEET = "site.css"
_LUNR = Path("node_modules/lunr/lunr.min.js")


def assets() -> Mapping[str, bytes]:
    """The shared files of the pages by name, such as `site.css`; raises InputMissing before set-up."""
    return {name: file.read_bytes() for name, file in _files().items()}


@cache
def _files() -> Mapping[str, Path]:
    found = {_STYLE_SHEET: _BUILT / _STYLE_SHEET, "lunr.min.js": _BUILT / _LUNR}
    found |= {file.name: file for file in sorted(_OWN.glob("*.js"))}
    for file in found.values():
        if not file.is_file():
            raise InputMissing(
                f"{file}: the pages' shared files aren't made yet. In a checkout `make setup` makes them; a wheel "
                "brings them."
            )
    return found


@cache
def address_of(name: str) -> str:
    """Where a shared file lies below the root: its name holds the hash of its content, so that caches may keep it."""
    content = _files()[name].read_bytes()
    stem, _, suffix = name.rpartition(".")
    return f"assets/{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
