"""Where things live: the project's own folders, in a checkout or in an installed package, and the data folder
(`LEAGUE_DATA_DIR`, `data`, `data-sample`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dagster_project.errors import WrongUsage

PACKAGE_DIR = Path(__file__).resolve().parent
# A wheel brings what lies beside the package in a checkout within it (pyproject.toml, hatch_build.py).
BESIDE_IT_IN_A_WHEEL = PACKAGE_DIR / "_project"
IS_INSTALLED = BESIDE_IT_IN_A_WHEEL.is_dir()
PROJECT_ROOT = BESIDE_IT_IN_A_WHEEL if IS_INSTALLED else PACKAGE_DIR.parent
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt"
METHODOLOGY_DIR = DBT_PROJECT_DIR / "seeds" / "methodology"
EXPECTATIONS_DIR = PROJECT_ROOT / "expectations"
CONTRACT_FILE = PROJECT_ROOT / "contract" / "nhs-league-tables.odcs.yaml"
DATA_VARIABLE = "LEAGUE_DATA_DIR"
WAREHOUSE_NAME = "nhs_league_tables"
WAREHOUSE_SCHEMA = "league"
OWNER = "team:league-tables"


def code_path(path: str, root: Path = PROJECT_ROOT) -> Path:
    """Where a file or folder of the code is that is called `path` below the checkout `root`, with slashes.

    In a wheel the package isn't below the folder that holds `dbt` and `expectations`.
    """
    top, _, below = path.partition("/")
    is_own_package = IS_INSTALLED and root == PROJECT_ROOT and top == PACKAGE_DIR.name
    return PACKAGE_DIR / below if is_own_package else root / path


@dataclass(frozen=True)
class DataFolder:
    """The folders below the data folder; none is created before it is needed."""

    root: Path

    @classmethod
    def from_environment(cls) -> DataFolder:
        """The folder to read: LEAGUE_DATA_DIR if it is set; else `data` or, where that holds nothing, the sample's.

        Raises WrongUsage where it can't be a folder.
        """
        official, sample = cls.to_write(is_sample=False), cls.to_write(is_sample=True)
        return sample if sample.root.is_dir() and not official.holds_anything else official

    @classmethod
    def to_write(cls, *, is_sample: bool) -> DataFolder:
        """The folder for figures of a kind: LEAGUE_DATA_DIR if it is set; else `data`, or `data-sample`, of the
        checkout or, where the package is installed, of the folder that one is in.

        Raises WrongUsage where it can't be a folder.
        """
        name = "data-sample" if is_sample else "data"
        root = Path(os.environ.get(DATA_VARIABLE) or (Path.cwd() if IS_INSTALLED else PROJECT_ROOT) / name)
        shown = os.fsencode(root).decode(errors="backslashreplace")
        try:
            str(root).encode()
            root = root.resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise WrongUsage(f"{DATA_VARIABLE} is {shown}, which can't be a folder: {error}.") from None
        there = next((path for path in (root, *root.parents) if path.exists()), None)
        if there is not None and not there.is_dir():
            raise WrongUsage(
                f"{DATA_VARIABLE} is {shown}: expected a folder, or a place where one can be made; {there} is a file."
            )
        return cls(root)

    @property
    def holds_anything(self) -> bool:
        """Whether files, releases or nowcasts are in it, or what kind of them it is for."""
        kept = (self.archive, self.warehouse, self.releases, self.nowcasts, self.root / "data_folder.json")
        return any(path.exists() for path in kept)

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse" / f"{WAREHOUSE_NAME}.duckdb"

    @property
    def candidates(self) -> Path:
        return self.root / "candidates"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def dagster_home(self) -> Path:
        return self.root / "dagster"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def spark(self) -> Path:
        """A local Spark's catalogue, tables and log."""
        return self.root / "spark"

    @property
    def lake_releases(self) -> Path:
        """What each release of a lake was made of."""
        return self.root / "lake"

    @property
    def publication(self) -> Path:
        return self.root / "publication"

    @property
    def publication_embargoed(self) -> Path:
        return self.root / "publication-embargoed"

    @property
    def nowcasts(self) -> Path:
        return self.root / "nowcasts"

    @property
    def lock_file(self) -> Path:
        return self.root / "writer.lock"
