"""The pages' style sheet and scripts: taken from npm by `package-lock.json`, the style sheet compiled without fonts
that would load from elsewhere, all of it once at set-up (`python -m dagster_project.publication.frontend`).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dagster_project.errors import InputMissing, LeagueError
from dagster_project.settings import PROJECT_ROOT

_WEB = Path(__file__).with_name("web")
_BUILT = PROJECT_ROOT / "build" / "frontend"
_STYLE_SHEET = "site.css"
_LUNR = Path("node_modules/lunr/lunr.min.js")


def build() -> Path:
    """Installs what `package-lock.json` names, each held against its hash, and compiles the style sheet.

    Raises LeagueError with npm's or Sass's own words.
    """
    _BUILT.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_WEB / name, _BUILT / name)
    tools = Path(sys.executable).parent
    _call([str(tools / "npm"), "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"])
    load = f"--load-path={_BUILT / 'node_modules'}"
    options = [load, "--style=compressed", "--no-source-map", "--quiet-deps"]
    _call(
        [
            str(tools / "node"),
            "node_modules/sass/sass.js",
            *options,
            str(_WEB / "site.scss"),
            str(_BUILT / _STYLE_SHEET),
        ]
    )
    _files.cache_clear()
    return _BUILT


def _call(command: list[str]) -> None:
    ended = subprocess.run(command, cwd=_BUILT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip()
        raise LeagueError(f"The pages' style sheet and scripts can't be made: {said}")


def assets() -> Mapping[str, bytes]:
    """The shared files of the pages by name, such as `site.css`; raises InputMissing before set-up."""
    return {name: file.read_bytes() for name, file in _files().items()}


@cache
def _files() -> Mapping[str, Path]:
    found = {_STYLE_SHEET: _BUILT / _STYLE_SHEET, "lunr.min.js": _BUILT / _LUNR}
    found |= {file.name: file for file in sorted(_WEB.glob("*.js"))}
    for file in found.values():
        if not file.is_file():
            raise InputMissing(f"{file}: the pages' shared files aren't made yet. `make setup` makes them.")
    return found


@cache
def address_of(name: str) -> str:
    """Where a shared file lies below the root: its name holds the hash of its content, so that caches may keep it."""
    content = _files()[name].read_bytes()
    stem, _, suffix = name.rpartition(".")
    return f"assets/{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"


if __name__ == "__main__":
    build()
